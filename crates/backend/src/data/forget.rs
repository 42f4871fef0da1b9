//! Forgetting one person: what names them is taken out of cache, outbox, activity, links, logs and set-aside files.

use integration::{Record, copies};
use rand::RngExt;
use sha2::{Digest, Sha256};
use store::{Entry, NewLine, State, StoredAnswer};
use uuid::Uuid;

use super::recovery::hex;
use super::whom::Whom;
use super::{LOGS, LocalData, aside_files, damaged_cache, logs, name, remove_database, stored};
use crate::problem::Problem;
use crate::recorder::visitor_of_intent;
use crate::view::{Receipt, Traces, UnsentView};

/// How often what was written meanwhile is looked for again.
const ROUNDS: u32 = 3;

/// What is to be taken out.
#[derive(Default)]
struct Found {
    copies: Vec<i64>,
    rewritten: Vec<Rewritten>,
    answers: Vec<StoredAnswer>,
    settled: Vec<Uuid>,
    unsent: Vec<Entry>,
    lines: Vec<i64>,
    links: Vec<i64>,
    log_lines: u64,
}

/// A company's copy without the person's values.
struct Rewritten {
    number: i64,
    body: String,
    words: String,
    gone: Vec<String>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.copies.is_empty()
            && self.rewritten.is_empty()
            && self.answers.is_empty()
            && self.settled.is_empty()
            && self.unsent.is_empty()
            && self.lines.is_empty()
            && self.links.is_empty()
            && self.log_lines == 0
    }
}

impl LocalData {
    /// What would be erased of a person. Nothing changes.
    ///
    /// # Errors
    /// The files'.
    pub async fn traces(&self, whom: &Whom) -> Result<Traces, Problem> {
        let mut whom = whom.clone();
        let found = self.find(&mut whom).await?;
        self.traces_of(&found).await
    }

    /// Erases a person, and gives the receipt. What is not sent yet is erased only with the word for it.
    ///
    /// # Errors
    /// `forget_unsent`, `forget_sending`, and the files'. Then it may be called again: what is erased stays so.
    pub async fn forget(&self, whom: &Whom, discard_unsent: bool) -> Result<Receipt, Problem> {
        let mut whom = whom.clone();
        let found = self.find(&mut whom).await?;
        if let Some(problem) = refused(&found.unsent, discard_unsent) {
            return Err(problem);
        }
        let mut erased = self.traces_of(&found).await?;
        // Whose they are is not for the receipt.
        let discarded = u64::try_from(erased.unsent.len()).unwrap_or(u64::MAX);
        erased.unsent.clear();
        self.erase(&found, &whom).await?;
        for _ in 0..ROUNDS {
            let left = self.find(&mut whom).await?;
            if left.is_empty() {
                break;
            }
            self.erase(&left, &whom).await?;
        }
        self.elsewhere(|folder| {
            for path in removable(folder)? {
                remove_database(&path)?;
            }
            Ok(())
        })
        .await?;
        let told = NewLine {
            organization: self.organization.clone(),
            at: self.clock.now(),
            what: "forgotten".to_owned(),
            detail: format!("A person was erased: {}.", summary(&erased, discarded)),
            ..NewLine::default()
        };
        stored(self.store.erase(&[], &[], &[], &[told]).await)?;
        stored(self.cache.compact().await)?;
        stored(self.store.compact().await)?;
        tracing::info!(
            copies = erased.copies,
            entries = erased.entries,
            lines = erased.lines,
            "a person was erased from this computer"
        );
        Ok(self.receipt(&whom, erased, discarded))
    }

