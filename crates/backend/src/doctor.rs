//! Examines the connection step by step and names the step that fails.

use dataverse::{Client, Query};
use integration::Table;
use serde::Serialize;

use crate::clock::Clock;
use crate::connection;
use crate::problem::Problem;
use crate::secrets::Secrets;
use crate::settings::Settings;

/// What is examined, in order. A step after a failed one is not examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The settings and secrets are complete and the address is one.
    Url,
    /// The names of the organization and the sign-in service are known.
    Dns,
    /// Both are reached, and over a trusted TLS connection where it is one.
    Tls,
    /// The sign-in service gives a token.
    Token,
    /// The organization answers as Dataverse.
    Organization,
    /// The organization knows the user.
    User,
    /// The user may read what recognition needs.
    Privilege,
}

const STEPS: [Step; 7] = [
    Step::Url,
    Step::Dns,
    Step::Tls,
    Step::Token,
    Step::Organization,
    Step::User,
    Step::Privilege,
];

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// How it went.
    pub result: FindingResult,
    /// What is wrong, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingResult {
    /// Well.
    Passed,
    /// Not well.
    Failed,
    /// It was not examined, since one before it failed.
    Skipped,
}

/// Examines the connection.
pub async fn examine(settings: &Settings, secrets: &Secrets, clock: &dyn Clock) -> Vec<Finding> {
    match first_fault(settings, secrets, clock).await {
        None => STEPS
            .map(|step| Finding {
                step,
                result: FindingResult::Passed,
                problem: None,
            })
            .to_vec(),
        Some((failed, problem)) => STEPS
            .map(|step| match step.cmp(&failed) {
                std::cmp::Ordering::Less => Finding {
                    step,
                    result: FindingResult::Passed,
                    problem: None,
                },
                std::cmp::Ordering::Equal => Finding {
                    step,
                    result: FindingResult::Failed,
                    problem: Some(problem.clone()),
                },
                std::cmp::Ordering::Greater => Finding {
                    step,
                    result: FindingResult::Skipped,
                    problem: None,
                },
            })
            .to_vec(),
    }
}

async fn first_fault(
    settings: &Settings,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Option<(Step, Problem)> {
    let client = match connection::client(&settings.connection, secrets, clock.now()) {
        Ok(client) => client,
        Err(problem) => return Some((Step::Url, problem)),
    };
    let fault = |error: dataverse::Error| {
        Some((
            step_of(&error),
            Problem::from_dataverse(&error, clock.now()),
        ))
    };
    // What is wrong on the way to the organization is told before the sign-in service is asked, which would
    // only say that it does not know such an organization.
    if let Err(error) = client.knock().await
        && step_of(&error) < Step::Token
    {
        return fault(error);
    }
    if let Err(error) = client.sign_in().await {
        return fault(error);
    }
    if let Err(error) = client.who_am_i().await {
        return fault(error);
    }
    for table in Table::RECOGNISED {
        if let Err(error) = read_one(&client, table).await {
            return fault(error);
        }
    }
    None
}

/// `WhoAmI` needs no privilege, so that only a real read shows whether the user has a role
/// (protocol page `security.md`, section Model).
async fn read_one(client: &Client, table: Table) -> Result<(), dataverse::Error> {
    client
        .query(
            &Query::new(table.entity_set())
                .select([table.key_column()])
                .top(1),
        )
        .await
        .map(drop)
}

/// Where on the way an error happens.
fn step_of(error: &dataverse::Error) -> Step {
    use dataverse::Error;
    match error {
        Error::InvalidOrganizationUrl { .. }
        | Error::InsecureOrganizationUrl
        | Error::InvalidAuthorityUrl { .. }
        | Error::InsecureAuthorityUrl
        | Error::InvalidRootCertificates(_) => Step::Url,
        Error::DnsFailed { .. } => Step::Dns,
        Error::NoRootCertificates(_)
        | Error::HostUnreachable { .. }
        | Error::TlsFailed { .. }
        | Error::TimedOut { .. }
        | Error::ConnectionLost { .. } => Step::Tls,
        Error::SignIn { .. } => Step::Token,
        Error::NotAMember(_) | Error::UserDisabled(_) | Error::NoLicence(_) | Error::NoRole(_) => {
            Step::User
        }
        Error::MissingPrivilege { .. } | Error::NoAccessToRecord(_) | Error::Forbidden(_) => {
            Step::Privilege
        }
        Error::InvalidQuery { .. }
        | Error::RequestTooLong { .. }
        | Error::NotFound(_)
        | Error::UnknownTable(_)
        | Error::RecordChanged(_)
        | Error::RecordExists(_)
        | Error::AlternateKeyExists(_)
        | Error::DuplicateFound(_)
        | Error::PreconditionFailed(_)
        | Error::Throttled { .. }
        | Error::OrganizationUnavailable { .. }
        | Error::BusinessRule(_)
        | Error::BadRequest(_)
        | Error::ServerFailed(_)
        | Error::NotDataverse { .. }
        | Error::InvalidAnswer { .. }
        | Error::AnswerTooLarge { .. } => Step::Organization,
    }
}
