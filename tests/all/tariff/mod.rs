//! Prices: quotes, what is published, plans.

mod currency;
mod plan;
mod quote;
