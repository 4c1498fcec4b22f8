//! A4: presets and their mistakes, each told with its line.

use super::*;
use crate::retention::Keep;

/// Checks the mistakes as (line, part of the reason).
#[track_caller]
fn check(text: &str, expected: &[(usize, &str)]) {
    let error = Preset::parse(text).expect_err("the preset has mistakes");
    assert_eq!(error.mistakes.len(), expected.len(), "{error}");
    for (mistake, (line, part)) in error.mistakes.iter().zip(expected) {
        assert_eq!(mistake.line, *line, "{error}");
        assert!(mistake.reason.contains(part), "{:?} has no {part:?}", mistake.reason);
    }
}

#[test]
fn a4_the_design_s_example_reads() {
    let preset = Preset::parse(
        r#"
name = "acme"
title = "Audit Logs"
path = "Workspace › Settings › Audit"
[access]
view = ["owner", "admin"]
refused = "Only owners and admins."
[retention]
default = "free"
plans = { free = "30d", basic = "90d", pro = "1y", enterprise = "unlimited" }
[viewer]
page_size = 50
order = "oldest"
default_range = "now-7d"
default_query = "outcome:failure"
columns = [{ field = "occurred_at", label = "Time" }]
filters = ["action", { field = "target.type", label = "Type", all = "All Types" }]
details = "before_after"
[labels]
verb = { create = "Created" }
outcome = { success = "Success" }
[[modules]]
id = "projects"
title = "Projects"
url = "{app_url}/projects/{target.id}"
[[target_types]]
id = "api_key"
title = "API Key"
explanation = "API key records"
[[actions]]
name = "project.update"
title = "Project Update"
explanation = "Project settings were changed"
module = "projects"
verb = "update"
notify = false
description = "{actor.name} updated project {target.name}"
secret = ["/after/token"]
"#,
    )
    .expect("reads");
    assert_eq!(preset.title, "Audit Logs");
    assert_eq!(preset.retention.keep(Some("pro")), Keep::Years(1));
    assert_eq!(preset.viewer.order, Order::Oldest);
    let all = |control: &FilterControl| (control.field.clone(), control.all.clone());
    assert_eq!(all(&preset.viewer.filters[0]), ("action".to_owned(), None));
    assert_eq!(
        all(&preset.viewer.filters[1]),
        ("target.type".to_owned(), Some("All Types".to_owned()))
    );
    assert_eq!(preset.labels.verb["create"], "Created");
    assert_eq!(preset.modules[0].url.as_deref(), Some("{app_url}/projects/{target.id}"));
    let action = preset.action("project.update").expect("declared");
    assert_eq!(
        (action.verb, action.severity, action.notify),
        (Verb::Update, Severity::Info, false)
    );
    assert_eq!(action.secret, ["/after/token"]);
}

#[test]
fn a4_unknown_keys_are_named_with_line_and_nearest_name() {
    check("name = \"x\"\ntitel = \"X\"\n", &[(2, "did you mean `title`?")]);
    check("name = \"x\"\n[acess]\nview = []\n", &[(2, "did you mean `access`?")]);
    check("name = \"x\"\n[viewer]\npage_sise = 20\n", &[(3, "did you mean `page_size`?")]);
    check("name = \"x\"\nxyzzy = 1\n", &[(2, "known are name, title")]);
    check(
        "name = \"x\"\n[[actions]]\nname = \"a.b\"\ntitle = \"A\"\nmodule = \"m\"\nverb = \"read\"\nnotfy = true\n",
        &[(7, "did you mean `notify`?")],
    );
}

