use super::label;

#[test]
fn labels_read_as_people_write() {
    let rows = [
        ("/name", "Name"),
        ("/commission_plan", "Commission plan"),
        ("/createdAt", "Created at"),
        ("/api_key", "API key"),
        ("/mfa", "MFA"),
        ("/time-zone", "Time zone"),
        ("/steps/s2/delay", "Steps › s2 › Delay"),
        ("/entry/match", "Entry › Match"),
        ("/Größe", "Größe"),
        ("/a~1b", "a/b"),
        ("/_", "_"),
        ("", "Value"),
    ];
    for (path, expected) in rows {
        assert_eq!(label(path), expected, "{path}");
    }
}
