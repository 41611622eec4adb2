//! Pulsar's `client.conf`, as its own commands read it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::proof::Proof;
use super::properties;
use super::tls::{Identity, Tls};

/// What a `client.conf` says of the brokers; its other keys are for other commands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientConf {
    pub(super) service_url: Option<String>,
    pub(super) proof: Proof,
    pub(super) tls: Tls,
}

/// What is not supported, and would leave the client insecure, or unconnected, without a word.
const NOT_SUPPORTED: [(&str, &str); 3] = [
    ("useKeyStoreTls", "name PEM files instead: tlsTrustCertsFilePath, tlsCertificateFilePath and tlsKeyFilePath"),
    ("proxyServiceUrl", "name the proxy as brokerServiceUrl if it is Pulsar's own; SNI proxies are not supported"),
    ("sslFactoryPlugin", "remove it: TLS is this command's own"),
];

impl ClientConf {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<ClientConf> {
        let bytes = std::fs::read(path).with_context(|| format!("Pulsar's {} cannot be read", path.display()))?;
        ClientConf::of(&properties::parse(&bytes)).with_context(|| format!("{}", path.display()))
    }

    fn of(settings: &BTreeMap<String, String>) -> Result<ClientConf> {
        let text = |key: &str| settings.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
        let file = |key: &str| text(key).map(PathBuf::from);
        // Java takes everything else for false.
        let is_true = |key: &str| text(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        for (key, advice) in NOT_SUPPORTED {
            let is_set = text(key).is_some_and(|value| !value.eq_ignore_ascii_case("false"));
            ensure!(!is_set, "{key} is set, and is not supported: {advice}");
        }
        let plugin = text("authPlugin").unwrap_or_default();
        let (proof, own) = Proof::of_plugin(plugin, text("authParams").unwrap_or_default())?;
        let named = match (file("tlsCertificateFilePath"), file("tlsKeyFilePath")) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            (None, None) => None,
            _ => bail!("tlsCertificateFilePath and tlsKeyFilePath go together: give both"),
        };
        let identity = own.or(named);
        ensure!(
            proof != Proof::Certificate || identity.is_some(),
            "authPlugin is AuthenticationTls without a certificate: give authParams=tlsCertFile:/path,tlsKeyFile:/path"
        );
        Ok(ClientConf {
            service_url: text("brokerServiceUrl").or(text("webServiceUrl")).or(text("serviceUrl")).map(str::to_owned),
            proof,
            tls: Tls {
                trusted: file("tlsTrustCertsFilePath"),
                identity,
                believes_anyone: is_true("tlsAllowInsecureConnection"),
                checks_names: is_true("tlsEnableHostnameVerification"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::Token;
    use super::*;

    fn of(text: &str) -> Result<ClientConf> {
        ClientConf::of(&properties::parse(text.as_bytes()))
    }

    #[test]
    fn the_file_of_the_distribution_is_read() {
        let text = "webServiceUrl=http://localhost:8080/\nbrokerServiceUrl=pulsar://localhost:6650/\nauthPlugin=\nauthParams=\n\
                    tlsAllowInsecureConnection=false\ntlsEnableHostnameVerification=false\ntlsTrustCertsFilePath=\n\
                    useKeyStoreTls=false\ntlsTrustStoreType=JKS\nproxyServiceUrl=\nproxyProtocol=\n";
        let tls = Tls { checks_names: false, ..Tls::default() };
        let expected =
            ClientConf { service_url: Some("pulsar://localhost:6650/".to_owned()), proof: Proof::Nobody, tls };
        assert_eq!(of(text).unwrap(), expected);
    }

    #[test]
    fn a_secured_cluster_is_read() {
        let text = "# of the cluster\nbrokerServiceUrl = pulsar+ssl://one:6651\n\
                    authPlugin: org.apache.pulsar.client.impl.auth.AuthenticationToken\nauthParams: file:///etc/token\n\
                    tlsTrustCertsFilePath /etc/ca.pem\ntlsCertificateFilePath=/etc/own.pem\ntlsKeyFilePath=/etc/own.key\n\
                    tlsEnableHostnameVerification=TRUE\n";
        let read = of(text).unwrap();
        assert_eq!(read.proof, Proof::Token(Token::File("/etc/token".into())));
        let identity = Some(Identity { certificate: "/etc/own.pem".into(), key: "/etc/own.key".into() });
        let tls = Tls { trusted: Some("/etc/ca.pem".into()), identity, believes_anyone: false, checks_names: true };
        assert_eq!(read.tls, tls);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, named) in [
            ("useKeyStoreTls=true", "useKeyStoreTls"),
            ("proxyServiceUrl=pulsar+ssl://sni:443", "proxyServiceUrl"),
            ("authPlugin=org.example.Own\nauthParams=secret", "org.example.Own"),
            ("tlsKeyFilePath=/k", "tlsCertificateFilePath"),
            ("authPlugin=tls", "AuthenticationTls"),
        ] {
            let error = format!("{:#}", of(text).unwrap_err());
            assert!(error.contains(named) && !error.contains("secret"), "{error}");
        }
    }
}
