use super::*;

#[test]
fn a_page_is_as_its_generator_writes_it_today() {
    let generator: Generator =
        |tree| tree.text("source.txt").map(str::to_uppercase).ok_or("no source".into());
    let messages = |files: &[(&str, &str)]| {
        let problems = check_pages(&Tree::of(files), &[("page.md", generator)]);
        problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(messages(&[("source.txt", "a"), ("page.md", "A")]), [""; 0]);
    assert!(messages(&[("source.txt", "b"), ("page.md", "A")])[0].contains("is not what"));
    assert!(messages(&[("source.txt", "b")])[0].contains("is not what"));
    assert!(messages(&[("page.md", "A")])[0].contains("no source"));
}

#[test]
fn a_copy_equals_its_original() {
    let tree = Tree::of(&[(PRESETS_PAGE, "actions\n")]);
    assert_eq!(check_copy(&tree, "actions\n"), None);
    assert!(check_copy(&tree, "other actions\n").is_some());
    assert!(check_copy(&Tree::of(&[]), "actions\n").is_some());
}
