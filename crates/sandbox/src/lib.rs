//! The practice organization: an HTTP server on loopback that simulates the documented behaviour of Dynamics 365
//! (Dataverse Web API) and of both sign-in services, with demo data that looks like a real company's.
//!
//! It shares no code with the client in `crates/dataverse`, or one mistake would hide the other.
//!
//! ```no_run
//! # async fn example() -> Result<(), sandbox::Error> {
//! let sandbox = sandbox::Sandbox::start(sandbox::Options::default()).await?;
//! let description = sandbox.description();   // URLs, client ids, secrets
//! # let _ = description;
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//! - `server`: routes, latency, faults, the wire. `auth`: the sign-in services. `api`: what a Web API request means.
//! - The crate `sandbox-syntax`: path, query options, `$filter`. `query`: the typed query model and its SQL. `rows`:
//!   rows to JSON.
//! - `write`: create, update, upsert, delete, on a transaction of the caller's. `references`: binds. `associate`: collections
//!   of a row. `batch`: `$batch`. `bulk`, `actions`: bulk actions, resolving a case, qualifying a lead.
//! - `rules`: what the server does by itself. `security`: roles and 403s. `parameters`: what functions are given. `messages`:
//!   which messages a table supports.
//! - `metadata`: tables and columns. `definitions`: the metadata endpoints and changes to the schema. `store`: SQLite.
//!   `demo`: the demo data and the sample visitors.
//!
//! # The admin door
//! On the same address under `/admin`, without sign-in (the server listens on loopback). Bodies are JSON; changes answer
//! 204.
//!
//! | Route | What it does |
//! | --- | --- |
//! | `GET /admin` | everything at a glance: tenant, all clients (one with an expired secret, one that is no member, one without role), faults, latency, clock |
//! | `GET /admin/requests` | the log, one entry for each HTTP request, a `$batch` too: `[{"sequence","method","path","query","entity_set","started","ended","status","fault"?}]`. `started` and `ended` are ticks of one counter, so that `a.ended < b.started` means that `b` waited for `a`. `status` is null while it runs and after a reset before the commit; `fault` is what was injected. Token requests are listed too (`entity_set` null). A `$batch` has its operations beside it: `"operations":[{"method","path","status","fault"?}]`, also those of a change set that was rolled back |
//! | `DELETE /admin/requests` | empties the log |
//! | `POST /admin/faults` | see "Faults" below; 400 with a sentence if the plan is not clear |
//! | `GET`/`DELETE /admin/faults` | faults still waiting / forget them |
//! | `PUT /admin/latency` | `{"delay_ms", "path"?}` or a list of them; the first that matches delays the request |
//! | `GET`/`DELETE /admin/latency` | the delays / none |
//! | `PATCH /admin/settings` | `{"token_lifetime_seconds"?` of tokens issued from now on (3599)`, "device_code_interval_seconds"?` (5)`, "service_protection"?}`: `"off"` (at first), `"real"` (6000 requests, 1,200,000 ms, 52 at once, in 300 s by the organization's clock) or `{"requests"?, "execution_ms"?, "concurrent"?, "window_seconds"?}`; changing it forgets what was used. `"duplicate_detection"?` (true) switches it in the organization, `"duplicates_status"?` (412) is the status of its refusals, 500 on some servers |
//! | `POST /admin/clock` | `{"advance_seconds"}`: moves the organization's clock, so that tokens expire without waiting |
//! | `DELETE /admin/tokens` | revokes all access tokens |
//! | `POST /admin/sign-ins` | answers a sign-in without a browser, as the person `email` (default: the first). `{"authorize_url", "email"?}` or `{"authorize_url", "deny": true}`: 200 `{"redirect"}`, the address that the browser would be sent to. `{"user_code", "email"?}` or `{"user_code", "deny": true}`: approves or declines a device code |
//! | `GET /admin/sign-ins` | device codes: `[{"user_code","client_id","state"}]` |
//! | `PATCH /admin/policies` | `{"mfa"?, "consent_required"?, "conditional_access"?, "assignment_required"?}`, all false at first: what the tenant demands of people. Pages ask for proof and consent; tokens without them are refused with 50076, 65001; 53003 and 50105 let nobody in |
//! | `PATCH /admin/clients` | `{"client_id", "secret_expired"?, "redirect_uris"?}` of an application of the tenant |
//! | `POST /admin/refresh-tokens` | `{"end": "expired"}` (700082) or `{"end": "revoked"}` (70043): all that were given out |
//! | `PATCH /admin/users` | `{"user"? ("application", "on_premises", "administrator", or an e-mail address), "member"?, "disabled"?, "role"? ("guide", "none", "system_administrator"), "business_unit"?, "remove"? ["prvReadLead"], "add"? […], "depth"? {"prvReadContact": "basic"}}`; a depth is `basic`, `local`, `deep` or `global`. A `business_unit` is a row of `businessunits`, which an administrator makes |
//!
//! # Faults
//! `POST /admin/faults` takes a plan that waits for requests. Of several plans the first that fits hits. Either
//! `{"fault": …}`, the next one, or `{"seed": 7, "rates": {"reset_before_commit": 0.1, "too_many_requests": 0.05}}`, each
//! request with that probability. What is drawn for a request depends on the seed, its method, its path and on how often
//! these have come since the plan was given, on nothing else: with the same seed the same requests go wrong in the same way.
//!
//! | `fault` | What happens |
//! | --- | --- |
//! | `too_many_requests` | 429 with `Retry-After` |
//! | `server_error`, `unavailable` | 500; 503, an HTML page, with `Retry-After` |
//! | `precondition_failed` | 412 `0x80060882` |
//! | `unauthorized` | 401 with the challenge |
//! | `reset_before_commit` | the connection is closed, nothing was done |
//! | `reset_after_commit` | all is done, then the connection is closed in place of the answer |
//! | `slow` | the work begins `delay_ms` later, also when the client has gone by then |
//! | `held` | the work is done at once, the answer is kept back for `delay_ms` |
//! | `truncated_body` | all is done, half of the answer comes |
//! | `wrong_json`, `html_page` | 200 and something else |
//!
//! Which requests: `path` (text that path and query contain, `*` is a wildcard), `method`, `content` (text that the body
//! contains; that of a `$batch` is all that it holds), `skip` (so many that match are let through first, 0), `times` (how
//! many are hit: 1, of drawn faults all). And `retry_after` (seconds, 1), `delay_ms` (0).
//!
//! The operations inside a `$batch` are hit like requests, by their own path, method and body; `only`, `"requests"` or
//! `"operations"`, says that just these are meant (of drawn faults `"requests"` unless told). `held`, `truncated_body`,
//! `wrong_json` and `html_page` hit whole requests only. A reset at an operation ends the batch there: what was committed
//! before stays. Before the commit of an operation in a change set, the set is undone; after it means after the set's.

