use super::*;

fn example() -> Withheld {
    let by = ErasureStep { erasure: 0x1122_3344_5566_7788, step: 3 };
    Withheld {
        groups: vec![
            (Group::Actor, Left::Commitment(Hash([9; 32]), by)),
            (Group::Id, Left::Salt([7; 16])),
            (Group::Metadata, Left::Salt([8; 16])),
        ],
    }
}

#[test]
fn b6_what_is_left_of_a_row_reads_back() {
    let bytes = example().encode();
    assert_eq!(bytes.len(), 43 + 17 + 17);
    let read = Withheld::decode(&bytes).expect("reads");
    assert!(read == example());
    let by = ErasureStep { erasure: 0x1122_3344_5566_7788, step: 3 };
    assert_eq!(erased_of(&bytes), [(Group::Actor, by)]);
    assert_eq!((read.salt(Group::Id), read.salt(Group::Actor)), (Some([7; 16]), None));
    assert!(erased_of(&[]).is_empty());
}

#[test]
fn b6_cut_repeated_and_unknown_groups_are_refused() {
    let bytes = example().encode();
    for end in 1..bytes.len() {
        let whole = [43, 43 + 17].contains(&end);
        assert_eq!(Withheld::decode(&bytes[..end]).is_some(), whole, "cut at {end}");
    }
    let twice = [&bytes[..43], &bytes[..43]].concat();
    assert!(Withheld::decode(&twice).is_none());
    let mut unknown = bytes;
    unknown[0] = 0x87;
    assert!(Withheld::decode(&unknown).is_none());
}

#[test]
fn b6_salts_are_not_printed() {
    let text = format!("{:?}", example());
    assert!(text.contains("Actor") && !text.contains("7, 7"), "{text}");
}
