//! The program `augur`: its commands, its configuration and the embedded database. What the
//! commands do is in the crates below; here they are only wired together.

pub mod data_directory;
pub mod embedded;
