//! One authenticated, encrypted connection: the handshake, its reader, and
//! sending with a limit on time.
//!
//! Why it exists: reading an encrypted record must not be interrupted halfway,
//! so a task of its own reads, and the connection's owner waits on a queue.
//!
//! *Invariants*
//! - Nothing reaches a [`Link`]'s owner that the peer's key did not vouch for.
//! - A link holds at most [`INBOX_FRAMES`] + 1 unread frames; then the peer waits.
//! - After a failed send or receive the link is only good for dropping.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::{Buf as _, Bytes};
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{
    ChaCha20Poly1305,
    ed25519::{PrivateKey, PublicKey as HandshakeKey},
    handshake::sake::Error as SakeError,
};
use commonware_runtime::{Clock, Network, SinkOf, Spawner, StreamOf};
use commonware_stream::{
    Upgrader as _,
    cups::{self, Cups},
    sake::{self, Sake},
};
use primitives::{NetworkId, PublicKey, SigningKey};
use rand_core::CryptoRng;
use tokio::sync::mpsc;

use crate::{
    error::{Error, Fault, Trouble},
    frame::{Frame, RECORD_BYTES_MAX, RECORD_OVERHEAD_BYTES, Reason},
    limits::{CLOCK_SKEW_MAX, GOODBYE_TIMEOUT, INBOX_FRAMES},
    status::Stats,
};

/// What a runtime must give to this crate.
pub trait Runtime: Spawner + Clock + Network + CryptoRng {}
impl<E: Spawner + Clock + Network + CryptoRng> Runtime for E {}

/// Prefix of the handshake's namespace; the network's id follows.
const NAMESPACE: &[u8] = b"cordon/net/1/";

/// A node's side of every handshake.
pub(crate) struct Identity {
    pub(crate) key: PublicKey,
    upgrade: Cups<Sake<PrivateKey>, ChaCha20Poly1305>,
    namespace: Vec<u8>,
    /// Bytes of one record's plaintext, either way.
    pub(crate) record_bytes_max: u32,
}

/// The two halves of a connection after its handshake.
pub(crate) struct Halves<E: Network> {
    pub(crate) sender: cups::Sender<ChaCha20Poly1305, SinkOf<E>>,
    pub(crate) receiver: cups::Receiver<ChaCha20Poly1305, StreamOf<E>>,
}

impl Identity {
    pub(crate) fn new(key: &SigningKey, network: &NetworkId) -> Self {
        let signer =
            PrivateKey::decode(Copying(&key.to_seed()[..])).expect("any 32 bytes are a seed");
        let handshake = Sake {
            signer,
            synchrony_bound: CLOCK_SKEW_MAX,
            max_handshake_age: CLOCK_SKEW_MAX,
            version: sake::Version::V1,
        };
        Self {
            key: key.public(),
            upgrade: Cups::new(handshake, cups::Version::V1),
            namespace: [NAMESPACE, network.0.as_bytes()].concat(),
            record_bytes_max: RECORD_BYTES_MAX,
        }
    }

    /// The dialer's handshake: proves that the other end is `peer`.
    pub(crate) async fn dial<E: Runtime>(
        &self,
        ctx: E,
        peer: PublicKey,
        sink: SinkOf<E>,
        stream: StreamOf<E>,
    ) -> Result<Halves<E>, Error> {
        let expected = HandshakeKey::decode(Copying(&peer.0[..])).map_err(|_| {
            let rule = "a member's key is a point of the curve".to_owned();
            Error::fault(peer, Fault::Handshake { rule })
        })?;
        let (sender, receiver) = self
            .upgrade
            .clone()
            .dial(
                ctx,
                &self.namespace,
                self.record_bytes_max,
                expected,
                stream,
                sink,
            )
            .await
            .map_err(|error| handshake_error(peer, error))?;
        Ok(Halves { sender, receiver })
    }

    /// The listener's handshake: learns who the other end is. `admits` hears
    /// the claimed key before any work is done for it.
    pub(crate) async fn listen<E: Runtime>(
        &self,
        ctx: E,
        admits: impl FnOnce(PublicKey) -> bool + Send,
        sink: SinkOf<E>,
        stream: StreamOf<E>,
    ) -> Result<(PublicKey, Halves<E>), sake::Error> {
        let (peer, sender, receiver) = self
            .upgrade
            .clone()
            .listen(
                ctx,
                &self.namespace,
                self.record_bytes_max,
                |claimed: HandshakeKey| {
                    let admitted = admits(public_key(&claimed));
                    async move { admitted }
                },
                stream,
                sink,
            )
            .await?;
        Ok((public_key(&peer), Halves { sender, receiver }))
    }
}

fn public_key(key: &HandshakeKey) -> PublicKey {
    let mut bytes = [0u8; 32];
    bytes.copy_from_slice(&key.encode());
    PublicKey(bytes)
}

