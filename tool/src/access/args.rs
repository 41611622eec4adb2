//! Reaching Pulsar from the command line.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use super::client_conf::ClientConf;
use super::connection::Access;
use super::proof::{Proof, Token};
use super::tls::{Identity, Tls};

/// Where a cluster on this machine listens.
const DEFAULT_URL: &str = "pulsar://127.0.0.1:6650";
/// Where Pulsar's own commands look for their `client.conf`.
const ENVIRONMENT: &str = "PULSAR_CLIENT_CONF";

/// How to reach Pulsar.
#[derive(Clone, Debug, Args)]
pub struct PulsarArgs {
    /// Pulsar's address, such as pulsar+ssl://host:6651; brokerServiceUrl of client.conf, or pulsar://127.0.0.1:6650, when absent.
    #[arg(long, value_name = "URL")]
    pub service_url: Option<String>,
    /// Pulsar's client.conf, as its own commands read it; PULSAR_CLIENT_CONF when absent.
    #[arg(long, value_name = "FILE")]
    pub pulsar_client_conf: Option<PathBuf>,
    /// The file with the token of the role, instead of what client.conf says.
    #[arg(long, value_name = "FILE")]
    pub pulsar_token_file: Option<PathBuf>,
    /// The certificate, PEM, of the CA that signs the brokers' certificates.
    #[arg(long, value_name = "FILE")]
    pub pulsar_ca: Option<PathBuf>,
    /// The certificate, PEM, that says who this is.
    #[arg(long, value_name = "FILE", requires = "pulsar_key")]
    pub pulsar_certificate: Option<PathBuf>,
    /// The certificate's key, PEM.
    #[arg(long, value_name = "FILE", requires = "pulsar_certificate")]
    pub pulsar_key: Option<PathBuf>,
}

impl PulsarArgs {
    /// Where Pulsar is, and who this is to it.
    pub fn access(&self) -> Result<Access> {
        self.access_with(std::env::var_os(ENVIRONMENT).filter(|path| !path.is_empty()).map(PathBuf::from))
    }

    fn access_with(&self, usual: Option<PathBuf>) -> Result<Access> {
        let conf = self.pulsar_client_conf.clone().or(usual);
        let conf = conf.as_deref().map(ClientConf::read).transpose()?;
        let mut conf = conf.unwrap_or(ClientConf { service_url: None, proof: Proof::Nobody, tls: Tls::default() });
        if let (Some(certificate), Some(key)) = (self.pulsar_certificate.clone(), self.pulsar_key.clone()) {
            conf.tls.identity = Some(Identity { certificate, key });
            conf.proof = Proof::Certificate;
        }
        if let Some(token) = &self.pulsar_token_file {
            conf.proof = Proof::Token(Token::File(token.clone()));
        }
        if let Some(ca) = &self.pulsar_ca {
            conf.tls.trusted = Some(ca.clone());
        }
        let service_url = self.service_url.clone().or(conf.service_url).unwrap_or_else(|| DEFAULT_URL.to_owned());
        let access = Access { service_url, proof: conf.proof, tls: conf.tls };
        ensure!(
            access.proof != Proof::Certificate || access.is_secured(),
            "{} is an address without TLS, where no certificate is shown: give pulsar+ssl://host:6651",
            access.service_url
        );
        Ok(access)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        pulsar: PulsarArgs,
    }

    fn access(line: &[&str], usual: Option<&Path>) -> Result<Access> {
        let line = Line::try_parse_from([&["hdfs-csv"], line].concat())?;
        line.pulsar.access_with(usual.map(Path::to_path_buf))
    }

    #[test]
    fn options_go_before_the_file_and_the_file_before_what_is_usual() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "brokerServiceUrl=pulsar+ssl://one:6651\nauthPlugin=token\nauthParams=token:secret\n";
        std::fs::write(file.path(), text).unwrap();
        assert_eq!(access(&[], None).unwrap(), Access::open(DEFAULT_URL));
        let of_file = access(&[], Some(file.path())).unwrap();
        assert_eq!(of_file.service_url, "pulsar+ssl://one:6651");
        assert!(!format!("{of_file:?}").contains("secret"));
        let line = ["--service-url", "pulsar+ssl://other", "--pulsar-token-file", "/t", "--pulsar-ca", "/ca"];
        let changed = access(&line, Some(file.path())).unwrap();
        assert_eq!(changed.service_url, "pulsar+ssl://other");
        assert_eq!(changed.proof, Proof::Token(Token::File("/t".into())));
        assert_eq!(changed.tls.trusted, Some("/ca".into()));
    }

    #[test]
    fn a_certificate_needs_its_key_and_tls() {
        assert!(access(&["--pulsar-certificate", "/c"], None).is_err());
        let both = ["--pulsar-certificate", "/c", "--pulsar-key", "/k"];
        assert!(format!("{:#}", access(&both, None).unwrap_err()).contains("pulsar+ssl"));
        let secured = access(&[&both[..], &["--service-url", "pulsar+ssl://one"]].concat(), None).unwrap();
        assert_eq!(secured.proof, Proof::Certificate);
    }
}
