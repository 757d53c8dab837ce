//! The silent protocol of either strength.

use rand::rngs::StdRng;

use super::world::*;
use crate::{
    Error, Fault, Refusal,
    field::F128,
    psi::{
        rr22::{Receiver, Sender, correlation_bits, correlations, deal},
        *,
    },
    vole::{self, ReceiverOutput, SenderOutput},
};

pub(super) struct Pair {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
}

impl Roles for Pair {
    fn pull_receiver(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.receiver.pull()
    }

    fn pull_sender(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.sender.pull())
    }

    fn give_receiver(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.receiver.on_frame(frame)
    }

    fn give_sender(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.sender.on_frame(frame)
    }
}

pub(super) fn pair(setup: &Setup, instance: &Instance, rng: &mut StdRng) -> Pair {
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let (key, vector) = deal(&session, rng).unwrap();
    let mine = hash(setup, &instance.receiver);
    let theirs = hash(setup, &instance.sender);
    Pair {
        receiver: Receiver::new(session.clone(), mine, vector, rng).unwrap(),
        sender: Sender::new(session, theirs, key, rng).unwrap(),
    }
}

fn agree(protocol: Protocol, instance: &Instance, seed: u64) {
    let mut rng = rng(seed);
    let setup = setup(protocol, instance.padded[0], instance.padded[1], seed);
    let mut pair = pair(&setup, instance, &mut rng);
    drive(&mut pair, &mut Honest).unwrap();
    assert_eq!(pair.receiver.permille(), 1000);
    assert_eq!(pair.sender.permille(), 1000);
    let (found, transcript) = pair.receiver.finish().unwrap();
    let expected = ideal::intersection(&instance.receiver, &instance.sender);
    assert_eq!(found, expected, "{protocol:?}, seed {seed}");
    assert_eq!(transcript, pair.sender.finish().unwrap());
}

#[test]
fn real_equals_ideal_over_thousands_of_small_instances() {
    let mut shapes = rng(1);
    for seed in 0..6000 {
        let instance = instance(&mut shapes, 40);
        for protocol in ALL {
            agree(protocol, &instance, seed);
        }
    }
}

#[test]
fn real_equals_ideal_for_sizes_far_apart() {
    let mut shapes = rng(2);
    for (receiver, sender) in [(1, 5000), (5000, 1), (0, 5000), (5000, 0), (3000, 40)] {
        let draw = |count: usize, rng: &mut StdRng| -> Vec<Vec<u8>> {
            use rand::RngExt;
            (0..count)
                .map(|_| rng.random_range(0..6000u32).to_be_bytes().to_vec())
                .collect()
        };
        let instance = Instance {
            receiver: draw(receiver, &mut shapes),
            sender: draw(sender, &mut shapes),
            padded: [receiver, sender],
        };
        ALL.iter()
            .for_each(|protocol| agree(*protocol, &instance, 7));
    }
}

fn large(log2: u32) {
    let count = 1u64 << log2;
    let draw = |from: u64| -> Vec<Vec<u8>> {
        (from..from + count)
            .map(|n| n.to_be_bytes().to_vec())
            .collect()
    };
    let size = usize::try_from(count).unwrap();
    let instance = Instance {
        receiver: draw(0),
        sender: draw(count - 1000),
        padded: [size, size],
    };
    ALL.iter()
        .for_each(|protocol| agree(*protocol, &instance, 8));
}

#[test]
fn sixty_five_thousand_a_side() {
    large(16);
}

#[test]
fn a_million_a_side() {
    large(20);
}

