//! Creating, changing, deleting and linking records.

use crate::body::{RecordBody, Reference, id_in_address};
use crate::call::{Call, Target, header};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::odata::{Key, Query, column, invalid, record_path};
use crate::row::Row;
use crate::transport::Answer;
use reqwest::Method;
use reqwest::header::{ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What has to be true for a write to happen (protocol page `crud.md`, section "Upsert and conditional requests").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: the record is created or updated. Such a write is never repeated by itself.
    None,
    /// There is no such record: it is created, or it is [`Error::RecordExists`].
    OnlyCreate,
    /// There is such a record: it is updated, or it is [`Error::NotFound`].
    OnlyUpdate,
    /// The record still has this ETag: it is updated, or it is [`Error::RecordChanged`]. Such a write is never repeated by
    /// itself, for our own change would look like somebody else's.
    IfUnchanged(String),
}

/// One write, sent by [`Client::write`] or as part of a [`crate::Batch`].
#[derive(Clone, Debug)]
pub struct Write {
    kind: Kind,
    condition: Condition,
    detects_duplicates: bool,
    returning: Option<Query>,
}

#[derive(Clone, Debug)]
enum Kind {
    Create {
        entity_set: String,
        body: RecordBody,
    },
    /// Creates or updates, as the condition says.
    Put {
        record: Reference,
        body: RecordBody,
    },
    /// One column; none clears it.
    Set {
        record: Reference,
        column: String,
        value: Option<Value>,
    },
    Delete(Reference),
    Associate {
        record: Reference,
        collection: String,
        with: Reference,
    },
    Disassociate {
        record: Reference,
        collection: String,
        from: Uuid,
    },
}

impl Write {
    /// Creates a record whose id Dataverse chooses (protocol page `crud.md`, section "Create"). Never repeated by itself:
    /// a second one could make a second record.
    pub fn create(entity_set: impl Into<String>, body: impl Into<RecordBody>) -> Self {
        Self::of(
            Kind::Create {
                entity_set: entity_set.into(),
                body: body.into(),
            },
            Condition::None,
        )
    }

    /// Creates a record with this id, or it is [`Error::RecordExists`].
    ///
    /// Of the two documented ways it is a `PATCH` with `If-None-Match: *`, not a `POST` with the key in the body: the
    /// address needs no knowledge of the table's key column, and that it must not exist is said rather than implied. So
    /// it may be sent again after a broken connection; then [`Error::RecordExists`] can mean that the first one arrived.
    pub fn create_with_id(
        entity_set: impl Into<String>,
        id: Uuid,
        body: impl Into<RecordBody>,
    ) -> Self {
        Self::upsert(Reference::record(entity_set, id), body).on(Condition::OnlyCreate)
    }

    /// Creates or updates a record (protocol page `crud.md`, section "Upsert and conditional requests").
    pub fn upsert(record: impl Into<Reference>, body: impl Into<RecordBody>) -> Self {
        let kind = Kind::Put {
            record: record.into(),
            body: body.into(),
        };
        Self::of(kind, Condition::None)
    }

    /// Updates a record that exists (protocol page `crud.md`, section "Update"). The body names the changed columns only:
    /// every column that is sent counts as changed.
    pub fn update(record: impl Into<Reference>, body: impl Into<RecordBody>) -> Self {
        let record = record.into();
        // What a change set has just created is not asked for again.
        let condition = match &record {
            Reference::Record { .. } => Condition::OnlyUpdate,
            Reference::Item(_) => Condition::None,
        };
        Self::upsert(record, body).on(condition)
    }

    /// Deletes a record (protocol page `crud.md`, section "Delete"). It may be sent again after a broken connection; then
    /// [`Error::NotFound`] can mean that the first one arrived.
    pub fn delete(record: impl Into<Reference>) -> Self {
        Self::of(Kind::Delete(record.into()), Condition::None)
    }

    /// Sets one column of a record that is there (protocol page `crud.md`, section "Update"). A lookup is set by
    /// [`RecordBody::bind`] in an update. It may be sent again after a broken connection, for it sets the same.
    pub fn set_column(
        record: impl Into<Reference>,
        column: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        let kind = Kind::Set {
            record: record.into(),
            column: column.into(),
            value: Some(value.into()).filter(|value| !value.is_null()),
        };
        Self::of(kind, Condition::None)
    }

    /// Empties one column of a record that is there (protocol page `crud.md`, section "Update").
    pub fn clear_column(record: impl Into<Reference>, column: impl Into<String>) -> Self {
        Self::set_column(record, column, Value::Null)
    }

