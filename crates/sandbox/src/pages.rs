//! The page behind a deep link (`main.aspx?etn=contact&pagetype=entityrecord&id=…`, protocol page `service.md`): a plain
//! view of the record, so that "open in Dynamics" leads somewhere in practice too.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use sandbox_syntax::is_guid;
use sandbox_syntax::options::pairs;

use crate::metadata::catalog;
use crate::organization::Organization;
use crate::rows;
use crate::server::Answer;
use crate::store;

pub(crate) fn router() -> Router<Arc<Organization>> {
    Router::new()
        .route("/main.aspx", get(record))
        .route("/OnPrem/main.aspx", get(record))
}

async fn record(
    State(organization): State<Arc<Organization>>,
    RawQuery(query): RawQuery,
) -> Answer {
    let parameters = pairs(query.as_deref().unwrap_or(""));
    let parameter = |name: &str| {
        parameters
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    };
    let id = parameter("id")
        .trim_matches(['{', '}'])
        .to_ascii_lowercase();
    let Some(table) = catalog().table(parameter("etn")).filter(|_| is_guid(&id)) else {
        return page(404, "Record not found", "<p>The link names no record.</p>");
    };
    let loaded = match organization.store.pool().acquire().await {
        Ok(mut connection) => store::load(&mut connection, table, &id).await,
        Err(error) => Err(error),
    };
    let fields = match loaded {
        Ok(Some(fields)) => fields,
        Ok(None) => {
            return page(
                404,
                "Record not found",
                "<p>The record does not exist any more.</p>",
            );
        }
        Err(error) => {
            tracing::error!(%error, "a record could not be read for its page");
            return page(500, "Error", "<p>The record could not be read.</p>");
        }
    };
    let name = fields
        .get(&table.name)
        .and_then(|value| value.text())
        .unwrap_or("(no name)");
    let cells: String = table
        .columns
        .iter()
        .filter_map(|column| Some((column, fields.get(&column.name)?)))
        .map(|(column, value)| {
            let text = match (
                value.integer().and_then(|value| column.label_of(value)),
                value.text(),
            ) {
                (Some(label), _) => label.to_owned(),
                (None, Some(text)) => text.to_owned(),
                (None, None) => rows::json(column, value).to_string(),
            };
            format!(
                "<tr><th>{}</th><td>{}</td></tr>",
                escaped(&column.label),
                escaped(&text)
            )
        })
        .collect();
    page(
        200,
        &format!("{}: {name}", table.label),
        &format!("<table>{cells}</table>"),
    )
}

fn page(status: u16, title: &str, content: &str) -> Answer {
    let body = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>body{{font:14px \
         system-ui;margin:2em}}th{{text-align:left;padding:2px 2em 2px 0;color:#555;font-weight:normal}}</style></head>\
         <body><p>Practice organization</p><h1>{title}</h1>{content}</body></html>",
        title = escaped(title)
    );
    Answer::new(status, "text/html; charset=utf-8", body).header(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'",
    )
}

/// Text as HTML shows it, also between quotes.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
