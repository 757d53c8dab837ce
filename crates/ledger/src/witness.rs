//! Members that contradict themselves, and the bytes that show it.
//!
//! Two votes of one member in one view, or two of its cosignatures over one size of
//! the log with different roots, can't both be honest. Whoever holds both holds
//! evidence: it convinces anybody who knows the members' keys, without a ledger.
//!
//! ```text
//!  member ── word over (size, root) ──▶ a node whose log has another root there
//!                                        │ forwards it once, as `Contrary`
//!                                        ▼
//!             a node that holds the member's word over the true root: evidence
//! ```
//!
//! *Invariants*
//! - What is kept here was verified: both signatures, by the key of a member in office.
//! - A member is accused once a kind; what a peer can make this node keep or send is
//!   bounded.
//!
//! *Not here*: what the evidence leads to. The node states it on the ledger.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use commonware_actor::Feedback;
use commonware_codec::{Copying, Encode as _, ReadExt as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{
    Activity, ConflictingFinalize, ConflictingNotarize, NullifyFinalize,
};
use commonware_consensus::{Epochable as _, Reporter, types::Participant};
use commonware_cryptography::certificate::Scheme as _;
use commonware_parallel::Sequential;
use commonware_utils::ordered::Quorum as _;
use primitives::{Digest, InstitutionId, NetworkId, PublicKey};
use proof::{Cosignature, Equivocation, Membership};

use crate::ballots::{Shown, Vote, Voted};
use crate::block::BlockDigest;
use crate::core::{Core, Outgoing};
use crate::error::{Error, Refusal};
use crate::leg::{Leg, namespace, verifier};
use crate::limits::{CONTRARY_MAX, EVIDENCE_BYTES_MAX, VOTES_TOLD_MAX};
use crate::members::Members;
use crate::notice::Notice;

/// What a member did twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contradiction {
    /// Voted to notarise two blocks in one view.
    Notarize,
    /// Voted to finalise two blocks in one view.
    Finalize,
    /// Voted to finalise a view and to skip it.
    NullifyFinalize,
    /// Cosigned two roots of a log of one size.
    Checkpoint,
}

impl Contradiction {
    /// Every kind, by its byte in evidence.
    const ALL: [Self; 4] = [
        Self::Notarize,
        Self::Finalize,
        Self::NullifyFinalize,
        Self::Checkpoint,
    ];

    /// The stable name, as records quote it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Notarize => "notarize",
            Self::Finalize => "finalize",
            Self::NullifyFinalize => "nullify-finalize",
            Self::Checkpoint => "checkpoint",
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Evidence against a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The member.
    pub member: InstitutionId,
    /// What it did twice.
    pub kind: Contradiction,
    /// The bytes that show it, for [`Evidence::verify`]: a byte for the kind, then the
    /// two votes in the engine's encoding, or the equivocation in the log's.
    pub bytes: Vec<u8>,
}

impl Evidence {
    /// Reads evidence and checks it, by the keys of the members who were in office.
    ///
    /// # Errors
    /// Refused where it is none, or shows nothing against any of `members`.
    pub fn verify(bytes: &[u8], network: &NetworkId, members: &Members) -> Result<Self, Error> {
        let nothing = || Error::from(Refusal::Evidence);
        let (first, shown) = bytes.split_first().ok_or_else(nothing)?;
        let kind = *Contradiction::ALL
            .get(usize::from(*first))
            .filter(|_| bytes.len() <= EVIDENCE_BYTES_MAX)
            .ok_or_else(nothing)?;
        let member = if kind == Contradiction::Checkpoint {
            let found = Equivocation::decode(shown).map_err(|_| nothing())?;
            let name = found.cosigner().clone();
            let member = members.as_slice().iter().find(|m| m.name == name);
            let key = member.map(|member| member.key).ok_or_else(nothing)?;
            let of_network = proof::origin(network);
            let same_log = found.checkpoints().iter().all(|c| c.origin() == of_network);
            if !same_log || found.verify(&key).is_err() {
                return Err(nothing());
            }
            name
        } else {
            let scheme = verifier(&namespace(network), members)?;
            let votes = Votes::read(kind, shown).ok_or_else(nothing)?;
            let key = votes.verified(&scheme).ok_or_else(nothing)?;
            members.by_key(&key).ok_or_else(nothing)?.name.clone()
        };
        Ok(Self {
            member,
            kind,
            bytes: bytes.to_vec(),
        })
    }

