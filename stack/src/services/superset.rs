//! Superset: charts and SQL over Hive and ClickHouse, in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::admin::Http;
use crate::builder::random;
use crate::error::{Error, Result};
use crate::files::{self, Settings};
use crate::folder::Folder;
use crate::process::{Plan, READY_LIMIT, Service, run};
use crate::{artifacts, hadoop, ports, python};

const NAME: &str = "superset";
const REQUIREMENTS: &str = include_str!("../../superset/requirements.txt");
const CONFIG: &str = include_str!("../../superset/superset_config.py");
const INITIALIZE: &str = include_str!("../../superset/initialize.py");
const CONFIG_FILE: &str = "superset_config.py";
const METADATA: &str = "superset.db";
const USER: &str = "admin";
const PASSWORD: &str = "admin";
const INITIALIZE_LIMIT: Duration = Duration::from_secs(900);
/// One process, which answers so many requests at a time: a dashboard sends one for each of its charts.
const THREADS: &str = "8";

/// The Superset of a stack.
pub struct Superset {
    service: Service,
    port: u16,
}

super::operate::operate!(Superset);

/// Where a Superset is, and who may do everything there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupersetAddress {
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// The administrator's name.
    pub user: String,
    /// The administrator's password.
    pub password: String,
}

/// What a Superset is made of.
struct Parts {
    commands: PathBuf,
    /// The metadata of a new Superset, with its administrator.
    metadata: PathBuf,
}

impl Superset {
    /// Starts one without dashboards and waits until it is ready.
    pub(crate) fn start_new(folder: &Folder, environment: &Settings) -> Result<Self> {
        ports::retried(|| {
            let superset = Self::new(folder, environment.clone())?;
            superset.start()?;
            Ok(superset)
        })
    }

    /// Fetches what it is made of, if it is not there. The first time this takes minutes.
    pub(crate) fn fetch() -> Result<()> {
        parts().map(drop)
    }

    /// It is ready when its login page is.
    fn new(folder: &Folder, environment: Settings) -> Result<Self> {
        let port = folder.port()?;
        let parts = parts()?;
        let home = hadoop::storage(folder, NAME)?;
        let metadata = home.join(METADATA);
        fs::copy(&parts.metadata, &metadata).map_err(Error::io(metadata.display()))?;
        let conf = folder.conf().join(NAME);
        files::folder(&conf)?;
        let config = conf.join(CONFIG_FILE);
        files::write(&config, CONFIG)?;
        let secret = format!("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());

        let service = Service::new(Plan {
            name: "Superset".to_owned(),
            log: folder.logs().join("superset.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || {
                let mut command = Command::new(parts.commands.join("gunicorn"));
                command
                    .args(["--bind", &format!("127.0.0.1:{port}"), "--workers", "1", "--threads", THREADS])
                    .args(["--timeout", "120", "--graceful-timeout", "5", "superset.app:create_app()"])
                    .current_dir(&home);
                configure(&mut command, &config, &home, &secret).envs(&environment);
                command
            }),
            ready: Box::new(move || {
                let http = Http::new(port);
                ["/health", "/login/"].iter().all(|path| http.get(path).is_ok())
            }),
        })?;
        Ok(Self { service, port })
    }

    /// Where it is, and its administrator.
    pub fn address(&self) -> SupersetAddress {
        SupersetAddress { url: self.url(), user: USER.to_owned(), password: PASSWORD.to_owned() }
    }

    /// What a browser opens: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The packages, and the metadata of a new Superset: making that takes longer than all of a start.
fn parts() -> Result<Parts> {
    let commands = python::environment(NAME, REQUIREMENTS)?;
    let inputs = (REQUIREMENTS, CONFIG, INITIALIZE, USER, PASSWORD);
    let made = artifacts::made("superset-metadata", &inputs, |folder| {
        let [config, initialize] = [folder.join(CONFIG_FILE), folder.join("initialize.py")];
        files::write(&config, CONFIG)?;
        files::write(&initialize, INITIALIZE)?;
        let mut command = Command::new(commands.join("python"));
        command.arg(&initialize).args([USER, PASSWORD]);
        configure(&mut command, &config, folder, "of the making only");
        run(command, INITIALIZE_LIMIT).map(drop)
    })?;
    Ok(Parts { commands, metadata: made.join(METADATA) })
}

/// What the configuration file and Superset itself read.
fn configure<'a>(command: &'a mut Command, config: &Path, home: &Path, secret: &str) -> &'a mut Command {
    command
        .env("SUPERSET_CONFIG_PATH", config)
        .env("SUPERSET_HOME", home)
        // What "now" and "today" are in a time range is this process's local time.
        .env("TZ", "UTC")
        .env("STACK_SECRET_KEY", secret)
        .env("PYTHONDONTWRITEBYTECODE", "1")
}
