//! Reading the metadata, in full or what has changed.

use super::model::{ChoiceSet, Table};
use super::query::{self, Cast};
use super::schema::{Refresh, Schema, Version};
use super::wire;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::odata::{column, encode};
use futures_util::{FutureExt, future};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Goes round the server's own copy of the metadata, which is behind right after a customisation.
const STRONG: (&str, &str) = ("consistency", "Strong");
/// How many requests of a reading without `RetrieveMetadataChanges` are under way at a time.
const AT_A_TIME: usize = 4;
const GLOBAL_VERSION: &str = "Microsoft.Dynamics.CRM.globalmetadataversion";

impl Client {
    /// Reads these tables (logical names) with their columns, choices, lookups and keys. A table that the organization
    /// does not have is left out.
    ///
    /// That is one request where the organization knows `RetrieveMetadataChanges`. Where it does not (on-premises,
    /// by version), every table takes some twenty requests.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidQuery`] for what is no table's name; [`Error::InvalidAnswer`] if the metadata has a form of its
    /// own; any [`Error`] of signing in, sending or answering.
    pub async fn schema(&self, tables: &[&str]) -> Result<Schema> {
        let mut asked = BTreeSet::new();
        for table in tables {
            asked.insert(column(table)?.to_owned());
        }
        self.whole_schema(asked).await
    }

    async fn whole_schema(&self, tables: BTreeSet<String>) -> Result<Schema> {
        match self.metadata_changes(&tables, None).await {
            Ok(changes) => {
                let version = changes
                    .server_version_stamp
                    .map_or(Version::Unknown, Version::Stamp);
                let read = changes
                    .entity_metadata
                    .into_iter()
                    .filter_map(wire::Entity::into_table);
                Ok(Schema::new(version, tables, read))
            }
            Err(error) if is_unknown_function(&error) => self.schema_by_definitions(tables).await,
            Err(error) => Err(error),
        }
    }

    /// The schema with these tables beside its own; only those are read that it was not asked for yet. Its version stays
    /// what it was, so that what has changed meanwhile is told at the next refresh.
    ///
    /// # Errors
    ///
    /// As for [`Client::schema`].
    pub async fn schema_with(&self, mut known: Schema, tables: &[&str]) -> Result<Schema> {
        let before: BTreeSet<&str> = known.asked().collect();
        let mut further = BTreeSet::new();
        for table in tables.iter().filter(|table| !before.contains(*table)) {
            further.insert(column(table)?.to_owned());
        }
        if further.is_empty() {
            return Ok(known);
        }
        let read = match self.whole_schema(further.clone()).await {
            Ok(schema) => schema,
            // Without the function: there is none of them, or none that may be read.
            Err(Error::NotFound(_) | Error::UnknownTable(_)) => {
                Schema::new(Version::Unknown, further, [])
            }
            Err(error) => return Err(error),
        };
        known.join(read);
        Ok(known)
    }

    /// Reads what has changed since a schema was read: nothing more than the stamp if nothing has, the changed tables
    /// if some have, everything if the stamp has expired or the organization tells no changes.
    ///
    /// # Errors
    ///
    /// As for [`Client::schema`].
    pub async fn refreshed_schema(&self, known: &Schema) -> Result<Refresh> {
        let tables: BTreeSet<String> = known.asked().map(str::to_owned).collect();
        let stamp = match known.version() {
            Version::Stamp(stamp) => stamp,
            Version::Global(before) => {
                let now = self.global_version(known.tables().next()).await?;
                return if now.as_ref() == Some(before) {
                    Ok(Refresh::Unchanged(known.clone()))
                } else {
                    self.whole_schema(tables).await.map(Refresh::ReadAnew)
                };
            }
            Version::Unknown => return self.whole_schema(tables).await.map(Refresh::ReadAnew),
        };
        let changes = match self.metadata_changes(&tables, Some(stamp)).await {
            Ok(changes) => changes,
            Err(error)
                if matches!(error, Error::DeltaExpired(_)) || is_unknown_function(&error) =>
            {
                return self.whole_schema(tables).await.map(Refresh::ReadAnew);
            }
            Err(error) => return Err(error),
        };
        // A changed table is told with what has changed of it only; it is read anew as a whole, so that what is kept
        // does not depend on how parts are put together. Changes after the stamp are told once more next time.
        let changed: BTreeSet<String> = changes
            .entity_metadata
            .into_iter()
            .filter_map(|entity| entity.logical_name)
            .filter(|name| tables.contains(name))
            .collect();
        let read = if changed.is_empty() {
            Vec::new()
        } else {
            let read = self.metadata_changes(&changed, None).await?.entity_metadata;
            read.into_iter()
                .filter_map(wire::Entity::into_table)
                .collect()
        };
        let mut deleted = BTreeSet::new();
        ids(&changes.deleted_metadata, &mut deleted);
        let mut schema = known.clone();
        let version = changes
            .server_version_stamp
            .map_or(Version::Unknown, Version::Stamp);
        if schema.merge(version, read, &deleted) {
            Ok(Refresh::Changed(schema))
        } else {
            Ok(Refresh::Unchanged(schema))
        }
    }

