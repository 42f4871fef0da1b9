//! Duplicate detection by the organization's rules: asked for by a header at a write, or by `RetrieveDuplicates` (protocol
//! page `duplicates.md`).

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use sandbox_syntax::options::Options;
use sandbox_syntax::path::{self, Key};
use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;

use crate::api::Call;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Column, Table, catalog};
use crate::parameters::Parameters;
use crate::query::Query;
use crate::rows::{self, LARGEST_PAGE, Selection};
use crate::security::Access;
use crate::server::Answer;
use crate::store::{self, Fields};
use crate::text;
use crate::value::{Statement, Value};
use crate::write;

/// A published rule with its conditions, all of which must hold.
#[derive(Debug)]
struct Rule {
    case_sensitive: bool,
    exclude_inactive: bool,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    base: String,
    matching: String,
    operator: i64,
    /// Number of characters.
    parameter: i64,
    ignore_blank: bool,
}

/// Refuses a write that makes a duplicate, if the client asked for that: `MSCRM.SuppressDuplicateDetection: false`.
pub(crate) async fn check(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    row: &Fields,
) -> Result<(), ApiError> {
    let asked = call
        .request
        .header("mscrm.suppressduplicatedetection")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
    if !asked || !table.description.is_duplicate_detection_enabled || !is_on(connection).await? {
        return Ok(());
    }
    // Rules may pair a table with another one; each is searched in its own.
    for matching in &catalog().tables {
        let rules = rules(connection, table, matching).await?;
        let own = (table.logical == matching.logical).then_some(id);
        let found = search(connection, &rules, row, table, matching, own, (1, 0)).await?;
        if !found.is_empty() {
            return Err(ApiError::new(
                call.organization.duplicates_status.load(Ordering::SeqCst),
                "0x80040333",
                "A record was not created or updated because a duplicate of the current record already exists.",
            ));
        }
    }
    Ok(())
}

/// Does the organization detect duplicates when rows are written?
async fn is_on(connection: &mut SqliteConnection) -> Result<bool, ApiError> {
    let text = "SELECT COUNT(*) FROM organization WHERE isduplicatedetectionenabled = 1 AND \
                isduplicatedetectionenabledforonlinecreateupdate = 1";
    let row = Statement::new(text).query().fetch_one(connection).await?;
    Ok(Value::at(&row, 0)?.integer() == Some(1))
}

