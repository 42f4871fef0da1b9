//! The rehearsal: a draft over past chats. Dynamics is only read; nothing is written, neither there nor here.

use std::collections::BTreeMap;

use comm100::{ConsoleEvent, Conversation};
use dataverse::Client;
use futures_util::StreamExt;
use integration::decide::{Decision, Situation, decide};
use integration::plan::{Cause, Intent, RecordPlan, StepKind, Wish};
use integration::recording::Mode;
use integration::{Columns, DisplaySettings, Recognition, Table, changes};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::catalogue::label;
use super::judge::shown;
use super::{Management, locked};
use crate::clock::Clock;
use crate::problem::Problem;
use crate::recognise::{self, Rules};
use crate::settings::Settings;
use crate::view::{
    Rehearsal, RehearsedChat, RehearsedOutcome, RehearsedPerson, RehearsedValue, RehearsedWrite,
};

/// More chats than anybody looks through.
const MOST_CHATS: usize = 2_000;
/// The largest file of chats, in bytes.
const LARGEST_FILE: usize = 50 * 1024 * 1024;
/// The longest value that is shown, in characters.
const LONGEST_SHOWN: usize = 300;

/// Past chats, and what could not be read of them.
#[derive(Debug, Default)]
pub(super) struct Chats {
    pub(super) chats: Vec<Conversation>,
    pub(super) problems: Vec<Problem>,
}

/// Reads a file of chats: one JSON document, a list of them, or one after the other. Several events of one chat are one.
///
/// # Errors
/// `chats_unreadable` if there is no chat in it, `chats_too_large`.
pub(super) fn read(text: &str) -> Result<Chats, Problem> {
    if text.len() > LARGEST_FILE {
        return Err(Problem::new(
            "chats_too_large",
            "The file of chats is larger than 50 MB.",
            "Rehearse on a part of it.",
        ));
    }
    let mut found = Chats::default();
    let mut events = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match document {
            Ok(Value::Array(items)) => events.extend(items),
            Ok(event) => events.push(event),
            Err(error) => {
                found.problems.push(Problem::new(
                    "chats_unreadable",
                    format!("Line {} of the file is no JSON: {error}.", error.line()),
                    "Give a file with the bodies of webhooks or console events as JSON, one after the other.",
                ));
                break;
            }
        }
    }
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, event) in events.into_iter().enumerate() {
        let event = match ConsoleEvent::from_any_value(event) {
            Ok(event) => event,
            Err(error) => {
                found.problems.push(Problem::new(
                    error.code(),
                    format!("Number {} of the file is no chat: {error}.", place + 1),
                    error.next_step(),
                ));
                continue;
            }
        };
        let conversation = Conversation::from(event);
        let known = conversation
            .subject()
            .and_then(|subject| match places.get(&subject) {
                Some(at) => Some(*at),
                None => {
                    places.insert(subject, found.chats.len());
                    None
                }
            });
        match known.and_then(|at| found.chats.get_mut(at)) {
            Some(chat) => chat.update(conversation),
            None => found.chats.push(conversation),
        }
    }
    if found.chats.is_empty() {
        return Err(found.problems.into_iter().next().unwrap_or_else(no_chats));
    }
    if found.chats.len() > MOST_CHATS {
        found.chats.truncate(MOST_CHATS);
        found.problems.push(Problem::new(
            "chats_left_out",
            format!("Only the first {MOST_CHATS} chats are rehearsed."),
            "Rehearse on another part of the file.",
        ));
    }
    Ok(found)
}

fn no_chats() -> Problem {
    Problem::new(
        "no_chats",
        "There are no past chats to rehearse on.",
        "Rehearse when chats have been recorded here, or give a file of webhook payloads.",
    )
}

/// What is asked with.
pub(super) struct Stage {
    pub(super) client: Client,
    pub(super) columns: Columns,
    pub(super) organization: Uuid,
}

