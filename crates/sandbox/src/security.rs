//! Who may do what: users of the organization, their roles' privileges, and the 403 answers
//! (protocol page `security.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::errors::ApiError;
use crate::metadata::{Table, catalog};

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

/// A user of the organization, as far as rights go.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) member: bool,
    pub(crate) disabled: bool,
    pub(crate) role: Role,
}

/// The privileges of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    None,
    SystemAdministrator,
    Custom(BTreeSet<String>),
}

/// The role of the integration guide, step 2: exactly its table.
pub(crate) fn guide_role() -> Role {
    const ALL_BUT_DELETE: &[&str] = &["Create", "Read", "Write", "Append", "AppendTo"];
    const LINK: &[&str] = &["Read", "Append", "AppendTo"];
    const READ: &[&str] = &["Read"];
    let table: [(&str, &[&str]); 18] = [
        ("Account", LINK),
        ("Activity", ALL_BUT_DELETE),
        ("Contact", ALL_BUT_DELETE),
        ("Lead", ALL_BUT_DELETE),
        ("Note", &["Create", "Read", "Append", "AppendTo"]),
        ("Incident", ALL_BUT_DELETE),
        ("Team", LINK),
        ("User", LINK),
        ("AttributeMap", READ),
        ("Entity", READ),
        ("Attribute", READ),
        ("PluginAssembly", READ),
        ("PluginType", READ),
        ("Relationship", READ),
        ("SdkMessage", READ),
        ("SdkMessageProcessingStep", READ),
        ("SdkMessageProcessingStepImage", READ),
        (
            "AsyncOperation",
            &[
                "Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share",
            ],
        ),
    ];
    Role::Custom(
        table
            .iter()
            .flat_map(|(name, accesses)| {
                accesses
                    .iter()
                    .map(move |access| format!("prv{access}{name}"))
            })
            .collect(),
    )
}

/// All users by their id.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    principals: Mutex<BTreeMap<String, Principal>>,
}

impl Directory {
    pub(crate) fn add(&self, id: &str, principal: Principal) {
        self.principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), principal);
    }

    /// The names of all privileges that a user holds, for `RetrieveUserPrivileges`. `None` if there is no such user.
    pub(crate) fn privileges(&self, id: &str) -> Option<Vec<String>> {
        let principals = self
            .principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &principals.get(id)?.role {
            Role::None => Some(Vec::new()),
            Role::Custom(held) => Some(held.iter().cloned().collect()),
            Role::SystemAdministrator => {
                let accesses = [
                    Access::Create,
                    Access::Read,
                    Access::Write,
                    Access::Delete,
                    Access::Append,
                    Access::AppendTo,
                    Access::Assign,
                ];
                let all: BTreeSet<String> = catalog()
                    .tables
                    .iter()
                    .filter(|table| !table.privilege.is_empty())
                    .flat_map(|table| accesses.iter().map(|access| access.of(table)))
                    .collect();
                Some(all.into_iter().collect())
            }
        }
    }

    /// Changes a user. `false` if there is none with that id.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Principal)) -> bool {
        let mut principals = self
            .principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        principals.get_mut(id).map(change).is_some()
    }

    /// The user that makes a request: must be a member and enabled.
    pub(crate) fn caller(&self, id: &str, business_unit: &str) -> Result<Caller, ApiError> {
        let principals = self
            .principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(principal) = principals.get(id).filter(|principal| principal.member) else {
            return Err(ApiError::new(
                403,
                "0x80072560",
                "The user is not a member of the organization.",
            ));
        };
        if principal.disabled {
            return Err(ApiError::new(
                403,
                "0x80040225",
                format!("The specified user(Id = {id}) is disabled. Consider enabling this user."),
            ));
        }
        Ok(Caller {
            id: id.to_owned(),
            business_unit: business_unit.to_owned(),
            role: principal.role.clone(),
        })
    }
}

/// A privilege's id, made from its name.
pub(crate) fn privilege_id(privilege: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, privilege.as_bytes())
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) id: String,
    pub(crate) business_unit: String,
    role: Role,
}

impl Caller {
    /// 403 unless the caller's role allows this.
    pub(crate) fn require(&self, access: Access, table: &Table) -> Result<(), ApiError> {
        let privilege = access.of(table);
        if table.privilege.is_empty() && access == Access::Read && self.role != Role::None {
            return Ok(());
        }
        let held = match &self.role {
            Role::SystemAdministrator => return Ok(()),
            Role::None => {
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
            Role::Custom(held) => held,
        };
        if held.contains(&privilege) {
            return Ok(());
        }
        Err(ApiError::new(
            403,
            "0x80040220",
            format!(
                "Principal user (Id={id}, type=8, roleCount=1, privilegeCount={count}, accessMode='4 Non-interactive', \
                 AADObjectId='{object}', MetadataCachePrivilegesCount=5713, businessUnitId={unit}), is missing \
                 {privilege} privilege (Id={privilege_id}) on OTC={code} for entity '{table}' \
                 (LocalizedName='{label}'). context.Caller={id}. Consider adding missed privilege to one of the \
                 principal (user/team) roles.",
                id = self.id,
                count = held.len(),
                object = Uuid::new_v5(&Uuid::NAMESPACE_OID, self.id.as_bytes()),
                unit = self.business_unit,
                privilege_id = privilege_id(&privilege),
                code = table.type_code,
                table = table.logical,
                label = table.label,
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::table;

    #[test]
    fn the_guide_role_is_the_guides_table() {
        let directory = Directory::default();
        directory.add(
            "u",
            Principal {
                member: true,
                disabled: false,
                role: guide_role(),
            },
        );
        let caller = directory.caller("u", "b").unwrap();
        let may = |access, name| caller.require(access, table(name)).is_ok();
        assert!(
            may(Access::Read, "account")
                && !may(Access::Create, "account")
                && !may(Access::Write, "account")
        );
        assert!(
            may(Access::Write, "contact")
                && !may(Access::Delete, "contact")
                && !may(Access::Assign, "contact")
        );
        assert!(may(Access::Create, "annotation") && !may(Access::Write, "annotation"));
        assert!(may(Access::Create, "task") && may(Access::AppendTo, "systemuser"));
        assert!(!may(Access::Read, "transactioncurrency") && !may(Access::Read, "businessunit"));
        let error = caller.require(Access::Delete, table("lead")).unwrap_err();
        assert_eq!((error.status, error.code), (403, "0x80040220"));
        assert!(error.message.contains("is missing prvDeleteLead privilege"));
    }
}
