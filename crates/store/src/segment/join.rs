//! Putting a row's groups together again, byte by byte, from the columns that [`super::lift`] spread them
//! over.
//!
//! Where the lifted members belong in what is left of a group depends on what is left alone, and few
//! groups leave different things. So it is found once for each entry of a dictionary.

use proofbook_event::Group;

use super::lift::{Names, SENTENCE, TARGET_NAME, Values, WITHHELD, lifted};
use super::rows::{GroupSet, Places};
use super::slice::{items, members};
use super::stream::Codes;

/// Most members lifted from one group.
const LIFTED_MAX: usize = 4;

/// Where a group's lifted members go in what is left of it. Offsets in bytes of that.
#[derive(Clone, Copy)]
struct Plan {
    /// Of each lifted key: behind the last member that stands before it.
    behind: [u32; LIFTED_MAX],
    /// The first member, or the closing brace.
    begin: u32,
    /// Behind the last member.
    end: u32,
    /// Behind the closing brace.
    after: u32,
}

impl Plan {
    fn of(group: Group, rest: &[u8]) -> Self {
        let (_, keys) = lifted(group);
        // The object is the whole group, or the first item behind an opening bracket.
        let (before, object) = match group {
            Group::Targets => (1, items(rest).next().map_or(&[][..], |(_, item)| item)),
            _ => (0, rest),
        };
        let mut behind = [0; LIFTED_MAX];
        let mut walk = members(object);
        let mut end = before + 1;
        let mut keys_left = keys.iter().zip(&mut behind).peekable();
        while let Some((member, _)) = walk.next() {
            while let Some((_, behind)) = keys_left.next_if(|(key, _)| member >= key.as_bytes()) {
                *behind = end as u32;
            }
            end = before + object.len() - walk.rest().len();
        }
        keys_left.for_each(|(_, behind)| *behind = end as u32);
        let after = before + object.len();
        Self { behind, begin: before as u32 + 1, end: end as u32, after: after as u32 }
    }
}

/// Puts rows together; keeps what it found out about the entries of a row group's dictionaries.
#[derive(Default)]
pub(super) struct Joiner {
    plans: [Vec<Option<Plan>>; Group::COUNT],
    row_group: usize,
}

impl Joiner {
    /// Says of which row group the codes are.
    pub(super) fn enter(&mut self, row_group: usize) {
        if std::mem::replace(&mut self.row_group, row_group) != row_group {
            self.plans.iter_mut().for_each(Vec::clear);
        }
    }

    /// Appends a row's groups and withheld commitments to a buffer. `actor` is
    /// [`super::lift::actor_name`] of the actor's group.
    pub(super) fn join_row(
        &mut self,
        values: &Values<'_>,
        codes: &Codes,
        actor: Option<&[u8]>,
        groups: GroupSet,
        buffer: &mut Vec<u8>,
    ) -> Places {
        let mut places = Places::default();
        for group in Group::ALL.into_iter().filter(|group| groups.contains(*group)) {
            let Some(rest) = values[group.index()] else { continue };
            let from = buffer.len() as u32;
            if has_lifted(group, values) {
                let plan = self.plan(group, rest, codes[group.index()]);
                put_together(group, values, rest, &plan, actor, buffer);
            } else {
                buffer.extend_from_slice(rest);
            }
            places[group.index()] = Some((from, buffer.len() as u32));
        }
        if let Some(withheld) = values[WITHHELD] {
            let from = buffer.len() as u32;
            buffer.extend_from_slice(withheld);
            places[WITHHELD] = Some((from, buffer.len() as u32));
        }
        places
    }

    fn plan(&mut self, group: Group, rest: &[u8], code: u32) -> Plan {
        let Some(number) = (code as usize).checked_sub(1) else { return Plan::of(group, rest) };
        let plans = &mut self.plans[group.index()];
        if plans.len() <= number {
            plans.resize(number + 1, None);
        }
        *plans[number].get_or_insert_with(|| Plan::of(group, rest))
    }
}

fn has_lifted(group: Group, values: &Values<'_>) -> bool {
    let (first, keys) = lifted(group);
    let lifted = values.get(first..first + keys.len()).unwrap_or_default();
    lifted.iter().any(Option::is_some)
}

/// Appends a group's bytes; `false` when the row has no such group.
pub(super) fn join(group: Group, values: &Values<'_>, out: &mut Vec<u8>) -> bool {
    let Some(rest) = values[group.index()] else { return false };
    if has_lifted(group, values) {
        let actor = match group {
            Group::Description => Names::of(values).actor,
            _ => None,
        };
        put_together(group, values, rest, &Plan::of(group, rest), actor, out);
    } else {
        out.extend_from_slice(rest);
    }
    true
}

fn put_together(
    group: Group,
    values: &Values<'_>,
    rest: &[u8],
    plan: &Plan,
    actor: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    let (first, keys) = lifted(group);
    let part = |from: u32, to: u32| rest.get(from as usize..to as usize).unwrap_or_default();
    if group == Group::Targets {
        out.push(b'[');
    }
    out.push(b'{');
    let start = out.len();
    let mut at = plan.begin;
    let mut put_left = |to: u32, out: &mut Vec<u8>| {
        let left = part(at, to);
        // All but the first member have their comma.
        if at == plan.begin && !left.is_empty() && out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(left);
        at = to;
    };
    for ((key, behind), place) in keys.iter().zip(plan.behind).zip(first..) {
        let Some(text) = values[place] else { continue };
        put_left(behind, out);
        if out.len() > start {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":\"");
        if place == SENTENCE {
            Names::new(actor, values[TARGET_NAME]).put_in(text, out);
        } else {
            out.extend_from_slice(text);
        }
        out.push(b'"');
    }
    put_left(plan.end, out);
    out.push(b'}');
    out.extend_from_slice(part(plan.after, rest.len() as u32));
}

/// Appends a row's sentence with its names; `false` when none was lifted. `actor` is
/// [`super::lift::actor_name`] of the actor's group.
pub(super) fn put_sentence(values: &Values<'_>, actor: Option<&[u8]>, out: &mut Vec<u8>) -> bool {
    let Some(text) = values[SENTENCE] else { return false };
    Names::new(actor, values[TARGET_NAME]).put_in(text, out);
    true
}

/// Returns how many bytes [`join`] makes of all groups of a row; `sentence` is what [`put_sentence`]
/// appends.
pub(super) fn joined_bytes(values: &Values<'_>, sentence: &[u8]) -> usize {
    let mut bytes: usize = values[..Group::COUNT].iter().flatten().map(|own| own.len()).sum();
    for group in [Group::Context, Group::Description, Group::Targets] {
        let (first, keys) = lifted(group);
        let Some(rest) = values[group.index()] else { continue };
        let mut members = 0;
        for (key, (text, place)) in keys.iter().zip(values[first..].iter().zip(first..)) {
            let Some(text) = text else { continue };
            let text = if place == SENTENCE { sentence } else { text };
            // Two quotes each, and a colon.
            bytes += key.len() + text.len() + 5;
            members += 1;
        }
        // A comma behind each but the last one of all.
        let is_alone = rest == b"{}" || rest.starts_with(b"[{}");
        bytes += if is_alone { usize::saturating_sub(members, 1) } else { members };
    }
    bytes
}
