//! How many items two sets share; which ones, only on a second step that the
//! sender allows.
//!
//! Why it exists: a warrant for a scene may open identities only where there are
//! few of them. The count has to come first, and with it nothing else.
//!
//! Source: the Diffie–Hellman form of Huberman, Franklin and Hogg (EC 1999) with
//! the shuffle of De Cristofaro, Gasti and Tsudik (CANS 2012) for the count; the
//! second step is our own, and is a permutation opened in part under a proof.
//!
//! ```text
//! receiver: set Y, secret a                     sender: set X, secret b
//!                          ◀── key ──           B = b·G
//! a·H(y), shuffled         ── masked ──▶
//!                          ◀── twice ──         b·(a·H(y)), shuffled by π
//!                          ◀── own ──           b·H(x), ascending
//! count = |{twice} ∩ {a·(b·H(x))}|
//! transcripts equal?       ◀── end ──           transcript
//!
//! which places of `twice` match                                 second step, gated
//!                          ── ask ──▶           at most `cap` places?
//! the proof holds?         ◀── identities ──    where π put them from, with a proof
//! ```
//! The places in `twice` are those of a permutation that the sender drew, so a
//! match there names nobody. The proof ([`crate::oprf`]'s) shows that the entry
//! at each opened place is `b` times the receiver's own masked item.
//!
//! *Adversary*: parties that follow the first step and are curious about what they
//! see, under the decisional Diffie–Hellman assumption with a random oracle into
//! the group. **A receiver that masks its items with different scalars in the
//! first step learns which ones match without the second**, and no check of the
//! sender can see it; that is why the protocol counts as
//! [`Security::SemiHonest`](super::Security) and a network that asks for more
//! refuses it. Beyond that: elements are checked and may not repeat; the cap holds
//! against any receiver that followed the first step; a sender can state a wrong
//! count, and can't open a wrong identity.
//!
//! *Leaks by design*: the padded sizes; to the receiver the count, then the
//! identities that were opened; to the sender, on the second step, how many were
//! asked for. Which of the receiver's masked items they were says nothing to it,
//! since the receiver had shuffled them.
//!
//! *Not here*: a count that withstands a malicious receiver and costs about as
//! little. It needs proofs of one scalar over hidden points, or circuit-PSI.
//!
//! *Cost*: 64 bytes an item of the receiver and 32 of the sender; two
//! multiplications an item in all for each side's own and the other's list.

mod opening;
mod receiver;
mod sender;

pub use opening::{Asked, Counted, Gate};
pub use receiver::Receiver;
pub use sender::Sender;

use rand_core::CryptoRng;

use super::{Protocol, Session, order};
use crate::{Error, Refusal, secrecy};

fn check(session: &Session) -> Result<(), Error> {
    if session.protocol == Protocol::Cardinality {
        Ok(())
    } else {
        Err(Refusal::ParameterRange.into())
    }
}

/// A uniformly random permutation of `count` places: places sorted by 128 random
/// bits each, of which two are equal once in 2^80 times.
fn permutation<R: CryptoRng + ?Sized>(count: usize, rng: &mut R) -> Vec<u32> {
    let mut keyed: Vec<(u64, u64, u32)> = (0u32..)
        .take(count)
        .map(|place| (rng.next_u64(), rng.next_u64(), place))
        .collect();
    secrecy::conceded(&mut keyed, "orders that are drawn by sorting, and followed");
    order::by_uniform(&mut keyed, |(key, _, _)| *key);
    keyed.into_iter().map(|(_, _, place)| place).collect()
}
