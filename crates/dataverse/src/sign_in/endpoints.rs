//! Where a sign-in service takes what: composed from the settings, or learnt from the organization's challenge.

use crate::error::{Error, Result, ServiceAnswer, SignInProblem};
use crate::url::{Security, check_security, is_loopback};
use url::Url;

/// The addresses of one sign-in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    pub(super) authorize: Url,
    pub(super) device_code: Url,
    pub(super) token: Url,
}

/// What an account that may belong to any tenant signs in to.
const ANY_TENANT: &str = "organizations";

/// The sign-in services of Microsoft's clouds (protocol page `auth.md`, section 1).
const MICROSOFT: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
];

impl Endpoints {
    /// Entra ID: `{authority}/{tenant}/oauth2/v2.0/…`.
    pub fn cloud(authority_url: &str, tenant: &str) -> Result<Self> {
        let is_tenant = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if tenant.is_empty() || tenant.len() > 253 || !tenant.chars().all(is_tenant) {
            let nothing_sent = ServiceAnswer::new(None, None, None, None);
            return Err(Error::sign_in(SignInProblem::UnknownTenant, nothing_sent));
        }
        let root = authority(authority_url)?;
        let root_path = root.path().trim_end_matches('/').to_owned();
        let endpoint =
            |name: &str| with_path(&root, &format!("{root_path}/{tenant}/oauth2/v2.0/{name}"));
        Ok(Self {
            authorize: endpoint("authorize"),
            device_code: endpoint("devicecode"),
            token: endpoint("token"),
        })
    }

    /// AD FS: the address is the token endpoint; only its host, or `/adfs`, is completed.
    pub fn on_premises(authority_url: &str) -> Result<Self> {
        let root = authority(authority_url)?;
        let token = match root.path().trim_end_matches('/') {
            "" | "/adfs" => "/adfs/oauth2/token",
            path => path,
        };
        let parent = token.trim_end_matches("/token");
        Ok(Self {
            authorize: with_path(&root, &format!("{parent}/authorize")),
            device_code: with_path(&root, &format!("{parent}/devicecode")),
            token: with_path(&root, token),
        })
    }

    /// Whether tokens come over TLS.
    pub fn uses_tls(&self) -> bool {
        self.token.scheme() == "https"
    }

    /// What the settings leave out is taken from the address that the organization names in its challenge. A refresh
    /// token goes where this leads, so only a service of Microsoft, the configured one, or for a practice
    /// organization one on this machine is believed.
    pub fn discovered(
        authorization_uri: Option<&str>,
        authority_url: Option<&str>,
        tenant_id: Option<&str>,
        organization_is_loopback: bool,
    ) -> Result<Self> {
        let configured = authority_url.map(authority).transpose()?;
        let named = authorization_uri
            .and_then(|uri| Url::parse(uri).ok())
            .filter(|uri| {
                let is_configured = configured
                    .as_ref()
                    .is_some_and(|configured| configured.origin() == uri.origin());
                is_configured
                    || is_microsofts(uri)
                    || (organization_is_loopback && is_loopback(uri))
            })
            .and_then(|uri| Some((authority_named_by(&uri)?, tenant_named_by(&uri)?)));
        let not_discovered = || {
            let nothing_sent = ServiceAnswer::new(None, None, None, None);
            Error::sign_in(SignInProblem::NotDiscovered, nothing_sent)
        };
        let (their_authority, their_tenant) = named.unzip();
        let authority_url = authority_url
            .map(str::to_owned)
            .or(their_authority)
            .ok_or_else(not_discovered)?;
        let tenant = tenant_id
            .map(str::to_owned)
            .or(their_tenant)
            .unwrap_or_else(|| ANY_TENANT.to_owned());
        Self::cloud(&authority_url, &tenant)
    }
}

