//! `companion sync`

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backend::synchronise::{Estimate, Synchroniser};
use backend::view::{CopiedTable, OfflineState, OfflineTableState, OfflineTableView, OfflineView};
use backend::{Problem, connection, schema};
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use crate::Context;
use crate::output::{ProblemAnswer, line};

/// How often it is told how far a load is.
const EVERY: Duration = Duration::from_millis(500);

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only say how much would be copied.
    #[arg(long)]
    estimate: bool,
}

#[derive(Serialize)]
struct TableAnswer {
    table: CopiedTable,
    state: OfflineTableState,
    copies: u64,
    synced_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemAnswer>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Problem> {
    let (options, organization) = practice::prepare(context.options().await?).await?;
    let client = connection::client(
        &options.settings.connection,
        &options.secrets,
        options.clock.now(),
    )?;
    let (cache, problem) = options.files.cache().await?;
    if let Some(problem) = problem {
        tracing::warn!(error.code = problem.code, "{}", problem.message);
    }
    let known = schema::known(&cache, &client).await;
    let tables = schema::current(&client, &cache, &*options.clock, known.as_ref()).await;
    let tables = tables.map(Some).unwrap_or_else(|error| {
        // Without them the standard columns are taken. If Dynamics cannot be reached, that is told below.
        tracing::warn!(error.code = error.code(), error.chain = %error, "the tables cannot be read");
        known
    });
    let synchroniser = Synchroniser::of_settings(
        &options.settings,
        client,
        cache,
        Arc::clone(&options.clock),
        tables.map(Arc::new),
    );
    if synchroniser.watch().borrow().state == OfflineState::Off {
        return Err(Problem::new(
            "offline_off",
            "The settings say that nothing is copied to this computer.",
            "Set `offline.enabled` to true, and say which tables to keep.",
        ));
    }
    let done = if arguments.estimate {
        estimate(context, &synchroniser).await
    } else {
        synchronise(context, &synchroniser).await
    };
    if let Some(organization) = organization {
        organization.stop().await;
    }
    done
}

async fn synchronise(context: &Context, synchroniser: &Synchroniser) -> Result<(), Problem> {
    let progress = tokio::spawn(tell(synchroniser.watch()));
    let done = synchroniser.once().await;
    progress.abort();
    let view = done?;
    let tables: Vec<TableAnswer> = view.tables.iter().map(answer).collect();
    context.output.result(&json!({ "tables": tables }), || {
        let lines = view.tables.iter().map(|table| match &table.problem {
            Some(problem) => format!(
                "{}: {} {}",
                name(table.table),
                line(&problem.message),
                line(&problem.next_step)
            ),
            None => format!("{}: {} copies", name(table.table), table.copies),
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

async fn estimate(context: &Context, synchroniser: &Synchroniser) -> Result<(), Problem> {
    let estimates = synchroniser.estimate().await?;
    context.output.result(&json!({ "tables": estimates }), || {
        let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |n| n.to_string());
        let lines = estimates.iter().map(|estimate: &Estimate| {
            let more = if estimate.or_more { " or more" } else { "" };
            format!(
                "{}: {}{more} of {}",
                estimate.table,
                number(estimate.copies),
                number(estimate.rows)
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// Says on standard error how far it is, until it is ended.
async fn tell(mut view: watch::Receiver<OfflineView>) {
    let mut last: Option<(CopiedTable, Instant)> = None;
    while view.changed().await.is_ok() {
        let under_way = view.borrow_and_update().tables.iter().find_map(|table| {
            (table.state == OfflineTableState::Loading).then(|| (table.table, far(table)))
        });
        let Some((table, far)) = under_way else {
            continue;
        };
        let is_told = last.is_some_and(|(other, at)| other == table && at.elapsed() < EVERY);
        if !is_told {
            last = Some((table, Instant::now()));
            // Whoever closed it does not want to know.
            let _ = writeln!(std::io::stderr(), "{}: {far}", name(table));
        }
    }
}

fn far(table: &OfflineTableView) -> String {
    match table.expected {
        Some(expected) => format!("{} of {expected}", table.done),
        None => table.done.to_string(),
    }
}

fn answer(table: &OfflineTableView) -> TableAnswer {
    TableAnswer {
        table: table.table,
        state: table.state,
        copies: table.copies,
        synced_at: table.synced_at.clone(),
        problem: table.problem.as_ref().map(ProblemAnswer::from),
    }
}

fn name(table: CopiedTable) -> &'static str {
    match table {
        CopiedTable::Contact => "contact",
        CopiedTable::Account => "account",
        CopiedTable::Lead => "lead",
        CopiedTable::Case => "case",
    }
}
