//! The compiler and the answers, tested.

mod answers;
mod catalogue;
mod fixture;
mod plans;
mod refusals;
