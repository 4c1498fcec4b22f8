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
use crate::console;
use crate::document_page::{framed_page, page, words};
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;
use crate::routes::viewer_tokens::{Frame, PortalLink};
use crate::sealed::Purpose;
use crate::tongue::{Tongue, Words};
use crate::viewer::{Viewer, Warrant};

#[derive(Template)]
#[template(path = "shell.html")]
struct Shell<'s> {
    /// The language that the viewer will most likely show, so that its texts are loaded early.
    lang: &'s str,
    workspace: &'s str,
    event: &'s str,
    is_frame: bool,
    origins: &'s str,
    /// What the page says to who has no session, where it offers a link by e-mail.
    offer: Option<&'s Words>,
}

/// Answers the viewer's page of a workspace.
pub(crate) async fn workspace(
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (name, lang) = (workspace_of(&path)?, language(&uri, &headers));
    Ok(page(&Shell {
        lang,
        workspace: &name,
        event: "",
        is_frame: false,
        origins: "",
        offer: None,
    }))
}

/// Answers the same page with one event open.
pub(crate) async fn event(
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (name, id) = (workspace_of(&path)?, param(&path, "id")?);
    let lang = language(&uri, &headers);
    let offer = Tongue::parse(lang).map(Tongue::words);
    Ok(page(&Shell { lang, workspace: &name, event: &id, is_frame: false, origins: "", offer }))
}

/// Returns the language that is asked for in the address, else by the browser.
fn language(uri: &Uri, headers: &HeaderMap) -> &'static str {
    let asked = Tongue::parse(&Params::peek(uri, "lang"));
    asked.unwrap_or_else(|| Tongue::asked(headers)).tag()
}

/// Mails the workspace's owner a link that opens one event, once and within 15 minutes.
///
/// The answer is the same whether there is such a workspace, an owner, or an event.
pub(crate) async fn mail_link(
    State(app): State<App>,
    path: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (name, event) = (workspace_of(&path)?, param(&path, "id")?);
    console::check_site(&headers, false)?;
    let tongue = Tongue::asked(&headers);
    if let Some(workspace) = app.store.directory().by_name(&name)
        && let Some(address) = workspace.settings.owner_email.clone()
        && app.link_mails.take(&name, app.store.now().micros(), LINK_MAILS_MAX)
    {
        let catalog = app.store.catalog_of(&workspace.settings);
        let roles = &catalog.preset().access.view;
        let role = roles.iter().find(|role| *role == "owner").or(roles.first());
        let viewer = Viewer {
            workspace: name.clone(),
            id: address.clone(),
            name: workspace.settings.owner_name.clone().unwrap_or_else(|| address.clone()),
            email: Some(address.clone()),
            role: role.cloned().unwrap_or_else(|| "owner".to_owned()),
            filter: String::new(),
            columns: Vec::new(),
            origins: Vec::new(),
            manage: false,
            expires_at: app.store.now().micros() + LINK_MICROS,
            warrant: Warrant::Owner(address),
        };
        let secret = PortalLink::seal(viewer, Some(event), &app);
        let code = tongue.tag();
        tokio::spawn(async move {
            let path = format!("/portal/{secret}");
            if let Err(why) = app.delivery.mail_link(&name, &workspace.settings, code, &path).await
            {
                tracing::warn!(workspace = name, why, "a link that was asked for was not mailed");
            }
        });
    }
    let said = tongue.words();
    Ok(words(StatusCode::OK, tongue, &said.link_mailed, &said.link_mailed_why))
}

/// Links that are mailed for one workspace in an hour.
const LINK_MAILS_MAX: u32 = 5;
/// Life of a mailed link, and of what it opens: 15 minutes.
const LINK_MICROS: i64 = 15 * 60 * 1_000_000;

/// Writes a text as a part of an address (RFC 3986 section 2.3).
fn percent(text: &str) -> String {
    let part = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(part).collect()
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
    let shell =
        Shell { lang, workspace: &name, event: "", is_frame: true, origins: &listed, offer: None };
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
    let workspace = &link.viewer.workspace;
    let to = match link.event.as_deref().map(percent) {
        Some(event) => format!("/w/{workspace}?e={event}#token={token}"),
        None => format!("/w/{workspace}#token={token}"),
    };
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
