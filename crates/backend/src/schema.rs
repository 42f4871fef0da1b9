//! What the organization's tables look like: kept in the cache file, so that it is there at once and offline, and
//! brought up to date in the background, so that no recognition waits for it.

use std::collections::{BTreeMap, BTreeSet};

use dataverse::Client;
use dataverse::metadata::{self, ColumnType, Schema, TextFormat};
use integration::columns::{Columns, DateBehavior, Kind, Limits, OwnChoice, OwnColumn, Required};
use integration::{DisplaySettings, Identification, Table};
use store::{Cache, CachedSchema};
use tracing::{info, warn};

use crate::clock::Clock;

/// The tables that are always read: those that visitors are recognised in or written to, and those that they refer to.
const TABLES: [&str; 8] = [
    "account",
    "annotation",
    "contact",
    "incident",
    "lead",
    "systemuser",
    "task",
    "team",
];

/// A table that every organization has.
const LANGUAGE_TABLE: &str = "contact";

/// What is known of the tables without asking Dynamics: the copy that was read last.
pub async fn known(cache: &Cache, client: &Client) -> Option<Schema> {
    from_cache(cache, client, None).await
}

/// The tables as Dynamics describes them now, all of them and only for the caller.
///
/// # Errors
/// What Dynamics said, or why it could not be asked.
pub async fn read(client: &Client) -> Result<Schema, dataverse::Error> {
    complete(client, client.schema(&TABLES).await?).await
}

/// The tables that should be known: beside [`TABLES`] those that the organization's own lookups point to, its own tables
/// among them, so that a row of theirs can be meant by its name.
fn wanted(schema: &Schema) -> BTreeSet<&str> {
    let lookups = schema
        .tables()
        .filter(|table| Table::from_logical_name(&table.logical_name).is_some())
        .flat_map(|table| table.columns.values())
        .filter(|column| column.is_custom);
    let targets = lookups.flat_map(|lookup| lookup.targets());
    TABLES
        .into_iter()
        .chain(targets.map(String::as_str))
        .collect()
}

/// A schema in which every table is that should be known. Which ones the lookups point to is known only when they were read.
async fn complete(client: &Client, schema: Schema) -> Result<Schema, dataverse::Error> {
    let tables: Vec<String> = wanted(&schema).into_iter().map(str::to_owned).collect();
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    client.schema_with(schema, &tables).await
}

/// Whether at least the tables are among those that were asked for that every organization is asked for.
fn is_usable(schema: &Schema) -> bool {
    let asked: BTreeSet<&str> = schema.asked().collect();
    TABLES.iter().all(|table| asked.contains(table))
}

/// The tables as Dynamics describes them now: what has changed since `known`, or everything if nothing is known. It is
/// kept in the cache.
///
/// # Errors
/// What Dynamics said, or why it could not be asked.
pub async fn current(
    client: &Client,
    cache: &Cache,
    clock: &dyn Clock,
    known: Option<&Schema>,
) -> Result<Schema, dataverse::Error> {
    let known = known.filter(|known| is_usable(known));
    let client = &client.background();
    let schema = match known {
        None => read(client).await?,
        Some(known) => {
            // The labels are those of the user's language; another user, or the same one, may have chosen another.
            let (refreshed, language) = tokio::join!(
                client.refreshed_schema(known),
                client.label_language(LANGUAGE_TABLE)
            );
            let language = language?;
            if language.is_none() || language == known.user_language() {
                complete(client, refreshed?.into_schema()).await?
            } else {
                let other = from_cache(cache, client, language).await;
                match other.filter(is_usable) {
                    Some(other) => {
                        let refreshed = client.refreshed_schema(&other).await?;
                        complete(client, refreshed.into_schema()).await?
                    }
                    None => read(client).await?,
                }
            }
        }
    };
    info!(
        tables = schema.tables().count(),
        "the organization's tables are known"
    );
    keep(cache, client, clock, &schema).await;
    Ok(schema)
}

