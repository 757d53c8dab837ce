//! What the members voted of late, so that votes shown to different nodes are brought
//! together.
//!
//! Why it exists: the engine compares the votes that it gets from a member with each
//! other, at one node, until the view is decided. A member that shows one view's two
//! votes to two nodes is seen by neither. Here votes are compared with those inside
//! certificates too, and what a view's outcome contradicts is handed on.
//!
//! ```text
//!  member ── vote for X ──▶ some nodes ── certificate of X ──▶ a node that has the
//!        └── vote for Y ──▶ a node ─┐                          member's vote for Y: evidence
//!                                   └─ X or nothing became of the view: handed on as
//!                                      `Votes`, to whoever has the vote for X: evidence
//! ```
//!
//! *Invariants*
//! - What a peer can make this node keep is bounded: of the newest views, one vote a
//!   member and kind, and nothing of a view that this node did not see itself.
//! - A vote that another node handed on counts, and is handed on, only after its
//!   signature was checked.
//!
//! *Not here*: what contradicts what, and the evidence (`witness`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use commonware_codec::{Copying, Encode as _, ReadExt as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Activity, Finalize, Notarize, Nullify, Proposal};
use commonware_consensus::types::{Epoch, Participant, Round, View};
use commonware_cryptography::certificate::{Attestation, Scheme as _};
use commonware_cryptography::ed25519;
use commonware_parallel::Sequential;
use commonware_utils::ordered::Quorum as _;
use primitives::{Digest, PublicKey, Signature};
use serde::{Deserialize, Serialize};

use crate::block::BlockDigest;
use crate::limits::{BALLOT_VIEWS_MAX, VOTES_TOLD_MAX};

/// The certificates of the voting scheme.
type Certificate = <Scheme as commonware_cryptography::certificate::Verifier>::Certificate;

/// How often a vote that an outcome contradicts is handed on.
const TELLINGS: u8 = 6;

/// A block as votes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// The view of the block before it.
    pub(crate) parent: u64,
    /// The block.
    pub(crate) block: Digest,
}

/// What somebody votes for in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Choice {
    /// That the block may follow.
    Notarize(Named),
    /// That the view be skipped.
    Nullify,
    /// That the block is final.
    Finalize(Named),
}

impl Choice {
    fn kind(&self) -> u8 {
        match self {
            Self::Notarize(_) => 0,
            Self::Nullify => 1,
            Self::Finalize(_) => 2,
        }
    }

    /// Whether nobody honest votes for both in one view.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Notarize(one), Self::Notarize(two))
            | (Self::Finalize(one), Self::Finalize(two)) => one != two,
            (Self::Nullify, Self::Finalize(_)) | (Self::Finalize(_), Self::Nullify) => true,
            _ => false,
        }
    }
}

/// A member's vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Voted {
    pub(crate) leg: u64,
    pub(crate) view: u64,
    pub(crate) voter: PublicKey,
    pub(crate) choice: Choice,
    pub(crate) signature: Signature,
}

/// A vote in the engine's form.
pub(crate) enum Vote {
    Notarize(Notarize<Scheme, BlockDigest>),
    Nullify(Nullify<Scheme>),
    Finalize(Finalize<Scheme, BlockDigest>),
}

impl Voted {
    fn new(
        scheme: &Scheme,
        (round, choice): (Round, Choice),
        attestation: &Attestation<Scheme>,
    ) -> Option<Self> {
        let key = scheme.participants().key(attestation.signer)?;
        Some(Self {
            leg: round.epoch().get(),
            view: round.view().get(),
            voter: PublicKey(key.as_ref().try_into().ok()?),
            choice,
            signature: Signature(attestation.signature.encode().as_ref().try_into().ok()?),
        })
    }

    /// The vote in the engine's form; none where its author is no voter of `scheme`.
    pub(crate) fn in_engine(&self, scheme: &Scheme) -> Option<Vote> {
        let key = ed25519::PublicKey::read(&mut Copying(&self.voter.0)).ok()?;
        let signature = ed25519::Signature::read(&mut Copying(&self.signature.0)).ok()?;
        let attestation = Attestation {
            signer: scheme.participants().index(&key)?,
            signature: signature.into(),
        };
        let round = Round::new(Epoch::new(self.leg), View::new(self.view));
        let proposal = |named: Named| {
            let block = BlockDigest::read(&mut Copying(&named.block.0)).ok()?;
            Some(Proposal::new(round, View::new(named.parent), block))
        };
        Some(match self.choice {
            Choice::Notarize(named) => Vote::Notarize(Notarize {
                proposal: proposal(named)?,
                attestation,
            }),
            Choice::Nullify => Vote::Nullify(Nullify { round, attestation }),
            Choice::Finalize(named) => Vote::Finalize(Finalize {
                proposal: proposal(named)?,
                attestation,
            }),
        })
    }