mod actions;
mod admin;
mod api;
mod associate;
mod auth;
mod batch;
mod bulk;
mod clock;
mod definitions;
pub mod demo;
mod duplicates;
mod errors;
mod faults;
mod json;
mod limits;
mod messages;
mod metadata;
mod organization;
mod pages;
mod parameters;
mod query;
mod references;
mod requests;
mod rows;
mod rules;
mod security;
mod server;
mod store;
mod text;
mod tls;
mod value;
mod write;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::{Authority, Client, Credential, OnPremisesLogin, random_secret};
use crate::faults::{Faults, Latency};
use crate::metadata::schema::Schema;
use crate::organization::{Organization, ids};
use crate::security::{Directory, Principal, Role, guide_role};
use crate::store::Store;

/// How to start a practice organization.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// What it holds at first. Default [`Seed::Demo`].
    pub seed: Seed,
    /// How many contacts the demo data has. Default 1000.
    pub contacts: usize,
    /// Delay of every request. Default none.
    pub latency: Duration,
    /// The database file; `None` (default) for a temporary one that is gone after [`Sandbox::stop`].
    pub data: Option<PathBuf>,
    /// Serve https, under a certificate of a fresh authority whose certificate is written to `ca.pem` in this directory.
    pub tls: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: Seed::Demo,
            contacts: 1000,
            latency: Duration::ZERO,
            data: None,
            tls: None,
        }
    }
}

