//! Reads expressions and conditions of a mapping file.

use proofbook_event::{Value, limits, name};
use toml::de::{DeTable, DeValue};

use super::{MappingError, Node, Reader};
use crate::mapping::expression::{Condition, Expression, Lookup, Piece, Pointer, Source};
use crate::mapping::text::{Glob, STEP_WORDS, Step};
use crate::mapping::times::{TIME_WORDS, TimeForm, Times};

pub(super) const EXPRESSION: &[&str] = &[
    "from", "const", "join", "with", "members", "hash", "when", "time", "zone", "do", "map",
    "default", "optional",
];
pub(super) const CONDITION: &[&str] = &["at", "is", "is_not", "not", "all", "any"];

impl Reader<'_> {
    pub(super) fn expression(&self, node: &Node<'_>) -> Result<Expression, MappingError> {
        match node.get_ref() {
            DeValue::String(text) => self.text_expression(node, text),
            DeValue::Array(items) => {
                let parts: Result<Vec<_>, _> =
                    items.iter().map(|item| self.expression(item)).collect();
                Ok(Expression::of(Source::First(parts?)))
            }
            DeValue::Table(table) => self.table_expression(node, table),
            _ => Ok(Expression::of(Source::Constant(self.constant(node)?))),
        }
    }

    /// Reads a text: a place in the record, a template with `{/place}`, or the text itself.
    fn text_expression(&self, node: &Node<'_>, text: &str) -> Result<Expression, MappingError> {
        if let Some(pointer) = Pointer::parse(text) {
            return Ok(Expression::of(Source::Pointer(pointer)));
        }
        if !text.contains(['{', '}']) {
            return Ok(Expression::of(Source::Constant(Value::from(text.to_owned()))));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((fixed, behind)) = rest.split_once('{') {
            let Some((place, behind)) = behind.split_once('}') else {
                return Err(self.error(node.span(), format!("a `{{` is not closed in `{text}`")));
            };
            let Some(pointer) = Pointer::parse(place) else {
                let message =
                    format!("`{{{place}}}` is no place in the record; one is written {{/a/b}}");
                return Err(self.error(node.span(), message));
            };
            if !fixed.is_empty() {
                pieces.push(Piece::Text(fixed.to_owned()));
            }
            pieces.push(Piece::Pointer(pointer));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Expression::of(Source::Template(pieces)))
    }

    fn constant(&self, node: &Node<'_>) -> Result<Value<'static>, MappingError> {
        match node.get_ref() {
            DeValue::String(text) => Ok(Value::from(text.clone().into_owned())),
            DeValue::Boolean(flag) => Ok(Value::Bool(*flag)),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .filter(|whole| whole.unsigned_abs() <= limits::INTEGER_MAX as u64)
                .map(Value::Int)
                .ok_or_else(|| self.error(node.span(), "the number is too large")),
            _ => {
                Err(self.error(node.span(), "a fixed value is a text, a whole number or a boolean"))
            }
        }
    }

    fn table_expression(
        &self,
        node: &Node<'_>,
        table: &DeTable<'_>,
    ) -> Result<Expression, MappingError> {
        let members = self.members(table, "a key of an expression", EXPRESSION)?;
        let mut source = None;
        let mut with = None;
        let mut zone = None;
        let mut rule = Expression::of(Source::Constant(Value::Null));
        for (key, node) in members {
            let made = match key {
                "from" => {
                    let inner = self.expression(node)?;
                    Some(match (&inner.source, inner.is_plain()) {
                        (_, true) => inner.source,
                        _ => Source::First(vec![inner]),
                    })
                }
                "const" => Some(Source::Constant(self.constant(node)?)),
                "join" => {
                    let parts: Result<_, _> =
                        Self::list(node).into_iter().map(|part| self.expression(part)).collect();
                    Some(Source::Join { parts: parts?, with: ".".to_owned() })
                }
                "members" => Some(Source::Members(self.named(node, "members")?)),
                "hash" => Some(Source::Hash(match node.get_ref() {
                    DeValue::Boolean(true) => Vec::new(),
                    _ => self.pointers(node, "hash")?,
                })),
                "with" => {
                    with = Some((node.span(), self.string(node, "`with`")?.to_owned()));
                    None
                }
                "when" => {
                    rule.when = Some(self.condition(node)?);
                    None
                }
                "time" => {
                    rule.times = Some(self.times(node)?);
                    None
                }
                "zone" => {
                    zone = Some(node);
                    None
                }
                "do" => {
                    rule.steps = self.steps(node)?;
                    None
                }
                "map" => {
                    rule.lookup = Some(self.lookup(node)?);
                    None
                }
                "default" => {
                    rule.default = Some(Box::new(self.expression(node)?));
                    None
                }
                _ => {
                    rule.optional = self.boolean(node, "`optional`")?;
                    None
                }
            };
            if made.is_some() && std::mem::replace(&mut source, made).is_some() {
                let message = "an expression has one of from, const, join, members and hash";
                return Err(self.error(node.span(), message));
            }
        }
        rule.source = source.ok_or_else(|| {
            self.error(
                node.span(),
                "an expression needs one of from, const, join, members and hash",
            )
        })?;
        match (&mut rule.source, with) {
            (Source::Join { with, .. }, Some((_, text))) => *with = text,
            (_, Some((span, _))) => return Err(self.error(span, "`with` belongs to `join`")),
            _ => {}
        }
        if let Some(node) = zone {
            let name = self.string(node, "`zone`")?;
            let zone = jiff::tz::TimeZone::get(name)
                .map_err(|_| self.error(node.span(), format!("`{name}` is not a time zone")))?;
            match &mut rule.times {
                Some(times) => times.zone = zone,
                None => return Err(self.error(node.span(), "`zone` belongs to `time`")),
            }
        }
        Ok(rule)
    }

    fn times(&self, node: &Node<'_>) -> Result<Times, MappingError> {
        let mut times = Times { forms: Vec::new(), ..Times::rfc3339() };
        for node in Self::list(node) {
            let text = self.string(node, "a time form")?;
            times.forms.push(TimeForm::parse(text).map_err(|message| MappingError {
                suggestion: name::nearest(text, TIME_WORDS.iter().copied()).map(str::to_owned),
                ..self.error(node.span(), message)
            })?);
        }
        Ok(times)
    }

    fn steps(&self, node: &Node<'_>) -> Result<Vec<Step>, MappingError> {
        Self::list(node)
            .into_iter()
            .map(|node| {
                let text = self.string(node, "a step")?;
                Step::parse(text).map_err(|message| {
                    let word = text.split(':').next().unwrap_or(text);
                    let near = name::nearest(word, STEP_WORDS.iter().copied());
                    MappingError {
                        suggestion: near.filter(|near| *near != word).map(str::to_owned),
                        ..self.error(node.span(), message)
                    }
                })
            })
            .collect()
    }

    fn lookup(&self, node: &Node<'_>) -> Result<Lookup, MappingError> {
        let table = self.table(node, "`map`")?;
        let rows: Result<Vec<_>, MappingError> = self
            .members(table, "", &[])?
            .into_iter()
            .map(|(key, node)| {
                Ok((key.to_owned(), self.string(node, "a value of `map`")?.to_owned()))
            })
            .collect();
        Ok(Lookup::new(rows?))
    }

    pub(super) fn condition(&self, node: &Node<'_>) -> Result<Condition, MappingError> {
        if node.get_ref().as_str().is_some() {
            return Ok(Condition::Present(self.pointer(node)?));
        }
        let table = self.table(node, "a condition")?;
        let members = self.members(table, "a key of a condition", CONDITION)?;
        let conditions = |node: &Node<'_>| -> Result<Vec<Condition>, MappingError> {
            Self::list(node).into_iter().map(|node| self.condition(node)).collect()
        };
        let globs = |node: &Node<'_>| -> Result<Vec<Glob>, MappingError> {
            Self::list(node)
                .into_iter()
                .map(|node| Ok(Glob::new(self.string(node, "a pattern")?)))
                .collect()
        };
        match members.as_slice() {
            [("not", node)] => Ok(Condition::Not(Box::new(self.condition(node)?))),
            [("all", node)] => Ok(Condition::All(conditions(node)?)),
            [("any", node)] => Ok(Condition::Any(conditions(node)?)),
            [("at", at)] => Ok(Condition::Present(self.pointer(at)?)),
            [("at", at), ("is", is)] | [("is", is), ("at", at)] => {
                Ok(Condition::Is(self.pointer(at)?, globs(is)?))
            }
            [("at", at), ("is_not", is)] | [("is_not", is), ("at", at)] => {
                Ok(Condition::Not(Box::new(Condition::Is(self.pointer(at)?, globs(is)?))))
            }
            _ => Err(self.error(
                node.span(),
                "a condition is `/place`, { at, is }, { at, is_not }, { not }, { all } or { any }",
            )),
        }
    }
}