    /// Puts a record into a collection of another (protocol page `crud.md`, section "Associate"). If it is in there
    /// already, some servers answer [`Error::RecordExists`].
    pub fn associate(
        record: impl Into<Reference>,
        collection: impl Into<String>,
        with: impl Into<Reference>,
    ) -> Self {
        let kind = Kind::Associate {
            record: record.into(),
            collection: collection.into(),
            with: with.into(),
        };
        Self::of(kind, Condition::None)
    }

    /// Takes a record out of a collection of another (protocol page `crud.md`, section "Associate").
    pub fn disassociate(
        record: impl Into<Reference>,
        collection: impl Into<String>,
        from: Uuid,
    ) -> Self {
        let kind = Kind::Disassociate {
            record: record.into(),
            collection: collection.into(),
            from,
        };
        Self::of(kind, Condition::None)
    }

    /// Only under this condition. A plain create has none; a delete knows [`Condition::OnlyUpdate`] and
    /// [`Condition::IfUnchanged`].
    #[must_use]
    pub fn on(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Only if the record still has this ETag.
    #[must_use]
    pub fn if_unchanged(self, etag: impl Into<String>) -> Self {
        self.on(Condition::IfUnchanged(etag.into()))
    }

    /// Has the organization's duplicate rules looked at (protocol page `duplicates.md`, section "Header"): if one fits, the
    /// write does not happen and it is [`Error::Duplicates`]. Without it Dataverse looks at none.
    #[must_use]
    pub fn detect_duplicates(mut self) -> Self {
        self.detects_duplicates = true;
        self
    }

    /// Reads the record back in the same exchange: the columns that the query selects; of the query, `select`, `expand`
    /// (when it is created) and `formatted_values` count. Only so it is known whether an upsert created or updated.
    #[must_use]
    pub fn returning(mut self, query: Query) -> Self {
        self.returning = Some(query);
        self
    }

    fn of(kind: Kind, condition: Condition) -> Self {
        Self {
            kind,
            condition,
            detects_duplicates: false,
            returning: None,
        }
    }

    /// The items of the change set that the write names.
    pub(crate) fn items(&self) -> Vec<crate::ContentId> {
        let mut items = Vec::new();
        let mut note = |reference: &Reference| {
            if let Reference::Item(item) = reference {
                items.push(*item);
            }
        };
        match &self.kind {
            Kind::Create { body, .. } => items.extend(body.items()),
            Kind::Put { record, body } => {
                note(record);
                items.extend(body.items());
            }
            Kind::Set { record, .. } | Kind::Delete(record) | Kind::Disassociate { record, .. } => {
                note(record);
            }
            Kind::Associate { record, with, .. } => {
                note(record);
                note(with);
            }
        }
        items
    }

    pub(crate) fn call(&self, client: &Client) -> Result<Call> {
        let (operation, method, target, body) = match &self.kind {
            Kind::Create { entity_set, body } => {
                let target = client.target(column(entity_set)?, &self.query_string()?)?;
                (
                    "create",
                    Method::POST,
                    target,
                    Some(body.members()?.clone()),
                )
            }
            Kind::Put { record, body } => {
                let target = address(client, record, "", &self.query_string()?)?;
                (
                    "upsert",
                    Method::PATCH,
                    target,
                    Some(body.members()?.clone()),
                )
            }
            Kind::Set {
                record,
                column: name,
                value,
            } => {
                let target = address(client, record, &format!("/{}", column(name)?), "")?;
                match value {
                    Some(value) => {
                        let body = Map::from_iter([("value".to_owned(), value.clone())]);
                        ("set column", Method::PUT, target, Some(body))
                    }
                    None => ("clear column", Method::DELETE, target, None),
                }
            }
            Kind::Delete(record) => (
                "delete",
                Method::DELETE,
                address(client, record, "", "")?,
                None,
            ),
            Kind::Associate {
                record,
                collection,
                with,
            } => {
                let path = format!("/{}/$ref", column(collection)?);
                let id = match with {
                    Reference::Record { entity_set, key } => {
                        client.url(&record_path(entity_set, key)?, "")?.to_string()
                    }
                    Reference::Item(item) => item.to_string(),
                };
                let body = Map::from_iter([("@odata.id".to_owned(), Value::from(id))]);
                let target = address(client, record, &path, "")?;
                ("associate", Method::POST, target, Some(body))
            }
            Kind::Disassociate {
                record,
                collection,
                from,
            } => {
                let path = format!("/{}({})/$ref", column(collection)?, from.as_hyphenated());
                let target = address(client, record, &path, "")?;
                ("disassociate", Method::DELETE, target, None)
            }
        };
        let mut call = Call {
            operation,
            entity_set: self.entity_set().map(str::to_owned),
            method,
            target,
            headers: self.headers()?,
            body: None,
            repeatable: self.is_repeatable(),
        };
        if let Some(body) = &body {
            call = call.json(body)?;
        }
        call.prefer(self.preferences())
    }

    fn entity_set(&self) -> Option<&str> {
        let record = match &self.kind {
            Kind::Create { entity_set, .. } => return Some(entity_set),
            Kind::Put { record, .. }
            | Kind::Set { record, .. }
            | Kind::Delete(record)
            | Kind::Associate { record, .. }
            | Kind::Disassociate { record, .. } => record,
        };
        match record {
            Reference::Record { entity_set, .. } => Some(entity_set),
            Reference::Item(_) => None,
        }
    }

    fn query_string(&self) -> Result<String> {
        match &self.returning {
            Some(query) => query.single_row_query_string(),
            None => Ok(String::new()),
        }
    }

    fn preferences(&self) -> Option<String> {
        let query = self.returning.as_ref()?;
        let preferences: Vec<_> = ["return=representation".to_owned()]
            .into_iter()
            .chain(query.prefer())
            .collect();
        Some(preferences.join(","))
    }

    fn headers(&self) -> Result<HeaderMap> {
        let fits = match (&self.kind, &self.condition) {
            (_, Condition::None) | (Kind::Put { .. }, _) => true,
            (Kind::Delete(_), Condition::OnlyUpdate | Condition::IfUnchanged(_)) => true,
            (Kind::Delete(_), Condition::OnlyCreate)
            | (
                Kind::Create { .. }
                | Kind::Set { .. }
                | Kind::Associate { .. }
                | Kind::Disassociate { .. },
                _,
            ) => false,
        };
        if !fits {
            return Err(invalid("this write takes no such condition"));
        }
        if !matches!(self.kind, Kind::Create { .. } | Kind::Put { .. })
            && (self.detects_duplicates || self.returning.is_some())
        {
            return Err(invalid(
                "only a create or an update detects duplicates or is read back",
            ));
        }
        let mut headers = HeaderMap::new();
        let precondition = match &self.condition {
            Condition::None => None,
            Condition::OnlyCreate => Some((IF_NONE_MATCH, "*")),
            Condition::OnlyUpdate => Some((IF_MATCH, "*")),
            Condition::IfUnchanged(etag) => Some((IF_MATCH, etag.as_str())),
        };
        if let Some((name, value)) = precondition {
            headers.insert(name, header("the version of a record", value)?);
        }
        if self.detects_duplicates {
            // The name says the opposite of what it does: false has the rules looked at.
            headers.insert(
                "MSCRM.SuppressDuplicateDetection",
                header("duplicate detection", "false")?,
            );
        }
        Ok(headers)
    }

    fn is_repeatable(&self) -> bool {
        match &self.kind {
            Kind::Create { .. } | Kind::Associate { .. } => false,
            Kind::Put { .. } => matches!(
                self.condition,
                Condition::OnlyCreate | Condition::OnlyUpdate
            ),
            Kind::Delete(_) => !matches!(self.condition, Condition::IfUnchanged(_)),
            Kind::Set { .. } | Kind::Disassociate { .. } => true,
        }
    }

    /// What the answer to this write means.
    pub(crate) fn written(&self, answer: Answer) -> Result<Written> {
        let outcome = match (&self.kind, &self.condition) {
            (Kind::Create { .. }, _) => Outcome::Created,
            (Kind::Set { .. }, _) => Outcome::Updated,
            (Kind::Delete(_), _) => Outcome::Deleted,
            (Kind::Associate { .. }, _) => Outcome::Associated,
            (Kind::Disassociate { .. }, _) => Outcome::Disassociated,
            (Kind::Put { .. }, Condition::OnlyCreate) => Outcome::Created,
            (Kind::Put { .. }, Condition::OnlyUpdate | Condition::IfUnchanged(_)) => {
                Outcome::Updated
            }
            (Kind::Put { .. }, Condition::None) => match answer.status.as_u16() {
                201 => Outcome::Created,
                200 => Outcome::Updated,
                _ => Outcome::CreatedOrUpdated,
            },
        };
        let text = |name: &str| {
            answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let id = match &self.kind {
            Kind::Put {
                record:
                    Reference::Record {
                        key: Key::Id(id), ..
                    },
                ..
            }
            | Kind::Set {
                record:
                    Reference::Record {
                        key: Key::Id(id), ..
                    },
                ..
            }
            | Kind::Delete(Reference::Record {
                key: Key::Id(id), ..
            }) => Some(*id),
            Kind::Create { .. } | Kind::Put { .. } | Kind::Set { .. } | Kind::Delete(_) => {
                text("OData-EntityId").and_then(id_in_address)
            }
            Kind::Associate { .. } | Kind::Disassociate { .. } => None,
        };
        let etag = text(ETAG.as_str()).map(str::to_owned);
        let row = match (&self.returning, answer.status.as_u16()) {
            (Some(_), 200 | 201) => Some(Row::from(answer.into_success_object()?)),
            _ => None,
        };
        let etag = row.as_ref().and_then(Row::etag).map(str::to_owned).or(etag);
        Ok(Written {
            outcome,
            id,
            etag,
            row,
        })
    }

    /// Older servers give no code with a 412; then the condition tells which one failed.
    pub(crate) fn explained(&self, error: Error) -> Error {
        match (error, &self.condition) {
            (Error::PreconditionFailed(answer), Condition::OnlyCreate) => {
                Error::RecordExists(answer)
            }
            (Error::PreconditionFailed(answer), Condition::IfUnchanged(_)) => {
                Error::RecordChanged(answer)
            }
            (error, _) => error,
        }
    }
}

/// A write that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What happened.
    pub outcome: Outcome,
    /// The record's id, if Dataverse gave it or the write named it. After [`Write::create`] with [`Write::returning`] it
    /// stands in the row.
    pub id: Option<Uuid>,
    /// The record's new version, if Dataverse gave it: always with [`Write::returning`].
    pub etag: Option<String>,
    /// The record, if [`Write::returning`] asked for it.
    pub row: Option<Row>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The record is new.
    Created,
    /// The record was there.
    Updated,
    /// One of both: Dataverse does not tell without being asked for the record.
    CreatedOrUpdated,
    /// The record is gone.
    Deleted,
    /// The record is in the collection.
    Associated,
    /// The record is no longer in the collection.
    Disassociated,
}

impl Client {
    /// Sends one write.
    ///
    /// # Errors
    ///
    /// The condition's error, [`Error::AlternateKeyExists`], [`Error::Duplicates`], or any [`Error`] of signing in,
    /// sending or answering.
    pub async fn write(&self, write: &Write) -> Result<Written> {
        if !write.items().is_empty() {
            return Err(invalid(
                "an item of a change set can be named only in that change set",
            ));
        }
        let answer = self
            .execute(write.call(self)?)
            .await
            .map_err(|error| write.explained(error))?;
        write.written(answer)
    }

