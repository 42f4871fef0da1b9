//! What the company's data has beyond people and cases: the columns and the table that it added itself, telephone calls,
//! resolutions of closed cases.

use super::company::{Person, Writer, id};
use super::fields;
use super::random::Random;
use crate::store::Fields;
use crate::value::Value;

const CALLS: usize = 120;
const MEMBERSHIPS: usize = 200;
/// The first option of the company's own choices.
const FIRST_OPTION: i64 = 100_000_000;

/// Fills the columns that the company added to contacts. Its own random numbers leave the others as they were.
pub(super) fn customize(row: &mut Fields, index: usize) {
    let mut random = Random::new(0x6c6f_7961 ^ index as u64);
    let option = |n: usize| FIRST_OPTION + i64::try_from(n).unwrap_or(0);
    if random.one_in(3) {
        row.extend(fields([
            ("new_loyaltynumber", Value::from(format!("L-{index:07}"))),
            ("new_tier", Value::Integer(option(random.below(4)))),
            (
                "new_customersince",
                Value::from(format!(
                    "{}-{:02}-{:02}",
                    2005 + random.below(20),
                    1 + random.below(12),
                    1 + random.below(28)
                )),
            ),
            (
                "new_preferredagentid",
                Value::from(id("user", &random.below(6).to_string())),
            ),
        ]));
    }
    if random.one_in(4) {
        let chosen: Vec<String> = (0..5)
            .filter(|_| random.one_in(2))
            .map(|n| option(n).to_string())
            .collect();
        if !chosen.is_empty() {
            row.insert("new_interests".to_owned(), Value::from(chosen.join(",")));
        }
    }
    if random.one_in(10) {
        row.insert(
            "new_discount".to_owned(),
            Value::Real(2.5 * (1 + random.below(8)) as f64),
        );
    }
}

pub(super) async fn fill(
    writer: &mut Writer<'_>,
    people: &[Person],
    cases: &[String],
) -> Result<(), sqlx::Error> {
    calls(writer, people).await?;
    resolutions(writer, cases).await?;
    memberships(writer, people).await
}

async fn calls(writer: &mut Writer<'_>, people: &[Person]) -> Result<(), sqlx::Error> {
    const SUBJECTS: [&str; 5] = [
        "Asked about the delivery",
        "Called back",
        "Left a message",
        "Discussed the quote",
        "Complaint about the invoice",
    ];
    for index in 0..CALLS {
        let caller = writer.salesperson();
        let due = writer.moment();
        let random = &mut writer.random;
        let person = random.pick(people).id.clone();
        let outgoing = random.one_in(2);
        let (state, status) = match random.below(4) {
            0 => (0, 1),
            3 => (2, 3),
            _ => (1, if outgoing { 2 } else { 4 }),
        };
        let call = id("phonecall", &index.to_string());
        let row = fields([
            ("activityid", Value::from(call.as_str())),
            ("subject", Value::from(*random.pick(&SUBJECTS))),
            ("phonenumber", Value::from("+31 30 555 0100")),
            ("directioncode", Value::from(outgoing)),
            ("regardingobjectid", Value::from(person.as_str())),
            ("regardingobjectid__type", Value::from("contact")),
            ("scheduledend", Value::from(due)),
            (
                "prioritycode",
                Value::Integer(i64::try_from(random.below(3)).unwrap_or(0)),
            ),
            ("statecode", Value::Integer(state)),
            ("statuscode", Value::Integer(status)),
            ("ownerid", Value::from(caller.as_str())),
        ]);
        writer.insert("phonecall", row).await?;
        let (from, to) = if outgoing {
            (
                (caller.as_str(), "systemuser"),
                (person.as_str(), "contact"),
            )
        } else {
            (
                (person.as_str(), "contact"),
                (caller.as_str(), "systemuser"),
            )
        };
        for (mask, (party, kind)) in [(1, from), (2, to)] {
            let row = fields([
                (
                    "activitypartyid",
                    Value::from(id("activityparty", &format!("{index}/{mask}"))),
                ),
                ("activityid", Value::from(call.as_str())),
                ("activityid__type", Value::from("phonecall")),
                ("partyid", Value::from(party)),
                ("partyid__type", Value::from(kind)),
                ("participationtypemask", Value::Integer(mask)),
                ("ownerid", Value::from(caller.as_str())),
                ("ownerid__type", Value::from("systemuser")),
            ]);
            writer.insert("activityparty", row).await?;
        }
    }
    Ok(())
}

/// The activity that closing a case leaves behind.
async fn resolutions(writer: &mut Writer<'_>, cases: &[String]) -> Result<(), sqlx::Error> {
    for (index, case) in cases
        .iter()
        .enumerate()
        .filter(|(index, _)| index % 10 == 7)
    {
        let closed = writer.moment();
        let owner = writer.salesperson();
        if !writer.is_resolved(case).await? {
            continue;
        }
        let row = fields([
            (
                "activityid",
                Value::from(id("incidentresolution", &index.to_string())),
            ),
            (
                "subject",
                Value::from("Solved with the customer on the line"),
            ),
            ("incidentid", Value::from(case.as_str())),
            ("regardingobjectid", Value::from(case.as_str())),
            ("regardingobjectid__type", Value::from("incident")),
            ("timespent", Value::Integer(15)),
            ("actualend", Value::from(closed)),
            ("statecode", Value::Integer(1)),
            ("statuscode", Value::Integer(2)),
            ("ownerid", Value::from(owner)),
        ]);
        writer.insert("incidentresolution", row).await?;
    }
    Ok(())
}

async fn memberships(writer: &mut Writer<'_>, people: &[Person]) -> Result<(), sqlx::Error> {
    for index in 0..MEMBERSHIPS {
        let owner = writer.salesperson();
        let random = &mut writer.random;
        let year = 2019 + random.below(7);
        let row = fields([
            (
                "new_membershipid",
                Value::from(id("membership", &index.to_string())),
            ),
            ("new_name", Value::from(format!("M-{index:05}"))),
            (
                "new_contactid",
                Value::from(random.pick(people).id.as_str()),
            ),
            (
                "new_tier",
                Value::Integer(FIRST_OPTION + i64::try_from(random.below(4)).unwrap_or(0)),
            ),
            ("new_startson", Value::from(format!("{year}-01-01"))),
            ("new_endson", Value::from(format!("{year}-12-31"))),
            (
                "new_visits",
                Value::Integer(i64::try_from(random.below(60)).unwrap_or(0)),
            ),
            ("ownerid", Value::from(owner)),
        ]);
        writer.insert("new_membership", row).await?;
    }
    Ok(())
}
