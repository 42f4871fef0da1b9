//! Functions that tell who may do what (protocol page `security.md`): bound to `systemuser`, and to `team` where that has an
//! answer of its own.

use sandbox_syntax::path::Segment;
use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;

use super::Call;
use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::parameters::Parameters;
use crate::references;
use crate::security::{Access, Depth, privilege_id};
use crate::server::Answer;
use crate::store;
use crate::value::{Statement, Value};

impl Call<'_> {
    /// Answers a function of a principal; `None` where there is none of that name.
    pub(super) async fn principal_function(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
        segment: &Segment,
    ) -> Result<Option<Answer>, ApiError> {
        if !["systemuser", "team"].contains(&table.logical.as_str()) {
            return Ok(None);
        }
        let read =
            |function| Parameters::read(function, segment.key.as_deref(), &self.request.query);
        let answer = match super::unqualified(&segment.name) {
            "RetrieveUserPrivileges" if table.logical == "systemuser" => {
                self.principal_exists(connection, table, id).await?;
                self.privileges("RetrieveUserPrivileges", id, &|_| true)
            }
            // Teams have no roles here.
            "RetrieveTeamPrivileges" if table.logical == "team" => {
                self.principal_exists(connection, table, id).await?;
                self.privileges("RetrieveTeamPrivileges", id, &|_| false)
            }
            "RetrieveUserPrivilegeByPrivilegeName" if table.logical == "systemuser" => {
                let function = "RetrieveUserPrivilegeByPrivilegeName";
                let wanted = read(function).text("PrivilegeName")?;
                self.principal_exists(connection, table, id).await?;
                privilege_exists(connection, "name", &wanted).await?;
                self.privileges(function, id, &|name| *name == wanted)
            }
            "RetrieveUserPrivilegeByPrivilegeId" if table.logical == "systemuser" => {
                let function = "RetrieveUserPrivilegeByPrivilegeId";
                let wanted = read(function).text("PrivilegeId")?;
                self.principal_exists(connection, table, id).await?;
                privilege_exists(connection, "privilegeid", &wanted).await?;
                self.privileges(function, id, &|name| {
                    privilege_id(name).to_string() == wanted
                })
            }
            "RetrievePrincipalAccess" => {
                let parameters = read("RetrievePrincipalAccess");
                let (of, row) = self.target(connection, &parameters.json("Target")?).await?;
                let rights = self.rights(connection, table, id, of, &row).await?;
                self.function_answer(
                    "RetrievePrincipalAccess",
                    vec![("AccessRights".to_owned(), Json::Text(rights))],
                )
            }
            // The page says what it is for; that its JSON has this member is what its callers rely on.
            "RetrievePrincipalAccessInfo" => {
                let parameters = read("RetrievePrincipalAccessInfo");
                let name = parameters.text("EntityName")?;
                let of = catalog().table(&name).ok_or_else(|| no_table(&name))?;
                let row = parameters.text("ObjectId")?;
                let rights = self.rights(connection, table, id, of, &row).await?;
                let told = serde_json::json!({"GrantedAccessRights": rights}).to_string();
                self.function_answer(
                    "RetrievePrincipalAccessInfo",
                    vec![("AccessInfo".to_owned(), Json::Text(told))],
                )
            }
            _ => return Ok(None),
        };
        Ok(Some(answer))
    }

    fn function_answer(&self, function: &str, members: Vec<(String, Json)>) -> Answer {
        let mut body = vec![self.context(&format!("Microsoft.Dynamics.CRM.{function}Response"))];
        body.extend(members);
        self.json(200, Json::Object(body))
    }

    async fn principal_exists(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
        id: &str,
    ) -> Result<(), ApiError> {
        self.caller
            .require_row(connection, Access::Read, table, id)
            .await?;
        match store::load(connection, table, id).await? {
            Some(_) => Ok(()),
            None => Err(self.no_row(table, id)),
        }
    }

    /// The privileges of a user that are wanted, each with its depth.
    fn privileges(&self, function: &str, id: &str, wanted: &dyn Fn(&String) -> bool) -> Answer {
        let (held, unit) = self.organization.directory.privileges(id);
        let member = |(name, depth): &(String, Depth)| {
            let mut members = vec![
                ("Depth".to_owned(), Json::text(depth.name())),
                (
                    "PrivilegeId".to_owned(),
                    Json::Text(privilege_id(name).to_string()),
                ),
                ("BusinessUnitId".to_owned(), Json::text(unit.as_str())),
            ];
            // On-premises the name is left out.
            if self.request.deployment == Deployment::Cloud {
                members.push(("PrivilegeName".to_owned(), Json::text(name.as_str())));
            }
            Json::Object(members)
        };
        let privileges = held.iter().filter(|(name, _)| wanted(name)).map(member);
        let privileges = Json::Array(privileges.collect());
        self.function_answer(function, vec![("RolePrivileges".to_owned(), privileges)])
    }

    /// The row that a parameter means: by reference, or by its type and key.
    async fn target(
        &self,
        connection: &mut SqliteConnection,
        target: &JsonValue,
    ) -> Result<(&'static Table, String), ApiError> {
        let text = |name: &str| target.get(name).and_then(JsonValue::as_str);
        if let Some(reference) = text("@odata.id") {
            let (table, named) = references::resolve(
                self,
                connection,
                crate::metadata::table("systemuser"),
                reference,
            )
            .await?;
            return Ok((table, named.existing(table)?.to_owned()));
        }
        let wrong = || {
            ApiError::request(
                "The parameter 'Target' needs an '@odata.id', or an '@odata.type' with the key of that table.",
            )
        };
        let name = text("@odata.type").ok_or_else(wrong)?;
        let name = super::unqualified(name.trim_start_matches('#'));
        let table = catalog().table(name).ok_or_else(|| no_table(name))?;
        let id = text(&table.id).ok_or_else(wrong)?;
        Ok((table, id.to_ascii_lowercase()))
    }

    /// What a principal may do to a row: `ReadAccess, WriteAccess`, or `None`.
    async fn rights(
        &self,
        connection: &mut SqliteConnection,
        principals: &Table,
        principal: &str,
        table: &'static Table,
        id: &str,
    ) -> Result<String, ApiError> {
        self.principal_exists(connection, principals, principal)
            .await?;
        self.caller.require(Access::Read, table)?;
        let row = store::load(connection, table, id)
            .await?
            .ok_or_else(|| self.no_row(table, id))?;
        self.caller.require_access(Access::Read, table, id, &row)?;
        let Some(mut principal) = self.organization.directory.principal(principal) else {
            return Ok("None".to_owned());
        };
        principal.know_units(&mut *connection).await?;
        let rights: Vec<String> = principal
            .rights(table, &row)
            .into_iter()
            .map(|access| format!("{}Access", access.name()))
            .collect();
        Ok(if rights.is_empty() {
            "None".to_owned()
        } else {
            rights.join(", ")
        })
    }
}

async fn privilege_exists(
    connection: &mut SqliteConnection,
    column: &str,
    wanted: &str,
) -> Result<(), ApiError> {
    let statement = Statement::new(format!("SELECT 1 FROM privilege WHERE {column} = ?"));
    let row = statement
        .with(Value::from(wanted))
        .query()
        .fetch_optional(connection)
        .await?;
    match row {
        Some(_) => Ok(()),
        None => Err(ApiError::new(
            404,
            "0x80040217",
            format!("Entity 'Privilege' With {column} = {wanted} Does Not Exist"),
        )),
    }
}

fn no_table(name: &str) -> ApiError {
    ApiError::new(
        400,
        "0x80040203",
        format!("The entity with a name = '{name}' was not found."),
    )
}
