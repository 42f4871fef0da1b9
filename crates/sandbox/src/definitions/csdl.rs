//! `$metadata`: the organization's schema as CSDL (protocol page `metadata.md`, section "$metadata").

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};

use super::subject::{parents, relationships};
use crate::api::Call;
use crate::errors::{ApiError, REQUEST};
use crate::metadata::{Catalog, Column, Kind, Table, catalog};
use crate::server::Answer;

/// Answers `GET $metadata`. Whoever accepts only JSON gets 415.
pub(crate) fn get(call: &Call<'_>) -> Result<Answer, ApiError> {
    let accept = call.request.header("accept").unwrap_or("*/*");
    if !["*/*", "xml", "application/*"]
        .iter()
        .any(|kind| accept.contains(kind))
    {
        return Err(ApiError::new(
            415,
            REQUEST,
            format!(
                "A supported MIME type could not be found that matches the acceptable MIME types for the request. The supported type(s) 'application/xml' do not match any of the acceptable MIME types '{accept}'."
            ),
        ));
    }
    let annotated = sandbox_syntax::options::pairs(&call.request.query)
        .iter()
        .any(|(name, value)| name == "annotations" && value == "true");
    let text = document(catalog(), annotated).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the schema could not be written"
        );
        ApiError::unexpected()
    })?;
    Ok(Answer::new(200, "application/xml", text).header("odata-version", "4.0"))
}

type Attributes<'a> = &'a [(&'a str, &'a str)];

struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn open(&mut self, name: &str, attributes: Attributes<'_>) -> std::io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Start(start))
    }

    fn close(&mut self, name: &str) -> std::io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    fn empty(&mut self, name: &str, attributes: Attributes<'_>) -> std::io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Empty(start))
    }
}

/// A navigation property, as type and container tell it.
struct Navigation {
    name: String,
    /// Logical name of the table it leads to; `principal` for owners.
    target: String,
    many: bool,
    partner: Option<String>,
    /// The look-up's property and the key that it points to.
    constraint: Option<(String, String)>,
}

fn document(catalog: &Catalog, annotated: bool) -> std::io::Result<String> {
    let mut xml = Xml(Writer::new(Vec::new()));
    xml.0
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    xml.open(
        "edmx:Edmx",
        &[
            ("Version", "4.0"),
            ("xmlns:edmx", "http://docs.oasis-open.org/odata/ns/edmx"),
        ],
    )?;
    for (uri, namespace, alias) in [
        (
            "http://vocabularies.odata.org/OData.Community.Keys.V1.xml",
            "OData.Community.Keys.V1",
            "Keys",
        ),
        (
            "http://vocabularies.odata.org/OData.Core.V1.xml",
            "Org.OData.Core.V1",
            "Core",
        ),
    ] {
        xml.open("edmx:Reference", &[("Uri", uri)])?;
        xml.empty(
            "edmx:Include",
            &[("Namespace", namespace), ("Alias", alias)],
        )?;
        xml.close("edmx:Reference")?;
    }
    xml.open("edmx:DataServices", &[])?;
    xml.open(
        "Schema",
        &[
            ("Namespace", "Microsoft.Dynamics.CRM"),
            ("Alias", "mscrm"),
            ("xmlns", "http://docs.oasis-open.org/odata/ns/edm"),
        ],
    )?;
    xml.empty(
        "EntityType",
        &[("Name", "crmbaseentity"), ("Abstract", "true")],
    )?;
    xml.open(
        "EntityType",
        &[("Name", "principal"), ("BaseType", "mscrm.crmbaseentity")],
    )?;
    key(&mut xml, "ownerid")?;
    xml.empty("Property", &[("Name", "ownerid"), ("Type", "Edm.Guid")])?;
    xml.close("EntityType")?;
    let navigations = navigations(catalog);
    for table in &catalog.tables {
        entity_type(&mut xml, catalog, table, &navigations, annotated)?;
    }
    operations(&mut xml)?;
    container(&mut xml, catalog, &navigations)?;
    xml.close("Schema")?;
    xml.close("edmx:DataServices")?;
    xml.close("edmx:Edmx")?;
    String::from_utf8(xml.0.into_inner()).map_err(std::io::Error::other)
}

fn key(xml: &mut Xml, property: &str) -> std::io::Result<()> {
    xml.open("Key", &[])?;
    xml.empty("PropertyRef", &[("Name", property)])?;
    xml.close("Key")
}

