//! The join into shares.

use primitives::Digest;
use rand::{Rng as _, RngExt as _, rngs::StdRng};

use super::world::*;
use crate::{
    Error, Fault, Refusal,
    psi::{
        circuit::{self, Half, Receiver, Rows, Sender, correlations, join},
        *,
    },
    shares::{self, memory},
    vole,
};

pub(super) struct Pair {
    receiver: Receiver,
    sender: Sender,
}

impl Roles for Pair {
    fn pull_receiver(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.receiver.pull()
    }

    fn pull_sender(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.sender.pull()
    }

    fn give_receiver(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.receiver.on_frame(frame)
    }

    fn give_sender(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.sender.on_frame(frame)
    }
}

pub(super) fn pair(
    setup: &Setup,
    instance: &Instance,
    payload: &[Vec<u64>],
    rng: &mut StdRng,
) -> Pair {
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let (key, vector) = vole::ideal::deal(correlations(&session).unwrap(), rng);
    let mine = hash(setup, &instance.receiver);
    let theirs = hash(setup, &instance.sender);
    Pair {
        receiver: Receiver::new(&session, mine, vector, rng).unwrap(),
        sender: Sender::new(&session, theirs, payload, key, rng).unwrap(),
    }
}

fn finish(pair: Pair) -> Result<(Rows, Half), Error> {
    let rows = pair.receiver.finish()?;
    let (half, transcript) = pair.sender.finish()?;
    assert_eq!(rows.transcript, transcript);
    Ok((rows, half))
}

type Row = (u32, bool, Vec<u64>);

