//! Names of changed fields as people read them: `/commission_plan` is "Commission plan".

use proofbook_event::Value;
use proofbook_event::json::unescape_token;

/// Words that are written in capitals.
const CAPITALS: &[&str] = &[
    "ai", "api", "cvc", "id", "ip", "mfa", "otp", "pdf", "sms", "sso", "uri", "url", "utc", "uuid",
];

/// Puts a label into each change of a list.
pub fn label_all(changes: &mut Value<'_>) {
    let Value::Array(changes) = changes else { return };
    for change in changes {
        let label = change.get("path").and_then(Value::as_str).map(label);
        if let (Value::Object(members), Some(label)) = (change, label) {
            members.push(("label".into(), label.into()));
        }
    }
}

/// Makes a label of a JSON pointer; the steps are joined with `›`.
pub fn label(path: &str) -> String {
    let steps: Vec<String> =
        path.split('/').skip(1).map(|step| words(&unescape_token(step))).collect();
    if steps.is_empty() { "Value".to_owned() } else { steps.join(" › ") }
}

/// Takes a name apart at `_`, `-` and capitals. What is no name, such as an id, stays as it is.
fn words(name: &str) -> String {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-'));
    if !is_name {
        return name.to_owned();
    }
    let mut spaced = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        match c {
            '_' | '-' => spaced.push(' '),
            c if c.is_ascii_uppercase() => spaced.extend([' ', c.to_ascii_lowercase()]),
            c => spaced.push(c),
        }
    }
    let words: Vec<String> = spaced
        .split_whitespace()
        .enumerate()
        .map(|(index, word)| match word {
            word if CAPITALS.contains(&word) => word.to_ascii_uppercase(),
            word if index == 0 => word[..1].to_ascii_uppercase() + &word[1..],
            word => word.to_owned(),
        })
        .collect();
    if words.is_empty() { name.to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests;
