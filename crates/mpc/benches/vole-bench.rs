//! Figures of the silent VOLE: `vole-bench [--len N] [--rounds N] [--code
//! fast|conservative]`.
//!
//! Why it exists: the VOLE is most of what comparing two sets costs before the
//! sets are touched. Both parties run in one thread, so CPU time is that of both;
//! each code gives one line of JSON with the median of the rounds and what each
//! step of it took.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;

use mpc::vole::{Code, Params, Receiver, Sender};
use rand::{SeedableRng, rngs::StdRng};

use measure::{peak_rss, thread_cpu};

/// Correlations that a comparison of 2^20 items needs: 1.35 for each.
const LEN_DEFAULT: usize = (1 << 20) * 135 / 100;
/// CPU seconds of both parties that the design allows at the default length.
const CPU_LIMIT_S: f64 = 0.35;
/// Bytes that the design allows.
const BYTES_LIMIT: usize = 1 << 20;

fn main() {
    let (mut len, mut rounds, mut only) = (LEN_DEFAULT, 5, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--len" => len = args.next().unwrap().parse().unwrap(),
            "--rounds" => rounds = args.next().unwrap().parse().unwrap(),
            "--code" => only = args.next(),
            _ => {}
        }
    }
    for (name, code) in [("fast", Code::Fast), ("conservative", Code::Conservative)] {
        if only.as_deref().is_none_or(|only| only == name) {
            let mut runs: Vec<Run> = (0..rounds)
                .map(|seed| run(Params { len, code }, seed))
                .collect();
            runs.sort_by(|a, b| a.cpu_s().total_cmp(&b.cpu_s()));
            runs[runs.len() / 2].print(name, len);
        }
    }
}

/// One run's figures.
struct Run {
    steps: Vec<(&'static str, f64)>,
    bytes: usize,
}

impl Run {
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = thread_cpu();
        let result = work();
        self.steps.push((name, thread_cpu() - start));
        result
    }

    fn cpu_s(&self) -> f64 {
        self.steps.iter().map(|(_, seconds)| seconds).sum()
    }

    fn print(&self, code: &str, len: usize) {
        let steps: Vec<String> = self
            .steps
            .iter()
            .map(|(name, seconds)| format!("\"{name}\": {seconds:.4}"))
            .collect();
        println!(
            "{{\"bench\": \"mpc::vole/code={code}\", \"len\": {len}, \"cpu_s\": {:.4}, \
             \"cpu_limit_s\": {CPU_LIMIT_S}, \"bytes\": {}, \"bytes_limit\": {BYTES_LIMIT}, \
             \"rounds\": 4, \"peak_rss_bytes\": {}, \"steps_cpu_s\": {{{}}}}}",
            self.cpu_s(),
            self.bytes,
            peak_rss(),
            steps.join(", "),
        );
    }
}

fn run(params: Params, seed: u64) -> Run {
    let mut run = Run {
        steps: Vec::new(),
        bytes: 0,
    };
    let mut rng = StdRng::seed_from_u64(seed);
    let session = [7; 32];
    let sender = Sender::new(session, params).unwrap();
    let (receiver, offer) = run.step("offer", || {
        Receiver::start(session, params, &mut rng).unwrap()
    });
    let (sender, choices) = run.step("choices", || sender.on_offer(&offer, &mut rng).unwrap());
    let (receiver, corrections) = run.step("corrections", || {
        receiver.on_choices(&choices, &mut rng).unwrap()
    });
    let (sender, challenge) = run.step("challenge", || {
        sender.on_corrections(&corrections, &mut rng).unwrap()
    });
    let (receiver, response) = run.step("response", || receiver.on_challenge(&challenge).unwrap());
    let (sender, trees) = run.step("trees", || sender.on_response(&response, &mut rng).unwrap());
    let (receiver, inquiry) = run.step("inquiry", || receiver.on_trees(&trees, &mut rng).unwrap());
    let (sender, proof) = run.step("proof", || sender.on_inquiry(&inquiry).unwrap());
    let receiver = run.step("finish", || receiver.on_proof(&proof).unwrap());
    run.bytes = [
        offer,
        choices,
        corrections,
        challenge,
        response,
        trees,
        inquiry,
        proof,
    ]
    .iter()
    .map(Vec::len)
    .sum();
    // Every correlation, so that no figure is of a wrong answer.
    let mut c = sender.b.clone();
    mpc::field::mul_add_scalar(&mut c, &receiver.a, sender.delta);
    assert!(c == receiver.c && c.len() == params.len);
    run.step("wipe", || drop((sender, receiver)));
    run
}
