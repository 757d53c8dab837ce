//! The role that learns the intersection of all parts.

use primitives::Digest;
use rand_core::CryptoRng;

use super::Parts;
use crate::{
    Error, Fault, Refusal,
    psi::{
        Progress, Security, Set, Setup,
        frames::{body_of, faulty, kind},
        rr22,
        transcript::From,
    },
    vole::{self, Code, receiver as correlation},
};

enum Stage {
    Offered(vole::Receiver),
    Challenge(correlation::AwaitingChallenge),
    Trees(correlation::AwaitingTrees),
    Proof(correlation::AwaitingProof),
    Set(Box<rr22::Receiver>),
    End,
    Done,
    Over,
}

/// One joint set of the receiver's, driven as the roles of one part are.
///
/// `parts` gives the set of a part, in order, each once.
pub struct Receiver<S> {
    parts: Parts,
    sets: S,
    stage: Stage,
    ready: Option<Vec<u8>>,
    found: Vec<u32>,
}

impl<S: FnMut(u16) -> Result<Set, Error>> Receiver<S> {
    /// Begins, where the network asks for `least`. The generator seeds one of the
    /// role's own.
    ///
    /// # Errors
    /// Those of [`Setup::open`], and [`Refusal::ParameterRange`] for another
    /// protocol.
    pub fn new<R: CryptoRng + ?Sized>(
        setup: Setup,
        least: Security,
        code: Code,
        sets: S,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let mut role = Self {
            parts: Parts::new(setup, least, code, rng)?,
            sets,
            stage: Stage::Over,
            ready: None,
            found: Vec::new(),
        };
        role.begin()?;
        Ok(role)
    }

    /// Offers the part's correlation.
    fn begin(&mut self) -> Result<(), Error> {
        let (params, narrow) = self.parts.correlation()?;
        let session = *self.parts.session.digest().as_bytes();
        let rng = &mut self.parts.rng;
        let (role, offer) = if narrow {
            vole::Receiver::start_narrow(session, params, rng)?
        } else {
            vole::Receiver::start(session, params, rng)?
        };
        self.say(offer);
        self.stage = Stage::Offered(role);
        Ok(())
    }

    fn say(&mut self, message: Vec<u8>) {
        self.parts.transcript.absorb(From::Receiver, &message);
        self.ready = Some(message);
    }

    /// The next frame to send; `None` where the sender's turn has come.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`](crate::Trouble), after which the role is over.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if let Some(message) = self.ready.take() {
            return Ok(Some(message));
        }
        let Stage::Set(role) = &mut self.stage else {
            return Ok(None);
        };
        let frame = role.pull();
        if frame.is_err() {
            self.stage = Stage::Over;
        }
        frame
    }

    /// Takes one frame of the sender.
    ///
    /// # Errors
    /// [`Fault`], with the sender's bytes; whatever the source of sets says.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        let rng = &mut self.parts.rng;
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if !matches!(stage, Stage::Set(_) | Stage::End) {
            self.parts.transcript.absorb(From::Sender, bytes);
        }
        self.stage = match stage {
            Stage::Offered(role) => {
                let (role, message) = role.on_choices(bytes, rng)?;
                self.say(message);
                Stage::Challenge(role)
            }
            Stage::Challenge(role) => {
                let (role, message) = role.on_challenge(bytes)?;
                self.say(message);
                Stage::Trees(role)
            }
            Stage::Trees(role) => {
                let (role, message) = role.on_trees(bytes, rng)?;
                self.say(message);
                Stage::Proof(role)
            }
            Stage::Proof(role) => {
                let vector = role.on_proof(bytes)?;
                let set = (self.sets)(self.parts.at)?;
                let session = self.parts.session.clone();
                let role = rr22::Receiver::new(session, set, vector, &mut self.parts.rng)?;
                Stage::Set(Box::new(role))
            }
            Stage::Set(mut role) => match role.on_frame(bytes)? {
                Progress::More => Stage::Set(role),
                Progress::Complete => {
                    let (found, transcript) = role.finish()?;
                    self.found.extend(found);
                    let transcript = transcript.as_bytes();
                    self.parts.transcript.absorb(From::Sender, transcript);
                    if self.parts.next()? {
                        return self.begin().map(|()| Progress::More);
                    }
                    Stage::End
                }
            },
            Stage::End => {
                let theirs: [u8; 32] = body_of(bytes, kind::END)?;
                if theirs != self.parts.transcript.digest().0 {
                    return Err(faulty(Fault::TranscriptMismatch, bytes));
                }
                self.stage = Stage::Done;
                return Ok(Progress::Complete);
            }
            Stage::Done | Stage::Over => return Err(faulty(Fault::OutOfOrder, bytes)),
        };
        Ok(Progress::More)
    }

    /// How much is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        match &self.stage {
            Stage::Set(role) => self.parts.permille(role.permille()),
            _ => self.parts.permille(0),
        }
    }

    /// The places, ascending, of the rows whose items both have, and the digest of
    /// everything, to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the sender's last frame; [`Refusal::Aborted`]
    /// after an error.
    pub fn finish(mut self) -> Result<(Vec<u32>, Digest), Error> {
        match self.stage {
            Stage::Done => {
                self.found.sort_unstable();
                Ok((self.found, self.parts.transcript.digest()))
            }
            Stage::Over => Err(Refusal::Aborted.into()),
            _ => Err(Error::faulty(Fault::Truncated, &[])),
        }
    }
}