/// What three parties would find, from what both owners hold.
pub(super) fn in_the_clear(session: &Session, pair: Pair) -> Result<Vec<Row>, Error> {
    let (rows, half) = finish(pair)?;
    let columns = [rows.half.columns(), half.columns()];
    assert_eq!(columns[0][0].len(), circuit::rows(session)?);
    let mut found = Vec::new();
    for (bin, place) in rows.places.iter().enumerate() {
        let equal = columns[0][0][bin] == columns[1][0][bin];
        let words = columns[0].iter().zip(columns[1]).skip(1);
        let words = words.map(|(a, b)| if equal { a[bin] ^ b[bin] } else { 0 });
        match place {
            Some(place) => found.push((*place, equal, words.collect())),
            None => assert!(!equal, "an empty bin matches"),
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn payload(instance: &Instance, words: usize, rng: &mut StdRng) -> Vec<Vec<u64>> {
    let column = |_| instance.sender.iter().map(|_| rng.next_u64()).collect();
    (0..words).map(column).collect()
}

#[test]
fn real_equals_ideal_over_thousands_of_small_instances() {
    let mut shapes = rng(31);
    for seed in 0..1500 {
        let instance = instance(&mut shapes, 40);
        let words = usize::try_from(seed % 5).unwrap();
        let payload = payload(&instance, words, &mut shapes);
        let [mine, theirs] = instance.padded;
        let protocol = Protocol::Circuit {
            words: u8::try_from(words).unwrap(),
        };
        let setup = setup(protocol, mine, theirs, seed);
        let session = setup.open(0, Security::SemiHonest).unwrap();
        let mut pair = pair(&setup, &instance, &payload, &mut rng(seed));
        drive(&mut pair, &mut Honest).unwrap();
        let rows = in_the_clear(&session, pair).unwrap();
        let expected = ideal::join(&instance.receiver, &instance.sender, &payload);
        assert_eq!(rows, expected, "seed {seed}");
    }
}

/// Both halves through three parties, which open everything.
fn opened(setup: &Setup, pair: Pair, security: shares::Security) -> Vec<Row> {
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let (rows, half) = finish(pair).unwrap();
    let of_three = Digest::plain(b"three");
    let mut rng = rng(5);
    let receivers = rows.half.share_as_receiver(&session, &of_three, &mut rng);
    let senders = half.share_as_sender(&session, &of_three, &mut rng);
    let (receivers, senders) = (receivers.unwrap(), senders.unwrap());
    let results = memory::run(security, 1, |party| {
        let me = party.index();
        let joined = join(party, &session, &of_three, &receivers[me], &senders[me])?;
        let found = party.open_words(&joined.found.to_words())?;
        let words: Result<Vec<_>, Error> = joined
            .payload
            .iter()
            .map(|word| party.open_words(word))
            .collect();
        Ok((found, words?))
    });
    let mut answers = results.map(Result::unwrap).into_iter();
    let (found, words) = answers.next().unwrap();
    assert!(answers.all(|other| other == (found.clone(), words.clone())));
    let mut joined = Vec::new();
    for (bin, place) in rows.places.iter().enumerate() {
        let row: Vec<u64> = words.iter().map(|word| word[bin]).collect();
        match place {
            Some(place) => joined.push((*place, found[bin] == 1, row)),
            None => assert_eq!((found[bin], row.iter().sum::<u64>()), (0, 0)),
        }
    }
    joined.sort_unstable();
    joined
}

#[test]
fn three_parties_find_what_both_have() {
    let mut shapes = rng(32);
    for (seed, security) in [
        (1, shares::Security::SemiHonest),
        (2, shares::Security::Malicious),
    ] {
        let draw = |rng: &mut StdRng| -> Vec<Vec<u8>> {
            (0..2000)
                .map(|_| rng.random_range(0..3000u32).to_be_bytes().to_vec())
                .collect()
        };
        let instance = Instance {
            receiver: draw(&mut shapes),
            sender: draw(&mut shapes),
            padded: [2000, 2100],
        };
        let payload = payload(&instance, 2, &mut shapes);
        let setup = setup(Protocol::Circuit { words: 2 }, 2000, 2100, seed);
        let mut pair = pair(&setup, &instance, &payload, &mut rng(seed));
        drive(&mut pair, &mut Honest).unwrap();
        let expected = ideal::join(&instance.receiver, &instance.sender, &payload);
        assert_eq!(opened(&setup, pair, security), expected);
    }
}

#[test]
fn real_equals_ideal_over_several_frames() {
    let selectors = |range: std::ops::Range<u32>| -> Vec<Vec<u8>> {
        range.map(|n| n.to_be_bytes().to_vec()).collect()
    };
    let instance = Instance {
        receiver: selectors(0..50_000),
        sender: selectors(30_000..70_000),
        padded: [50_000, 40_000],
    };
    let payload = payload(&instance, 4, &mut rng(1));
    let setup = setup(Protocol::Circuit { words: 4 }, 50_000, 40_000, 1);
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let mut pair = pair(&setup, &instance, &payload, &mut rng(1));
    drive(&mut pair, &mut Honest).unwrap();
    let rows = in_the_clear(&session, pair).unwrap();
    let matched: Vec<&Row> = rows.iter().filter(|row| row.1).collect();
    assert_eq!(matched.len(), 20_000);
    for (place, _, words) in matched {
        let row = *place as usize - 30_000;
        assert!(
            words
                .iter()
                .zip(&payload)
                .all(|(word, column)| *word == column[row])
        );
    }
}

#[test]
fn what_is_not_found_shows_nothing_of_the_payload() {
    // The same sets and payload twice: halves of rows that are not found differ.
    let instance = Instance {
        receiver: vec![b"a".to_vec()],
        sender: vec![b"b".to_vec()],
        padded: [1, 1],
    };
    let payload = vec![vec![7]];
    let setup = setup(Protocol::Circuit { words: 1 }, 1, 1, 1);
    let halves = [1, 2].map(|seed| {
        let mut pair = pair(&setup, &instance, &payload, &mut rng(seed));
        drive(&mut pair, &mut Honest).unwrap();
        let (rows, half) = finish(pair).unwrap();
        let bin = rows.places.iter().position(Option::is_some).unwrap();
        let [mine, theirs] = [rows.half.columns(), half.columns()];
        mine[1][bin] ^ theirs[1][bin]
    });
    assert!(halves[0] != halves[1] && halves.iter().all(|word| *word != 7));
}

fn refusal<T>(result: Result<T, Error>) -> Option<Refusal> {
    result.err().and_then(|error| error.refusal())
}

#[test]
fn what_does_not_fit_is_refused() {
    let weak = setup(Protocol::Circuit { words: 1 }, 2, 2, 1);
    assert_eq!(
        refusal(weak.open(0, Security::Malicious)),
        Some(Refusal::SecurityTooWeak)
    );
    let wide = setup(Protocol::Circuit { words: 5 }, 2, 2, 1);
    assert_eq!(
        refusal(wide.open(0, Security::SemiHonest)),
        Some(Refusal::ParameterRange)
    );
    for (mine, theirs) in [(1 << 24, 1), (1, 1 << 23)] {
        let large = setup(Protocol::Circuit { words: 1 }, mine, theirs, 1);
        let session = large.open(0, Security::SemiHonest).unwrap();
        assert_eq!(
            refusal(correlations(&session)),
            Some(Refusal::ParameterRange)
        );
    }
    let session = weak.open(0, Security::SemiHonest).unwrap();
    let mut rng = rng(1);
    let rng = &mut rng;
    let selectors = |count: u8| -> Vec<Vec<u8>> { (0..count).map(|n| vec![n]).collect() };
    let set = |count| hash(&weak, &selectors(count));
    let deal = || vole::ideal::deal(correlations(&session).unwrap(), &mut super::world::rng(1));
    let receiver = Receiver::new(&session, set(3), deal().1, rng);
    assert_eq!(refusal(receiver), Some(Refusal::SetTooLarge));
    for payload in [vec![], vec![vec![1]], vec![vec![1, 2]; 2]] {
        let sender = Sender::new(&session, set(2), &payload, deal().0, rng);
        assert_eq!(refusal(sender), Some(Refusal::ShapeMismatch));
    }
    let short = vole::ideal::deal(3, rng);
    let sender = Sender::new(&session, set(2), &[vec![1, 2]], short.0, rng);
    assert_eq!(refusal(sender), Some(Refusal::CorrelationMismatch));
    let other = setup(ALL[0], 2, 2, 1);
    let session = other.open(0, Security::Malicious).unwrap();
    assert_eq!(
        refusal(correlations(&session)),
        Some(Refusal::ParameterRange)
    );
    assert_eq!(
        refusal(circuit::rows(&session)),
        Some(Refusal::ParameterRange)
    );
}

#[test]
fn nothing_is_given_out_before_the_end() {
    let instance = instance(&mut rng(3), 10);
    let payload = payload(&instance, 0, &mut rng(3));
    let [mine, theirs] = instance.padded;
    let setup = setup(Protocol::Circuit { words: 0 }, mine, theirs, 1);
    let pair = pair(&setup, &instance, &payload, &mut rng(1));
    let (receiver, sender) = (pair.receiver.finish(), pair.sender.finish());
    assert_eq!(
        receiver.err().and_then(|e| e.fault()),
        Some(Fault::Truncated)
    );
    assert_eq!(sender.err().and_then(|e| e.fault()), Some(Fault::Truncated));
}

#[test]
fn a_message_of_the_other_owner_is_not_taken() {
    let instance = instance(&mut rng(3), 10);
    let payload = payload(&instance, 1, &mut rng(3));
    let [mine, theirs] = instance.padded;
    let setup = setup(Protocol::Circuit { words: 1 }, mine, theirs, 1);
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let mut pair = pair(&setup, &instance, &payload, &mut rng(1));
    drive(&mut pair, &mut Honest).unwrap();
    let (rows, _) = finish(pair).unwrap();
    let of_three = Digest::plain(b"three");
    let shared = rows
        .half
        .share_as_receiver(&session, &of_three, &mut rng(1));
    let shared = shared.unwrap();
    let results = memory::run(shares::Security::SemiHonest, 1, |party| {
        let mine = &shared[party.index()];
        join(party, &session, &of_three, mine, mine).map(|_| ())
    });
    for result in results {
        assert!(result.is_err());
    }
}
