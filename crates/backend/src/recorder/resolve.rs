//! From what is to be written down to the plan: who is meant is asked for all entries of a round in one request.

use std::collections::BTreeMap;

use dataverse::metadata::Schema;
use dataverse::{Batch, Client, Done, Error, Filter, Key, Query};
use integration::decide::{Decision, Situation, decide};
use integration::plan::{Intent, LookupBy, LookupQuestion, RecordPlan, Wish};
use integration::{Match, Outcome, Question, Table, identify};
use store::LinkOf;
use uuid::Uuid;

use super::Recorder;
use super::kept::{KeptPlan, Read};
use super::trouble::{Verdict, verdict};
use crate::links;
use crate::problem::Problem;
use crate::recognise::{self, Rules};
use crate::view::{self, ChoiceOfPerson};

/// What became of an entry.
#[derive(Clone, Debug)]
pub(super) enum Resolved {
    /// This is to be sent.
    Plan(KeptPlan),
    /// There is nothing to write, for this reason.
    Nothing(String),
    /// One of these must be chosen.
    Ask(Vec<ChoiceOfPerson>),
    /// A person must do something.
    Trouble(Problem),
}

/// The most operations of one `$batch` (protocol page `batch.md`).
pub(super) const MOST_OPERATIONS: usize = 1000;

/// Something that is read.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// Rows.
    Rows(Query),
    /// One row: the entity set, its id, the columns.
    Row(String, Uuid, Query),
}

/// Reads all of it in as few requests as there may be; the answers are in its order.
///
/// # Errors
/// What passes, or is about the connection as a whole, is the error of all of it.
pub(super) async fn ask_all(
    client: &Client,
    asked: &[Asked],
) -> Result<Vec<Result<Done, Error>>, Error> {
    let mut answers = Vec::with_capacity(asked.len());
    for asked in asked.chunks(MOST_OPERATIONS) {
        let batch = asked.iter().fold(
            Batch::new().continue_on_error(),
            |batch, asked| match asked {
                Asked::Rows(query) => batch.query(query.clone()),
                Asked::Row(set, id, query) => {
                    batch.retrieve(set.clone(), Key::Id(*id), query.clone())
                }
            },
        );
        for answer in client.batch(&batch).await? {
            match answer {
                Err(error) if verdict(&error) != Verdict::Person => return Err(error),
                answer => answers.push(answer),
            }
        }
    }
    Ok(answers)
}

impl Recorder {
    /// The plans of entries that have none for what is to be written now.
    ///
    /// # Errors
    /// What passes, or is about the connection as a whole.
    pub(super) async fn resolve(
        &self,
        client: &Client,
        schema: &Schema,
        entries: &[&Read],
    ) -> Result<Vec<Resolved>, Error> {
        let rules = self.rules();
        let mut linked = Vec::with_capacity(entries.len());
        for read in entries {
            linked.push(self.linked(read).await);
        }
        let found = people(client, &rules, entries, &linked).await?;
        let organization = self.organization_id(client).await?;
        let mut resolved: Vec<Resolved> = entries
            .iter()
            .zip(linked)
            .zip(found)
            .map(|((read, linked), found)| match (linked, found) {
                (Err(problem), _) => Resolved::Trouble(problem),
                (Ok(Some(linked)), _) => decided(self, &rules, read, &linked, organization),
                (Ok(None), Ok(found)) => decided(self, &rules, read, &found, organization),
                (Ok(None), Err(error)) => {
                    Resolved::Trouble(Problem::from_dataverse(&error, self.now()))
                }
            })
            .collect();
        answer_lookups(client, schema, &mut resolved).await?;
        Ok(resolved)
    }

