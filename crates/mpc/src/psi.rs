//! Joint sets: what two parties' sets have in common, and nothing else of them.
//!
//! Why it exists: no institution alone knows who stands in the telecom's set and
//! in the power company's. Here one party learns it. Between two, four
//! protocols take the same sets and the same [`Setup`]; [`many`] has a setup of its
//! own:
//!
//! | protocol | adversary | cost at a million items a side |
//! |---|---|---|
//! | [`rr22`] | malicious, or semi-honest and shorter | seconds; 37 or 21 bytes an item |
//! | [`diffie_hellman`] | malicious | minutes; 80 bytes an item |
//! | [`many`], of 2 to 10 sets | malicious; for a receiver without a set, the count first where agreed | seconds; 41 bytes an item and holder |
//! | [`cardinality`] | semi-honest receiver; the count first, identities on a second step | minutes; 96 bytes an item |
//! | [`circuit`] | semi-honest; the joined rows as shares of three parties, which open what they like | seconds; 96 bytes an item, and 330 to share, with one word of payload |
//!
//! A network that asks for malicious security refuses the rest
//! ([`Setup::open`]). Large sets are cut into parts by hash, padded to one size
//! ([`parts`]); each part is a session of its own, so memory is that of one part.
//! [`Spill`] cuts a table into parts as it is read, on disk where it is large, and
//! [`rr22::whole`] runs all parts, correlations included, as one role.
//!
//! Roles are driven: a caller sends the frames that a role gives out and hands in
//! those that arrive. Between any two it may report progress (`permille`), or drop
//! the role to cancel.
//!
//! *Leaks by design*: each party learns the padded size of the other's set, the
//! number of parts, and that a session was aborted. What more, each protocol says.
//!
//! *Invariants*
//! - Nothing that a party learns is given out before both transcripts are the same.
//! - A session's secrets are drawn for it and die with it. Generators given by the
//!   caller are hedged with the session's digest.
//!
//! *Not here*: that a party's set is the one it committed to. A party that swaps
//! its set before it hashes it is not caught by any of these protocols; the
//! snapshots' commitments are bound into the session, so that a court can ask for
//! the set and compute the session again.
//!
//! ```
//! # use mpc::{lookup::Scope, psi::{*, rr22::{Receiver, Sender}}, vole};
//! # use primitives::{Digest, InstitutionId, NetworkId};
//! # use rand::{SeedableRng, rngs::StdRng};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut rng = StdRng::seed_from_u64(1);
//! # let digest = Digest::of("example", &[]);
//! # let scope = Scope { network: NetworkId(digest), warrant: digest, plan: digest, run: digest };
//! let setup = Setup {
//!     scope,
//!     step: 0,
//!     parts: 1,
//!     receiver: InstitutionId::new("police")?,
//!     sender: InstitutionId::new("telecom_a")?,
//!     receiver_snapshot: digest,
//!     sender_snapshot: digest,
//!     receiver_items: 100,
//!     sender_items: 200,
//!     protocol: Protocol::Rr22(Security::Malicious),
//! };
//! let items = Items::of(&setup);
//! let hash = |selectors: &[&str]| -> Result<Set, mpc::Error> {
//!     Ok(Set::new(&items.all(selectors.iter().map(|selector| selector.as_bytes()))?))
//! };
//! let session = setup.open(0, Security::Malicious)?;
//! // A dealer stands in for the oblivious evaluation of `mpc::vole`.
//! let (key, vector) = vole::ideal::deal(rr22::correlations(&session)?, &mut rng);
//! let mine = hash(&["phone:1", "phone:2", "phone:3"])?;
//! let mut receiver = Receiver::new(session.clone(), mine, vector, &mut rng)?;
//! let mut sender = Sender::new(session, hash(&["phone:3", "phone:9"])?, key, &mut rng)?;
//! loop {
//!     while let Some(frame) = sender.pull() {
//!         receiver.on_frame(&frame)?;
//!     }
//!     let mut quiet = true;
//!     while let Some(frame) = receiver.pull()? {
//!         sender.on_frame(&frame)?;
//!         quiet = false;
//!     }
//!     if quiet {
//!         break;
//!     }
//! }
//! let (places, transcript) = receiver.finish()?;
//! assert_eq!(places, [2]);
//! assert_eq!(transcript, sender.finish()?);
//! # Ok(())
//! # }
//! ```

pub mod cardinality;
pub mod circuit;
pub mod diffie_hellman;
mod elements;
pub(crate) mod frames;
mod function;
pub mod many;
mod matching;
mod order;
pub mod rr22;
mod set;
mod setup;
mod spill;
mod store;
pub(crate) mod transcript;

pub use set::{Item, Items, Set};
pub use setup::{Protocol, Security, Session, Setup, part_size, parts};
pub use spill::Spill;

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use primitives::Digest;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Refusal, domains};

#[cfg(test)]
mod ideal;
#[cfg(test)]
mod tests;

/// What a role needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The session goes on.
    More,
    /// The role has what it came for.
    Complete,
}

/// What every role begins with: a set of at most `size` items, padded to it, and the
/// role's own generator.
fn begin<R: CryptoRng + ?Sized>(
    session: &Digest,
    mut set: Set,
    size: usize,
    rng: &mut R,
) -> Result<(Set, ChaCha20Rng), Error> {
    if set.len() > size {
        return Err(Refusal::SetTooLarge.into());
    }
    let mut rng = generator(session, rng);
    set.pad(size, &mut rng);
    Ok((set, rng))
}

/// A role's own generator, seeded by the caller's and hashed with the session.
pub(crate) fn generator<R: CryptoRng + ?Sized>(session: &Digest, rng: &mut R) -> ChaCha20Rng {
    let mut drawn = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(&mut *drawn);
    let mut hasher = Sha256::new();
    hasher.update(domains::PSI_SEED);
    hasher.update(session.as_bytes());
    hasher.update(*drawn);
    let seed = Zeroizing::new(<[u8; 32]>::from(hasher.finalize()));
    ChaCha20Rng::from_seed(*seed)
}
