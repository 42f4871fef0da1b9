//! The query functions of Dataverse (protocol page `query.md`, section "$filter").

use super::literal::write_quoted;
use super::{invalid, push};
use crate::error::Result;
use jiff::civil::Date;
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// What a query function says about a column.
#[derive(Clone, PartialEq)]
pub enum QueryFunction {
    /// The value is one of these, written as text whatever the column's type is.
    In(Vec<String>),
    /// The value is none of these.
    NotIn(Vec<String>),
    /// The value lies between these two, both included.
    Between(String, String),
    /// The value does not lie between these two.
    NotBetween(String, String),
    /// The multi-select column holds at least one of these choices.
    ContainValues(Vec<i32>),
    /// The multi-select column holds none of these choices.
    DoesNotContainValues(Vec<i32>),
    /// The lookup points to the user who asks.
    EqualUserId,
    /// The lookup does not point to the user who asks.
    NotEqualUserId,
    /// The lookup points to the business unit of the user who asks.
    EqualBusinessId,
    /// The lookup does not point to the business unit of the user who asks.
    NotEqualBusinessId,
    /// The lookup points to a team of the user who asks.
    EqualUserTeams,
    /// The lookup points to the user who asks or to one of the user's teams.
    EqualUserOrUserTeams,
    /// The value is the language of the user who asks.
    EqualUserLanguage,
    /// The row is below this one in its hierarchy.
    Under(Uuid),
    /// The row is this one or below it.
    UnderOrEqual(Uuid),
    /// The row is not below this one.
    NotUnder(Uuid),
    /// The row is above this one.
    Above(Uuid),
    /// The row is this one or above it.
    AboveOrEqual(Uuid),
    /// The date is this day, in the time zone of the user who asks.
    On(Date),
    /// The date is this day or later.
    OnOrAfter(Date),
    /// The date is this day or earlier.
    OnOrBefore(Date),
    /// The date lies so to today, in the time zone of the user who asks.
    Relative(RelativeDate),
    /// The date lies within the last so many spans.
    LastX(Span, u32),
    /// The date lies within the next so many spans.
    NextX(Span, u32),
    /// The date lies more than so many spans back.
    OlderThanX(Span, u32),
}

/// A date as it lies to today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelativeDate {
    /// Today.
    Today,
    /// Yesterday.
    Yesterday,
    /// Tomorrow.
    Tomorrow,
    /// In the last seven days.
    Last7Days,
    /// In the next seven days.
    Next7Days,
    /// In the period that runs now.
    This(Period),
    /// In the period before that.
    Last(Period),
    /// In the period after that.
    Next(Period),
}

/// A period of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
    /// A period of the organization's fiscal year.
    FiscalPeriod,
    /// A fiscal year of the organization.
    FiscalYear,
}

/// A span of time that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Minutes; only for [`QueryFunction::OlderThanX`].
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Weeks.
    Weeks,
    /// Months.
    Months,
    /// Years.
    Years,
    /// Fiscal periods; not for [`QueryFunction::OlderThanX`].
    FiscalPeriods,
    /// Fiscal years; not for [`QueryFunction::OlderThanX`].
    FiscalYears,
}