    fn new(member: InstitutionId, kind: Contradiction, shown: &[u8]) -> Option<Self> {
        let byte = Contradiction::ALL.iter().position(|known| *known == kind)?;
        let mut bytes = vec![u8::try_from(byte).ok()?];
        bytes.extend_from_slice(shown);
        (bytes.len() <= EVIDENCE_BYTES_MAX).then_some(Self {
            member,
            kind,
            bytes,
        })
    }
}

/// Two votes that contradict.
enum Votes {
    Notarize(ConflictingNotarize<Scheme, BlockDigest>),
    Finalize(ConflictingFinalize<Scheme, BlockDigest>),
    NullifyFinalize(NullifyFinalize<Scheme, BlockDigest>),
}

impl Votes {
    fn of(activity: Activity<Scheme, BlockDigest>) -> Option<Self> {
        match activity {
            Activity::ConflictingNotarize(votes) => Some(Self::Notarize(votes)),
            Activity::ConflictingFinalize(votes) => Some(Self::Finalize(votes)),
            Activity::NullifyFinalize(votes) => Some(Self::NullifyFinalize(votes)),
            _ => None,
        }
    }

    /// Two votes of one member; none where they do not contradict each other.
    fn of_pair(scheme: &Scheme, one: &Voted, two: &Voted) -> Option<Self> {
        let same = (one.leg, one.view, one.voter) == (two.leg, two.view, two.voter);
        if !same || !one.choice.contradicts(&two.choice) {
            return None;
        }
        match (one.in_engine(scheme)?, two.in_engine(scheme)?) {
            (Vote::Notarize(one), Vote::Notarize(two)) => {
                Some(Self::Notarize(ConflictingNotarize::new(one, two)))
            }
            (Vote::Finalize(one), Vote::Finalize(two)) => {
                Some(Self::Finalize(ConflictingFinalize::new(one, two)))
            }
            (Vote::Nullify(skip), Vote::Finalize(end))
            | (Vote::Finalize(end), Vote::Nullify(skip)) => {
                Some(Self::NullifyFinalize(NullifyFinalize::new(skip, end)))
            }
            _ => None,
        }
    }

    fn read(kind: Contradiction, bytes: &[u8]) -> Option<Self> {
        let mut from = Copying(bytes);
        let votes = match kind {
            Contradiction::Notarize => Self::Notarize(ConflictingNotarize::read(&mut from).ok()?),
            Contradiction::Finalize => Self::Finalize(ConflictingFinalize::read(&mut from).ok()?),
            Contradiction::NullifyFinalize => {
                Self::NullifyFinalize(NullifyFinalize::read(&mut from).ok()?)
            }
            Contradiction::Checkpoint => return None,
        };
        // One encoding, so that nothing rides along.
        (votes.bytes() == bytes).then_some(votes)
    }

    fn kind(&self) -> Contradiction {
        match self {
            Self::Notarize(_) => Contradiction::Notarize,
            Self::Finalize(_) => Contradiction::Finalize,
            Self::NullifyFinalize(_) => Contradiction::NullifyFinalize,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Notarize(votes) => votes.encode().to_vec(),
            Self::Finalize(votes) => votes.encode().to_vec(),
            Self::NullifyFinalize(votes) => votes.encode().to_vec(),
        }
    }

    fn leg(&self) -> u64 {
        match self {
            Self::Notarize(votes) => votes.epoch().get(),
            Self::Finalize(votes) => votes.epoch().get(),
            Self::NullifyFinalize(votes) => votes.epoch().get(),
        }
    }