/// What the organization holds at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seed {
    /// A company's accounts, contacts, leads, cases, tasks and notes.
    #[default]
    Demo,
    /// Only its users, team, currency and roles.
    Empty,
}

/// Why the practice organization did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address could not be listened on.
    #[error(
        "The practice organization cannot listen on {address}. Choose another address or stop what uses it."
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The database could not be opened or filled.
    #[error(
        "The practice organization's data cannot be opened. Check that the file is writable, or choose another."
    )]
    Data(#[from] sqlx::Error),
    /// The certificates could not be made or written.
    #[error(
        "The practice organization's certificates cannot be written. Check that the directory is writable."
    )]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Listen { .. } => "sandbox_address_unavailable",
            Error::Data(_) => "sandbox_data_unusable",
            Error::Tls(_) => "sandbox_tls_unusable",
        }
    }
}

/// All that a client needs to connect. Secrets are drawn anew at each start.
#[derive(Serialize, Deserialize, Clone)]
pub struct Description {
    /// The cloud organization: `http://127.0.0.1:PORT`.
    pub organization_url: String,
    /// Tokens come from `{authority_url}/{tenant_id}/oauth2/v2.0/token`.
    pub authority_url: String,
    /// The directory.
    pub tenant_id: String,
    /// An application user with exactly the integration guide's role.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// An application user that may do everything: for set-up, tests and other clients.
    pub administrator: Administrator,
    /// The application that people sign in to themselves.
    pub public_client: PublicClient,
    /// People (agents) with a password and exactly the integration guide's role.
    pub people: Vec<Person>,
    /// The same organization as an on-premises deployment.
    pub on_premises: OnPremises,
    /// Base of the admin door (`/admin`, see the crate's documentation).
    pub admin_url: String,
}

