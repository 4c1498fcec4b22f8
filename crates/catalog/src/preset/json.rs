//! A preset as `GET /v1/catalogs/{name}` and the viewer read it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proofbook_event::Value;
use proofbook_event::json::Object;

use super::{
    Action, Column, FilterControl, Labels, Module, Order, Preset, ReadyView, TargetType, Viewer,
};

impl Preset {
    /// Returns name, title, path, modules, target types, actions, labels, viewer settings and ready views.
    ///
    /// Access and secrets stay out: a reader of the list needs neither. What a preset leaves out is
    /// absent, so that the answer says nothing that the preset does not.
    pub fn to_json(&self) -> Value<'_> {
        object([
            ("name", text(&self.name)),
            ("title", text(&self.title)),
            ("path", text_unless_empty(&self.path)),
            ("modules", list(&self.modules, module)),
            ("target_types", list(&self.target_types, target_type)),
            ("actions", list(&self.actions, action)),
            ("labels", labels(&self.labels)),
            ("viewer", viewer(&self.viewer)),
            ("views", (!self.views.is_empty()).then(|| list(&self.views, view)).flatten()),
        ])
    }
}

fn object<'v, const N: usize>(members: [(&'static str, Option<Value<'v>>); N]) -> Value<'v> {
    let present = members.into_iter().filter_map(|(key, value)| Some((Cow::Borrowed(key), value?)));
    Value::Object(present.collect())
}

fn text(text: &str) -> Option<Value<'_>> {
    Some(Value::from(text))
}

fn text_unless_empty(text: &str) -> Option<Value<'_>> {
    (!text.is_empty()).then(|| Value::from(text))
}

fn optional(text: &Option<String>) -> Option<Value<'_>> {
    text.as_deref().map(Value::from)
}

fn list<'v, T>(items: &'v [T], write: fn(&'v T) -> Value<'v>) -> Option<Value<'v>> {
    Some(Value::Array(items.iter().map(write).collect()))
}

fn view(view: &ReadyView) -> Value<'_> {
    object([("name", text(&view.name)), ("query", text(&view.query))])
}

fn module(module: &Module) -> Value<'_> {
    object([
        ("id", text(&module.id)),
        ("title", text(&module.title)),
        ("url", optional(&module.url)),
    ])
}

fn target_type(kind: &TargetType) -> Value<'_> {
    object([
        ("id", text(&kind.id)),
        ("title", text(&kind.title)),
        ("explanation", optional(&kind.explanation)),
    ])
}

fn action(action: &Action) -> Value<'_> {
    object([
        ("name", text(&action.name)),
        ("title", text(&action.title)),
        ("explanation", optional(&action.explanation)),
        ("module", text(&action.module)),
        ("verb", text(action.verb.as_str())),
        ("severity", text(action.severity.as_str())),
        ("notify", Some(Value::Bool(action.notify))),
        ("description", text_unless_empty(&action.description)),
    ])
}

fn words(words: &BTreeMap<String, String>) -> Option<Value<'_>> {
    let members: Object<'_> = words
        .iter()
        .map(|(word, label)| (Cow::Borrowed(word.as_str()), Value::from(label.as_str())))
        .collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

fn labels(labels: &Labels) -> Option<Value<'_>> {
    Some(object([
        ("verb", words(&labels.verb)),
        ("outcome", words(&labels.outcome)),
        ("role", words(&labels.role)),
        ("field", words(&labels.field)),
    ]))
}

fn viewer(viewer: &Viewer) -> Option<Value<'_>> {
    let order = match viewer.order {
        Order::Newest => "newest",
        Order::Oldest => "oldest",
    };
    Some(object([
        ("page_size", Some(Value::Int(i64::from(viewer.page_size)))),
        ("order", text(order)),
        ("default_range", text(&viewer.default_range)),
        ("default_query", text(&viewer.default_query)),
        ("columns", list(&viewer.columns, column)),
        ("filters", list(&viewer.filters, filter)),
        ("details", text(&viewer.details)),
    ]))
}

fn column(column: &Column) -> Value<'_> {
    object([("field", text(&column.field)), ("label", text(&column.label))])
}

fn filter(control: &FilterControl) -> Value<'_> {
    object([
        ("field", text(&control.field)),
        ("label", optional(&control.label)),
        ("all", optional(&control.all)),
    ])
}
