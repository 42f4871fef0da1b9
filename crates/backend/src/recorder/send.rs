//! Sends plans: each is one atomic change set, many travel in one `$batch`.
//!
//! What a plan creates has a computed id and is created only if it does not exist (`If-None-Match: *`), so that a repetition
//! creates nothing twice. If something exists, nothing of the change set was done: what there is is read, and the rest is sent.
//! What a plan updates is read first, and written only if it has not changed since (`If-Match`).

use std::collections::{BTreeMap, BTreeSet};

use dataverse::metadata::Schema;
use dataverse::{Batch, Client, Done, Error, Literal, Query, RecordBody, Reference, Row, Write};
use integration::changes::changes;
use integration::plan::{Planned, Step, StepKind, Wish};
use integration::recording::UpdatePolicy;
use integration::{Columns, Table};
use serde_json::Value;
use tracing::warn;

use super::Recorder;
use super::kept::{KeptPlan, Outcome, Read, Written};
use super::resolve::{Asked, MOST_OPERATIONS, ask_all};
use super::settle::Ended;
use super::trouble::{Verdict, in_its_own_words, verdict};
use crate::problem::Problem;
use crate::view::WrittenHow;

/// How often an entry is read and sent again within a round because somebody else was faster.
const MOST_TRIES: u32 = 6;

/// The most that one request carries, in bytes of values.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// An entry on its way.
#[derive(Debug)]
pub(super) struct Work {
    pub read: Read,
    pub kept: KeptPlan,
    steps: Vec<Progress>,
    pub ended: Option<Ended>,
}

/// How far a step is.
#[derive(Clone, Debug)]
enum Progress {
    /// It is to be created.
    Create,
    /// Whether it exists has to be asked.
    Check,
    /// It is to be read, to be compared with what is planned.
    Compare(Update),
    /// These values are to be written over this version.
    Change(Update, Version, BTreeMap<String, Planned>),
    /// Nothing more is to be done.
    Done(WrittenHow, Option<String>),
}

/// How a record is updated.
#[derive(Clone, Debug)]
struct Update {
    policy: UpdatePolicy,
    /// Only these columns; none for all of the step's.
    only: Option<BTreeSet<String>>,
}

#[derive(Clone, Debug)]
struct Version(String);

impl Work {
    pub(super) fn new(read: Read, kept: KeptPlan) -> Work {
        let steps = kept
            .plan
            .steps
            .iter()
            .map(|step| match &step.kind {
                StepKind::Create | StepKind::CreatePerson { .. } => Progress::Create,
                StepKind::Update { policy } => Progress::Compare(Update {
                    policy: *policy,
                    only: None,
                }),
            })
            .collect();
        Work {
            read,
            kept,
            steps,
            ended: None,
        }
    }

    fn steps(&self) -> impl Iterator<Item = (&Step, &Progress)> {
        self.kept.plan.steps.iter().zip(&self.steps)
    }

    /// What the plan has come to, if nothing more is to be done.
    fn outcome(&self) -> Option<Outcome> {
        let mut records = Vec::new();
        for (step, progress) in self.steps() {
            let Progress::Done(done, etag) = progress else {
                return None;
            };
            records.push(Written {
                table: step.table.clone(),
                id: step.id,
                name: step.name.clone(),
                done: *done,
                etag: etag.clone(),
            });
        }
        Some(Outcome {
            records,
            ..Outcome::default()
        })
    }

    fn finish(&mut self) {
        if self.ended.is_none()
            && let Some(outcome) = self.outcome()
        {
            self.ended = Some(Ended::Done(outcome));
        }
    }

    /// The policy for a person who turns out to be there already.
    fn policy(&self) -> Option<UpdatePolicy> {
        match &self.read.intent.wish {
            Wish::Automatic { update, .. } => Some(*update),
            Wish::Create { .. } | Wish::AddToCase { .. } => None,
        }
    }

