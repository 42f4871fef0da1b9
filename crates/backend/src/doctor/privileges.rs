//! The privileges of the guide's table (step 2): which of them the user has, and what does not work without them.

use std::collections::BTreeMap;

use dataverse::{Client, Function, Query, Reference};
use integration::recording::{Action, Mode};
use serde_json::Value;
use uuid::Uuid;

use crate::settings::Settings;
use crate::view::{PrivilegeDepth, PrivilegeView};

/// What a feature does without a privilege.
struct Row {
    /// The guide's name of the table.
    table: &'static str,
    /// As it stands in the privilege's name.
    schema: &'static str,
    /// The rights, each with what does not work without it.
    rights: &'static [(&'static str, &'static str)],
}

const READ_DEFINITIONS: &str =
    "labels, choices and custom columns are not known: only the standard columns can be used";
const LINKED: &str = "cannot link it to other records";

/// The guide's table, row by row.
const TABLE: [Row; 18] = [
    Row {
        table: "Account",
        schema: "Account",
        rights: &[
            ("Read", "cannot recognise or show accounts"),
            ("Append", LINKED),
            (
                "Append To",
                "cannot link contacts, cases and tasks to an account",
            ),
        ],
    },
    Row {
        table: "Activity",
        schema: "Activity",
        rights: &[
            ("Create", "cannot create tasks"),
            ("Read", "cannot show or repeat tasks safely"),
            ("Write", "cannot change tasks"),
            ("Append", "cannot link a task to the person it is about"),
            (
                "Append To",
                "cannot add notes to a task: long transcripts will be cut",
            ),
        ],
    },
    Row {
        table: "Contact",
        schema: "Contact",
        rights: &[
            ("Create", "cannot create contacts"),
            ("Read", "cannot recognise or show contacts"),
            ("Write", "cannot update contacts"),
            ("Append", "cannot link a contact to its account"),
            ("Append To", "cannot link cases and tasks to a contact"),
        ],
    },
    Row {
        table: "Lead",
        schema: "Lead",
        rights: &[
            ("Create", "cannot create leads"),
            ("Read", "cannot recognise or show leads"),
            ("Write", "cannot update leads"),
            ("Append", LINKED),
            ("Append To", "cannot link tasks to a lead"),
        ],
    },
    Row {
        table: "Note",
        schema: "Note",
        rights: &[
            (
                "Create",
                "cannot add notes: Create on Note is missing; long transcripts will be cut",
            ),
            ("Read", "cannot repeat notes safely"),
            (
                "Append",
                "cannot add notes: Append on Note is missing; long transcripts will be cut",
            ),
            ("Append To", "cannot attach anything to notes"),
        ],
    },
    Row {
        table: "Case",
        schema: "Incident",
        rights: &[
            ("Create", "cannot create cases"),
            ("Read", "cannot show open cases or repeat cases safely"),
            ("Write", "cannot change or cancel cases"),
            ("Append", "cannot link a case to its customer"),
            (
                "Append To",
                "cannot add notes to a case: long transcripts will be cut",
            ),
        ],
    },
    Row {
        table: "Team",
        schema: "Team",
        rights: &[
            ("Read", "cannot show teams as owners"),
            ("Append", LINKED),
            ("Append To", "cannot name a team as owner"),
        ],
    },
    Row {
        table: "User",
        schema: "User",
        rights: &[
            ("Read", "cannot show owners or find the agent's user"),
            ("Append", LINKED),
            ("Append To", "cannot name a user as owner"),
        ],
    },
    Row {
        table: "Attribute Map",
        schema: "AttributeMap",
        rights: &[("Read", "cannot follow mappings between tables")],
    },
    Row {
        table: "Entity",
        schema: "Entity",
        rights: &[("Read", READ_DEFINITIONS)],
    },
    Row {
        table: "Field",
        schema: "Attribute",
        rights: &[("Read", READ_DEFINITIONS)],
    },
    Row {
        table: "Plug-in Assembly",
        schema: "PluginAssembly",
        rights: &[("Read", "cannot see why a plug-in objects")],
    },
    Row {
        table: "Plug-in Type",
        schema: "PluginType",
        rights: &[("Read", "cannot see why a plug-in objects")],
    },
    Row {
        table: "Relationship",
        schema: "Relationship",
        rights: &[("Read", READ_DEFINITIONS)],
    },
    Row {
        table: "Sdk Message",
        schema: "SdkMessage",
        rights: &[("Read", "cannot see why a plug-in objects")],
    },
    Row {
        table: "Sdk Message Processing Step",
        schema: "SdkMessageProcessingStep",
        rights: &[("Read", "cannot see why a plug-in objects")],
    },
    Row {
        table: "Sdk Message Processing Step Image",
        schema: "SdkMessageProcessingStepImage",
        rights: &[("Read", "cannot see why a plug-in objects")],
    },
    Row {
        table: "System Job",
        schema: "AsyncOperation",
        rights: &[
            ("Create", SYSTEM_JOBS),
            ("Read", SYSTEM_JOBS),
            ("Write", SYSTEM_JOBS),
            ("Delete", SYSTEM_JOBS),
            ("Append", SYSTEM_JOBS),
            ("Append To", SYSTEM_JOBS),
            ("Assign", SYSTEM_JOBS),
            ("Share", SYSTEM_JOBS),
        ],
    },
];

const SYSTEM_JOBS: &str = "cannot create cases where their creation starts a system job";

/// Every privilege of the guide's table with how far it reaches; where Dynamics does not tell, that is said.
pub(super) async fn of_user(
    client: &Client,
    user: Uuid,
    settings: &Settings,
) -> Vec<PrivilegeView> {
    let held = match held(client, user).await {
        Ok(held) => Some(held),
        Err(error) => {
            tracing::warn!(error.code = error.code(), error.chain = %error, "the user's privileges cannot be read");
            None
        }
    };
    list(settings, |name| match &held {
        Some(held) => held.get(name).copied().unwrap_or(PrivilegeDepth::None),
        None => PrivilegeDepth::Unknown,
    })
}

