//! What lies beneath a row: a property, or where a navigation property leads (protocol page `crud.md`, section
//! "Retrieve").

use sqlx::SqliteConnection;

use super::Call;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::query::Query;
use crate::rows;
use crate::security::Access;
use crate::server::Answer;
use crate::value::{Statement, Value};

impl Call<'_> {
    /// What lies beneath a row: a property, or where a navigation property leads.
    pub(super) async fn beneath(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
        names: &[&str],
    ) -> Result<Answer, ApiError> {
        let Some((first, rest)) = names.split_first() else {
            return Err(ApiError::no_segment(""));
        };
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
                [] => self.single(connection, target, target_id).await,
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
                _ => Err(ApiError::not_simulated(
                    "a path behind a single-valued navigation property",
                )),
            };
        }
        let function = first
            .strip_prefix("Microsoft.Dynamics.CRM.")
            .unwrap_or(first);
        if table.logical == "systemuser" && function == "RetrieveUserPrivileges" && rest.is_empty()
        {
            return self.user_privileges(table, id);
        }
        if table.collection(first).is_none() {
            return Err(ApiError::no_segment(first));
        }
        self.caller.require(Access::Read, table)?;
        self.column_of(connection, table, id, &table.id).await?;
        let (child, column) = rows::children(table, first)?;
        let query = Query::new(child).only(column, id);
        match rest {
            [] => self.list(connection, child, query).await,
            ["$count"] => self.count(connection, query).await,
            [other, ..] => Err(ApiError::no_segment(other)),
        }
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
