//! The members of each metadata type, as real answers carry them (protocol page `metadata.md`).

use crate::json::Json;
use crate::metadata::description::{
    ChoicesDescription, ColumnDescription, KeyDescription, Label, ManyToMany, OptionDescription,
    ParentDescription,
};
use crate::metadata::{Catalog, OnDelete, Table};

use super::subject::{Subject, column_type, metadata_id, options_of};

/// Members in the order of the answer.
pub(super) type Members = Vec<(String, Json)>;

/// The version in which everything was introduced.
const INTRODUCED: &str = "5.0.0.0";
const DAY_ONE: &str = "1900-01-01T00:00:00Z";

/// In which language labels are told, and which labels at all.
#[derive(Debug, Clone, Default)]
pub(super) struct Languages {
    /// The user's language: that of `UserLocalizedLabel`.
    pub(super) user: u32,
    /// Only these are told; `None`: all.
    pub(super) only: Option<Vec<u32>>,
}

fn put(members: &mut Members, name: &str, value: Json) {
    members.push((name.to_owned(), value));
}

fn truth(members: &mut Members, name: &str, value: bool) {
    put(members, name, Json::Boolean(value));
}

fn text(members: &mut Members, name: &str, value: impl Into<String>) {
    put(members, name, Json::text(value));
}

fn optional(members: &mut Members, name: &str, value: Option<&str>) {
    put(members, name, value.map_or(Json::Null, Json::text));
}

fn integer(value: i64) -> Json {
    Json::Number(value.to_string())
}

/// `{"Value":true,"CanBeChanged":true,"ManagedPropertyLogicalName":"canmodify…"}`.
fn managed(members: &mut Members, name: &str, value: Json, property: &str) {
    let inner = vec![
        ("Value".to_owned(), value),
        ("CanBeChanged".to_owned(), Json::Boolean(true)),
        (
            "ManagedPropertyLogicalName".to_owned(),
            Json::text(property),
        ),
    ];
    put(members, name, Json::Object(inner));
}

fn flag(members: &mut Members, name: &str, value: bool, property: &str) {
    managed(members, name, Json::Boolean(value), property);
}

/// A label with its languages. `UserLocalizedLabel` is null where the user's language has no text.
fn label(label: &Label, of: &str, custom: bool, languages: &Languages) -> Json {
    let one = |language: u32, text: &str| {
        Json::Object(vec![
            ("Label".to_owned(), Json::text(text)),
            ("LanguageCode".to_owned(), integer(i64::from(language))),
            ("IsManaged".to_owned(), Json::Boolean(!custom)),
            (
                "MetadataId".to_owned(),
                Json::Text(metadata_id("label", &format!("{of}/{language}")).to_string()),
            ),
            ("HasChanged".to_owned(), Json::Null),
        ])
    };
    let told = label.0.iter().filter(|(language, _)| {
        languages
            .only
            .as_ref()
            .is_none_or(|only| only.contains(language))
    });
    let all = told.map(|(language, text)| one(*language, text));
    let own = label.0.get(&languages.user);
    Json::Object(vec![
        ("LocalizedLabels".to_owned(), Json::Array(all.collect())),
        (
            "UserLocalizedLabel".to_owned(),
            own.map_or(Json::Null, |text| one(languages.user, text)),
        ),
    ])
}

/// All members of a subject.
pub(super) fn of(subject: Subject<'_>, catalog: &Catalog, languages: &Languages) -> Members {
    let mut members = match subject {
        Subject::Table(described) => table(described, languages),
        Subject::Column(owner, described) => column(owner, described, catalog, languages),
        Subject::Choices(described) => choices(described, languages),
        Subject::Key(owner, described) => key(owner, described, languages),
        Subject::OneToMany(child, parent) => one_to_many(child, parent),
        Subject::ManyToMany(pair) => many_to_many(pair),
    };
    put(
        &mut members,
        "MetadataId",
        Json::Text(subject.id().to_string()),
    );
    put(&mut members, "HasChanged", Json::Null);
    members
}

