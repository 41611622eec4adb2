//! Where Pulsar is, and who this is to it: what Pulsar's own commands read from `client.conf`, and what becomes of it on a
//! connection.

pub mod args;
mod client_conf;
mod connection;
mod frame;
mod proof;
mod properties;
mod tls;
mod tunnel;

pub use self::connection::Access;
pub use self::proof::{Proof, Token};
pub use self::tls::{Identity, Tls};
pub(crate) use self::{proof::Asked, tunnel::Tunnel};
