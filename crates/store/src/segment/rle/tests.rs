use super::*;
use proptest::prelude::*;

fn round_trip(codes: &[u32], width: u32) {
    let mut bytes = Vec::new();
    encode(codes, width, &mut bytes);
    assert_eq!(decode(&bytes, codes.len(), width).as_deref(), Some(codes), "width {width}");
}

#[test]
fn runs_and_literals_survive_side_by_side() {
    round_trip(&[], 1);
    round_trip(&[0; 5000], 0);
    round_trip(&[1; 5000], 1);
    for lead in 0..20 {
        let mut codes: Vec<u32> = (0..lead).map(|i| i % 2).collect();
        codes.extend([1; 100]);
        codes.extend([0, 1, 0]);
        codes.extend([0; 17]);
        round_trip(&codes, 1);
        round_trip(&codes, 8);
        round_trip(&codes, 13);
    }
}

proptest! {
    #[test]
    fn any_codes_survive(
        runs in prop::collection::vec((0_u32..9, 1_usize..40), 0..40),
        width in 4_u32..=32,
    ) {
        let codes: Vec<u32> = runs.iter().flat_map(|(code, n)| vec![*code; *n]).collect();
        round_trip(&codes, width);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0_usize..100, width in 0_u32..40) {
        let _ = decode(&bytes, count, width);
    }
}
