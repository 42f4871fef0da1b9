//! Text becomes what a column takes: cut to its length, read as its number, day, choice or reference.
//!
//! The limits are those of the protocol page `entities.md` ("Server-side rules"), the forms on the wire those of `query.md`
//! ("Values").

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, time};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::columns::{Columns, DateBehavior, Kind, Limits};
use crate::cut;
use crate::plan::{LookupBy, LookupQuestion, Planned, Unfit};
use crate::record::Table;

/// What a column takes of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The value to write.
    pub planned: Planned,
    /// What became of the text, if not all of it is written.
    pub notice: Option<Unfit>,
}

/// The days that Dynamics stores.
const FIRST_YEAR: i16 = 1753;
/// How many labels of a choice a rule names.
const NAMED_CHOICES: usize = 12;

/// Fits a text to a column:
///
/// - Text is cut at a character boundary to the column's length; on a column of one line, line ends become blanks. An e-mail
///   or web address that is too long is left out: its beginning would be another address.
/// - Numbers may have thousands separators and a currency's sign, and are rounded to the column's decimals.
/// - Yes and no may be written as `yes`, `true`, `1`, or as the column's labels in any language.
/// - Dates are RFC 3339 (without a zone: UTC) or a day; a day in a column of moments is midnight UTC, or noon where only the
///   day is shown, so that it is the same day almost everywhere.
/// - Choices may be given by number or by label in any language; several, separated by `;`, `,` or line ends.
/// - A lookup may be an id, `contact:<id>`, or the unique name of a row, which becomes a question.
///
/// # Errors
/// [`Unfit`] with the rule in words, when nothing of the text can be written.
pub fn fit(columns: &Columns, table: Table, column: &str, text: &str) -> Result<Fitted, Unfit> {
    let unfit = |rule: String| Unfit {
        table: table.logical_name().to_owned(),
        column: column.to_owned(),
        value: text.to_owned(),
        rule,
    };
    if columns.is_missing(table, column) {
        return Err(unfit(
            "The table has no such column, so it is left out.".to_owned(),
        ));
    }
    let limits = columns.limits(table, column);
    if !limits.create && !limits.update {
        return Err(unfit(
            "The system fills this column itself, so it is left out.".to_owned(),
        ));
    }
    let kind = columns.kind(table, column).unwrap_or(Kind::Text);
    let fitted = match kind {
        Kind::Text | Kind::Phone => cut_text(text, &limits),
        Kind::Email | Kind::Url => whole_text(text, &limits),
        Kind::Boolean => boolean(columns, table, column, text).map(plain),
        Kind::Integer | Kind::Number | Kind::Money => number(text, kind, &limits),
        Kind::Date | Kind::DateTime => date(text, kind, &limits).map(plain),
        Kind::Choice => choice(columns, table, column, text).map(|value| plain(json!(value))),
        Kind::MultiChoice => choices(columns, table, column, text),
        Kind::Lookup => lookup(text, &limits).map(|planned| (planned, None)),
        Kind::Id => Uuid::try_parse(text.trim())
            .map(|id| plain(json!(id.hyphenated().to_string())))
            .map_err(|_| "It takes an id, so it is left out.".to_owned()),
    };
    match fitted {
        Ok((planned, notice)) => Ok(Fitted {
            planned,
            notice: notice.map(unfit),
        }),
        Err(rule) => Err(unfit(rule)),
    }
}

/// A value with what a person should know of it, or the rule that it breaks.
type Fit = Result<(Planned, Option<String>), String>;

fn plain(value: Value) -> (Planned, Option<String>) {
    (Planned::Value(value), None)
}

/// The text as the column can hold it, but for its length.
pub(crate) fn prepared(text: &str, limits: &Limits) -> String {
    let text = cut::storable(text);
    if limits.lines {
        text
    } else {
        cut::one_line(&text)
    }
}

fn cut_text(text: &str, limits: &Limits) -> Fit {
    let text = prepared(text, limits);
    match limits.max_length {
        Some(most) if cut::length(&text) > most as usize => {
            let kept = cut::beginning(&text, most as usize);
            let value = Planned::Value(json!(kept));
            Ok((value, Some(format!("It is cut to {most} characters."))))
        }
        Some(_) | None => Ok(plain(json!(text))),
    }
}

