//! What a party needs of the world: two ordered, authenticated channels.
//!
//! Why it exists: protocols here have many rounds and run as straight code; a
//! node implements this trait over its links, tests and benches over memory
//! ([`super::memory`]).

use crate::Trouble;

/// One of a party's two neighbours on the ring of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Neighbour {
    /// Party `i - 1`.
    Previous,
    /// Party `i + 1`.
    Next,
}

/// Ordered, authenticated, confidential frames to and from both neighbours.
///
/// An implementation bounds time itself and gives [`Trouble::PeerLost`] when a
/// peer is gone or too slow; it may block. Between any two neighbours at most
/// two frames are under way in each direction.
pub trait Channel {
    /// Hands a frame over.
    ///
    /// # Errors
    /// [`Trouble::PeerLost`].
    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> Result<(), Trouble>;

    /// Waits for the next frame. `bytes` is the only length that will be
    /// accepted; an implementation should hold no more than that.
    ///
    /// # Errors
    /// [`Trouble::PeerLost`].
    fn receive(&mut self, from: Neighbour, bytes: usize) -> Result<Vec<u8>, Trouble>;
}
