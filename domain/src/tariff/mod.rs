//! tariff.
