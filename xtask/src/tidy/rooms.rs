//! Edges between rooms, libraries that a room must not have, and a reason for each dependency.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Source;
use super::documents::DEPENDENCIES;

/// The data file of the allowed edges.
const EDGES: &str = "xtask/edges.toml";
/// The tables of a manifest that name dependencies, and whether they are only for tests.
const KINDS: [(&str, bool); 3] = [
    ("dependencies", false),
    ("build-dependencies", false),
    ("dev-dependencies", true),
];

/// What one manifest says.
struct Room {
    name: String,
    path: String,
    /// Dependency and whether it is only for tests.
    dependencies: BTreeSet<(String, bool)>,
}

pub(crate) fn check(sources: &[Source]) -> Result<Vec<String>, String> {
    let rooms = manifests(sources)?;
    let edges = sources
        .iter()
        .find(|source| source.path == EDGES)
        .ok_or_else(|| format!("{EDGES}: is missing"))?;
    let edges: Table = edges.text.parse().map_err(|e| format!("{EDGES}: {e}"))?;
    let mut complaints = edges_of(&rooms, &edges);
    let reasons = sources.iter().find(|source| source.path == DEPENDENCIES);
    complaints.extend(reasons_of(
        &rooms,
        reasons.map_or("", |source| &source.text),
    ));
    Ok(complaints)
}

fn manifests(sources: &[Source]) -> Result<Vec<Room>, String> {
    let mut rooms = Vec::new();
    for source in sources.iter().filter(|s| s.path.ends_with("/Cargo.toml")) {
        let manifest: Table = source
            .text
            .parse()
            .map_err(|e| format!("{}: {e}", source.path))?;
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(Value::as_str);
        let Some(name) = name else { continue };
        let mut dependencies = BTreeSet::new();
        for (kind, only_tests) in KINDS {
            let table = manifest.get(kind).and_then(Value::as_table);
            for (key, value) in table.into_iter().flatten() {
                let renamed = value.get("package").and_then(Value::as_str);
                dependencies.insert((renamed.unwrap_or(key).to_owned(), only_tests));
            }
        }
        rooms.push(Room {
            name: name.to_owned(),
            path: source.path.clone(),
            dependencies,
        });
    }
    Ok(rooms)
}

/// The words of a list in the data file.
fn list<'a>(edges: &'a Table, table: &str, key: &str) -> Vec<&'a str> {
    let list = edges
        .get(table)
        .and_then(|t| t.get(key))
        .and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn edges_of(rooms: &[Room], edges: &Table) -> Vec<String> {
    let names: BTreeSet<&str> = rooms.iter().map(|room| room.name.as_str()).collect();
    let mut complaints = Vec::new();
    let known = edges.get("edges").and_then(Value::as_table);
    for room in rooms {
        if !known.is_some_and(|table| table.contains_key(&room.name)) {
            complaints.push(format!("{}: {} is not in {EDGES}", room.path, room.name));
        }
        let allowed = list(edges, "edges", &room.name);
        let allowed_in_tests = list(edges, "dev-edges", &room.name);
        for (dependency, only_tests) in &room.dependencies {
            let name = dependency.as_str();
            let down = allowed.contains(&name) || (*only_tests && allowed_in_tests.contains(&name));
            if names.contains(name) && name != room.name && !down {
                complaints.push(format!(
                    "{}: {} must not depend on {name} ({EDGES})",
                    room.path, room.name
                ));
            }
            let never = list(edges, "never", &room.name);
            if !only_tests && never.iter().any(|pattern| matches(pattern, name)) {
                complaints.push(format!(
                    "{}: {} must never have {name} ({EDGES})",
                    room.path, room.name
                ));
            }
            let only = list(edges, "only", name);
            if !only.is_empty() && !only.contains(&room.name.as_str()) {
                complaints.push(format!(
                    "{}: {name} is only for {} ({EDGES})",
                    room.path,
                    only.join(", ")
                ));
            }
        }
    }
    complaints.extend(cycles(edges));
    complaints
}

/// The allowed edges themselves point down: some order of the rooms exists.
fn cycles(edges: &Table) -> Vec<String> {
    let table = edges.get("edges").and_then(Value::as_table);
    let mut left: BTreeMap<&str, Vec<&str>> = table
        .into_iter()
        .flatten()
        .map(|(room, _)| (room.as_str(), list(edges, "edges", room)))
        .collect();
    loop {
        let free: Vec<&str> = left
            .iter()
            .filter(|(_, below)| !below.iter().any(|room| left.contains_key(room)))
            .map(|(room, _)| *room)
            .collect();
        if free.is_empty() {
            break;
        }
        for room in free {
            left.remove(room);
        }
    }
    left.keys()
        .map(|room| format!("{EDGES}: {room} is in a cycle"))
        .collect()
}

/// `commonware-*` or a plain name.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// Each foreign dependency and the rooms that have it.
fn foreign(rooms: &[Room]) -> BTreeMap<&str, BTreeSet<&str>> {
    let names: BTreeSet<&str> = rooms.iter().map(|room| room.name.as_str()).collect();
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for room in rooms {
        for (dependency, _) in &room.dependencies {
            if !names.contains(dependency.as_str()) {
                used.entry(dependency).or_default().insert(&room.name);
            }
        }
    }
    used
}

/// The document's rows: a dependency, its rooms, its reason.
fn rows(document: &str) -> BTreeMap<&str, (&str, &str)> {
    let (lines, mut rows) = (document.lines(), BTreeMap::new());
    for line in lines.filter_map(|l| l.strip_prefix('|')?.strip_suffix('|')) {
        let cells: Vec<&str> = line.splitn(3, '|').map(str::trim).collect();
        if let [name, rooms, reason] = cells[..]
            && name != "crate"
            && !name.starts_with("--")
        {
            rows.insert(name, (rooms, reason));
        }
    }
    rows
}

