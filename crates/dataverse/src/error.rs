//! Everything that can go wrong, with a stable code, a sentence for the agent and a next step.

mod answer;
mod wording;

pub use answer::ServiceAnswer;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

type Cause = Arc<dyn StdError + Send + Sync>;

/// Why an operation did not succeed.
///
/// `Display`, `Debug` and `source` are for the log: they hold no secret and no value of a record. For people there are
/// [`Error::message`] and [`Error::next_step`]; for programs [`Error::code`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The organization URL is none.
    #[error("invalid organization URL: {reason}")]
    InvalidOrganizationUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The organization URL is http to another machine.
    #[error("the organization URL is not https")]
    InsecureOrganizationUrl,
    /// The address of the sign-in service is none.
    #[error("invalid authority URL: {reason}")]
    InvalidAuthorityUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address of the sign-in service is http to another machine.
    #[error("the authority URL is not https")]
    InsecureAuthorityUrl,
    /// The additional root certificates cannot be read.
    #[error("unreadable root certificates")]
    InvalidRootCertificates(#[source] Option<Cause>),
    /// The system trusts no root certificate at all.
    #[error("no root certificates in the system")]
    NoRootCertificates(#[source] Cause),
    /// The query cannot be asked; the reason names columns, never values.
    #[error("invalid query: {reason}")]
    InvalidQuery {
        /// What is wrong with it.
        reason: String,
    },
    /// The request's URL would be longer than Dataverse reads.
    #[error("the URL would have {length} characters")]
    RequestTooLong {
        /// Its length in characters.
        length: usize,
    },

    /// The host's name is unknown.
    #[error("no address for {host} ({endpoint})")]
    DnsFailed {
        /// Who was called.
        endpoint: Endpoint,
        /// Its host.
        host: String,
        /// The technical chain.
        source: Cause,
    },
    /// The host does not take connections.
    #[error("cannot connect to {host} ({endpoint})")]
    HostUnreachable {
        /// Who was called.
        endpoint: Endpoint,
        /// Its host.
        host: String,
        /// The technical chain.
        source: Cause,
    },
    /// No trusted, encrypted connection came about.
    #[error("no trusted connection to {host} ({endpoint})")]
    TlsFailed {
        /// Who was called.
        endpoint: Endpoint,
        /// Its host.
        host: String,
        /// The technical chain.
        source: Cause,
    },
    /// The connection or the answer took too long.
    #[error("{host} ({endpoint}) did not answer in time")]
    TimedOut {
        /// Who was called.
        endpoint: Endpoint,
        /// Its host.
        host: String,
        /// The technical chain.
        source: Cause,
    },
    /// The connection broke before the whole answer was there; what was asked for may have happened.
    #[error("the connection to {host} ({endpoint}) broke")]
    ConnectionLost {
        /// Who was called.
        endpoint: Endpoint,
        /// Its host.
        host: String,
        /// The technical chain.
        source: Cause,
    },

    /// Nobody could be signed in.
    #[error("sign-in failed ({problem:?}): {answer}")]
    SignIn {
        /// Why.
        problem: SignInProblem,
        /// How long to wait, if the sign-in service said so.
        retry_after: Option<Duration>,
        /// What it answered.
        answer: ServiceAnswer,
    },

    /// The user or application user is unknown to the organization.
    #[error("not a member of the organization: {0}")]
    NotAMember(ServiceAnswer),
    /// The user is disabled.
    #[error("user disabled: {0}")]
    UserDisabled(ServiceAnswer),
    /// The user has no licence.
    #[error("user without licence: {0}")]
    NoLicence(ServiceAnswer),
    /// The user has no security role at all.
    #[error("user without role: {0}")]
    NoRole(ServiceAnswer),
    /// The user's roles lack a privilege.
    #[error("missing privilege {}: {answer}", privilege.as_deref().unwrap_or("(unknown)"))]
    MissingPrivilege {
        /// Its name, such as `prvReadContact`, where Dataverse names it.
        privilege: Option<String>,
        /// What Dataverse answered.
        answer: ServiceAnswer,
    },
    /// The user may work with the table, but not with this record.
    #[error("no access to the record: {0}")]
    NoAccessToRecord(ServiceAnswer),
    /// Refused for another reason.
    #[error("forbidden: {0}")]
    Forbidden(ServiceAnswer),
    /// The record does not exist.
    #[error("not found: {0}")]
    NotFound(ServiceAnswer),
    /// The table (entity set) does not exist.
    #[error("unknown table: {0}")]
    UnknownTable(ServiceAnswer),
    /// The record was changed since it was read.
    #[error("record changed: {0}")]
    RecordChanged(ServiceAnswer),
    /// A record with this id exists.
    #[error("record exists: {0}")]
    RecordExists(ServiceAnswer),
    /// A record with this alternate key exists.
    #[error("alternate key exists: {0}")]
    AlternateKeyExists(ServiceAnswer),
    /// A duplicate detection rule found a similar record (protocol page `duplicates.md`). The answer does not say which:
    /// [`crate::Client::duplicates`] asks.
    #[error("duplicate found: {0}")]
    Duplicates(ServiceAnswer),
    /// Other records depend on the one that was to be deleted.
    #[error("still referenced: {0}")]
    StillReferenced(ServiceAnswer),
    /// A value is missing, too long, out of range, of the wrong kind or points to what cannot be used there; Dataverse's
    /// text names the column.
    #[error("invalid value: {0}")]
    InvalidValue(ServiceAnswer),
    /// The state of the record, or of one it depends on, does not allow it: closed, inactive, open activities.
    #[error("not in this state: {0}")]
    InvalidState(ServiceAnswer),
    /// The delta link (or the stamp of the metadata) is too old: everything has to be read again (protocol page `sync.md`,
    /// section "Expiry").
    #[error("delta expired: {0}")]
    DeltaExpired(ServiceAnswer),
    /// The table does not track changes.
    #[error("no change tracking: {0}")]
    NoChangeTracking(ServiceAnswer),
    /// A precondition failed and Dataverse did not say which.
    #[error("precondition failed: {0}")]
    PreconditionFailed(ServiceAnswer),
    /// A service protection limit; the wait it asks for is longer than the budget.
    #[error("throttled: {answer}")]
    Throttled {
        /// How long to wait.
        retry_after: Option<Duration>,
        /// What Dataverse answered.
        answer: ServiceAnswer,
    },
    /// The organization is down or in maintenance.
    #[error("organization unavailable: {answer}")]
    OrganizationUnavailable {
        /// How long to wait, if it said so.
        retry_after: Option<Duration>,
        /// What was answered.
        answer: ServiceAnswer,
    },
    /// Dynamics was out of reach several times running, so for a while it is not asked (protocol page
    /// `errors-and-limits.md`, section "Service protection limits"). [`crate::Client::sign_in`] lets the next request
    /// through at once.
    #[error("not asked, for {cause}")]
    Resting {
        /// When the next request goes through.
        again_in: Duration,
        /// The last failure.
        cause: Box<Error>,
    },
    /// An earlier operation of the batch failed, so this one was not carried out (protocol page `batch.md`, section
    /// "Failure").
    #[error("not carried out, for an earlier operation of the batch failed")]
    NotCarriedOut,
    /// A business rule or plug-in of the organization stopped it; its author's text is for the user.
    #[error("stopped by a business rule: {0}")]
    BusinessRule(ServiceAnswer),
    /// Dataverse does not understand or accept the request.
    #[error("bad request: {0}")]
    BadRequest(ServiceAnswer),
    /// Dataverse failed.
    #[error("server failed: {0}")]
    ServerFailed(ServiceAnswer),

    /// Something answered, but not Dataverse: a web page, or JSON of another kind.
    #[error("not Dataverse: {}", answer.as_ref().map_or_else(|| "wrong shape".to_owned(), ToString::to_string))]
    NotDataverse {
        /// What was answered, where the answer as a whole was the problem.
        answer: Option<ServiceAnswer>,
    },
    /// The answer is cut off or is no JSON.
    #[error("invalid answer: {reason}")]
    InvalidAnswer {
        /// What is wrong with it.
        reason: &'static str,
        /// The request id, if there was one.
        request_id: Option<String>,
    },
    /// The answer is larger than the limit.
    #[error("the answer is larger than {limit} bytes")]
    AnswerTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Who was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The Dataverse organization.
    Organization,
    /// Microsoft Entra ID or AD FS.
    SignInService,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Organization => "the organization",
            Self::SignInService => "the sign-in service",
        })
    }
}

