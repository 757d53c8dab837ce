//! The way of a final block into the ledger.

use std::sync::Arc;

use commonware_cryptography::{Digested, Digestible as _};
use commonware_utils::Acknowledgement as _;
use tokio::sync::mpsc;

use crate::app::Delivery;
use crate::block::Block;
use crate::core::{Core, Keep, Outgoing};
use crate::error::Trouble;
use crate::leg::Leg;
use crate::notice::Notice;
use crate::witness;

/// Takes final blocks in order until the ledger stops; tells `turned` of each new leg.
pub(crate) async fn run(
    core: Arc<Core>,
    mut deliveries: mpsc::UnboundedReceiver<Delivery>,
    turned: mpsc::UnboundedSender<Arc<Leg>>,
) {
    while let Some((block, acknowledgement)) = deliveries.recv().await {
        let height = core.chain().last().header.height;
        if block.inner().header.height > height {
            match finalise(&core, &block) {
                Ok(Some(leg)) => {
                    let _ = turned.send(leg);
                }
                Ok(None) => {}
                Err(trouble) => {
                    core.stop(trouble);
                    // Unacknowledged, so that a mended program finds the block again.
                    std::future::pending::<()>().await;
                }
            }
        }
        acknowledgement.acknowledge();
    }
    core.stop(Trouble::Stopped);
}

/// Makes one block final here. Returns the leg that begins after it, if one does.
pub(crate) fn finalise(core: &Core, block: &Digested<Block>) -> Result<Option<Arc<Leg>>, Trouble> {
    let inner = block.inner_shared();
    let (finalised, size) = {
        let mut chain = core.chain();
        let finalised = chain.finalise(&inner, block.digest())?;
        (finalised, chain.log().size())
    };
    settle_records(core, &inner, finalised.first_index);
    core.remember_block(Arc::clone(&inner));
    let leg = core.legs.current().ok_or(Trouble::Stopped)?;
    if !inner.records.is_empty() {
        cosign(core, &inner, &leg);
    }
    let next = if (inner.header.height + 1).is_multiple_of(core.leg_blocks) {
        let asked = finalised.tip.state.members();
        let turned = core.legs.turn(&leg, asked, block.digest());
        let turned = turned.map_err(|error| Trouble::Diverged {
            height: inner.header.height,
            detail: error.to_string(),
        })?;
        Some(turned)
    } else {
        None
    };
    core.grown.send_replace(size);
    core.stir();
    Ok(next)
}

fn settle_records(core: &Core, block: &Block, first_index: u64) {
    {
        let mut pool = core.pool();
        for leaf in &block.leaves {
            pool.remove(leaf);
        }
    }
    {
        let mut checked = core.checked();
        for leaf in &block.leaves {
            checked.remove(leaf);
        }
    }
    for (index, leaf) in (first_index..).zip(&block.leaves) {
        core.placed(leaf, index);
        let _ = core.keep.send(Keep::Done(*leaf));
    }
}

fn cosign(core: &Core, block: &Block, leg: &Leg) {
    let (size, root) = (block.header.log_size, block.header.log_root);
    let time_s = core.now_ms() / 1_000;
    let mine = core.cosigner().advance(size, root, &leg.membership, time_s);
    match mine {
        Ok(Some(cosignature)) => {
            core.send(Outgoing::Notice(
                None,
                Notice::Cosigned {
                    size,
                    root,
                    cosignature,
                },
            ));
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "a checkpoint can't be cosigned"),
    }
    let strays = core.cosigner().take_strays();
    for (size, stray) in strays {
        witness::contrary(core, size, stray);
    }
    announce(core);
}

/// Tells everybody who waits for a checkpoint that there may be a newer one.
pub(crate) fn announce(core: &Core) {
    core.release();
    let size = core
        .cosigner()
        .latest()
        .map_or(0, |signed| signed.checkpoint().size());
    core.signed.send_if_modified(|known| {
        let newer = *known != size;
        *known = size;
        newer
    });
}
