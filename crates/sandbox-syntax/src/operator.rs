//! The tests of a condition: operators of FetchXML and query functions of `$filter` are two spellings of the same
//! (protocol pages `fetchxml.md`, section "Condition operators", and `query.md`, section `$filter`).

/// What a condition asks of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// `eq`, `ne`, `gt`, `ge`, `lt`, `le`.
    Compare(crate::filter::Operator),
    /// Both bounds count.
    Between,
    /// Outside of both bounds.
    NotBetween,
    /// One of a list.
    In,
    /// None of a list.
    NotIn,
    /// Without a value.
    Null,
    /// With any value.
    NotNull,
    /// A pattern with `%`, `_`, `[a-z]`.
    Like(Place),
    /// Not such a pattern.
    NotLike(Place),
    /// A multi-select choice has one of the values.
    ContainValues,
    /// A multi-select choice has none of the values.
    NotContainValues,
    /// The caller, or who belongs to the caller.
    User(Who),
    /// Not the caller (or the caller's business unit).
    NotUser(Who),
    /// The language of the caller.
    UserLanguage,
    /// A place in a hierarchy.
    Hierarchy(Kinship),
    /// A time.
    Date(When),
}

/// Where a pattern must be found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `like`: the pattern is the whole text.
    Whole,
    /// `begins-with`
    Start,
    /// `ends-with`
    End,
}

/// Whose rows are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The caller.
    User,
    /// The caller's business unit.
    BusinessUnit,
    /// The teams that the caller is a member of.
    Teams,
    /// The caller and those teams.
    UserOrTeams,
    /// The caller and everybody who reports to the caller, directly or not.
    UserOrHierarchy,
    /// These and the caller's teams.
    UserOrHierarchyAndTeams,
}

/// A place in a hierarchy relative to the row that the condition names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinship {
    /// Its ancestors.
    Above,
    /// The row and its ancestors.
    EqualOrAbove,
    /// Its descendants.
    Under,
    /// The row and its descendants.
    EqualOrUnder,
    /// Everything but its descendants.
    NotUnder,
}

/// A time that a condition names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// On the day of the value.
    On,
    /// On that day or later.
    OnOrAfter,
    /// On that day or earlier.
    OnOrBefore,
    /// A calendar period beside the present one; a day means today, yesterday and tomorrow.
    Period(Side, Unit),
    /// Seven days up to today, or from now.
    SevenDays(Side),
    /// So many units up to now, or from now.
    Rolling(Side, Unit),
    /// More than so many units ago.
    OlderThan(Unit),
    /// In a fiscal year by its number.
    InFiscalYear,
    /// In a fiscal period by its number, of any year.
    InFiscalPeriod,
    /// In a fiscal period of a year: period, year.
    InFiscalPeriodAndYear,
    /// In that fiscal period or earlier.
    InOrBeforeFiscalPeriodAndYear,
    /// In that fiscal period or later.
    InOrAfterFiscalPeriodAndYear,
}

/// Before, around or after now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `last-…`
    Last,
    /// `this-…`
    This,
    /// `next-…`
    Next,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
    FiscalPeriod,
    FiscalYear,
}

/// How many values a test takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// None at all.
    None,
    /// Exactly one.
    One,
    /// Exactly two.
    Two,
    /// One or more.
    Many,
}

use crate::filter::Operator::{
    Equal, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual, NotEqual,
};
use Side::{Last, Next, This};
use Test::{Compare, Date, Hierarchy, NotUser, User};
use Unit::{Day, FiscalPeriod, FiscalYear, Hour, Minute, Month, Week, Year};
use When::{OlderThan, Period, Rolling, SevenDays};

