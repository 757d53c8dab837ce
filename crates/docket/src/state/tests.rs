//! The legal order, tested.
