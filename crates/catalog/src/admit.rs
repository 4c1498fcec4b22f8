//! Admit: everything about one event that needs judgement and no order (design section 3).
//!
//! [`admit`] is pure. What it sees is what counts: the catalog it is given decides title, module,
//! verb, severity and sentence for good, and secrets are gone before anything is rendered, hashed
//! or stored. An event is refused for three reasons only: it lies more than 24 hours ahead, it is
//! already outside its retention, or its catalog is strict and does not list the action.

use proofbook_event::canonical::{self, ObjectWriter, write_int, write_string, write_value};
use proofbook_event::draft::DraftError;
use proofbook_event::field::FIELDS;
use proofbook_event::{EventDraft, Field, Group, Timestamp, Value, changes, limits, name};
use proofbook_ledger::leaf::clear_action;

use crate::admitted::{Admitted, EventKeys};
use crate::catalog::{Catalog, Resolved};
use crate::identity::Identity;
use crate::mask::Masker;
use crate::template::Values;

/// How far back an event may lie before a key without `import` stops its retention (24 h), in µs.
const BACKDATE_MICROS_MAX: i64 = 24 * 3600 * 1_000_000;

/// What admit needs to know beside the event.
pub struct AdmitContext<'c> {
    /// The catalog in force.
    pub catalog: &'c Catalog,
    /// Now, by the guarded clock.
    pub now: Timestamp,
    /// The oldest moment still kept, from [`Keep::cutoff`](crate::retention::Keep::cutoff).
    pub kept_since: Option<Timestamp>,
    /// Whether the key may import, and so backdate.
    pub may_import: bool,
    /// Key of the fingerprints in masked values.
    pub mask_key: &'c [u8; 16],
}

/// Why one event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Rejected {
    /// A stable code: those of [`DraftError`], `too_far_ahead`, `outside_retention` or
    /// `unknown_action`.
    pub code: &'static str,
    /// JSON pointer of the field, empty for the event as a whole.
    pub pointer: String,
    /// Byte offset in the event's text, where the text is at fault.
    pub offset: Option<usize>,
    /// What is wrong and what to do, in plain words.
    pub reason: String,
    /// The limit that was exceeded, where one was.
    pub limit: Option<u64>,
}

impl From<DraftError> for Rejected {
    fn from(error: DraftError) -> Self {
        Self {
            code: error.code,
            offset: Some(error.offset),
            reason: error.reason,
            pointer: error.pointer,
            limit: error.limit,
        }
    }
}

impl Rejected {
    fn new(code: &'static str, pointer: &str, reason: String) -> Self {
        Self { code, pointer: pointer.to_owned(), offset: None, reason, limit: None }
    }
}

/// Judges one event, and puts it in the place of what `admitted` held.
///
/// The draft's own `workspace` is not looked at: whose it is was decided before. Nor is its id, which
/// the identity has taken.
///
/// What is masked is masked in the draft.
///
/// # Errors
/// The event is refused; `admitted` is what it was.
pub fn admit(
    draft: &mut EventDraft<'_>,
    identity: &Identity<'_>,
    context: &AdmitContext<'_>,
    keys: &EventKeys,
    admitted: &mut Admitted,
) -> Result<(), Rejected> {
    let occurred_at = draft.occurred_at.unwrap_or(context.now);
    let retention_from_recorded = judge_time(occurred_at, context)?;
    let resolved = context.catalog.resolve(&draft.action);
    // What Proofbook itself records is never refused.
    let own = draft.action.starts_with(name::RESERVED_ACTION_PREFIX);
    if context.catalog.preset().strict && resolved.action.is_none() && !own {
        return Err(unknown_action(&draft.action, context.catalog));
    }

    let mut masker = Masker::new(context.mask_key);
    masker.draft(draft, resolved.secret);
    let masked = masker.count();

    let action_listed = clear_action(&draft.action, resolved.action.is_some()).is_some();
    let judged = Judged { draft, resolved: &resolved, action_listed, masked };
    pack(&judged, &identity.id, admitted);
    admitted.id_hash = identity.hash;
    admitted.fingerprint = identity.fingerprint;
    admitted.id_generated = identity.generated;
    admitted.occurred_at = occurred_at;
    admitted.retention_from_recorded = retention_from_recorded;
    admitted.action_listed = action_listed;
    admitted.notify = resolved.notify;
    admitted.outcome = draft.outcome;
    admitted.masked = masked;
    admitted.seal(keys);
    Ok(())
}

