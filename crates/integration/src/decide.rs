//! From what is to be written down and who was found to the writes: the guide's chapters "Record Live Chat Data in
//! Dynamics 365 Manually", "… Automatically" and "Update Contact Information".

use std::collections::BTreeMap;

use comm100::{Chat, Conversation};
use uuid::Uuid;

use crate::columns::Columns;
use crate::identify::{Match, Outcome};
use crate::ids;
use crate::map::{self, Mapped, value_of};
use crate::phone::Number;
use crate::plan::{
    About, Chosen, Identity, Intent, LookupBy, LookupQuestion, Planned, RecordPlan, Step, StepKind,
    Wish,
};
use crate::record::Table;
use crate::recording::{Exclude, Owner, Recording, UpdatePolicy, WhenAmbiguous};
use crate::rules::DisplaySettings;

/// What is decided over.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What is to be written down.
    pub intent: &'a Intent,
    /// What tells the chat or message apart from all others.
    pub subject: &'a str,
    /// Who the rules of the person's table find now.
    pub found: &'a Outcome,
    /// The mapping.
    pub fields: &'a DisplaySettings,
    /// What is known of the columns.
    pub columns: &'a Columns,
    /// Who is not recorded, and what counts as empty.
    pub recording: &'a Recording,
    /// Of telephone numbers without a country code.
    pub country: Option<&'a str>,
    /// The organization's id.
    pub organization: Uuid,
}

/// What is decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Nothing is written, for this reason (a sentence).
    Nothing(String),
    /// One of these people must be chosen.
    Ask(Vec<Match>),
    /// This is written.
    Plan(RecordPlan),
}

/// Decides what is written.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Decision {
    match &situation.intent.wish {
        Wish::Automatic {
            action,
            update,
            when_ambiguous,
            owner,
            chosen,
        } => {
            let (Some(person), None) = (action.person(), situation.left_out()) else {
                let settings = "The settings say to do nothing.".to_owned();
                return Decision::Nothing(situation.left_out().unwrap_or(settings));
            };
            let found = match situation.person(*chosen, *when_ambiguous) {
                Ok(found) => found,
                Err(candidates) => return Decision::Ask(candidates),
            };
            let mut plan = Plan::new(situation, *owner);
            let person = match found {
                Some(id) => plan.update(person, id, *update),
                None => plan.create_person(person),
            };
            if let Some(added) = action.added() {
                plan.add(added, BTreeMap::new(), Some(person), true);
            }
            plan.finished()
        }
        Wish::Create {
            table,
            values,
            about,
            owner,
        } => {
            let mut plan = Plan::new(situation, *owner);
            match table {
                Table::Contact | Table::Lead => plan.create_given_person(*table, values.clone()),
                Table::Account | Table::Incident | Table::Task => {
                    let about = about.map(|about| match about {
                        About::Existing { table, id } => (table, id),
                        About::New { table } => plan.create_person(table),
                    });
                    plan.add(*table, values.clone(), about, false);
                }
            }
            plan.finished()
        }
        Wish::AddToCase { case } => {
            let mut plan = Plan::new(situation, Owner::SignedIn);
            let mut notes = map::transcript_notes(&situation.intent.conversation);
            if notes.is_empty() {
                notes.push("Nothing was said in this chat.".to_owned());
            }
            plan.notes(Table::Incident, *case, &format!("case:{case}"), notes);
            plan.finished()
        }
    }
}

impl Situation<'_> {
    /// Why the chat is not recorded by itself.
    fn left_out(&self) -> Option<String> {
        let conversation = &self.intent.conversation;
        if let Some(why) = excluded(&self.recording.exclude, conversation, self.country) {
            return Some(why);
        }
        let least = self.recording.minimum_messages as usize;
        let said = conversation.chat.as_ref().and_then(visitors_messages);
        (conversation.offline_message.is_none() && said.is_some_and(|said| said < least)).then(
            || {
                format!(
                    "The visitor wrote {} messages; the settings record chats with {least} or more.",
                    said.unwrap_or_default()
                )
            },
        )
    }

    /// Who is written to: none for somebody new.
    ///
    /// # Errors
    /// Those of whom one must be chosen.
    fn person(
        &self,
        chosen: Option<Chosen>,
        when_ambiguous: WhenAmbiguous,
    ) -> Result<Option<Uuid>, Vec<Match>> {
        match chosen {
            Some(Chosen::Existing { id }) => return Ok(Some(id)),
            Some(Chosen::New) => return Ok(None),
            None => {}
        }
        let all: Vec<&Match> = self
            .found
            .matched
            .iter()
            .chain(&self.found.others)
            .collect();
        let active: Vec<&Match> = all
            .iter()
            .copied()
            .filter(|found| !found.record.is_inactive())
            .collect();
        let meant = if active.is_empty() { all } else { active };
        match (meant.as_slice(), when_ambiguous) {
            ([], _) => Ok(None),
            ([one], _) | ([one, ..], WhenAmbiguous::First) => Ok(one.record.id.parse().ok()),
            (_, WhenAmbiguous::Ask) => Err(meant.into_iter().cloned().collect()),
        }
    }
}

