//! The document's text with other values: what is unchanged keeps its place, its form and its comments.

use serde_json::{Map, Value};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike};

/// Changes what differs between `before` and `after`, which are what the text says and shall say with its defaults.
/// `None` if the text is no TOML.
pub(super) fn changed(
    text: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    change_table(document.as_table_mut(), before, after);
    Some(document.to_string())
}

fn change_table(
    table: &mut dyn TableLike,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    for key in gone.cloned().collect::<Vec<_>>() {
        table.remove(&key);
    }
    for (key, value) in after {
        let former = before.get(key);
        if former == Some(value) {
            continue;
        }
        match (former, value) {
            (Some(Value::Object(former)), Value::Object(value)) => {
                if table.get(key).is_none() {
                    let mut fresh = Table::new();
                    // Its tables below are enough of a heading.
                    fresh.set_implicit(value.values().all(is_tables));
                    table.insert(key, Item::Table(fresh));
                }
                if let Some(inner) = table.get_mut(key).and_then(Item::as_table_like_mut) {
                    change_table(inner, former, value);
                }
            }
            (former, Value::Array(items)) if is_tables(value) || was_tables(former, items) => {
                let former_items = former.and_then(Value::as_array);
                let tables = change_list(table.get(key), former_items, items);
                table.insert(key, tables);
            }
            (_, value) => {
                let fresh = plain(value);
                match table.get_mut(key).and_then(Item::as_value_mut) {
                    Some(there) => {
                        let decor = there.decor().clone();
                        *there = fresh;
                        *there.decor_mut() = decor;
                    }
                    None => {
                        table.insert(key, Item::Value(fresh));
                    }
                }
            }
        }
    }
}

/// Whether a value is written as tables of their own: `[[identification.contact]]`.
fn is_tables(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

fn was_tables(former: Option<&Value>, items: &[Value]) -> bool {
    items.is_empty() && former.is_some_and(is_tables)
}

/// A list of tables: those that both have stay as they are written.
fn change_list(there: Option<&Item>, before: Option<&Vec<Value>>, after: &[Value]) -> Item {
    if after.is_empty() {
        // That there are none is another thing than that nothing is said, which means the defaults.
        return Item::Value(toml_edit::Value::Array(Array::new()));
    }
    let written = there.and_then(Item::as_array_of_tables);
    let mut used = vec![false; before.map_or(0, Vec::len)];
    let mut tables = ArrayOfTables::new();
    for (place, item) in after.iter().enumerate() {
        let same = before.and_then(|before| {
            let free = before
                .iter()
                .enumerate()
                .filter(|(at, _)| !used.get(*at).copied().unwrap_or(true));
            let found = free.clone().find(|(_, former)| *former == item);
            // One of the same name keeps its comments.
            let named = || {
                free.clone()
                    .find(|(_, former)| name(former).is_some() && name(former) == name(item))
            };
            // One that was renamed in its place, too.
            let renamed = || {
                let is_gone =
                    |former: &Value| !after.iter().any(|other| name(other) == name(former));
                free.clone().find(|(at, former)| {
                    *at == place && before.len() == after.len() && is_gone(former)
                })
            };
            let (at, former) = found.or_else(named).or_else(renamed)?;
            Some((at, former, written?.get(at)?))
        });
        let table = match same {
            Some((at, former, table)) => {
                if let Some(used) = used.get_mut(at) {
                    *used = true;
                }
                let mut table = table.clone();
                if let (Value::Object(former), Value::Object(item)) = (former, item) {
                    change_table(&mut table, former, item);
                }
                table
            }
            None => fresh_table(item),
        };
        tables.push(table);
    }
    for table in tables.iter_mut() {
        // Their places in the former document would order them otherwise.
        table.set_position(None);
    }
    Item::ArrayOfTables(tables)
}

fn name(item: &Value) -> Option<&Value> {
    item.get("name").or_else(|| item.get("column"))
}

fn fresh_table(item: &Value) -> Table {
    let mut table = Table::new();
    for (key, value) in item.as_object().into_iter().flatten() {
        table.insert(key, Item::Value(plain(value)));
    }
    table.decor_mut().set_prefix("\n");
    table
}

fn plain(value: &Value) -> toml_edit::Value {
    match value {
        Value::Null => "".into(),
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => {
            let mut array: Array = items.iter().map(plain).collect();
            // One condition a line.
            if items.len() > 1 && items.iter().all(Value::is_object) {
                for value in array.iter_mut() {
                    value.decor_mut().set_prefix("\n    ");
                }
                array.set_trailing("\n");
                array.set_trailing_comma(true);
            }
            array.into()
        }
        Value::Object(object) => {
            let mut inline = InlineTable::new();
            for (key, value) in object {
                inline.insert(key, plain(value));
            }
            inline.into()
        }
    }
}
