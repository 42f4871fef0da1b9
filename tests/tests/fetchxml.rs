//! The client and the practice organization, which share no code, read each other's FetchXML: any text survives the way
//! into a value, into a parameter and into a paging cookie, and whatever the builder builds is accepted.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Organization, refused, text};
use dataverse::Direction;
use dataverse::fetchxml::{
    Aggregate, Builder, Condition, DateGrouping, Fault, Fetch, Join, Link, Operator, Parameter,
    Related, Template, Values,
};
use futures_util::TryStreamExt as _;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sandbox_syntax::fetch as reader;
use uuid::Uuid;

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

/// XML 1.0, section 2.2: what no spelling can bring into a document is left out.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Texts that XML can hold.
fn xml_text() -> impl Strategy<Value = String> + Clone {
    text()
        .prop_map(|text| text.chars().filter(|c| is_xml(*c)).collect::<String>())
        .prop_filter("an empty text is no value", |text| !text.is_empty())
}

// ---- texts --------------------------------------------------------------------------------------------

/// The job titles that a query finds, in its order.
fn titles(organization: &Organization, fetch: &Fetch) -> dataverse::Result<Vec<String>> {
    let pages = organization.client.fetch("contacts", fetch);
    let pages: Vec<_> = organization.runtime.block_on(pages.try_collect())?;
    let rows = pages.iter().flat_map(|page| &page.rows);
    Ok(rows
        .filter_map(|row| row.text("jobtitle"))
        .map(str::to_owned)
        .collect())
}

/// The ways in which a query can be about this text, with the row that it is about.
fn built(id: Uuid, text: &str) -> Vec<Condition> {
    let other = "no other row has this".to_owned();
    let middle: String = text.chars().skip(text.chars().count() / 3).collect();
    [
        Condition::equals("jobtitle", text),
        Condition::new("jobtitle", Operator::In, [text.to_owned(), other.clone()]),
        Condition::new("jobtitle", Operator::In, [other, text.to_owned()]),
        Condition::new("jobtitle", Operator::Between, [text, text]),
        Condition::contains("jobtitle", &middle),
        Condition::begins_with("jobtitle", text),
        Condition::ends_with("jobtitle", &middle),
    ]
    .map(|condition| Condition::all([Condition::equals("contactid", id.to_string()), condition]))
    .to_vec()
}

/// Conditions with a placeholder, in an attribute and in an element, alone and among other text.
const TEMPLATES: [&str; 5] = [
    "<condition attribute='jobtitle' operator='eq' value='{{visitor.text}}'/>",
    "<condition attribute='jobtitle' operator='in'><value>x</value><value>{{visitor.text}}</value></condition>",
    "<condition attribute='jobtitle' operator='like' value='%{{visitor.text}}%'/>",
    "<condition attribute='jobtitle' operator='begins-with' value='{{visitor.text}}'/>",
    "<condition attribute='description' operator='eq' value='before {{visitor.text}} behind'/>",
];

fn filled(condition: &str, id: Uuid, text: &str) -> Result<Fetch, Fault> {
    let template = Template::parse(&format!(
        "<fetch><entity name='contact'><attribute name='jobtitle'/><filter>\
         <condition attribute='contactid' operator='eq' value='{{{{id}}}}'/>{condition}</filter></entity></fetch>"
    ))?;
    let parameters = BTreeMap::from([
        ("visitor.text".to_owned(), Parameter::Text(text.to_owned())),
        ("id".to_owned(), Parameter::Text(id.to_string())),
    ]);
    template.fill(&parameters)
}

fn create(organization: &Organization, text: &str) -> Uuid {
    let body = dataverse::RecordBody::new()
        .set("lastname", "x")
        .set("jobtitle", text)
        .set("description", format!("before {text} behind"));
    let written = organization
        .runtime
        .block_on(organization.client.create("contacts", body));
    written.unwrap().id.unwrap()
}

fn told(fault: Fault) -> TestCaseError {
    TestCaseError::fail(fault.to_string())
}

