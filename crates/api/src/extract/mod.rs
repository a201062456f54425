//! What handlers take out of a request. Everything that cannot be read is refused here, as a problem.

mod access;
pub mod body;
mod form;
mod id;
mod idempotency;
mod json;
mod object;
mod prefer;
mod query;
mod upload;

pub use access::{Administrator, Caller, ClientAddress, RequestId, bearer};
pub use form::FormBody;
pub use id::Id;
pub use idempotency::{KeyName, key_of_upload};
pub use json::{JsonBody, KeyedEmpty, KeyedJson};
pub use object::{object, optional_object};
pub use prefer::Wait;
pub use query::{PageQuery, Query};
pub use upload::Upload;