fn handshake_error(peer: PublicKey, error: sake::Error) -> Error {
    match error {
        sake::Error::HandshakeError(SakeError::InvalidTimestamp(..)) => {
            Error::trouble(peer, Trouble::ClockSkew)
        }
        sake::Error::Frame(
            commonware_stream::utils::codec::Error::RecvFailed(_)
            | commonware_stream::utils::codec::Error::SendFailed(_),
        ) => Error::trouble(
            peer,
            Trouble::HandshakeClosed {
                retry: Duration::ZERO,
            },
        ),
        other => Error::fault(
            peer,
            Fault::Handshake {
                rule: other.to_string(),
            },
        ),
    }
}

/// A connection in use.
pub(crate) struct Link<E: Network> {
    ctx: E,
    peer: PublicKey,
    sender: cups::Sender<ChaCha20Poly1305, SinkOf<E>>,
    inbox: mpsc::Receiver<Result<Frame, Error>>,
    stats: Arc<Stats>,
    stall_timeout: Duration,
    heard: SystemTime,
}

impl<E: Runtime> Link<E> {
    /// Starts the reader, as a child of `ctx`: it ends with the owner.
    pub(crate) fn new(
        ctx: E,
        peer: PublicKey,
        halves: Halves<E>,
        stats: Arc<Stats>,
        stall_timeout: Duration,
    ) -> Self {
        let (outbox, inbox) = mpsc::channel(INBOX_FRAMES);
        let counted = stats.clone();
        ctx.child("reader")
            .spawn(move |ctx| read(ctx, peer, halves.receiver, outbox, counted));
        Self {
            heard: ctx.current(),
            ctx,
            peer,
            sender: halves.sender,
            inbox,
            stats,
            stall_timeout,
        }
    }

    /// The next frame. May be dropped and asked again.
    pub(crate) async fn next(&mut self) -> Result<Frame, Error> {
        let frame = self.inbox.recv().await.unwrap_or(Err(self.cut()))?;
        self.heard = self.ctx.current();
        Ok(frame)
    }

    /// Sends one frame. Once begun, it has to end or the link is lost.
    pub(crate) async fn send(&mut self, frame: Frame) -> Result<(), Error> {
        let record = frame.encode();
        self.stats.sent(record.remaining() + RECORD_OVERHEAD_BYTES);
        let stalled = self.ctx.sleep(self.stall_timeout);
        tokio::select! { biased;
            sent = self.sender.send(record) => sent.map_err(|error| match error {
                cups::Error::SendFailed(commonware_runtime::Error::Timeout) => self.stalled(),
                _ => self.cut(),
            }),
            () = stalled => Err(self.stalled()),
        }
    }

    /// How long ago the peer last showed life.
    pub(crate) fn quiet(&self) -> Duration {
        self.ctx
            .current()
            .duration_since(self.heard)
            .unwrap_or(Duration::MAX)
    }

    /// Says goodbye and waits shortly for the peer to hang up, so that nothing
    /// on its way is lost.
    pub(crate) async fn close(mut self, reason: Reason) {
        let patience = self.ctx.sleep(GOODBYE_TIMEOUT);
        let farewell = async {
            if self.send(Frame::Close(reason)).await.is_ok() {
                while self.next().await.is_ok() {}
            }
        };
        tokio::select! { biased;
            () = farewell => {}
            () = patience => {}
        }
    }

    fn cut(&self) -> Error {
        Error::trouble(self.peer, Trouble::Cut)
    }

    fn stalled(&self) -> Error {
        Error::trouble(self.peer, Trouble::Stalled)
    }
}

async fn read<E: Runtime>(
    ctx: E,
    peer: PublicKey,
    mut receiver: cups::Receiver<ChaCha20Poly1305, StreamOf<E>>,
    outbox: mpsc::Sender<Result<Frame, Error>>,
    stats: Arc<Stats>,
) {
    loop {
        let frame = match receiver.recv().await {
            Ok(record) => {
                let record = Bytes::from(record.coalesce());
                stats.received(record.len() + RECORD_OVERHEAD_BYTES, ctx.current());
                Frame::decode(record).map_err(|fault| Error::fault(peer, fault))
            }
            Err(error) => Err(receive_error(peer, error)),
        };
        let last = frame.is_err();
        if outbox.send(frame).await.is_err() || last {
            return;
        }
    }
}

fn receive_error(peer: PublicKey, error: cups::Error) -> Error {
    match error {
        cups::Error::RecvTooLarge(_) => Error::fault(
            peer,
            Fault::Framing {
                rule: "a record has at most 1 MiB and a head",
                evidence: Vec::new(),
            },
        ),
        cups::Error::OpenFailed => Error::fault(
            peer,
            Fault::Framing {
                rule: "a record opens under the connection's key",
                evidence: Vec::new(),
            },
        ),
        _ => Error::trouble(peer, Trouble::Cut),
    }
}
