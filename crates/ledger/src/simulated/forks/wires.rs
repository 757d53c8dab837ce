//! The wires between the programs of a network, and who meets whom on them.
//!
//! Each program dials each member at an address of its own, so that the relay behind it
//! knows who dials. Where a member has two programs, a wire leads to the one that the
//! dialer meets at the moment.
//!
//! *Invariants*
//! - Bytes keep their order; a cut wire holds them until it is whole or broken off.
//! - Two programs are connected only while each meets the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use commonware_runtime::deterministic::Context;
use commonware_runtime::{
    Clock as _, Listener as _, Network as _, Sink as _, SinkOf, Spawner as _, Stream as _,
    StreamOf, Supervisor as _,
};
use rand::{RngExt as _, rngs::StdRng};
use signal::watch;

use super::super::Bytes;

/// Largest piece that is moved at once.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// A program by its number: as its member's, or above all members' for a second one.
pub(super) type Program = usize;

/// What the wires are like now.
#[derive(Default)]
pub(super) struct Sky {
    /// Programs of which the second hears nothing from the first.
    pub(super) cut: BTreeSet<(Program, Program)>,
    /// Which program of a member another one meets; its first where nothing is said.
    pub(super) meets: BTreeMap<(Program, usize), Program>,
    /// Who listens to a program in a member's stead.
    pub(super) posed: BTreeMap<(Program, usize), Program>,
    /// How often the connections of two programs were broken off.
    pub(super) broken: BTreeMap<(Program, Program), u64>,
    /// Where each program listens; those that are down nowhere.
    pub(super) listens: BTreeMap<Program, SocketAddr>,
    /// Longest that a piece takes, in milliseconds.
    pub(super) delay_ms_max: u64,
    /// Which half of the network each member is in, if there are halves.
    pub(super) halves: Vec<bool>,
}

impl Sky {
    /// Breaks off whatever runs between two programs, and what is on its way with it.
    pub(super) fn break_off(&mut self, one: Program, other: Program) {
        *self.broken.entry(pair(one, other)).or_default() += 1;
    }

    fn meets(&self, program: Program, member: usize) -> Program {
        *self.meets.get(&(program, member)).unwrap_or(&member)
    }
}

fn pair(one: Program, other: Program) -> (Program, Program) {
    (one.min(other), one.max(other))
}

/// All wires of a network.
pub(super) struct Wires {
    sky: watch::Sender<Sky>,
    rng: Mutex<StdRng>,
    /// Whose each program is.
    members: Vec<usize>,
}

/// Where a program dials a member.
pub(super) fn front(program: Program, member: usize) -> SocketAddr {
    let place = |n: usize| u8::try_from(n).unwrap();
    SocketAddr::from(([10, 1, place(program), place(member)], 4_000))
}

impl Wires {
    pub(super) fn new(members: Vec<usize>, rng: StdRng) -> Arc<Self> {
        Arc::new(Self {
            sky: watch::Sender::new(Sky::default()),
            rng: Mutex::new(rng),
            members,
        })
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Sky) -> T) -> T {
        let mut changed = None;
        self.sky.send_modify(|sky| changed = Some(change(sky)));
        changed.unwrap()
    }

    /// Relays all wires for as long as the runtime lives.
    pub(super) async fn relay(self: &Arc<Self>, context: &Context) {
        let count = self.members.iter().max().unwrap() + 1;
        for program in 0..self.members.len() {
            for member in (0..count).filter(|member| *member != self.members[program]) {
                let mut listener = context.bind(front(program, member)).await.unwrap();
                let wires = self.clone();
                context.child("relay").spawn(move |context| async move {
                    while let Ok((_, sink, stream)) = listener.accept().await {
                        let wires = wires.clone();
                        context.child("wire").spawn(move |context| async move {
                            wires
                                .connect(&context, (program, member), sink, stream)
                                .await;
                        });
                    }
                });
            }
        }
    }

    /// Whom a program reaches that dials a member now, and where.
    fn route(&self, sky: &Sky, program: Program, member: usize) -> Option<(Program, SocketAddr)> {
        let to = match sky.posed.get(&(program, member)) {
            Some(poser) => *poser,
            None if self.meet(sky, program, sky.meets(program, member)) => {
                sky.meets(program, member)
            }
            None => return None,
        };
        Some((to, *sky.listens.get(&to)?))
    }

    fn meet(&self, sky: &Sky, one: Program, other: Program) -> bool {
        sky.meets(one, self.members[other]) == other && sky.meets(other, self.members[one]) == one
    }

    async fn connect(
        &self,
        context: &Context,
        (from, member): (Program, usize),
        mut back: SinkOf<Context>,
        mut forth: StreamOf<Context>,
    ) {
        let Some((to, address)) = self.route(&self.sky.borrow(), from, member) else {
            return;
        };
        let Ok((mut sink, mut stream)) = context.dial(address).await else {
            return;
        };
        let breaks = |sky: &Sky| sky.broken.get(&pair(from, to)).copied();
        let at_first = breaks(&self.sky.borrow());
        let mut sky = self.sky.subscribe();
        let ended = sky.wait_for(|sky| breaks(sky) != at_first || !self.meet(sky, from, to));
        // Whichever way ends first ends both, as a reset does.
        tokio::select! {
            biased;
            _ = ended => {}
            () = self.carry(context, &mut forth, &mut sink, (from, to)) => {}
            () = self.carry(context, &mut stream, &mut back, (to, from)) => {}
        }
    }

    async fn carry(
        &self,
        context: &Context,
        stream: &mut StreamOf<Context>,
        sink: &mut SinkOf<Context>,
        way: (Program, Program),
    ) {
        let mut sky = self.sky.subscribe();
        while let Some(piece) = read(stream).await {
            if sky.wait_for(|sky| !sky.cut.contains(&way)).await.is_err() {
                return;
            }
            let longest = self.sky.borrow().delay_ms_max;
            let delay_ms = {
                let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
                rng.random_range(0..=longest)
            };
            if delay_ms > 0 {
                context.sleep(Duration::from_millis(delay_ms)).await;
            }
            if sink.send(piece).await.is_err() {
                return;
            }
        }
    }
}

/// What there is to read, at least a byte.
async fn read(stream: &mut StreamOf<Context>) -> Option<Bytes> {
    let mut piece = stream.recv(1).await.ok()?.coalesce().as_ref().to_vec();
    let more = stream.peek(PIECE_BYTES_MAX).len();
    if more > 0 {
        piece.extend_from_slice(stream.recv(more).await.ok()?.coalesce().as_ref());
    }
    Some(piece.into())
}
