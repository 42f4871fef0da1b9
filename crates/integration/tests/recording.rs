//! Stories of recording: a chat, settings and who was found in; what is written out.
#![expect(
    clippy::unwrap_used,
    reason = "a story that cannot be set up has failed"
)]

use comm100::Conversation;
use integration::decide::{Decision, Situation, decide};
use integration::plan::{
    About, Cause, Chosen, Intent, LookupBy, Planned, RecordPlan, Step, StepKind, Wish,
};
use integration::recording::{Action, Exclude, Owner, Recording, UpdatePolicy, WhenAmbiguous};
use integration::{Columns, DisplaySettings, Match, Outcome, Reason, Record, Table, Value};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

const ORGANIZATION: Uuid = Uuid::from_u128(1);
const SUBJECT: &str = "3f8e2d17-5a64-4b0c-9d2e-71c4a8b6e022";
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

/// Dana's chat, in which she said this.
fn chat(said: &[&str]) -> Conversation {
    chat_of("Dana Vermeer", "Dana@Example.com", "+31 30 555 0142", said)
}

fn chat_of(name: &str, email: &str, phone: &str, said: &[&str]) -> Conversation {
    let messages: Vec<_> = said
        .iter()
        .map(|said| json!({ "sender": name, "senderType": "visitor", "content": said }))
        .collect();
    Conversation::from_visitor_value(json!({
        "kind": "ended",
        "agent": { "name": "Alex", "email": "alex@contoso.com" },
        "chat": {
            "id": SUBJECT, "name": name, "email": email, "phone": phone, "department": "Sales",
            "requestTime": 1_721_224_931, "messages": messages,
        },
    }))
    .unwrap()
}

fn found(table: Table, id: u128, state: i64) -> Match {
    let state = Value {
        raw: json!(state),
        formatted: None,
    };
    Match {
        record: Record {
            table,
            id: Uuid::from_u128(id).to_string(),
            values: [("statecode".to_owned(), state)].into(),
            read_at: Timestamp::UNIX_EPOCH,
            account: None,
        },
        rule: "Same e-mail".to_owned(),
        reason: Reason::FoundByDynamics,
    }
}

fn outcome(found: impl IntoIterator<Item = Match>) -> Outcome {
    let mut found = found.into_iter();
    Outcome {
        matched: found.next(),
        others: found.collect(),
    }
}

fn automatic(action: Action, update: UpdatePolicy) -> Wish {
    Wish::Automatic {
        action,
        update,
        when_ambiguous: WhenAmbiguous::Ask,
        owner: Owner::SignedIn,
        chosen: None,
    }
}

/// What is decided for a wish about a chat.
fn decided(
    conversation: Conversation,
    wish: Wish,
    found: &Outcome,
    recording: &Recording,
) -> Decision {
    decide(&Situation {
        intent: &Intent {
            cause: Cause::ChatEnd,
            conversation,
            wish,
        },
        subject: SUBJECT,
        found,
        fields: &DisplaySettings::default(),
        columns: &Columns::default(),
        recording,
        country: Some("NL"),
        organization: ORGANIZATION,
    })
}

fn plan(decision: Decision) -> RecordPlan {
    match decision {
        Decision::Plan(plan) => plan,
        other @ (Decision::Nothing(_) | Decision::Ask(_)) => panic!("no plan but {other:?}"),
    }
}

fn steps(plan: &RecordPlan) -> Vec<(&str, &'static str)> {
    plan.steps
        .iter()
        .map(|step| {
            let kind = match step.kind {
                StepKind::Create => "create",
                StepKind::CreatePerson { .. } => "create person",
                StepKind::Update { .. } => "update",
            };
            (step.table.as_str(), kind)
        })
        .collect()
}

fn lookup<'a>(step: &'a Step, column: &str) -> Option<(&'a str, Uuid)> {
    match step.values.get(column)? {
        Planned::Lookup { table, id } => Some((table, *id)),
        Planned::Value(_) | Planned::Find(_) => None,
    }
}