/// Every test with its operator in FetchXML and the query function in OData. Where OData has an operator of its own
/// instead of a function the name is empty, and the same the other way round.
pub const TESTS: &[(&str, &str, Test)] = &[
    ("eq", "", Compare(Equal)),
    ("ne", "", Compare(NotEqual)),
    ("neq", "", Compare(NotEqual)),
    ("gt", "", Compare(GreaterThan)),
    ("ge", "", Compare(GreaterThanOrEqual)),
    ("lt", "", Compare(LessThan)),
    ("le", "", Compare(LessThanOrEqual)),
    ("between", "Between", Test::Between),
    ("not-between", "NotBetween", Test::NotBetween),
    ("in", "In", Test::In),
    ("not-in", "NotIn", Test::NotIn),
    ("null", "", Test::Null),
    ("not-null", "", Test::NotNull),
    ("like", "", Test::Like(Place::Whole)),
    ("not-like", "", Test::NotLike(Place::Whole)),
    ("begins-with", "", Test::Like(Place::Start)),
    ("not-begin-with", "", Test::NotLike(Place::Start)),
    ("ends-with", "", Test::Like(Place::End)),
    ("not-end-with", "", Test::NotLike(Place::End)),
    ("contain-values", "ContainValues", Test::ContainValues),
    (
        "not-contain-values",
        "DoesNotContainValues",
        Test::NotContainValues,
    ),
    ("eq-userid", "EqualUserId", User(Who::User)),
    ("ne-userid", "NotEqualUserId", NotUser(Who::User)),
    ("eq-businessid", "EqualBusinessId", User(Who::BusinessUnit)),
    (
        "ne-businessid",
        "NotEqualBusinessId",
        NotUser(Who::BusinessUnit),
    ),
    ("eq-userteams", "EqualUserTeams", User(Who::Teams)),
    (
        "eq-useroruserteams",
        "EqualUserOrUserTeams",
        User(Who::UserOrTeams),
    ),
    (
        "eq-useroruserhierarchy",
        "EqualUserOrUserHierarchy",
        User(Who::UserOrHierarchy),
    ),
    (
        "eq-useroruserhierarchyandteams",
        "EqualUserOrUserHierarchyAndTeams",
        User(Who::UserOrHierarchyAndTeams),
    ),
    ("eq-userlanguage", "EqualUserLanguage", Test::UserLanguage),
    ("above", "Above", Hierarchy(Kinship::Above)),
    (
        "eq-or-above",
        "AboveOrEqual",
        Hierarchy(Kinship::EqualOrAbove),
    ),
    ("under", "Under", Hierarchy(Kinship::Under)),
    (
        "eq-or-under",
        "UnderOrEqual",
        Hierarchy(Kinship::EqualOrUnder),
    ),
    ("not-under", "NotUnder", Hierarchy(Kinship::NotUnder)),
    ("on", "On", Date(When::On)),
    ("on-or-after", "OnOrAfter", Date(When::OnOrAfter)),
    ("on-or-before", "OnOrBefore", Date(When::OnOrBefore)),
    ("today", "Today", Date(Period(This, Day))),
    ("yesterday", "Yesterday", Date(Period(Last, Day))),
    ("tomorrow", "Tomorrow", Date(Period(Next, Day))),
    ("this-week", "ThisWeek", Date(Period(This, Week))),
    ("this-month", "ThisMonth", Date(Period(This, Month))),
    ("this-year", "ThisYear", Date(Period(This, Year))),
    ("last-week", "LastWeek", Date(Period(Last, Week))),
    ("last-month", "LastMonth", Date(Period(Last, Month))),
    ("last-year", "LastYear", Date(Period(Last, Year))),
    ("next-week", "NextWeek", Date(Period(Next, Week))),
    ("next-month", "NextMonth", Date(Period(Next, Month))),
    ("next-year", "NextYear", Date(Period(Next, Year))),
    ("last-seven-days", "Last7Days", Date(SevenDays(Last))),
    ("next-seven-days", "Next7Days", Date(SevenDays(Next))),
    ("last-x-hours", "LastXHours", Date(Rolling(Last, Hour))),
    ("last-x-days", "LastXDays", Date(Rolling(Last, Day))),
    ("last-x-weeks", "LastXWeeks", Date(Rolling(Last, Week))),
    ("last-x-months", "LastXMonths", Date(Rolling(Last, Month))),
    ("last-x-years", "LastXYears", Date(Rolling(Last, Year))),
    ("next-x-hours", "NextXHours", Date(Rolling(Next, Hour))),
    ("next-x-days", "NextXDays", Date(Rolling(Next, Day))),
    ("next-x-weeks", "NextXWeeks", Date(Rolling(Next, Week))),
    ("next-x-months", "NextXMonths", Date(Rolling(Next, Month))),
    ("next-x-years", "NextXYears", Date(Rolling(Next, Year))),
    (
        "olderthan-x-minutes",
        "OlderThanXMinutes",
        Date(OlderThan(Minute)),
    ),
    (
        "olderthan-x-hours",
        "OlderThanXHours",
        Date(OlderThan(Hour)),
    ),
    ("olderthan-x-days", "OlderThanXDays", Date(OlderThan(Day))),
    (
        "olderthan-x-weeks",
        "OlderThanXWeeks",
        Date(OlderThan(Week)),
    ),
    (
        "olderthan-x-months",
        "OlderThanXMonths",
        Date(OlderThan(Month)),
    ),
    (
        "olderthan-x-years",
        "OlderThanXYears",
        Date(OlderThan(Year)),
    ),
    (
        "this-fiscal-period",
        "ThisFiscalPeriod",
        Date(Period(This, FiscalPeriod)),
    ),
    (
        "last-fiscal-period",
        "LastFiscalPeriod",
        Date(Period(Last, FiscalPeriod)),
    ),
    (
        "next-fiscal-period",
        "NextFiscalPeriod",
        Date(Period(Next, FiscalPeriod)),
    ),
    (
        "this-fiscal-year",
        "ThisFiscalYear",
        Date(Period(This, FiscalYear)),
    ),
    (
        "last-fiscal-year",
        "LastFiscalYear",
        Date(Period(Last, FiscalYear)),
    ),
    (
        "next-fiscal-year",
        "NextFiscalYear",
        Date(Period(Next, FiscalYear)),
    ),
    (
        "last-x-fiscal-periods",
        "LastXFiscalPeriods",
        Date(Rolling(Last, FiscalPeriod)),
    ),
    (
        "next-x-fiscal-periods",
        "NextXFiscalPeriods",
        Date(Rolling(Next, FiscalPeriod)),
    ),
    (
        "last-x-fiscal-years",
        "LastXFiscalYears",
        Date(Rolling(Last, FiscalYear)),
    ),
    (
        "next-x-fiscal-years",
        "NextXFiscalYears",
        Date(Rolling(Next, FiscalYear)),
    ),
    ("in-fiscal-year", "InFiscalYear", Date(When::InFiscalYear)),
    (
        "in-fiscal-period",
        "InFiscalPeriod",
        Date(When::InFiscalPeriod),
    ),
    (
        "in-fiscal-period-and-year",
        "InFiscalPeriodAndYear",
        Date(When::InFiscalPeriodAndYear),
    ),
    (
        "in-or-before-fiscal-period-and-year",
        "InOrBeforeFiscalPeriodAndYear",
        Date(When::InOrBeforeFiscalPeriodAndYear),
    ),
    (
        "in-or-after-fiscal-period-and-year",
        "InOrAfterFiscalPeriodAndYear",
        Date(When::InOrAfterFiscalPeriodAndYear),
    ),
];

