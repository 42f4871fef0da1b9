//! The demo data (deterministic: the same at each start) and the visitors that meet it.

mod company;
mod extras;
mod people;
mod random;
mod setup;
mod visitors;

pub use visitors::{SampleVisitor, sample_visitors};

use crate::metadata::table;
use crate::organization::ids;
use crate::store::{self, Fields, Store};
use crate::value::{Statement, Value};

/// When the organization was set up.
const FOUNDED: &str = "2021-03-01T08:00:00Z";

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What every organization has: itself, a business unit, a currency, roles, users, a team.
pub(crate) async fn organization(store: &Store) -> Result<(), sqlx::Error> {
    let mut transaction = store.write().await?;
    let stamp = |name: &str, mut fields: Fields| {
        for column in ["createdon", "modifiedon"] {
            if table(name).column(column).is_some() {
                fields.insert(column.to_owned(), Value::from(FOUNDED));
            }
        }
        fields.retain(|_, value| !value.is_null());
        fields.insert(
            "versionnumber".to_owned(),
            Value::Integer(store.next_version()),
        );
        fields
    };
    let unit = ("businessunitid", Value::from(ids::BUSINESS_UNIT));
    let currency = ("transactioncurrencyid", Value::from(ids::CURRENCY));
    let rows = [
        (
            "organization",
            fields([
                ("organizationid", Value::from(ids::ORGANIZATION)),
                ("name", Value::from("Practice")),
                ("languagecode", Value::Integer(1033)),
                ("currencydecimalprecision", Value::Integer(2)),
                ("isduplicatedetectionenabled", Value::Integer(1)),
                (
                    "isduplicatedetectionenabledforonlinecreateupdate",
                    Value::Integer(1),
                ),
                ("basecurrencyid", Value::from(ids::CURRENCY)),
                ("maxuploadfilesize", Value::Integer(5_242_880)),
                ("expirechangetrackingindays", Value::Integer(7)),
            ]),
        ),
        (
            "businessunit",
            fields([
                unit.clone(),
                ("name", Value::from("Practice")),
                ("isdisabled", Value::Integer(0)),
            ]),
        ),
        (
            "transactioncurrency",
            fields([
                currency,
                ("currencyname", Value::from("US Dollar")),
                ("isocurrencycode", Value::from("USD")),
                ("currencysymbol", Value::from("$")),
                ("currencyprecision", Value::Integer(2)),
                ("exchangerate", Value::Real(1.0)),
            ]),
        ),
        (
            "role",
            fields([
                ("roleid", Value::from(ids::SERVICE_ROLE)),
                ("name", Value::from("Comm100 Integration")),
                unit.clone(),
            ]),
        ),
        (
            "role",
            fields([
                ("roleid", Value::from(ids::ADMINISTRATOR_ROLE)),
                ("name", Value::from("System Administrator")),
                unit.clone(),
            ]),
        ),
        (
            "team",
            fields([
                ("teamid", Value::from(ids::TEAM)),
                ("name", Value::from("Customer Care")),
                ("teamtype", Value::Integer(0)),
                ("membershiptype", Value::Integer(0)),
                ("isdefault", Value::Integer(0)),
                ("administratorid", Value::from(ids::ADMINISTRATOR)),
                unit.clone(),
            ]),
        ),
    ];
    for (name, row) in rows {
        store::insert(&mut transaction, table(name), &stamp(name, row)).await?;
    }
    let users = [
        (
            ids::APPLICATION_USER,
            "",
            "# Comm100 Integration",
            crate::CLIENT,
            4,
        ),
        (
            ids::ADMINISTRATOR,
            "",
            "# Administration",
            crate::ADMINISTRATOR_CLIENT,
            4,
        ),
        (
            ids::ROLELESS_USER,
            "",
            "# Without Role",
            crate::ROLELESS_CLIENT,
            4,
        ),
        (ids::ON_PREMISES_USER, "Integration", "User", "", 0),
    ];
    for (id, first, last, application, mode) in users {
        let email = if application.is_empty() {
            Value::from(crate::LOGIN_EMAIL)
        } else {
            Value::Null
        };
        let application = if application.is_empty() {
            Value::Null
        } else {
            Value::from(application)
        };
        let row = user(id, first, last, email, application, mode);
        store::insert(
            &mut transaction,
            table("systemuser"),
            &stamp("systemuser", row),
        )
        .await?;
    }
    for (name, row) in setup::rows() {
        store::insert(&mut transaction, table(name), &stamp(name, row)).await?;
    }
    for (id, (first, last)) in ids::PEOPLE.into_iter().zip(crate::PEOPLE) {
        let email = Value::from(crate::email(first, last));
        let row = user(id, first, last, email, Value::Null, 0);
        store::insert(
            &mut transaction,
            table("systemuser"),
            &stamp("systemuser", row),
        )
        .await?;
    }
    transaction.commit().await
}

fn user(id: &str, first: &str, last: &str, email: Value, application: Value, mode: i64) -> Fields {
    let full = format!("{first} {last}");
    let name = if first.is_empty() {
        Value::Null
    } else {
        Value::from(first)
    };
    fields([
        ("systemuserid", Value::from(id)),
        (
            "azureactivedirectoryobjectid",
            Value::from(crate::auth::object_id(id)),
        ),
        ("firstname", name),
        ("lastname", Value::from(last)),
        ("fullname", Value::from(full.trim())),
        ("domainname", email.clone()),
        ("internalemailaddress", email),
        ("applicationid", application),
        ("businessunitid", Value::from(ids::BUSINESS_UNIT)),
        ("isdisabled", Value::Integer(0)),
        ("islicensed", Value::from(mode == 0)),
        ("accessmode", Value::Integer(mode)),
        ("caltype", Value::Integer(0)),
        ("isintegrationuser", Value::Integer(0)),
    ])
}

/// The number of the next case.
pub(crate) async fn next_ticket(store: &Store) -> Result<u32, sqlx::Error> {
    let statement = Statement::new("SELECT COUNT(*) FROM incident");
    let row = statement.query().fetch_one(store.pool()).await?;
    let cases = Value::at(&row, 0)?.integer().unwrap_or(0);
    Ok(1000 + u32::try_from(cases).unwrap_or(0))
}

/// A company's data, with so many contacts.
pub(crate) async fn company(store: &Store, contacts: usize) -> Result<(), sqlx::Error> {
    company::fill(store, contacts).await
}
