//! The client and the practice organization, which share no code, read each other: any text survives the way into a
//! filter, and whatever the query builder writes is accepted.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

use std::ops::Range;

use dataverse::{
    Client, Comparison, Connection, Direction, Expand, Filter, LikePattern, Literal, Period, Query,
    QueryFunction, RecordBody, RelativeDate, SignIn, Span,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sandbox::{Options, Sandbox, Seed};
use secrecy::SecretString;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Characters that mean something in a URL, in an OData literal, in a pattern, in JSON or in XML; and odd ones.
const SPECIAL: &str = "''\"&%+#/?=;:,()[]^_-*\\<>{}@$~|! \t\r\n\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{80}\u{a0}\u{ad}éÉßİıſΣς\
    \u{301}\u{200d}\u{200f}\u{202e}\u{2028}\u{d7ff}\u{e000}\u{feff}\u{fffd}\u{fffe}\u{ffff}山🦊👩‍💻\u{10ffff}%20&amp;";

/// Texts of up to 30 characters; none is empty, which Dataverse keeps as no value.
fn text() -> impl Strategy<Value = String> + Clone {
    let specials: Vec<char> = SPECIAL.chars().collect();
    let character = prop_oneof![
        4 => select(specials),
        2 => prop::char::range('a', 'z'),
        1 => any::<char>().prop_filter("NUL has a test of its own", |c| *c != '\0'),
    ];
    vec(character, 1..30).prop_map(String::from_iter)
}

/// An organization without records and a client that may do everything in it.
struct Organization {
    runtime: Runtime,
    sandbox: Option<Sandbox>,
    client: Client,
}

impl Organization {
    fn start() -> Organization {
        let runtime = Runtime::new().unwrap();
        let options = Options {
            seed: Seed::Empty,
            ..Options::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let description = sandbox.description();
        let client = Client::new(Connection::new(
            &description.organization_url,
            SignIn::Cloud {
                authority_url: description.authority_url.clone(),
                tenant_id: description.tenant_id.clone(),
                client_id: description.administrator.client_id.clone(),
                client_secret: SecretString::from(description.administrator.client_secret.clone()),
            },
        ))
        .unwrap();
        Organization {
            runtime,
            sandbox: Some(sandbox),
            client,
        }
    }

    fn create(&self, text: &str) -> Uuid {
        let body = RecordBody::new().set("lastname", "x").set("jobtitle", text);
        let written = self.runtime.block_on(self.client.create("contacts", body));
        written.unwrap().id.unwrap()
    }

    /// The job title of this row, if the filter finds it.
    fn found(&self, id: Uuid, filter: Filter) -> dataverse::Result<Option<String>> {
        let query = Query::new("contacts")
            .select(["jobtitle"])
            .filter(Filter::equals("contactid", Literal::Guid(id)))
            .filter(filter);
        let page = self.runtime.block_on(self.client.query(&query))?;
        let row = page.rows.first();
        Ok(row.and_then(|row| row.text("jobtitle")).map(str::to_owned))
    }

    fn delete(&self, id: Uuid) {
        self.runtime
            .block_on(self.client.delete("contacts", id))
            .unwrap();
    }
}

impl Drop for Organization {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }
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

fn refused(error: dataverse::Error) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
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
        let found = organization.found(id, filter);
        let found = found.map_err(refused)?;
        prop_assert_eq!(found.as_deref(), Some(text), "{}", shape);
    }
    // With one more letter it is another text.
    let other = organization.found(id, Filter::equals("jobtitle", format!("{text}q")));
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
            let whole = organization.found(id, Filter::equals("jobtitle", "a\0b"));
            assert_eq!(whole.unwrap().as_deref(), Some("a\0b"));
            let cut = organization.found(id, Filter::equals("jobtitle", "a"));
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
    let period = select(vec![Period::Week, Period::Month, Period::Year]);
    let span = select(vec![
        Span::Hours,
        Span::Days,
        Span::Weeks,
        Span::Months,
        Span::Years,
    ]);
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
        period.prop_map(|period| {
            Filter::function(
                "modifiedon",
                QueryFunction::Relative(RelativeDate::Last(period)),
            )
        }),
        (span.clone(), 1u32..50).prop_map(|(span, count)| {
            Filter::function("createdon", QueryFunction::LastX(span, count))
        }),
        (span, 1u32..50).prop_map(|(span, count)| {
            Filter::function("createdon", QueryFunction::OlderThanX(span, count))
        }),
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
