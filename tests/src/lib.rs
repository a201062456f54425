//! What the flows stand on: servers, processes and installations to drive, and a client that speaks to
//! their public door. It knows the product by its binary and its HTTP contract alone, and links none of
//! its crates.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

pub mod answer;
pub mod balancer;
pub mod client;
pub mod cluster;
pub mod crm;
pub mod customer;
pub mod customers_file;
pub mod database;
pub mod dialect;
pub mod document;
pub mod file_server;
pub mod files;
pub mod hold;
pub mod installation;
pub mod marked;
pub mod mount;
pub mod patience;
pub mod process;
pub mod program;
pub mod proxy;
pub mod queue;
pub mod receiver;
pub mod services;
pub mod suite;
pub mod visitor;
pub mod vocabulary;
pub mod wire;