fn check_text(organization: &Organization, text: &str) -> Result<(), TestCaseError> {
    let id = create(organization, text);
    let mut queries = Vec::new();
    for condition in built(id, text) {
        let builder = Builder::new("contact").attribute("jobtitle");
        let query = builder.filter(condition).build();
        queries.push(query.map_err(told)?);
    }
    for template in TEMPLATES {
        match filled(template, id, text) {
            Ok(fetch) => queries.push(fetch),
            // It is told, and nothing is asked.
            Err(fault) => {
                prop_assert!(!text.chars().all(is_xml), "{:?}", fault);
                prop_assert_eq!(fault.code, "fetchxml_malformed");
            }
        }
    }
    for (index, query) in queries.iter().enumerate() {
        match (titles(organization, query), query.to_xml()) {
            (Ok(found), Ok(xml)) => prop_assert_eq!(found, [text], "{}", xml),
            (Err(error), Err(fault)) => {
                prop_assert!(!text.chars().all(is_xml), "{:?}", fault);
                prop_assert_eq!(error.code(), "invalid_query");
            }
            (found, written) => {
                prop_assert!(false, "query {}: {:?} {:?}", index, found, written);
            }
        }
    }
    organization.delete(id);
    Ok(())
}

#[test]
fn any_text_is_found_again() {
    let organization = Organization::start();
    runner(60)
        .run(&text(), |text| check_text(&organization, &text))
        .unwrap();
    runner(60)
        .run(&xml_text(), |text| check_text(&organization, &text))
        .unwrap();
    for text in [
        "'/><condition attribute='lastname' operator='not-null",
        "</value></condition></filter><filter type='or'>",
        "&lt;&amp;&#38;#60;&quot;",
        "]]>",
        "<![CDATA[x]]>",
        "<!--",
        "{{visitor.text}}",
        "{{id}}",
        "{{",
        "}}",
        "100%",
        "a_b",
        "[a-z]",
        "[^]",
        " x ",
        "a  b",
        "\t",
        "a\rb\nc\r\nd",
        "\u{feff}x",
    ] {
        check_text(&organization, text).unwrap();
    }
}

/// What follows a page is asked for by the values of its last row.
#[test]
fn any_text_is_paged_over() {
    let organization = Organization::start();
    runner(40)
        .run(&(xml_text(), xml_text(), xml_text()), |(a, b, c)| {
            let ids = [&a, &b, &c].map(|text| organization.create(text));
            let query = Builder::new("contact")
                .attribute("jobtitle")
                .filter(Condition::new(
                    "contactid",
                    Operator::In,
                    ids.map(|id| id.to_string()),
                ))
                .order_by("jobtitle", Direction::Descending)
                .page_size(1)
                .build()
                .unwrap();
            let mut found = titles(&organization, &query).map_err(refused)?;
            found.sort();
            let mut expected = vec![a, b, c];
            expected.sort();
            prop_assert_eq!(found, expected);
            ids.into_iter().for_each(|id| organization.delete(id));
            Ok(())
        })
        .unwrap();
}

// ---- queries that may be nonsense ---------------------------------------------------------------------

/// Something built, and the values in it.
type Part<T> = (T, Vec<String>);

fn word() -> impl Strategy<Value = &'static str> + Clone {
    select(vec![
        "name", "lastname", "a", "_x9", "new_9", "Name", "9a", "a b", "a'b", "", "ä", "a.b",
    ])
}

fn direction() -> impl Strategy<Value = Direction> + Clone {
    select(vec![Direction::Ascending, Direction::Descending])
}

fn any_condition() -> impl Strategy<Value = Part<Condition>> {
    let condition = (
        prop_oneof![9 => Just("lastname"), 1 => word()],
        select(Operator::ALL),
        vec(xml_text(), 3),
        // As many values as it takes, most of the time.
        option::weighted(0.1, 0usize..4),
    )
        .prop_map(|(column, operator, mut values, count)| {
            let fitting = match operator.values() {
                Values::None => 0,
                Values::One => 1,
                Values::Two => 2,
                Values::Many => values.first().map_or(0, String::len) % 3 + 1,
            };
            values.truncate(count.unwrap_or(fitting));
            (Condition::new(column, operator, values.clone()), values)
        });
    let columns = (select(Operator::ALL), word())
        .prop_map(|(operator, other)| (Condition::columns("lastname", operator, other), vec![]));
    let on =
        (xml_text(), prop_oneof![9 => Just("linked"), 1 => word()]).prop_map(|(value, alias)| {
            (
                Condition::equals("name", value.as_str()).on(alias),
                vec![value],
            )
        });
    let leaf = prop_oneof![8 => condition, 1 => columns, 1 => on];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let group = (vec(inner.clone(), 0..3), any::<bool>()).prop_map(|(parts, all)| {
            let (conditions, values): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let group = if all { Condition::all } else { Condition::any };
            (group(conditions), values.concat())
        });
        let related = (
            inner,
            select(vec![
                Related::Exists,
                Related::DoesNotExist,
                Related::ExistsButNoneFits,
            ]),
        )
            .prop_map(|((condition, values), related)| {
                let link = Link::new("task", "regardingobjectid", "contactid").filter(condition);
                (Condition::related(related, link), values)
            });
        prop_oneof![3 => group, 1 => related]
    })
}