fn whole_text(text: &str, limits: &Limits) -> Fit {
    let text = prepared(text, limits);
    match limits.max_length {
        Some(most) if cut::length(&text) > most as usize => Err(format!(
            "It takes at most {most} characters, and a part of an address would be another one, so it is left out."
        )),
        Some(_) | None => Ok(plain(json!(text))),
    }
}

fn boolean(columns: &Columns, table: Table, column: &str, text: &str) -> Result<Value, String> {
    let word = text.trim().to_lowercase();
    let by_label = columns
        .choices(table, column)
        .iter()
        .filter(|choice| {
            choice
                .labels
                .iter()
                .any(|label| label.trim().to_lowercase() == word)
        })
        .map(|choice| choice.value == 1)
        .collect::<BTreeSet<_>>();
    if by_label.len() == 1 {
        return Ok(json!(by_label.contains(&true)));
    }
    match word.as_str() {
        "true" | "yes" | "y" | "1" | "on" => Ok(json!(true)),
        "false" | "no" | "n" | "0" | "off" => Ok(json!(false)),
        _ => Err("It takes yes or no, so it is left out.".to_owned()),
    }
}

fn number(text: &str, kind: Kind, limits: &Limits) -> Fit {
    let digits = decimal(text).map_err(|fault| match fault {
        NoNumber::Other => "It takes a number, so it is left out.".to_owned(),
        NoNumber::Ambiguous => {
            "The comma may stand for decimals or for thousands, so it is left out.".to_owned()
        }
    })?;
    let written: f64 = digits
        .parse()
        .map_err(|_| "It takes a number, so it is left out.".to_owned())?;
    let places = if kind == Kind::Integer {
        0
    } else {
        limits.precision.unwrap_or(4)
    };
    // `format!` rounds correctly, which multiplying does not.
    let rounded = format!("{written:.*}", places.min(10) as usize);
    let value: f64 = rounded
        .parse()
        .map_err(|_| "It takes a number, so it is left out.".to_owned())?;
    let widest = if kind == Kind::Integer {
        (f64::from(i32::MIN), f64::from(i32::MAX))
    } else {
        (f64::MIN, f64::MAX)
    };
    let lowest = limits.min.unwrap_or(widest.0);
    let highest = limits.max.unwrap_or(widest.1);
    if !value.is_finite() || value < lowest || value > highest {
        return Err(format!(
            "It takes numbers from {lowest} to {highest}, so it is left out."
        ));
    }
    let json = if kind == Kind::Integer {
        let whole: i64 = rounded
            .parse()
            .map_err(|_| "It takes a whole number, so it is left out.".to_owned())?;
        json!(whole)
    } else {
        json!(value)
    };
    let notice = (value != written).then(|| match places {
        0 => "It is rounded to a whole number.".to_owned(),
        1 => "It is rounded to 1 decimal.".to_owned(),
        _ => format!("It is rounded to {places} decimals."),
    });
    Ok((Planned::Value(json), notice))
}

enum NoNumber {
    Ambiguous,
    Other,
}

