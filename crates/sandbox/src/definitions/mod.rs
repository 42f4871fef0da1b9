//! The metadata endpoints: `EntityDefinitions`, `RelationshipDefinitions`, `GlobalOptionSetDefinitions`,
//! `ManagedPropertyDefinitions` and what lies beneath them (protocol page `metadata.md`).
//!
//! `subject`: what there is and how it hangs together. `members`: what an answer says of it. `filter`: `$filter`. `csdl`:
//! `$metadata`. `changes`: `RetrieveMetadataChanges`. `customize`: changes to the schema, with `tables`, `keys`, `relating` and
//! `options`; `reading`: what they carry.

pub(crate) mod changes;
pub(crate) mod csdl;
pub(crate) mod customize;
mod filter;
mod keys;
mod members;
mod options;
mod reading;
mod relating;
mod subject;
mod tables;

use sandbox_syntax::is_guid;
use sandbox_syntax::options::{Expand, Options};
use sandbox_syntax::path::{self, Key, Segment};
use sqlx::SqliteConnection;

use self::members::{Languages, Members};
use self::subject::{Subject, Target, declared_type, relationships};
use crate::api::Call;
use crate::auth::Deployment;
use crate::errors::{ApiError, REQUEST};
use crate::json::Json;
use crate::metadata::description::ENGLISH;
use crate::metadata::{Catalog, catalog};
use crate::security::metadata_privilege;
use crate::server::Answer;
use crate::value::{Statement, Value};

const NAMESPACE: &str = "Microsoft.Dynamics.CRM.";

/// Is this the first segment of a metadata path?
pub(crate) fn is_metadata(name: &str) -> bool {
    [
        "EntityDefinitions",
        "RelationshipDefinitions",
        "GlobalOptionSetDefinitions",
        "ManagedPropertyDefinitions",
    ]
    .contains(&name)
}

fn unknown_property(name: &str, kind: &str) -> ApiError {
    ApiError::request(format!(
        "Could not find a property named '{name}' on type '{NAMESPACE}{kind}'."
    ))
}

/// Where the segments of a path have led.
enum Place<'c> {
    One(Subject<'c>),
    Many(Vec<Subject<'c>>),
    /// A choice navigation property of a column that has no choice.
    Nothing,
}

/// Answers a `GET`.
pub(crate) async fn get(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    segments: &[Segment],
) -> Result<Answer, ApiError> {
    let options = Options::read(&call.request.query)?;
    let languages = Languages {
        user: user_language(call, connection).await?,
        only: None,
    };
    let reader = Reader {
        call,
        catalog: catalog(),
        languages: &languages,
    };
    reader.answer(segments, &options)
}

/// The language in which a user reads labels: the user's own setting, else the base language.
pub(super) async fn user_language(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
) -> Result<u32, ApiError> {
    let row = Statement::new("SELECT uilanguageid FROM usersettings WHERE systemuserid = ?")
        .with(call.caller.id.as_str())
        .query()
        .fetch_optional(connection)
        .await?;
    let language = match &row {
        Some(row) => Value::at(row, 0)?.integer(),
        None => None,
    };
    Ok(language
        .and_then(|language| u32::try_from(language).ok())
        .unwrap_or(ENGLISH))
}

struct Reader<'r> {
    call: &'r Call<'r>,
    catalog: &'static Catalog,
    languages: &'r Languages,
}

