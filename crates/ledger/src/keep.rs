//! What a node accepted it keeps until it is final: a durable queue of its own records,
//! and the newest checkpoints.
//!
//! *Invariants*
//! - A record that this node accepted is offered again after a restart until it is final
//!   or refused.
//! - Nothing here is needed for safety: what is lost was acknowledged to nobody.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::metadata::{self, Metadata};
use commonware_storage::queue::{self, Queue, Reader};
use commonware_utils::sequence::U64;
use commonware_utils::{NZU16, NZU64, NZUsize};
use primitives::{Digest, cbor};
use proof::{SignedCheckpoint, leaf_hash};
use tokio::sync::mpsc;

use crate::chain::Offer;
use crate::core::{Core, Keep, Submission};
use crate::engine::Runtime;
use crate::error::{Error, Refusal, Trouble};
use crate::limits::{INTAKE_QUEUE_MAX, NOTICE_BYTES_MAX, RECORD_BYTES_MAX};
use crate::pool::Origin;

/// How long checkpoints may be newer in memory than on disk; each can be gathered again.
const CHECKPOINTS_EVERY: Duration = Duration::from_secs(1);
/// Done records after which the queue's head is cut off.
const PRUNE_AFTER: usize = 4_096;

type Records<E> = (Queue<E, Bytes>, Reader<E, Bytes>);

fn trouble(error: impl std::fmt::Display) -> Error {
    Trouble::Storage(error.to_string()).into()
}

/// Binds the storage folder to one network: the folder of another is refused.
///
/// # Errors
/// [`Refusal::OtherNetwork`], or storage failed.
pub(crate) async fn identify<E: Runtime>(
    context: &E,
    prefix: &str,
    genesis: &Digest,
) -> Result<(), Error> {
    let config = metadata::Config {
        partition: format!("{prefix}identity"),
        codec_config: ((0..=genesis.0.len()).into(), ()),
    };
    let opened = Metadata::init(context.child("identity"), config).await;
    let mut store: Checkpoints<E> = opened.map_err(trouble)?;
    match store.get(&U64::new(0)) {
        Some(known) if *known == genesis.0 => Ok(()),
        Some(_) => Err(Refusal::OtherNetwork.into()),
        None => {
            store.put(U64::new(0), genesis.0.to_vec());
            store.sync().await.map(drop).map_err(trouble)
        }
    }
}

/// Reads what was kept, offers it again, and keeps what is accepted from now on.
///
/// # Errors
/// Storage failed.
pub(crate) async fn restore<E: Runtime>(
    context: &E,
    core: &Arc<Core>,
    kept: mpsc::UnboundedReceiver<Keep>,
) -> Result<(), Error> {
    let checkpoints = open_checkpoints(context, core).await?;
    let records = open_records(context, core).await?;
    let shared = Arc::clone(core);
    context
        .child("checkpoints")
        .spawn(move |_| keep_checkpoints(shared, checkpoints));
    let shared = Arc::clone(core);
    context.child("accepted").spawn(move |_| async move {
        if let Err(error) = keep_records(records, kept).await {
            shared.stop(Trouble::Storage(error.to_string()));
        }
    });
    Ok(())
}

async fn open_records<E: Runtime>(context: &E, core: &Core) -> Result<Records<E>, Error> {
    let config = queue::Config {
        partition: core.partition("accepted"),
        items_per_section: NZU64!(4_096),
        compression: None,
        codec_config: (0..=RECORD_BYTES_MAX).into(),
        page_cache: CacheRef::new(NZU16!(4_084), NZUsize!(64)),
        write_buffer: NZUsize!(256 * 1024),
        replay_buffer: NZUsize!(1024 * 1024),
    };
    let opened = Queue::<E, Bytes>::init(context.child("accepted_queue"), config).await;
    let (queue, mut reader) = opened.map_err(trouble)?;
    let mut again = 0;
    while let Some((position, record)) = reader.try_recv().await.map_err(trouble)? {
        reader.ack(position).map_err(trouble)?;
        let leaf = leaf_hash(&record);
        if again < INTAKE_QUEUE_MAX && core.chain().find(&leaf).is_none() {
            let offer = Offer { leaf, record };
            let submission = Submission {
                offer,
                origin: Origin::Own,
                waiter: None,
            };
            if core.intake.try_send(submission).is_ok() {
                again += 1;
            }
        }
    }
    // Those offered again are appended again once they pass; until then the old ones stay.
    Ok((queue, reader))
}

async fn keep_records<E: Runtime>(
    (mut queue, mut reader): Records<E>,
    mut kept: mpsc::UnboundedReceiver<Keep>,
) -> Result<(), queue::Error> {
    let mut places: HashMap<Digest, u64> = HashMap::new();
    let mut done = 0;
    while let Some(first) = kept.recv().await {
        let mut accepted: BTreeMap<Digest, Bytes> = BTreeMap::new();
        let mut next = Some(first);
        while let Some(word) = next {
            match word {
                Keep::Accepted(Offer { leaf, record }) => {
                    accepted.insert(leaf, record);
                }
                Keep::Done(leaf) => {
                    accepted.remove(&leaf);
                    if let Some(place) = places.remove(&leaf) {
                        let _ = reader.ack(place);
                        done += 1;
                    }
                }
            }
            next = kept.try_recv().ok();
        }
        if !accepted.is_empty() {
            for (leaf, record) in accepted {
                let place;
                (queue, place) = queue.append(&record).await?;
                if let Some(earlier) = places.insert(leaf, place) {
                    let _ = reader.ack(earlier);
                }
            }
            queue = queue.commit().await?;
        }
        if done >= PRUNE_AFTER {
            queue = queue.sync().await?;
            done = 0;
        }
    }
    Ok(())
}

type Checkpoints<E> = Metadata<E, U64, Vec<u8>>;

async fn open_checkpoints<E: Runtime>(context: &E, core: &Core) -> Result<Checkpoints<E>, Error> {
    let config = metadata::Config {
        partition: core.partition("checkpoints"),
        codec_config: ((0..=NOTICE_BYTES_MAX).into(), ()),
    };
    let opened = Metadata::init(context.child("checkpoint_store"), config).await;
    let store: Checkpoints<E> = opened.map_err(trouble)?;
    let keys: Vec<U64> = store.keys().cloned().collect();
    for key in keys {
        let signed = store
            .get(&key)
            .and_then(|bytes| cbor::decode::<SignedCheckpoint>(bytes, NOTICE_BYTES_MAX).ok());
        if let Some(signed) = signed {
            core.cosigner().restore(signed);
        }
    }
    Ok(store)
}

async fn keep_checkpoints<E: Runtime>(core: Arc<Core>, mut store: Checkpoints<E>) {
    let mut signed = core.signed.subscribe();
    while signed.changed().await.is_ok() {
        signed.borrow_and_update();
        let newest: Vec<_> = core.cosigner().of_epochs().cloned().collect();
        for checkpoint in newest {
            if let Ok(bytes) = cbor::encode(checkpoint.as_ref()) {
                let key = U64::new(checkpoint.epoch());
                if store.get(&key) != Some(&bytes) {
                    store.put(key, bytes);
                }
            }
        }
        store = match store.sync().await {
            Ok(store) => store,
            Err(error) => {
                core.stop(Trouble::Storage(error.to_string()));
                return;
            }
        };
        (core.env.sleep)(CHECKPOINTS_EVERY).await;
    }
}