fn table(table: &Table, languages: &Languages) -> Members {
    let described = &table.description;
    let custom = described.is_custom_entity;
    let mut members = Members::new();
    let m = &mut members;
    put(
        m,
        "ActivityTypeMask",
        integer(i64::from(described.is_activity)),
    );
    truth(m, "AutoRouteToOwnerQueue", false);
    truth(m, "CanTriggerWorkflow", !described.is_intersect);
    truth(m, "EntityHelpUrlEnabled", false);
    put(m, "EntityHelpUrl", Json::Null);
    for (name, value) in [
        ("IsDocumentManagementEnabled", false),
        ("IsOneNoteIntegrationEnabled", false),
        ("IsInteractionCentricEnabled", true),
        ("IsKnowledgeManagementEnabled", false),
        ("IsSLAEnabled", false),
        ("IsBPFEntity", false),
        ("IsEnabledForCharts", true),
        ("IsEnabledForTrace", false),
        ("IsValidForAdvancedFind", !described.is_intersect),
        ("IsBusinessProcessEnabled", false),
        ("IsChildEntity", table.logical == "activityparty"),
        ("IsAvailableOffline", true),
        ("IsActivity", described.is_activity),
        ("IsActivityParty", table.logical == "activityparty"),
        ("IsAIRUpdated", true),
        ("IsCustomEntity", custom),
        ("IsManaged", !custom),
        ("IsImportable", !described.is_intersect),
        ("IsIntersect", described.is_intersect),
        ("IsLogicalEntity", false),
        ("IsPrivate", false),
        ("IsQuickCreateEnabled", true),
        ("IsReadingPaneEnabled", true),
        ("IsStateModelAware", table.column("statecode").is_some()),
        ("EnforceStateTransitions", false),
        ("UsesBusinessDataLabelTable", false),
        ("AutoCreateAccessTeams", false),
        ("HasActivities", described.has_activities),
        ("HasNotes", described.has_notes),
        ("HasFeedback", false),
        ("HasEmailAddresses", table.column("emailaddress1").is_some()),
        ("ChangeTrackingEnabled", described.change_tracking_enabled),
        (
            "IsOptimisticConcurrencyEnabled",
            described.is_optimistic_concurrency_enabled,
        ),
        ("SyncToExternalSearchIndex", !described.is_intersect),
        ("IsEnabledForExternalChannels", false),
        ("IsSolutionAware", false),
    ] {
        truth(m, name, value);
    }
    text(m, "LogicalName", table.logical.as_str());
    text(m, "SchemaName", table.schema.as_str());
    text(m, "EntitySetName", table.set.as_str());
    text(
        m,
        "LogicalCollectionName",
        described.logical_collection_name.as_str(),
    );
    text(
        m,
        "CollectionSchemaName",
        described.logical_collection_name.as_str(),
    );
    text(m, "PrimaryIdAttribute", table.id.as_str());
    optional(
        m,
        "PrimaryNameAttribute",
        described.primary_name_attribute.as_deref(),
    );
    optional(
        m,
        "PrimaryImageAttribute",
        described
            .attributes
            .iter()
            .find(|column| column.attribute_type_name == "ImageType")
            .map(|column| column.logical_name.as_str()),
    );
    put(m, "ObjectTypeCode", integer(table.type_code));
    text(m, "OwnershipType", described.ownership_type.as_str());
    text(m, "ReportViewName", format!("Filtered{}", table.schema));
    text(m, "IntroducedVersion", INTRODUCED);
    for name in [
        "DaysSinceRecordLastModified",
        "EntityColor",
        "IconLargeName",
        "IconMediumName",
        "IconSmallName",
        "IconVectorName",
        "MobileOfflineFilters",
        "RecurrenceBaseEntityLogicalName",
        "ExternalName",
        "ExternalCollectionName",
        "DataProviderId",
        "DataSourceId",
    ] {
        put(m, name, Json::Null);
    }
    text(m, "CreatedOn", DAY_ONE);
    text(m, "ModifiedOn", DAY_ONE);
    let of = format!("table/{}", table.logical);
    put(
        m,
        "Description",
        label(
            &described.description,
            &format!("{of}/d"),
            custom,
            languages,
        ),
    );
    put(
        m,
        "DisplayName",
        label(&described.display_name, &of, custom, languages),
    );
    put(
        m,
        "DisplayCollectionName",
        label(
            &described.display_collection_name,
            &format!("{of}/c"),
            custom,
            languages,
        ),
    );
    for (name, value, property) in [
        ("IsAuditEnabled", true, "canmodifyauditsettings"),
        (
            "IsValidForQueue",
            described.is_activity,
            "canmodifyqueuesettings",
        ),
        ("IsConnectionsEnabled", true, "canmodifyconnectionsettings"),
        ("IsCustomizable", true, "iscustomizable"),
        ("IsRenameable", true, "isrenameable"),
        ("IsMappable", true, "ismappable"),
        (
            "IsDuplicateDetectionEnabled",
            described.is_duplicate_detection_enabled,
            "canmodifyduplicatedetectionsettings",
        ),
        (
            "CanCreateAttributes",
            !described.is_intersect,
            "cancreateattributes",
        ),
        ("CanCreateForms", !described.is_intersect, "cancreateforms"),
        ("CanCreateViews", !described.is_intersect, "cancreateviews"),
        (
            "CanCreateCharts",
            !described.is_intersect,
            "cancreatecharts",
        ),
        (
            "CanBeRelatedEntityInRelationship",
            true,
            "canberelatedentityinrelationship",
        ),
        (
            "CanBePrimaryEntityInRelationship",
            true,
            "canbeprimaryentityinrelationship",
        ),
        ("CanBeInManyToMany", true, "canbeinmanytomany"),
        (
            "CanBeInCustomEntityAssociation",
            true,
            "canbeincustomentityassociation",
        ),
        (
            "CanEnableSyncToExternalSearchIndex",
            true,
            "canenablesynctoexternalsearchindex",
        ),
        (
            "CanModifyAdditionalSettings",
            true,
            "canmodifyadditionalsettings",
        ),
        (
            "CanChangeHierarchicalRelationship",
            true,
            "canchangehierarchicalrelationship",
        ),
        (
            "CanChangeTrackingBeEnabled",
            true,
            "canchangetrackingbeenabled",
        ),
        ("IsMailMergeEnabled", true, "canmodifymailmergesettings"),
        ("IsVisibleInMobile", true, "canmodifymobilevisibility"),
        (
            "IsVisibleInMobileClient",
            true,
            "canmodifymobileclientvisibility",
        ),
        (
            "IsReadOnlyInMobileClient",
            false,
            "canmodifymobileclientreadonly",
        ),
        (
            "IsOfflineInMobileClient",
            true,
            "canmodifymobileclientoffline",
        ),
    ] {
        flag(m, name, value, property);
    }
    let privileges = described.privileges.iter().map(|name| {
        let kind = [
            "AppendTo", "Append", "Create", "Read", "Write", "Delete", "Assign", "Share",
        ]
        .into_iter()
        .find(|kind| {
            name.strip_prefix("prv")
                .is_some_and(|rest| rest.starts_with(kind))
        })
        .unwrap_or("None");
        let id = crate::security::privilege_id(name).to_string();
        let mut of = Members::new();
        for depth in ["CanBeBasic", "CanBeDeep", "CanBeGlobal", "CanBeLocal"] {
            truth(&mut of, depth, true);
        }
        truth(&mut of, "CanBeEntityReference", false);
        truth(&mut of, "CanBeParentEntityReference", false);
        text(&mut of, "Name", name.as_str());
        text(&mut of, "PrivilegeId", id);
        text(&mut of, "PrivilegeType", kind);
        Json::Object(of)
    });
    put(m, "Privileges", Json::Array(privileges.collect()));
    put(m, "Settings", Json::Array(Vec::new()));
    members
}