    /// The language of the signed-in user (LCID), as the label of a table tells it; none if the table has no label in
    /// it.
    ///
    /// # Errors
    ///
    /// As for [`Client::schema`]; [`Error::NotFound`] if there is no such table.
    pub async fn label_language(&self, table: &str) -> Result<Option<u32>> {
        let path = definition(table)?;
        let members = self
            .read_json("metadata", &path, "$select=LogicalName,DisplayName", &[])
            .await?;
        let language = Value::Object(members)
            .pointer("/DisplayName/UserLocalizedLabel/LanguageCode")
            .and_then(Value::as_u64);
        Ok(language.and_then(|language| u32::try_from(language).ok()))
    }

    /// Reads choices that several columns share, by their name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there are none of this name; otherwise as for [`Client::schema`].
    pub async fn global_choices(&self, name: &str) -> Result<ChoiceSet> {
        let path = format!("GlobalOptionSetDefinitions(Name='{}')", column(name)?);
        let members = self.read_json("metadata", &path, "", &[]).await?;
        parse::<wire::OptionSet>(Value::Object(members)).map(ChoiceSet::from)
    }

    /// Protocol page `metadata.md`, section "Caching".
    async fn metadata_changes(
        &self,
        tables: &BTreeSet<String>,
        since: Option<&str>,
    ) -> Result<wire::Changes> {
        let query = encode(&query::of_tables(tables).to_string()).to_string();
        let (path, query_string) = match since {
            None => ("RetrieveMetadataChanges(Query=@p1)", format!("@p1={query}")),
            Some(stamp) => (
                "RetrieveMetadataChanges(Query=@p1,ClientVersionStamp=@p2,\
                 DeletedMetadataFilters=Microsoft.Dynamics.CRM.DeletedMetadataFilters'All')",
                format!(
                    "@p1={query}&@p2={}",
                    encode(&format!("'{}'", stamp.replace('\'', "''")))
                ),
            ),
        };
        let members = self
            .read_json("metadata", path, &query_string, &[STRONG])
            .await?;
        parse(Value::Object(members))
    }

