use super::PRODUCTS;

#[test]
fn v2_each_menu_leads_to_the_audit_log_on_its_products_own_path() {
    let paths: Vec<(&str, String)> =
        PRODUCTS.iter().map(|product| (product.preset, product.log_path().join(" › "))).collect();
    let expected = [
        ("clickfunnels-workspace", "Workspace Settings › Audit Logs"),
        ("messagehub", "MessageHub › Chat Settings ⚙ › Audit Logs"),
        ("cloudfon-cx", "Logs › Audit Log"),
        ("freshsales", "Admin Settings › Account Settings › Audit Log"),
        ("clienwork", "Workspace › Settings › Audit"),
    ];
    let expected: Vec<(&str, String)> =
        expected.iter().map(|(preset, path)| (*preset, (*path).to_owned())).collect();
    assert_eq!(paths, expected);
}

#[test]
fn the_first_person_may_read_and_another_may_not() {
    for product in PRODUCTS {
        let catalog = proofbook_catalog::Catalog::embedded(product.preset).expect("embedded");
        let access = &catalog.preset().access;
        assert!(access.may_view(product.people[0].role), "{}", product.preset);
        assert!(product.people.iter().any(|person| !access.may_view(person.role)));
        for role in &access.view {
            assert!(product.person(Some(role)).is_some(), "{} has no {role}", product.preset);
        }
    }
}
