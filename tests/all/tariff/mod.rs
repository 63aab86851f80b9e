//! Prices: quotes, what is published, plans.

mod plan;
mod quote;
