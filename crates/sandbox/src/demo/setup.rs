//! Rows of the platform's own tables that every organization has: privileges, views, duplicate rules, settings of users.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::fields;
use crate::messages;
use crate::metadata::catalog;
use crate::organization::ids;
use crate::security::{Role, guide_role, privilege_id};
use crate::store::Fields;
use crate::value::Value;

fn id(kind: &str, key: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}/{key}").as_bytes()).to_string()
}

pub(super) fn rows() -> Vec<(&'static str, Fields)> {
    let mut rows = privileges();
    rows.extend(memberships());
    rows.extend(settings());
    rows.extend(duplicate_rules());
    rows.extend(views());
    rows.extend(messages::rows());
    rows.extend(solutions());
    rows.extend(["Orders", "Invoices", "Product", "Service"].map(|title| {
        let row = fields([
            ("subjectid", Value::from(id("subject", title))),
            ("title", Value::from(title)),
        ]);
        ("subject", row)
    }));
    let mut queue = fields([
        ("queueid", Value::from(id("queue", "care"))),
        ("name", Value::from("Customer Care")),
        ("emailaddress", Value::from("care@practice.example")),
        ("queueviewtype", Value::Integer(0)),
    ]);
    own(&mut queue, 0, 1);
    rows.push(("queue", queue));
    let mut sla = fields([
        ("slaid", Value::from(id("sla", "standard"))),
        ("name", Value::from("Standard response times")),
        ("isdefault", Value::Integer(1)),
    ]);
    own(&mut sla, 1, 2);
    rows.push(("sla", sla));
    rows
}

fn own(row: &mut Fields, state: i64, status: i64) {
    row.extend(fields([
        ("ownerid", Value::from(ids::ADMINISTRATOR)),
        ("ownerid__type", Value::from("systemuser")),
        ("owninguser", Value::from(ids::ADMINISTRATOR)),
        ("owningbusinessunit", Value::from(ids::BUSINESS_UNIT)),
        ("statecode", Value::Integer(state)),
        ("statuscode", Value::Integer(status)),
    ]));
}

/// On-premises the names of a user's privileges are looked up here (protocol page `security.md`).
fn privileges() -> Vec<(&'static str, Fields)> {
    let of_tables = catalog()
        .tables
        .iter()
        .flat_map(|table| table.description.privileges.iter().cloned());
    // Those of tables too that are not simulated.
    let of_the_guide = match guide_role() {
        Role::Custom(held) => held.into_keys().collect(),
        Role::None | Role::SystemAdministrator => Vec::new(),
    };
    let of_metadata =
        ["Entity", "Attribute", "Relationship", "OptionSet"].map(|of| format!("prvRead{of}"));
    let names: BTreeSet<String> = of_tables.chain(of_the_guide).chain(of_metadata).collect();
    // The bits of the platform's access rights.
    const RIGHTS: [(&str, i64); 8] = [
        ("prvRead", 1),
        ("prvWrite", 2),
        ("prvAppendTo", 16),
        ("prvAppend", 4),
        ("prvCreate", 32),
        ("prvDelete", 65_536),
        ("prvShare", 262_144),
        ("prvAssign", 524_288),
    ];
    let right = |name: &str| {
        let found = RIGHTS.iter().find(|(start, _)| name.starts_with(start));
        found.map_or(0, |(_, right)| *right)
    };
    names
        .into_iter()
        .map(|name| {
            let row = fields([
                ("privilegeid", Value::from(privilege_id(&name).to_string())),
                ("name", Value::from(name.as_str())),
                ("accessright", Value::Integer(right(&name))),
                ("canbebasic", Value::Integer(1)),
                ("canbelocal", Value::Integer(1)),
                ("canbedeep", Value::Integer(1)),
                ("canbeglobal", Value::Integer(1)),
            ]);
            ("privilege", row)
        })
        .collect()
}

/// Which user has which role, and who is in the team.
fn memberships() -> Vec<(&'static str, Fields)> {
    let mut rows = Vec::new();
    for (user, role) in [
        (ids::APPLICATION_USER, ids::SERVICE_ROLE),
        (ids::ON_PREMISES_USER, ids::SERVICE_ROLE),
        (ids::ADMINISTRATOR, ids::ADMINISTRATOR_ROLE),
    ] {
        let row = fields([
            (
                "systemuserrolesid",
                Value::from(id("systemuserroles", user)),
            ),
            ("systemuserid", Value::from(user)),
            ("roleid", Value::from(role)),
        ]);
        rows.push(("systemuserroles", row));
    }
    for user in [ids::ADMINISTRATOR, ids::ON_PREMISES_USER] {
        let row = fields([
            ("teammembershipid", Value::from(id("teammembership", user))),
            ("systemuserid", Value::from(user)),
            ("teamid", Value::from(ids::TEAM)),
        ]);
        rows.push(("teammembership", row));
    }
    rows
}

