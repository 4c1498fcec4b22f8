use super::*;

fn key(scopes: &[Scope], workspaces: &[&str]) -> Key {
    Key {
        id: "k".to_owned(),
        name: "k".to_owned(),
        secret_sha256: String::new(),
        scopes: scopes.to_vec(),
        workspaces: workspaces.iter().map(|name| (*name).to_owned()).collect(),
        created_at: 0,
        expires_at: None,
        revoked_at: None,
    }
}

#[test]
fn scopes_imply_each_other_as_documented_and_no_further() {
    use Scope::{Admin, Import, Read, Write};
    let rows: [(&[Scope], &[Scope]); 5] = [
        (&[], &[]),
        (&[Write], &[Write]),
        (&[Read], &[Read]),
        (&[Import], &[Import, Write]),
        (&[Admin], &[Admin, Import, Read, Write]),
    ];
    for (own, allowed) in rows {
        for scope in [Write, Read, Import, Admin] {
            assert_eq!(has_scope(&key(own, &["*"]), scope), allowed.contains(&scope), "{own:?}");
        }
    }
}

#[test]
fn a_key_covers_what_it_names() {
    let read = key(&[Scope::Read], &["acme", "b"]);
    assert!(covers(&read, "acme") && covers(&read, "b"));
    assert!(!covers(&read, "acm") && !covers(&read, "ACME") && !covers(&read, "*"));
    let all = key(&[Scope::Read], &["*"]);
    assert!(covers(&all, "anything") && !covers(&all, SYSTEM_WORKSPACE));
    assert!(covers(&key(&[Scope::Admin], &["*"]), SYSTEM_WORKSPACE));
    assert!(covers(&key(&[Scope::Read], &["_system"]), SYSTEM_WORKSPACE));
    assert!(!covers(&key(&[Scope::Admin], &["acme"]), SYSTEM_WORKSPACE));
    assert!(!covers(&key(&[Scope::Admin], &[]), "acme"));
}
