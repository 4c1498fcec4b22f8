//! A4: the rules for actions that a catalog does not know. The verb table is the page's own text.

use proofbook_event::Value;

use super::*;

const PAGE: &str = include_str!("../../../../docs/presets.md");

#[test]
fn a4_verbs_of_unknown_actions_are_those_of_the_page() {
    let begin = PAGE.find("Verb by the last word: ").expect("the page has the rule") + 23;
    let rule = &PAGE[begin..];
    let rule = &rule[..rule.find("; anything else").expect("the rule ends")];
    let mut count = 0;
    for part in rule.split("; ") {
        let (words, verb) = part.split_once(" → ").expect("words → verb");
        for word in words.split(", ") {
            assert_eq!(verb_of(&format!("thing.{word}")).as_str(), verb, "{word}");
            assert_eq!(verb_of(word).as_str(), verb, "{word} alone");
            count += 1;
        }
    }
    assert_eq!(count, VERBS.len());
    for other in ["thing.created", "thing.ping", "create.thing", "thing.signin"] {
        assert_eq!(verb_of(other), Verb::Other, "{other}");
    }
}

#[test]
fn a4_titles_of_unknown_actions_are_their_words_with_capitals() {
    for (name, title) in [
        ("webhook.create", "Webhook Create"),
        ("user.sign_in", "User Sign In"),
        ("a.b2.c_d", "A B2 C D"),
        ("_x._y", "X Y"),
        ("2fa.reset", "2fa Reset"),
    ] {
        assert_eq!(title_of(name), title);
    }
}

#[test]
fn a4_unknown_action_joins_the_module_of_its_first_word() {
    let messagehub = Catalog::embedded("messagehub").expect("embedded");
    let webhook = messagehub.resolve("webhook.create");
    assert!(webhook.action.is_none());
    assert_eq!(&*webhook.title, "Webhook Create");
    assert_eq!((webhook.module_id, webhook.module_title), ("webhook", "Webhook Logs"));
    assert_eq!(
        (webhook.verb, webhook.severity, webhook.notify),
        (Verb::Create, Severity::Info, false)
    );

    let other = messagehub.resolve("invoice.pay");
    assert_eq!((other.module_id, other.module_title, other.verb), ("other", "Other", Verb::Other));

    // `plan.*` and `account.*` are in different modules; the first word decides.
    let freshsales = Catalog::embedded("freshsales").expect("embedded");
    assert_eq!(freshsales.resolve("plan.pause").module_title, "Plans and Billing");
    assert_eq!(freshsales.resolve("account.logo.update").module_title, "Account & CRM settings");
    assert_eq!(freshsales.resolve("audit_log.key_created").module_title, "Audit log");
}

#[test]
fn a4_known_action_is_what_its_catalog_says() {
    let catalog = Catalog::embedded("clickfunnels-workspace").expect("embedded");
    let mfa = catalog.resolve("mfa.disable");
    assert_eq!(&*mfa.title, "MFA Disabled");
    assert_eq!((mfa.module_id, mfa.verb), ("security", Verb::Update));
    assert_eq!((mfa.severity, mfa.notify), (Severity::Critical, true));
    assert_eq!(mfa.module_json, br#"{"id":"security","title":"Security"}"#);
    assert_eq!(catalog.name(), "clickfunnels-workspace");
}

#[test]
fn a4_sentence_of_an_unknown_action_is_made_of_its_name() {
    let catalog = Catalog::embedded("default").expect("embedded");
    let actor = Value::parse(br#"{"type":"user","id":"u_7","name":"Ada"}"#).unwrap();
    let targets = Value::parse(br#"[{"type":"webhook","id":"w1","name":"Orders"}]"#).unwrap();
    let say = |name: &str, outcome| {
        let values = Values { actor: Some(&actor), targets: Some(&targets), ..Values::default() };
        let mut out = String::new();
        catalog.resolve(name).describe(name, &values, outcome, &mut out);
        out
    };
    for (name, expected) in [
        ("webhook.create", "Ada created webhook Orders"),
        ("billing.invoice_line.destroy", "Ada deleted billing invoice line Orders"),
        ("user.sign_in", "Ada signed in"),
        ("consent.withdraw", "Ada: Consent Withdraw Orders"),
        ("create", "Ada created Orders"),
    ] {
        assert_eq!(say(name, Outcome::Success), expected);
    }
    assert_eq!(say("user.login", Outcome::Failure), "Ada logged in (failed)");
}