/// Why nobody could be signed in (protocol page `auth.md`, sections 5 to 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInProblem {
    /// The client secret is wrong (often the secret's id was copied instead of its value) or missing.
    WrongSecret,
    /// The client secret has expired.
    SecretExpired,
    /// The application is not registered there.
    UnknownApplication,
    /// The tenant does not exist.
    UnknownTenant,
    /// The organization does not belong to this tenant, or AD FS does not know it.
    WrongOrganization,
    /// The login e-mail or the password is wrong.
    WrongPassword,
    /// An administrator has to consent first.
    ConsentRequired,
    /// A second factor is asked for, which this kind of sign-in cannot give.
    SecondFactorRequired,
    /// A Conditional Access policy blocks it.
    BlockedByPolicy,
    /// The user or the application is not permitted to use the organization there.
    NotPermitted,
    /// The sign-in has expired or was revoked.
    Expired,
    /// The application is registered with a secret, so that nobody can sign in with it as a person.
    NotAPublicClient,
    /// The application is registered without a secret, and one was sent.
    SecretNotAllowed,
    /// The application is not registered for a sign-in in the browser of this computer.
    WrongRedirect,
    /// Nobody is signed in.
    SignInRequired,
    /// The person did not want to sign in, or to allow it.
    Declined,
    /// Nobody signed in in time.
    TookTooLong,
    /// What came back from the browser does not belong to this sign-in.
    ForeignCallback,
    /// Another sign-in is under way.
    InProgress,
    /// This computer lets nobody listen for the browser.
    NoListener,
    /// The connection signs in by itself.
    NotForPersons,
    /// The organization does not say where to sign in, or leads to a service that is not known.
    NotDiscovered,
    /// The address answers, but not as a sign-in service.
    WrongAuthority,
    /// The sign-in service is down or busy.
    Unavailable,
    /// The organization refuses the token that the sign-in service gave.
    TokenRefused,
    /// Refused for another reason; the answer's code says which.
    Refused,
}

