//! Functions and the service document (protocol page `service.md`).

use sqlx::SqliteConnection;

use super::Call;
use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::catalog;
use crate::metadata::description::{ENGLISH, GERMAN};
use crate::organization::ids;
use crate::parameters::Parameters;
use crate::security::Access;
use crate::server::Answer;
use crate::value::{Statement, Value};

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

    /// The languages whose labels are kept (protocol page `metadata.md`).
    pub(super) fn provisioned_languages(&self) -> Answer {
        let languages = [ENGLISH, GERMAN].map(|code| Json::Number(code.to_string()));
        self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveProvisionedLanguagesResponse"),
                (
                    "RetrieveProvisionedLanguages".to_owned(),
                    Json::Array(languages.into()),
                ),
            ]),
        )
    }

    /// `RetrieveAvailableLanguages`: all that the organization knows, whether labels of them are kept or not.
    pub(super) fn available_languages(&self) -> Answer {
        let languages = [ENGLISH, GERMAN].map(|code| Json::Number(code.to_string()));
        self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveAvailableLanguagesResponse"),
                ("LocaleIds".to_owned(), Json::Array(languages.into())),
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

    /// `RetrieveCurrentOrganization(AccessType=…)`.
    pub(super) fn current_organization(&self) -> Answer {
        let text = |name: &str, text: &str| (name.to_owned(), Json::text(text));
        let version = match self.request.deployment {
            Deployment::Cloud => CLOUD_VERSION,
            Deployment::OnPremises => ON_PREMISES_VERSION,
        };
        let root = self
            .request
            .base
            .split("/api/data/")
            .next()
            .unwrap_or_default();
        let addresses = Json::Object(vec![
            ("Count".to_owned(), Json::Number("2".to_owned())),
            ("IsReadOnly".to_owned(), Json::Boolean(false)),
            (
                "Keys".to_owned(),
                Json::Array(vec![
                    Json::text("WebApplication"),
                    Json::text("OrganizationDataService"),
                ]),
            ),
            (
                "Values".to_owned(),
                Json::Array(vec![
                    Json::Text(format!("{root}/")),
                    Json::Text(format!("{}/", self.request.base)),
                ]),
            ),
        ]);
        let detail = Json::Object(vec![
            text("OrganizationId", ids::ORGANIZATION),
            text("FriendlyName", "Practice"),
            text("OrganizationVersion", version),
            text("UniqueName", "practice"),
            text("UrlName", "practice"),
            text("State", "Enabled"),
            ("Endpoints".to_owned(), addresses),
        ]);
        self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse"),
                ("Detail".to_owned(), detail),
            ]),
        )
    }

    /// `RetrieveTotalRecordCount(EntityNames=['account'])`; the list may also come by an alias.
    pub(super) async fn total_record_count(
        &self,
        connection: &mut SqliteConnection,
        parameters: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let parameters =
            Parameters::read("RetrieveTotalRecordCount", parameters, &self.request.query);
        let names: Vec<String> =
            serde_json::from_value(parameters.json("EntityNames")?).map_err(|_| {
                ApiError::request("The parameter 'EntityNames' must be a list of table names.")
            })?;
        let (mut keys, mut counts) = (Vec::new(), Vec::new());
        for name in names {
            let table = catalog().table(&name).ok_or_else(|| {
                ApiError::new(
                    404,
                    "0x80040217",
                    format!("The entity with a name = '{name}' was not found."),
                )
            })?;
            self.caller.require(Access::Read, table)?;
            let count = Statement::new(format!("SELECT COUNT(*) FROM {}", table.logical));
            let row = count.query().fetch_one(&mut *connection).await?;
            let count = Value::at(&row, 0)?.integer().unwrap_or(0);
            keys.push(Json::Text(name));
            counts.push(Json::Number(count.to_string()));
        }
        let collection = Json::Object(vec![
            ("Count".to_owned(), Json::Number(keys.len().to_string())),
            ("IsReadOnly".to_owned(), Json::Boolean(false)),
            ("Keys".to_owned(), Json::Array(keys)),
            ("Values".to_owned(), Json::Array(counts)),
        ]);
        Ok(self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse"),
                ("EntityRecordCountCollection".to_owned(), collection),
            ]),
        ))
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
}
