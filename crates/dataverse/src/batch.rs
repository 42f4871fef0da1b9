//! Several operations in one request, some of them all or nothing (protocol page `batch.md`).

use crate::body::ContentId;
use crate::call::{Call, Target};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::multipart::{self, Damage, Part};
use crate::odata::{Key, Query, column, invalid};
use crate::operations::{Action, Function, acted};
use crate::row::{Page, Row};
use crate::transport::Answer;
use crate::writes::{Write, Written};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// Operations that travel together. They are carried out one after the other; after one that fails the rest is left
/// undone, unless [`Batch::continue_on_error`] was asked for. What was done before stays done.
#[derive(Clone, Debug)]
pub struct Batch {
    entries: Vec<Entry>,
    boundary: Uuid,
    continues: bool,
    /// How many items its change sets have; each has a number of its own in the whole batch.
    items: u32,
}

#[derive(Clone, Debug)]
enum Entry {
    One(Box<Operation>),
    ChangeSet(Vec<(ContentId, Write)>),
}

#[derive(Clone, Debug)]
enum Operation {
    Query(Query),
    Retrieve {
        entity_set: String,
        key: Key,
        query: Query,
    },
    Write(Write),
    Function(Function),
    Action(Action),
}

/// Writes that all happen or none of them (protocol page `batch.md`, section "Change sets").
#[derive(Debug)]
pub struct ChangeSet {
    writes: Vec<(ContentId, Write)>,
    first: u32,
}

impl ChangeSet {
    /// Adds a write; its number may stand for the record in the writes after it.
    pub fn add(&mut self, write: Write) -> ContentId {
        let position = u32::try_from(self.writes.len()).unwrap_or(u32::MAX);
        let id = ContentId(self.first.saturating_add(position));
        self.writes.push((id, write));
        id
    }
}

/// What one entry of a batch has come to.
#[derive(Clone)]
pub enum Done {
    /// Of [`Batch::query`].
    Page(Page),
    /// Of [`Batch::retrieve`].
    Row(Row),
    /// Of [`Batch::write`].
    Written(Written),
    /// Of [`Batch::change_set`], in the order of its writes.
    ChangeSet(Vec<Written>),
    /// Of [`Batch::call`] and [`Batch::act`].
    Answer(Option<Map<String, Value>>),
}

/// The names of what came; never the values.
impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(page) => fmt::Debug::fmt(page, f),
            Self::Row(row) => fmt::Debug::fmt(row, f),
            Self::Written(written) => fmt::Debug::fmt(written, f),
            Self::ChangeSet(written) => fmt::Debug::fmt(written, f),
            Self::Answer(answer) => {
                let members = answer.iter().flat_map(Map::keys);
                f.write_str("Answer")?;
                f.debug_list().entries(members).finish()
            }
        }
    }
}

