//! A Hive whose metastore speaks TLS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::builder::Builder;
use crate::error::Result;
use crate::files::{self, settings};
use crate::folder::Folder;
use crate::hadoop::overlaid;
use crate::java;
use crate::process::run;

const PASSWORD: &str = "of-a-test";
const NAMES: &str = "san=dns:localhost,ip:127.0.0.1";
const LIMIT: Duration = Duration::from_secs(60);

/// Makes a certificate for the metastore of what this describes, and makes it use it; the certificate, as PEM.
pub(crate) fn encrypt(builder: &mut Builder, folder: &Folder) -> Result<PathBuf> {
    let conf = folder.conf().join("hive-tls");
    files::folder(&conf)?;
    let [own, trusted, certificate] = ["own.p12", "trusted.p12", "certificate.pem"].map(|file| conf.join(file));
    let [own_path, trusted_path, pem] = [&own, &trusted, &certificate].map(|path| path.display().to_string());
    let key = ["-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=localhost", "-ext", NAMES];
    key_tool("-genkeypair", &own, &key)?;
    key_tool("-exportcert", &own, &["-rfc", "-file", &pem])?;
    key_tool("-importcert", &trusted, &["-noprompt", "-file", &pem])?;
    let of_hive = settings([
        ("metastore.use.SSL", "true".to_owned()),
        ("metastore.keystore.path", own_path),
        ("metastore.keystore.password", PASSWORD.to_owned()),
        ("metastore.truststore.path", trusted_path),
        ("metastore.truststore.password", PASSWORD.to_owned()),
    ]);
    builder.hive_settings = overlaid(of_hive, &builder.hive_settings);
    Ok(certificate)
}

fn key_tool(command: &str, store: &Path, arguments: &[&str]) -> Result<()> {
    let mut tool = java::java();
    tool.args([java::QUICK_START, "-m", "java.base/sun.security.tools.keytool.Main", command, "-alias", "metastore"]);
    tool.arg("-keystore").arg(store).args(["-storetype", "PKCS12", "-storepass", PASSWORD]).args(arguments);
    run(tool, LIMIT).map(drop)
}
