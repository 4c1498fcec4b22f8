use crate::preset::Preset;

fn preset(text: &str) -> Preset {
    Preset::parse(text).expect("the test's preset reads")
}

#[test]
fn a4_only_named_roles_may_read_and_letters_count() {
    let preset =
        preset("name = \"x\"\n[access]\nview = [\"owner\", \"admin\"]\nrefused = \"No.\"\n");
    for (role, expected) in
        [("owner", true), ("admin", true), ("Admin", false), ("agent", false), ("", false)]
    {
        assert_eq!(preset.access.may_view(role), expected, "{role:?}");
    }
    assert_eq!(preset.access.refused_sentence(), "No.");
}

#[test]
fn a4_preset_without_roles_lets_every_role_in() {
    let preset = preset("name = \"x\"\n");
    assert!(preset.access.may_view("anything"));
    assert_eq!(preset.access.refused_sentence(), "Your role may not see this audit log.");
}

#[test]
fn a4_an_action_narrows_the_rule_and_never_widens_it() {
    let preset = preset(
        "name = \"x\"\n[access]\nview = [\"owner\", \"admin\"]\n[[modules]]\nid = \"m\"\ntitle = \"M\"\n\
         [[actions]]\nname = \"pay.roll\"\ntitle = \"Payroll\"\nmodule = \"m\"\nverb = \"read\"\nview = [\"owner\", \"agent\"]\n",
    );
    let action = preset.action("pay.roll");
    for (role, expected) in [("owner", true), ("admin", false), ("agent", false)] {
        assert_eq!(preset.access.may_view_action(role, action), expected, "{role}");
        assert_eq!(preset.access.may_view_action(role, None), role != "agent", "{role}");
    }
}
