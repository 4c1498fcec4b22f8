use super::*;

#[test]
fn a_figure_is_read_by_its_whole_name() {
    let text =
        "# HELP a b\nproofbook_segments_total 9\nproofbook_segments 3\nproofbook_x{a=\"b\"} 4\n";
    assert_eq!(metric(text, "proofbook_segments"), 3);
    assert_eq!(metric(text, "proofbook_x"), 0);
}
