//! `dfs` and `pulsar-admin`: the real tools, set up for a stack that runs.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::Result;
use super::status::running;
use crate::ToolArgs;

pub(crate) fn dfs(tool: &ToolArgs) -> Result {
    become_tool(running(&tool.name)?.fs_shell()?, tool)
}

pub(crate) fn pulsar_admin(tool: &ToolArgs) -> Result {
    become_tool(running(&tool.name)?.pulsar_admin()?, tool)
}

/// This process becomes the tool, so its output, its signals and its exit code are the tool's own.
fn become_tool(mut command: Command, tool: &ToolArgs) -> Result {
    Err(command.args(&tool.arguments).exec().into())
}
