//! The executable `stromtor`.
fn main() {}