    /// Whom an agent has linked to the visitor: the rules are not asked then.
    async fn linked(&self, read: &Read) -> Result<Option<Outcome>, Problem> {
        let Some(table) = table_to_ask(&read.intent) else {
            return Ok(None);
        };
        let of = LinkOf {
            organization: self.organization(),
            identity: Some(&read.entry.person_key),
            chat: Some(&read.entry.subject),
        };
        let links = self.stored(self.store().links(of).await)?;
        let link = links
            .iter()
            .find(|link| link.table == table.logical_name())
            .and_then(links::bare);
        Ok(link.map(|link| {
            let mut outcome = Outcome::default();
            link.put_into(&mut outcome);
            outcome
        }))
    }

    /// The organization's id, from which ids are computed.
    pub(super) async fn organization_id(&self, client: &Client) -> Result<Uuid, Error> {
        let ask = || async { Ok(client.who_am_i().await?.organization_id) };
        self.0.organization_id.get_or_try_init(ask).await.copied()
    }
}

/// The table in which somebody has to be looked for; none if it is known who is meant.
fn table_to_ask(intent: &Intent) -> Option<Table> {
    match &intent.wish {
        Wish::Automatic {
            action,
            chosen: None,
            ..
        } => action.person(),
        Wish::Automatic { .. } | Wish::Create { .. } | Wish::AddToCase { .. } => None,
    }
}

/// Who the rules find, for each entry whose visitor is linked to nobody.
async fn people(
    client: &Client,
    rules: &Rules,
    entries: &[&Read],
    linked: &[Result<Option<Outcome>, Problem>],
) -> Result<Vec<Result<Outcome, Error>>, Error> {
    let mut questions: Vec<(usize, Question)> = Vec::new();
    for (place, (read, linked)) in entries.iter().zip(linked).enumerate() {
        if matches!(linked, Ok(None))
            && let Some(table) = table_to_ask(&read.intent)
        {
            let Rules {
                identification,
                fields,
                columns,
            } = rules;
            let conversation = &read.intent.conversation;
            let asked = identify::questions(table, identification, fields, columns, conversation);
            questions.extend(asked.into_iter().map(|question| (place, question)));
        }
    }
    let asked: Vec<Asked> = questions
        .iter()
        .map(|(_, question)| Asked::Rows(recognise::query(&rules.columns, question, false)))
        .collect();
    let answers = ask_all(client, &asked).await?;
    let mut outcomes: Vec<Result<Outcome, Error>> =
        entries.iter().map(|_| Ok(Outcome::default())).collect();
    let read_at = jiff::Timestamp::UNIX_EPOCH;
    for ((place, question), answer) in questions.iter().zip(answers) {
        let (Some(outcome), Some(read)) = (outcomes.get_mut(*place), entries.get(*place)) else {
            continue;
        };
        // The first rule in order that finds somebody wins.
        if !matches!(outcome, Ok(found) if found.matched.is_none()) {
            continue;
        }
        let rule = rules
            .identification
            .rules(question.table)
            .get(question.rule);
        *outcome = match (answer, rule) {
            (Ok(Done::Page(page)), Some(rule)) => {
                let records = page
                    .rows
                    .iter()
                    .filter_map(|row| recognise::record(&rules.columns, question, row, read_at))
                    .collect();
                Ok(identify::judge(
                    question.table,
                    rule,
                    &rules.identification,
                    &rules.columns,
                    &read.intent.conversation,
                    records,
                ))
            }
            (Err(error), _) => Err(error),
            (Ok(_), _) => Ok(Outcome::default()),
        };
    }
    Ok(outcomes)
}

/// What becomes of an entry, now that it is known who the rules find.
fn decided(
    recorder: &Recorder,
    rules: &Rules,
    read: &Read,
    found: &Outcome,
    organization: Uuid,
) -> Resolved {
    let situation = Situation {
        intent: &read.intent,
        subject: &read.entry.subject,
        found,
        fields: &rules.fields,
        columns: &rules.columns,
        recording: &recorder.parts().recording,
        country: rules.identification.default_country.as_deref(),
        organization,
    };
    match decide(&situation) {
        Decision::Nothing(reason) => Resolved::Nothing(reason),
        Decision::Ask(candidates) => Resolved::Ask(
            candidates
                .iter()
                .map(|found| choice_of_person(recorder, found))
                .collect(),
        ),
        Decision::Plan(plan) => Resolved::Plan(KeptPlan {
            plan,
            why: found.matched.as_ref().map(why).unwrap_or_default(),
            revised: read.entry.revised,
            former: read
                .plan
                .as_ref()
                .filter(|_| !read.outcome.records.is_empty())
                .map(|kept| kept.plan.steps.clone())
                .unwrap_or_default(),
        }),
    }
}

