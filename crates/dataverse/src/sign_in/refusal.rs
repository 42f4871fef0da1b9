//! What a refusal of a sign-in service means: by its number, never by its text (protocol page `auth.md`, sections 4, 5
//! and 7).

use crate::error::{Error, ServiceAnswer, SignInProblem};
use crate::transport::Answer;
use serde_json::{Map, Value};

/// What asks for a token, since the same number can mean another next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// An application with its own secret, or AD FS.
    Application,
    /// A person, with an application that has no secret.
    Person,
}

/// The error that an answer of the token or device code endpoint stands for.
pub(super) fn refusal(answer: &Answer, asking: Asking) -> Error {
    let members = answer.json_object();
    let Some(members) = members.filter(|members| members.contains_key("error")) else {
        let problem = match answer.status.as_u16() {
            429 | 500..=599 => SignInProblem::Unavailable,
            _ => SignInProblem::WrongAuthority,
        };
        return Error::SignIn {
            problem,
            retry_after: answer.retry_after(),
            answer: answer.service_answer(None, None),
        };
    };
    let text = |name| members.get(name).and_then(Value::as_str);
    let label = label(&members);
    let named = problem(&label, text("error").unwrap_or_default(), asking);
    let problem = named.unwrap_or(match answer.status.as_u16() {
        429 | 500..=599 => SignInProblem::Unavailable,
        _ => SignInProblem::Refused,
    });
    let request_id = text("correlation_id")
        .or_else(|| text("trace_id"))
        .or_else(|| answer.request_id());
    Error::SignIn {
        problem,
        retry_after: answer.retry_after(),
        answer: ServiceAnswer::new(
            Some(answer.status.as_u16()),
            Some(&label),
            text("error_description"),
            request_id,
        ),
    }
}

/// The same for a person, for the readers' fuzz target.
pub(crate) fn refusal_of(answer: &Answer) -> Error {
    refusal(answer, Asking::Person)
}

/// The error that `error` and `error_description` of a callback stand for.
pub(super) fn refused_in_browser(error: &str, description: &str) -> Error {
    let label = leading_label(description).unwrap_or_default();
    let problem = problem(&label, error, Asking::Person).unwrap_or(match error {
        "server_error" | "temporarily_unavailable" => SignInProblem::Unavailable,
        _ => SignInProblem::Refused,
    });
    let code = if label.is_empty() { error } else { &label };
    Error::sign_in(
        problem,
        ServiceAnswer::new(None, Some(code), Some(description), None),
    )
}

/// `AADSTS7000215` or `MSIS9622`; empty if the service gives no number.
fn label(members: &Map<String, Value>) -> String {
    let number = members
        .get("error_codes")
        .and_then(|codes| codes.get(0)?.as_u64());
    let description = members.get("error_description").and_then(Value::as_str);
    number
        .map(|number| format!("AADSTS{number}"))
        .or_else(|| leading_label(description?))
        .unwrap_or_default()
}

fn problem(label: &str, error: &str, asking: Asking) -> Option<SignInProblem> {
    Some(match label {
        "AADSTS7000218" if asking == Asking::Person => SignInProblem::NotAPublicClient,
        "AADSTS7000215" | "AADSTS7000218" | "MSIS9622" => SignInProblem::WrongSecret,
        "AADSTS7000222" => SignInProblem::SecretExpired,
        "AADSTS700025" => SignInProblem::SecretNotAllowed,
        "AADSTS700016" | "AADSTS7000229" | "MSIS9607" => SignInProblem::UnknownApplication,
        "AADSTS90002" | "AADSTS900023" => SignInProblem::UnknownTenant,
        "AADSTS500011" | "AADSTS70011" | "MSIS9602" => SignInProblem::WrongOrganization,
        "AADSTS50126" | "AADSTS50034" | "MSIS9659" => SignInProblem::WrongPassword,
        "AADSTS65001" => SignInProblem::ConsentRequired,
        "AADSTS65004" => SignInProblem::Declined,
        "AADSTS50072" | "AADSTS50074" | "AADSTS50076" | "AADSTS50078" | "AADSTS50079" => {
            SignInProblem::SecondFactorRequired
        }
        "AADSTS53000" | "AADSTS53001" | "AADSTS53002" | "AADSTS53003" => {
            SignInProblem::BlockedByPolicy
        }
        "AADSTS50105" | "AADSTS50020" | "AADSTS50057" | "MSIS9605" | "MSIS9611" => {
            SignInProblem::NotPermitted
        }
        // 50173 and 54005: the password was changed since; the code was used before.
        "AADSTS70008" | "AADSTS700082" | "AADSTS70043" | "AADSTS50173" | "AADSTS54005"
        | "MSIS9615" => SignInProblem::Expired,
        "AADSTS70019" | "AADSTS70020" => SignInProblem::TookTooLong,
        "AADSTS50011" => SignInProblem::WrongRedirect,
        _ => match error {
            "access_denied" | "authorization_declined" => SignInProblem::Declined,
            "expired_token" => SignInProblem::TookTooLong,
            "consent_required" => SignInProblem::ConsentRequired,
            _ => return None,
        },
    })
}

/// AD FS, and Entra ID in a callback, give their number only at the beginning of the description: `MSIS9659: …`.
fn leading_label(description: &str) -> Option<String> {
    let (label, _) = description.split_once(':')?;
    let digits = label
        .strip_prefix("MSIS")
        .or_else(|| label.strip_prefix("AADSTS"))?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_number_is_a_label() {
        assert_eq!(
            leading_label("MSIS9659: Invalid").as_deref(),
            Some("MSIS9659")
        );
        assert_eq!(leading_label("Invalid: MSIS9659"), None);
        assert_eq!(leading_label("MSIS: none"), None);
        assert_eq!(leading_label("MSIS96x9: none"), None);
    }

    #[test]
    fn what_the_browser_brings_back_has_a_meaning() {
        for (error, description, code) in [
            ("access_denied", "", "sign_in_declined"),
            (
                "access_denied",
                "AADSTS65004: User declined to consent to access the app.",
                "sign_in_declined",
            ),
            (
                "access_denied",
                "AADSTS50105: Not assigned to a role.",
                "sign_in_not_permitted",
            ),
            (
                "invalid_request",
                "AADSTS50011: The redirect URI does not match.",
                "sign_in_wrong_redirect",
            ),
            (
                "consent_required",
                "AADSTS65001: Not consented.",
                "sign_in_consent_required",
            ),
            ("server_error", "", "sign_in_unavailable"),
            ("temporarily_unavailable", "", "sign_in_unavailable"),
            ("something", "else", "sign_in_refused"),
        ] {
            let error = refused_in_browser(error, description);
            assert_eq!(error.code(), code);
            assert!(description.is_empty() || !format!("{error:?}").contains(description));
        }
    }
}