/// The type that a table's type extends.
fn base_of(table: &Table) -> &'static str {
    match table.logical.as_str() {
        "systemuser" | "team" => "principal",
        "activitypointer" => "crmbaseentity",
        _ if table.is_activity => "activitypointer",
        _ => "crmbaseentity",
    }
}

/// Every table's own navigation properties by its logical name. An activity inherits those of `activitypointer`.
fn navigations(catalog: &Catalog) -> BTreeMap<String, Vec<Navigation>> {
    let mut of: BTreeMap<String, Vec<Navigation>> = BTreeMap::new();
    for table in &catalog.tables {
        for parent in parents(catalog, table) {
            let Some(column) = table.column(&parent.referencing_attribute) else {
                continue;
            };
            let owner = parent.referenced_entity == "owner";
            let target = if owner {
                "principal"
            } else {
                &parent.referenced_entity
            };
            of.entry(table.logical.clone())
                .or_default()
                .push(Navigation {
                    name: parent.referencing_entity_navigation_property_name.clone(),
                    target: target.to_owned(),
                    many: false,
                    partner: (!owner)
                        .then(|| parent.referenced_entity_navigation_property_name.clone()),
                    constraint: Some((
                        column.property.clone(),
                        parent.referenced_attribute.clone(),
                    )),
                });
        }
    }
    for (child, parent) in relationships(catalog) {
        if parent.referenced_entity != "owner" {
            of.entry(parent.referenced_entity.clone())
                .or_default()
                .push(Navigation {
                    name: parent.referenced_entity_navigation_property_name.clone(),
                    target: child.logical.clone(),
                    many: true,
                    partner: Some(parent.referencing_entity_navigation_property_name.clone()),
                    constraint: None,
                });
        }
    }
    for pair in &catalog.many_to_many {
        let first = (
            &pair.entity1_logical_name,
            &pair.entity1_navigation_property_name,
        );
        let second = (
            &pair.entity2_logical_name,
            &pair.entity2_navigation_property_name,
        );
        for (own, other) in [(first, second), (second, first)] {
            of.entry(own.0.clone()).or_default().push(Navigation {
                name: own.1.clone(),
                target: other.0.clone(),
                many: true,
                partner: Some(other.1.clone()),
                constraint: None,
            });
        }
    }
    let inherited: BTreeSet<String> = of
        .get("activitypointer")
        .into_iter()
        .flatten()
        .map(|navigation| navigation.name.clone())
        .collect();
    for table in catalog
        .tables
        .iter()
        .filter(|table| base_of(table) == "activitypointer")
    {
        if let Some(own) = of.get_mut(&table.logical) {
            own.retain(|navigation| !inherited.contains(&navigation.name));
        }
    }
    of
}

fn entity_type(
    xml: &mut Xml,
    catalog: &Catalog,
    table: &Table,
    navigations: &BTreeMap<String, Vec<Navigation>>,
    annotated: bool,
) -> std::io::Result<()> {
    let base = base_of(table);
    let base_type = format!("mscrm.{base}");
    xml.open(
        "EntityType",
        &[("Name", &table.logical), ("BaseType", &base_type)],
    )?;
    if base == "crmbaseentity" {
        key(xml, &table.id)?;
    }
    let inherits = catalog.table(base);
    for column in &table.columns {
        if inherits.is_none_or(|base| base.column(&column.name).is_none()) {
            property(xml, table, column, annotated)?;
        }
    }
    for navigation in navigations.get(&table.logical).into_iter().flatten() {
        let single = format!("mscrm.{}", navigation.target);
        let many = format!("Collection({single})");
        let mut attributes = vec![
            ("Name", navigation.name.as_str()),
            ("Type", if navigation.many { &many } else { &single }),
        ];
        if !navigation.many {
            attributes.push(("Nullable", "false"));
        }
        if let Some(partner) = &navigation.partner {
            attributes.push(("Partner", partner));
        }
        let Some((own, other)) = &navigation.constraint else {
            xml.empty("NavigationProperty", &attributes)?;
            continue;
        };
        xml.open("NavigationProperty", &attributes)?;
        xml.empty(
            "ReferentialConstraint",
            &[("Property", own), ("ReferencedProperty", other)],
        )?;
        xml.close("NavigationProperty")?;
    }
    for alternate in &table.alternate_keys {
        alternate_key(xml, table, &alternate.columns)?;
    }
    xml.close("EntityType")
}

