use super::*;

#[test]
fn another_input_has_another_place() {
    let root = Path::new("/state");
    let place = |parts: &[&str]| Place::below(root, parts).0;
    assert_eq!(place(&["a", "bc"]), place(&["a", "bc"]));
    assert_ne!(place(&["a", "bc"]), place(&["ab", "c"]));
}
