//! `companion recognize`

use std::path::PathBuf;
use std::time::Instant;

use backend::connection::Client;
use backend::once::{self, Recognised};
use backend::recognise::Rules;
use backend::view::ValueSource;
use backend::{Problem, connection, schema};
use comm100::Conversation;
use integration::display::{self, DisplayField};
use integration::{Match, Outcome, Reason};
use serde::Serialize;

use crate::Context;
use crate::output::{ProblemAnswer, line};
use crate::read;

/// Whom to recognise.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The visitor as JSON, as the console sends it or `{"name","email","phone",…}`; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    visitor: PathBuf,
}

#[derive(Serialize)]
struct Answer {
    contact: Option<RecordAnswer>,
    account: Option<RecordAnswer>,
    lead: Option<RecordAnswer>,
    source: ValueSource,
    /// Segments and routing rules cannot be configured yet, so none applies.
    segments: Vec<String>,
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemAnswer>,
    timings_ms: Timings,
}

#[derive(Serialize)]
struct RecordAnswer {
    id: String,
    name: String,
    rule: String,
    reason: String,
    matched: Vec<Matched>,
    fields: Vec<DisplayField>,
    candidates: Vec<CandidateAnswer>,
    url: String,
}

#[derive(Serialize)]
struct Matched {
    column: String,
    value: String,
}

#[derive(Serialize)]
struct CandidateAnswer {
    id: String,
    name: String,
    rule: String,
    reason: String,
    url: String,
}

#[derive(Serialize)]
struct Timings {
    /// Until there was a token.
    sign_in: u128,
    /// From the question to the answer.
    recognition: u128,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Problem> {
    let visitor = read::VISITOR.read(&arguments.visitor)?;
    let conversation =
        Conversation::from_visitor_value(visitor).map_err(|_| read::VISITOR.no_object())?;
    let (options, organization) = practice::prepare(context.options().await?).await?;
    let client = connection::client(
        &options.settings.connection,
        &options.secrets,
        options.clock.now(),
    )?;
    let (cache, _) = options.files.cache().await?;
    let known = schema::known(&cache, &client).await;
    let mut rules = Rules {
        identification: options.settings.identification,
        fields: options.settings.fields,
        columns: known.as_ref().map(schema::columns).unwrap_or_default(),
    };

    let started = Instant::now();
    // A sign-in that fails now fails again below, where the cache may still have the answer.
    if let Err(error) = client.sign_in().await {
        tracing::warn!(error.code = error.code(), "not signed in");
    }
    let signed_in = started.elapsed();
    // What the tables look like is asked at the same time, so that it costs no round trip.
    let recognition = async {
        let recognised =
            once::recognise(&client, &rules, &conversation, &cache, &*options.clock).await;
        (recognised, started.elapsed())
    };
    let tables = schema::current(&client, &cache, &*options.clock, known.as_ref());
    let ((mut recognised, mut answered), tables) = tokio::join!(recognition, tables);
    match tables {
        Ok(schema) => {
            let before = rules.clone();
            rules.columns = schema::columns(&schema);
            if !rules.ask_like(&before, &conversation) {
                recognised =
                    once::recognise(&client, &rules, &conversation, &cache, &*options.clock).await;
                answered = started.elapsed();
            }
        }
        Err(error) => {
            // Labels are a courtesy: the standard ones are shown instead.
            tracing::info!(error.code = error.code(), error.chain = %error, "the tables cannot be read");
        }
    }
    let timings_ms = Timings {
        sign_in: signed_in.as_millis(),
        recognition: (answered - signed_in).as_millis(),
    };
    if let Some(organization) = organization {
        organization.stop().await;
    }
    let answer = answer(&client, &rules, recognised?, timings_ms);
    context.output.result(&answer, || text(&answer))
}

fn answer(client: &Client, rules: &Rules, recognised: Recognised, timings_ms: Timings) -> Answer {
    let Recognised {
        recognition,
        source,
        problem,
    } = recognised;
    let record = |outcome: &Outcome| record(client, rules, outcome);
    Answer {
        contact: record(&recognition.contact),
        account: record(&recognition.account),
        lead: record(&recognition.lead),
        source,
        segments: Vec::new(),
        route: None,
        problem: problem.as_ref().map(ProblemAnswer::from),
        timings_ms,
    }
}

fn record(client: &Client, rules: &Rules, outcome: &Outcome) -> Option<RecordAnswer> {
    let found = outcome.matched.as_ref()?;
    let candidate = |other: &Match| CandidateAnswer {
        id: other.record.id.clone(),
        name: other.record.name(),
        rule: other.rule.clone(),
        reason: other.reason.sentence(),
        url: url(client, other),
    };
    Some(RecordAnswer {
        id: found.record.id.clone(),
        name: found.record.name(),
        rule: found.rule.clone(),
        reason: found.reason.sentence(),
        matched: match &found.reason {
            Reason::Conditions { met } => met
                .iter()
                .map(|met| Matched {
                    column: met.column.clone(),
                    value: met.value.clone(),
                })
                .collect(),
            Reason::AccountOfContact { .. } | Reason::FoundByDynamics | Reason::Linked { .. } => {
                Vec::new()
            }
        },
        fields: display::fields(&rules.fields, &rules.columns, &found.record),
        candidates: outcome.others.iter().map(candidate).collect(),
        url: url(client, found),
    })
}

fn url(client: &Client, found: &Match) -> String {
    let id = found.record.id.parse();
    id.map_or_else(
        |_| String::new(),
        |id| {
            client
                .organization()
                .record_url(found.record.table.logical_name(), id)
                .to_string()
        },
    )
}

fn text(answer: &Answer) -> String {
    let mut lines = Vec::new();
    for (title, record) in [
        ("Contact", &answer.contact),
        ("Account", &answer.account),
        ("Lead", &answer.lead),
    ] {
        let Some(record) = record else {
            lines.push(format!("{title}: none"));
            continue;
        };
        lines.push(format!(
            "{title}: {}  ({}: {})",
            record.name, record.rule, record.reason
        ));
        let shown = |field: &DisplayField| {
            field
                .formatted
                .clone()
                .or_else(|| field.value.clone())
                .unwrap_or_else(|| "–".to_owned())
        };
        lines.extend(
            record
                .fields
                .iter()
                .map(|field| format!("    {:<28} {}", field.label, shown(field))),
        );
        if !record.candidates.is_empty() {
            lines.push(format!("    {} more", record.candidates.len()));
        }
        lines.push(format!("    {}", record.url));
    }
    if let Some(problem) = &answer.problem {
        lines.push(format!("{} {}", problem.message, problem.next_step));
    }
    let lines: Vec<String> = lines.iter().map(|text| line(text)).collect();
    lines.join("\n")
}
