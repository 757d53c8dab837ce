//! The case that is played: what the police know, read from a city's truth.
//!
//! A city of `cordon city` says what was reported (`case` in truth.json). A city
//! without it is read as an investigator would: the victims of the first planted
//! box report, the box's phones are what called them, and the banks have
//! reported the first groups of accounts as suspicious.
//!
//! *Not here*: any use of the truth beyond what victims and banks would report;
//! what was planted is compared with the answers only at the end.

use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
};

use city::{Config, Truth, truth::Case};
use docket::{Role, charter::CharterLimits};
use node::{api::types::RuleView, config::Log};
use parquet::{
    basic::{LogicalType, TimeUnit},
    file::{reader::FileReader, serialized_reader::SerializedFileReader, statistics::Statistics},
};
use primitives::InstitutionId;

use super::{
    network::{MemberSpec, NetworkSpec},
    stage::Stage,
};
use crate::{
    failure::{Failure, Result},
    units,
};

/// Most victims whose subjects stand on the warrant.
const VICTIMS_MAX: usize = 12;
/// Victims and groups of reported accounts, in a city without a case: its
/// chains are slow (days between two transfers), so each account costs more.
const BOX_VICTIMS: usize = 5;
const GROUPS: usize = 1;
/// The rule for following money in a city without a case.
const WITHIN_MS: u64 = 5 * 24 * 3_600_000;
const MIN_AMOUNT_FEN: i64 = 200_000;
const HOPS: u8 = 3;
/// Most rows of an answer.
pub(crate) const ANSWER_CAP: u32 = 50_000;

/// What the police know, and how the network is laid out.
pub(crate) struct Scene {
    /// The city's folder.
    pub(crate) city: PathBuf,
    /// The custodians, by their folders.
    pub(crate) custodians: Vec<InstitutionId>,
    /// Subjects of the warrant.
    pub(crate) subjects: Vec<String>,
    /// The time that the data may come from.
    pub(crate) window_ms: [u64; 2],
    /// Hops of a chain of calls.
    pub(crate) call_hops: u8,
    /// The rule for following money.
    pub(crate) money: Money,
    /// What was planted, where the city says so.
    pub(crate) planted: Option<Case>,
}

/// A rule for following money.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Money {
    /// Least amount of a transfer.
    pub(crate) min_amount_minor: i64,
    /// Longest time between an incoming and an outgoing transfer.
    pub(crate) within_ms: u64,
    /// Hops.
    pub(crate) hops: u8,
}

/// Makes a city below the demonstration's folder.
pub(crate) fn make_city(seed: u64, people: u32, folder: &Path, stage: &Stage) -> Result<PathBuf> {
    let dir = folder.join(format!("city-{seed}-{people}"));
    if !dir.join(city::truth::FILE).is_file() {
        city::generate(&Config::new(seed, people, &dir), &mut |_| ())?;
    }
    let counts = Truth::read(&dir)?.counts;
    stage.say(
        &format!(
            "seed {seed}: {} people, {} calls, {} transfers; all invented",
            counts.people, counts.calls, counts.transfers
        ),
        &format!(
            "种子 {seed}：{} 人，{} 次通话，{} 笔转账；均为虚构",
            counts.people, counts.calls, counts.transfers
        ),
    );
    Ok(dir)
}

impl Scene {
    /// Reads a city's folder.
    ///
    /// # Errors
    /// Trouble with its files; a refusal where it is no city.
    pub(crate) fn read(city: &Path) -> Result<Self> {
        let city = std::fs::canonicalize(city).map_err(|error| Failure::file(city, error))?;
        let truth = Truth::read(&city)?;
        let custodians = custodians(&city)?;
        match truth.case {
            Some(case) => Self::of_case(city, custodians, case),
            None => Self::of_boxes(city, custodians, &truth),
        }
    }

    fn of_case(city: PathBuf, custodians: Vec<InstitutionId>, case: Case) -> Result<Self> {
        let moment = |text: &str| units::moment_ms(text).map_err(|why| broken(&why));
        let victims = case.victims.iter().take(VICTIMS_MAX);
        let subjects: BTreeSet<String> = victims
            .flat_map(|v| {
                [
                    format!("account:{}", v.account),
                    format!("phone:{}", v.phone),
                ]
            })
            .chain(
                case.callers
                    .iter()
                    .take(VICTIMS_MAX)
                    .map(|phone| format!("phone:{phone}")),
            )
            .collect();
        Ok(Self {
            window_ms: [moment(&case.from)?, moment(&case.to)?],
            money: Money {
                min_amount_minor: units::fen(&case.rule.min_amount_cny).map_err(|w| broken(&w))?,
                within_ms: u64::from(case.rule.within_hours) * 3_600_000,
                hops: u8::try_from(case.rule.hops).unwrap_or(HOPS),
            },
            call_hops: 2,
            subjects: subjects.into_iter().collect(),
            planted: Some(case),
            city,
            custodians,
        })
    }