fn alternate_key(xml: &mut Xml, table: &Table, columns: &[String]) -> std::io::Result<()> {
    xml.open(
        "Annotation",
        &[("Term", "OData.Community.Keys.V1.AlternateKeys")],
    )?;
    xml.open("Collection", &[])?;
    xml.open(
        "Record",
        &[("Type", "OData.Community.Keys.V1.AlternateKey")],
    )?;
    xml.open("PropertyValue", &[("Property", "Key")])?;
    xml.open("Collection", &[])?;
    for name in columns {
        let property = table.column(name).map_or(name, |column| &column.property);
        xml.open("Record", &[("Type", "OData.Community.Keys.V1.PropertyRef")])?;
        xml.empty(
            "PropertyValue",
            &[("Property", "Alias"), ("String", property)],
        )?;
        xml.empty(
            "PropertyValue",
            &[("Property", "Name"), ("PropertyPath", property)],
        )?;
        xml.close("Record")?;
    }
    xml.close("Collection")?;
    xml.close("PropertyValue")?;
    xml.close("Record")?;
    xml.close("Collection")?;
    xml.close("Annotation")
}

fn property(xml: &mut Xml, table: &Table, column: &Column, annotated: bool) -> std::io::Result<()> {
    let described = table
        .description
        .attributes
        .iter()
        .find(|described| described.logical_name == column.name);
    let edm = described
        .and_then(|described| described.edm_type.as_deref())
        .unwrap_or(column.kind.edm());
    let mut attributes = vec![("Name", column.property.as_str()), ("Type", edm)];
    match column.kind {
        Kind::Text if edm == "Edm.String" => attributes.push(("Unicode", "false")),
        Kind::Decimal | Kind::Money => attributes.push(("Scale", "Variable")),
        Kind::Text
        | Kind::MultiChoice
        | Kind::Integer
        | Kind::BigInt
        | Kind::Double
        | Kind::Boolean
        | Kind::DateTime
        | Kind::Date
        | Kind::Choice
        | Kind::Guid
        | Kind::Lookup => {}
    }
    let computed = column.kind == Kind::Lookup || !column.creatable && !column.updatable;
    if !computed && !annotated {
        return xml.empty("Property", &attributes);
    }
    xml.open("Property", &attributes)?;
    if annotated {
        xml.empty(
            "Annotation",
            &[
                ("Term", "Org.OData.Core.V1.Description"),
                ("String", &column.label),
            ],
        )?;
    }
    if computed {
        xml.empty(
            "Annotation",
            &[("Term", "Org.OData.Core.V1.Computed"), ("Bool", "true")],
        )?;
        xml.open("Annotation", &[("Term", "Org.OData.Core.V1.Permissions")])?;
        xml.open("EnumMember", &[])?;
        xml.0
            .write_event(Event::Text(quick_xml::events::BytesText::new(
                "Org.OData.Core.V1.PermissionType/Read",
            )))?;
        xml.close("EnumMember")?;
        xml.close("Annotation")?;
    }
    xml.close("Property")
}

/// An action or function: name, parameters (of a bound one the first is what it is bound to), what it returns.
struct Operation {
    is_function: bool,
    name: &'static str,
    bound: bool,
    parameters: &'static [(&'static str, &'static str)],
    returns: Option<&'static str>,
}

const fn operation(
    is_function: bool,
    name: &'static str,
    bound: bool,
    parameters: &'static [(&'static str, &'static str)],
    returns: Option<&'static str>,
) -> Operation {
    Operation {
        is_function,
        name,
        bound,
        parameters,
        returns,
    }
}

const BASE: &str = "mscrm.crmbaseentity";
const TEXT: &str = "Edm.String";
const INTEGER: &str = "Edm.Int32";
const TRUTH: &str = "Edm.Boolean";

