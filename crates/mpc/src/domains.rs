//! Every domain-separation label of the crate, in one place.
//!
//! Why it exists: two uses of one label let a value made for one purpose stand
//! for another. The test below holds them apart.

/// Selects the bucket of an input.
pub(crate) const BUCKET: &str = "cordon/mpc/bucket/v1";
/// Binds a lookup's parties, warrant, plan, run, step and table.
pub(crate) const CONTEXT: &str = "cordon/mpc/context/v1";
/// Starts a transcript.
pub(crate) const TRANSCRIPT: &str = "cordon/mpc/transcript/v1";
/// Starts a transcript with a root for each bucket.
pub(crate) const TRANSCRIPT_ROOTED: &str = "cordon/mpc/transcript/v2";
/// Absorbs one message into a transcript.
pub(crate) const TRANSCRIPT_STEP: &str = "cordon/mpc/transcript-step/v1";
/// Stands for the selectors and buckets of a request.
pub(crate) const ASKED: &str = "cordon/mpc/asked/v1";
/// What a custodian signs for a derived selector.
pub(crate) const VOUCHER: &str = "cordon/mpc/voucher/v1";
/// Derives a run's secret for blinding derived selectors.
pub(crate) const VOUCHER_SECRET: &str = "cordon/mpc/voucher-secret/v1";
/// Derives one derived selector's blind from the run's secret.
pub(crate) const VOUCHER_BLIND: &str = "cordon/mpc/voucher-blind/v1";
/// Derives a label's encryption key and tag key from the OPRF's output.
pub(crate) const CELL_KEYS: &str = "cordon/mpc/cell-keys/v1";
/// Binds a context to one answer's salt.
pub(crate) const ANSWER: &str = "cordon/mpc/answer/v1";
/// Derives the factor of one step from a plan's.
pub(crate) const STEP_FACTOR: &str = "cordon/mpc/step-factor/v1";
/// Hedges the proof's nonce against a weak generator.
pub(crate) const PROOF_NONCE: &str = "cordon/mpc/proof-nonce/v1";
/// Hedges an answer's dummy cells and nonces against a weak generator.
pub(crate) const ANSWER_SEED: &str = "cordon/mpc/answer-seed/v1";
/// Names a VOLE's run from the caller's session, the parameters and the first message.
pub(crate) const VOLE_SESSION: &str = "cordon/mpc/vole/session/v1";
/// Maps a chooser's element in a base transfer.
pub(crate) const VOLE_BASE_MAP: &str = "cordon/mpc/vole/base-map/v1";
/// Derives a base transfer's key.
pub(crate) const VOLE_BASE_KEY: &str = "cordon/mpc/vole/base-key/v1";
/// Chooses the permutations of the small trees.
pub(crate) const VOLE_SMALL_TREES: &str = "cordon/mpc/vole/small-trees/v1";
/// Chooses the permutations of the trees that hide the noise.
pub(crate) const VOLE_NOISE_TREES: &str = "cordon/mpc/vole/noise-trees/v1";
/// Derives a small tree's leaf's seed.
pub(crate) const VOLE_LEAF_SEED: &str = "cordon/mpc/vole/leaf-seed/v1";
/// Derives what proves a small tree's leaf.
pub(crate) const VOLE_LEAF_CHECK: &str = "cordon/mpc/vole/leaf-check/v1";
/// Commits to all the leaves of one small tree.
pub(crate) const VOLE_TREE_DIGEST: &str = "cordon/mpc/vole/tree-digest/v1";
/// Derives an extended transfer's key.
pub(crate) const VOLE_TRANSFER_KEY: &str = "cordon/mpc/vole/transfer-key/v1";
/// Proves a sender's view of the trees to the receiver.
pub(crate) const VOLE_PROOF: &str = "cordon/mpc/vole/proof/v1";
/// Derives the public code that compresses the noise.
pub(crate) const VOLE_CODE: &str = "cordon/mpc/vole/code/v1";

