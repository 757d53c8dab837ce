//! Three parties in one process, for tests and benches.
//!
//! Why it exists: protocols are run by real parties over real frames, each on a
//! thread of its own, with bounded channels in between; only the wire is not
//! there. Everything follows from the seed.
//!
//! *Not here*: time. A party that stops is seen by its closed channel.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use primitives::Digest;

use super::{Channel, Keys, Neighbour, Party, Security};
use crate::{Error, Trouble};

/// Frames under way between two neighbours, in one direction.
const FRAMES: usize = 4;

/// One party's ends of the channels in memory.
pub struct MemoryChannel {
    to: [SyncSender<Vec<u8>>; 2],
    from: [Receiver<Vec<u8>>; 2],
}

impl Channel for MemoryChannel {
    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> Result<(), Trouble> {
        let sender = &self.to[to as usize];
        sender.send(frame).map_err(|_| Trouble::PeerLost)
    }

    fn receive(&mut self, from: Neighbour, _: usize) -> Result<Vec<u8>, Trouble> {
        let receiver = &self.from[from as usize];
        receiver.recv().map_err(|_| Trouble::PeerLost)
    }
}

/// The channels of three parties, by their index.
#[must_use]
pub fn channels() -> [MemoryChannel; 3] {
    // forward[i]: from i to i + 1; backward[i]: from i to i - 1.
    let [f0, f1, f2] = [0; 3].map(|_| sync_channel(FRAMES));
    let [b0, b1, b2] = [0; 3].map(|_| sync_channel(FRAMES));
    [
        MemoryChannel {
            to: [b0.0, f0.0],
            from: [f2.1, b1.1],
        },
        MemoryChannel {
            to: [b1.0, f1.0],
            from: [f0.1, b2.1],
        },
        MemoryChannel {
            to: [b2.0, f2.0],
            from: [f1.1, b0.1],
        },
    ]
}

/// The keys of three parties, from a seed.
#[must_use]
pub fn keys(seed: u64) -> [Keys; 3] {
    let key = |pair: u8| {
        let digest = Digest::plain(&[&seed.to_le_bytes()[..], &[pair]].concat());
        *digest.as_bytes()
    };
    [0u8, 1, 2].map(|party| Keys {
        previous: key(party),
        next: key((party + 1) % 3),
    })
}

/// Runs one program at three parties and returns what each came to.
pub fn run<T: Send>(
    security: Security,
    seed: u64,
    program: impl Fn(&mut Party<'_>) -> Result<T, Error> + Sync,
) -> [Result<T, Error>; 3] {
    run_over(security, seed, channels(), program)
}

/// The same over channels of the caller's making.
pub fn run_over<T: Send, C: Channel + Send>(
    security: Security,
    seed: u64,
    channels: [C; 3],
    program: impl Fn(&mut Party<'_>) -> Result<T, Error> + Sync,
) -> [Result<T, Error>; 3] {
    let session = Digest::plain(&seed.to_le_bytes());
    let program = &program;
    std::thread::scope(|scope| {
        let mut index = 0;
        let parties = keys(seed).map(|keys| {
            index += 1;
            (index - 1, keys)
        });
        let [c0, c1, c2] = channels;
        let [p0, p1, p2] = parties;
        let handles = [(p0, c0), (p1, c1), (p2, c2)].map(|((index, keys), channel)| {
            scope.spawn(move || {
                let mut party = Party::new(index, &session, &keys, security, channel)?;
                program(&mut party)
            })
        });
        handles.map(|handle| match handle.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}
