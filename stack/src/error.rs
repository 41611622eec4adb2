use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// What can go wrong with a stack.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, a folder or a process could not be worked with.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and on what.
        what: String,
        /// What the system answered.
        source: io::Error,
    },
    /// A service ended, or was not ready in time.
    #[error("{service} {problem}\n  log: {}\n  its last lines:\n{tail}", log.display())]
    Service {
        /// Which one.
        service: String,
        /// What it did.
        problem: String,
        /// Where it logs.
        log: PathBuf,
        /// The last lines of that log.
        tail: String,
    },
    /// A command that runs to its end failed.
    #[error("`{command}` {problem}\n{output}")]
    Command {
        /// The command, shortened.
        command: String,
        /// How it ended.
        problem: String,
        /// What it wrote.
        output: String,
    },
    /// A service's HTTP interface refused a request or did not answer it.
    #[error("{method} {path}: {problem}")]
    Admin {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// The answer's text, or why there was none.
        problem: String,
    },
    /// The stack was started without this service.
    #[error("this stack has no {0}: ask the builder for it")]
    Missing(String),
    /// Two things were asked for of which a stack can have one.
    #[error("no stack has both {0} and {1}: ask the builder for one of them")]
    Apart(&'static str, &'static str),
    /// A signal was meant for a process that the stack did not start.
    #[error("process {0} is none of this stack's")]
    Foreign(u32),
    /// Two stacks cannot share a folder.
    #[error("{} belongs to a stack that is running", .0.display())]
    InUse(PathBuf),
    /// Every port that was tried is taken.
    #[error("no free port found")]
    NoPort,
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Turns an I/O error into one that says what was tried.
    pub(crate) fn io(what: impl Display) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_string();
        move |source| Self::Io { what, source }
    }

    /// Whether a service ended because someone else took its port first.
    pub(crate) fn is_lost_port(&self) -> bool {
        const SIGNS: [&str; 3] = ["Address already in use", "BindException", "Failed to bind"];
        matches!(self, Self::Service { tail, .. } if SIGNS.iter().any(|sign| tail.contains(sign)))
    }
}