    async fn find(&self, whom: &mut Whom) -> Result<Found, Problem> {
        // Who they are, first: records, chats and entries lead to each other.
        stored(
            self.cache
                .every_copy(|copy| {
                    if whom.is_named_in(&copy.body)
                        && let Ok(record) = serde_json::from_str::<Record>(&copy.body)
                        && whom.is(&record)
                    {
                        whom.records.insert(copy.id.to_lowercase());
                    }
                })
                .await,
        )?;
        loop {
            let known = (whom.records.len(), whom.subjects.len(), whom.entries.len());
            stored(
                self.store
                    .every_entry(|entry| {
                        let own = visitor_of_intent(&entry.intent)
                            .iter()
                            .any(|value| whom.has(value));
                        if own {
                            whom.entries.insert(entry.id);
                            whom.subjects.insert(entry.subject);
                        }
                    })
                    .await,
            )?;
            stored(
                self.store
                    .every_line(|line| {
                        if is_about(&line.line, whom) {
                            whom.subjects.extend(line.line.chat.clone());
                            let is_person =
                                matches!(line.line.table.as_deref(), Some("contact" | "lead"));
                            whom.records.extend(
                                line.line
                                    .record_id
                                    .filter(|_| is_person)
                                    .map(|id| id.to_string()),
                            );
                        }
                    })
                    .await,
            )?;
            if known == (whom.records.len(), whom.subjects.len(), whom.entries.len()) {
                break;
            }
        }
        let mut found = Found::default();
        let country = self.country.as_deref();
        stored(
            self.cache
                .every_copy(|copy| {
                    let is_own = whom.records.contains(&copy.id.to_lowercase());
                    if !is_own && !whom.is_named_in(&copy.body) {
                        return;
                    }
                    // A company stays, without what names the person.
                    match serde_json::from_str::<Record>(&copy.body) {
                        Ok(record) if record.table == integration::Table::Account => {
                            found
                                .rewritten
                                .push(without(whom, record, copy.number, country));
                        }
                        Ok(_) | Err(_) => found.copies.push(copy.number),
                    }
                })
                .await,
        )?;
        stored(
            self.cache
                .every_answer(|answer| {
                    if whom.is_named_in(&answer.body) {
                        found.answers.push(answer);
                    }
                })
                .await,
        )?;
        stored(
            self.store
                .every_entry(|entry| {
                    if !is_in(&entry, whom) {
                        return;
                    }
                    match entry.state {
                        State::Done | State::Nothing | State::Discarded => {
                            found.settled.push(entry.id)
                        }
                        State::Waiting | State::Queued | State::Sending | State::Attention => {
                            found.unsent.push(entry);
                        }
                    }
                })
                .await,
        )?;
        stored(
            self.store
                .every_line(|line| {
                    if is_about(&line.line, whom) {
                        found.lines.push(line.number);
                    }
                })
                .await,
        )?;
        let records: Vec<Uuid> = whom
            .records
            .iter()
            .filter_map(|id| id.parse().ok())
            .collect();
        let identities = [format!("{}:{}", whom.kind(), whom.normalised())];
        let chats: Vec<String> = whom.subjects.iter().cloned().collect();
        found.links = stored(self.store.links_about(&records, &identities, &chats).await)?;
        let sought = whom.clone();
        found.log_lines = self
            .elsewhere(move |folder| logs::lines_about(&folder.join(LOGS), &sought))
            .await?
            .unwrap_or_default();
        Ok(found)
    }

    async fn erase(&self, found: &Found, whom: &Whom) -> Result<(), Problem> {
        for Rewritten {
            number,
            body,
            words,
            gone,
        } in &found.rewritten
        {
            stored(self.cache.rewrite(*number, body, words, gone).await)?;
        }
        stored(self.cache.erase(&found.copies, &found.answers).await)?;
        let entries: Vec<Uuid> = found
            .settled
            .iter()
            .copied()
            .chain(found.unsent.iter().map(|entry| entry.id))
            .collect();
        let erased = stored(
            self.store
                .erase(&entries, &found.lines, &found.links, &[])
                .await,
        )?;
        if erased < u64::try_from(entries.len()).unwrap_or(u64::MAX) {
            return Err(sending());
        }
        let sought = whom.clone();
        self.elsewhere(move |folder| logs::erase_lines(&folder.join(LOGS), &sought))
            .await?;
        Ok(())
    }

    async fn traces_of(&self, found: &Found) -> Result<Traces, Problem> {
        let files = self
            .elsewhere(|folder| {
                let removed = removable(folder)?;
                let mut unreadable = aside_files(folder)?;
                unreadable.retain(|path| !removed.contains(path));
                let names = |paths: Vec<std::path::PathBuf>| -> Vec<String> {
                    paths.iter().map(|path| name(path)).collect()
                };
                Ok((names(removed), names(unreadable)))
            })
            .await?;
        let (removed, unreadable) = files.unwrap_or_default();
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        Ok(Traces {
            copies: count(found.copies.len() + found.rewritten.len()),
            answers: count(found.answers.len()),
            entries: count(found.settled.len()),
            unsent: found.unsent.iter().map(unsent_view).collect(),
            lines: count(found.lines.len()),
            links: count(found.links.len()),
            log_lines: found.log_lines,
            removed,
            unreadable,
        })
    }

    fn receipt(&self, whom: &Whom, erased: Traces, discarded: u64) -> Receipt {
        let salt: [u8; 16] = rand::rng().random();
        let salt = hex(&salt);
        let digest = Sha256::digest(format!("{salt} {}", whom.normalised()));
        let at = self.clock.now().to_string();
        let mut notes = vec![
            "Dynamics 365 itself was not changed. As long as the person is there, they may be read again for a chat or a synchronisation.".to_owned(),
            "Chats in which the person gave only another address or number are not found by this one: forget that one too.".to_owned(),
            "Files that somebody saved elsewhere, for example the activity as CSV, and recovery files are not known here.".to_owned(),
        ];
        if !erased.unreadable.is_empty() {
            notes.insert(
                0,
                format!(
                    "These files cannot be opened and may still name the person: {}. `companion wipe --set-aside` removes them.",
                    erased.unreadable.join(", ")
                ),
            );
        }
        let digest = hex(&digest);
        let text = text(&at, whom.kind(), &erased, discarded, &salt, &digest, &notes);
        Receipt {
            at,
            told_by: whom.kind().to_owned(),
            erased,
            discarded,
            salt,
            digest,
            notes,
            text,
        }
    }
}

