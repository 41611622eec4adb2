//! The one error of the sink: a kind, which says who can do something about it, and a message, which says what.

use std::fmt;

/// Who can do something about an error. The names are those that cross to Java (docs/understand/hand-over.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The configuration must change.
    Config,
    /// HDFS refused something or is away.
    Storage,
    /// The table is not as its manifests say, or belongs to another sink.
    Protocol,
    /// A bad record under `onBadRecord: fail`.
    Record,
    /// There is no such sink: it is closed already.
    Closed,
    /// A panic or a broken invariant: please report it.
    Bug,
}

impl ErrorKind {
    /// The kind's name as Java sees it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ErrorKind::Config => "config",
            ErrorKind::Storage => "storage",
            ErrorKind::Protocol => "protocol",
            ErrorKind::Record => "record",
            ErrorKind::Closed => "closed",
            ErrorKind::Bug => "bug",
        }
    }
}

/// An error of the sink.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Who can do something about it.
    pub(crate) kind: ErrorKind,
    /// What is wrong and what to do.
    pub message: String,
}

impl Error {
    /// An error of this kind.
    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Error { kind, message: message.to_string() }
    }

    /// The table is not as its manifests say.
    pub(crate) fn protocol(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Protocol, message)
    }

    /// An invariant of this crate is broken.
    pub(crate) fn bug(message: impl fmt::Display) -> Self {
        Error::new(
            ErrorKind::Bug,
            format_args!("{message}. This is a defect of the connector: please report it with this log"),
        )
    }
}

/// A result of the sink.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
