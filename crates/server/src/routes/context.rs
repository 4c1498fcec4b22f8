//! `GET /v1/workspaces/{ws}/events/{id}/context`: what the log knows of an event's address and country.

use axum::Json;
use axum::extract::{RawPathParams, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use proofbook_query::ContextFact;
use serde_json::{Value, json};

use crate::access::InWorkspace;
use crate::app::App;
use crate::ask::ask;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;

/// Answers `{ip, country}`, each `{value, events, actors, first_seen, first_for_actor, complete}` or
/// null.
pub(crate) async fn show(
    State(app): State<App>,
    place: InWorkspace,
    path: RawPathParams,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let id = param(&path, "id")?;
    let body = ask(&app, &place, move |reader, budget| {
        let found = reader
            .by_id(&id)?
            .ok_or_else(|| Problem::not_found("there is no such event in this workspace"))?;
        let event = found
            .event()
            .map_err(|_| Problem::new(Code::Unavailable, "an event could not be read"))?;
        let facts = reader.context(&event, budget)?;
        Ok(json!({"ip": facts.ip.map(shown), "country": facts.country.map(shown)}))
    })
    .await?;
    Ok(Json(body).into_response())
}

fn shown(fact: ContextFact) -> Value {
    json!({
        "value": fact.value,
        "events": fact.events,
        "actors": fact.actors,
        "first_seen": fact.first_seen.to_string(),
        "first_for_actor": fact.first_for_actor,
        "complete": fact.complete,
    })
}
