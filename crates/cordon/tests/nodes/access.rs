//! Who is let in where: every operation of the API by every credential, over a case of
//! one's own, another institution's and one that is not there.
//!
//! The operations are read off the description that the router makes of itself; one
//! without a row in [`ROWS`] fails the test. So does a row without an operation.
//!
//! *What is held*, of whole answers (status, headers' names, body):
//! - who may not see a case gets one and the same answer for it and for none, but for
//!   the id that the request itself named;
//! - who lacks the credential or the duty gets one and the same answer for any case,
//!   his own institution's among them;
//! - who is let in gets what the row says.

use std::collections::{BTreeMap, BTreeSet};

use docket::{
    Duty::{self, Approver, Auditor, Investigator, Judge, Registrar, Steward},
    Role,
};
use node::api::types::{Act, Recorded};
use serde_json::Value;

use crate::{
    credentials::{Credentials, Reply, Who},
    floods,
    passkeys::{Seat, seat},
    tables::{self, PHONE},
    world::{World, ask, draft, id, together},
};

/// What a path or body of an operation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Nothing,
    Warrant,
    Question,
    Snapshot,
}
use About::{Nothing, Question, Snapshot, Warrant};

/// Who is let in.
#[derive(Clone, Copy)]
enum Let {
    /// Whoever asks.
    Anybody,
    /// Officers of every duty.
    Officers,
    /// Officers and the operator.
    All,
    /// Officers with one of these duties.
    Some(&'static [Duty]),
    /// Those, and the operator.
    OrOperator(&'static [Duty]),
}
use Let::{All, Anybody, Officers, OrOperator};

/// An operation, who is let in, what it names, a body with `ID` for what it names, and
/// what those who are let in get for their own (status, and the rule of a refusal).
type Row = (
    &'static str,
    Let,
    About,
    &'static str,
    &'static [(u16, &'static str)],
);

