//! `$filter` over metadata: simple properties, enums in typed form, managed properties by path, `and`, `or`, `not`
//! (protocol page `metadata.md`, section "Table definition").

use std::cmp::Ordering;

use sandbox_syntax::filter::{Expression, Literal, Operator, parse};

use super::members::Members;
use crate::errors::ApiError;
use crate::json::Json;

/// Reads a filter. Enum literals (`Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'`) compare by their names.
pub(super) fn read(text: &str) -> Result<Expression, ApiError> {
    Ok(parse(&without_enum_types(text), &|_| None)?)
}

fn without_enum_types(text: &str) -> String {
    const NAMESPACE: &str = "Microsoft.Dynamics.CRM.";
    let mut plain = String::new();
    let mut rest = text;
    let mut in_quotes = false;
    while let Some(c) = rest.chars().next() {
        if !in_quotes
            && let Some(after) = rest.strip_prefix(NAMESPACE)
            && let Some((name, literal)) = after.split_once('\'')
            && name.chars().all(char::is_alphanumeric)
        {
            in_quotes = true;
            plain.push('\'');
            rest = literal;
            continue;
        }
        in_quotes ^= c == '\'';
        plain.push(c);
        rest = rest.strip_prefix(c).unwrap_or_default();
    }
    plain
}

/// Does a piece of metadata meet the filter? `kind` is its declared type, for errors.
pub(super) fn meets(
    expression: &Expression,
    members: &Members,
    kind: &str,
) -> Result<bool, ApiError> {
    match expression {
        Expression::And(all) => {
            for part in all {
                if !meets(part, members, kind)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Expression::Or(any) => {
            let mut met = false;
            for part in any {
                met |= meets(part, members, kind)?;
            }
            Ok(met)
        }
        Expression::Not(inner) => Ok(!meets(inner, members, kind)?),
        Expression::Compare(left, operator, right) => {
            compare(left, *operator, right, members, kind)
        }
        Expression::Path(path) => match value(path, members, kind)? {
            Json::Boolean(truth) => Ok(truth),
            Json::Null | Json::Number(_) | Json::Text(_) | Json::Array(_) | Json::Object(_) => {
                Err(ApiError::request(
                    "The $filter expression must evaluate to a single boolean value.",
                ))
            }
        },
        Expression::Call(..) | Expression::Lambda { .. } | Expression::Literal(_) => {
            Err(unsupported(expression))
        }
    }
}

fn unsupported(expression: &Expression) -> ApiError {
    let node = match expression {
        Expression::Call(..) => "SingleValueFunctionCall",
        Expression::Literal(_) => "Constant",
        Expression::Path(_)
        | Expression::And(_)
        | Expression::Or(_)
        | Expression::Not(_)
        | Expression::Compare(..) => "SingleValuePropertyAccess",
        Expression::Lambda { .. } => "Any",
    };
    ApiError::request(format!("The query node {node} is not supported"))
}

fn compare(
    left: &Expression,
    operator: Operator,
    right: &Expression,
    members: &Members,
    kind: &str,
) -> Result<bool, ApiError> {
    let (path, operator, literal) = match (left, right) {
        (Expression::Path(path), Expression::Literal(literal)) => (path, operator, literal),
        (Expression::Literal(literal), Expression::Path(path)) => {
            (path, operator.mirrored(), literal)
        }
        (other, Expression::Literal(_)) | (_, other) => return Err(unsupported(other)),
    };
    let found = value(path, members, kind)?;
    let wrong = || {
        ApiError::request(format!(
            "A binary operator with incompatible types was detected at '{}'.",
            path.join("/")
        ))
    };
    let order = match (&found, literal) {
        (Json::Null, Literal::Null) => Some(Ordering::Equal),
        (Json::Null, _) | (_, Literal::Null) => None,
        (Json::Boolean(found), Literal::Boolean(wanted)) => Some(found.cmp(wanted)),
        (Json::Text(found), Literal::Text(wanted)) => Some(crate::text::compare(found, wanted)),
        (Json::Text(found), Literal::Guid(wanted)) => Some(found.cmp(wanted)),
        (Json::Text(found), Literal::Date(wanted) | Literal::DateTime(wanted)) => {
            Some(found.cmp(wanted))
        }
        (Json::Number(found), Literal::Integer(wanted)) => {
            let found: f64 = found.parse().map_err(|_| wrong())?;
            #[expect(
                clippy::cast_precision_loss,
                reason = "type codes and lengths are small"
            )]
            let wanted = *wanted as f64;
            found.partial_cmp(&wanted)
        }
        (Json::Number(found), Literal::Number(wanted)) => {
            let found: f64 = found.parse().map_err(|_| wrong())?;
            found.partial_cmp(wanted)
        }
        (
            Json::Boolean(_) | Json::Text(_) | Json::Number(_) | Json::Array(_) | Json::Object(_),
            _,
        ) => return Err(wrong()),
    };
    Ok(match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::GreaterThan => order == Some(Ordering::Greater),
        Operator::GreaterThanOrEqual => order.is_some_and(Ordering::is_ge),
        Operator::LessThan => order == Some(Ordering::Less),
        Operator::LessThanOrEqual => order.is_some_and(Ordering::is_le),
    })
}

