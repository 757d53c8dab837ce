//! Who learns how many items the answer has, before anything of it opens.
//!
//! Why it exists: whether an answer may open depends on how large it is, so somebody
//! must know that first, and had better know nothing else.
//!
//! *Invariants*
//! - It takes tags of pivot and closer, 16 bytes that are random to it, and counts
//!   those that both have. It holds no set, and asks nothing.
//! - No count before the transcripts with both were compared.
//! - One list is taken after the other, so that neither waits here unread.

use primitives::Digest;

use super::{
    Addressed, Link, Place, Setup,
    list::{Incoming, WORD},
    lists::digest,
    setup::Counting,
    unexpected,
};
use crate::{
    Error, Fault,
    psi::{
        Progress,
        frames::{body_of, faulty, fixed, kind},
    },
};

/// What one of the two has sent.
struct Voucher {
    link: Link,
    /// Parts that it has done.
    parts: u16,
    /// Whether it was told to begin.
    ready: bool,
    tags: Incoming,
}

/// One joint set of the counter, over all parts.
pub struct Counter {
    counting: Counting,
    vouchers: [Voucher; 2],
}

/// What a counter ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many items all holders have.
    pub rows: u64,
    /// What stands for the tags of the pivot and of the closer; see [`super::lists`].
    pub shown: [Digest; 2],
    /// The digests of what was exchanged with pivot and closer, to be signed.
    pub transcripts: [(Place, Digest); 2],
}

impl Counter {
    /// Begins.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`](crate::Refusal) for a setup without a counter, or
    /// that does not fit.
    pub fn new(setup: &Setup) -> Result<Self, Error> {
        let counting = setup.counting()?;
        let vouchers = [0, 1].map(|side| Voucher {
            link: Link::under(
                &counting.link(side),
                counting.counter,
                counting.vouchers[side],
            ),
            parts: 0,
            ready: false,
            tags: Incoming::of_tags(counting.total(side)),
        });
        Ok(Self { counting, vouchers })
    }

    /// The next frame to send; `None` where it is others' turn.
    pub fn pull(&mut self) -> Option<Addressed> {
        let parts = self.counting.parts;
        if self.vouchers.iter().any(|one| one.parts < parts) {
            return None;
        }
        let voucher = self.vouchers.iter_mut().find(|one| !one.link.heard)?;
        if voucher.ready {
            return None;
        }
        voucher.ready = true;
        Some(voucher.link.send(fixed(kind::READY, &[])))
    }

    /// Whose frame is due; `None` at the end.
    #[must_use]
    pub fn due(&self) -> Option<Place> {
        let [pivot, closer] = &self.vouchers;
        // The pivot's word on a part comes first, then the closer's.
        let next = if closer.parts < self.counting.parts {
            Some(if pivot.parts > closer.parts {
                closer
            } else {
                pivot
            })
        } else {
            self.vouchers.iter().find(|one| !one.link.heard)
        };
        next.map(|one| one.link.peer)
    }

    /// Takes one frame of the pivot or the closer. After an error the joint set is
    /// over.
    ///
    /// # Errors
    /// [`Fault`], with the party's bytes.
    pub fn on_frame(&mut self, from: Place, bytes: &[u8]) -> Result<Progress, Error> {
        let sender = self.vouchers.iter_mut().find(|one| one.link.peer == from);
        let Some(voucher) = sender.filter(|one| !one.link.heard) else {
            return Err(unexpected(bytes));
        };
        if voucher.parts < self.counting.parts {
            let part = u16::from_be_bytes(body_of(bytes, kind::AGREED)?);
            if part != voucher.parts {
                return Err(faulty(Fault::OutOfOrder, bytes));
            }
            voucher.parts += 1;
            voucher.link.took(bytes);
        } else if !voucher.ready {
            return Err(unexpected(bytes));
        } else if voucher.tags.done() {
            voucher.link.on_end(bytes)?;
        } else {
            voucher.tags.on_frame(bytes)?;
            voucher.link.took(bytes);
        }
        Ok(if self.due().is_none() {
            Progress::Complete
        } else {
            Progress::More
        })
    }

    /// How much is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let done = self.vouchers.iter().map(|one| {
            let parts = 900 * usize::from(one.parts) / usize::from(self.counting.parts.max(1));
            parts + if one.link.heard { 100 } else { 0 }
        });
        done.sum::<usize>() / 2
    }

    /// What it ends with.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the end of either.
    pub fn finish(self) -> Result<Counted, Error> {
        let [pivot, closer] = &self.vouchers;
        // An end is taken when it is due, and is none before all of the tags.
        if !pivot.link.heard || !closer.link.heard {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        let lists = [&pivot.tags.bytes, &closer.tags.bytes];
        Ok(Counted {
            rows: equal(lists[0], lists[1]),
            shown: [0, 1].map(|side| digest(&self.counting, side, lists[side])),
            transcripts: [pivot.link.finish()?, closer.link.finish()?],
        })
    }
}

/// How many words two strictly ascending lists have in common.
fn equal(a: &[u8], b: &[u8]) -> u64 {
    let (mut a, mut b) = (
        a.chunks_exact(WORD).peekable(),
        b.chunks_exact(WORD).peekable(),
    );
    let mut count = 0;
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let order = left.cmp(right);
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
        count += u64::from(order.is_eq());
    }
    count
}
