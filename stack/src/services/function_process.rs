//! The processes that run functions, sources and sinks, by their command lines.

use serde_json::Value;

use crate::procfs;

/// A process that runs an instance of a function, source or sink.
pub(super) struct Instance {
    pub(super) number: u32,
    pub(super) pid: u32,
    details: Value,
    arguments: Vec<String>,
}

impl Instance {
    /// Those of all stacks on this machine.
    pub(super) fn all() -> Vec<Instance> {
        procfs::processes().into_iter().filter_map(|process| Instance::of_process(process.pid)).collect()
    }

    /// None for any other process.
    pub(super) fn of_process(pid: u32) -> Option<Instance> {
        Instance::of(pid, procfs::arguments(pid))
    }

    fn of(pid: u32, arguments: Vec<String>) -> Option<Instance> {
        let details = value_of(&arguments, "--function_details")?;
        let details = serde_json::from_str(details.trim_matches('\'')).ok()?;
        let number = value_of(&arguments, "--instance_id")?.parse().ok()?;
        Some(Instance { number, pid, details, arguments })
    }

    pub(super) fn is_of(&self, tenant: &str, namespace: &str, name: &str) -> bool {
        self.details["tenant"] == tenant && self.details["namespace"] == namespace && self.details["name"] == name
    }

    /// The ports that the worker chose for it.
    fn ports(&self) -> impl Iterator<Item = &str> {
        ["--port", "--metrics_port"].into_iter().filter_map(|name| value_of(&self.arguments, name))
    }

    /// Whether one of its ports was given twice among these, of which it is one.
    pub(super) fn lacks_a_port(&self, all: &[Instance]) -> bool {
        let times_given = |port| all.iter().flat_map(Instance::ports).filter(|given| *given == port).count();
        self.ports().any(|port| times_given(port) > 1)
    }
}

fn value_of<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(pid: u32, port: u16, metrics_port: u16) -> Instance {
        let details = r#"'{"tenant":"public","namespace":"default","name":"printer"}'"#;
        let line = format!(
            "java org.apache.pulsar.functions.instance.JavaInstanceMain --instance_id {pid} --function_details {details} \
             --port {port} --metrics_port {metrics_port}"
        );
        Instance::of(pid, line.split(' ').map(str::to_owned).collect()).unwrap()
    }

    #[test]
    fn a_port_given_twice_is_seen_in_one_instance_and_in_two() {
        let lacks = |ports: &[(u16, u16)]| {
            let all: Vec<_> = (0..).zip(ports).map(|(pid, (one, other))| instance(pid, *one, *other)).collect();
            all.iter().map(|instance| instance.lacks_a_port(&all)).collect::<Vec<_>>()
        };
        assert_eq!(lacks(&[(1, 2), (3, 4)]), [false, false]);
        assert_eq!(lacks(&[(1, 2), (3, 3)]), [false, true]);
        assert_eq!(lacks(&[(1, 2), (3, 4), (5, 2)]), [true, false, true]);
        assert!(instance(0, 1, 2).is_of("public", "default", "printer"));
        assert!(Instance::of(0, vec!["java".to_owned(), "--port".to_owned(), "1".to_owned()]).is_none());
    }
}