    /// The voter's key, if both signatures are by it.
    fn verified(&self, scheme: &Scheme) -> Option<PublicKey> {
        use commonware_consensus::simplex::types::Attributable as _;
        let mut rng = rand::rng();
        let (holds, signer): (bool, Participant) = match self {
            Self::Notarize(v) => (v.verify(&mut rng, scheme, &Sequential), v.signer()),
            Self::Finalize(v) => (v.verify(&mut rng, scheme, &Sequential), v.signer()),
            Self::NullifyFinalize(v) => (v.verify(&mut rng, scheme, &Sequential), v.signer()),
        };
        if !holds {
            return None;
        }
        let key = scheme.participants().key(signer)?;
        let mut bytes = [0; 32];
        bytes.copy_from_slice(key.as_ref());
        Some(PublicKey(bytes))
    }
}

/// Listens to the engine for votes, and for those that contradict.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) core: Arc<Core>,
    pub(crate) leg: Arc<Leg>,
}

impl Reporter for Watch {
    type Activity = Activity<Scheme, BlockDigest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        let shown = Shown::of(self.leg.voters(), &activity);
        if let Some(shown) = shown.filter(|shown| shown.leg == self.leg.number) {
            let place = (shown.leg, shown.view);
            let pairs = self.core.ballots().see(shown);
            compare_votes(&self.core, &self.leg, &pairs);
            hand_on(&self.core, Some(place));
        }
        if let Some(votes) = Votes::of(activity).filter(|votes| votes.leg() == self.leg.number) {
            accuse(&self.core, &self.leg, &votes);
        }
        Feedback::Ok
    }
}

/// Keeps two votes as evidence if both are their author's.
fn accuse(core: &Core, leg: &Leg, votes: &Votes) {
    let key = votes.verified(leg.voters());
    let member = key.and_then(|key| leg.members.by_key(&key).cloned());
    if let Some(member) = member
        && let Some(evidence) = Evidence::new(member.name, votes.kind(), &votes.bytes())
    {
        core.witness(evidence);
    }
}

fn compare_votes(core: &Core, leg: &Leg, pairs: &[(Voted, Voted)]) {
    for (one, two) in pairs {
        if let Some(votes) = Votes::of_pair(leg.voters(), one, two) {
            accuse(core, leg, &votes);
        }
    }
}

/// Hands on votes that what became of their view contradicts: those of one view, once,
/// or all that were not handed on often.
pub(crate) fn hand_on(core: &Core, of: Option<(u64, u64)>) {
    let holds = |vote: &Voted| {
        let leg = core.legs.get(vote.leg);
        leg.is_some_and(|leg| vote.holds(leg.voters()))
    };
    let told = core.ballots().tell(of, holds);
    if !told.is_empty() {
        core.send(Outgoing::Notice(None, Notice::Votes(told)));
    }
}

/// Takes votes that another node handed on.
pub(crate) fn handed_on(core: &Core, votes: Vec<Voted>) {
    for vote in votes.into_iter().take(VOTES_TOLD_MAX) {
        let Some(leg) = core.legs.get(vote.leg) else {
            continue;
        };
        if !core.ballots().wants(&vote) || !vote.holds(leg.voters()) {
            continue;
        }
        let pairs = core.ballots().take(vote, true);
        compare_votes(core, &leg, &pairs);
    }
}

/// A cosignature over a root that is not this node's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contrary {
    pub(crate) root: Digest,
    pub(crate) word: Cosignature,
}

/// Words that this node's log contradicts, until their authors contradict themselves.
#[derive(Default)]
pub(crate) struct Contraries(BTreeMap<(InstitutionId, u64), Contrary>);

impl Contraries {
    /// Keeps a word; whether it is new and there was room. Nobody's lies take the room
    /// of another's.
    fn keep(&mut self, size: u64, contrary: Contrary) -> bool {
        let name = contrary.word.cosigner();
        let place = (name.clone(), size);
        let theirs = self.0.keys().filter(|(author, _)| author == name);
        if self.0.contains_key(&place) || theirs.count() >= CONTRARY_MAX {
            return false;
        }
        self.0.insert(place, contrary);
        true
    }
}

