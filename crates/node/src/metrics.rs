//! What the node counts, for Prometheus and for the engineer's page.
//!
//! *Invariants*: labels come from small, fixed sets (kinds of records, rules,
//! routes as they are declared), so that no caller can make the memory grow; no
//! label names a case, a person or a question.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{
    api::types::FinalityView,
    core::{Core, lock, now_ms},
};

/// Rules told apart; what comes beyond that is counted as `other`.
const RULES_MAX: usize = 200;
/// Times of finality remembered.
const FINALITY_MAX: usize = 1_000;
/// Bounds of the buckets of finality, in milliseconds.
const FINALITY_BOUNDS_MS: [u64; 10] = [50, 100, 200, 300, 500, 800, 1_200, 2_000, 5_000, 20_000];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RuleLabel {
    rule: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: String,
}

/// The node's counters.
pub struct Metrics {
    started_ms: u64,
    submitted: Family<Kind, Counter>,
    refused: Family<RuleLabel, Counter>,
    rules: Mutex<std::collections::BTreeSet<String>>,
    runs: Family<Outcome, Counter>,
    requests: Family<Request, Histogram, fn() -> Histogram>,
    finality: Histogram,
    finality_ms: Mutex<VecDeque<u64>>,
    finals: AtomicU64,
    /// The runtime's own metrics, once the node serves.
    runtime: std::sync::OnceLock<Box<dyn Fn() -> String + Send + Sync>>,
}

fn request_histogram() -> Histogram {
    Histogram::new([0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started_ms: now_ms(),
            submitted: Family::default(),
            refused: Family::default(),
            rules: Mutex::default(),
            runs: Family::default(),
            requests: Family::new_with_constructor(request_histogram),
            finality: Histogram::new(FINALITY_BOUNDS_MS.map(|ms| ms as f64 / 1_000.0)),
            finality_ms: Mutex::default(),
            finals: AtomicU64::new(0),
            runtime: std::sync::OnceLock::new(),
        }
    }
}

impl Metrics {
    /// When the node started.
    #[must_use]
    pub fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// Says where the runtime's own metrics come from.
    pub fn runtime(&self, encode: impl Fn() -> String + Send + Sync + 'static) {
        let _ = self.runtime.set(Box::new(encode));
    }

    /// A record of this node's became final.
    pub(crate) fn became_final(&self, kind: &str, took: Duration) {
        self.submitted
            .get_or_create(&Kind { kind: kind.into() })
            .inc();
        self.finality.observe(took.as_secs_f64());
        self.finals.fetch_add(1, Ordering::Relaxed);
        let mut times = lock(&self.finality_ms);
        if times.len() >= FINALITY_MAX {
            times.pop_front();
        }
        times.push_back(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }

    /// A record of this node's was refused.
    pub(crate) fn was_refused(&self, rule: &str) {
        let rule = {
            let mut rules = lock(&self.rules);
            if rules.contains(rule) || rules.len() < RULES_MAX {
                rules.insert(rule.into());
                rule
            } else {
                "other"
            }
        };
        self.refused
            .get_or_create(&RuleLabel { rule: rule.into() })
            .inc();
    }

    /// A run that this node takes part in ended: `completed`, `aborted` or `declined`.
    pub(crate) fn run_ended(&self, outcome: &str) {
        self.runs
            .get_or_create(&Outcome {
                outcome: outcome.into(),
            })
            .inc();
    }

    /// A request was answered; `route` as it is declared.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let method = match method {
            "GET" | "POST" | "PUT" | "DELETE" => method,
            _ => "other",
        };
        self.requests
            .get_or_create(&Request {
                method: method.into(),
                route: route.into(),
                status: format!("{}xx", status / 100),
            })
            .observe(took.as_secs_f64());
    }

    /// How long records took to become final.
    #[must_use]
    pub fn finality(&self, last_ms: Option<u64>) -> FinalityView {
        let times = lock(&self.finality_ms);
        let mut sorted: Vec<u64> = times.iter().copied().collect();
        drop(times);
        sorted.sort_unstable();
        let at = |part: usize| {
            sorted
                .get((sorted.len() * part / 100).min(sorted.len().saturating_sub(1)))
                .copied()
        };
        let mut from = 0;
        let buckets = FINALITY_BOUNDS_MS
            .iter()
            .map(|bound| {
                let to = sorted.partition_point(|ms| ms <= bound);
                let count = (to - from) as u64;
                from = to;
                [*bound, count]
            })
            .collect();
        FinalityView {
            last_ms,
            count: self.finals.load(Ordering::Relaxed),
            p50_ms: at(50),
            p95_ms: at(95),
            buckets,
        }
    }

    /// All of it in the OpenMetrics text form.
    #[must_use]
    pub fn text(&self, core: &Core) -> String {
        let mut registry = Registry::with_prefix("cordon");
        registry.register(
            "records_submitted",
            "Records of this node that became final",
            self.submitted.clone(),
        );
        registry.register(
            "records_refused",
            "Records of this node that were refused, by rule",
            self.refused.clone(),
        );
        registry.register(
            "runs_ended",
            "Runs with this node that ended, by outcome",
            self.runs.clone(),
        );
        registry.register(
            "api_seconds",
            "Time to answer a request, by route",
            self.requests.clone(),
        );
        registry.register(
            "finality_seconds",
            "Time for a record of this node to become final",
            self.finality.clone(),
        );
        gauges(&mut registry, core);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &registry);
        // One document has one end, and a metric's name once.
        if let Some(runtime) = self.runtime.get() {
            let theirs = runtime();
            let ours = text.trim_end().trim_end_matches("# EOF").to_owned();
            text = format!("{ours}{theirs}");
            if !text.trim_end().ends_with("# EOF") {
                text.push_str("# EOF\n");
            }
        }
        text
    }
}

