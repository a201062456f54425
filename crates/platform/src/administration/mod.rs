//! What administrators see over all tenants, and do with users.
//!
//! Every operation begins an [`crate::AdminTx`], which proves that the caller administers. Ids of version 7
//! begin with the time that they were made at: what lies in a span of time is a range of the primary key.

mod db;
mod lists;
mod people;
pub mod queue;
pub mod totals;
mod users;

pub use lists::{Attributed, AuditSearch, Search, audit_log, orders, predictions};
pub use people::{People, Person};
pub use users::{UserChange, UserDetail, UserWithBalance, update_user, user, users};
