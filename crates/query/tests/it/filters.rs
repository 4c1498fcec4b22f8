//! Random filters: each as the text that a person would type and as a plain closure over JSON.

use std::rc::Rc;

use serde_json::Value;

use crate::dice::Dice;
use crate::world::Known;

/// A filter twice.
#[derive(Clone)]
pub(crate) struct Drawn {
    pub(crate) text: String,
    pub(crate) passes: Rc<dyn Fn(&Known) -> bool>,
    /// Whether it names Proofbook's own events.
    pub(crate) names_own: bool,
}

fn drawn(text: String, passes: impl Fn(&Known) -> bool + 'static) -> Drawn {
    Drawn { text, passes: Rc::new(passes), names_own: false }
}

/// Lower case without the accents that the vocabulary uses.
pub(crate) fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace('ß', "ss");
    lower
        .chars()
        .map(|c| match c {
            'ë' => 'e',
            'ü' => 'u',
            'ö' => 'o',
            other => other,
        })
        .collect()
}

/// Draws a filter over events like `sample`.
pub(crate) fn filter(dice: &mut Dice, sample: &[Known], depth: usize) -> Drawn {
    node(dice, sample, depth, true)
}

fn node(dice: &mut Dice, sample: &[Known], depth: usize, positive: bool) -> Drawn {
    match if depth == 0 { 9 } else { dice.below(10) } {
        0 | 1 => {
            let parts: Vec<Drawn> =
                (0..2 + dice.below(2)).map(|_| node(dice, sample, depth - 1, positive)).collect();
            let texts: Vec<String> = parts.iter().map(|part| format!("({})", part.text)).collect();
            let names_own = parts.iter().any(|part| part.names_own);
            let passes = move |event: &Known| parts.iter().all(|part| (part.passes)(event));
            Drawn { names_own, ..drawn(texts.join(" "), passes) }
        }
        2 => {
            let parts: Vec<Drawn> =
                (0..2).map(|_| node(dice, sample, depth - 1, positive)).collect();
            let texts: Vec<String> = parts.iter().map(|part| format!("({})", part.text)).collect();
            let names_own = parts.iter().any(|part| part.names_own);
            let passes = move |event: &Known| parts.iter().any(|part| (part.passes)(event));
            Drawn { names_own, ..drawn(texts.join(" OR "), passes) }
        }
        3 => {
            let inner = node(dice, sample, depth - 1, !positive);
            let names_own = inner.names_own;
            let text = format!("-({})", inner.text);
            Drawn { names_own, ..drawn(text, move |event| !(inner.passes)(event)) }
        }
        _ => term(dice, sample, positive),
    }
}

