//! Who may do what: from a request's key and its matched route to a `Grant`, and nowhere else.
//!
//! A handler that touches a workspace takes a `Grant` or an `InWorkspace` as an argument. Both are
//! made only here, from the route that the router matched (not from the path's text, which a second
//! reading could understand differently) and from the scopes and workspaces of the key. What is not
//! allowed by the table of routes is refused.

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, MatchedPath, OptionalFromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{Method, header};
use proofbook_event::name::{SYSTEM_WORKSPACE, is_workspace_name};
use proofbook_filter::ResolveContext;
use proofbook_store::config::{Key, Scope};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::console;
use crate::cors;
use crate::keys::{SecretKey, is_live};
use crate::notes;
use crate::problem::{Code, Problem};
use crate::routes;
use crate::sight::Sight;
use crate::viewer::{self, Viewer, Warrant, refusal};

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it shows nothing of any workspace.
    Nothing,
    /// The page for this machine only, when the operator opened it.
    OpenPage,
    /// Some key that may read; what is shown is what the key is bound to.
    Read,
    /// A key that may read the workspace in the path.
    ReadWorkspace,
    /// A key that may read the workspace in the path, or a viewer of it.
    View,
    /// A key that may read, or a viewer; the handler checks the workspace on its own.
    ViewNamed,
    /// A key that may write; each event's workspace is checked on its own.
    Write,
    /// A key that may write to the workspace in the path.
    WriteWorkspace,
    /// An admin key bound to the workspace in the path.
    AdminWorkspace,
    /// An admin key bound to every workspace.
    Admin,
    /// An operator who is signed in at the console.
    Operator,
}

/// The right to do what the matched route does, with the key or the viewer that it is given to.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    key: Key,
    viewer: Option<Arc<Viewer>>,
    /// Whether it is an operator's, who is signed in at the console.
    is_session: bool,
}

/// What a grant was given for, to be looked at again later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Bearer {
    /// A key, by its public half.
    Key(String),
    /// A viewer.
    Viewer(Box<Viewer>),
}

/// A [`Grant`] for the workspace that the path names.
#[derive(Clone, Debug)]
pub(crate) struct InWorkspace {
    grant: Grant,
    name: String,
    sight: Arc<Sight>,
}

impl Grant {
    /// Returns the key's public half.
    pub(crate) fn key_id(&self) -> &str {
        &self.key.id
    }

    /// Returns the viewer, when it is one who asks.
    pub(crate) fn viewer(&self) -> Option<&Arc<Viewer>> {
        self.viewer.as_ref()
    }

    /// Returns who acts, for events.
    pub(crate) fn actor(&self) -> serde_json::Value {
        match &self.viewer {
            Some(viewer) => viewer.actor(),
            None => {
                let kind = if self.is_session { "user" } else { "api_key" };
                serde_json::json!({"type": kind, "id": self.key.id, "name": self.key.name})
            }
        }
    }

    /// Returns for what it was given.
    pub(crate) fn bearer(&self) -> Bearer {
        match &self.viewer {
            Some(viewer) => Bearer::Viewer(Box::new((**viewer).clone())),
            None => Bearer::Key(self.key.id.clone()),
        }
    }

    /// Gives a grant again to whom it was given before, if it still may be.
    pub(crate) fn renew(app: &App, bearer: Bearer) -> Result<Self, Problem> {
        let ended = || Problem::new(Code::TokenExpired, "the key or token has ended");
        match bearer {
            Bearer::Viewer(viewer) if viewer.is_live(app) => Ok(Self::of_viewer(*viewer)),
            Bearer::Viewer(_) => Err(ended()),
            Bearer::Key(id) => {
                let view = app.store.view();
                let key = view.config.keys.get(&id);
                let key = key.filter(|key| is_live(key, app.store.now().micros()));
                let key = key.ok_or_else(ended)?.clone();
                Ok(Self { key, viewer: None, is_session: false })
            }
        }
    }

