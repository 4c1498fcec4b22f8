//! Reads a mapping file: TOML to rules, each mistake by its line.
//!
//! The language is described for people in `docs/guide/import.md`. A key that is not known is an
//! error with the nearest known one, as are words of the contract's vocabularies that do not exist.

mod expressions;

use std::ops::Range;

use proofbook_event::draft::{
    CONTEXT_FIELDS, OUTCOME_FIELDS, PARTY_FIELDS, TARGET_FIELDS, VIA_FIELDS,
};
use proofbook_event::field::FIELDS;
use proofbook_event::{ActorType, Channel, Outcome, Severity, name};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::build::{ChangeRule, Part, Rules, TargetRule};
use super::expression::{Expression, Pointer};
use super::rest::Rest;
use super::times::Times;
use super::{MAPPING_BYTES_MAX, Mapping, MappingError};

type Node<'t> = Spanned<DeValue<'t>>;

const HEADER: &[&str] =
    &["name", "title", "description", "link", "records", "merge", "signs", "event", "rest"];
const SOURCE: &[&str] = &["name", "version", "instance", "seq"];
const APPROVAL: &[&str] = &["id", "at", "by"];

/// Reads a mapping file.
pub(super) fn mapping(text: &str) -> Result<Mapping, MappingError> {
    if text.len() > MAPPING_BYTES_MAX {
        return Err(MappingError {
            line: 1,
            message: format!(
                "a mapping of {} bytes; at most {MAPPING_BYTES_MAX} are read",
                text.len()
            ),
            suggestion: None,
        });
    }
    let reader = Reader { text };
    // No event may hold NUL, so no text of a mapping does.
    if let Some(at) = ["\\u0000", "\\x00", "\\U00000000"].iter().find_map(|nul| text.find(nul)) {
        return Err(reader.error(at..at, "the character NUL cannot stand in an event"));
    }
    let root = DeTable::parse(text)
        .map_err(|error| reader.error(error.span().unwrap_or(0..0), error.message().to_owned()))?;
    reader.mapping(root.get_ref())
}

struct Reader<'s> {
    text: &'s str,
}

