use super::*;
use proptest::prelude::*;

#[test]
fn rice_codes_survive() {
    for rice in 0..32 {
        let values: Vec<u32> = (0..40)
            .map(|n: u32| n * n)
            .chain([(1_u32 << rice).saturating_mul(70).saturating_sub(1), 1 << rice])
            .collect();
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        for value in &values {
            writer.put_rice(*value, rice);
            writer.put(5, 3);
        }
        writer.end();
        let mut reader = BitReader::new(&bytes);
        for value in &values {
            assert_eq!(reader.rice(rice), Some(*value), "parameter {rice}");
            assert_eq!(reader.take(3), Some(5));
        }
        assert_eq!(reader.bytes_used(), bytes.len());
    }
}

proptest! {
    #[test]
    fn blocks_survive(
        made in prop::collection::vec(
            (1_u32..50, prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>()), 1..100)),
            1..5,
        ),
    ) {
        let mut workspace = 3;
        let mut runs: Vec<Run> = Vec::new();
        for (step, entries) in made {
            workspace += step;
            let rows = 70_000;
            let mut entries: Vec<Entry> = entries
                .into_iter()
                .map(|(hash, seq, fingerprint)| Entry { hash, seq: seq % rows, fingerprint })
                .collect();
            entries.sort_unstable();
            runs.push(Run { workspace, rows, entries });
        }
        let bytes = encode_block(&runs);
        let mut found = Vec::new();
        let first = runs[0].workspace;
        decode_block(&bytes, first, |_| Some(70_000), |workspace, entry| {
            found.push((workspace, entry));
            true
        })
        .unwrap();
        let expected: Vec<(u32, Entry)> = runs
            .iter()
            .flat_map(|run| run.entries.iter().map(|entry| (run.workspace, *entry)))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_block(&bytes, 0, |_| Some(100), |_, _| true);
        let _ = decode_block(&bytes, 0, |place| place.checked_sub(2), |_, _| true);
    }
}