    async fn schema_by_definitions(&self, tables: BTreeSet<String>) -> Result<Schema> {
        let mut read = Vec::new();
        let mut unknown = None;
        for table in &tables {
            match self.table_by_definition(table).await {
                Ok(table) => read.extend(table),
                Err(error @ (Error::NotFound(_) | Error::UnknownTable(_))) => {
                    unknown = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        // Where no table at all is known, it is the definitions that are not there.
        if let (Some(error), true) = (unknown, read.is_empty()) {
            return Err(error);
        }
        let version = self.global_version(read.first()).await?;
        Ok(Schema::new(
            version.map_or(Version::Unknown, Version::Global),
            tables,
            read,
        ))
    }

    /// Puts a table together as `RetrieveMetadataChanges` would give it.
    async fn table_by_definition(&self, table: &str) -> Result<Option<Table>> {
        let path = definition(table)?;
        let select = |names: &[&str]| format!("$select={}", names.join(","));
        let mut entity = self
            .read_json("metadata", &path, &select(query::TABLE), &[])
            .await?;
        for (part, names) in [
            ("Attributes", query::COLUMN),
            ("Keys", query::KEY),
            ("ManyToOneRelationships", query::MANY_TO_ONE),
            ("ManyToManyRelationships", query::MANY_TO_MANY),
        ] {
            let rows = self
                .definitions(&format!("{path}/{part}"), &select(names))
                .await?;
            entity.insert(part.to_owned(), Value::Array(rows));
        }
        let mut specific: Vec<Map<String, Value>> = Vec::new();
        for casts in query::CASTS.chunks(AT_A_TIME) {
            let reading: Vec<_> = casts
                .iter()
                .map(|cast| self.columns_of(&path, cast).boxed())
                .collect();
            let read = future::try_join_all(reading).await?.into_iter().flatten();
            specific.extend(read.filter_map(|column| serde_json::from_value(column).ok()));
        }
        let columns = entity.get_mut("Attributes").and_then(Value::as_array_mut);
        for column in columns.into_iter().flatten() {
            let name = column.get("LogicalName").cloned();
            if let (Some(all), Some(own)) = (
                column.as_object_mut(),
                specific
                    .iter()
                    .find(|own| own.get("LogicalName") == name.as_ref()),
            ) {
                all.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
        }
        parse::<wire::Entity>(Value::Object(entity)).map(wire::Entity::into_table)
    }

    async fn columns_of(&self, path: &str, cast: &Cast) -> Result<Vec<Value>> {
        let path = format!(
            "{path}/Attributes/Microsoft.Dynamics.CRM.{}AttributeMetadata",
            cast.name
        );
        let mut query_string = "$select=LogicalName".to_owned();
        for (separator, names) in [(",", cast.select), ("&$expand=", cast.expand)] {
            if !names.is_empty() {
                query_string.push_str(separator);
                query_string.push_str(names);
            }
        }
        match self.definitions(&path, &query_string).await {
            Err(Error::BadRequest(_) | Error::NotFound(_) | Error::UnknownTable(_))
                if cast.name == query::MULTI_SELECT =>
            {
                Ok(Vec::new())
            }
            answer => answer,
        }
    }

    async fn definitions(&self, path: &str, query_string: &str) -> Result<Vec<Value>> {
        let mut members = self.read_json("metadata", path, query_string, &[]).await?;
        match members.remove("value") {
            Some(Value::Array(rows)) => Ok(rows),
            _ => Err(other_form()),
        }
    }

    /// The version of the metadata as answers to queries tell it: the smallest query there is, on one of the tables.
    async fn global_version(&self, table: Option<&Table>) -> Result<Option<String>> {
        let Some((set, table)) = table.and_then(|table| Some((table.entity_set.as_ref()?, table)))
        else {
            return Ok(None);
        };
        let prefer = format!("odata.include-annotations=\"{GLOBAL_VERSION}\"");
        let members = self
            .read_json(
                "metadata",
                column(set)?,
                &format!("$select={}&$top=1", column(&table.primary_id)?),
                &[("prefer", &prefer)],
            )
            .await?;
        let version = members.get(&format!("@{GLOBAL_VERSION}"));
        Ok(version.and_then(|version| {
            let number = || version.as_u64().map(|number| number.to_string());
            version.as_str().map(str::to_owned).or_else(number)
        }))
    }
}

fn definition(table: &str) -> Result<String> {
    Ok(format!(
        "EntityDefinitions(LogicalName='{}')",
        column(table)?
    ))
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        tracing::warn!(%error, "the metadata cannot be understood");
        other_form()
    })
}

fn other_form() -> Error {
    Error::InvalidAnswer {
        reason: "the metadata has another form",
        request_id: None,
    }
}

/// An organization that does not know the function says so as of a table or a record that it does not know.
fn is_unknown_function(error: &Error) -> bool {
    matches!(error, Error::NotFound(_) | Error::UnknownTable(_))
        || matches!(error, Error::BadRequest(answer) if answer.status() == Some(501))
}

/// Every id in a part of an answer whose form is not documented.
fn ids(value: &Value, found: &mut BTreeSet<Uuid>) {
    match value {
        Value::String(text) => found.extend(Uuid::parse_str(text)),
        Value::Array(values) => values.iter().for_each(|value| ids(value, found)),
        Value::Object(members) => members.values().for_each(|value| ids(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
