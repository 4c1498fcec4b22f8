//! Letters: one event, or many in one, as subject, text and HTML in the reader's language.
//!
//! Texts of events are data: HTML is escaped by the templates, and what would end a line of a header
//! is taken out of subjects. Secrets were masked when the event was taken in. A letter never holds a
//! credential: its link leads to a page that asks who one is.

use std::collections::BTreeMap;

use askama::Template;
use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use proofbook_catalog::change_label;
use proofbook_event::event::party_label;
use proofbook_event::{Event, Value};
use proofbook_store::config::WorkspaceSettings;

use crate::encode::cut;
use crate::message::{Letter, Told};
use crate::rule::Manner;
use crate::tongue::Words;
use crate::warnings::{self, WarningEvent};

/// Changes that a letter shows; the rest is behind the link.
const CHANGES_MAX: usize = 20;
/// Characters of a value in a letter.
const VALUE_CHARS_MAX: usize = 300;
/// Characters of a subject.
const SUBJECT_CHARS_MAX: usize = 180;
/// Events that a letter of many lists one by one.
const LINES_MAX: usize = 50;
/// First-time addresses and flagged events that a letter of many lists.
const LISTED_MAX: usize = 20;

/// One changed field.
struct Change {
    label: String,
    before: String,
    after: String,
}

/// What both forms of a letter about one event say.
struct EventBody<'l> {
    lang: &'l str,
    subject: &'l str,
    words: &'l Words,
    description: &'l str,
    facts: Vec<(String, String)>,
    changes: Vec<Change>,
    link: Option<&'l str>,
    /// What the link does.
    open: &'l str,
    why: String,
    settings_link: Option<&'l str>,
}

#[derive(Template)]
#[template(path = "event.txt", escape = "none")]
struct EventText<'l> {
    letter: &'l EventBody<'l>,
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventHtml<'l> {
    letter: &'l EventBody<'l>,
}

#[derive(Template)]
#[template(
    source = "<!doctype html><html lang=\"{{ lang }}\"><p>{{ said }}</p><p><a href=\"{{ link }}\">{{ open }}</a></p></html>",
    ext = "html"
)]
struct LinkHtml<'l> {
    lang: &'l str,
    said: &'l str,
    open: &'l str,
    link: &'l str,
}

/// What both forms of a letter of many events say.
struct DigestBody<'l> {
    lang: &'l str,
    subject: &'l str,
    words: &'l Words,
    title: &'l str,
    actions: Vec<(String, u64)>,
    addresses: &'l [String],
    flagged: &'l [String],
    lines: &'l [String],
    more: Option<String>,
    link: Option<&'l str>,
    why: String,
    settings_link: Option<&'l str>,
}

#[derive(Template)]
#[template(path = "digest.txt", escape = "none")]
struct DigestText<'l> {
    letter: &'l DigestBody<'l>,
}

#[derive(Template)]
#[template(path = "digest.html")]
struct DigestHtml<'l> {
    letter: &'l DigestBody<'l>,
}

/// Where a letter leads, and who it is about.
pub(crate) struct Frame<'f> {
    pub(crate) workspace: &'f str,
    pub(crate) settings: &'f WorkspaceSettings,
    /// The audit log itself, for letters of many events.
    pub(crate) log_link: Option<&'f str>,
    /// Where the audit log is exported.
    pub(crate) export_link: Option<&'f str>,
    /// Where notifications are switched.
    pub(crate) settings_link: Option<&'f str>,
    /// What mail programs are told for "unsubscribe".
    pub(crate) unsubscribe: Option<&'f str>,
}

impl Frame<'_> {
    fn title(&self) -> &str {
        self.settings.title.as_deref().unwrap_or(self.workspace)
    }

    fn why(&self, words: &Words) -> String {
        words.why.replace("{workspace}", self.title())
    }

    fn letter(&self, manner: &Manner, subject: String, text: String, html: String) -> Letter {
        Letter {
            to: manner.recipients.clone(),
            subject,
            text,
            html,
            unsubscribe: self.unsubscribe.map(str::to_owned),
        }
    }
}

