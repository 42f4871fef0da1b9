//! What each reader must keep to on any input. Shared by the fuzz targets and by the plain test that runs the stored
//! corpus (`tests/tests/corpus.rs`).

use sandbox_syntax::batch::{self, MOST_OPERATIONS, Part};
use sandbox_syntax::fetch::{self, Entity, LinkKind, PagingCookie};
use sandbox_syntax::filter::{self, ArgumentValue, Expression};
use sandbox_syntax::options::Options;
use sandbox_syntax::{SyntaxError, path};

/// A fuzz target's body.
pub type Reader = fn(&[u8]);

/// Every reader by the name of its target and corpus folder.
pub const READERS: [(&str, Reader); 4] = [
    ("filter", filter),
    ("options", options),
    ("multipart", multipart),
    ("fetchxml", fetchxml),
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