#[test]
fn parts_together_give_the_whole() {
    let mut rng = rng(3);
    let mut setup = setup(ALL[0], 0, 0, 3);
    setup.parts = 5;
    let selectors = |range: std::ops::Range<u32>| -> Vec<Vec<u8>> {
        range.map(|n| n.to_be_bytes().to_vec()).collect()
    };
    let (mine, theirs) = (selectors(0..3000), selectors(2500..6000));
    setup.receiver_items = u32::try_from(part_size(mine.len(), 5)).unwrap();
    setup.sender_items = u32::try_from(part_size(theirs.len(), 5)).unwrap();
    let items = Items::of(&setup);
    let cut = |selectors: &[Vec<u8>], part: u16| -> (Vec<u32>, Vec<Item>) {
        (0u32..)
            .zip(
                selectors
                    .iter()
                    .map(|selector| items.item(selector).unwrap()),
            )
            .filter(|(_, item)| item.part(5) == part)
            .unzip()
    };
    let mut found = Vec::new();
    for part in 0..5 {
        let session = setup.open(part, Security::Malicious).unwrap();
        let (key, vector) = deal(&session, &mut rng).unwrap();
        let (places, mine) = cut(&mine, part);
        let theirs = Set::new(&cut(&theirs, part).1);
        let mut pair = Pair {
            receiver: Receiver::new(session.clone(), Set::new(&mine), vector, &mut rng).unwrap(),
            sender: Sender::new(session, theirs, key, &mut rng).unwrap(),
        };
        drive(&mut pair, &mut Honest).unwrap();
        let within = pair.receiver.finish().unwrap().0;
        found.extend(within.iter().map(|place| places[*place as usize]));
    }
    found.sort_unstable();
    assert_eq!(found, ideal::intersection(&mine, &theirs));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut rng = rng(4);
    let selectors = vec![b"a".to_vec(), b"b".to_vec()];
    let weak = setup(Protocol::Rr22(Security::SemiHonest), 2, 2, 1);
    let refused = weak.open(0, Security::Malicious).unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::SecurityTooWeak));
    let refused = weak.open(1, Security::SemiHonest).unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::ParameterRange));
    let mut own = weak.clone();
    own.sender = own.receiver.clone();
    assert!(own.open(0, Security::SemiHonest).is_err());

    let session = weak.open(0, Security::SemiHonest).unwrap();
    let set = || hash(&weak, &selectors);
    // A full-width correlation does not fit the short variant.
    let (_, wide) = vole::ideal::deal(correlations(&session).unwrap(), &mut rng);
    let error = Receiver::new(session.clone(), set(), wide, &mut rng)
        .err()
        .unwrap();
    assert_eq!(error.refusal(), Some(Refusal::CorrelationMismatch));
    let (short, _) = vole::ideal::deal(3, &mut rng);
    let error = Sender::new(session, set(), short, &mut rng).err().unwrap();
    assert_eq!(error.refusal(), Some(Refusal::CorrelationMismatch));

    let small = setup(ALL[0], 1, 1, 1);
    let session = small.open(0, Security::Malicious).unwrap();
    let (key, vector) = deal(&session, &mut rng).unwrap();
    let error = Receiver::new(session.clone(), set(), vector, &mut rng)
        .err()
        .unwrap();
    assert_eq!(error.refusal(), Some(Refusal::SetTooLarge));
    let error = Sender::new(session.clone(), set(), key, &mut rng)
        .err()
        .unwrap();
    assert_eq!(error.refusal(), Some(Refusal::SetTooLarge));
    assert!(Receiver::points_bound(&session).unwrap() > 1);
    assert!(Items::of(&small).item(b"").is_err());
}

#[test]
fn nothing_is_given_out_before_the_end() {
    let mut rng = rng(5);
    let instance = instance(&mut rng, 20);
    let setup = setup(ALL[0], instance.padded[0], instance.padded[1], 5);
    let pair = pair(&setup, &instance, &mut rng);
    assert_eq!(
        pair.receiver.finish().unwrap_err().fault(),
        Some(Fault::Truncated)
    );
    assert_eq!(
        pair.sender.finish().unwrap_err().fault(),
        Some(Fault::Truncated)
    );
}

