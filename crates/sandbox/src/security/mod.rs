//! Who may do what: privileges per table, how far they reach, and the 403 answers (protocol page `security.md`).
//!
//! `role`: privileges and depths, the guide's role. `directory`: all users, and who acts for whom.

mod directory;
mod role;

use std::collections::BTreeSet;

use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::auth::object_id;
use crate::errors::ApiError;
use crate::metadata::{Column, Table};
use crate::query::Query;
use crate::store::{self, Fields};
use crate::value::{Statement, Value};

pub(crate) use directory::{Directory, Impersonation, Principal};
pub(crate) use role::{Depth, Role, guide_role};

/// What a privilege allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Create,
    Read,
    Write,
    Delete,
    Append,
    AppendTo,
    Assign,
    Share,
}

impl Access {
    /// In the order of their bits, in which `AccessRights` names them.
    pub(crate) const ALL: [Access; 8] = [
        Access::Read,
        Access::Write,
        Access::Append,
        Access::AppendTo,
        Access::Create,
        Access::Delete,
        Access::Share,
        Access::Assign,
    ];

    /// The privilege's name: `prvReadContact`.
    fn of(self, table: &Table) -> String {
        format!("prv{}{}", self.name(), table.privilege)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Access::Create => "Create",
            Access::Read => "Read",
            Access::Write => "Write",
            Access::Delete => "Delete",
            Access::Append => "Append",
            Access::AppendTo => "AppendTo",
            Access::Assign => "Assign",
            Access::Share => "Share",
        }
    }
}

/// The columns of a table by which a privilege's depth tells rows apart.
struct Belonging {
    /// Whose the row is. A team is nobody's.
    owner: Option<&'static str>,
    unit: &'static str,
}

impl Belonging {
    /// `None` for tables that belong to the organization.
    fn of(table: &Table) -> Option<Belonging> {
        let (owner, unit) = match table.logical.as_str() {
            "systemuser" => (Some("systemuserid"), "businessunitid"),
            "team" => (None, "businessunitid"),
            _ if table.user_owned => (Some("ownerid"), "owningbusinessunit"),
            _ => return None,
        };
        Some(Belonging { owner, unit })
    }
}

/// A privilege's id, made from its name.
pub(crate) fn privilege_id(privilege: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, privilege.as_bytes())
}

/// Which rows of a table a privilege reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    /// Of the caller's unit and those beneath it.
    UnitsBeneath,
    Unit,
    /// Those whose column has the caller's id.
    Own(&'static str),
    None,
}

/// The rows whose column has one of these values.
#[derive(Debug, Clone)]
pub(crate) struct Within {
    pub(crate) column: &'static Column,
    pub(crate) values: Vec<Value>,
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) id: String,
    pub(crate) business_unit: String,
    /// The user who makes the request for this one.
    pub(crate) acted_by: Option<String>,
    role: Role,
    /// The unit and all beneath it, once they are known.
    units: BTreeSet<String>,
}

impl Caller {
    fn new(id: &str, principal: &Principal) -> Caller {
        Caller {
            id: id.to_owned(),
            business_unit: principal.business_unit.clone(),
            acted_by: None,
            role: principal.role.clone(),
            units: BTreeSet::new(),
        }
    }

    /// 403 unless the caller's role allows this, for some row at least.
    pub(crate) fn require(&self, access: Access, table: &Table) -> Result<(), ApiError> {
        // Some tables (`organization`'s like) are there for everybody to read who has a role.
        if table.privilege.is_empty() && access == Access::Read && self.role != Role::None {
            return Ok(());
        }
        self.require_named(
            &access.of(table),
            table.type_code,
            &table.logical,
            &table.label,
        )
    }

    /// May the caller change the schema? Only the System Administrator may, here.
    pub(crate) fn may_customize(&self) -> bool {
        self.role == Role::SystemAdministrator
    }

    /// 403 unless the caller holds a privilege. The table's type code, logical name and label are for the message.
    fn require_named(
        &self,
        privilege: &str,
        code: i64,
        table: &str,
        label: &str,
    ) -> Result<(), ApiError> {
        if self.role.depth(privilege).is_some() {
            return Ok(());
        }
        if self.role == Role::None {
            return Err(ApiError::new(
                403,
                "0x80042f09",
                format!(
                    "The user with id {} has not been assigned any roles. They need a role with the {privilege} \
                     privilege.",
                    self.id
                ),
            ));
        }
        Err(ApiError::new(
            403,
            "0x80040220",
            self.missing(privilege, code, table, label),
        ))
    }

    /// Reads which business units lie beneath the caller's own, if any privilege reaches them.
    pub(crate) async fn know_units(
        &mut self,
        database: impl sqlx::Executor<'_, Database = sqlx::Sqlite>,
    ) -> Result<(), ApiError> {
        if !self.role.reaches_beneath() {
            return Ok(());
        }
        let text = "WITH RECURSIVE beneath(id) AS (SELECT ? UNION SELECT u.businessunitid FROM businessunit u JOIN beneath \
                    ON u.parentbusinessunitid = beneath.id) SELECT id FROM beneath";
        let rows = Statement::new(text)
            .with(self.business_unit.as_str())
            .query()
            .fetch_all(database)
            .await?;
        for row in &rows {
            if let Value::Text(unit) = Value::at(row, 0)? {
                self.units.insert(unit);
            }
        }
        Ok(())
    }

    /// Of every table that takes part in the query, only those rows that the caller may read: what is out of reach is as
    /// if it did not exist.
    pub(crate) fn within_reach(&self, query: Query) -> Query {
        query.within(&|table| self.readable(table))
    }

