//! What a test means on a column: operators of FetchXML and query functions of `$filter` alike (protocol pages
//! `fetchxml.md`, section "Condition operators", and `query.md`).

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use sandbox_syntax::filter::Operator;
use sandbox_syntax::is_guid;
use sandbox_syntax::operator::{Kinship, Place, Test, When, Who};

use super::condition::{Condition, Tree};
use super::time::{self, End, Given, Meaning};
use super::{Asker, At};
use crate::errors::ApiError;
use crate::metadata::{Column, Kind, Table, catalog};
use crate::text::{self, Pattern};
use crate::value::{Value, moment};

/// The language of every user and of the organization: English.
const LANGUAGE: i64 = 1033;

/// Tables with a hierarchy, each with the look-up to the row above.
const HIERARCHIES: [(&str, &str); 3] = [
    ("account", "parentaccountid"),
    ("businessunit", "parentbusinessunitid"),
    ("systemuser", "parentsystemuserid"),
];

/// The condition that a test with these values makes on a column. `table` is the column's.
pub(super) fn condition(
    table: &'static Table,
    at: At,
    test: Test,
    values: &[String],
    asker: &Asker,
) -> Result<Condition, ApiError> {
    let wrong = || {
        argument(format!(
            "The operator is not valid or its values are not valid for the attribute '{}'.",
            at.column.name
        ))
    };
    if !test.values().allows(values.len()) {
        return Err(wrong());
    }
    let typed = || {
        values
            .iter()
            .map(|text| value_from_text(at.column, text))
            .collect::<Result<Vec<Value>, ApiError>>()
    };
    Ok(match test {
        Test::Compare(operator) => {
            let [value] = <[Value; 1]>::try_from(typed()?).map_err(|_| wrong())?;
            Condition::Compare(at, operator, value)
        }
        Test::Between | Test::NotBetween => {
            let [low, high] = <[Value; 2]>::try_from(typed()?).map_err(|_| wrong())?;
            negated(test == Test::NotBetween, Condition::Between(at, low, high))
        }
        Test::In | Test::NotIn => negated(test == Test::NotIn, Condition::In(at, typed()?)),
        Test::Null => Condition::IsNull(at),
        Test::NotNull => Condition::not(Condition::IsNull(at)),
        Test::Like(place) | Test::NotLike(place) => {
            let [like] = values else { return Err(wrong()) };
            if !is_text(at.column) {
                return Err(wrong());
            }
            let place = match place {
                Place::Whole => text::Place::Whole,
                Place::Start => text::Place::Start,
                Place::End => text::Place::End,
            };
            let found = matches(at, like, place).ok_or_else(wrong)?;
            negated(matches!(test, Test::NotLike(_)), found)
        }
        Test::ContainValues | Test::NotContainValues => {
            if !is_text(at.column) || at.column.choices.is_empty() {
                return Err(wrong());
            }
            let numbers: Result<Vec<i64>, _> =
                values.iter().map(|value| value.trim().parse()).collect();
            negated(
                test == Test::NotContainValues,
                Condition::HasOneOf(at, numbers.map_err(|_| wrong())?),
            )
        }
        Test::User(who) | Test::NotUser(who) => {
            if !matches!(at.column.kind, Kind::Guid | Kind::Lookup) {
                return Err(wrong());
            }
            negated(matches!(test, Test::NotUser(_)), belongs(at, who, asker))
        }
        Test::UserLanguage => {
            if class(at.column.kind) != class(Kind::Integer) {
                return Err(wrong());
            }
            Condition::Compare(at, Operator::Equal, Value::Integer(LANGUAGE))
        }
        Test::Hierarchy(kinship) => {
            let [root] = values else { return Err(wrong()) };
            let root = root.trim_matches(['{', '}']);
            if !is_guid(root) {
                return Err(wrong());
            }
            let tree = tree(table, at.column, kinship, root.to_ascii_lowercase())?;
            negated(kinship == Kinship::NotUnder, Condition::InTree(at, tree))
        }
        Test::Date(when) => date(at, when, values, asker).ok_or_else(wrong)?,
    })
}

