//! What two to ten parties' sets have in common, for one of them or for somebody
//! who holds no set.
//!
//! Why it exists: a warrant asks who stands in the telecom's set *and* the power
//! company's *and* the water works', and the police, who ask, have no set. What
//! two of the sets share says more than the answer, so it may not come up on the
//! way.
//!
//! Source: Nevo, Trieu and Yanai, *Simple, Fast Malicious Multiparty Private Set
//! Intersection* (CCS 2021, eprint 2021/1221), in the case where all but one may be
//! corrupt; its frame is Kolesnikov, Matania, Pinkas, Rosulek and Trieu,
//! *Practical Multi-party Private Set Intersection from Symmetric-Key Techniques*
//! (CCS 2017): an oblivious programmable function towards one party, the *pivot*,
//! over shares of zero. The function is that of [`super::rr22`] in its malicious
//! form, the programming a store ([`crate::okvs`]). `docs/formats/mpc-psi.md` has
//! every byte. That the answer can go to somebody without a set, and be counted first,
//! is our own; below.
//!
//! # A receiver that holds a set
//! It is the pivot; all others are *givers*. Givers `i` and `j` hold a key `k_ij`;
//! `s_i(x)` is the sum of the random oracle at `(k_ij, x)` over all `j`, so that all
//! givers' `s_i(x)` add up to zero.
//! ```text
//! giver i                                        giver j
//!               ── half ──▶   ◀── half ──        k_ij = H(halves)
//!               ── end ──▶    ◀── end ──         of the halves
//!
//! pivot: set X_0                                 giver i: set X_i
//!               ◀── commit ──
//!               ── begin, vector ──▶             F_i(x) of all x
//! F_i(x)        ◀── open ──
//!               ◀── store: r, values ──          P_i: store of x ↦ F_i(x) + s_i(x)
//!               ◀── end ──                       transcript
//! x is in all sets where Σ F_i(x) + P_i(x) = 0
//! ```
//!
//! # A receiver that holds none
//! It is the *opener*. One holder is the pivot, another the *closer*, the rest are
//! givers. Keys `k_ij` are those of the closer and the givers. The closer
//! evaluates `F_c` for the pivot and sends no store; and it asks the pivot for a
//! function `G` of the pivot's.
//! ```text
//! pivot: W(x) = F_c(x) + Σ F_i(x) + P_i(x)       closer: W(x) = F_c(x) + s_c(x)
//!               both: K(x), V(x) = two hashes of W(x), G(x)
//! pivot  ── H'(K(x)), (V(x), x) under K(x) ──▶   opener: knows x where a closer's
//! closer ── K(x), H''(V(x), x) ──▶               K(x) opens a pivot's entry
//! ```
//! They are the same on both sides where every holder has `x`. `V(x)` reaches the
//! opener only in an entry that opens; without it the closer's hash of `x` tells
//! nothing to an opener that tries all possible `x`. Neither side alone can compute
//! the two: the pivot gets `F_c`, the closer `G`, on as many items as its
//! set has and no more, which is what stands between the opener, when it is in
//! league with one of them, and a guess at the other's whole set.
//!
//! # The count first
//! The setup may name a *counter*, who holds no set and is not the opener. Pivot and
//! closer then keep their lists until the caller's gate lets them go, and show the
//! counter the tags of all their entries, dummies too ([`Showing`], [`Counter`]):
//! ```text
//! pivot  ── H'(K(x)) of all parts, ascending ──▶   counter: how many are equal
//! closer ── H'(K(x)) of all parts, ascending ──▶
//!             ── may the answer open? the caller decides by the count ──
//! pivot  ── list ──▶   opener: compares the tags of both with what the counter was
//! closer ── list ──▶   shown, then opens as above ([`lists`])
//! ```
//! `K(x)` is a hash of `W(x)` and `G(x)`, and the counter has neither, so tags are
//! random values to it, equal where all holders have the item: its view is two lists
//! of random values with so many equal ones, which sizes and the count alone give.
//! Tags of all parts are sorted together, since the part that an item falls into is a
//! hash of the item.
//!
//! A pivot's entry begins with its tag, and a closer's key gives its tag, so whoever
//! has a list computes what the counter must have been shown, and digests of it can
//! be signed and compared before anything opens. With that, no more names open than
//! an honest counter counted. Fewer open where pivot or closer gave an entry that
//! does not open, or another name than the other: somebody has spoiled the answer, and
//! the protocol does not say who.
//!
//! The opener gets both lists whole. One that asked for the entries that the counter
//! found equal would tell the closer which of its items are in all sets.
//!
//! # Adversary
//! Malicious, static, with abort; channels between any two are authenticated and
//! confidential. Random oracles are SHA-256, under labels of the session.
//!
//! *A receiver that holds a set*: any parties but one may be corrupt and in league.
//! They learn, if the receiver is among them, what is in all honest sets and among
//! the items that they asked **every** honest giver for; otherwise nothing. For:
//! - The pivot's questions to each honest giver are found in what it asks of `F_i`.
//!   Where some honest giver lacks `x`, or was not asked for it, the other honest
//!   givers' `F_i(x) + P_i(x)` are independent random values: each pair of them has a
//!   key that nobody else knows, so that only the sum over all of them is fixed.
//!   An honest store is a uniformly random vector but for those sums.
//! - An honest pivot sends nothing that depends on its set but vectors that hide it,
//!   and no abort depends on it: every store is as good as another.
//! - For an honest pivot to accept `x`, whoever is corrupt must have asked the
//!   oracles at `F_i`, or at a key shared with an honest giver, for that `x`: which
//!   is how a simulator knows their set. Together they may put in as many items as
//!   their stores have room for ([`Session::points_bound`] for each of them).
//!
//! *A receiver that holds none*: the same, **but for one league**: a corrupt pivot
//! and a corrupt closer together know `K(x)`, and with it the answer, which only the
//! opener should know. They learn no more than the answer. Where there are two
//! holders, that league has nobody to spy on. Where there are more, a plan should
//! name as pivot and closer two institutions that are not expected to conspire; they
//! are the first two in the setup's order.
//! Every other league learns the answer if the opener is in it, and otherwise
//! nothing: the opener's view is two lists of random values with equal ones where
//! all have the item; a league of the opener and the pivot can compute both for
//! what it asked the closer and all honest givers for, one of the opener and the
//! closer for what it asked the pivot for.
//! An item that only one of pivot and closer vouches for, or under another name, is
//! left out and not complained of, since a complaint would say who has it.
//!
//! *With a counter*, before lists are given out:
//! - The counter, alone or in league with givers or the opener, learns the count, since
//!   a tag needs both `F_c` and `G`. But the count is its word: one that states too
//!   small a number opens the gate, and an opener in league then has the answer though
//!   it is above the cap. It is the answer and no more; whoever else has both lists can
//!   count again.
//! - In league with the pivot, or with the closer, the counter learns which of the
//!   items that this holder asked the other for are in all honest sets, before the
//!   gate and whatever it says. A plan should name as counter somebody who is not
//!   expected to conspire with either, such as a court.
//! - Pivot and closer in league know the answer, as without a counter, and need no gate.
//! - A pivot or a closer alone can lower the count, by tags that its list does not have,
//!   which is found when the list arrives; it can't raise it above what its items have
//!   in common with all honest sets, since it knows no tag of the other's but of items
//!   that it asked the other for ([`Session::points_bound`]).
//! - The opener, in league with givers, with the pivot or with the closer, learns nothing
//!   before the gate, since nobody honest has sent it anything, and after it what it
//!   learns without a counter.
//!
//! *Leaks by design*: the padded sizes of all sets, to all. To the receiver the
//! answer, to a counter the count. That a session was aborted. Any party can leave
//! items out, and end it.
//!
//! # Deviations
//! - The pivot holds no share of zero: it sends nothing that one would protect.
//! - Shares of zero are always those of all givers (the paper's servers are all of
//!   them); a smaller number would save work, and withstand fewer corrupt parties.
//! - The programmed function is the oblivious function's output plus a store read at
//!   the item, with rows of the giver's own seed, as in the papers; the store's
//!   values have 128 bits, so that a sum is zero by chance once in 2^128 items.
//! - Keys are hashed from halves of both sides and the session; both ends compare
//!   digests before they use one.
//! - The opener, the counter, `G`, and both lists are ours, not the papers'.
//!
//! # Cost
//! Each giver: 41 bytes an item with equal sets, half of them the store's. The
//! closer: 41, and 32 to the opener; the pivot 33 and the name to the opener. Each of
//! the two 16 to a counter, which hashes them once. The pivot works as a receiver of
//! RR22 for each other holder, at the same time, and holds a correlation for each.
//!
//! *Not here*: correlations ([`crate::vole`], one for each of
//! [`Session::functions`]); the count first for a receiver that holds a set; the gate,
//! and the lists' way through it; that a set is the committed one. Constant time of
//! sorting entries by their keys, which are random: what times a holder's caches may
//! learn their order.