    fn of_boxes(city: PathBuf, custodians: Vec<InstitutionId>, truth: &Truth) -> Result<Self> {
        let story = truth
            .sim_boxes
            .first()
            .ok_or_else(|| broken("no planted box to begin with"))?;
        let victims = story.victims.iter().take(BOX_VICTIMS);
        // Groups are numbered in text; the first by number.
        let mut groups: Vec<(&String, &Vec<String>)> = truth.launderers.iter().collect();
        groups.sort_by_key(|(number, _)| (number.len(), number.as_str()));
        let reported = groups
            .into_iter()
            .take(GROUPS)
            .flat_map(|(_, accounts)| accounts);
        let subjects: BTreeSet<String> = victims
            .chain(reported)
            .map(|account| format!("account:{account}"))
            .chain(
                story
                    .sims
                    .iter()
                    .take(VICTIMS_MAX)
                    .map(|phone| format!("phone:{phone}")),
            )
            .collect();
        Ok(Self {
            window_ms: span_of_events(&city, &custodians)?,
            money: Money {
                min_amount_minor: MIN_AMOUNT_FEN,
                within_ms: WITHIN_MS,
                hops: HOPS,
            },
            call_hops: 2,
            subjects: subjects.into_iter().collect(),
            planted: None,
            city,
            custodians,
        })
    }

    /// Says what the police know.
    pub(crate) fn tell(&self, stage: &Stage) {
        let count = |kind: &str| self.subjects.iter().filter(|s| s.starts_with(kind)).count();
        let (phones, accounts) = (count("phone:"), count("account:"));
        stage.say(
            &format!(
                "a telephone fraud: {phones} phones and {accounts} accounts are known to the police"
            ),
            &format!("一起电信诈骗：警方已掌握 {phones} 个电话号码和 {accounts} 个账户"),
        );
    }

    /// The network of this city: police and procuratorate beside the custodians.
    ///
    /// # Errors
    /// A refusal where an institution's name is none.
    pub(crate) fn network(&self, dir: &Path) -> Result<NetworkSpec> {
        let name = |text: &str| InstitutionId::new(text).map_err(|e| broken(&e.to_string()));
        let mut members = vec![
            MemberSpec::new(
                name("police")?,
                "Police bureau / 公安局",
                &[Role::Requester],
            ),
            MemberSpec::new(
                name("procuratorate")?,
                "Procuratorate / 检察院",
                &[Role::Authority, Role::Overseer],
            ),
        ];
        for custodian in &self.custodians {
            let name = read_name(custodian);
            members.push(MemberSpec::new(
                custodian.clone(),
                &name,
                &[Role::Custodian],
            ));
        }
        let program =
            std::env::current_exe().map_err(|error| Failure::trouble("program", error))?;
        Ok(NetworkSpec {
            dir: dir.to_path_buf(),
            program,
            name: "City network / 城市协查网络".into(),
            members,
            limits: CharterLimits::default(),
            log: Log::default(),
        })
    }

    /// Tables of a custodian that are there: name and file.
    pub(crate) fn tables(&self, custodian: &InstitutionId) -> Vec<(&'static str, PathBuf)> {
        const NAMES: [&str; 6] = [
            "subscribers",
            "calls",
            "accounts",
            "transfers",
            "premises",
            "readings",
        ];
        let folder = self.city.join(custodian.as_str());
        let file = |name: &str| {
            let files = ["parquet", "csv"].map(|form| folder.join(format!("{name}.{form}")));
            files.into_iter().find(|path| path.is_file())
        };
        NAMES
            .into_iter()
            .filter_map(|name| Some((name, file(name)?)))
            .collect()
    }

    /// Whether a table is left out of the demonstration: no question of the case
    /// reads meter readings, and they are most of a city's rows.
    pub(crate) fn leaves_out(name: &str) -> bool {
        name == "readings"
    }
}

fn broken(why: &str) -> Failure {
    Failure::refusal("city", why)
}

/// Telecoms, power and water approve small questions by rule; banks by hand.
pub(crate) fn approves_by_rule(custodian: &InstitutionId) -> bool {
    !custodian.as_str().starts_with("bank")
}

/// The rules by which they do.
pub(crate) fn rules(scene: &Scene) -> Vec<RuleView> {
    let subjects = u32::try_from(scene.subjects.len()).unwrap_or(u32::MAX);
    ["identify", "call-contacts"]
        .into_iter()
        .map(|template| RuleView {
            name: format!("small-{template}"),
            template: template.into(),
            answer_cap: ANSWER_CAP,
            hops: 2,
            subjects: subjects.max(100),
            computing: Vec::new(),
        })
        .collect()
}

fn read_name(custodian: &InstitutionId) -> String {
    let (kind, rest) = custodian
        .as_str()
        .split_once('_')
        .unwrap_or((custodian.as_str(), ""));
    let (en, zh) = match kind {
        "telecom" => ("Telecom operator", "电信运营商"),
        "bank" => ("Bank", "银行"),
        "power" => ("Power company", "供电公司"),
        "water" => ("Water company", "供水公司"),
        _ => ("Custodian", "数据保管机构"),
    };
    let letter = rest.to_uppercase();
    format!("{en} {letter} / {zh}{letter}").replace("  ", " ")
}

