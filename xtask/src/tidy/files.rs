//! Lengths of files and functions, the first words of a module, and words that must not be there.

use std::path::Path;

use super::Source;

/// Lines of a file before its tests ("about 500").
const MAX_FILE_LINES: usize = 550;
/// Lines of a function ("about 70").
const MAX_FUNCTION_LINES: usize = 85;

/// What no file may hold, and why. Written in two parts, so that this file does not hold them.
const FORBIDDEN: [(&str, &str); 5] = [
    (concat!("todo", "!("), "unfinished"),
    (concat!("unimplemented", "!("), "unfinished"),
    (concat!("#[ign", "ore"), "a test that never runs"),
    (concat!("../sha", "red/"), "a path outside the project"),
    (concat!("/wo", "rk/"), "a path outside the project"),
];

pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        complaints.extend(words(source));
        if source.is_rust() {
            complaints.extend(lengths(source));
            complaints.extend(first_words(source));
        }
        if source.path.ends_with("/mod.rs") && !is_tests(&source.path) {
            complaints.push(format!(
                "{}: name it after its folder, beside it",
                source.path
            ));
        }
    }
    complaints
}

fn words(source: &Source) -> impl Iterator<Item = String> + '_ {
    source
        .text
        .lines()
        .enumerate()
        .flat_map(move |(number, line)| {
            FORBIDDEN
                .iter()
                .filter(move |(word, _)| line.contains(word))
                .map(move |(word, why)| format!("{}:{}: `{word}`: {why}", source.path, number + 1))
        })
}

/// Whether a file is made of tests only.
fn is_tests(path: &str) -> bool {
    let path = Path::new(path);
    let folder = |name: &str| path.components().any(|part| part.as_os_str() == name);
    folder("tests") || path.file_name().is_some_and(|name| name == "tests.rs")
}

fn lengths(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    let before_tests = lines
        .iter()
        .position(|line| line.trim() == "#[cfg(test)]")
        .unwrap_or(lines.len());
    if is_tests(&source.path) {
        return complaints;
    }
    if before_tests > MAX_FILE_LINES {
        complaints.push(format!(
            "{}: {before_tests} lines before its tests, at most {MAX_FILE_LINES}",
            source.path
        ));
    }
    for (start, line) in lines[..before_tests].iter().enumerate() {
        if !begins_function(line) {
            continue;
        }
        // In the standard format a function ends at the first brace in its own column.
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = lines[start..]
            .iter()
            .position(|l| l.strip_prefix(indent) == Some("}"));
        let length = end.map_or(0, |end| end + 1);
        // Of one line, or without a body: it is not the next function's brace that ends it.
        let one_line = line.trim_end().ends_with(['}', ';']);
        if !one_line && length > MAX_FUNCTION_LINES {
            complaints.push(format!(
                "{}:{}: a function of {length} lines, at most {MAX_FUNCTION_LINES}",
                source.path,
                start + 1
            ));
        }
    }
    complaints
}

fn begins_function(line: &str) -> bool {
    let mut rest = line.trim_start();
    for word in [
        "pub(crate) ",
        "pub(super) ",
        "pub ",
        "const ",
        "async ",
        "unsafe ",
    ] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.starts_with("fn ")
}

/// A module says what it is before anything else.
fn first_words(source: &Source) -> Option<String> {
    let first = source
        .text
        .lines()
        .find(|line| !line.starts_with("#!") && !line.is_empty())?;
    let said = first
        .strip_prefix("//!")
        .is_some_and(|words| words.trim().len() > 3);
    let unit_tests = source.path.ends_with("/tests.rs") || source.path.contains("/src/tests/");
    (!said && !unit_tests && !source.path.contains("/tests/"))
        .then(|| format!("{}: does not begin with what it is (`//!`)", source.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    #[track_caller]
    fn complains(path: &str, text: &str, expected: &str) {
        let found = check(&[source(path, text)]);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn each_rule_complains() {
        let good = "//! A room.\n\nfn short() {\n}\n";
        assert_eq!(
            check(&[source("crates/a/src/lib.rs", good)]),
            Vec::<String>::new()
        );
        complains("crates/a/src/lib.rs", "fn short() {\n}\n", "does not begin");
        complains(
            "crates/a/src/lib.rs",
            "//!\nfn short() {\n}\n",
            "does not begin",
        );
        complains("crates/a/src/b/mod.rs", good, "name it after");
        for (word, _) in FORBIDDEN {
            complains("docs/a.md", &format!("see {word}x"), word);
        }
        let long = format!("//! Long.\n{}", "const A: u8 = 0;\n".repeat(MAX_FILE_LINES));
        complains("crates/a/src/lib.rs", &long, "lines before its tests");
        complains(
            "crates/a/src/lib.rs",
            &format!("{long}#[cfg(test)]\nmod tests {{}}\n"),
            "before its tests",
        );
        let inside = format!("//! Long.\n#[cfg(test)]\nmod tests {{}}\n{long}");
        assert_eq!(
            check(&[source("crates/a/src/lib.rs", &inside)]),
            Vec::<String>::new()
        );
        assert_eq!(
            check(&[source("crates/a/tests/all.rs", &long)]),
            Vec::<String>::new()
        );
        let body = "        a();\n".repeat(MAX_FUNCTION_LINES);
        let function = format!(
            "//! A room.\nimpl A {{\n    pub(crate) async fn long() {{\n{body}    }}\n}}\n"
        );
        complains("crates/a/src/lib.rs", &function, "a function of");
        let one_line = format!("//! A room.\nfn a() {{}}\nmod b {{\n{body}}}\n");
        assert_eq!(
            check(&[source("crates/a/src/lib.rs", &one_line)]),
            Vec::<String>::new()
        );
    }
}