impl Test {
    /// The test behind an operator of FetchXML: `begins-with`.
    pub fn of_operator(name: &str) -> Option<Test> {
        TESTS
            .iter()
            .find(|(operator, _, _)| *operator == name)
            .map(|(_, _, test)| *test)
    }

    /// The test behind a query function, named without its namespace: `OnOrAfter`.
    pub fn of_function(name: &str) -> Option<Test> {
        TESTS
            .iter()
            .find(|(_, function, _)| !name.is_empty() && *function == name)
            .map(|(_, _, test)| *test)
    }

    /// How many values it takes.
    pub fn values(self) -> Values {
        match self {
            Test::Compare(_) | Test::Like(_) | Test::NotLike(_) | Test::Hierarchy(_) => Values::One,
            Test::Between | Test::NotBetween => Values::Two,
            Test::In | Test::NotIn | Test::ContainValues | Test::NotContainValues => Values::Many,
            Test::Null | Test::NotNull | Test::User(_) | Test::NotUser(_) | Test::UserLanguage => {
                Values::None
            }
            Test::Date(when) => match when {
                When::On
                | When::OnOrAfter
                | When::OnOrBefore
                | When::Rolling(..)
                | When::OlderThan(_)
                | When::InFiscalYear
                | When::InFiscalPeriod => Values::One,
                When::Period(..) | When::SevenDays(_) => Values::None,
                When::InFiscalPeriodAndYear
                | When::InOrBeforeFiscalPeriodAndYear
                | When::InOrAfterFiscalPeriodAndYear => Values::Two,
            },
        }
    }
}

impl Values {
    /// Are so many values right?
    pub fn allows(self, count: usize) -> bool {
        match self {
            Values::None => count == 0,
            Values::One => count == 1,
            Values::Two => count == 2,
            Values::Many => count > 0,
        }
    }
}