    fn of_viewer(viewer: Viewer) -> Self {
        let id = match &viewer.warrant {
            Warrant::Key(id) | Warrant::Operator(id) => format!("viewer of {id}"),
            Warrant::Owner(_) => "viewer by e-mail".to_owned(),
            Warrant::Demo => "viewer of the demo".to_owned(),
        };
        // As a key it would be one that reads this workspace and nothing else.
        let key = Key {
            id,
            name: viewer.name.clone(),
            secret_sha256: String::new(),
            scopes: vec![Scope::Read],
            workspaces: vec![viewer.workspace.clone()],
            created_at: 0,
            expires_at: Some(viewer.expires_at),
            revoked_at: None,
        };
        Self { key, viewer: Some(Arc::new(viewer)), is_session: false }
    }

    /// Checks the grant for a workspace that the path does not name.
    pub(crate) fn in_workspace(self, app: &App, name: String) -> Result<InWorkspace, Problem> {
        if !self.covers(&name) {
            return Err(foreign(&name));
        }
        let sight = sight_of(app, self.viewer.as_deref(), &name)?;
        Ok(InWorkspace { grant: self, name, sight })
    }

    /// Tells whether events of any age may be sent.
    pub(crate) fn may_import(&self) -> bool {
        has_scope(&self.key, Scope::Import)
    }

    /// Tells whether the key administers.
    pub(crate) fn is_admin(&self) -> bool {
        has_scope(&self.key, Scope::Admin)
    }

    /// Tells whether the key still works, for answers that last.
    pub(crate) fn is_live(&self, app: &App) -> bool {
        if let Some(viewer) = &self.viewer {
            return viewer.is_live(app);
        }
        let view = app.store.view();
        let key = view.config.keys.get(&self.key.id);
        key.is_some_and(|key| is_live(key, app.store.now().micros()))
    }

    /// Tells whether the key is bound to a workspace.
    ///
    /// `*` stands for every workspace of a customer; `_system` is for admin keys of all workspaces,
    /// or for a key that names it.
    pub(crate) fn covers(&self, workspace: &str) -> bool {
        covers(&self.key, workspace)
    }

    /// Checks that events may be written to a workspace.
    pub(crate) fn check_write(&self, workspace: &str) -> Result<(), Problem> {
        if workspace == SYSTEM_WORKSPACE {
            let detail = "the workspace _system is written by Proofbook alone";
            return Err(Problem::new(Code::Reserved, detail));
        }
        if self.covers(workspace) { Ok(()) } else { Err(foreign(workspace)) }
    }
}

impl InWorkspace {
    /// Returns the workspace's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the grant.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Returns what may be seen of the workspace.
    pub(crate) fn sight(&self) -> &Arc<Sight> {
        &self.sight
    }
}

/// The right to look at every workspace on the page at `/`: the operator opened it, and the request
/// came under a name of this machine, so that no foreign page reaches it through a name of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenPage(());

/// The name of a workspace that some grant covers, and what it lets be seen.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    name: String,
    sight: Arc<Sight>,
}

impl Granted {
    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what may be seen.
    pub(crate) fn sight(&self) -> &Arc<Sight> {
        &self.sight
    }
}

impl InWorkspace {
    /// Returns the name as a proof that it is granted.
    pub(crate) fn granted(&self) -> Granted {
        Granted { name: self.name.clone(), sight: self.sight.clone() }
    }
}

impl Granted {
    /// The workspace in which saved views are kept, for the part of the server that keeps them: it
    /// reads those events alone and gives each reader the views of their own workspace.
    pub(crate) fn for_views() -> Self {
        Self { name: SYSTEM_WORKSPACE.to_owned(), sight: Arc::new(Sight::everything()) }
    }
}

impl OpenPage {
    /// Returns a workspace that the page may show: any but Proofbook's own.
    pub(crate) fn workspace(&self, name: &str) -> Granted {
        let own = name.starts_with('_');
        let name = if own { String::new() } else { name.to_owned() };
        Granted { name, sight: Arc::new(Sight::everything()) }
    }
}

