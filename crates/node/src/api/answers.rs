//! Where an answer comes from, and the answer as a file for other programs.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use docket::{Duty, OfficerId, Statement};
use primitives::{Digest, WarrantId};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Caller,
    guard::{consulted, known_question},
    types::{ApiError, ProvenanceView},
};
use crate::{
    core::Core,
    error::{Error, Result},
    views::{self, provenance},
};

type Shared = Arc<Core>;

/// How long after its statement a copy can be had.
const PASSED_ON_WITHIN_MS: u64 = 15 * 60 * 1_000;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(question_provenance))
        .routes(routes!(answer_csv))
}

/// Where an answer comes from, by whose order, computed how, and who has seen it;
/// reading it leaves a record.
#[utoipa::path(get, path = "/v1/questions/{id}/provenance", params(("id" = String, Path)), responses((status = 200, body = ProvenanceView), (status = 403, body = ApiError), (status = 404, body = ApiError)))]
async fn question_provenance(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ProvenanceView>> {
    let actor = caller.any_of(&[Duty::Investigator, Duty::Auditor])?;
    let (warrant, id, known) = known_question(&core, &id)?;
    let view = provenance::provenance(&core, &warrant, &id, &known)?;
    consulted(&core, warrant, id, &actor.id, "provenance").await?;
    Ok(Json(view))
}

/// An opened answer as comma-separated values, for who has just stated that it is
/// passed on (`pass-on`); taking it leaves a record of its own.
#[utoipa::path(get, path = "/v1/questions/{id}/answer.csv", params(("id" = String, Path)), responses((status = 200, content_type = "text/csv", body = String), (status = 403, body = ApiError), (status = 404, body = ApiError)))]
async fn answer_csv(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response> {
    let actor = caller.any_of(&[Duty::Investigator])?;
    let (warrant, id, known) = known_question(&core, &id)?;
    let view = views::answer(&core, &id, &known)?;
    passed_on(&core, &warrant, &id, &actor.id, "csv")?;
    let bytes = provenance::csv(&view);
    let disclosed = known.disclosed.iter().next().copied().unwrap_or(id);
    consulted(&core, warrant, disclosed, &actor.id, "export-csv").await?;
    let name = format!("attachment; filename=\"answer-{}.csv\"", id.short());
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

/// Refuses a copy that its taker has not just stated to pass on.
fn passed_on(
    core: &Core,
    warrant: &WarrantId,
    id: &Digest,
    taker: &OfficerId,
    form: &str,
) -> Result<()> {
    let since = core.now_ms().saturating_sub(PASSED_ON_WITHIN_MS);
    let index = core.read_index();
    let stated = index.docket(warrant).any(|indexed| {
        let header = &indexed.record.header;
        let of_it = matches!(
            &header.statement,
            Statement::PassedOn { question, form: known } if question == id && known == form
        );
        let by_taker = header.institution == core.me && header.officer.as_ref() == Some(taker);
        of_it && by_taker && indexed.time_ms >= since
    });
    if stated {
        return Ok(());
    }
    let error = Error::refused(
        "not-passed-on",
        "no statement of the last fifteen minutes passes this answer on",
    );
    Err(error.advise("state it first: the act pass-on, with for whom and why"))
}