    /// Which rows of a table the caller may read; `None` for all.
    fn readable(&self, table: &'static Table) -> Option<Within> {
        let unit = Belonging::of(table)?.unit;
        let (column, values) = match self.reach(Access::Read, table) {
            Reach::All => return None,
            Reach::Own(owner) => (owner, vec![&self.id]),
            Reach::Unit => (unit, vec![&self.business_unit]),
            Reach::UnitsBeneath => (unit, self.units.iter().collect()),
            Reach::None => (unit, Vec::new()),
        };
        Some(Within {
            column: table.column(column)?,
            values: values
                .into_iter()
                .map(|id| Value::from(id.as_str()))
                .collect(),
        })
    }

    /// 403 `0x80048306` if the row is out of the caller's reach. A row that does not exist is not.
    pub(crate) async fn require_row(
        &self,
        connection: &mut SqliteConnection,
        access: Access,
        table: &Table,
        id: &str,
    ) -> Result<(), ApiError> {
        self.require(access, table)?;
        if self.reach(access, table) == Reach::All {
            return Ok(());
        }
        match store::load(connection, table, id).await? {
            Some(row) => self.require_access(access, table, id, &row),
            None => Ok(()),
        }
    }

    /// 403 `0x80048306` if a row that was read already is out of the caller's reach.
    pub(crate) fn require_access(
        &self,
        access: Access,
        table: &Table,
        id: &str,
        row: &Fields,
    ) -> Result<(), ApiError> {
        self.require(access, table)?;
        if self.reaches(access, table, row) {
            return Ok(());
        }
        let unit = Belonging::of(table).map_or("", |belonging| belonging.unit);
        let level = match row.get(unit).and_then(Value::text) {
            Some(unit) if unit == self.business_unit => "BusinessUnitLevel",
            Some(unit) if self.units.contains(unit) => "ParentChildBusinessUnitLevel",
            Some(_) | None => "OrganizationLevel",
        };
        Err(ApiError::new(
            403,
            "0x80048306",
            format!(
                "Principal with id {} does not have {}Access right(s) for record with id {id} of entity {}. Consider \
                 assigning a role with the level {level} to the user or team.",
                self.id,
                access.name(),
                table.logical
            ),
        ))
    }

    /// May the caller do this to the row?
    fn reaches(&self, access: Access, table: &Table, row: &Fields) -> bool {
        let unit = Belonging::of(table).map_or("", |belonging| belonging.unit);
        let is = |column: &str, wanted: &str| row.get(column).and_then(Value::text) == Some(wanted);
        match self.reach(access, table) {
            Reach::All => true,
            Reach::UnitsBeneath => self.units.iter().any(|beneath| is(unit, beneath)),
            Reach::Unit => is(unit, &self.business_unit),
            Reach::Own(owner) => is(owner, &self.id),
            Reach::None => false,
        }
    }

    /// What the caller may do to a row, in the order of the rights' bits.
    pub(crate) fn rights(&self, table: &Table, row: &Fields) -> Vec<Access> {
        let owned =
            |access: &Access| table.user_owned || !matches!(access, Access::Assign | Access::Share);
        let held = |access: &Access| {
            (table.privilege.is_empty() && *access == Access::Read && self.role != Role::None)
                || self.reaches(*access, table, row)
        };
        Access::ALL
            .into_iter()
            .filter(|access| owned(access) && held(access))
            .collect()
    }

    /// Does the caller's privilege to read reach every row? Change tracking needs that.
    pub(crate) fn reads_all(&self, table: &Table) -> bool {
        self.reach(Access::Read, table) == Reach::All
    }

    /// Which rows the caller's privilege reaches.
    fn reach(&self, access: Access, table: &Table) -> Reach {
        // Rows of tables that belong to the organization have no owners to tell them apart by.
        let belonging = Belonging::of(table);
        match (self.role.depth(&access.of(table)), belonging) {
            (None, _) if table.privilege.is_empty() && access == Access::Read => Reach::All,
            (None, _) => Reach::None,
            (Some(Depth::Global), _) | (Some(_), None) => Reach::All,
            (Some(Depth::Basic), Some(belonging)) => {
                belonging.owner.map_or(Reach::Unit, Reach::Own)
            }
            (Some(Depth::Local), Some(_)) => Reach::Unit,
            (Some(Depth::Deep), Some(_)) => Reach::UnitsBeneath,
        }
    }

    /// The text of a missing privilege.
    fn missing(&self, privilege: &str, code: i64, table: &str, label: &str) -> String {
        let count = match &self.role {
            Role::Custom(held) => held.len(),
            Role::None | Role::SystemAdministrator => 0,
        };
        format!(
            "Principal user (Id={user}, type=8, roleCount=1, privilegeCount={count}, accessMode='4 Non-interactive', \
             AADObjectId='{object}', MetadataCachePrivilegesCount=5713, businessUnitId={unit}), is missing {privilege} \
             privilege (Id={id}) on OTC={code} for entity '{table}' (LocalizedName='{label}'). context.Caller={user}. \
             Consider adding missed privilege to one of the principal (user/team) roles.",
            user = self.id,
            unit = self.business_unit,
            object = object_id(&self.id),
            id = privilege_id(privilege),
        )
    }
}

/// 403 unless the caller may read this kind of metadata: `Entity`, `Attribute`, `Relationship`, `OptionSet` (protocol page
/// `security.md`).
pub(crate) fn metadata_privilege(caller: &Caller, of: &str) -> Result<(), ApiError> {
    let (code, label) = match of {
        "Entity" => (9800, "Entity"),
        "Attribute" => (9808, "Attribute"),
        "Relationship" => (9811, "Entity Relationship"),
        _ => (9809, "OptionSet"),
    };
    caller.require_named(&format!("prvRead{of}"), code, &of.to_lowercase(), label)
}
