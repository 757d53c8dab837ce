//! Nodes that have ended to start again with new keys, in the order in which they did.

use std::sync::Mutex;

use tokio::sync::mpsc;

use super::lock;

/// A member, and which boot of its node has ended.
type Renewal = (usize, u16);

/// The queue of them.
pub(super) struct Renewals {
    sender: mpsc::UnboundedSender<Renewal>,
    receiver: Mutex<mpsc::UnboundedReceiver<Renewal>>,
}

impl Renewals {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender,
            receiver: Mutex::new(receiver),
        }
    }

    /// A node asks to be started again.
    pub(super) fn ask(&self, n: usize, boot: u16) {
        // The receiver lives as long as this.
        let _ = self.sender.send((n, boot));
    }

    /// Waits for the next.
    pub(super) async fn next(&self) -> Renewal {
        let next = std::future::poll_fn(|ctx| lock(&self.receiver).poll_recv(ctx)).await;
        next.expect("the sender lives as long as this")
    }
}
