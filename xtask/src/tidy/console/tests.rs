use super::*;

fn lines(text: &str) -> Vec<String> {
    check_page("a.md", text).into_iter().map(|problem| problem.place).collect()
}

#[test]
fn a_console_block_starts_with_a_command() {
    assert_eq!(lines("```console\n$ proofbook --version\n```\n"), [""; 0]);
    assert_eq!(lines("text\n```console\nproofbook --version\n```\n"), ["a.md:2"]);
    assert_eq!(lines("```console\n```\n"), ["a.md:1"]);
}

#[test]
fn other_blocks_are_free_and_every_block_ends() {
    assert_eq!(lines("```toml\nname = 1\n```\n```console\n$ true\n```\n"), [""; 0]);
    assert_eq!(lines("```toml\nname = 1\n"), ["a.md:1"]);
    assert_eq!(lines("```\n```\n"), [""; 0]);
}