fn term(dice: &mut Dice, sample: &[Known], positive: bool) -> Drawn {
    let event = &sample[dice.below(sample.len())];
    match dice.below(22) {
        0..=4 => field_is(dice, event),
        5 => {
            let text =
                dice.pick(&["project.*", "*.update", "member.*", "audit_log.*", "*o*e*", "other"]);
            let names_own = positive && text == "audit_log.*";
            let term = drawn(format!("action:{text}"), move |event| glob(text, &event.action));
            Drawn { names_own, ..term }
        }
        6 => {
            let (a, b) = (dice.pick(&["success", "denied"]), dice.pick(&["failure", "denied"]));
            drawn(format!("outcome:({a} OR {b})"), move |event| {
                event.outcome == a || event.outcome == b
            })
        }
        7 => {
            let levels = ["info", "notice", "warning", "critical"];
            let least = dice.below(4);
            drawn(format!("severity:>={}", levels[least]), move |event| {
                let level = event.groups["description"]["severity"].as_str();
                level
                    .and_then(|level| levels.iter().position(|l| *l == level))
                    .is_some_and(|l| l >= least)
            })
        }
        8 => {
            let bits = dice.pick(&["10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/8"]);
            drawn(format!("ip:{bits}"), move |event| {
                let ip = event.groups["context"]["ip"].as_str();
                ip.is_some_and(|ip| match bits {
                    "10.0.0.0/24" => ip.starts_with("10.0.0."),
                    "10.0.1.0/24" => ip.starts_with("10.0.1."),
                    _ => true,
                })
            })
        }
        9 => {
            let least = dice.below(20) as i64;
            drawn(format!("meta.n:>{least}"), move |event| {
                event.groups["metadata"]["metadata"]["n"].as_i64().is_some_and(|n| n > least)
            })
        }
        10 => {
            let (from, to) = (
                event.seq.saturating_sub(dice.below(50) as u64),
                event.seq + dice.below(50) as u64,
            );
            drawn(format!("seq:{from}..{to}"), move |event| (from..=to).contains(&event.seq))
        }
        11 => time_term(dice, event),
        12 => {
            let (kind, id) =
                (dice.pick(&["project", "member", "folder"]), dice.below(12).to_string());
            let text = match dice.below(2) {
                0 => format!("target.type:{kind} target.id:{id}"),
                _ => format!("target:{kind}/{id}"),
            };
            drawn(text, move |event| {
                list(&event.groups["targets"]).iter().any(|target| {
                    plain(target["type"].as_str().unwrap_or_default()) == kind && target["id"] == id
                })
            })
        }
        13 => {
            let path = dice.pick(&["/plan", "/seats", "/name", "/seats/max"]);
            drawn(format!("changed:{path}"), move |event| {
                changes(event).iter().any(|change| {
                    let at = change["path"].as_str().unwrap_or_default();
                    at == path || at.starts_with(&format!("{path}/"))
                })
            })
        }
        14 => {
            let (before, after) =
                (dice.pick(&["free", "pro", "2"]), dice.pick(&["FREE", "pro", "a"]));
            drawn(format!("before:{before} after:{after}"), move |event| {
                changes(event).iter().any(|change| {
                    scalar_is(&change["before"], before) && scalar_is(&change["after"], after)
                })
            })
        }
        15 => {
            let field = dice.pick(&[
                "actor",
                "country",
                "before",
                "meta.plan",
                "session",
                "source",
                "on_behalf_of",
                "target",
            ]);
            drawn(format!("{field}:*"), move |event| match field {
                "actor" => !event.groups["actor"]["actor"].is_null(),
                "country" => !event.groups["context"]["country"].is_null(),
                "before" => changes(event).iter().any(|change| change.get("before").is_some()),
                "meta.plan" => !event.groups["metadata"]["metadata"]["plan"].is_null(),
                "session" => !event.groups["context"]["session_id"].is_null(),
                "source" => !event.groups["metadata"]["source"].is_null(),
                "on_behalf_of" => !event.groups["actor"]["on_behalf_of"].is_null(),
                _ => !list(&event.groups["targets"]).is_empty(),
            })
        }
        _ => word(dice, event),
    }
}

/// A part of some text of an event, in another case at times.
fn word(dice: &mut Dice, event: &Known) -> Drawn {
    let mut texts = vec![event.action.clone()];
    strings(&event.groups, &mut texts);
    let text = &texts[dice.below(texts.len())];
    let chars: Vec<char> = text.chars().collect();
    let from = dice.below(chars.len());
    let longest = if dice.once_in(3) { 40 } else { 6 };
    let len = 1 + dice.below(longest);
    let mut part: String = chars[from..chars.len().min(from + len)].iter().collect();
    if dice.once_in(4) {
        part = part.to_uppercase();
    }
    if dice.once_in(12) {
        part.push('q');
    }
    if part.trim().is_empty() || part.contains(['"', '\\', '*']) {
        part = "park".to_owned();
    }
    let wanted = plain(&part);
    drawn(format!("\"{part}\""), move |event| event.texts.iter().any(|text| text.contains(&wanted)))
}