/// The members that every column has, then those of its type.
fn column(
    table: &Table,
    column: &ColumnDescription,
    catalog: &Catalog,
    languages: &Languages,
) -> Members {
    let custom = column.is_custom_attribute;
    let readable = column.edm_type.is_some();
    let mut members = Members::new();
    let m = &mut members;
    optional(m, "AttributeOf", column.attribute_of.as_deref());
    text(m, "AttributeType", column.attribute_type.as_str());
    let place = table
        .description
        .attributes
        .iter()
        .position(|other| other.logical_name == column.logical_name)
        .and_then(|place| i64::try_from(place).ok())
        .unwrap_or(0);
    put(m, "ColumnNumber", integer(place + 1));
    put(m, "DeprecatedVersion", Json::Null);
    text(m, "IntroducedVersion", INTRODUCED);
    text(m, "EntityLogicalName", table.logical.as_str());
    let is_id = column.logical_name == table.id;
    let is_name = Some(&column.logical_name) == table.description.primary_name_attribute.as_ref();
    let helper = column.attribute_of.is_some();
    for (name, value) in [
        ("IsCustomAttribute", custom),
        ("IsPrimaryId", is_id),
        ("IsPrimaryName", is_name),
        ("IsValidODataAttribute", readable),
        ("IsValidForCreate", column.is_valid_for_create),
        ("IsValidForRead", readable || helper),
        ("IsValidForUpdate", column.is_valid_for_update),
        ("CanBeSecuredForRead", false),
        ("CanBeSecuredForCreate", false),
        ("CanBeSecuredForUpdate", false),
        ("IsSecured", false),
        ("IsRetrievable", readable),
        ("IsFilterable", readable),
        ("IsSearchable", readable && !is_id),
        ("IsManaged", !custom),
        ("IsValidForForm", !helper),
        ("IsRequiredForForm", false),
        ("IsValidForGrid", !helper),
        ("IsLogical", helper),
        ("IsDataSourceSecret", false),
    ] {
        truth(m, name, value);
    }
    for name in [
        "LinkedAttributeId",
        "ExternalName",
        "InheritsFrom",
        "AutoNumberFormat",
    ] {
        put(m, name, Json::Null);
    }
    text(m, "LogicalName", column.logical_name.as_str());
    text(m, "SchemaName", column.schema_name.as_str());
    text(m, "CreatedOn", DAY_ONE);
    text(m, "ModifiedOn", DAY_ONE);
    put(
        m,
        "SourceType",
        if readable { integer(0) } else { Json::Null },
    );
    put(
        m,
        "AttributeTypeName",
        Json::Object(vec![(
            "Value".to_owned(),
            Json::text(column.attribute_type_name.as_str()),
        )]),
    );
    let of = format!("column/{}/{}", table.logical, column.logical_name);
    put(
        m,
        "Description",
        label(&column.description, &format!("{of}/d"), custom, languages),
    );
    put(
        m,
        "DisplayName",
        label(&column.display_name, &of, custom, languages),
    );
    for (name, value, property) in [
        ("IsAuditEnabled", !is_id, "canmodifyauditsettings"),
        (
            "IsGlobalFilterEnabled",
            false,
            "canmodifyglobalfiltersettings",
        ),
        ("IsSortableEnabled", false, "canmodifyissortablesettings"),
        ("IsCustomizable", true, "iscustomizable"),
        ("IsRenameable", true, "isrenameable"),
        ("IsValidForAdvancedFind", !helper, "canmodifysearchsettings"),
        (
            "CanModifyAdditionalSettings",
            true,
            "canmodifyadditionalsettings",
        ),
    ] {
        flag(m, name, value, property);
    }
    let level = match column.required_level.as_str() {
        "" => "None",
        level => level,
    };
    managed(
        m,
        "RequiredLevel",
        Json::text(level),
        "canmodifyrequirementlevelsettings",
    );
    put(m, "Settings", Json::Array(Vec::new()));
    typed(m, column, catalog);
    members
}

