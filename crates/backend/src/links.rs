//! Who a visitor is because an agent said so: kept in the store, for the next time too.

use std::collections::BTreeMap;

use comm100::Conversation;
use dataverse::Client;
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use integration::phone::Number;
use integration::{Outcome, Record, Table, Value};
use jiff::Timestamp;
use store::{Cache, Link, LinkOf, NewLine};
use tracing::warn;
use uuid::Uuid;

use crate::problem::Problem;
use crate::recognise::Rules;
use crate::recorder::{Recorder, field, subject, visitor};
use crate::{local, recognise};

/// By what a visitor is known again: the e-mail address in lower case, else the telephone number.
pub(crate) fn identity(conversation: &Conversation, country: Option<&str>) -> Option<String> {
    if let Some(email) = field(conversation, "visitor.email") {
        return Some(format!("email:{}", email.to_lowercase()));
    }
    let phone = field(conversation, "visitor.phone")?;
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let number = Number::parse(&phone, country).map_or(digits, |number| {
        number.e164().unwrap_or(number.digits()).to_owned()
    });
    (!number.is_empty()).then(|| format!("phone:{number}"))
}

/// Whom a link is about.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    identity: Option<String>,
    chat: Option<String>,
}

impl Whose {
    pub(crate) fn of(conversation: &Conversation, country: Option<&str>) -> Whose {
        Whose {
            identity: identity(conversation, country),
            chat: subject(conversation),
        }
    }

    fn in_organization<'a>(&'a self, organization: &'a str) -> LinkOf<'a> {
        LinkOf {
            organization,
            identity: self.identity.as_deref(),
            chat: self.chat.as_deref(),
        }
    }
}

/// Identities are personal: they stay out of logs.
impl std::fmt::Debug for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whose")
            .field("chat", &self.chat)
            .finish_non_exhaustive()
    }
}

/// A record that an agent has linked to the visitor.
#[derive(Clone, Debug)]
pub(crate) struct Linked {
    /// The record, as Dynamics has just given it or as a copy.
    pub(crate) record: Record,
    /// The agent's name; empty if it was not known.
    pub(crate) by: String,
    /// When (UTC).
    pub(crate) at: Timestamp,
    /// Whether Dynamics has just given it.
    pub(crate) is_live: bool,
}

impl Linked {
    /// Lets it be who the rules found.
    pub(crate) fn put_into(&self, outcome: &mut Outcome) {
        outcome.link(self.record.clone(), self.by.clone(), self.at);
    }
}

/// What is known of a linked record without any copy of it.
pub(crate) fn bare(link: &Link) -> Option<Linked> {
    let table = Table::from_logical_name(&link.table)?;
    let name = Value {
        raw: link.name.clone().into(),
        formatted: None,
    };
    let record = Record {
        table,
        id: link.record.to_string(),
        values: BTreeMap::from([(table.name_column().to_owned(), name)]),
        read_at: link.at,
        account: None,
    };
    Some(Linked {
        record,
        by: link.by.clone(),
        at: link.at,
        is_live: false,
    })
}

/// The way to the links. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    pub(crate) recorder: Recorder,
    pub(crate) cache: Cache,
}

impl Links {
    pub(crate) fn whose(&self, conversation: &Conversation) -> Whose {
        let rules = self.recorder.rules();
        Whose::of(
            conversation,
            rules.identification.default_country.as_deref(),
        )
    }

    /// What is linked to a visitor, at most one record of each table, as it is known on this computer. That it cannot be
    /// read is logged.
    pub(crate) async fn of(&self, conversation: &Conversation) -> Vec<Linked> {
        match self.read(&self.whose(conversation)).await {
            Ok(linked) => linked,
            Err(error) => {
                warn!(error.code = error.code(), %error, "the links cannot be read");
                Vec::new()
            }
        }
    }

    async fn read(&self, whose: &Whose) -> Result<Vec<Linked>, store::Error> {
        let of = whose.in_organization(self.recorder.organization());
        let mut linked = Vec::new();
        for link in self.recorder.store().links(of).await? {
            let Some(bare) = bare(&link) else { continue };
            let record = self.copy(bare.record.table, link.record).await;
            let record = record.unwrap_or_else(|| bare.record.clone());
            linked.push(Linked { record, ..bare });
        }
        Ok(linked)
    }

