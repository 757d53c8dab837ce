//! Nodes that die again and again, killed at any moment or in the middle of a write:
//! they come back, and what was acknowledged is on every node.
//!
//! A write is torn by a limit on the size of files, a few bytes above what a file of
//! the node has: the kernel takes the bytes up to the limit and kills the process.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use cordon::failure::{Failure, Family};
use docket::Role;
use node::{api::types::Act, config::files};
use primitives::SigningKey;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use rustix::process::{Pid, Resource, Rlimit};

use crate::world::{LIMIT, PROGRAM, World, copy, id};

/// Four validators: one may be down.
const MEMBERS: [(&str, &[Role]); 4] = [
    ("police", &[Role::Requester]),
    ("procuratorate", &[Role::Authority, Role::Overseer]),
    ("telecom_a", &[Role::Custodian]),
    ("bank_a", &[Role::Custodian]),
];
/// Deaths in an ordinary run of the tests; `CORDON_CYCLES` asks for more, and
/// `CORDON_CYCLES_SEED` for others.
const CYCLES: u64 = 8;
/// Records that are stated while a death is waited for.
const RECORDS_MAX: usize = 24;
/// Larger files were made at their full size.
const SIZE_MAX: u64 = 64 * 1024;
/// What a node's log may grow by before the limit is in its way.
const LOG_ROOM: u64 = 7_000;
/// Bytes that a file may still grow by, at most.
const ROOM: u64 = 6_000;

#[test]
fn nodes_that_die_in_the_middle_of_writes_lose_nothing_acknowledged() {
    let number =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |value| value.parse().unwrap());
    let mut rng = StdRng::seed_from_u64(number("CORDON_CYCLES_SEED", 1));
    let world = World::of(&MEMBERS);
    let mut deaths = Deaths::default();
    for cycle in 0..number("CORDON_CYCLES", CYCLES) {
        let victim = MEMBERS.choose(&mut rng).unwrap().0;
        let how = if rng.random_bool(0.7) {
            torn(&world, victim, &mut rng)
        } else {
            let after = Duration::from_millis(rng.random_range(0..400));
            Death::Kill(Instant::now() + after)
        };
        deaths.cycle(&world, victim, how, cycle);
        // A long log would leave no room below the limit.
        std::fs::write(world.config(victim).file("node.log"), "").unwrap();
        begin(&world, victim);
    }
    eprintln!("{deaths}");
    everybody_has(&world, &deaths.acknowledged);
}

/// Every node has what was acknowledged, and all of them the same log.
fn everybody_has(world: &World, acknowledged: &[(String, String)]) {
    let names = MEMBERS.map(|(name, _)| name);
    world.same_root(&names);
    for name in names {
        let members = world
            .network
            .operator(&id(name))
            .unwrap()
            .members()
            .unwrap();
        let officers: BTreeMap<&str, Vec<&str>> = members
            .iter()
            .map(|member| {
                let officers = member.officers.iter();
                let handles = officers.map(|officer| officer.officer.as_str());
                (member.institution.as_str(), handles.collect())
            })
            .collect();
        for (institution, handle) in acknowledged {
            assert!(
                officers[institution.as_str()].contains(&handle.as_str()),
                "{name} lost {handle} of {institution}"
            );
        }
    }
}

/// A disk that takes no more: writes fail, the process lives.
#[test]
fn a_full_disk_stops_a_node_with_a_clear_error_and_room_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    // Without the signal a write beyond the limit fails, as on a full disk; a log of a
    // few lines stays below the limit, one with stacks might not.
    let program = folder.path().join("cordon-on-a-small-disk");
    let script = format!(
        "#!/bin/sh\ntrap '' XFSZ\nRUST_BACKTRACE=0\nexport RUST_BACKTRACE\nexec {PROGRAM} \"$@\"\n"
    );
    executable(&program, &script);
    let world = World::in_folder(folder, &MEMBERS, program);
    let mut rng = StdRng::seed_from_u64(1);
    let mut acknowledged = Vec::new();
    let mut full = 0;
    for (round, victim) in ["bank_a", "police"].into_iter().enumerate() {
        torn(&world, victim, &mut rng);
        for n in 0..RECORDS_MAX {
            for at in [victim, "procuratorate"] {
                let handle = format!("officer-{round}-{n}");
                match enrol(&world, at, &handle) {
                    Ok(()) => acknowledged.push((at.to_owned(), handle)),
                    Err(error) => {
                        assert_eq!(at, victim, "{error}");
                        assert_eq!(error.family, Family::Trouble, "{error}");
                    }
                }
            }
        }
        if process(&world, victim).is_none() {
            let log = world.log(victim);
            assert!(log.contains("cordon: storage failed: "), "{log}");
            full += 1;
        }
        world.network.kill(&id(victim));
        begin(&world, victim);
    }
    assert!(full > 0, "no disk was full");
    started_on_a_full_disk(&world, "bank_a");
    everybody_has(&world, &acknowledged);
}

/// A node that finds its disk full when it starts says so, and starts when there is room.
fn started_on_a_full_disk(world: &World, institution: &str) {
    world.network.stop(&id(institution));
    let (program, said) = (world.folder().join("full"), world.folder().join("said"));
    // Four or eight kibibytes a file, as the shell counts: room for its last words.
    let script = format!(
        "#!/bin/sh\ntrap '' XFSZ\nulimit -f 8\nexec {PROGRAM} \"$@\" >{} 2>&1\n",
        said.display()
    );
    executable(&program, &script);
    world
        .network
        .start_with(&id(institution), &program)
        .unwrap();
    let said = world.until("the last words of a node that has no room", || {
        let words = std::fs::read_to_string(&said).unwrap_or_default();
        Ok(words.contains("look at the disk").then_some(words))
    });
    world.until("its end", || {
        Ok(process(world, institution).is_none().then_some(()))
    });
    assert!(said.contains("cordon: storage failed: "), "{said}");
    assert!(said.contains("takes no more: "), "{said}");
    world.network.kill(&id(institution));
    begin(world, institution);
}

