use proofbook_catalog::Catalog;

use super::{refusal, role_label};

#[test]
fn a_refused_reader_is_told_who_may_and_who_they_are() {
    let rows = [
        (
            "clickfunnels-workspace",
            "admin",
            "Only the account owner can open this audit log. You are signed in as Administrator.",
        ),
        (
            "messagehub",
            "agent",
            "Only owners and administrators can open this audit log. You are signed in as Agent.",
        ),
        (
            "freshsales",
            "sales_manager",
            "Only Account Admins and Admins can open this audit log. You are signed in as Sales Manager.",
        ),
        (
            "cloudfon-cx",
            "user",
            "Only Account Admins and Admins can open this audit log. You are signed in as User.",
        ),
        (
            "clienwork",
            "member",
            "Only owners and admins can open this audit log. You are signed in as Member.",
        ),
    ];
    for (preset, role, expected) in rows {
        let catalog = Catalog::embedded(preset).expect("it is embedded");
        assert_eq!(refusal(&catalog, role).detail, expected);
    }
}

#[test]
fn a_role_without_a_label_reads_as_words() {
    let catalog = Catalog::embedded("clienwork").expect("it is embedded");
    assert_eq!(role_label(&catalog, "billing_contact"), "Billing Contact");
    assert_eq!(role_label(&catalog, ""), "");
}
