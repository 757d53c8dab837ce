//! The wires between nodes, and what befalls them.
//!
//! Every byte between two nodes passes a relay: a member's card names the relay's
//! address, the relay dials wherever the member listens at the moment. Who dials is
//! read from the first frame of the handshake, which names the dialer in the clear.
//!
//! ```text
//! node a ──▶ relay of b's address ──▶ node b (this boot's address)
//!              │ who dialed? is a→b cut? how slow? flip, repeat, reset?
//! ```
//! *Invariants*
//! - Bytes keep their order, as on TCP, but where the weather alters them.
//! - A cut wire holds its bytes until it is whole again; nothing says so to either end.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use commonware_runtime::{
    Clock as _, Listener as _, Network as _, Sink as _, SinkOf, Spawner as _, Stream as _,
    StreamOf, Supervisor as _, deterministic::Context,
};
use primitives::PublicKey;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use signal::watch;

/// Bytes of the handshake's first frame: a length and a key.
const PRELUDE_BYTES: usize = 33;
/// Largest piece that is moved at once.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// What the wires are like now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sky {
    /// Pairs whose bytes do not arrive: from, to.
    pub(crate) cut: std::collections::BTreeSet<(usize, usize)>,
    /// How often the connections of a pair were ended on purpose.
    pub(crate) ended: BTreeMap<(usize, usize), u64>,
    /// Longest that a piece takes, in milliseconds.
    pub(crate) delay_ms_max: u64,
    /// Pieces in a thousand at which a connection is reset.
    pub(crate) resets: u32,
    /// Pieces in a thousand of which a bit is flipped.
    pub(crate) flips: u32,
    /// Pieces in a thousand that arrive twice.
    pub(crate) repeats: u32,
}

/// What a piece meets.
enum Fate {
    Arrives(Duration),
    Resets,
    Flips(Duration, usize),
    Repeats(Duration),
}

/// All wires of a network.
pub(crate) struct Wires {
    sky: watch::Sender<Sky>,
    rng: Mutex<StdRng>,
    keys: BTreeMap<PublicKey, usize>,
    /// Where a relayed address leads now; a twin may have some of the dialers.
    routes: Mutex<BTreeMap<SocketAddr, Route>>,
    /// Bytes that must never be seen on a wire.
    canary: Bytes,
    seen: Mutex<u64>,
}

#[derive(Clone, Default)]
struct Route {
    to: Option<SocketAddr>,
    /// Dialers that are led to a member's second program instead.
    twin: Option<(SocketAddr, Vec<usize>)>,
    /// Dialers that are led nowhere.
    barred: Vec<usize>,
    /// Another address that this one stands for.
    alias: Option<SocketAddr>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wires {
    pub(crate) fn new(seed: u64, keys: BTreeMap<PublicKey, usize>, canary: &str) -> Arc<Self> {
        Arc::new(Self {
            sky: watch::Sender::new(Sky::default()),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            keys,
            routes: Mutex::default(),
            canary: Bytes::copy_from_slice(canary.as_bytes()),
            seen: Mutex::default(),
        })
    }

    /// Changes the weather.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Sky)) {
        self.sky.send_modify(change);
    }

    /// Pieces in which the canary was seen.
    pub(crate) fn canaries(&self) -> u64 {
        *lock(&self.seen)
    }

    /// Leads an address to where its member listens now; nowhere while it is down.
    pub(crate) fn lead(&self, address: SocketAddr, to: Option<SocketAddr>) {
        lock(&self.routes).entry(address).or_default().to = to;
    }

    /// Leads some dialers of an address to a second program with the same key.
    pub(crate) fn lead_twin(&self, address: SocketAddr, to: SocketAddr, dialers: Vec<usize>) {
        lock(&self.routes).entry(address).or_default().twin = Some((to, dialers));
    }

    /// Leads a dialer of member `to` from its first program to its second, or back, and
    /// ends the connections between the two.
    pub(crate) fn toggle(&self, (address, to): (SocketAddr, usize), dialer: usize) {
        if let Some((_, dialers)) = &mut lock(&self.routes).entry(address).or_default().twin {
            match dialers.iter().position(|known| *known == dialer) {
                Some(at) => drop(dialers.remove(at)),
                None => dialers.push(dialer),
            }
        }
        let pair = (to.min(dialer), to.max(dialer));
        self.change(|sky| *sky.ended.entry(pair).or_default() += 1);
    }

    /// Lets a dialer reach an address no more.
    pub(crate) fn bar(&self, address: SocketAddr, from: usize) {
        lock(&self.routes)
            .entry(address)
            .or_default()
            .barred
            .push(from);
    }

