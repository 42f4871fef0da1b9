//! Finding a record by typing: at once among the copies, then in Dynamics.

use std::collections::BTreeSet;
use std::sync::Arc;

use dataverse::{Client, Direction, Filter, LikePattern, Query};
use futures_util::future::join_all;
use integration::{Record, Table, copies};
use store::Cache;
use tokio::sync::watch;

use crate::local;
use crate::problem::Problem;
use crate::recognise::{self, Rules};
use crate::recorder::Recorder;
use crate::view::{Found, Hit, SearchResults, ValueSource};

/// The tables that are searched, in the order in which they are shown.
const TABLES: [Table; 4] = [Table::Contact, Table::Account, Table::Lead, Table::Incident];
/// How many records of a table are shown.
const MOST_HITS: u32 = 10;
/// What is longer is cut: no name is.
const LONGEST_TEXT: usize = 100;
const MOST_WORDS: usize = 6;

/// The way to the search. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    recorder: Recorder,
    cache: Cache,
    /// The number of the last search: Dynamics is not asked any longer for an earlier one.
    last: Arc<watch::Sender<u64>>,
}

impl Search {
    pub(crate) fn new(recorder: Recorder, cache: Cache) -> Search {
        Search {
            recorder,
            cache,
            last: Arc::new(watch::Sender::new(0)),
        }
    }

    /// What is found for a text: among the copies, and with `live` in Dynamics too. What Dynamics does not answer is no
    /// error but stands beside what the copies have.
    ///
    /// # Errors
    /// `search_superseded` if another search has begun meanwhile.
    pub(crate) async fn find(&self, text: &str, live: bool) -> Result<SearchResults, Problem> {
        self.last.send_modify(|number| *number += 1);
        let mut last = self.last.subscribe();
        let asked = Asked::read(text);
        let mut results = SearchResults {
            text: text.to_owned(),
            ..SearchResults::default()
        };
        let Some(asked) = asked else {
            return Ok(results);
        };
        let rules = self.recorder.rules();
        if !live {
            results.hits = self.hits(self.copies(&rules, &asked).await, ValueSource::Cache);
            return Ok(results);
        }
        let found = tokio::select! {
            found = self.both(&rules, &asked, &mut results) => found,
            Ok(()) = last.changed() => return Err(Problem::new(
                "search_superseded",
                "Another search has begun.",
                "Look at what that has found.",
            )),
        };
        results.hits = found;
        Ok(results)
    }

    /// What Dynamics finds, then what only the copies have, table by table.
    async fn both(&self, rules: &Rules, asked: &Asked, results: &mut SearchResults) -> Vec<Hit> {
        let dynamics = async {
            match self.recorder.client() {
                Ok(client) => Ok(live(&client, rules, asked, self.recorder.now()).await),
                Err(problem) => Err(problem),
            }
        };
        let (copies, answers) = tokio::join!(self.copies(rules, asked), dynamics);
        let mut found: Vec<Record> = Vec::new();
        match answers {
            Err(problem) => results.problem = Some(problem),
            Ok(answers) => {
                results.live = true;
                for answer in answers {
                    match answer {
                        Ok(records) => found.extend(records),
                        Err(error) => {
                            tracing::warn!(error.code = error.code(), error.chain = %error, "a table could not be searched");
                            results.live = false;
                            let problem = Problem::from_dataverse(&error, self.recorder.now());
                            results.problem.get_or_insert(problem);
                        }
                    }
                }
            }
        }
        let known: BTreeSet<&str> = found.iter().map(|record| record.id.as_str()).collect();
        let rest: Vec<Record> = copies
            .into_iter()
            .filter(|record| !known.contains(record.id.as_str()))
            .collect();
        let mut hits = self.hits(found, ValueSource::Live);
        hits.extend(self.hits(rest, ValueSource::Cache));
        // Stable: in each table what Dynamics found comes first.
        hits.sort_by_key(|hit| TABLES.iter().position(|table| *table == hit.table));
        hits
    }

    /// Copies in these tables, for whoever chooses a record.
    pub(crate) async fn known(&self, targets: &[String], text: &str) -> Vec<Found> {
        let Some(asked) = Asked::read(text) else {
            return Vec::new();
        };
        let mut copies = self.copies(&self.recorder.rules(), &asked).await;
        copies.retain(|record| {
            let table = record.table.logical_name();
            targets.iter().any(|target| target == table)
        });
        let hits = self.hits(copies, ValueSource::Cache);
        hits.into_iter()
            .map(|hit| Found {
                table: hit.table.logical_name().to_owned(),
                id: hit.id,
                name: hit.name,
                detail: hit.detail,
            })
            .collect()
    }