impl Management {
    /// Starts a rehearsal in the place of one that is under way.
    pub(super) async fn start_rehearsal(
        &self,
        draft: Settings,
        in_force: Settings,
        chats: Option<String>,
    ) -> Result<u32, Problem> {
        let chats = match chats {
            Some(text) => read(&text)?,
            None => Chats {
                chats: self.past_chats().await?,
                problems: Vec::new(),
            },
        };
        if chats.chats.is_empty() {
            return Err(no_chats());
        }
        let stage = self.stage().await?;
        let stop = CancellationToken::new();
        if let Some(former) = locked(&self.0.rehearsal).replace(stop.clone()) {
            former.cancel();
        }
        let mut run = 0;
        self.show(|view| {
            run = view.rehearsal.as_ref().map_or(0, |before| before.run) + 1;
            view.rehearsal = Some(Rehearsal {
                run,
                running: true,
                cancelled: false,
                total: u32::try_from(chats.chats.len()).unwrap_or(u32::MAX),
                done: 0,
                recognised: 0,
                written: 0,
                different: 0,
                chats: Vec::new(),
                problems: chats.problems,
            });
        });
        let management = self.clone();
        tokio::spawn(async move {
            for (place, chat) in (1..).zip(&chats.chats) {
                let rehearsed =
                    stage.rehearse(place, chat, &draft, &in_force, &*management.0.core.clock);
                let rehearsed = tokio::select! {
                    rehearsed = rehearsed => rehearsed,
                    () = stop.cancelled() => break,
                };
                let is_last = rehearsed
                    .draft
                    .problem
                    .as_ref()
                    .is_some_and(is_about_everything);
                management.change_rehearsal(run, |rehearsal| {
                    rehearsal.done += 1;
                    rehearsal.recognised += u32::from(!rehearsed.draft.recognised.is_empty());
                    rehearsal.written += u32::from(!rehearsed.draft.writes.is_empty());
                    rehearsal.different += u32::from(rehearsed.in_force.is_some());
                    if is_last {
                        rehearsal.problems.extend(rehearsed.draft.problem.clone());
                    }
                    rehearsal.chats.push(rehearsed);
                });
                if is_last {
                    break;
                }
            }
            management.change_rehearsal(run, |rehearsal| {
                rehearsal.running = false;
                rehearsal.cancelled = stop.is_cancelled();
            });
        });
        Ok(run)
    }

    /// Ends the rehearsal that is under way, if one is.
    pub(super) fn stop_rehearsal(&self) {
        if let Some(stop) = locked(&self.0.rehearsal).take() {
            stop.cancel();
        }
    }

    fn change_rehearsal(&self, run: u32, change: impl FnOnce(&mut Rehearsal)) {
        self.show(|view| {
            if let Some(rehearsal) = view.rehearsal.as_mut().filter(|before| before.run == run) {
                change(rehearsal);
            }
        });
    }

    async fn stage(&self) -> Result<Stage, Problem> {
        let client = self.0.running.read().await.client.clone()?;
        let me = client
            .who_am_i()
            .await
            .map_err(|error| Problem::from_dataverse(&error, self.0.core.clock.now()))?;
        let (columns, _) = self.known_columns();
        Ok(Stage {
            client,
            columns,
            organization: me.organization_id,
        })
    }

    /// The chats that the outbox remembers, the newest first.
    async fn past_chats(&self) -> Result<Vec<Conversation>, Problem> {
        let recorder = self.0.running.read().await.recorder.clone();
        recorder
            .past_chats(u32::try_from(MOST_CHATS).unwrap_or(u32::MAX))
            .await
    }
}

/// Whether no other chat would fare better.
fn is_about_everything(problem: &Problem) -> bool {
    problem.code.starts_with("sign_in_")
        || [
            "dns_failed",
            "host_unreachable",
            "tls_failed",
            "organization_unavailable",
        ]
        .contains(&problem.code.as_str())
}

impl Stage {
    async fn rehearse(
        &self,
        place: u32,
        chat: &Conversation,
        draft: &Settings,
        in_force: &Settings,
        clock: &dyn Clock,
    ) -> RehearsedChat {
        let (with_draft, without) = if decides_alike(draft, in_force) {
            let outcome = self.outcome(chat, draft, clock).await;
            (outcome.clone(), outcome)
        } else {
            tokio::join!(
                self.outcome(chat, draft, clock),
                self.outcome(chat, in_force, clock)
            )
        };
        let differences = differences(&with_draft, &without);
        let value = |name: &str| chat.field(&name.parse().ok()?);
        let times = [
            "offline_message.time",
            "chat.start_time",
            "chat.request_time",
            "chat.end_time",
        ];
        RehearsedChat {
            place,
            visitor: ["visitor.name", "visitor.email", "visitor.phone"]
                .into_iter()
                .find_map(value)
                .unwrap_or_else(|| "Unknown visitor".to_owned()),
            time: times.into_iter().find_map(value),
            in_force: (with_draft != without).then_some(without),
            draft: with_draft,
            differences,
        }
    }

