use super::*;
use crate::config::WorkspaceSettings;
use crate::fold::no_tiles;
use crate::log::Position;

fn workspace(number: u32) -> Arc<Workspace> {
    let mut uid = [7; 16];
    uid[..4].copy_from_slice(&number.to_be_bytes());
    Arc::new(Workspace {
        uid: WorkspaceUid(uid),
        name: format!("w-{number}").into(),
        edge: proofbook_ledger::Edge::default(),
        upper: no_tiles(),
        recorded_at: 0,
        runs: Arc::new([]),
        settings: WorkspaceSettings::none(),
        rules_changed: Position::default(),
        signing: None,
    })
}

#[test]
fn every_workspace_is_found_at_its_place_and_no_other_is() {
    let (mut list, mut index) = (Vec::new(), WorkspaceIndex::default());
    for number in 0..3_000 {
        list.push(workspace(number));
        index.add_last(&list);
    }
    for number in 0..3_000 {
        let expected = workspace(number);
        assert_eq!(index.by_name(&list, &expected.name), Some(number));
        assert_eq!(index.by_uid(&list, expected.uid), Some(number));
    }
    for number in 3_000..6_000 {
        let unknown = workspace(number);
        assert_eq!(index.by_name(&list, &unknown.name), None);
        assert_eq!(index.by_uid(&list, unknown.uid), None);
    }
}

#[test]
fn an_empty_index_finds_nothing() {
    let index = WorkspaceIndex::default();
    assert_eq!(index.by_name(&[], "acme"), None);
    assert_eq!(index.by_uid(&[], WorkspaceUid([1; 16])), None);
}
