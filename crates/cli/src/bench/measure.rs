//! One figure with its gate and goal, and how figures are printed.
//!
//! A gate must hold; a goal is where we are going (docs/performance.md). Both are written beside the
//! figure, so that nobody needs another page to read a run.

use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Measure {
    /// What was measured.
    pub(crate) name: String,
    /// The figure.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// What must hold.
    pub(crate) gate: Option<Bound>,
    /// Where we are going.
    pub(crate) goal: Option<Bound>,
}

/// A bound on a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    /// The figure must reach this.
    AtLeast(f64),
    /// The figure must not exceed this.
    AtMost(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {}", short(bound)),
            Self::AtMost(bound) => format!("≤ {}", short(bound)),
        }
    }
}

impl Measure {
    /// Makes a figure without bounds.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, gate: None, goal: None }
    }

    /// Adds what must hold and where we are going.
    #[must_use]
    pub(crate) fn bounds(self, gate: Bound, goal: Bound) -> Self {
        Self { gate: Some(gate), goal: Some(goal), ..self }
    }

    /// Takes the bounds away, where they are for something larger.
    pub(crate) fn unbounded(self) -> Self {
        Self { gate: None, goal: None, ..self }
    }

    /// Tells whether the gate holds, when there is one.
    pub(crate) fn passes(&self) -> Option<bool> {
        Some(self.gate?.holds(self.value))
    }

    fn verdict(&self) -> &'static str {
        match (self.passes(), self.goal.map(|goal| goal.holds(self.value))) {
            (Some(false), _) => "GATE MISSED",
            (Some(true), Some(true)) => "goal reached",
            (Some(true), _) => "gate holds",
            (None, _) => "",
        }
    }
}

/// Prints figures as a table, or as JSON, one a line.
pub(crate) fn print(title: &str, measures: &[Measure], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return measures.iter().try_for_each(|measure| {
            let mut value = serde_json::json!(measure);
            value["part"] = title.into();
            value["passes"] = measure.passes().into();
            output.value(&value)
        });
    }
    let bound = |bound: Option<Bound>| bound.map(Bound::text).unwrap_or_default();
    let row = |measure: &Measure| {
        vec![
            measure.name.clone(),
            format!("{} {}", short(measure.value), measure.unit),
            bound(measure.gate),
            bound(measure.goal),
            measure.verdict().to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = measures.iter().map(row).collect();
    output.line("")?;
    output.table(&[title, "", "GATE", "GOAL", ""], &rows)
}

/// Three significant digits, whole numbers from 100 on.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests;
