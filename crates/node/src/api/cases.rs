//! Cases at a glance, drafts, and questions before they are asked.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use docket::{Duty, Plan};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Caller,
    guard::{blocking, consulted, known_question, known_warrant},
    types::{
        ApiError, Ask, CaseCard, CaseView, ChangesView, CheckSubjects, CheckedSubjects, PlanView,
        TemplateView,
    },
};
use crate::{
    acts,
    core::Core,
    error::{Error, Result},
    views::{cases, plans, subjects},
};

/// Cards given unless the caller says.
const CARDS_DEFAULT: usize = 500;
/// Most cards given.
const CARDS_MAX: usize = 2_000;

type Shared = Arc<Core>;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(templates))
        .routes(routes!(case_list))
        .routes(routes!(case))
        .routes(routes!(warrant_changes))
        .routes(routes!(check_subjects))
        .routes(routes!(preview_question))
        .routes(routes!(question_plan))
}

fn viewer(caller: &Caller) -> cases::Viewer<'_> {
    cases::Viewer {
        duties: caller.duties(),
    }
}

/// The templates that can be asked, with their impact assessments.
#[utoipa::path(get, path = "/v1/templates", responses((status = 200, body = Vec<TemplateView>), (status = 401, body = ApiError)))]
async fn templates() -> Json<Vec<TemplateView>> {
    Json(plans::templates())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Cards {
    /// How many: 500 unless said, at most 2000.
    limit: Option<usize>,
}

/// The cases that concern this institution, those with the newest activity first.
#[utoipa::path(get, path = "/v1/cases", params(Cards), responses((status = 200, body = Vec<CaseCard>), (status = 401, body = ApiError)))]
async fn case_list(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Query(cards): Query<Cards>,
) -> Result<Json<Vec<CaseCard>>> {
    caller.officer()?;
    let limit = cards.limit.unwrap_or(CARDS_DEFAULT).min(CARDS_MAX);
    let list = blocking(&core, move |core| {
        cases::cards(&core, viewer(&caller), limit)
    })
    .await?;
    Ok(Json(list))
}

/// One case: what was asked for, what was granted, what waits for whom.
#[utoipa::path(get, path = "/v1/cases/{id}", params(("id" = String, Path)), responses((status = 200, body = CaseView), (status = 404, body = ApiError)))]
async fn case(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<CaseView>> {
    caller.officer()?;
    let (id, known) = known_warrant(&core, &id)?;
    Ok(Json(cases::case(&core, viewer(&caller), &id, &known)?))
}

/// What changed since the previous draft of the same case; reading it leaves a record.
#[utoipa::path(get, path = "/v1/warrants/{id}/changes", params(("id" = String, Path)), responses((status = 200, body = ChangesView), (status = 403, body = ApiError), (status = 404, body = ApiError)))]
async fn warrant_changes(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ChangesView>> {
    let actor = caller.any_of(&[Duty::Judge, Duty::Investigator])?;
    let (id, known) = known_warrant(&core, &id)?;
    if known.authority != core.me && known.requester != core.me {
        return Err(Error::refused(
            "separation-of-duties",
            "only requester and authority read a draft's subjects",
        ));
    }
    let view = cases::changes(&core, &id, &known)?;
    consulted(&core, id, known.draft, &actor.id, "changes").await?;
    Ok(Json(view))
}

/// Says of each line which subject it names, or why none. Nothing is kept.
#[utoipa::path(post, path = "/v1/subjects/check", request_body = CheckSubjects, responses((status = 200, body = CheckedSubjects), (status = 403, body = ApiError), (status = 422, body = ApiError)))]
async fn check_subjects(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(given): Json<CheckSubjects>,
) -> Result<Json<CheckedSubjects>> {
    caller.any_of(&[Duty::Investigator])?;
    let most = primitives::limits::SUBJECTS_MAX;
    if given.lines.len() > most {
        let detail = format!("{} lines; at most {most}", given.lines.len());
        return Err(Error::refused("format", detail));
    }
    let limit = core.state().charter().limits.subjects_max;
    let checked = blocking(&core, move |_| subjects::check(&given.lines, limit)).await?;
    Ok(Json(checked))
}

/// Compiles a question without asking it, and says in plain words what it would do.
#[utoipa::path(post, path = "/v1/questions/preview", request_body = Ask, responses((status = 200, body = PlanView), (status = 403, body = ApiError), (status = 404, body = ApiError)))]
async fn preview_question(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(ask): Json<Ask>,
) -> Result<Json<PlanView>> {
    caller.any_of(&[Duty::Investigator])?;
    known_warrant(&core, &ask.warrant)?;
    let view = blocking(&core, move |core| {
        let plan = acts::plan_of(&core, &ask)?;
        plans::plan(&core, None, &plan)
    })
    .await??;
    Ok(Json(view))
}

/// A question's plan in plain words; at one of its custodians, with what would
/// leave the institution and what would not.
#[utoipa::path(get, path = "/v1/questions/{id}/plan", params(("id" = String, Path)), responses((status = 200, body = PlanView), (status = 404, body = ApiError), (status = 503, body = ApiError)))]
async fn question_plan(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<PlanView>> {
    caller.officer()?;
    let (_, question, _) = known_question(&core, &id)?;
    let view = blocking(&core, move |core| {
        let plan: Plan = core.body_of(&question)?;
        plans::plan(&core, Some(&question), &plan)
    })
    .await??;
    Ok(Json(view))
}
