//! Comes with its tests.