fn number(value: Option<f64>, otherwise: Json) -> Json {
    value.map_or(otherwise, |value| Json::Number(value.to_string()))
}

fn typed(m: &mut Members, column: &ColumnDescription, catalog: &Catalog) {
    let kind = column_type(column);
    let calculated = |m: &mut Members| {
        put(m, "FormulaDefinition", Json::Null);
        put(m, "SourceTypeMask", integer(0));
    };
    let length = |m: &mut Members| {
        let most = column.max_length.and_then(|most| i64::try_from(most).ok());
        put(m, "MaxLength", most.map_or(Json::Null, integer));
    };
    let format = |m: &mut Members, otherwise: &str| {
        let format = column.format.as_deref().unwrap_or(otherwise);
        text(m, "Format", format);
        let name = column.format_name.as_deref().unwrap_or(format);
        put(
            m,
            "FormatName",
            Json::Object(vec![("Value".to_owned(), Json::text(name))]),
        );
    };
    let bounds = |m: &mut Members, low: f64, high: f64| {
        put(
            m,
            "MinValue",
            number(column.min_value, number(Some(low), Json::Null)),
        );
        put(
            m,
            "MaxValue",
            number(column.max_value, number(Some(high), Json::Null)),
        );
    };
    let precision = |m: &mut Members| {
        let digits = column.precision.unwrap_or(2);
        put(m, "Precision", integer(i64::try_from(digits).unwrap_or(2)));
    };
    match kind {
        "StringAttributeMetadata" => {
            length(m);
            format(m, "Text");
            text(m, "ImeMode", "Auto");
            put(m, "YomiOf", Json::Null);
            truth(m, "IsLocalizable", false);
            let bytes = column
                .max_length
                .and_then(|most| i64::try_from(most * 2).ok());
            put(m, "DatabaseLength", bytes.map_or(Json::Null, integer));
            calculated(m);
        }
        "MemoAttributeMetadata" => {
            length(m);
            format(m, "TextArea");
            text(m, "ImeMode", "Auto");
            truth(m, "IsLocalizable", false);
        }
        "IntegerAttributeMetadata" => {
            bounds(m, f64::from(i32::MIN), f64::from(i32::MAX));
            text(m, "Format", column.format.as_deref().unwrap_or("None"));
            calculated(m);
        }
        "BigIntAttributeMetadata" => {
            put(m, "MinValue", integer(i64::MIN));
            put(m, "MaxValue", integer(i64::MAX));
        }
        "DecimalAttributeMetadata" => {
            bounds(m, -100_000_000_000.0, 100_000_000_000.0);
            precision(m);
            text(m, "ImeMode", "Disabled");
            calculated(m);
        }
        "DoubleAttributeMetadata" => {
            bounds(m, -100_000_000_000.0, 100_000_000_000.0);
            precision(m);
            text(m, "ImeMode", "Disabled");
        }
        "MoneyAttributeMetadata" => {
            bounds(m, -922_337_203_685_477.0, 922_337_203_685_477.0);
            precision(m);
            put(
                m,
                "PrecisionSource",
                integer(column.precision_source.unwrap_or(2)),
            );
            text(m, "ImeMode", "Disabled");
            let base = column.logical_name.ends_with("_base");
            truth(m, "IsBaseCurrency", base);
            optional(
                m,
                "CalculationOf",
                column.logical_name.strip_suffix("_base"),
            );
            calculated(m);
        }
        "BooleanAttributeMetadata" => {
            truth(m, "DefaultValue", column.default_value.unwrap_or(false));
            calculated(m);
        }
        "DateTimeAttributeMetadata" => {
            text(m, "MinSupportedValue", "1753-01-01T00:00:00Z");
            text(m, "MaxSupportedValue", "9999-12-30T23:59:59Z");
            text(
                m,
                "Format",
                column.format.as_deref().unwrap_or("DateAndTime"),
            );
            text(m, "ImeMode", "Inactive");
            let behavior = column.date_time_behavior.as_deref().unwrap_or("UserLocal");
            put(
                m,
                "DateTimeBehavior",
                Json::Object(vec![("Value".to_owned(), Json::text(behavior))]),
            );
            flag(
                m,
                "CanChangeDateTimeBehavior",
                column.is_custom_attribute,
                "canchangedatetimebehavior",
            );
            calculated(m);
        }
        "PicklistAttributeMetadata"
        | "MultiSelectPicklistAttributeMetadata"
        | "StateAttributeMetadata"
        | "StatusAttributeMetadata" => {
            let default = column.default_form_value.filter(|value| *value >= 0);
            put(m, "DefaultFormValue", default.map_or(Json::Null, integer));
            put(m, "ParentPicklistLogicalName", Json::Null);
            put(m, "ChildPicklistLogicalNames", Json::Array(Vec::new()));
            calculated(m);
        }
        "EntityNameAttributeMetadata" => {
            put(m, "DefaultFormValue", Json::Null);
            truth(m, "IsEntityReferenceStored", false);
        }
        "LookupAttributeMetadata" => {
            let known = column
                .targets
                .iter()
                .filter(|target| *target == "owner" || catalog.table(target).is_some());
            let targets = known.map(|target| Json::text(target.as_str()));
            put(m, "Targets", Json::Array(targets.collect()));
            text(m, "Format", "None");
        }
        "ImageAttributeMetadata" => {
            truth(m, "IsPrimaryImage", true);
            put(m, "MaxHeight", integer(144));
            put(m, "MaxWidth", integer(144));
            put(m, "MaxSizeInKB", integer(10_240));
            truth(m, "CanStoreFullImage", false);
        }
        _ => {}
    }
}

