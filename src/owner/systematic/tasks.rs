//! The tasks of one process.

use std::sync::{Arc, Mutex};
use std::task::Context;

use futures_util::future::BoxFuture;

/// The tasks that an owner began, run by the search.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Tasks {
    pub fn begin(&self, task: BoxFuture<'static, ()>) {
        self.0.lock().unwrap().push(task);
    }

    /// Polls each once.
    pub fn poll(&self, context: &mut Context<'_>) {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap());
        tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
        let mut all = self.0.lock().unwrap();
        // Those that were begun meanwhile are the younger ones.
        tasks.append(&mut all);
        *all = tasks;
    }
}
