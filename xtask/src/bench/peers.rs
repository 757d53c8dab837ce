//! `cargo xtask bench peers`: SecretFlow SPU and our own benches on the same works, one after the
//! other in one run.
//!
//! Why it exists: a figure says little beside one that was measured on another machine. SPU is
//! installed from PyPI into a virtual environment below `target/`, once.
//!
//! Joint sets of both go from file to file, in two processes over loopback. Not the same in
//! everything: SPU's three parties talk over loopback, ours over channels in memory.

use std::path::Path;
use std::process::Command;

use crate::python::{Environment, said};
use crate::shell;

/// What is installed; it has wheels for these interpreters.
const SPU: Environment = Environment {
    name: "peers",
    packages: &["spu==0.9.5"],
    module: "spu.psi",
    interpreters: &["python3.11", "python3.10", "python3"],
};

const USAGE: &str = "usage: cargo xtask bench peers [psi] [mul] [compare] [sort] \
    [--log2-items N] [--rows N] [--rounds N]";

/// What is measured, and how large.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    works: Vec<String>,
    log2_items: String,
    rows: Option<String>,
    rounds: usize,
}

impl Options {
    fn parse(args: &[&str]) -> Option<Self> {
        let mut options = Self {
            works: Vec::new(),
            log2_items: "20".to_owned(),
            rows: None,
            rounds: 1,
        };
        let number = |text: Option<&&str>| {
            let text = text?;
            text.parse::<u32>().ok().filter(|n| *n > 0)?;
            Some((*text).to_owned())
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--log2-items" => options.log2_items = number(args.next())?,
                "--rows" => options.rows = Some(number(args.next())?),
                "--rounds" => options.rounds = number(args.next())?.parse().ok()?,
                "--json" => {}
                "psi" | "mul" | "compare" | "sort" => options.works.push((*arg).to_owned()),
                _ => return None,
            }
        }
        if options.works.is_empty() {
            options.works = ["psi", "mul", "compare", "sort"]
                .map(str::to_owned)
                .to_vec();
        }
        Some(options)
    }

    /// The works, each as the arguments of both sides.
    fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for work in &self.works {
            if work == "psi" {
                for (security, variant) in [("malicious", "rr22"), ("semi-honest", "rr22-low")] {
                    let ours = [
                        "csv",
                        "--log2-items",
                        &self.log2_items,
                        "--security",
                        security,
                    ];
                    let theirs = ["psi", variant, &self.log2_items];
                    pairs.push(Pair::new("csv-bench", &ours, Some("--fast-code"), &theirs));
                }
            } else {
                let usual = if work == "sort" { "262144" } else { "1048576" };
                let rows = self.rows.as_deref().unwrap_or(usual);
                let ours = [work, "--rows", rows, "--security", "semi-honest"];
                pairs.push(Pair::new(
                    "shares-bench",
                    &ours,
                    None,
                    &["aby3", work, rows],
                ));
            }
        }
        pairs
    }
}

/// One work of both sides.
struct Pair {
    bench: &'static str,
    ours: Vec<String>,
    theirs: Vec<String>,
}

impl Pair {
    fn new(bench: &'static str, ours: &[&str], more: Option<&str>, theirs: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let mut ours: Vec<String> = owned(ours);
        ours.extend(more.map(str::to_owned));
        ours.push("--json".to_owned());
        Self {
            bench,
            ours,
            theirs: owned(theirs),
        }
    }
}

/// Installs the peer where it is not, and prints a line of JSON for each side of each work, and
/// what the one is to the other.
pub(super) fn run(args: &[&str]) -> Result<(), String> {
    let Some(options) = Options::parse(args) else {
        return Err(USAGE.to_owned());
    };
    let folder = SPU.folder();
    let python = SPU.install()?;
    let script = shell::root().join("crates/mpc/benches/peers/secretflow.py");
    for pair in options.pairs() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            theirs.push(peer(&python, &script, &pair.theirs, &folder)?);
            ours.push(own(&pair)?);
        }
        let (theirs, ours) = (median(theirs)?, median(ours)?);
        println!("{theirs}\n{ours}");
        println!("{}", compared(&theirs, &ours));
    }
    Ok(())
}

