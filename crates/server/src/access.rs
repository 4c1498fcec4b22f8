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
use proofbook_store::config::{Key, Scope};

use crate::app::App;
use crate::keys::{SecretKey, is_live};
use crate::problem::{Code, Problem};
use crate::routes;

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
    /// A key that may write; each event's workspace is checked on its own.
    Write,
    /// A key that may write to the workspace in the path.
    WriteWorkspace,
    /// An admin key bound to the workspace in the path.
    AdminWorkspace,
    /// An admin key bound to every workspace.
    Admin,
}

/// The right to do what the matched route does, with the key that gives it.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    key: Key,
}

/// A [`Grant`] for the workspace that the path names.
#[derive(Clone, Debug)]
pub(crate) struct InWorkspace {
    grant: Grant,
    name: String,
}

impl Grant {
    /// Returns the key's public half.
    pub(crate) fn key_id(&self) -> &str {
        &self.key.id
    }

    /// Returns what people call the key.
    pub(crate) fn key_name(&self) -> &str {
        &self.key.name
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
}

/// The right to look at every workspace on the page at `/`: the operator opened it, and the request
/// came under a name of this machine, so that no foreign page reaches it through a name of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenPage(());

/// The name of a workspace that some grant covers.
#[derive(Clone, Debug)]
pub(crate) struct Granted(String);

impl Granted {
    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl InWorkspace {
    /// Returns the name as a proof that it is granted.
    pub(crate) fn granted(&self) -> Granted {
        Granted(self.name.clone())
    }
}

impl OpenPage {
    /// Returns a workspace that the page may show: any but Proofbook's own.
    pub(crate) fn workspace(&self, name: &str) -> Granted {
        let own = name.starts_with('_');
        Granted(if own { String::new() } else { name.to_owned() })
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
            (grant, Some(name)) => Ok(Self { grant, name }),
            (_, None) => Err(Problem::new(Code::Internal, "this route names no workspace")),
        }
    }
}

async fn authorise(parts: &mut Parts, app: &App) -> Result<(Grant, Option<String>), Problem> {
    let needs = needs_of(parts)?;
    let key = authenticate(parts, app)?;
    if let Some(slot) = parts.extensions.get::<CallerSlot>() {
        // Set once a request; a second extractor finds the same key.
        let _ = slot.0.set(key.id.clone());
    }
    let (scope, word) = match needs {
        Needs::Read | Needs::ReadWorkspace => (Scope::Read, "read"),
        Needs::Write | Needs::WriteWorkspace => (Scope::Write, "write"),
        Needs::Admin | Needs::AdminWorkspace => (Scope::Admin, "admin"),
        Needs::Nothing | Needs::OpenPage => {
            return Err(Problem::new(Code::Internal, "this route asks for no key"));
        }
    };
    if !has_scope(&key, scope) {
        let detail = format!("this call needs a key with the scope `{word}`");
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let name = match needs {
        Needs::ReadWorkspace | Needs::WriteWorkspace | Needs::AdminWorkspace => {
            let name = workspace_in_path(parts, app).await?;
            if !covers(&key, &name) {
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
    Ok((Grant { key }, name))
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

fn authenticate(parts: &Parts, app: &App) -> Result<Key, Problem> {
    let unknown = |detail: &str| Problem::new(Code::Unauthenticated, detail);
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unknown("send one header `Authorization: Bearer <key>`"));
    };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let Some(token) = token else {
        return Err(unknown("send one header `Authorization: Bearer <key>`"));
    };
    let secret = SecretKey::parse(token).map_err(|_| unknown("this key is not known"))?;
    let view = app.store.view();
    let key = secret.find(&view.config).ok_or_else(|| unknown("this key is not known"))?;
    if !is_live(key, app.store.now().micros()) {
        return Err(unknown("this key was revoked or has expired"));
    }
    Ok(key.clone())
}

/// Where the outermost layer learns the public half of the key, for the access log.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallerSlot(pub(crate) Arc<OnceLock<String>>);

#[cfg(test)]
mod tests;
