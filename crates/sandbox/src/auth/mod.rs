//! Sign-in: the tenant of Entra ID (cloud), AD FS (on-premises), and the tokens they give out (protocol page `auth.md`).
//! Tokens look like JWTs but mean nothing outside this process.
//!
//! - `routes`: where everything is. `cloud`: the tenant's token endpoint. `authorize`: a browser's sign-in up to the code.
//!   `device`: the device code. `visit`: the pages that a person goes through. `adfs`: everything on-premises.
//! - `registration`: applications, people, policies. `scopes`, `refusal`: what is asked for, and how it is refused.

mod adfs;
mod authorize;
mod cloud;
mod device;
mod discovery;
mod refusal;
mod registration;
mod routes;
mod scopes;
mod visit;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use refusal::Refusal;
use registration::Policies;
use sandbox_syntax::is_guid;
use sandbox_syntax::options::pairs;

pub(crate) use authorize::Decision;
pub(crate) use registration::{Client, Credential, OnPremisesLogin, Person, PolicyChange};
pub(crate) use routes::router;

/// The tenant's domain; it may stand for its id in every address.
const DOMAIN: &str = "practice.onmicrosoft.com";

/// Which deployment a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deployment {
    Cloud,
    OnPremises,
}

/// An access token that was given out.
#[derive(Clone)]
struct Token {
    user: String,
    expires: Timestamp,
    deployment: Option<Deployment>,
    /// It stands for a person, not for an application.
    delegated: bool,
}

/// The authority of both deployments.
pub(crate) struct Authority {
    pub(crate) tenant: String,
    clients: Mutex<Vec<Client>>,
    people: Vec<Person>,
    pub(crate) on_premises: OnPremisesLogin,
    /// Life of an access token, in seconds.
    pub(crate) lifetime: AtomicI64,
    /// Seconds between two questions for a device code.
    pub(crate) device_interval: AtomicI64,
    tokens: Mutex<HashMap<String, Token>>,
    policies: Mutex<Policies>,
    consents: Mutex<registration::Consents>,
    flows: Mutex<HashMap<String, visit::Flow>>,
    codes: Mutex<HashMap<String, authorize::Code>>,
    devices: Mutex<Vec<device::Device>>,
    refresh_tokens: Mutex<HashMap<String, cloud::RefreshToken>>,
    on_premises_codes: Mutex<HashMap<String, adfs::Code>>,
    on_premises_refresh_tokens: Mutex<HashMap<String, adfs::RefreshToken>>,
}

/// What a request to an authority brings along.
pub(crate) struct TokenRequest<'a> {
    pub(crate) authorization: Option<&'a str>,
    pub(crate) body: &'a str,
    pub(crate) now: Timestamp,
    /// Origins under which the organization is known: `http://127.0.0.1:1234`, `http://localhost:1234`.
    pub(crate) origins: &'a [String],
}

impl TokenRequest<'_> {
    /// The authority's own origin.
    fn origin(&self) -> &str {
        self.origins.first().map_or("", String::as_str)
    }
}

/// The fields of a form or a query.
struct Form {
    fields: HashMap<String, String>,
}

impl Form {
    fn parse(text: &str) -> Form {
        Form {
            fields: pairs(text).into_iter().collect(),
        }
    }

    /// The body of a token request; client id and secret may come by HTTP Basic.
    fn read(request: &TokenRequest<'_>) -> Form {
        let Form { mut fields } = Form::parse(request.body);
        let basic = request
            .authorization
            .and_then(|header| header.strip_prefix("Basic "));
        if let Some(decoded) = basic.and_then(|text| STANDARD.decode(text).ok())
            && let Ok(text) = String::from_utf8(decoded)
            && let Some((id, secret)) = text.split_once(':')
        {
            let decode = |text: &str| {
                pairs(&format!("x={text}"))
                    .pop()
                    .map(|(_, value)| value)
                    .unwrap_or_default()
            };
            fields
                .entry("client_id".to_owned())
                .or_insert_with(|| decode(id));
            fields
                .entry("client_secret".to_owned())
                .or_insert_with(|| decode(secret));
        }
        Form { fields }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }
}

/// Random text of 40 URL-safe characters.
pub(crate) fn random_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 30]>())
}

/// The id that Entra ID knows a user by, `oid` in tokens.
pub(crate) fn object_id(user: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, user.as_bytes()).to_string()
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(now)
}

fn part(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// For whom and for what a token is.
struct Subject<'a> {
    user: &'a str,
    client: &'a str,
    audience: &'a str,
    deployment: Option<Deployment>,
    person: Option<&'a Person>,
}

