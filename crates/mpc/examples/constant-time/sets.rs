//! Joint sets: keys, blinds, correlations and values are secret; the items are their
//! holder's own and steer its sorting (`psi/set.rs`, `okvs.rs`), which two parts show.

use mpc::{
    field::F128,
    okvs::{Decoder, Params, Rows, encode_bin},
    psi::{
        Item, Items, Protocol, Security, Session, Set, Setup, cardinality, circuit, diffie_hellman,
        rr22,
    },
    vole,
};
use primitives::{Digest, InstitutionId};

use crate::{
    lookups::scope,
    mark::{Secrets, hidden, secret, sent, shown},
};

const MINE: std::ops::Range<u32> = 0..9;
const THEIRS: std::ops::Range<u32> = 6..14;

fn setup(protocol: Protocol) -> Setup {
    let digest = Digest::plain(b"constant time");
    Setup {
        scope: scope(),
        step: 0,
        parts: 1,
        receiver: InstitutionId::new("police").unwrap(),
        sender: InstitutionId::new("telecom_a").unwrap(),
        receiver_snapshot: digest,
        sender_snapshot: digest,
        receiver_items: 12,
        sender_items: 12,
        protocol,
    }
}

fn open(setup: &Setup) -> Session {
    setup.open(0, Security::SemiHonest).unwrap()
}

fn set(setup: &Setup, numbers: std::ops::Range<u32>) -> Set {
    let items = Items::of(setup);
    let hashed: Vec<Item> = numbers
        .map(|n| items.item(&n.to_be_bytes()).unwrap())
        .collect();
    Set::new(&hashed)
}

/// Carries frames both ways until neither role has any.
macro_rules! drive {
    ($receiver:ident, $pull_receiver:expr, $sender:ident, $pull_sender:expr) => {
        loop {
            let mut quiet = true;
            while let Some(frame) = $pull_sender(&mut $sender) {
                $receiver.on_frame(&sent(frame)).unwrap();
                quiet = false;
            }
            while let Some(frame) = $pull_receiver(&mut $receiver) {
                $sender.on_frame(&sent(frame)).unwrap();
                quiet = false;
            }
            if quiet {
                break;
            }
        }
    };
}

fn places(found: &[u32]) {
    let mut found = found.to_vec();
    found.sort_unstable();
    assert_eq!(found, [6, 7, 8]);
}

pub(crate) fn diffie_hellman() {
    use diffie_hellman::{Receiver, Sender};
    let mut rng = Secrets::new(6);
    let setup = setup(Protocol::DiffieHellman);
    let session = open(&setup);
    let mut receiver = Receiver::new(session.clone(), set(&setup, MINE), &mut rng).unwrap();
    let mut sender = Sender::new(session, set(&setup, THEIRS), &mut rng).unwrap();
    drive!(receiver, Receiver::pull, sender, Sender::pull);
    places(&receiver.finish().unwrap().0);
}

pub(crate) fn cardinality() {
    use cardinality::{Receiver, Sender};
    let mut rng = Secrets::new(7);
    let setup = setup(Protocol::Cardinality);
    let session = open(&setup);
    let mut receiver = Receiver::new(session.clone(), set(&setup, MINE), &mut rng).unwrap();
    let mut sender = Sender::new(session, set(&setup, THEIRS), &mut rng).unwrap();
    let pull_sender = |sender: &mut Sender| sender.pull().unwrap();
    drive!(receiver, Receiver::pull, sender, pull_sender);
    let counted = receiver.finish().unwrap();
    assert_eq!(counted.count(), 3);
    let (ask, asked) = counted.ask().unwrap();
    let (_, gate) = sender.finish().unwrap();
    let (identities, _) = gate.open(&sent(ask), 5).unwrap();
    places(&asked.on_frame(&sent(identities)).unwrap().0);
}