async fn from_cache(cache: &Cache, client: &Client, language: Option<u32>) -> Option<Schema> {
    let copy = match cache.schema(organization(client), language).await {
        Ok(copy) => copy?,
        Err(error) => {
            warn!(
                error.code = error.code(),
                "the cached tables cannot be read"
            );
            return None;
        }
    };
    match serde_json::from_str(&copy.body) {
        Ok(schema) => Some(schema),
        Err(error) => {
            // One of an earlier version of the program.
            info!(%error, "the cached tables have another form and are read anew");
            None
        }
    }
}

async fn keep(cache: &Cache, client: &Client, clock: &dyn Clock, schema: &Schema) {
    let body = match serde_json::to_string(schema) {
        Ok(body) => body,
        Err(error) => {
            warn!(%error, "the tables have no JSON form and are not cached");
            return;
        }
    };
    let copy = CachedSchema {
        language: schema.user_language().unwrap_or_default(),
        body,
        read_at: clock.now(),
    };
    if let Err(error) = cache.put_schema(organization(client), &copy).await {
        warn!(error.code = error.code(), "the tables could not be cached");
    }
}

/// Several organizations may share a host: on-premises, the path tells them apart.
fn organization(client: &Client) -> &str {
    client.organization().web_root().as_str()
}

/// The columns as the decisions see them.
#[must_use]
pub fn columns(schema: &Schema) -> Columns {
    let own = |table: &metadata::Table| {
        let readable = table
            .columns
            .values()
            .filter(|column| column.valid_for_read);
        readable
            .map(|column| {
                let own = own_column(schema, table, column);
                (column.logical_name.clone(), own)
            })
            .collect::<BTreeMap<_, _>>()
    };
    Columns::of_organization(
        schema
            .tables()
            .filter_map(|table| Some((Table::from_logical_name(&table.logical_name)?, own(table))))
            .collect(),
    )
}

fn own_column(schema: &Schema, table: &metadata::Table, column: &metadata::Column) -> OwnColumn {
    let choices = column.choices().into_iter().flat_map(|set| &set.choices);
    OwnColumn {
        label: column.name().to_owned(),
        kind: kind(table, column),
        choices: choices
            .map(|choice| OwnChoice {
                value: choice.value.into(),
                label: choice
                    .label
                    .text()
                    .map_or_else(|| choice.value.to_string(), str::to_owned),
                labels: choice
                    .label
                    .user
                    .iter()
                    .chain(&choice.label.all)
                    .map(|label| label.text.clone())
                    .collect(),
            })
            .collect(),
        limits: limits(column),
        names: names(schema, table, column),
    }
}

/// Where the names of the rows stand that a lookup points to, as a filter has it; nowhere unless that is known of each table
/// that it can point to. An owner has none: what its navigation property leads to has no name (protocol page `query.md`).
fn names(schema: &Schema, table: &metadata::Table, column: &metadata::Column) -> Vec<String> {
    if matches!(column.kind, ColumnType::Owner { .. }) {
        return Vec::new();
    }
    let name = |target: &String| {
        let path = schema.navigation(&table.logical_name, &column.logical_name, target)?;
        let name = schema.table(target)?.primary_name.as_deref()?;
        Some(format!("{path}/{name}"))
    };
    let names: Option<Vec<String>> = column.targets().iter().map(name).collect();
    names.unwrap_or_default()
}