    /// Makes an address stand for another.
    pub(crate) fn alias(&self, address: SocketAddr, of: SocketAddr) {
        lock(&self.routes).entry(address).or_default().alias = Some(of);
    }

    /// Where an address leads whoever is nobody.
    pub(crate) fn leads(&self, address: SocketAddr) -> Option<SocketAddr> {
        self.route(address, None)
    }

    fn route(&self, address: SocketAddr, from: Option<usize>) -> Option<SocketAddr> {
        let routes = lock(&self.routes);
        let route = routes.get(&address)?;
        if let Some(of) = route.alias {
            return routes.get(&of)?.to;
        }
        if from.is_some_and(|from| route.barred.contains(&from)) {
            return None;
        }
        match &route.twin {
            Some((to, dialers)) if from.is_some_and(|from| dialers.contains(&from)) => Some(*to),
            _ => route.to,
        }
    }

    /// Relays an address of member `to` for as long as the runtime lives.
    pub(crate) async fn relay(self: &Arc<Self>, context: &Context, address: SocketAddr, to: usize) {
        let mut listener = context.bind(address).await.expect("the address is free");
        let wires = self.clone();
        context.child("relay").spawn(move |context| async move {
            while let Ok((_, sink, stream)) = listener.accept().await {
                let wires = wires.clone();
                context.child("wire").spawn(move |context| async move {
                    wires.connect(&context, address, to, sink, stream).await;
                });
            }
        });
    }

    async fn connect(
        &self,
        context: &Context,
        address: SocketAddr,
        to: usize,
        mut back: SinkOf<Context>,
        mut forth: StreamOf<Context>,
    ) {
        let Ok(first) = forth.recv(PRELUDE_BYTES).await else {
            return;
        };
        let first: Bytes = first.coalesce().into();
        let from = first
            .get(1..)
            .and_then(|key| key.try_into().ok())
            .and_then(|key| self.keys.get(&PublicKey(key)).copied());
        let Some(target) = self.route(address, from) else {
            return;
        };
        let Ok((mut sink, mut stream)) = context.dial(target).await else {
            return;
        };
        if sink.send(first).await.is_err() {
            return;
        }
        // Whichever way ends first ends both, as a reset does.
        tokio::select! {
            biased;
            () = self.carry(context, &mut forth, &mut sink, (from, Some(to))) => {}
            () = self.carry(context, &mut stream, &mut back, (Some(to), from)) => {}
        }
    }

    async fn carry(
        &self,
        context: &Context,
        stream: &mut StreamOf<Context>,
        sink: &mut SinkOf<Context>,
        (from, to): (Option<usize>, Option<usize>),
    ) {
        let mut sky = self.sky.subscribe();
        let pair = from.zip(to).map(|(a, b)| (a.min(b), a.max(b)));
        let ends = |sky: &Sky| pair.and_then(|pair| sky.ended.get(&pair).copied());
        let at_first = ends(&sky.borrow());
        while let Some(piece) = read(stream).await {
            if contains(&piece, &self.canary) {
                *lock(&self.seen) += 1;
            }
            if let (Some(from), Some(to)) = (from, to) {
                let whole = sky.wait_for(|sky| !sky.cut.contains(&(from, to)));
                if whole.await.is_err() {
                    return;
                }
            }
            if ends(&sky.borrow()) != at_first {
                return;
            }
            let sent = match self.fate(piece.len()) {
                Fate::Resets => return,
                Fate::Arrives(delay) => {
                    context.sleep(delay).await;
                    sink.send(piece).await
                }
                Fate::Flips(delay, bit) => {
                    context.sleep(delay).await;
                    let mut piece = piece.to_vec();
                    piece[bit / 8] ^= 1 << (bit % 8);
                    sink.send(piece).await
                }
                Fate::Repeats(delay) => {
                    context.sleep(delay).await;
                    sink.send([&piece[..], &piece[..]].concat()).await
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }

    fn fate(&self, bytes: usize) -> Fate {
        let sky = self.sky.borrow().clone();
        let mut rng = lock(&self.rng);
        let delay = Duration::from_millis(rng.random_range(0..=sky.delay_ms_max));
        let dice = rng.random_range(0..1_000u32);
        if dice < sky.resets {
            Fate::Resets
        } else if dice < sky.resets + sky.flips {
            Fate::Flips(delay, rng.random_range(0..bytes * 8))
        } else if dice < sky.resets + sky.flips + sky.repeats {
            Fate::Repeats(delay)
        } else {
            Fate::Arrives(delay)
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

/// Whether some bytes hold others.
pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}