mod closer;
mod counter;
mod giver;
mod list;
pub mod lists;
mod opener;
mod pivot;
mod setup;
mod showing;
mod zero;

pub use closer::{Closer, Vouched};
pub use counter::{Counted, Counter};
pub use giver::Giver;
pub use opener::{Opened, Opener};
pub use pivot::{Found, Pivot};
pub use setup::{Function, Holder, Place, Seat, Session, Setup};
pub use showing::Showing;

use primitives::Digest;

use super::{
    frames::{body_of, faulty, fixed, kind},
    transcript::{From, Transcript},
};
use crate::{Error, Fault, Refusal};

/// A frame and the party that it is for.
pub type Addressed = (Place, Vec<u8>);

/// Names: a holder's, by the place that it gave a set's item at; or the answer.
pub type Names = Vec<Vec<u8>>;

/// One link between two parties: its frames in their order.
struct Link {
    peer: Place,
    /// How this side's frames are absorbed, and the peer's.
    mine: From,
    theirs: From,
    transcript: Transcript,
    /// The digest that the last end stated.
    closed: Option<Digest>,
    /// Whether this side's end was sent, and the peer's was right.
    said: bool,
    heard: bool,
}

impl Link {
    fn new(session: &Session, me: Place, peer: Place) -> Self {
        let link = session.link(me.min(peer), me.max(peer));
        Self::under(&link, me, peer)
    }

