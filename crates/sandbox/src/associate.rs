//! Collections of a row: associating, disassociating, creating within (protocol page `crud.md`, sections "Associate" and
//! "Create").

use sandbox_syntax::options::pairs;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::api::{Call, keys};
use crate::errors::ApiError;
use crate::metadata::{Association, Column, Table, catalog};
use crate::query::Query;
use crate::references;
use crate::rows;
use crate::security::Access;
use crate::server::Answer;
use crate::store::{self, Fields};
use crate::value::{Statement, Value};
use crate::write::{self, Body};

/// What a collection-valued navigation property leads to.
pub(crate) enum Far {
    /// 1:N: the rows of a table whose look-up points here.
    Rows {
        table: &'static Table,
        column: &'static Column,
    },
    /// N:N: the rows that pairs in an intersect table name.
    Pairs {
        table: &'static Table,
        association: &'static Association,
    },
}

impl Far {
    /// Reads the navigation property's meaning; 404 if the table has no such one.
    pub(crate) fn of(table: &'static Table, navigation: &str) -> Result<Far, ApiError> {
        if let Some(association) = table.association(navigation) {
            let table = catalog().table(&association.other).ok_or_else(|| {
                ApiError::not_simulated(format!("the table '{}'", association.other))
            })?;
            return Ok(Far::Pairs { table, association });
        }
        if table.collection(navigation).is_none() {
            return Err(ApiError::no_segment(navigation));
        }
        let (table, column) = rows::children(table, navigation)?;
        Ok(Far::Rows { table, column })
    }

    /// The table of the rows in the collection.
    pub(crate) fn table(&self) -> &'static Table {
        match self {
            Far::Rows { table, .. } | Far::Pairs { table, .. } => table,
        }
    }

    /// The rows in the collection of the row `id`.
    pub(crate) async fn within(
        &self,
        connection: &mut SqliteConnection,
        id: &str,
    ) -> Result<Query, ApiError> {
        match self {
            Far::Rows { table, column } => Ok(Query::new(table).only(column, id)),
            Far::Pairs { table, association } => {
                let ids = paired(connection, association, id).await?;
                let key = table
                    .column(&table.id)
                    .ok_or_else(|| ApiError::no_property(table, &table.id))?;
                Ok(Query::new(table).only_in(key, ids))
            }
        }
    }

    /// What a new row in the collection of the row `id` of `near` gets by that.
    fn given(&self, near: &Table, id: &str) -> Fields {
        let mut fields = Fields::new();
        if let Far::Rows { column, .. } = self {
            fields.insert(column.name.clone(), Value::from(id));
            if column.is_polymorphic() {
                fields.insert(column.type_name(), Value::from(near.logical.as_str()));
            }
        }
        fields
    }
}

/// The ids of the rows that are paired with a row.
async fn paired(
    connection: &mut SqliteConnection,
    association: &Association,
    id: &str,
) -> Result<Vec<Value>, ApiError> {
    let statement = Statement::new(format!(
        "SELECT {} FROM {} WHERE {} = ?",
        association.other_column, association.intersect, association.own_column
    ));
    let rows = statement.with(id).query().fetch_all(connection).await?;
    let ids: Result<_, sqlx::Error> = rows.iter().map(|row| Value::at(row, 0)).collect();
    Ok(ids?)
}

fn done() -> Answer {
    Answer::empty(204).header("odata-version", "4.0")
}

/// `POST accounts(id)/contact_customer_accounts/$ref` with `{"@odata.id": …}`.
pub(crate) async fn add(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    navigation: &str,
) -> Result<Answer, ApiError> {
    let far = Far::of(table, navigation)?;
    near(call, connection, table, id).await?;
    let body = write::object(call, table)?;
    let reference = body
        .get("@odata.id")
        .ok_or_else(|| ApiError::payload(table, "The annotation '@odata.id' is missing."))?;
    let reference = references::text(table, "@odata.id", reference)?;
    join(call, connection, table, id, navigation, &far, reference).await?;
    Ok(done())
}

async fn near(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &Table,
    id: &str,
) -> Result<(), ApiError> {
    match store::load(connection, table, id).await? {
        Some(_) => Ok(()),
        None => Err(call.no_row(table, id)),
    }
}

/// 403 unless the caller may hang a row on another, or take it off.
async fn linkable(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    (near, id): (&Table, &str),
    (far, far_id): (&Table, &str),
) -> Result<(), ApiError> {
    let caller = &call.caller;
    caller
        .require_row(connection, Access::AppendTo, near, id)
        .await?;
    caller
        .require_row(connection, Access::Append, far, far_id)
        .await
}

