//! ClickHouse: its own server where there is one on the path, else its engine behind a small HTTP front.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::admin::Http;
use crate::error::Result;
use crate::files::{self, Settings};
use crate::folder::Folder;
use crate::process::{Plan, READY_LIMIT, Service};
use crate::{hadoop, ports, python};

const NAME: &str = "click-house";
const BINARY: &str = "clickhouse";
const REQUIREMENTS: &str = include_str!("../../click-house-front/requirements.txt");
const FRONT: &str = "front.py";
const SOURCES: [(&str, &str); 3] = [
    (FRONT, include_str!("../../click-house-front/front.py")),
    ("engine.py", include_str!("../../click-house-front/engine.py")),
    ("statement.py", include_str!("../../click-house-front/statement.py")),
];
const QUERY_LIMIT: Duration = Duration::from_secs(300);
/// What a query may use, in bytes.
const QUERY_MEMORY: u64 = 1 << 30;

/// Its command, the same at each start.
type Start = Box<dyn Fn() -> Command + Send + Sync>;

/// The ClickHouse of a stack. Its data is new.
pub struct ClickHouse {
    service: Service,
    port: u16,
}

super::operate::operate!(ClickHouse);

impl ClickHouse {
    /// Starts it and waits until it is ready.
    pub(crate) fn start_new(folder: &Folder, environment: &Settings) -> Result<Self> {
        ports::retried(|| {
            let click_house = Self::new(folder, environment.clone())?;
            click_house.start()?;
            Ok(click_house)
        })
    }

    /// Fetches what it is made of, if it is not there.
    pub(crate) fn fetch() -> Result<()> {
        if binary().is_none() { front_python().map(drop) } else { Ok(()) }
    }

    /// It is ready when it answers a query.
    fn new(folder: &Folder, environment: Settings) -> Result<Self> {
        let port = folder.port()?;
        let conf = folder.conf().join(NAME);
        let data = hadoop::storage(folder, NAME)?;
        files::folder(&conf)?;
        let command: Start = match binary() {
            Some(binary) => server(binary, &conf, &data, port, environment)?,
            None => front(&conf, data, port, environment)?,
        };
        let service = Service::new(Plan {
            name: "ClickHouse".to_owned(),
            log: folder.logs().join("click-house.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command,
            ready: Box::new(move || Http::new(port).get("/?query=SELECT+1").is_ok()),
        })?;
        Ok(Self { service, port })
    }

    /// The port of its HTTP interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of its HTTP interface: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs a statement and returns its result: tab-separated, if it names no other format.
    pub fn query(&self, sql: &str) -> Result<String> {
        Http::with_limit(self.port, QUERY_LIMIT).post_text("/", sql)
    }
}

fn binary() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(BINARY)).find(|file| file.is_file())
}

fn front_python() -> Result<PathBuf> {
    Ok(python::environment(NAME, REQUIREMENTS)?.join("python"))
}

fn front(conf: &Path, data: PathBuf, port: u16, environment: Settings) -> Result<Start> {
    let python = front_python()?;
    for (name, text) in SOURCES {
        files::write(&conf.join(name), text)?;
    }
    let program = conf.join(FRONT);
    Ok(Box::new(move || {
        let mut command = Command::new(&python);
        command.arg(&program).args(["--port", &port.to_string(), "--memory", &QUERY_MEMORY.to_string(), "--folder"]);
        command.arg(&data).current_dir(&data).envs(&environment);
        command
    }))
}

fn server(binary: PathBuf, conf: &Path, data: &Path, port: u16, environment: Settings) -> Result<Start> {
    let file = conf.join("config.xml");
    files::write(&file, &server_settings(data, port))?;
    let data = data.to_path_buf();
    Ok(Box::new(move || {
        let mut command = Command::new(&binary);
        command.arg("server").arg(format!("--config-file={}", file.display()));
        command.current_dir(&data).envs(&environment);
        command
    }))
}

fn server_settings(data: &Path, port: u16) -> String {
    let path = |name: &str| files::escaped(&data.join(name).display().to_string());
    format!(
        "<clickhouse>
  <logger><level>information</level><console>true</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{port}</http_port>
  <path>{}/</path>
  <tmp_path>{}/</tmp_path>
  <user_files_path>{}/</user_files_path>
  <max_server_memory_usage>{}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <users><default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
  <profiles><default><max_memory_usage>{QUERY_MEMORY}</max_memory_usage></default></profiles>
  <quotas><default/></quotas>
</clickhouse>
",
        path("tables"),
        path("tmp"),
        path("user-files"),
        2 * QUERY_MEMORY,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::run;

    #[test]
    fn the_fronts_own_tests_pass() {
        let mut tests = Command::new("python3");
        tests.args(["-B", "-m", "unittest", "--quiet"]);
        tests.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("click-house-front"));
        run(tests, Duration::from_secs(120)).unwrap();
    }
}
