//! Steps, patterns and names.

use super::*;

#[test]
fn names_of_vendors_become_snake_case() {
    for (name, expected) in [
        ("Decrypt", "decrypt"),
        ("DescribeRouteTables", "describe_route_tables"),
        ("GetMFADevice", "get_mfa_device"),
        ("ListSAMLProviders", "list_saml_providers"),
        ("ListSSHPublicKeys", "list_ssh_public_keys"),
        ("DescribeDBInstances", "describe_db_instances"),
        ("ModifyDBSnapshotAttribute", "modify_db_snapshot_attribute"),
        ("PutBucketPublicAccessBlock20180820", "put_bucket_public_access_block_20180820"),
        ("UpdateFunctionCode20150331v2", "update_function_code_20150331v2"),
        ("AssumeRoleWithSAML", "assume_role_with_saml"),
        ("ListACLs", "list_acls"),
        ("DescribeURLsOfHost", "describe_urls_of_host"),
        ("GetApisV2", "get_apis_v2"),
        ("resource-explorer-2", "resource_explorer_2"),
        ("oauth2", "oauth2"),
        ("user.session", "user_session"),
        ("Create  License!", "create_license"),
        ("alreadySnake_case", "already_snake_case"),
        ("Größe", "gr_u00f6_u00df_e"),
        ("組織", "u7d44_u7e54"),
        ("__", ""),
        ("", ""),
    ] {
        assert_eq!(snake(name), expected, "{name}");
    }
}

#[test]
fn every_action_name_is_one_of_the_contract() {
    let long = "VeryLong".repeat(60);
    let longer = format!("{long}Indeed");
    for text in ["user.login", "a..b", "Ünïcode.Ding", "audit_log.purged", &long, "x/y:z", "1"] {
        let action = action_name(text).unwrap();
        assert!(name::is_action_name(&action), "{text} → {action}");
        assert!(!action.starts_with(name::RESERVED_ACTION_PREFIX));
    }
    assert_eq!(action_name("audit_log.purged").unwrap(), "imported.audit_log.purged");
    assert_ne!(action_name(&long), action_name(&longer), "the cut part counts");
    assert_eq!(action_name("…"), None);
    assert!(action_name(&"9".repeat(4_000_000)).is_some(), "in linear time");
}

#[test]
fn steps_do_what_they_say() {
    for (step, text, expected) in [
        ("lower", "ÄB", Some("äb")),
        ("upper", "äb", Some("ÄB")),
        ("trim", " a ", Some("a")),
        ("dotted", "User.LoggedIn", Some("user.logged_in")),
        ("strip_suffix:.amazonaws.com", "kms.amazonaws.com", Some("kms")),
        ("strip_suffix:.amazonaws.com", "kms", Some("kms")),
        ("strip_prefix:AWS::", "AWS::S3::Bucket", Some("S3::Bucket")),
        ("before:?", "/healthz?verbose", Some("/healthz")),
        ("after::", "a:b:c", Some("b:c")),
        ("before_last:/", "a/b/c", Some("a/b")),
        ("after_last::", "a:b:c", Some("c")),
        ("after_last:/", "abc", Some("abc")),
        ("replace:::=>.", "S3::Bucket", Some("S3.Bucket")),
        ("replace:-=>", "a-b", Some("ab")),
        ("only:*@*", "ada@acme.example", Some("ada@acme.example")),
        ("only:*@*", "ada", None),
        ("ip", "203.0.113.9", Some("203.0.113.9")),
        ("ip", "203.0.113.9:443", Some("203.0.113.9")),
        ("ip", "[2001:db8::1]:443", Some("2001:db8::1")),
        ("ip", "AWS Internal", None),
    ] {
        assert_eq!(Step::parse(step).unwrap().apply(text).as_deref(), expected, "{step} on {text}");
    }
    for wrong in ["lowr", "lower:x", "strip_suffix", "strip_suffix:", "replace:x", "replace:=>x"] {
        assert!(Step::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_star_stands_for_any_run() {
    for (pattern, text, expected) in [
        ("AccessDenied*", "AccessDeniedException", true),
        ("*UnauthorizedOperation", "Client.UnauthorizedOperation", true),
        ("*.NotFound", "NotFound", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "acb", false),
        ("ab*ba", "aba", false),
        ("*", "", true),
        ("exact", "exact", true),
        ("exact", "exactly", false),
    ] {
        assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} on {text}");
    }
}

#[test]
fn a_cut_falls_between_characters() {
    assert_eq!(cut("äöü", 6), ("äöü".to_owned(), false));
    assert_eq!(cut("äöüß", 6), ("ä…".to_owned(), true));
}
