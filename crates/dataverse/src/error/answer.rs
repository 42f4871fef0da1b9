//! What a service answered, and which error that is.

use super::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a service answered, as far as support needs it. Its message text is kept apart: it can repeat values.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceAnswer(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    status: Option<u16>,
    code: Option<String>,
    text: Option<String>,
    request_id: Option<String>,
}

impl ServiceAnswer {
    pub(crate) fn new(
        status: Option<u16>,
        code: Option<&str>,
        text: Option<&str>,
        request_id: Option<&str>,
    ) -> Self {
        Self(Arc::new(Parts {
            status,
            code: code.and_then(identifier),
            text: text.map(|text| text.chars().take(2000).collect()),
            request_id: request_id.and_then(identifier),
        }))
    }

    /// The HTTP status; none if nothing was sent.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's own code: `0x80040220`, `AADSTS7000215`, `MSIS9659`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The service's own words, in the language of the user. They may repeat values of the request: show them to the
    /// person who asked, never log them.
    pub fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// The id under which the service logged the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
}

impl fmt::Display for ServiceAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.status {
            Some(status) => write!(f, "status {status}")?,
            None => f.write_str("nothing was sent")?,
        }
        if let Some(code) = self.code() {
            write!(f, ", code {code}")?;
        }
        if let Some(request_id) = self.request_id() {
            write!(f, ", request {request_id}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServiceAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({self})")
    }
}

/// Codes and request ids come from outside and go into logs: only what looks like one is kept.
fn identifier(text: &str) -> Option<String> {
    let fits = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then(|| text.to_owned())
}

impl Error {
    /// What an answer that is no success means, by Dataverse's code first and by its status where the code does not
    /// say (protocol page `errors-and-limits.md`).
    pub(crate) fn from_answer(
        answer: ServiceAnswer,
        has_error_body: bool,
        retry_after: Option<Duration>,
    ) -> Self {
        let code = answer.code().unwrap_or_default().to_ascii_lowercase();
        let status = answer.status().unwrap_or_default();
        match (code.as_str(), status) {
            ("0x80072560", _) => Self::NotAMember(answer),
            ("0x80040225", _) => Self::UserDisabled(answer),
            ("0x8004d24b", _) => Self::NoLicence(answer),
            ("0x80042f09", _) => Self::NoRole(answer),
            ("0x80040220" | "0x80040299", _) => Self::MissingPrivilege {
                privilege: answer.text().and_then(privilege_in),
                answer,
            },
            ("0x80048306", _) => Self::NoAccessToRecord(answer),
            ("0x80040217" | "0x80060891", _) => Self::NotFound(answer),
            ("0x8006088a" | "0x80060888", 404) => Self::UnknownTable(answer),
            ("0x80060882", _) => Self::RecordChanged(answer),
            ("0x80040237", _) => Self::RecordExists(answer),
            ("0x80060892", _) => Self::AlternateKeyExists(answer),
            ("0x80040333", _) => Self::Duplicates(answer),
            ("0x80040227", _) => Self::StillReferenced(answer),
            (
                "0x80040203" | "0x80040200" | "0x80044331" | "0x80044330" | "0x8004431a"
                | "0x80040239" | "0x80040229" | "0x80044410" | "0x8004022d" | "0x80043e09",
                _,
            ) => Self::InvalidValue(answer),
            (
                "0x80048408" | "0x80040230" | "0x80040233" | "0x80040517" | "0x80044411"
                | "0x800404cf" | "0x8003f452" | "0x8004f456" | "0x8004440e" | "0x80040519"
                | "0x80040518",
                _,
            ) => Self::InvalidState(answer),
            ("0x80044352", _) => Self::DeltaExpired(answer),
            ("0x80072491", _) => Self::NoChangeTracking(answer),
            ("0x8004f502" | "0x8004f507" | "0x8004a110" | "0x80048405", _) => {
                Self::Forbidden(answer)
            }
            ("0x80072321" | "0x80072322" | "0x80072324" | "0x80072326" | "0x8005f103", _)
            | (_, 429) => Self::Throttled {
                retry_after,
                answer,
            },
            ("0x80040265", _) => Self::BusinessRule(answer),
            (_, 502..=504) => Self::OrganizationUnavailable {
                retry_after,
                answer,
            },
            ("0x80040224" | "0x80040216" | "0x80044150" | "0x80044151" | "0x80044339", _) => {
                Self::ServerFailed(answer)
            }
            (_, 413 | 414) => Self::BadRequest(answer),
            (_, 500) => Self::ServerFailed(answer),
            _ if !has_error_body => Self::NotDataverse {
                answer: Some(answer),
            },
            (_, 403) => Self::Forbidden(answer),
            (_, 404) => Self::NotFound(answer),
            (_, 412) => Self::PreconditionFailed(answer),
            (_, 400..=499 | 501) => Self::BadRequest(answer),
            _ => Self::ServerFailed(answer),
        }
    }
}

/// The first privilege name (`prvReadContact`) in Dataverse's text, which is the only place where it is given.
fn privilege_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .find(|word| word.len() > 3 && word.len() <= 100 && word.starts_with("prv"))
        .map(str::to_owned)
}
