//! The rows that two sets have in common, as shares that nobody can read.
//!
//! Why it exists: a question that goes on from a join, such as a sum over those who
//! stand in both tables, must not open the join. Three parties' shares
//! ([`crate::shares`]) can sort two tables together ([`crate::joint`]); here the
//! two owners find out themselves which rows meet, and only one bit a row is left
//! to be compared by the three.
//!
//! Source: Rindal and Schoppmann, *VOLE-PSI* (Eurocrypt 2021, eprint 2021/266),
//! §5, circuit-PSI, with the store of eprint 2022/320; its frame is Pinkas,
//! Schneider, Tkachenko and Yanai, *Efficient Circuit-based PSI with Linear
//! Communication* (Eurocrypt 2019, eprint 2019/241).
//!
//! ```text
//! receiver: set Y                                sender: set X with payload d(x)
//! each y in one of its three bins                each x in all three of its bins
//! a point (y, j) for each bin j                  r_j, s_j ← random for each bin j
//!                the function of `psi::rr22`
//! F(y, j)              ◀─────────▶               F(x, j) of all points
//!                      ◀── store ──              P: (x, j) ↦ F(x, j) + (r_j, d(x) + s_j)
//! (r'_j, s'_j) = F(y, j) + P(y, j)
//!                      ◀── end ──                transcript
//!
//! ── shares of r', s' ──▶  three parties  ◀── shares of r, s ──
//!                          found = (r = r')      payload = found · (s + s')
//! ```
//! Where the sender has the `y` of bin `j`, `r'_j = r_j` and `s'_j + s_j = d(y)`;
//! elsewhere `r'_j` and `s'_j` are random. The rows of the result are the bins: the
//! receiver knows which of its items stands in which, and shares what it likes of
//! them beside ([`Receiver::finish`]).
//!
//! # Why three parties compare, and not two
//! The papers let the two owners compare `r` and `r'` by GMW. 64 bits are 63 products
//! of bits a bin, two random oblivious transfers each: 56 million for 2^18 items,
//! which our VOLE would deliver in about twenty CPU seconds, whatever a circuit does
//! with them. Three parties with replicated shares do a product of bits for three bits on the wire
//! and no transfer at all, every network has a third institution, and what comes
//! after a join, [`crate::joint`]'s questions, is computed by the same three. The
//! price: two of the three in league see everything, as with all of
//! [`crate::shares`], while two parties alone would trust nobody.
//!
//! # Adversary
//! Semi-honest owners; in the second half, that of [`crate::shares`]. A malicious
//! *receiver* can test as many points as the store of its vector has room for
//! ([`points_bound`]), and learns nothing of how they end. A malicious *sender* can
//! program an item in one of its three bins and not in the others: then whether it
//! is found depends on the receiver's other items, which no ideal function allows.
//! That is why the protocol is [`Security::SemiHonest`](super::Security) and a
//! network that asks for more refuses it: there [`crate::joint`] joins by sorting.
//!
//! *Leaks by design*: the padded sizes. Nothing else, to anybody, before the three
//! parties open something.
//!
//! # Parameters
//! `⌈1.7·n⌉` bins for `n` items of the receiver, at least 512. That some items have
//! no place is then less likely than 2^-40: by the union bound over all sets of
//! `k + 1` items whose bins are among `k`, which a test computes. The usual 1.27
//! rests on measurements. `r` has 64 bits: two differing values are equal in some bin with a
//! chance of `bins·2^-64`, under 2^-40 for every size that is allowed.
//!
//! # Deviations
//! - More bins; see above.
//! - Bins come from the items' own digests, which are the run's, without a seed.
//! - An item's place is found by shortest paths of moves, not by a random walk.
//! - The function is the malicious one, so that a receiver gets no more points than
//!   the bound.
//!
//! # Cost
//! An item with equal sets: 36 bytes to the sender, `30 + 30·words` back (a store of
//! three points an item), then 82 bytes for each of the `2 + 2·words` shared
//! columns, which any owner can give to any three parties, and among these
//! `41 + 41·words`.
//!
//! *Not here*: sharing the receiver's own columns ([`crate::shares::input`]); names
//! of the joined rows.

mod bins;
mod join;
mod receiver;
mod sender;

pub use join::{Half, Joined, join};
pub use receiver::{Receiver, Rows};
pub use sender::Sender;

use super::{Protocol, Session, function::Shape};
use crate::{Error, Refusal, okvs::Params};

/// Correlations of 128 bits that a session needs.
///
/// # Errors
/// [`Refusal::ParameterRange`] for a session of another protocol, or sizes beyond
/// the limits.
pub fn correlations(session: &Session) -> Result<usize, Error> {
    shape(session).map(|shape| shape.function.columns())
}

/// Rows of the result.
///
/// # Errors
/// As [`correlations`].
pub fn rows(session: &Session) -> Result<usize, Error> {
    shape(session).map(|shape| shape.bins)
}

/// The most points that a receiver can test, whatever it does, but for a chance of
/// 2^-40, where it asks the oracles 2^80 times. See [`crate::okvs`].
///
/// # Errors
/// As [`correlations`].
pub fn points_bound(session: &Session) -> Result<usize, Error> {
    let bound = shape(session)?.function.params.points_bound(128, 80);
    bound.ok_or_else(|| Refusal::ParameterRange.into())
}

/// The sizes of a session.
struct Sizes {
    function: Shape,
    bins: usize,
    /// Points of the sender's store.
    points: usize,
    words: usize,
}

fn shape(session: &Session) -> Result<Sizes, Error> {
    let Protocol::Circuit { words } = session.protocol else {
        return Err(Refusal::ParameterRange.into());
    };
    let bins = bins::count(session.receiver_items);
    let points = bins::CHOICES * session.sender_items;
    // Refused here rather than when the store is due.
    Params::new(points)?;
    Ok(Sizes {
        function: Shape::full(bins)?,
        bins,
        points,
        words: usize::from(words),
    })
}

/// Calls a function that is generic in how many words a value has, one more than
/// the payload's.
macro_rules! by_width {
    ($words:expr, $call:ident ( $($argument:expr),* )) => {
        match $words {
            0 => $call::<1>($($argument),*),
            1 => $call::<2>($($argument),*),
            2 => $call::<3>($($argument),*),
            3 => $call::<4>($($argument),*),
            _ => $call::<5>($($argument),*),
        }
    };
}
use by_width;
