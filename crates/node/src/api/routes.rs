//! The routes, each with the duty that it needs and the record that it leaves.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, MatchedPath, Path, Request, State},
    http::{HeaderValue, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use docket::Duty;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    BODY_BYTES_MAX, answers, assets,
    auth::{Caller, Gate, authenticate},
    cases, custody, engine, events,
    guard::{consulted, hide_unknown, known_question, known_warrant},
    oversight, passkeys, pressure,
    session::{self, OpenSession},
    shape,
    types::{
        Act, AnswerView, ApiError, DocketView, Inbox, JobView, MemberView, Membership, NodeStatus,
        Prepared, ProposalView, Publish, QuestionView, Recorded, SubmitSignature, TableView,
        WarrantView,
    },
};
use crate::{
    acts, bundle,
    core::Core,
    error::{Error, Result},
    membership, tables, views,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "Cordon node",
    description = "The API of one institution's node. Acts that bind are prepared, signed by the officer's own key, and submitted; everything else reads. Authentication: see the `Authorization` header's forms in docs/api.md."
))]
struct Document;

type Shared = Arc<Core>;

/// The node's router, and its OpenAPI document.
pub fn router(core: Arc<Core>, gate: Gate) -> Router {
    let body = middleware::from_fn_with_state(core.clone(), pressure::open_body);
    let open = open_routes().layer(body);
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(network))
        .routes(routes!(catalogue))
        .routes(routes!(warrants))
        .routes(routes!(warrant))
        .routes(routes!(warrant_docket))
        .routes(routes!(inbox))
        .routes(routes!(question))
        .routes(routes!(cancel_question))
        .routes(routes!(answer))
        .routes(routes!(question_bundle))
        .routes(routes!(prepare))
        .routes(routes!(submit))
        .routes(routes!(publish))
        .routes(routes!(snapshot))
        .routes(routes!(job))
        .routes(routes!(cancel_job))
        .routes(routes!(membership_act))
        .routes(routes!(proposals))
        .routes(routes!(officers))
        .routes(routes!(session::who, session::end))
        .routes(routes!(passkeys::invite))
        .routes(routes!(passkeys::list))
        .merge(cases::routes())
        .merge(answers::routes())
        .merge(custody::routes())
        .merge(oversight::routes())
        .merge(engine::routes())
        .merge(events::routes())
        .layer(middleware::from_fn_with_state(gate, authenticate))
        .merge(open)
        .split_for_parts();
    let document = description(&document);
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    router
        .route(
            "/openapi.json",
            get(move || std::future::ready(([json.clone()], document.clone()))),
        )
        .fallback(assets::serve)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(pressure::screen))
        .layer(middleware::from_fn(shape::errors))
        .layer(middleware::from_fn_with_state(core.clone(), measure))
        .layer(middleware::from_fn(assets::guard))
        .with_state(core)
}

/// What needs no credentials.
fn open_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(session::begin))
        .routes(routes!(session::finish))
        .routes(routes!(passkeys::begin))
        .routes(routes!(passkeys::finish))
        .routes(routes!(status))
        .merge(engine::open_routes())
}

/// The API's description as it is served, made once.
fn description(document: &utoipa::openapi::OpenApi) -> Bytes {
    let open = open_routes().to_openapi();
    let open: Vec<&str> = open.paths.paths.keys().map(String::as_str).collect();
    let document = serde_json::to_value(document).unwrap_or_default();
    shape::describe(document, &open).to_string().into()
}

/// Counts how long each route takes, by the route as it is declared.
async fn measure(
    State(core): State<Shared>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("(console)", MatchedPath::as_str);
    let status = response.status().as_u16();
    core.metrics
        .answered(method.as_str(), route, status, began.elapsed());
    response
}

/// The node's state and the network's; needs no authentication.
#[utoipa::path(get, path = "/v1/status", responses((status = 200, body = NodeStatus)))]
async fn status(State(core): State<Shared>) -> Json<NodeStatus> {
    Json(views::status(&core))
}

/// The members and their officers.
#[utoipa::path(get, path = "/v1/network", responses((status = 200, body = Vec<MemberView>), (status = 401, body = ApiError)))]
async fn network(State(core): State<Shared>) -> Json<Vec<MemberView>> {
    Json(views::network(&core.state()))
}

/// The tables that custodians published.
#[utoipa::path(get, path = "/v1/catalogue", responses((status = 200, body = Vec<TableView>), (status = 401, body = ApiError)))]
async fn catalogue(State(core): State<Shared>) -> Json<Vec<TableView>> {
    Json(views::catalogue(&core.state()))
}