    /// How a chat would end with these settings.
    async fn outcome(
        &self,
        chat: &Conversation,
        settings: &Settings,
        clock: &dyn Clock,
    ) -> RehearsedOutcome {
        let rules = Rules {
            identification: settings.identification.clone(),
            fields: with_mapped_columns(&settings.fields, &self.columns),
            columns: self.columns.clone(),
        };
        let mut recognition = Recognition::default();
        let mut problem = None;
        let answers: Vec<_> = recognise::live(&self.client, &rules, chat, clock)
            .collect()
            .await;
        for (table, answer) in answers {
            match answer {
                Ok(outcome) => recognition.set(table, outcome),
                Err(error) => problem = Some(Problem::from_dataverse(&error, clock.now())),
            }
        }
        let people = Table::RECOGNISED.into_iter().filter_map(|table| {
            let outcome = recognition.of(table)?;
            let matched = outcome.matched.as_ref()?;
            Some(RehearsedPerson {
                table: table.logical_name().to_owned(),
                name: matched.record.name(),
                rule: matched.rule.clone(),
                reason: matched.reason.sentence(),
                others: u32::try_from(outcome.others.len()).unwrap_or(u32::MAX),
            })
        });
        let mut outcome = RehearsedOutcome {
            recognised: people.collect(),
            problem,
            ..RehearsedOutcome::default()
        };
        if settings.recording.mode == Mode::Manual {
            outcome.sentence = Some(
                "Nothing is written by itself: the agent decides (manual recording).".to_owned(),
            );
            return outcome;
        }
        if outcome.problem.is_some() {
            return outcome;
        }
        self.decide(chat, settings, &recognition, &mut outcome);
        outcome
    }

    fn decide(
        &self,
        chat: &Conversation,
        settings: &Settings,
        recognition: &Recognition,
        outcome: &mut RehearsedOutcome,
    ) {
        let recording = &settings.recording;
        let intent = Intent {
            cause: if chat.offline_message.is_some() {
                Cause::OfflineMessage
            } else {
                Cause::ChatEnd
            },
            conversation: chat.clone(),
            wish: Wish::Automatic {
                action: recording.action,
                update: recording.update,
                when_ambiguous: recording.when_ambiguous,
                owner: recording.owner,
                chosen: None,
            },
        };
        let nobody = integration::Outcome::default();
        let person = recording.action.person();
        let found = person
            .and_then(|table| recognition.of(table))
            .unwrap_or(&nobody);
        let subject = chat.subject().unwrap_or_else(|| "rehearsal".to_owned());
        let decision = decide(&Situation {
            intent: &intent,
            subject: &subject,
            found,
            fields: &settings.fields,
            columns: &self.columns,
            recording,
            country: settings.identification.default_country.as_deref(),
            organization: self.organization,
        });
        match decision {
            Decision::Nothing(why) => outcome.sentence = Some(why),
            Decision::Ask(candidates) => {
                outcome.sentence =
                    Some(format!("A person must choose: {} match.", candidates.len()));
            }
            Decision::Plan(plan) => {
                let notices = plan.unfit.iter().map(|unfit| {
                    let label = Table::from_logical_name(&unfit.table)
                        .map(|table| self.columns.label(table, &unfit.column));
                    format!(
                        "{}: {}",
                        label.as_deref().unwrap_or(&unfit.column),
                        unfit.rule
                    )
                });
                outcome.notices = notices.collect();
                outcome.writes = self.writes(&plan, found);
            }
        }
    }

    fn writes(&self, plan: &RecordPlan, found: &integration::Outcome) -> Vec<RehearsedWrite> {
        let steps = plan.steps.iter().map(|step| {
            let table = Table::from_logical_name(&step.table);
            let (how, values) = match &step.kind {
                StepKind::Create | StepKind::CreatePerson { .. } => ("create", step.values.clone()),
                StepKind::Update { policy } => {
                    let records = found.matched.iter().chain(&found.others);
                    let record = records
                        .map(|found| &found.record)
                        .find(|record| record.id.eq_ignore_ascii_case(&step.id.to_string()));
                    let current = |column: &str| {
                        record
                            .and_then(|record| record.values.get(column))
                            .map(|value| &value.raw)
                    };
                    let changed =
                        changes::changes(*policy, &self.columns, table, current, &step.values);
                    ("update", changed)
                }
            };
            RehearsedWrite {
                table: table.map_or_else(|| "Note".to_owned(), |table| label(table).to_owned()),
                how: how.to_owned(),
                name: step.name.clone(),
                values: values
                    .iter()
                    .map(|(column, value)| {
                        let (label, text) = match table {
                            Some(table) => (
                                self.columns.label(table, column),
                                shown(&self.columns, table, column, value),
                            ),
                            None => (column.clone(), value.text().unwrap_or_default().to_owned()),
                        };
                        RehearsedValue {
                            label,
                            text: short(&text),
                        }
                    })
                    .collect(),
            }
        });
        // An update that changes nothing is none.
        steps
            .filter(|write| write.how == "create" || !write.values.is_empty())
            .collect()
    }
}

