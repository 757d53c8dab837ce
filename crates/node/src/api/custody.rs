//! A custodian's approval rules, tables, snapshots and jobs.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use docket::Duty;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Caller,
    guard::{blocking, digest},
    types::{ApiError, DatasetPreview, DatasetView, JobView, Publish, RulesView, SnapshotDetail},
};
use crate::{approvals, core::Core, error::Result, tables, views::custody};

type Shared = Arc<Core>;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(rules))
        .routes(routes!(datasets))
        .routes(routes!(preview_dataset))
        .routes(routes!(snapshot_detail))
        .routes(routes!(jobs))
}

/// The rules under which this node approves without an officer.
#[utoipa::path(get, path = "/v1/rules", responses((status = 200, body = RulesView), (status = 403, body = ApiError)))]
async fn rules(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<RulesView>> {
    caller.operator_or_any(&[Duty::Approver, Duty::Steward])?;
    Ok(Json(approvals::view(&core)))
}

/// The tables that this institution published, with their snapshots.
#[utoipa::path(get, path = "/v1/datasets", responses((status = 200, body = Vec<DatasetView>), (status = 403, body = ApiError)))]
async fn datasets(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<DatasetView>>> {
    caller.operator_or_any(&[Duty::Steward, Duty::Approver])?;
    let list = blocking(&core, move |core| custody::datasets(&core)).await??;
    Ok(Json(list))
}

/// A source as it would be published: what its columns are taken for, how many
/// values are of that type; never a value.
#[utoipa::path(post, path = "/v1/datasets/preview", request_body = Publish, responses((status = 200, body = DatasetPreview), (status = 403, body = ApiError), (status = 422, body = ApiError)))]
async fn preview_dataset(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(publish): Json<Publish>,
) -> Result<Json<DatasetPreview>> {
    caller.operator_or_any(&[Duty::Steward])?;
    let view = blocking(&core, move |core| {
        let spec = tables::specification(&core, &publish)?;
        custody::preview(&spec)
    })
    .await??;
    Ok(Json(view))
}

/// A snapshot of this institution with the rows that it rejected, and why.
#[utoipa::path(get, path = "/v1/snapshots/{id}", params(("id" = String, Path)), responses((status = 200, body = SnapshotDetail), (status = 403, body = ApiError), (status = 404, body = ApiError)))]
async fn snapshot_detail(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<SnapshotDetail>> {
    caller.operator_or_any(&[Duty::Steward])?;
    let record = digest(&id)?;
    let view = blocking(&core, move |core| custody::snapshot(&core, &record)).await??;
    Ok(Json(view))
}

/// The jobs since the node started, the newest first.
#[utoipa::path(get, path = "/v1/jobs", responses((status = 200, body = Vec<JobView>), (status = 403, body = ApiError)))]
async fn jobs(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<JobView>>> {
    caller.operator_or_any(&[Duty::Steward])?;
    Ok(Json(core.jobs.all()))
}