/// The warrants that concern this institution.
#[utoipa::path(get, path = "/v1/warrants", responses((status = 200, body = Vec<WarrantView>), (status = 401, body = ApiError)))]
async fn warrants(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<WarrantView>>> {
    caller.officer()?;
    let state = core.state();
    let views = state
        .warrants()
        .filter(|(_, warrant)| views::concerns(&core, &state, warrant))
        .map(|(id, warrant)| views::warrant(&core, id, warrant))
        .collect();
    Ok(Json(views))
}

/// One warrant; its subjects too where this institution may read them, which
/// leaves a record.
#[utoipa::path(get, path = "/v1/warrants/{id}", params(("id" = String, Path)), responses((status = 200, body = WarrantView), (status = 404, body = ApiError)))]
async fn warrant(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<WarrantView>> {
    let actor = caller.officer()?;
    let (id, known) = known_warrant(&core, &id)?;
    let mut view = views::warrant(&core, &id, &known);
    if let Some(subjects) = views::subjects(&core, &known) {
        let record = known.issued.unwrap_or(known.draft);
        consulted(&core, id, record, &actor.id, "subjects").await?;
        view.subject_list = Some(subjects);
        view.subjects_coming = false;
    }
    Ok(Json(view))
}

/// A docket's timeline; reading it leaves a record.
#[utoipa::path(get, path = "/v1/warrants/{id}/docket", params(("id" = String, Path)), responses((status = 200, body = DocketView), (status = 404, body = ApiError)))]
async fn warrant_docket(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DocketView>> {
    let actor = caller.officer()?;
    let (id, known) = known_warrant(&core, &id)?;
    consulted(&core, id, known.draft, &actor.id, "docket").await?;
    Ok(Json(views::docket(&core, &id)))
}

/// What waits for this institution's officers.
#[utoipa::path(get, path = "/v1/inbox", responses((status = 200, body = Inbox), (status = 401, body = ApiError)))]
async fn inbox(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Inbox>> {
    caller.officer()?;
    Ok(Json(views::inbox(&core)))
}

/// One question: its plan in plain words, decisions and progress.
#[utoipa::path(get, path = "/v1/questions/{id}", params(("id" = String, Path)), responses((status = 200, body = QuestionView), (status = 404, body = ApiError)))]
async fn question(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<QuestionView>> {
    caller.officer()?;
    let (warrant, id, known) = known_question(&core, &id)?;
    Ok(Json(views::question(&core, &warrant, &id, &known)))
}

/// Stops a question of this requester.
#[utoipa::path(post, path = "/v1/questions/{id}/cancel", params(("id" = String, Path)), responses((status = 200, body = QuestionView), (status = 409, body = ApiError)))]
async fn cancel_question(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<QuestionView>> {
    if let Caller::Operator = caller {
        caller.officer()?;
    }
    caller.operator_or(Duty::Investigator)?;
    known_question(&core, &id)?;
    acts::cancel(&core, &id).await?;
    let (warrant, id, known) = known_question(&core, &id)?;
    Ok(Json(views::question(&core, &warrant, &id, &known)))
}

/// An opened answer; reading it leaves a record.
#[utoipa::path(get, path = "/v1/questions/{id}/answer", params(("id" = String, Path)), responses((status = 200, body = AnswerView), (status = 404, body = ApiError)))]
async fn answer(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AnswerView>> {
    let actor = caller.officer()?;
    caller.operator_or(Duty::Investigator)?;
    let (warrant, id, known) = known_question(&core, &id)?;
    let view = views::answer(&core, &id, &known)?;
    let disclosed = known.disclosed.iter().next().copied().unwrap_or(id);
    consulted(&core, warrant, disclosed, &actor.id, "answer").await?;
    Ok(Json(view))
}

/// The bundle of an exported answer: a ZIP file; taking it leaves a record.
#[utoipa::path(get, path = "/v1/questions/{id}/bundle", params(("id" = String, Path)), responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 404, body = ApiError)))]
async fn question_bundle(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response> {
    let actor = caller.officer()?;
    caller.operator_or(Duty::Investigator)?;
    let (warrant, id, known) = known_question(&core, &id)?;
    let finishing = core.clone();
    let finish = move || bundle::finish(&finishing, id);
    let bytes = core.host.blocking(finish).await?;
    let disclosed = known.disclosed.iter().next().copied().unwrap_or(id);
    consulted(&core, warrant, disclosed, &actor.id, "bundle").await?;
    Ok(([(CONTENT_TYPE, "application/zip")], bytes).into_response())
}

/// Prepares an act for its officer's signature. A denial is recorded.
#[utoipa::path(post, path = "/v1/acts/prepare", request_body = Act, responses((status = 200, body = Prepared), (status = 403, body = ApiError)))]
async fn prepare(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(act): Json<Act>,
) -> Result<Json<Prepared>> {
    let actor = caller.officer()?;
    hide_unknown(&core, actor, &act).await?;
    Ok(Json(acts::prepare(&core, actor, &act).await?))
}

/// Submits an officer's signature, and answers once the record is final.
#[utoipa::path(post, path = "/v1/acts/submit", request_body = SubmitSignature, responses((status = 200, body = Recorded), (status = 403, body = ApiError), (status = 503, body = ApiError)))]
async fn submit(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    session: Option<Extension<OpenSession>>,
    Json(signed): Json<SubmitSignature>,
) -> Result<Json<Recorded>> {
    let actor = caller.officer()?;
    let indexed = acts::submit(&core, actor, &signed).await?;
    if let Some(Extension(session)) = session {
        core.sessions.prolong(&session.cookie, core.now_ms());
    }
    Ok(Json(tables::recorded(&indexed)))
}

/// Publishes a table in the catalogue.
#[utoipa::path(post, path = "/v1/datasets", request_body = Publish, responses((status = 200, body = Recorded), (status = 422, body = ApiError)))]
async fn publish(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(publish): Json<Publish>,
) -> Result<Json<Recorded>> {
    caller.operator_or(Duty::Steward)?;
    let spec = tables::specification(&core, &publish)?;
    let indexed = tables::publish(&core, spec).await?;
    Ok(Json(tables::recorded(&indexed)))
}

/// Begins to take a snapshot of a published table.
#[utoipa::path(post, path = "/v1/datasets/{name}/snapshot", params(("name" = String, Path)), responses((status = 200, body = JobView), (status = 409, body = ApiError)))]
async fn snapshot(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<JobView>> {
    caller.operator_or(Duty::Steward)?;
    Ok(Json(tables::begin_snapshot(&core, &name)?))
}

/// How a job goes.
#[utoipa::path(get, path = "/v1/jobs/{id}", params(("id" = String, Path)), responses((status = 200, body = JobView), (status = 404, body = ApiError)))]
async fn job(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<JobView>> {
    caller.operator_or(Duty::Steward)?;
    let view = core.jobs.view(&id);
    Ok(Json(view.ok_or_else(|| {
        Error::refused("not-found", format!("no job {id}"))
    })?))
}

/// Asks a job to stop.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", params(("id" = String, Path)), responses((status = 200, body = JobView), (status = 404, body = ApiError)))]
async fn cancel_job(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<JobView>> {
    caller.operator_or(Duty::Steward)?;
    core.jobs.cancel(&id);
    let view = core.jobs.view(&id);
    Ok(Json(view.ok_or_else(|| {
        Error::refused("not-found", format!("no job {id}"))
    })?))
}

/// Proposes a change of the membership, or votes on one.
#[utoipa::path(post, path = "/v1/membership", request_body = Membership, responses((status = 200, body = Recorded), (status = 403, body = ApiError)))]
async fn membership_act(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(act): Json<Membership>,
) -> Result<Json<Recorded>> {
    caller.operator_or(Duty::Registrar)?;
    let indexed = membership::act(&core, &act).await?;
    Ok(Json(tables::recorded(&indexed)))
}

/// The proposals under vote.
#[utoipa::path(get, path = "/v1/proposals", responses((status = 200, body = Vec<ProposalView>), (status = 401, body = ApiError)))]
async fn proposals(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<ProposalView>>> {
    caller.operator_or(Duty::Registrar)?;
    Ok(Json(membership::proposals(&core)))
}

/// Enrols or retires an officer with the node's key: the operator's way to the
/// first officers.
#[utoipa::path(post, path = "/v1/officers", request_body = Act, responses((status = 200, body = Recorded), (status = 403, body = ApiError)))]
async fn officers(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    Json(act): Json<Act>,
) -> Result<Json<Recorded>> {
    caller.operator_or(Duty::Registrar)?;
    let indexed = acts::as_operator(&core, &act).await?;
    Ok(Json(tables::recorded(&indexed)))
}