impl OptionalFromRequestParts<App> for OpenPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        if needs_of(parts)? != Needs::OpenPage {
            return Err(Problem::new(Code::Internal, "this route is not the open page"));
        }
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let is_here = host.is_some_and(|host| {
            let name = match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
                _ => host,
            };
            matches!(name, "localhost" | "127.0.0.1" | "[::1]")
        });
        Ok((app.config.open_page && is_here).then_some(Self(())))
    }
}

/// Tells whether a key has a scope; an admin key has every one, an import key may write.
fn has_scope(key: &Key, scope: Scope) -> bool {
    key.scopes.iter().any(|own| match own {
        Scope::Admin => true,
        Scope::Import => matches!(scope, Scope::Import | Scope::Write),
        own => *own == scope,
    })
}

fn covers(key: &Key, workspace: &str) -> bool {
    let named = key.workspaces.iter().any(|own| own == workspace);
    let every = key.workspaces.iter().any(|own| own == "*");
    match workspace {
        SYSTEM_WORKSPACE => named || every && has_scope(key, Scope::Admin),
        _ => named || every,
    }
}

fn foreign(workspace: &str) -> Problem {
    let shown: String = workspace.chars().filter(|c| !c.is_control()).take(128).collect();
    Problem::new(Code::ForeignWorkspace, format!("this key is not for the workspace {shown}"))
}

impl FromRequestParts<App> for Grant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (grant, _) = authorise(parts, app).await?;
        Ok(grant)
    }
}

impl FromRequestParts<App> for InWorkspace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match authorise(parts, app).await? {
            (grant, Some(name)) => {
                let place = grant.in_workspace(app, name)?;
                notes::viewed(app, &place, parts);
                Ok(place)
            }
            (_, None) => Err(Problem::new(Code::Internal, "this route names no workspace")),
        }
    }
}

