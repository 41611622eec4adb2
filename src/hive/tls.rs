//! TLS on a connection to the metastore.

use std::io;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whose certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Those of authorities that the system believes.
    System,
    /// Those of the authorities in this PEM file.
    Authorities(String),
}

/// Encrypts a new connection to this host, which has to prove that it is that.
///
/// # Errors
/// The authorities cannot be read, or the service has no such certificate.
pub(super) async fn encrypted(stream: TcpStream, host: &str, tls: &Tls) -> io::Result<TlsStream<TcpStream>> {
    let host = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config(tls).map_err(io::Error::other)?));
    connector.connect(host, stream).await
}

/// Read anew for each connection: certificates are replaced while sinks run.
fn config(tls: &Tls) -> Result<ClientConfig, String> {
    let config =
        ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    Ok(match tls {
        Tls::System => config.with_platform_verifier().map_err(|error| error.to_string())?.with_no_client_auth(),
        Tls::Authorities(path) => config.with_root_certificates(authorities(path)?).with_no_client_auth(),
    })
}

fn authorities(path: &str) -> Result<RootCertStore, String> {
    let unreadable =
        |error| format!("the authorities' certificates in {path} (hiveMetastoreTls) cannot be read: {error}");
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        store.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(unreadable("there are none in PEM form".to_owned()));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_told_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("text"), "no certificate").unwrap();
        std::fs::write(path("broken"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        for name in ["missing", "text", "broken"] {
            let error = config(&Tls::Authorities(path(name))).unwrap_err();
            assert!(error.contains(&path(name)) && error.contains("hiveMetastoreTls"), "{error}");
        }
    }
}