/// 400 `0x80040203`.
pub(super) fn argument(message: impl AsRef<str>) -> ApiError {
    ApiError::new(
        400,
        "0x80040203",
        format!("Invalid argument. {}", message.as_ref()),
    )
}

fn negated(negated: bool, condition: Condition) -> Condition {
    if negated {
        Condition::not(condition)
    } else {
        condition
    }
}

pub(super) fn is_text(column: &Column) -> bool {
    class(column.kind) == 0
}

/// A pattern on a text column; `None` if it is too long to be searched for.
pub(super) fn matches(at: At, like: &str, place: text::Place) -> Option<Condition> {
    match text::pattern(like, place, at.column.max_length.unwrap_or(usize::MAX)) {
        Pattern::Expression(expression) => Some(Condition::Matches(at, expression)),
        Pattern::Nothing => Some(Condition::Never(at)),
        Pattern::TooLong => None,
    }
}

fn belongs(at: At, who: Who, asker: &Asker) -> Condition {
    let is = |id: &str| Condition::Compare(at, Operator::Equal, Value::from(id));
    let teams = || match catalog().table("teammembership") {
        Some(_) => Condition::InTeamsOf(at, asker.user.clone()),
        None => Condition::Never(at),
    };
    let reports = || {
        let table = crate::metadata::table("systemuser");
        tree(
            table,
            table.column(&table.id)?,
            Kinship::EqualOrUnder,
            asker.user.clone(),
        )
        .ok()
        .map(|tree| Condition::InTree(at, tree))
    };
    match who {
        Who::User => is(&asker.user),
        Who::BusinessUnit => is(&asker.business_unit),
        Who::Teams => teams(),
        Who::UserOrTeams => Condition::Any(vec![is(&asker.user), teams()]),
        Who::UserOrHierarchy => Condition::Any(reports().into_iter().collect()),
        Who::UserOrHierarchyAndTeams => {
            Condition::Any(reports().into_iter().chain([teams()]).collect())
        }
    }
}

/// The tree that a hierarchical condition on a column means: the column is the key of a table with a hierarchy, or a
/// look-up to such a table.
fn tree(
    table: &'static Table,
    column: &'static Column,
    kinship: Kinship,
    root: String,
) -> Result<Tree, ApiError> {
    let targets: Vec<&str> = if column.name == table.id {
        vec![&table.logical]
    } else {
        column.targets.iter().map(String::as_str).collect()
    };
    let found = HIERARCHIES
        .iter()
        .filter(|(table, _)| targets.contains(table))
        .find_map(|(table, parent)| {
            let table = catalog().table(table)?;
            Some((table, table.column(parent)?))
        });
    let Some((table, parent)) = found else {
        return Err(argument(format!(
            "The attribute '{}' has no hierarchical relationship for a hierarchical condition.",
            column.name
        )));
    };
    Ok(Tree {
        table,
        parent,
        root,
        upwards: matches!(kinship, Kinship::Above | Kinship::EqualOrAbove),
        with_root: matches!(kinship, Kinship::EqualOrAbove | Kinship::EqualOrUnder),
    })
}

/// The table whose key a column is, if it has a hierarchy: its name, its key and the look-up to the row above.
pub(super) fn hierarchy_of(at: At) -> Option<(&'static str, &'static str, &'static str)> {
    HIERARCHIES.iter().find_map(|(name, parent)| {
        let table = catalog().table(name)?;
        (table.id == at.column.name).then_some((*name, table.id.as_str(), *parent))
    })
}