/// Checks when it happened; returns whether retention counts from recorded_at.
fn judge_time(occurred_at: Timestamp, context: &AdmitContext<'_>) -> Result<bool, Rejected> {
    let ahead = occurred_at.micros() - context.now.micros();
    if ahead > limits::FUTURE_MICROS_MAX {
        let reason = format!(
            "occurred_at {occurred_at} is more than 24 hours ahead of the server's clock, {}; \
             check the sender's clock and its time zone",
            context.now
        );
        let limit = Some(limits::FUTURE_MICROS_MAX as u64 / 1_000_000);
        return Err(Rejected { limit, ..Rejected::new("too_far_ahead", "/occurred_at", reason) });
    }
    let from_recorded = !context.may_import && -ahead > BACKDATE_MICROS_MAX;
    match context.kept_since {
        Some(since) if !from_recorded && occurred_at < since => {
            let reason = format!(
                "occurred_at {occurred_at} is already outside this workspace's retention, which \
                 begins at {since}; the event would be hidden at once"
            );
            Err(Rejected::new("outside_retention", "/occurred_at", reason))
        }
        _ => Ok(from_recorded),
    }
}

fn unknown_action(action: &str, catalog: &Catalog) -> Rejected {
    let known = catalog.preset().actions.iter().map(|action| action.name.as_str());
    let hint = match name::nearest(action, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "add it to the catalog, or make the catalog not strict".to_owned(),
    };
    let own = catalog.name();
    let reason = format!("the strict catalog `{own}` does not list the action `{action}`; {hint}");
    Rejected::new("unknown_action", "/action", reason)
}

/// A judged draft on its way into canonical bytes.
struct Judged<'d, 'a> {
    draft: &'d EventDraft<'a>,
    resolved: &'d Resolved<'d>,
    action_listed: bool,
    masked: u32,
}

impl<'d, 'a> Judged<'d, 'a> {
    /// Returns a writer of a field that is a group by itself.
    fn field(
        &'d self,
        field: Field,
        value: Option<&'d Value<'a>>,
    ) -> Option<impl FnOnce(&mut Vec<u8>) + use<'d, 'a>> {
        value.map(|value| move |out: &mut Vec<u8>| self.put(field, value, out))
    }

    /// Appends a field's canonical bytes: those from the fingerprint, unless something was masked.
    fn put(&self, field: Field, value: &Value<'_>, out: &mut Vec<u8>) {
        match self.draft.sent_field(field).filter(|_| self.masked == 0) {
            Some(sent) => {
                debug_assert_eq!(canonical::to_bytes(value), sent, "{field:?} was changed");
                out.extend_from_slice(sent);
            }
            None => write_value(value, out),
        }
    }

