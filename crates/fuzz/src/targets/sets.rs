//! Joint sets of two parties: each role of each protocol against a peer that sends
//! anything in place of any frame. A dealer stands in for the VOLE.

use std::sync::LazyLock;

use mpc::{
    Error,
    lookup::Scope,
    psi::{
        Item, Items, Progress, Protocol, Security, Set, Setup, cardinality, circuit,
        diffie_hellman, rr22,
    },
    vole,
};
use primitives::{Digest, NetworkId};
use rand::{SeedableRng as _, rngs::StdRng};

use super::{Target, bodies::id};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "set",
            "a frame of a joint set of two, by each protocol, from the peer",
            seeds,
            check,
        )
        .smoke(150)
        .memory(64 << 20),
    ]
}

const PROTOCOLS: [Protocol; 5] = [
    Protocol::Rr22(Security::Malicious),
    Protocol::Rr22(Security::SemiHonest),
    Protocol::DiffieHellman,
    Protocol::Cardinality,
    Protocol::Circuit { words: 1 },
];

const RECEIVER: std::ops::Range<u32> = 0..5;
const SENDER: std::ops::Range<u32> = 3..10;
/// The items of the receiver that the sender has too, by place.
const COMMON: [u32; 2] = [3, 4];
const PADDED: [u32; 2] = [6, 8];

fn setup(protocol: Protocol) -> Setup {
    let digest = |name: &str| Digest::of("fuzz", &[name.as_bytes()]);
    Setup {
        scope: Scope {
            network: NetworkId(digest("network")),
            warrant: digest("warrant"),
            plan: digest("plan"),
            run: digest("run"),
        },
        step: 0,
        parts: 1,
        receiver: id("police"),
        sender: id("telecom_a"),
        receiver_snapshot: digest("receiver"),
        sender_snapshot: digest("sender"),
        receiver_items: PADDED[0],
        sender_items: PADDED[1],
        protocol,
    }
}

fn set(setup: &Setup, names: std::ops::Range<u32>) -> Set {
    let items = Items::of(setup);
    let item = |name: u32| items.item(format!("phone:{name}").as_bytes());
    let hashed: Result<Vec<Item>, Error> = names.map(item).collect();
    Set::new(&hashed.expect("short selectors"))
}

/// Two roles, as a wire sees them.
trait Roles {
    fn pull(&mut self, sender: bool) -> Result<Option<Vec<u8>>, Error>;
    fn give(&mut self, sender: bool, frame: &[u8]) -> Result<Progress, Error>;
    /// The places that the receiver found, once all was said.
    fn found(self: Box<Self>) -> Result<Vec<u32>, Error>;
}

struct Pair<R, S>(R, S);

impl Roles for Pair<rr22::Receiver, rr22::Sender> {
    fn pull(&mut self, sender: bool) -> Result<Option<Vec<u8>>, Error> {
        if sender {
            Ok(self.1.pull())
        } else {
            self.0.pull()
        }
    }
    fn give(&mut self, sender: bool, frame: &[u8]) -> Result<Progress, Error> {
        if sender {
            self.1.on_frame(frame)
        } else {
            self.0.on_frame(frame)
        }
    }
    fn found(self: Box<Self>) -> Result<Vec<u32>, Error> {
        self.1.finish()?;
        Ok(self.0.finish()?.0)
    }
}

impl Roles for Pair<diffie_hellman::Receiver, diffie_hellman::Sender> {
    fn pull(&mut self, sender: bool) -> Result<Option<Vec<u8>>, Error> {
        Ok(if sender { self.1.pull() } else { self.0.pull() })
    }
    fn give(&mut self, sender: bool, frame: &[u8]) -> Result<Progress, Error> {
        if sender {
            self.1.on_frame(frame)
        } else {
            self.0.on_frame(frame)
        }
    }
    fn found(self: Box<Self>) -> Result<Vec<u32>, Error> {
        self.1.finish()?;
        Ok(self.0.finish()?.0)
    }
}

impl Roles for Pair<cardinality::Receiver, cardinality::Sender> {
    fn pull(&mut self, sender: bool) -> Result<Option<Vec<u8>>, Error> {
        if sender {
            self.1.pull()
        } else {
            Ok(self.0.pull())
        }
    }
    fn give(&mut self, sender: bool, frame: &[u8]) -> Result<Progress, Error> {
        if sender {
            self.1.on_frame(frame)
        } else {
            self.0.on_frame(frame)
        }
    }
    fn found(self: Box<Self>) -> Result<Vec<u32>, Error> {
        let (_, gate) = self.1.finish()?;
        let (ask, asked) = self.0.finish()?.ask()?;
        let (opened, _) = gate.open(&ask, COMMON.len())?;
        Ok(asked.on_frame(&opened)?.0)
    }
}

