//! Semantic types of columns and selectors.
