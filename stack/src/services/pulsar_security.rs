//! What makes a Pulsar ask who is there: certificates of a CA of its own, tokens of roles, and the settings for both.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::builder::random;
use crate::error::{Error, Result};
use crate::files::{self, Settings, settings};
use crate::process::run;

/// Who may do everything: the stack itself, the broker to itself, and the functions worker.
const OPERATOR: &str = "operator";
const TOKEN: &str = "org.apache.pulsar.client.impl.auth.AuthenticationToken";
const CERTIFICATE: &str = "org.apache.pulsar.client.impl.auth.AuthenticationTls";
const PROVIDERS: &str = "org.apache.pulsar.broker.authentication.AuthenticationProviderToken,\
                         org.apache.pulsar.broker.authentication.AuthenticationProviderTls";
/// What the broker advertises; by another name it has no certificate.
const NAME: &str = "127.0.0.1";
/// The file with the certificate of the CA.
const CA: &str = "ca.pem";
const KEY_LIMIT: Duration = Duration::from_secs(60);

/// What logs the token of who made a sink, at the level of INFO: in its assignment, and in its process's command line.
const TELL_TOKENS: [&str; 2] = [
    "org.apache.pulsar.functions.worker.SchedulerManager",
    "org.apache.pulsar.functions.runtime.process.ProcessRuntime",
];

/// Makes one of Pulsar's own commands, as `pulsar`, without arguments.
type Tool = Box<dyn Fn(&str) -> Command + Send + Sync>;

/// Who is who to a stack's Pulsar that asks: [`Builder::secured`](crate::Builder::secured).
pub struct Security {
    folder: PathBuf,
    tool: Tool,
    ports: SecurePorts,
    authority: Authority,
    /// The operator's token.
    operator: String,
}

