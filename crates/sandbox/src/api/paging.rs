//! Next links (protocol page `query.md`, section "Ordering, top, count, paging").

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use sandbox_syntax::options::pairs;

use super::Call;
use crate::errors::ApiError;
use crate::metadata::Table;
use crate::rows;

impl Call<'_> {
    pub(super) fn next_link(
        &self,
        table: &Table,
        place: &PagePlace,
        records: &[rows::Record],
    ) -> String {
        let id = |record: Option<&rows::Record>| {
            record.map(|record| record.id.clone()).unwrap_or_default()
        };
        let ends = (id(records.first()), id(records.last()));
        self.next_link_behind(table, place, records.len() as u64, &ends)
    }

    /// The link to the page behind so many rows, of which the first and the last have these ids.
    pub(super) fn next_link_behind(
        &self,
        table: &Table,
        place: &PagePlace,
        count: u64,
        ends: &(String, String),
    ) -> String {
        let kept = self.request.query.split('&').filter(|pair| {
            !pair.is_empty()
                && pairs(pair)
                    .first()
                    .is_some_and(|(name, _)| name != "$skiptoken")
        });
        let mut parts: Vec<String> = kept.map(str::to_owned).collect();
        parts.push(format!("$skiptoken={}", place.after(table, count, ends)));
        format!(
            "{}/{}?{}",
            self.request.base,
            self.request.resource,
            parts.join("&")
        )
    }
}

/// Where a page starts, as `$skiptoken` carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PagePlace {
    number: u64,
    /// Rows before it.
    pub(super) rows: u64,
}

impl Default for PagePlace {
    fn default() -> PagePlace {
        PagePlace { number: 1, rows: 0 }
    }
}

/// What stays unencoded in the outer text of a skip token.
const TOKEN: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'%')
    .add(b'#')
    .add(b'&')
    .add(b'+');

impl PagePlace {
    pub(super) fn read(token: &str) -> Result<PagePlace, ApiError> {
        let malformed = || ApiError::new(400, "0x80040203", "Malformed XML in the Paging Cookie");
        let attribute = |text: &str, name: &str| {
            let (_, rest) = text.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let number = attribute(token, "pagenumber")
            .and_then(|number| number.parse().ok())
            .ok_or_else(malformed)?;
        let cookie = attribute(token, "pagingcookie").ok_or_else(malformed)?;
        let once = percent_decode_str(&cookie).decode_utf8_lossy().into_owned();
        let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
        let rows = attribute(&twice, " rows")
            .and_then(|rows| rows.parse().ok())
            .ok_or_else(malformed)?;
        Ok(PagePlace { number, rows })
    }

    /// The token of the page behind these rows, in the shape of protocol page `query.md`, section "Ordering, top, count,
    /// paging". `rows` is ours: it lets a client change its page size on the way.
    fn after(&self, table: &Table, count: u64, (first, last): &(String, String)) -> String {
        let id = |id: &str| match id {
            "" => String::new(),
            id => format!("{{{}}}", id.to_uppercase()),
        };
        let cookie = format!(
            "<cookie page=\"{}\" rows=\"{}\"><{key} last=\"{}\" first=\"{}\" /></cookie>",
            self.number,
            self.rows + count,
            id(last),
            id(first),
            key = table.id,
        );
        let encoded = utf8_percent_encode(&cookie, NON_ALPHANUMERIC)
            .to_string()
            .to_lowercase();
        let outer = format!(
            "<cookie pagenumber=\"{}\" pagingcookie=\"{encoded}\" istracking=\"False\" />",
            self.number + 1
        );
        utf8_percent_encode(&outer, TOKEN).to_string()
    }
}