/// The value at a path: a property, or the `Value` of a managed property or a type name.
fn value(path: &[String], members: &Members, kind: &str) -> Result<Json, ApiError> {
    let unknown = |name: &str| super::unknown_property(name, kind);
    let (first, rest) = path.split_first().ok_or_else(|| unknown(""))?;
    let find = |members: &Members, name: &str| {
        let found = members.iter().find(|(member, _)| member == name);
        found.map(|(_, value)| value.clone())
    };
    let found = find(members, first).ok_or_else(|| unknown(first))?;
    match (&found, rest) {
        (Json::Object(inner), [name]) if name == "Value" => {
            find(inner, name).ok_or_else(|| unknown(name))
        }
        (Json::Object(_) | Json::Array(_), _) => Err(ApiError::request(format!(
            "The property '{first}' cannot be used in the $filter query option."
        ))),
        (_, []) => Ok(found),
        (_, [name, ..]) => Err(unknown(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(filter: &str) -> Result<bool, ApiError> {
        let managed = vec![("Value".to_owned(), Json::Boolean(true))];
        let members = vec![
            ("LogicalName".to_owned(), Json::text("contact")),
            ("OwnershipType".to_owned(), Json::text("UserOwned")),
            ("ObjectTypeCode".to_owned(), Json::Number("2".into())),
            ("IsPrivate".to_owned(), Json::Boolean(false)),
            ("AttributeOf".to_owned(), Json::Null),
            ("CanCreateAttributes".to_owned(), Json::Object(managed)),
            ("DisplayName".to_owned(), Json::Object(Vec::new())),
        ];
        meets(&read(filter)?, &members, "EntityMetadata")
    }

    #[test]
    fn documented_filters() {
        for filter in [
            "LogicalName eq 'contact'",
            "LogicalName eq 'account' or LogicalName eq 'contact'",
            "OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'",
            "CanCreateAttributes/Value eq true and IsPrivate eq false",
            "ObjectTypeCode lt 5 and not (ObjectTypeCode eq 1)",
            "AttributeOf eq null",
            "LogicalName ne 'Microsoft.Dynamics.CRM.OwnershipTypes''x'",
        ] {
            assert_eq!(met(filter), Ok(true), "{filter}");
        }
        assert_eq!(met("IsPrivate eq true"), Ok(false));
    }

    #[test]
    fn refused_filters() {
        for filter in [
            "contains(LogicalName,'x')",
            "DisplayName/UserLocalizedLabel/Label eq 'Contact'",
            "Unknown eq 1",
            "IsPrivate eq 'x'",
            "LogicalName",
        ] {
            assert_eq!(met(filter).unwrap_err().status, 400, "{filter}");
        }
    }
}
