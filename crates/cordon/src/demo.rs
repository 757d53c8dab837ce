//! `cordon demo`: a whole city's network on this machine, and one fraud case
//! through every room of it.
//!
//! Why it exists: the quickest way to see what the software does, for real —
//! separate processes, real sockets, a real ledger, real tables — and the same
//! walk that acceptance scripts run without a person.
//!
//! *Invariants*: nothing here reaches into a node; every step goes through the
//! HTTP API as a user's command would. Whatever ends the demonstration, no
//! process is left behind.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{
    failure::{Failure, Result},
    output::Out,
    stop::Stop,
};

mod case;
mod console;
mod guided;
pub mod network;
mod scene;
mod stage;
mod tables;

use case::Played;
use network::Network;
use scene::Scene;
use stage::Stage;

const EXAMPLES: &str = "\
Example:
  cordon demo
  cordon demo --people 20000 --seed 7 --lang both
  cordon demo --city /data/city --out /tmp/case --headless --json
  cordon demo --guided --no-browser
  cordon demo --console
  cordon demo --keep-running

On a terminal the case is played up to where a person must choose, and the web
console opens with a seat for everybody (--guided). Without a terminal, or with
--headless, the whole case is told here and the demonstration ends.

The city's persons, phones and ids are invented. Answers and bundle are in the
folder that the last lines name. Ctrl-C stops everything.";

/// Options of `cordon demo`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The seed of the city that is made.
    #[arg(long, default_value_t = 1, conflicts_with = "city")]
    pub seed: u64,
    /// Residents of the city that is made.
    #[arg(long, default_value_t = 3_000, conflicts_with = "city")]
    pub people: u32,
    /// Play on this city's folder instead of making one.
    #[arg(long, value_name = "DIR")]
    pub city: Option<PathBuf>,
    /// Where answers and bundle go; else a new folder among the temporary files.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Ask nothing, tell the whole case and end.
    #[arg(long)]
    pub headless: bool,
    /// Play up to where a person must choose, then open the web console: what a
    /// terminal gets by itself.
    #[arg(long, conflicts_with_all = ["headless", "keep_running", "console"])]
    pub guided: bool,
    /// Do not open a browser; the link is shown.
    #[arg(long)]
    pub no_browser: bool,
    /// Leave the network up, to go on by hand; Ctrl-C ends it.
    #[arg(long, conflicts_with = "headless")]
    pub keep_running: bool,
    /// Stop before anybody has decided, with a seat at the web console for
    /// everybody in the case; standard input takes `stop NAME` and `start NAME`.
    #[arg(long, conflicts_with_all = ["headless", "keep_running"])]
    pub console: bool,
    /// Keep the institutions' data folders and officers' keys.
    #[arg(long)]
    pub keep_data: bool,
}

/// How far the case is played without the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// To its end.
    Whole,
    /// Up to the first choice that a person would want to make.
    Guided,
    /// To the draft; everybody's seat is open.
    Seats,
}

impl Options {
    fn mode(&self, out: &Out) -> Mode {
        let person = std::io::stdout().is_terminal() && !out.is_json();
        match self {
            Self { console: true, .. } => Mode::Seats,
            Self { guided: true, .. } => Mode::Guided,
            Self { headless: true, .. }
            | Self {
                keep_running: true, ..
            } => Mode::Whole,
            _ if person => Mode::Guided,
            _ => Mode::Whole,
        }
    }
}

/// Runs the demonstration.
pub(crate) fn run(options: &Options, out: &Out) -> Result<()> {
    let stop = Stop::listen()?;
    let result = play(options, out, &stop);
    match result {
        Err(_) if stop.asked() => Err(Failure::cancelled(
            "stopped by the user; no process is left",
        )),
        other => other,
    }
}

fn play(options: &Options, out: &Out, stop: &Stop) -> Result<()> {
    let mut stage = Stage::new(*out);
    let folder = out_folder(options.out.as_deref())?;
    let city = match &options.city {
        Some(city) => city.clone(),
        None => stage.step(
            "city",
            "make a synthetic city",
            "生成虚拟城市",
            |stage| scene::make_city(options.seed, options.people, &folder, stage),
        )?,
    };
    let scene = stage.step("case", "read the case", "读取案情", |stage| {
        let scene = Scene::read(&city)?;
        scene.tell(stage);
        Ok(scene)
    })?;
    let work = Work::new(&folder, options.keep_data || options.keep_running)?;
    let network = stage.step("found", "found the network", "组建网络", |stage| {
        let network = Network::found(scene.network(&work.dir)?)?;
        let id = network.id();
        let count = network.institutions().count();
        stage.say(
            &format!("{count} institutions, charter and keys made; network {id}"),
            &format!("{count} 家机构，章程与密钥已生成；网络 {id}"),
        );
        Ok(network)
    })?;
    let watch = watch(&network, stop);
    let result = match options.mode(out) {
        Mode::Seats => at_the_console(out, &mut stage, &scene, &network, stop),
        Mode::Guided => guided::play(options, out, &mut stage, &scene, &network, stop),
        Mode::Whole => tell(&mut stage, &scene, &network, &folder, stop)
            .and_then(|played| end(options, out, &stage, &network, &folder, &played, stop)),
    };
    // The order matters: no process may outlive its data folder.
    drop(network);
    watch.end();
    drop(work);
    result
}

/// The network up to the judge's choice, and seats at the console.
fn at_the_console(
    out: &Out,
    stage: &mut Stage,
    scene: &Scene,
    network: &Network,
    stop: &Stop,
) -> Result<()> {
    begin(stage, scene, network, stop)?;
    case::draft_only(stage, scene, network)?;
    let seats = stage.step(
        "seats",
        "make seats at the console",
        "准备控制台席位",
        |stage| console::invite(scene, network, stage),
    )?;
    console::hold(out, stage, scene, network, &seats, stop)
}