impl Reader<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> MappingError {
        let start = span.start.min(self.text.len());
        let line = self.text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        MappingError { line, message: message.into(), suggestion: None }
    }

    fn unknown(&self, span: Range<usize>, what: &str, word: &str, known: &[&str]) -> MappingError {
        MappingError {
            suggestion: name::nearest(word, known.iter().copied()).map(str::to_owned),
            ..self.error(span, format!("`{word}` is not {what}"))
        }
    }

    /// Returns a table's members in the order of the file, after checking their names.
    fn members<'n, 't>(
        &self,
        table: &'n DeTable<'t>,
        what: &str,
        known: &[&str],
    ) -> Result<Vec<(&'n str, &'n Node<'t>)>, MappingError> {
        let mut members: Vec<_> = table.iter().collect();
        members.sort_by_key(|(key, _)| key.span().start);
        for (key, _) in &members {
            if !known.is_empty() && !known.contains(&key.get_ref().as_ref()) {
                return Err(self.unknown(key.span(), what, key.get_ref(), known));
            }
        }
        Ok(members.into_iter().map(|(key, node)| (key.get_ref().as_ref(), node)).collect())
    }

    fn table<'n, 't>(
        &self,
        node: &'n Node<'t>,
        what: &str,
    ) -> Result<&'n DeTable<'t>, MappingError> {
        match node.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.error(node.span(), format!("{what} is a table"))),
        }
    }

    fn string<'n>(&self, node: &'n Node<'_>, what: &str) -> Result<&'n str, MappingError> {
        node.get_ref().as_str().ok_or_else(|| self.error(node.span(), format!("{what} is a text")))
    }

    fn boolean(&self, node: &Node<'_>, what: &str) -> Result<bool, MappingError> {
        match node.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.error(node.span(), format!("{what} is true or false"))),
        }
    }

    /// Returns the items of a list, or the one item that stands without brackets.
    fn list<'n, 't>(node: &'n Node<'t>) -> Vec<&'n Node<'t>> {
        match node.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![node],
        }
    }

    fn mapping(&self, root: &DeTable<'_>) -> Result<Mapping, MappingError> {
        let mut texts: [String; 4] = Default::default();
        let (mut wrappers, mut merge, mut signs) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rules, mut rest) = (None, None);
        for (key, node) in self.members(root, "a key of a mapping", HEADER)? {
            match key {
                "records" => wrappers = self.pointers(node, key)?,
                "merge" => merge = self.top_level(node, key)?,
                "signs" => signs = self.pointers(node, key)?,
                "event" => rules = Some(self.event(node)?),
                "rest" => rest = Some(self.rest(node)?),
                _ => {
                    let place = HEADER.iter().position(|known| *known == key).unwrap_or(0);
                    texts[place] = self.string(node, &format!("`{key}`"))?.to_owned();
                }
            }
        }
        let [name, title, description, link] = texts;
        let is_name_byte =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
        if name.is_empty() || name.len() > 40 || !name.bytes().all(is_name_byte) {
            let message = "a mapping needs `name`: 1 to 40 of the characters a-z 0-9 _ -";
            return Err(self.error(0..0, message));
        }
        let Some(mut rules) = rules else {
            return Err(self.error(0..0, "a mapping needs a table `[event]`"));
        };
        rules.rest = rest.unwrap_or(Rest { key: Some(String::new()), ..Rest::default() });
        let title = if title.is_empty() { name.clone() } else { title };
        Ok(Mapping { name, title, description, link, wrappers, merge, signs, rules })
    }

    fn event(&self, node: &Node<'_>) -> Result<Rules, MappingError> {
        let table = self.table(node, "`event`")?;
        let members = self.members(table, "a field of an event", FIELDS)?;
        let find = |name: &str| members.iter().find(|(key, _)| *key == name).map(|(_, node)| *node);
        let expression = |name: &str| find(name).map(|node| self.expression(node)).transpose();
        let need = |name: &str| {
            expression(name)?.ok_or_else(|| {
                self.error(
                    node.span(),
                    format!("`[event]` needs `{name}`: no event is without one"),
                )
            })
        };
        let part = |name: &str, known: &[&'static str]| -> Result<Part, MappingError> {
            find(name).map_or(Ok(Part::default()), |node| self.part(node, name, known))
        };
        let mut occurred_at = need("occurred_at")?;
        occurred_at.times.get_or_insert_with(Times::rfc3339);
        let (approval, approval_by) = match find("approval") {
            Some(node) => self.approval(node)?,
            None => (Part::default(), Part::default()),
        };
        let severity = expression("severity")?;
        if let (Some(rule), Some(node)) = (&severity, find("severity")) {
            self.check_words(node, rule, Severity::ALL.iter().map(|word| word.as_str()))?;
        }
        Ok(Rules {
            workspace: expression("workspace")?,
            id: expression("id")?,
            action: need("action")?,
            occurred_at,
            actor: part("actor", PARTY_FIELDS)?,
            on_behalf_of: part("on_behalf_of", PARTY_FIELDS)?,
            approval,
            approval_by,
            via: part("via", VIA_FIELDS)?,
            targets: find("targets").map_or(Ok(Vec::new()), |node| self.targets(node))?,
            outcome: self.outcome(find("outcome"))?,
            before: expression("before")?,
            after: expression("after")?,
            changes: find("changes").map_or(Ok(Vec::new()), |node| self.changes(node))?,
            context: part("context", CONTEXT_FIELDS)?,
            description: expression("description")?,
            reason: expression("reason")?,
            severity,
            metadata: find("metadata")
                .map_or(Ok(Vec::new()), |node| self.named(node, "metadata"))?,
            source: part("source", SOURCE)?,
            rest: Rest::default(),
        })
    }

    /// Reads an object of the contract: `when`, and an expression for each of its fields.
    fn part(
        &self,
        node: &Node<'_>,
        what: &str,
        fields: &[&'static str],
    ) -> Result<Part, MappingError> {
        let table = self.table(node, &format!("`{what}`"))?;
        let known: Vec<&str> = fields.iter().copied().chain(["when"]).collect();
        let mut part = Part { is_party: fields == PARTY_FIELDS, ..Part::default() };
        let members = self.members(table, &format!("a field of `{what}`"), &known)?;
        for (key, node) in &members {
            if *key == "when" {
                part.when = Some(self.condition(node)?);
            }
        }
        for field in fields {
            let Some((_, node)) = members.iter().find(|(key, _)| key == field) else { continue };
            if *field == "by" {
                continue;
            }
            let mut rule = self.expression(node)?;
            match *field {
                "type" if part.is_party => {
                    self.check_words(node, &rule, ActorType::ALL.iter().map(|w| w.as_str()))?;
                }
                "channel" => {
                    self.check_words(node, &rule, Channel::ALL.iter().map(|w| w.as_str()))?;
                }
                "result" => {
                    self.check_words(node, &rule, Outcome::ALL.iter().map(|w| w.as_str()))?;
                }
                "at" => {
                    rule.times.get_or_insert_with(Times::rfc3339);
                }
                _ => {}
            }
            part.fields.push((*field, rule));
        }
        Ok(part)
    }

    fn approval(&self, node: &Node<'_>) -> Result<(Part, Part), MappingError> {
        let part = self.part(node, "approval", APPROVAL)?;
        let by = match self.table(node, "`approval`")?.get("by") {
            Some(by) => self.part(by, "approval.by", PARTY_FIELDS)?,
            None => Part::default(),
        };
        Ok((part, by))
    }

    /// Reads `outcome`: an object, or one expression for its result.
    fn outcome(&self, node: Option<&Node<'_>>) -> Result<Part, MappingError> {
        let Some(node) = node else { return Ok(Part::default()) };
        let is_object = match node.get_ref() {
            DeValue::Table(table) => OUTCOME_FIELDS.iter().any(|field| table.get(*field).is_some()),
            _ => false,
        };
        if is_object {
            return self.part(node, "outcome", OUTCOME_FIELDS);
        }
        let rule = self.expression(node)?;
        self.check_words(node, &rule, Outcome::ALL.iter().map(|word| word.as_str()))?;
        Ok(Part { fields: vec![("result", rule)], ..Part::default() })
    }

    fn check_words(
        &self,
        node: &Node<'_>,
        rule: &Expression,
        known: impl Iterator<Item = &'static str>,
    ) -> Result<(), MappingError> {
        let known: Vec<&str> = known.collect();
        let mut wrong = None;
        rule.for_each_constant(&mut |word| {
            if !known.contains(&word) {
                wrong.get_or_insert_with(|| word.to_owned());
            }
        });
        match wrong {
            Some(word) => Err(self.unknown(
                node.span(),
                &format!("one of {}", known.join(", ")),
                &word,
                &known,
            )),
            None => Ok(()),
        }
    }

    fn targets(&self, node: &Node<'_>) -> Result<Vec<TargetRule>, MappingError> {
        let known: Vec<&str> =
            TARGET_FIELDS.iter().copied().chain(["each", "when", "fallback", "by_type"]).collect();
        Self::list(node)
            .into_iter()
            .map(|node| {
                let table = self.table(node, "a rule of `targets`")?;
                let mut rule = TargetRule {
                    each: None,
                    when: None,
                    fallback: false,
                    fields: Vec::new(),
                    by_type: Vec::new(),
                };
                for (key, node) in self.members(table, "a field of `targets`", &known)? {
                    match key {
                        "each" => rule.each = Some(self.pointer(node)?),
                        "when" => rule.when = Some(self.condition(node)?),
                        "fallback" => rule.fallback = self.boolean(node, "`fallback`")?,
                        "by_type" => {
                            let table = self.table(node, "`by_type`")?;
                            for (kind, node) in self.members(table, "", &[])? {
                                for node in Self::list(node) {
                                    rule.by_type.push((kind.to_owned(), self.pointer(node)?));
                                }
                            }
                        }
                        _ => {
                            let expression = self.expression(node)?;
                            let field = TARGET_FIELDS.iter().find(|field| **field == key);
                            rule.fields.extend(field.map(|field| (*field, expression)));
                        }
                    }
                }
                rule.fields
                    .sort_by_key(|(key, _)| TARGET_FIELDS.iter().position(|field| field == key));
                if rule.fields.is_empty() && rule.by_type.is_empty() {
                    return Err(
                        self.error(node.span(), "a rule of `targets` needs `id` or `by_type`")
                    );
                }
                Ok(rule)
            })
            .collect()
    }

    fn changes(&self, node: &Node<'_>) -> Result<Vec<ChangeRule>, MappingError> {
        const KNOWN: &[&str] = &["each", "when", "field", "before", "after"];
        Self::list(node)
            .into_iter()
            .map(|node| {
                let table = self.table(node, "a rule of `changes`")?;
                self.members(table, "a field of `changes`", KNOWN)?;
                let expression =
                    |key: &str| table.get(key).map(|node| self.expression(node)).transpose();
                Ok(ChangeRule {
                    each: table.get("each").map(|node| self.pointer(node)).transpose()?,
                    when: table.get("when").map(|node| self.condition(node)).transpose()?,
                    field: expression("field")?.ok_or_else(|| {
                        self.error(
                            node.span(),
                            "a rule of `changes` needs `field`, the name of what changed",
                        )
                    })?,
                    before: expression("before")?,
                    after: expression("after")?,
                })
            })
            .collect()
    }

    /// Reads a table of free names, each with an expression.
    fn named(
        &self,
        node: &Node<'_>,
        what: &str,
    ) -> Result<Vec<(String, Expression)>, MappingError> {
        let table = self.table(node, &format!("`{what}`"))?;
        self.members(table, "", &[])?
            .into_iter()
            .map(|(key, node)| Ok((key.to_owned(), self.expression(node)?)))
            .collect()
    }

    fn rest(&self, node: &Node<'_>) -> Result<Rest, MappingError> {
        const KNOWN: &[&str] = &["to", "lift", "drop"];
        let mut rest = Rest { key: Some(String::new()), ..Rest::default() };
        if let DeValue::String(_) = node.get_ref() {
            rest.key = self.rest_key(node)?;
            return Ok(rest);
        }
        let table = self.table(node, "`rest`")?;
        for (key, node) in self.members(table, "a key of `rest`", KNOWN)? {
            match key {
                "to" => rest.key = self.rest_key(node)?,
                "lift" => rest.lift = self.top_level(node, key)?,
                _ => rest.drop = self.pointers(node, key)?,
            }
        }
        Ok(rest)
    }

    fn rest_key(&self, node: &Node<'_>) -> Result<Option<String>, MappingError> {
        match self.string(node, "`rest`")? {
            "none" => Ok(None),
            "metadata" => Ok(Some(String::new())),
            other => match other.strip_prefix("metadata.") {
                Some(key) if !key.is_empty() => Ok(Some(key.to_owned())),
                _ => {
                    let what = "a place for what is left; write metadata, metadata.NAME or none";
                    Err(self.unknown(node.span(), what, other, &["metadata", "none"]))
                }
            },
        }
    }

    fn pointer(&self, node: &Node<'_>) -> Result<Pointer, MappingError> {
        let text = self.string(node, "a place in the record")?;
        Pointer::parse(text).ok_or_else(|| {
            let message = format!("`{text}` is no place in the record; one is written /a/b");
            self.error(node.span(), message)
        })
    }

    fn pointers(&self, node: &Node<'_>, _what: &str) -> Result<Vec<Pointer>, MappingError> {
        Self::list(node).into_iter().map(|node| self.pointer(node)).collect()
    }

    fn top_level(&self, node: &Node<'_>, what: &str) -> Result<Vec<Pointer>, MappingError> {
        let pointers = self.pointers(node, what)?;
        match pointers.iter().find(|pointer| pointer.text().matches('/').count() != 1) {
            Some(deep) => {
                let message =
                    format!("`{what}` takes fields of the record itself, not `{}`", deep.text());
                Err(self.error(node.span(), message))
            }
            None => Ok(pointers),
        }
    }
}

#[cfg(test)]
mod tests;