fn joined(rooms: &BTreeSet<&str>) -> String {
    rooms.iter().copied().collect::<Vec<_>>().join(", ")
}

/// Every foreign dependency has a row with its rooms and a reason, and every row a dependency.
fn reasons_of(rooms: &[Room], document: &str) -> Vec<String> {
    let (used, rows) = (foreign(rooms), rows(document));
    let mut complaints = Vec::new();
    for (name, rooms) in &used {
        let (listed, reason) = rows.get(name).copied().unwrap_or_default();
        if reason.is_empty() {
            complaints.push(format!(
                "{DEPENDENCIES}: {name} ({}) has no reason",
                joined(rooms)
            ));
        } else if listed != joined(rooms) {
            complaints.push(format!(
                "{DEPENDENCIES}: {name} is used by {} (`cargo xtask tidy --fix`)",
                joined(rooms)
            ));
        }
    }
    let stale = rows.keys().filter(|name| !used.contains_key(*name));
    complaints.extend(stale.map(|name| format!("{DEPENDENCIES}: {name} is no longer used")));
    complaints
}

/// The document with its rows brought up to date; reasons are kept, new ones are left to a person.
pub(crate) fn fixed(sources: &[Source]) -> Result<Option<String>, String> {
    let Some(document) = sources.iter().find(|source| source.path == DEPENDENCIES) else {
        return Ok(None);
    };
    let all = manifests(sources)?;
    let rows = rows(&document.text);
    let table: String = foreign(&all)
        .iter()
        .map(|(name, rooms)| {
            let reason = rows.get(name).map_or("", |(_, reason)| reason);
            format!("| {name} | {} | {reason} |\n", joined(rooms))
        })
        .collect();
    let head: String = document
        .text
        .lines()
        .take_while(|line| !line.starts_with("| --"))
        .map(|line| format!("{line}\n"))
        .collect();
    Ok(Some(format!("{head}| --- | --- | --- |\n{table}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    fn complaints(manifest: &str, reasons: &str) -> Vec<String> {
        let edges = "[edges]\ntop = [\"low\"]\nlow = []\n[dev-edges]\nlow = [\"top\"]\n\
                     [never]\nlow = [\"async-*\"]\n[only]\nheavy = [\"low\"]\n";
        let sources = [
            source("xtask/edges.toml", edges),
            source("crates/low/Cargo.toml", manifest),
            source(
                "crates/top/Cargo.toml",
                "[package]\nname = \"top\"\n[dependencies]\nlow = \"1\"\n",
            ),
            source(DEPENDENCIES, reasons),
        ];
        check(&sources).expect("manifests")
    }

    #[track_caller]
    fn complains(manifest: &str, reasons: &str, expected: &str) {
        let found = complaints(manifest, reasons);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn edges_point_down() {
        let low = "[package]\nname = \"low\"\n";
        let row = "| crate | rooms | reason |\n| --- | --- | --- |\n| hex | low | digests |\n";
        assert_eq!(complaints(low, ""), Vec::<String>::new());
        assert_eq!(
            complaints(
                &format!("{low}[dev-dependencies]\ntop = \"1\"\nhex = \"1\""),
                row
            ),
            Vec::<String>::new()
        );
        complains(
            &format!("{low}[dependencies]\ntop = \"1\""),
            "",
            "must not depend on top",
        );
        complains(
            &format!("{low}[dependencies]\nhex = \"1\""),
            "",
            "hex (low) has no reason",
        );
        complains(low, row, "hex is no longer used");
        complains(
            &format!("{low}[dependencies]\nhex = \"1\""),
            &row.replace("low", "top"),
            "hex is used by low",
        );
        let reasons = row.replace("hex", "async-io");
        complains(
            &format!("{low}[dependencies]\nasync-io = \"1\""),
            &reasons,
            "must never have",
        );
        let alias =
            format!("{low}[dependencies]\nnice = {{ package = \"async-io\", version = \"1\" }}");
        complains(&alias, &reasons, "must never have async-io");
    }

    #[test]
    fn fixing_keeps_reasons() {
        let sources = [
            source(
                "crates/low/Cargo.toml",
                "[package]\nname = \"low\"\n[dependencies]\nhex = \"1\"\nnew = \"1\"\n",
            ),
            source(
                DEPENDENCIES,
                "# Reasons\n\n| crate | rooms | reason |\n| --- | --- | --- |\n| gone | top | old |\n| hex | top | a or b |\n",
            ),
        ];
        let expected = "# Reasons\n\n| crate | rooms | reason |\n| --- | --- | --- |\n| hex | low | a or b |\n| new | low |  |\n";
        assert_eq!(
            fixed(&sources).expect("manifests").as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn unknown_rooms_cycles_and_exclusive_libraries() {
        let found = complaints("[package]\nname = \"other\"\n", "");
        assert!(found[0].contains("other is not in"), "{found:?}");
        let edges: Table = "[edges]\na = [\"b\"]\nb = [\"a\"]\nc = []"
            .parse()
            .expect("edges");
        assert_eq!(cycles(&edges).len(), 2);
        let edges: Table = "[edges]\na = []\n[only]\nheavy = [\"b\"]"
            .parse()
            .expect("edges");
        let room = Room {
            name: "a".to_owned(),
            path: "a/Cargo.toml".to_owned(),
            dependencies: BTreeSet::from([("heavy".to_owned(), true)]),
        };
        let found = edges_of(&[room], &edges);
        assert!(
            found.len() == 1 && found[0].contains("heavy is only for b"),
            "{found:?}"
        );
    }
}
