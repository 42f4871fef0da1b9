//! Functions and the service document (protocol pages `service.md` and `security.md`).

use super::Call;
use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::organization::ids;
use crate::security::{Access, privilege_id};
use crate::server::Answer;

/// The version that `RetrieveVersion` reports.
const CLOUD_VERSION: &str = "9.2.24051.00190";
const ON_PREMISES_VERSION: &str = "9.1.0.1034";

impl Call<'_> {
    pub(super) fn service_document(&self) -> Answer {
        let sets = catalog().tables.iter().map(|table| {
            let text = |text: &str| Json::text(text);
            Json::Object(vec![
                ("name".to_owned(), text(&table.set)),
                ("kind".to_owned(), text("EntitySet")),
                ("url".to_owned(), text(&table.set)),
            ])
        });
        let context = (
            "@odata.context".to_owned(),
            Json::Text(format!("{}/$metadata", self.request.base)),
        );
        self.json(
            200,
            Json::Object(vec![
                context,
                ("value".to_owned(), Json::Array(sets.collect())),
            ]),
        )
    }

    pub(super) fn who_am_i(&self) -> Answer {
        let id = |name: &str, id: &str| (name.to_owned(), Json::text(id));
        self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.WhoAmIResponse"),
                id("BusinessUnitId", &self.caller.business_unit),
                id("UserId", &self.caller.id),
                id("OrganizationId", ids::ORGANIZATION),
            ]),
        )
    }

    pub(super) fn retrieve_version(&self) -> Answer {
        let version = match self.request.deployment {
            Deployment::Cloud => CLOUD_VERSION,
            Deployment::OnPremises => ON_PREMISES_VERSION,
        };
        self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveVersionResponse"),
                ("Version".to_owned(), Json::text(version)),
            ]),
        )
    }

    /// `systemusers(id)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()` (protocol page `security.md`).
    pub(super) fn user_privileges(&self, table: &Table, id: &str) -> Result<Answer, ApiError> {
        self.caller.require(Access::Read, table)?;
        let names = self.organization.directory.privileges(id);
        let names = names.ok_or_else(|| self.no_row(table, id))?;
        let privileges = names.iter().map(|name| {
            let mut members = vec![
                ("Depth".to_owned(), Json::text("Global")),
                (
                    "PrivilegeId".to_owned(),
                    Json::Text(privilege_id(name).to_string()),
                ),
                (
                    "BusinessUnitId".to_owned(),
                    Json::text(self.caller.business_unit.as_str()),
                ),
            ];
            // On-premises the name is left out.
            if self.request.deployment == Deployment::Cloud {
                members.push(("PrivilegeName".to_owned(), Json::text(name.as_str())));
            }
            Json::Object(members)
        });
        Ok(self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse"),
                (
                    "RolePrivileges".to_owned(),
                    Json::Array(privileges.collect()),
                ),
            ]),
        ))
    }
}