/// A number as Rust reads it, out of one as people write it: `1 234,5 €`, `1,234.50`, `-3`.
fn decimal(text: &str) -> Result<String, NoNumber> {
    let is_currency = |c: char| {
        matches!(c, '$' | '€' | '£' | '¥' | '₹' | '₽' | '₺' | '₩' | '₪' | '%')
            || c.is_alphabetic()
            || c.is_whitespace()
    };
    let core: String = text
        .trim_matches(is_currency)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’' | '_'))
        .collect();
    let (sign, core) = match core.strip_prefix(['-', '−']) {
        Some(rest) => ("-", rest.trim_start_matches(is_currency)),
        None => ("", core.strip_prefix('+').unwrap_or(&core)),
    };
    let all_digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let (commas, points) = (core.matches(',').count(), core.matches('.').count());
    let (decimal_mark, thousands) = match (core.rfind(','), core.rfind('.')) {
        (None, None) => (None, None),
        (Some(comma), Some(point)) if comma > point => (Some(','), Some('.')),
        (Some(_), Some(_)) => (Some('.'), Some(',')),
        (Some(_), None) if commas > 1 => (None, Some(',')),
        (None, Some(_)) if points > 1 => (None, Some('.')),
        (None, Some(_)) => (Some('.'), None),
        (Some(comma), None) => {
            let behind = core.len() - comma - 1;
            if behind == 3 && (1..=3).contains(&comma) && !core.starts_with('0') {
                return Err(NoNumber::Ambiguous);
            }
            (Some(','), None)
        }
    };
    let (whole, fraction) = match decimal_mark.and_then(|mark| core.rsplit_once(mark)) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (core, None),
    };
    let whole = match thousands {
        None => whole.to_owned(),
        Some(mark) => {
            let groups: Vec<&str> = whole.split(mark).collect();
            let well_grouped = groups
                .first()
                .is_some_and(|first| (1..=3).contains(&first.len()))
                && groups.iter().skip(1).all(|group| group.len() == 3);
            if !well_grouped {
                return Err(NoNumber::Other);
            }
            groups.concat()
        }
    };
    let whole = if whole.is_empty() && fraction.is_some() {
        "0".to_owned()
    } else {
        whole
    };
    if !all_digits(&whole) || fraction.is_some_and(|fraction| !all_digits(fraction)) {
        return Err(NoNumber::Other);
    }
    Ok(match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    })
}