fn field_is(dice: &mut Dice, event: &Known) -> Drawn {
    const FIELDS: [&str; 18] = [
        "module",
        "verb",
        "severity",
        "actor",
        "actor.id",
        "actor.name",
        "actor.email",
        "actor.type",
        "target.type",
        "target.name",
        "ip",
        "country",
        "request",
        "session",
        "id",
        "source",
        "via",
        "meta.tags",
    ];
    let field = FIELDS[dice.below(FIELDS.len())];
    let found = values(event, field);
    if found.is_empty() {
        return drawn("outcome:denied".to_owned(), |event| event.outcome == "denied");
    }
    let mut wanted = found[dice.below(found.len())].clone();
    let exact = matches!(field, "actor.id" | "request" | "session" | "id");
    if dice.once_in(4) && !matches!(field, "verb" | "severity" | "actor.type" | "ip") {
        wanted = wanted.to_uppercase();
    }
    let open = dice.once_in(3) && !matches!(field, "verb" | "severity" | "actor.type" | "ip");
    let mut cut = wanted.len() / 2;
    while !wanted.is_char_boundary(cut) {
        cut -= 1;
    }
    // A quoted value has no wildcards, so only plain starts are typed with one.
    let typable = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-');
    let open = open && cut > 0 && wanted[..cut].chars().all(typable);
    let (text, start) = if open {
        (format!("{field}:{}*", &wanted[..cut]), wanted[..cut].to_owned())
    } else {
        (format!("{field}:\"{wanted}\""), wanted)
    };
    drawn(text, move |event| {
        values(event, field).iter().any(|value| {
            let (value, start) =
                if exact { (value.clone(), start.clone()) } else { (plain(value), plain(&start)) };
            if open { value.starts_with(&start) } else { value == start }
        })
    })
}

fn time_term(dice: &mut Dice, event: &Known) -> Drawn {
    let stamp = |micros: i64| proofbook_event::Timestamp::from_micros(micros).to_string();
    let (field, of): (_, fn(&Known) -> i64) = if dice.once_in(4) {
        ("recorded", |event| event.recorded_at)
    } else {
        ("occurred", |event| event.occurred_at)
    };
    let from = of(event);
    let to = from + dice.below(3 * 86_400) as i64 * 1_000_000;
    match dice.below(3) {
        0 => drawn(format!("{field}:>={}", stamp(from)), move |event| of(event) >= from),
        1 => drawn(format!("{field}:<{}", stamp(to)), move |event| of(event) < to),
        _ => drawn(format!("{field}:{}..{}", stamp(from), stamp(to)), move |event| {
            (from..=to).contains(&of(event))
        }),
    }
}

/// The values of a field as the guide describes them.
pub(crate) fn values(event: &Known, field: &str) -> Vec<String> {
    let groups = &event.groups;
    let text = |value: &Value| value.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>();
    let of_targets = |key: &str| {
        list(&groups["targets"])
            .iter()
            .filter_map(|target| target[key].as_str().map(str::to_owned))
            .collect()
    };
    let actor = &groups["actor"]["actor"];
    match field {
        "action" => vec![event.action.clone()],
        "outcome" => vec![event.outcome.clone()],
        "module" => [
            text(&groups["description"]["module"]["id"]),
            text(&groups["description"]["module"]["title"]),
        ]
        .concat(),
        "verb" | "severity" => text(&groups["description"][field]),
        "actor" => {
            let mut all =
                [text(&actor["id"]), text(&actor["name"]), text(&actor["email"])].concat();
            if actor["type"] == "system" && actor["name"].is_null() {
                all.push("System".to_owned());
            }
            all
        }
        "actor.id" | "actor.name" | "actor.email" | "actor.type" => text(&actor[&field[6..]]),
        "target.type" => of_targets("type"),
        "target.name" => of_targets("name"),
        "target.id" => of_targets("id"),
        "ip" | "country" => text(&groups["context"][field]),
        "request" | "session" => text(&groups["context"][format!("{field}_id")]),
        "id" => text(&groups["id"]),
        "source" => text(&groups["metadata"]["source"]["name"]),
        "via" => {
            [text(&groups["actor"]["via"]["channel"]), text(&groups["actor"]["via"]["client"])]
                .concat()
        }
        "meta.tags" => {
            list(&groups["metadata"]["metadata"]["tags"]).iter().flat_map(text).collect()
        }
        "meta.plan" => text(&groups["metadata"]["metadata"]["plan"]),
        _ => panic!("no such field in the oracle: {field}"),
    }
}

fn changes(event: &Known) -> &[Value] {
    list(&event.groups["changes"]["changes"])
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn scalar_is(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => plain(text) == plain(wanted),
        Value::Number(number) => number.to_string() == wanted,
        Value::Array(items) => items.iter().any(|item| scalar_is(item, wanted)),
        _ => false,
    }
}

pub(crate) fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(members) => members.values().for_each(|value| strings(value, out)),
        _ => {}
    }
}

/// Wildcards by recursion.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| glob(rest, &text[at..]))
        }),
    }
}
