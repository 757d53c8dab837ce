//! What must hold, looked at while a network runs and at its end.
//!
//! | rule | what it says |
//! |---|---|
//! | `fork` | two honest nodes never have different logs of one size |
//! | `clock` | no block is dated later than the quorum's clocks allow |
//! | `believed` | no honest node holds a checkpoint of another log than its own |
//! | `unnoticed` | two logs, or two roots signed, become evidence within a minute of talk |
//! | `lost` | what was acknowledged stands at its place in every honest node's log |
//! | `disagree` | at the end honest nodes have one log and one legal state |
//! | `unsigned` | no act is final that its officer has not signed |
//! | `lawless` | no answer is opened without its warrant, approvals and budget |
//! | `canary` | no row of whoever is no subject is seen outside its custodian |
//! | `wrong-answer` | a bundle verifies, and holds what plain tables say |
//! | `accused` | only villains are blamed, and evidence verifies |
//! | `progress` | within a minute of calm, a record becomes final |
//! | `stuck`, `start`, `ledger-stopped`, `leak` | a case, start, ledger or kill did not end as it must |

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use docket::{Record, Statement, plan::Cell};
use evidence::TrustAnchor;
use node::{core::Core, rules::docket_state};
use primitives::{Digest, InstitutionId};

use crate::{
    people::Office,
    standing,
    tables::CANARY,
    villains::Villain,
    wires::contains,
    world::{World, lock},
};

/// How often logs are compared.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How far ahead a block may be dated: what validators allow, and the difference of a
/// quorum's clocks.
const BLOCK_AHEAD_MAX: Duration = Duration::from_secs(50);
/// Longest that a record may take to become final in calm weather.
pub(crate) const PROGRESS_WITHIN: Duration = Duration::from_secs(60);

/// Compares the honest nodes' logs, again and again.
pub(crate) async fn watch(world: &Arc<World>, villains: &[usize]) {
    let mut roots: BTreeMap<u64, Digest> = BTreeMap::new();
    let may_fork = world.villain == Villain::Many;
    loop {
        for n in (0..world.members.len()).filter(|n| !villains.contains(n)) {
            let Some(core) = world.core(n) else { continue };
            if let Some(detail) = ahead_of_time(world, n, &core) {
                world.report.broken("clock", detail);
                return;
            }
            let status = core.ledger.status();
            let signed = core.ledger.checkpoint();
            let theirs = signed.as_ref().map(|signed| signed.checkpoint());
            if let Some(signed) = theirs.filter(|_| !may_fork)
                && roots
                    .get(&signed.size())
                    .is_some_and(|known| known != signed.root())
            {
                let detail = format!("{n} has a checkpoint of {} records", signed.size());
                world.report.broken("believed", detail);
                return;
            }
            let known = *roots.entry(status.size).or_insert(status.root);
            if known != status.root && !may_fork {
                let detail = format!("{n} has another log of {} records", status.size);
                world.report.broken("fork", detail);
                return;
            }
        }
        world.sleep(LOOK_EVERY).await;
    }
}

/// Whether a node's log says that it is later than it can be: no clock that stands
/// hours ahead may date a block, and what is dated so would date all that follow.
fn ahead_of_time(world: &World, n: usize, core: &Core) -> Option<String> {
    let time_ms = core.read_index().all().last()?.time_ms;
    let now_ms = world.charter.founded_ms + u64::try_from(world.now().as_millis()).unwrap_or(0);
    let latest = now_ms + u64::try_from(BLOCK_AHEAD_MAX.as_millis()).unwrap_or(0);
    (time_ms > latest).then(|| {
        let by_s = (time_ms - now_ms) / 1_000;
        format!("{n} has a block that is dated {by_s} s ahead")
    })
}

/// Waits until all honest nodes have the same log; false where they do not in time.
pub(crate) async fn settle(world: &Arc<World>, villains: &[usize]) -> bool {
    let tries = PROGRESS_WITHIN.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..tries {
        let honest = honest(world, villains);
        let mut sizes = honest.iter().map(|core| {
            let taken = core.read_index().all().len() as u64;
            (core.ledger.status().size, taken)
        });
        let first = sizes.next();
        if first.is_some_and(|(size, taken)| size == taken && sizes.all(|s| s == (size, taken))) {
            return true;
        }
        drop(sizes);
        drop(honest);
        world.sleep(LOOK_EVERY).await;
    }
    false
}

fn honest(world: &Arc<World>, villains: &[usize]) -> Vec<Arc<Core>> {
    let honest = (0..world.members.len()).filter(|n| !villains.contains(n));
    honest.filter_map(|n| world.core(n)).collect()
}

