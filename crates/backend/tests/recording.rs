//! Chats and offline messages are written down: every action, policy and number of matches, read back from the organization.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use backend::view::{EntryState, WrittenHow};
use common::recording::{Organization, done, ended, offline, recorded, settled, written};
use dataverse::Filter;
use integration::Table;
use integration::recording::{Action, UpdatePolicy, WhenAmbiguous};
use uuid::Uuid;

const ACTIONS: [Action; 5] = [
    Action::ContactAndCase,
    Action::ContactAndTask,
    Action::Contact,
    Action::LeadAndTask,
    Action::Nothing,
];
const POLICIES: [UpdatePolicy; 3] = [
    UpdatePolicy::Keep,
    UpdatePolicy::Overwrite,
    UpdatePolicy::FillBlanks,
];
const PHONE: &str = "+31 30 555 0142";

/// One row of the table.
struct Case<'a> {
    organization: &'a Organization,
    action: Action,
    policy: UpdatePolicy,
    matches: usize,
    is_offline: bool,
}

impl Case<'_> {
    fn name(&self) -> String {
        format!(
            "{:?} {:?} {} matches, {}",
            self.action,
            self.policy,
            self.matches,
            if self.is_offline { "message" } else { "chat" }
        )
    }

    async fn run(&self, number: usize, handle: &backend::Handle) {
        let name = self.name();
        // Nobody's number is anybody else's: the rules ask for it, too.
        let phone = format!("+31 30 200 {number:04}");
        let email = format!("{}@example.com", Uuid::new_v4());
        let subject = Uuid::new_v4();
        // Without a person's table the visitor would be found among the contacts.
        let person = self.action.person().unwrap_or(Table::Contact);
        let set = person.entity_set();
        let mut known = Vec::new();
        for _ in 0..self.matches {
            let old = [("lastname", "Old"), ("emailaddress1", email.as_str())];
            known.push(self.organization.put(set, &old).await);
        }
        let event = if self.is_offline {
            offline(subject, "Dana New", &email, &phone, "Please call me.")
        } else {
            ended(subject, "Dana New", &email, &phone, "My invoice is wrong.")
        };
        let people = || {
            self.organization
                .rows(set, Filter::equals("emailaddress1", email.as_str()))
        };
        let Some(entry) = handle.feed(event).await.unwrap() else {
            assert_eq!(self.action, Action::Nothing, "{name}");
            assert_eq!(people().await.len(), self.matches, "{name}");
            return;
        };
        let mut view = settled(handle, entry).await;
        if self.matches > 1 {
            assert_eq!(view.state, EntryState::Attention, "{name}: {view:#?}");
            assert_eq!(view.candidates.len(), self.matches, "{name}");
            assert_eq!(
                people().await.len(),
                self.matches,
                "{name}: nobody is created"
            );
            let chosen = known[1].to_string();
            handle
                .choose_person(&entry.to_string(), Some(&chosen))
                .await
                .unwrap();
            view = settled(handle, entry).await;
        }
        assert_eq!(
            people().await.len(),
            self.matches.max(1),
            "{name}: {view:#?}"
        );
        let is_kept = self.matches > 0 && self.policy == UpdatePolicy::Keep;
        if is_kept && self.action == Action::Contact {
            // There is nothing to do for somebody who is known and not to be updated.
            assert!(
                matches!(view.state, EntryState::Nothing | EntryState::Done),
                "{name}: {view:#?}"
            );
        } else {
            done(&view);
        }
        let id = match self.matches {
            0 => written(&view, person.logical_name()),
            1 => known[0],
            _ => known[1],
        };
        let row = self.organization.row(set, id).await;
        let (lastname, phone) = match (self.matches, self.policy) {
            (0, _) | (_, UpdatePolicy::Overwrite) => ("Dana New", Some(phone.as_str())),
            (_, UpdatePolicy::Keep) => ("Old", None),
            (_, UpdatePolicy::FillBlanks) => ("Old", Some(phone.as_str())),
        };
        assert_eq!(row.text("lastname"), Some(lastname), "{name}");
        assert_eq!(row.text("telephone1"), phone, "{name}");
        if let Some(added) = self.action.added() {
            let id = written(&view, added.logical_name());
            let row = self.organization.row(added.entity_set(), id).await;
            let about = if added == Table::Incident {
                "customerid"
            } else {
                "regardingobjectid"
            };
            let about = row.lookup(about).expect("whom it is about");
            assert_eq!(
                about.table.as_deref(),
                Some(person.logical_name()),
                "{name}"
            );
            let expected = match self.matches {
                0 => written(&view, person.logical_name()),
                1 => known[0],
                _ => known[1],
            };
            assert_eq!(about.id, expected, "{name}");
            let said = row.text("description").unwrap_or_default();
            let expected = if self.is_offline {
                "call me"
            } else {
                "invoice"
            };
            assert!(said.contains(expected), "{name}: {said}");
        }
    }
}