impl Error {
    /// The stable name of what went wrong.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidOrganizationUrl { .. } => "invalid_organization_url",
            Self::InsecureOrganizationUrl => "insecure_organization_url",
            Self::InvalidAuthorityUrl { .. } => "invalid_authority_url",
            Self::InsecureAuthorityUrl => "insecure_authority_url",
            Self::InvalidRootCertificates(_) => "invalid_root_certificates",
            Self::NoRootCertificates(_) => "no_root_certificates",
            Self::InvalidQuery { .. } => "invalid_query",
            Self::RequestTooLong { .. } => "request_too_long",
            Self::DnsFailed { .. } => "dns_failed",
            Self::HostUnreachable { .. } => "host_unreachable",
            Self::TlsFailed { .. } => "tls_failed",
            Self::TimedOut { .. } => "timed_out",
            Self::ConnectionLost { .. } => "connection_lost",
            Self::SignIn { problem, .. } => problem.code(),
            Self::NotAMember(_) => "not_a_member",
            Self::UserDisabled(_) => "user_disabled",
            Self::NoLicence(_) => "no_licence",
            Self::NoRole(_) => "no_role",
            Self::MissingPrivilege { .. } => "missing_privilege",
            Self::NoAccessToRecord(_) => "no_access_to_record",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::UnknownTable(_) => "unknown_table",
            Self::RecordChanged(_) => "record_changed",
            Self::RecordExists(_) => "record_exists",
            Self::AlternateKeyExists(_) => "alternate_key_exists",
            Self::Duplicates(_) => "duplicate_found",
            Self::StillReferenced(_) => "still_referenced",
            Self::InvalidValue(_) => "invalid_value",
            Self::InvalidState(_) => "invalid_state",
            Self::DeltaExpired(_) => "delta_expired",
            Self::NoChangeTracking(_) => "no_change_tracking",
            Self::Resting { .. } => "resting",
            Self::NotCarriedOut => "not_carried_out",
            Self::PreconditionFailed(_) => "precondition_failed",
            Self::Throttled { .. } => "throttled",
            Self::OrganizationUnavailable { .. } => "organization_unavailable",
            Self::BusinessRule(_) => "business_rule",
            Self::BadRequest(_) => "bad_request",
            Self::ServerFailed(_) => "server_failed",
            Self::NotDataverse { .. } => "not_dataverse",
            Self::InvalidAnswer { .. } => "invalid_answer",
            Self::AnswerTooLarge { .. } => "answer_too_large",
        }
    }

    /// The id under which the service logged the request, for support.
    pub fn request_id(&self) -> Option<&str> {
        if let Self::InvalidAnswer { request_id, .. } = self {
            return request_id.as_deref();
        }
        self.answer().and_then(ServiceAnswer::request_id)
    }

    /// Dataverse's own code, such as `0x80040220`.
    pub fn dataverse_code(&self) -> Option<&str> {
        if self.is_sign_in() {
            None
        } else {
            self.answer().and_then(ServiceAnswer::code)
        }
    }

    /// What the service answered, if one did.
    pub fn answer(&self) -> Option<&ServiceAnswer> {
        match self {
            Self::NotAMember(answer)
            | Self::UserDisabled(answer)
            | Self::NoLicence(answer)
            | Self::NoRole(answer)
            | Self::NoAccessToRecord(answer)
            | Self::Forbidden(answer)
            | Self::NotFound(answer)
            | Self::UnknownTable(answer)
            | Self::RecordChanged(answer)
            | Self::RecordExists(answer)
            | Self::AlternateKeyExists(answer)
            | Self::Duplicates(answer)
            | Self::StillReferenced(answer)
            | Self::InvalidValue(answer)
            | Self::InvalidState(answer)
            | Self::DeltaExpired(answer)
            | Self::NoChangeTracking(answer)
            | Self::PreconditionFailed(answer)
            | Self::BusinessRule(answer)
            | Self::BadRequest(answer)
            | Self::ServerFailed(answer)
            | Self::SignIn { answer, .. }
            | Self::MissingPrivilege { answer, .. }
            | Self::Throttled { answer, .. }
            | Self::OrganizationUnavailable { answer, .. }
            | Self::NotDataverse {
                answer: Some(answer),
            } => Some(answer),
            Self::InvalidOrganizationUrl { .. }
            | Self::InsecureOrganizationUrl
            | Self::InvalidAuthorityUrl { .. }
            | Self::InsecureAuthorityUrl
            | Self::InvalidRootCertificates(_)
            | Self::NoRootCertificates(_)
            | Self::InvalidQuery { .. }
            | Self::RequestTooLong { .. }
            | Self::DnsFailed { .. }
            | Self::HostUnreachable { .. }
            | Self::TlsFailed { .. }
            | Self::TimedOut { .. }
            | Self::ConnectionLost { .. }
            | Self::Resting { .. }
            | Self::NotCarriedOut
            | Self::NotDataverse { answer: None }
            | Self::InvalidAnswer { .. }
            | Self::AnswerTooLarge { .. } => None,
        }
    }

    /// Whether Dynamics is out of reach for now, so that cached answers are the best there is.
    pub fn is_offline(&self) -> bool {
        matches!(
            self,
            Self::DnsFailed { .. }
                | Self::HostUnreachable { .. }
                | Self::TimedOut { .. }
                | Self::ConnectionLost { .. }
                | Self::OrganizationUnavailable { .. }
                | Self::Resting { .. }
                | Self::SignIn {
                    problem: SignInProblem::Unavailable,
                    ..
                }
        )
    }

    /// Whether the sign-in is the problem, so that the connection's settings have to be corrected.
    pub fn is_sign_in(&self) -> bool {
        matches!(self, Self::SignIn { .. })
    }

    /// Whether a precondition of a write failed (HTTP 412).
    pub fn is_precondition_failed(&self) -> bool {
        matches!(
            self,
            Self::RecordChanged(_)
                | Self::RecordExists(_)
                | Self::AlternateKeyExists(_)
                | Self::Duplicates(_)
                | Self::PreconditionFailed(_)
        )
    }

    /// How long the service asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Throttled { retry_after, .. }
        | Self::OrganizationUnavailable { retry_after, .. }
        | Self::SignIn { retry_after, .. } = self
        {
            return *retry_after;
        }
        if let Self::Resting { again_in, .. } = self {
            return Some(*again_in);
        }
        None
    }

    /// Who was called, where that is what went wrong.
    pub fn endpoint(&self) -> Option<Endpoint> {
        if let Self::DnsFailed { endpoint, .. }
        | Self::HostUnreachable { endpoint, .. }
        | Self::TlsFailed { endpoint, .. }
        | Self::TimedOut { endpoint, .. }
        | Self::ConnectionLost { endpoint, .. } = self
        {
            return Some(*endpoint);
        }
        if let Self::SignIn { problem, .. } = self {
            return Some(match problem {
                SignInProblem::TokenRefused | SignInProblem::NotDiscovered => {
                    Endpoint::Organization
                }
                SignInProblem::WrongSecret
                | SignInProblem::SecretExpired
                | SignInProblem::UnknownApplication
                | SignInProblem::UnknownTenant
                | SignInProblem::WrongOrganization
                | SignInProblem::WrongPassword
                | SignInProblem::ConsentRequired
                | SignInProblem::SecondFactorRequired
                | SignInProblem::BlockedByPolicy
                | SignInProblem::NotPermitted
                | SignInProblem::Expired
                | SignInProblem::NotAPublicClient
                | SignInProblem::SecretNotAllowed
                | SignInProblem::WrongRedirect
                | SignInProblem::SignInRequired
                | SignInProblem::Declined
                | SignInProblem::TookTooLong
                | SignInProblem::ForeignCallback
                | SignInProblem::InProgress
                | SignInProblem::NoListener
                | SignInProblem::NotForPersons
                | SignInProblem::WrongAuthority
                | SignInProblem::Unavailable
                | SignInProblem::Refused => Endpoint::SignInService,
            });
        }
        self.answer().map(|_| Endpoint::Organization)
    }

    /// The same error, with the wait that is left of what the service asked for.
    pub(crate) fn again_in(mut self, wait: Duration) -> Self {
        if let Self::Throttled { retry_after, .. }
        | Self::OrganizationUnavailable { retry_after, .. } = &mut self
        {
            *retry_after = Some(wait);
        }
        self
    }

    pub(crate) fn sign_in(problem: SignInProblem, answer: ServiceAnswer) -> Self {
        Self::SignIn {
            problem,
            retry_after: None,
            answer,
        }
    }
}

