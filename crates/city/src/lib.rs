//! Room: city.