/// The address of a sign-in service, checked: secrets are sent there.
fn authority(text: &str) -> Result<Url> {
    let invalid = |reason| Error::InvalidAuthorityUrl { reason };
    let mut url = Url::parse(text.trim()).map_err(|_| invalid("it is not a web address"))?;
    match check_security(&url) {
        Security::Safe => {}
        Security::NotWeb => return Err(invalid("it does not begin with https://")),
        Security::Insecure => return Err(Error::InsecureAuthorityUrl),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it contains a user name or a password"));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn with_path(root: &Url, path: &str) -> Url {
    let mut url = root.clone();
    url.set_path(path);
    url
}

fn is_microsofts(uri: &Url) -> bool {
    uri.scheme() == "https"
        && uri.port().is_none()
        && uri
            .host_str()
            .is_some_and(|host| MICROSOFT.contains(&host) || host == "login.windows.net")
}

/// `login.windows.net` is the old name of the commercial cloud's service, which has no v2 endpoints.
fn authority_named_by(uri: &Url) -> Option<String> {
    match uri.host_str()? {
        "login.windows.net" => Some("https://login.microsoftonline.com".to_owned()),
        _ => Some(uri.origin().ascii_serialization()),
    }
}

/// The segment before `/oauth2/`: mostly the tenant's GUID, sometimes `common`, which admits accounts that no
/// organization has.
fn tenant_named_by(uri: &Url) -> Option<String> {
    let segments: Vec<&str> = uri.path_segments()?.collect();
    match segments.as_slice() {
        ["common", "oauth2", ..] => Some(ANY_TENANT.to_owned()),
        [tenant, "oauth2", ..] if !tenant.is_empty() => Some((*tenant).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "0f3f1a2e-7a60-4ab8-9f37-3f1f0a6f1111";

    fn token_endpoint(
        uri: Option<&str>,
        authority: Option<&str>,
        tenant: Option<&str>,
        loopback: bool,
    ) -> std::result::Result<String, &'static str> {
        Endpoints::discovered(uri, authority, tenant, loopback)
            .map(|endpoints| endpoints.token.to_string())
            .map_err(|error| error.code())
    }

    #[test]
    fn ad_fs_is_completed_only_where_it_is_clear() {
        let token = |address| Endpoints::on_premises(address).unwrap().token.to_string();
        assert_eq!(
            token("https://fs.example.com"),
            "https://fs.example.com/adfs/oauth2/token"
        );
        assert_eq!(
            token("https://fs.example.com/adfs/"),
            "https://fs.example.com/adfs/oauth2/token"
        );
        assert_eq!(
            token("https://fs.example.com/other/token"),
            "https://fs.example.com/other/token"
        );
    }

    #[test]
    fn national_clouds_are_reached_by_their_authority() {
        for host in MICROSOFT {
            let endpoints = Endpoints::cloud(&format!("https://{host}/"), TENANT).unwrap();
            assert_eq!(
                endpoints.authorize.as_str(),
                format!("https://{host}/{TENANT}/oauth2/v2.0/authorize")
            );
            assert_eq!(
                endpoints.device_code.as_str(),
                format!("https://{host}/{TENANT}/oauth2/v2.0/devicecode")
            );
        }
    }

    #[test]
    fn the_challenge_names_authority_and_tenant() {
        let v1 = |host: &str, tenant: &str| format!("https://{host}/{tenant}/oauth2/authorize");
        let v2 =
            |host: &str, tenant: &str| Ok(format!("https://{host}/{tenant}/oauth2/v2.0/token"));
        for host in MICROSOFT {
            let uri = v1(host, TENANT);
            assert_eq!(
                token_endpoint(Some(&uri), None, None, false),
                v2(host, TENANT)
            );
        }
        assert_eq!(
            token_endpoint(Some(&v1("login.windows.net", "common")), None, None, false),
            v2("login.microsoftonline.com", "organizations")
        );
        let uri = format!("https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/authorize");
        assert_eq!(
            token_endpoint(Some(&uri), None, None, false),
            v2("login.microsoftonline.us", TENANT)
        );
        // The settings count more.
        assert_eq!(
            token_endpoint(Some(&uri), None, Some("contoso.example"), false),
            v2("login.microsoftonline.us", "contoso.example")
        );
        let configured = Some("https://sign-in.contoso.example");
        assert_eq!(
            token_endpoint(None, configured, None, false),
            v2("sign-in.contoso.example", "organizations")
        );
        assert_eq!(
            token_endpoint(
                Some(&v1("sign-in.contoso.example", "t1")),
                configured,
                None,
                false
            ),
            v2("sign-in.contoso.example", "t1")
        );
    }

    #[test]
    fn a_challenge_that_leads_elsewhere_is_not_believed() {
        for uri in [
            "https://login.example.com/t/oauth2/authorize",
            "https://login.microsoftonline.com.example.com/t/oauth2/authorize",
            "https://login.microsoftonline.com:8443/t/oauth2/authorize",
            "http://login.microsoftonline.com/t/oauth2/authorize",
            "http://127.0.0.1:9/t/oauth2/authorize",
            "https://login.microsoftonline.com/authorize",
            "https://login.microsoftonline.com/a/b/oauth2/authorize",
            "https://login.microsoftonline.com//oauth2/authorize",
            "login.microsoftonline.com",
            "",
        ] {
            assert_eq!(
                token_endpoint(Some(uri), None, None, false),
                Err("sign_in_not_discovered"),
                "{uri}"
            );
        }
        assert_eq!(
            token_endpoint(None, None, None, false),
            Err("sign_in_not_discovered")
        );
        assert_eq!(
            token_endpoint(
                Some("http://127.0.0.1:9/t/oauth2/authorize"),
                None,
                None,
                true
            ),
            Ok("http://127.0.0.1:9/t/oauth2/v2.0/token".to_owned())
        );
    }
}