/// A correlation as the ideal VOLE gives it, secret.
fn correlation(len: usize, bits: u32) -> (vole::SenderOutput, vole::ReceiverOutput) {
    let mut rng = Secrets::new(8);
    if bits == 64 {
        vole::ideal::deal_narrow(len, &mut rng)
    } else {
        vole::ideal::deal(len, &mut rng)
    }
}

pub(crate) fn rr22_malicious() {
    fast(Security::Malicious);
}

pub(crate) fn rr22_semi_honest() {
    fast(Security::SemiHonest);
}

fn fast(security: Security) {
    use rr22::{Receiver, Sender};
    let mut rng = Secrets::new(9);
    let setup = setup(Protocol::Rr22(security));
    let session = open(&setup);
    let len = rr22::correlations(&session).unwrap();
    let (key, vector) = correlation(len, rr22::correlation_bits(&session).unwrap());
    let mine = set(&setup, MINE);
    let mut receiver = Receiver::new(session.clone(), mine, vector, &mut rng).unwrap();
    let mut sender = Sender::new(session, set(&setup, THEIRS), key, &mut rng).unwrap();
    let pull_receiver = |receiver: &mut Receiver| receiver.pull().unwrap();
    drive!(receiver, pull_receiver, sender, Sender::pull);
    places(&receiver.finish().unwrap().0);
}

pub(crate) fn circuit() {
    use circuit::{Receiver, Sender};
    let mut rng = Secrets::new(10);
    let setup = setup(Protocol::Circuit { words: 1 });
    let session = open(&setup);
    let (key, vector) = correlation(circuit::correlations(&session).unwrap(), 128);
    let mut payload: Vec<u64> = THEIRS.map(u64::from).collect();
    secret(&mut payload);
    let mine = set(&setup, MINE);
    let mut receiver = Receiver::new(&session, mine, vector, &mut rng).unwrap();
    let theirs = set(&setup, THEIRS);
    let mut sender = Sender::new(&session, theirs, &[payload], key, &mut rng).unwrap();
    let pull_receiver = |receiver: &mut Receiver| receiver.pull().unwrap();
    let pull_sender = |sender: &mut Sender| sender.pull().unwrap();
    drive!(receiver, pull_receiver, sender, pull_sender);
    let rows = receiver.finish().unwrap();
    let (half, _) = sender.finish().unwrap();
    let of_three = Digest::plain(b"three");
    rows.half
        .share_as_receiver(&session, &of_three, &mut rng)
        .unwrap();
    half.share_as_sender(&session, &of_three, &mut rng).unwrap();
}

/// A store of secret values under public keys, made and read.
pub(crate) fn store() {
    filled(false);
}

/// The same under secret keys.
pub(crate) fn store_of_secret_keys() {
    filled(true);
}

fn filled(secret_keys: bool) {
    let mut rng = Secrets::new(11);
    let params = Params::new(100).unwrap();
    let rows = Rows::new(params, &[5; 16]);
    let mut keys: Vec<[u8; 16]> = (0..100).map(|n: u128| n.to_be_bytes()).collect();
    if secret_keys {
        secret(&mut keys);
    }
    let values: Vec<F128> = keys.iter().map(|_| F128::random(&mut rng)).collect();
    let mut made = Vec::new();
    rows.rows(&keys, &mut made);
    let columns = encode_bin(&params, &made, &values, &mut rng).unwrap();
    let decoder = Decoder::new(&params, &columns);
    for (row, value) in made.iter().zip(&values) {
        let difference = decoder.value(row) + *value;
        assert_eq!(shown(difference.to_bytes()), [0; 16]);
    }
}

pub(crate) fn a_set_of_secret_items() {
    let items = Items::of(&setup(Protocol::DiffieHellman));
    let hashed: Vec<Item> = MINE
        .map(|n| items.item(&hidden(n.to_be_bytes())).unwrap())
        .collect();
    assert_eq!(Set::new(&hashed).len(), 9);
}
