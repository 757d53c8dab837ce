//! A joint set of any size: part after part, correlations included.
//!
//! Why it exists: a caller should hand over frames and its table's parts, and not
//! know in which order correlations, parts and transcripts follow one another.
//!
//! ```text
//! for each part:   crate::vole under the part's session, its eight messages
//!                  rr22 of the part
//! at the end:      ◀── end ──   the digest of all of it
//! ```
//! A part's set is asked for when its correlation is there, and given up with the
//! part: memory is that of the largest part, whatever the number of parts.
//!
//! *Invariants*
//! - Nothing is given out before the digests over all parts were compared.
//! - After an error the role is over, whatever it is given.
//!
//! *Not here*: where parts come from ([`Spill`](crate::psi::Spill) is one place).

mod receiver;
mod sender;

use chacha20::ChaCha20Rng;
use rand_core::CryptoRng;

pub use receiver::Receiver;
pub use sender::Sender;

use super::{correlation_bits, correlations};
use crate::{
    Error,
    psi::{Security, Session, Setup, generator, transcript::Transcript},
    vole::{Code, Params},
};

/// How far the parts have come.
struct Parts {
    setup: Setup,
    least: Security,
    code: Code,
    /// The part that is being computed, and its session.
    at: u16,
    session: Session,
    transcript: Transcript,
    rng: ChaCha20Rng,
}

impl Parts {
    fn new<R: CryptoRng + ?Sized>(
        setup: Setup,
        least: Security,
        code: Code,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let whole = setup.digest();
        Ok(Self {
            session: setup.open(0, least)?,
            setup,
            least,
            code,
            at: 0,
            transcript: Transcript::new(&whole),
            rng: generator(&whole, rng),
        })
    }

    /// What the correlation of the part must be, and whether it is a narrow one.
    fn correlation(&self) -> Result<(Params, bool), Error> {
        let params = Params {
            len: correlations(&self.session)?,
            code: self.code,
        };
        Ok((params, correlation_bits(&self.session)? == 64))
    }

    /// Goes on to the next part, if there is one.
    fn next(&mut self) -> Result<bool, Error> {
        self.at += 1;
        if self.at == self.setup.parts {
            return Ok(false);
        }
        self.session = self.setup.open(self.at, self.least)?;
        Ok(true)
    }

    /// How much is done, of 1,000, where the part's own session says `within`.
    fn permille(&self, within: usize) -> usize {
        (usize::from(self.at) * 1000 + within) / usize::from(self.setup.parts.max(1))
    }
}