/// The application user with the System Administrator role.
#[derive(Serialize, Deserialize, Clone)]
pub struct Administrator {
    /// Application id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// An application without a secret, for sign-in in a browser (authorization code with PKCE) and by device code.
#[derive(Serialize, Deserialize, Clone)]
pub struct PublicClient {
    /// Application id.
    pub client_id: String,
    /// What is registered; of `http://localhost` the port is free.
    pub redirect_uris: Vec<String>,
}

/// Somebody who signs in with a password.
#[derive(Serialize, Deserialize, Clone)]
pub struct Person {
    /// The account, also the user's `internalemailaddress`.
    pub email: String,
    /// The password.
    pub password: String,
    /// First and last name.
    pub name: String,
    /// The user's `systemuserid`.
    pub user_id: String,
}

/// How to reach the organization as an on-premises deployment.
#[derive(Serialize, Deserialize, Clone)]
pub struct OnPremises {
    /// With the version behind it: `http://127.0.0.1:PORT/OnPrem/api/data/v9.1`.
    pub organization_url: String,
    /// The AD FS token endpoint.
    pub authority_url: String,
    /// Application id known to AD FS.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// A native application of AD FS: no secret, for sign-in in a browser (`/adfs/oauth2/authorize`).
    pub native_client_id: String,
    /// A user with exactly the integration guide's role.
    pub login_email: String,
    /// The user's password.
    pub password: String,
}

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Description")
            .field("organization_url", &self.organization_url)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

const TENANT: &str = "3f1a6c2e-9b4d-4e8f-a7c1-5d2e8b9f0a61";
const CLIENT: &str = "b7d1f0a4-2c3e-4f5a-8b6c-9d0e1f2a3b4c";
const ADMINISTRATOR_CLIENT: &str = "c8e2a1b5-3d4f-4a6b-9c7d-0e1f2a3b4c5d";
const EXPIRED_CLIENT: &str = "d9f3b2c6-4e5a-4b7c-8d8e-1f2a3b4c5d6e";
const STRANGER_CLIENT: &str = "e0a4c3d7-5f6b-4c8d-9e9f-2a3b4c5d6e7f";
const ROLELESS_CLIENT: &str = "f1b5d4e8-6a7c-4d9e-8f0a-3b4c5d6e7f80";
const ADFS_CLIENT: &str = "a2c6e5f9-7b8d-4e0f-9a1b-4c5d6e7f8091";
const PUBLIC_CLIENT: &str = "b3d7f60a-8c9e-4f10-8b2c-5d6e7f8091a2";
const ADFS_NATIVE_CLIENT: &str = "c4e8071b-9daf-4021-9c3d-6e7f8091a2b3";
const LOGIN_EMAIL: &str = "integration@practice.example";
/// A user id that belongs to no user of the organization.
const STRANGER: &str = "00000000-0000-4000-8000-00000000dead";
/// First and last names of the people who sign in themselves.
const PEOPLE: [(&str, &str); 3] = [
    ("Robin", "Keller"),
    ("Samira", "Haddad"),
    ("Jonas", "Brandt"),
];

/// The e-mail address of one of them.
fn email(first: &str, last: &str) -> String {
    format!("{first}.{last}@practice.example").to_lowercase()
}

/// A running practice organization.
pub struct Sandbox {
    description: Description,
    organization: Arc<Organization>,
    handle: axum_server::Handle<SocketAddr>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts the server and, in a new database, fills it. It answers when this returns.
    ///
    /// # Errors
    /// If the address is taken, the data cannot be opened, or the certificates cannot be written.
    pub async fn start(options: Options) -> Result<Sandbox, Error> {
        let listen_failed = |source| Error::Listen {
            address: options.listen,
            source,
        };
        let listener = std::net::TcpListener::bind(options.listen).map_err(listen_failed)?;
        listener.set_nonblocking(true).map_err(listen_failed)?;
        let address = listener.local_addr().map_err(listen_failed)?;
        let tls = match &options.tls {
            Some(directory) => Some(
                tls::configuration(directory, address.ip())
                    .await
                    .map_err(Error::Tls)?,
            ),
            None => None,
        };

        let store = Store::open(options.data.as_deref()).await?;
        let schema = Schema::open(&mut *store.pool().acquire().await?).await?;
        store.continue_versions(schema.current()).await?;
        if store.is_new {
            demo::organization(&store).await?;
            match options.seed {
                Seed::Demo => demo::company(&store, options.contacts).await?,
                Seed::Empty => {}
            }
        }

        api::tracking::prepare(&store).await?;

        let (description, origins) = describe(address, options.tls.is_some());
        let faults = Faults::default();
        if !options.latency.is_zero() {
            let delay_ms = u64::try_from(options.latency.as_millis()).unwrap_or(u64::MAX);
            faults.set_latencies(vec![Latency {
                path: String::new(),
                delay_ms,
            }]);
        }
        let organization = Arc::new(Organization {
            next_ticket: AtomicU32::new(demo::next_ticket(&store).await?),
            store,
            schema,
            directory: directory(),
            authority: authority(&description),
            clock: clock::Clock::default(),
            faults,
            requests: Arc::default(),
            protection: Arc::default(),
            duplicates_status: AtomicU16::new(412),
            tls: options.tls.is_some(),
            origins,
        });
        let handle = axum_server::Handle::new();
        let serving = server::serve(listener, tls, handle.clone(), Arc::clone(&organization));
        Ok(Sandbox {
            description,
            organization,
            handle,
            server: tokio::spawn(serving),
        })
    }