#[test]
fn each_action_and_policy_has_its_plan() {
    for action in ACTIONS {
        for policy in POLICIES {
            for matches in 0..3_u128 {
                let name = format!("{action:?} {policy:?} {matches}");
                let table = action.person().unwrap_or(Table::Contact);
                let people = outcome((0..matches).map(|n| found(table, 100 + n, 0)));
                let decision = decided(
                    chat(&["Hello"]),
                    automatic(action, policy),
                    &people,
                    &Recording::default(),
                );
                let (Some(person), true) = (action.person(), matches < 2) else {
                    match decision {
                        Decision::Nothing(_) => assert_eq!(action, Action::Nothing, "{name}"),
                        Decision::Ask(people) => assert_eq!(people.len(), 2, "{name}"),
                        Decision::Plan(_) => panic!("{name}: written on a guess"),
                    }
                    continue;
                };
                let how = match (matches, policy) {
                    (0, _) => Some("create person"),
                    (_, UpdatePolicy::Keep) => None,
                    (_, UpdatePolicy::Overwrite | UpdatePolicy::FillBlanks) => Some("update"),
                };
                let mut expected = Vec::new();
                expected.extend(how.map(|how| (person.logical_name(), how)));
                expected.extend(action.added().map(|added| (added.logical_name(), "create")));
                if expected.is_empty() {
                    assert!(matches!(decision, Decision::Nothing(_)), "{name}");
                    continue;
                }
                let plan = plan(decision);
                assert_eq!(steps(&plan), expected, "{name}");
                let Some(added) = action.added() else {
                    continue;
                };
                let column = if added == Table::Incident {
                    "customerid"
                } else {
                    "regardingobjectid"
                };
                let person_id = if matches == 1 {
                    Uuid::from_u128(100)
                } else {
                    plan.steps[0].id
                };
                let last = plan.steps.last().unwrap();
                assert_eq!(
                    lookup(last, column),
                    Some((person.logical_name(), person_id)),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_message_is_called_by_its_subject_and_a_chat_by_its_visitor_and_day() {
    let title = |conversation| {
        let wish = automatic(Action::ContactAndCase, UpdatePolicy::Keep);
        let plan = plan(decided(
            conversation,
            wish,
            &Outcome::default(),
            &Recording::default(),
        ));
        plan.steps.last().unwrap().values["title"].clone()
    };
    let message = |subject: &str| {
        Conversation::from_visitor_value(json!({
            "kind": "offline-message",
            "offlineMessage": { "id": SUBJECT, "name": "Dana", "subject": subject, "content": "Please call." },
        }))
        .unwrap()
    };
    assert_eq!(
        title(message("Call back")),
        Planned::Value("Call back".into())
    );
    assert_eq!(
        title(message("")),
        Planned::Value("Offline message from Dana".into())
    );
    assert_eq!(
        title(chat(&["Hello"])),
        Planned::Value("Chat with Dana Vermeer on 2024-07-17".into())
    );
}

#[test]
fn inactive_people_are_meant_only_if_there_are_no_others() {
    let wish = || automatic(Action::ContactAndCase, UpdatePolicy::Keep);
    let customer = |people: Outcome| {
        let decision = decided(chat(&["Hello"]), wish(), &people, &Recording::default());
        lookup(&plan(decision).steps[0], "customerid").map(|(_, id)| id)
    };
    let (active, inactive) = (found(Table::Contact, 1, 0), found(Table::Contact, 2, 1));
    assert_eq!(
        customer(outcome([inactive.clone(), active])),
        Some(Uuid::from_u128(1))
    );
    assert_eq!(customer(outcome([inactive])), Some(Uuid::from_u128(2)));
}

#[test]
fn among_several_the_choice_counts() {
    let people = || outcome([found(Table::Contact, 1, 0), found(Table::Contact, 2, 0)]);
    let wish = |when_ambiguous, chosen| Wish::Automatic {
        action: Action::ContactAndCase,
        update: UpdatePolicy::Keep,
        when_ambiguous,
        owner: Owner::SignedIn,
        chosen,
    };
    let customer = |wish| {
        let decision = decided(chat(&["Hello"]), wish, &people(), &Recording::default());
        lookup(plan(decision).steps.last().unwrap(), "customerid").map(|(_, id)| id)
    };
    assert_eq!(
        customer(wish(WhenAmbiguous::First, None)),
        Some(Uuid::from_u128(1))
    );
    let second = Chosen::Existing {
        id: Uuid::from_u128(2),
    };
    assert_eq!(
        customer(wish(WhenAmbiguous::Ask, Some(second))),
        Some(Uuid::from_u128(2))
    );
    let new = customer(wish(WhenAmbiguous::Ask, Some(Chosen::New))).unwrap();
    assert!(![1, 2].map(Uuid::from_u128).contains(&new));
}

#[test]
fn who_is_excluded_is_not_recorded() {
    let list = |emails: &[&str], domains: &[&str], phones: &[&str], departments: &[&str]| {
        let own = |list: &[&str]| list.iter().map(|&entry| entry.to_owned()).collect();
        Recording {
            exclude: Exclude {
                emails: own(emails),
                domains: own(domains),
                phones: own(phones),
                departments: own(departments),
            },
            ..Recording::default()
        }
    };
    let is_left_out = |recording: &Recording, email: &str| {
        let chat = chat_of("Dana", email, "030 555 0142", &["Hello"]);
        let wish = automatic(Action::ContactAndCase, UpdatePolicy::Keep);
        match decided(chat, wish, &Outcome::default(), recording) {
            Decision::Nothing(_) => true,
            Decision::Plan(_) => false,
            Decision::Ask(_) => panic!("nobody was found"),
        }
    };
    let dana = "Dana@Mail.Example.com";
    for (recording, expected) in [
        (list(&[], &[], &[], &[]), false),
        (list(&["dana@mail.example.COM "], &[], &[], &[]), true),
        (list(&["other@mail.example.com"], &[], &[], &[]), false),
        (list(&[], &["example.com"], &[], &[]), true),
        (list(&[], &["@mail.example.com"], &[], &[]), true),
        (list(&[], &["ample.com"], &[], &[]), false),
        (list(&[], &[], &["+31 (30) 555-0142"], &[]), true),
        (list(&[], &[], &["+31 30 555 0143"], &[]), false),
        (list(&[], &[], &[], &[" sales"]), true),
        (list(&[], &[], &[], &["Support"]), false),
    ] {
        assert_eq!(
            is_left_out(&recording, dana),
            expected,
            "{:?}",
            recording.exclude
        );
    }
}

#[test]
fn a_chat_in_which_nothing_was_said_is_not_recorded_unless_asked_for() {
    let wish = || automatic(Action::Contact, UpdatePolicy::FillBlanks);
    let decision = |said: &[&str], wish, least| {
        let recording = Recording {
            minimum_messages: least,
            ..Recording::default()
        };
        decided(chat(said), wish, &Outcome::default(), &recording)
    };
    assert!(matches!(
        decision(&["One", "Two"], wish(), 2),
        Decision::Plan(_)
    ));
    assert!(matches!(
        decision(&["One"], wish(), 2),
        Decision::Nothing(_)
    ));
    let button = Wish::Create {
        table: Table::Contact,
        values: [("lastname".to_owned(), Planned::Value("Dana".into()))].into(),
        about: None,
        owner: Owner::SignedIn,
    };
    assert!(matches!(decision(&["One"], button, 2), Decision::Plan(_)));
}

#[test]
fn the_same_person_has_the_same_id_however_they_write_themselves() {
    let id = |conversation| {
        let wish = automatic(Action::Contact, UpdatePolicy::Keep);
        plan(decided(
            conversation,
            wish,
            &Outcome::default(),
            &Recording::default(),
        ))
        .steps[0]
            .id
    };
    let of = |name, email, phone| id(chat_of(name, email, phone, &["Hello"]));
    let email = of("Dana", "dana@example.com", "");
    assert_eq!(
        email,
        of("D. Vermeer", "DANA@EXAMPLE.COM", "+31 30 555 0142")
    );
    assert_ne!(email, of("Dana", "dana@example.org", ""));
    let phone = of("Dana", "", "+31 30 555 0142");
    assert_eq!(phone, of("Dana", "", "030 555 0142"));
    assert_ne!(phone, of("Dana", "", "+31 30 555 0143"));
    assert_ne!(phone, email);
}

#[test]
fn what_is_created_belongs_to_the_agent_where_the_settings_say_so() {
    let wish = |owner| Wish::Automatic {
        action: Action::ContactAndCase,
        update: UpdatePolicy::Keep,
        when_ambiguous: WhenAmbiguous::Ask,
        owner,
        chosen: None,
    };
    let questions = |owner| {
        let decision = decided(
            chat(&["Hello"]),
            wish(owner),
            &Outcome::default(),
            &Recording::default(),
        );
        let plan = plan(decision);
        let owned = plan
            .steps
            .iter()
            .filter(|step| step.values.contains_key("ownerid"))
            .count();
        let asked: Vec<_> = plan.questions().into_iter().cloned().collect();
        (owned, asked)
    };
    assert_eq!(questions(Owner::SignedIn), (0, vec![]));
    let (owned, asked) = questions(Owner::Agent);
    assert_eq!(owned, 2);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].by, LookupBy::Email);
    assert_eq!(asked[0].text, "alex@contoso.com");
}

#[test]
fn a_case_by_hand_is_about_whom_the_agent_says() {
    let wish = |about| Wish::Create {
        table: Table::Incident,
        values: [("title".to_owned(), Planned::Value("Invoice".into()))].into(),
        about,
        owner: Owner::SignedIn,
    };
    let of = |about| {
        plan(decided(
            chat(&["Hello"]),
            wish(about),
            &Outcome::default(),
            &Recording::default(),
        ))
    };
    let existing = of(Some(About::Existing {
        table: Table::Account,
        id: Uuid::from_u128(7),
    }));
    assert_eq!(steps(&existing), [("incident", "create")]);
    assert_eq!(existing.steps[0].name, "Invoice");
    assert_eq!(
        lookup(&existing.steps[0], "customerid"),
        Some(("account", Uuid::from_u128(7)))
    );
    let new = of(Some(About::New {
        table: Table::Contact,
    }));
    assert_eq!(
        steps(&new),
        [("contact", "create person"), ("incident", "create")]
    );
    assert_eq!(
        lookup(&new.steps[1], "customerid"),
        Some(("contact", new.steps[0].id))
    );
    // By hand and by itself the chat leads to one case.
    let itself = plan(decided(
        chat(&["Hello"]),
        automatic(Action::ContactAndCase, UpdatePolicy::Keep),
        &Outcome::default(),
        &Recording::default(),
    ));
    assert_eq!(itself.steps.last().unwrap().id, existing.steps[0].id);
}

#[test]
fn a_chat_becomes_a_note_on_an_open_case() {
    let case = Uuid::from_u128(9);
    for said in [&["My invoice is wrong"][..], &[]] {
        let plan = plan(decided(
            chat(said),
            Wish::AddToCase { case },
            &Outcome::default(),
            &Recording::default(),
        ));
        assert_eq!(steps(&plan), [("annotation", "create")]);
        assert_eq!(lookup(&plan.steps[0], "objectid"), Some(("incident", case)));
    }
}

proptest! {
    /// Whatever a visitor writes, the plan is the same each time, its ids differ, and each reference within it is to an
    /// earlier step or to somebody who was found.
    #[test]
    fn a_plan_is_whole(
        name in any::<String>(), email in any::<String>(), phone in any::<String>(),
        said in proptest::collection::vec(any::<String>(), 0..4),
        action in 0..ACTIONS.len(), policy in 0..POLICIES.len(), is_known in any::<bool>(),
    ) {
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        let action = ACTIONS[action];
        let table = action.person().unwrap_or(Table::Contact);
        let people = outcome(is_known.then(|| found(table, 100, 0)));
        let run = || {
            let wish = automatic(action, POLICIES[policy]);
            decided(chat_of(&name, &email, &phone, &said), wish, &people, &Recording::default())
        };
        prop_assert_eq!(run(), run());
        if let Decision::Plan(plan) = run() {
            let mut known = vec![Uuid::from_u128(100)];
            for step in &plan.steps {
                for value in step.values.values() {
                    if let Planned::Lookup { id, .. } = value {
                        prop_assert!(known.contains(id));
                    }
                }
                if !matches!(step.kind, StepKind::Update { .. }) {
                    prop_assert!(!known.contains(&step.id));
                    known.push(step.id);
                }
            }
        }
    }
}