const OPERATIONS: &[Operation] = &[
    operation(true, "WhoAmI", false, &[], Some("mscrm.WhoAmIResponse")),
    operation(
        true,
        "RetrieveVersion",
        false,
        &[],
        Some("mscrm.RetrieveVersionResponse"),
    ),
    operation(
        true,
        "RetrieveProvisionedLanguages",
        false,
        &[],
        Some("mscrm.RetrieveProvisionedLanguagesResponse"),
    ),
    operation(
        true,
        "RetrieveDuplicates",
        false,
        &[
            ("BusinessEntity", BASE),
            ("MatchingEntityName", TEXT),
            ("PagingInfo", "mscrm.PagingInfo"),
        ],
        Some("Collection(mscrm.crmbaseentity)"),
    ),
    operation(
        true,
        "RetrieveUserPrivileges",
        true,
        &[("entity", "mscrm.systemuser")],
        Some("mscrm.RetrieveUserPrivilegesResponse"),
    ),
    operation(
        true,
        "RetrieveTeamPrivileges",
        true,
        &[("entity", "mscrm.team")],
        Some("mscrm.RetrieveTeamPrivilegesResponse"),
    ),
    operation(
        true,
        "RetrieveUserPrivilegeByPrivilegeName",
        true,
        &[("entity", "mscrm.systemuser"), ("PrivilegeName", TEXT)],
        Some("mscrm.RetrieveUserPrivilegeByPrivilegeNameResponse"),
    ),
    operation(
        true,
        "RetrieveUserPrivilegeByPrivilegeId",
        true,
        &[("entity", "mscrm.systemuser"), ("PrivilegeId", "Edm.Guid")],
        Some("mscrm.RetrieveUserPrivilegeByPrivilegeIdResponse"),
    ),
    operation(
        true,
        "RetrievePrincipalAccess",
        true,
        &[("entity", "mscrm.principal"), ("Target", BASE)],
        Some("mscrm.RetrievePrincipalAccessResponse"),
    ),
    operation(
        true,
        "RetrievePrincipalAccessInfo",
        true,
        &[
            ("entity", "mscrm.principal"),
            ("ObjectId", "Edm.Guid"),
            ("EntityName", TEXT),
        ],
        Some("mscrm.RetrievePrincipalAccessInfoResponse"),
    ),
    operation(
        true,
        "RetrieveAvailableLanguages",
        false,
        &[],
        Some("mscrm.RetrieveAvailableLanguagesResponse"),
    ),
    operation(
        false,
        "CloseIncident",
        false,
        &[
            ("IncidentResolution", "mscrm.incidentresolution"),
            ("Status", INTEGER),
        ],
        None,
    ),
    operation(
        false,
        "QualifyLead",
        true,
        &[
            ("entity", "mscrm.lead"),
            ("CreateAccount", TRUTH),
            ("CreateContact", TRUTH),
            ("CreateOpportunity", TRUTH),
            ("Status", INTEGER),
        ],
        Some("Collection(mscrm.crmbaseentity)"),
    ),
    operation(false, "PublishAllXml", false, &[], None),
    operation(false, "PublishXml", false, &[("ParameterXml", TEXT)], None),
    operation(
        false,
        "InsertOptionValue",
        false,
        &[
            ("OptionSetName", TEXT),
            ("AttributeLogicalName", TEXT),
            ("EntityLogicalName", TEXT),
            ("Value", INTEGER),
        ],
        Some("mscrm.InsertOptionValueResponse"),
    ),
    operation(
        false,
        "UpdateOptionValue",
        false,
        &[
            ("OptionSetName", TEXT),
            ("AttributeLogicalName", TEXT),
            ("EntityLogicalName", TEXT),
            ("Value", INTEGER),
            ("MergeLabels", TRUTH),
        ],
        None,
    ),
    operation(
        false,
        "DeleteOptionValue",
        false,
        &[
            ("OptionSetName", TEXT),
            ("AttributeLogicalName", TEXT),
            ("EntityLogicalName", TEXT),
            ("Value", INTEGER),
        ],
        None,
    ),
];

const COMPLEX_TYPES: &[(&str, &[(&str, &str)])] = &[
    (
        "WhoAmIResponse",
        &[
            ("BusinessUnitId", "Edm.Guid"),
            ("UserId", "Edm.Guid"),
            ("OrganizationId", "Edm.Guid"),
        ],
    ),
    ("RetrieveVersionResponse", &[("Version", TEXT)]),
    (
        "RetrieveProvisionedLanguagesResponse",
        &[("RetrieveProvisionedLanguages", "Collection(Edm.Int32)")],
    ),
    ("InsertOptionValueResponse", &[("NewOptionValue", INTEGER)]),
    (
        "PagingInfo",
        &[
            ("PageNumber", INTEGER),
            ("Count", INTEGER),
            ("ReturnTotalRecordCount", TRUTH),
            ("PagingCookie", TEXT),
        ],
    ),
    (
        "RolePrivilege",
        &[
            ("Depth", "mscrm.PrivilegeDepth"),
            ("PrivilegeId", "Edm.Guid"),
            ("BusinessUnitId", "Edm.Guid"),
            ("PrivilegeName", TEXT),
        ],
    ),
    (
        "RetrieveAvailableLanguagesResponse",
        &[("LocaleIds", "Collection(Edm.Int32)")],
    ),
    ("RetrieveUserPrivilegesResponse", PRIVILEGES),
    ("RetrieveTeamPrivilegesResponse", PRIVILEGES),
    ("RetrieveUserPrivilegeByPrivilegeNameResponse", PRIVILEGES),
    ("RetrieveUserPrivilegeByPrivilegeIdResponse", PRIVILEGES),
    (
        "RetrievePrincipalAccessResponse",
        &[("AccessRights", "mscrm.AccessRights")],
    ),
    (
        "RetrievePrincipalAccessInfoResponse",
        &[("AccessInfo", TEXT)],
    ),
];

