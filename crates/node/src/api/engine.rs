//! What the engineer reads and sets, and what probes ask.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use docket::Duty;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    assets,
    auth::Caller,
    guard::blocking,
    types::{ApiError, EngineView, Health, LogView, SetLog},
};
use crate::{core::Core, error::Result, views::engine};

type Shared = Arc<Core>;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(engine_view))
        .routes(routes!(log, set_log))
        .routes(routes!(metrics))
}

/// Routes that probes ask without credentials.
pub(super) fn open_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(live))
        .routes(routes!(ready))
}

/// The node from the inside: peers, storage, pace.
#[utoipa::path(get, path = "/v1/engine", responses((status = 200, body = EngineView), (status = 403, body = ApiError)))]
async fn engine_view(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<EngineView>> {
    caller.operator_or(Duty::Registrar)?;
    let view = blocking(&core, move |core| engine::engine(&core, assets::count())).await?;
    Ok(Json(view))
}

/// The log's filter.
#[utoipa::path(get, path = "/v1/engine/log", responses((status = 200, body = LogView), (status = 403, body = ApiError)))]
async fn log(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<LogView>> {
    caller.operator_or(Duty::Registrar)?;
    Ok(Json(core.log.view()))
}

/// Puts another filter in force, until the node is started again.
#[utoipa::path(put, path = "/v1/engine/log", request_body = SetLog, responses((status = 200, body = LogView), (status = 403, body = ApiError), (status = 422, body = ApiError)))]
async fn set_log(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(set): Json<SetLog>,
) -> Result<Json<LogView>> {
    caller.operator_or(Duty::Registrar)?;
    let view = core.log.set(&set.filter)?;
    tracing::info!(filter = %view.filter, "the log's filter was changed");
    Ok(Json(view))
}

/// Counters and gauges in the OpenMetrics text form.
#[utoipa::path(get, path = "/metrics", responses((status = 200, content_type = "application/openmetrics-text", body = String), (status = 401, body = ApiError), (status = 403, body = ApiError)))]
async fn metrics(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Response> {
    caller.operator_or(Duty::Registrar)?;
    let text = blocking(&core, move |core| core.metrics.text(&core)).await?;
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, form)], text).into_response())
}

/// Whether the node lives and serves.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health)))]
async fn health(State(core): State<Shared>) -> Json<Health> {
    Json(engine::health(&core))
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz/live", responses((status = 200, body = Health)))]
async fn live(State(core): State<Shared>) -> Json<Health> {
    Json(engine::health(&core))
}

/// Whether the node can do what it is for.
#[utoipa::path(get, path = "/healthz/ready", responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn ready(State(core): State<Shared>) -> (StatusCode, Json<Health>) {
    let health = engine::health(&core);
    let status = if health.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health))
}
