//! What a chat leads to in Dynamics: the [`Intent`] as it is kept from the moment the chat ends or a button is pressed, and
//! the [`RecordPlan`] that it becomes once it is known who the visitor is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use comm100::Conversation;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids;
use crate::phone::Number;
use crate::record::Table;
use crate::recording::{Action, Owner, UpdatePolicy, WhenAmbiguous};

/// What is to be written down, before anything has been asked of Dynamics. It is kept whole, so that it survives a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Why it is written down.
    pub cause: Cause,
    /// The chat or offline message as it is known.
    pub conversation: Conversation,
    /// What is asked for.
    pub wish: Wish,
}

/// Why something is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A chat ended.
    ChatEnd,
    /// An offline message was received.
    OfflineMessage,
    /// An agent pressed a button.
    Button,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Wish {
    /// What the settings say, as they were then.
    Automatic {
        /// The action.
        action: Action,
        /// What happens to a person who is found.
        update: UpdatePolicy,
        /// What happens when several people match.
        when_ambiguous: WhenAmbiguous,
        /// Who owns what is created.
        owner: Owner,
        /// Whom a person has chosen since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chosen: Option<Chosen>,
    },
    /// One record with the values that the agent has seen.
    Create {
        /// The table.
        table: Table,
        /// Values by column.
        values: BTreeMap<String, Planned>,
        /// Whom it is about: a case's customer, a task's regarding record.
        about: Option<About>,
        /// Who owns it.
        owner: Owner,
    },
    /// The chat becomes a note on a case that is open.
    AddToCase {
        /// The case.
        case: Uuid,
    },
}

/// Who was chosen among several, or against all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Chosen {
    /// This one.
    Existing {
        /// Its id; its table is the one that the action names.
        id: Uuid,
    },
    /// None of them: a new one.
    New,
}

/// Whom a case or task is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum About {
    /// A record that exists: contact or account for a case; also lead or case for a task.
    Existing {
        /// Its table.
        table: Table,
        /// Its id.
        id: Uuid,
    },
    /// A contact or lead that is created along with it from the mapping.
    New {
        /// Contact or lead.
        table: Table,
    },
}

/// The writes that one chat leads to: they happen all together or not at all, in one change set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordPlan {
    /// In the order in which they refer to each other: the person first.
    pub steps: Vec<Step>,
    /// What could not be written as it was, so that the rest could be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfit: Vec<Unfit>,
}

impl RecordPlan {
    /// What must be asked of Dynamics before the plan can be sent, each question once.
    #[must_use]
    pub fn questions(&self) -> BTreeSet<&LookupQuestion> {
        let values = self.steps.iter().flat_map(|step| step.values.values());
        values
            .filter_map(|value| match value {
                Planned::Find(question) => Some(question),
                Planned::Value(_) | Planned::Lookup { .. } => None,
            })
            .collect()
    }

    /// Puts the answer in the place of a question: `found` are the rows, by logical name and id, and `unread` the tables that
    /// the user may not read. Where it is not exactly one row the column is left out, and that is noted.
    pub fn answer(
        &mut self,
        question: &LookupQuestion,
        found: &[(String, Uuid)],
        unread: &[String],
    ) {
        for step in &mut self.steps {
            let asking: Vec<String> = step
                .values
                .iter()
                .filter(|(_, value)| matches!(value, Planned::Find(asked) if asked == question))
                .map(|(column, _)| column.clone())
                .collect();
            for column in asking {
                if let [(table, id)] = found {
                    let lookup = Planned::Lookup {
                        table: table.clone(),
                        id: *id,
                    };
                    step.values.insert(column, lookup);
                    continue;
                }
                step.values.remove(&column);
                if question.by == LookupBy::Email && found.is_empty() {
                    continue;
                }
                self.unfit.push(Unfit {
                    table: step.table.clone(),
                    column,
                    value: question.text.clone(),
                    rule: match (found.len(), unread) {
                        (0, []) => "No such record was found, so it is left out.".to_owned(),
                        (0, unread) => format!(
                            "The Dynamics user may not read the table {}, so it is left out.",
                            unread.join(", ")
                        ),
                        (records, _) => format!(
                            "{records} records match, so it is not known which one is meant, and it is left out."
                        ),
                    },
                });
            }
        }
    }