/// A batch has no more operations than this, those in change sets counted singly.
const MOST_OPERATIONS: usize = 1000;

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::with_boundary(Uuid::new_v4())
    }

    /// An empty batch whose parts are divided by this id, which must occur in none of them.
    pub fn with_boundary(boundary: Uuid) -> Self {
        Self {
            entries: Vec::new(),
            boundary,
            continues: false,
            items: 0,
        }
    }

    /// Reads the first page of a query.
    #[must_use]
    pub fn query(self, query: Query) -> Self {
        self.with(Entry::One(Box::new(Operation::Query(query))))
    }

    /// Reads one record.
    #[must_use]
    pub fn retrieve(
        self,
        entity_set: impl Into<String>,
        key: impl Into<Key>,
        query: Query,
    ) -> Self {
        self.with(Entry::One(Box::new(Operation::Retrieve {
            entity_set: entity_set.into(),
            key: key.into(),
            query,
        })))
    }

    /// Writes one record, by itself.
    #[must_use]
    pub fn write(self, write: Write) -> Self {
        self.with(Entry::One(Box::new(Operation::Write(write))))
    }

    /// Calls a function.
    #[must_use]
    pub fn call(self, function: Function) -> Self {
        self.with(Entry::One(Box::new(Operation::Function(function))))
    }

    /// Calls an action.
    #[must_use]
    pub fn act(self, action: Action) -> Self {
        self.with(Entry::One(Box::new(Operation::Action(action))))
    }

    /// Makes writes that all happen or none of them; they count as one entry.
    #[must_use]
    pub fn change_set(mut self, fill: impl FnOnce(&mut ChangeSet)) -> Self {
        let mut set = ChangeSet {
            writes: Vec::new(),
            first: self.items.saturating_add(1),
        };
        fill(&mut set);
        let added = u32::try_from(set.writes.len()).unwrap_or(u32::MAX);
        self.items = self.items.saturating_add(added);
        self.with(Entry::ChangeSet(set.writes))
    }

    /// Carries out what follows an operation that fails.
    #[must_use]
    pub fn continue_on_error(mut self) -> Self {
        self.continues = true;
        self
    }

    fn with(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    fn outer_call(&self, client: &Client) -> Result<Call> {
        let operations: usize = self.entries.iter().map(Entry::len).sum();
        if operations == 0 {
            return Err(invalid("a batch is empty"));
        }
        if operations > MOST_OPERATIONS {
            return Err(invalid("a batch has more than 1000 operations"));
        }
        let boundary = format!("batch_{}", self.boundary);
        let mut repeatable = true;
        let mut body = String::new();
        for (position, entry) in self.entries.iter().enumerate() {
            start_part(&mut body, &boundary);
            match entry {
                Entry::One(operation) => {
                    let call = operation.call(client)?;
                    repeatable &= call.repeatable;
                    write_call(&mut body, &call, None)?;
                }
                Entry::ChangeSet(writes) => {
                    let inner = format!("changeset_{}_{position}", self.boundary);
                    body.push_str("Content-Type: multipart/mixed; boundary=\"");
                    body.push_str(&inner);
                    body.push_str("\"\r\n\r\n");
                    check_items(writes)?;
                    for (id, write) in writes {
                        let call = write.call(client)?;
                        repeatable &= call.repeatable;
                        start_part(&mut body, &inner);
                        write_call(&mut body, &call, Some(*id))?;
                    }
                    end_parts(&mut body, &inner);
                }
            }
        }
        end_parts(&mut body, &boundary);
        let preferences = self.continues.then(|| "odata.continue-on-error".to_owned());
        outer_call(client, "batch", &boundary, body, repeatable)?.prefer(preferences)
    }

    pub(crate) fn read(&self, answer: Answer) -> Result<Vec<Result<Done>>> {
        let Some(boundary) = multipart::boundary(&answer.headers) else {
            return Err(not_a_batch(answer));
        };
        let parts =
            multipart::parts(&answer.body, &boundary).map_err(|reason| damaged(&answer, reason))?;
        self.results(&answer, parts)
    }

    fn results(&self, answer: &Answer, parts: Vec<Part<'_>>) -> Result<Vec<Result<Done>>> {
        let damaged = |reason| damaged(answer, reason);
        if parts.len() > self.entries.len() {
            return Err(damaged("the answer to the batch has too many parts"));
        }
        let mut parts = parts.into_iter();
        let mut results: Vec<Result<Done>> = Vec::new();
        for entry in &self.entries {
            let result = match parts.next() {
                Some(part) => entry.result(&part).map_err(damaged)?,
                None if !self.continues && results.iter().any(Result::is_err) => {
                    Err(Error::NotCarriedOut)
                }
                None => return Err(damaged("the answer to the batch has too few parts")),
            };
            results.push(result);
        }
        Ok(results)
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// Sends a batch. The answer has one result for each entry, in their order; a change set is one entry. What was left
    /// undone because an earlier entry failed is [`Error::NotCarriedOut`].
    ///
    /// # Errors
    ///
    /// Why the batch as a whole was not carried out or its answer cannot be read; [`Error::InvalidQuery`] if it is empty,
    /// has more than 1000 operations, or names an item of a change set elsewhere.
    pub async fn batch(&self, batch: &Batch) -> Result<Vec<Result<Done>>> {
        batch.read(self.answer(batch.outer_call(self)?).await?)
    }
}

/// A read whose address is too long for a request line, as the only entry of a batch (protocol page `query.md`, section
/// "URL length").
pub(crate) fn wrapped(client: &Client, call: &Call) -> Result<Call> {
    let boundary = format!("batch_{}", Uuid::new_v4());
    let mut body = String::new();
    start_part(&mut body, &boundary);
    write_call(&mut body, call, None)?;
    end_parts(&mut body, &boundary);
    let mut outer = outer_call(client, call.operation, &boundary, body, true)?;
    outer.entity_set.clone_from(&call.entity_set);
    Ok(outer)
}

/// The answer to a read that travelled in a batch.
pub(crate) fn unwrapped(answer: Answer) -> Result<Answer> {
    let Some(boundary) = multipart::boundary(&answer.headers) else {
        // The batch itself was refused, which has the same meaning as if the read had been.
        return if answer.status.is_success() {
            Err(not_a_batch(answer))
        } else {
            Ok(answer)
        };
    };
    let only = multipart::parts(&answer.body, &boundary).and_then(|parts| match parts.as_slice() {
        [only] => only.answer(),
        _ => Err("the answer to the batch has another number of parts"),
    });
    let mut inner = only.map_err(|reason| damaged(&answer, reason))?;
    for (name, value) in &answer.headers {
        if *name != CONTENT_TYPE && !inner.headers.contains_key(name) {
            inner.headers.insert(name.clone(), value.clone());
        }
    }
    Ok(inner)
}

impl Entry {
    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            // An empty one is refused.
            Self::ChangeSet(writes) => writes.len(),
        }
    }

    fn result(&self, part: &Part<'_>) -> std::result::Result<Result<Done>, Damage> {
        match self {
            Self::One(operation) => Ok(operation.done(part.answer()?)),
            Self::ChangeSet(writes) => {
                let answers = match part.nested() {
                    Some(parts) => parts?
                        .iter()
                        .map(|part| Ok((part.content_id().map(str::to_owned), part.answer()?)))
                        .collect::<std::result::Result<Vec<_>, Damage>>()?,
                    None => vec![(None, part.answer()?)],
                };
                change_set(writes, answers)
            }
        }
    }
}

