//! Builds, tests and shows the project.
fn main() {}