fn choices(choices: &ChoicesDescription, languages: &Languages) -> Members {
    let custom = choices.is_custom_option_set;
    let mut members = Members::new();
    let m = &mut members;
    truth(m, "IsCustomOptionSet", custom);
    truth(m, "IsGlobal", choices.is_global);
    truth(m, "IsManaged", !custom);
    text(m, "Name", choices.name.as_str());
    put(m, "ExternalTypeName", Json::Null);
    text(
        m,
        "OptionSetType",
        match choices.option_set_type.as_str() {
            "" => "Picklist",
            kind => kind,
        },
    );
    text(m, "IntroducedVersion", INTRODUCED);
    put(m, "ParentOptionSetName", Json::Null);
    let of = format!("choices/{}", choices.name);
    put(
        m,
        "Description",
        label(&choices.description, &format!("{of}/d"), custom, languages),
    );
    put(
        m,
        "DisplayName",
        label(&choices.display_name, &of, custom, languages),
    );
    flag(m, "IsCustomizable", true, "iscustomizable");
    let one = |described: &OptionDescription| {
        option(described, &of, custom, &choices.option_set_type, languages)
    };
    if choices.option_set_type == "Boolean" {
        let with = |value: i64| {
            let found = choices.options.iter().find(|option| option.value == value);
            found.map_or(Json::Null, one)
        };
        put(m, "TrueOption", with(1));
        put(m, "FalseOption", with(0));
    } else {
        put(
            m,
            "Options",
            Json::Array(choices.options.iter().map(one).collect()),
        );
    }
    members
}

