//! What the documents promise: paths that exist, one noun an idea.

use super::Source;

/// The reasons for the dependencies.
pub(crate) const DEPENDENCIES: &str = "docs/dependencies.md";
const ARCHITECTURE: &str = "ARCHITECTURE.md";
const GLOSSARY: &str = "docs/glossary.md";
const MAX_ARCHITECTURE_LINES: usize = 500;

pub(crate) fn check(sources: &[Source], exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        match source.path.as_str() {
            ARCHITECTURE => {
                complaints.extend(paths(source, exists));
                let lines = source.text.lines().count();
                if lines > MAX_ARCHITECTURE_LINES {
                    complaints.push(format!(
                        "{ARCHITECTURE}: {lines} lines, at most {MAX_ARCHITECTURE_LINES}"
                    ));
                }
            }
            GLOSSARY => complaints.extend(synonyms(&source.text, sources)),
            _ => {}
        }
    }
    complaints
}

/// Whatever stands in backticks and looks like a path exists.
fn paths<'a>(
    source: &'a Source,
    exists: &'a dyn Fn(&str) -> bool,
) -> impl Iterator<Item = String> + 'a {
    source
        .text
        .lines()
        .enumerate()
        .flat_map(move |(number, line)| {
            let quoted = line.split('`').skip(1).step_by(2);
            let missing =
                quoted.filter(|word| looks_like_path(word) && !exists(word.trim_end_matches('/')));
            missing.map(move |word| format!("{ARCHITECTURE}:{}: {word} does not exist", number + 1))
        })
}

fn looks_like_path(word: &str) -> bool {
    const ROOTS: [&str; 8] = [
        "crates/", "xtask/", "docs/", "sim/", "console/", "fuzz/", "vectors/", ".ci/",
    ];
    let plain = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    plain && ROOTS.iter().any(|root| word.starts_with(root))
}

/// A glossary row `| word | meaning | not |` forbids what its last cell lists, in prose and in
/// the comments of the code.
fn synonyms(glossary: &str, sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for line in glossary.lines() {
        let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [word, _, instead] = cells[..] else {
            continue;
        };
        if word == "word" || word.starts_with("--") {
            continue;
        }
        for synonym in instead.split(',').map(str::trim).filter(|s| !s.is_empty()) {
            for source in sources.iter().filter(|s| s.path != GLOSSARY) {
                complaints.extend(uses(source, synonym).map(|number| {
                    format!(
                        "{}:{number}: say {word}, not {synonym} ({GLOSSARY})",
                        source.path
                    )
                }));
            }
        }
    }
    complaints
}

/// The lines of prose or comment that use a word.
fn uses<'a>(source: &'a Source, synonym: &'a str) -> impl Iterator<Item = usize> + 'a {
    let comment = |line: &str| line.trim_start().starts_with("//");
    source
        .text
        .lines()
        .enumerate()
        .filter(move |(_, line)| source.is_prose() || (source.is_rust() && comment(line)))
        .filter(move |(_, line)| has_word(&line.to_lowercase(), synonym))
        .map(|(number, _)| number + 1)
}

fn has_word(line: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(word).any(|(at, _)| {
        let after = line[at + word.len()..].trim_start_matches('s');
        edge(line[..at].chars().next_back()) && edge(after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    fn complaints(sources: &[Source]) -> Vec<String> {
        check(sources, &|path| path == "crates/a" || path == "docs/b.md")
    }

    #[test]
    fn paths_must_exist() {
        let good = source(
            ARCHITECTURE,
            "`crates/a/` and `docs/b.md`, `crates/{a,b}`, `a/b`",
        );
        assert_eq!(complaints(&[good]), Vec::<String>::new());
        let found = complaints(&[source(ARCHITECTURE, "first\n`crates/gone`")]);
        assert_eq!(found, ["ARCHITECTURE.md:2: crates/gone does not exist"]);
        let found = complaints(&[source(
            ARCHITECTURE,
            &"line\n".repeat(MAX_ARCHITECTURE_LINES + 1),
        )]);
        assert!(
            found.len() == 1 && found[0].contains("at most"),
            "{found:?}"
        );
    }

    #[test]
    fn one_noun_an_idea() {
        let glossary = || {
            source(
                GLOSSARY,
                "| word | meaning | not |\n| --- | --- | --- |\n| custodian | holds data | data owner, keeper |\n",
            )
        };
        let found = complaints(&[
            glossary(),
            source("README.md", "The Data Owners agree.\nHousekeepers do not."),
            source(
                "crates/a/src/lib.rs",
                "let keeper = 1; // fine\n    /// A keeper.\n",
            ),
        ]);
        assert_eq!(
            found,
            [
                "README.md:1: say custodian, not data owner (docs/glossary.md)",
                "crates/a/src/lib.rs:2: say custodian, not keeper (docs/glossary.md)",
            ]
        );
        assert_eq!(complaints(&[glossary()]), Vec::<String>::new());
    }
}