    /// Whether it is its author's.
    pub(crate) fn holds(&self, scheme: &Scheme) -> bool {
        let mut rng = rand::rng();
        match self.in_engine(scheme) {
            Some(Vote::Notarize(vote)) => vote.verify(&mut rng, scheme, &Sequential),
            Some(Vote::Nullify(vote)) => {
                vote.verify::<_, BlockDigest>(&mut rng, scheme, &Sequential)
            }
            Some(Vote::Finalize(vote)) => vote.verify(&mut rng, scheme, &Sequential),
            None => false,
        }
    }
}

/// What became of a view, as far as this node knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    block: Option<Named>,
    is_final: bool,
    is_skipped: bool,
}

impl Outcome {
    /// Whether a vote is one that nobody need cast who saw what became of the view.
    fn contradicts(&self, choice: &Choice) -> bool {
        match choice {
            Choice::Notarize(named) | Choice::Finalize(named) => {
                self.is_skipped || self.block.is_some_and(|block| block != *named)
            }
            Choice::Nullify => self.is_final,
        }
    }

    fn and(&mut self, other: Self) {
        self.block = self.block.or(other.block);
        self.is_final |= other.is_final;
        self.is_skipped |= other.is_skipped;
    }
}

/// The votes and outcome that an activity of the engine shows. Votes are unchecked, but
/// for those of certificates.
pub(crate) struct Shown {
    votes: Vec<Voted>,
    checked: bool,
    pub(crate) leg: u64,
    pub(crate) view: u64,
    outcome: Outcome,
}

impl Shown {
    /// Reads an activity; none where it is of another kind.
    pub(crate) fn of(scheme: &Scheme, activity: &Activity<Scheme, BlockDigest>) -> Option<Self> {
        let vote = |round, choice, attestation: &Attestation<Scheme>| {
            let votes = Voted::new(scheme, (round, choice), attestation);
            Self::at(round, votes.into_iter().collect(), None)
        };
        let all = |(round, choice), certificate, outcome| {
            let votes = inside(certificate);
            let votes = votes.filter_map(|one| Voted::new(scheme, (round, choice), &one));
            Self::at(round, votes.collect(), Some(outcome))
        };
        let block = |proposal: &Proposal<BlockDigest>, is_final| Outcome {
            block: Some(named(proposal)),
            is_final,
            is_skipped: false,
        };
        Some(match activity {
            Activity::Notarize(one) => {
                let choice = Choice::Notarize(named(&one.proposal));
                vote(one.proposal.round, choice, &one.attestation)
            }
            Activity::Nullify(one) => vote(one.round, Choice::Nullify, &one.attestation),
            Activity::Finalize(one) => {
                let choice = Choice::Finalize(named(&one.proposal));
                vote(one.proposal.round, choice, &one.attestation)
            }
            Activity::Notarization(one) => {
                let choice = Choice::Notarize(named(&one.proposal));
                let place = (one.proposal.round, choice);
                all(place, &one.certificate, block(&one.proposal, false))
            }
            Activity::Finalization(one) => {
                let choice = Choice::Finalize(named(&one.proposal));
                let place = (one.proposal.round, choice);
                all(place, &one.certificate, block(&one.proposal, true))
            }
            Activity::Nullification(one) => {
                let skipped = Outcome {
                    is_skipped: true,
                    ..Outcome::default()
                };
                all((one.round, Choice::Nullify), &one.certificate, skipped)
            }
            _ => return None,
        })
    }

    fn at(round: Round, votes: Vec<Voted>, outcome: Option<Outcome>) -> Self {
        Self {
            votes,
            checked: outcome.is_some(),
            leg: round.epoch().get(),
            view: round.view().get(),
            outcome: outcome.unwrap_or_default(),
        }
    }
}

fn named(proposal: &Proposal<BlockDigest>) -> Named {
    Named {
        parent: proposal.parent.get(),
        block: Digest(proposal.payload.0),
    }
}

/// The votes that a certificate is made of.
fn inside(certificate: &Certificate) -> impl Iterator<Item = Attestation<Scheme>> + '_ {
    let signers = certificate.signers.iter();
    let both = signers.zip(&certificate.signatures);
    both.map(|(signer, signature): (Participant, _)| Attestation {
        signer,
        signature: signature.clone(),
    })
}

/// A vote that is kept.
struct Kept {
    vote: Voted,
    checked: bool,
    told: u8,
}

#[derive(Default)]
struct InView {
    votes: BTreeMap<(PublicKey, u8), Kept>,
    outcome: Outcome,
}

