//! The table of routes: every address of the server, what it asks of its caller, and its handler.
//!
//! The router is built from [`ROUTES`] and from nothing else; access, metrics, the OpenAPI document
//! and the tests that try every route with every kind of key read the same table.

use axum::Router;
use axum::routing::{self, MethodRouter};

use crate::access::Needs;
use crate::app::App;
use crate::layers;
use crate::problem::{Code, Problem};

mod assets;
pub(crate) mod catalogs;
mod console;
mod context;
mod demo;
mod destination_acts;
pub(crate) mod destinations;
pub(crate) mod erasures;
mod errors;
pub(crate) mod events;
pub(crate) mod export;
mod facets;
mod health;
mod holds;
mod ingest;
mod keys;
pub(crate) mod ledger;
mod metrics;
mod notifications;
mod openapi;
mod page;
mod pages;
mod print;
mod retention;
mod rules;
mod signing;
mod tail;
mod told;
mod viewer;
pub(crate) mod viewer_tokens;
mod views;
pub(crate) mod warnings;
mod workspaces;

/// One address and method.
pub struct Route {
    /// `GET`, `POST`, `PUT` or `DELETE`. `HEAD` goes with `GET`.
    pub method: &'static str,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// What it asks of its caller.
    pub needs: Needs,
    handler: fn() -> MethodRouter<App>,
}

macro_rules! routes {
    ($($method:ident $path:literal $needs:ident $handler:path;)*) => {
        /// Every route.
        pub static ROUTES: &[Route] = &[$(Route {
            method: routes!(@name $method),
            path: $path,
            needs: Needs::$needs,
            handler: || routing::$method($handler),
        },)*];
    };
    (@name get) => { "GET" };
    (@name post) => { "POST" };
    (@name put) => { "PUT" };
    (@name delete) => { "DELETE" };
}

