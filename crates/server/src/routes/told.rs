//! What webhooks and rules of e-mail have in common: each is a destination, listed and shown with how it
//! goes, changed by one record with its event, and tried with a test message.

use axum::Json;
use axum::extract::RawPathParams;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_delivery::transport::Answer;
use proofbook_store::config::{ConfigChange, Destination};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::admin::{self, Act};
use crate::app::App;
use crate::params::Params;
use crate::problem::Problem;
use crate::routes::events::param;

/// One of the two.
pub(crate) struct Told {
    /// The word for it in the configuration.
    pub(crate) kind: &'static str,
    /// What people call it, and its events' target type.
    pub(crate) name: &'static str,
    /// The action that tells of a change.
    pub(crate) changed: &'static str,
    /// The action that tells that it is removed.
    pub(crate) removed: &'static str,
    /// Writes what people may see of one.
    pub(crate) shown: fn(&App, &Destination) -> Value,
}

impl Told {
    /// Answers every one with how it goes.
    pub(crate) async fn list(&'static self, app: App, uri: &Uri) -> Result<Response, Problem> {
        Params::read(uri, &[])?;
        let place = app.queries.enter(app.config.queue_timeout).await?;
        let shared = app.clone();
        let data = app.blocking(place, move || {
            let config = shared.store.view().config.clone();
            let own = config.destinations.values().filter(|known| known.kind == self.kind);
            Ok(own.map(|known| self.with_status(&shared, known)).collect::<Vec<Value>>())
        });
        Ok(Json(json!({"data": data.await?})).into_response())
    }

    /// Answers one with how it goes.
    pub(crate) async fn get(
        &'static self,
        app: App,
        path: &RawPathParams,
    ) -> Result<Response, Problem> {
        let found = self.find(&app, path)?;
        let place = app.queries.enter(app.config.queue_timeout).await?;
        let shared = app.clone();
        let body = app.blocking(place, move || Ok(self.with_status(&shared, &found))).await?;
        Ok(Json(body).into_response())
    }

    /// Finds the one that the path names.
    pub(crate) fn find(&self, app: &App, path: &RawPathParams) -> Result<Destination, Problem> {
        let id = param(path, "id")?;
        let view = app.store.view();
        let found = view.config.destinations.get(&id).filter(|known| known.kind == self.kind);
        found.cloned().ok_or_else(|| Problem::not_found(format!("there is no such {}", self.name)))
    }

    /// Records one as it is to be, and answers what people may see of it. There is none `before` it is
    /// made.
    pub(crate) async fn put(
        &self,
        app: &App,
        grant: &Grant,
        before: Option<&Destination>,
        after: Destination,
    ) -> Result<Value, Problem> {
        let body = (self.shown)(app, &after);
        let before = before.map(|before| (self.shown)(app, before));
        self.record(app, grant, after, before, Some(body.clone())).await?;
        Ok(body)
    }

    /// Records one as it is to be, with what its event says of the change.
    pub(crate) async fn record(
        &self,
        app: &App,
        grant: &Grant,
        destination: Destination,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), Problem> {
        let act = self.act(self.changed, &destination, before, after);
        let change = ConfigChange::PutDestination { destination: Box::new(destination) };
        admin::record(app, grant, change, act).await
    }

    /// Removes one with everything that was known of it.
    pub(crate) async fn remove(
        &self,
        app: &App,
        grant: &Grant,
        path: &RawPathParams,
    ) -> Result<Response, Problem> {
        let _turn = app.turn().await?;
        let before = self.find(app, path)?;
        let act = self.act(self.removed, &before, Some((self.shown)(app, &before)), None);
        admin::record(app, grant, ConfigChange::RemoveDestination { id: before.id }, act).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// Sends one test message now and answers what became of it.
    pub(crate) async fn test(&self, app: &App, path: &RawPathParams) -> Result<Response, Problem> {
        let sent = app.delivery.test(&self.find(app, path)?).await;
        let (result, detail) = became(sent.map_err(|error| error.to_string()));
        Ok(Json(json!({"result": result, "detail": detail})).into_response())
    }

    fn with_status(&self, app: &App, destination: &Destination) -> Value {
        let mut body = (self.shown)(app, destination);
        body["status"] = crate::delivery::status(app, destination);
        body
    }

    fn act(
        &self,
        action: &'static str,
        destination: &Destination,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Act {
        let target = (self.name, destination.id.clone(), destination.name.clone());
        Act { action, target, before, after }
    }
}

/// Says what became of a message that was sent at once.
pub(crate) fn became(sent: Result<Answer, String>) -> (&'static str, Option<String>) {
    match sent {
        Ok(Answer::Taken) => ("taken", None),
        Ok(Answer::Refused { why }) => ("refused", Some(why)),
        Ok(Answer::Failed { why, .. }) => ("failed", Some(why)),
        Err(error) => ("unusable", Some(error)),
    }
}

/// Refuses one too many.
pub(crate) fn check_count(app: &App) -> Result<(), Problem> {
    let max = proofbook_delivery::limits::DESTINATIONS_MAX;
    if app.store.view().config.destinations.len() < max {
        return Ok(());
    }
    let detail = format!("there are {max} destinations and rules already");
    Err(Problem::too_large(0, max as u64, detail))
}
