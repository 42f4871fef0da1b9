//! `RetrieveMetadataChanges`: what of the metadata changed since a stamp (protocol page `metadata.md`, section "Caching").

use serde::Deserialize;
use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;

use super::members::{self, Languages, Members};
use super::subject::{Subject, Target};
use super::user_language;
use crate::api::Call;
use crate::errors::{ApiError, REQUEST};
use crate::json::Json;
use crate::metadata::{Catalog, DeletedKind, catalog};
use crate::security::metadata_privilege;
use crate::server::Answer;

/// A stamp older than this says nothing: what was deleted is forgotten by then.
const STAMP_DAYS: i64 = 90;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EntityQuery {
    properties: Properties,
    criteria: Option<Criteria>,
    attribute_query: Option<PartQuery>,
    relationship_query: Option<PartQuery>,
    key_query: Option<PartQuery>,
    label_query: Option<LabelQuery>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PartQuery {
    properties: Properties,
    criteria: Option<Criteria>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Properties {
    all_properties: bool,
    property_names: Vec<String>,
}

impl Properties {
    fn has(&self, name: &str) -> bool {
        self.all_properties || self.property_names.iter().any(|known| known == name)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LabelQuery {
    filter_languages: Vec<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Criteria {
    filter_operator: FilterOperator,
    conditions: Vec<Condition>,
    filters: Vec<Criteria>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
enum FilterOperator {
    #[default]
    And,
    Or,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    property_name: String,
    condition_operator: Comparison,
    value: JsonValue,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Comparison {
    Equals,
    NotEquals,
    In,
    NotIn,
    GreaterThan,
    LessThan,
}

fn malformed(what: &str) -> ApiError {
    ApiError::request(format!("Error in RetrieveMetadataChanges: {what}"))
}

/// The parameters of the call: those in parentheses, with aliases replaced by their values.
struct Parameters {
    query: EntityQuery,
    stamp: Option<String>,
    deleted: Option<String>,
}

impl Parameters {
    fn read(call: &Call<'_>, inline: Option<&str>) -> Result<Parameters, ApiError> {
        let options = sandbox_syntax::options::pairs(&call.request.query);
        let value_of = |name: &str| -> Option<String> {
            // The query holds commas itself, so it comes through an alias; the others are short.
            let given = inline.unwrap_or_default().split(',').find_map(|part| {
                let (key, value) = part.split_once('=')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            });
            let Some(given) = given else {
                let found = options.iter().find(|(key, _)| key == name);
                return found.map(|(_, value)| value.clone());
            };
            if given.starts_with('@') {
                let found = options.iter().find(|(key, _)| *key == given);
                return found.map(|(_, value)| value.clone());
            }
            Some(given)
        };
        let unquoted = |text: String| {
            let inner = text
                .strip_prefix('\'')
                .and_then(|text| text.strip_suffix('\''));
            inner.map_or(text.clone(), |inner| inner.replace("''", "'"))
        };
        let query = match value_of("Query") {
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| malformed(&format!("the Query cannot be read. {error}")))?,
            None => EntityQuery {
                properties: Properties {
                    all_properties: true,
                    property_names: Vec::new(),
                },
                ..EntityQuery::default()
            },
        };
        let deleted = value_of("DeletedMetadataFilters").map(|text| {
            let name = text
                .split_once('\'')
                .map_or(text.as_str(), |(_, name)| name);
            name.trim_end_matches('\'').to_owned()
        });
        Ok(Parameters {
            query,
            stamp: value_of("ClientVersionStamp")
                .filter(|text| text != "null")
                .map(unquoted),
            deleted,
        })
    }
}

/// Answers the function. `inline` is what stands in its parentheses.
pub(crate) async fn get(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    inline: Option<&str>,
) -> Result<Answer, ApiError> {
    metadata_privilege(&call.caller, "Entity")?;
    metadata_privilege(&call.caller, "Attribute")?;
    metadata_privilege(&call.caller, "Relationship")?;
    let parameters = Parameters::read(call, inline)?;
    let catalog = catalog();
    let now = call.organization.clock.now();
    let since = match &parameters.stamp {
        Some(stamp) => Some(version_of(stamp, catalog, now)?),
        None => None,
    };
    let query = &parameters.query;
    let only = query
        .label_query
        .as_ref()
        .map(|labels| labels.filter_languages.clone());
    let languages = Languages {
        user: user_language(call, connection).await?,
        only: only.filter(|only| !only.is_empty()),
    };
    let reading = Reading {
        catalog,
        languages,
        since,
        query,
    };
    let mut tables = Vec::new();
    for table in &catalog.tables {
        if let Some(members) = reading.table(Subject::Table(table))? {
            tables.push(Json::Object(members));
        }
    }
    let stamp = format!("{}!{}", catalog.version, now.strftime("%m/%d/%Y %H:%M:%S"));
    let deleted = match (since, &parameters.deleted) {
        (Some(since), Some(filter)) => deleted(catalog, since, filter),
        (None, _) | (_, None) => deletions(&[]),
    };
    Ok(call.json(
        200,
        Json::Object(vec![
            (
                "@odata.context".to_owned(),
                Json::Text(format!(
                    "{}/$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse",
                    call.request.base
                )),
            ),
            ("ServerVersionStamp".to_owned(), Json::Text(stamp)),
            ("EntityMetadata".to_owned(), Json::Array(tables)),
            ("DeletedMetadata".to_owned(), deleted),
        ]),
    ))
}

/// The catalog's version in a stamp (`4025609!09/29/2022 15:08:10`).
fn version_of(stamp: &str, catalog: &Catalog, now: jiff::Timestamp) -> Result<i64, ApiError> {
    let expired = || {
        ApiError::new(
            400,
            "0x80044352",
            "Version stamp associated with the client has expired. Please perform a full sync.",
        )
    };
    let (version, at) = stamp.split_once('!').ok_or_else(expired)?;
    let version: i64 = version.parse().map_err(|_| expired())?;
    let at = jiff::civil::DateTime::strptime("%m/%d/%Y %H:%M:%S", at)
        .and_then(|at| jiff::tz::TimeZone::UTC.to_timestamp(at))
        .map_err(|_| expired())?;
    let age = now.duration_since(at);
    if version > catalog.version || age > jiff::SignedDuration::from_hours(24 * STAMP_DAYS) {
        return Err(expired());
    }
    Ok(version)
}

struct Reading<'r> {
    catalog: &'static Catalog,
    languages: Languages,
    since: Option<i64>,
    query: &'r EntityQuery,
}

impl Reading<'_> {
    fn is_changed(&self, subject: &Subject<'_>) -> bool {
        self.since
            .is_none_or(|since| self.catalog.changed_at(subject.id()) > since)
    }

    /// A table that meets the criteria and has changed, or of which a part has.
    fn table(&self, subject: Subject<'static>) -> Result<Option<Members>, ApiError> {
        let all = members::of(subject, self.catalog, &self.languages);
        if let Some(criteria) = &self.query.criteria
            && !meets(criteria, &all)?
        {
            return Ok(None);
        }
        let changed = self.is_changed(&subject);
        let mut kept = self.kept(all, &self.query.properties, changed);
        let mut part_changed = false;
        for (name, part) in [
            ("Attributes", &self.query.attribute_query),
            ("ManyToOneRelationships", &self.query.relationship_query),
            ("OneToManyRelationships", &self.query.relationship_query),
            ("ManyToManyRelationships", &self.query.relationship_query),
            ("Keys", &self.query.key_query),
        ] {
            if !self.query.properties.has(name) {
                continue;
            }
            let Some(Target::Many(parts)) = subject.follow(self.catalog, "EntityMetadata", name)
            else {
                continue;
            };
            let all = PartQuery {
                properties: Properties {
                    all_properties: true,
                    property_names: Vec::new(),
                },
                criteria: None,
            };
            let mut items = Vec::new();
            for one in parts.into_iter().filter(|one| self.is_changed(one)) {
                if let Some(members) = self.part(one, part.as_ref().unwrap_or(&all))? {
                    items.push(Json::Object(members));
                }
            }
            part_changed |= !items.is_empty();
            kept.push((name.to_owned(), Json::Array(items)));
        }
        Ok((changed || part_changed).then_some(kept))
    }

    fn part(
        &self,
        subject: Subject<'static>,
        query: &PartQuery,
    ) -> Result<Option<Members>, ApiError> {
        let mut all = members::of(subject, self.catalog, &self.languages);
        if let Some(criteria) = &query.criteria
            && !meets(criteria, &all)?
        {
            return Ok(None);
        }
        if let Subject::Column(_, column) = subject
            && let Some(options) = members::options(column, self.catalog, &self.languages)
        {
            all.push(("OptionSet".to_owned(), options));
        }
        let mut kept = self.kept(all, &query.properties, true);
        kept.insert(
            0,
            (
                "@odata.type".to_owned(),
                Json::Text(format!("#Microsoft.Dynamics.CRM.{}", subject.kind())),
            ),
        );
        Ok(Some(kept))
    }

    fn kept(&self, all: Members, properties: &Properties, changed: bool) -> Members {
        all.into_iter()
            .filter(|(name, _)| {
                properties.has(name)
                    || ["MetadataId", "HasChanged", "LogicalName"].contains(&name.as_str())
            })
            .map(|(name, value)| match name.as_str() {
                "HasChanged" => (name, Json::Boolean(changed)),
                _ => (name, value),
            })
            .collect()
    }
}

fn meets(criteria: &Criteria, members: &Members) -> Result<bool, ApiError> {
    let mut results = Vec::new();
    for condition in &criteria.conditions {
        results.push(holds(condition, members)?);
    }
    for filter in &criteria.filters {
        results.push(meets(filter, members)?);
    }
    Ok(match criteria.filter_operator {
        FilterOperator::And => results.iter().all(|met| *met),
        FilterOperator::Or => results.is_empty() || results.iter().any(|met| *met),
    })
}

/// A value as text, whatever its .NET type. Managed properties and type names count by their `Value`.
fn as_text(value: &Json) -> Option<String> {
    match value {
        Json::Null | Json::Array(_) => None,
        Json::Boolean(truth) => Some(truth.to_string()),
        Json::Number(text) | Json::Text(text) => Some(text.clone()),
        Json::Object(members) => {
            let value = members.iter().find(|(name, _)| name == "Value");
            value.and_then(|(_, value)| as_text(value))
        }
    }
}

fn wanted(value: &JsonValue) -> Vec<String> {
    match value {
        JsonValue::Null => Vec::new(),
        JsonValue::Bool(truth) => vec![truth.to_string()],
        JsonValue::Number(number) => vec![number.to_string()],
        JsonValue::String(text) => vec![text.clone()],
        JsonValue::Array(items) => items.iter().flat_map(wanted).collect(),
        JsonValue::Object(members) => members.get("Value").map(wanted).unwrap_or_default(),
    }
}

fn holds(condition: &Condition, members: &Members) -> Result<bool, ApiError> {
    let name = condition.property_name.as_str();
    let found = members
        .iter()
        .find(|(member, _)| member == name)
        .ok_or_else(|| {
            ApiError::new(
                400,
                REQUEST,
                format!("The metadata property '{name}' cannot be used in a condition."),
            )
        })?;
    let found = as_text(&found.1);
    let wanted: Vec<Option<String>> = match wanted(&condition.value) {
        none if none.is_empty() => vec![None],
        some => some.into_iter().map(Some).collect(),
    };
    let is_among = wanted.iter().any(|wanted| match (&found, wanted) {
        (Some(found), Some(wanted)) => found.eq_ignore_ascii_case(wanted),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    });
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
    let order = match (number(&found), wanted.first().and_then(number)) {
        (Some(found), Some(wanted)) => found.partial_cmp(&wanted),
        (Some(_) | None, _) => None,
    };
    Ok(match condition.condition_operator {
        Comparison::Equals | Comparison::In => is_among,
        Comparison::NotEquals | Comparison::NotIn => !is_among,
        Comparison::GreaterThan => order.is_some_and(std::cmp::Ordering::is_gt),
        Comparison::LessThan => order.is_some_and(std::cmp::Ordering::is_lt),
    })
}

fn deletions(of: &[(&str, Vec<String>)]) -> Json {
    let keys = of.iter().map(|(kind, _)| Json::text(*kind));
    let values = of.iter().map(|(_, ids)| {
        let ids = ids.iter().map(|id| Json::text(id.as_str())).collect();
        Json::Object(vec![("Items".to_owned(), Json::Array(ids))])
    });
    Json::Object(vec![
        ("Count".to_owned(), Json::Number(of.len().to_string())),
        ("IsReadOnly".to_owned(), Json::Boolean(false)),
        ("Keys".to_owned(), Json::Array(keys.collect())),
        ("Values".to_owned(), Json::Array(values.collect())),
    ])
}

fn deleted(catalog: &Catalog, since: i64, filter: &str) -> Json {
    let kinds = [
        (DeletedKind::Entity, "Entity"),
        (DeletedKind::Attribute, "Attribute"),
        (DeletedKind::Relationship, "Relationship"),
        (DeletedKind::OptionSet, "OptionSet"),
    ];
    let mut found = Vec::new();
    for (kind, name) in kinds {
        let wanted = filter
            .split(',')
            .map(str::trim)
            .any(|filter| ["All", "Default", name].contains(&filter));
        let gone = catalog
            .deleted
            .iter()
            .filter(|deleted| wanted && deleted.kind == kind && deleted.version > since);
        let ids: Vec<String> = gone.map(|deleted| deleted.id.to_string()).collect();
        if !ids.is_empty() {
            found.push((name, ids));
        }
    }
    deletions(&found)
}
