//! The warranted lookup, and the chain made of lookups.
//!
//! Why it exists: a custodian answers for the subjects on a warrant and for no
//! other, without learning who they are; a chain goes on from the rows of one
//! custodian to the table of the next by the first one's word, not by what an
//! investigator types in.
//!
//! Source: labelled private set intersection from an oblivious function (Jarecki
//! and Liu, TCC 2010; Chen, Huang, Laine and Rindal, CCS 2018, for labels),
//! on RFC 9497's VOPRF. `docs/formats/mpc-lookup.md` has every byte, ADR 0002
//! the reasons for a key a plan.
//!
//! ```text
//! authority     r ← random; B = r·H(x) for each subject x; the warrant lists B;
//!               the requester gets (x, r) sealed
//! custodian     at the snapshot: k secret, K = k·G committed; N = k·H(x) for
//!               every key, sorted into buckets               (Prepared)
//!               at the approval: t secret, K_w = t·k·G committed (PlanKey, Run)
//!
//! requester                                               custodian
//! buckets of all x, B sorted      ── request ──▶          each B permitted?
//!   (with vouchers)                                       each voucher signed?
//!                                 ◀── begin ──            salt
//! proof holds for K_w?            ◀── evaluated ──        Z = t·k·B, proof; ≤ 4096 a frame
//! F(x) = finalise(x, r⁻¹·Z)
//! open cells under F(x)           ◀── bucket ──           cells of every key of a
//!                                                         bucket, under finalise(x, t·N)
//! transcripts equal?              ◀── end ──              transcript
//! ```
//! A label holds rows, and for a chain `(y, r_y, signature)` for each input `y`
//! derived from them, where the custodian signs `r_y·H(y)` for one warrant, plan,
//! run and step. Opened, they are the next step's `(x, r, B)` with a [`Voucher`].
//!
//! *Adversary*: a malicious requester, which opens the labels of permitted
//! selectors and of no other, whatever it learned under other plans; a custodian
//! that is curious about the subjects and can't use a key other than the one that
//! it committed to unnoticed. A custodian can give wrong rows; its snapshot's
//! commitment and its signature over the transcript make that a matter of record. A
//! requester that tells others of other rows than it opened is found where the
//! transcript is rooted: it keeps what shows its rows ([`requester::Opened`], ADR 0015).
//!
//! *Leaks by design*
//! - To the custodian: how many selectors, and in which buckets. A bucket holds
//!   the anonymity set's number of keys in the mean. Buckets under one salt nest,
//!   so asking two custodians, or one twice, tells them together no more than the
//!   smaller bucket; salts that differ would narrow a subject down to the buckets'
//!   intersection. **One salt a network, therefore, not one a snapshot.**
//! - To the requester: the salted size class of a bucket's labels together (within
//!   an eighth), and for a subject that the table lacks, that it lacks it.
//! - To a requester that deviates: under one plan's key, a selector that was
//!   permitted in one step opens its label in another step's answer too, if its
//!   bucket is asked for there. Where a plan's steps ask one table for different
//!   things, they need a factor each ([`PlanKey::for_step`](crate::PlanKey)).
//! - To a custodian that honours a voucher and colludes with its issuer: which
//!   derived input is asked for, since the issuer knows its blind.
//! - To one who holds a warrant's sealed blinds: whom its selectors stand for.
//! - To one who is shown a lookup: the whole labels that were opened.
//!
//! *Deviations from RFC 9497*: the evaluation key is a product `t·k`, so that the
//! costly part is shared by all plans; its proofs are RFC 9497's against `t·k·G`.
//!
//! *Cost*: one round. Requester: 32 bytes a selector (99 with a voucher), 4 a
//! bucket, 1 scalar multiplication a selector and its share of a proof. Custodian:
//! the same, and for every key of the buckets asked for, once a run, 1 decoding and
//! 1 multiplication; for every distinct derived input in them 1 hash to the group,
//! 1 multiplication and 1 signature. Bytes back: 288 a cell of 256, at least a cell
//! a key; of a rooted transcript two hashes a cell on both sides.
//!
//! *Invariants*
//! - Both roles derive everything from a [`Context`] of checked records.
//! - What a role takes from the peer is `Unverified` until it was checked.
//! - Every frame fits [`limits::FRAME_BYTES_MAX`](crate::limits::FRAME_BYTES_MAX).
//! - No branch and no address depends on a key, a factor, a blind or what comes of
//!   them, but for what is sent (`cargo xtask constant-time`).
//!
//! *Not here*: constant time in what each side holds in the clear. A requester keeps
//! its selectors in maps, looks for its cells' tags by halving and parses the labels
//! that it opens; a custodian's table is sorted, and its buckets are named by digests
//! in a map. Both on their own machines: who times a requester's caches may learn
//! which of an asked bucket's cells are its own.
//!
//! ```
//! # use std::sync::Arc;
//! # use mpc::{PlanKey, TableKey, oprf};
//! # use mpc::lookup::{*, custodian, requester::{self, Progress, Target}};
//! # use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
//! # use rand::{SeedableRng, rngs::StdRng};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut rng = StdRng::seed_from_u64(1);
//! # let digest = Digest::of("example", &[]);
//! # let scope = Scope { network: NetworkId(digest), warrant: digest, plan: digest, run: digest };
//! # let node_key = SigningKey::from_seed(&[1; 32]);
//! // The custodian's snapshot and approval.
//! let table_key = TableKey::draw(&mut rng);
//! let keys = [b"phone:+8613800000001".to_vec(), b"phone:+8613800000002".to_vec()];
//! let table = Arc::new(Prepared::prepare(&table_key, [7; 32], 256, keys, None)?);
//! let plan_key = PlanKey::draw(&mut rng);
//! let name = InstitutionId::new("telecom_a")?;
//! let run = custodian::Run::open(scope, name.clone(), &table_key, &plan_key, node_key.clone());
//! // The warrant: the authority blinds the subject.
//! let subject = b"phone:+8613800000002".to_vec();
//! let (blind, element) = oprf::blind(&subject, &mut rng)?;
//! let permit = Permit {
//!     seeds: [element.to_bytes()].into(),
//!     selectors_max: 1,
//!     buckets_max: 1,
//!     ..Permit::default()
//! };
//! // The lookup, both sides knowing its context from the ledger.
//! let context = Context {
//!     scope,
//!     step: 0,
//!     part: 0,
//!     requester: InstitutionId::new("police")?,
//!     custodian: name,
//!     snapshot: digest,
//!     table: table.params(),
//!     plan_key: plan_key.commitment(&table_key),
//!     rooted: true,
//! };
//! let session = requester::Session::new(context.clone(), node_key.public());
//! let (request, mut receiver) = session.ask(vec![Target::seed(subject, blind, &element)?])?;
//! let session = custodian::Session::new(context, Arc::new(run), table)?;
//! let mut answer = session.admit(&request, &permit, &mut rng)?;
//! let signed = loop {
//!     match answer.pull()? {
//!         custodian::Pull::Labels(keys) => {
//!             let label = |key| Label { rows: vec![key], derived: Vec::new() };
//!             answer.supply(&keys.into_iter().map(label).collect::<Vec<_>>())?;
//!         }
//!         custodian::Pull::Frame(frame) => {
//!             receiver.on_frame(frame)?;
//!         }
//!         custodian::Pull::Done(transcript) => break transcript,
//!     }
//! };
//! let opened = receiver.finish()?;
//! assert_eq!(opened.transcript, signed);
//! assert_eq!(opened.outcomes[0].found.as_ref().map(|found| found.rows.len()), Some(1));
//! # Ok(())
//! # }
//! ```

mod cells;
mod context;
pub mod custodian;
pub(crate) mod label;
pub(crate) mod messages;
pub mod requester;
mod shown;
mod table;
mod tree;
mod voucher;

pub use context::{Context, Scope, TableParams};
pub use custodian::Permit;
pub use label::{Derivation, Label};
pub use table::Prepared;
pub use voucher::Voucher;

#[cfg(test)]
mod ideal;
#[cfg(test)]
mod tests;
