//! What `run` tells the `up` that started it: lines of JSON on a pipe.

use std::io::{Write, stdout};

use hdfs_csv_stack::{State, Step};
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    Step(Step),
    Up(Box<State>),
    Failed(String),
}

impl Report {
    /// Sends it. If `up` is gone, nobody needs it.
    pub(crate) fn send(&self) {
        if let Ok(line) = serde_json::to_string(self) {
            let _ = writeln!(stdout(), "{line}");
        }
    }
}
