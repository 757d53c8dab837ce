//! Room: proof.
