//! What an update writes: only what differs from what the record has (guide, "Update Contact Information").

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::columns::{Columns, Kind};
use crate::plan::Planned;
use crate::record::Table;
use crate::recording::UpdatePolicy;

/// The columns of a record that an update changes. `current` gives the raw value of a column as Dynamics has it now, a
/// lookup as its row's id. A column for which the chat has nothing is not in `proposed`, so that it is never blanked.
pub fn changes<'a>(
    policy: UpdatePolicy,
    columns: &Columns,
    table: Option<Table>,
    current: impl Fn(&str) -> Option<&'a Value>,
    proposed: &BTreeMap<String, Planned>,
) -> BTreeMap<String, Planned> {
    let is_changed = |column: &str, value: &Planned| {
        let now = current(column).unwrap_or(&Value::Null);
        match policy {
            UpdatePolicy::Keep => false,
            UpdatePolicy::FillBlanks => is_blank(now),
            UpdatePolicy::Overwrite => {
                let kind = table.and_then(|table| columns.kind(table, column));
                !is_same(kind, now, value)
            }
        }
    };
    proposed
        .iter()
        .filter(|(_, value)| !matches!(value, Planned::Find(_)))
        .filter(|(column, value)| is_changed(column, value))
        .map(|(column, value)| (column.clone(), value.clone()))
        .collect()
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn is_same(kind: Option<Kind>, now: &Value, planned: &Planned) -> bool {
    let value = match planned {
        Planned::Lookup { id, .. } => {
            return now
                .as_str()
                .is_some_and(|now| now.eq_ignore_ascii_case(&id.to_string()));
        }
        Planned::Find(_) => return false,
        Planned::Value(value) => value,
    };
    if is_blank(now) && is_blank(value) {
        return true;
    }
    match (now, value) {
        (Value::Number(now), Value::Number(value)) => now.as_f64() == value.as_f64(),
        (Value::String(now), Value::String(value)) if kind == Some(Kind::DateTime) => {
            let moment = |text: &str| text.parse::<Timestamp>().ok();
            match (moment(now), moment(value)) {
                (Some(now), Some(value)) => now == value,
                _ => now == value,
            }
        }
        _ => now == value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
        pairs
            .iter()
            .map(|(column, value)| ((*column).to_owned(), value.clone()))
            .collect()
    }

    fn of(
        policy: UpdatePolicy,
        now: &BTreeMap<String, Value>,
        proposed: &BTreeMap<String, Planned>,
    ) -> BTreeMap<String, Planned> {
        let columns = Columns::default();
        let current = |column: &str| now.get(column);
        changes(policy, &columns, Some(Table::Contact), current, proposed)
    }

    #[test]
    fn each_policy_writes_what_it_says() {
        let now = record(&[
            ("lastname", json!("Nowak")),
            ("emailaddress1", json!(null)),
            ("telephone1", json!("")),
            ("lastonholdtime", json!("2024-07-17T10:00:00Z")),
            ("creditlimit", json!(10.0)),
        ]);
        let proposed = BTreeMap::from([
            ("lastname".to_owned(), Planned::Value(json!("nowak"))),
            (
                "emailaddress1".to_owned(),
                Planned::Value(json!("d@example.com")),
            ),
            ("telephone1".to_owned(), Planned::Value(json!("1"))),
            (
                "lastonholdtime".to_owned(),
                Planned::Value(json!("2024-07-17T12:00:00+02:00")),
            ),
            ("creditlimit".to_owned(), Planned::Value(json!(10))),
        ]);
        let names = |policy| of(policy, &now, &proposed).into_keys().collect::<Vec<_>>();
        assert_eq!(names(UpdatePolicy::Keep), Vec::<String>::new());
        assert_eq!(
            names(UpdatePolicy::FillBlanks),
            ["emailaddress1", "telephone1"]
        );
        assert_eq!(
            names(UpdatePolicy::Overwrite),
            ["emailaddress1", "lastname", "telephone1"]
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_not_written_again(
            now in proptest::collection::btree_map("[a-d]", proptest::option::of("[a-c ]{0,2}"), 0..4),
            proposed in proptest::collection::btree_map("[a-d]", "[a-c]{1,2}", 0..4),
            fill in any::<bool>(),
        ) {
            let policy = if fill { UpdatePolicy::FillBlanks } else { UpdatePolicy::Overwrite };
            let mut now: BTreeMap<String, Value> = now.into_iter().map(|(column, text)| (column, json!(text))).collect();
            let proposed: BTreeMap<String, Planned> =
                proposed.into_iter().map(|(column, text)| (column, Planned::Value(json!(text)))).collect();
            for (column, value) in of(policy, &now, &proposed) {
                now.insert(column, value.value().unwrap().clone());
            }
            prop_assert!(of(policy, &now, &proposed).is_empty());
        }
    }
}
