//! The section `[offline]`: what is copied to this computer, and for how long.

use integration::Table;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Fault, Settings};
use crate::problem::Problem;

/// The tables that can be copied, in the order in which they are: accounts may depend on the contacts.
pub const TABLES: [Table; 4] = [Table::Contact, Table::Account, Table::Lead, Table::Incident];

const LONGEST_REFRESH_MINUTES: u32 = 24 * 60;
const LONGEST_DAYS: u32 = 3650;

/// Which records are copied to this computer, encrypted, so that visitors are recognised at once and without a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[ts(rename = "OfflineSettings")]
pub struct Offline {
    /// Whether records are copied at all. What was read for a visitor is kept for its time anyway.
    pub enabled: bool,
    /// How often Dynamics is asked what has changed, in minutes.
    #[schemars(range(min = 1, max = 1440))]
    pub refresh_minutes: u32,
    /// Contacts. Left out: all that were changed within 365 days, each for 30 days.
    pub contact: OfflineTable,
    /// Accounts. Left out: those of the contacts that are kept, each for 30 days.
    pub account: OfflineTable,
    /// Leads. Left out: the open ones that were changed within 365 days, each for 30 days.
    pub lead: OfflineTable,
    /// Cases. Left out: the open ones, each for 30 days.
    pub case: OfflineTable,
}

impl Default for Offline {
    fn default() -> Self {
        Offline {
            enabled: true,
            refresh_minutes: 5,
            contact: OfflineTable::default(),
            account: OfflineTable::default(),
            lead: OfflineTable::default(),
            case: OfflineTable::default(),
        }
    }
}

/// What is kept of one table. What is left out has the table's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[ts(rename = "OfflineTableSettings")]
pub struct OfflineTable {
    /// Which records.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub keep: Option<Keep>,
    /// Of these only the ones that were changed within so many days; 0 means however old.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    #[schemars(range(max = 3650))]
    pub changed_within_days: Option<u32>,
    /// A copy that Dynamics has neither given nor confirmed for so many days is forgotten, also one that was read for a
    /// visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    #[schemars(range(min = 1, max = 3650))]
    pub forget_after_days: Option<u32>,
}

/// Which records of a table are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "KeptRecords")]
pub enum Keep {
    /// Every one.
    All,
    /// Those that are not deactivated or closed.
    Active,
    /// Accounts only: those that a kept contact belongs to.
    OfContacts,
    /// None.
    Nothing,
}

/// What is kept of one table, with nothing left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Which records.
    pub keep: Keep,
    /// Of these only the ones that were changed within so many days; none means however old.
    pub changed_within_days: Option<u32>,
    /// How many days a copy stays that Dynamics does not confirm.
    pub forget_after_days: u32,
}

impl Offline {
    /// What is kept of a table. Nothing of one that cannot be copied.
    #[must_use]
    pub fn of(&self, table: Table) -> Kept {
        let (said, keep, within) = match table {
            Table::Contact => (&self.contact, Keep::All, 365),
            Table::Account => (&self.account, Keep::OfContacts, 0),
            Table::Lead => (&self.lead, Keep::Active, 365),
            Table::Incident => (&self.case, Keep::Active, 0),
            Table::Task => (&OfflineTable::NONE, Keep::Nothing, 0),
        };
        let within = said.changed_within_days.unwrap_or(within);
        Kept {
            keep: if self.enabled {
                said.keep.unwrap_or(keep)
            } else {
                Keep::Nothing
            },
            changed_within_days: (within > 0).then_some(within),
            forget_after_days: said.forget_after_days.unwrap_or(30),
        }
    }
}

impl OfflineTable {
    const NONE: OfflineTable = OfflineTable {
        keep: None,
        changed_within_days: None,
        forget_after_days: None,
    };
}

/// A table's key in the section.
fn key(table: Table) -> &'static str {
    match table {
        Table::Incident => "case",
        Table::Contact | Table::Account | Table::Lead | Table::Task => table.logical_name(),
    }
}

