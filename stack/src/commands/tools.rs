//! `dfs`, `hive` and `pulsar-admin`: the real tools, set up for a stack that runs.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::result::Result;
use super::status::running;
use crate::arguments::{HiveArgs, ToolArgs};

pub(crate) fn dfs(tool: &ToolArgs) -> Result {
    become_tool(running(&tool.name)?.fs_shell()?, &tool.arguments)
}

pub(crate) fn hive(hive: &HiveArgs) -> Result {
    become_tool(running(&hive.name)?.hive_client()?, &hive.statements)
}

pub(crate) fn pulsar_admin(tool: &ToolArgs) -> Result {
    let group = tool.arguments.first().map(String::as_str);
    become_tool(running(&tool.name)?.pulsar_admin(group)?, &tool.arguments)
}

/// This process becomes the tool, so its output, its signals and its exit code are the tool's own.
fn become_tool(mut command: Command, arguments: &[String]) -> Result {
    Err(command.args(arguments).exec().into())
}
