//! `POST /v1/viewer-tokens`: a product's back end asks for a token for one of its people.
//!
//! A key that may read the workspace may make one, since a token never sees more than its key. It reads one workspace and nothing else, for an hour at most. `url` opens the viewer without
//! any page of the product: it works once and as long. `embed_url` is for an iframe; it names, sealed,
//! the sites that may frame it.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use proofbook_event::Timestamp;
use proofbook_filter::Filter;
use proofbook_store::random::Random;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Grant;
use crate::app::App;
use crate::cors::is_origin;
use crate::document::{self, Document};
use crate::limits;
use crate::notes;
use crate::problem::{Code, Problem};
use crate::sealed::Purpose;
use crate::sight::is_column;
use crate::viewer::{TTL_SECONDS_MAX, Viewer, Warrant, refusal};

const FIELDS: &[&str] =
    &["workspace", "viewer", "role", "filter", "columns", "origins", "ttl", "manage"];
const VIEWER_FIELDS: &[&str] = &["id", "name", "email"];
/// Shortest life of a token, in seconds.
const TTL_SECONDS_MIN: i64 = 1;

/// A portal link, sealed: whom it lets in, and what tells it apart from every other.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PortalLink {
    /// Hex of 128 random bits.
    pub(crate) number: String,
    /// Whom it lets in; `expires_at` is also the link's own end.
    pub(crate) viewer: Viewer,
    /// The event that is open when they come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
}

impl PortalLink {
    /// Makes a link, sealed.
    pub(crate) fn seal(viewer: Viewer, event: Option<String>, app: &App) -> String {
        let mut number = [0; 16];
        app.random.fill(&mut number);
        let number = format!("{:032x}", u128::from_be_bytes(number));
        app.sealer.seal(Purpose::Portal, &Self { number, viewer, event }, &*app.random)
    }
}

/// The sites that may frame the viewer of a workspace, sealed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// The workspace.
    pub(crate) workspace: String,
    /// The sites.
    pub(crate) origins: Vec<String>,
}

/// Makes a token and a portal link.
pub(crate) async fn create(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let viewer = read(&app, &grant, &text)?;
    let directory = app.store.directory();
    let workspace = directory.by_name(&viewer.workspace).ok_or_else(|| {
        let name = &viewer.workspace;
        Problem::not_found(format!("there is no workspace {name} yet; send an event or PUT it"))
    })?;
    let catalog = app.store.catalog_of(&workspace.settings);
    if !viewer.may_view(&catalog) {
        notes::denied(&app, &viewer.workspace, &viewer);
        return Err(refusal(&catalog, &viewer.role));
    }
    Ok((StatusCode::CREATED, Json(answer(&app, &viewer))).into_response())
}

/// Returns what is answered for a viewer.
pub(crate) fn answer(app: &App, viewer: &Viewer) -> serde_json::Value {
    let random: &dyn Random = &*app.random;
    let token = viewer.seal(&app.sealer, random);
    let mut number = [0; 16];
    random.fill(&mut number);
    let number = format!("{:032x}", u128::from_be_bytes(number));
    let link = PortalLink { number, viewer: viewer.clone(), event: None };
    let secret = app.sealer.seal(Purpose::Portal, &link, random);
    let name = &viewer.workspace;
    let frame = Frame { workspace: name.clone(), origins: viewer.origins.clone() };
    let frame = app.sealer.seal(Purpose::Frame, &frame, random);
    json!({
        "token": token,
        "expires_at": Timestamp::from_micros(viewer.expires_at).to_string(),
        "url": format!("/portal/{secret}"),
        "embed_url": format!("/embed/{name}?frame={frame}#token={token}"),
    })
}

fn read(app: &App, grant: &Grant, text: &[u8]) -> Result<Viewer, Problem> {
    let document = Document::parse(text, FIELDS)?;
    let workspace = document.required_text("/workspace", limits::TITLE_BYTES_MAX)?;
    if !grant.covers(workspace) {
        return Err(Problem::new(
            Code::ForeignWorkspace,
            "this key is not for the workspace that the body names",
        ));
    }
    document.has_object("viewer", VIEWER_FIELDS)?;
    let id = document.required_text("/viewer/id", limits::TITLE_BYTES_MAX)?;
    let name = document.required_text("/viewer/name", limits::TITLE_BYTES_MAX)?;
    let role = document.required_text("/role", limits::TITLE_BYTES_MAX)?;
    let filter = document.text("/filter", limits::VIEWER_FILTER_BYTES_MAX)?.unwrap_or_default();
    Filter::parse(filter).map_err(|error| {
        let detail = format!("at byte {} of the filter: {}", error.offset, error.reason);
        document.fault(Code::Invalid, "/filter", detail, None)
    })?;
    let columns = list(
        &document,
        "/columns",
        is_column,
        "a column is named as in a preset, such as description, actor or context.ip",
    )?;
    let origins = list(
        &document,
        "/origins",
        is_origin,
        "an origin is https:// or http:// and a host in small letters, with its port where it has one, such as https://app.acme.example",
    )?;
    let manage = document.flag("/manage")?.unwrap_or(false);
    if manage && !grant.is_admin() {
        let detail = "a viewer who shares views with everybody takes an admin key";
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let ttl = document.number("/ttl", TTL_SECONDS_MIN..=i64::from(TTL_SECONDS_MAX))?;
    let ttl = ttl.unwrap_or(i64::from(TTL_SECONDS_MAX));
    Ok(Viewer {
        workspace: workspace.to_owned(),
        id: id.to_owned(),
        name: name.to_owned(),
        email: document::title(&document, "/viewer/email")?,
        role: role.to_owned(),
        filter: filter.to_owned(),
        columns,
        origins,
        manage,
        warrant: Warrant::Key(grant.key_id().to_owned()),
        expires_at: app.store.now().micros() + ttl * 1_000_000,
    })
}

/// Reads a list of texts that may be absent or empty, each of one form.
fn list(
    document: &Document<'_>,
    pointer: &str,
    fits: fn(&str) -> bool,
    form: &str,
) -> Result<Vec<String>, Problem> {
    let texts = document.optional_texts(pointer, limits::VIEWER_ITEMS_MAX)?;
    for (index, text) in texts.iter().enumerate() {
        if text.len() > limits::TITLE_BYTES_MAX || !fits(text) {
            let pointer = format!("{pointer}/{index}");
            return Err(document.fault(Code::Invalid, &pointer, form.to_owned(), None));
        }
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}