    /// How to connect.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Stops the server, drops open connections, and removes a temporary database.
    pub async fn stop(self) {
        self.handle.shutdown();
        if let Ok(Err(error)) = self.server.await {
            tracing::warn!(%error, "the practice organization's server ended with an error");
        }
        self.organization.store.close().await;
    }
}

fn describe(address: SocketAddr, tls: bool) -> (Description, Vec<String>) {
    let scheme = if tls { "https" } else { "http" };
    let origin = format!("{scheme}://{address}");
    let origins = vec![
        origin.clone(),
        format!("{scheme}://localhost:{}", address.port()),
        format!("{scheme}://127.0.0.1:{}", address.port()),
    ];
    let description = Description {
        organization_url: origin.clone(),
        authority_url: origin.clone(),
        tenant_id: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: random_secret(),
        administrator: Administrator {
            client_id: ADMINISTRATOR_CLIENT.to_owned(),
            client_secret: random_secret(),
        },
        public_client: PublicClient {
            client_id: PUBLIC_CLIENT.to_owned(),
            redirect_uris: vec!["http://localhost".to_owned()],
        },
        people: ids::PEOPLE
            .into_iter()
            .zip(PEOPLE)
            .map(|(id, (first, last))| Person {
                email: email(first, last),
                password: random_secret(),
                name: format!("{first} {last}"),
                user_id: id.to_owned(),
            })
            .collect(),
        on_premises: OnPremises {
            organization_url: format!("{origin}/{}/api/data/v9.1", server::ON_PREMISES),
            authority_url: format!("{origin}/adfs/oauth2/token"),
            client_id: ADFS_CLIENT.to_owned(),
            client_secret: random_secret(),
            native_client_id: ADFS_NATIVE_CLIENT.to_owned(),
            login_email: LOGIN_EMAIL.to_owned(),
            password: random_secret(),
        },
        admin_url: format!("{origin}/admin"),
    };
    (description, origins)
}

fn authority(description: &Description) -> Authority {
    let client = |id: &str, name: &str, secret: &str, expired: bool, user: &str| Client {
        id: id.to_owned(),
        name: name.to_owned(),
        credential: Credential::Secret {
            secret: secret.to_owned(),
            expired,
        },
        user: Some(user.to_owned()),
        redirect_uris: Vec::new(),
    };
    let administrator = &description.administrator;
    let clients = vec![
        client(
            &description.client_id,
            "Comm100 Integration",
            &description.client_secret,
            false,
            ids::APPLICATION_USER,
        ),
        client(
            &administrator.client_id,
            "Administration",
            &administrator.client_secret,
            false,
            ids::ADMINISTRATOR,
        ),
        client(
            EXPIRED_CLIENT,
            "Expired",
            &random_secret(),
            true,
            ids::APPLICATION_USER,
        ),
        client(
            STRANGER_CLIENT,
            "Stranger",
            &random_secret(),
            false,
            STRANGER,
        ),
        client(
            ROLELESS_CLIENT,
            "Without Role",
            &random_secret(),
            false,
            ids::ROLELESS_USER,
        ),
        Client {
            id: description.public_client.client_id.clone(),
            name: "Dynamics Companion".to_owned(),
            credential: Credential::Public,
            user: None,
            redirect_uris: description.public_client.redirect_uris.clone(),
        },
    ];
    let people = description.people.iter().map(|person| auth::Person {
        email: person.email.clone(),
        password: person.password.clone(),
        name: person.name.clone(),
        user: person.user_id.clone(),
    });
    let on_premises = OnPremisesLogin {
        client_id: description.on_premises.client_id.clone(),
        client_secret: description.on_premises.client_secret.clone(),
        native_client_id: description.on_premises.native_client_id.clone(),
        login_email: description.on_premises.login_email.clone(),
        password: description.on_premises.password.clone(),
        user: ids::ON_PREMISES_USER.to_owned(),
    };
    Authority::new(
        description.tenant_id.clone(),
        clients,
        people.collect(),
        on_premises,
    )
}

fn directory() -> Directory {
    let directory = Directory::default();
    directory.add(ids::APPLICATION_USER, Principal::new(guide_role()));
    directory.add(ids::ON_PREMISES_USER, Principal::new(guide_role()));
    for id in ids::PEOPLE {
        directory.add(id, Principal::new(guide_role()));
    }
    directory.add(
        ids::ADMINISTRATOR,
        Principal::new(Role::SystemAdministrator),
    );
    directory.add(ids::ROLELESS_USER, Principal::new(Role::None));
    directory
}
