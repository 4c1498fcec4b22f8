//! The query string: every parameter known, given at most once, and read with bounds.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;
use proofbook_event::name::nearest;

use crate::problem::{Code, Fault, Problem};

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Params(Vec<(&'static str, String)>);

impl Params {
    /// Reads the query string; an unknown parameter is refused, since it would be ignored silently.
    pub(crate) fn read(uri: &Uri, known: &[&'static str]) -> Result<Self, Problem> {
        let unreadable =
            || Problem::new(Code::InvalidParameter, "the query string is not readable");
        let Query(pairs) =
            Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| unreadable())?;
        Self::of(pairs, known)
    }

    /// Takes parameters that did not come in a query string.
    pub(crate) fn of(
        pairs: Vec<(String, String)>,
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        let mut params: Vec<(&'static str, String)> = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            let Some(known) = known.iter().find(|known| **known == name) else {
                return Err(unknown(&name, known));
            };
            if params.iter().any(|(given, _)| given == known) {
                return Err(Problem::parameter(known, "the parameter is given twice"));
            }
            params.push((known, value));
        }
        Ok(Self(params))
    }

    /// Returns a parameter as it was sent, unchecked; empty when there is none.
    pub(crate) fn peek(uri: &Uri, name: &str) -> String {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|pairs| pairs.0);
        let found = pairs.unwrap_or_default().into_iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value).unwrap_or_default()
    }

    /// Returns a parameter's text; an empty one counts as not given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(given, _)| *given == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Returns the parameters with one more, where it is not given.
    pub(crate) fn or(mut self, name: &'static str, value: &str) -> Self {
        if self.text(name).is_none() {
            self.0.retain(|(given, _)| *given != name);
            self.0.push((name, value.to_owned()));
        }
        self
    }

    /// Returns a number within bounds.
    pub(crate) fn number<T>(
        &self,
        name: &'static str,
        bounds: RangeInclusive<T>,
    ) -> Result<Option<T>, Problem>
    where
        T: FromStr + PartialOrd + Display + Copy + Into<u64>,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        let (low, high) = (*bounds.start(), *bounds.end());
        match text.parse().ok().filter(|number| bounds.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Problem::at(
                Code::InvalidParameter,
                Fault {
                    parameter: Some(name),
                    offset: Some(0),
                    limit: Some(high.into()),
                    detail: format!("`{name}` takes a whole number from {low} to {high}"),
                    ..Fault::default()
                },
            )),
        }
    }

    /// Returns a parameter that is one of a few words.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(Problem::parameter(name, format!("`{name}` takes one of {}", list.join(", "))))
            }
        }
    }
}

fn unknown(name: &str, known: &[&'static str]) -> Problem {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    let suggestion = nearest(&shown, known.iter().copied()).map(str::to_owned);
    let detail = match (&suggestion, known) {
        (Some(near), _) => format!("there is no parameter `{shown}`; did you mean `{near}`?"),
        (None, []) => format!("there is no parameter `{shown}`; this address takes none"),
        (None, _) => {
            format!("there is no parameter `{shown}`; this address takes {}", known.join(", "))
        }
    };
    Problem::at(Code::InvalidParameter, Fault { suggestion, detail, ..Fault::default() })
}

#[cfg(test)]
mod tests;
