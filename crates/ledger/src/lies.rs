//! What a captured validator says to one node and not to others: simulations only.
//!
//! *Invariants*: sends bytes as any peer could; this node's own state stays as it is.

use primitives::{Digest, PublicKey};
use proof::{Cosignature, SignedCheckpoint};

use crate::core::Outgoing;
use crate::ledger::Ledger;
use crate::notice::Notice;

impl Ledger {
    /// Tells one peer that the log of `size` records has `root`, by this word.
    pub fn lie(&self, to: PublicKey, (size, root): (u64, Digest), word: Cosignature) {
        self.say(
            to,
            Notice::Cosigned {
                size,
                root,
                cosignature: word,
            },
        );
    }

    /// Gives one peer a checkpoint, whoever signed it.
    pub fn pretend(&self, to: PublicKey, signed: SignedCheckpoint) {
        self.say(to, Notice::Signed(signed));
    }

    fn say(&self, to: PublicKey, notice: Notice) {
        self.core.send(Outgoing::Notice(Some(to), notice));
    }
}
