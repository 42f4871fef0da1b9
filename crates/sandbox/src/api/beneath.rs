//! What lies beneath a row: a property, or where a navigation property leads (protocol page `crud.md`, section
//! "Retrieve").

use futures_util::future::BoxFuture;
use sandbox_syntax::options::Options;
use sandbox_syntax::path::Segment;
use sqlx::SqliteConnection;

use super::{Call, keys};
use crate::associate::Far;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::query::Query;
use crate::rows::{self, LARGEST_PAGE};
use crate::security::Access;
use crate::server::Answer;
use crate::value::{Statement, Value};

impl Call<'_> {
    /// What lies beneath a row: a property, or where a navigation property leads.
    pub(super) fn beneath<'a>(
        &'a self,
        connection: &'a mut SqliteConnection,
        table: &'static Table,
        id: &'a str,
        segments: &'a [Segment],
    ) -> BoxFuture<'a, Result<Answer, ApiError>> {
        Box::pin(self.beneath_of(connection, table, id, segments))
    }

    async fn beneath_of(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
        segments: &[Segment],
    ) -> Result<Answer, ApiError> {
        let Some((segment, behind)) = segments.split_first() else {
            return self.single(connection, table, id).await;
        };
        let first = &segment.name;
        let names: Vec<&str> = behind.iter().map(|segment| segment.name.as_str()).collect();
        let rest = names.as_slice();
        self.caller
            .require_row(connection, Access::Read, table, id)
            .await?;
        if let Some(column) = table.property(first) {
            self.caller.require(Access::Read, table)?;
            let value = self.column_of(connection, table, id, &column.name).await?;
            return match rest {
                [] if value.is_null() => Ok(Answer::empty(204).header("odata-version", "4.0")),
                [] => Ok(self.json(
                    200,
                    Json::Object(vec![
                        self.context(&format!("{}({id})/{first}", table.set)),
                        ("value".to_owned(), rows::json(column, &value)),
                    ]),
                )),
                ["$value"] => {
                    let text = value
                        .text()
                        .map_or_else(|| rows::json(column, &value).to_string(), str::to_owned);
                    Ok(Answer::new(200, "text/plain", text).header("odata-version", "4.0"))
                }
                [other, ..] => Err(ApiError::no_segment(other)),
            };
        }
        if let Some((link, column)) = table.link(first) {
            self.caller.require(Access::Read, table)?;
            let target_id = self.column_of(connection, table, id, &column.name).await?;
            let kind = if column.is_polymorphic() {
                self.column_of(connection, table, id, &column.type_name())
                    .await?
                    .text()
                    .map(str::to_owned)
            } else {
                column.targets.first().cloned()
            };
            let kind = kind.filter(|kind| link.target == "owner" || *kind == link.target);
            let (Some(target_id), Some(kind)) = (target_id.text(), kind) else {
                return Ok(Answer::empty(204).header("odata-version", "4.0"));
            };
            let target = catalog()
                .table(&kind)
                .ok_or_else(|| ApiError::not_simulated(format!("the table '{kind}'")))?;
            return match rest {
                ["$ref"] => Ok(self.json(
                    200,
                    Json::Object(vec![
                        self.context("$ref"),
                        (
                            "@odata.id".to_owned(),
                            Json::Text(format!(
                                "{}/{}({target_id})",
                                self.request.base, target.set
                            )),
                        ),
                    ]),
                )),
                _ => self.beneath(connection, target, target_id, behind).await,
            };
        }
        if rest.is_empty()
            && let Some(answer) = self
                .principal_function(connection, table, id, segment)
                .await?
        {
            return Ok(answer);
        }
        let far = Far::of(table, first)?;
        self.caller.require(Access::Read, table)?;
        self.column_of(connection, table, id, &table.id).await?;
        let child = far.table();
        let query = far.within(connection, id).await?;
        if let Some(key) = &segment.key {
            let named = keys::named(connection, child, key).await?;
            let child_id = named.existing(child)?;
            let key = child
                .column(&child.id)
                .ok_or_else(|| ApiError::no_segment(first))?;
            let query = query.only(key, child_id);
            let row = query.count(1).query().fetch_one(&mut *connection).await?;
            if Value::at(&row, 0)?.integer() != Some(1) {
                return Err(self.no_row(child, child_id));
            }
            return self.beneath(connection, child, child_id, behind).await;
        }
        match rest {
            [] => self.rows(connection, child, query).await,
            ["$count"] => self.count(connection, query).await,
            ["$ref"] => self.list_of_references(connection, child, query).await,
            [other, ..] => Err(ApiError::no_segment(other)),
        }
    }

    /// The rows of a collection by their URLs only.
    async fn list_of_references(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        query: Query,
    ) -> Result<Answer, ApiError> {
        let options = Options::read(&self.request.query)?;
        let mut query = self.reading(&options.aliases).query(query, &options)?;
        query.limit = Some(options.top.unwrap_or(LARGEST_PAGE));
        let rows = query
            .select(&format!("t0.{}", table.id))
            .query()
            .fetch_all(connection)
            .await?;
        let mut references = Vec::new();
        for row in &rows {
            let id = Value::at(row, 0)?;
            let url = format!(
                "{}/{}({})",
                self.request.base,
                table.set,
                id.text().unwrap_or_default()
            );
            references.push(Json::Object(vec![(
                "@odata.id".to_owned(),
                Json::Text(url),
            )]));
        }
        Ok(self.json(
            200,
            Json::Object(vec![
                self.context("Collection($ref)"),
                ("value".to_owned(), Json::Array(references)),
            ]),
        ))
    }

    async fn column_of(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
        id: &str,
        column: &str,
    ) -> Result<Value, ApiError> {
        let text = format!(
            "SELECT {column} FROM {} WHERE {} = ?",
            table.logical, table.id
        );
        let row = Statement::new(text)
            .with(id)
            .query()
            .fetch_optional(connection)
            .await?;
        let row = row.ok_or_else(|| self.no_row(table, id))?;
        Ok(Value::at(&row, 0)?)
    }
}
