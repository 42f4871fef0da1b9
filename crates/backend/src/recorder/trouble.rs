//! What a failure means for the queue.

use std::time::Duration;

use dataverse::Error;
use jiff::Timestamp;

use crate::problem::Problem;

/// What is to be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It passes: the same is tried again, and not before this if the service said so.
    Again(Option<Duration>),
    /// It is about the connection as a whole, and a person must do something: nothing is sent until then.
    Pause,
    /// It is about this entry, and a person must do something.
    Person,
}

/// What a failure means. Where it is not known whether what was sent has happened it is sent again: ids are computed, so
/// that it happens once.
pub(super) fn verdict(error: &Error) -> Verdict {
    match error {
        error if error.is_offline() => Verdict::Again(error.retry_after()),
        Error::Throttled { .. } => Verdict::Again(error.retry_after()),
        Error::ServerFailed(_)
        | Error::TlsFailed { .. }
        | Error::NotDataverse { .. }
        | Error::InvalidAnswer { .. }
        | Error::AnswerTooLarge { .. }
        | Error::NotCarriedOut
        | Error::RecordChanged(_) => Verdict::Again(None),
        Error::SignIn { .. }
        | Error::NotAMember(_)
        | Error::UserDisabled(_)
        | Error::NoLicence(_)
        | Error::NoRole(_)
        | Error::InvalidOrganizationUrl { .. }
        | Error::InsecureOrganizationUrl
        | Error::InvalidAuthorityUrl { .. }
        | Error::InsecureAuthorityUrl
        | Error::InvalidRootCertificates(_)
        | Error::NoRootCertificates(_) => Verdict::Pause,
        Error::InvalidQuery { .. }
        | Error::RequestTooLong { .. }
        | Error::MissingPrivilege { .. }
        | Error::NoAccessToRecord(_)
        | Error::Forbidden(_)
        | Error::NotFound(_)
        | Error::UnknownTable(_)
        | Error::RecordExists(_)
        | Error::AlternateKeyExists(_)
        | Error::Duplicates(_)
        | Error::StillReferenced(_)
        | Error::InvalidValue(_)
        | Error::InvalidState(_)
        | Error::DeltaExpired(_)
        | Error::NoChangeTracking(_)
        | Error::PreconditionFailed(_)
        | Error::BusinessRule(_)
        | Error::BadRequest(_) => Verdict::Person,
        // All of these are offline, which was asked first.
        Error::DnsFailed { .. }
        | Error::HostUnreachable { .. }
        | Error::TimedOut { .. }
        | Error::ConnectionLost { .. }
        | Error::OrganizationUnavailable { .. }
        | Error::Resting { .. } => Verdict::Again(None),
    }
}

/// The failure of an entry for a person, in Dataverse's own words where there are some: they name the column, the plug-in's
/// reason, the privilege.
pub(super) fn in_its_own_words(error: &Error, now: Timestamp) -> Problem {
    let mut problem = Problem::from_dataverse(error, now);
    if let Some(text) = error.answer().and_then(dataverse::ServiceAnswer::text)
        && !text.trim().is_empty()
        && !problem.message.contains(text)
    {
        problem.message = format!("{} Dynamics 365 says: {text}", problem.message);
    }
    problem
}