/// Switches detection in the whole organization, for the admin door.
pub(crate) async fn switch(store: &store::Store, on: bool) -> Result<(), sqlx::Error> {
    let mut transaction = store.write().await?;
    Statement::new("UPDATE organization SET isduplicatedetectionenabled = ?")
        .with(on)
        .query()
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// The published rules from one table to another.
async fn rules(
    connection: &mut SqliteConnection,
    base: &Table,
    matching: &Table,
) -> Result<Vec<Rule>, ApiError> {
    let text = "SELECT r.duplicateruleid, r.iscasesensitive, r.excludeinactiverecords, c.baseattributename, \
                c.matchingattributename, c.operatorcode, c.operatorparam, c.ignoreblankvalues FROM duplicaterule r JOIN \
                duplicaterulecondition c ON c.regardingobjectid = r.duplicateruleid WHERE r.statecode = 1 AND \
                r.statuscode = 2 AND r.baseentityname = ? AND r.matchingentityname = ? ORDER BY r.duplicateruleid";
    let rows = Statement::new(text)
        .with(base.logical.as_str())
        .with(matching.logical.as_str())
        .query()
        .fetch_all(connection)
        .await?;
    let mut rules: Vec<(String, Rule)> = Vec::new();
    for row in &rows {
        let text = |at| -> Result<String, sqlx::Error> {
            Ok(Value::at(row, at)?.text().unwrap_or("").to_owned())
        };
        let number =
            |at| -> Result<i64, sqlx::Error> { Ok(Value::at(row, at)?.integer().unwrap_or(0)) };
        let id = text(0)?;
        if rules.last().is_none_or(|(last, _)| *last != id) {
            let rule = Rule {
                case_sensitive: number(1)? == 1,
                exclude_inactive: number(2)? == 1,
                conditions: Vec::new(),
            };
            rules.push((id, rule));
        }
        let condition = Condition {
            base: text(3)?,
            matching: text(4)?,
            operator: number(5)?,
            parameter: number(6)?,
            ignore_blank: number(7)? == 1,
        };
        if let Some((_, rule)) = rules.last_mut() {
            rule.conditions.push(condition);
        }
    }
    Ok(rules.into_iter().map(|(_, rule)| rule).collect())
}

/// The ids of rows that match by any rule, in a page of (count, offset).
async fn search(
    connection: &mut SqliteConnection,
    rules: &[Rule],
    row: &Fields,
    base: &Table,
    matching: &Table,
    own: Option<&str>,
    (count, offset): (u64, u64),
) -> Result<Vec<String>, ApiError> {
    let mut statement = Statement::new(format!(
        "SELECT {} FROM {} WHERE (0",
        matching.id, matching.logical
    ));
    let mut some = false;
    for rule in rules {
        let Some(part) = rule.sql(row, base, matching) else {
            continue;
        };
        some = true;
        let _ = write!(statement.text, " OR ({})", part.text);
        statement.values.extend(part.values);
    }
    if !some {
        return Ok(Vec::new());
    }
    statement.text.push(')');
    if let Some(own) = own {
        let _ = write!(statement.text, " AND {} <> ?", matching.id);
        statement.bind(own);
    }
    let _ = write!(
        statement.text,
        " ORDER BY {} LIMIT {count} OFFSET {offset}",
        matching.id
    );
    let found = statement.query().fetch_all(connection).await?;
    found
        .iter()
        .map(|row| Ok(Value::at(row, 0)?.text().unwrap_or("").to_owned()))
        .collect()
}

impl Rule {
    /// The rule as SQL over the searched table; `None` if this row cannot match by it.
    fn sql(&self, row: &Fields, base: &Table, matching: &Table) -> Option<Statement> {
        let mut all = Statement::new("1");
        for condition in &self.conditions {
            let part = condition.sql(row, base, matching, self.case_sensitive)?;
            let _ = write!(all.text, " AND {}", part.text);
            all.values.extend(part.values);
        }
        if self.exclude_inactive && matching.column("statecode").is_some() {
            all.text.push_str(" AND statecode = 0");
        }
        (!self.conditions.is_empty()).then_some(all)
    }
}

impl Condition {
    fn sql(
        &self,
        row: &Fields,
        base: &Table,
        matching: &Table,
        case_sensitive: bool,
    ) -> Option<Statement> {
        let column = matching.column(&self.matching)?;
        let base = base.column(&self.base)?;
        let name = column.name.as_str();
        let Some(value) = row.get(&base.name).filter(|value| !value.is_null()) else {
            return (!self.ignore_blank).then(|| Statement::new(format!("{name} IS NULL")));
        };
        let collation = if case_sensitive {
            "BINARY"
        } else {
            text::COLLATION
        };
        let length = self.parameter.max(1);
        let comparison = match (self.operator, value) {
            (1, Value::Text(_)) => {
                format!("substr({name}, 1, {length}) = substr(?, 1, {length}) COLLATE {collation}")
            }
            (2, Value::Text(_)) => {
                format!("substr({name}, -{length}) = substr(?, -{length}) COLLATE {collation}")
            }
            (3, Value::Text(_)) => format!("substr({name}, 1, 10) = substr(?, 1, 10)"),
            (5, Value::Integer(chosen)) => return Some(same_label(base, column, *chosen)),
            // An index on the column has its own collation.
            (0, Value::Text(_)) if case_sensitive => {
                let mut both = Statement::new(format!("{name} = ? AND {name} = ? COLLATE BINARY"));
                both.bind(value.clone());
                both.bind(value.clone());
                return Some(both);
            }
            _ => format!("{name} = ?"),
        };
        Some(Statement::new(comparison).with(value.clone()))
    }
}

/// Rows whose choice has the same label.
fn same_label(base: &Column, column: &Column, chosen: i64) -> Statement {
    let label = base.label_of(chosen).unwrap_or("");
    let same: Vec<String> = column
        .choices
        .iter()
        .filter(|choice| choice.label.eq_ignore_ascii_case(label))
        .map(|choice| choice.value.to_string())
        .collect();
    Statement::new(format!("{} IN ({})", column.name, same.join(", ")))
}

/// `RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)`.
pub(crate) async fn retrieve(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    parameters: Option<&str>,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::read("RetrieveDuplicates", parameters, &call.request.query);
    let entity = parameters.json("BusinessEntity")?;
    let name = parameters.json("MatchingEntityName")?;
    let name = name.as_str().unwrap_or("");
    let matching = catalog().table(name).ok_or_else(|| {
        ApiError::new(
            400,
            "0x80040203",
            format!("The entity with a name = '{name}' was not found."),
        )
    })?;
    let (base, row) = read_entity(call, connection, &entity).await?;
    call.caller.require(Access::Read, base)?;
    call.caller.require(Access::Read, matching)?;
    for table in [base, matching] {
        if !table.description.is_duplicate_detection_enabled {
            return Err(ApiError::new(
                400,
                "0x80048410",
                "Duplicate detection is not supported on this record type.",
            ));
        }
    }
    if !is_on(connection).await? {
        return Err(ApiError::new(
            400,
            "0x80048412",
            "Duplicate detection is not enabled. To enable duplicate detection, click Settings, click Data Management, and \
             then click Duplicate Detection Settings.",
        ));
    }
    let paging = match parameters.get("PagingInfo") {
        Some(_) => parameters.json("PagingInfo")?,
        None => JsonValue::Null,
    };
    let number = |name: &str| paging.get(name).and_then(JsonValue::as_u64);
    let count = number("Count")
        .filter(|count| *count > 0)
        .unwrap_or(u64::from(LARGEST_PAGE))
        .min(u64::from(LARGEST_PAGE));
    let page = number("PageNumber").unwrap_or(1).max(1);
    let rules = rules(connection, base, matching).await?;
    let own = row
        .get(&base.id)
        .and_then(Value::text)
        .filter(|_| base.logical == matching.logical);
    let offset = count.saturating_mul(page - 1).min(u64::from(u32::MAX));
    let place = (count, offset);
    let ids = search(connection, &rules, &row, base, matching, own, place).await?;

    let options = Options::default();
    let selection = Selection::read(matching, &options, false)?;
    let mut records = Vec::new();
    if let Some(id) = matching.column(&matching.id).filter(|_| !ids.is_empty()) {
        let ids = ids.iter().map(|id| Value::from(id.as_str())).collect();
        let query = Query::new(matching).only_in(id, ids);
        let query = call.caller.within_reach(query);
        records = rows::fetch(connection, &query, &selection, call.preferences.annotations).await?;
        records.sort_by(|one, other| one.id.cmp(&other.id));
    }
    let reading = call.reading(&options.aliases);
    let rendered = rows::render(connection, &records, &selection, &[], &reading).await?;
    let mut body = vec![call.context(&selection.context())];
    if paging.get("ReturnTotalRecordCount") == Some(&JsonValue::Bool(true)) {
        let all = (u64::from(u32::MAX), 0);
        let all = search(connection, &rules, &row, base, matching, own, all).await?;
        body.push((
            "@odata.count".to_owned(),
            Json::Number(all.len().to_string()),
        ));
    }
    body.push((
        "value".to_owned(),
        Json::Array(rendered.into_iter().map(Json::Object).collect()),
    ));
    Ok(call.json(200, Json::Object(body)))
}

/// What `BusinessEntity` describes: an unsaved row, a changed row by its key, or a row by reference.
async fn read_entity(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    entity: &JsonValue,
) -> Result<(&'static Table, Fields), ApiError> {
    let wrong = |text: &str| ApiError::request(format!("The parameter 'BusinessEntity' {text}."));
    let members = entity
        .as_object()
        .ok_or_else(|| wrong("is no JSON object"))?;
    if let Some(reference) = members.get("@odata.id").and_then(JsonValue::as_str) {
        let relative = reference
            .strip_prefix(call.request.base.as_str())
            .unwrap_or(reference);
        let segments = path::segments(relative.trim_start_matches('/'))?;
        let segment = segments.first().ok_or_else(|| wrong("names no row"))?;
        let table = catalog()
            .set(&segment.name)
            .ok_or_else(|| ApiError::no_segment(&segment.name))?;
        let id = match segment.key.as_deref().map(path::key).transpose()? {
            Some(Key::Primary(id)) => id,
            Some(Key::Named(_)) | None => return Err(wrong("names no row by its id")),
        };
        let row = store::load(connection, table, &id).await?;
        return Ok((table, row.ok_or_else(|| call.no_row(table, &id))?));
    }
    let kind = members.get("@odata.type").and_then(JsonValue::as_str);
    let table = kind
        .and_then(|kind| {
            let name = kind.trim_start_matches('#');
            catalog().table(name.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or(name))
        })
        .ok_or_else(|| wrong("has no '@odata.type' of a table"))?;
    let mut row = match members.get(&table.id).and_then(JsonValue::as_str) {
        Some(id) => store::load(connection, table, &id.to_ascii_lowercase())
            .await?
            .unwrap_or_default(),
        None => Fields::new(),
    };
    for (name, value) in members.iter().filter(|(name, _)| !name.contains('@')) {
        let column = table
            .property(name)
            .ok_or_else(|| ApiError::no_property(table, name))?;
        row.insert(column.name.clone(), write::typed(table, column, value)?);
    }
    Ok((table, row))
}
