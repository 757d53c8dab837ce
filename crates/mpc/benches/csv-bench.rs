//! A joint set from file to file: `csv-bench [csv] [--log2-items N | --items N]
//! [--security malicious|semi-honest] [--fast-code] [--dir FOLDER] [--json]`.
//!
//! Why it exists: what a user waits for is not the protocol alone but reading,
//! hashing, cutting into parts, comparing, and writing the rows that both have. Two
//! processes do it over a socket of the loopback, each with a file of its own.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;
#[path = "common/sets.rs"]
mod sets;

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use mpc::{
    psi::{
        Protocol, Security, Setup, Spill, parts,
        rr22::whole::{Receiver, Sender},
    },
    vole::Code,
};
use primitives::{Digest, InstitutionId};
use rand::{SeedableRng, rngs::StdRng};

use measure::{Report, as_f64, cpu_s, peak_rss};
use sets::{floor, ids, scope};

/// Bytes that are read or written at once.
const BUFFER: usize = 1 << 18;

struct Options {
    items: usize,
    security: Security,
    code: Code,
    dir: PathBuf,
    json: bool,
    /// The child's role and the parent's port.
    child: Option<(String, u16)>,
}

fn main() {
    let Some(options) = options() else { return };
    match &options.child {
        Some((role, port)) => child(&options, role, *port),
        None => parent(&options),
    }
}

fn options() -> Option<Options> {
    let mut args = std::env::args().skip(1);
    let mut options = Options {
        items: 1 << 20,
        security: Security::Malicious,
        code: Code::Conservative,
        dir: std::env::temp_dir(),
        json: false,
        child: None,
    };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--log2-items" => options.items = 1 << args.next()?.parse::<u32>().unwrap(),
            "--items" => options.items = args.next()?.parse().unwrap(),
            "--security" => match args.next().as_deref() {
                Some("semi-honest") => options.security = Security::SemiHonest,
                Some("malicious") => options.security = Security::Malicious,
                other => panic!("no such security: {other:?}"),
            },
            "--fast-code" => options.code = Code::Fast,
            "--dir" => options.dir = args.next()?.into(),
            "--json" => options.json = true,
            "--child" => options.child = Some((args.next()?, args.next()?.parse().unwrap())),
            // A room's benches are all given the same words; others are not ours.
            "csv" | "--bench" => {}
            word if word.starts_with('-') => panic!("no such option: {word}"),
            _ => return None,
        }
    }
    Some(options)
}

fn setup(options: &Options) -> Setup {
    let digest = Digest::of("csv bench", &[]);
    let (parts, size) = parts(options.items);
    let size = u32::try_from(size).unwrap();
    Setup {
        scope: scope(),
        step: 0,
        parts: u16::try_from(parts).unwrap(),
        receiver: InstitutionId::new("police").unwrap(),
        sender: InstitutionId::new("telecom_a").unwrap(),
        receiver_snapshot: digest,
        sender_snapshot: digest,
        receiver_items: size,
        sender_items: size,
        protocol: Protocol::Rr22(options.security),
    }
}

/// Writes a table of ids, hexadecimal, and a number.
fn table(path: &Path, first: usize, count: usize) {
    let mut file = csv::Writer::from_writer(BufWriter::new(File::create(path).unwrap()));
    file.write_record(["id", "row"]).unwrap();
    for (row, id) in (first..).zip(ids(first, count)) {
        let row = row.to_string();
        file.write_record([hex::encode(id), row]).unwrap();
    }
    file.flush().unwrap();
}

fn parent(options: &Options) {
    let folder = tempfile::tempdir_in(&options.dir).unwrap();
    let items = options.items;
    table(&folder.path().join("receiver.csv"), 0, items);
    table(&folder.path().join("sender.csv"), items / 2, items);
    let some = ids(0, items.min(1 << 20));
    let floor = floor(some.iter()) * 2.0 * as_f64(items) / as_f64(some.len());
    drop(some);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let wall = Instant::now();
    let children = ["sender", "receiver"].map(|role| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(std::env::args().skip(1))
            .args(["--dir".as_ref(), folder.path()])
            .args(["--child", role, &port.to_string()])
            .stdout(Stdio::piped());
        command.spawn().unwrap()
    });
    let figures = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "a party failed");
        let line = String::from_utf8(output.stdout).unwrap();
        let figures: Vec<f64> = line
            .split_whitespace()
            .map(|figure| figure.parse().unwrap())
            .collect();
        <[f64; 4]>::try_from(figures).unwrap()
    });
    let wall = wall.elapsed().as_secs_f64();
    let common = items - items / 2;
    check(&folder.path().join("common.csv"), items / 2, common);
    let sum = |place: usize| figures[0][place] + figures[1][place];
    let peak = figures[0][1].max(figures[1][1]);
    let input = std::fs::metadata(folder.path().join("receiver.csv")).unwrap();
    Report::new("mpc::csv")
        .note("items", items)
        .note("parts", setup(options).parts)
        .note("protocol", format!("\"{:?}\"", setup(options).protocol))
        .note("code", format!("\"{:?}\"", options.code))
        .figure("cpu_s", sum(0))
        .figure("wall_s", wall)
        .figure("bytes_per_item", sum(2) / as_f64(items))
        .note("peak_rss_bytes", sum(1))
        .note("party_peak_rss_bytes", peak)
        .note("input_bytes", input.len())
        .note("spilled_bytes", sum(3))
        .figure("floor_cpu_s", floor)
        .figure("floor_ratio", sum(0) / floor)
        .print(options.json);
}

