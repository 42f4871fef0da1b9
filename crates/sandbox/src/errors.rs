//! Error answers of the Web API: status, code and text as on protocol page `errors-and-limits.md`.

use sandbox_syntax::SyntaxError;

use crate::metadata::Table;

/// An error as Dataverse answers it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{status} {code}")]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Request errors: unknown property in a query, wrong URL segment, wrong key, direct look-up write.
pub(crate) const REQUEST: &str = "0x80060888";
/// Payload errors: undeclared property, wrong JSON type, unreadable body.
pub(crate) const PAYLOAD: &str = "0x80048d19";

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400 `0x80060888`.
    pub(crate) fn request(message: impl Into<String>) -> ApiError {
        ApiError::new(400, REQUEST, message)
    }

    /// 400 `0x80048d19`, in the wording of protocol page `crud.md`, section `@odata.bind`.
    pub(crate) fn payload(table: &Table, cause: impl AsRef<str>) -> ApiError {
        ApiError::new(
            400,
            PAYLOAD,
            format!(
                "Error identified in Payload provided by the user for Entity :'{}', For more information on this error \
                 please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : \
                 Microsoft.OData.ODataException: {}",
                table.set,
                cause.as_ref()
            ),
        )
    }

    pub(crate) fn no_segment(segment: &str) -> ApiError {
        ApiError::new(
            404,
            REQUEST,
            format!("Resource not found for the segment '{segment}'."),
        )
    }

    pub(crate) fn no_row(table: &Table, id: &str) -> ApiError {
        ApiError::new(
            404,
            "0x80040217",
            format!("Entity '{}' With Id = {id} Does Not Exist", table.logical),
        )
    }

    pub(crate) fn no_property(table: &Table, property: &str) -> ApiError {
        ApiError::request(format!(
            "Could not find a property named '{property}' on type 'Microsoft.Dynamics.CRM.{}'.",
            table.logical
        ))
    }

    /// 500 `0x80040216`.
    pub(crate) fn unexpected() -> ApiError {
        ApiError::new(500, "0x80040216", "An unexpected error occurred.")
    }

    /// 412 `0x80060882`: the row's version is not the one that the client knows (protocol page `crud.md`).
    pub(crate) fn other_version() -> ApiError {
        ApiError::new(
            412,
            "0x80060882",
            "The version of the existing record doesn't match the RowVersion property provided.",
        )
    }

    /// 501: documented behaviour that the practice organization does not simulate yet.
    pub(crate) fn not_simulated(what: impl AsRef<str>) -> ApiError {
        ApiError::new(
            501,
            REQUEST,
            format!(
                "The practice organization does not simulate {} yet.",
                what.as_ref()
            ),
        )
    }
}

impl From<SyntaxError> for ApiError {
    fn from(error: SyntaxError) -> ApiError {
        ApiError::new(error.status, error.code, error.message)
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> ApiError {
        tracing::error!(error = %error, "the practice organization's database refused a statement");
        ApiError::unexpected()
    }
}