fn limits(column: &metadata::Column) -> Limits {
    let mut limits = Limits {
        required: match column.required {
            metadata::Required::None => Required::None,
            metadata::Required::Recommended => Required::Recommended,
            metadata::Required::Application => Required::Application,
            metadata::Required::System => Required::System,
        },
        create: column.valid_for_create,
        update: column.valid_for_update,
        targets: column.targets().to_vec(),
        ..Limits::default()
    };
    match &column.kind {
        ColumnType::Text { max_length, format } => {
            limits.max_length = *max_length;
            limits.lines = *format == TextFormat::TextArea;
        }
        ColumnType::Memo { max_length } => {
            limits.max_length = *max_length;
            limits.lines = true;
        }
        ColumnType::Integer { min, max } => {
            limits.min = *min;
            limits.max = *max;
            limits.precision = Some(0);
        }
        ColumnType::Decimal {
            min,
            max,
            precision,
        }
        | ColumnType::Double {
            min,
            max,
            precision,
        }
        | ColumnType::Money {
            min,
            max,
            precision,
            ..
        } => {
            limits.min = *min;
            limits.max = *max;
            limits.precision = *precision;
        }
        ColumnType::DateTime { behavior, .. } => {
            limits.date = match behavior {
                metadata::DateBehavior::UserLocal => DateBehavior::UserLocal,
                metadata::DateBehavior::DateOnly => DateBehavior::DateOnly,
                metadata::DateBehavior::TimeZoneIndependent => DateBehavior::Zoneless,
            };
        }
        ColumnType::BigInt
        | ColumnType::Boolean(_)
        | ColumnType::Choice(_)
        | ColumnType::MultiChoice(_)
        | ColumnType::State(_)
        | ColumnType::Status(_)
        | ColumnType::Lookup { .. }
        | ColumnType::Customer { .. }
        | ColumnType::Owner { .. }
        | ColumnType::PartyList
        | ColumnType::UniqueIdentifier
        | ColumnType::TableName
        | ColumnType::Image
        | ColumnType::File
        | ColumnType::Other(_) => {}
    }
    limits
}

fn kind(table: &metadata::Table, column: &metadata::Column) -> Kind {
    match &column.kind {
        _ if column.logical_name == table.primary_id => Kind::Id,
        ColumnType::Text { format, .. } => match format {
            TextFormat::Email => Kind::Email,
            TextFormat::Phone => Kind::Phone,
            TextFormat::Url => Kind::Url,
            TextFormat::Plain | TextFormat::TextArea | TextFormat::Other => Kind::Text,
        },
        ColumnType::Integer { .. } | ColumnType::BigInt => Kind::Integer,
        ColumnType::Decimal { .. } | ColumnType::Double { .. } => Kind::Number,
        ColumnType::Money { .. } => Kind::Money,
        ColumnType::Boolean(_) => Kind::Boolean,
        ColumnType::DateTime {
            date_only: true, ..
        } => Kind::Date,
        ColumnType::DateTime { .. } => Kind::DateTime,
        ColumnType::Choice(_) | ColumnType::State(_) | ColumnType::Status(_) => Kind::Choice,
        ColumnType::Lookup { .. } | ColumnType::Customer { .. } | ColumnType::Owner { .. } => {
            Kind::Lookup
        }
        ColumnType::UniqueIdentifier => Kind::Id,
        ColumnType::MultiChoice(_) => Kind::MultiChoice,
        ColumnType::Memo { .. }
        | ColumnType::PartyList
        | ColumnType::TableName
        | ColumnType::Image
        | ColumnType::File
        | ColumnType::Other(_) => Kind::Text,
    }
}

/// A column that the settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedColumn {
    /// The table that it should be in.
    pub table: Table,
    /// Its logical name.
    pub column: String,
    /// The key in the settings that names it: `fields.contact.3.column`.
    pub key: String,
}

/// The columns that the settings name and the organization does not have, in the order of the settings. A table that
/// the organization has not described is left out.
#[must_use]
pub fn missing(
    known: &Columns,
    identification: &Identification,
    fields: &DisplaySettings,
) -> Vec<NamedColumn> {
    let mut named = Vec::new();
    for table in Table::RECOGNISED {
        for (place, rule) in identification.rules(table).iter().enumerate() {
            for (list, conditions) in [("all", &rule.all), ("any", &rule.any)] {
                named.extend(
                    conditions
                        .iter()
                        .enumerate()
                        .map(|(at, condition)| NamedColumn {
                            table,
                            column: condition.column.clone(),
                            key: format!("identification.{table}.{place}.{list}.{at}.column"),
                        }),
                );
            }
        }
    }
    for (key, table) in [
        ("contact", Table::Contact),
        ("account", Table::Account),
        ("lead", Table::Lead),
        ("case", Table::Incident),
        ("task", Table::Task),
    ] {
        let fields = fields.of(table).iter().enumerate();
        named.extend(fields.map(|(place, field)| NamedColumn {
            table,
            column: field.column.clone(),
            key: format!("fields.{key}.{place}.column"),
        }));
    }
    named.retain(|named| known.is_missing(named.table, &named.column));
    named
}
