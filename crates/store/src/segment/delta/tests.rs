use super::*;
use proptest::prelude::*;

fn round_trip(values: &[i64], width: Width) {
    let mut bytes = Vec::new();
    encode(values, width, &mut bytes);
    assert_eq!(decode(&bytes, values.len(), width).as_deref(), Some(values));
    assert_eq!(decode(&bytes, values.len() + 1, width), None);
}

#[test]
fn edges_of_blocks_and_of_the_type_survive() {
    for count in [0, 1, 2, 31, 32, 33, 127, 128, 129, 130, 257, 4096] {
        round_trip(&(0..count).map(|i| i * i % 977).collect::<Vec<_>>(), Width::W64);
        round_trip(&vec![7; count as usize], Width::W32);
    }
    round_trip(&[i64::MIN, i64::MAX, 0, -1, i64::MAX, i64::MIN], Width::W64);
    round_trip(&[i64::from(i32::MIN), i64::from(i32::MAX), 0, -1, 5], Width::W32);
}

proptest! {
    #[test]
    fn any_values_survive(values in prop::collection::vec(any::<i64>(), 0..400)) {
        round_trip(&values, Width::W64);
        let narrow: Vec<i64> = values.iter().map(|v| i64::from(*v as i32)).collect();
        round_trip(&narrow, Width::W32);
    }

    #[test]
    fn garbage_is_refused_or_read_but_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0_usize..300) {
        let mut framed = vec![0x80, 0x01, 0x04];
        framed.put_varint(count as u64);
        framed.extend_from_slice(&bytes);
        let _ = decode(&framed, count, Width::W32);
        let _ = decode(&framed, count, Width::W64);
    }
}
