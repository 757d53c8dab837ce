//! Whole networks of real node processes on loopback, and what they refuse.
//!
//! Why it exists: a rule that holds inside a crate must hold between processes
//! with their own disks, clocks and sockets. One test program, so that the data
//! engine and the agreement are linked once; one network at a time ([`world`]),
//! so that a test's time does not depend on its neighbours.
//!
//! *Not here*: what a pure crate can show alone, and many seeds of anything.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod browser;
mod case;
mod console;
mod crashes;
mod credentials;
mod cycles;
mod floods;
mod joint;
mod passkeys;
mod quorum;
mod refusals;
mod tables;
mod unlawful;
mod upgrade;
mod villain;
mod villains;
mod world;
