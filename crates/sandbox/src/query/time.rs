//! Spans of time that conditions name (protocol page `fetchxml.md`, section "Condition operators"). Days begin at midnight
//! UTC, weeks on Sunday; the fiscal year is the calendar year, its periods are quarters: what a new organization has.

use jiff::Span;
use jiff::civil::{Date, DateTime};
use sandbox_syntax::operator::{Side, Unit, When};

/// From when until when; an open side has no end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Range {
    /// Included.
    pub(super) from: Option<DateTime>,
    pub(super) to: Option<End>,
}

/// The end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Not included.
    Before(DateTime),
    /// Included: now.
    At(DateTime),
}

/// What a test of time comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Range(Range),
    /// A quarter of any year.
    Quarter(i64),
}

/// What the text of a condition is, as far as time is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// A day.
    Day(Date),
    /// A number of units, a fiscal year or period.
    Number(i64),
}

fn between(from: DateTime, before: DateTime) -> Meaning {
    Meaning::Range(Range {
        from: Some(from),
        to: Some(End::Before(before)),
    })
}

/// The meaning of a test at a moment. `None` where a value is wrong, or the time lies beyond the calendar.
pub(super) fn meaning(when: When, given: &[Given], now: DateTime) -> Option<Meaning> {
    let today = now.date();
    let midnight = |date: Date| date.at(0, 0, 0, 0);
    let day_after = |date: Date| date.tomorrow().ok().map(midnight);
    match (when, given) {
        (When::On, [Given::Day(day)]) => Some(between(midnight(*day), day_after(*day)?)),
        (When::OnOrAfter, [Given::Day(day)]) => Some(Meaning::Range(Range {
            from: Some(midnight(*day)),
            to: None,
        })),
        (When::OnOrBefore, [Given::Day(day)]) => Some(Meaning::Range(Range {
            from: None,
            to: Some(End::Before(day_after(*day)?)),
        })),
        (When::Period(side, unit), []) => {
            let offset = match side {
                Side::Last => -1,
                Side::This => 0,
                Side::Next => 1,
            };
            let first = start(today, unit)?;
            Some(between(
                midnight(moved(first, unit, offset)?),
                midnight(moved(first, unit, offset + 1)?),
            ))
        }
        (When::SevenDays(Side::Last), []) => Some(between(
            midnight(moved(today, Unit::Day, -7)?),
            day_after(today)?,
        )),
        (When::SevenDays(_), []) => Some(between(now, midnight(moved(today, Unit::Day, 8)?))),
        (
            When::Rolling(side, unit @ (Unit::FiscalPeriod | Unit::FiscalYear)),
            [Given::Number(count)],
        ) => {
            let count = Some(*count).filter(|count| *count >= 1)?;
            let present = start(today, unit)?;
            let (from, before) = match side {
                Side::Last => (moved(present, unit, count.checked_neg()?)?, present),
                Side::This | Side::Next => (
                    moved(present, unit, 1)?,
                    moved(present, unit, count.checked_add(1)?)?,
                ),
            };
            Some(between(midnight(from), midnight(before)))
        }
        (When::Rolling(side, unit), [Given::Number(count)]) => {
            let span = span(unit, Some(*count).filter(|count| *count >= 1)?)?;
            Some(Meaning::Range(match side {
                Side::Last => Range {
                    from: Some(now.checked_sub(span).ok()?),
                    to: Some(End::At(now)),
                },
                Side::This | Side::Next => Range {
                    from: Some(now),
                    to: Some(End::At(now.checked_add(span).ok()?)),
                },
            }))
        }
        (When::OlderThan(unit), [Given::Number(count)]) => {
            let span = span(unit, Some(*count).filter(|count| *count >= 1)?)?;
            Some(Meaning::Range(Range {
                from: None,
                to: Some(End::Before(now.checked_sub(span).ok()?)),
            }))
        }
        (When::InFiscalYear, [Given::Number(year)]) => {
            let first = Date::new(i16::try_from(*year).ok()?, 1, 1).ok()?;
            Some(between(
                midnight(first),
                midnight(moved(first, Unit::Year, 1)?),
            ))
        }
        (When::InFiscalPeriod, [Given::Number(period)]) => Some(Meaning::Quarter(*period)),
        (
            When::InFiscalPeriodAndYear
            | When::InOrBeforeFiscalPeriodAndYear
            | When::InOrAfterFiscalPeriodAndYear,
            [Given::Number(period), Given::Number(year)],
        ) => {
            let month = Some(*period).filter(|period| (1..=4).contains(period))? * 3 - 2;
            let first = Date::new(i16::try_from(*year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
            let after = midnight(moved(first, Unit::FiscalPeriod, 1)?);
            let from = (when != When::InOrBeforeFiscalPeriodAndYear).then(|| midnight(first));
            let to = (when != When::InOrAfterFiscalPeriodAndYear).then_some(End::Before(after));
            Some(Meaning::Range(Range { from, to }))
        }
        _ => None,
    }
}

/// The first day of the period in which a day lies.
fn start(day: Date, unit: Unit) -> Option<Date> {
    match unit {
        Unit::Minute | Unit::Hour | Unit::Day => Some(day),
        Unit::Week => moved(
            day,
            Unit::Day,
            -i64::from(day.weekday().to_sunday_zero_offset()),
        ),
        Unit::Month => Some(day.first_of_month()),
        Unit::FiscalPeriod => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok(),
        Unit::Year | Unit::FiscalYear => Some(day.first_of_year()),
    }
}

fn moved(day: Date, unit: Unit, count: i64) -> Option<Date> {
    day.checked_add(span(unit, count)?).ok()
}

fn span(unit: Unit, count: i64) -> Option<Span> {
    let span = Span::new();
    match unit {
        Unit::Minute => span.try_minutes(count),
        Unit::Hour => span.try_hours(count),
        Unit::Day => span.try_days(count),
        Unit::Week => span.try_weeks(count),
        Unit::Month => span.try_months(count),
        Unit::FiscalPeriod => span.try_months(count.checked_mul(3)?),
        Unit::Year | Unit::FiscalYear => span.try_years(count),
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    fn range(when: When, given: &[Given]) -> (String, String) {
        // A Wednesday.
        let Some(Meaning::Range(range)) = meaning(when, given, at("2024-05-15T10:30:00")) else {
            panic!("{when:?}")
        };
        let end = match range.to {
            None => String::new(),
            Some(End::Before(end) | End::At(end)) => end.to_string(),
        };
        (
            range.from.map(|from| from.to_string()).unwrap_or_default(),
            end,
        )
    }

    #[test]
    fn periods_are_those_of_the_calendar() {
        use Side::{Last, Next, This};
        for (when, from, to) in [
            (
                When::Period(This, Unit::Day),
                "2024-05-15T00:00:00",
                "2024-05-16T00:00:00",
            ),
            (
                When::Period(Last, Unit::Day),
                "2024-05-14T00:00:00",
                "2024-05-15T00:00:00",
            ),
            (
                When::Period(This, Unit::Week),
                "2024-05-12T00:00:00",
                "2024-05-19T00:00:00",
            ),
            (
                When::Period(Next, Unit::Week),
                "2024-05-19T00:00:00",
                "2024-05-26T00:00:00",
            ),
            (
                When::Period(Last, Unit::Month),
                "2024-04-01T00:00:00",
                "2024-05-01T00:00:00",
            ),
            (
                When::Period(Next, Unit::Year),
                "2025-01-01T00:00:00",
                "2026-01-01T00:00:00",
            ),
            (
                When::Period(This, Unit::FiscalPeriod),
                "2024-04-01T00:00:00",
                "2024-07-01T00:00:00",
            ),
            (
                When::Period(Last, Unit::FiscalPeriod),
                "2024-01-01T00:00:00",
                "2024-04-01T00:00:00",
            ),
            (
                When::SevenDays(Last),
                "2024-05-08T00:00:00",
                "2024-05-16T00:00:00",
            ),
            (
                When::SevenDays(Next),
                "2024-05-15T10:30:00",
                "2024-05-23T00:00:00",
            ),
        ] {
            assert_eq!(
                range(when, &[]),
                (from.to_owned(), to.to_owned()),
                "{when:?}"
            );
        }
        for (when, count, from, to) in [
            (
                When::Rolling(Last, Unit::Hour),
                3,
                "2024-05-15T07:30:00",
                "2024-05-15T10:30:00",
            ),
            (
                When::Rolling(Next, Unit::Month),
                1,
                "2024-05-15T10:30:00",
                "2024-06-15T10:30:00",
            ),
            (
                When::Rolling(Last, Unit::FiscalPeriod),
                2,
                "2023-10-01T00:00:00",
                "2024-04-01T00:00:00",
            ),
            (
                When::Rolling(Next, Unit::FiscalYear),
                2,
                "2025-01-01T00:00:00",
                "2027-01-01T00:00:00",
            ),
            (When::OlderThan(Unit::Week), 1, "", "2024-05-08T10:30:00"),
            (
                When::InFiscalYear,
                2023,
                "2023-01-01T00:00:00",
                "2024-01-01T00:00:00",
            ),
        ] {
            assert_eq!(
                range(when, &[Given::Number(count)]),
                (from.to_owned(), to.to_owned()),
                "{when:?}"
            );
        }
    }

    #[test]
    fn nonsense_has_no_meaning() {
        let now = at("2024-05-15T10:30:00");
        for count in [0, -1, i64::MAX, i64::MIN] {
            for unit in [Unit::Hour, Unit::Year, Unit::FiscalPeriod] {
                assert_eq!(
                    meaning(
                        When::Rolling(Side::Last, unit),
                        &[Given::Number(count)],
                        now
                    ),
                    None
                );
            }
        }
        assert_eq!(
            meaning(When::InFiscalYear, &[Given::Number(99_999)], now),
            None
        );
        assert_eq!(
            meaning(
                When::InFiscalPeriodAndYear,
                &[Given::Number(5), Given::Number(2024)],
                now
            ),
            None
        );
        assert_eq!(meaning(When::On, &[], now), None);
    }
}
