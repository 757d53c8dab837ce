//! The role that learns nothing but the receiver's sizes.

use primitives::Digest;
use rand_core::CryptoRng;

use super::Parts;
use crate::{
    Error, Fault, Refusal,
    psi::{
        Progress, Security, Set, Setup,
        frames::{faulty, fixed, kind},
        rr22,
        transcript::From,
    },
    vole::{self, Code, SenderOutput, sender as correlation},
};

enum Stage {
    Offer(vole::Sender),
    Corrections(correlation::AwaitingCorrections),
    Response(correlation::AwaitingResponse),
    Inquiry(correlation::AwaitingInquiry),
    /// The proof is on its way; the part begins when it is out.
    Made(SenderOutput),
    Set(Box<rr22::Sender>),
    End,
    Done,
    Over,
}

/// One joint set of the sender's, driven as the roles of one part are.
///
/// `parts` gives the set of a part, in order, each once.
pub struct Sender<S> {
    parts: Parts,
    sets: S,
    stage: Stage,
    ready: Option<Vec<u8>>,
}

impl<S: FnMut(u16) -> Result<Set, Error>> Sender<S> {
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
        };
        role.begin()?;
        Ok(role)
    }

    /// Waits for the part's correlation.
    fn begin(&mut self) -> Result<(), Error> {
        let (params, narrow) = self.parts.correlation()?;
        let session = *self.parts.session.digest().as_bytes();
        self.stage = Stage::Offer(if narrow {
            vole::Sender::new_narrow(session, params)?
        } else {
            vole::Sender::new(session, params)?
        });
        Ok(())
    }

    fn say(&mut self, message: Vec<u8>) {
        self.parts.transcript.absorb(From::Sender, &message);
        self.ready = Some(message);
    }

    /// The next frame to send; `None` where the receiver's turn has come, or the
    /// joint set is over.
    ///
    /// # Errors
    /// Whatever the source of sets says, after which the role is over.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if let Some(message) = self.ready.take() {
            return Ok(Some(message));
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Made(key) => {
                let set = (self.sets)(self.parts.at)?;
                let session = self.parts.session.clone();
                let mut role = rr22::Sender::new(session, set, key, &mut self.parts.rng)?;
                let frame = role.pull();
                self.stage = Stage::Set(Box::new(role));
                Ok(frame)
            }
            Stage::Set(mut role) => {
                let frame = role.pull();
                self.stage = Stage::Set(role);
                self.end_part()?;
                Ok(frame)
            }
            Stage::End => {
                self.stage = Stage::Done;
                let digest = self.parts.transcript.digest();
                Ok(Some(fixed(kind::END, &[&digest.0])))
            }
            other => {
                self.stage = other;
                Ok(None)
            }
        }
    }

    /// Goes on to the next part where the last frame of this one was given out.
    fn end_part(&mut self) -> Result<(), Error> {
        let Stage::Set(role) = &self.stage else {
            return Ok(());
        };
        if !role.done() {
            return Ok(());
        }
        if let Stage::Set(role) = std::mem::replace(&mut self.stage, Stage::End) {
            let transcript = role.finish()?;
            self.parts.transcript.absorb(From::Sender, &transcript.0);
        }
        if self.parts.next()? {
            self.begin()?;
        }
        Ok(())
    }

    /// Takes one frame of the receiver.
    ///
    /// # Errors
    /// [`Fault`], with the receiver's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        let rng = &mut self.parts.rng;
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if !matches!(stage, Stage::Set(_)) {
            self.parts.transcript.absorb(From::Receiver, bytes);
        }
        self.stage = match stage {
            Stage::Offer(role) => {
                let (role, message) = role.on_offer(bytes, rng)?;
                self.say(message);
                Stage::Corrections(role)
            }
            Stage::Corrections(role) => {
                let (role, message) = role.on_corrections(bytes, rng)?;
                self.say(message);
                Stage::Response(role)
            }
            Stage::Response(role) => {
                let (role, message) = role.on_response(bytes, rng)?;
                self.say(message);
                Stage::Inquiry(role)
            }
            Stage::Inquiry(role) => {
                let (key, message) = role.on_inquiry(bytes)?;
                self.say(message);
                Stage::Made(key)
            }
            Stage::Set(mut role) => {
                role.on_frame(bytes)?;
                Stage::Set(role)
            }
            Stage::Made(_) | Stage::End | Stage::Done | Stage::Over => {
                return Err(faulty(Fault::OutOfOrder, bytes));
            }
        };
        Ok(Progress::More)
    }

    /// Whether the last frame was given out.
    #[must_use]
    pub fn done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// How much is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        match &self.stage {
            Stage::Set(role) => self.parts.permille(role.permille()),
            _ => self.parts.permille(0),
        }
    }

    /// The digest of everything, to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame was given out;
    /// [`Refusal::Aborted`] after an error.
    pub fn finish(self) -> Result<Digest, Error> {
        match self.stage {
            Stage::Done => Ok(self.parts.transcript.digest()),
            Stage::Over => Err(Refusal::Aborted.into()),
            _ => Err(Error::faulty(Fault::Truncated, &[])),
        }
    }
}