fn option(
    option: &OptionDescription,
    of: &str,
    custom: bool,
    set_type: &str,
    languages: &Languages,
) -> Json {
    let mut members = Members::new();
    let m = &mut members;
    match set_type {
        "State" => text(
            m,
            "@odata.type",
            "#Microsoft.Dynamics.CRM.StateOptionMetadata",
        ),
        "Status" => text(
            m,
            "@odata.type",
            "#Microsoft.Dynamics.CRM.StatusOptionMetadata",
        ),
        _ => {}
    }
    put(m, "Value", integer(option.value));
    match set_type {
        "State" => {
            put(
                m,
                "DefaultStatus",
                option.default_status.map_or(Json::Null, integer),
            );
            optional(m, "InvariantName", option.label.base());
        }
        "Status" => {
            put(m, "State", option.state.map_or(Json::Null, integer));
            put(m, "TransitionData", Json::Null);
        }
        _ => {}
    }
    optional(m, "Color", option.color.as_deref());
    truth(m, "IsManaged", !custom);
    put(m, "ExternalValue", Json::Null);
    put(m, "ParentValues", Json::Array(Vec::new()));
    put(m, "Tag", Json::Null);
    truth(m, "IsHidden", false);
    put(m, "MetadataId", Json::Null);
    put(m, "HasChanged", Json::Null);
    let of = format!("{of}/{}", option.value);
    put(m, "Label", label(&option.label, &of, custom, languages));
    put(
        m,
        "Description",
        label(&Label::default(), &of, custom, languages),
    );
    Json::Object(members)
}

/// Only organizations make keys: the system's tables have none of their own.
fn key(table: &Table, key: &KeyDescription, languages: &Languages) -> Members {
    let name = label(
        &key.display_name.clone().unwrap_or_default(),
        &format!("key/{}/{}", table.logical, key.logical_name),
        true,
        languages,
    );
    let mut members = Members::new();
    let m = &mut members;
    text(m, "LogicalName", key.logical_name.as_str());
    text(
        m,
        "SchemaName",
        key.schema_name.as_deref().unwrap_or(&key.logical_name),
    );
    text(m, "EntityLogicalName", table.logical.as_str());
    let columns = key.key_attributes.iter();
    put(
        m,
        "KeyAttributes",
        Json::Array(columns.map(|name| Json::text(name.as_str())).collect()),
    );
    let status = if key.failed { "Failed" } else { "Active" };
    text(m, "EntityKeyIndexStatus", status);
    put(m, "AsyncJob", Json::Null);
    truth(m, "IsManaged", false);
    truth(m, "IsSynchronous", false);
    truth(m, "IsExportKey", false);
    text(m, "IntroducedVersion", INTRODUCED);
    put(m, "DisplayName", name);
    flag(m, "IsCustomizable", true, "iscustomizable");
    members
}

