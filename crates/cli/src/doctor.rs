//! `companion doctor`

use std::process::ExitCode;

use backend::doctor::{self, Finding, FindingResult, Step};
use backend::{Options, Problem};
use serde::Serialize;

use crate::Context;
use crate::output::{ProblemAnswer, line};

#[derive(Serialize)]
struct Answer {
    steps: Vec<StepAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProblemAnswer>,
}

#[derive(Serialize)]
struct StepAnswer {
    step: Step,
    result: FindingResult,
}

pub(crate) async fn run(context: &Context) -> Result<ExitCode, Problem> {
    let findings = match context.options() {
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
            let findings = doctor::examine(settings, text.as_deref(), secrets, &**clock).await;
            if let Some(organization) = organization {
                organization.stop().await;
            }
            findings
        }
        Err(problem) => doctor::unusable(problem),
    };
    let answer = Answer {
        steps: findings
            .iter()
            .map(|finding| StepAnswer {
                step: finding.step,
                result: finding.result,
            })
            .collect(),
        error: findings
            .iter()
            .find_map(|finding| finding.problem.as_ref())
            .map(ProblemAnswer::from),
    };
    context.output.result(&answer, || {
        findings.iter().map(lines).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if answer.error.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn lines(finding: &Finding) -> String {
    let step = match finding.step {
        Step::Url => "The addresses and secrets can be used",
        Step::Dns => "The servers' names are known in the network",
        Step::Tls => "The servers are reached and trusted",
        Step::Token => "The sign-in is accepted",
        Step::Organization => "The organization answers as Dynamics 365",
        Step::User => "The organization knows the user",
        Step::Privilege => "The user may read what recognition needs",
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
