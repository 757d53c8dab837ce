//! What a pivot or a closer shows the counter, over all parts.
//!
//! Why it exists: an entry's tag says whether the other has the item, and nothing of
//! the item, so the two lists of tags are all that a count needs.
//!
//! ```text
//! holder  ── agreed: part ──▶           for each part, once its transcripts were compared
//!         ◀── ready ──                  the counter takes one list after the other
//!         ── tags, ascending ──▶ ── end ──▶
//! ```
//! *Invariants*
//! - No tag leaves before every part is done.
//! - Tags of all parts are sorted together: which part an item is in is a hash of the
//!   item, and none of the counter's business.

use primitives::Digest;
use zeroize::Zeroizing;

use super::{
    Addressed, Link, Place, Setup,
    list::Outgoing,
    lists::{self, digest, room, settle, take},
    setup::Counting,
    unexpected,
};
use crate::{
    Error, Fault, Refusal, Trouble,
    psi::{
        Progress,
        frames::{body_of, fixed, kind},
    },
};

enum Phase {
    /// Parts are computed.
    Parts(Zeroizing<Vec<u128>>),
    /// The counter's word is due.
    Waiting(Outgoing),
    Showing(Outgoing),
    Done,
    Over,
}

/// One holder's link to the counter.
pub struct Showing {
    setup: Setup,
    counting: Counting,
    side: usize,
    link: Link,
    phase: Phase,
    /// Parts that are done, and that the counter was told of.
    parts: u16,
    told: u16,
    shown: Option<Digest>,
}

impl Showing {
    /// Begins at the pivot's place or the closer's.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] at another place, or for a setup without a counter
    /// or that does not fit; [`Trouble::Storage`] where memory does not suffice.
    pub fn new(setup: &Setup, place: Place) -> Result<Self, Error> {
        let counting = setup.counting()?;
        let side = counting.side(place)?;
        Ok(Self {
            setup: setup.clone(),
            link: Link::under(&counting.link(side), place, counting.counter),
            phase: Phase::Parts(room(counting.total(side))?),
            counting,
            side,
            parts: 0,
            told: 0,
            shown: None,
        })
    }

    /// Takes the entries of the next part, as its role ended with them.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for entries of another size, or a part too many;
    /// [`Trouble::Unlucky`] where two items have one tag, which happens to nobody.
    pub fn part(&mut self, entries: &[u8]) -> Result<(), Error> {
        let bytes = self.counting.items[self.side] * lists::entry_bytes(&self.setup)?[self.side];
        let Phase::Parts(tags) = &mut self.phase else {
            return Err(Refusal::ParameterRange.into());
        };
        if entries.len() != bytes {
            return Err(Refusal::ParameterRange.into());
        }
        take(&self.setup, self.side, self.parts, entries, tags)?;
        self.parts += 1;
        if self.parts == self.counting.parts
            && let Phase::Parts(tags) = std::mem::replace(&mut self.phase, Phase::Over)
        {
            let tags = settle(tags).ok_or(Trouble::Unlucky)?;
            self.shown = Some(digest(&self.counting, self.side, &tags));
            self.phase = Phase::Waiting(Outgoing::of_tags(tags));
        }
        Ok(())
    }

    /// The next frame to send to the counter; `None` where it is others' turn.
    pub fn pull(&mut self) -> Option<Addressed> {
        if self.told < self.parts {
            let part = self.told.to_be_bytes();
            self.told += 1;
            return Some(self.link.send(fixed(kind::AGREED, &[&part])));
        }
        let Phase::Showing(tags) = &mut self.phase else {
            return None;
        };
        Some(match tags.pull() {
            Some(frame) => self.link.send(frame),
            None => {
                self.phase = Phase::Done;
                self.link.end()
            }
        })
    }

    /// Takes the counter's word.
    ///
    /// # Errors
    /// [`Fault`], with the counter's bytes.
    pub fn on_frame(&mut self, from: Place, bytes: &[u8]) -> Result<Progress, Error> {
        let waits = matches!(self.phase, Phase::Waiting(_)) && self.told == self.parts;
        if from != self.link.peer || !waits {
            return Err(unexpected(bytes));
        }
        let []: [u8; 0] = body_of(bytes, kind::READY)?;
        if let Phase::Waiting(tags) = std::mem::replace(&mut self.phase, Phase::Over) {
            self.link.took(bytes);
            self.phase = Phase::Showing(tags);
        }
        Ok(Progress::More)
    }

    /// Whether everything was shown.
    #[must_use]
    pub fn done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// The digest of the tags, which whoever has the list can compute, and the
    /// counter's place with that of what was exchanged with it, to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame was given out.
    pub fn finish(self) -> Result<(Digest, (Place, Digest)), Error> {
        match self.shown {
            Some(shown) if self.done() => Ok((shown, self.link.finish()?)),
            _ => Err(Error::faulty(Fault::Truncated, &[])),
        }
    }
}