    async fn copies(&self, rules: &Rules, asked: &Asked) -> Vec<Record> {
        let country = rules.identification.default_country.as_deref();
        let words = copies::asked_words(&asked.text, country);
        let organization = self.recorder.organization();
        let read = async {
            let mut found = Vec::new();
            for table in TABLES {
                let copies = self
                    .cache
                    .search(
                        organization,
                        table.logical_name(),
                        &words,
                        MOST_HITS,
                        copies::is_similar,
                    )
                    .await?;
                for copy in copies {
                    found.push(local::read(copy)?);
                }
            }
            Ok::<_, store::Error>(found)
        };
        read.await.unwrap_or_else(|error| {
            tracing::warn!(error.code = error.code(), "the cache could not be searched");
            Vec::new()
        })
    }

    /// Records as the page lists them. Their pages may be opened from now on.
    fn hits(&self, records: Vec<Record>, source: ValueSource) -> Vec<Hit> {
        let hit = |record: Record| {
            if let Ok(id) = record.id.parse() {
                self.recorder.note_shown(record.table.logical_name(), id);
            }
            Hit {
                table: record.table,
                name: record.name(),
                detail: detail(&record),
                source,
                as_of: record.read_at.to_string(),
                inactive: record.is_inactive(),
                id: record.id,
            }
        };
        records.into_iter().map(hit).collect()
    }
}

/// What is searched for.
struct Asked {
    text: String,
}

impl Asked {
    /// None if it is too short to mean anybody: one letter of a script that needs several.
    fn read(text: &str) -> Option<Asked> {
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(LONGEST_TEXT)
            .collect();
        let text = text.trim().to_owned();
        let mut characters = text.chars();
        let means_somebody = match (characters.next(), characters.next()) {
            (None, _) => false,
            (Some(only), None) => !only.is_ascii(),
            (Some(_), Some(_)) => true,
        };
        means_somebody.then_some(Asked { text })
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_whitespace().take(MOST_WORDS)
    }
}

/// What tells a record from others.
fn detail(record: &Record) -> String {
    if record.table != Table::Incident {
        return crate::recorder::detail(record);
    }
    let formatted = |column: &str| record.values.get(column)?.formatted.clone();
    [
        record.text("ticketnumber"),
        formatted("statuscode").or_else(|| formatted("statecode")),
        formatted("customerid"),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ")
}

/// Asks Dynamics for all tables at the same time; the answers are in their order.
async fn live(
    client: &Client,
    rules: &Rules,
    asked: &Asked,
    now: jiff::Timestamp,
) -> Vec<Result<Vec<Record>, dataverse::Error>> {
    join_all(TABLES.map(|table| async move {
        let columns = columns(table);
        let page = client.query(&query(rules, table, &columns, asked)).await?;
        let record = |row| recognise::plain_record(&rules.columns, table, &columns, row, now);
        Ok(page.rows.iter().filter_map(record).collect())
    }))
    .await
}

fn columns(table: Table) -> Vec<String> {
    let state = ["statecode", "statuscode", "modifiedon"];
    let searched = copies::searched_columns(table).iter().copied();
    searched.chain(state).map(str::to_owned).collect()
}

fn query(rules: &Rules, table: Table, columns: &[String], asked: &Asked) -> Query {
    let properties = columns
        .iter()
        .map(|column| recognise::property(&rules.columns, table, column));
    Query::new(table.entity_set())
        .select(properties)
        .filter(filter(rules, table, asked))
        .order_by("statecode", Direction::Ascending)
        .order_by("modifiedon", Direction::Descending)
        .order_by(table.key_column(), Direction::Ascending)
        .top(MOST_HITS)
        .formatted_values(true)
}

/// Each word in one of the columns, or the digits of a telephone number however it is written.
fn filter(rules: &Rules, table: Table, asked: &Asked) -> Filter {
    let (texts, phones) = places(table);
    let word = |word: &str| {
        let contains = |column: &&str| Filter::contains(*column, word);
        Filter::Or(texts.iter().map(contains).collect())
    };
    let words = Filter::And(asked.words().map(word).collect());
    let country = rules.identification.default_country.as_deref();
    let Some(digits) = copies::asked_digits(&asked.text, country) else {
        return words;
    };
    let digits: Vec<String> = digits.chars().map(|digit| digit.to_string()).collect();
    let has = |column: &&str| Filter::contains_pattern(*column, LikePattern::joined(digits.iter()));
    let any = std::iter::once(words).chain(phones.iter().map(has));
    Filter::Or(any.collect())
}

/// Where a table is searched: columns with text, and columns with telephone numbers. A company is searched by its name.
fn places(table: Table) -> (&'static [&'static str], &'static [&'static str]) {
    match table {
        Table::Contact => (
            &["fullname", "emailaddress1", "parentcustomerid_account/name"],
            &["telephone1", "mobilephone"],
        ),
        Table::Account => (&["name", "accountnumber", "emailaddress1"], &["telephone1"]),
        Table::Lead => (
            &["fullname", "companyname", "emailaddress1"],
            &["telephone1", "mobilephone"],
        ),
        Table::Incident => (
            &[
                "title",
                "ticketnumber",
                "customerid_contact/fullname",
                "customerid_account/name",
            ],
            &[],
        ),
        Table::Task => (&["subject"], &[]),
    }
}
