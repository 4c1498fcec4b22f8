//! `/v1/workspaces/{ws}/log/…` and `…/events/seq/{n}/proof`: the tree of a workspace as C2SP
//! tlog-tiles has it, proofs, openings, and the history of its keys and heads.
//!
//! The tree covers every event, so whoever sees a part of them gets none of it, except the proof and
//! the leaf of an event that they see: a leaf tells nothing of what it commits to.

use axum::Json;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use proofbook_event::{Group, Timestamp};
use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_ledger::entries::append_entry;
use proofbook_ledger::tile::TileKind;
use proofbook_ledger::tlog_proof::TlogProof;
use proofbook_ledger::{Opening, Tile};
use proofbook_query::{Found, Reader};
use proofbook_store::fold::Signing;
use proofbook_store::seal::Sealer;
use serde_json::{Value, json};

use crate::access::InWorkspace;
use crate::app::App;
use crate::ask::{Which, ask};
use crate::bundle::{self, Part};
use crate::cosigners;
use crate::heads::{self, Freshness, SignedHead};
use crate::notes;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;
use crate::scoped::Scoped;
use crate::sight::Sight;

/// Openings of one answer.
const OPENINGS_MAX: u64 = 10_000;
/// A tile that is full never changes; one that is not is another file when it grows.
const FOREVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Answers the newest head as a signed note (C2SP tlog-checkpoint).
pub(crate) async fn checkpoint(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let signed = signed(&app, &place, Freshness::Recent).await?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, NO_CACHE)], signed.note)
        .into_response())
}

/// Answers a tile of hashes, or the leaves themselves (C2SP tlog-tiles), of the published tree.
pub(crate) async fn tile(
    State(app): State<App>,
    place: InWorkspace,
    path: RawPathParams,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    whole_sight(place.sight())?;
    let nothing = || Problem::not_found("there is no such tile in the published tree");
    let tile: Tile = format!("tile/{}", param(&path, "tile")?).parse().map_err(|_| nothing())?;
    let bytes = ask(&app, &place, move |scoped, _| {
        let reader = scoped.tree();
        let signing = reader.workspace().signing.as_ref();
        let published = signing.and_then(|signing| signing.newest()).map_or(0, |head| head.size);
        if !tile.exists_at(published) {
            return Err(nothing());
        }
        match tile.kind() {
            TileKind::Entries => entries(reader, tile),
            TileKind::Hashes(_) => {
                let hashes = reader.tile(tile)?.ok_or_else(nothing)?;
                Ok(hashes.iter().flat_map(|hash| hash.0).collect())
            }
        }
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, BYTES), (header::CACHE_CONTROL, FOREVER)], bytes).into_response())
}

fn entries(reader: &Reader, tile: Tile) -> Result<Vec<u8>, Problem> {
    let first = tile.index() * 256;
    let mut sealer = Sealer::default();
    let mut bundle = Vec::new();
    let events = reader.every(first..first + u64::from(tile.width()))?;
    if events.len() as u64 != u64::from(tile.width()) {
        // tlog-tiles, "Pruning": the hashes stay, the entries need not.
        return Err(Problem::not_found("events of this bundle were purged; its hash tile stays"));
    }
    for event in events {
        let leaf = event.leaf_bytes(&mut sealer).ok_or_else(|| no_keys(&event))?;
        append_entry(&leaf, &mut bundle);
    }
    Ok(bundle)
}

/// Answers the lines that show that the newest head continues an older one.
pub(crate) async fn consistency(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["from"])?;
    let from = params.number("from", 0..=u64::MAX)?;
    let from = from.ok_or_else(|| Problem::parameter("from", "the older size is needed"))?;
    let signed = signed(&app, &place, Freshness::Recent).await?;
    if from > signed.head.size {
        let detail = format!("the newest head has {} leaves", signed.head.size);
        return Err(Problem::parameter("from", detail));
    }
    let text = blocking(&app, move || {
        let path = signed.reader.consistency_proof(from, signed.head.size)?;
        Ok(ConsistencyLines { old_size: from, proof: path, checkpoint: signed.note }.to_text())
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, NO_CACHE)], text).into_response())
}

/// Answers an event's `.tlog-proof` against a head that covers it.
pub(crate) async fn proof(
    State(app): State<App>,
    place: InWorkspace,
    path: RawPathParams,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let seq = seq_of(&path)?;
    visible(&app, &place, seq).await?;
    let deadline = cosigners::deadline();
    let mut signed = heads::signed(&app, place.name(), Freshness::Recent, deadline).await?;
    if seq >= signed.head.size {
        signed = heads::signed(&app, place.name(), Freshness::Everything, deadline).await?;
    }
    let text = blocking(&app, move || proof_text(&signed, seq)).await?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, NO_CACHE)], text).into_response())
}

/// Writes the proof of one leaf.
pub(crate) fn proof_text(signed: &SignedHead, seq: u64) -> Result<String, Problem> {
    let path = signed.reader.inclusion_proof(seq, signed.head.size)?;
    let checkpoint = signed.note.clone();
    Ok(TlogProof { extra: None, index: seq, path, checkpoint }.to_text())
}

