//! What an overseer reads over all dockets, and checks of bundles.
//!
//! Dockets and records are listed from headers, which every member's ledger holds,
//! and leave no record; opening a docket does (`GET /v1/warrants/{id}/docket`).

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{DefaultBodyLimit, Query, State},
};
use docket::{Duty, Role};
use primitives::NetworkId;
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Caller,
    guard::blocking,
    types::{Alarm, ApiError, BundleCheck, FoundDockets, FoundRecords, Period, Search, Statistics},
};
use crate::{
    core::Core,
    error::{Error, Result},
    views::{alarms, bundles, cases, oversight},
};

/// Bundles checked at a time; each may hold a core for seconds.
static CHECKS: Semaphore = Semaphore::const_new(1);

type Shared = Arc<Core>;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    let large = DefaultBodyLimit::max(evidence::BUNDLE_BYTES_MAX);
    let checks = OpenApiRouter::new()
        .routes(routes!(verify_bundle))
        .layer(large);
    OpenApiRouter::new()
        .routes(routes!(search_dockets))
        .routes(routes!(search_records))
        .routes(routes!(statistics))
        .routes(routes!(alarm_list))
        .merge(checks)
}

/// Requires an auditor of an overseer: other institutions' auditors oversee nothing.
fn auditor(core: &Core, caller: &Caller) -> Result<()> {
    caller.any_of(&[Duty::Auditor])?;
    let oversees = core
        .state()
        .member(&core.me)
        .is_some_and(|member| member.roles.contains(&Role::Overseer));
    if oversees {
        Ok(())
    } else {
        Err(Error::refused(
            "duty",
            format!("{} is no overseer", core.me),
        ))
    }
}

/// Dockets, searched.
#[utoipa::path(get, path = "/v1/oversight/dockets", params(Search), responses((status = 200, body = FoundDockets), (status = 403, body = ApiError)))]
async fn search_dockets(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Query(search): Query<Search>,
) -> Result<Json<FoundDockets>> {
    auditor(&core, &caller)?;
    let found = blocking(&core, move |core| {
        let viewer = cases::Viewer {
            duties: caller.duties(),
        };
        oversight::dockets(&core, viewer, &search)
    })
    .await??;
    Ok(Json(found))
}

/// Records, searched: denials, refusals, readings and everything else.
#[utoipa::path(get, path = "/v1/oversight/records", params(Search), responses((status = 200, body = FoundRecords), (status = 403, body = ApiError)))]
async fn search_records(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Query(search): Query<Search>,
) -> Result<Json<FoundRecords>> {
    auditor(&core, &caller)?;
    let found = blocking(&core, move |core| oversight::records(&core, &search)).await??;
    Ok(Json(found))
}

/// Counts by template, institution, month and outcome.
#[utoipa::path(get, path = "/v1/oversight/statistics", params(Period), responses((status = 200, body = Statistics), (status = 403, body = ApiError)))]
async fn statistics(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Query(period): Query<Period>,
) -> Result<Json<Statistics>> {
    auditor(&core, &caller)?;
    Ok(Json(
        blocking(&core, move |core| oversight::statistics(&core, &period)).await?,
    ))
}

/// What an overseer should look at.
#[utoipa::path(get, path = "/v1/oversight/alarms", responses((status = 200, body = Vec<Alarm>), (status = 403, body = ApiError)))]
async fn alarm_list(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Alarm>>> {
    auditor(&core, &caller)?;
    Ok(Json(
        blocking(&core, move |core| alarms::alarms(&core)).await?,
    ))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Against {
    /// The network to check against; this node's unless said.
    network: Option<String>,
}

/// Checks a bundle: what is wrong with it, and where. Nothing is kept.
#[utoipa::path(post, path = "/v1/bundles/verify", params(Against), request_body(content = Vec<u8>, content_type = "application/zip"), responses((status = 200, body = BundleCheck), (status = 401, body = ApiError), (status = 422, body = ApiError)))]
async fn verify_bundle(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Query(against): Query<Against>,
    bytes: Bytes,
) -> Result<Json<BundleCheck>> {
    caller.officer()?;
    let network: NetworkId = match &against.network {
        Some(text) => text
            .parse()
            .map_err(|_| Error::refused("format", "a network's id is 64 hex digits"))?,
        None => core.network,
    };
    let _turn = CHECKS
        .acquire()
        .await
        .map_err(|error| Error::trouble("stopping", error))?;
    Ok(Json(
        blocking(&core, move |_| bundles::check(&bytes, network)).await?,
    ))
}
