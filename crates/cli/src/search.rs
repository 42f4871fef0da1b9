//! `companion search`

use backend::view::{Hit, ValueSource};
use backend::{Handle, Problem};
use integration::Table;
use serde::Serialize;

use crate::Context;
use crate::output::{ProblemAnswer, line};
use crate::recording::OneShot;

/// What to look for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A name in any script, a company, an e-mail address, a telephone number however it is written, or a case number; the
    /// beginning of a word is enough.
    text: String,
}

#[derive(Serialize)]
struct Answer {
    text: String,
    hits: Vec<HitAnswer>,
    /// Whether Dynamics has answered for all tables.
    live: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemAnswer>,
}

#[derive(Serialize)]
struct HitAnswer {
    table: Table,
    id: String,
    name: String,
    detail: String,
    source: ValueSource,
    as_of: String,
    inactive: bool,
    url: String,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Problem> {
    let running = OneShot::start(context).await?;
    let answer = found(&running.handle, &arguments.text).await;
    running.stop().await;
    let answer = answer?;
    context.output.result(&answer, || text(&answer))
}

/// # Errors
/// What Dynamics said, if nothing is known without it.
async fn found(handle: &Handle, text: &str) -> Result<Answer, Problem> {
    let results = handle.search(text, true).await?;
    if let (Some(problem), true) = (&results.problem, results.hits.is_empty()) {
        return Err(problem.clone());
    }
    let mut hits = Vec::with_capacity(results.hits.len());
    for hit in results.hits {
        let Hit {
            table,
            id,
            name,
            detail,
            source,
            as_of,
            inactive,
        } = hit;
        hits.push(HitAnswer {
            url: handle.record_url(table.logical_name(), id.clone()).await?,
            table,
            id,
            name,
            detail,
            source,
            as_of,
            inactive,
        });
    }
    Ok(Answer {
        text: results.text,
        hits,
        live: results.live,
        problem: results.problem.as_ref().map(ProblemAnswer::from),
    })
}

fn text(answer: &Answer) -> String {
    let mut lines: Vec<String> = answer
        .hits
        .iter()
        .map(|hit| {
            let table = match hit.table {
                Table::Contact => "Contact",
                Table::Account => "Account",
                Table::Lead => "Lead",
                Table::Incident => "Case",
                Table::Task => "Task",
            };
            let cached = match hit.source {
                ValueSource::Live => String::new(),
                ValueSource::Cache => format!("  (from the cache, as of {})", hit.as_of),
            };
            let (name, detail) = (line(&hit.name), line(&hit.detail));
            format!("{table}: {name}  {detail}{cached}\n    {}", hit.url)
        })
        .collect();
    if lines.is_empty() {
        lines.push("Nothing was found.".to_owned());
    }
    if let Some(problem) = &answer.problem {
        lines.push(line(&problem.message));
        lines.push(line(&problem.next_step));
    }
    lines.join("\n")
}
