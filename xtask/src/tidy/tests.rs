use super::*;

#[test]
fn the_checkout_is_tidy() {
    let tree = Tree::read(root()).expect("the checkout can be read");
    let lines: Vec<String> = problems(&tree).iter().map(Problem::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn a_problem_is_told_once_and_in_order() {
    let tree = Tree::of(&[
        ("b.rs", concat!("// nothing here; FIX", "ME, really FIX", "ME\n")),
        ("a.rs", "fn a() {}\n"),
    ]);
    let places: Vec<String> = problems(&tree).into_iter().map(|problem| problem.place).collect();
    let of_files: Vec<&String> = places.iter().filter(|place| place.contains(".rs")).collect();
    assert_eq!(of_files, ["a.rs", "b.rs", "b.rs:1"]);
}

#[test]
fn every_file_that_git_tracks_is_seen() {
    let tree = Tree::read(root()).expect("the checkout can be read");
    assert!(tree.rooms().contains(&"event"));
    assert!(tree.text("Cargo.toml").is_some());
    assert!(tree.files.iter().all(|file| !file.path.starts_with("target/")));
}
