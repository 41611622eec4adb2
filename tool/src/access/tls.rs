//! TLS as a client of Pulsar.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Whom a client believes, and what it shows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificates of those who sign brokers' certificates; the usual ones of the internet when absent.
    pub trusted: Option<PathBuf>,
    /// What the client shows.
    pub identity: Option<Identity>,
    /// Whether any broker is believed.
    pub believes_anyone: bool,
    /// Whether a certificate must be for the name that the broker was reached by.
    pub checks_names: bool,
}

/// A certificate with those that lead to its CA, and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificates.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Default for Tls {
    fn default() -> Self {
        Tls { trusted: None, identity: None, believes_anyone: false, checks_names: true }
    }
}

impl Tls {
    /// What begins TLS. The files are read each time: others may take their places.
    pub(super) fn connector(&self) -> Result<TlsConnector> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier { webpki: self.webpki(&provider)?, checks_names: self.checks_names, provider };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let loaded = PrivateKeyDer::from_pem_file(key).with_context(|| {
                    format!("the key {} cannot be read: it must be PEM, without a password", key.display())
                })?;
                builder.with_client_auth_cert(certificates(certificate)?, loaded).with_context(|| {
                    format!(
                        "the certificate {} and the key {} do not go together",
                        certificate.display(),
                        key.display()
                    )
                })?
            }
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// None believes anyone.
    fn webpki(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<WebPkiServerVerifier>>> {
        if self.believes_anyone {
            return Ok(None);
        }
        let mut roots = RootCertStore::empty();
        match &self.trusted {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).with_context(|| format!("{} cannot be used as a CA's", path.display()))?;
                }
            }
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        Ok(Some(verifier.build()?))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unread = || format!("the certificates in {} cannot be read: they must be PEM", path.display());
    let all = CertificateDer::pem_file_iter(path).with_context(unread)?;
    let all = all.collect::<Result<Vec<_>, _>>().with_context(unread)?;
    ensure!(!all.is_empty(), "{} has no certificate", path.display());
    Ok(all)
}

/// Java's clients can leave out the check of names, and all checks.
#[derive(Debug)]
struct Verifier {
    webpki: Option<Arc<WebPkiServerVerifier>>,
    checks_names: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(webpki) = &self.webpki else { return Ok(ServerCertVerified::assertion()) };
        match webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name comes last: all else is right.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_names => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
