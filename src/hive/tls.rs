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
    use std::time::Duration;

    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::hive::client::{Address, Metastore, Security};
    use crate::hive::thrift::tests::{answer, read_call};
    use crate::hive::thrift::{Answer, Struct, Value};

    const LIMIT: Duration = Duration::from_secs(30);
    /// More than connections keep on their way.
    const LARGE: usize = 16 << 20;
    /// A metastore with TLS that begins to read late, and answers one call; its address, and its certificate as PEM.
    async fn late_metastore() -> (Address, String) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (pem, key) = (own.cert.pem(), own.signing_key.serialize_der());
        let certificates = vec![own.cert.der().clone()];
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(certificates, PrivateKeyDer::try_from(key).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not believe the certificate ends it.
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
            tokio::time::sleep(Duration::from_millis(200)).await;
            let (method, number, arguments) = read_call(&mut stream).await.unwrap();
            assert_eq!((method.as_str(), arguments.text(1).len()), ("get_partition_names", LARGE));
            let names = Struct::default().with(0, Value::texts(["dt=2026-11-30"]));
            stream.write_all(&answer(&method, number, Answer::Reply(names))).await.unwrap();
            stream.flush().await.unwrap();
        });
        (Address::parse(&format!("thrift://localhost:{port}")).unwrap(), pem)
    }

    #[tokio::test]
    async fn a_large_call_reaches_a_metastore_with_tls_that_reads_late_and_is_answered() {
        let (address, pem) = late_metastore().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authorities.pem");
        std::fs::write(&path, pem).unwrap();
        let tls = Some(Tls::Authorities(path.to_str().unwrap().to_owned()));
        let security = Security { tls, proof: None };
        let mut metastore = Metastore::connect(&[address], &security, LIMIT).await.unwrap();
        let names = metastore.partition_names(&"d".repeat(LARGE), "table").await.unwrap();
        assert_eq!(names, ["dt=2026-11-30"]);
    }

    #[tokio::test]
    async fn a_metastore_whose_certificate_nobody_has_signed_is_not_believed() {
        let (address, _) = late_metastore().await;
        let security = Security { tls: Some(Tls::System), proof: None };
        let error = Metastore::connect(&[address], &security, LIMIT).await.err().unwrap().to_string();
        // A system without any authorities believes it even less.
        assert!(error.contains("certificate"), "{error}");
    }

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