/// The case from the first node's start to the checked bundle.
fn tell(
    stage: &mut Stage,
    scene: &Scene,
    network: &Network,
    folder: &Path,
    stop: &Stop,
) -> Result<Played> {
    begin(stage, scene, network, stop)?;
    case::play(stage, scene, network, folder, stop)
}

/// Nodes, officers, tables.
fn begin(stage: &mut Stage, scene: &Scene, network: &Network, stop: &Stop) -> Result<()> {
    const HEALTHY: Duration = Duration::from_secs(120);
    stage.step("nodes", "start the nodes", "启动节点", |stage| {
        network.start_all()?;
        network.wait_all_healthy(HEALTHY, stop)?;
        let count = network.institutions().count();
        stage.say(
            &format!("{count} `cordon node` processes agree on one ledger"),
            &format!("{count} 个 `cordon node` 进程共同维护一本账"),
        );
        Ok(())
    })?;
    stage.step("officers", "enrol the officers", "登记人员", |stage| {
        case::enrol(scene, network, stage)?;
        case::set_rules(scene, network, stage)
    })?;
    stage.step(
        "tables",
        "publish tables and take snapshots",
        "发布数据表并生成快照",
        |stage| tables::publish_all(scene, network, stage, stop),
    )
}

/// The last words: what was found, where it is, how to check it.
fn end(
    options: &Options,
    out: &Out,
    stage: &Stage,
    network: &Network,
    folder: &Path,
    played: &Played,
    stop: &Stop,
) -> Result<()> {
    let program = std::env::args().next().unwrap_or_else(|| "cordon".into());
    let verify = format!(
        "{program} verify --network {} {}",
        network.id(),
        played.bundle.display()
    );
    stage.plain("");
    stage.say(
        &format!("the whole case took {:.1} s", stage.total()),
        &format!("全案用时 {:.1} 秒", stage.total()),
    );
    stage.say(
        &format!("answers: {}", folder.display()),
        &format!("答案目录：{}", folder.display()),
    );
    stage.say(
        "check the bundle, on any machine, offline:",
        "可在任何机器上离线核验证据包：",
    );
    stage.plain(&format!("  {verify}"));
    if options.keep_data || options.keep_running {
        by_hand(stage, network, &program, played)?;
    }
    out.value(&json!({
        "answers": played.answers,
        "bundle": played.bundle,
        "seconds": stage.seconds(),
        "total_seconds": stage.total(),
        "network": network.id(),
        "warrant": played.warrant,
        "questions": played.questions,
        "found": played.found,
        "refusals": played.refusals,
        "verify": verify,
    }))?;
    if options.keep_running {
        stage.say(
            "the network stays up; Ctrl-C stops it",
            "网络保持运行；按 Ctrl-C 停止",
        );
        while !stop.asked() {
            thread::sleep(Duration::from_millis(200));
        }
    }
    Ok(())
}

/// Writes the officers' keys and shows commands to go on with.
fn by_hand(stage: &Stage, network: &Network, program: &str, played: &Played) -> Result<()> {
    let dir = network.passphrase_file().with_file_name("officers");
    let keys = network.write_officer_keys(&dir)?;
    stage.say("to go on by hand:", "可继续手动操作：");
    stage.plain(&format!(
        "  export CORDON_PASSPHRASE_FILE={}",
        network.passphrase_file().display()
    ));
    let seats = [
        (
            "police.investigator-1",
            format!("docket {}", played.warrant),
        ),
        (
            "procuratorate.judge-1",
            format!("warrant show {}", played.warrant),
        ),
        ("bank_a.approver-1", "inbox".to_owned()),
    ];
    for (seat, command) in seats {
        let Some(key) = keys.get(seat) else { continue };
        let Some((institution, _)) = seat.split_once('.') else {
            continue;
        };
        let Ok(institution) = institution.parse() else {
            continue;
        };
        stage.plain(&format!(
            "  {program} {command} --home {} --officer {}",
            network.home(&institution)?.display(),
            key.display()
        ));
    }
    Ok(())
}

/// The folder of answers and bundle, made where it is not there.
fn out_folder(asked: Option<&Path>) -> Result<PathBuf> {
    let folder = match asked {
        Some(folder) => folder.to_path_buf(),
        None => {
            let name = format!("cordon-demo-{}", hex::encode(primitives::random::<4>()));
            std::env::temp_dir().join(name)
        }
    };
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, error))?;
    std::fs::canonicalize(&folder).map_err(|error| Failure::file(&folder, error))
}

/// The folder of the institutions' data folders; removed at the end unless kept.
struct Work {
    dir: PathBuf,
    keep: bool,
}

impl Work {
    fn new(folder: &Path, keep: bool) -> Result<Self> {
        let dir = folder.join(format!(
            "network-{}",
            hex::encode(primitives::random::<4>())
        ));
        std::fs::create_dir_all(&dir).map_err(|error| Failure::file(&dir, error))?;
        Ok(Self { dir, keep })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.keep {
            // What is left of a temporary folder harms nobody.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// A thread that stops the nodes as soon as the user asks, so that no request
/// to one of them holds the demonstration up.
struct Watch {
    ended: std::sync::mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

fn watch(network: &Network, stop: &Stop) -> Watch {
    let children = network.children();
    let stop = stop.clone();
    let (ended, wait) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        while wait.recv_timeout(Duration::from_millis(100))
            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            if stop.asked() {
                children.close();
                return;
            }
        }
    });
    Watch { ended, thread }
}

impl Watch {
    fn end(self) {
        drop(self.ended);
        // The thread only closes children, which does not panic.
        let _ = self.thread.join();
    }
}