    /// Gives a person who is created the next id of the sequence, here and wherever the plan refers to it.
    /// `false` if the plan has no such step.
    pub fn take_next_person(&mut self, organization: Uuid, person: Uuid) -> bool {
        let mut next = None;
        for step in &mut self.steps {
            let table = Table::from_logical_name(&step.table);
            if let (StepKind::CreatePerson { identity, sequence }, Some(table)) =
                (&mut step.kind, table)
                && step.id == person
            {
                *sequence += 1;
                step.id = ids::person(organization, table, identity, *sequence);
                next = Some(step.id);
            }
        }
        let Some(next) = next else { return false };
        self.point_to(person, next);
        true
    }

    /// Lets every reference to `from` point to `to`.
    pub fn point_to(&mut self, from: Uuid, to: Uuid) {
        for value in self
            .steps
            .iter_mut()
            .flat_map(|step| step.values.values_mut())
        {
            if let Planned::Lookup { id, .. } = value
                && *id == from
            {
                *id = to;
            }
        }
    }
}

/// One write of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The logical name of the table: one of [`Table`]'s, or `annotation`.
    pub table: String,
    /// The record: computed where it is created (see [`crate::ids`]).
    pub id: Uuid,
    /// Create or update.
    pub kind: StepKind,
    /// Values by column.
    pub values: BTreeMap<String, Planned>,
    /// What a person calls it, for the outbox and the activity.
    pub name: String,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum StepKind {
    /// Creates it unless it exists; that it exists means that it was done before.
    Create,
    /// Creates a person under the first id of the sequence whose record either does not exist or still carries the
    /// identity: one that carries another one was changed by somebody since.
    CreatePerson {
        /// Who it is.
        identity: Identity,
        /// Which id of the sequence [`Step::id`] is, from 0.
        sequence: u32,
    },
    /// Updates it by the policy, against the values that it has then.
    Update {
        /// The policy.
        policy: UpdatePolicy,
    },
}

/// By what a person is the same one: the column and its normalised value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The column that carries it: `emailaddress1`, `telephone1`; none where it is only the chat that tells.
    pub column: Option<String>,
    /// The value: an e-mail address in lower case, a telephone number in E.164, else `chat:<id>`.
    pub value: String,
}

impl Identity {
    /// Whether a record whose column holds this text is this person. `country` is assumed for telephone numbers without
    /// a country code. Where only the chat tells, it always is: the id is computed from the chat alone.
    #[must_use]
    pub fn is_carried_by(&self, text: &str, country: Option<&str>) -> bool {
        if self.column.is_none() {
            return true;
        }
        let text = text.trim();
        text.to_lowercase() == self.value
            || Number::parse(text, country).is_some_and(|number| {
                Number::parse(&self.value, None).is_some_and(|ours| ours.is_same(&number))
            })
    }
}

/// Personal values stay out of logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

/// A value to be written.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planned {
    /// As JSON, in the form that the Web API takes for the column (protocol page `types.md`).
    Value(serde_json::Value),
    /// A reference to a row.
    Lookup {
        /// The logical name of its table.
        table: String,
        /// Its id.
        id: Uuid,
    },
    /// A reference to a row that must be asked for first: see [`RecordPlan::questions`].
    Find(LookupQuestion),
}

impl Planned {
    /// The value, if it is one.
    #[must_use]
    pub fn value(&self) -> Option<&serde_json::Value> {
        match self {
            Planned::Value(value) => Some(value),
            Planned::Lookup { .. } | Planned::Find(_) => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.value()?.as_str()
    }
}

/// Which row is meant? Only Dynamics can tell. It is asked for in all of the tables; only one row in all of them is an
/// answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LookupQuestion {
    /// The logical names of the tables in which it can be.
    pub tables: Vec<String>,
    /// By what it is asked for.
    pub by: LookupBy,
    /// The id, name or e-mail address, as written.
    pub text: String,
}

/// By what a row is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupBy {
    /// Its primary key, where it is not known in which of several tables.
    Id,
    /// Its primary name column.
    Name,
    /// A user's `internalemailaddress`. Where there is none the column is left out without a word: the record belongs
    /// to the user who is signed in.
    Email,
}