fn list(settings: &Settings, depth: impl Fn(&str) -> PrivilegeDepth) -> Vec<PrivilegeView> {
    let rights = TABLE
        .iter()
        .flat_map(|row| row.rights.iter().map(move |right| (row, *right)));
    rights
        .map(|(row, (right, without))| {
            let name = format!("prv{}{}", right.replace(' ', ""), row.schema);
            let depth = depth(&name);
            PrivilegeView {
                table: row.table.to_owned(),
                right: right.to_owned(),
                needed: is_needed(settings, row.schema, right),
                granted: matches!(
                    depth,
                    PrivilegeDepth::Organization | PrivilegeDepth::Unknown
                ),
                depth,
                without: without.to_owned(),
                name,
            }
        })
        .collect()
}

/// Whether what these settings do by themselves stops without it.
fn is_needed(settings: &Settings, schema: &str, right: &str) -> bool {
    let recording = &settings.recording;
    let action = Some(recording.action).filter(|_| recording.mode == Mode::Automatic);
    let case = action == Some(Action::ContactAndCase);
    let task = matches!(action, Some(Action::ContactAndTask | Action::LeadAndTask));
    let contact = matches!(
        action,
        Some(Action::ContactAndCase | Action::ContactAndTask | Action::Contact)
    );
    let lead = action == Some(Action::LeadAndTask);
    match (schema, right) {
        ("Account" | "Contact" | "Lead", "Read") => true,
        ("Contact", "Create" | "Write") => contact,
        ("Contact", "Append To") => contact && (case || task),
        ("Lead", "Create" | "Write" | "Append To") => lead,
        ("Incident", "Create" | "Read" | "Append") => case,
        ("Activity", "Create" | "Read" | "Append") => task,
        _ => false,
    }
}

/// What Dynamics says that the user holds, by name.
async fn held(
    client: &Client,
    user: Uuid,
) -> Result<BTreeMap<String, PrivilegeDepth>, dataverse::Error> {
    let function =
        Function::new("RetrieveUserPrivileges").on(Reference::record("systemusers", user));
    let answer = client.call(&function).await?;
    let privileges = answer.get("RolePrivileges").and_then(Value::as_array);
    let privileges = privileges.map(Vec::as_slice).unwrap_or_default();
    let text = |privilege: &Value, name: &str| privilege.get(name)?.as_str().map(str::to_owned);
    // On-premises gives ids only.
    let mut names = BTreeMap::new();
    if privileges
        .iter()
        .any(|privilege| text(privilege, "PrivilegeName").is_none())
    {
        let query = Query::new("privileges").select(["name", "privilegeid"]);
        let mut rows = client.query(&query).await?;
        loop {
            for row in &rows.rows {
                if let (Some(id), Some(name)) = (row.id("privilegeid"), row.text("name")) {
                    names.insert(id, name.to_owned());
                }
            }
            let Some(next) = rows.next.take() else { break };
            rows = client.next_page(&next).await?;
        }
    }
    let mut held = BTreeMap::new();
    for privilege in privileges {
        let by_id = || {
            let id = text(privilege, "PrivilegeId")?.parse().ok()?;
            names.get(&id).cloned()
        };
        let Some(name) = text(privilege, "PrivilegeName").or_else(by_id) else {
            continue;
        };
        let depth = match text(privilege, "Depth").as_deref() {
            Some("Basic") => PrivilegeDepth::User,
            Some("Local") => PrivilegeDepth::BusinessUnit,
            Some("Deep") => PrivilegeDepth::ParentChild,
            Some("Global") => PrivilegeDepth::Organization,
            Some(_) | None => PrivilegeDepth::Unknown,
        };
        let known = held.entry(name).or_insert(depth);
        *known = depth.max(*known);
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_privilege_of_the_guides_table_is_listed_once() {
        let all = list(&Settings::default(), |_| PrivilegeDepth::Organization);
        let names: std::collections::BTreeSet<&str> = all
            .iter()
            .map(|privilege| privilege.name.as_str())
            .collect();
        // 3 + 5 + 5 + 5 + 4 + 5 + 3 + 3, nine readings, and eight of system jobs.
        assert_eq!((all.len(), names.len()), (50, 50));
        for name in [
            "prvAppendToAccount",
            "prvCreateNote",
            "prvReadAttribute",
            "prvAppendToIncident",
        ] {
            assert!(names.contains(name), "{name}");
        }
        assert!(all.iter().all(|privilege| privilege.granted));
    }

    #[test]
    fn what_the_settings_do_by_themselves_is_needed() {
        let mut settings = Settings::default();
        let needed = |settings: &Settings| -> Vec<String> {
            let all = list(settings, |_| PrivilegeDepth::User);
            assert!(all.iter().all(|privilege| !privilege.granted));
            let needed = all.into_iter().filter(|privilege| privilege.needed);
            needed.map(|privilege| privilege.name).collect()
        };
        assert_eq!(
            needed(&settings),
            ["prvReadAccount", "prvReadContact", "prvReadLead"]
        );
        settings.recording.mode = Mode::Automatic;
        settings.recording.action = Action::LeadAndTask;
        assert_eq!(
            needed(&settings),
            [
                "prvReadAccount",
                "prvCreateActivity",
                "prvReadActivity",
                "prvAppendActivity",
                "prvReadContact",
                "prvCreateLead",
                "prvReadLead",
                "prvWriteLead",
                "prvAppendToLead"
            ]
        );
    }
}