fn change_set(
    writes: &[(ContentId, Write)],
    answers: Vec<(Option<String>, Answer)>,
) -> std::result::Result<Result<Done>, Damage> {
    let of = |named: &str| writes.iter().position(|(id, _)| named == id.0.to_string());
    let mut written: Vec<Option<Result<Written>>> = writes.iter().map(|_| None).collect();
    let is_whole = answers.len() == writes.len();
    for (position, (named, answer)) in answers.into_iter().enumerate() {
        let position = match &named {
            Some(named) => of(named),
            None => is_whole.then_some(position),
        };
        let write = position.and_then(|position| writes.get(position));
        if !answer.status.is_success() {
            let error = answer.into_error();
            return Ok(Err(match write {
                Some((_, write)) => write.explained(error),
                None => error,
            }));
        }
        match (
            write,
            position.and_then(|position| written.get_mut(position)),
        ) {
            (Some((_, write)), Some(place)) if place.is_none() => {
                *place = Some(write.written(answer));
            }
            _ => return Err("the answer to the batch answers what was not asked"),
        }
    }
    let written: Option<Vec<_>> = written.into_iter().collect();
    match written {
        Some(written) => Ok(written
            .into_iter()
            .collect::<Result<Vec<_>>>()
            .map(Done::ChangeSet)),
        None => Err("the answer to a change set has too few parts"),
    }
}