/// Binds a joint set's parties, warrant, plan, run, step, sizes and protocol.
pub(crate) const PSI_CONTEXT: &str = "cordon/mpc/psi-context/v1";
/// Hashes the items of both sides of a joint set.
pub(crate) const PSI_ITEMS: &str = "cordon/mpc/psi-items/v2";
/// Absorbs a joint set's messages.
pub(crate) const PSI_TRANSCRIPT: &str = "cordon/mpc/psi-transcript/v1";
/// Hashes what the oblivious function gives for an item into its tag.
pub(crate) const PSI_TAG: &str = "cordon/mpc/psi-tag/v1";
/// Commits to a sender's half of the offset of all tags.
pub(crate) const PSI_OPENING: &str = "cordon/mpc/psi-opening/v1";
/// Hedges a role's secrets against a weak generator.
pub(crate) const PSI_SEED: &str = "cordon/mpc/psi-seed/v1";
/// Binds a joint set of many: its holders, receiver, sizes, and its parts.
pub(crate) const PSI_MANY_CONTEXT: &str = "cordon/mpc/psi-many-context/v1";
/// Names a function or a link between two parties of a joint set of many.
pub(crate) const PSI_MANY_LINK: &str = "cordon/mpc/psi-many-link/v1";
/// Compares the halves of the key of two givers.
pub(crate) const PSI_MANY_HALVES: &str = "cordon/mpc/psi-many-halves/v1";
/// Derives the key of two givers from its halves.
pub(crate) const PSI_MANY_KEY: &str = "cordon/mpc/psi-many-key/v1";
/// Hashes an item into what two givers' values have in common.
pub(crate) const PSI_MANY_SHARE: &str = "cordon/mpc/psi-many-share/v1";
/// Hashes keys, tags, names and checks for an opener.
pub(crate) const PSI_MANY_OPEN: &str = "cordon/mpc/psi-many-open/v1";
/// Stands for the tags that a counter was shown.
pub(crate) const PSI_MANY_SHOWN: &str = "cordon/mpc/psi-many-shown/v1";
/// Hashes an item into the bins that it may stand in.
pub(crate) const PSI_BINS: &str = "cordon/mpc/psi-bins/v1";
/// Hashes an item and a bin into the point that is programmed for both.
pub(crate) const PSI_POINTS: &str = "cordon/mpc/psi-points/v1";

// Three-party shares.
/// Derives a pair's generator for one session from the pair's key.
pub(crate) const SHARES_PAIR: &str = "cordon/mpc/shares-pair/v1";
/// Starts the transcript of one direction between two parties.
pub(crate) const SHARES_TRANSCRIPT: &str = "cordon/mpc/shares-transcript/v1";
/// Names a session in each frame's header.
pub(crate) const SHARES_SESSION: &str = "cordon/mpc/shares-session/v1";
/// Stands for a component that two holders compare.
pub(crate) const SHARES_COMPONENT: &str = "cordon/mpc/shares-component/v1";
/// Expands a public coin into the weights of a check.
pub(crate) const SHARES_WEIGHTS: &str = "cordon/mpc/shares-weights/v1";
/// Binds an owner's shares to session, owner and column.
pub(crate) const SHARES_INPUT: &str = "cordon/mpc/shares-input/v1";

// Joint questions.
/// Hashes a subject into its key.
pub(crate) const JOINT_KEY: &str = "cordon/mpc/joint-key/v1";
/// Stands for all frames between two seats of a set in common.
pub(crate) const JOINT_FRAMES: &str = "cordon/mpc/joint-frames/v1";
/// Binds what a party delivers of an answer to session, receiver and answer.
pub(crate) const JOINT_ANSWER: &str = "cordon/mpc/joint-answer/v1";

#[cfg(test)]
mod tests {
    #[test]
    fn labels_are_unique_and_none_begins_another() {
        let all = [
            super::BUCKET,
            super::CONTEXT,
            super::TRANSCRIPT,
            super::TRANSCRIPT_ROOTED,
            super::TRANSCRIPT_STEP,
            super::ASKED,
            super::VOUCHER,
            super::VOUCHER_SECRET,
            super::VOUCHER_BLIND,
            super::CELL_KEYS,
            super::ANSWER,
            super::STEP_FACTOR,
            super::PROOF_NONCE,
            super::ANSWER_SEED,
            super::PSI_CONTEXT,
            super::PSI_ITEMS,
            super::PSI_TRANSCRIPT,
            super::PSI_TAG,
            super::PSI_OPENING,
            super::PSI_SEED,
            super::PSI_MANY_CONTEXT,
            super::PSI_MANY_LINK,
            super::PSI_MANY_HALVES,
            super::PSI_MANY_KEY,
            super::PSI_MANY_SHARE,
            super::PSI_MANY_OPEN,
            super::PSI_MANY_SHOWN,
            super::JOINT_FRAMES,
            super::PSI_BINS,
            super::PSI_POINTS,
            super::VOLE_SESSION,
            super::VOLE_BASE_MAP,
            super::VOLE_BASE_KEY,
            super::VOLE_SMALL_TREES,
            super::VOLE_NOISE_TREES,
            super::VOLE_LEAF_SEED,
            super::VOLE_LEAF_CHECK,
            super::VOLE_TREE_DIGEST,
            super::VOLE_TRANSFER_KEY,
            super::VOLE_PROOF,
            super::VOLE_CODE,
            super::SHARES_PAIR,
            super::SHARES_TRANSCRIPT,
            super::SHARES_SESSION,
            super::SHARES_COMPONENT,
            super::SHARES_WEIGHTS,
            super::SHARES_INPUT,
            super::JOINT_KEY,
            super::JOINT_ANSWER,
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert!(i == j || !b.starts_with(a), "{a} begins {b}");
            }
        }
    }
}