/// Folders with tables, other than the police's own register.
fn custodians(city: &Path) -> Result<Vec<InstitutionId>> {
    let mut found = BTreeSet::new();
    let folders = std::fs::read_dir(city).map_err(|error| Failure::file(city, error))?;
    for folder in folders {
        let folder = folder.map_err(|error| Failure::file(city, error))?;
        let name = folder.file_name().to_string_lossy().into_owned();
        let known = ["telecom", "bank", "power", "water"]
            .iter()
            .any(|kind| name.starts_with(kind));
        if known && folder.path().is_dir() {
            found.insert(InstitutionId::new(name).map_err(|error| broken(&error.to_string()))?);
        }
    }
    if found.is_empty() {
        return Err(broken("the folder holds no institution's tables"));
    }
    Ok(found.into_iter().collect())
}

/// From the first to the last call or transfer that any custodian holds.
fn span_of_events(city: &Path, custodians: &[InstitutionId]) -> Result<[u64; 2]> {
    let mut span: Option<[i64; 2]> = None;
    for custodian in custodians {
        for table in ["calls", "transfers"] {
            let file = city
                .join(custodian.as_str())
                .join(format!("{table}.parquet"));
            let Some([first, last]) = span_of_file(&file)? else {
                continue;
            };
            let [a, b] = span.unwrap_or([first, last]);
            span = Some([a.min(first), b.max(last)]);
        }
    }
    let [first, last] = span.ok_or_else(|| broken("no call or transfer says when it was"))?;
    // Whole days: a warrant names days, not the instants of the data.
    let day = primitives::semantic::DAY_MS;
    let from = first.div_euclid(day) * day;
    let to = (last.div_euclid(day) + 1) * day;
    let unsigned = |ms: i64| u64::try_from(ms).map_err(|_| broken("events before 1970"));
    Ok([unsigned(from)?, unsigned(to)?])
}

/// First and last time of a Parquet file's column `at` by its statistics.
fn span_of_file(file: &Path) -> Result<Option<[i64; 2]>> {
    if !file.is_file() {
        return Ok(None);
    }
    let unreadable = |error: parquet::errors::ParquetError| {
        Failure::refusal("city", format!("{}: {error}", file.display()))
    };
    let open = File::open(file).map_err(|error| Failure::file(file, error))?;
    let reader = SerializedFileReader::new(open).map_err(unreadable)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let place = schema
        .columns()
        .iter()
        .position(|column| column.name() == "at");
    let Some(place) = place else { return Ok(None) };
    let per_ms = match schema.column(place).logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => match timestamp.unit {
            TimeUnit::MILLIS => 1,
            TimeUnit::MICROS => 1_000,
            TimeUnit::NANOS => 1_000_000,
        },
        _ => 1_000,
    };
    let mut span: Option<[i64; 2]> = None;
    for group in reader.metadata().row_groups() {
        let Some(Statistics::Int64(statistics)) = group.column(place).statistics() else {
            continue;
        };
        let (Some(&first), Some(&last)) = (statistics.min_opt(), statistics.max_opt()) else {
            continue;
        };
        let [a, b] = span.unwrap_or([first, last]);
        span = Some([a.min(first), b.max(last)]);
    }
    Ok(span.map(|[first, last]| [first.div_euclid(per_ms), last.div_euclid(per_ms)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_city_is_a_scene_of_ten_institutions() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("city");
        city::generate(&Config::new(3, 300, &dir), &mut |_| ()).unwrap();
        let scene = Scene::read(&dir).unwrap();
        let spec = scene.network(folder.path()).unwrap();
        assert_eq!(spec.members.len(), 10);
        assert!(scene.subjects.iter().any(|s| s.starts_with("phone:")));
        assert!(scene.subjects.iter().any(|s| s.starts_with("account:")));
        assert!(scene.window_ms[0] < scene.window_ms[1]);
        let bank = InstitutionId::new("bank_a").unwrap();
        let tables: Vec<_> = scene
            .tables(&bank)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(tables, ["accounts", "transfers"]);
        assert!(!approves_by_rule(&bank));
    }

    #[test]
    fn a_city_without_a_case_is_read_from_its_boxes_and_its_data() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("city");
        let mut truth = city::generate(&Config::new(3, 300, &dir), &mut |_| ()).unwrap();
        let case = truth.case.take().unwrap();
        let text = serde_json::to_vec(&truth).unwrap();
        std::fs::write(dir.join(city::truth::FILE), text).unwrap();
        let scene = Scene::read(&dir).unwrap();
        assert!(scene.planted.is_none());
        assert!(scene.window_ms[0] <= units::moment_ms(&case.from).unwrap());
        assert!(scene.window_ms[1] >= units::moment_ms(&case.to).unwrap());
        assert!(!scene.subjects.is_empty());
    }
}