/// Puts an existing row into the collection of another.
pub(crate) async fn join(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    navigation: &str,
    far: &Far,
    reference: &str,
) -> Result<(), ApiError> {
    let (other, other_id) = references::existing(call, connection, table, reference).await?;
    if other.logical != far.table().logical {
        return Err(references::misfit(table, navigation, reference));
    }
    linkable(call, connection, (table, id), (other, &other_id)).await?;
    match far {
        Far::Rows { column, .. } => {
            call.caller
                .require_row(connection, Access::Write, other, &other_id)
                .await?;
            if !column.updatable && !column.creatable {
                return Err(ApiError::request(format!(
                    "The navigation property '{navigation}' cannot be changed."
                )));
            }
            write::change(call, connection, other, &other_id, far.given(table, id)).await
        }
        Far::Pairs { association, .. } => pair(call, connection, association, id, &other_id).await,
    }
}

/// Adds a pair; 412 `0x80040237` if it is there.
async fn pair(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    association: &Association,
    id: &str,
    other: &str,
) -> Result<(), ApiError> {
    if paired(connection, association, id)
        .await?
        .iter()
        .any(|found| found.text() == Some(other))
    {
        return Err(ApiError::new(
            412,
            "0x80040237",
            "A record with matching key values already exists.",
        ));
    }
    let intersect = catalog()
        .table(&association.intersect)
        .ok_or_else(|| ApiError::not_simulated(format!("the table '{}'", association.intersect)))?;
    let mut fields = Fields::new();
    fields.insert(
        intersect.id.clone(),
        Value::from(Uuid::new_v4().to_string()),
    );
    fields.insert(association.own_column.clone(), Value::from(id));
    fields.insert(association.other_column.clone(), Value::from(other));
    fields.insert(
        "versionnumber".to_owned(),
        Value::Integer(call.organization.store.next_version()),
    );
    store::insert(connection, intersect, &fields).await?;
    Ok(())
}

/// `DELETE accounts(id)/contact_customer_accounts(id)/$ref`, or the row in `$ref?$id=…`.
pub(crate) async fn remove(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    navigation: &str,
    key: Option<&str>,
) -> Result<Answer, ApiError> {
    let far = Far::of(table, navigation)?;
    near(call, connection, table, id).await?;
    let other = far.table();
    let other_id = match key {
        Some(key) => {
            let named = keys::named(connection, other, key).await?;
            named.existing(other)?.to_owned()
        }
        None => {
            let reference = pairs(&call.request.query)
                .into_iter()
                .find_map(|(name, value)| (name == "$id").then_some(value))
                .ok_or_else(|| {
                    ApiError::request(
                        "The row to be disassociated is missing: name it by its key or by the query option '$id'.",
                    )
                })?;
            let (found, found_id) =
                references::existing(call, connection, table, &reference).await?;
            if found.logical != other.logical {
                return Err(references::misfit(table, navigation, &reference));
            }
            found_id
        }
    };
    let existing = store::load(connection, other, &other_id)
        .await?
        .ok_or_else(|| call.no_row(other, &other_id))?;
    linkable(call, connection, (table, id), (other, &other_id)).await?;
    match far {
        Far::Rows { column, .. } => {
            call.caller
                .require_access(Access::Write, other, &other_id, &existing)?;
            // A row that hangs on another one is left alone.
            if existing.get(&column.name).and_then(Value::text) == Some(id) {
                let mut fields = Fields::new();
                write::clear(other, column, &mut fields)?;
                write::change(call, connection, other, &other_id, fields).await?;
            }
        }
        Far::Pairs { association, .. } => {
            let statement = Statement::new(format!(
                "DELETE FROM {} WHERE {} = ? AND {} = ?",
                association.intersect, association.own_column, association.other_column
            ));
            let statement = statement.with(id).with(other_id);
            statement.query().execute(connection).await?;
        }
    }
    Ok(done())
}

/// `POST accounts(id)/contact_customer_accounts`: a new row in the collection.
pub(crate) async fn create(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    navigation: &str,
) -> Result<Answer, ApiError> {
    let far = Far::of(table, navigation)?;
    near(call, connection, table, id).await?;
    let other = far.table();
    let body = write::object(call, other)?;
    let new = create_in(call, connection, table, id, &far, &body).await?;
    write::written(
        call,
        connection,
        other,
        &keys::Named::primary(&new),
        &new,
        true,
    )
    .await
}

/// Creates a row in the collection of another and returns its id.
pub(crate) async fn create_in(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    far: &Far,
    body: &Body,
) -> Result<String, ApiError> {
    let other = far.table();
    call.caller
        .require_row(connection, Access::AppendTo, table, id)
        .await?;
    call.caller.require(Access::Append, other)?;
    let given = far.given(table, id);
    let new = write::insert_body(call, connection, other, None, given, body).await?;
    if let Far::Pairs { association, .. } = far {
        pair(call, connection, association, id, &new).await?;
    }
    Ok(new)
}
