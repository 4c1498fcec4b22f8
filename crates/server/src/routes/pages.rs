//! `/w/{ws}`, `/w/{ws}/e/{id}`, `/embed/{ws}` and `/portal/{secret}`: the viewer on pages of our own.
//!
//! The pages hold no data: what they show comes through the API with a token, which stands in the
//! fragment of the address and so in no log and no `Referer`.

use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use proofbook_event::name::{SYSTEM_WORKSPACE, is_workspace_name};
use proofbook_store::fold::Outcome;
use serde_json::json;

use crate::admin::record_event;
use crate::app::App;
use crate::document_page::{framed_page, page, words};
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;
use crate::routes::viewer_tokens::{Frame, PortalLink};
use crate::sealed::Purpose;
use crate::tongue::Tongue;

#[derive(Template)]
#[template(path = "shell.html")]
struct Shell<'s> {
    /// The language that the viewer will most likely show, so that its texts are loaded early.
    lang: &'s str,
    workspace: &'s str,
    event: &'s str,
    is_frame: bool,
    origins: &'s str,
}

/// Answers the viewer's page of a workspace.
pub(crate) async fn workspace(
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (name, lang) = (workspace_of(&path)?, language(&uri, &headers));
    Ok(page(&Shell { lang, workspace: &name, event: "", is_frame: false, origins: "" }))
}

/// Answers the same page with one event open.
pub(crate) async fn event(
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (name, id) = (workspace_of(&path)?, param(&path, "id")?);
    let lang = language(&uri, &headers);
    Ok(page(&Shell { lang, workspace: &name, event: &id, is_frame: false, origins: "" }))
}

/// Returns the language that is asked for in the address, else by the browser.
fn language(uri: &Uri, headers: &HeaderMap) -> &'static str {
    let asked = Tongue::parse(&Params::peek(uri, "lang"));
    asked.unwrap_or_else(|| Tongue::asked(headers)).tag()
}

/// Answers the viewer's page for a frame on the sites that `frame` names; without it on none.
pub(crate) async fn embed(
    State(app): State<App>,
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (name, lang) = (workspace_of(&path)?, language(&uri, &headers));
    let params = Params::read(&uri, &["frame", "lang", "theme"])?;
    let sealed = params.text("frame").unwrap_or_default();
    let frame: Option<Frame> = app.sealer.open(Purpose::Frame, sealed);
    let origins = frame.filter(|frame| frame.workspace == name).map(|frame| frame.origins);
    let origins = origins.unwrap_or_default();
    let listed = origins.join(" ");
    let shell = Shell { lang, workspace: &name, event: "", is_frame: true, origins: &listed };
    Ok(framed_page(&shell, &origins))
}

fn workspace_of(path: &RawPathParams) -> Result<String, Problem> {
    let name = param(path, "ws")?;
    if is_workspace_name(&name) || name == SYSTEM_WORKSPACE {
        Ok(name)
    } else {
        Err(Problem::not_found("a workspace's name does not look like this"))
    }
}

/// Lets the bearer of a portal link in, once.
///
/// That it was used is an event of `_system` whose id is made of the link's number: of two who come at
/// the same moment, through whichever node, the log takes one, and it remembers after a restart.
pub(crate) async fn portal(
    State(app): State<App>,
    path: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let link: Option<PortalLink> = app.sealer.open(Purpose::Portal, &param(&path, "secret")?);
    let Some(link) = link else {
        let tongue = Tongue::asked(&headers);
        let said = tongue.words();
        return Ok(words(
            StatusCode::NOT_FOUND,
            tongue,
            &said.link_unknown,
            &said.link_unknown_why,
        ));
    };
    // Looking ahead is not opening: the link would be used up before anybody saw it.
    let ahead = ["sec-purpose", "purpose"].iter().any(|name| {
        headers
            .get(*name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| text.contains("prefetch") || text.contains("preview"))
    });
    if ahead {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    if !link.viewer.is_live(&app) || !take(&app, &link).await? {
        let tongue = Tongue::asked(&headers);
        let said = tongue.words();
        return Ok(words(StatusCode::GONE, tongue, &said.link_gone, &said.link_gone_why));
    }
    let token = link.viewer.seal(&app.sealer, &*app.random);
    let to = format!("/w/{}#token={token}", link.viewer.workspace);
    let location = HeaderValue::from_str(&to)
        .map_err(|_| Problem::new(Code::Internal, "the address is no header"))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// Records that a link is used; false when it was before.
async fn take(app: &App, link: &PortalLink) -> Result<bool, Problem> {
    let event = json!({
        "id": format!("portal.{}", link.number),
        "actor": link.viewer.actor(),
        "via": {"channel": "ui"},
        "targets": [{"type": "workspace", "id": link.viewer.workspace}],
    });
    let outcome = record_event(app, SYSTEM_WORKSPACE, "audit_log.portal_opened", event).await?;
    Ok(matches!(outcome, Outcome::Created { .. }))
}
