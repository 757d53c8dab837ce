//! The receiver that holds no set.
//!
//! Why it exists: whoever asks, such as the police, seldom has a set of its own.
//!
//! *Invariants*: nothing is given out before the transcripts of both the pivot and
//! the closer were compared.

use primitives::Digest;

use super::{
    Link, Names, Place, Session,
    list::{CLOSER_ENTRY, Incoming, Keys, pivot_entry},
    unexpected,
};
use crate::{
    Error, Refusal,
    psi::{Progress, frames::kind},
};

/// What one of the two has sent.
struct Voucher {
    link: Link,
    list: Incoming,
}

/// One session of the opener. It sends nothing.
pub struct Opener {
    keys: Keys,
    vouchers: [Voucher; 2],
}

/// What an opener ends with.
pub struct Opened {
    /// The names, ascending, of the items that all holders have.
    pub names: Names,
    /// The digests of what the pivot and the closer sent, to be signed.
    pub transcripts: Vec<(Place, Digest)>,
}

impl Opener {
    /// Begins a session whose receiver holds no set and learns the answer at once:
    /// after a count, lists come from the caller ([`super::lists::open`]).
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for another session.
    pub fn new(session: &Session) -> Result<Self, Error> {
        let (Some(closer), None) = (session.closer(), session.counter()) else {
            return Err(Refusal::ParameterRange.into());
        };
        let (me, pivot) = (session.opener(), session.pivot());
        let voucher = |peer: Place, kind: u8, size: usize| Voucher {
            link: Link::new(session, me, peer),
            list: Incoming::new(kind, size, session.size(peer)),
        };
        Ok(Self {
            keys: Keys::new(session),
            vouchers: [
                voucher(pivot, kind::SEALED, pivot_entry(session)),
                voucher(closer, kind::KEYS, CLOSER_ENTRY),
            ],
        })
    }

    /// Takes one frame of the pivot or the closer. After an error the session is
    /// over.
    ///
    /// # Errors
    /// [`Fault`](crate::Fault), with the party's bytes.
    pub fn on_frame(&mut self, from: Place, bytes: &[u8]) -> Result<Progress, Error> {
        let sender = self.vouchers.iter_mut().find(|one| one.link.peer == from);
        let Some(voucher) = sender.filter(|one| !one.link.heard) else {
            return Err(unexpected(bytes));
        };
        if voucher.list.done() {
            voucher.link.on_end(bytes)?;
        } else {
            voucher.list.on_frame(bytes)?;
            voucher.link.took(bytes);
        }
        let complete = self.vouchers.iter().all(|one| one.link.heard);
        Ok(if complete {
            Progress::Complete
        } else {
            Progress::More
        })
    }

    /// What it ends with.
    ///
    /// # Errors
    /// [`Fault::Truncated`](crate::Fault) before the end of either.
    pub fn finish(self) -> Result<Opened, Error> {
        let mut transcripts = Vec::new();
        for voucher in &self.vouchers {
            transcripts.push(voucher.link.finish()?);
        }
        let [pivot, closer] = &self.vouchers;
        Ok(Opened {
            names: self.keys.open(&pivot.list.bytes, &closer.list.bytes),
            transcripts,
        })
    }
}