impl Roles for Pair<circuit::Receiver, circuit::Sender> {
    fn pull(&mut self, sender: bool) -> Result<Option<Vec<u8>>, Error> {
        if sender { self.1.pull() } else { self.0.pull() }
    }
    fn give(&mut self, sender: bool, frame: &[u8]) -> Result<Progress, Error> {
        if sender {
            self.1.on_frame(frame)
        } else {
            self.0.on_frame(frame)
        }
    }
    fn found(self: Box<Self>) -> Result<Vec<u32>, Error> {
        // Both sides hold shares: what they say together only the three would see.
        self.0.finish()?;
        self.1.finish()?;
        Ok(COMMON.to_vec())
    }
}

fn roles(protocol: Protocol) -> Result<Box<dyn Roles>, Error> {
    let mut rng = StdRng::seed_from_u64(1);
    let setup = setup(protocol);
    let session = setup.open(0, Security::SemiHonest)?;
    let (mine, theirs) = (set(&setup, RECEIVER), set(&setup, SENDER));
    let rng = &mut rng;
    Ok(match protocol {
        Protocol::Rr22(_) => {
            let (key, vector) = rr22::deal(&session, rng)?;
            let receiver = rr22::Receiver::new(session.clone(), mine, vector, rng)?;
            Box::new(Pair(
                receiver,
                rr22::Sender::new(session, theirs, key, rng)?,
            ))
        }
        Protocol::DiffieHellman => {
            let receiver = diffie_hellman::Receiver::new(session.clone(), mine, rng)?;
            let sender = diffie_hellman::Sender::new(session, theirs, rng)?;
            Box::new(Pair(receiver, sender))
        }
        Protocol::Cardinality => {
            let receiver = cardinality::Receiver::new(session.clone(), mine, rng)?;
            let sender = cardinality::Sender::new(session, theirs, rng)?;
            Box::new(Pair(receiver, sender))
        }
        _ => {
            let (key, vector) = vole::ideal::deal(circuit::correlations(&session)?, rng);
            let payload = vec![(0..10).collect()];
            let receiver = circuit::Receiver::new(&session, mine, vector, rng)?;
            let sender = circuit::Sender::new(&session, theirs, &payload, key, rng)?;
            Box::new(Pair(receiver, sender))
        }
    })
}

/// Runs a protocol to its end, each frame through `wire`, which knows its number.
fn run(
    protocol: Protocol,
    wire: &mut dyn FnMut(usize, Vec<u8>) -> Vec<u8>,
) -> Result<Vec<u32>, Error> {
    let mut roles = roles(protocol)?;
    let mut number = 0;
    loop {
        let mut quiet = true;
        for sender in [true, false] {
            while let Some(frame) = roles.pull(sender)? {
                roles.give(!sender, &wire(number, frame))?;
                number += 1;
                quiet = false;
            }
        }
        if quiet {
            return roles.found();
        }
    }
}

fn honest() -> &'static [Vec<Vec<u8>>] {
    static HONEST: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| {
        let frames = |protocol| {
            let mut frames = Vec::new();
            let found = run(protocol, &mut |_, frame| {
                frames.push(frame.clone());
                frame
            });
            assert_eq!(found.ok().as_deref(), Some(&COMMON[..]), "{protocol:?}");
            frames
        };
        PROTOCOLS.map(frames).into()
    });
    &HONEST
}

/// The protocol, the number of a frame, and what arrives instead of it.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (protocol, frames) in (0u8..).zip(honest()) {
        for (number, frame) in (0u8..).zip(frames) {
            seeds.push([&[protocol, number], &frame[..]].concat());
        }
    }
    seeds
}

fn check(bytes: &[u8]) {
    let [protocol, number, bytes @ ..] = bytes else {
        return;
    };
    let place = usize::from(*protocol) % PROTOCOLS.len();
    let frames = &honest()[place];
    let at = usize::from(*number) % frames.len();
    let outcome = run(PROTOCOLS[place], &mut |number, frame| {
        if number == at { bytes.to_vec() } else { frame }
    });
    match outcome {
        Ok(found) => {
            assert_eq!(found, COMMON, "a wrong answer");
            assert!(bytes == frames[at], "an altered frame was taken");
        }
        Err(error) => drop(error.to_string()),
    }
}
