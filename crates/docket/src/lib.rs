//! Room: docket.