#[tokio::test]
async fn every_action_policy_and_number_of_matches_ends_in_the_right_records() {
    let organization = Organization::start().await;
    let mut number = 0;
    for action in ACTIONS {
        for policy in POLICIES {
            let backend = organization
                .companion(|options| {
                    options.settings.recording.action = action;
                    options.settings.recording.update = policy;
                })
                .await;
            let handle = backend.handle();
            for matches in [0, 1, 2] {
                for is_offline in [false, true] {
                    let case = Case {
                        organization: &organization,
                        action,
                        policy,
                        matches,
                        is_offline,
                    };
                    number += 1;
                    case.run(number, &handle).await;
                }
            }
            backend.stop().await;
        }
    }
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn the_first_of_several_is_taken_if_the_settings_say_so() {
    let organization = Organization::start().await;
    let backend = organization
        .companion(|options| options.settings.recording.when_ambiguous = WhenAmbiguous::First)
        .await;
    let email = "two@example.com";
    for name in ["One", "Two"] {
        let values = [("lastname", name), ("emailaddress1", email)];
        organization.put("contacts", &values).await;
    }
    let view = recorded(
        &backend.handle(),
        ended(Uuid::new_v4(), "Dana", email, "", "Hello"),
    )
    .await;
    done(&view);
    assert_eq!(organization.count("contacts").await, 2);
    assert_eq!(organization.count("incidents").await, 1);
    backend.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn the_same_chat_end_is_one_entry_and_one_record_however_often_it_is_told() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let other = organization.companion(|_| {}).await;
    let (one, two) = (backend.handle(), other.handle());
    let event = ended(Uuid::new_v4(), "Dana", "dana@example.com", PHONE, "Hello");
    let first = recorded(&one, event.clone()).await;
    done(&first);
    let again = recorded(&one, event.clone()).await;
    assert_eq!(again.id, first.id);
    // A second companion that saw the same chat end.
    let beside = recorded(&two, event).await;
    done(&beside);
    assert!(
        beside
            .records
            .iter()
            .all(|record| matches!(record.done, WrittenHow::Existed | WrittenHow::Unchanged)),
        "{beside:#?}"
    );
    assert_eq!(organization.count("contacts").await, 1);
    assert_eq!(organization.count("incidents").await, 1);
    backend.stop().await;
    other.stop().await;
    organization.sandbox.stop().await;
}

#[tokio::test]
async fn what_was_said_after_a_chat_was_written_down_is_added_and_nothing_else_is_touched() {
    let organization = Organization::start().await;
    let backend = organization.companion(|_| {}).await;
    let handle = backend.handle();
    let chat = Uuid::new_v4();
    let first = recorded(
        &handle,
        ended(chat, "Dana", "dana@example.com", PHONE, "First words"),
    )
    .await;
    done(&first);
    let case = written(&first, "incident");
    let title = dataverse::RecordBody::new().set("title", "Renamed by a person");
    organization
        .client
        .update("incidents", case, title)
        .await
        .unwrap();
    let later = recorded(
        &handle,
        ended(chat, "Dana", "dana@example.com", PHONE, "Later words"),
    )
    .await;
    done(&later);
    assert_eq!(later.id, first.id);
    let row = organization.row("incidents", case).await;
    assert!(row.text("description").unwrap().contains("Later words"));
    assert_eq!(row.text("title"), Some("Renamed by a person"));
    assert_eq!(organization.count("incidents").await, 1);
    backend.stop().await;
    organization.sandbox.stop().await;
}
