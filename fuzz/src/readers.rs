//! What each reader must keep to on any input. Shared by the fuzz targets and by the plain test that runs the stored
//! corpus (`tests/tests/corpus.rs`).

use std::collections::BTreeMap;

use dataverse::fetchxml::{Fetch, Parameter, Template};
use dataverse::readers::Given;
use dataverse::{Batch, Query, RecordBody, Write};
use sandbox_syntax::batch::{self, MOST_OPERATIONS, Part};
use sandbox_syntax::fetch::{self, Entity, LinkKind, PagingCookie};
use sandbox_syntax::filter::{self, ArgumentValue, Expression};
use sandbox_syntax::options::Options;
use sandbox_syntax::{SyntaxError, path};

/// A fuzz target's body.
pub type Reader = fn(&[u8]);

/// Every reader by the name of its target and corpus folder.
pub const READERS: [(&str, Reader); 7] = [
    ("filter", filter),
    ("options", options),
    ("multipart", multipart),
    ("fetchxml", fetchxml),
    ("answer", answer),
    ("batch_answer", batch_answer),
    ("template", template),
];

/// `$filter`: an answer or a refusal, the same each time, and no tree deeper than a reader's stack can bear.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // The parameter aliases come with the filter: `@p` is the text behind the first line break.
    let (text, alias) = text.split_once('\n').unwrap_or((text, "'x'"));
    let alias = |name: &str| (name == "@p").then(|| alias.to_owned());
    match filter::parse(text, &alias) {
        Ok(expression) => {
            assert!(depth(&expression) <= 1000, "nested too deeply");
            assert_eq!(filter::parse(text, &alias), Ok(expression));
        }
        Err(error) => refusal(&error),
    }
}

/// Query string and resource path.
pub fn options(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (resource, query) = text.split_once('?').unwrap_or(("", text));
    match path::segments(resource) {
        Ok(segments) => {
            for segment in segments {
                let Some(key) = segment.key else { continue };
                if let Err(error) = path::key(&key) {
                    refusal(&error);
                }
            }
        }
        Err(error) => refusal(&error),
    }
    match Options::read(query) {
        Ok(options) => assert_eq!(Options::read(query), Ok(options)),
        Err(error) => refusal(&error),
    }
}

/// The body of a `$batch`; the first line is the request's content type.
pub fn multipart(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (kind, body) = data.split_at(end.unwrap_or(0));
    let Ok(kind) = std::str::from_utf8(kind) else {
        return;
    };
    let parts = match batch::read(kind, body) {
        Ok(parts) => parts,
        Err(error) => return refusal(&error),
    };
    let mut operations = 0;
    for part in &parts {
        let Part::ChangeSet(set) = part else {
            operations += 1;
            continue;
        };
        operations += set.len();
        for (index, operation) in set.iter().enumerate() {
            assert_ne!(operation.method, "GET", "a read in a change set");
            let id = operation.content_id.as_ref().expect("a Content-ID");
            let others = set.iter().take(index);
            assert!(
                others
                    .map(|other| &other.content_id)
                    .all(|other| other.as_ref() != Some(id))
            );
        }
    }
    assert!(operations <= MOST_OPERATIONS);
}

/// FetchXML and the paging cookie that a client sends back with it.
pub fn fetchxml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match fetch::read(text) {
        Ok(fetch) => {
            assert_eq!(fetch::read(text).as_ref(), Ok(&fetch), "the same each time");
            links(&fetch.entity);
            if let Some(cookie) = &fetch.paging_cookie
                && let Err(error) = PagingCookie::read(cookie)
            {
                refusal(&error);
            }
        }
        Err(error) => refusal(&error),
    }
}

/// What stands below an entity joins rows; what asks whether there are any stands in a filter.
fn links(entity: &Entity) {
    for link in &entity.links {
        let asks = [
            LinkKind::Any,
            LinkKind::NotAny,
            LinkKind::All,
            LinkKind::NotAll,
        ];
        assert!(
            !asks.contains(&link.kind),
            "{:?} outside a filter",
            link.kind
        );
        links(&link.entity);
    }
}

fn refusal(error: &SyntaxError) {
    assert!((400..600).contains(&error.status));
    assert!(!error.message.is_empty());
}

/// What stands in an answer that no error may repeat.
const PERSONAL: &str = "ada@canary";

