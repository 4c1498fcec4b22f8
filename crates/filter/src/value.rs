//! A field's value: the text behind the colon, read by the kind of values the field takes.

use proofbook_event::name;

use crate::ast::{Glob, Match, Number, Op, Operand};
use crate::error::{FilterError, FilterErrorKind};
use crate::field::{Field, Kind};
use crate::limits;
use crate::moment::TimeExpr;
use crate::net::IpNet;
use crate::token::Token;

/// Finds the comparison with which a value begins.
pub(crate) fn take_op(text: &str) -> Option<Op> {
    // The longer ones first.
    [Op::GreaterOrEqual, Op::LessOrEqual, Op::Greater, Op::Less]
        .into_iter()
        .find(|op| text.starts_with(op.as_str()))
}

/// Reads one value. `start` is where it begins, comparison included.
pub(crate) fn read(
    field: &Field,
    op: Option<Op>,
    token: &Token<'_>,
    start: usize,
) -> Result<Match, FilterError> {
    if op.is_none() && token.glob.is_any() {
        return Ok(Match::Present);
    }
    let value = Value { field, op, token, start };
    match field.kind() {
        Kind::Time => value.time(),
        Kind::Whole => value.whole(),
        Kind::Scalar => Ok(value.scalar()),
        Kind::Words(words) => value.word(words),
        Kind::Ip => value.ip(),
        Kind::Folded | Kind::Exact | Kind::Path => value.plain(),
    }
}

/// What is known while one value is read.
struct Value<'v, 't> {
    field: &'v Field,
    op: Option<Op>,
    token: &'v Token<'t>,
    start: usize,
}

impl Value<'_, '_> {
    fn fault(&self, reason: impl Into<String>) -> FilterError {
        let span = self.start..self.token.at.end;
        FilterError::new(FilterErrorKind::Value, span, reason)
    }

    fn bound_or_is(&self, operand: Operand) -> Match {
        match self.op {
            Some(op) => Match::Bound(op, operand),
            None => Match::Is(operand),
        }
    }

    /// Returns the two sides of `a..b`, either perhaps empty, not both.
    fn sides(&self) -> Option<(&str, &str)> {
        if self.token.is_quoted || self.op.is_some() || self.token.raw.contains(['\\', '*']) {
            return None;
        }
        self.token.raw.split_once("..").filter(|sides| *sides != ("", ""))
    }

    /// Refuses a comparison on a field whose values have no order.
    fn plain(&self) -> Result<Match, FilterError> {
        match self.op {
            None => Ok(Match::Is(Operand::Glob(self.token.glob.clone()))),
            Some(op) => Err(self.fault(format!(
                "`{}` cannot be compared with `{}`; occurred, recorded, seq, severity, before, after and meta can",
                self.field,
                op.as_str()
            ))),
        }
    }

    fn time(&self) -> Result<Match, FilterError> {
        let read = |text: &str| {
            TimeExpr::parse(text).ok_or_else(|| {
                self.fault(format!(
                    "`{text}` is not a time; write 2026-11-22, 2026-11, 2026-11-22T09:30 or now-7d"
                ))
            })
        };
        if let Some((from, to)) = self.sides() {
            let side = |text: &str| if text.is_empty() { Ok(None) } else { read(text).map(Some) };
            let (from, to) = (side(from)?, side(to)?);
            if let (Some(from), Some(to)) = (&from, &to)
                && from.is_surely_after(to)
            {
                let swapped = Some(format!("{to}..{from}"));
                return Err(self.fault("the range ends before it begins").suggest(swapped));
            }
            return Ok(Match::Between(from.map(Operand::Time), to.map(Operand::Time)));
        }
        let time = match self.token.glob.as_literal() {
            Some(text) => read(text)?,
            None => {
                return Err(self.fault("a time takes no wildcard; write 2026-11 for a whole month"));
            }
        };
        if self.op.is_none() && time.is_relative_moment() {
            let since = Some(format!(">={time}"));
            return Err(self.fault(format!("`{time}` is a single moment")).suggest(since));
        }
        Ok(self.bound_or_is(Operand::Time(time)))
    }