/// The rows that both have are written, all of them, as they stood.
fn check(path: &Path, first: usize, count: usize) {
    let mut rows = csv::Reader::from_path(path).unwrap();
    let mut record = csv::ByteRecord::new();
    let mut expected = first;
    while rows.read_byte_record(&mut record).unwrap() {
        let row: usize = std::str::from_utf8(&record[1]).unwrap().parse().unwrap();
        assert_eq!(row, expected);
        expected += 1;
    }
    assert_eq!(expected, first + count);
}

/// Frames over a socket: four bytes of length, then as many.
struct Link {
    from: BufReader<TcpStream>,
    to: BufWriter<TcpStream>,
    sent: usize,
}

impl Link {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            from: BufReader::with_capacity(BUFFER, stream.try_clone().unwrap()),
            to: BufWriter::with_capacity(BUFFER, stream),
            sent: 0,
        }
    }

    fn send(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap();
        self.to.write_all(&length.to_be_bytes()).unwrap();
        self.to.write_all(frame).unwrap();
        self.sent += 4 + frame.len();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length).unwrap();
        let length = u32::from_be_bytes(length) as usize;
        assert!(length <= mpc::limits::FRAME_BYTES_MAX);
        let mut frame = vec![0; length];
        self.from.read_exact(&mut frame).unwrap();
        frame
    }
}

fn child(options: &Options, role: &str, port: u16) {
    let setup = setup(options);
    let path = options.dir.join(format!("{role}.csv"));
    let mut spill = Spill::new(&setup, &options.dir).unwrap();
    rows(&path, |record| spill.add(&record[0]).unwrap());
    let spilled = std::cell::Cell::new(0);
    let size = setup.receiver_items as usize;
    let sets = |part| {
        spilled.set(spill.spilled());
        spill.part(part, size)
    };
    let mut rng = StdRng::from_rng(&mut rand::rng());
    let (least, code) = (options.security, options.code);
    let sent = if role == "sender" {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let mut link = Link::new(listener.accept().unwrap().0);
        let mut role = Sender::new(setup, least, code, sets, &mut rng).unwrap();
        loop {
            while let Some(frame) = role.pull().unwrap() {
                link.send(&frame);
            }
            link.to.flush().unwrap();
            if role.done() {
                break;
            }
            role.on_frame(&link.receive()).unwrap();
        }
        role.finish().unwrap();
        link.sent
    } else {
        let mut link = Link::new(connect(port));
        let mut role = Receiver::new(setup, least, code, sets, &mut rng).unwrap();
        loop {
            while let Some(frame) = role.pull().unwrap() {
                link.send(&frame);
            }
            link.to.flush().unwrap();
            if role.on_frame(&link.receive()).unwrap() == mpc::psi::Progress::Complete {
                break;
            }
        }
        let (places, _) = role.finish().unwrap();
        write(&path, &options.dir.join("common.csv"), &places);
        link.sent
    };
    println!("{} {} {sent} {}", cpu_s(), peak_rss(), spilled.get());
}

fn connect(port: u16) -> TcpStream {
    loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            return stream;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn rows(path: &Path, mut row: impl FnMut(&csv::ByteRecord)) {
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(BUFFER)
        .from_path(path)
        .unwrap();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap() {
        row(&record);
    }
}

/// Writes the rows at the given places, in the table's order.
fn write(table: &Path, out: &Path, places: &[u32]) {
    let mut out = csv::WriterBuilder::new()
        .buffer_capacity(BUFFER)
        .from_path(out)
        .unwrap();
    out.write_record(["id", "row"]).unwrap();
    let mut places = places.iter().peekable();
    let mut place = 0;
    rows(table, |record| {
        if places.next_if(|next| **next == place).is_some() {
            out.write_byte_record(record).unwrap();
        }
        place += 1;
    });
    out.flush().unwrap();
}