fn date(text: &str, kind: Kind, limits: &Limits) -> Result<Value, String> {
    let text = text.trim();
    let rule = || {
        "It takes a date such as 2024-05-01 or 2024-05-01T10:00:00Z, so it is left out.".to_owned()
    };
    // A time with a zone, a time without one, or a day.
    let (moment, day) = if let Ok(moment) = text.parse::<Timestamp>() {
        (Some(moment), None)
    } else if text.len() > 10
        && let Ok(local) = text.parse::<DateTime>()
    {
        let moment = TimeZone::UTC.to_timestamp(local).map_err(|_| rule())?;
        (Some(moment), None)
    } else {
        (None, Some(text.parse::<Date>().map_err(|_| rule())?))
    };
    let date = match (moment, day) {
        (_, Some(day)) => day,
        (Some(moment), None) => TimeZone::UTC.to_datetime(moment).date(),
        (None, None) => return Err(rule()),
    };
    if date.year() < FIRST_YEAR {
        return Err(format!(
            "It takes dates from {FIRST_YEAR} on, so it is left out."
        ));
    }
    if limits.date == DateBehavior::DateOnly {
        return Ok(json!(date.to_string()));
    }
    let moment = match moment {
        Some(moment) => moment,
        None => {
            let hour = if kind == Kind::Date && limits.date == DateBehavior::UserLocal {
                12
            } else {
                0
            };
            let local = date.to_datetime(time(hour, 0, 0, 0));
            TimeZone::UTC.to_timestamp(local).map_err(|_| rule())?
        }
    };
    Ok(json!(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

fn choice(columns: &Columns, table: Table, column: &str, text: &str) -> Result<i64, String> {
    let text = text.trim();
    let known = columns.choices(table, column);
    if known.is_empty() {
        return text.parse().map_err(|_| {
            "The choices are not known yet, and it is no number, so it is left out.".to_owned()
        });
    }
    if let Ok(number) = text.parse::<i64>()
        && known.iter().any(|choice| choice.value == number)
    {
        return Ok(number);
    }
    let wanted = text.to_lowercase();
    let found: BTreeSet<i64> = known
        .iter()
        .filter(|choice| {
            choice
                .labels
                .iter()
                .any(|label| label.trim().to_lowercase() == wanted)
        })
        .map(|choice| choice.value)
        .collect();
    match (found.first(), found.len()) {
        (Some(value), 1) => Ok(*value),
        (Some(_), _) => {
            Err("Several choices are called so: give the number. It is left out.".to_owned())
        }
        (None, _) => {
            let labels: Vec<&str> = known
                .iter()
                .take(NAMED_CHOICES)
                .map(|choice| choice.label.as_str())
                .collect();
            let more = if known.len() > NAMED_CHOICES {
                ", …"
            } else {
                ""
            };
            Err(format!(
                "It takes one of: {}{more}. It is left out.",
                labels.join(", ")
            ))
        }
    }
}

fn choices(columns: &Columns, table: Table, column: &str, text: &str) -> Fit {
    let mut chosen = BTreeSet::new();
    let mut refused = Vec::new();
    let mut last_rule = String::new();
    let lines = text.split([';', '\n']).map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        // A label may hold a comma, so the whole is tried first.
        if let Ok(value) = choice(columns, table, column, line) {
            chosen.insert(value);
            continue;
        }
        for part in line
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match choice(columns, table, column, part) {
                Ok(value) => {
                    chosen.insert(value);
                }
                Err(rule) => {
                    refused.push(part);
                    last_rule = rule;
                }
            }
        }
    }
    if chosen.is_empty() {
        return Err(if last_rule.is_empty() {
            "It takes choices, so it is left out.".to_owned()
        } else {
            last_rule
        });
    }
    let numbers: Vec<String> = chosen.iter().map(i64::to_string).collect();
    let notice = (!refused.is_empty())
        .then(|| format!("No such choice, so it is left out: {}.", refused.join(", ")));
    Ok((Planned::Value(json!(numbers.join(","))), notice))
}

fn lookup(text: &str, limits: &Limits) -> Result<Planned, String> {
    let text = text.trim();
    if limits.targets.is_empty() {
        return Err("It is not known which table it refers to, so it is left out.".to_owned());
    }
    if let Some((table, id)) = text.split_once(':')
        && let Ok(id) = Uuid::try_parse(id.trim())
    {
        let table = table.trim().to_lowercase();
        return if limits.targets.contains(&table) {
            Ok(Planned::Lookup { table, id })
        } else {
            Err(format!(
                "It can refer to {}, so it is left out.",
                limits.targets.join(", ")
            ))
        };
    }
    let by = match (Uuid::try_parse(text), limits.targets.as_slice()) {
        (Ok(id), [table]) => {
            return Ok(Planned::Lookup {
                table: table.clone(),
                id,
            });
        }
        (Ok(_), _) => LookupBy::Id,
        (Err(_), _) => LookupBy::Name,
    };
    Ok(Planned::Find(LookupQuestion {
        tables: limits.targets.clone(),
        by,
        text: text.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{OwnChoice, OwnColumn};
    use proptest::prelude::*;

    fn columns() -> Columns {
        let column = |kind, limits: Limits| OwnColumn {
            label: "Label".to_owned(),
            kind,
            choices: Vec::new(),
            limits,
            names: Vec::new(),
        };
        let choice = |value, labels: &[&str]| OwnChoice {
            value,
            label: labels[0].to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        let text = |most, lines| Limits {
            max_length: Some(most),
            lines,
            ..Limits::default()
        };
        let range = |min: f64, max: f64, precision| Limits {
            min: Some(min),
            max: Some(max),
            precision: Some(precision),
            ..Limits::default()
        };
        let dated = |date| Limits {
            date,
            ..Limits::default()
        };
        let to = |targets: &[&str]| Limits {
            targets: targets.iter().map(|target| (*target).to_owned()).collect(),
            ..Limits::default()
        };
        let tiers = vec![
            choice(1, &["Gold", "Or"]),
            choice(2, &["Silver", "Argent"]),
            choice(3, &["Twice"]),
            choice(4, &["Twice"]),
            choice(5, &["Red, hot"]),
        ];
        let list = [
            ("line", column(Kind::Text, text(5, false))),
            ("lines", column(Kind::Text, text(8, true))),
            ("mail", column(Kind::Email, text(10, false))),
            ("whole", column(Kind::Integer, range(0.0, 100.0, 0))),
            ("money", column(Kind::Money, range(-10_000.0, 10_000.0, 2))),
            ("day", column(Kind::Date, dated(DateBehavior::DateOnly))),
            (
                "shown_day",
                column(Kind::Date, dated(DateBehavior::UserLocal)),
            ),
            (
                "moment",
                column(Kind::DateTime, dated(DateBehavior::UserLocal)),
            ),
            (
                "clock",
                column(Kind::DateTime, dated(DateBehavior::Zoneless)),
            ),
            ("account", column(Kind::Lookup, to(&["account"]))),
            (
                "customer",
                column(Kind::Lookup, to(&["account", "contact"])),
            ),
            ("nowhere", column(Kind::Lookup, to(&[]))),
            (
                "tier",
                OwnColumn {
                    choices: tiers.clone(),
                    ..column(Kind::Choice, Limits::default())
                },
            ),
            (
                "tiers",
                OwnColumn {
                    choices: tiers,
                    ..column(Kind::MultiChoice, Limits::default())
                },
            ),
            (
                "optin",
                OwnColumn {
                    choices: vec![
                        choice(1, &["Allow", "Erlauben"]),
                        choice(0, &["Forbid", "Verbieten"]),
                    ],
                    ..column(Kind::Boolean, Limits::default())
                },
            ),
            (
                "made",
                column(
                    Kind::DateTime,
                    Limits {
                        create: false,
                        update: false,
                        ..Limits::default()
                    },
                ),
            ),
        ];
        let own = list.map(|(name, column)| (name.to_owned(), column));
        Columns::of_organization([(Table::Contact, own.into())].into())
    }

    #[test]
    fn each_kind_takes_what_people_write() {
        let columns = columns();
        for (column, text, expected) in [
            ("line", "abc", json!("abc")),
            ("line", "a\r\nb", json!("a b")),
            ("lines", "a\nb\u{1}", json!("a\nb␁")),
            ("whole", " 42 ", json!(42)),
            ("whole", "+7", json!(7)),
            ("money", "1,234.50 €", json!(1234.5)),
            ("money", "€ 1.234,50", json!(1234.5)),
            ("money", "1\u{a0}234,5", json!(1234.5)),
            ("money", "-$12", json!(-12.0)),
            ("money", ".5", json!(0.5)),
            ("money", "0,126", json!(0.13)),
            ("optin", "erlauben", json!(true)),
            ("optin", "FORBID", json!(false)),
            ("optin", "yes", json!(true)),
            ("optin", "0", json!(false)),
            ("day", "2024-05-01", json!("2024-05-01")),
            ("day", "2024-05-01T23:30:00-05:00", json!("2024-05-02")),
            ("shown_day", "2024-05-01", json!("2024-05-01T12:00:00Z")),
            ("moment", "2024-05-01", json!("2024-05-01T00:00:00Z")),
            (
                "moment",
                "2024-05-01T10:00:00.789+02:00",
                json!("2024-05-01T08:00:00Z"),
            ),
            ("moment", "2024-05-01 10:00", json!("2024-05-01T10:00:00Z")),
            (
                "clock",
                "2024-05-01T10:00:00",
                json!("2024-05-01T10:00:00Z"),
            ),
            ("tier", "or", json!(1)),
            ("tier", " 2 ", json!(2)),
            ("tiers", "Argent, gold", json!("1,2")),
            ("tiers", "Red, hot; 1;1", json!("1,5")),
        ] {
            let fitted = fit(&columns, Table::Contact, column, text).unwrap();
            assert_eq!(fitted.planned, Planned::Value(expected), "{column}: {text}");
        }
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let columns = columns();
        for (column, text, part) in [
            ("none", "a", "no such column"),
            ("made", "2024-05-01", "fills this column itself"),
            ("mail", "dana@example.com", "at most 10 characters"),
            ("whole", "many", "a number"),
            ("whole", "101", "from 0 to 100"),
            ("whole", "", "a number"),
            ("money", "1,234", "comma may stand for"),
            ("money", "1,23,456.0", "a number"),
            ("money", "12-13", "a number"),
            ("money", "NaN", "a number"),
            ("optin", "perhaps", "yes or no"),
            ("day", "01/05/2024", "2024-05-01"),
            ("moment", "1600-01-01", "from 1753 on"),
            ("tier", "Bronze", "one of: Gold, Silver"),
            ("tier", "9", "one of: Gold"),
            ("tier", "twice", "give the number"),
            ("tiers", "Bronze", "one of: Gold"),
            ("nowhere", "Contoso", "not known which table"),
            (
                "customer",
                "lead:00000000-0000-4000-8000-000000000001",
                "can refer to account, contact",
            ),
        ] {
            let unfit = fit(&columns, Table::Contact, column, text).unwrap_err();
            assert!(unfit.rule.contains(part), "{column}: {}", unfit.rule);
            assert_eq!(
                (unfit.column.as_str(), unfit.value.as_str()),
                (column, text)
            );
        }
    }

    #[test]
    fn what_is_written_in_part_is_noted() {
        let columns = columns();
        for (column, text, value, part) in [
            ("line", "abcdef", json!("abcde"), "cut to 5 characters"),
            ("line", "abcd👋", json!("abcd"), "cut to 5 characters"),
            ("money", "1.005", json!(1.0), "2 decimals"),
            ("whole", "2.5", json!(2), "whole number"),
            ("tiers", "Gold;Bronze", json!("1"), "Bronze"),
        ] {
            let fitted = fit(&columns, Table::Contact, column, text).unwrap();
            assert_eq!(fitted.planned, Planned::Value(value), "{column}");
            let notice = fitted.notice.unwrap();
            assert!(notice.rule.contains(part), "{}", notice.rule);
            assert_eq!(notice.value, text);
        }
    }

    #[test]
    fn a_row_is_named_by_its_id_or_its_name() {
        let columns = columns();
        let id = Uuid::from_u128(7);
        let found =
            |column, text: &str| fit(&columns, Table::Contact, column, text).unwrap().planned;
        let lookup = |table: &str| Planned::Lookup {
            table: table.to_owned(),
            id,
        };
        assert_eq!(found("account", &id.to_string()), lookup("account"));
        assert_eq!(
            found("customer", &format!("contact:{id}")),
            lookup("contact")
        );
        let question = |tables: &[&str], by, text: &str| {
            Planned::Find(LookupQuestion {
                tables: tables.iter().map(|table| (*table).to_owned()).collect(),
                by,
                text: text.to_owned(),
            })
        };
        assert_eq!(
            found("account", " Contoso "),
            question(&["account"], LookupBy::Name, "Contoso")
        );
        assert_eq!(
            found("customer", &id.to_string()),
            question(&["account", "contact"], LookupBy::Id, &id.to_string())
        );
    }

    #[test]
    fn without_the_organization_the_standard_columns_set_the_limits() {
        let columns = Columns::default();
        let name = "n".repeat(60);
        let fitted = fit(&columns, Table::Contact, "lastname", &name).unwrap();
        assert_eq!(fitted.planned.text().map(str::len), Some(50));
        let fitted = fit(&columns, Table::Contact, "donotemail", "yes").unwrap();
        assert_eq!(fitted.planned, Planned::Value(json!(true)));
    }

    proptest! {
        #[test]
        fn any_text_fits_or_says_why(text in any::<String>(), column in 0_usize..16) {
            let columns = columns();
            let names = columns.names(Table::Contact);
            let name = names[column % names.len()];
            match fit(&columns, Table::Contact, name, &text) {
                Ok(fitted) => if let Some(text) = fitted.planned.text() {
                    let most = columns.limits(Table::Contact, name).max_length;
                    prop_assert!(most.is_none_or(|most| cut::length(text) <= most as usize));
                },
                Err(unfit) => prop_assert!(!unfit.rule.is_empty()),
            }
        }

        #[test]
        fn numbers_are_read_as_they_are(number in -9_999.0_f64..9_999.0) {
            let written = format!("{number:.2}");
            let fitted = fit(&columns(), Table::Contact, "money", &written).unwrap();
            prop_assert_eq!(fitted.planned, Planned::Value(json!(written.parse::<f64>().unwrap())));
        }
    }
}