fn date(at: At, when: When, values: &[String], asker: &Asker) -> Option<Condition> {
    let only_day = at.column.kind == Kind::Date;
    if !only_day && at.column.kind != Kind::DateTime {
        return None;
    }
    let given: Option<Vec<Given>> = values
        .iter()
        .map(|value| match when {
            When::On | When::OnOrAfter | When::OnOrBefore => {
                moment_from_text(value).map(|at| Given::Day(at.date()))
            }
            When::Period(..)
            | When::SevenDays(_)
            | When::Rolling(..)
            | When::OlderThan(_)
            | When::InFiscalYear
            | When::InFiscalPeriod
            | When::InFiscalPeriodAndYear
            | When::InOrBeforeFiscalPeriodAndYear
            | When::InOrAfterFiscalPeriodAndYear => value.trim().parse().ok().map(Given::Number),
        })
        .collect();
    let now = TimeZone::UTC.to_datetime(asker.now);
    let now = now.with().subsec_nanosecond(0).build().ok()?;
    let range = match time::meaning(when, &given?, now)? {
        Meaning::Quarter(quarter) => return Some(Condition::InQuarter(at, quarter)),
        Meaning::Range(range) => range,
    };
    let text = |time: DateTime| {
        Value::from(if only_day {
            time.date().to_string()
        } else {
            time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        })
    };
    let from = range
        .from
        .map(|from| Condition::Compare(at, Operator::GreaterThanOrEqual, text(from)));
    let to = range.to.map(|end| match end {
        End::Before(end) => Condition::Compare(at, Operator::LessThan, text(end)),
        End::At(end) => Condition::Compare(at, Operator::LessThanOrEqual, text(end)),
    });
    Some(Condition::All(from.into_iter().chain(to).collect()))
}

/// A point in time as clients write it; without an offset it is in the caller's time zone, which is UTC.
fn moment_from_text(text: &str) -> Option<DateTime> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(TimeZone::UTC.to_datetime(at));
    }
    text.parse::<DateTime>()
        .ok()
        .or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)))
}

/// Kinds that may be compared with each other.
pub(super) fn class(kind: Kind) -> u8 {
    match kind {
        Kind::Text | Kind::MultiChoice => 0,
        Kind::Integer
        | Kind::BigInt
        | Kind::Decimal
        | Kind::Double
        | Kind::Money
        | Kind::Choice => 1,
        Kind::Boolean => 2,
        Kind::DateTime => 3,
        Kind::Date => 4,
        Kind::Guid | Kind::Lookup => 5,
    }
}

/// A value of a query function or of FetchXML: always written as text.
pub(super) fn value_from_text(column: &Column, text: &str) -> Result<Value, ApiError> {
    let wrong = || {
        ApiError::new(
            400,
            "0x80040203",
            format!(
                "The value '{text}' is not valid for the attribute '{}'.",
                column.name
            ),
        )
    };
    match column.kind {
        Kind::Text | Kind::MultiChoice => Ok(Value::from(text)),
        Kind::Guid | Kind::Lookup => {
            let bare = text.trim().trim_matches(['{', '}']);
            if is_guid(bare) {
                Ok(Value::from(bare.to_ascii_lowercase()))
            } else {
                Err(wrong())
            }
        }
        Kind::Integer | Kind::BigInt | Kind::Choice => {
            text.trim().parse().map(Value::Integer).map_err(|_| wrong())
        }
        Kind::Decimal | Kind::Double | Kind::Money => text
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Value::Real)
            .ok_or_else(wrong),
        Kind::Boolean => match text.trim() {
            "true" | "1" => Ok(Value::Integer(1)),
            "false" | "0" => Ok(Value::Integer(0)),
            _ => Err(wrong()),
        },
        Kind::DateTime => {
            let at = moment_from_text(text).ok_or_else(wrong)?;
            TimeZone::UTC
                .to_timestamp(at)
                .map(|at| Value::from(moment(at)))
                .map_err(|_| wrong())
        }
        Kind::Date => moment_from_text(text)
            .map(|at| Value::from(at.date().to_string()))
            .ok_or_else(wrong),
    }
}
