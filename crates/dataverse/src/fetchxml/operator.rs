//! The condition operators and how many values each takes (protocol page `fetchxml.md`, section "Condition operators").

/// How many values an operator takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// None.
    None,
    /// One.
    One,
    /// Two.
    Two,
    /// One or more.
    Many,
}

impl Values {
    /// Whether this many will do.
    pub fn fit(self, count: usize) -> bool {
        match self {
            Self::None => count == 0,
            Self::One => count == 1,
            Self::Two => count == 2,
            Self::Many => count > 0,
        }
    }

    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::None => "no value",
            Self::One => "one value",
            Self::Two => "two values",
            Self::Many => "one or more values",
        }
    }
}

macro_rules! operators {
    ($($variant:ident $name:literal $values:ident,)*) => {
        /// A condition operator; each is documented under its FetchXML name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operator {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Operator {
            /// Every operator.
            pub const ALL: &[Operator] = &[$(Self::$variant,)*];

            /// Its name in FetchXML.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// How many values it takes.
            pub fn values(self) -> Values {
                match self {
                    $(Self::$variant => Values::$values,)*
                }
            }
        }
    };
}

operators! {
    Null "null" None,
    NotNull "not-null" None,
    EqUserid "eq-userid" None,
    NeUserid "ne-userid" None,
    EqBusinessid "eq-businessid" None,
    NeBusinessid "ne-businessid" None,
    EqUserteams "eq-userteams" None,
    EqUseroruserteams "eq-useroruserteams" None,
    EqUseroruserhierarchy "eq-useroruserhierarchy" None,
    EqUseroruserhierarchyandteams "eq-useroruserhierarchyandteams" None,
    EqUserlanguage "eq-userlanguage" None,
    Today "today" None,
    Yesterday "yesterday" None,
    Tomorrow "tomorrow" None,
    ThisWeek "this-week" None,
    ThisMonth "this-month" None,
    ThisYear "this-year" None,
    LastWeek "last-week" None,
    LastMonth "last-month" None,
    LastYear "last-year" None,
    NextWeek "next-week" None,
    NextMonth "next-month" None,
    NextYear "next-year" None,
    LastSevenDays "last-seven-days" None,
    NextSevenDays "next-seven-days" None,
    ThisFiscalPeriod "this-fiscal-period" None,
    LastFiscalPeriod "last-fiscal-period" None,
    NextFiscalPeriod "next-fiscal-period" None,
    ThisFiscalYear "this-fiscal-year" None,
    LastFiscalYear "last-fiscal-year" None,
    NextFiscalYear "next-fiscal-year" None,
    Equal "eq" One,
    NotEqual "ne" One,
    NotEqualOld "neq" One,
    Greater "gt" One,
    GreaterOrEqual "ge" One,
    Less "lt" One,
    LessOrEqual "le" One,
    Like "like" One,
    NotLike "not-like" One,
    BeginsWith "begins-with" One,
    NotBeginWith "not-begin-with" One,
    EndsWith "ends-with" One,
    NotEndWith "not-end-with" One,
    Above "above" One,
    EqOrAbove "eq-or-above" One,
    Under "under" One,
    EqOrUnder "eq-or-under" One,
    NotUnder "not-under" One,
    On "on" One,
    OnOrAfter "on-or-after" One,
    OnOrBefore "on-or-before" One,
    LastXHours "last-x-hours" One,
    LastXDays "last-x-days" One,
    LastXWeeks "last-x-weeks" One,
    LastXMonths "last-x-months" One,
    LastXYears "last-x-years" One,
    NextXHours "next-x-hours" One,
    NextXDays "next-x-days" One,
    NextXWeeks "next-x-weeks" One,
    NextXMonths "next-x-months" One,
    NextXYears "next-x-years" One,
    OlderthanXMinutes "olderthan-x-minutes" One,
    OlderthanXHours "olderthan-x-hours" One,
    OlderthanXDays "olderthan-x-days" One,
    OlderthanXWeeks "olderthan-x-weeks" One,
    OlderthanXMonths "olderthan-x-months" One,
    OlderthanXYears "olderthan-x-years" One,
    LastXFiscalPeriods "last-x-fiscal-periods" One,
    NextXFiscalPeriods "next-x-fiscal-periods" One,
    LastXFiscalYears "last-x-fiscal-years" One,
    NextXFiscalYears "next-x-fiscal-years" One,
    InFiscalYear "in-fiscal-year" One,
    InFiscalPeriod "in-fiscal-period" One,
    Between "between" Two,
    NotBetween "not-between" Two,
    InFiscalPeriodAndYear "in-fiscal-period-and-year" Two,
    InOrBeforeFiscalPeriodAndYear "in-or-before-fiscal-period-and-year" Two,
    InOrAfterFiscalPeriodAndYear "in-or-after-fiscal-period-and-year" Two,
    In "in" Many,
    NotIn "not-in" Many,
    ContainValues "contain-values" Many,
    NotContainValues "not-contain-values" Many,
}

impl Operator {
    /// The operator of this name. Names are lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|operator| operator.name() == name)
    }

    /// Whether `%`, `_` and `[` in its value are wildcards.
    pub fn is_like(self) -> bool {
        matches!(
            self,
            Self::Like
                | Self::NotLike
                | Self::BeginsWith
                | Self::NotBeginWith
                | Self::EndsWith
                | Self::NotEndWith
        )
    }

    /// Whether a column (`valueof`) can take the place of its value.
    pub fn compares_columns(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::NotEqualOld
                | Self::Greater
                | Self::GreaterOrEqual
                | Self::Less
                | Self::LessOrEqual
        )
    }
}