/// Writes the letter of one event.
pub(crate) fn of_event(told: &Told<'_>, frame: &Frame<'_>, manner: &Manner) -> Letter {
    let words = manner.tongue.words();
    let event = told.event;
    if let Some(warning) = WarningEvent::of(event) {
        return of_warning(&warning, told, frame, manner);
    }
    let title = event.described("title").unwrap_or(event.action());
    let suffix = match event.clear.outcome.as_str() {
        "failure" => format!(" ({})", words.failed),
        "denied" => format!(" ({})", words.denied),
        _ => String::new(),
    };
    let by = actor_address(event).map(|actor| format!(" {} {actor}", words.by));
    let subject = subject(frame, &format!("{title}{suffix}{}", by.unwrap_or_default()));
    let body = EventBody {
        lang: manner.tongue.code(),
        subject: &subject,
        words,
        description: event.described("description").unwrap_or(title),
        facts: facts(told, words, &manner.zone),
        changes: changes(event),
        link: told.link,
        open: &words.open,
        why: frame.why(words),
        settings_link: frame.settings_link,
    };
    body.letter(frame, manner)
}

/// Writes the letter of a warning or of its end, in the reader's language; where an export helps, its
/// link leads there.
fn of_warning(
    warning: &WarningEvent,
    told: &Told<'_>,
    frame: &Frame<'_>,
    manner: &Manner,
) -> Letter {
    let words = manner.tongue.words();
    let WarningEvent { kind, is_over, facts } = warning;
    let subject = subject(frame, &warnings::title(*kind, *is_over, manner.tongue));
    let at = told.event.clear.occurred_at.micros();
    let wants_export = !is_over && kind.asks_for_export() && frame.export_link.is_some();
    let body = EventBody {
        lang: manner.tongue.code(),
        subject: &subject,
        words,
        description: &warnings::sentence(*kind, *is_over, facts, manner.tongue, &manner.zone),
        facts: vec![(words.time.clone(), moment(at, &manner.zone))],
        changes: Vec::new(),
        link: if wants_export { frame.export_link } else { told.link },
        open: if wants_export { &words.export } else { &words.open },
        why: frame.why(words),
        settings_link: frame.settings_link,
    };
    body.letter(frame, manner)
}

impl EventBody<'_> {
    fn letter(&self, frame: &Frame<'_>, manner: &Manner) -> Letter {
        let text = render(&EventText { letter: self });
        let html = render(&EventHtml { letter: self });
        frame.letter(manner, self.subject.to_owned(), text, html)
    }
}

/// Writes the letter that says that letters arrive.
pub(crate) fn of_test(frame: &Frame<'_>, manner: &Manner) -> Letter {
    let words = manner.tongue.words();
    let subject = subject(frame, &words.test_subject);
    let html = format!("<!doctype html><p>{}</p>", words.test_text);
    frame.letter(manner, subject, words.test_text.clone(), html)
}

/// Writes the letter with a link that somebody asked for; the only letter that lets somebody in.
pub(crate) fn of_link(frame: &Frame<'_>, manner: &Manner, link: &str) -> Letter {
    let words = manner.tongue.words();
    let subject = subject(frame, &words.link_subject);
    let said = words.link_text.replace("{workspace}", frame.title());
    let html = LinkHtml { lang: manner.tongue.code(), said: &said, open: &words.open, link };
    let (text, html) = (format!("{said}\n\n{link}\n"), render(&html));
    frame.letter(manner, subject, text, html)
}

/// What a letter of many events says, gathered event by event.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    /// How many events.
    pub(crate) count: u64,
    /// Titles of actions with their counts.
    actions: BTreeMap<String, u64>,
    /// Addresses that came up, in their order, to be asked whether they are new.
    pub(crate) addresses: Vec<String>,
    flagged: Vec<String>,
    lines: Vec<String>,
    first_at: Option<i64>,
    last_at: Option<i64>,
}

/// Addresses of one digest that are asked about.
const ADDRESSES_ASKED_MAX: usize = 100;

impl Digest {
    /// Adds one event.
    pub(crate) fn add(&mut self, event: &Event<'_>, manner: &Manner) {
        self.count += 1;
        let title = event.described("title").unwrap_or(event.action());
        *self.actions.entry(title.to_owned()).or_default() += 1;
        if let Some(ip) = event.context("ip")
            && self.addresses.len() < ADDRESSES_ASKED_MAX
            && !self.addresses.iter().any(|known| known == ip)
        {
            self.addresses.push(ip.to_owned());
        }
        let at = event.clear.occurred_at.micros();
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        self.last_at = Some(self.last_at.map_or(at, |last| last.max(at)));
        let text = event.described("description").unwrap_or(title);
        let line = format!("{} · {}", moment(at, &manner.zone), cut(text, VALUE_CHARS_MAX));
        let is_flagged = matches!(event.described("severity"), Some("warning" | "critical"))
            || event.clear.outcome.as_str() == "denied";
        if is_flagged && self.flagged.len() < LISTED_MAX {
            self.flagged.push(line.clone());
        }
        if self.lines.len() < LINES_MAX {
            self.lines.push(line);
        }
    }

