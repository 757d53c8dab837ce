//! The compiler and the answers, tested.

mod answers;
mod catalogue;
mod fixture;
mod joint;
mod plans;
mod refusals;
mod selectors;