    /// Asks Dynamics about linked records; none for one that is not there any more. What it does not answer is left out: the
    /// questions of the rules tell of that.
    pub(crate) fn live<'a>(
        &'a self,
        client: &'a Client,
        rules: &'a Rules,
        linked: &'a [Linked],
    ) -> impl Stream<Item = (Table, Option<Record>)> + 'a {
        let ask = move |linked: &'a Linked| async move {
            let table = linked.record.table;
            let id = linked.record.id.parse().ok()?;
            match recognise::by_id(client, rules, table, id, self.recorder.now()).await {
                Ok(record) => Some((table, record)),
                Err(error) => {
                    warn!(error.code = error.code(), error.chain = %error, "a linked record cannot be read");
                    None
                }
            }
        };
        let asked: FuturesUnordered<_> = linked.iter().map(ask).collect();
        asked.filter_map(std::future::ready)
    }

    /// The copy of a record. A cache that cannot be read has none: it is logged.
    async fn copy(&self, table: Table, id: Uuid) -> Option<Record> {
        let organization = self.recorder.organization();
        let copy = async {
            let reading = &mut self.cache.reading().await?;
            local::record(reading, organization, table, &id.to_string()).await
        };
        copy.await.unwrap_or_else(|error| {
            warn!(error.code = error.code(), "the cache could not be read");
            None
        })
    }

    /// Links a record to a visitor: a copy of it if there is one, else Dynamics is asked. It is durable when this returns.
    ///
    /// # Errors
    /// `visitor_not_linkable`, `record_gone`, what Dynamics says, or the store's.
    pub(crate) async fn link(
        &self,
        conversation: &Conversation,
        table: Table,
        id: Uuid,
        by: &str,
    ) -> Result<Linked, Problem> {
        let whose = self.whose(conversation);
        if whose.identity.is_none() && whose.chat.is_none() {
            return Err(Problem::new(
                "visitor_not_linkable",
                "The visitor gave no e-mail address and no telephone number, and the chat has no id.",
                "Ask for an e-mail address in the chat, then link the record.",
            ));
        }
        let (record, is_live) = match self.copy(table, id).await {
            Some(record) => (record, false),
            None => (self.asked(table, id).await?, true),
        };
        let linked = Linked {
            record,
            by: by.to_owned(),
            at: self.recorder.now(),
            is_live,
        };
        let link = Link {
            table: table.logical_name().to_owned(),
            record: id,
            name: linked.record.name(),
            by: linked.by.clone(),
            at: linked.at,
        };
        let line = self.line(conversation, "linked", "Linked to the visitor.", &link);
        let of = whose.in_organization(self.recorder.organization());
        let put = self.recorder.store().put_link(of, &link, &[line]).await;
        put.map_err(not_kept)?;
        Ok(linked)
    }

    async fn asked(&self, table: Table, id: Uuid) -> Result<Record, Problem> {
        let client = self.recorder.client()?;
        let rules = self.recorder.rules();
        let now = self.recorder.now();
        let read = recognise::by_id(&client, &rules, table, id, now).await;
        let record = read
            .map_err(|error| Problem::from_dataverse(&error, now))?
            .ok_or_else(|| {
                Problem::new(
                    "record_gone",
                    "This record is not in Dynamics 365 any more, or you may not read it.",
                    "Search again and choose another one.",
                )
            })?;
        local::keep(
            &self.cache,
            self.recorder.organization(),
            &rules,
            std::slice::from_ref(&record),
        )
        .await;
        Ok(record)
    }

    /// Takes a link back.
    ///
    /// # Errors
    /// `link_gone`, or the store's.
    pub(crate) async fn unlink(
        &self,
        conversation: &Conversation,
        table: Table,
        by: &str,
    ) -> Result<(), Problem> {
        let gone = || {
            Problem::new(
                "link_gone",
                "No record of this table is linked to the visitor.",
                "Look at the visitor again.",
            )
        };
        let whose = self.whose(conversation);
        let of = whose.in_organization(self.recorder.organization());
        let store = self.recorder.store();
        let links = store.links(of).await.map_err(not_kept)?;
        let linked = links
            .into_iter()
            .find(|link| link.table == table.logical_name());
        let link = Link {
            by: by.to_owned(),
            at: self.recorder.now(),
            ..linked.ok_or_else(gone)?
        };
        let line = self.line(
            conversation,
            "unlinked",
            "Not linked to the visitor any more.",
            &link,
        );
        let removed = store.remove_link(of, table.logical_name(), &[line]).await;
        if removed.map_err(not_kept)? {
            Ok(())
        } else {
            Err(gone())
        }
    }

    fn line(&self, conversation: &Conversation, what: &str, detail: &str, link: &Link) -> NewLine {
        NewLine {
            organization: self.recorder.organization().to_owned(),
            at: link.at,
            what: what.to_owned(),
            visitor: visitor(conversation),
            detail: detail.to_owned(),
            by: link.by.clone(),
            chat: subject(conversation),
            table: Some(link.table.clone()),
            record_id: Some(link.record),
            record: Some(link.name.clone()),
            ..NewLine::default()
        }
    }
}

fn not_kept(error: store::Error) -> Problem {
    tracing::error!(error.code = error.code(), %error, "the links cannot be read or written");
    Problem::from_store(&error)
}
