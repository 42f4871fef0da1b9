//! Which row a key in parentheses names (protocol page `crud.md`, section "Keys in URLs").

use sandbox_syntax::path::{self, Key};

use crate::errors::ApiError;
use crate::metadata::Table;

/// The id that a key in parentheses names.
pub(crate) fn primary_key(table: &Table, key: &str) -> Result<String, ApiError> {
    let undeclared = || {
        ApiError::request(format!(
            "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{}'. Ensure that the names and \
             number of key properties match the declared or alternate key properties for the resource '{}'.",
            table.logical, table.set
        ))
    };
    match path::key(key)? {
        Key::Primary(id) => Ok(id),
        Key::Named(parts) => {
            let declared = match table.logical.as_str() {
                "systemuser" | "team" => "ownerid",
                _ => &table.id,
            };
            match parts.as_slice() {
                [(name, value)] if name == declared => match path::key(value) {
                    Ok(Key::Primary(id)) => Ok(id),
                    Ok(Key::Named(_)) | Err(_) => Err(undeclared()),
                },
                _ => Err(undeclared()),
            }
        }
    }
}
