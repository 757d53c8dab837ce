//! The join into shares, to the three parties' opened rows.

use std::collections::BTreeMap;

use mpc::{
    Error,
    psi::{
        Protocol, Security,
        circuit::{Receiver, Sender, correlations, join},
    },
    shares::Party,
    vole,
};
use primitives::Digest;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

/// One random instance: every party plays both owners alike, and its own part of
/// the three.
pub(crate) fn instance(party: &mut Party<'_>, seed: u64) -> Result<(), Error> {
    let mut rng = StdRng::seed_from_u64(seed);
    let rng = &mut rng;
    let [mine, theirs] = super::two_sets(rng, 20);
    let padded = [&mine, &theirs].map(|set| set.len() + super::size(rng, 12));
    let words = rng.random_range(0..=4);
    let payload: Vec<Vec<u64>> = (0..words)
        .map(|_| theirs.iter().map(|_| rng.next_u64()).collect())
        .collect();
    let setup = super::setup(Protocol::Circuit { words }, padded, seed);
    let session = setup.open(0, Security::SemiHonest)?;
    let (key, vector) = vole::ideal::deal(correlations(&session)?, rng);
    let sets = [&mine, &theirs].map(|set| super::hash(&setup, set));
    let [receivers, senders] = sets;
    let mut receiver = Receiver::new(&session, receivers, vector, rng)?;
    let mut sender = Sender::new(&session, senders, &payload, key, rng)?;
    loop {
        let mut quiet = true;
        while let Some(frame) = sender.pull()? {
            receiver.on_frame(&frame)?;
            quiet = false;
        }
        while let Some(frame) = receiver.pull()? {
            sender.on_frame(&frame)?;
            quiet = false;
        }
        if quiet {
            break;
        }
    }
    let rows = receiver.finish()?;
    let (half, transcript) = sender.finish()?;
    assert_eq!(rows.transcript, transcript, "seed {seed}");
    let of_three = Digest::plain(b"instances");
    let receivers = rows.half.share_as_receiver(&session, &of_three, rng)?;
    let senders = half.share_as_sender(&session, &of_three, rng)?;
    let me = party.index();
    let joined = join(party, &session, &of_three, &receivers[me], &senders[me])?;
    let found = party.open_words(&joined.found.to_words())?;
    let opened = super::open_all(party, &joined.payload)?;
    // The sender's first row of each item.
    let mut due = BTreeMap::new();
    for (row, item) in theirs.iter().enumerate() {
        due.entry(item).or_insert(row);
    }
    let mut seen = 0;
    for (bin, place) in rows.places.iter().enumerate() {
        let row = place.and_then(|place| due.get(&mine[place as usize]));
        assert_eq!(found[bin], u64::from(row.is_some()), "seed {seed}");
        for (column, plain) in opened.iter().zip(&payload) {
            assert_eq!(column[bin], row.map_or(0, |row| plain[*row]), "seed {seed}");
        }
        seen += usize::from(place.is_some());
    }
    let distinct: std::collections::BTreeSet<&Vec<u8>> = mine.iter().collect();
    assert_eq!(seen, distinct.len(), "seed {seed}");
    Ok(())
}
