//! The client and the practice organization, which share no code, read each other: any text survives the way into a
//! filter, and whatever the query builder writes is accepted. FetchXML is in `fetchxml.rs`.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

mod common;

use std::ops::Range;

use common::{Organization, refused, text};
use dataverse::{
    Comparison, DeltaLink, Direction, Expand, Filter, Key, LikePattern, Literal, Outcome, Period,
    Query, QueryFunction, RecordBody, Reference, RelativeDate, Span, Write,
};
use futures_util::TryStreamExt as _;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use uuid::Uuid;

/// The job title of this row, if the filter finds it.
fn found(
    organization: &Organization,
    id: Uuid,
    filter: Filter,
) -> dataverse::Result<Option<String>> {
    let query = Query::new("contacts")
        .select(["jobtitle"])
        .filter(Filter::equals("contactid", Literal::Guid(id)))
        .filter(filter);
    let page = organization
        .runtime
        .block_on(organization.client.query(&query))?;
    let row = page.rows.first();
    Ok(row.and_then(|row| row.text("jobtitle")).map(str::to_owned))
}

/// Some of the text's characters, from anywhere in it.
fn part(text: &str, range: &Range<usize>) -> String {
    let piece: String = text.chars().skip(range.start).take(range.len()).collect();
    if piece.is_empty() {
        text.to_owned()
    } else {
        piece
    }
}

fn check_text(
    organization: &Organization,
    text: &str,
    range: &Range<usize>,
) -> Result<(), TestCaseError> {
    let id = organization.create(text);
    let start: String = text.chars().take(range.end).collect();
    let end: String = text.chars().skip(range.start).collect();
    let mut filters = vec![
        Filter::equals("jobtitle", text),
        Filter::contains("jobtitle", part(text, range)),
        Filter::contains_pattern("jobtitle", LikePattern::joined([start.as_str(), ""])),
    ];
    if !start.is_empty() {
        filters.push(Filter::starts_with("jobtitle", start));
    }
    if !end.is_empty() {
        filters.push(Filter::ends_with("jobtitle", end));
    }
    for filter in filters {
        if let Filter::ContainsPattern { pattern, .. } = &filter
            && *pattern == LikePattern::joined(["", ""])
        {
            continue;
        }
        let shape = format!("{filter:?}");
        let found = found(organization, id, filter);
        let found = found.map_err(refused)?;
        prop_assert_eq!(found.as_deref(), Some(text), "{}", shape);
    }
    // With one more letter it is another text.
    let other = found(
        organization,
        id,
        Filter::equals("jobtitle", format!("{text}q")),
    );
    prop_assert_eq!(other.map_err(refused)?, None);
    organization.delete(id);
    Ok(())
}