fn any_query() -> impl Strategy<Value = Part<Builder>> {
    let columns = vec((word(), option::of(word())), 0..3);
    let link = (
        any_condition(),
        prop_oneof![9 => Just("linked"), 1 => word()],
        select(vec![
            Join::Inner,
            Join::Outer,
            Join::Exists,
            Join::In,
            Join::FirstMatch,
        ]),
        direction(),
    )
        .prop_map(|((condition, values), alias, join, direction)| {
            let link = Link::new("account", "accountid", "parentcustomerid")
                .alias(alias)
                .join(join)
                .attribute("name")
                .order_by("name", direction)
                .filter(condition);
            (link, values)
        });
    let size = (option::of(0u32..6000), option::of(0u32..6000));
    (
        option::weighted(0.3, columns),
        vec(any_condition(), 0..3),
        option::of(link),
        option::weighted(0.3, size),
        any::<[bool; 2]>(),
        option::weighted(0.2, (word(), word())),
    )
        .prop_map(
            |(columns, conditions, link, size, [distinct, total], computed)| {
                let mut builder = Builder::new("contact");
                let mut all = Vec::new();
                for (column, alias) in columns.into_iter().flatten() {
                    builder = match alias {
                        Some(alias) => builder.attribute_as(column, alias),
                        None => builder.attribute(column),
                    };
                }
                for (condition, values) in conditions {
                    builder = builder.filter(condition);
                    all.extend(values);
                }
                if let Some((link, values)) = link {
                    builder = builder.link(link);
                    all.extend(values);
                }
                if let Some((column, alias)) = computed {
                    builder = builder
                        .aggregate(column, alias, Aggregate::Max)
                        .order_by_alias(alias, Direction::Ascending);
                }
                if let Some((top, count)) = size {
                    builder = top.into_iter().fold(builder, Builder::top);
                    builder = count.into_iter().fold(builder, Builder::page_size);
                }
                if distinct {
                    builder = builder.distinct();
                }
                if total {
                    builder = builder.total_count();
                }
                (builder, all)
            },
        )
}

fn values_of(entity: &reader::Entity, values: &mut Vec<String>) {
    let mut filters: Vec<&reader::Filter> = entity.filters.iter().collect();
    let mut links: Vec<&reader::Link> = entity.links.iter().collect();
    while let Some(filter) = filters.pop() {
        let conditions = filter.conditions.iter();
        values.extend(conditions.flat_map(|condition| condition.values.clone()));
        filters.extend(&filter.filters);
        links.extend(&filter.links);
    }
    for link in links {
        values_of(&link.entity, values);
    }
}

/// Names, operators and numbers are any; what the builder lets pass is FetchXML, with the same values in it.
#[test]
fn whatever_the_builder_lets_pass_is_read() {
    let cases = 3000;
    let passed = std::cell::Cell::new(0);
    runner(cases)
        .run(&any_query(), |(builder, mut expected)| {
            let Ok(fetch) = builder.build() else {
                return Ok(());
            };
            passed.set(passed.get() + 1);
            let xml = fetch.to_xml().unwrap();
            let read = reader::read(&xml);
            prop_assert!(read.is_ok(), "{}: {:?}", xml, read);
            let mut values = Vec::new();
            values_of(&read.unwrap().entity, &mut values);
            values.sort();
            expected.sort();
            prop_assert_eq!(values, expected, "{}", xml);
            // And by the client itself, as the same query.
            let again = Fetch::parse(&xml).map_err(told)?;
            prop_assert_eq!(again.to_xml().unwrap(), xml);
            Ok(())
        })
        .unwrap();
    let passed = passed.get();
    assert!(passed > cases / 5, "{passed} of {cases} were looked at");
}

// ---- queries that mean something ----------------------------------------------------------------------

fn day() -> impl Strategy<Value = String> + Clone {
    (1900i16..2100, 1i8..=12, 1i8..=28)
        .prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"))
}

/// A column with values of its type.
fn with_values(
    column: &'static str,
    operators: &[Operator],
    value: BoxedStrategy<String>,
) -> BoxedStrategy<Condition> {
    (select(operators.to_vec()), vec(value, 3))
        .prop_map(move |(operator, mut values)| {
            values.truncate(match operator.values() {
                Values::None => 0,
                Values::One => 1,
                Values::Two => 2,
                Values::Many => 3,
            });
            Condition::new(column, operator, values)
        })
        .boxed()
}