    fn bytes(&self) -> usize {
        let values = self.kept.plan.steps.iter().flat_map(|step| &step.values);
        values
            .map(|(column, value)| column.len() + value.text().map_or(64, str::len))
            .sum()
    }
}

impl Recorder {
    /// Sends the plans and reads what is needed for that, until each has ended or something stops all of it.
    ///
    /// # Errors
    /// What passes, or is about the connection as a whole; works that have ended by then have.
    pub(super) async fn send(
        &self,
        client: &Client,
        schema: &Schema,
        works: &mut [Work],
    ) -> Result<(), Error> {
        for _ in 0..MOST_TRIES {
            let mut open: Vec<&mut Work> = works
                .iter_mut()
                .filter(|work| work.ended.is_none())
                .collect();
            if open.is_empty() {
                return Ok(());
            }
            self.look(client, schema, &mut open).await?;
            self.keep_new_ids(client, &mut open).await?;
            let mut open: Vec<&mut Work> = works
                .iter_mut()
                .filter(|work| work.ended.is_none())
                .collect();
            self.write(client, schema, &mut open).await?;
        }
        for work in works.iter_mut().filter(|work| work.ended.is_none()) {
            work.ended = Some(Ended::Again(
                Problem::new(
                    "record_keeps_changing",
                    "The record was changed in Dynamics 365 each time that it was to be written.",
                    "Nothing: it is tried again.",
                ),
                None,
            ));
        }
        Ok(())
    }

