//! augur
fn main() {}