/// Why the exclusion list leaves this visitor out.
fn excluded(
    exclude: &Exclude,
    conversation: &Conversation,
    country: Option<&str>,
) -> Option<String> {
    let email = value_of("visitor.email", conversation).map(|email| email.to_lowercase());
    if let Some(email) = &email {
        if exclude
            .emails
            .iter()
            .any(|other| other.trim().to_lowercase() == *email)
        {
            return Some("The visitor's e-mail address is on the exclusion list.".to_owned());
        }
        let domain = email.rsplit_once('@').map(|(_, domain)| domain);
        let is_in = |other: &String| {
            let other = other.trim().trim_start_matches('@').to_lowercase();
            domain.is_some_and(|domain| domain == other || domain.ends_with(&format!(".{other}")))
        };
        if exclude.domains.iter().any(is_in) {
            return Some("The visitor's e-mail domain is on the exclusion list.".to_owned());
        }
    }
    let phone = value_of("visitor.phone", conversation);
    if let Some(number) = phone.and_then(|phone| Number::parse(&phone, country)) {
        let is_same = |other: &String| {
            Number::parse(other, country).is_some_and(|other| other.is_same(&number))
        };
        if exclude.phones.iter().any(is_same) {
            return Some("The visitor's telephone number is on the exclusion list.".to_owned());
        }
    }
    let department = value_of("chat.department", conversation)?.to_lowercase();
    let is_it = |other: &String| other.trim().to_lowercase() == department;
    exclude
        .departments
        .iter()
        .any(is_it)
        .then(|| "The chat's department is on the exclusion list.".to_owned())
}

/// How many messages the visitor wrote; `None` if the source told nothing of what was said.
fn visitors_messages(chat: &Chat) -> Option<usize> {
    if !chat.messages.is_empty() {
        let is_visitors = |sender: &str| sender.eq_ignore_ascii_case("visitor");
        let messages = chat.messages.iter();
        return Some(
            messages
                .filter(|message| is_visitors(&message.sender_type))
                .count(),
        );
    }
    if chat.transcript.trim().is_empty() {
        return None;
    }
    // `[14:02:40] Dana Vermeer: …`: whoever is no agent of the chat.
    let is_agent = |sender: &str| {
        chat.agents
            .iter()
            .any(|agent| agent.trim() == sender.trim())
    };
    let senders = chat.transcript.lines().filter_map(|line| {
        let (time, rest) = line.trim_start().strip_prefix('[')?.split_once(']')?;
        let is_time = time.chars().all(|c| c.is_ascii_digit() || c == ':');
        rest.split_once(':')
            .filter(|_| is_time)
            .map(|(sender, _)| sender)
    });
    Some(senders.filter(|sender| !is_agent(sender)).count())
}

/// A plan in the making.
struct Plan<'a> {
    situation: &'a Situation<'a>,
    owner: Option<Planned>,
    made: RecordPlan,
}

