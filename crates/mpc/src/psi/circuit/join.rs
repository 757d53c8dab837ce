//! The second half: three parties compare what the two owners hold.
//!
//! Why it exists: whether a bin's two values are equal is the only thing that the
//! owners can't find out without learning it.
//!
//! *Invariants*
//! - A row where nothing was found holds zeros, whatever the owners' values were.
//! - Nothing is opened here.

use primitives::Digest;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Session, rows, shape};
use crate::{
    Error, Refusal,
    shares::{
        Bits, Party, Words,
        input::{self, Binding},
    },
};

/// What one owner holds of every bin, to be shared: the value that is compared,
/// then the payload's words. Wiped when dropped.
pub struct Half(Zeroizing<Vec<Vec<u64>>>);

/// Which owner a half is of.
#[derive(Clone, Copy)]
enum Owner {
    Receiver,
    Sender,
}

impl Half {
    pub(super) fn new(columns: Vec<Vec<u64>>) -> Self {
        Self(Zeroizing::new(columns))
    }

    #[cfg(test)]
    pub(in crate::psi) fn columns(&self) -> &[Vec<u64>] {
        &self.0
    }

    /// Splits the receiver's half into the messages for parties 0, 1 and 2, one a
    /// column, in the session of the three.
    ///
    /// # Errors
    /// As [`input::share`]; [`Refusal::ShapeMismatch`] for a half of another session.
    pub fn share_as_receiver<R: CryptoRng>(
        &self,
        session: &Session,
        of_three: &Digest,
        rng: &mut R,
    ) -> Result<[Vec<Vec<u8>>; 3], Error> {
        self.share(session, of_three, Owner::Receiver, rng)
    }

    /// The same for the sender's half.
    ///
    /// # Errors
    /// As [`Half::share_as_receiver`].
    pub fn share_as_sender<R: CryptoRng>(
        &self,
        session: &Session,
        of_three: &Digest,
        rng: &mut R,
    ) -> Result<[Vec<Vec<u8>>; 3], Error> {
        self.share(session, of_three, Owner::Sender, rng)
    }

    fn share<R: CryptoRng>(
        &self,
        session: &Session,
        of_three: &Digest,
        owner: Owner,
        rng: &mut R,
    ) -> Result<[Vec<Vec<u8>>; 3], Error> {
        let bindings = bindings(session, of_three, owner)?;
        if bindings.len() != self.0.len() {
            return Err(Refusal::ShapeMismatch.into());
        }
        let mut messages = [const { Vec::new() }; 3];
        for (binding, column) in bindings.iter().zip(self.0.iter()) {
            let parts = input::share(binding, column, rng)?;
            for (to, message) in messages.iter_mut().zip(parts) {
                to.push(message);
            }
        }
        Ok(messages)
    }
}

/// What an owner's columns are bound to: the session of the three, that of the two,
/// and which side.
fn bindings(session: &Session, of_three: &Digest, owner: Owner) -> Result<Vec<Binding>, Error> {
    let sizes = shape(session)?;
    let side = match owner {
        Owner::Receiver => "receiver",
        Owner::Sender => "sender",
    };
    let binding = |word: usize| Binding {
        session: *of_three,
        owner: format!("{side} of {}", session.digest),
        column: format!("bins {word}"),
        rows: sizes.bins,
        width: u64::BITS,
    };
    Ok((0..=sizes.words).map(binding).collect())
}

/// The joined rows, as shares of three parties.
pub struct Joined {
    /// Where the sender has the receiver's item.
    pub found: Bits,
    /// The sender's words for it, zero where it was not found.
    pub payload: Vec<Words>,
}

/// The program of each of the three parties: takes both owners' messages for it and
/// ends with the joined rows, in the order of the receiver's bins.
///
/// # Errors
/// [`Refusal::ShapeMismatch`] for another number of messages; as
/// [`Party::receive_input`].
pub fn join(
    party: &mut Party<'_>,
    session: &Session,
    of_three: &Digest,
    receivers: &[Vec<u8>],
    senders: &[Vec<u8>],
) -> Result<Joined, Error> {
    let mut sides = Vec::new();
    for (owner, messages) in [(Owner::Receiver, receivers), (Owner::Sender, senders)] {
        let bindings = bindings(session, of_three, owner)?;
        if bindings.len() != messages.len() {
            return Err(Refusal::ShapeMismatch.into());
        }
        let mut columns = Vec::new();
        for (binding, message) in bindings.iter().zip(messages) {
            columns.push(party.receive_input(binding, message)?.to_bits());
        }
        sides.push(columns);
    }
    let (senders, receivers) = (sides.pop(), sides.pop());
    let pairs: Vec<(Bits, Bits)> = receivers
        .into_iter()
        .flatten()
        .zip(senders.into_iter().flatten())
        .collect();
    let Some(((mine, theirs), words)) = pairs.split_first() else {
        return Err(Refusal::ShapeMismatch.into());
    };
    let found = party.equal(mine, theirs)?;
    let nothing = party
        .public_words(&vec![0; rows(session)?], u64::BITS)
        .to_bits();
    let mut payload = Vec::new();
    for (mine, theirs) in words {
        let word = party.select(&found, &mine.xor(theirs)?, &nothing)?;
        payload.push(word.to_words());
    }
    Ok(Joined { found, payload })
}