fn choice_of_person(recorder: &Recorder, found: &Match) -> ChoiceOfPerson {
    let url = |record: &integration::Record| {
        let id = record.id.parse().ok();
        id.and_then(|id| recorder.page(record.table.logical_name(), id))
            .unwrap_or_default()
    };
    let candidate = view::candidate(found, &url);
    ChoiceOfPerson {
        id: candidate.id,
        name: candidate.name,
        detail: candidate.detail,
        url: candidate.url,
    }
}

fn why(found: &Match) -> String {
    format!("{}.", found.why())
}

/// Puts the rows in the place of the questions that the plans ask: a user by e-mail address, a record by name.
async fn answer_lookups(
    client: &Client,
    schema: &Schema,
    resolved: &mut [Resolved],
) -> Result<(), Error> {
    let plans = || {
        resolved.iter().filter_map(|resolved| match resolved {
            Resolved::Plan(kept) => Some(&kept.plan),
            Resolved::Nothing(_) | Resolved::Ask(_) | Resolved::Trouble(_) => None,
        })
    };
    let questions: std::collections::BTreeSet<LookupQuestion> =
        plans().flat_map(RecordPlan::questions).cloned().collect();
    if questions.is_empty() {
        return Ok(());
    }
    let mut asked = Vec::new();
    let mut whose = Vec::new();
    for question in &questions {
        for name in &question.tables {
            if let Some((query, key)) = lookup_query(schema, name, question) {
                asked.push(Asked::Rows(query));
                whose.push((question, name, key));
            }
        }
    }
    let mut found: BTreeMap<&LookupQuestion, Vec<(String, Uuid)>> = BTreeMap::new();
    let mut unread: BTreeMap<&LookupQuestion, Vec<String>> = BTreeMap::new();
    for ((question, table, key), answer) in whose.into_iter().zip(ask_all(client, &asked).await?) {
        match answer {
            Ok(Done::Page(page)) => found.entry(question).or_default().extend(
                page.rows
                    .iter()
                    .filter_map(|row| Some((table.clone(), row.id(&key)?))),
            ),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error.code = error.code(), error.chain = %error, "a lookup could not be asked for");
                if matches!(error, Error::MissingPrivilege { .. } | Error::Forbidden(_)) {
                    unread.entry(question).or_default().push(table.clone());
                }
            }
        }
    }
    for resolved in resolved {
        if let Resolved::Plan(kept) = resolved {
            for question in &questions {
                let rows = found.get(question).map(Vec::as_slice).unwrap_or_default();
                let unread = unread.get(question).map(Vec::as_slice).unwrap_or_default();
                kept.plan.answer(question, rows, unread);
            }
        }
    }
    Ok(())
}

/// The question for one table, and the column with the ids of the answer. Two rows are enough to know that it is not one.
fn lookup_query(
    schema: &Schema,
    table: &str,
    question: &LookupQuestion,
) -> Option<(Query, String)> {
    let table = schema.table(table)?;
    let key = table.primary_id.clone();
    let filter = match question.by {
        LookupBy::Id => Filter::equals(&key, Uuid::parse_str(question.text.trim()).ok()?),
        LookupBy::Name => Filter::equals(table.primary_name.clone()?, question.text.as_str()),
        LookupBy::Email => Filter::equals("internalemailaddress", question.text.as_str()),
    };
    let query = Query::new(table.entity_set.clone()?)
        .select([key.clone()])
        .filter(filter)
        .top(2);
    Some((query, key))
}