impl Endpoint {
    fn subject(self) -> &'static str {
        match self {
            Self::Organization => "Dynamics 365 at",
            Self::SignInService => "The sign-in service",
        }
    }

    fn object(self) -> &'static str {
        match self {
            Self::Organization => "Dynamics 365 at",
            Self::SignInService => "the sign-in service",
        }
    }
}

impl SignInProblem {
    /// The stable name of the problem.
    pub fn code(self) -> &'static str {
        match self {
            Self::WrongSecret => "sign_in_wrong_secret",
            Self::SecretExpired => "sign_in_secret_expired",
            Self::UnknownApplication => "sign_in_unknown_application",
            Self::UnknownTenant => "sign_in_unknown_tenant",
            Self::WrongOrganization => "sign_in_wrong_organization",
            Self::WrongPassword => "sign_in_wrong_password",
            Self::ConsentRequired => "sign_in_consent_required",
            Self::SecondFactorRequired => "sign_in_second_factor_required",
            Self::BlockedByPolicy => "sign_in_blocked_by_policy",
            Self::NotPermitted => "sign_in_not_permitted",
            Self::Expired => "sign_in_expired",
            Self::NotAPublicClient => "sign_in_not_a_public_client",
            Self::SecretNotAllowed => "sign_in_secret_not_allowed",
            Self::WrongRedirect => "sign_in_wrong_redirect",
            Self::SignInRequired => "sign_in_required",
            Self::Declined => "sign_in_declined",
            Self::TookTooLong => "sign_in_took_too_long",
            Self::ForeignCallback => "sign_in_foreign_callback",
            Self::InProgress => "sign_in_in_progress",
            Self::NoListener => "sign_in_no_listener",
            Self::NotForPersons => "sign_in_not_for_persons",
            Self::NotDiscovered => "sign_in_not_discovered",
            Self::WrongAuthority => "sign_in_wrong_authority",
            Self::Unavailable => "sign_in_unavailable",
            Self::TokenRefused => "sign_in_token_refused",
            Self::Refused => "sign_in_refused",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::WrongSecret => "The sign-in service refuses the client secret.",
            Self::SecretExpired => "The client secret has expired.",
            Self::UnknownApplication => {
                "The sign-in service does not know the application (client id)."
            }
            Self::UnknownTenant => "The sign-in service does not know the tenant.",
            Self::WrongOrganization => {
                "The sign-in service does not know this Dynamics 365 organization."
            }
            Self::WrongPassword => "The login e-mail or the password is wrong.",
            Self::ConsentRequired => "An administrator has to allow the application first.",
            Self::SecondFactorRequired => "The sign-in service asks for a second factor.",
            Self::BlockedByPolicy => "A policy of your organization blocks the sign-in.",
            Self::NotPermitted => {
                "The sign-in service does not permit this user or application to use Dynamics 365."
            }
            Self::Expired => "The sign-in has expired or was revoked.",
            Self::NotAPublicClient => {
                "The application is registered with a secret, so that nobody can sign in with it as a person."
            }
            Self::SecretNotAllowed => {
                "The application is registered without a secret, so that it can only be signed in to as a person."
            }
            Self::WrongRedirect => {
                "The application is not registered for a sign-in in this computer's browser."
            }
            Self::SignInRequired => "Nobody is signed in to Dynamics 365.",
            Self::Declined => "The sign-in was declined.",
            Self::TookTooLong => "Nobody signed in in time.",
            Self::ForeignCallback => {
                "The browser came back with something that does not belong to this sign-in."
            }
            Self::InProgress => "A sign-in is under way already.",
            Self::NoListener => "This computer does not let the companion wait for the browser.",
            Self::NotForPersons => "This connection signs in by itself, not as a person.",
            Self::NotDiscovered => "Dynamics 365 does not say where to sign in.",
            Self::WrongAuthority => "The sign-in address answers, but not as a sign-in service.",
            Self::Unavailable => "The sign-in service is not available at the moment.",
            Self::TokenRefused => "Dynamics 365 refuses the sign-in.",
            Self::Refused => "The sign-in service refuses the sign-in.",
        }
    }

    fn next_step(self) -> &'static str {
        match self {
            Self::WrongSecret => {
                "Enter the secret's value (not its id) from the application's registration."
            }
            Self::SecretExpired => {
                "Create a new client secret in the application's registration and enter it."
            }
            Self::UnknownApplication => {
                "Check the client id and that it is registered in this tenant or AD FS."
            }
            Self::UnknownTenant => {
                "Check the tenant id: a GUID, or a domain such as contoso.onmicrosoft.com."
            }
            Self::WrongOrganization => {
                "Check that the organization's address and the tenant belong together."
            }
            Self::WrongPassword => "Enter the login e-mail and the password again.",
            Self::ConsentRequired => "Ask the administrator to grant consent to the application.",
            Self::SecondFactorRequired => {
                "Sign in again as a person in the browser, or use an application user."
            }
            Self::BlockedByPolicy => {
                "Ask the administrator about Conditional Access for this application."
            }
            Self::NotPermitted => {
                "Ask the administrator to assign the user or grant the application access."
            }
            Self::Expired => "Sign in again.",
            Self::NotAPublicClient => {
                "Ask the administrator to allow public client flows in the application's registration."
            }
            Self::SecretNotAllowed => {
                "Sign in as yourself, or name an application that has a secret."
            }
            Self::WrongRedirect => {
                "Ask the administrator to add http://localhost to the application's desktop redirect URIs."
            }
            Self::SignInRequired => "Sign in.",
            Self::Declined | Self::TookTooLong => "Sign in again.",
            Self::ForeignCallback => {
                "Sign in again, in the page that the companion opens and in no other."
            }
            Self::InProgress => "Finish it in the browser, or cancel it.",
            Self::NoListener => "Sign in with a code on another device instead.",
            Self::NotForPersons => "Set `sign_in` to \"self\" in the connection's settings.",
            Self::NotDiscovered => {
                "Enter the sign-in address and the tenant in the connection's settings."
            }
            Self::WrongAuthority => "Check the sign-in address in the settings.",
            Self::Unavailable => "Try again in a minute.",
            Self::TokenRefused => {
                "Check that the organization's address is right and belongs to this tenant."
            }
            Self::Refused => "Give the code and the request id to the administrator.",
        }
    }
}
