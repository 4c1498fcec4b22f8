//! B7: the drills under `docs/drills` do what they say, on the real binary.

use std::process::Command;

#[test]
fn b7_the_lost_key_drill_passes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/drills/lost-key.sh");
    let done = Command::new("sh")
        .arg(script)
        .env("PROOFBOOK", env!("CARGO_BIN_EXE_proofbook"))
        .output()
        .expect("a shell");
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && out.ends_with("drill passed\n"), "{out}{err}");
}
