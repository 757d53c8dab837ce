//! What the node tells its officers while it happens: a bounded memory of events,
//! each with a number, that streams are fed from.
//!
//! ```text
//! journey, requester, custodian, jobs ──publish──▶ Hub (last 4096 events)
//!                                                   │ after(number)
//!                                                   ▼
//!                                      one stream an open page
//! ```
//!
//! *Invariants*
//! - An event of a docket is published only where the docket concerns this
//!   institution; an event holds ids, phases and counts, and no text of a case.
//! - A reader that fell behind the memory is told so (`reset`), never shown a gap
//!   as if there was none.
//! - Publishing never waits for a reader.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use docket::Duty;
use primitives::InstitutionId;
use serde::Serialize;
use signal::watch;

use crate::core::lock;

/// Events remembered.
pub const EVENTS_MAX: usize = 4_096;
/// Streams that one officer may have open.
pub const STREAMS_MAX: u32 = 8;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// Its name.
    pub name: &'static str,
    /// Its data, JSON.
    pub data: String,
    /// The duties of those who may see it; empty: every officer.
    pub duties: &'static [Duty],
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Events, in order.
    Events(Vec<Arc<Event>>),
    /// Some that the reader has not seen are forgotten; the newest number.
    Gap(u64),
}

#[derive(Default)]
struct Memory {
    last: u64,
    events: VecDeque<Arc<Event>>,
}

/// The events of a node since it started.
pub struct Hub {
    boot: String,
    memory: Mutex<Memory>,
    wake: watch::Sender<u64>,
    closed: watch::Sender<bool>,
    streams: Mutex<BTreeMap<String, u32>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            boot: hex::encode(primitives::random::<8>()),
            memory: Mutex::default(),
            wake: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            streams: Mutex::default(),
        }
    }
}

/// A stream that counts among its officer's for as long as it lives.
pub struct Held {
    hub: Arc<Hub>,
    officer: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut streams = lock(&self.hub.streams);
        if let Some(open) = streams.get_mut(&self.officer) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.officer);
            }
        }
    }
}

impl Hub {
    /// The name of this run of the node: numbers of another one mean nothing.
    #[must_use]
    pub fn boot(&self) -> &str {
        &self.boot
    }

    /// Tells everybody who may see it.
    pub fn publish<T: Serialize>(&self, name: &'static str, duties: &'static [Duty], data: &T) {
        let Ok(data) = serde_json::to_string(data) else {
            return;
        };
        let number = {
            let mut memory = lock(&self.memory);
            memory.last += 1;
            let number = memory.last;
            memory.events.push_back(Arc::new(Event {
                number,
                name,
                data,
                duties,
            }));
            if memory.events.len() > EVENTS_MAX {
                memory.events.pop_front();
            }
            number
        };
        self.wake.send_replace(number);
    }

    /// The newest event's number.
    #[must_use]
    pub fn last(&self) -> u64 {
        lock(&self.memory).last
    }

    /// The events after a number, as far as they are remembered.
    #[must_use]
    pub fn after(&self, number: u64) -> Next {
        let memory = lock(&self.memory);
        let oldest = memory.events.front().map_or(1, |event| event.number);
        if number > memory.last || number + 1 < oldest {
            return Next::Gap(memory.last);
        }
        let skip = usize::try_from(number + 1 - oldest).unwrap_or(usize::MAX);
        Next::Events(memory.events.iter().skip(skip).cloned().collect())
    }

    /// Where a stream begins that was cut after the event with this id, written
    /// `boot-number`; `None`: of another run of the node, or no id.
    #[must_use]
    pub fn resume(&self, id: &str) -> Option<u64> {
        let (boot, number) = id.split_once('-')?;
        (boot == self.boot).then(|| number.parse().ok())?
    }

    /// Counts up with every event.
    #[must_use]
    pub fn woken(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Ends every stream: the node is draining.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Becomes true when streams should end.
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// Counts a stream of an officer's; `None` where there are too many.
    #[must_use]
    pub fn hold(self: &Arc<Self>, institution: &InstitutionId, officer: &str) -> Option<Held> {
        let officer = format!("{institution}/{officer}");
        let mut streams = lock(&self.streams);
        let open = streams.entry(officer.clone()).or_default();
        if *open >= STREAMS_MAX {
            return None;
        }
        *open += 1;
        Some(Held {
            hub: self.clone(),
            officer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(next: Next) -> Vec<u64> {
        match next {
            Next::Events(events) => events.iter().map(|event| event.number).collect(),
            Next::Gap(last) => panic!("a gap up to {last}"),
        }
    }

    #[test]
    fn a_reader_goes_on_where_it_was_and_is_told_of_a_gap() {
        let hub = Hub::default();
        assert_eq!(numbers(hub.after(0)), Vec::<u64>::new());
        for number in 0..3u8 {
            hub.publish("warrant", &[], &number);
        }
        assert_eq!(numbers(hub.after(0)), [1, 2, 3]);
        assert_eq!(numbers(hub.after(2)), [3]);
        assert_eq!(numbers(hub.after(3)), Vec::<u64>::new());
        assert_eq!(hub.after(4), Next::Gap(3), "a number that never was");
        for number in 0..EVENTS_MAX {
            hub.publish("warrant", &[], &number);
        }
        let last = EVENTS_MAX as u64 + 3;
        assert_eq!(hub.after(2), Next::Gap(last));
        assert_eq!(numbers(hub.after(3)).len(), EVENTS_MAX);
    }

    #[test]
    fn an_id_of_another_run_of_the_node_is_not_taken_up() {
        let hub = Hub::default();
        hub.publish("ledger", &[], &1);
        let id = format!("{}-1", hub.boot());
        assert_eq!(hub.resume(&id), Some(1));
        assert_eq!(hub.resume("0000000000000000-1"), None);
        assert_eq!(hub.resume(&format!("{}-x", hub.boot())), None);
        assert_eq!(hub.resume(""), None);
    }

    #[test]
    fn an_officer_has_a_bounded_number_of_streams() {
        let hub = Arc::new(Hub::default());
        let police: InstitutionId = "police".parse().unwrap();
        let held: Vec<Held> = (0..STREAMS_MAX)
            .map(|_| hub.hold(&police, "a").unwrap())
            .collect();
        assert!(hub.hold(&police, "a").is_none());
        assert!(hub.hold(&police, "b").is_some());
        drop(held);
        assert!(hub.hold(&police, "a").is_some());
    }
}