async fn authorise(parts: &mut Parts, app: &App) -> Result<(Grant, Option<String>), Problem> {
    let needs = needs_of(parts)?;
    let grant = authenticate(parts, app)?;
    if let Some(slot) = parts.extensions.get::<CallerSlot>() {
        // Set once a request; a second extractor finds the same key.
        let _ = slot.0.set(grant.key.id.clone());
    }
    let key = &grant.key;
    let (scope, word) = match needs {
        Needs::Read | Needs::ReadWorkspace | Needs::View | Needs::ViewNamed => {
            (Scope::Read, "read")
        }
        Needs::Write | Needs::WriteWorkspace => (Scope::Write, "write"),
        Needs::Admin | Needs::AdminWorkspace => (Scope::Admin, "admin"),
        Needs::Operator => (Scope::Admin, "admin"),
        Needs::Nothing | Needs::OpenPage => {
            return Err(Problem::new(Code::Internal, "this route asks for no key"));
        }
    };
    let is_for_viewers = matches!(needs, Needs::View | Needs::ViewNamed);
    if !has_scope(key, scope) || grant.viewer.is_some() && !is_for_viewers {
        let detail = format!("this call needs a key with the scope `{word}`");
        return Err(Problem::new(Code::Forbidden, detail));
    }
    if needs == Needs::Operator && !grant.is_session {
        let detail = "this call is for an operator who is signed in at the console";
        return Err(Problem::new(Code::Forbidden, detail));
    }
    if needs == Needs::View && grant.is_session {
        // Their looks are events, too, so they look with a token of their own.
        let detail = "an operator reads through the viewer; POST /console/token makes a token";
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let name = match needs {
        Needs::ReadWorkspace | Needs::View | Needs::WriteWorkspace | Needs::AdminWorkspace => {
            let name = workspace_in_path(parts, app).await?;
            if !covers(key, &name) {
                return Err(foreign(&name));
            }
            if !is_workspace_name(&name) && name != SYSTEM_WORKSPACE {
                return Err(Problem::not_found("there is no such workspace"));
            }
            Some(name)
        }
        Needs::Admin if !key.workspaces.iter().any(|own| own == "*") => {
            let detail = "this call needs an admin key that is bound to all workspaces";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        _ => None,
    };
    Ok((grant, name))
}

/// Says what may be seen of a workspace, by the preset and the settings that are in force now.
///
/// A viewer whose role may not read is refused, and the attempt is an event.
fn sight_of(app: &App, viewer: Option<&Viewer>, name: &str) -> Result<Arc<Sight>, Problem> {
    let Some(viewer) = viewer else { return Ok(Arc::new(Sight::everything())) };
    let workspace = app
        .store
        .directory()
        .by_name(name)
        .ok_or_else(|| Problem::not_found(format!("there is no workspace {name} yet")))?;
    let catalog = app.store.catalog_of(&workspace.settings);
    if !viewer.may_view(&catalog) {
        notes::denied(app, name, viewer);
        return Err(refusal(&catalog, &viewer.role));
    }
    let context = ResolveContext { now: app.store.now(), zone: jiff::tz::TimeZone::UTC };
    Sight::of(viewer, &catalog, &context).map(Arc::new)
}

/// Finds what the matched route asks for, in the one table.
fn needs_of(parts: &Parts) -> Result<Needs, Problem> {
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let method = if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() };
    let route = path.and_then(|path| routes::find(method, path));
    route
        .map(|route| route.needs)
        .ok_or_else(|| Problem::new(Code::Internal, "this route is not in the table of routes"))
}

async fn workspace_in_path(parts: &mut Parts, app: &App) -> Result<String, Problem> {
    let params = RawPathParams::from_request_parts(parts, app)
        .await
        .map_err(|_| Problem::not_found("the address is not well-formed"))?;
    let name = params.iter().find(|(name, _)| *name == "ws").map(|(_, value)| value.to_owned());
    name.ok_or_else(|| Problem::new(Code::Internal, "this route names no workspace"))
}

fn authenticate(parts: &Parts, app: &App) -> Result<Grant, Problem> {
    let unknown = |detail: &str| Problem::new(Code::Unauthenticated, detail);
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    if value.is_none()
        && let Some(grant) = authenticate_session(parts, app)?
    {
        return Ok(grant);
    }
    let (Some(value), None) = (value, more) else {
        return Err(unknown("send one header `Authorization: Bearer <key>`"));
    };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let Some(token) = token else {
        return Err(unknown("send one header `Authorization: Bearer <key>`"));
    };
    if token.starts_with(viewer::PREFIX) {
        return authenticate_viewer(parts, app, token);
    }
    let secret = SecretKey::parse(token).map_err(|_| unknown("this key is not known"))?;
    let view = app.store.view();
    let key = secret.find(&view.config).ok_or_else(|| unknown("this key is not known"))?;
    if !is_live(key, app.store.now().micros()) {
        return Err(unknown("this key was revoked or has expired"));
    }
    Ok(Grant { key: key.clone(), viewer: None, is_session: false })
}

fn authenticate_viewer(parts: &Parts, app: &App, token: &str) -> Result<Grant, Problem> {
    let viewer = Viewer::open(&app.sealer, token)
        .ok_or_else(|| Problem::new(Code::Unauthenticated, "this viewer token is not known"))?;
    // Before anything else, so that a page of an allowed site can read why it is refused.
    cors::check_origin(parts, &viewer.origins)?;
    if !viewer.is_live(app) {
        let detail = "this viewer token has ended; ask your product for a new one";
        return Err(Problem::new(Code::TokenExpired, detail));
    }
    Ok(Grant::of_viewer(viewer))
}

/// Finds the operator whose session's cookie came along, for requests of our own pages alone.
fn authenticate_session(parts: &Parts, app: &App) -> Result<Option<Grant>, Problem> {
    let Some(session) = console::session_of(&parts.headers) else { return Ok(None) };
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD);
    console::check_site(&parts.headers, is_safe)?;
    let view = app.store.view();
    let now = app.store.now().micros();
    let id = app.console.operator(session, now);
    let key = id.and_then(|id| view.config.keys.get(&id)).filter(|key| is_live(key, now));
    Ok(key.map(|key| Grant { key: key.clone(), viewer: None, is_session: true }))
}

/// Where the outermost layer learns the public half of the key, for the access log.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallerSlot(pub(crate) Arc<OnceLock<String>>);

#[cfg(test)]
mod tests;
