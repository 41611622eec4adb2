//! However a stack's owner ends, nothing is left running.

use std::path::Path;
use std::process::{Child, Command, Stdio, id};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdfs_csv_stack::{Admin, State, owner, stacks_dir};
use hdfs_csv_tests::in_turn;

use super::{alive, command, connector, printer, state_and_group, wait_for};

#[test]
fn nothing_outlives_an_owner_that_is_killed() -> Result<()> {
    in_turn(|| {
        let name = format!("killed-{}", id());
        let state = stacks_dir().with_file_name(format!("{name}.json"));
        let child = Command::new(command()?)
            .args(["run", "--name", &name, "--connector"])
            .arg(connector()?)
            .arg("--state")
            .arg(&state)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut child = Owner(child);
        let state = wait_for_state(&state, || child.0.try_wait().is_ok_and(|status| status.is_none()))?;
        assert_eq!(state.owner_pid, child.0.id());
        let groups: Vec<u32> = state.pids.values().filter_map(|pid| Some(state_and_group(*pid)?.1)).collect();
        assert_eq!(groups.len(), 3);
        let before = alive(&groups).len();
        let port = state.admin_url.rsplit(':').next().context("no port")?.parse()?;
        Admin::new(port).create_sink("public/default", "printer", &printer())?;
        wait_for("the sink's process", || (alive(&groups).len() > before).then_some(()))?;

        child.0.kill()?;
        child.0.wait()?;
        let killed = Instant::now();
        wait_for("the end of everything", || alive(&groups).is_empty().then_some(()))?;
        assert!(killed.elapsed() < Duration::from_secs(5));
        std::fs::remove_dir_all(stacks_dir().join(&name))?;
        Ok(())
    })
}

#[test]
fn up_leaves_a_stack_that_down_ends() -> Result<()> {
    in_turn(|| {
        let name = format!("up-down-{}", id());
        let folder = stacks_dir().join(&name);
        let program = command()?;
        let stack = |words: &[&str]| Command::new(&program).args(words).args(["--name", &name]).output();

        assert!(!stack(&["status"])?.status.success());
        let up = stack(&["up", "--data-nodes", "0", "--runtime", "thread"])?;
        assert!(up.status.success(), "{up:?}");
        let state = State::read(&folder.join(State::FILE))?;
        assert!(String::from_utf8_lossy(&up.stdout).contains(&state.service_url));
        assert_eq!(owner(&folder), Some(state.owner_pid));
        let groups: Vec<u32> = state.pids.values().filter_map(|pid| Some(state_and_group(*pid)?.1)).collect();
        assert!(stack(&["status"])?.status.success());
        let again = stack(&["up"])?;
        assert!(!again.status.success());
        assert!(String::from_utf8_lossy(&again.stderr).contains("belongs to a stack that is running"), "{again:?}");

        let down = stack(&["down"])?;
        assert!(down.status.success(), "{down:?}");
        assert!(alive(&groups).is_empty());
        assert!(!folder.join(State::FILE).exists());
        std::fs::remove_dir_all(&folder)?;
        std::fs::remove_file(folder.with_extension("log"))?;
        Ok(())
    })
}

/// An owner that does not outlive a test that fails.
struct Owner(Child);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for_state(file: &Path, mut runs: impl FnMut() -> bool) -> Result<State> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Ok(state) = State::read(file) {
            return Ok(state);
        }
        if !runs() || Instant::now() > deadline {
            bail!("the stack did not come up");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
