//! Room: primitives.