routes! {
    post "/v1/events" Write ingest::send;
    post "/v1/workspaces/{ws}/events" WriteWorkspace ingest::send_to_workspace;
    get "/v1/workspaces/{ws}/events" View events::list;
    get "/v1/workspaces/{ws}/events/{id}" View events::by_id;
    get "/v1/workspaces/{ws}/events/{id}/context" View context::show;
    get "/v1/workspaces/{ws}/events/seq/{seq}" View events::by_seq;
    get "/v1/workspaces/{ws}/events/seq/{seq}/proof" View ledger::proof;
    get "/v1/workspaces/{ws}/events/seq/{seq}/leaf" View ledger::leaf;
    get "/v1/workspaces/{ws}/log/checkpoint" View ledger::checkpoint;
    get "/v1/workspaces/{ws}/log/tile/{*tile}" View ledger::tile;
    get "/v1/workspaces/{ws}/log/consistency" View ledger::consistency;
    get "/v1/workspaces/{ws}/log/openings" View ledger::openings;
    get "/v1/workspaces/{ws}/log/bundle" View ledger::bundle;
    get "/v1/workspaces/{ws}/log/heads" View ledger::heads;
    get "/v1/workspaces/{ws}/log/keys" View ledger::keys;
    post "/v1/workspaces/{ws}/log/keys" AdminWorkspace signing::rotate;
    post "/v1/signing-seed" Admin signing::replace_seed;
    get "/v1/workspaces/{ws}/facets" View facets::facets;
    get "/v1/workspaces/{ws}/histogram" View facets::histogram;
    get "/v1/workspaces/{ws}/tail" View tail::follow;
    get "/v1/workspaces/{ws}/export" View export::download;
    get "/v1/workspaces/{ws}/viewer" View viewer::show;
    post "/v1/workspaces/{ws}/print" View print::order;
    post "/v1/viewer-tokens" Read viewer_tokens::create;
    get "/v1/views" ViewNamed views::list;
    put "/v1/views" ViewNamed views::put;
    delete "/v1/views" ViewNamed views::remove;
    get "/v1/workspaces" Read workspaces::list;
    get "/v1/workspaces/{ws}" ReadWorkspace workspaces::get;
    put "/v1/workspaces/{ws}" AdminWorkspace workspaces::put;
    get "/v1/workspaces/{ws}/retention" AdminWorkspace retention::show;
    get "/v1/workspaces/{ws}/warnings" View warnings::of_workspace;
    get "/v1/warnings" Admin warnings::list;
    get "/v1/holds" Admin holds::list;
    post "/v1/holds" Admin holds::place;
    delete "/v1/holds/{id}" Admin holds::lift;
    get "/v1/erasures" Admin erasures::list;
    post "/v1/erasures" Admin erasures::request;
    get "/v1/erasures/{id}" Admin erasures::get;
    delete "/v1/erasures/{id}" Admin erasures::withdraw;
    post "/v1/erasures/{id}/approve" Admin erasures::approve;
    get "/v1/keys" Admin keys::list;
    post "/v1/keys" Admin keys::create;
    get "/v1/keys/{id}" Admin keys::get;
    delete "/v1/keys/{id}" Admin keys::revoke;
    get "/v1/catalogs" Read catalogs::list;
    get "/v1/catalogs/{name}" Read catalogs::get;
    put "/v1/catalogs/{name}" Admin catalogs::put;
    get "/v1/destinations" Admin destinations::list;
    post "/v1/destinations" Admin destinations::create;
    get "/v1/destinations/{id}" Admin destinations::get;
    put "/v1/destinations/{id}" Admin destinations::put;
    delete "/v1/destinations/{id}" Admin destinations::remove;
    post "/v1/destinations/{id}/pause" Admin destination_acts::pause;
    post "/v1/destinations/{id}/resume" Admin destination_acts::resume;
    post "/v1/destinations/{id}/replay" Admin destination_acts::replay;
    post "/v1/destinations/{id}/rotate" Admin destination_acts::rotate;
    post "/v1/destinations/{id}/test" Admin destination_acts::test;
    get "/v1/destinations/{id}/dead-letters" Admin destination_acts::dead_letters;
    post "/v1/destinations/{id}/dead-letters/resend" Admin destination_acts::resend;
    get "/v1/rules" Admin rules::list;
    post "/v1/rules" Admin rules::create;
    get "/v1/rules/{id}" Admin rules::get;
    put "/v1/rules/{id}" Admin rules::put;
    delete "/v1/rules/{id}" Admin rules::remove;
    post "/v1/rules/{id}/test" Admin rules::test;
    get "/v1/workspaces/{ws}/notifications" View notifications::get;
    put "/v1/workspaces/{ws}/notifications" View notifications::put;
    get "/errors/{code}" Nothing errors::explain;
    get "/healthz" Nothing health::alive;
    get "/readyz" Nothing health::ready;
    get "/metrics" Nothing metrics::show;
    get "/openapi.json" Nothing openapi::show;
    get "/" OpenPage page::show;
    get "/page.css" Nothing page::style;
    get "/viewer.js" Nothing assets::component;
    get "/viewer/{file}" Nothing assets::of_viewer;
    get "/viewer/{folder}/{file}" Nothing assets::of_viewer;
    get "/page/{file}" Nothing assets::of_page;
    get "/favicon.ico" Nothing assets::icon;
    get "/w/{ws}" Nothing pages::workspace;
    get "/w/{ws}/e/{id}" Nothing pages::event;
    post "/w/{ws}/e/{id}" Nothing pages::mail_link;
    get "/embed/{ws}" Nothing pages::embed;
    get "/portal/{secret}" Nothing pages::portal;
    get "/print/{ws}" Nothing print::show;
    get "/console" Nothing console::show;
    get "/console/setup" Nothing console::show;
    post "/console/setup" Nothing console::set_up;
    get "/console/state" Nothing console::state;
    get "/console/session" Operator console::who;
    post "/console/session" Nothing console::sign_in;
    delete "/console/session" Operator console::sign_out;
    post "/console/operators" Operator console::put_operator;
    post "/console/token" Operator console::token;
    get "/demo/{preset}" OpenPage demo::show;
    get "/demo/{preset}/token" OpenPage demo::token;
    post "/demo/{preset}/token" OpenPage demo::token;
}

/// Finds a route by its method and path as they stand in the table.
pub fn find(method: &str, path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == method && route.path == path)
}

/// Returns a route's place in the table.
pub(crate) fn index_of(method: &str, path: &str) -> Option<usize> {
    ROUTES.iter().position(|route| route.method == method && route.path == path)
}

/// Builds the router.
pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.handler)());
    }
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), layers::answer))
        .with_state(app)
}

async fn nothing_here() -> Problem {
    Problem::not_found("there is nothing at this address; /openapi.json lists what there is")
}

async fn other_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this address does not take that method")
}
