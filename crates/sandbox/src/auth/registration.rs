//! What the tenant knows: applications, people, and what its administrator demands of a sign-in.

use std::collections::BTreeSet;

use serde::Deserialize;
use url::{Host, Url};

use super::refusal::Refusal;

/// An application registered in the tenant.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) credential: Credential,
    /// The `systemuser` that stands for it; `None` if it only acts for people.
    pub(crate) user: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
}

/// How an application proves that it is itself.
#[derive(Clone)]
pub(crate) enum Credential {
    /// Not at all: it runs on people's computers.
    Public,
    Secret {
        secret: String,
        expired: bool,
    },
}

/// Somebody who signs in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) name: String,
    /// The `systemuser` of the organization.
    pub(crate) user: String,
}

/// The application, its public sibling and the user known to AD FS.
pub(crate) struct OnPremisesLogin {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// A native application: no secret, for sign-in in a browser.
    pub(crate) native_client_id: String,
    pub(crate) login_email: String,
    pub(crate) password: String,
    pub(crate) user: String,
}

/// What the tenant's administrator demands of people's sign-ins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Policies {
    /// A second proof beside the password.
    pub(crate) mfa: bool,
    /// Each person must consent to each application.
    pub(crate) consent: bool,
    /// Conditional access lets nobody in.
    pub(crate) blocked: bool,
    /// Only assigned people, and nobody is assigned.
    pub(crate) assignment: bool,
}

/// A change of [`Policies`] by the admin door.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyChange {
    mfa: Option<bool>,
    consent_required: Option<bool>,
    conditional_access: Option<bool>,
    assignment_required: Option<bool>,
}

impl Policies {
    pub(super) fn change(&mut self, change: &PolicyChange) {
        self.mfa = change.mfa.unwrap_or(self.mfa);
        self.consent = change.consent_required.unwrap_or(self.consent);
        self.blocked = change.conditional_access.unwrap_or(self.blocked);
        self.assignment = change.assignment_required.unwrap_or(self.assignment);
    }

    /// What no page can help with: conditional access, assignment.
    pub(super) fn admits(&self, client: &str) -> Result<(), Refusal> {
        if self.assignment {
            return Err(Refusal::not_assigned(client));
        }
        if self.blocked {
            return Err(Refusal::conditional_access());
        }
        Ok(())
    }
}

/// Consents that people gave, as pairs of application and user.
pub(super) type Consents = BTreeSet<(String, String)>;

impl Client {
    /// Does a redirect URI match one that is registered? Of `http` on loopback the port is free, as Entra ID has it;
    /// `localhost` and `127.0.0.1` are two hosts.
    pub(super) fn redirects_to(&self, asked: &str) -> bool {
        let Ok(asked) = Url::parse(asked) else {
            return false;
        };
        self.redirect_uris.iter().any(|known| {
            Url::parse(known).is_ok_and(|known| {
                let free_port = known.scheme() == "http" && is_loopback(&known);
                known.scheme() == asked.scheme()
                    && known.host() == asked.host()
                    && (free_port || known.port() == asked.port())
                    && known.path() == asked.path()
                    && known.query() == asked.query()
                    && asked.fragment().is_none()
                    && asked.username().is_empty()
                    && asked.password().is_none()
            })
        })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris() {
        let client = |uris: &[&str]| Client {
            id: String::new(),
            name: String::new(),
            credential: Credential::Public,
            user: None,
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        };
        let desktop = client(&["http://localhost"]);
        for good in [
            "http://localhost",
            "http://localhost/",
            "http://localhost:53682",
        ] {
            assert!(desktop.redirects_to(good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:53682",
            "http://localhost:1/callback",
            "https://localhost",
            "http://localhost.example",
            "http://localhost:1/?x=1",
            "http://localhost:1/#x",
            "http://user@localhost:1/",
            "nonsense",
        ] {
            assert!(!desktop.redirects_to(bad), "{bad}");
        }
        assert!(client(&["http://127.0.0.1"]).redirects_to("http://127.0.0.1:99"));
        assert!(!client(&["https://app.example/done"]).redirects_to("https://app.example:99/done"));
    }
}
