//! What the server was told and what it answered, kept outside its process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::heads::Heads;
use super::http::Connection;
use super::server::KEY;
use super::{Dice, WORKSPACES};

/// Rows asked for at once.
const PAGE: usize = 500;
/// Repeated events per thread and cycle.
const REPEATS: usize = 8;

/// A receipt, as it must stay.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Receipt {
    seq: u64,
    leaf: String,
    /// What the event says, to tell it from any other.
    says: String,
}

/// An event that was sent, by workspace and id.
type Name = (String, String);

/// One request and what came of it.
pub(crate) struct Sent {
    workspace: String,
    events: Vec<(String, String)>,
    /// Status and body; `None` when the connection broke.
    answer: Option<(u16, Vec<u8>)>,
}

/// Everything that was acknowledged, and what may have been recorded.
#[derive(Default)]
pub(crate) struct Journal {
    receipts: BTreeMap<Name, Receipt>,
    /// Batches whose outcome nobody was told, until they are found whole or not at all.
    unknown: Vec<Vec<(Name, String)>>,
    pub(crate) unknown_batches: u64,
    /// Per workspace: events up to this seq were read back often enough.
    settled: BTreeMap<String, u64>,
    /// Per workspace: the size last seen.
    sizes: BTreeMap<String, u64>,
    /// Signed heads that left the server, of all its lives.
    pub(crate) heads: Heads,
}

fn event(id: &str, says: &str) -> Value {
    json!({
        "id": id,
        "action": "crash.test",
        "actor": {"type": "user", "id": format!("u-{says}"), "name": "Ada Park"},
        "before": {"note": "x".repeat(says.len() % 40)},
        "after": {"note": says},
        "metadata": {"says": says},
    })
}

/// Sends batches until the server is gone; returns each with its answer.
pub(crate) fn load(
    address: &str,
    stop: &AtomicBool,
    cycle: u64,
    thread: u64,
    repeats: &[(Name, String)],
    dice: &mut Dice,
) -> Vec<Sent> {
    let mut all = Vec::new();
    let Ok(mut connection) = Connection::open(address) else { return all };
    for batch in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let repeat = (!repeats.is_empty() && dice.below(4) == 0)
            .then(|| &repeats[dice.below(repeats.len() as u64) as usize]);
        let workspace = match repeat {
            Some(((workspace, _), _)) => workspace.clone(),
            None => format!("w{}", dice.below(WORKSPACES)),
        };
        let mut events: Vec<(String, String)> = (0..=dice.below(8))
            .map(|n| {
                let id = format!("c{cycle}-t{thread}-b{batch}-{n}");
                let says = format!("{id}-{}", dice.below(1_000_000));
                (id, says)
            })
            .collect();
        events.extend(repeat.map(|((_, id), says)| (id.clone(), says.clone())));
        let body: Vec<Value> = events.iter().map(|(id, says)| event(id, says)).collect();
        let body = Value::Array(body).to_string();
        let wait = if dice.below(6) == 0 { "?wait=head" } else { "" };
        let path = format!("/v1/workspaces/{workspace}/events{wait}");
        let answer = connection.send("POST", &path, KEY, body.as_bytes());
        let is_over = answer.is_err();
        let answer = answer.ok().map(|answer| (answer.status, answer.body));
        all.push(Sent { workspace, events, answer });
        if is_over {
            break;
        }
    }
    all
}

impl Journal {
    pub(crate) fn acknowledged(&self) -> usize {
        self.receipts.len()
    }

    /// Picks some known events to be sent again.
    pub(crate) fn some_known(&self, dice: &mut Dice) -> Vec<(Name, String)> {
        let count = self.receipts.len();
        let mut some = Vec::new();
        for _ in 0..REPEATS.min(count) {
            let at = dice.below(count as u64) as usize;
            if let Some((name, receipt)) = self.receipts.iter().nth(at) {
                some.push((name.clone(), receipt.says.clone()));
            }
        }
        some
    }

    /// Takes over what became of a request.
    pub(crate) fn take(&mut self, sent: Sent) -> Result<(), String> {
        let Sent { workspace, events, answer } = sent;
        let named = |(id, says): (String, String)| ((workspace.clone(), id), says);
        let (status, body) = match answer {
            // Nothing of these was recorded.
            Some((429 | 507, _)) => return Ok(()),
            Some((status @ (201 | 207), body)) => (status, body),
            Some((503, _)) | None => {
                self.unknown_batches += 1;
                let known = |name: &Name| self.receipts.contains_key(name);
                let new = events.into_iter().map(named).filter(|(name, _)| !known(name));
                self.unknown.push(new.collect());
                return Ok(());
            }
            Some((status, body)) => {
                return Err(format!("status {status}: {}", String::from_utf8_lossy(&body)));
            }
        };
        let answer: Value =
            serde_json::from_slice(&body).map_err(|error| format!("an answer: {error}"))?;
        let results = answer["results"].as_array().ok_or("an answer without results")?;
        if results.len() != events.len() {
            return Err(format!("{} events got {} results", events.len(), results.len()));
        }
        if let Some(refused) = answer["without_proof"].as_str() {
            return Err(format!("{workspace} got no head: {refused}"));
        }
        for proof in results.iter().filter_map(|result| result["proof"].as_str()) {
            self.heads.take(&workspace, proof)?;
        }
        for ((id, says), result) in events.into_iter().zip(results) {
            let name = (workspace.clone(), id);
            let seq = result["seq"].as_u64();
            match (result["status"].as_str(), seq, self.receipts.get(&name)) {
                (Some("created"), Some(seq), None) => {
                    let leaf = result["leaf"].as_str().unwrap_or_default().to_owned();
                    self.receipts.insert(name, Receipt { seq, leaf, says });
                }
                (Some("duplicate"), Some(seq), Some(known)) if known.seq == seq => {}
                (kind, seq, known) => {
                    return Err(format!("{name:?}: {kind:?} {seq:?} ({status}), known {known:?}"));
                }
            }
        }
        Ok(())
    }

