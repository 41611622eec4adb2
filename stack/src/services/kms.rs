//! Hadoop's key management server: the keys of encryption zones.

use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;
use crate::files::{self, Settings, settings};
use crate::folder::Folder;
use crate::hadoop::{self, Hadoop, overlaid};
use crate::process::{Plan, READY_LIMIT, Service};

const CLASS: &str = "org.apache.hadoop.crypto.key.kms.server.KMSWebServer";
const ACLS: &str = "kms-acls.xml";
/// What everybody may do, until somebody says otherwise.
const RIGHTS: [&str; 4] = ["MANAGEMENT", "GENERATE_EEK", "DECRYPT_EEK", "READ"];
/// The key management server of a stack.
pub struct Kms {
    service: Service,
    port: u16,
    conf: PathBuf,
}

super::operate::operate!(Kms);

impl Kms {
    /// A server that has no keys yet, and in whose settings these are, too. It is not started.
    pub(crate) fn new(folder: &Folder, environment: Settings, given: &Settings) -> Result<Self> {
        let (conf, port) = (folder.conf().join("kms"), folder.port()?);
        let keys = hadoop::storage(folder, "kms")?;
        let hadoop = Hadoop::of_profile(folder, "kms", environment)?;
        let own = settings([
            ("hadoop.kms.key.provider.uri", format!("jceks://file@{}", keys.join("keys").display())),
            ("hadoop.kms.http.host", "127.0.0.1".to_owned()),
            ("hadoop.kms.http.port", port.to_string()),
        ]);
        files::folder(&conf)?;
        files::write(&conf.join("core-site.xml"), &files::hadoop_xml(&Settings::new()))?;
        files::write(&conf.join("kms-site.xml"), &files::hadoop_xml(&overlaid(own, given)))?;
        let own = conf.clone();
        let service = Service::new(Plan {
            name: "KMS".to_owned(),
            log: folder.logs().join("kms.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || {
                let mut command = hadoop.service(&own, CLASS);
                let options = format!("--add-opens=java.base/java.lang=ALL-UNNAMED -Dkms.config.dir={}", own.display());
                command.env("JDK_JAVA_OPTIONS", options).env("HADOOP_KEYSTORE_PASSWORD", "of-a-test");
                command
            }),
            ready: Box::new(move || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()),
        })?;
        let kms = Self { service, port, conf };
        kms.write_acls(&Settings::new())?;
        Ok(kms)
    }

    /// Where NameNodes and clients find it: a value of `hadoop.security.key.provider.path`.
    pub fn uri(&self) -> String {
        format!("kms://http@localhost:{}/kms", self.port)
    }

    /// Gives a right to a key, such as `DECRYPT_EEK`, to these users only, or to everybody (`*`). The server knows it after a second.
    pub fn give(&self, right: &str, key: &str, users: &str) -> Result<()> {
        self.write_acls(&settings([(format!("key.acl.{key}.{right}").as_str(), users.to_owned())]))
    }

    fn write_acls(&self, given: &Settings) -> Result<()> {
        let all = RIGHTS.map(|right| (format!("default.key.acl.{right}"), "*".to_owned()));
        let all = overlaid(all.into_iter().collect(), given);
        files::write(&self.conf.join(ACLS), &files::hadoop_xml(&all))
    }
}
