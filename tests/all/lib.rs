//! Nothing: the tests are one binary, `all/main.rs`.