/// The mapped columns are read along with whoever is found, so that it is known what an update would change.
fn with_mapped_columns(fields: &DisplaySettings, columns: &Columns) -> DisplaySettings {
    let mut fields = fields.clone();
    for (table, list) in [
        (Table::Contact, &mut fields.contact),
        (Table::Lead, &mut fields.lead),
    ] {
        for field in list {
            field.display |= field.source.is_some() && !columns.is_missing(table, &field.column);
        }
    }
    fields
}

fn decides_alike(one: &Settings, other: &Settings) -> bool {
    one.identification == other.identification
        && one.fields == other.fields
        && one.recording == other.recording
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What differs between two outcomes, in sentences.
fn differences(draft: &RehearsedOutcome, in_force: &RehearsedOutcome) -> Vec<String> {
    let mut found = Vec::new();
    for table in Table::RECOGNISED {
        let of = |outcome: &RehearsedOutcome| {
            let mut people = outcome.recognised.iter();
            people
                .find(|person| person.table == table.logical_name())
                .cloned()
        };
        let name = label(table);
        match (of(draft), of(in_force)) {
            (Some(now), Some(before)) if now.name != before.name => {
                found.push(format!("{name}: {} instead of {}.", now.name, before.name))
            }
            (Some(now), Some(before)) if now.rule != before.rule => found.push(format!(
                "{name}: by the rule \"{}\" instead of \"{}\".",
                now.rule, before.rule
            )),
            (Some(now), None) => found.push(format!("{name}: {} instead of nobody.", now.name)),
            (None, Some(before)) => {
                found.push(format!("{name}: nobody instead of {}.", before.name));
            }
            (Some(_) | None, _) => {}
        }
    }
    let written = |outcome: &RehearsedOutcome| -> Vec<String> {
        let writes = outcome.writes.iter();
        writes
            .map(|write| format!("{} {}", write.how, write.table.to_lowercase()))
            .collect()
    };
    let (now, before) = (written(draft), written(in_force));
    let listed = |writes: &[String]| match writes {
        [] => "nothing".to_owned(),
        some => some.join(", "),
    };
    if now != before {
        found.push(format!(
            "Written: {} instead of {}.",
            listed(&now),
            listed(&before)
        ));
        return found;
    }
    for (now, before) in draft.writes.iter().zip(&in_force.writes) {
        if now.values == before.values && now.name == before.name {
            continue;
        }
        let changed: Vec<&str> = now
            .values
            .iter()
            .filter(|value| !before.values.contains(value))
            .chain(
                before
                    .values
                    .iter()
                    .filter(|value| !now.values.iter().any(|now| now.label == value.label)),
            )
            .map(|value| value.label.as_str())
            .collect();
        if !changed.is_empty() {
            found.push(format!(
                "{}: other values of {}.",
                now.table,
                changed.join(", ")
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_of_one_chat_are_one_whatever_the_file_looks_like() {
        let started = json!({ "kind": "started", "chat": { "id": "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e022", "name": "Dana", "email": "dana@example.com" } });
        let ended = json!({ "kind": "ended", "chat": { "id": "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e022", "name": "Dana Nowak", "email": "dana@example.com" } });
        let other = json!({ "kind": "ended", "chat": { "id": "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e023", "name": "Eve" } });
        for text in [
            json!([started, other, ended]).to_string(),
            format!("{started}\n{other}\n{ended}\n"),
            format!("{started} [{other}, {ended}]"),
        ] {
            let read = read(&text).unwrap();
            assert_eq!(read.chats.len(), 2);
            assert!(read.problems.is_empty());
            let name = "visitor.name".parse().unwrap();
            assert_eq!(read.chats[0].field(&name).as_deref(), Some("Dana Nowak"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_rehearsed() {
        let good = json!({ "kind": "ended", "chat": { "id": "1", "name": "Dana" } });
        let found = read(&format!("[{good}, 7]\n{{\"kind\"")).unwrap();
        assert_eq!((found.chats.len(), found.problems.len()), (1, 2));
        assert_eq!(found.problems[0].code, "chats_unreadable");
        assert!(found.problems[0].message.contains("Line 2"));
        for text in ["", "[]", "nothing"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