impl Reader<'_> {
    /// Walks the path, then answers what it leads to.
    fn answer(&self, segments: &[Segment], options: &Options) -> Result<Answer, ApiError> {
        let (first, rest) = segments
            .split_first()
            .ok_or_else(|| ApiError::no_segment(""))?;
        let (all, mut declared) = self.set(&first.name)?;
        let mut context = first.name.clone();
        let mut place = Place::Many(all);
        if let Some(key) = &first.key {
            place = Place::One(self.find(place, key, declared)?);
        }
        for (at, segment) in rest.iter().enumerate() {
            let name = segment.name.as_str();
            let is_last = at + 1 == rest.len();
            if let Some(cast) = name.strip_prefix(NAMESPACE) {
                place = self.cast(place, cast)?;
                declared = self.type_name(cast)?;
            } else if name == "$count" && is_last {
                let Place::Many(all) = place else {
                    return Err(ApiError::no_segment(name));
                };
                return Ok(self.plain(all.len().to_string()));
            } else {
                let Place::One(subject) = place else {
                    return Err(ApiError::no_segment(name));
                };
                let Some(target) = subject.follow(self.catalog, declared, name) else {
                    return self.property(subject, declared, name, rest.get(at + 1));
                };
                self.require(name)?;
                context = format!("{context}({})/{name}", subject.id());
                declared = declared_type(name);
                place = match target {
                    Target::Many(many) => Place::Many(many),
                    Target::One(one) => one.map_or(Place::Nothing, Place::One),
                };
            }
            if let Some(key) = &segment.key {
                place = Place::One(self.find(place, key, declared)?);
            }
        }
        self.check(options, declared)?;
        match place {
            Place::Nothing => Ok(Answer::empty(204).header("odata-version", "4.0")),
            Place::One(subject) => {
                if let Some(option) = misused_on_one(options) {
                    return Err(ApiError::request(format!(
                        "The query specified in the URI is not valid. Query option '{option}' cannot be applied to the \
                         requested resource."
                    )));
                }
                let mut body = vec![self.context(&context, options, true)];
                body.extend(self.shown(subject, declared, options)?);
                Ok(self.call.json(200, Json::Object(body)))
            }
            Place::Many(subjects) => {
                let mut items = self.many(subjects, declared, options)?;
                let mut body = vec![self.context(&context, options, false)];
                if options.count {
                    body.push((
                        "@odata.count".to_owned(),
                        Json::Number(items.len().to_string()),
                    ));
                }
                if let Some(top) = options.top {
                    items.truncate(usize::try_from(top).unwrap_or(usize::MAX));
                }
                body.push(("value".to_owned(), Json::Array(items)));
                Ok(self.call.json(200, Json::Object(body)))
            }
        }
    }

    /// A metadata set and the type that it is declared to hold. Reading it needs the privilege of its kind.
    fn set(&self, name: &str) -> Result<(Vec<Subject<'static>>, &'static str), ApiError> {
        let catalog = self.catalog;
        self.require(name)?;
        Ok(match name {
            "EntityDefinitions" => (
                catalog.tables.iter().map(Subject::Table).collect(),
                "EntityMetadata",
            ),
            "RelationshipDefinitions" => {
                let ones =
                    relationships(catalog).map(|(child, parent)| Subject::OneToMany(child, parent));
                let pairs = catalog.many_to_many.iter().map(Subject::ManyToMany);
                (ones.chain(pairs).collect(), "RelationshipMetadataBase")
            }
            "GlobalOptionSetDefinitions" => (
                catalog.choices.iter().map(Subject::Choices).collect(),
                "OptionSetMetadataBase",
            ),
            "ManagedPropertyDefinitions" => (Vec::new(), "ManagedPropertyMetadata"),
            other => return Err(ApiError::no_segment(other)),
        })
    }

    /// The privilege to read what a set or a navigation property holds (protocol page `security.md`).
    fn require(&self, name: &str) -> Result<(), ApiError> {
        let of = match name {
            "EntityDefinitions" | "Keys" => "Entity",
            "Attributes" | "OptionSet" | "GlobalOptionSet" => "Attribute",
            "GlobalOptionSetDefinitions" => "OptionSet",
            "ManagedPropertyDefinitions" => "Entity",
            _ => "Relationship",
        };
        metadata_privilege(&self.call.caller, of)
    }

    fn find<'c>(
        &self,
        place: Place<'c>,
        key: &str,
        declared: &str,
    ) -> Result<Subject<'c>, ApiError> {
        let Place::Many(subjects) = place else {
            return Err(ApiError::request("Bad Request - Error in query syntax."));
        };
        let (found, name) = match path::key(key)? {
            Key::Primary(id) => {
                let found = subjects
                    .into_iter()
                    .find(|subject| subject.id().to_string() == id);
                (found, id)
            }
            Key::Named(parts) => {
                let [(name, value)] = parts.as_slice() else {
                    return Err(ApiError::request("Bad Request - Error in query syntax."));
                };
                let is_id = name == "MetadataId";
                if value.is_quoted == is_id {
                    return Err(ApiError::request("Bad Request - Error in query syntax."));
                }
                let value = &value.text;
                let by_id = is_id && is_guid(value);
                let found = subjects.into_iter().find(|subject| {
                    subject.is_named(name, value)
                        || by_id && subject.id().to_string() == value.to_ascii_lowercase()
                });
                (found, value.clone())
            }
        };
        found.ok_or_else(|| {
            ApiError::new(
                404,
                REQUEST,
                match declared {
                    "EntityMetadata" => {
                        format!("Could not find an entity with specified entity name: {name}")
                    }
                    "OptionSetMetadataBase" => {
                        format!("Could not find optionset with name: {name}")
                    }
                    kind if kind.ends_with("AttributeMetadata") => {
                        format!("Could not find an attribute with specified attribute name: {name}")
                    }
                    _ => format!("Could not find metadata with specified key: {name}"),
                },
            )
        })
    }

    /// The type that a cast segment names. There is none to the abstract type of all choices.
    fn type_name(&self, cast: &str) -> Result<&'static str, ApiError> {
        const TYPES: [&str; 25] = [
            "AttributeMetadata",
            "BigIntAttributeMetadata",
            "BooleanAttributeMetadata",
            "DateTimeAttributeMetadata",
            "DecimalAttributeMetadata",
            "DoubleAttributeMetadata",
            "EntityNameAttributeMetadata",
            "FileAttributeMetadata",
            "ImageAttributeMetadata",
            "IntegerAttributeMetadata",
            "LookupAttributeMetadata",
            "ManagedPropertyAttributeMetadata",
            "MemoAttributeMetadata",
            "MoneyAttributeMetadata",
            "MultiSelectPicklistAttributeMetadata",
            "PicklistAttributeMetadata",
            "StateAttributeMetadata",
            "StatusAttributeMetadata",
            "StringAttributeMetadata",
            "UniqueIdentifierAttributeMetadata",
            "EntityMetadata",
            "OneToManyRelationshipMetadata",
            "ManyToManyRelationshipMetadata",
            "OptionSetMetadata",
            "BooleanOptionSetMetadata",
        ];
        TYPES
            .into_iter()
            .find(|name| *name == cast)
            .ok_or_else(|| ApiError::no_segment(&format!("{NAMESPACE}{cast}")))
    }

    fn cast<'c>(&self, place: Place<'c>, cast: &str) -> Result<Place<'c>, ApiError> {
        let kind = self.type_name(cast)?;
        let fits = |subject: &Subject<'_>| kind == "AttributeMetadata" || subject.kind() == kind;
        match place {
            Place::Many(mut subjects) => {
                subjects.retain(fits);
                Ok(Place::Many(subjects))
            }
            Place::One(subject) if fits(&subject) => Ok(Place::One(subject)),
            Place::One(_) | Place::Nothing => {
                Err(ApiError::no_segment(&format!("{NAMESPACE}{cast}")))
            }
        }
    }

    /// `…/EntityDefinitions(LogicalName='contact')/EntitySetName[/$value]`.
    fn property(
        &self,
        subject: Subject<'_>,
        declared: &str,
        name: &str,
        next: Option<&Segment>,
    ) -> Result<Answer, ApiError> {
        let members = members::of(subject, self.catalog, self.languages);
        let known = is_declared(name, declared, &members);
        let found = members
            .into_iter()
            .find(|(member, _)| known && member == name);
        let Some((_, value)) = found else {
            return Err(ApiError::no_segment(name));
        };
        match next.map(|segment| segment.name.as_str()) {
            None => {
                let of = (
                    "@odata.context".to_owned(),
                    Json::Text(format!(
                        "{}/$metadata#{}({})/{name}",
                        self.call.request.base,
                        declared,
                        subject.id()
                    )),
                );
                let body = match value {
                    Json::Object(inner) => std::iter::once(of).chain(inner).collect(),
                    Json::Null
                    | Json::Boolean(_)
                    | Json::Number(_)
                    | Json::Text(_)
                    | Json::Array(_) => vec![of, ("value".to_owned(), value)],
                };
                Ok(self.call.json(200, Json::Object(body)))
            }
            Some("$value") => match value {
                Json::Text(text) => Ok(self.plain(text)),
                Json::Null => Ok(Answer::empty(204).header("odata-version", "4.0")),
                Json::Boolean(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                    Ok(self.plain(value.to_string()))
                }
            },
            Some(other) => Err(ApiError::no_segment(other)),
        }
    }

    fn plain(&self, text: String) -> Answer {
        Answer::new(200, "text/plain", text).header("odata-version", "4.0")
    }

    fn context(&self, of: &str, options: &Options, single: bool) -> (String, Json) {
        let mut names = options.select.clone().unwrap_or_default();
        names.extend(options.expand.iter().map(|expand| {
            let inner = expand.options.select.clone().unwrap_or_default().join(",");
            format!("{}({inner})", expand.navigation)
        }));
        let names = match names.as_slice() {
            [] => String::new(),
            names => format!("({})", names.join(",")),
        };
        let entity = if single { "/$entity" } else { "" };
        (
            "@odata.context".to_owned(),
            Json::Text(format!(
                "{}/$metadata#{of}{names}{entity}",
                self.call.request.base
            )),
        )
    }

    /// What metadata queries refuse.
    fn check(&self, options: &Options, declared: &str) -> Result<(), ApiError> {
        let unsupported = |name: &str| {
            Err(ApiError::request(format!(
                "The query parameter {name} is not supported"
            )))
        };
        if !options.order.is_empty() {
            return unsupported("$orderby");
        }
        if options.top.is_some() && self.call.request.deployment == Deployment::OnPremises {
            return unsupported("$top");
        }
        if options.skip_token.is_some() {
            return unsupported("$skiptoken");
        }
        if !options.expand.is_empty() && declared.starts_with("OptionSetMetadata") {
            let name = &options
                .expand
                .first()
                .map_or("", |expand| expand.navigation.as_str());
            return Err(ApiError::request(format!(
                "Property '{name}' on type '{NAMESPACE}OptionSetMetadataBase' is not a navigation property or complex \
                 property. Only navigation properties can be expanded."
            )));
        }
        Ok(())
    }

    /// The subjects that meet the filter, as the answer shows them.
    fn many(
        &self,
        subjects: Vec<Subject<'_>>,
        declared: &str,
        options: &Options,
    ) -> Result<Vec<Json>, ApiError> {
        let filter = options.filter.as_deref().map(filter::read).transpose()?;
        let mut items = Vec::new();
        for subject in subjects {
            if let Some(filter) = &filter {
                let mut members = members::of(subject, self.catalog, self.languages);
                members.retain(|(name, _)| is_base(name, declared));
                if !filter::meets(filter, &members, declared)? {
                    continue;
                }
            }
            items.push(Json::Object(self.shown(subject, declared, options)?));
        }
        Ok(items)
    }

    /// The members of one subject that `$select` names, then what `$expand` adds.
    fn shown(
        &self,
        subject: Subject<'_>,
        declared: &str,
        options: &Options,
    ) -> Result<Members, ApiError> {
        let mut members = members::of(subject, self.catalog, self.languages);
        if let Some(select) = &options.select {
            for name in select {
                let follows = || subject.follow(self.catalog, declared, name).is_some();
                if !is_declared(name, declared, &members) && !follows() {
                    return Err(unknown_property(name, declared));
                }
            }
            members.retain(|(name, _)| name == "MetadataId" || select.contains(name));
            let place = |name: &str| select.iter().position(|wanted| wanted == name);
            members.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        }
        if subject.kind() != declared {
            let of = Json::Text(format!("#{NAMESPACE}{}", subject.kind()));
            members.insert(0, ("@odata.type".to_owned(), of));
        }
        for expand in &options.expand {
            let value = self.expanded(subject, declared, expand)?;
            members.push((expand.navigation.clone(), value));
        }
        Ok(members)
    }

    fn expanded(
        &self,
        subject: Subject<'_>,
        declared: &str,
        expand: &Expand,
    ) -> Result<Json, ApiError> {
        let navigation = expand.navigation.as_str();
        let target = subject
            .follow(self.catalog, declared, navigation)
            .ok_or_else(|| unknown_property(navigation, declared))?;
        self.require(navigation)?;
        let inner = declared_type(navigation);
        self.check(&expand.options, inner)?;
        match target {
            Target::Many(many) => Ok(Json::Array(self.many(many, inner, &expand.options)?)),
            Target::One(None) => Ok(Json::Null),
            // A Boolean's options are of their own type.
            Target::One(Some(one)) => Ok(Json::Object(self.shown(
                one,
                one.kind(),
                &expand.options,
            )?)),
        }
    }
}