fn condition() -> impl Strategy<Value = Condition> {
    use Operator::*;
    let compare = [
        Equal,
        NotEqual,
        NotEqualOld,
        Greater,
        GreaterOrEqual,
        Less,
        LessOrEqual,
        Between,
        NotBetween,
        In,
        NotIn,
        Null,
        NotNull,
    ];
    let like = [
        Like,
        NotLike,
        BeginsWith,
        NotBeginWith,
        EndsWith,
        NotEndWith,
    ];
    let lists = [Equal, NotEqual, In, NotIn, Null, NotNull];
    let spans: Vec<Operator> = Operator::ALL
        .iter()
        .copied()
        .filter(|operator| operator.name().contains("-x-"))
        .collect();
    let moments: Vec<Operator> = Operator::ALL
        .iter()
        .copied()
        .filter(|operator| {
            let name = operator.name();
            let periods = ["this-", "last-", "next-"];
            operator.values() == Values::None
                && (periods.iter().any(|period| name.starts_with(period))
                    || ["today", "yesterday", "tomorrow"].contains(&name))
        })
        .collect();
    assert!(spans.len() > 15 && moments.len() > 15);
    let id = || {
        any::<u128>()
            .prop_map(|id| Uuid::from_u128(id).to_string())
            .boxed()
    };
    let number = |range: std::ops::Range<i64>| range.prop_map(|n| n.to_string()).boxed();
    let money = (-1_000_000i64..1_000_000, 0u8..100)
        .prop_map(|(whole, part)| format!("{whole}.{part:02}"))
        .boxed();
    let yes_no = select(vec!["0".to_owned(), "1".to_owned()]).boxed();
    let years = (1990u32..2060).prop_map(|year| year.to_string()).boxed();
    let quarters = (1u32..5).prop_map(|quarter| quarter.to_string()).boxed();
    let quarter_of_year = (
        1u32..5,
        1990u32..2060,
        select(vec![
            InFiscalPeriodAndYear,
            InOrBeforeFiscalPeriodAndYear,
            InOrAfterFiscalPeriodAndYear,
        ]),
    )
        .prop_map(|(quarter, year, operator)| {
            Condition::new(
                "createdon",
                operator,
                [quarter.to_string(), year.to_string()],
            )
        })
        .boxed();
    let me = [
        EqUserid,
        NeUserid,
        EqUserteams,
        EqUseroruserteams,
        EqUseroruserhierarchy,
        EqUseroruserhierarchyandteams,
    ];
    let above = [Above, EqOrAbove, Under, EqOrUnder, NotUnder];
    prop_oneof![
        with_values("lastname", &compare, xml_text().boxed()),
        with_values("jobtitle", &like, xml_text().boxed()),
        xml_text().prop_map(|text| Condition::contains("emailaddress1", &text)),
        xml_text().prop_map(|text| Condition::begins_with("fullname", &text)),
        xml_text().prop_map(|text| Condition::ends_with("fullname", &text)),
        with_values("numberofchildren", &compare, number(-1000..1000)),
        with_values("creditlimit", &compare, money),
        with_values("gendercode", &lists, number(1..3)),
        with_values("donotemail", &[Equal, NotEqual, Null], yes_no),
        with_values(
            "new_interests",
            &[ContainValues, NotContainValues],
            number(100_000_000..100_000_005)
        ),
        with_values(
            "createdon",
            &[On, OnOrAfter, OnOrBefore, Greater, Between],
            day().boxed()
        ),
        with_values(
            "birthdate",
            &[On, OnOrAfter, OnOrBefore, Equal, Less],
            day().boxed()
        ),
        with_values("createdon", &spans, number(1..50)),
        with_values("modifiedon", &moments, id()),
        with_values("createdon", &[InFiscalYear], years),
        with_values("createdon", &[InFiscalPeriod], quarters),
        quarter_of_year,
        with_values("ownerid", &me, id()),
        with_values("owningbusinessunit", &[EqBusinessid, NeBusinessid], id()),
        with_values("contactid", &lists, id()),
        with_values("parentcustomerid", &lists, id()),
        with_values("parentcustomerid", &above, id()),
        with_values("numberofchildren", &[EqUserlanguage], id()),
        Just(Condition::columns("lastname", NotEqual, "firstname")),
        Just(Condition::columns("createdon", LessOrEqual, "modifiedon")),
    ]
    .prop_recursive(3, 16, 4, |inner| {
        let related = select(vec![
            Related::Exists,
            Related::DoesNotExist,
            Related::ExistsButNoneFits,
        ]);
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Condition::all),
            vec(inner, 1..4).prop_map(Condition::any),
            (related, xml_text()).prop_map(|(related, text)| {
                let tasks = Link::new("task", "regardingobjectid", "contactid");
                Condition::related(related, tasks.filter(Condition::contains("subject", &text)))
            }),
        ]
    })
}

