//! Ids of records that we create are computed, not drawn, so that whoever writes the same chat down twice writes the same
//! record: after a crash, a time-out, a replayed webhook, or beside a second companion.

use uuid::Uuid;

use crate::plan::Identity;
use crate::record::Table;

/// The name space of all ids that are computed here.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d0c_3a57_5f0e_4f0c_9d0a_7b1f_52c4_8e31);

/// The id of what one chat or offline message leads to.
///
/// `organization` is the organization's id (`WhoAmI`), so that two organizations never share one; `subject` is the chat or
/// message; `what` tells the records of one chat apart: `incident`, `task`, `annotation:incident`, …
#[must_use]
pub fn record(organization: Uuid, subject: &str, what: &str) -> Uuid {
    computed(&["record", &organization.to_string(), subject, what])
}

/// The id of a person: of the organization, the table and the normalised identity. `sequence` is 0 for the first; the next
/// one is taken when somebody has since given the record another identity.
#[must_use]
pub fn person(organization: Uuid, table: Table, identity: &Identity, sequence: u32) -> Uuid {
    computed(&[
        "person",
        &organization.to_string(),
        table.logical_name(),
        identity.column.as_deref().unwrap_or_default(),
        &identity.value,
        &sequence.to_string(),
    ])
}

/// Each part is led by its length, so that no two lists of parts are the same bytes.
fn computed(parts: &[&str]) -> Uuid {
    let name: String = parts
        .iter()
        .map(|part| format!("{}:{part}", part.len()))
        .collect();
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_the_same_and_nothing_else() {
        let organization = Uuid::from_u128(1);
        let case = record(organization, "chat", "incident");
        assert_eq!(case, record(organization, "chat", "incident"));
        assert_ne!(case, record(Uuid::from_u128(2), "chat", "incident"));
        assert_ne!(
            record(organization, "a", "bc"),
            record(organization, "ab", "c")
        );
        let identity = Identity {
            column: Some("emailaddress1".to_owned()),
            value: "dana@example.com".to_owned(),
        };
        let first = person(organization, Table::Contact, &identity, 0);
        assert_ne!(first, person(organization, Table::Contact, &identity, 1));
        assert_ne!(first, person(organization, Table::Lead, &identity, 0));
    }
}