#[test]
fn any_text_is_found_again() {
    let organization = Organization::start();
    let mut runner = TestRunner::new(Config {
        cases: 100,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (
        text(),
        (0usize..12, 1usize..12).prop_map(|(start, length)| start..start + length),
    );
    runner
        .run(&strategy, |(text, range)| {
            check_text(&organization, &text, &range)
        })
        .unwrap();
    // Those that have bitten others.
    for text in [
        "'",
        "''",
        "%",
        "[",
        "[%]",
        "]",
        "_",
        "^",
        "\\",
        "O'Neil & Sons",
        "100%",
        "a+b",
        "' or 1 eq 1",
        "null",
        "\u{feff}x",
        " x",
    ] {
        check_text(&organization, text, &(0..1)).unwrap();
    }
}

/// A text with NUL in it is kept and found, or refused; it never becomes another one.
#[test]
fn a_text_with_nul_is_not_cut() {
    let organization = Organization::start();
    let body = RecordBody::new()
        .set("lastname", "x")
        .set("jobtitle", "a\0b");
    let written = organization
        .runtime
        .block_on(organization.client.create("contacts", body));
    match written {
        Ok(written) => {
            let id = written.id.unwrap();
            let whole = found(&organization, id, Filter::equals("jobtitle", "a\0b"));
            assert_eq!(whole.unwrap().as_deref(), Some("a\0b"));
            let cut = found(&organization, id, Filter::equals("jobtitle", "a"));
            assert_eq!(cut.unwrap(), None);
        }
        Err(error) => assert!(
            matches!(error, dataverse::Error::BadRequest(_)),
            "{error:?}"
        ),
    }
}

fn comparison() -> impl Strategy<Value = Comparison> {
    select(vec![
        Comparison::Eq,
        Comparison::Ne,
        Comparison::Gt,
        Comparison::Ge,
        Comparison::Lt,
        Comparison::Le,
    ])
}

fn moment() -> impl Strategy<Value = Literal> {
    (0i64..4_000_000_000)
        .prop_map(|second| Literal::DateTime(jiff::Timestamp::from_second(second).unwrap()))
}

fn day() -> impl Strategy<Value = jiff::civil::Date> {
    (1753i16..9999, 1i8..=12, 1i8..=28)
        .prop_map(|(year, month, day)| jiff::civil::date(year, month, day))
}

fn function() -> impl Strategy<Value = Filter> {
    let texts = vec(text(), 1..4);
    let period = select(vec![
        Period::Week,
        Period::Month,
        Period::Year,
        Period::FiscalPeriod,
        Period::FiscalYear,
    ]);
    let calendar = vec![
        Span::Hours,
        Span::Days,
        Span::Weeks,
        Span::Months,
        Span::Years,
    ];
    let with = |more: &[Span]| select([calendar.as_slice(), more].concat());
    let ahead_or_back = with(&[Span::FiscalPeriods, Span::FiscalYears]);
    let older = with(&[Span::Minutes]);
    let id = any::<u128>().prop_map(Uuid::from_u128);
    prop_oneof![
        texts
            .clone()
            .prop_map(|values| Filter::function("lastname", QueryFunction::In(values))),
        texts.prop_map(|values| Filter::function("jobtitle", QueryFunction::NotIn(values))),
        (-100i32..100, -100i32..100).prop_map(|(from, to)| {
            Filter::function(
                "numberofchildren",
                QueryFunction::Between(from.to_string(), to.to_string()),
            )
        }),
        Just(Filter::function("ownerid", QueryFunction::EqualUserId)),
        Just(Filter::function("ownerid", QueryFunction::NotEqualUserId)),
        day().prop_map(|day| Filter::function("createdon", QueryFunction::On(day))),
        day().prop_map(|day| Filter::function("createdon", QueryFunction::OnOrBefore(day))),
        select(vec![
            RelativeDate::Today,
            RelativeDate::Yesterday,
            RelativeDate::Tomorrow,
            RelativeDate::Last7Days,
            RelativeDate::Next7Days,
        ])
        .prop_map(|date| Filter::function("createdon", QueryFunction::Relative(date))),
        day().prop_map(|day| Filter::function("createdon", QueryFunction::OnOrAfter(day))),
        (
            period,
            select(vec![
                RelativeDate::This,
                RelativeDate::Last,
                RelativeDate::Next
            ])
        )
            .prop_map(|(period, date)| {
                Filter::function("modifiedon", QueryFunction::Relative(date(period)))
            }),
        (
            ahead_or_back,
            1u32..50,
            select(vec![QueryFunction::LastX, QueryFunction::NextX])
        )
            .prop_map(|(span, count, function)| Filter::function(
                "createdon",
                function(span, count)
            )),
        (older, 1u32..50).prop_map(|(span, count)| {
            Filter::function("createdon", QueryFunction::OlderThanX(span, count))
        }),
        (-100i32..100, -100i32..100).prop_map(|(from, to)| {
            Filter::function(
                "numberofchildren",
                QueryFunction::NotBetween(from.to_string(), to.to_string()),
            )
        }),
        select(vec![
            QueryFunction::EqualUserTeams,
            QueryFunction::EqualUserOrUserTeams,
        ])
        .prop_map(|function| Filter::function("ownerid", function)),
        select(vec![
            QueryFunction::EqualBusinessId,
            QueryFunction::NotEqualBusinessId,
        ])
        .prop_map(|function| Filter::function("owningbusinessunit", function)),
        (
            vec(100_000_000i32..100_000_005, 1..4),
            select(vec![
                QueryFunction::ContainValues,
                QueryFunction::DoesNotContainValues,
            ])
        )
            .prop_map(|(values, function)| Filter::function("new_interests", function(values))),
        (
            id,
            select(vec![
                QueryFunction::Under,
                QueryFunction::UnderOrEqual,
                QueryFunction::NotUnder,
                QueryFunction::Above,
                QueryFunction::AboveOrEqual,
            ])
        )
            .prop_map(|(id, function)| Filter::function("parentcustomerid", function(id))),
    ]
}

/// Conditions on contacts over columns of every type.
fn filter() -> impl Strategy<Value = Filter> {
    let texts = select(vec![
        "lastname",
        "emailaddress1",
        "jobtitle",
        "fullname",
        "parentcustomerid_account/name",
    ]);
    let compare = |column: &'static str, values: BoxedStrategy<Literal>| {
        (comparison(), values)
            .prop_map(move |(operator, value)| Filter::compare(column, operator, value))
    };
    let id = any::<u128>().prop_map(Uuid::from_u128);
    let equality = select(vec![Comparison::Eq, Comparison::Ne]);
    let leaf = prop_oneof![
        (texts.clone(), comparison(), text()).prop_map(|(column, operator, value)| {
            Filter::compare(column, operator, Literal::Text(value))
        }),
        (texts.clone(), text()).prop_map(|(column, value)| Filter::contains(column, value)),
        (texts.clone(), text()).prop_map(|(column, value)| Filter::starts_with(column, value)),
        (texts.clone(), text()).prop_map(|(column, value)| Filter::ends_with(column, value)),
        (texts.clone(), vec(text(), 1..5)).prop_map(|(column, pieces)| {
            Filter::contains_pattern(column, LikePattern::joined(pieces))
        }),
        (texts, equality.clone())
            .prop_map(|(column, operator)| { Filter::compare(column, operator, Literal::Null) }),
        compare(
            "numberofchildren",
            (-1000i64..1000).prop_map(Literal::Integer).boxed()
        ),
        compare("gendercode", (1i64..3).prop_map(Literal::Integer).boxed()),
        compare(
            "creditlimit",
            (-1_000_000i64..1_000_000, 0u8..100)
                .prop_map(|(whole, part)| Literal::Decimal(format!("{whole}.{part:02}")))
                .boxed(),
        ),
        compare("createdon", moment().boxed()),
        compare("birthdate", day().prop_map(Literal::Date).boxed()),
        (equality.clone(), any::<bool>()).prop_map(|(operator, value)| {
            Filter::compare("donotemail", operator, Literal::Boolean(value))
        }),
        (
            select(vec![
                "contactid",
                "_parentcustomerid_value",
                "_ownerid_value"
            ]),
            equality,
            id
        )
            .prop_map(|(column, operator, id)| Filter::compare(
                column,
                operator,
                Literal::Guid(id)
            )),
        text().prop_map(|value| Filter::any("Contact_Tasks", Filter::contains("subject", value))),
        text().prop_map(|value| Filter::all("Contact_Tasks", Filter::equals("subject", value))),
        Just(Filter::any_at_all("Contact_Tasks")),
        function(),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Filter::And),
            vec(inner.clone(), 1..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn query() -> impl Strategy<Value = Query> {
    let columns = vec![
        "fullname",
        "emailaddress1",
        "gendercode",
        "creditlimit",
        "createdon",
        "_ownerid_value",
    ];
    let direction = select(vec![Direction::Ascending, Direction::Descending]);
    let order = (
        select(vec![
            "lastname",
            "createdon",
            "parentcustomerid_account/name",
            "gendercode",
        ]),
        direction.clone(),
    );
    let tasks = (
        option::of(text()),
        option::of(1u32..5),
        option::of(direction),
    )
        .prop_map(|(filter, top, order)| {
            let mut tasks = Expand::new("Contact_Tasks").select(["subject", "statecode"]);
            if let Some(text) = filter {
                tasks = tasks.filter(Filter::contains("subject", text));
            }
            if let Some(direction) = order {
                tasks = tasks.order_by("createdon", direction);
            }
            match top {
                Some(top) => tasks.top(top),
                None => tasks,
            }
        });
    let account = any::<bool>().prop_map(|nested| {
        let account = Expand::new("parentcustomerid_account").select(["name"]);
        match nested {
            true => account.expand(Expand::new("primarycontactid").select(["fullname"])),
            false => account,
        }
    });
    let size = prop_oneof![
        Just(None),
        (1u32..5000).prop_map(|top| Some((true, top))),
        (1u32..5000).prop_map(|size| Some((false, size)))
    ];
    (
        prop::sample::subsequence(columns, 0..6),
        option::of(filter()),
        vec(order, 0..3),
        // A collection and a nested one do not go together.
        prop_oneof![Just(None), tasks.prop_map(Some), account.prop_map(Some)],
        size,
        any::<[bool; 2]>(),
    )
        .prop_map(
            |(columns, filter, order, expand, size, [count, formatted])| {
                let mut query = Query::new("contacts")
                    .select(columns)
                    .count(count)
                    .formatted_values(formatted);
                for (column, direction) in order {
                    query = query.order_by(column, direction);
                }
                if let Some(filter) = filter {
                    query = query.filter(filter);
                }
                if let Some(expand) = expand {
                    query = query.expand(expand);
                }
                match size {
                    Some((true, top)) => query.top(top),
                    Some((false, size)) => query.page_size(size),
                    None => query,
                }
            },
        )
}

#[test]
fn whatever_the_query_builder_writes_is_accepted() {
    let organization = Organization::start();
    organization.create("there is a row to read");
    let mut runner = TestRunner::new(Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&query(), |query| {
            // Without the values: the test's own texts are no secret, but the builder's Debug never shows them.
            let sent = query.query_string();
            let answer = organization
                .runtime
                .block_on(organization.client.query(&query));
            prop_assert!(answer.is_ok(), "{:?}: {:?}", sent, answer);
            Ok(())
        })
        .unwrap();
}

/// One column by itself, and how much has changed since a link was given.
#[test]
fn a_column_is_set_and_emptied_and_its_changes_are_counted() {
    let organization = Organization::start();
    let id = organization.create("before");
    let client = &organization.client;
    let tracked = Query::new("contacts").select(["jobtitle", "numberofchildren"]);
    organization.runtime.block_on(async {
        let pages: Vec<_> = client.load_tracked(&tracked).try_collect().await.unwrap();
        let link = pages.last().unwrap().delta.clone().unwrap();
        assert_eq!(client.count_changes(&link).await.unwrap(), 0);
        let contact = || Reference::record("contacts", id);
        for (write, title) in [
            (
                Write::set_column(contact(), "jobtitle", "O'Neil & Sons \"x\""),
                Some("O'Neil & Sons \"x\""),
            ),
            (Write::clear_column(contact(), "jobtitle"), None),
        ] {
            let written = client.write(&write).await.unwrap();
            assert_eq!((written.outcome, written.id), (Outcome::Updated, Some(id)));
            let row = client.retrieve("contacts", id, &tracked).await.unwrap();
            assert_eq!(row.text("jobtitle"), title);
        }
        let number = Write::set_column(contact(), "numberofchildren", 3);
        client.write(&number).await.unwrap();
        let row = client.retrieve("contacts", id, &tracked).await.unwrap();
        assert_eq!(row.value("numberofchildren"), 3);
        let other = client.create("contacts", RecordBody::new().set("lastname", "x"));
        let other = other.await.unwrap().id.unwrap();
        assert_eq!(client.count_changes(&link).await.unwrap(), 2);
        client.delete("contacts", other).await.unwrap();
        let changed = client.count_changes(&link).await.unwrap();
        let pages: Vec<_> = client.changes(&link).try_collect().await.unwrap();
        let told = pages
            .iter()
            .map(|page| page.changed.len() + page.deleted.len());
        assert_eq!(changed, u64::try_from(told.sum::<usize>()).unwrap());

        let missing = Write::set_column(
            Reference::record("contacts", Uuid::from_u128(7)),
            "jobtitle",
            "x",
        );
        assert_eq!(
            client.write(&missing).await.unwrap_err().code(),
            "not_found"
        );
        let nowhere = DeltaLink::from_text(&link.to_text().replace("127.0.0.1", "127.0.0.2"));
        let refused = client.count_changes(&nowhere.unwrap()).await.unwrap_err();
        assert_eq!(refused.code(), "delta_expired");
    });
}

/// The key of a bind stands in JSON, percent-encoded as in an address.
#[test]
fn any_text_is_a_key_in_an_address_and_in_a_bind() {
    let organization = Organization::start();
    let client = &organization.client;
    organization.runtime.block_on(async {
        for number in ["A'B", "100%", "a/b?c#d", "a+b c", "%41", "é&=;,()", "山🦊"] {
            let body = RecordBody::new()
                .set("name", number)
                .set("accountnumber", number);
            let account = client.create("accounts", body).await.unwrap().id.unwrap();
            let key = || Key::alternate("accountnumber", number);
            let query = Query::new("accounts").select(["accountnumber"]);
            let found = client.retrieve("accounts", key(), &query).await.unwrap();
            assert_eq!(found.text("accountnumber"), Some(number));
            let body = RecordBody::new().set("lastname", "x").bind(
                "parentcustomerid_account",
                Reference::record("accounts", key()),
            );
            let contact = client.create("contacts", body).await.unwrap().id.unwrap();
            let query = Query::new("contacts").select(["_parentcustomerid_value"]);
            let contact = client.retrieve("contacts", contact, &query).await.unwrap();
            let employer = contact.lookup("parentcustomerid").map(|found| found.id);
            assert_eq!(employer, Some(account), "{number}");
        }
    });
}
