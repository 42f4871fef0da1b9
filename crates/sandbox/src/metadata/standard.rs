//! What an organization has from the start: the embedded descriptions, the customizations of this one, German labels.

use std::collections::HashMap;

use serde::Deserialize;

use super::Catalog;
use super::description::{
    ChoicesDescription, Customizations, GERMAN, Label, ManyToMany, TableDescription,
};

const TABLES: [&str; 31] = [
    include_str!("../../metadata/account.json"),
    include_str!("../../metadata/contact.json"),
    include_str!("../../metadata/lead.json"),
    include_str!("../../metadata/incident.json"),
    include_str!("../../metadata/activitypointer.json"),
    include_str!("../../metadata/task.json"),
    include_str!("../../metadata/phonecall.json"),
    include_str!("../../metadata/incidentresolution.json"),
    include_str!("../../metadata/activityparty.json"),
    include_str!("../../metadata/annotation.json"),
    include_str!("../../metadata/systemuser.json"),
    include_str!("../../metadata/team.json"),
    include_str!("../../metadata/businessunit.json"),
    include_str!("../../metadata/transactioncurrency.json"),
    include_str!("../../metadata/role.json"),
    include_str!("../../metadata/privilege.json"),
    include_str!("../../metadata/organization.json"),
    include_str!("../../metadata/teammembership.json"),
    include_str!("../../metadata/systemuserroles.json"),
    include_str!("../../metadata/usersettings.json"),
    include_str!("../../metadata/subject.json"),
    include_str!("../../metadata/queue.json"),
    include_str!("../../metadata/sla.json"),
    include_str!("../../metadata/duplicaterule.json"),
    include_str!("../../metadata/duplicaterulecondition.json"),
    include_str!("../../metadata/savedquery.json"),
    include_str!("../../metadata/userquery.json"),
    include_str!("../../metadata/sdkmessage.json"),
    include_str!("../../metadata/sdkmessagefilter.json"),
    include_str!("../../metadata/publisher.json"),
    include_str!("../../metadata/solution.json"),
];

/// German labels. A column's label is looked up as `table.column`, then as `column`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct German {
    /// Of one row and of many.
    tables: HashMap<String, (String, String)>,
    columns: HashMap<String, String>,
    /// Of options, by their English labels.
    options: HashMap<String, String>,
}

const EMBEDDED: &str = "the embedded metadata is valid";

/// The catalog of a new organization.
pub(super) fn catalog() -> Catalog {
    let mut tables: Vec<TableDescription> = TABLES
        .iter()
        .map(|text| serde_json::from_str(text).expect(EMBEDDED))
        .collect();
    let custom: Customizations =
        serde_json::from_str(include_str!("../../metadata/custom.json")).expect(EMBEDDED);
    let german: German =
        serde_json::from_str(include_str!("../../metadata/german.json")).expect(EMBEDDED);
    for addition in custom.additions {
        let table = tables
            .iter_mut()
            .find(|table| table.logical_name == addition.logical_name)
            .expect(EMBEDDED);
        table.attributes.extend(addition.attributes);
        table
            .many_to_one_relationships
            .extend(addition.many_to_one_relationships);
        table.alternate_keys.extend(addition.alternate_keys);
    }
    tables.extend(custom.tables);
    let mut choices = custom.option_sets;
    for table in &mut tables {
        for column in &mut table.attributes {
            column.is_custom_attribute = column.logical_name.starts_with("new_");
        }
        adopt_global_choices(table, &mut choices);
        german.translate(table);
    }
    for set in &mut choices {
        set.is_global = true;
        german.translate_choices(set);
    }
    Catalog::new(tables, choices, many_to_many())
}

/// Standard global choices are described where a column has them.
fn adopt_global_choices(table: &TableDescription, choices: &mut Vec<ChoicesDescription>) {
    for column in &table.attributes {
        if let Some(set) = column.option_set.as_ref().filter(|set| set.is_global)
            && !choices.iter().any(|known| known.name == set.name)
        {
            choices.push(ChoicesDescription {
                display_name: column.display_name.clone(),
                ..set.clone()
            });
        }
    }
}

impl German {
    fn translate(&self, table: &mut TableDescription) {
        if let Some((one, many)) = self.tables.get(&table.logical_name) {
            add(&mut table.display_name, one);
            add(&mut table.display_collection_name, many);
        }
        for column in &mut table.attributes {
            let own = format!("{}.{}", table.logical_name, column.logical_name);
            let label = self.columns.get(&own);
            if let Some(label) = label.or_else(|| self.columns.get(&column.logical_name)) {
                add(&mut column.display_name, label);
            }
            if let Some(set) = &mut column.option_set {
                self.translate_choices(set);
            }
        }
    }

    fn translate_choices(&self, set: &mut ChoicesDescription) {
        if let Some(label) = self.columns.get(&set.name) {
            add(&mut set.display_name, label);
        }
        for option in &mut set.options {
            let label = option.label.base().and_then(|text| self.options.get(text));
            if let Some(label) = label {
                add(&mut option.label, label);
            }
        }
    }
}

/// What has no English label gets no German one either: a test of clients that meet a column without label.
fn add(label: &mut Label, german: &str) {
    if !label.0.is_empty() {
        label.0.insert(GERMAN, german.to_owned());
    }
}

/// The relationships of protocol page `security.md`: users in teams, roles of users.
fn many_to_many() -> Vec<ManyToMany> {
    let between = |schema: &str, intersect: &str, first: &str, second: &str| ManyToMany {
        schema_name: schema.to_owned(),
        intersect_entity_name: intersect.to_owned(),
        entity1_logical_name: first.to_owned(),
        entity1_intersect_attribute: format!("{first}id"),
        entity1_navigation_property_name: schema.to_owned(),
        entity2_logical_name: second.to_owned(),
        entity2_intersect_attribute: format!("{second}id"),
        entity2_navigation_property_name: schema.to_owned(),
    };
    vec![
        between(
            "teammembership_association",
            "teammembership",
            "systemuser",
            "team",
        ),
        between(
            "systemuserroles_association",
            "systemuserroles",
            "systemuser",
            "role",
        ),
    ]
}
