//! Three-party computation over shared columns (draft).
mod channel;
mod check;
mod circuit;
mod column;
mod extension;
mod frame;
mod group;
pub mod ideal;
pub mod input;
mod lanes;
pub mod memory;
mod multiply;
mod party;
mod scan;
mod shuffle;
mod simd;
mod sort;
#[cfg(test)]
mod tests;
pub use channel::{Channel, Neighbour};
pub use column::{Arith, Bits, MAGNITUDE_BITS_MAX, Words};
pub use group::Groups;
pub use party::{Cost, Keys, Party, Security};
pub use scan::Extreme;
