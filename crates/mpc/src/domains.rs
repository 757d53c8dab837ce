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
/// Absorbs one message into a transcript.
pub(crate) const TRANSCRIPT_STEP: &str = "cordon/mpc/transcript-step/v1";
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

#[cfg(test)]
mod tests {
    #[test]
    fn labels_are_unique_and_none_begins_another() {
        let all = [
            super::BUCKET,
            super::CONTEXT,
            super::TRANSCRIPT,
            super::TRANSCRIPT_STEP,
            super::VOUCHER,
            super::VOUCHER_SECRET,
            super::VOUCHER_BLIND,
            super::CELL_KEYS,
            super::ANSWER,
            super::STEP_FACTOR,
            super::PROOF_NONCE,
            super::ANSWER_SEED,
            super::SHARES_PAIR,
            super::SHARES_TRANSCRIPT,
            super::SHARES_SESSION,
            super::SHARES_COMPONENT,
            super::SHARES_WEIGHTS,
            super::SHARES_INPUT,
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert!(i == j || !b.starts_with(a), "{a} begins {b}");
            }
        }
    }
}
