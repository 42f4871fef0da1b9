//! All users as far as rights go, and who makes a request: a user, perhaps for another (protocol page `security.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;

use super::role::{Depth, Role};
use super::{Access, Caller};
use crate::auth::object_id;
use crate::errors::ApiError;
use crate::metadata::{Table, catalog};
use crate::organization::ids;
use crate::store::Fields;
use crate::value::Value;

/// The privilege to act for another user.
const ACT_ON_BEHALF: &str = "prvActOnBehalfOfAnotherUser";

/// A user of the organization, as far as rights go.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) member: bool,
    pub(crate) disabled: bool,
    pub(crate) role: Role,
    pub(crate) business_unit: String,
}

impl Principal {
    pub(crate) fn new(role: Role) -> Principal {
        Principal {
            member: true,
            disabled: false,
            role,
            business_unit: ids::BUSINESS_UNIT.to_owned(),
        }
    }
}

/// For whom a request is to be carried out, by its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Impersonation {
    None,
    /// `MSCRMCallerID`: a `systemuserid`.
    User(String),
    /// `CallerObjectId`: the id in Entra ID.
    Object(String),
}

impl Impersonation {
    pub(crate) fn read(headers: &HeaderMap) -> Impersonation {
        let header = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            let id = value.trim().trim_matches(['{', '}']).to_ascii_lowercase();
            (!id.is_empty()).then_some(id)
        };
        match (header("callerobjectid"), header("mscrmcallerid")) {
            (Some(id), _) => Impersonation::Object(id),
            (None, Some(id)) => Impersonation::User(id),
            (None, None) => Impersonation::None,
        }
    }
}

/// All users by their id.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    principals: Mutex<BTreeMap<String, Principal>>,
}

impl Directory {
    fn principals(&self) -> MutexGuard<'_, BTreeMap<String, Principal>> {
        self.principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, id: &str, principal: Principal) {
        self.principals().insert(id.to_owned(), principal);
    }

    /// The names of all privileges that a user holds and how far they reach, for `RetrieveUserPrivileges`, and the user's
    /// business unit.
    pub(crate) fn privileges(&self, id: &str) -> (Vec<(String, Depth)>, String) {
        let principals = self.principals();
        let Some(principal) = principals.get(id) else {
            return (Vec::new(), ids::BUSINESS_UNIT.to_owned());
        };
        let held = match &principal.role {
            Role::None => Vec::new(),
            Role::Custom(held) => held.clone().into_iter().collect(),
            Role::SystemAdministrator => {
                let all: BTreeSet<String> = catalog()
                    .tables
                    .iter()
                    .filter(|table| !table.privilege.is_empty())
                    .flat_map(|table| Access::ALL.iter().map(|access| access.of(table)))
                    .collect();
                let mut all: Vec<_> = all.into_iter().map(|name| (name, Depth::Global)).collect();
                all.push((ACT_ON_BEHALF.to_owned(), Depth::Global));
                all
            }
        };
        (held, principal.business_unit.clone())
    }

    /// Changes a user. `false` if there is none with that id.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Principal)) -> bool {
        self.principals().get_mut(id).map(change).is_some()
    }

    /// The user that makes a request, with the rights of both if it is for another. Must be a member and enabled.
    pub(crate) fn caller_for(
        &self,
        id: &str,
        impersonation: &Impersonation,
    ) -> Result<Caller, ApiError> {
        let caller = self.caller(id)?;
        let other = match impersonation {
            Impersonation::None => return Ok(caller),
            Impersonation::User(other) => other.clone(),
            Impersonation::Object(object) => self
                .principals()
                .keys()
                .find(|user| object_id(user) == *object)
                .cloned()
                .ok_or_else(not_a_member)?,
        };
        if caller.role.depth(ACT_ON_BEHALF).is_none() {
            return Err(ApiError::new(
                403,
                "0x8004a110",
                format!(
                    "The user with id {id} does not have the privilege {ACT_ON_BEHALF} to act on behalf of another user."
                ),
            ));
        }
        let other = self.caller(&other)?;
        Ok(Caller {
            role: other.role.shared_with(&caller.role),
            acted_by: Some(caller.id),
            ..other
        })
    }

    /// A user as the one whose rights are asked for: none if disabled or no member. `None` if it has no account here.
    pub(crate) fn principal(&self, id: &str) -> Option<Caller> {
        let principals = self.principals();
        let principal = principals.get(id)?;
        let mut caller = Caller::new(id, principal);
        if principal.disabled || !principal.member {
            caller.role = Role::None;
        }
        Some(caller)
    }

    fn caller(&self, id: &str) -> Result<Caller, ApiError> {
        let principals = self.principals();
        let principal = principals
            .get(id)
            .filter(|principal| principal.member)
            .ok_or_else(not_a_member)?;
        if principal.disabled {
            return Err(ApiError::new(
                403,
                "0x80040225",
                format!("The specified user(Id = {id}) is disabled. Consider enabling this user."),
            ));
        }
        Ok(Caller::new(id, principal))
    }

    /// Puts a row whose owner is being set into that user's business unit.
    pub(crate) fn place(&self, table: &Table, fields: &mut Fields) {
        let owner = fields.get("owninguser").and_then(Value::text);
        let unit = owner.and_then(|owner| {
            let principals = self.principals();
            let principal = principals.get(owner)?;
            Some(principal.business_unit.clone())
        });
        if let Some(unit) = unit
            && table.column("owningbusinessunit").is_some()
        {
            fields.insert("owningbusinessunit".to_owned(), Value::from(unit));
        }
    }

    /// 403 `0x80040299` if a user who is to own a row may not read its table. Users without an account of their own here
    /// (the demo company's salespeople) may.
    pub(crate) fn owner_reads(&self, owner: &str, table: &Table) -> Result<(), ApiError> {
        let principals = self.principals();
        let Some(principal) = principals.get(owner) else {
            return Ok(());
        };
        if principal.role.depth(&Access::Read.of(table)).is_some() {
            return Ok(());
        }
        let caller = Caller::new(owner, principal);
        Err(ApiError::new(
            403,
            "0x80040299",
            format!(
                "Read Privilege Check For Owner failed with exception: {}",
                caller.missing(
                    &Access::Read.of(table),
                    table.type_code,
                    &table.logical,
                    &table.label,
                )
            ),
        ))
    }
}

fn not_a_member() -> ApiError {
    ApiError::new(
        403,
        "0x80072560",
        "The user is not a member of the organization.",
    )
}
