use super::*;

#[test]
fn a_thread_may_have_any_name() {
    let line = "17 (a) b (c) R 1 1 1 0 -1 64 0 0 0 0 250 50 0 0 20 0 1 0 9 0 0";
    assert_eq!(stat(line), ("a) b (c".to_owned(), 3_000_000));
    assert_eq!(stat(""), (String::new(), 0));
}

#[test]
fn a_field_is_found_by_its_key() {
    assert_eq!(field("VmHWM:\t  20 kB\nVmRSS:\t  1024 kB\n", "VmRSS:"), 1024);
    assert_eq!(field("", "VmRSS:"), 0);
}