fn settings() -> Vec<(&'static str, Fields)> {
    let users = [
        ids::APPLICATION_USER,
        ids::ADMINISTRATOR,
        ids::ON_PREMISES_USER,
        ids::ROLELESS_USER,
    ];
    users
        .map(|user| {
            let row = fields([
                ("systemuserid", Value::from(user)),
                ("uilanguageid", Value::Integer(1033)),
                ("helplanguageid", Value::Integer(1033)),
                ("localeid", Value::Integer(1033)),
                ("timezonecode", Value::Integer(92)),
                ("paginglimit", Value::Integer(50)),
                ("dateformatstring", Value::from("M/d/yyyy")),
                ("timeformatstring", Value::from("h:mm tt")),
                ("currencysymbol", Value::from("$")),
            ]);
            ("usersettings", row)
        })
        .into()
}

/// The rules that an organization has by default (protocol page `duplicates.md`, section "Default rules").
fn duplicate_rules() -> Vec<(&'static str, Fields)> {
    let mut rows = Vec::new();
    for (table, plural) in [
        ("account", "Accounts"),
        ("contact", "Contacts"),
        ("lead", "Leads"),
    ] {
        let rule_id = id("duplicaterule", table);
        let mut rule = fields([
            ("duplicateruleid", Value::from(rule_id.as_str())),
            (
                "name",
                Value::from(format!("{plural} with the same e-mail address")),
            ),
            ("baseentityname", Value::from(table)),
            ("matchingentityname", Value::from(table)),
            ("iscasesensitive", Value::Integer(0)),
            ("excludeinactiverecords", Value::Integer(0)),
        ]);
        own(&mut rule, 1, 2);
        rows.push(("duplicaterule", rule));
        let condition = fields([
            (
                "duplicateruleconditionid",
                Value::from(id("duplicaterulecondition", table)),
            ),
            ("regardingobjectid", Value::from(rule_id)),
            ("baseattributename", Value::from("emailaddress1")),
            ("matchingattributename", Value::from("emailaddress1")),
            ("operatorcode", Value::Integer(0)),
            ("ignoreblankvalues", Value::Integer(1)),
        ]);
        rows.push(("duplicaterulecondition", condition));
    }
    rows
}

/// What unmanaged customizations belong to. The ids of the first two are the same in every organization.
fn solutions() -> Vec<(&'static str, Fields)> {
    let publisher = id("publisher", "default");
    let mut rows = vec![(
        "publisher",
        fields([
            ("publisherid", Value::from(publisher.as_str())),
            ("uniquename", Value::from("DefaultPublisherpractice")),
            (
                "friendlyname",
                Value::from("Default Publisher for Practice"),
            ),
            ("customizationprefix", Value::from("new")),
            ("customizationoptionvalueprefix", Value::Integer(10_000)),
            ("isreadonly", Value::Integer(0)),
        ]),
    )];
    let solutions = [
        (
            "fd140aae-4df4-11dd-bd17-0019b9312238",
            "Active",
            "Active Solution",
        ),
        (
            "fd140aaf-4df4-11dd-bd17-0019b9312238",
            "Default",
            "Default Solution",
        ),
    ];
    rows.extend(solutions.map(|(id, name, label)| {
        let row = fields([
            ("solutionid", Value::from(id)),
            ("uniquename", Value::from(name)),
            ("friendlyname", Value::from(label)),
            ("version", Value::from("1.0")),
            ("ismanaged", Value::Integer(0)),
            ("isvisible", Value::from(name == "Default")),
            ("publisherid", Value::from(publisher.as_str())),
        ]);
        ("solution", row)
    }));
    rows
}

fn views() -> Vec<(&'static str, Fields)> {
    let views = [
        ("contact", "Active Contacts", "fullname", "emailaddress1"),
        ("account", "Active Accounts", "name", "telephone1"),
        ("lead", "Open Leads", "fullname", "companyname"),
        ("incident", "Active Cases", "title", "ticketnumber"),
        ("task", "Open Tasks", "subject", "scheduledend"),
    ];
    views
        .map(|(table, name, first, second)| {
            let fetch = format!(
                "<fetch version=\"1.0\" output-format=\"xml-platform\" mapping=\"logical\"><entity name=\"{table}\">\
                 <attribute name=\"{first}\"/><attribute name=\"{second}\"/><order attribute=\"{first}\"/><filter type=\"and\">\
                 <condition attribute=\"statecode\" operator=\"eq\" value=\"0\"/></filter></entity></fetch>"
            );
            let layout = format!(
                "<grid name=\"resultset\"><row name=\"result\"><cell name=\"{first}\" width=\"300\"/><cell name=\"{second}\" \
                 width=\"150\"/></row></grid>"
            );
            let row = fields([
                ("savedqueryid", Value::from(id("savedquery", table))),
                ("name", Value::from(name)),
                ("returnedtypecode", Value::from(table)),
                ("fetchxml", Value::from(fetch)),
                ("layoutxml", Value::from(layout)),
                ("querytype", Value::Integer(0)),
                ("isdefault", Value::Integer(1)),
                ("statecode", Value::Integer(0)),
                ("statuscode", Value::Integer(1)),
            ]);
            ("savedquery", row)
        })
        .into()
}