/// Answers an event's leaf, its hash, and the openings of what the reader sees.
pub(crate) async fn leaf(
    State(app): State<App>,
    place: InWorkspace,
    path: RawPathParams,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let seq = seq_of(&path)?;
    visible(&app, &place, seq).await?;
    let body = ask(&app, &place, move |scoped, _| {
        let mut sealer = Sealer::default();
        let event = scoped.tree().every(seq..seq + 1)?.pop();
        let event = event.ok_or_else(|| Problem::not_found("there is no such event"))?;
        let leaf = event.leaf_bytes(&mut sealer).ok_or_else(|| no_keys(&event))?;
        let hash = event.leaf_with(&mut sealer).ok_or_else(|| no_keys(&event))?;
        let mut body = opened(scoped, &event, &mut sealer)?;
        body["leaf"] = json!(String::from_utf8_lossy(&leaf));
        body["leaf_hash"] = json!(hash.to_string());
        Ok(body)
    })
    .await?;
    Ok(Json(body).into_response())
}

/// Answers the openings of a range of numbers, a line an event.
pub(crate) async fn openings(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["from", "to"])?;
    whole_sight(place.sight())?;
    let from = params.number("from", 0..=u64::MAX)?.unwrap_or(0);
    let to = params.number("to", 0..=u64::MAX)?.unwrap_or(u64::MAX);
    let text = ask(&app, &place, move |scoped, _| {
        let size = scoped.head().size;
        let to = to.min(size);
        if to.saturating_sub(from) > OPENINGS_MAX {
            let detail = format!("at most {OPENINGS_MAX} numbers from `from` to `to` (excluded)");
            return Err(Problem::parameter("to", detail));
        }
        let mut sealer = Sealer::default();
        let mut text = String::new();
        for event in scoped.tree().every(from.min(to)..to)? {
            if scoped.keeps(&event) {
                text.push_str(&opened(scoped, &event, &mut sealer)?.to_string());
                text.push('\n');
            }
        }
        Ok(text)
    })
    .await?;
    let lines = HeaderValue::from_static("application/x-ndjson");
    Ok(([(header::CONTENT_TYPE, lines), (header::CACHE_CONTROL, NO_CACHE)], text).into_response())
}

/// Writes what opens an event's commitments, as far as the reader sees it.
fn opened(scoped: &Scoped, event: &Found, sealer: &mut Sealer) -> Result<Value, Problem> {
    let openings = event.openings(sealer).ok_or_else(|| no_keys(event))?;
    let sight = scoped.sight();
    let (shown, withheld): (Vec<Opening>, Vec<Opening>) =
        openings.into_iter().partition(|opening| sight.opens(opening.group));
    let shown: Vec<Value> =
        shown.iter().filter_map(|opening| serde_json::from_str(&opening.to_json()).ok()).collect();
    let withheld: Vec<&str> = withheld.iter().map(|opening| opening.group.pointer()).collect();
    let mut body = json!({"seq": event.seq(), "openings": shown, "withheld": withheld});
    let erased = scoped.erased(event);
    if !erased.is_empty() {
        body["erased"] = Value::Object(erased);
    }
    Ok(body)
}

/// Answers the origins and keys of the workspace, with the sizes that each signs. A convenience: who
/// verifies has the key from elsewhere.
pub(crate) async fn keys(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    whole_sight(place.sight())?;
    let signed = heads::newest(&app, place.name(), Freshness::Recent).await?;
    let data = key_history(&app, &signed.reader, &signed.signing);
    Ok(Json(json!({"data": data})).into_response())
}

/// Returns the origins and keys of a workspace's tree, the oldest first.
pub(crate) fn key_history(app: &App, reader: &Reader, signing: &Signing) -> Vec<Value> {
    let uid = reader.workspace().uid;
    let signer = &app.heads.signer;
    let eras = &signing.eras;
    eras.iter()
        .enumerate()
        .map(|(index, era)| {
            let until = eras.get(index + 1).map(|next| next.after_size);
            let overlap = (era.overlap_until > 0)
                .then(|| Timestamp::from_micros(era.overlap_until).to_string());
            json!({
                "origin": signer.origin(uid, era.origin),
                "vkey": signer.verifier(uid, era),
                "after_size": if index == 0 { None } else { Some(era.after_size) },
                "through_size": until,
                "key_before_signs_until": overlap,
            })
        })
        .collect()
}

/// Answers the published heads, the oldest first; older ones are thinned.
pub(crate) async fn heads(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["since"])?;
    let since = params.number("since", 0..=u64::MAX)?.unwrap_or(0);
    whole_sight(place.sight())?;
    let signed = heads::newest(&app, place.name(), Freshness::Recent).await?;
    let heads = signed.signing.heads.iter().filter(|head| head.size >= since);
    let data: Vec<Value> = heads
        .map(|head| {
            let at = Timestamp::from_micros(head.at).to_string();
            json!({"size": head.size, "root": head.root.to_string(), "published_at": at})
        })
        .collect();
    Ok(Json(json!({"data": data})).into_response())
}