fn joined() -> impl Strategy<Value = Link> {
    let kinds = select(vec![
        Join::Inner,
        Join::Outer,
        Join::Exists,
        Join::In,
        Join::FirstMatch,
    ]);
    (kinds, option::of(xml_text()), any::<bool>()).prop_map(|(join, text, further)| {
        let mut link = Link::new("account", "accountid", "parentcustomerid")
            .alias("employer")
            .join(join);
        if let Some(text) = text {
            link = link.filter(Condition::equals("name", text));
        }
        // Of what is only tested for, nothing can be read.
        if !matches!(join, Join::Exists | Join::In) {
            link = link
                .attribute("name")
                .order_by("name", Direction::Ascending);
            if further {
                let owner = Link::new("contact", "contactid", "primarycontactid")
                    .alias("leader")
                    .join(Join::Outer)
                    .attribute("fullname");
                link = link.link(owner);
            }
        }
        link
    })
}

fn sensible_query() -> impl Strategy<Value = Builder> {
    let columns = vec![
        "fullname",
        "emailaddress1",
        "gendercode",
        "createdon",
        "ownerid",
    ];
    let rows = (
        prop::sample::subsequence(columns, 1..5),
        vec(
            (
                select(vec!["lastname", "createdon", "gendercode", "ownerid"]),
                direction(),
            ),
            0..3,
        ),
        option::of(joined()),
        prop_oneof![
            Just(None),
            (1u32..5000).prop_map(|n| Some((true, n))),
            (1u32..5000).prop_map(|n| Some((false, n)))
        ],
    )
        .prop_map(|(columns, orders, link, size)| {
            let mut builder = columns
                .into_iter()
                .fold(Builder::new("contact"), Builder::attribute);
            let mut ordered = BTreeSet::new();
            for (column, direction) in orders {
                if ordered.insert(column) {
                    builder = builder.order_by(column, direction);
                }
            }
            builder = link.into_iter().fold(builder, Builder::link);
            match size {
                Some((true, rows)) => builder.top(rows),
                Some((false, rows)) => builder.page_size(rows).total_count(),
                None => builder,
            }
        });
    let computed = (
        select(vec![
            ("creditlimit", Aggregate::Average),
            ("creditlimit", Aggregate::Sum),
            ("contactid", Aggregate::Count),
            ("jobtitle", Aggregate::CountColumn),
            ("jobtitle", Aggregate::CountDistinct),
            ("createdon", Aggregate::Max),
            ("numberofchildren", Aggregate::Min),
        ]),
        option::of(select(vec![
            DateGrouping::Day,
            DateGrouping::Week,
            DateGrouping::Month,
            DateGrouping::Quarter,
            DateGrouping::Year,
            DateGrouping::FiscalPeriod,
            DateGrouping::FiscalYear,
        ])),
        any::<bool>(),
        direction(),
    )
        .prop_map(|((column, aggregate), grouping, by_owner, direction)| {
            let mut builder = Builder::new("contact")
                .aggregate(column, "computed", aggregate)
                .order_by_alias("computed", direction);
            if let Some(grouping) = grouping {
                builder = builder.group_by_date("createdon", "time", grouping);
            }
            if by_owner {
                builder = builder.group_by("ownerid", "owner");
            }
            builder
        });
    let builder = prop_oneof![3 => rows.boxed(), 1 => computed.boxed()];
    (builder, option::of(condition()), any::<bool>()).prop_map(|(builder, condition, distinct)| {
        let builder = condition.into_iter().fold(builder, Builder::filter);
        if distinct {
            builder.distinct()
        } else {
            builder
        }
    })
}

#[test]
fn whatever_the_builder_builds_is_answered() {
    let organization = Organization::start();
    organization.create("there is a row to read");
    runner(400)
        .run(&sensible_query(), |builder| {
            let fetch = builder.build().unwrap();
            let answer = titles(&organization, &fetch);
            prop_assert!(answer.is_ok(), "{:?}: {:?}", fetch.to_xml(), answer);
            Ok(())
        })
        .unwrap();
}
