//! Queries as text: every literal means what it says, and nothing else becomes part of a URL.

use dataverse::{
    Ascending, Comparison, Descending, Expand, Filter, LikePattern, Literal, Period, Query,
    QueryFunction, RelativeDate, Span,
};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use uuid::Uuid;

fn text(filter: Filter) -> String {
    let query = Query::new("contacts")
        .filter(filter)
        .query_string()
        .unwrap();
    decoded(query.strip_prefix("$filter=").unwrap())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn refused(query: Query) {
    assert_eq!(query.query_string().unwrap_err().code(), "invalid_query");
}

#[test]
fn a_whole_query() {
    let query = Query::new("contacts")
        .select(["fullname", "_parentcustomerid_value"])
        .filter(Filter::Or(vec![
            Filter::equals("emailaddress1", "o'brien+x@example.com"),
            Filter::And(vec![
                Filter::starts_with("fullname", "Ada"),
                Filter::compare("statecode", Comparison::Ne, 1),
            ]),
        ]))
        .expand(
            Expand::new("parentcustomerid_account")
                .select(["name"])
                .expand(Expand::new("primarycontactid").select(["fullname"])),
        )
        .expand(
            Expand::new("Contact_Tasks")
                .filter(Filter::equals("statecode", 0))
                .order_by("createdon", Descending)
                .top(5),
        )
        .expand(Expand::new("ownerid"))
        .order_by("modifiedon", Descending)
        .order_by("parentcustomerid_account/name", Ascending)
        .top(11)
        .count(true);
    let query_string = query.query_string().unwrap();
    assert!(query_string.starts_with(
        "$select=fullname%2C_parentcustomerid_value&$filter=%28emailaddress1%20eq%20%27o%27%27brien%2Bx%40example.com%27%29%20or%20"
    ));
    assert!(!query_string.contains(['+', '\'', '"', '#', ' ']) && !query_string.contains("%24"));
    assert_eq!(
        decoded(&query_string),
        "$select=fullname,_parentcustomerid_value\
         &$filter=(emailaddress1 eq 'o''brien+x@example.com') or ((startswith(fullname,'Ada')) and (statecode ne 1))\
         &$expand=parentcustomerid_account($select=name;$expand=primarycontactid($select=fullname)),\
         Contact_Tasks($filter=statecode eq 0;$orderby=createdon desc;$top=5),ownerid\
         &$orderby=modifiedon desc,parentcustomerid_account/name asc&$top=11&$count=true"
    );
}

#[test]
fn literals() {
    let id = Uuid::from_u128(0x6F1C_0000_0000_0000_0000_0000_0000_00AB);
    let table = [
        (Literal::Null, "x eq null"),
        (Literal::from("it's"), "x eq 'it''s'"),
        (
            Literal::from(id),
            "x eq 6f1c0000-0000-0000-0000-0000000000ab",
        ),
        (Literal::from(-7), "x eq -7"),
        (Literal::Decimal("-1200.50".to_owned()), "x eq -1200.50"),
        (Literal::from(true), "x eq true"),
        (
            Literal::from(
                "2024-05-01T12:00:00+02:00"
                    .parse::<jiff::Timestamp>()
                    .unwrap(),
            ),
            "x eq 2024-05-01T10:00:00Z",
        ),
        (
            Literal::from(jiff::civil::date(2024, 5, 1)),
            "x eq 2024-05-01",
        ),
    ];
    for (literal, expected) in table {
        assert_eq!(text(Filter::equals("x", literal)), expected);
    }
    for (operator, expected) in [
        (Comparison::Eq, "x eq 1"),
        (Comparison::Ne, "x ne 1"),
        (Comparison::Gt, "x gt 1"),
        (Comparison::Ge, "x ge 1"),
        (Comparison::Lt, "x lt 1"),
        (Comparison::Le, "x le 1"),
    ] {
        assert_eq!(text(Filter::compare("x", operator, 1)), expected);
    }
    assert_eq!(
        text(Filter::Not(Box::new(Filter::equals("a/b", Literal::Null)))),
        "not (a/b eq null)"
    );
    assert_eq!(text(Filter::And(vec![Filter::equals("x", 1)])), "x eq 1");
}

#[test]
fn numbers_and_days_that_cannot_be_are_refused() {
    for number in [
        "",
        "-",
        "1,5",
        "1.",
        ".5",
        "1e9",
        "NaN",
        "1 or 1 eq 1",
        "--1",
        "٣",
    ] {
        refused(Query::new("x").filter(Filter::equals("x", Literal::Decimal(number.to_owned()))));
    }
    refused(Query::new("x").filter(Filter::equals("x", jiff::civil::date(-5, 1, 1))));
    refused(Query::new("x").filter(Filter::equals("x", jiff::Timestamp::MIN)));
}

#[test]
fn wildcards_come_only_from_a_pattern() {
    assert_eq!(
        text(Filter::contains("x", "100%_[a-z]'")),
        "contains(x,'100[%][_][[]a-z]''')"
    );
    assert_eq!(text(Filter::ends_with("x", "%")), "endswith(x,'[%]')");
    let phone = LikePattern::joined("7946".chars().map(String::from));
    assert_eq!(
        text(Filter::contains_pattern("telephone1", phone)),
        "contains(telephone1,'7%9%4%6')"
    );
    let pattern = LikePattern::new().anything().text("%'").anything();
    assert_eq!(
        text(Filter::contains_pattern("x", pattern)),
        "contains(x,'%[%]''%')"
    );
}

#[test]
fn a_condition_that_everybody_fits_is_refused() {
    refused(Query::new("x").filter(Filter::And(vec![])));
    refused(Query::new("x").filter(Filter::Or(vec![])));
    refused(Query::new("x").filter(Filter::contains("x", "")));
    refused(Query::new("x").filter(Filter::starts_with("x", "")));
    refused(Query::new("x").filter(Filter::contains_pattern("x", LikePattern::joined(["", ""]))));
    refused(Query::new("x").filter(Filter::contains_pattern("x", LikePattern::new().anything())));
}

#[test]
fn names_from_settings_are_checked() {
    for name in [
        "",
        "full name",
        "a eq 1 or b",
        "a)",
        "a'",
        "é",
        "a/b/",
        "/a",
        "a//b",
        "a;b",
        "a&b",
        "a\0",
    ] {
        refused(Query::new("x").filter(Filter::equals(name, 1)));
        refused(Query::new("x").order_by(name, Ascending));
    }
    for name in ["", "a,b", "a/b", "*", "a$b", "a%20"] {
        refused(Query::new("x").select([name]));
        refused(Query::new("x").expand(Expand::new(name)));
        refused(Query::new("x").expand(Expand::new("x").select([name])));
    }
    refused(Query::new("x").select(["a".repeat(129)]));
    refused(Query::new("x").top(1).page_size(1));
}

proptest! {
    /// What arrives after the URL's decoding is the literal with its quotes doubled, whatever the text was.
    #[test]
    fn any_text_survives_the_way_into_the_url(value in any::<String>()) {
        let query_string = Query::new("contacts").filter(Filter::equals("x", value.as_str())).query_string().unwrap();
        let encoded = query_string.strip_prefix("$filter=").unwrap();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~$%".contains(c);
        prop_assert!(encoded.chars().all(allowed));
        // As Url keeps it, too: nothing is encoded twice or normalised away.
        let mut url = url::Url::parse("https://contoso.example/api/data/v9.2/contacts").unwrap();
        url.set_query(Some(&query_string));
        prop_assert_eq!(url.query(), Some(query_string.as_str()));

        let arrived = decoded(encoded);
        let quoted = arrived.strip_prefix("x eq '").and_then(|rest| rest.strip_suffix('\'')).unwrap();
        prop_assert!(!quoted.replace("''", "").contains('\''), "a quote is alone");
        prop_assert_eq!(quoted.replace("''", "'"), value);
    }

    /// A LIKE expression made of any text fits exactly that text.
    #[test]
    fn any_text_is_literal_in_a_like(value in "[%_\\[\\]^a'-]{1,12}", other in "[%_\\[\\]^a'-]{1,12}") {
        let arrived = text(Filter::contains("x", value.as_str()));
        let pattern = arrived.strip_prefix("contains(x,'").unwrap().strip_suffix("')").unwrap().replace("''", "'");
        prop_assert!(like(&pattern, &value));
        prop_assert_eq!(like(&pattern, &other), value == other);
    }

    /// A filter of any shape has balanced parentheses outside its literals.
    #[test]
    fn groups_are_balanced(filter in filters()) {
        let arrived = text(filter);
        let mut depth = 0_i32;
        let mut in_text = false;
        for c in arrived.chars() {
            match c {
                '\'' => in_text = !in_text,
                '(' if !in_text => depth += 1,
                ')' if !in_text => depth -= 1,
                _ => {}
            }
            prop_assert!(depth >= 0);
        }
        prop_assert!(depth == 0 && !in_text);
    }

    /// No column name whatever gets anything but itself into the query.
    #[test]
    fn any_name_is_itself_or_refused(name in any::<String>()) {
        if let Ok(query_string) = Query::new("x").select([name.as_str()]).query_string() {
            prop_assert_eq!(query_string, format!("$select={name}"));
        }
    }

    /// The same for numbers written as text.
    #[test]
    fn any_decimal_is_itself_or_refused(number in "[-0-9.,eE +]{0,12}") {
        if let Ok(query_string) = Query::new("x").filter(Filter::equals("x", Literal::Decimal(number.clone()))).query_string() {
            prop_assert_eq!(decoded(&query_string), format!("$filter=x eq {number}"));
            prop_assert!(number.parse::<f64>().is_ok());
        }
    }
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        any::<String>().prop_map(|value| Filter::equals("a", value)),
        ".+".prop_map(|value| Filter::contains("b", value)),
        ".+".prop_map(|value| Filter::starts_with("c", value)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// SQL's LIKE: `%` is anything, `_` one character, `[…]` one of a set.
fn like(pattern: &str, value: &str) -> bool {
    fn fits(pattern: &[char], value: &[char]) -> bool {
        match (pattern, value) {
            ([], []) => true,
            (['%', rest @ ..], _) => (0..=value.len()).any(|skipped| fits(rest, &value[skipped..])),
            (['_', rest @ ..], [_, value @ ..]) => fits(rest, value),
            (['[', set @ ..], [c, value @ ..]) => {
                let end = set
                    .iter()
                    .skip(1)
                    .position(|c| *c == ']')
                    .map_or(set.len(), |at| at + 1);
                set[..end].contains(c) && fits(&set[end + 1..], value)
            }
            ([p, rest @ ..], [c, value @ ..]) => p == c && fits(rest, value),
            _ => false,
        }
    }
    fits(
        &pattern.chars().collect::<Vec<_>>(),
        &value.chars().collect::<Vec<_>>(),
    )
}

#[test]
fn query_functions() {
    let day: jiff::civil::Date = "2024-05-01".parse().unwrap();
    let id = Uuid::from_u128(0x6f1c_0000_0000_0000_0000_0000_0000_0001);
    let values = || vec!["A".to_owned(), "B'C \"x\"".to_owned()];
    let table = [
        (
            QueryFunction::In(values()),
            r#"In(PropertyName='x',PropertyValues=["A","B'C \"x\""])"#,
        ),
        (
            QueryFunction::Between("5".to_owned(), "2000".to_owned()),
            r#"Between(PropertyName='x',PropertyValues=["5","2000"])"#,
        ),
        (
            QueryFunction::ContainValues(vec![1, 2]),
            r#"ContainValues(PropertyName='x',PropertyValues=["1","2"])"#,
        ),
        (QueryFunction::EqualUserId, "EqualUserId(PropertyName='x')"),
        (
            QueryFunction::Under(id),
            "Under(PropertyName='x',PropertyValue='6f1c0000-0000-0000-0000-000000000001')",
        ),
        (
            QueryFunction::OnOrAfter(day),
            "OnOrAfter(PropertyName='x',PropertyValue='2024-05-01')",
        ),
        (
            QueryFunction::LastX(Span::Days, 30),
            "LastXDays(PropertyName='x',PropertyValue=30)",
        ),
        (
            QueryFunction::OlderThanX(Span::Minutes, 5),
            "OlderThanXMinutes(PropertyName='x',PropertyValue=5)",
        ),
        (
            QueryFunction::Relative(RelativeDate::Today),
            "Today(PropertyName='x')",
        ),
        (
            QueryFunction::Relative(RelativeDate::Next(Period::FiscalYear)),
            "NextFiscalYear(PropertyName='x')",
        ),
    ];
    for (function, expected) in table {
        assert!(!format!("{function:?}").contains("B'C"));
        let filter = Filter::function("x", function);
        assert_eq!(text(filter), format!("Microsoft.Dynamics.CRM.{expected}"));
    }
    for function in [
        QueryFunction::In(Vec::new()),
        QueryFunction::LastX(Span::Days, 0),
        QueryFunction::NextX(Span::Minutes, 1),
        QueryFunction::OlderThanX(Span::FiscalYears, 1),
    ] {
        refused(Query::new("contacts").filter(Filter::function("x", function)));
    }
    let nobody = Filter::function("x') or (1 eq 1", QueryFunction::EqualUserId);
    refused(Query::new("contacts").filter(nobody));
}

#[test]
fn conditions_on_related_rows() {
    let open = || Filter::equals("statecode", 0);
    let table = [
        (
            Filter::any("Account_Tasks", open()),
            "Account_Tasks/any(r1:r1/statecode eq 0)",
        ),
        (
            Filter::all(
                "Account_Tasks",
                Filter::Or(vec![open(), Filter::contains("subject", "x'y")]),
            ),
            "Account_Tasks/all(r1:(r1/statecode eq 0) or (contains(r1/subject,'x''y')))",
        ),
        (Filter::any_at_all("Account_Tasks"), "Account_Tasks/any()"),
        (
            Filter::Not(Box::new(Filter::any(
                "contact_customer_accounts",
                Filter::any("Contact_Tasks", open()),
            ))),
            "not (contact_customer_accounts/any(r1:r1/Contact_Tasks/any(r2:r2/statecode eq 0)))",
        ),
    ];
    for (filter, expected) in table {
        assert_eq!(text(filter), expected);
    }
    refused(Query::new("accounts").filter(Filter::any(
        "Account_Tasks",
        Filter::function("ownerid", QueryFunction::EqualUserId),
    )));
    refused(Query::new("accounts").filter(Filter::any("a/any(x:", open())));
}
