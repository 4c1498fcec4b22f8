use super::*;

#[test]
fn v10_every_column_has_a_heading_in_every_language() {
    for tongue in [Tongue::English, Tongue::German] {
        let words: Vec<&str> = tongue.words().columns.keys().map(String::as_str).collect();
        let mut names = flat::COLUMNS.to_vec();
        names.sort_unstable();
        assert_eq!(words, names, "{}", tongue.tag());
    }
}

#[test]
fn v10_a_column_that_the_product_shows_is_called_as_there() {
    let check = |preset: &str, name: &str, expected: &str| {
        let preset = proofbook_catalog::embedded::preset(preset).expect("it is embedded");
        assert_eq!(label(&preset, Tongue::English, name), expected, "{}: {name}", preset.name);
    };
    check("clienwork", "actor_name", "User");
    check("clienwork", "actor_email", "E-mail");
    check("clienwork", "before", "Old Value");
    check("cloudfon-cx", "actor_name", "Performed By");
    check("cloudfon-cx", "target_name", "What Changed");
    check("clickfunnels-workspace", "actor_email", "Actor");
    check("clickfunnels-workspace", "target_id", "Target");
    check("messagehub", "ip", "IP Address");
}
