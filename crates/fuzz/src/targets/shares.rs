//! One of three that compute, against neighbours, owners and parties that send anything.

use std::sync::{LazyLock, Mutex};

use mpc::{
    Error, Trouble,
    joint::deliver,
    shares::{Channel, Neighbour, Party, Security, input, memory},
};
use primitives::Digest;
use rand::{SeedableRng as _, rngs::StdRng};

use super::Target;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "shares",
            "an owner's input or a neighbour's frame, at one of three that compute",
            seeds,
            check,
        )
        .smoke(400)
        .memory(16 << 20),
        Target::new(
            "joint-part",
            "a party's part of an answer, at who asked",
            part_seeds,
            part,
        ),
    ]
}

const SEED: u64 = 11;
const VALUES: [u64; 5] = [3, 1, 4, 1, 5];
const WIDTH: u32 = 8;

fn binding(session: Digest) -> input::Binding {
    input::Binding {
        session,
        owner: "bank_a".into(),
        column: "a/b".into(),
        rows: VALUES.len(),
        width: WIDTH,
    }
}

fn session() -> Digest {
    Digest::plain(&SEED.to_le_bytes())
}

/// What an owner sends to each of the three.
static INPUTS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let mut rng = StdRng::seed_from_u64(SEED);
    input::share(&binding(session()), &VALUES, &mut rng).expect("values of eight bits")
});

fn answer_binding() -> deliver::Binding {
    deliver::Binding {
        session: session(),
        receiver: "police".into(),
        answer: "rows".into(),
        rows: VALUES.len(),
        widths: vec![WIDTH],
    }
}

/// What a party does: takes an input, shuffles it, opens what is large, delivers.
fn program(party: &mut Party<'_>, given: &[u8]) -> Result<(Vec<u64>, Vec<u8>), Error> {
    let column = party.receive_input(&binding(session()), given)?;
    let shuffled = party.shuffle(std::slice::from_ref(&column))?;
    let values = party.words_to_arith(&column)?;
    let square = party.mul(&values, &values)?;
    let large = party.at_least(&square, 9)?;
    let open = party.open_bits(&large)?;
    let part = deliver::part(party, &answer_binding(), &shuffled)?;
    Ok((open, part))
}

/// Frames that one party received from its neighbours, in the order of its asking.
type Frames = Vec<Vec<u8>>;

/// A channel in memory that remembers what party 0 received.
struct Recording {
    inner: memory::MemoryChannel,
    received: Option<&'static Mutex<Frames>>,
}

impl Channel for Recording {
    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> Result<(), Trouble> {
        self.inner.send(to, frame)
    }

    fn receive(&mut self, from: Neighbour, bytes: usize) -> Result<Vec<u8>, Trouble> {
        let frame = self.inner.receive(from, bytes)?;
        if let Some(received) = self.received {
            let mut received = received.lock().map_err(|_| Trouble::PeerLost)?;
            received.push(frame.clone());
        }
        Ok(frame)
    }
}

struct Honest {
    frames: Frames,
    open: Vec<u64>,
    parts: [Vec<u8>; 3],
}

static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    static RECEIVED: Mutex<Frames> = Mutex::new(Vec::new());
    let mut index = 0;
    let channels = memory::channels().map(|inner| {
        index += 1;
        Recording {
            inner,
            received: (index == 1).then_some(&RECEIVED),
        }
    });
    let done = memory::run_over(Security::Malicious, SEED, channels, |party| {
        program(party, &INPUTS[party.index()])
    });
    let done = done.map(|one| one.expect("an honest run"));
    let open = done[0].0.clone();
    let frames = RECEIVED.lock().expect("no party panicked").clone();
    let parts = done.map(|(_, part)| part);
    Honest {
        frames,
        open,
        parts,
    }
});

/// What the neighbours sent in the honest run, one frame of it another.
struct Replay<'a> {
    frames: std::slice::Iter<'a, Vec<u8>>,
    /// The frames left before the one that is another.
    left: Option<usize>,
    instead: &'a [u8],
}

impl Channel for Replay<'_> {
    fn send(&mut self, _: Neighbour, _: Vec<u8>) -> Result<(), Trouble> {
        Ok(())
    }

    fn receive(&mut self, _: Neighbour, _: usize) -> Result<Vec<u8>, Trouble> {
        let frame = self.frames.next().ok_or(Trouble::PeerLost)?;
        let here = self.left == Some(0);
        self.left = self.left.and_then(|left| left.checked_sub(1));
        Ok(if here { self.instead } else { frame }.to_vec())
    }
}

/// The number of a frame, from 1, and what arrives instead; 0 is the owner's message.
fn seeds() -> Vec<Vec<u8>> {
    let messages = std::iter::once(&INPUTS[0]).chain(&HONEST.frames);
    (0u8..=u8::MAX)
        .zip(messages)
        .map(|(number, message)| [&[number], &message[..]].concat())
        .collect()
}

fn check(bytes: &[u8]) {
    let Some((number, bytes)) = bytes.split_first() else {
        return;
    };
    let number = usize::from(*number) % (HONEST.frames.len() + 1);
    let first = &INPUTS[0];
    let given = if number == 0 { bytes } else { first };
    let channel = Replay {
        frames: HONEST.frames.iter(),
        left: number.checked_sub(1),
        instead: bytes,
    };
    let [keys, ..] = memory::keys(SEED);
    let party = Party::new(0, &session(), &keys, Security::Malicious, channel);
    let mut party = party.expect("the first of three");
    match program(&mut party, given) {
        Ok((open, _)) => {
            assert_eq!(open, HONEST.open, "a wrong answer");
            let honest = match number {
                0 => first,
                number => &HONEST.frames[number - 1],
            };
            assert!(bytes == honest, "an altered frame was taken");
        }
        Err(error) => drop(error.to_string()),
    }
}

/// Whose part, and the part.
fn part_seeds() -> Vec<Vec<u8>> {
    (0u8..)
        .zip(&HONEST.parts)
        .map(|(number, part)| [&[number], &part[..]].concat())
        .collect()
}

fn part(bytes: &[u8]) {
    let Some((number, bytes)) = bytes.split_first() else {
        return;
    };
    let at = usize::from(*number) % 3;
    let mut parts = HONEST.parts.clone();
    parts[at] = bytes.to_vec();
    if let Ok(columns) = deliver::collect(&answer_binding(), &parts) {
        let mut values = columns[0].clone();
        values.sort_unstable();
        assert_eq!(values, [1, 1, 3, 4, 5], "a wrong answer");
        assert!(bytes == HONEST.parts[at], "an altered part was taken");
    }
}