    fn whole(&self) -> Result<Match, FilterError> {
        let read = |text: &str| {
            let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            Number::parse(text)
                .filter(|number| is_whole && number.value() <= limits::WHOLE_MAX)
                .ok_or_else(|| {
                    self.fault(format!(
                        "`{}` takes whole numbers such as 42, >=42 or 42..99",
                        self.field
                    ))
                })
        };
        if let Some((from, to)) = self.sides() {
            let side = |text: &str| if text.is_empty() { Ok(None) } else { read(text).map(Some) };
            return self.number_range(side(from)?, side(to)?);
        }
        let number = read(self.token.glob.as_literal().unwrap_or_default())?;
        Ok(self.bound_or_is(Operand::Number(number)))
    }

    fn number_range(&self, from: Option<Number>, to: Option<Number>) -> Result<Match, FilterError> {
        if let (Some(from), Some(to)) = (&from, &to)
            && from.value() > to.value()
        {
            let swapped = Some(format!("{}..{}", to.as_str(), from.as_str()));
            return Err(self.fault("the range ends before it begins").suggest(swapped));
        }
        Ok(Match::Between(from.map(Operand::Number), to.map(Operand::Number)))
    }

    /// Numbers and dates compare and range; any other text with `..` in it is just a text.
    fn scalar(&self) -> Match {
        if let Some((from, to)) = self.sides() {
            let side = |text: &str| match text {
                "" => Some(None),
                text => ordered(text).map(Some),
            };
            if let (Some(from), Some(to)) = (side(from), side(to)) {
                let alike = match (&from, &to) {
                    (Some(from), Some(to)) => {
                        matches!(from, Operand::Number(_)) == matches!(to, Operand::Number(_))
                    }
                    _ => true,
                };
                if alike {
                    return Match::Between(from, to);
                }
            }
        }
        let glob = self.token.glob.clone();
        match (self.op, glob.as_literal()) {
            (None, _) => Match::Is(Operand::Glob(glob)),
            (Some(op), Some(text)) if !self.token.is_quoted => {
                let number = Number::parse(text).map(Operand::Number);
                Match::Bound(op, number.unwrap_or(Operand::Glob(glob)))
            }
            // A wildcard has no order: its star is taken for a star.
            (Some(op), _) => Match::Bound(op, Operand::Glob(Glob::literal(glob.parts().join("*")))),
        }
    }

    fn word(&self, words: &[&str]) -> Result<Match, FilterError> {
        let is_severity = *self.field == Field::Severity;
        if self.op.is_some() && !is_severity {
            return self.plain();
        }
        let lower: Vec<String> =
            self.token.glob.parts().iter().map(|part| part.to_lowercase()).collect();
        let glob = Glob::from_parts(lower);
        match glob.as_literal() {
            Some(word) if !words.contains(&word) => {
                let near = name::nearest(word, words.iter().copied()).map(str::to_owned);
                let listed = words.join(", ");
                let op = self.op.map_or("", Op::as_str);
                Err(self
                    .fault(format!("`{word}` is no {} (one of {listed})", self.field))
                    .suggest(near.map(|near| format!("{op}{near}"))))
            }
            None if self.op.is_some() => Err(self.fault("a comparison takes no wildcard")),
            _ => Ok(self.bound_or_is(Operand::Glob(glob))),
        }
    }

    fn ip(&self) -> Result<Match, FilterError> {
        if self.op.is_some() {
            return self.plain();
        }
        let Some(text) = self.token.glob.as_literal() else { return self.plain() };
        match IpNet::parse(text) {
            Some(net) => Ok(Match::Is(Operand::Net(net))),
            None if text.contains('/') => Err(self
                .fault(format!("`{text}` is not a network such as 10.0.0.0/8 or 2001:db8::/32"))),
            // Some producers put a host name where an address belongs.
            None => self.plain(),
        }
    }
}

/// Reads a value that has an order of its own beyond the alphabet: a number or a date.
fn ordered(text: &str) -> Option<Operand> {
    if let Some(number) = Number::parse(text) {
        return Some(Operand::Number(number));
    }
    let is_date = text.starts_with(|c: char| c.is_ascii_digit()) && TimeExpr::parse(text).is_some();
    is_date.then(|| Operand::Glob(Glob::literal(text)))
}
