//! The legal order, tested: each rule by name, whole walks, random sequences.

mod audit;
mod joint;
mod members;
mod officers;
mod random;
mod rules;
mod walk;
mod world;
