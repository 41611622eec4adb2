use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A step of a stack's start, as told to [`Builder::on_progress`](crate::Builder::on_progress).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It begins. Several may run at the same time.
    Began(String),
    /// It is done, and took this long.
    Done(String, Duration),
}

/// Who is told about the steps.
#[derive(Clone)]
pub(crate) struct Progress(pub(crate) Arc<dyn Fn(Step) + Send + Sync>);

impl Progress {
    /// Tells no one.
    pub(crate) fn silent() -> Self {
        Self(Arc::new(|_| {}))
    }

    /// Runs a step and tells about it; a step that fails never becomes done.
    pub(crate) fn step<T, E>(&self, name: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let began = Instant::now();
        self.0(Step::Began(name.to_owned()));
        let result = work()?;
        self.0(Step::Done(name.to_owned(), began.elapsed()));
        Ok(result)
    }
}
