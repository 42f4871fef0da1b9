//! Why a visitor is recognised by a draft's rules, or is not: each rule is asked, and of those that find nobody each condition.

use comm100::Conversation;
use dataverse::Client;
use futures_util::future::join_all;
use integration::{
    Columns, Condition, DisplaySettings, Identification, Outcome, Rule, Table, identify,
};

use crate::clock::Clock;
use crate::problem::Problem;
use crate::recognise;
use crate::settings::draft::Drafted;
use crate::view::{
    ConditionExplanation, ConditionState, Explanation, RuleExplanation, RuleState, TableExplanation,
};

/// What is asked with.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) columns: &'a Columns,
    pub(super) clock: &'a dyn Clock,
    pub(super) drafted: &'a Drafted,
    pub(super) conversation: &'a Conversation,
}

impl Asking<'_> {
    pub(super) async fn explanation(&self) -> Explanation {
        let tables = Table::RECOGNISED.map(|table| self.table(table));
        Explanation {
            tables: join_all(tables).await,
        }
    }

    fn identification(&self) -> &Identification {
        &self.drafted.settings.identification
    }

    async fn table(&self, table: Table) -> TableExplanation {
        let rules = self.identification().rules(table);
        let found = join_all(rules.iter().map(|rule| self.found(table, rule))).await;
        let first = found.iter().position(
            |found| matches!(found, Found::Records(outcome) if outcome.matched.is_some()),
        );
        let explained = rules
            .iter()
            .zip(&found)
            .enumerate()
            .map(|(place, (rule, found))| self.rule(table, place, rule, found, first));
        let explained = join_all(explained).await;
        let problem = found.iter().find_map(|found| match found {
            Found::Failed(problem) => Some(problem.clone()),
            Found::Off | Found::Nothing | Found::Records(_) => None,
        });
        let by = first.and_then(|first| explained.get(first));
        let sentence = match by {
            Some(rule) => format!(
                "{}, by the rule \"{}\".",
                rule.records.first().map_or("Somebody", String::as_str),
                rule.name
            ),
            None if problem.is_some() => {
                format!("Dynamics gave no answer about every {table}.")
            }
            None if rules.is_empty() && table == Table::Account => {
                "No rule looks for accounts: the contact's account is shown.".to_owned()
            }
            None if rules.is_empty() => format!("No rule looks for a {table}."),
            None => format!("No rule finds a {table}."),
        };
        TableExplanation {
            table: table.logical_name().to_owned(),
            sentence,
            found: first.is_some(),
            rules: explained,
            problem,
        }
    }

    async fn rule(
        &self,
        table: Table,
        place: usize,
        rule: &Rule,
        found: &Found,
        first: Option<usize>,
    ) -> RuleExplanation {
        let key = self
            .drafted
            .key_in_draft(&format!("identification.{table}.{place}"));
        let (state, sentence) = match found {
            Found::Off => (RuleState::Off, "It is switched off.".to_owned()),
            Found::Nothing => (
                RuleState::NothingToAsk,
                "The visitor gave nothing that it could ask about.".to_owned(),
            ),
            Found::Failed(problem) => (RuleState::Failed, problem.message.clone()),
            Found::Records(outcome) => match &outcome.matched {
                None => (RuleState::Nobody, format!("It finds no {table}.")),
                Some(matched) => {
                    let reason = matched.reason.sentence();
                    let more = match outcome.others.len() {
                        0 => String::new(),
                        more => format!(", and {more} more"),
                    };
                    let sentence = format!("It finds {}: {reason}{more}.", matched.record.name());
                    match first {
                        Some(first) if first < place => (RuleState::After, sentence),
                        Some(_) | None => (RuleState::Matched, sentence),
                    }
                }
            },
        };
        let records = match found {
            Found::Records(outcome) => outcome
                .matched
                .iter()
                .chain(&outcome.others)
                .map(|found| found.record.name())
                .collect(),
            Found::Off | Found::Nothing | Found::Failed(_) => Vec::new(),
        };
        let met = match found {
            Found::Records(outcome) => outcome.matched.as_ref(),
            Found::Off | Found::Nothing | Found::Failed(_) => None,
        };
        let mut conditions = Vec::new();
        for (list, of) in [("all", &rule.all), ("any", &rule.any)] {
            let explained = of.iter().enumerate().map(|(at, condition)| {
                let key = format!("{key}.{list}.{at}");
                // A rule that found somebody need not be asked in parts; one that is switched off is not asked at all.
                let record = met.map(|found| &found.record);
                self.condition(table, rule, condition, key, record, state)
            });
            conditions.extend(join_all(explained).await);
        }
        RuleExplanation {
            key,
            name: rule.name.clone(),
            state,
            sentence,
            records,
            conditions,
        }
    }

    async fn condition(
        &self,
        table: Table,
        rule: &Rule,
        condition: &Condition,
        key: String,
        record: Option<&integration::Record>,
        rule_state: RuleState,
    ) -> ConditionExplanation {
        let value = self.conversation.field(&condition.field);
        let value = value.filter(|value| !value.trim().is_empty());
        let label = self.columns.label(table, &condition.column);
        let asked = || {
            format!(
                "{label} {} {}",
                condition.operator.in_words(),
                value.as_deref().unwrap_or_default().trim()
            )
        };
        let alone = Rule {
            name: rule.name.clone(),
            off: false,
            all: Vec::new(),
            any: vec![condition.clone()],
        };
        let (state, sentence) = if value.is_none() {
            (
                ConditionState::Empty,
                format!("The visitor gave no {}.", condition.field.label()),
            )
        } else if rule_state == RuleState::Off {
            (ConditionState::NotAsked, "It was not asked.".to_owned())
        } else if record.is_some_and(|record| {
            identify::meets(
                table,
                &alone,
                self.identification(),
                self.columns,
                self.conversation,
                record,
            )
        }) {
            (ConditionState::Met, format!("{}.", asked()))
        } else {
            match self.found(table, &alone).await {
                Found::Off | Found::Nothing => (
                    ConditionState::Unfit,
                    format!(
                        "\"{}\" cannot stand in {label}.",
                        value.as_deref().unwrap_or_default().trim()
                    ),
                ),
                Found::Failed(problem) => (ConditionState::Failed, problem.message),
                Found::Records(outcome) if outcome.matched.is_some() => {
                    let count = outcome.others.len() + 1;
                    let whose = if record.is_some() { "another" } else { "a" };
                    let who = if count == 1 {
                        format!("{whose} {table} has it by itself")
                    } else {
                        format!("{count} of the table {table} have it by itself")
                    };
                    let state = if record.is_some() {
                        ConditionState::NotMet
                    } else {
                        ConditionState::Met
                    };
                    (state, format!("{}: {who}.", asked()))
                }
                Found::Records(_) => (
                    ConditionState::NotMet,
                    format!("There is no {table} of which {}.", asked()),
                ),
            }
        };
        ConditionExplanation {
            key,
            state,
            value,
            sentence,
        }
    }

    /// What a rule finds by itself.
    async fn found(&self, table: Table, rule: &Rule) -> Found {
        if rule.off {
            return Found::Off;
        }
        let only = |of: Table| {
            if of == table {
                vec![rule.clone()]
            } else {
                Vec::new()
            }
        };
        let identification = Identification {
            default_country: self.identification().default_country.clone(),
            contact: only(Table::Contact),
            account: only(Table::Account),
            lead: only(Table::Lead),
        };
        let nothing_shown = DisplaySettings {
            contact: Vec::new(),
            account: Vec::new(),
            lead: Vec::new(),
            case: Vec::new(),
            task: Vec::new(),
        };
        let questions = identify::questions(
            table,
            &identification,
            &nothing_shown,
            self.columns,
            self.conversation,
        );
        let Some(question) = questions.first() else {
            return Found::Nothing;
        };
        let answer = recognise::ask(self.client, self.columns, question).await;
        let page = match answer {
            Ok(page) => page,
            Err(error) => return Found::Failed(Problem::from_dataverse(&error, self.clock.now())),
        };
        let read_at = self.clock.now();
        let records = page
            .rows
            .iter()
            .filter_map(|row| recognise::record(self.columns, question, row, read_at))
            .collect();
        Found::Records(identify::judge(
            table,
            rule,
            &identification,
            self.columns,
            self.conversation,
            records,
        ))
    }
}

/// What a rule finds.
enum Found {
    Off,
    /// There is nothing to ask.
    Nothing,
    Failed(Problem),
    Records(Outcome),
}
