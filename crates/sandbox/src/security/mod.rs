//! Who may do what: privileges per table, how far they reach, and the 403 answers (protocol page `security.md`).
//!
//! `role`: privileges and depths, the guide's role. `directory`: all users, and who acts for whom.

mod directory;
mod role;

use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::auth::object_id;
use crate::errors::ApiError;
use crate::metadata::Table;
use crate::query::Query;
use crate::store::{self, Fields};
use crate::value::Value;

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
}

impl Access {
    const ALL: [Access; 7] = [
        Access::Create,
        Access::Read,
        Access::Write,
        Access::Delete,
        Access::Append,
        Access::AppendTo,
        Access::Assign,
    ];

    /// The privilege's name: `prvReadContact`.
    fn of(self, table: &Table) -> String {
        format!("prv{}{}", self.name(), table.privilege)
    }

    fn name(self) -> &'static str {
        match self {
            Access::Create => "Create",
            Access::Read => "Read",
            Access::Write => "Write",
            Access::Delete => "Delete",
            Access::Append => "Append",
            Access::AppendTo => "AppendTo",
            Access::Assign => "Assign",
        }
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
    Unit,
    Own,
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) id: String,
    pub(crate) business_unit: String,
    role: Role,
}

impl Caller {
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

    /// Only those rows of the query's own table that the caller may read.
    pub(crate) fn within_reach(&self, query: Query, table: &'static Table) -> Query {
        let (column, value) = match self.reach(Access::Read, table) {
            Reach::All => return query,
            Reach::Own => ("ownerid", &self.id),
            Reach::Unit => ("owningbusinessunit", &self.business_unit),
        };
        match table.column(column) {
            Some(column) => query.only(column, value.as_str()),
            None => query,
        }
    }

    /// 403 `0x80048306` if the row is out of the caller's reach. A row that does not exist is not.
    pub(crate) async fn require_row(
        &self,
        connection: &mut SqliteConnection,
        access: Access,
        table: &Table,
        id: &str,
    ) -> Result<(), ApiError> {
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
        let is = |column: &str, wanted: &str| row.get(column).and_then(Value::text) == Some(wanted);
        let same_unit = is("owningbusinessunit", &self.business_unit);
        let reached = match self.reach(access, table) {
            Reach::All => true,
            Reach::Unit => same_unit,
            Reach::Own => is("ownerid", &self.id),
        };
        if reached {
            return Ok(());
        }
        let level = if same_unit {
            "BusinessUnitLevel"
        } else {
            "OrganizationLevel"
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

    /// Does the caller's privilege to read reach every row? Change tracking needs that.
    pub(crate) fn reads_all(&self, table: &Table) -> bool {
        self.reach(Access::Read, table) == Reach::All
    }

    /// Which rows the caller's privilege reaches; `require` has said that there is one. Tables that belong to the
    /// organization have no owners to tell rows apart by.
    fn reach(&self, access: Access, table: &Table) -> Reach {
        if !table.user_owned {
            return Reach::All;
        }
        match self.role.depth(&access.of(table)) {
            Some(Depth::Basic) => Reach::Own,
            Some(Depth::Local | Depth::Deep) => Reach::Unit,
            Some(Depth::Global) | None => Reach::All,
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
