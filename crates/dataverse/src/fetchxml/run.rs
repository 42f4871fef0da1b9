//! Running a query, page by page.

use super::check::Fetch;
use super::tree::Element;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::odata::{FORMATTED_VALUE, LOOKUP_LOGICAL_NAME, column, encode};
use crate::row::Row;
use futures_util::{Stream, stream};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

const COOKIE: &str = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie";
const MORE: &str = "Microsoft.Dynamics.CRM.morerecords";
const TOTAL: &str = "Microsoft.Dynamics.CRM.totalrecordcount";

/// How servers older than 9 write the point in `alias.column`.
const OLD_POINT: &str = "_x002e_";

/// A page of rows.
///
/// A column that is empty is not in the row, which [`Row::value`] gives as null like any other that is not there. A
/// linked table's column is called `alias.column`, a computed one by its alias.
#[derive(Clone, Debug)]
pub struct FetchPage {
    /// The rows, in the order that was asked for.
    pub rows: Vec<Row>,
    /// The number of all rows, if it was asked for; Dataverse counts no further than 5000.
    pub total: Option<u64>,
}

/// Where a reading stands.
enum Position {
    Before(Element),
    Done,
}

impl Client {
    /// Runs a query on its table's entity set (`contacts` for `contact`), page by page: a page is asked for when the
    /// stream is asked for it, and after an error the stream ends. Where Dataverse gives no paging cookie, pages are
    /// counted, which it does up to 50,000 rows (protocol page `fetchxml.md`, section "Paging with cookies"). Text too
    /// long for an address travels in a `$batch`.
    pub fn fetch(
        &self,
        entity_set: &str,
        fetch: &Fetch,
    ) -> impl Stream<Item = Result<FetchPage>> + Send + use<> {
        let (client, entity_set) = (self.clone(), entity_set.to_owned());
        let first = Position::Before(fetch.root().clone());
        Box::pin(stream::unfold(first, move |position| {
            let (client, entity_set) = (client.clone(), entity_set.clone());
            async move {
                let Position::Before(root) = position else {
                    return None;
                };
                match client.fetch_one(&entity_set, &root).await {
                    Ok((page, next)) => {
                        Some((Ok(page), next.map_or(Position::Done, Position::Before)))
                    }
                    Err(error) => Some((Err(error), Position::Done)),
                }
            }
        }))
    }

    async fn fetch_one(
        &self,
        entity_set: &str,
        root: &Element,
    ) -> Result<(FetchPage, Option<Element>)> {
        let query_string = ["fetchXml=", &encode(&root.write()?).to_string()].concat();
        let annotations = [FORMATTED_VALUE, LOOKUP_LOGICAL_NAME, COOKIE, MORE, TOTAL];
        let prefer = format!("odata.include-annotations=\"{}\"", annotations.join(","));
        let envelope = self
            .read_json(
                "fetch",
                column(entity_set)?,
                &query_string,
                &[("prefer", &prefer)],
            )
            .await?;
        read_page(root, envelope)
    }
}

/// The rows, and the query for the next page.
pub(crate) fn read_page(
    root: &Element,
    envelope: Map<String, Value>,
) -> Result<(FetchPage, Option<Element>)> {
    let next = next_page(root, &envelope)?;
    Ok((page(envelope)?, next))
}

fn page(mut envelope: Map<String, Value>) -> Result<FetchPage> {
    let not_dataverse = || Error::NotDataverse { answer: None };
    let Some(Value::Array(values)) = envelope.remove("value") else {
        return Err(not_dataverse());
    };
    let rows = values
        .into_iter()
        .map(|value| serde_json::from_value::<Map<String, Value>>(value).map(row))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| not_dataverse())?;
    Ok(FetchPage {
        rows,
        // -1 if it was not asked for.
        total: annotation(&envelope, TOTAL).and_then(Value::as_u64),
    })
}

fn annotation<'a>(envelope: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    envelope.get(&["@", name].concat())
}

fn row(members: Map<String, Value>) -> Row {
    let members = members
        .into_iter()
        .map(|(key, value)| (key.replace(OLD_POINT, "."), value));
    Row::from(members.collect::<Map<_, _>>())
}

/// The query for the page after this one, if there is one.
fn next_page(root: &Element, envelope: &Map<String, Value>) -> Result<Option<Element>> {
    let has_more = annotation(envelope, MORE).and_then(Value::as_bool) == Some(true);
    // With `top` there is no second page, whatever is said.
    if !has_more || root.get("top").is_some() {
        return Ok(None);
    }
    let before: u32 = root
        .get("page")
        .and_then(|page| page.parse().ok())
        .unwrap_or(1);
    let mut next = root.clone();
    next.attributes.retain(|(name, _)| name != "paging-cookie");
    let cookie = annotation(envelope, COOKIE).and_then(Value::as_str);
    let page = match cookie.filter(|cookie| !cookie.is_empty()) {
        None => before.saturating_add(1),
        Some(cookie) => {
            let (page, cookie) = read_cookie(cookie).ok_or(Error::InvalidAnswer {
                reason: "the paging cookie has another form",
                request_id: None,
            })?;
            next.set("paging-cookie", cookie);
            page
        }
    };
    // A server that gives the same page again would be asked for it forever.
    if page <= before {
        return Err(Error::InvalidAnswer {
            reason: "the next page is said to be an earlier one",
            request_id: None,
        });
    }
    next.set("page", page.to_string());
    Ok(Some(next))
}

/// The number of the next page, and its cookie, which is encoded twice in the annotation's own XML.
fn read_cookie(text: &str) -> Option<(u32, String)> {
    let outer = Element::read(text)
        .ok()
        .filter(|outer| outer.name == "cookie")?;
    let page = outer.get("pagenumber")?.parse().ok()?;
    let once = percent_decode_str(outer.get("pagingcookie")?)
        .decode_utf8()
        .ok()?;
    let twice = percent_decode_str(&once).decode_utf8().ok()?;
    Some((page, twice.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Fault;
    use super::*;

    #[test]
    fn a_cookie_is_decoded_twice() {
        let text = "<cookie pagenumber=\"2\" pagingcookie=\"%253ccookie%2520page%253d%25221%2522%253e%253cfullname%2520last%253d%2522Zed%2522%2520first%253d%2522Ada%2522%2520%252f%253e%253c%252fcookie%253e\" istracking=\"False\" />";
        assert_eq!(
            read_cookie(text),
            Some((
                2,
                "<cookie page=\"1\"><fullname last=\"Zed\" first=\"Ada\" /></cookie>".to_owned()
            ))
        );
        for wrong in [
            "",
            "x",
            "<cookie/>",
            "<cookie pagenumber=\"x\" pagingcookie=\"\"/>",
            "<other pagenumber=\"1\" pagingcookie=\"a\"/>",
        ] {
            assert_eq!(read_cookie(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_fault_is_an_error_that_names_no_value() {
        let error = Error::from(Fault::new("fetchxml_alias", "twice"));
        assert_eq!(error.code(), "invalid_query");
    }
}
