//! The address of an organization, and what is derived from it.

use crate::error::{Error, Result};
use crate::odata::encode;
use ::url::{Host, Url};
use uuid::Uuid;

/// Where an organization lives: its pages and its Web API (protocol page `service.md`, section "URL anatomy").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationUrl {
    web_root: Url,
    api_root: Url,
    version: String,
}

impl OrganizationUrl {
    /// Reads what a person typed or pasted.
    ///
    /// An address that ends in `/api/data/vX.Y` keeps that version, otherwise `default_version` (such as `v9.2`) is
    /// used. The path segment that names the organization on-premises is kept. A page's address copied from the browser
    /// (`…/main.aspx?…`) is accepted too.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOrganizationUrl`] when it is no such address; [`Error::InsecureOrganizationUrl`] for `http` to
    /// any machine but this one.
    pub fn parse(text: &str, default_version: &str) -> Result<Self> {
        let invalid = |reason| Error::InvalidOrganizationUrl { reason };
        let mut root = Url::parse(text.trim()).map_err(|_| invalid("it is not a web address"))?;
        match check_security(&root) {
            Security::Safe => {}
            Security::NotWeb => return Err(invalid("it does not begin with https://")),
            Security::Insecure => return Err(Error::InsecureOrganizationUrl),
        }
        if !root.username().is_empty() || root.password().is_some() {
            return Err(invalid("it contains a user name or a password"));
        }
        root.set_query(None);
        root.set_fragment(None);

        let mut segments: Vec<String> = root
            .path_segments()
            .into_iter()
            .flatten()
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect();
        if segments
            .last()
            .is_some_and(|last| last.eq_ignore_ascii_case("main.aspx"))
        {
            segments.pop();
        }
        let mut version = default_version.to_owned();
        if let Some(api) = segments
            .windows(2)
            .position(|pair| pair.join("/").eq_ignore_ascii_case("api/data"))
        {
            match segments.get(api + 2..) {
                Some([]) | None => {}
                Some([found]) if is_version(found) => version.clone_from(found),
                Some(_) => {
                    return Err(invalid(
                        "what follows /api/data/ is not a version such as v9.2",
                    ));
                }
            }
            segments.truncate(api);
        }

        // Built from its segments with a slash at the end: joining onto "https://server/orgname" would lose "orgname".
        let organization_path: String = segments.iter().map(|s| format!("/{s}")).collect();
        root.set_path(&format!("{organization_path}/"));
        let mut api_root = root.clone();
        api_root.set_path(&format!("{organization_path}/api/data/{version}/"));
        Ok(Self {
            web_root: without_api_label(root),
            api_root,
            version,
        })
    }

    /// The root of the organization's pages, with a slash at the end: `https://contoso.crm4.dynamics.com/`.
    pub fn web_root(&self) -> &Url {
        &self.web_root
    }

    /// The root of the Web API, with a slash at the end: `https://contoso.crm4.dynamics.com/api/data/v9.2/`.
    pub fn api_root(&self) -> &Url {
        &self.api_root
    }

    /// The version of the Web API: `v9.2`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The organization's host, for people to read.
    pub fn host(&self) -> &str {
        self.web_root.host_str().unwrap_or_default()
    }

    /// Whether the organization is on this machine (the practice organization).
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.web_root)
    }

    /// The address at which the system's browser shows a record (protocol page `service.md`, section "Deep links").
    pub fn record_url(&self, table_logical_name: &str, id: Uuid) -> Url {
        let mut url = self.web_root.clone();
        url.set_path(&format!("{}main.aspx", self.web_root.path()));
        url.set_query(Some(&format!(
            "etn={}&pagetype=entityrecord&id={}",
            encode(table_logical_name),
            id.as_hyphenated()
        )));
        url
    }

    /// What a cloud token is asked for: the origin that was typed, one slash, `.default` (protocol page `auth.md`,
    /// section 2).
    pub(crate) fn scope(&self) -> String {
        format!("{}/.default", self.api_root.origin().ascii_serialization())
    }

    /// What a person's token is asked for (protocol page `auth.md`, section 3).
    pub(crate) fn person_scope(&self) -> String {
        format!(
            "{}/user_impersonation",
            self.api_root.origin().ascii_serialization()
        )
    }
}

/// Whether credentials may be sent to an address.
pub(crate) enum Security {
    Safe,
    NotWeb,
    Insecure,
}

/// https everywhere; http only on this machine.
pub(crate) fn check_security(url: &Url) -> Security {
    match url.scheme() {
        "https" => Security::Safe,
        "http" if is_loopback(url) => Security::Safe,
        "http" => Security::Insecure,
        _ => Security::NotWeb,
    }
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_version(segment: &str) -> bool {
    let digits = |part: &str| {
        !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit())
    };
    segment
        .strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(a, b)| digits(a) && digits(b))
}

/// `contoso.api.crm4.dynamics.com` is the API's alias of the host that serves the pages.
fn without_api_label(mut url: Url) -> Url {
    let page_host = url.host_str().and_then(|host| {
        let (organization, rest) = host.split_once('.')?;
        let rest = rest.strip_prefix("api.")?;
        rest.starts_with("crm")
            .then(|| format!("{organization}.{rest}"))
    });
    if let Some(host) = page_host {
        // A host made of labels that were a valid host before is a valid host.
        let _ = url.set_host(Some(&host));
    }
    url
}