#[test]
fn a_sender_that_opens_another_offset_is_caught() {
    let mut rng = rng(6);
    let instance = instance(&mut rng, 20);
    let setup = setup(
        ALL[0],
        instance.padded[0].max(1),
        instance.padded[1].max(1),
        6,
    );
    struct Swap;
    impl Wire for Swap {
        fn carry(&mut self, _: usize, mut frame: Vec<u8>) -> Vec<Vec<u8>> {
            if frame[1] == 4 {
                frame[5] ^= 1;
            }
            vec![frame]
        }
    }
    let error = drive(&mut pair(&setup, &instance, &mut rng), &mut Swap).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::OpeningMismatch));
}

/// A correlation of the real protocol for a session; `spoil` alters the response.
fn correlate(
    session: &Session,
    spoil: &dyn Fn(&mut Vec<u8>),
    rng: &mut StdRng,
) -> Result<(SenderOutput, ReceiverOutput), Error> {
    let params = vole::Params {
        len: correlations(session).unwrap(),
        code: vole::Code::Fast,
    };
    let id = *session.digest().as_bytes();
    let ((receiver, offer), sender) = if correlation_bits(session).unwrap() == 64 {
        (
            vole::Receiver::start_narrow(id, params, rng).unwrap(),
            vole::Sender::new_narrow(id, params).unwrap(),
        )
    } else {
        (
            vole::Receiver::start(id, params, rng).unwrap(),
            vole::Sender::new(id, params).unwrap(),
        )
    };
    let (sender, choices) = sender.on_offer(&offer, rng).unwrap();
    let (receiver, corrections) = receiver.on_choices(&choices, rng).unwrap();
    let (sender, challenge) = sender.on_corrections(&corrections, rng).unwrap();
    let (receiver, mut response) = receiver.on_challenge(&challenge).unwrap();
    spoil(&mut response);
    let (sender, trees) = sender.on_response(&response, rng)?;
    let (receiver, inquiry) = receiver.on_trees(&trees, rng)?;
    let (key, proof) = sender.on_inquiry(&inquiry)?;
    Ok((key, receiver.on_proof(&proof)?))
}

#[test]
fn real_correlations_of_both_widths_serve() {
    let mut rng = rng(12);
    for protocol in ALL {
        let instance = instance(&mut rng, 300);
        let setup = setup(protocol, instance.padded[0], instance.padded[1], 12);
        let session = setup.open(0, Security::SemiHonest).unwrap();
        let (key, vector) = correlate(&session, &|_| (), &mut rng).unwrap();
        let wide = vector.a.iter().any(|a| a.to_bytes()[8..] != [0; 8]);
        assert_eq!(wide, correlation_bits(&session).unwrap() == 128);
        let spread = vector.a.iter().filter(|a| **a != F128::ZERO).count();
        assert_eq!(spread, vector.a.len());
        let mine = hash(&setup, &instance.receiver);
        let theirs = hash(&setup, &instance.sender);
        let mut pair = Pair {
            receiver: Receiver::new(session.clone(), mine, vector, &mut rng).unwrap(),
            sender: Sender::new(session, theirs, key, &mut rng).unwrap(),
        };
        drive(&mut pair, &mut Honest).unwrap();
        let expected = ideal::intersection(&instance.receiver, &instance.sender);
        assert_eq!(pair.receiver.finish().unwrap().0, expected);
    }
}

#[test]
fn an_altered_half_of_the_noise_is_found() {
    let setup = setup(ALL[1], 10, 10, 13);
    let session = setup.open(0, Security::SemiHonest).unwrap();
    for at in [1, 8, 9, 800] {
        let spoil = |response: &mut Vec<u8>| {
            let place = response.len() - at;
            response[place] ^= 4;
        };
        let error = correlate(&session, &spoil, &mut rng(13)).err().unwrap();
        assert_eq!(error.fault(), Some(Fault::Inconsistent), "{at}");
    }
    let cut = |response: &mut Vec<u8>| response.truncate(response.len() - 8);
    let error = correlate(&session, &cut, &mut rng(13)).err().unwrap();
    assert_eq!(error.fault(), Some(Fault::Malformed));
}
