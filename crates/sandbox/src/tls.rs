//! Certificates for `https`: a fresh authority and a certificate for loopback under it.

use std::net::IpAddr;
use std::path::Path;

use axum_server::tls_rustls::RustlsConfig;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// Makes the certificates and writes the authority's to `ca.pem`.
pub(crate) async fn configuration(
    directory: &Path,
    address: IpAddr,
) -> Result<RustlsConfig, Box<dyn std::error::Error + Send + Sync>> {
    // Another part of the program may have installed a provider; either serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "Practice organization authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let key = KeyPair::generate()?;
    let names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
        address.to_string(),
    ];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    std::fs::create_dir_all(directory)?;
    std::fs::write(directory.join("ca.pem"), authority.pem())?;
    Ok(RustlsConfig::from_pem(
        certificate.pem().into_bytes(),
        key.serialize_pem().into_bytes(),
    )
    .await?)
}
