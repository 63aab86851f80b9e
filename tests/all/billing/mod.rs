//! From a session to money.

mod cdr;