const OK: &[(u16, &str)] = &[(200, "")];
/// Bodies that no handler carries out, so that the matrix changes nothing.
const NO_OFFICER: &str = r#"{"act":"retire-officer","key":"00"}"#;
const NO_MEMBER: &str = r#"{"change":"vote","proposal":"00","yes":true}"#;
const NO_SOURCE: &str = r#"{"dataset":"a","source":"/nowhere/a.csv"}"#;
const ASK: &str = r#"{"warrant":"ID","template":"identify"}"#;
const CODE: &str = r#"{"code":"0000000000000000000000000000000000000000000000000000000000000000"}"#;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("get /healthz", Anybody, Nothing, "", OK),
    ("get /healthz/live", Anybody, Nothing, "", OK),
    ("get /healthz/ready", Anybody, Nothing, "", OK),
    ("get /v1/status", Anybody, Nothing, "", OK),
    ("post /v1/session/begin", Anybody, Nothing, "{}", &[(200, ""), (403, "origin")]),
    ("post /v1/session/finish", Anybody, Nothing, "{}", &[(422, "format")]),
    ("post /v1/passkeys/begin", Anybody, Nothing, CODE, &[(404, "not-found"), (403, "origin")]),
    ("post /v1/passkeys/finish", Anybody, Nothing, CODE, &[(422, "format")]),
    ("get /v1/session", All, Nothing, "", OK),
    ("delete /v1/session", All, Nothing, "", &[(204, "")]),
    ("get /v1/network", All, Nothing, "", OK),
    ("get /v1/catalogue", All, Nothing, "", OK),
    ("get /v1/templates", All, Nothing, "", OK),
    ("get /v1/warrants", Officers, Nothing, "", OK),
    ("get /v1/warrants/{id}", Officers, Warrant, "", OK),
    ("get /v1/warrants/{id}/docket", Officers, Warrant, "", OK),
    ("get /v1/warrants/{id}/changes", Let::Some(&[Judge, Investigator]), Warrant, "", OK),
    ("get /v1/cases", Officers, Nothing, "", OK),
    ("get /v1/cases/{id}", Officers, Warrant, "", OK),
    ("get /v1/inbox", Officers, Nothing, "", OK),
    ("get /v1/events", Officers, Nothing, "", OK),
    ("get /v1/questions/{id}", Officers, Question, "", OK),
    ("get /v1/questions/{id}/plan", Officers, Question, "", OK),
    ("get /v1/questions/{id}/answer", Let::Some(&[Investigator]), Question, "", OK),
    ("get /v1/questions/{id}/answer.csv", Let::Some(&[Investigator]), Question, "", &[(403, "not-passed-on")]),
    ("get /v1/questions/{id}/provenance", Let::Some(&[Investigator, Auditor]), Question, "", OK),
    ("get /v1/questions/{id}/bundle", Let::Some(&[Investigator]), Question, "", OK),
    ("post /v1/questions/{id}/cancel", Let::Some(&[Investigator]), Question, "{}", &[(409, "already-decided")]),
    ("post /v1/questions/preview", Let::Some(&[Investigator]), Warrant, ASK, OK),
    ("post /v1/subjects/check", Let::Some(&[Investigator]), Nothing, r#"{"lines":[]}"#, OK),
    ("post /v1/acts/prepare", Officers, Nothing, NO_OFFICER, &[(422, "format")]),
    ("post /v1/acts/submit", Officers, Nothing, r#"{"id":"00"}"#, &[(422, "format")]),
    ("post /v1/bundles/verify", Officers, Nothing, "PK", OK),
    ("get /v1/rules", OrOperator(&[Approver, Steward]), Nothing, "", OK),
    ("get /v1/datasets", OrOperator(&[Approver, Steward]), Nothing, "", OK),
    ("post /v1/datasets", OrOperator(&[Steward]), Nothing, NO_SOURCE, &[(422, "dataset-spec")]),
    ("post /v1/datasets/preview", OrOperator(&[Steward]), Nothing, NO_SOURCE, &[(422, "dataset-spec")]),
    ("post /v1/datasets/{name}/snapshot", OrOperator(&[Steward]), Nothing, "{}", &[(403, "dataset-unknown")]),
    ("get /v1/snapshots/{id}", OrOperator(&[Steward]), Snapshot, "", OK),
    ("get /v1/jobs", OrOperator(&[Steward]), Nothing, "", OK),
    ("get /v1/jobs/{id}", OrOperator(&[Steward]), Nothing, "", &[(404, "not-found")]),
    ("post /v1/jobs/{id}/cancel", OrOperator(&[Steward]), Nothing, "{}", &[(404, "not-found")]),
    ("post /v1/membership", OrOperator(&[Registrar]), Nothing, NO_MEMBER, &[(422, "format")]),
    ("get /v1/proposals", OrOperator(&[Registrar]), Nothing, "", OK),
    ("post /v1/officers", OrOperator(&[Registrar]), Nothing, NO_OFFICER, &[(422, "format")]),
    ("post /v1/passkeys/invite", OrOperator(&[Registrar]), Nothing, r#"{"officer":"","duties":[]}"#, &[(422, "format")]),
    ("get /v1/passkeys", OrOperator(&[Registrar]), Nothing, "", OK),
    ("get /v1/oversight/dockets", Let::Some(&[Auditor]), Nothing, "", OK),
    ("get /v1/oversight/records", Let::Some(&[Auditor]), Nothing, "", OK),
    ("get /v1/oversight/statistics", Let::Some(&[Auditor]), Nothing, "", OK),
    ("get /v1/oversight/alarms", Let::Some(&[Auditor]), Nothing, "", OK),
    ("get /v1/engine", OrOperator(&[Registrar]), Nothing, "", OK),
    ("get /v1/engine/log", OrOperator(&[Registrar]), Nothing, "", OK),
    ("put /v1/engine/log", OrOperator(&[Registrar]), Nothing, r#"{"filter":"node=loudest"}"#, &[(422, "format")]),
    ("get /metrics", OrOperator(&[Registrar]), Nothing, "", OK),
];

/// Acts that name a warrant or a question; the others name nothing of a case.
const ACTS: &[(&str, About, &str)] = &[
    ("issue-warrant", Warrant, ""),
    ("refuse-warrant", Warrant, r#","reason":"r""#),
    ("revoke-warrant", Warrant, r#","reason":"r""#),
    (
        "give-notice",
        Warrant,
        r#","told":1,"withheld":0,"reason":"r""#,
    ),
    ("ask", Warrant, r#","template":"identify""#),
    ("approve", Question, ""),
    (
        "narrow",
        Question,
        r#","hops":1,"answer_cap":1,"reason":"r""#,
    ),
    ("refuse", Question, r#","reason":"r""#),
    ("open-answer", Question, ""),
    ("pass-on", Question, r#","form":"csv","reason":"r""#),
    ("export-bundle", Question, ""),
];

/// The members: two requesters that have no part in each other's cases.
const MEMBERS: [(&str, &[Role], &[Duty]); 4] = [
    ("police", &[Role::Requester], &[Investigator, Registrar]),
    (
        "customs",
        &[Role::Requester, Role::Custodian],
        &[Investigator, Approver, Steward, Registrar],
    ),
    (
        "procuratorate",
        &[Role::Authority, Role::Overseer],
        &[Judge, Auditor, Registrar],
    ),
    (
        "telecom_a",
        &[Role::Custodian],
        &[Approver, Steward, Registrar],
    ),
];

/// Ids of each kind: what is one's own, what is another's, what is nobody's.
struct Objects(BTreeMap<About, [Option<String>; 3]>);

/// A credential, the duties that it brings (none: not let in), and by which words it is
/// refused where it is not.
struct Bearer {
    who: Who,
    name: String,
    duties: Option<BTreeSet<Duty>>,
    operator: bool,
    refused: &'static str,
}

#[test]
fn nobody_is_let_in_but_who_should_be_nothing_leaks_and_floods_are_borne() {
    let (world, seat) = found();
    let begun = floods::begin(&world);
    let (ours, theirs) = two_cases(&world);
    let snapshot = snapshot_of(&world);
    every_operation_has_a_row(&world);
    let missing = [("0".repeat(32)), ("0".repeat(64))];
    together(MEMBERS.to_vec(), |(institution, _, duties)| {
        let (own, other) = match institution {
            "police" => (Some(&ours), Some(&theirs)),
            "customs" => (Some(&theirs), Some(&ours)),
            _ => (Some(&ours), None),
        };
        let of = |case: Option<&(String, String)>, question: bool| {
            case.map(|(w, q)| if question { q.clone() } else { w.clone() })
        };
        let none = Some(missing[1].clone());
        let held = institution == "telecom_a";
        let here = Some(snapshot.clone()).filter(|_| held);
        let elsewhere = Some(snapshot.clone()).filter(|_| !held);
        let objects = Objects(BTreeMap::from([
            (Nothing, [none.clone(), None, None]),
            (
                Warrant,
                [of(own, false), of(other, false), Some(missing[0].clone())],
            ),
            (Question, [of(own, true), of(other, true), none.clone()]),
            (Snapshot, [here, elsewhere, none]),
        ]));
        let credentials = Credentials::at(&world, institution);
        together(bearers(&world, institution, duties, &seat), |bearer| {
            for row in ROWS {
                one_operation(&credentials, institution, &bearer, row, &objects);
            }
            acts_on_others_cases(&credentials, &bearer, &objects);
        });
    });
    attempts_are_recorded(&world, &ours.0);
    floods::bear(&world, begun);
}

fn found() -> (World, Seat) {
    let members = MEMBERS.map(|(name, roles, _)| (name, roles));
    let world = World::of(&members);
    // While the operator's word is enough: there is no registrar yet.
    let seat = seat(&world, "police", "web", &["investigator"]);
    let officers = MEMBERS.iter().flat_map(|(institution, _, duties)| {
        let one = |duty: &Duty| (*institution, duty.name(), vec![*duty]);
        // The one who leaves holds every duty that the institution can give.
        let leaver = (*institution, "leaver", duties.to_vec());
        duties.iter().map(one).chain([leaver]).collect::<Vec<_>>()
    });
    world.enrol(officers.collect());
    let files = tables::write(world.folder());
    let held: Vec<_> = files
        .into_iter()
        .filter(|(name, ..)| *name == "telecom_a")
        .collect();
    world.publish(&held);
    together(MEMBERS.to_vec(), |(institution, ..)| {
        let key = world
            .network
            .officer_key(&id(institution), &"leaver".parse().unwrap());
        let retire = Act::RetireOfficer {
            key: key.unwrap().public().to_string(),
        };
        world
            .network
            .operator(&id(institution))
            .unwrap()
            .enrol(&retire)
            .unwrap();
    });
    (world, seat)
}

/// A case of the police, exported; and one of the customs, whose question waits.
fn two_cases(world: &World) -> ((String, String), (String, String)) {
    let warrant = world.warrant(draft(&["telecom_a"], &[PHONE]));
    let question = world.ask(ask(&warrant, "identify"));
    world.approve("telecom_a", &question);
    let police = world.police();
    world.phase(&police, &question, &["completed"]);
    world
        .act(
            &police,
            &Act::OpenAnswer {
                question: question.clone(),
            },
        )
        .unwrap();
    world
        .act(
            &police,
            &Act::ExportBundle {
                question: question.clone(),
            },
        )
        .unwrap();
    let customs = world.officer("customs", "investigator");
    let drafted = customs
        .act(&Act::DraftWarrant(draft(&["telecom_a"], &[PHONE])))
        .unwrap();
    let theirs = drafted.warrant.unwrap();
    world.issue(&theirs);
    let asked: Recorded = world.until("the customs' warrant", || {
        match customs.act(&Act::Ask(ask(&theirs, "identify"))) {
            Err(failure) if failure.rule == "warrant-unknown" || failure.retry => Ok(None),
            other => other.map(Some),
        }
    });
    world.delivered_to("telecom_a", &asked.record);
    world.same_root(&MEMBERS.map(|(name, ..)| name));
    ((warrant, question), (theirs, asked.record))
}

fn snapshot_of(world: &World) -> String {
    let steward = world.officer("telecom_a", "steward");
    let datasets: Value = steward.get("/v1/datasets").unwrap();
    datasets[0]["snapshots"][0]["record"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn every_operation_has_a_row(world: &World) {
    let nobody = world.network.nobody(&id("police")).unwrap();
    let description: Value = nobody.get("/openapi.json").unwrap();
    let mut operations = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            operations.insert(format!("{method} {path}"));
        }
    }
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(operations, rows, "each operation has a row in the matrix");
}

/// Every kind of credential that somebody may bring to a node.
fn bearers(world: &World, institution: &str, duties: &[Duty], seat: &Seat) -> Vec<Bearer> {
    let stranger = |name: &str, who, refused| Bearer {
        who,
        name: name.into(),
        duties: None,
        operator: false,
        refused,
    };
    let key = |institution: &str, handle: &str| {
        let handle = handle.parse().unwrap();
        Box::new(
            world
                .network
                .officer_key(&id(institution), &handle)
                .unwrap(),
        )
    };
    let neighbour = if institution == "police" {
        "customs"
    } else {
        "police"
    };
    let token = world
        .network
        .home(&id(institution))
        .unwrap()
        .join("operator.token");
    let token = std::fs::read_to_string(token).unwrap().trim().to_owned();
    let other = world
        .network
        .home(&id(neighbour))
        .unwrap()
        .join("operator.token");
    let other = std::fs::read_to_string(other).unwrap().trim().to_owned();
    let none = "unauthenticated";
    let mut bearers = vec![
        stranger("nobody", Who::Nobody, none),
        stranger("a wrong token", Who::Token("07".repeat(32)), none),
        stranger("a neighbour's token", Who::Token(other), none),
        stranger(
            "a neighbour's officer",
            Who::Key(key(neighbour, "investigator"), institution.into()),
            none,
        ),
        stranger(
            "an officer who signs for elsewhere",
            Who::Key(key(institution, "registrar"), neighbour.into()),
            none,
        ),
        stranger(
            "a neighbour's officer's own request",
            Who::Key(key(neighbour, "registrar"), neighbour.into()),
            none,
        ),
        stranger(
            "a retired officer",
            Who::Key(key(institution, "leaver"), institution.into()),
            none,
        ),
        Bearer {
            who: Who::Token(token),
            name: "the operator".into(),
            duties: Some(BTreeSet::new()),
            operator: true,
            refused: "duty",
        },
    ];
    for duty in duties {
        bearers.push(Bearer {
            who: Who::Key(key(institution, duty.name()), institution.into()),
            name: duty.name().into(),
            duties: Some(BTreeSet::from([*duty])),
            operator: false,
            refused: "duty",
        });
    }
    if institution == "police" {
        let mut copied = seat.browser.clone();
        copied.page = None;
        bearers.push(Bearer {
            who: Who::Browser(Box::new(seat.browser.clone())),
            name: "a passkey's session".into(),
            duties: Some(BTreeSet::from([Investigator])),
            operator: false,
            refused: "duty",
        });
        bearers.push(stranger(
            "a copied cookie",
            Who::Browser(Box::new(copied)),
            "fresh-sign-in",
        ));
    }
    bearers
}

/// What a cookie alone reads, in a browser that says that it comes from the console.
const COOKIE_READS: &[&str] = &[
    "get /v1/session",
    "get /v1/network",
    "get /v1/catalogue",
    "get /v1/templates",
    "get /v1/events",
];

impl Bearer {
    fn is_let_in(&self, row: &Row) -> bool {
        let cookie = self.refused == "fresh-sign-in" && COOKIE_READS.contains(&row.0);
        let Some(duties) = &self.duties else {
            return cookie || matches!(row.1, Anybody);
        };
        let has = |wanted: &[Duty]| wanted.iter().any(|duty| duties.contains(duty));
        match row.1 {
            Anybody | All => true,
            Officers => !self.operator,
            Let::Some(wanted) => has(wanted),
            OrOperator(wanted) => self.operator || has(wanted),
        }
    }
}

fn one_operation(
    credentials: &Credentials,
    institution: &str,
    bearer: &Bearer,
    row: &Row,
    objects: &Objects,
) {
    let (operation, _, about, body, gives) = row;
    // Signing out ends the session that the rest of the rows need.
    let ends = *operation == "delete /v1/session" && bearer.name == "a passkey's session";
    if ends {
        return;
    }
    let what = format!("{institution}: {} {operation}", bearer.name);
    let [own, other, none] = &objects.0[about];
    let send = |object: &Option<String>| {
        let object = object.as_ref()?;
        Some(credentials.send(&bearer.who, operation, object, body))
    };
    let (mine, theirs, nobodys) = (send(own), send(other), send(none));
    if let (Some(theirs), Some(nobodys)) = (&theirs, &nobodys) {
        assert_eq!(theirs, nobodys, "{what}: another's differs from none");
    }
    if bearer.is_let_in(row) {
        if let Some(nobodys) = &nobodys {
            let unknown = nobodys.rule == "not-found" || nobodys.rule.ends_with("-unknown");
            assert!(nobodys.status == 404 && unknown, "{what}: {nobodys:?}");
        }
        let Some(mine) = mine else { return };
        // The customs' own case has no answer yet: what is own is looked at elsewhere.
        let early = institution == "customs" && *about == Question && mine.status != 404;
        let given = (mine.status, mine.rule.as_str());
        assert!(early || gives.contains(&given), "{what}: {mine:?}");
        return;
    }
    let status = if bearer.refused == "duty" { 403 } else { 401 };
    for reply in [&mine, &theirs, &nobodys].into_iter().flatten() {
        assert_eq!(
            (reply.status, reply.rule.as_str()),
            (status, bearer.refused),
            "{what}: {reply:?}"
        );
        let same = mine.as_ref().or(nobodys.as_ref());
        assert_eq!(Some(reply), same, "{what}: a refusal tells what there is");
    }
}

/// Acts that name another's case are answered like those that name none, whatever duty.
fn acts_on_others_cases(credentials: &Credentials, bearer: &Bearer, objects: &Objects) {
    for (act, about, more) in ACTS {
        let name = if *about == Warrant {
            "warrant"
        } else {
            "question"
        };
        let body = format!(r#"{{"act":"{act}","{name}":"ID"{more}}}"#);
        let [_, Some(other), Some(none)] = &objects.0[about] else {
            continue;
        };
        let send =
            |object: &str| credentials.send(&bearer.who, "post /v1/acts/prepare", object, &body);
        let (theirs, nobodys) = (send(other), send(none));
        assert_eq!(
            theirs, nobodys,
            "{} {act}: another's differs from none",
            bearer.name
        );
        let expected = match (&bearer.duties, bearer.operator) {
            (None, _) => bearer.refused.to_owned(),
            (Some(_), true) => "duty".to_owned(),
            (Some(_), false) => format!("{name}-unknown"),
        };
        assert_eq!(theirs.rule, expected, "{} {act}: {theirs:?}", bearer.name);
    }
}

/// Whoever tried is not told that there is a case; its overseers are told of the try.
fn attempts_are_recorded(world: &World, warrant: &str) {
    world.until("the denials of the customs", || {
        let records = world.auditor().docket(warrant)?.records;
        let denied = records
            .iter()
            .filter(|record| record.kind == "denied" && record.institution == "customs");
        Ok((denied.count() >= ACTS.len()).then_some(()))
    });
    let reply: Reply =
        Credentials::at(world, "police").send(&Who::Nobody, "get /v1/nothing", "", "");
    assert_eq!((reply.status, reply.rule.as_str()), (404, "not-found"));
}