fn misused_on_one(options: &Options) -> Option<&'static str> {
    if options.filter.is_some() {
        Some("$filter")
    } else if options.top.is_some() {
        Some("$top")
    } else if options.count {
        Some("$count")
    } else {
        None
    }
}

/// Members that only a derived type has. On the base type they cannot be selected: a cast is needed.
const DERIVED: [&str; 33] = [
    "MaxLength",
    "Format",
    "FormatName",
    "ImeMode",
    "YomiOf",
    "IsLocalizable",
    "DatabaseLength",
    "FormulaDefinition",
    "SourceTypeMask",
    "MinValue",
    "MaxValue",
    "Precision",
    "PrecisionSource",
    "IsBaseCurrency",
    "CalculationOf",
    "DefaultValue",
    "MinSupportedValue",
    "MaxSupportedValue",
    "DateTimeBehavior",
    "CanChangeDateTimeBehavior",
    "DefaultFormValue",
    "ParentPicklistLogicalName",
    "ChildPicklistLogicalNames",
    "IsEntityReferenceStored",
    "Targets",
    "IsPrimaryImage",
    "MaxHeight",
    "MaxWidth",
    "MaxSizeInKB",
    "CanStoreFullImage",
    "Options",
    "TrueOption",
    "FalseOption",
];

/// May a member be named where this type is declared?
fn is_base(name: &str, declared: &str) -> bool {
    match declared {
        "AttributeMetadata" | "OptionSetMetadataBase" => !DERIVED.contains(&name),
        "RelationshipMetadataBase" => {
            !name.starts_with("Referenc")
                && !name.starts_with("Entity")
                && ![
                    "IntersectEntityName",
                    "CascadeConfiguration",
                    "AssociatedMenuConfiguration",
                ]
                .contains(&name)
        }
        _ => true,
    }
}

fn is_declared(name: &str, declared: &str, members: &Members) -> bool {
    is_base(name, declared) && members.iter().any(|(member, _)| member == name)
}