/// What is set aside and can be removed without losing anything: the present store has all of it.
fn removable(folder: &std::path::Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files = store::aside(&folder.join(crate::files::STORE), "before")?;
    files.extend(Some(damaged_cache(folder)).filter(|path| path.exists()));
    Ok(files)
}

fn is_about(line: &NewLine, whom: &Whom) -> bool {
    line.record_id
        .is_some_and(|id| whom.records.contains(&id.to_string()))
        || line.entry.is_some_and(|id| whom.entries.contains(&id))
        || line
            .chat
            .as_ref()
            .is_some_and(|chat| whom.subjects.contains(chat))
        || [&line.visitor, &line.detail, &line.by]
            .into_iter()
            .chain(&line.record)
            .any(|text| whom.is_named_in(text))
}

fn is_in(entry: &Entry, whom: &Whom) -> bool {
    whom.entries.contains(&entry.id)
        || whom.subjects.contains(&entry.subject)
        || [
            Some(&entry.intent),
            entry.plan.as_ref(),
            entry.outcome.as_ref(),
            entry.problem.as_ref(),
        ]
        .into_iter()
        .flatten()
        .any(|text| whom.is_named_in(text))
}

/// The copy of a company without the values that name the person.
fn without(whom: &Whom, mut record: Record, number: i64, country: Option<&str>) -> Rewritten {
    let mut gone = Vec::new();
    record.values.retain(|_, value| {
        let texts = [value.raw.as_str(), value.formatted.as_deref()];
        let is_named = texts
            .into_iter()
            .flatten()
            .any(|text| whom.is_named_in(text));
        if is_named {
            gone.extend(texts.into_iter().flatten().flat_map(key_values));
        }
        !is_named
    });
    record.account = None;
    Rewritten {
        number,
        words: copies::words_of(&record, country).join(" "),
        body: serde_json::to_string(&record).unwrap_or_default(),
        gone,
    }
}

/// What a value may stand under among the keys of a copy: folded, and a number by its digits.
fn key_values(text: &str) -> Vec<String> {
    let mut values = vec![integration::identify::fold(text)];
    if let Some(number) = integration::phone::Number::parse(text, None) {
        values.extend(number.keys().map(str::to_owned));
    }
    values
}

fn refused(unsent: &[Entry], discard: bool) -> Option<Problem> {
    if unsent.iter().any(|entry| entry.state == State::Sending) {
        return Some(sending());
    }
    if unsent.is_empty() || discard {
        return None;
    }
    let ids: Vec<String> = unsent.iter().map(|entry| entry.id.to_string()).collect();
    let have = match unsent.len() {
        1 => "1 entry of the outbox about this person has".to_owned(),
        several => format!("{several} entries of the outbox about this person have"),
    };
    Some(Problem::new(
        "forget_unsent",
        format!(
            "{have} not been sent to Dynamics 365 yet: {}. Nothing was erased.",
            ids.join(", ")
        ),
        "Send them first (`companion outbox drain`), or say that they are to be discarded (`--discard-unsent`).",
    ))
}

fn sending() -> Problem {
    Problem::new(
        "forget_sending",
        "An entry about this person is on its way to Dynamics 365.",
        "Wait a moment, then do it again.",
    )
}

fn unsent_view(entry: &Entry) -> UnsentView {
    UnsentView {
        id: entry.id.to_string(),
        state: entry.state.as_str().to_owned(),
        since: entry.created_at.to_string(),
    }
}

fn summary(erased: &Traces, discarded: u64) -> String {
    [
        (erased.copies, "copies of records"),
        (erased.answers, "cached answers"),
        (erased.entries, "entries of the outbox"),
        (discarded, "unsent entries"),
        (erased.lines, "lines of the activity"),
        (erased.links, "links"),
        (erased.log_lines, "log lines"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .reduce(|one, next| format!("{one}, {next}"))
    .unwrap_or_else(|| "nothing was found".to_owned())
}

fn text(
    at: &str,
    told_by: &str,
    erased: &Traces,
    discarded: u64,
    salt: &str,
    digest: &str,
    notes: &[String],
) -> String {
    let told_by = if told_by == "email" {
        "an e-mail address"
    } else {
        "a telephone number"
    };
    let mut lines = vec![
        "Receipt of an erasure".to_owned(),
        format!("At: {at}"),
        format!("Of: one person, told by {told_by}"),
        format!("Erased from this computer: {}", summary(erased, discarded)),
    ];
    if !erased.removed.is_empty() {
        lines.push(format!(
            "Older files removed: {}",
            erased.removed.join(", ")
        ));
    }
    lines.push(format!(
        "Digest: {digest} (SHA-256 of \"{salt} \" and the address in lower case, or the number in E.164 form)"
    ));
    lines.extend(notes.iter().cloned());
    lines.join("\n")
}