fn peer(python: &Path, script: &Path, words: &[String], folder: &Path) -> Result<String, String> {
    let mut command = Command::new(python);
    command.arg(script).args(words).current_dir(folder);
    if words.first().is_some_and(|work| work == "psi") {
        command.arg(folder);
    }
    eprintln!("$ python {} {}", script.display(), words.join(" "));
    figures(&said(&mut command)?)
}

fn own(pair: &Pair) -> Result<String, String> {
    let mut command = shell::cargo([
        "bench",
        "--quiet",
        "--package",
        "mpc",
        "--bench",
        pair.bench,
    ]);
    command.arg("--").args(&pair.ours);
    eprintln!("$ {} {}", pair.bench, pair.ours.join(" "));
    figures(&said(&mut command)?)
}

/// The line of figures among what a program printed.
fn figures(text: &str) -> Result<String, String> {
    let line = text.lines().rfind(|line| line.starts_with('{'));
    line.map(str::to_owned)
        .ok_or_else(|| "no figures were printed".to_owned())
}

/// The line with the median of CPU seconds.
fn median(mut lines: Vec<String>) -> Result<String, String> {
    let cpu = |line: &String| field(line, "cpu_s").unwrap_or(f64::MAX);
    lines.sort_by(|a, b| cpu(a).total_cmp(&cpu(b)));
    let middle = lines.len() / 2;
    lines
        .into_iter()
        .nth(middle)
        .ok_or_else(|| "no rounds".to_owned())
}

/// A number of a flat line of JSON.
fn field(line: &str, name: &str) -> Option<f64> {
    let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
    let number = rest.trim_start().split([',', '}']).next()?;
    number.trim().parse().ok()
}

/// How many times the peer's figure is ours.
fn compared(theirs: &str, ours: &str) -> String {
    let names = [
        "cpu_s",
        "wall_s",
        "bytes_per_item",
        "bytes_per_row",
        "peak_rss_bytes",
    ];
    let ratios = names.iter().filter_map(|name| {
        let (theirs, ours) = (field(theirs, name)?, field(ours, name)?);
        // Times below a tick of the clock compare with nothing.
        (ours > 0.0).then(|| format!("\"{name}\": {:.2}", theirs / ours))
    });
    let ratios: Vec<String> = ratios.collect();
    format!("{{\"bench\": \"peer over ours\", {}}}", ratios.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_are_given_to_both_sides_alike() {
        let options =
            Options::parse(&["psi", "sort", "--log2-items", "16", "--rows", "99"]).unwrap();
        let pairs = options.pairs();
        assert_eq!(pairs.len(), 3);
        assert_eq!(pairs[0].theirs, ["psi", "rr22", "16"]);
        assert_eq!(pairs[0].ours[..3], ["csv", "--log2-items", "16"]);
        assert_eq!(pairs[1].theirs[1], "rr22-low");
        assert_eq!(pairs[2].theirs, ["aby3", "sort", "99"]);
        assert_eq!(pairs[2].ours[..3], ["sort", "--rows", "99"]);
        assert_eq!(Options::parse(&[]).unwrap().pairs().len(), 5);
        for bad in [
            &["lookup"][..],
            &["--rows"],
            &["--rows", "0"],
            &["--rounds", "x"],
        ] {
            assert_eq!(Options::parse(bad), None);
        }
    }

    #[test]
    fn figures_are_read_and_compared() {
        let line = |cpu: f64| format!("{{\"bench\": \"a\", \"cpu_s\": {cpu}, \"wall_s\": 2}}");
        let text = format!("noise\n{}\nmore noise", line(4.0));
        assert_eq!(figures(&text).unwrap(), line(4.0));
        assert!(figures("noise").is_err());
        assert_eq!(field(&line(4.0), "wall_s"), Some(2.0));
        assert_eq!(field(&line(4.0), "bytes"), None);
        let lines = [3.0, 9.0, 4.0].map(line).to_vec();
        assert_eq!(median(lines).unwrap(), line(4.0));
        assert_eq!(
            compared(&line(4.0), &line(2.0)),
            "{\"bench\": \"peer over ours\", \"cpu_s\": 2.00, \"wall_s\": 1.00}"
        );
        assert_eq!(
            compared(&line(4.0), &line(0.0)),
            "{\"bench\": \"peer over ours\", \"wall_s\": 1.00}"
        );
    }
}
