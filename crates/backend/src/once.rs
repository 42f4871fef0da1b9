//! One recognition from beginning to end, for those who do not watch a view.

use comm100::Conversation;
use dataverse::Client;
use futures_util::StreamExt;
use integration::{Recognition, Table, identify};
use store::Cache;

use crate::cached;
use crate::clock::Clock;
use crate::problem::Problem;
use crate::recognise::{self, Rules};
use crate::view::ValueSource;

/// Who the visitor is, and how well that is known.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// The answer.
    pub recognition: Recognition,
    /// Whether Dynamics has just given it or it was known before.
    pub source: ValueSource,
    /// What could not be asked, if part of it could not.
    pub problem: Option<Problem>,
}

/// Recognises a visitor: by Dynamics, or by the cache if Dynamics is out of reach.
///
/// # Errors
/// `visitor_unidentifiable` if the visitor gave nothing that a rule looks at; what Dynamics said if nothing
/// could be asked and nothing is cached.
pub async fn recognise(
    client: &Client,
    rules: &Rules,
    conversation: &Conversation,
    cache: &Cache,
    clock: &dyn Clock,
) -> Result<Recognised, Problem> {
    if identify::evidence(&rules.identification, &rules.columns, conversation).is_empty() {
        return Err(Problem::new(
            "visitor_unidentifiable",
            "The visitor gave nothing by which they could be recognised.",
            "Ask for an e-mail address or a telephone number.",
        ));
    }
    let key = cached::key(rules, conversation);
    let mut recognition = Recognition::default();
    let mut problem: Option<Problem> = None;
    let mut unanswered = Vec::new();
    let mut offline = false;
    let mut answers = std::pin::pin!(recognise::live(client, rules, conversation, clock));
    while let Some((table, answer)) = answers.next().await {
        match answer {
            Ok(outcome) => {
                recognition.set(table, outcome);
            }
            Err(error) => {
                tracing::warn!(error.code = error.code(), error.chain = %error, table = table.logical_name(), "Dynamics did not answer");
                unanswered.push(table);
                offline |= error.is_offline();
                problem.get_or_insert(Problem::from_dataverse(&error, clock.now()));
            }
        }
    }
    let Some(problem) = problem else {
        cached::put(cache, client, rules, &key, &recognition, clock.now()).await;
        return Ok(Recognised {
            recognition,
            source: ValueSource::Live,
            problem: None,
        });
    };
    let before = cached::get(cache, client, rules, conversation).await;
    if offline && let Some(recognition) = before {
        return Ok(Recognised {
            recognition,
            source: ValueSource::Cache,
            problem: Some(problem),
        });
    }
    if unanswered.len() == Table::RECOGNISED.len() {
        return Err(problem);
    }
    // What was known of the tables that gave no answer stays known.
    let mut kept = recognition.clone();
    for table in unanswered {
        if let Some(outcome) = before.as_ref().and_then(|before| before.of(table)) {
            kept.set(table, outcome.clone());
        }
    }
    cached::put(cache, client, rules, &key, &kept, clock.now()).await;
    Ok(Recognised {
        recognition,
        source: ValueSource::Live,
        problem: Some(problem),
    })
}