fn menu() -> Json {
    let label = label(&Label::default(), "menu", false, &Languages::default());
    Json::Object(vec![
        ("Behavior".to_owned(), Json::text("UseCollectionName")),
        ("Group".to_owned(), Json::text("Details")),
        ("Order".to_owned(), integer(10_000)),
        ("IsCustomizable".to_owned(), Json::Boolean(true)),
        ("Icon".to_owned(), Json::Null),
        ("ViewId".to_owned(), Json::Null),
        ("AvailableOffline".to_owned(), Json::Boolean(true)),
        ("MenuId".to_owned(), Json::Null),
        ("QueryApi".to_owned(), Json::Null),
        ("Label".to_owned(), label),
    ])
}

fn relationship(m: &mut Members, schema: &str, kind: &str) {
    let custom = schema.starts_with("new_");
    truth(m, "IsCustomRelationship", custom);
    truth(m, "IsValidForAdvancedFind", true);
    text(m, "SchemaName", schema);
    text(m, "SecurityTypes", "Append");
    truth(m, "IsManaged", !custom);
    text(m, "RelationshipType", kind);
    text(m, "IntroducedVersion", INTRODUCED);
    flag(m, "IsCustomizable", true, "iscustomizable");
}

fn one_to_many(child: &Table, parent: &ParentDescription) -> Members {
    let mut members = Members::new();
    let m = &mut members;
    for (name, value) in [
        ("ReferencedAttribute", &parent.referenced_attribute),
        ("ReferencedEntity", &parent.referenced_entity),
        ("ReferencingAttribute", &parent.referencing_attribute),
        ("ReferencingEntity", &child.logical),
        (
            "ReferencedEntityNavigationPropertyName",
            &parent.referenced_entity_navigation_property_name,
        ),
        (
            "ReferencingEntityNavigationPropertyName",
            &parent.referencing_entity_navigation_property_name,
        ),
    ] {
        text(m, name, value.as_str());
    }
    truth(m, "IsHierarchical", false);
    put(m, "EntityKey", Json::Null);
    truth(m, "IsRelationshipAttributeDenormalized", false);
    put(m, "RelationshipAttributes", Json::Array(Vec::new()));
    put(m, "RelationshipBehavior", integer(1));
    truth(m, "IsDenormalizedLookup", false);
    relationship(m, &parent.schema_name, "OneToManyRelationship");
    put(m, "AssociatedMenuConfiguration", menu());
    let delete = parent.cascade_delete.unwrap_or(OnDelete::NoCascade);
    let others = if delete == OnDelete::Cascade {
        "Cascade"
    } else {
        "NoCascade"
    };
    let delete = match delete {
        OnDelete::Cascade => "Cascade",
        OnDelete::RemoveLink => "RemoveLink",
        OnDelete::Restrict => "Restrict",
        OnDelete::NoCascade => "NoCascade",
    };
    let cascades = [
        ("Assign", others),
        ("Delete", delete),
        ("Archive", others),
        ("Merge", others),
        ("Reparent", others),
        ("Share", others),
        ("Unshare", others),
        ("RollupView", "NoCascade"),
    ];
    let cascades = cascades.map(|(name, value)| (name.to_owned(), Json::text(value)));
    put(m, "CascadeConfiguration", Json::Object(cascades.into()));
    members
}

fn many_to_many(pair: &ManyToMany) -> Members {
    let mut members = Members::new();
    let m = &mut members;
    for (name, value) in [
        ("IntersectEntityName", &pair.intersect_entity_name),
        ("Entity1LogicalName", &pair.entity1_logical_name),
        (
            "Entity1IntersectAttribute",
            &pair.entity1_intersect_attribute,
        ),
        (
            "Entity1NavigationPropertyName",
            &pair.entity1_navigation_property_name,
        ),
        ("Entity2LogicalName", &pair.entity2_logical_name),
        (
            "Entity2IntersectAttribute",
            &pair.entity2_intersect_attribute,
        ),
        (
            "Entity2NavigationPropertyName",
            &pair.entity2_navigation_property_name,
        ),
    ] {
        text(m, name, value.as_str());
    }
    relationship(m, &pair.schema_name, "ManyToManyRelationship");
    put(m, "Entity1AssociatedMenuConfiguration", menu());
    put(m, "Entity2AssociatedMenuConfiguration", menu());
    members
}

/// The members of a choice column with its options in one place, as `RetrieveMetadataChanges` tells them.
pub(super) fn options(
    column: &ColumnDescription,
    catalog: &Catalog,
    languages: &Languages,
) -> Option<Json> {
    let choices = options_of(catalog, column)?;
    Some(Json::Object(of(
        Subject::Choices(choices),
        catalog,
        languages,
    )))
}
