//! The legal order, tested: each rule by name, whole walks, random sequences.

mod audit;
mod members;
mod random;
mod rules;
mod walk;
mod world;