/// What must hold at the end; the number of final records.
pub(crate) async fn at_the_end(office: &Office, villains: &[usize]) -> u64 {
    let world = &office.world;
    if !settle(world, villains).await {
        let detail = "honest nodes have not the same log after a minute of calm";
        world.report.broken("disagree", detail.into());
    }
    let cores = honest(world, villains);
    let Some(first) = cores.first() else { return 0 };
    let records: Vec<(u64, Arc<Record>)> = {
        let index = first.read_index();
        let all = index.all().iter();
        all.map(|known| (known.time_ms, known.record.clone()))
            .collect()
    };
    for core in &cores {
        let (one, other) = (first.ledger.state(), core.ledger.state());
        if docket_state(one.as_ref()) != docket_state(other.as_ref()) {
            let detail = format!("{} and {} have different states", first.me, core.me);
            world.report.broken("disagree", detail);
        }
        for (index, digest) in lock(&office.acknowledged).iter() {
            let found = core.record(digest).map(|known| known.index);
            if !matches!(found, Ok(at) if at == *index) {
                let detail = format!("{} has no record {index} {}", core.me, digest.short());
                world.report.broken("lost", detail);
            }
        }
    }
    lawful(world, &records);
    signed(office, &records);
    accused(world, &records, &cores, villains);
    canaries(world, &records);
    records.len() as u64
}

/// Walks the log by rules written down a second time, apart from the docket's.
fn lawful(world: &World, records: &[(u64, Arc<Record>)]) {
    #[derive(Default)]
    struct Seen {
        issued: Option<(u64, u64, u32)>,
        subjects: u32,
        revoked: bool,
        runs: u32,
    }
    let mut warrants: BTreeMap<_, Seen> = BTreeMap::new();
    let mut asked: BTreeMap<Digest, BTreeSet<InstitutionId>> = BTreeMap::new();
    let mut approved: BTreeMap<Digest, BTreeSet<InstitutionId>> = BTreeMap::new();
    let mut begun: BTreeSet<Digest> = BTreeSet::new();
    let mut completed: BTreeSet<Digest> = BTreeSet::new();
    let mut questions = BTreeMap::new();
    let mut rules = standing::Rules::default();
    let broken = |what: &str, record: &Record| {
        let detail = format!("{} {}: {what}", record.kind(), record.digest.short());
        world.report.broken("lawless", detail);
    };
    for (time_ms, record) in records {
        let header = &record.header;
        if let Statement::RulesChanged(change) = &header.statement {
            rules.take(&header.institution, &change.rules);
            if header.officer.is_none() {
                broken("rules that no officer has signed", record);
            }
        }
        let Some(warrant) = header.warrant else {
            continue;
        };
        let seen = warrants.entry(warrant).or_default();
        let in_force = seen
            .issued
            .is_some_and(|(from, to, _)| (from..to).contains(&header.time_ms) && *time_ms < to)
            && !seen.revoked;
        match &header.statement {
            Statement::WarrantIssued { terms, .. } => {
                seen.issued = Some((terms.not_before_ms, terms.expires_ms, terms.runs));
                seen.subjects = terms.subjects;
            }
            Statement::WarrantRevoked {} => seen.revoked = true,
            Statement::QuestionAsked(question) => {
                let names = question.custodians.iter().map(|c| c.institution.clone());
                asked.insert(record.digest, names.collect());
                questions.insert(record.digest, (question, seen.subjects));
                if !in_force {
                    broken("asked without a warrant in force", record);
                }
            }
            Statement::Approved { question, .. } => {
                approved
                    .entry(*question)
                    .or_default()
                    .insert(header.institution.clone());
                let asked = questions.get(question).copied();
                if let Some(what) = standing::unlawful(record, &rules, asked) {
                    broken(what, record);
                }
            }
            Statement::InputsCommitted { question, .. } => {
                if asked.get(question) != approved.get(question) {
                    broken("inputs before all approvals", record);
                }
                if begun.insert(*question) {
                    seen.runs += 1;
                    if seen.issued.is_none_or(|(_, _, runs)| seen.runs > runs) {
                        broken("more runs than the warrant allows", record);
                    }
                }
            }
            Statement::RunCompleted { question, .. } => {
                if !begun.contains(question) || asked.get(question) != approved.get(question) {
                    broken("completed without approvals or inputs", record);
                }
                completed.insert(*question);
            }
            Statement::AnswerDisclosed { question, .. }
                if !completed.contains(question) || !in_force =>
            {
                broken("opened without a completed run under a warrant", record);
            }
            _ => {}
        }
    }
}

