//! What happens to every request around its handler.

mod admission;
mod deadline;
mod drain;
mod headers;
mod observe;
mod panics;

pub use admission::admit;
pub use deadline::answer_in_time;
pub use drain::drain_unread_body;
pub use headers::add_security_headers;
pub use observe::observe;
pub use panics::problem_of_panic;