/// The votes of the newest views.
#[derive(Default)]
pub(crate) struct Ballots(BTreeMap<(u64, u64), InView>);

impl Ballots {
    /// Takes what the engine showed; gives the pairs that contradict each other.
    pub(crate) fn see(&mut self, shown: Shown) -> Vec<(Voted, Voted)> {
        let place = (shown.leg, shown.view);
        let oldest = self.0.keys().next().copied();
        if self.0.len() >= BALLOT_VIEWS_MAX && oldest.is_some_and(|oldest| place < oldest) {
            return Vec::new();
        }
        self.0.entry(place).or_default().outcome.and(shown.outcome);
        while self.0.len() > BALLOT_VIEWS_MAX {
            self.0.pop_first();
        }
        let votes = shown.votes.into_iter();
        votes
            .flat_map(|vote| self.take(vote, shown.checked))
            .collect()
    }

    /// Whether a vote that was handed on says anything new about a view that this node
    /// saw; its signature need be checked only then.
    pub(crate) fn wants(&self, vote: &Voted) -> bool {
        let view = self.0.get(&(vote.leg, vote.view));
        let kept = view.map(|view| view.votes.get(&(vote.voter, vote.choice.kind())));
        kept.is_some_and(|kept| kept.is_none_or(|kept| kept.vote.choice != vote.choice))
    }

    /// Takes a vote; gives the pairs in which it contradicts one that is kept.
    pub(crate) fn take(&mut self, vote: Voted, checked: bool) -> Vec<(Voted, Voted)> {
        let Some(view) = self.0.get_mut(&(vote.leg, vote.view)) else {
            return Vec::new();
        };
        let found = view
            .votes
            .values()
            .filter(|kept| kept.vote.voter == vote.voter)
            .filter(|kept| kept.vote.choice.contradicts(&vote.choice))
            .map(|kept| (kept.vote.clone(), vote.clone()))
            .collect();
        let place = (vote.voter, vote.choice.kind());
        let new = Kept {
            vote,
            checked,
            told: 0,
        };
        match view.votes.entry(place) {
            Entry::Vacant(place) => {
                place.insert(new);
            }
            // A vote that is not its author's does not keep the true one out.
            Entry::Occupied(mut place) if checked && !place.get().checked => {
                place.insert(new);
            }
            Entry::Occupied(_) => {}
        }
        found
    }

    /// Votes that what became of their view contradicts: those of one view that were
    /// never told, or of all views that were not told often. `holds` checks a signature.
    pub(crate) fn tell(
        &mut self,
        of: Option<(u64, u64)>,
        holds: impl Fn(&Voted) -> bool,
    ) -> Vec<Voted> {
        let times = if of.is_some() { 1 } else { TELLINGS };
        let views = match of {
            Some(place) => self.0.range_mut(place..=place),
            None => self.0.range_mut(..),
        };
        let mut told = Vec::new();
        for view in views.rev().map(|(_, view)| view) {
            let outcome = view.outcome;
            for kept in view.votes.values_mut() {
                if told.len() == VOTES_TOLD_MAX {
                    return told;
                }
                if kept.told >= times || !outcome.contradicts(&kept.vote.choice) {
                    continue;
                }
                kept.checked = kept.checked || holds(&kept.vote);
                if kept.checked {
                    kept.told += 1;
                    told.push(kept.vote.clone());
                } else {
                    kept.told = TELLINGS;
                }
            }
        }
        told
    }
}

/// A vote that a node keeps, for who looks whether contradictions stay unnoticed.
#[cfg(feature = "simulation")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenVote {
    /// The leg and the view in it.
    pub view: (u64, u64),
    /// The member's key.
    pub voter: PublicKey,
    /// `notarize`, `nullify` or `finalize`.
    pub kind: &'static str,
    /// The block, where the vote is for one.
    pub block: Option<Digest>,
}

