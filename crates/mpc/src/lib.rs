//! Room: mpc.