impl Settings {
    pub(super) fn check_offline(&self, faults: &mut Vec<Fault>) {
        let offline = &self.offline;
        let mut invalid = |key: String, what: &str, next_step: &str| {
            let message = format!("The key `{key}` {what}.");
            let problem = Problem::new("settings_offline_invalid", message, next_step);
            faults.push(Fault::new(key, problem));
        };
        if !(1..=LONGEST_REFRESH_MINUTES).contains(&offline.refresh_minutes) {
            invalid(
                "offline.refresh_minutes".to_owned(),
                &format!("is {}", offline.refresh_minutes),
                "Write a time in minutes, from 1 to 1440 (a day). To copy nothing, write `enabled = false`.",
            );
        }
        for table in TABLES {
            let Kept {
                keep,
                changed_within_days,
                forget_after_days,
            } = offline.of(table);
            let place = |name: &str| format!("offline.{}.{name}", key(table));
            if keep == Keep::OfContacts && table != Table::Account {
                invalid(
                    place("keep"),
                    "is \"of-contacts\", which is for accounts",
                    "Write \"all\", \"active\" or \"nothing\".",
                );
            }
            if keep == Keep::OfContacts && offline.of(Table::Contact).keep == Keep::Nothing {
                invalid(
                    place("keep"),
                    "is \"of-contacts\", and no contacts are kept",
                    "Keep contacts too, or write \"all\", \"active\" or \"nothing\" for accounts.",
                );
            }
            if changed_within_days.is_some_and(|days| days > LONGEST_DAYS) {
                invalid(
                    place("changed_within_days"),
                    &format!("is more than {LONGEST_DAYS}"),
                    "Write a number of days, or 0 for records however old.",
                );
            }
            if !(1..=LONGEST_DAYS).contains(&forget_after_days) {
                invalid(
                    place("forget_after_days"),
                    &format!("is {forget_after_days}"),
                    "Write a number of days from 1 to 3650.",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_the_tables_default() {
        let settings = Settings::parse(
            "[offline]\nrefresh_minutes = 15\n[offline.contact]\nchanged_within_days = 90\n[offline.account]\nkeep = \"all\"\n\
             [offline.lead]\nchanged_within_days = 0\n[offline.case]\nforget_after_days = 7",
        )
        .unwrap();
        let offline = &settings.offline;
        assert_eq!(offline.refresh_minutes, 15);
        let kept = |keep, changed_within_days, forget_after_days| Kept {
            keep,
            changed_within_days,
            forget_after_days,
        };
        assert_eq!(offline.of(Table::Contact), kept(Keep::All, Some(90), 30));
        assert_eq!(offline.of(Table::Account), kept(Keep::All, None, 30));
        assert_eq!(offline.of(Table::Lead), kept(Keep::Active, None, 30));
        assert_eq!(offline.of(Table::Incident), kept(Keep::Active, None, 7));
        assert_eq!(offline.of(Table::Task).keep, Keep::Nothing);
        assert_eq!(
            Settings::default().offline.of(Table::Account),
            kept(Keep::OfContacts, None, 30)
        );
        let written = settings.to_toml().unwrap();
        assert_eq!(Settings::parse(&written).unwrap(), settings);
        let off = Settings::parse("[offline]\nenabled = false").unwrap();
        assert!(
            TABLES
                .iter()
                .all(|table| off.offline.of(*table).keep == Keep::Nothing)
        );
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        for (text, code, part) in [
            (
                "refresh_minutes = 0",
                "settings_offline_invalid",
                "`offline.refresh_minutes`",
            ),
            (
                "refresh_minutes = 1441",
                "settings_offline_invalid",
                "`offline.refresh_minutes`",
            ),
            (
                "contact.keep = \"of-contacts\"",
                "settings_offline_invalid",
                "`offline.contact.keep`",
            ),
            (
                "contact.keep = \"nothing\"",
                "settings_offline_invalid",
                "`offline.account.keep`",
            ),
            (
                "case.changed_within_days = 3651",
                "settings_offline_invalid",
                "`offline.case.changed_within_days`",
            ),
            (
                "lead.forget_after_days = 0",
                "settings_offline_invalid",
                "`offline.lead.forget_after_days`",
            ),
            ("lead.keep = \"some\"", "settings_wrong_value", "Line 2"),
            (
                "leed.keep = \"all\"",
                "settings_unknown_key",
                "Line 2: the key `offline.leed`",
            ),
        ] {
            let problem = Settings::parse(&format!("[offline]\n{text}")).unwrap_err();
            assert_eq!(problem.code, code, "{text}: {}", problem.message);
            assert!(
                problem.message.contains(part),
                "{text}: {}",
                problem.message
            );
        }
    }
}