#[test]
fn a4_all_mistakes_come_at_once_in_the_order_of_their_lines() {
    check(
        r#"name = "X Y"
[retention]
default = "fre"
plans = { free = "30 days" }
[labels]
verb = { creat = "Created" }
[[modules]]
id = "projects"
title = "Projects"
url = "/projects"
[[actions]]
name = "Project.Update"
title = "Project Update"
module = "project"
verb = "updat"
severity = "high"
description = "{actor.nam} did"
secret = ["after/token", "/afer/token"]
"#,
        &[
            (1, "a preset's name"),
            (3, "no plan is named `fre`"),
            (4, "\"30 days\" is not a retention"),
            (6, "did you mean `create`?"),
            (10, "an address begins with"),
            (12, "not a dotted name"),
            (14, "did you mean `projects`?"),
            (15, "did you mean `update`?"),
            (16, "known are info, notice, warning, critical"),
            (17, "did you mean `{actor.name}`?"),
            (18, "a secret is a JSON pointer"),
            (18, "did you mean `after`?"),
        ],
    );
}

#[test]
fn a4_names_are_declared_once() {
    check(
        "name = \"x\"\n[[modules]]\nid = \"m\"\ntitle = \"M\"\n[[modules]]\nid = \"m\"\ntitle = \"N\"\n",
        &[(6, "the module `m` is declared twice")],
    );
}

#[test]
fn a4_text_that_is_not_toml_is_told_with_its_line() {
    check("name = \"x\"\ntitle = \n", &[(2, "")]);
    check("title = \"x\"\n", &[(1, "missing field `name`")]);
}

#[test]
fn a4_extending_replaces_what_is_given_and_keeps_the_rest() {
    let base = r#"
name = "base"
title = "Base"
strict = true
[viewer]
page_size = 50
[[modules]]
id = "m"
title = "M"
[[actions]]
name = "a.read"
title = "A"
module = "m"
verb = "read"
[[actions]]
name = "b.read"
title = "B"
module = "m"
verb = "read"
"#;
    let child = r#"
name = "child"
extends = "base"
[[modules]]
id = "n"
title = "N"
[[actions]]
name = "a.read"
title = "A of child"
module = "n"
verb = "read"
[[actions]]
name = "c.read"
title = "C"
module = "m"
verb = "read"
"#;
    let load = |name: &str| (name == "base").then(|| base.to_owned());
    let preset = Preset::parse_with(child, &load).expect("reads");
    assert_eq!((preset.name.as_str(), preset.title.as_str()), ("child", "Base"));
    assert!(preset.strict);
    assert_eq!(preset.viewer.page_size, 50);
    let titles: Vec<&str> = preset.actions.iter().map(|action| action.title.as_str()).collect();
    assert_eq!(titles, ["A of child", "B", "C"]);

    let error =
        Preset::parse_with("name = \"c\"\nextends = \"bas\"\n", &load).expect_err("no such");
    assert_eq!(error.to_string(), "line 2: there is no preset named `bas`");
    let itself = |_: &str| Some("name = \"c\"\nextends = \"c\"\n".to_owned());
    let error =
        Preset::parse_with("name = \"c\"\nextends = \"c\"\n", &itself).expect_err("a chain");
    assert!(error.to_string().contains("cannot extend another"), "{error}");
}

#[test]
fn a10_a_preset_as_its_readers_get_it() {
    let preset = Preset::parse(
        "name = \"x\"\n[access]\nview = [\"owner\"]\n[labels]\nverb = { create = \"Created\" }\n\
         [viewer]\ncolumns = [{ field = \"ip\", label = \"IP\" }]\nfilters = [\"action\"]\n\
         [[modules]]\nid = \"m\"\ntitle = \"M\"\n[[actions]]\nname = \"a.read\"\ntitle = \"A\"\n\
         module = \"m\"\nverb = \"read\"\nnotify = true\nsecret = [\"/after/key\"]\n",
    )
    .expect("reads");
    assert_eq!(
        preset.to_json().to_string(),
        r#"{"name":"x","title":"Audit Log","modules":[{"id":"m","title":"M"}],"target_types":[],"actions":[{"name":"a.read","title":"A","module":"m","verb":"read","severity":"info","notify":true}],"labels":{"verb":{"create":"Created"}},"viewer":{"page_size":20,"order":"newest","default_range":"all","default_query":"","columns":[{"field":"ip","label":"IP"}],"filters":[{"field":"action"}],"details":"before_after"}}"#
    );
}
