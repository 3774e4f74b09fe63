//! Certificates of a listener.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the listener, with those that lead to its root.
    pub cert: std::path::PathBuf,
    /// Its private key.
    pub key: std::path::PathBuf,
    /// Roots that certificates of clients must lead to; without it clients need none.
    pub client_ca: Option<std::path::PathBuf>,
}

/// What speaks TLS 1.2 and 1.3 with these certificates.
///
/// # Errors
/// A file that can't be read, holds no certificate or key, or does not fit the others.
pub(crate) fn acceptor(files: &TlsFiles) -> io::Result<TlsAcceptor> {
    let of = |path: &Path, error: String| io::Error::other(format!("{}: {error}", path.display()));
    let certificates = |path: &Path| -> io::Result<Vec<CertificateDer<'static>>> {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        read.map_err(|error| of(path, error.to_string()))
    };
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots.add(root).map_err(|error| of(path, error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| of(path, error.to_string()))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| of(&files.key, error.to_string()))?;
    let config = builder.with_single_cert(certificates(&files.cert)?, key);
    Ok(TlsAcceptor::from(Arc::new(config.map_err(|error| of(&files.cert, error.to_string()))?)))
}