/// Takes a word over a root that is not this node's: keeps it, tells the others, and
/// looks whether its author also said what this node knows.
pub(crate) fn contrary(core: &Core, size: u64, contrary: Contrary) {
    let name = contrary.word.cosigner().clone();
    let Some(membership) = member_of(core, &name) else {
        return;
    };
    let Some(key) = membership.key(&name).copied() else {
        return;
    };
    let origin = core.cosigner().origin().to_owned();
    let Ok(checkpoint) = proof::Checkpoint::new(origin, size, contrary.root) else {
        return;
    };
    if contrary.word.verify(&checkpoint, &key).is_err() {
        return;
    }
    if !core.contraries().keep(size, contrary.clone()) {
        return;
    }
    tracing::warn!(member = %name, size, "a cosignature over another log");
    core.send(Outgoing::Notice(
        None,
        Notice::Contrary {
            size,
            root: contrary.root,
            cosignature: contrary.word,
        },
    ));
    compare(core, size, &name);
}

fn member_of(core: &Core, name: &InstitutionId) -> Option<Arc<Membership>> {
    let epoch = core.legs.current()?.epoch;
    let epochs = [Some(epoch), epoch.checked_sub(1)];
    let mut known = epochs.into_iter().flatten();
    known.find_map(|epoch| {
        let membership = core.legs.membership(epoch)?;
        membership.key(name)?;
        Some(membership)
    })
}

/// Whether a member whose word was contrary has also said what this node knows.
pub(crate) fn compare(core: &Core, size: u64, name: &InstitutionId) {
    let place = (name.clone(), size);
    let Some(contrary) = core.contraries().0.get(&place).cloned() else {
        return;
    };
    let Some((checkpoint, word)) = core.cosigner().word_of(name, size) else {
        return;
    };
    let Some(key) = member_of(core, name).and_then(|m| m.key(name).copied()) else {
        return;
    };
    let (origin, own_root) = (checkpoint.origin().to_owned(), *checkpoint.root());
    let own = word.clone();
    let Ok(other) = proof::Checkpoint::new(origin, size, contrary.root) else {
        return;
    };
    let shown = Equivocation::new((checkpoint, word), (other, contrary.word), None, &key)
        .and_then(|found| found.encode());
    if let Ok(bytes) = shown
        && let Some(evidence) = Evidence::new(name.clone(), Contradiction::Checkpoint, &bytes)
    {
        core.witness(evidence);
        // Whoever has the other log has the other half, and needs this one.
        core.send(Outgoing::Notice(
            None,
            Notice::Contrary {
                size,
                root: own_root,
                cosignature: own,
            },
        ));
    }
}

#[cfg(test)]
mod tests {
    use commonware_consensus::simplex::types::{Finalize, Notarize, Nullify, Proposal};
    use commonware_consensus::types::{Epoch, Round, View};

    use super::*;
    use crate::leg::{Legs, Voter};
    use crate::testing::{keys, members};

    const NETWORK: NetworkId = NetworkId(Digest([7; 32]));

    fn digest(byte: u8) -> BlockDigest {
        use commonware_cryptography::{Hasher as _, Sha256};
        Sha256::hash(&[&[byte]])
    }

    /// What member `n` signs as, and its key.
    fn scheme(n: usize) -> (Scheme, Members, PublicKey) {
        let keys = keys(4);
        let members = members(&keys);
        let voter = Voter::new(namespace(&NETWORK), &keys[n]).unwrap();
        let legs = Legs::new(voter, members.clone(), digest(0)).unwrap();
        let leg = legs.current().unwrap();
        (leg.scheme(), members, keys[n].public())
    }

    fn proposal(byte: u8) -> Proposal<BlockDigest> {
        let round = Round::new(Epoch::new(0), View::new(9));
        Proposal::new(round, View::new(8), digest(byte))
    }

    fn of(votes: &Votes) -> Vec<u8> {
        let name = InstitutionId::new("x").unwrap();
        Evidence::new(name, votes.kind(), &votes.bytes())
            .unwrap()
            .bytes
    }

