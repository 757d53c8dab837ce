//! The program that an institution runs.
fn main() {}
