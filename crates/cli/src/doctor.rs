//! `companion doctor`

use std::process::ExitCode;

use backend::doctor::{self, Examination, Finding, FindingResult, Step};
use backend::secrets::Source;
use backend::view::{PrivilegeDepth, PrivilegeView};
use backend::{Options, Problem};
use serde::Serialize;

use crate::Context;
use crate::output::{ProblemAnswer, line};

#[derive(Serialize)]
struct Answer {
    steps: Vec<StepAnswer>,
    /// The Dynamics user.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_in_as: Option<String>,
    /// The organization's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Every privilege of the guide's table, once the user is known.
    privileges: Vec<PrivilegeAnswer>,
    /// Where the secret, or the person's sign-in, was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_from: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProblemAnswer>,
}

#[derive(Serialize)]
struct StepAnswer {
    step: Step,
    result: FindingResult,
}

#[derive(Serialize)]
struct PrivilegeAnswer {
    name: String,
    table: String,
    right: String,
    depth: PrivilegeDepth,
    granted: bool,
    needed: bool,
    without: String,
}

pub(crate) async fn run(context: &Context) -> Result<ExitCode, Problem> {
    let mut secret_from = None;
    let examination = match context.options().await {
        Ok(options) => {
            // What is wrong with the file was said when the settings were read from it.
            let text = match context.settings()? {
                (_, Some(file)) => std::fs::read_to_string(file).ok(),
                (_, None) => None,
            };
            let (options, organization) = practice::prepare(options).await?;
            let Options {
                settings,
                secrets,
                clock,
                ..
            } = &options;
            secret_from = secrets.source;
            let examination = doctor::examine(settings, text.as_deref(), secrets, &**clock).await;
            if let Some(organization) = organization {
                organization.stop().await;
            }
            examination
        }
        Err(problem) => doctor::unusable(problem),
    };
    let Examination {
        findings,
        signed_in_as,
        version,
        privileges,
    } = examination;
    let answer = Answer {
        steps: findings
            .iter()
            .map(|finding| StepAnswer {
                step: finding.step,
                result: finding.result,
            })
            .collect(),
        signed_in_as,
        version,
        privileges: privileges.into_iter().map(PrivilegeAnswer::from).collect(),
        secret_from,
        error: findings
            .iter()
            .find_map(|finding| finding.problem.as_ref())
            .map(ProblemAnswer::from),
    };
    context.output.result(&answer, || {
        let signed_in = answer
            .signed_in_as
            .iter()
            .map(|user| format!("Signed in to Dynamics 365 as {}", line(user)));
        let found = answer.secret_from.iter().map(|source| match source {
            Source::Environment => "The secret comes from the environment".to_owned(),
            Source::Keyring => "The secret comes from the keyring".to_owned(),
        });
        let steps = findings.iter().map(lines);
        let missing = answer
            .privileges
            .iter()
            .filter(|privilege| !privilege.granted);
        let missing = missing.map(|privilege| {
            let PrivilegeAnswer {
                table,
                right,
                without,
                ..
            } = privilege;
            format!("missing {right} on {table}: {without}")
        });
        steps
            .chain(missing)
            .chain(signed_in)
            .chain(found)
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    Ok(if answer.error.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl From<PrivilegeView> for PrivilegeAnswer {
    fn from(privilege: PrivilegeView) -> Self {
        PrivilegeAnswer {
            name: privilege.name,
            table: privilege.table,
            right: privilege.right,
            depth: privilege.depth,
            granted: privilege.granted,
            needed: privilege.needed,
            without: privilege.without,
        }
    }
}

fn lines(finding: &Finding) -> String {
    let step = match finding.step {
        Step::Url => "The addresses and secrets can be used",
        Step::Dns => "The servers' names are known in the network",
        Step::Tls => "The servers are reached and trusted",
        Step::Token => "The sign-in is accepted",
        Step::Organization => "The organization answers as Dynamics 365",
        Step::User => "The organization knows the user",
        Step::Privilege => "The user may do what the settings need",
    };
    let result = match finding.result {
        FindingResult::Passed => "ok",
        FindingResult::Failed => "FAILED",
        FindingResult::Skipped => "-",
    };
    let problem = finding.problem.as_ref().map(|problem| {
        format!(
            "\n        {}\n        {}",
            line(&problem.message),
            line(&problem.next_step)
        )
    });
    format!("{result:<7} {step}{}", problem.unwrap_or_default())
}