    #[test]
    fn two_votes_in_one_view_convince_anybody_who_knows_the_members() {
        let (scheme, members, key) = scheme(2);
        let name = members.by_key(&key).unwrap().name.clone();
        let notarize = |byte| Notarize::sign(&scheme, proposal(byte)).unwrap();
        let finalize = |byte| Finalize::sign(&scheme, proposal(byte)).unwrap();
        let round = Round::new(Epoch::new(0), View::new(9));
        let nullify = Nullify::sign::<BlockDigest>(&scheme, round).unwrap();
        let all = [
            Votes::Notarize(ConflictingNotarize::new(notarize(1), notarize(2))),
            Votes::Finalize(ConflictingFinalize::new(finalize(1), finalize(2))),
            Votes::NullifyFinalize(NullifyFinalize::new(nullify, finalize(1))),
        ];
        for votes in all {
            let bytes = of(&votes);
            let evidence = Evidence::verify(&bytes, &NETWORK, &members).unwrap();
            assert_eq!(
                (evidence.member, evidence.kind),
                (name.clone(), votes.kind())
            );
            // Of another network, by other members, with any byte altered: nothing.
            let elsewhere = NetworkId(Digest([8; 32]));
            assert!(Evidence::verify(&bytes, &elsewhere, &members).is_err());
            let others = crate::testing::members(&keys(8)[4..]);
            assert!(Evidence::verify(&bytes, &NETWORK, &others).is_err());
            for at in 0..bytes.len() {
                let mut altered = bytes.clone();
                altered[at] ^= 1;
                assert!(
                    Evidence::verify(&altered, &NETWORK, &members).is_err(),
                    "{at}"
                );
            }
            assert!(Evidence::verify(&bytes[1..], &NETWORK, &members).is_err());
            assert!(Evidence::verify(&[], &NETWORK, &members).is_err());
        }
    }

    #[test]
    fn an_honest_member_can_not_be_accused() {
        let (scheme, members, _) = scheme(1);
        let one = Notarize::sign(&scheme, proposal(1)).unwrap();
        let (other_scheme, ..) = self::scheme(2);
        let other = Notarize::sign(&other_scheme, proposal(2)).unwrap();
        // The same vote twice, and two members' votes, as bytes of a conflict.
        for second in [&one, &other] {
            let mut bytes = vec![0];
            bytes.extend_from_slice(&one.encode());
            bytes.extend_from_slice(&second.encode());
            assert!(Evidence::verify(&bytes, &NETWORK, &members).is_err());
        }
    }

    #[test]
    fn one_liars_words_leave_room_for_anothers() {
        let keys = keys(2);
        let word = |n: usize, size: u64| {
            let root = Digest([9; 32]);
            let name = InstitutionId::new(format!("m{n}")).unwrap();
            let checkpoint = proof::Checkpoint::new("cordon/test", size, root).unwrap();
            let word = Cosignature::sign(&checkpoint, &name, &keys[n], 9).unwrap();
            Contrary { root, word }
        };
        let mut contraries = Contraries::default();
        let kept = (0..100).filter(|size| contraries.keep(*size, word(0, *size)));
        assert_eq!(kept.count(), CONTRARY_MAX);
        assert!(contraries.keep(0, word(1, 0)));
        assert!(!contraries.keep(0, word(1, 0)), "once");
    }

    #[test]
    fn two_roots_of_one_size_are_evidence() {
        let keys = keys(4);
        let members = members(&keys);
        let name = members.by_key(&keys[3].public()).unwrap().name.clone();
        let word = |root: u8| {
            let origin = proof::origin(&NETWORK);
            let checkpoint = proof::Checkpoint::new(origin, 5, Digest([root; 32])).unwrap();
            let word = Cosignature::sign(&checkpoint, &name, &keys[3], 9).unwrap();
            (checkpoint, word)
        };
        let found = Equivocation::new(word(1), word(2), None, &keys[3].public()).unwrap();
        let shown = found.encode().unwrap();
        let evidence = Evidence::new(name.clone(), Contradiction::Checkpoint, &shown).unwrap();
        let read = Evidence::verify(&evidence.bytes, &NETWORK, &members).unwrap();
        assert_eq!(read, evidence);
        let elsewhere = NetworkId(Digest([8; 32]));
        assert!(Evidence::verify(&evidence.bytes, &elsewhere, &members).is_err());
    }
}