#[cfg(feature = "simulation")]
impl crate::ledger::Ledger {
    /// The votes of the newest views that this node knows.
    #[must_use]
    pub fn votes(&self) -> Vec<SeenVote> {
        let ballots = self.core.ballots();
        let all = ballots.0.values().flat_map(|view| view.votes.values());
        all.map(|kept| {
            let vote = &kept.vote;
            let (kind, block) = match vote.choice {
                Choice::Notarize(named) => ("notarize", Some(named.block)),
                Choice::Nullify => ("nullify", None),
                Choice::Finalize(named) => ("finalize", Some(named.block)),
            };
            SeenVote {
                view: (vote.leg, vote.view),
                voter: vote.voter,
                kind,
                block,
            }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTER: PublicKey = PublicKey([1; 32]);

    fn named(byte: u8) -> Named {
        Named {
            parent: 1,
            block: Digest([byte; 32]),
        }
    }

    fn vote(view: u64, choice: Choice) -> Voted {
        Voted {
            leg: 0,
            view,
            voter: VOTER,
            choice,
            signature: Signature([0; 64]),
        }
    }

    fn shown(vote: Voted, outcome: Option<Outcome>) -> Shown {
        Shown {
            leg: vote.leg,
            view: vote.view,
            votes: vec![vote],
            checked: outcome.is_some(),
            outcome: outcome.unwrap_or_default(),
        }
    }

    fn became(byte: u8, is_final: bool) -> Option<Outcome> {
        Some(Outcome {
            block: Some(named(byte)),
            is_final,
            is_skipped: false,
        })
    }

    #[test]
    fn a_vote_is_held_against_those_in_certificates_whichever_came_first() {
        let (mine, theirs) = (Choice::Notarize(named(1)), Choice::Notarize(named(2)));
        let mut ballots = Ballots::default();
        assert!(ballots.see(shown(vote(3, mine), None)).is_empty());
        let pairs = ballots.see(shown(vote(3, theirs), became(2, false)));
        assert_eq!(pairs, [(vote(3, mine), vote(3, theirs))]);
        // Another view, the certificate first; skipping against finality.
        let end = Choice::Finalize(named(2));
        assert!(ballots.see(shown(vote(4, end), became(2, true))).is_empty());
        let pairs = ballots.see(shown(vote(4, Choice::Nullify), None));
        assert_eq!(pairs, [(vote(4, end), vote(4, Choice::Nullify))]);
        // What honest members do: notarise, then skip; notarise, then finalise.
        let mut ballots = Ballots::default();
        for choice in [mine, Choice::Nullify, mine] {
            assert!(ballots.see(shown(vote(5, choice), None)).is_empty());
        }
        for choice in [mine, Choice::Finalize(named(1))] {
            assert!(ballots.see(shown(vote(6, choice), None)).is_empty());
        }
    }

    #[test]
    fn what_an_outcome_contradicts_is_told_once_and_then_a_few_times_more() {
        let mut ballots = Ballots::default();
        let stray = Choice::Notarize(named(1));
        ballots.see(shown(vote(3, stray), None));
        assert!(ballots.tell(None, |_| true).is_empty(), "undecided");
        let mut other = shown(vote(3, Choice::Notarize(named(2))), became(2, false));
        other.votes.clear();
        ballots.see(other);
        assert_eq!(ballots.tell(Some((0, 3)), |_| true), [vote(3, stray)]);
        assert!(ballots.tell(Some((0, 3)), |_| true).is_empty(), "once");
        let again = (0..20).map(|_| ballots.tell(None, |_| true).len());
        assert_eq!(again.sum::<usize>(), usize::from(TELLINGS) - 1);
        // Nor is a vote told whose signature does not hold.
        let mut skipped = shown(vote(4, stray), None);
        skipped.outcome.is_skipped = true;
        ballots.see(skipped);
        assert!(ballots.tell(Some((0, 4)), |_| false).is_empty());
        assert!(ballots.tell(None, |_| true).is_empty());
    }

    #[test]
    fn only_votes_of_views_that_this_node_saw_are_wanted_and_few_views_are_kept() {
        let mut ballots = Ballots::default();
        let choice = Choice::Notarize(named(1));
        assert!(!ballots.wants(&vote(9, choice)));
        assert!(ballots.take(vote(9, choice), true).is_empty());
        assert!(ballots.0.is_empty());
        for view in 0..2 * BALLOT_VIEWS_MAX as u64 {
            ballots.see(shown(vote(view, choice), None));
        }
        assert_eq!(ballots.0.len(), BALLOT_VIEWS_MAX);
        ballots.see(shown(vote(0, choice), None));
        assert!(!ballots.wants(&vote(0, Choice::Nullify)), "too old");
        let newest = 2 * BALLOT_VIEWS_MAX as u64 - 1;
        assert!(!ballots.wants(&vote(newest, choice)), "known");
        assert!(ballots.wants(&vote(newest, Choice::Notarize(named(2)))));
        assert!(ballots.wants(&vote(newest, Choice::Nullify)));
    }

    #[test]
    fn a_forged_vote_does_not_keep_the_true_one_out() {
        let mut ballots = Ballots::default();
        ballots.see(shown(vote(3, Choice::Finalize(named(1))), None));
        ballots.see(shown(vote(3, Choice::Finalize(named(2))), became(2, true)));
        let pairs = ballots.take(vote(3, Choice::Nullify), true);
        let held = pairs.iter().map(|(kept, _)| kept.choice);
        assert_eq!(held.collect::<Vec<_>>(), [Choice::Finalize(named(2))]);
    }
}