    /// Appends an object of the fields that are present, whose names come in canonical order.
    fn put_fields(&self, fields: &[(Field, &Option<Value<'_>>)], out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out);
        for (field, value) in fields {
            if let Some(value) = value {
                self.put(*field, value, object.key(FIELDS[*field as usize]));
            }
        }
        object.end();
    }
}

/// Writes the groups' canonical bytes.
fn pack(judged: &Judged<'_, '_>, id: &str, packed: &mut Admitted) {
    let draft = judged.draft;
    packed.begin(&draft.action);
    let some = |present: bool| present.then_some(());

    let actor = [
        (Field::Actor, &draft.actor),
        (Field::OnBehalfOf, &draft.on_behalf_of),
        (Field::Via, &draft.via),
    ];
    let present = some(actor.iter().any(|(_, value)| value.is_some()));
    packed.put(Group::Actor, present.map(|()| |out: &mut Vec<u8>| judged.put_fields(&actor, out)));

    let present = draft.before.is_some() || draft.after.is_some() || draft.changes.is_some();
    packed.put(
        Group::Changes,
        some(present).map(|()| |out: &mut Vec<u8>| write_changes(judged, out)),
    );
    packed.put(Group::Context, judged.field(Field::Context, draft.context.as_ref()));
    packed.put(Group::Description, Some(|out: &mut Vec<u8>| write_description(judged, out)));
    packed.put(Group::Id, Some(|out: &mut Vec<u8>| write_string(id, out)));
    let metadata = [(Field::Metadata, &draft.metadata), (Field::Source, &draft.source)];
    let present = some(metadata.iter().any(|(_, value)| value.is_some()));
    packed.put(
        Group::Metadata,
        present.map(|()| |out: &mut Vec<u8>| judged.put_fields(&metadata, out)),
    );
    packed.put(Group::Targets, judged.field(Field::Targets, draft.targets.as_ref()));
}

/// Writes `{after, before, changes}`; changes are derived when the sender gave none.
fn write_changes(judged: &Judged<'_, '_>, out: &mut Vec<u8>) {
    let draft = judged.draft;
    let mut object = ObjectWriter::begin(out);
    if let Some(after) = &draft.after {
        judged.put(Field::After, after, object.key("after"));
    }
    if let Some(before) = &draft.before {
        judged.put(Field::Before, before, object.key("before"));
    }
    match &draft.changes {
        Some(changes) => judged.put(Field::Changes, changes, object.key("changes")),
        None => {
            let derived = changes::derive(draft.before.as_ref(), draft.after.as_ref());
            changes::write(&derived, object.key("changes"));
        }
    }
    object.end();
}

/// Writes what the event is called, frozen as the catalog says it today.
fn write_description(judged: &Judged<'_, '_>, out: &mut Vec<u8>) {
    let Judged { draft, resolved, action_listed, masked } = *judged;
    let mut object = ObjectWriter::begin(out);
    if !action_listed {
        write_string(&draft.action, object.key("action"));
    }
    if let Some(approval) = &draft.approval {
        judged.put(Field::Approval, approval, object.key("approval"));
    }
    match &draft.description {
        Some(given @ Value::String(_)) => {
            judged.put(Field::Description, given, object.key("description"))
        }
        _ => {
            let mut sentence = String::with_capacity(96);
            let values = Values {
                actor: draft.actor.as_ref(),
                targets: draft.targets.as_ref(),
                before: draft.before.as_ref(),
                after: draft.after.as_ref(),
                changes: draft.changes.as_ref(),
                metadata: draft.metadata.as_ref(),
            };
            resolved.describe(&draft.action, &values, draft.outcome, &mut sentence);
            write_string(&sentence, object.key("description"));
        }
    }
    if masked > 0 {
        write_int(i64::from(masked), object.key("masked"));
    }
    object.key("module").extend_from_slice(resolved.module_json);
    if !draft.outcome_detail.is_empty() {
        write_outcome_detail(draft, object.key("outcome"));
    }
    if let Some(reason) = &draft.reason {
        judged.put(Field::Reason, reason, object.key("reason"));
    }
    let severity = draft.severity.unwrap_or(resolved.severity);
    write_string(severity.as_str(), object.key("severity"));
    write_string(&resolved.title, object.key("title"));
    write_string(resolved.verb.as_str(), object.key("verb"));
    object.end();
}

/// Writes `{code, reason}` of the outcome, those that were sent.
fn write_outcome_detail(draft: &EventDraft<'_>, out: &mut Vec<u8>) {
    let mut object = ObjectWriter::begin(out);
    for key in ["code", "reason"] {
        if let Some((_, value)) = draft.outcome_detail.iter().find(|(name, _)| name == key) {
            write_value(value, object.key(key));
        }
    }
    object.end();
}

#[cfg(test)]
pub(crate) mod tests;
