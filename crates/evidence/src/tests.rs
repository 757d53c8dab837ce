//! Bundles of whole cases: honest ones, altered ones, and those of villains who
//! hold every key but the truth.

mod altered;
mod honest;
mod joint;
mod joint_world;
mod lookup_world;
mod lookups;
mod passkeys;
mod sets;
mod villains;
mod world;
