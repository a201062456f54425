//! Acting: risk tiers, whom to contact, and what that has done.

pub mod effect;
mod form;
pub mod plan;
pub mod risk_tiers;
mod section;

pub use section::WhatToDo;