/// Where a Pulsar that asks listens.
pub(crate) struct SecurePorts {
    /// The broker's, with TLS.
    pub(crate) broker: u16,
    /// The REST interface's, with TLS.
    pub(crate) web: u16,
    /// The REST interface's without TLS.
    pub(crate) plain_web: u16,
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Security {
    /// Makes a CA, the broker's certificate, the key for tokens, and the operator's token.
    pub(crate) fn new(folder: PathBuf, tool: Tool, ports: SecurePorts) -> Result<Security> {
        files::folder(&folder)?;
        let authority = authority("ca")?;
        files::write(&folder.join(CA), &authority.pem())?;
        let mut security = Security { folder, tool, ports, authority, operator: String::new() };
        files::write(&security.token_key(), &(0..8).map(|_| format!("{:08x}", random())).collect::<String>())?;
        security.certificate("broker")?;
        security.operator = security.token(OPERATOR)?;
        files::write(&security.token_file(OPERATOR), &security.operator)?;
        Ok(security)
    }

    /// What clients connect to by TLS: `pulsar+ssl://127.0.0.1:port`.
    pub fn service_url(&self) -> String {
        format!("pulsar+ssl://127.0.0.1:{}", self.ports.broker)
    }

    /// The REST interface by TLS: `https://127.0.0.1:port`.
    pub fn admin_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.web)
    }

    /// The certificate of the CA that signs all others.
    pub fn ca(&self) -> PathBuf {
        self.path(CA)
    }

    /// The certificate of a CA that has signed nothing.
    pub fn other_ca(&self) -> Result<PathBuf> {
        let path = self.path("other-ca.pem");
        files::write(&path, &authority("other-ca")?.pem())?;
        Ok(path)
    }

    /// A new certificate of this name, which is also a role's.
    pub fn certificate(&self, name: &str) -> Result<Certificate> {
        let made =
            Certificate { certificate: self.path(&format!("{name}.pem")), key: self.path(&format!("{name}.key")) };
        let key = KeyPair::generate().map_err(unmade)?;
        let certificate = params(name)?.signed_by(&key, &self.authority).map_err(unmade)?;
        files::write(&made.certificate, &certificate.pem())?;
        files::write(&made.key, &key.serialize_pem())?;
        Ok(made)
    }

    /// A token of this role, made by the real `bin/pulsar tokens`.
    pub fn token(&self, role: &str) -> Result<String> {
        self.make_token(role, &[])
    }

    /// A token of this role that ends after a time, as `1s`.
    pub fn brief_token(&self, role: &str, expiry: &str) -> Result<String> {
        self.make_token(role, &["--expiry-time", expiry])
    }

    /// A `client.conf` as Pulsar's own commands read it, for a role with a token, which is in a file beside it. The REST interface
    /// is the one without TLS: with it a `pulsar-admin` (4.0.8) that had done its work did not end, once.
    pub fn client_conf(&self, role: &str) -> Result<PathBuf> {
        let token = self.token_file(role);
        if !token.exists() {
            files::write(&token, &self.token(role)?)?;
        }
        self.write_client_conf(role, TOKEN, &format!("file://{}", token.display()))
    }

    /// The same for a role with a certificate.
    pub fn client_conf_of(&self, role: &str, own: &Certificate) -> Result<PathBuf> {
        let (certificate, key) = (own.certificate.display(), own.key.display());
        let parameters = format!("tlsCertFile:{certificate},tlsKeyFile:{key}");
        self.write_client_conf(&format!("{role}-by-certificate"), CERTIFICATE, &parameters)
    }

    /// The operator's `client.conf`.
    pub(crate) fn operators_client_conf(&self) -> Result<PathBuf> {
        self.client_conf(OPERATOR)
    }

    /// The operator's token.
    pub fn operators_token(&self) -> &str {
        &self.operator
    }

    pub(crate) fn broker_settings(&self) -> Settings {
        let broker = |end: &str| self.path(&format!("broker.{end}")).display().to_string();
        settings([
            ("brokerServicePortTls", self.ports.broker.to_string()),
            ("webServicePortTls", self.ports.web.to_string()),
            ("tlsCertificateFilePath", broker("pem")),
            ("tlsKeyFilePath", broker("key")),
            ("tlsTrustCertsFilePath", self.ca().display().to_string()),
            ("authenticationEnabled", "true".to_owned()),
            ("authenticationProviders", PROVIDERS.to_owned()),
            ("tokenSecretKey", format!("file://{}", self.token_key().display())),
            ("authorizationEnabled", "true".to_owned()),
            ("superUserRoles", OPERATOR.to_owned()),
            ("brokerClientAuthenticationPlugin", TOKEN.to_owned()),
            ("brokerClientAuthenticationParameters", self.operators_parameter()),
        ])
    }

    /// Pulsar's `log4j2.yaml` without the lines that tell tokens.
    pub(crate) fn log_settings(&self, base: &str) -> String {
        let quiet = TELL_TOKENS.map(|name| format!("      - name: {name}\n        level: warn\n")).concat();
        base.replacen("    Logger:\n", &format!("    Logger:\n{quiet}"), 1)
    }

    /// An instance has the token of who made it, and TLS.
    pub(crate) fn secure_worker(&self, worker: &mut Value) {
        let own = json!({
            "pulsarServiceUrl": self.service_url(),
            "pulsarWebServiceUrl": self.admin_url(),
            "useTls": true,
            "tlsEnableHostnameVerification": true,
            "tlsTrustCertsFilePath": self.ca(),
            "brokerClientTrustCertsFilePath": self.ca(),
            "brokerClientAuthenticationEnabled": true,
            "brokerClientAuthenticationPlugin": TOKEN,
            "brokerClientAuthenticationParameters": self.operators_parameter(),
            "functionAuthProviderClassName": "org.apache.pulsar.functions.auth.ClearTextFunctionTokenAuthProvider",
        });
        for (key, value) in own.as_object().into_iter().flatten() {
            worker[key] = value.clone();
        }
    }

    /// What names the operator's token to Pulsar's own clients: `file:///path`.
    pub fn operators_parameter(&self) -> String {
        format!("file://{}", self.token_file(OPERATOR).display())
    }

    fn make_token(&self, role: &str, options: &[&str]) -> Result<String> {
        let mut command = (self.tool)("pulsar");
        let key = format!("file://{}", self.token_key().display());
        command.args(["tokens", "create", "--subject", role, "--secret-key", &key]).args(options);
        Ok(run(command, KEY_LIMIT)?.trim().to_owned())
    }

    fn write_client_conf(&self, name: &str, plugin: &str, parameters: &str) -> Result<PathBuf> {
        let path = self.path(&format!("{name}-client.conf"));
        let settings = settings([
            ("webServiceUrl", format!("http://127.0.0.1:{}", self.ports.plain_web)),
            ("brokerServiceUrl", self.service_url()),
            ("authPlugin", plugin.to_owned()),
            ("authParams", parameters.to_owned()),
            ("tlsTrustCertsFilePath", self.ca().display().to_string()),
            ("tlsEnableHostnameVerification", "true".to_owned()),
        ]);
        files::write(&path, &files::properties("", &settings))?;
        Ok(path)
    }

    fn token_key(&self) -> PathBuf {
        self.path("token.key")
    }

    fn token_file(&self, role: &str) -> PathBuf {
        self.path(&format!("{role}.token"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Who signs certificates.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority> {
    let mut params = params(name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(unmade)?).map_err(unmade)
}

fn params(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new([NAME.to_owned()]).map_err(unmade)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn unmade(error: rcgen::Error) -> Error {
    Error::io("make a certificate")(std::io::Error::other(error))
}

/// That a service is missing which was not asked for.
pub(crate) fn missing() -> Error {
    Error::Missing("security of Pulsar".to_owned())
}