    /// Reads back what is new since some cycles, and everything now and then.
    pub(crate) fn check(&mut self, address: &str) -> Result<(), String> {
        let from = self.settled.clone();
        self.settled = self.sizes.clone();
        self.check_from(address, &from).map(drop)
    }

    /// Reads back every event of every workspace.
    pub(crate) fn check_everything(&mut self, address: &str) -> Result<u64, String> {
        let count = self.check_from(address, &BTreeMap::new())?;
        let mut leaves: BTreeMap<&str, BTreeMap<u64, &str>> = BTreeMap::new();
        for ((workspace, _), receipt) in &self.receipts {
            leaves.entry(workspace).or_default().insert(receipt.seq, &receipt.leaf);
        }
        for (workspace, leaves) in leaves {
            let in_order: Vec<&str> = leaves.into_values().collect();
            self.heads.check(workspace, &in_order)?;
        }
        Ok(count)
    }

    fn check_from(&mut self, address: &str, from: &BTreeMap<String, u64>) -> Result<u64, String> {
        let mut connection = Connection::open(address).map_err(|error| error.to_string())?;
        let mut found: BTreeMap<Name, Receipt> = BTreeMap::new();
        for number in 0..WORKSPACES {
            let workspace = format!("w{number}");
            let mut next = from.get(&workspace).copied().unwrap_or(0);
            loop {
                let rows = page(&mut connection, &workspace, next)?;
                let count = rows.len();
                for (id, receipt) in rows {
                    if receipt.seq != next {
                        return Err(format!(
                            "{workspace} shows event {} where {next} is due",
                            receipt.seq
                        ));
                    }
                    next += 1;
                    if found.insert((workspace.clone(), id.clone()), receipt).is_some() {
                        return Err(format!("{id} is twice in {workspace}"));
                    }
                }
                if count < PAGE {
                    break;
                }
            }
            let before = self.sizes.insert(workspace.clone(), next).unwrap_or(0);
            if next < before {
                return Err(format!("{workspace} had {before} events and has {next}"));
            }
        }
        let begin = |workspace: &str| from.get(workspace).copied().unwrap_or(0);
        for (name, receipt) in &self.receipts {
            if receipt.seq >= begin(&name.0) && found.get(name) != Some(receipt) {
                return Err(format!(
                    "{name:?} was acknowledged as {receipt:?} and is {:?}",
                    found.get(name)
                ));
            }
        }
        self.settle_unknown(&found)?;
        if let Some((name, _)) = found.iter().find(|(name, _)| !self.receipts.contains_key(*name)) {
            return Err(format!("{name:?} was never sent, or is half of a batch"));
        }
        Ok(found.len() as u64)
    }

    /// A batch of unknown outcome is there whole or not at all; what is there stays.
    fn settle_unknown(&mut self, found: &BTreeMap<Name, Receipt>) -> Result<(), String> {
        for batch in std::mem::take(&mut self.unknown) {
            let there: Vec<_> = batch.iter().filter(|(name, _)| found.contains_key(name)).collect();
            if !there.is_empty() && there.len() != batch.len() {
                return Err(format!(
                    "{} of the {} events of a batch are there",
                    there.len(),
                    batch.len()
                ));
            }
            for (name, says) in there {
                let receipt = &found[name];
                if receipt.says != *says {
                    return Err(format!("{name:?} says {} instead of {says}", receipt.says));
                }
                self.receipts.insert(name.clone(), receipt.clone());
            }
        }
        Ok(())
    }
}

/// Reads events of a workspace by seq, from `next` on.
fn page(
    connection: &mut Connection,
    workspace: &str,
    next: u64,
) -> Result<Vec<(String, Receipt)>, String> {
    let after = next.checked_sub(1).map_or(String::new(), |after| format!("&after={after}"));
    let path = format!("/v1/workspaces/{workspace}/events?sort=seq&limit={PAGE}{after}");
    let answer =
        connection.send("GET", &path, KEY, b"").map_err(|error| format!("{path}: {error}"))?;
    match answer.status {
        200 => {}
        404 => return Ok(Vec::new()),
        status => {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&answer.body)));
        }
    }
    let list: Value =
        serde_json::from_slice(&answer.body).map_err(|error| format!("{path}: {error}"))?;
    if list["complete"].as_bool() == Some(false) {
        return Err(format!("{path}: incomplete, {}", list["unread"]));
    }
    let rows = list["data"].as_array().ok_or("a list without data")?;
    rows.iter()
        .map(|row| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let receipt = Receipt {
                seq: row["seq"].as_u64().ok_or("an event without seq")?,
                leaf: text(&row["leaf"]),
                says: text(&row["metadata"]["says"]),
            };
            Ok((text(&row["id"]), receipt))
        })
        .collect()
}
