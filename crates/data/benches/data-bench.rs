//! What a snapshot and a lookup's rows cost: `cargo bench -p data -- [--rows N] [--json]`.
//!
//! Prints rows a second of each stage, the time of a bare read of the same CSV in the
//! same run as the limit to compare with, and the process's peak memory.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use data::{Cancel, Progress, RowFilter, Snapshot, Source, Stage, TakeOptions, city};

struct Figure {
    name: String,
    seconds: f64,
    rows: u64,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let json = arguments.iter().any(|a| a == "--json");
    let rows = arguments
        .iter()
        .position(|a| a == "--rows")
        .and_then(|i| arguments.get(i + 1)?.parse().ok())
        .unwrap_or(1_000_000_u64);
    let folder = std::env::temp_dir().join(format!("data-bench-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder for the bench");
    let figures = run(&folder, rows).await;
    std::fs::remove_dir_all(&folder).expect("the bench's folder goes away");
    print(&figures, json);
}

async fn run(folder: &Path, rows: u64) -> Vec<Figure> {
    let path = folder.join("transfers.csv");
    generate(&path, rows);
    let mut figures = Vec::new();
    let start = Instant::now();
    let lines = BufReader::new(std::fs::File::open(&path).expect("the table"))
        .lines()
        .count();
    figures.push(figure("data::bare_read", rows, start));
    assert_eq!(lines as u64, rows + 1);

    let spec = city::transfers("bank_a", Source::file(path));
    let target = folder.join("snapshot");
    let mut start = Instant::now();
    let mut stage = Stage::Reading;
    let mut progress = |p: Progress| {
        if p.stage != stage {
            figures.push(figure(&name_of(&stage), rows, start));
            (stage, start) = (p.stage, Instant::now());
        }
    };
    let options = TakeOptions::new([7; 32], 0);
    let cancel = Cancel::default();
    let taken = Snapshot::take(&spec, &target, &options, &mut progress, &cancel).await;
    let taken = taken.expect("the snapshot");
    figures.push(figure(&name_of(&stage), rows, start));

    let start = Instant::now();
    let inputs: Vec<u64> = taken
        .inputs("from_account")
        .expect("the key")
        .map(|i| i.expect("an input").0)
        .collect();
    figures.push(figure("data::inputs", inputs.len() as u64, start));
    for subjects in [1, 100] {
        // A hundred buckets of a 1024th of the hashes each, as a lookup asks for them.
        let step = inputs.len() / subjects;
        let bucket = |hash: &u64| (hash >> 54 << 54)..=(hash | (u64::MAX >> 10));
        let buckets: Vec<_> = inputs
            .iter()
            .step_by(step)
            .take(subjects)
            .map(bucket)
            .collect();
        let columns = ["to_account", "amount_fen", "at"].map(str::to_owned);
        let start = Instant::now();
        let found = taken
            .rows("from_account", &buckets, &RowFilter::default(), &columns)
            .await;
        let found = found.expect("rows").collect().await.expect("rows").len() as u64;
        figures.push(figure(
            &format!("data::rows/buckets={subjects}"),
            found,
            start,
        ));
    }
    figures
}

fn name_of(stage: &Stage) -> String {
    match stage {
        Stage::Sorting { key } => format!("data::take/stage=sort_{key}"),
        _ => "data::take/stage=read".to_owned(),
    }
}

fn figure(name: &str, rows: u64, start: Instant) -> Figure {
    Figure {
        name: name.to_owned(),
        seconds: start.elapsed().as_secs_f64(),
        rows,
    }
}

fn generate(path: &Path, rows: u64) {
    let mut file = BufWriter::new(std::fs::File::create(path).expect("the table"));
    writeln!(
        file,
        "from_account,from_bank,to_account,to_bank,amount_cny,at,kind"
    )
    .expect("a line");
    let accounts = rows / 6 + 1;
    for i in 0..rows {
        let (from, to) = (i * 7919 % accounts, i * 104_729 % accounts);
        let at = 1_541_894_400 + i % 2_592_000;
        writeln!(
            file,
            "62280100000{from:08},bank_a,62280200000{to:08},bank_b,{i}.25,{at},transfer"
        )
        .expect("a line");
    }
    file.flush().expect("the table");
}

fn print(figures: &[Figure], json: bool) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .unwrap_or("unknown")
        .trim();
    let bare = figures.first().map_or(1.0, |f| f.seconds);
    let mut out = std::io::stdout().lock();
    for Figure {
        name,
        seconds,
        rows,
    } in figures
    {
        let ratio = seconds / bare;
        let line = if json {
            format!(
                r#"{{"bench":"{name}","seconds":{seconds:.3},"rows":{rows},"ratio_to_bare_read":{ratio:.1}}}"#
            )
        } else {
            format!("{name:40} {seconds:8.3} s  {rows:>9} rows  {ratio:6.1} x bare read")
        };
        writeln!(out, "{line}").expect("standard output");
    }
    let line = if json {
        format!(r#"{{"peak_memory":"{peak}"}}"#)
    } else {
        format!("peak memory {peak}")
    };
    writeln!(out, "{line}").expect("standard output");
}
