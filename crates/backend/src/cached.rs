//! What was recognised before, kept in the cache file.
//!
//! The key is a digest of what the rules look at and of the rules themselves: the same visitor under other
//! rules is another question. Records are kept apart from the answers, so that one record that two visitors
//! share has one copy and one age.

use comm100::Conversation;
use dataverse::Client;
use integration::{Match, Outcome, Reason, Recognition, Table, identify};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Cache, CachedAnswer, Reading};
use tracing::warn;

use crate::local;
use crate::recognise::Rules;

/// The digest under which a visitor's answer is kept.
#[must_use]
pub fn key(rules: &Rules, conversation: &Conversation) -> Vec<u8> {
    let evidence = identify::evidence(&rules.identification, &rules.columns, conversation);
    let asked = serde_json::json!([rules.identification, evidence]).to_string();
    Sha256::digest(asked.as_bytes()).to_vec()
}

#[derive(Serialize, Deserialize)]
struct Answer {
    contact: Kept,
    account: Kept,
    lead: Kept,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    matched: Option<KeptMatch>,
    others: Vec<KeptMatch>,
}

#[derive(Serialize, Deserialize)]
struct KeptMatch {
    id: String,
    rule: String,
    reason: Reason,
}

/// Keeps what Dynamics said. A cache that cannot be written is no reason to stop: it is logged.
pub async fn put(
    cache: &Cache,
    client: &Client,
    rules: &Rules,
    key: &[u8],
    recognition: &Recognition,
    now: Timestamp,
) {
    let answer = Answer {
        contact: kept(&recognition.contact),
        account: kept(&recognition.account),
        lead: kept(&recognition.lead),
    };
    let outcomes = [
        &recognition.contact,
        &recognition.account,
        &recognition.lead,
    ];
    let records = outcomes
        .iter()
        .flat_map(|outcome| outcome.matched.iter().chain(&outcome.others))
        .map(|found| &found.record);
    let written = serde_json::to_string(&answer).and_then(|body| {
        let records = records.flat_map(|record| [Some(record), record.account.as_deref()]);
        let records = records.flatten().map(|record| local::copy(rules, record));
        let records = records.collect::<Result<Vec<_>, _>>()?;
        Ok((CachedAnswer { body, read_at: now }, records))
    });
    let (answer, records) = match written {
        Ok(written) => written,
        Err(error) => {
            warn!(%error, "a recognition has no JSON form and is not cached");
            return;
        }
    };
    if let Err(error) = cache
        .put(organization(client), key, &answer, &records)
        .await
    {
        warn!(
            error.code = error.code(),
            "a recognition could not be cached"
        );
    }
}

/// What Dynamics said last of this visitor, or else what the rules find among the copies; for a table that is whole
/// among the copies, what they find there. A cache that cannot be read counts as empty: it is logged.
pub async fn get(
    cache: &Cache,
    client: &Client,
    rules: &Rules,
    conversation: &Conversation,
) -> Option<Recognition> {
    let organization = organization(client);
    let read = async {
        // At the same time, over a connection each: a way to the file and back takes longer than the reading.
        let said = async {
            let key = key(rules, conversation);
            read(&mut cache.reading().await?, organization, &key).await
        };
        let found = async {
            let mut reading = cache.reading().await?;
            local::recognise(&mut reading, organization, rules, conversation).await
        };
        let (found, said) = tokio::try_join!(found, said)?;
        let mut recognition = said.unwrap_or_default();
        for local in found {
            let local::Local {
                table,
                outcome,
                is_whole,
            } = local;
            let knows = recognition
                .of(table)
                .is_some_and(|said| said.matched.is_some());
            if is_whole || !knows {
                recognition.set(table, outcome);
            }
        }
        Ok::<_, store::Error>(recognition.found_any().then_some(recognition))
    };
    match read.await {
        Ok(found) => found,
        Err(error) => {
            warn!(error.code = error.code(), "the cache could not be read");
            None
        }
    }
}

/// Several organizations may share a host: on-premises, the path tells them apart.
pub(crate) fn organization(client: &Client) -> &str {
    client.organization().web_root().as_str()
}

async fn read(
    reading: &mut Reading,
    organization: &str,
    key: &[u8],
) -> Result<Option<Recognition>, store::Error> {
    let Some(answer) = reading.answer(organization, key).await? else {
        return Ok(None);
    };
    let Ok(answer) = serde_json::from_str::<Answer>(&answer.body) else {
        return Err(store::Error::Stored("answer"));
    };
    Ok(Some(Recognition {
        contact: outcome(reading, organization, Table::Contact, answer.contact).await?,
        account: outcome(reading, organization, Table::Account, answer.account).await?,
        lead: outcome(reading, organization, Table::Lead, answer.lead).await?,
    }))
}

async fn outcome(
    reading: &mut Reading,
    organization: &str,
    table: Table,
    kept: Kept,
) -> Result<Outcome, store::Error> {
    let matched = match kept.matched {
        Some(matched) => found(reading, organization, table, matched).await?,
        None => None,
    };
    // Without the record that matched, the others are no answer.
    let Some(matched) = matched else {
        return Ok(Outcome::default());
    };
    let mut others = Vec::new();
    for other in kept.others {
        others.extend(found(reading, organization, table, other).await?);
    }
    Ok(Outcome {
        matched: Some(matched),
        others,
    })
}

async fn found(
    reading: &mut Reading,
    organization: &str,
    table: Table,
    kept: KeptMatch,
) -> Result<Option<Match>, store::Error> {
    let KeptMatch { id, rule, reason } = kept;
    let Some(record) = local::record(reading, organization, table, &id).await? else {
        return Ok(None);
    };
    Ok(Some(Match {
        record,
        rule,
        reason,
    }))
}

fn kept(outcome: &Outcome) -> Kept {
    let keep = |found: &Match| KeptMatch {
        id: found.record.id.clone(),
        rule: found.rule.clone(),
        reason: found.reason.clone(),
    };
    Kept {
        matched: outcome.matched.as_ref().map(keep),
        others: outcome.others.iter().map(keep).collect(),
    }
}
