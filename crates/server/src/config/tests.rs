use super::*;

fn none() -> Vec<(String, String)> {
    Vec::new()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn every_default_reads_and_passes_the_check() {
    Config::default().check().expect("the defaults go together");
}

#[test]
fn later_sources_win() {
    let file = "listen = \"127.0.0.1:1\"\nconnections = 5\nopen_page = true\n";
    let env = pairs(&[("PROOFBOOK_LISTEN", "127.0.0.1:2"), ("PROOFBOOK_TAILS", "7")]);
    let flags = pairs(&[("listen", "127.0.0.1:3")]);
    let (config, warnings) = Config::load(Some(file), env, flags).expect("loads");
    assert_eq!(config.listen.port(), 3);
    assert_eq!((config.connections, config.tails, config.open_page), (5, 7, true));
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn every_setting_is_flag_variable_and_key() {
    for setting in SETTINGS {
        let mut config = Config::default();
        let is_known = |error: ConfigError| !matches!(error, ConfigError::Unknown { .. });
        assert!(config.set("test", setting.name, setting.default).err().is_none_or(is_known));
        let env = pairs(&[(&setting.variable(), setting.default)]);
        let (_, warnings) = Config::load(None, env, none()).expect("a default is taken");
        assert_eq!(warnings, Vec::<String>::new());
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let error = Config::load(Some("lisen = 'x'"), none(), none()).expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "proofbook.toml: there is no setting `lisen`; did you mean `listen`?"
    );
    let error = Config::load(None, none(), pairs(&[("drain_time", "1s")])).expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "--drain-time: there is no setting `drain_time`; did you mean `drain_timeout`?"
    );
}

#[test]
fn an_unknown_variable_is_reported_and_others_are_left_alone() {
    let env = pairs(&[
        ("PROOFBOOK_PORT_7676_TCP", "tcp://10.0.0.1:7676"),
        ("PROOFBOOK_KEY", "pb_x"),
        ("HOME", "/root"),
    ]);
    let (_, warnings) = Config::load(None, env, none()).expect("not an error");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("PROOFBOOK_PORT_7676_TCP"));
}

#[test]
fn the_start_matrix_refuses_what_nobody_asked_for() {
    let check = |listen: &str, plain: &str, page: &str| {
        let flags = pairs(&[("listen", listen), ("allow_plain_http", plain), ("open_page", page)]);
        Config::load(None, none(), flags).is_ok()
    };
    assert!(check("127.0.0.1:1", "false", "false"));
    assert!(check("[::1]:1", "false", "true"));
    assert!(!check("0.0.0.0:1", "false", "false"));
    assert!(!check("[::]:1", "false", "false"));
    assert!(!check("192.0.2.1:1", "false", "false"));
    assert!(check("0.0.0.0:1", "true", "false"));
    assert!(!check("0.0.0.0:1", "true", "true"));
}

#[test]
fn values_say_what_they_take() {
    let rows = [
        ("listen", "here"),
        ("connections", "0"),
        ("connections", "-1"),
        ("head_timeout", "10"),
        ("head_timeout", "0s"),
        ("head_timeout", "9999h"),
        ("query_bytes", "18446744073709551615GiB"),
        ("admin_key", "short"),
        ("open_page", "maybe"),
        ("log_format", "xml"),
    ];
    for (name, text) in rows {
        let error = Config::default().set("test", name, text).expect_err(text);
        assert!(matches!(error, ConfigError::Value { .. }), "{name} = {text}: {error}");
    }
}

#[test]
fn the_admin_key_is_never_printed() {
    let key = "a-secret-that-must-not-be-shown-anywhere";
    let mut config = Config::default();
    config.set("test", "admin_key", key).expect("a key");
    assert!(!format!("{config:?}").contains(key));
    let error = config.set("test", "admin_key", "not a key but secret").expect_err("spaces");
    assert!(!error.to_string().contains("secret but"), "{error}");
    assert!(!error.to_string().contains("not a key"), "{error}");
}
