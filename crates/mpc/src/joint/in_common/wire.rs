//! Frames of any length over a channel that wants to know each length before.
//!
//! Why it exists: a part's frames have many lengths, which their roles check; a
//! channel gives exactly as many bytes as it is asked for.
//!
//! *Invariants*
//! - A length is at most [`FRAME_MAX`], so a peer can't make this side wait for, or
//!   hold, more than the largest frame that may be due.
//! - Every frame is absorbed, with its direction.

use primitives::Digest;

use crate::{
    Error, Fault, domains,
    limits::{FRAME_BYTES_MAX, VOLE_MESSAGE_BYTES_MAX},
    psi::{
        frames::{body_of, faulty, fixed, kind},
        transcript::{From, Transcript},
    },
    shares::{Channel, Neighbour},
};

/// Bytes of the largest frame of any role.
const FRAME_MAX: usize = if FRAME_BYTES_MAX > VOLE_MESSAGE_BYTES_MAX {
    FRAME_BYTES_MAX
} else {
    VOLE_MESSAGE_BYTES_MAX
};
/// Bytes of a length.
const LENGTH: usize = 4;
/// Version and kind, which every frame has.
const FRAME_MIN: usize = 2;

/// What was exchanged with one neighbour.
struct Link {
    digest: Digest,
    /// Whether this side has the lower seat.
    lower: bool,
    sent: Transcript,
    received: Transcript,
}

impl Link {
    fn new(setup: &Digest, me: usize, peer: usize) -> Self {
        let ends = [me.min(peer), me.max(peer)].map(|seat| u8::try_from(seat).unwrap_or(u8::MAX));
        let digest = Digest::of(domains::JOINT_FRAMES, &[setup.as_bytes(), &ends]);
        Self {
            digest,
            lower: me < peer,
            sent: Transcript::new(&digest),
            received: Transcript::new(&digest),
        }
    }

    /// Both directions, the lower seat's frames first: the same at both ends once
    /// all frames have arrived.
    fn digest(&self) -> Digest {
        let (sent, received) = (self.sent.digest(), self.received.digest());
        let (low, high) = if self.lower {
            (sent, received)
        } else {
            (received, sent)
        };
        let parts = [self.digest.as_bytes(), low.as_bytes(), high.as_bytes()];
        Digest::of(domains::JOINT_FRAMES, &parts.map(|part| &part[..]))
    }

    /// Whose direction a frame of this side is, or of the peer.
    fn from(&self, mine: bool) -> From {
        if mine == self.lower {
            From::Receiver
        } else {
            From::Sender
        }
    }
}

/// Both neighbours of a seat.
pub(super) struct Wire<'a> {
    channel: &'a mut dyn Channel,
    links: [Link; 2],
}

impl<'a> Wire<'a> {
    pub(super) fn new(channel: &'a mut dyn Channel, setup: &Digest, seat: usize) -> Self {
        Self {
            channel,
            links: [
                Link::new(setup, seat, (seat + 2) % 3),
                Link::new(setup, seat, (seat + 1) % 3),
            ],
        }
    }

    /// Hands a frame over.
    ///
    /// # Errors
    /// [`Trouble::PeerLost`](crate::Trouble::PeerLost).
    pub(super) fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> Result<(), Error> {
        let link = &mut self.links[to as usize];
        let from = link.from(true);
        link.sent.absorb(from, &frame);
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.channel.send(to, length.to_be_bytes().to_vec())?;
        Ok(self.channel.send(to, frame)?)
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for a length that no frame has, with the length;
    /// [`Trouble::PeerLost`](crate::Trouble::PeerLost).
    pub(super) fn receive(&mut self, from: Neighbour) -> Result<Vec<u8>, Error> {
        let head = self.channel.receive(from, LENGTH)?;
        let length: Option<[u8; LENGTH]> = head[..].try_into().ok();
        let length = length.map(|length| u32::from_be_bytes(length) as usize);
        let Some(length) = length.filter(|length| (FRAME_MIN..=FRAME_MAX).contains(length)) else {
            return Err(faulty(Fault::Malformed, &head));
        };
        let frame = self.channel.receive(from, length)?;
        if frame.len() != length {
            return Err(faulty(Fault::Malformed, &frame));
        }
        let link = &mut self.links[from as usize];
        let direction = link.from(false);
        link.received.absorb(direction, &frame);
        Ok(frame)
    }

    /// Compares all frames so far with a neighbour; the first to speak ends first.
    ///
    /// # Errors
    /// [`Fault::TranscriptMismatch`], with the neighbour's frame.
    pub(super) fn agree(&mut self, with: Neighbour, first: bool) -> Result<(), Error> {
        if first {
            self.end(with)?;
        }
        let due = self.links[with as usize].digest();
        let frame = self.receive(with)?;
        let theirs: [u8; 32] = body_of(&frame, kind::END)?;
        if theirs != due.0 {
            return Err(faulty(Fault::TranscriptMismatch, &frame));
        }
        if first { Ok(()) } else { self.end(with) }
    }

    fn end(&mut self, to: Neighbour) -> Result<(), Error> {
        let digest = self.links[to as usize].digest();
        self.send(to, fixed(kind::END, &[&digest.0]))
    }

    /// The digests of all that was exchanged with the previous seat and the next.
    pub(super) fn frames(&self) -> [Digest; 2] {
        [0, 1].map(|neighbour: usize| self.links[neighbour].digest())
    }
}
