//! `GET set?sql=SELECT …` (protocol pages `query.md` and `clients.md`). The statement becomes the query that FetchXML would make
//! of it; none of its text reaches the database.

use std::collections::HashMap;

use sandbox_syntax::fetch::Entity;
use sandbox_syntax::options::pairs;
use sandbox_syntax::sql::{self, ANY_COLUMN};
use sqlx::SqliteConnection;

use super::Call;
use super::paging::PagePlace;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::query::Query;
use crate::query::fetch::compile;
use crate::rows::LARGEST_PAGE;
use crate::security::Access;
use crate::server::Answer;
use crate::value::Value;

impl Call<'_> {
    pub(super) async fn sql(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        base: &Query,
        text: &str,
    ) -> Result<Answer, ApiError> {
        let mut statement = sql::read(text)?;
        if statement.fetch.entity.name != table.logical {
            return Err(ApiError::request(format!(
                "The table '{}' of the sql query is not that of the entity set '{}'.",
                statement.fetch.entity.name, table.set
            )));
        }
        name_keys(&mut statement.fetch.entity);
        let options = pairs(&self.request.query);
        let token = options.iter().find(|(name, _)| name == "$skiptoken");
        let place = match token {
            Some((_, token)) => PagePlace::read(token)?,
            None => PagePlace::default(),
        };
        let no_aliases = HashMap::new();
        let asker = self.reading(&no_aliases).asker();
        let mut compiled = compile(&statement.fetch, &asker)?;
        for table in compiled.query.tables() {
            self.caller.require(Access::Read, table)?;
        }
        compiled.query = self.caller.within_reach(compiled.query.also(base));
        if statement.fetch.aggregate {
            self.aggregable(connection, &compiled, None).await?;
        }
        // Without TOP there are as many pages as it takes.
        let wanted = statement.fetch.top;
        let size = wanted.unwrap_or(LARGEST_PAGE);
        compiled.query.offset = u64::from(statement.offset) + place.rows;
        compiled.query.limit = Some(size.saturating_add(u32::from(wanted.is_none())));
        let mut rows = compiled
            .query
            .select(&compiled.columns())
            .query()
            .fetch_all(connection)
            .await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let rendered = rows
            .iter()
            .map(|row| self.fetched(table, &compiled, row).map(Json::Object))
            .collect::<Result<Vec<Json>, ApiError>>()?;
        let names: Vec<&str> = compiled
            .outputs
            .iter()
            .map(|output| output.key.as_str())
            .collect();
        let mut body = vec![self.context(&format!("{}({})", table.set, names.join(",")))];
        if more {
            let key = compiled
                .outputs
                .iter()
                .position(|output| output.of_base && output.at.column.name == table.id);
            let key = key.map(|key| {
                let before = compiled.outputs.iter().take(key);
                usize::from(compiled.has_key)
                    + before.map(|output| output.columns().len()).sum::<usize>()
            });
            let id = |row: Option<&sqlx::sqlite::SqliteRow>| match (row, key) {
                (Some(row), Some(key)) => {
                    Value::at(row, key).map(|id| id.text().unwrap_or_default().to_owned())
                }
                (Some(_) | None, _) => Ok(String::new()),
            };
            let ends = (id(rows.first())?, id(rows.last())?);
            let link = self.next_link_behind(table, &place, rows.len() as u64, &ends);
            body.push(("@odata.nextLink".to_owned(), Json::Text(link)));
        }
        body.push(("value".to_owned(), Json::Array(rendered)));
        let mut answer = self.json(200, Json::Object(body));
        if let Some(applied) = self.preferences.applied(false, false) {
            answer = answer.header("preference-applied", applied);
        }
        Ok(answer)
    }
}

/// Rows are counted by a table's key.
fn name_keys(entity: &mut Entity) {
    if let Some(table) = catalog().table(&entity.name) {
        for attribute in &mut entity.attributes {
            if attribute.name == ANY_COLUMN {
                table.id.clone_into(&mut attribute.name);
            }
        }
    }
}