    /// Creates a record whose id Dataverse chooses: [`Write::create`].
    ///
    /// # Errors
    ///
    /// As for [`Client::write`].
    pub async fn create(&self, entity_set: &str, body: impl Into<RecordBody>) -> Result<Written> {
        self.write(&Write::create(entity_set, body)).await
    }

    /// Creates or updates the record with this key, as the condition says: [`Write::upsert`].
    ///
    /// A write with [`Condition::OnlyCreate`] may be sent again after a broken connection; then
    /// [`Error::RecordExists`] can mean that the first one arrived.
    ///
    /// # Errors
    ///
    /// As for [`Client::write`].
    pub async fn upsert(
        &self,
        entity_set: &str,
        key: impl Into<Key>,
        body: impl Into<RecordBody>,
        condition: Condition,
    ) -> Result<Written> {
        let record = Reference::record(entity_set, key);
        self.write(&Write::upsert(record, body).on(condition)).await
    }

    /// Updates a record that exists: [`Write::update`].
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such record; otherwise as for [`Client::write`].
    pub async fn update(
        &self,
        entity_set: &str,
        key: impl Into<Key>,
        body: impl Into<RecordBody>,
    ) -> Result<Written> {
        self.write(&Write::update(Reference::record(entity_set, key), body))
            .await
    }

    /// Deletes a record: [`Write::delete`].
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such record, [`Error::StillReferenced`] if others depend on it; otherwise as for
    /// [`Client::write`].
    pub async fn delete(&self, entity_set: &str, key: impl Into<Key>) -> Result<Written> {
        self.write(&Write::delete(Reference::record(entity_set, key)))
            .await
    }
}

fn address(client: &Client, record: &Reference, path: &str, query_string: &str) -> Result<Target> {
    match record {
        Reference::Record { entity_set, key } => client.target(
            &format!("{}{path}", record_path(entity_set, key)?),
            query_string,
        ),
        Reference::Item(item) if query_string.is_empty() => {
            Ok(Target::Item(*item, path.to_owned()))
        }
        Reference::Item(item) => Ok(Target::Item(*item, format!("{path}?{query_string}"))),
    }
}