fn gauges(registry: &mut Registry, core: &Core) {
    let status = core.ledger.status();
    let channels = core.net.get().map(|net| net.status()).unwrap_or_default();
    let connected = channels
        .peers
        .iter()
        .filter(|peer| peer.inbound_connections + peer.outbound_connections > 0)
        .count();
    let height = core
        .ledger
        .peers()
        .iter()
        .filter_map(|peer| peer.height)
        .max();
    let lag = height.unwrap_or(0).saturating_sub(status.height);
    let values = [
        ("ledger_height", "Blocks agreed", status.height),
        ("ledger_records", "Records on the ledger", status.size),
        (
            "ledger_signed_records",
            "Records under a quorum's checkpoint",
            status.signed,
        ),
        (
            "ledger_waiting",
            "Records that wait here for agreement",
            status.waiting as u64,
        ),
        ("ledger_lag", "Heights that the furthest peer is ahead", lag),
        ("ledger_epoch", "The membership's epoch", status.epoch),
        ("members", "Members in office", status.members.len() as u64),
        (
            "members_heard",
            "Members heard of late",
            status.heard as u64,
        ),
        (
            "members_needed",
            "Members that agreement needs",
            status.needed as u64,
        ),
        (
            "channels_connected",
            "Members with an open channel of the exchange",
            connected as u64,
        ),
        (
            "channels_half_open",
            "Inbound handshakes under way",
            channels.half_open as u64,
        ),
        (
            "channels_turned_away",
            "Inbound connections dropped",
            channels.turned_away,
        ),
        (
            "started_seconds",
            "When the node started, since 1970",
            core.metrics.started_ms / 1_000,
        ),
    ];
    for (name, help, value) in values {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finality_has_its_quantiles_and_every_time_in_one_bucket() {
        let metrics = Metrics::default();
        let empty = metrics.finality(None);
        assert_eq!((empty.count, empty.p50_ms), (0, None));
        for ms in 1..=100u64 {
            metrics.became_final("consulted", Duration::from_millis(ms * 10));
        }
        let view = metrics.finality(Some(5));
        assert_eq!((view.count, view.last_ms), (100, Some(5)));
        assert_eq!((view.p50_ms, view.p95_ms), (Some(510), Some(960)));
        assert_eq!(view.buckets.iter().map(|[_, n]| n).sum::<u64>(), 100);
        assert_eq!(view.buckets[0], [50, 5]);
    }

    #[test]
    fn rules_are_bounded() {
        let metrics = Metrics::default();
        for number in 0..=RULES_MAX {
            metrics.was_refused(&format!("rule-{number}"));
        }
        metrics.was_refused("rule-1");
        let other = RuleLabel {
            rule: "other".into(),
        };
        assert_eq!(metrics.refused.get_or_create(&other).get(), 1);
        assert_eq!(lock(&metrics.rules).len(), RULES_MAX);
    }
}