impl QueryFunction {
    /// `column` has been checked.
    pub(super) fn write(&self, column: &str, out: &mut String) -> Result<()> {
        push(
            out,
            format_args!(
                "Microsoft.Dynamics.CRM.{}(PropertyName='{column}'",
                self.name()
            ),
        );
        match self {
            Self::In(values) | Self::NotIn(values) => write_values(values, out)?,
            Self::Between(low, high) | Self::NotBetween(low, high) => {
                write_values(&[low.clone(), high.clone()], out)?;
            }
            Self::ContainValues(choices) | Self::DoesNotContainValues(choices) => {
                let choices: Vec<_> = choices.iter().map(ToString::to_string).collect();
                write_values(&choices, out)?;
            }
            Self::EqualUserId
            | Self::NotEqualUserId
            | Self::EqualBusinessId
            | Self::NotEqualBusinessId
            | Self::EqualUserTeams
            | Self::EqualUserOrUserTeams
            | Self::EqualUserLanguage
            | Self::Relative(_) => {}
            Self::Under(id)
            | Self::UnderOrEqual(id)
            | Self::NotUnder(id)
            | Self::Above(id)
            | Self::AboveOrEqual(id) => {
                out.push_str(",PropertyValue=");
                write_quoted(&id.to_string(), out);
            }
            Self::On(day) | Self::OnOrAfter(day) | Self::OnOrBefore(day) => {
                if day.year() < 1 {
                    return Err(invalid("Dataverse knows no date before the year 1"));
                }
                out.push_str(",PropertyValue=");
                write_quoted(&day.to_string(), out);
            }
            Self::LastX(span, number) | Self::NextX(span, number) => {
                if *span == Span::Minutes {
                    return Err(invalid("minutes are counted by OlderThanX only"));
                }
                write_number(*number, out)?;
            }
            Self::OlderThanX(span, number) => {
                if matches!(span, Span::FiscalPeriods | Span::FiscalYears) {
                    return Err(invalid("OlderThanX does not count fiscal periods"));
                }
                write_number(*number, out)?;
            }
        }
        out.push(')');
        Ok(())
    }

    fn name(&self) -> String {
        match self {
            Self::In(_) => "In".to_owned(),
            Self::NotIn(_) => "NotIn".to_owned(),
            Self::Between(..) => "Between".to_owned(),
            Self::NotBetween(..) => "NotBetween".to_owned(),
            Self::ContainValues(_) => "ContainValues".to_owned(),
            Self::DoesNotContainValues(_) => "DoesNotContainValues".to_owned(),
            Self::EqualUserId => "EqualUserId".to_owned(),
            Self::NotEqualUserId => "NotEqualUserId".to_owned(),
            Self::EqualBusinessId => "EqualBusinessId".to_owned(),
            Self::NotEqualBusinessId => "NotEqualBusinessId".to_owned(),
            Self::EqualUserTeams => "EqualUserTeams".to_owned(),
            Self::EqualUserOrUserTeams => "EqualUserOrUserTeams".to_owned(),
            Self::EqualUserLanguage => "EqualUserLanguage".to_owned(),
            Self::Under(_) => "Under".to_owned(),
            Self::UnderOrEqual(_) => "UnderOrEqual".to_owned(),
            Self::NotUnder(_) => "NotUnder".to_owned(),
            Self::Above(_) => "Above".to_owned(),
            Self::AboveOrEqual(_) => "AboveOrEqual".to_owned(),
            Self::On(_) => "On".to_owned(),
            Self::OnOrAfter(_) => "OnOrAfter".to_owned(),
            Self::OnOrBefore(_) => "OnOrBefore".to_owned(),
            Self::Relative(RelativeDate::This(period)) => format!("This{period:?}"),
            Self::Relative(RelativeDate::Last(period)) => format!("Last{period:?}"),
            Self::Relative(RelativeDate::Next(period)) => format!("Next{period:?}"),
            Self::Relative(date) => format!("{date:?}"),
            Self::LastX(span, _) => format!("LastX{span:?}"),
            Self::NextX(span, _) => format!("NextX{span:?}"),
            Self::OlderThanX(span, _) => format!("OlderThanX{span:?}"),
        }
    }
}

/// The function without its values.
impl fmt::Debug for QueryFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// JSON texts in double quotes, so that an apostrophe in one of them means itself.
fn write_values(values: &[String], out: &mut String) -> Result<()> {
    if values.is_empty() {
        return Err(invalid("a list of values is empty"));
    }
    let values = Value::Array(values.iter().map(|value| value.as_str().into()).collect());
    push(out, format_args!(",PropertyValues={values}"));
    Ok(())
}

fn write_number(number: u32, out: &mut String) -> Result<()> {
    if number == 0 {
        return Err(invalid("a number of days, hours … begins at 1"));
    }
    push(out, format_args!(",PropertyValue={number}"));
    Ok(())
}