impl Authority {
    pub(crate) fn new(
        tenant: String,
        clients: Vec<Client>,
        people: Vec<Person>,
        on_premises: OnPremisesLogin,
    ) -> Authority {
        Authority {
            tenant,
            clients: Mutex::new(clients),
            people,
            on_premises,
            lifetime: AtomicI64::new(3599),
            device_interval: AtomicI64::new(5),
            tokens: Mutex::default(),
            policies: Mutex::default(),
            consents: Mutex::default(),
            flows: Mutex::default(),
            codes: Mutex::default(),
            devices: Mutex::default(),
            refresh_tokens: Mutex::default(),
            on_premises_codes: Mutex::default(),
            on_premises_refresh_tokens: Mutex::default(),
        }
    }

    /// The user behind an `Authorization` header, if its token is good for the deployment now.
    pub(crate) fn user(
        &self,
        header: Option<&str>,
        deployment: Deployment,
        now: Timestamp,
    ) -> Option<String> {
        self.bearer(header, deployment, now).map(|token| token.user)
    }

    fn bearer(
        &self,
        header: Option<&str>,
        deployment: Deployment,
        now: Timestamp,
    ) -> Option<Token> {
        let (scheme, token) = header?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        held(&self.tokens)
            .get(token.trim())
            .filter(|token| token.deployment == Some(deployment) && token.expires > now)
            .cloned()
    }

    /// Makes every access token worthless, as a revocation does.
    pub(crate) fn revoke_all(&self) {
        held(&self.tokens).clear();
    }

    pub(crate) fn clients(&self) -> Vec<Client> {
        held(&self.clients).clone()
    }

    /// Changes an application. `false` if there is none with that id.
    pub(crate) fn change_client(&self, id: &str, change: impl FnOnce(&mut Client)) -> bool {
        held(&self.clients)
            .iter_mut()
            .find(|client| client.id.eq_ignore_ascii_case(id))
            .map(change)
            .is_some()
    }

    pub(crate) fn change_policies(&self, change: &PolicyChange) -> Policies {
        let mut policies = held(&self.policies);
        policies.change(change);
        if !policies.consent {
            held(&self.consents).clear();
        }
        *policies
    }

    pub(crate) fn policies(&self) -> Policies {
        *held(&self.policies)
    }

    fn client(&self, id: &str) -> Result<Client, Refusal> {
        held(&self.clients)
            .iter()
            .find(|client| client.id.eq_ignore_ascii_case(id))
            .cloned()
            .ok_or_else(|| Refusal::client_unknown(id))
    }

    fn person(&self, email: &str) -> Option<&Person> {
        self.people
            .iter()
            .find(|person| person.email.eq_ignore_ascii_case(email.trim()))
    }

    /// The user of the organization that an account belongs to.
    pub(crate) fn user_with(&self, email: &str) -> Option<String> {
        self.person(email).map(|person| person.user.clone())
    }

    /// The account that the admin door takes if it is told none.
    pub(crate) fn first_account(&self) -> &str {
        self.people.first().map_or("", |person| &person.email)
    }

    fn person_of(&self, user: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.user == user)
    }

    /// Is this segment of an address the tenant? `common` and `organizations` leave it to the person's account.
    fn check_tenant(&self, tenant: &str) -> Result<(), Refusal> {
        let known = [self.tenant.as_str(), DOMAIN, "common", "organizations"];
        if known.iter().any(|known| known.eq_ignore_ascii_case(tenant)) {
            Ok(())
        } else if is_guid(tenant) || tenant.contains('.') {
            Err(Refusal::tenant_unknown(tenant))
        } else {
            Err(Refusal::tenant_identifier(tenant))
        }
    }

    fn issue(&self, subject: &Subject<'_>, now: Timestamp) -> (String, i64) {
        let lifetime = self.lifetime.load(Ordering::SeqCst);
        let expires = later(now, lifetime);
        let mut claims = json!({
            "aud": subject.audience, "iss": format!("https://sts.windows.net/{}/", self.tenant),
            "appid": subject.client, "oid": object_id(subject.user), "tid": self.tenant,
            "iat": now.as_second(), "nbf": now.as_second(), "exp": expires.as_second(), "ver": "1.0",
        });
        if let (Some(person), Some(claims)) = (subject.person, claims.as_object_mut()) {
            claims.insert("scp".to_owned(), json!("user_impersonation"));
            claims.insert("name".to_owned(), json!(person.name));
            claims.insert("upn".to_owned(), json!(person.email));
        }
        let token = format!(
            "{}.{}.{}",
            part(&json!({"typ": "JWT", "alg": "RS256", "kid": "practice"})),
            part(&claims),
            random_secret()
        );
        let mut tokens = held(&self.tokens);
        tokens.retain(|_, token| token.expires > now);
        tokens.insert(
            token.clone(),
            Token {
                user: subject.user.to_owned(),
                expires,
                deployment: subject.deployment,
                delegated: subject.person.is_some(),
            },
        );
        (token, lifetime)
    }
}
