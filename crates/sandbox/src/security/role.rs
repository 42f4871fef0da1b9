//! Roles: which privileges a user holds, and how far each reaches (protocol page `security.md`, section "Model").

use std::collections::BTreeMap;

use serde::Deserialize;

/// How far a privilege reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Depth {
    /// The user's own rows.
    Basic,
    /// The rows of the user's business unit.
    Local,
    /// Of the units beneath it, too.
    Deep,
    /// All rows.
    Global,
}

impl Depth {
    /// The member's name, as the API answers it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Depth::Basic => "Basic",
            Depth::Local => "Local",
            Depth::Deep => "Deep",
            Depth::Global => "Global",
        }
    }
}

/// The privileges of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    None,
    SystemAdministrator,
    /// By name: `prvReadContact`.
    Custom(BTreeMap<String, Depth>),
}

impl Role {
    /// How far a privilege reaches; `None` if it is not held.
    pub(super) fn depth(&self, privilege: &str) -> Option<Depth> {
        match self {
            Role::None => None,
            Role::SystemAdministrator => Some(Depth::Global),
            Role::Custom(held) => held.get(privilege).copied(),
        }
    }

    /// Does any privilege reach the units beneath the user's own?
    pub(super) fn reaches_beneath(&self) -> bool {
        match self {
            Role::None | Role::SystemAdministrator => false,
            Role::Custom(held) => held.values().any(|depth| *depth == Depth::Deep),
        }
    }

    /// What both roles allow: the rights of somebody who acts for another.
    pub(super) fn shared_with(&self, other: &Role) -> Role {
        match (self, other) {
            (Role::None, _) | (_, Role::None) => Role::None,
            (Role::SystemAdministrator, role) | (role, Role::SystemAdministrator) => role.clone(),
            (Role::Custom(mine), Role::Custom(theirs)) => Role::Custom(
                mine.iter()
                    .filter_map(|(name, depth)| {
                        Some((name.clone(), (*depth).min(*theirs.get(name)?)))
                    })
                    .collect(),
            ),
        }
    }
}

/// The role of the integration guide, step 2: exactly its table. All its privileges reach the whole organization.
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
    let names = table.iter().flat_map(|(name, accesses)| {
        accesses
            .iter()
            .map(move |access| format!("prv{access}{name}"))
    });
    Role::Custom(names.map(|name| (name, Depth::Global)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The guide's table, line by line: Create, Read, Write, Delete, Append, Append To, Assign, Share; O for Organization,
    /// - for Not selected. (The guide leaves the last cell of Contact empty.)
    const GUIDE: [(&str, &str, &str); 18] = [
        ("Account", "Account", "-O--OO--"),
        ("Activity", "Activity", "OOO-OO--"),
        ("Contact", "Contact", "OOO-OO--"),
        ("Lead", "Lead", "OOO-OO--"),
        ("Note", "Note", "OO--OO--"),
        ("Case", "Incident", "OOO-OO--"),
        ("Team", "Team", "-O--OO--"),
        ("User", "User", "-O--OO--"),
        ("Attribute Map", "AttributeMap", "-O------"),
        ("Entity", "Entity", "-O------"),
        ("Field", "Attribute", "-O------"),
        ("Plug-in Assembly", "PluginAssembly", "-O------"),
        ("Plug-in Type", "PluginType", "-O------"),
        ("Relationship", "Relationship", "-O------"),
        ("Sdk Message", "SdkMessage", "-O------"),
        (
            "Sdk Message Processing Step",
            "SdkMessageProcessingStep",
            "-O------",
        ),
        (
            "Sdk Message Processing Step Image",
            "SdkMessageProcessingStepImage",
            "-O------",
        ),
        ("System Job", "AsyncOperation", "OOOOOOOO"),
    ];

    #[test]
    fn the_guide_role_is_the_guides_table() {
        let accesses = [
            "Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share",
        ];
        let mut expected = BTreeMap::new();
        for (_, schema, cells) in GUIDE {
            for (access, cell) in accesses.iter().zip(cells.chars()) {
                if cell == 'O' {
                    expected.insert(format!("prv{access}{schema}"), Depth::Global);
                }
            }
        }
        assert_eq!(guide_role(), Role::Custom(expected));
    }

    #[test]
    fn who_acts_for_another_has_what_both_have() {
        let role = |pairs: &[(&str, Depth)]| {
            let pairs = pairs
                .iter()
                .map(|(name, depth)| ((*name).to_owned(), *depth));
            Role::Custom(pairs.collect())
        };
        let mine = role(&[
            ("prvReadContact", Depth::Global),
            ("prvReadLead", Depth::Global),
        ]);
        let theirs = role(&[("prvReadContact", Depth::Basic)]);
        assert_eq!(mine.shared_with(&theirs), theirs);
        assert_eq!(Role::SystemAdministrator.shared_with(&mine), mine);
        assert_eq!(mine.shared_with(&Role::None), Role::None);
    }
}