/// The first line is the status, the second one header; the body follows. Lines end with a line feed.
fn given(data: &[u8]) -> Option<Given> {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next()?).ok();
    let status = text()?.trim().parse().ok()?;
    let (name, value) = text()?.split_once(':')?;
    Given::new(status, &[(name, value.trim())], lines.next()?)
}

fn is_fit_for_a_log(error: &dataverse::Error) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(PERSONAL), "{shown}");
    assert!(!error.code().is_empty() && !error.message().is_empty());
    assert!(!error.next_step().is_empty());
}

/// What the organization or a sign-in service answered: a page of rows, or an error that repeats nothing of it.
pub fn answer(data: &[u8]) {
    let Some(answer) = given(data) else { return };
    is_fit_for_a_log(&answer.error());
    is_fit_for_a_log(&answer.refusal());
    answer.challenge();
    if let Err(error) = answer.page() {
        is_fit_for_a_log(&error);
    }
    let Some(answer) = given(data) else { return };
    let query = Fetch::parse("<fetch page='3'><entity name='contact'/></fetch>");
    if let Err(error) = answer.fetch_page(&query.expect("a query")) {
        is_fit_for_a_log(&error);
    }
}

/// The answer to a batch of a query, a write and a change set of two writes: as many results, or an error.
pub fn batch_answer(data: &[u8]) {
    let asked = [false, true].map(|continues| {
        let batch = Batch::new()
            .query(Query::new("contacts"))
            .write(Write::create("contacts", RecordBody::new()))
            .change_set(|set| {
                set.add(Write::create("contacts", RecordBody::new()));
                set.add(Write::create("tasks", RecordBody::new()));
            });
        match continues {
            true => batch.continue_on_error(),
            false => batch,
        }
    });
    for batch in asked {
        let Some(answer) = given(data) else { return };
        match answer.batch(&batch) {
            Ok(results) => {
                assert_eq!(results.len(), 3);
                for result in results {
                    match result {
                        Ok(dataverse::Done::ChangeSet(written)) => assert_eq!(written.len(), 2),
                        Ok(_) => {}
                        Err(error) => is_fit_for_a_log(&error),
                    }
                }
            }
            Err(error) => is_fit_for_a_log(&error),
        }
    }
}

/// FetchXML with placeholders: what is put in stays a value. The first line is that value.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (value, text) = text.split_once('\n').unwrap_or(("' & <x/>", text));
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(fault) => return assert!(!fault.code.is_empty() && !fault.reason.is_empty()),
    };
    let fill = |value: &str| {
        let parameter = |name: &str| (name.to_owned(), Parameter::Text(value.to_owned()));
        template.fill(&template.names().map(parameter).collect::<BTreeMap<_, _>>())
    };
    let Ok(plain) = fill("x") else { return };
    let Ok(filled) = fill(value) else { return };
    let xml = filled.to_xml().expect("it was written when it was filled");
    let again = Fetch::parse(&xml).expect("what was written can be read");
    assert_eq!(again.to_xml().as_deref(), Ok(xml.as_str()));
    assert_eq!(again.tables(), template.tables());
    let plain = plain.to_xml().expect("so was this");
    // Elements and attributes are the same, whatever the value.
    let shape = |xml: &str| (xml.matches('<').count(), xml.matches('>').count());
    assert_eq!(shape(&xml), shape(&plain));
    // And the organization's own reader takes it for the same query, if it takes the other.
    if xml.len() < 60_000 && fetch::read(&plain).is_ok() {
        let read = fetch::read(&xml).expect("it was read with another value");
        assert_eq!(read.entity.name, filled.table());
    }
}

/// How many expressions stand inside each other.
fn depth(expression: &Expression) -> usize {
    let inner = match expression {
        Expression::And(terms) | Expression::Or(terms) => terms.iter().map(depth).max(),
        Expression::Not(term) => Some(depth(term)),
        Expression::Compare(left, _, right) => Some(depth(left).max(depth(right))),
        Expression::Call(_, arguments) => arguments
            .iter()
            .filter_map(|argument| match &argument.value {
                ArgumentValue::Expression(expression) => Some(depth(expression)),
                ArgumentValue::List(_) => None,
            })
            .max(),
        Expression::Lambda { condition, .. } => condition.as_deref().map(depth),
        Expression::Path(_) | Expression::Literal(_) => None,
    };
    1 + inner.unwrap_or(0)
}