    /// Reads what has to be compared or checked.
    async fn look(
        &self,
        client: &Client,
        schema: &Schema,
        works: &mut [&mut Work],
    ) -> Result<(), Error> {
        let mut asked = Vec::new();
        let mut whose = Vec::new();
        for (place, work) in works.iter_mut().enumerate() {
            let mut unknown = None;
            for (at, (step, progress)) in work.steps().enumerate() {
                if matches!(progress, Progress::Check | Progress::Compare(_)) {
                    match read_query(schema, step) {
                        Some((set, query)) => {
                            asked.push(Asked::Row(set, step.id, query));
                            whose.push((place, at));
                        }
                        None => unknown = Some(table_unknown(&step.table)),
                    }
                }
            }
            if let Some(problem) = unknown {
                work.ended = Some(Ended::Trouble(problem));
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let rules = self.rules();
        let country = rules.identification.default_country.as_deref();
        let answers = ask_all(client, &asked).await?;
        for ((place, at), answer) in whose.into_iter().zip(answers) {
            let Some(work) = works.get_mut(place) else {
                continue;
            };
            if work.ended.is_some() {
                continue;
            }
            let (policy, former) = (work.policy(), work.kept.former.clone());
            let (Some(step), Some(progress)) =
                (work.kept.plan.steps.get(at), work.steps.get_mut(at))
            else {
                continue;
            };
            let row = match answer {
                Ok(Done::Row(row)) => Some(row),
                Ok(_) => None,
                Err(Error::NotFound(_)) if matches!(progress, Progress::Check) => {
                    *progress = Progress::Create;
                    continue;
                }
                Err(error @ Error::NotFound(_)) => {
                    work.ended = Some(Ended::Gone(in_its_own_words(&error, self.now())));
                    continue;
                }
                Err(error) => {
                    work.ended = Some(Ended::Trouble(in_its_own_words(&error, self.now())));
                    continue;
                }
            };
            let Some(row) = row else { continue };
            let etag = row.etag().map(str::to_owned);
            let update = match (&*progress, &step.kind) {
                (Progress::Compare(update), _) => Some(update.clone()),
                (_, StepKind::CreatePerson { identity, .. }) => {
                    let carried = match &identity.column {
                        None => true,
                        Some(column) => row
                            .text(column)
                            .is_some_and(|text| identity.is_carried_by(text, country)),
                    };
                    if !carried {
                        // The next id of the sequence is taken before anything is sent again.
                        *progress = Progress::Create;
                        work.ended = Some(Ended::OtherPerson(step.id));
                        continue;
                    }
                    policy.map(|policy| Update { policy, only: None })
                }
                (_, StepKind::Create | StepKind::Update { .. }) => news(step, &former),
            };
            let Some(update) = update else {
                *progress = Progress::Done(WrittenHow::Existed, etag);
                continue;
            };
            let existed = matches!(progress, Progress::Check);
            let changed = changed_values(&rules.columns, step, &update, &row);
            *progress = match (changed.is_empty(), etag) {
                (true, etag) if existed => Progress::Done(WrittenHow::Existed, etag),
                (true, etag) => Progress::Done(WrittenHow::Unchanged, etag),
                (false, Some(etag)) => Progress::Change(update, Version(etag), changed),
                // Without a version it cannot be known whether somebody else writes at the same time.
                (false, None) => Progress::Done(WrittenHow::Unchanged, None),
            };
        }
        for work in works.iter_mut() {
            work.finish();
        }
        Ok(())
    }

    /// Plans whose person turned out to be somebody else by now get the next id, and are durable with it before they are
    /// sent.
    async fn keep_new_ids(&self, client: &Client, works: &mut [&mut Work]) -> Result<(), Error> {
        let organization = self.organization_id(client).await?;
        for work in works.iter_mut() {
            let Some(Ended::OtherPerson(person)) = work.ended else {
                continue;
            };
            work.ended = if work.kept.plan.take_next_person(organization, person) {
                // The next one may be there as well.
                for (step, progress) in work.kept.plan.steps.iter().zip(&mut work.steps) {
                    if matches!(step.kind, StepKind::CreatePerson { .. }) {
                        *progress = Progress::Create;
                    }
                }
                self.keep_plan(work).await.err().map(Ended::Trouble)
            } else {
                Some(Ended::Trouble(Problem::new(
                    "plan_unfit",
                    "The plan of this entry does not fit together.",
                    "Discard it and write the chat down by hand.",
                )))
            };
        }
        Ok(())
    }

    /// Sends the change sets of all works that have something to write.
    async fn write(
        &self,
        client: &Client,
        schema: &Schema,
        works: &mut [&mut Work],
    ) -> Result<(), Error> {
        let mut chunk: Vec<(&mut Work, Vec<(usize, Write)>)> = Vec::new();
        let (mut operations, mut bytes) = (0, 0);
        for work in works.iter_mut() {
            let is_known =
                |progress: &Progress| !matches!(progress, Progress::Check | Progress::Compare(_));
            if work.ended.is_some() || !work.steps.iter().all(is_known) {
                continue;
            }
            let sent = match writes(schema, work) {
                Ok(sent) => sent,
                Err(problem) => {
                    work.ended = Some(Ended::Trouble(problem));
                    continue;
                }
            };
            if !chunk.is_empty()
                && (operations + sent.len() > MOST_OPERATIONS || bytes + work.bytes() > MOST_BYTES)
            {
                self.write_chunk(client, &mut chunk).await?;
                chunk.clear();
                (operations, bytes) = (0, 0);
            }
            operations += sent.len();
            bytes += work.bytes();
            chunk.push((work, sent));
        }
        self.write_chunk(client, &mut chunk).await
    }

    /// Sends one batch. One that is refused as a whole is halved, until it is known which entry is the reason.
    async fn write_chunk(
        &self,
        client: &Client,
        chunk: &mut [(&mut Work, Vec<(usize, Write)>)],
    ) -> Result<(), Error> {
        if chunk.is_empty() {
            return Ok(());
        }
        let batch = chunk
            .iter()
            .fold(Batch::new().continue_on_error(), |batch, (_, sent)| {
                batch.change_set(|set| {
                    for (_, write) in sent {
                        set.add(write.clone());
                    }
                })
            });
        let answers = match client.batch(&batch).await {
            Ok(answers) => answers,
            Err(error) if verdict(&error) != Verdict::Person => return Err(error),
            Err(error) => {
                if chunk.len() > 1 {
                    let middle = chunk.len() / 2;
                    let (first, second) = chunk.split_at_mut(middle);
                    Box::pin(self.write_chunk(client, first)).await?;
                    return Box::pin(self.write_chunk(client, second)).await;
                }
                for (work, _) in chunk {
                    work.ended = Some(Ended::Trouble(in_its_own_words(&error, self.now())));
                }
                return Ok(());
            }
        };
        let mut stopped = None;
        for ((work, sent), answer) in chunk.iter_mut().zip(answers) {
            if let Err(error) = self.take_answer(work, sent, answer) {
                stopped.get_or_insert(error);
            }
        }
        stopped.map_or(Ok(()), Err)
    }

    fn take_answer(
        &self,
        work: &mut Work,
        sent: &[(usize, Write)],
        answer: Result<Done, Error>,
    ) -> Result<(), Error> {
        match answer {
            Ok(Done::ChangeSet(written)) => {
                for ((at, _), written) in sent.iter().zip(written) {
                    if let Some(progress) = work.steps.get_mut(*at) {
                        let how = match progress {
                            Progress::Change(..) => WrittenHow::Updated,
                            Progress::Create
                            | Progress::Check
                            | Progress::Compare(_)
                            | Progress::Done(..) => WrittenHow::Created,
                        };
                        *progress = Progress::Done(how, written.etag);
                    }
                }
                work.finish();
            }
            Ok(_) => {
                work.ended = Some(Ended::Again(
                    Problem::new(
                        "invalid_answer",
                        "The answer of Dynamics 365 does not belong to what was sent.",
                        "Nothing: it is tried again.",
                    ),
                    None,
                ));
            }
            Err(
                Error::RecordExists(_) | Error::RecordChanged(_) | Error::PreconditionFailed(_),
            ) => {
                for progress in &mut work.steps {
                    *progress = match &*progress {
                        Progress::Create => Progress::Check,
                        Progress::Change(update, ..) => Progress::Compare(update.clone()),
                        other @ (Progress::Check | Progress::Compare(_) | Progress::Done(..)) => {
                            other.clone()
                        }
                    };
                }
            }
            Err(error @ Error::NotFound(_)) => {
                work.ended = Some(Ended::Gone(in_its_own_words(&error, self.now())));
            }
            Err(error) => {
                warn!(error.code = error.code(), error.chain = %error, "a plan was not written");
                match verdict(&error) {
                    Verdict::Pause => return Err(error),
                    Verdict::Again(wait) => {
                        let problem = in_its_own_words(&error, self.now());
                        work.ended = Some(Ended::Again(problem, wait));
                    }
                    Verdict::Person => {
                        work.ended = Some(Ended::Trouble(in_its_own_words(&error, self.now())));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The writes of a work, each with the place of its step.
fn writes(schema: &Schema, work: &Work) -> Result<Vec<(usize, Write)>, Problem> {
    let mut writes = Vec::new();
    for (at, (step, progress)) in work.steps().enumerate() {
        let table = schema
            .table(&step.table)
            .ok_or_else(|| table_unknown(&step.table))?;
        let set = table
            .entity_set
            .clone()
            .ok_or_else(|| table_unknown(&step.table))?;
        // The version afterwards is what an undo goes by.
        let back = Query::new(set.clone()).select([table.primary_id.clone()]);
        let write = match progress {
            Progress::Create => {
                let body = body(schema, &step.table, &step.values)?;
                Write::create_with_id(set, step.id, body).returning(back)
            }
            Progress::Change(_, Version(etag), values) => {
                let body = body(schema, &step.table, values)?;
                Write::update(Reference::record(set, step.id), body)
                    .if_unchanged(etag.clone())
                    .returning(back)
            }
            Progress::Check | Progress::Compare(_) | Progress::Done(..) => continue,
        };
        writes.push((at, write));
    }
    Ok(writes)
}

/// The values as the Web API takes them. What is created in the same change set is referred to by its own, computed
/// address: it is there by then.
fn body(
    schema: &Schema,
    table: &str,
    values: &BTreeMap<String, Planned>,
) -> Result<RecordBody, Problem> {
    let mut body = RecordBody::new();
    for (column, value) in values {
        body = match value {
            Planned::Value(value) => body.set(column, literal(value)),
            Planned::Lookup { table: target, id } => {
                let unfit = || {
                    Problem::new(
                        "lookup_unfit",
                        format!(
                            "The column {column} of {table} cannot point to a record of {target}."
                        ),
                        "Choose another record, or correct the field mapping in the settings.",
                    )
                };
                let navigation = schema.navigation(table, column, target).ok_or_else(unfit)?;
                let set = schema
                    .table(target)
                    .and_then(|target| target.entity_set.clone())
                    .ok_or_else(unfit)?;
                body.bind(navigation, Reference::record(set, *id))
            }
            // All questions were answered before the plan was kept.
            Planned::Find(_) => body,
        };
    }
    Ok(body)
}

fn literal(value: &Value) -> Literal {
    match value {
        Value::Null => Literal::Null,
        Value::Bool(yes) => Literal::Boolean(*yes),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| Literal::Decimal(number.to_string()), Literal::Integer),
        Value::String(text) => Literal::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Literal::Text(value.to_string()),
    }
}

fn table_unknown(table: &str) -> Problem {
    Problem::new(
        "table_unknown",
        format!("This organization has no table {table} that can be written to."),
        "Ask the administrator whether the companion may see it.",
    )
}

/// What is read of a step's record: the columns that it would write, and the one that tells a person.
fn read_query(schema: &Schema, step: &Step) -> Option<(String, Query)> {
    let table = schema.table(&step.table)?;
    let set = table.entity_set.clone()?;
    let mut columns: BTreeSet<String> = BTreeSet::from([table.primary_id.clone()]);
    for column in step.values.keys() {
        if let Some(known) = table
            .columns
            .get(column)
            .filter(|known| known.valid_for_read)
        {
            columns.insert(known.property());
        }
    }
    if let StepKind::CreatePerson { identity, .. } = &step.kind
        && let Some(column) = &identity.column
    {
        columns.insert(column.clone());
    }
    let query = Query::new(set.clone())
        .select(columns)
        .formatted_values(true);
    Some((set, query))
}

/// Of a record that was written for an earlier version: what is new since; none if nothing is.
fn news(step: &Step, former: &[Step]) -> Option<Update> {
    let former = former.iter().find(|former| former.id == step.id)?;
    let only: BTreeSet<String> = step
        .values
        .iter()
        .filter(|(column, value)| former.values.get(*column) != Some(*value))
        .map(|(column, _)| column.clone())
        .collect();
    (!only.is_empty()).then_some(Update {
        policy: UpdatePolicy::Overwrite,
        only: Some(only),
    })
}

/// What an update of a step changes of the row as it is now.
fn changed_values(
    columns: &Columns,
    step: &Step,
    update: &Update,
    row: &Row,
) -> BTreeMap<String, Planned> {
    let proposed: BTreeMap<String, Planned> = step
        .values
        .iter()
        .filter(|(column, _)| {
            update
                .only
                .as_ref()
                .is_none_or(|only| only.contains(*column))
        })
        .map(|(column, value)| (column.clone(), value.clone()))
        .collect();
    let lookups: BTreeMap<&str, String> = proposed
        .iter()
        .filter(|(_, value)| matches!(value, Planned::Lookup { .. }))
        .map(|(column, _)| (column.as_str(), format!("_{column}_value")))
        .collect();
    let current = |column: &str| {
        let property = lookups.get(column).map_or(column, String::as_str);
        Some(row.value(property))
    };
    let table = Table::from_logical_name(&step.table);
    changes(update.policy, columns, table, current, &proposed)
}