/// Every act of an officer is one that this officer has put a signature to.
fn signed(office: &Office, records: &[(u64, Arc<Record>)]) {
    let signed = lock(&office.signed);
    for (_, record) in records {
        let Some(officer) = &record.header.officer else {
            continue;
        };
        let message = record.header.to_be_signed(&record.signer);
        let digest = message.map(|message| Digest::plain(&message));
        if !digest.is_ok_and(|digest| signed.contains(&digest)) {
            let detail = format!("{} {} of {officer}", record.kind(), record.digest.short());
            office.world.report.broken("unsigned", detail);
        }
    }
}

/// Only villains are blamed; what is held against them convinces others.
pub(crate) fn accused(
    world: &World,
    records: &[(u64, Arc<Record>)],
    cores: &[Arc<Core>],
    villains: &[usize],
) {
    let is_villain = |name: &InstitutionId| {
        let mut names = villains.iter().map(|n| &world.members[*n].id);
        names.any(|villain| villain == name)
    };
    for (_, record) in records {
        let blamed = match &record.header.statement {
            Statement::RunAborted { blamed, .. } => blamed.as_ref(),
            Statement::EquivocationWitnessed { member, .. } => Some(member),
            _ => None,
        };
        let honest = !is_villain(&record.header.institution);
        if let Some(blamed) = blamed.filter(|name| honest && !is_villain(name)) {
            let detail = format!("{} blames {blamed}", record.header.institution);
            world.report.broken("accused", detail);
        }
    }
    for core in cores {
        let members: Vec<_> = core.ledger.status().members;
        let Ok(members) = ledger::Members::new(members) else {
            continue;
        };
        for found in core.ledger.evidence() {
            let read = ledger::Evidence::verify(&found.bytes, &world.network, &members);
            let holds = read.is_ok_and(|read| read.member == found.member);
            if !holds || !is_villain(&found.member) {
                let detail = format!("{} holds evidence against {}", core.me, found.member);
                world.report.broken("accused", detail);
            }
        }
    }
}

/// Looks for rows that nobody may see: on the ledger, on the wires, and in every
/// house but the custodians', opened and as it lies on the disk.
fn canaries(world: &World, records: &[(u64, Arc<Record>)]) {
    let seen = |place: String| world.report.broken("canary", place);
    let canary = CANARY.as_bytes();
    for (_, record) in records {
        if contains(&record.bytes, canary) {
            seen(format!("record {}", record.digest));
        }
        for part in &record.header.parts {
            for n in 0..world.members.len() {
                let store = &world.members[n].store();
                let shelf = node::store::Shelf::Bodies;
                let opened: node::Result<Option<docket::Opened>> =
                    store.get(shelf, &part.commitment.0);
                let holds = |opened: &docket::Opened| contains(&opened.body, canary);
                if opened.ok().flatten().as_ref().is_some_and(holds) {
                    seen(format!("body {} at {n}", part.label));
                }
            }
        }
    }
    if world.wires.canaries() > 0 {
        seen("a wire".into());
    }
    let custodians = world.custodians();
    for n in (0..world.members.len()).filter(|n| !custodians.contains(n)) {
        for file in files(&world.house(n)) {
            if std::fs::read(&file).is_ok_and(|bytes| contains(&bytes, canary)) {
                seen(file.display().to_string());
            }
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// A bundle convinces whoever has the network's id alone, and says what the plain
/// tables say; a part of it where a custodian has left rows out.
pub(crate) fn bundle(office: &Office, bytes: &[u8], left_out: bool) {
    let world = &office.world;
    let anchor = TrustAnchor {
        network: Some(world.network),
    };
    let case = match evidence::verify(bytes, &anchor) {
        Ok(case) => case,
        Err(refused) => {
            world.report.broken("wrong-answer", refused.to_string());
            return;
        }
    };
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for table in &case.answer.tables {
        let place = |name: &str| table.columns.iter().position(|column| column == name);
        let value = place("phone").filter(|_| table.table == "subscribers");
        let value = value.or(place("account")).or(place("phone"));
        let (Some(value), Some(holder)) = (value, place("holder")) else {
            world
                .report
                .broken("wrong-answer", format!("{:?}", table.columns));
            return;
        };
        for row in &table.rows {
            if let (Cell::Text(value), Cell::Text(holder)) = (&row.cells[value], &row.cells[holder])
            {
                found.insert((value.clone(), holder.clone()));
            }
        }
    }
    let expected = world.people.expected(&lock(&office.published));
    let holds = match left_out {
        true => found.is_subset(&expected),
        false => found == expected,
    };
    if left_out {
        let became = match found == expected {
            true => "nothing of the answer is missing",
            false => "rows are missing, under its signature",
        };
        let what = "answers with half of its rows";
        world.report.attempt("custodian", what, became);
    }
    if !holds {
        let detail = format!("found {found:?}, the tables say {expected:?}");
        world.report.broken("wrong-answer", detail);
    }
}