    /// Under the digest of the link.
    fn under(link: &Digest, me: Place, peer: Place) -> Self {
        let (mine, theirs) = if me < peer {
            (From::Receiver, From::Sender)
        } else {
            (From::Sender, From::Receiver)
        };
        Self {
            peer,
            mine,
            theirs,
            transcript: Transcript::new(link),
            closed: None,
            said: false,
            heard: false,
        }
    }

    /// Absorbs a frame of this side and addresses it.
    fn send(&mut self, frame: Vec<u8>) -> Addressed {
        self.transcript.absorb(self.mine, &frame);
        (self.peer, frame)
    }

    /// Absorbs a frame of the peer, which was taken.
    fn took(&mut self, frame: &[u8]) {
        self.transcript.absorb(self.theirs, frame);
    }

    /// The frame that states the digest of all before it.
    fn end(&mut self) -> Addressed {
        let digest = self.transcript.digest();
        self.closed = Some(digest);
        self.said = true;
        self.send(fixed(kind::END, &[&digest.0]))
    }

    /// Takes the peer's end.
    fn on_end(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let theirs: [u8; 32] = body_of(bytes, kind::END)?;
        let digest = self.transcript.digest();
        if theirs != digest.0 {
            return Err(faulty(Fault::TranscriptMismatch, bytes));
        }
        self.closed = Some(digest);
        self.heard = true;
        self.took(bytes);
        Ok(())
    }

    /// The peer and the digest of what was exchanged with it.
    fn finish(&self) -> Result<(Place, Digest), Error> {
        let truncated = || Error::faulty(Fault::Truncated, &[]);
        Ok((self.peer, self.closed.ok_or_else(truncated)?))
    }
}

/// A frame from somebody who has nothing to say to this role.
fn unexpected(bytes: &[u8]) -> Error {
    faulty(Fault::OutOfOrder, bytes)
}

/// Refuses a role at another seat than its own.
fn seated(session: &Session, place: Place, seat: Seat) -> Result<(), Error> {
    if session.seat(place) == Some(seat) {
        Ok(())
    } else {
        Err(Refusal::ParameterRange.into())
    }
}