impl<'a> Plan<'a> {
    fn new(situation: &'a Situation<'a>, owner: Owner) -> Plan<'a> {
        let agent = situation.intent.conversation.agent.as_ref();
        let email = agent.map(|agent| agent.email.trim()).unwrap_or_default();
        let owner = (owner == Owner::Agent && !email.is_empty()).then(|| {
            Planned::Find(LookupQuestion {
                tables: vec!["systemuser".to_owned()],
                by: LookupBy::Email,
                text: email.to_owned(),
            })
        });
        Plan {
            situation,
            owner,
            made: RecordPlan {
                steps: Vec::new(),
                unfit: Vec::new(),
            },
        }
    }

    fn mapped(&self, table: Table) -> Mapped {
        let Situation {
            intent,
            fields,
            columns,
            ..
        } = self.situation;
        map::values(table, fields, columns, &intent.conversation)
    }

    /// Somebody who was found is updated by the policy.
    fn update(&mut self, table: Table, id: Uuid, policy: UpdatePolicy) -> (Table, Uuid) {
        if policy != UpdatePolicy::Keep {
            let mapped = self.mapped(table);
            let name = visitor(&self.situation.intent.conversation);
            self.push(table, id, StepKind::Update { policy }, mapped.values, name);
            self.made.unfit.extend(mapped.unfit);
            self.notes(table, id, table.logical_name(), mapped.notes);
        }
        (table, id)
    }

    /// Somebody new, from the mapping.
    fn create_person(&mut self, table: Table) -> (Table, Uuid) {
        let Situation {
            intent, columns, ..
        } = self.situation;
        let mapped = self
            .mapped(table)
            .for_creation(table, columns, &intent.conversation);
        self.made.unfit.extend(mapped.unfit);
        let id = self.push_person(table, mapped.values);
        self.notes(table, id, table.logical_name(), mapped.notes);
        (table, id)
    }

    /// Somebody new, as the agent has filled in.
    fn create_given_person(&mut self, table: Table, values: BTreeMap<String, Planned>) {
        let notes = self.mapped(table).notes;
        let id = self.push_person(table, values);
        self.notes(table, id, table.logical_name(), notes);
    }

    fn push_person(&mut self, table: Table, mut values: BTreeMap<String, Planned>) -> Uuid {
        let identity = self.identity(&values);
        let id = ids::person(self.situation.organization, table, &identity, 0);
        let name = visitor(&self.situation.intent.conversation);
        let name = values
            .get("lastname")
            .and_then(Planned::text)
            .map_or(name, str::to_owned);
        self.own(&mut values);
        let kind = StepKind::CreatePerson {
            identity,
            sequence: 0,
        };
        self.push(table, id, kind, values, name);
        id
    }

    /// By what the person is told: the e-mail address that is written, else the telephone number, else the chat.
    fn identity(&self, values: &BTreeMap<String, Planned>) -> Identity {
        let text = |column: &str| values.get(column).and_then(Planned::text);
        let of = |column: &str, value: String| Identity {
            column: Some(column.to_owned()),
            value,
        };
        if let Some(email) = text("emailaddress1").filter(|email| !email.trim().is_empty()) {
            return of("emailaddress1", email.trim().to_lowercase());
        }
        for column in ["telephone1", "mobilephone"] {
            let number = text(column).and_then(|text| Number::parse(text, self.situation.country));
            if let Some(number) = number.as_ref().and_then(Number::e164) {
                return of(column, number.to_owned());
            }
        }
        Identity {
            column: None,
            value: format!("chat:{}", self.situation.subject),
        }
    }

    /// The case or task of the chat. `from_mapping` fills it; otherwise the values are what the agent has seen.
    fn add(
        &mut self,
        table: Table,
        mut values: BTreeMap<String, Planned>,
        about: Option<(Table, Uuid)>,
        from_mapping: bool,
    ) {
        let Situation {
            intent,
            columns,
            organization,
            subject,
            ..
        } = self.situation;
        let mapped = self.mapped(table);
        let notes = if from_mapping {
            let mapped = mapped.for_creation(table, columns, &intent.conversation);
            values.extend(mapped.values);
            self.made.unfit.extend(mapped.unfit);
            mapped.notes
        } else {
            mapped.notes
        };
        if let Some((of, id)) = about {
            let column = if table == Table::Incident {
                "customerid"
            } else {
                "regardingobjectid"
            };
            values.insert(
                column.to_owned(),
                Planned::Lookup {
                    table: of.logical_name().to_owned(),
                    id,
                },
            );
        }
        let id = ids::record(*organization, subject, table.logical_name());
        let name = values
            .get(table.name_column())
            .and_then(Planned::text)
            .unwrap_or_default()
            .to_owned();
        self.own(&mut values);
        self.push(table, id, StepKind::Create, values, name);
        self.notes(table, id, table.logical_name(), notes);
    }

    /// Texts become notes of a record; `what` tells the notes of one chat apart.
    fn notes(&mut self, table: Table, record: Uuid, what: &str, texts: Vec<String>) {
        let conversation = &self.situation.intent.conversation;
        let heading = map::heading(conversation, &visitor(conversation));
        let count = texts.len();
        for (place, text) in texts.into_iter().enumerate() {
            let name = if count > 1 {
                format!("{heading} ({} of {count})", place + 1)
            } else {
                heading.clone()
            };
            let what = format!("annotation:{what}:{place}");
            let Situation {
                organization,
                subject,
                ..
            } = self.situation;
            let values = BTreeMap::from([
                ("subject".to_owned(), Planned::Value(name.clone().into())),
                ("notetext".to_owned(), Planned::Value(text.into())),
                (
                    "objectid".to_owned(),
                    Planned::Lookup {
                        table: table.logical_name().to_owned(),
                        id: record,
                    },
                ),
            ]);
            self.made.steps.push(Step {
                table: "annotation".to_owned(),
                id: ids::record(*organization, subject, &what),
                kind: StepKind::Create,
                values,
                name,
            });
        }
    }

    fn own(&self, values: &mut BTreeMap<String, Planned>) {
        if let Some(owner) = &self.owner {
            values
                .entry("ownerid".to_owned())
                .or_insert_with(|| owner.clone());
        }
    }

    fn push(
        &mut self,
        table: Table,
        id: Uuid,
        kind: StepKind,
        values: BTreeMap<String, Planned>,
        name: String,
    ) {
        self.made.steps.push(Step {
            table: table.logical_name().to_owned(),
            id,
            kind,
            values,
            name,
        });
    }

    fn finished(self) -> Decision {
        if self.made.steps.is_empty() {
            return Decision::Nothing(
                "The person is known, and the settings say not to update them.".to_owned(),
            );
        }
        Decision::Plan(self.made)
    }
}

fn visitor(conversation: &Conversation) -> String {
    ["visitor.name", "visitor.email", "visitor.phone"]
        .into_iter()
        .find_map(|name| value_of(name, conversation))
        .unwrap_or_else(|| "Visitor".to_owned())
}