fn executable(program: &Path, script: &str) {
    std::fs::write(program, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(program, mode).unwrap();
}

/// A data folder as it was before, and one without its ledger: the others give back what
/// is missing, and the node goes on as a validator.
#[test]
fn a_restored_backup_and_a_lost_ledger_are_made_whole_by_the_others() {
    let world = World::of(&MEMBERS);
    let home = world.config("bank_a").home;
    let backup = world.folder().join("backup");
    let mut acknowledged = Vec::new();
    let mut state = |what: &str, at: &[&str]| {
        for at in at {
            let handle = format!("officer-{what}");
            enrol(&world, at, &handle).unwrap();
            acknowledged.push(((*at).to_owned(), handle));
        }
    };
    state("before", &["bank_a", "police"]);
    world.network.stop(&id("bank_a"));
    copy(&home, &backup);
    begin(&world, "bank_a");
    state("after", &["bank_a", "police"]);
    world.network.stop(&id("bank_a"));
    std::fs::remove_dir_all(&home).unwrap();
    copy(&backup, &home);
    state("meanwhile", &["police"]);
    begin(&world, "bank_a");
    state("restored", &["bank_a", "telecom_a"]);
    world.network.stop(&id("bank_a"));
    std::fs::remove_dir_all(home.join(files::LEDGER)).unwrap();
    begin(&world, "bank_a");
    // With another one down its vote is needed again.
    world.network.stop(&id("police"));
    state("rebuilt", &["bank_a", "telecom_a"]);
    begin(&world, "police");
    everybody_has(&world, &acknowledged);
}

fn begin(world: &World, institution: &str) {
    let begun = world.network.start(&id(institution)).and_then(|()| {
        world
            .network
            .wait_healthy(&id(institution), LIMIT, &world.stop)
    });
    begun.unwrap_or_else(|e| panic!("{e}\n{}", world.log(institution)));
}

/// Enrols an officer with a duty that the institution may give.
pub(crate) fn enrol(world: &World, institution: &str, handle: &str) -> Result<(), Failure> {
    let duty = match institution {
        "police" => "investigator",
        "procuratorate" => "judge",
        _ => "approver",
    };
    let enrol = Act::EnrolOfficer {
        officer: handle.into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec![duty.into()],
    };
    world.network.operator(&id(institution))?.enrol(&enrol)?;
    Ok(())
}

/// How a node is to die.
enum Death {
    /// At a moment.
    Kill(Instant),
    /// By itself, when one of its files outgrows a limit.
    Torn,
}

/// What has happened so far.
#[derive(Default)]
struct Deaths {
    torn: usize,
    killed: usize,
    acknowledged: Vec<(String, String)>,
}

impl std::fmt::Display for Deaths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} died in a write, {} were killed, {} records were acknowledged",
            self.torn,
            self.killed,
            self.acknowledged.len()
        )
    }
}

impl Deaths {
    /// States records at the victim's node and another's until the victim is dead.
    fn cycle(&mut self, world: &World, victim: &str, how: Death, cycle: u64) {
        let other = MEMBERS.iter().find(|(name, _)| *name != victim).unwrap().0;
        for n in 0..RECORDS_MAX {
            if process(world, victim).is_none() {
                self.torn += 1;
                return;
            }
            if let Death::Kill(at) = &how
                && Instant::now() >= *at
            {
                break;
            }
            let at = if n % 2 == 0 { victim } else { other };
            let handle = format!("officer-{cycle}-{n}");
            // What fails now may become final all the same; what succeeded must stay.
            if enrol(world, at, &handle).is_ok() {
                self.acknowledged.push((at.into(), handle));
            }
        }
        self.killed += 1;
        world.network.kill(&id(victim));
    }
}

/// The process of a member's node, if it lives.
fn process(world: &World, institution: &str) -> Option<Pid> {
    let pid = Pid::from_raw(i32::try_from(world.network.children().pid(&id(institution))?).ok()?)?;
    // One that has ended and was not waited for has no command line.
    let command = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_pid()));
    command.is_ok_and(|words| !words.is_empty()).then_some(pid)
}

/// Limits the files of a member's node to a little more than one of them has.
fn torn(world: &World, victim: &str, rng: &mut StdRng) -> Death {
    let mut sizes = Vec::new();
    let config = world.config(victim);
    sizes_below(&config.file(files::LEDGER), &mut sizes);
    let log = std::fs::metadata(config.file("node.log")).unwrap();
    let reached = log.len() + LOG_ROOM..SIZE_MAX;
    sizes.retain(|size| reached.contains(size));
    sizes.sort_unstable();
    let Some(size) = sizes.choose(rng) else {
        return Death::Kill(Instant::now());
    };
    let limit = Rlimit {
        current: Some(size + rng.random_range(1..ROOM)),
        maximum: None,
    };
    let pid = process(world, victim).unwrap();
    rustix::process::prlimit(Some(pid), Resource::Fsize, limit).unwrap();
    Death::Torn
}

fn sizes_below(folder: &Path, sizes: &mut Vec<u64>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        // Files come and go under a node that runs.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if about.is_dir() {
            sizes_below(&entry.path(), sizes);
        } else {
            sizes.push(about.len());
        }
    }
}
