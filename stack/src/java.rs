//! Where Java is.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::Settings;

const HOME: &str = "JAVA_HOME";
/// The variable that names another Java for Pulsar, and so for sinks: `make matrix` tries the versions that they may have.
const PULSARS_HOME: &str = "STACK_PULSAR_JAVA_HOME";

/// The `java` of `JAVA_HOME`, or the one on the path.
pub(crate) fn java() -> Command {
    Command::new(match env::var_os(HOME) {
        Some(home) => PathBuf::from(home).join("bin/java"),
        None => "java".into(),
    })
}

/// The variables that make one of Pulsar's programs run on its Java, and the functions that it starts by the name `java`.
pub(crate) fn of_pulsar() -> impl Iterator<Item = (&'static str, OsString)> {
    let path = env::var_os("PATH").unwrap_or_default();
    let home = env::var_os(PULSARS_HOME).or_else(|| env::var_os(HOME));
    let bin = home.as_ref().map(|home| PathBuf::from(home).join("bin"));
    let path = env::join_paths(bin.into_iter().chain(env::split_paths(&path))).unwrap_or(path);
    home.map(|home| (HOME, home)).into_iter().chain([("PATH", path)])
}

/// The option that keeps a JVM's temporary files in a folder: some libraries never delete theirs.
pub(crate) fn temporary(folder: &Path) -> String {
    format!("-Djava.io.tmpdir={}", folder.display())
}

/// The option that gives a JVM the `krb5.conf` that Kerberos's own programs have of this environment.
pub(crate) fn kerberos(environment: &Settings) -> Option<String> {
    environment.get("KRB5_CONFIG").map(|path| format!("-Djava.security.krb5.conf={path}"))
}

/// The option that leaves out the optimizing compiler. It halves what a start costs, and much of the speed of long work.
pub(crate) const QUICK_START: &str = "-XX:TieredStopAtLevel=1";

/// The options of a service's JVM that say how it compiles.
pub(crate) fn compiler(peak_speed: bool) -> &'static str {
    if peak_speed { "-XX:+TieredCompilation" } else { QUICK_START }
}