impl Operation {
    fn call(&self, client: &Client) -> Result<Call> {
        match self {
            Self::Query(query) => client.query_call(query),
            Self::Retrieve {
                entity_set,
                key,
                query,
            } => client.retrieve_call(entity_set, key, query),
            Self::Write(write) if !write.items().is_empty() => Err(invalid(
                "an item of a change set can be named only in that change set",
            )),
            Self::Write(write) => write.call(client),
            Self::Function(function) => function.call(client),
            Self::Action(action) => action.call(client),
        }
    }

    fn done(&self, answer: Answer) -> Result<Done> {
        if let Self::Write(write) = self {
            return answer
                .into_success()
                .map_err(|error| write.explained(error))
                .and_then(|answer| write.written(answer))
                .map(Done::Written);
        }
        let answer = answer.into_success()?;
        match self {
            Self::Query(query) => {
                let envelope = answer.into_success_object()?;
                let page = Page::read(envelope, query.prefer(), column(query.entity_set())?)?;
                Ok(Done::Page(page))
            }
            Self::Retrieve { .. } => Ok(Done::Row(Row::from(answer.into_success_object()?))),
            Self::Write(write) => write.written(answer).map(Done::Written),
            Self::Function(_) => answer.into_success_object().map(Some).map(Done::Answer),
            Self::Action(_) => acted(answer).map(Done::Answer),
        }
    }
}

/// Each write names earlier ones only.
fn check_items(writes: &[(ContentId, Write)]) -> Result<()> {
    if writes.is_empty() {
        return Err(invalid("a change set is empty"));
    }
    for (position, (_, write)) in writes.iter().enumerate() {
        let earlier = writes.get(..position).unwrap_or_default();
        let known = |item: &ContentId| earlier.iter().any(|(id, _)| id == item);
        if !write.items().iter().all(known) {
            return Err(invalid(
                "an item of a change set can name earlier items of the same change set only",
            ));
        }
    }
    Ok(())
}

fn outer_call(
    client: &Client,
    operation: &'static str,
    boundary: &str,
    body: String,
    repeatable: bool,
) -> Result<Call> {
    let content_type = HeaderValue::from_str(&format!("multipart/mixed; boundary=\"{boundary}\""))
        .map_err(|_| invalid("a batch cannot be divided so"))?;
    Ok(Call {
        operation,
        entity_set: None,
        method: Method::POST,
        target: client.target("$batch", "")?,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
        body: Some(body),
        repeatable,
    })
}

fn start_part(body: &mut String, boundary: &str) {
    body.push_str("--");
    body.push_str(boundary);
    body.push_str("\r\n");
}

fn end_parts(body: &mut String, boundary: &str) {
    body.push_str("--");
    body.push_str(boundary);
    body.push_str("--\r\n");
}

/// One operation as a part. The empty line after its headers is required even if nothing follows.
fn write_call(body: &mut String, call: &Call, id: Option<ContentId>) -> Result<()> {
    body.push_str("Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
    if let Some(ContentId(number)) = id {
        body.push_str(&format!("Content-ID: {number}\r\n"));
    }
    let address = match &call.target {
        Target::Url(url) => match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        },
        Target::Item(item, path) => format!("{item}{path}"),
    };
    body.push_str(&format!("\r\n{} {address} HTTP/1.1\r\n", call.method));
    body.push_str("Accept: application/json\r\n");
    for (name, value) in &call.headers {
        let value = value
            .to_str()
            .map_err(|_| invalid("a header cannot be sent in a batch"))?;
        body.push_str(&format!("{name}: {value}\r\n"));
    }
    body.push_str("\r\n");
    if let Some(content) = &call.body {
        body.push_str(content);
    }
    body.push_str("\r\n");
    Ok(())
}

fn not_a_batch(answer: Answer) -> Error {
    if answer.status.is_success() {
        damaged(&answer, "the answer to the batch is no multipart text")
    } else {
        answer.into_error()
    }
}

fn damaged(answer: &Answer, reason: Damage) -> Error {
    Error::InvalidAnswer {
        reason,
        request_id: answer
            .service_answer(None, None)
            .request_id()
            .map(str::to_owned),
    }
}