/// Answers a bundle, an archive of everything that proves a part of the log.
pub(crate) async fn bundle(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    const KNOWN: &[&str] =
        &["q", "tz", "from_seq", "to_seq", "recorded_from", "recorded_to", "withhold"];
    let params = Params::read(&uri, KNOWN)?;
    let part = part_of(&app, &params, place.sight())?;
    let withheld = withheld_of(&params)?;
    let signed = signed(&app, &place, Freshness::Everything).await?;
    let seat = app.exports.try_enter()?;
    let note = notes::Export::begin(&app, &place, "proof", &params);
    let order = bundle::Order { workspace: place.granted(), part, withheld };
    let name = format!("{}-{}.tar.zst", place.name(), signed.head.size);
    let shared = app.clone();
    let body = blocking(&app, move || bundle::start(shared, seat, signed, order, note)).await?;
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    // A workspace's name has no character that a quoted string could not hold.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn part_of(app: &App, params: &Params, sight: &Sight) -> Result<Part, Problem> {
    let numbers =
        (params.number("from_seq", 0..=u64::MAX)?, params.number("to_seq", 0..=u64::MAX)?);
    let times = (time_of(params, "recorded_from")?, time_of(params, "recorded_to")?);
    let filter = params.text("q").filter(|text| !text.trim().is_empty());
    match (filter, numbers, times) {
        (None, (None, None), (None, None)) => Ok(Part::Everything),
        (Some(text), (None, None), (None, None)) => {
            let which = Which::read(app, params, sight)?;
            Ok(Part::Filter(Box::new(which.filter), text.to_owned()))
        }
        (None, (from, to), (None, None)) => {
            Ok(Part::Numbers(from.unwrap_or(0), to.unwrap_or(u64::MAX)))
        }
        (None, (None, None), (from, to)) => {
            let from = from.unwrap_or(Timestamp::from_micros(0));
            // The end is not in the window, and what was recorded just now is.
            let now = Timestamp::from_micros(app.store.now().micros() + 1);
            Ok(Part::Window(from, to.unwrap_or(now)))
        }
        _ => Err(Problem::parameter(
            "q",
            "a bundle is of a filter, or of numbers (from_seq, to_seq), or of a window of time \
             (recorded_from, recorded_to)",
        )),
    }
}

fn time_of(params: &Params, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let time = Timestamp::parse(text)
        .map_err(|_| Problem::parameter(name, "a time such as 2026-11-22T09:30:00Z is expected"))?;
    Ok(Some(time))
}

/// Reads the groups that are to stay shut, such as `actor,context`.
fn withheld_of(params: &Params) -> Result<Vec<Group>, Problem> {
    let Some(text) = params.text("withhold") else { return Ok(Vec::new()) };
    let asked: Vec<Group> = text
        .split(',')
        .map(|name| Group::from_pointer(&format!("/{}", name.trim())))
        .collect::<Option<_>>()
        .ok_or_else(|| {
            let known = Group::ALL.map(|group| group.pointer().trim_start_matches('/')).join(", ");
            Problem::parameter("withhold", format!("groups are {known}"))
        })?;
    Ok(Group::ALL.into_iter().filter(|group| asked.contains(group)).collect())
}

/// Publishes and signs the newest head, for who sees everything.
async fn signed(app: &App, place: &InWorkspace, need: Freshness) -> Result<SignedHead, Problem> {
    whole_sight(place.sight())?;
    heads::signed(app, place.name(), need, cosigners::deadline()).await
}

async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let place = app.queries.enter(app.config.queue_timeout).await?;
    app.blocking(place, work).await
}

/// Checks that an event is there and that the reader sees it.
async fn visible(app: &App, place: &InWorkspace, seq: u64) -> Result<(), Problem> {
    ask(app, place, move |scoped, _| {
        let nothing = || Problem::not_found("there is no such event in this workspace");
        // Who sees everything may have the proof of an event that is kept no longer.
        match scoped.sight().is_everything() {
            true if seq < scoped.head().size => Ok(()),
            true => Err(nothing()),
            false => scoped.by_seq(seq)?.map(drop).ok_or_else(nothing),
        }
    })
    .await
}

fn seq_of(path: &RawPathParams) -> Result<u64, Problem> {
    let seq = param(path, "seq")?;
    seq.parse().map_err(|_| Problem::not_found("an event's number is a whole number from 0"))
}

fn whole_sight(sight: &Sight) -> Result<(), Problem> {
    if sight.is_everything() {
        return Ok(());
    }
    let detail = "the tree covers every event of the workspace, and this token sees a part of them; \
                  the proof of an event that it sees is at …/events/seq/{n}/proof";
    Err(Problem::new(Code::Forbidden, detail))
}

fn no_keys(event: &Found) -> Problem {
    tracing::error!(seq = event.seq(), "an event's leaf keys are gone");
    Problem::new(Code::Unavailable, "the leaf of an event cannot be derived")
}