/// Personal values stay out of logs.
impl fmt::Debug for LookupQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupQuestion")
            .field("tables", &self.tables)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

/// Personal values stay out of logs.
impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Planned::Find(question) => f.debug_tuple("Find").field(question).finish(),
            Planned::Value(_) => f.write_str("Value(…)"),
            Planned::Lookup { table, id } => f
                .debug_struct("Lookup")
                .field("table", table)
                .field("id", id)
                .finish(),
        }
    }
}

/// A value that could not be written as it was: it was left out, or only a part of it is written; the rule says which.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfit {
    /// The logical name of the table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The value that the chat has.
    pub value: String,
    /// The rule that it breaks, as a sentence for a person.
    pub rule: String,
}

/// Personal values stay out of logs.
impl fmt::Debug for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfit")
            .field("table", &self.table)
            .field("column", &self.column)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> (RecordPlan, LookupQuestion) {
        let question = LookupQuestion {
            tables: vec!["account".to_owned()],
            by: LookupBy::Name,
            text: "Contoso".to_owned(),
        };
        let identity = Identity {
            column: Some("emailaddress1".to_owned()),
            value: "dana@example.com".to_owned(),
        };
        let organization = Uuid::from_u128(1);
        let person = ids::person(organization, Table::Contact, &identity, 0);
        let plan = RecordPlan {
            steps: vec![
                Step {
                    table: "contact".to_owned(),
                    id: person,
                    kind: StepKind::CreatePerson {
                        identity,
                        sequence: 0,
                    },
                    values: [(
                        "parentcustomerid".to_owned(),
                        Planned::Find(question.clone()),
                    )]
                    .into(),
                    name: "Dana".to_owned(),
                },
                Step {
                    table: "incident".to_owned(),
                    id: Uuid::from_u128(3),
                    kind: StepKind::Create,
                    values: [(
                        "customerid".to_owned(),
                        Planned::Lookup {
                            table: "contact".to_owned(),
                            id: person,
                        },
                    )]
                    .into(),
                    name: "Chat".to_owned(),
                },
            ],
            unfit: Vec::new(),
        };
        (plan, question)
    }

    #[test]
    fn a_question_is_answered_by_exactly_one_row() {
        let (plan, question) = plan();
        assert_eq!(
            plan.questions().into_iter().collect::<Vec<_>>(),
            [&question]
        );
        let row = |id| ("account".to_owned(), Uuid::from_u128(id));
        for (found, noted) in [(vec![row(1)], 0), (vec![], 1), (vec![row(1), row(2)], 1)] {
            let mut plan = plan.clone();
            plan.answer(&question, &found, &[]);
            assert!(plan.questions().is_empty());
            assert_eq!(plan.unfit.len(), noted, "{found:?}");
            assert_eq!(plan.steps[0].values.len(), 1 - noted);
        }
    }

    #[test]
    fn the_next_person_is_the_one_that_the_others_point_to() {
        let (mut plan, _) = plan();
        let organization = Uuid::from_u128(1);
        let first = plan.steps[0].id;
        assert!(!plan.take_next_person(organization, Uuid::from_u128(9)));
        assert!(plan.take_next_person(organization, first));
        let next = plan.steps[0].id;
        assert_ne!(next, first);
        assert_eq!(
            plan.steps[1].values["customerid"],
            Planned::Lookup {
                table: "contact".to_owned(),
                id: next
            }
        );
        assert!(plan.take_next_person(organization, next));
        assert_ne!(plan.steps[0].id, first);
    }

    #[test]
    fn an_identity_is_carried_however_it_is_written() {
        let identity = |column: Option<&str>, value: &str| Identity {
            column: column.map(str::to_owned),
            value: value.to_owned(),
        };
        let email = identity(Some("emailaddress1"), "dana@example.com");
        assert!(email.is_carried_by(" Dana@Example.com", None));
        assert!(!email.is_carried_by("dana@example.org", None));
        let phone = identity(Some("telephone1"), "+31305550142");
        assert!(phone.is_carried_by("+31 30 555 0142", None));
        assert!(phone.is_carried_by("030 555 0142", Some("NL")));
        assert!(!phone.is_carried_by("+31 30 555 0143", None));
        assert!(identity(None, "chat:1").is_carried_by("anything", None));
    }
}