    /// Writes the letter. `new_addresses` are those that were never seen before.
    pub(crate) fn letter(
        &self,
        new_addresses: &[String],
        is_throttled: bool,
        frame: &Frame<'_>,
        manner: &Manner,
    ) -> Letter {
        let words = manner.tongue.words();
        let about = match self.count {
            1 => words.digest_subject_one.clone(),
            count => words.digest_subject.replace("{count}", &count.to_string()),
        };
        let subject = subject(frame, &about);
        let moment = |at: Option<i64>| at.map(|at| moment(at, &manner.zone)).unwrap_or_default();
        let title = match is_throttled {
            true => words.throttled_title.clone(),
            false => words
                .digest_title
                .replace("{from}", &moment(self.first_at))
                .replace("{to}", &moment(self.last_at)),
        };
        let mut actions: Vec<(String, u64)> =
            self.actions.iter().map(|(title, count)| (title.clone(), *count)).collect();
        actions.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        actions.truncate(LINES_MAX);
        let left = self.count.saturating_sub(self.lines.len() as u64);
        let body = DigestBody {
            lang: manner.tongue.code(),
            subject: &subject,
            words,
            title: &title,
            actions,
            addresses: &new_addresses[..new_addresses.len().min(LISTED_MAX)],
            flagged: &self.flagged,
            lines: &self.lines,
            more: (left > 0).then(|| words.more.replace("{count}", &left.to_string())),
            link: frame.log_link,
            why: frame.why(words),
            settings_link: frame.settings_link,
        };
        let text = render(&DigestText { letter: &body });
        let html = render(&DigestHtml { letter: &body });
        frame.letter(manner, subject.clone(), text, html)
    }
}

/// Renders a template; writing to a string fails for no template of ours.
fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

/// Writes a subject: one line, without anything that a header could end at.
fn subject(frame: &Frame<'_>, about: &str) -> String {
    let whole = format!("[{}] {about}", frame.title());
    let line: String = whole.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&line, SUBJECT_CHARS_MAX)
}

/// Returns the address of who acted, or what they are called.
fn actor_address<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let actor = event.actor()?;
    let email = actor.get("email").and_then(Value::as_str).filter(|email| !email.is_empty());
    email.or_else(|| party_label(actor))
}

fn facts(told: &Told<'_>, words: &Words, zone: &TimeZone) -> Vec<(String, String)> {
    let event = told.event;
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push((name.to_owned(), cut(&value, VALUE_CHARS_MAX)));
        }
    };
    let status = match event.clear.outcome.as_str() {
        "success" => &words.status_success,
        "failure" => &words.status_failure,
        _ => &words.status_denied,
    };
    let reason = event.outcome_detail("reason").map(|reason| format!(": {reason}"));
    add(&words.status, Some(format!("{status}{}", reason.unwrap_or_default())));
    add(&words.actor, actor_address(event).map(str::to_owned));
    let targets: Vec<String> = event
        .targets()
        .iter()
        .take(3)
        .filter_map(|target| {
            let label = party_label(target)?;
            let id = target.get("id").and_then(Value::as_str).filter(|id| *id != label);
            Some(id.map_or(label.to_owned(), |id| format!("{label} ({id})")))
        })
        .collect();
    add(&words.target, Some(targets.join(", ")));
    add(&words.ip, event.context("ip").map(str::to_owned));
    add(&words.time, Some(moment(event.clear.occurred_at.micros(), zone)));
    facts
}

fn changes(event: &Event<'_>) -> Vec<Change> {
    let side = |change: &Value<'_>, key: &str| match change.get(key) {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => cut(text, VALUE_CHARS_MAX),
        Some(other) => cut(&other.to_string(), VALUE_CHARS_MAX),
    };
    let change = |change: &Value<'_>| {
        let path = change.get("path").and_then(Value::as_str).unwrap_or_default();
        Change {
            label: change_label::label(path),
            before: side(change, "before"),
            after: side(change, "after"),
        }
    };
    event.changes().iter().take(CHANGES_MAX).map(change).collect()
}

/// Writes a moment to the second, with its zone: `2026-11-22 10:30:00 CET (UTC+01:00)`.
pub(crate) fn moment(micros: i64, zone: &TimeZone) -> String {
    match Instant::from_microsecond(micros) {
        Ok(instant) => {
            instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z (UTC%:z)").to_string()
        }
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests;