const PRIVILEGES: &[(&str, &str)] = &[("RolePrivileges", "Collection(mscrm.RolePrivilege)")];

struct Enumeration {
    name: &'static str,
    /// Are members combined?
    is_flags: bool,
    members: Attributes<'static>,
}

const ENUMERATIONS: &[Enumeration] = &[
    Enumeration {
        name: "PrivilegeDepth",
        is_flags: false,
        members: &[
            ("Basic", "0"),
            ("Local", "1"),
            ("Deep", "2"),
            ("Global", "3"),
        ],
    },
    Enumeration {
        name: "AccessRights",
        is_flags: true,
        members: &[
            ("None", "0"),
            ("ReadAccess", "1"),
            ("WriteAccess", "2"),
            ("AppendAccess", "4"),
            ("AppendToAccess", "16"),
            ("CreateAccess", "32"),
            ("DeleteAccess", "65536"),
            ("ShareAccess", "262144"),
            ("AssignAccess", "524288"),
        ],
    },
];

fn operations(xml: &mut Xml) -> std::io::Result<()> {
    for enumeration in ENUMERATIONS {
        let mut attributes = vec![("Name", enumeration.name)];
        if enumeration.is_flags {
            attributes.push(("IsFlags", "true"));
        }
        xml.open("EnumType", &attributes)?;
        for (name, value) in enumeration.members {
            xml.empty("Member", &[("Name", name), ("Value", value)])?;
        }
        xml.close("EnumType")?;
    }
    for (name, properties) in COMPLEX_TYPES {
        xml.open("ComplexType", &[("Name", name)])?;
        for (name, kind) in *properties {
            xml.empty("Property", &[("Name", name), ("Type", kind)])?;
        }
        xml.close("ComplexType")?;
    }
    for operation in OPERATIONS {
        let element = if operation.is_function {
            "Function"
        } else {
            "Action"
        };
        let mut attributes = vec![("Name", operation.name)];
        if operation.bound {
            attributes.push(("IsBound", "true"));
        }
        xml.open(element, &attributes)?;
        for (name, kind) in operation.parameters {
            xml.empty("Parameter", &[("Name", name), ("Type", kind)])?;
        }
        if let Some(kind) = operation.returns {
            xml.empty("ReturnType", &[("Type", kind), ("Nullable", "false")])?;
        }
        xml.close(element)?;
    }
    Ok(())
}

fn container(
    xml: &mut Xml,
    catalog: &Catalog,
    navigations: &BTreeMap<String, Vec<Navigation>>,
) -> std::io::Result<()> {
    xml.open("EntityContainer", &[("Name", "System")])?;
    for table in &catalog.tables {
        let of = format!("Microsoft.Dynamics.CRM.{}", table.logical);
        xml.open("EntitySet", &[("Name", &table.set), ("EntityType", &of)])?;
        let inherited = navigations.get(base_of(table));
        let own = navigations.get(&table.logical);
        for navigation in own.into_iter().chain(inherited).flatten() {
            if let Some(target) = catalog.table(&navigation.target) {
                xml.empty(
                    "NavigationPropertyBinding",
                    &[("Path", &navigation.name), ("Target", &target.set)],
                )?;
            }
        }
        xml.close("EntitySet")?;
    }
    for operation in OPERATIONS.iter().filter(|operation| !operation.bound) {
        let of = format!("Microsoft.Dynamics.CRM.{}", operation.name);
        let (element, attribute) = if operation.is_function {
            ("FunctionImport", "Function")
        } else {
            ("ActionImport", "Action")
        };
        xml.empty(element, &[("Name", operation.name), (attribute, &of)])?;
    }
    xml.close("EntityContainer")
}
