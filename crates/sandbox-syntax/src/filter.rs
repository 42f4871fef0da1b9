//! The `$filter` grammar: comparison, `and or not`, parentheses, functions, lambdas, paths (protocol page `query.md`,
//! section `$filter`).

use crate::error::SyntaxError;
use crate::lexer::{Token, TokenKind, syntax_error, tokens};

/// Deeper nesting is refused rather than followed.
const DEEPEST: usize = 100;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `gt`
    GreaterThan,
    /// `ge`
    GreaterThanOrEqual,
    /// `lt`
    LessThan,
    /// `le`
    LessThanOrEqual,
}

impl Operator {
    /// The operator as it reads with its sides exchanged.
    pub fn mirrored(self) -> Operator {
        match self {
            Operator::Equal => Operator::Equal,
            Operator::NotEqual => Operator::NotEqual,
            Operator::GreaterThan => Operator::LessThan,
            Operator::GreaterThanOrEqual => Operator::LessThanOrEqual,
            Operator::LessThan => Operator::GreaterThan,
            Operator::LessThanOrEqual => Operator::GreaterThanOrEqual,
        }
    }
}

/// A literal with the type that its notation shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// `'text'`, its quotes taken off
    Text(String),
    /// `12`
    Integer(i64),
    /// `1200.5`
    Number(f64),
    /// Lower case.
    Guid(String),
    /// `2024-05-01`
    Date(String),
    /// UTC, whole seconds: `2024-05-01T10:00:00Z`
    DateTime(String),
}

impl Literal {
    /// The type's name in messages: `Edm.String`.
    pub fn edm(&self) -> &'static str {
        match self {
            Literal::Null => "null",
            Literal::Boolean(_) => "Edm.Boolean",
            Literal::Text(_) => "Edm.String",
            Literal::Integer(_) => "Edm.Int32",
            Literal::Number(_) => "Edm.Double",
            Literal::Guid(_) => "Edm.Guid",
            Literal::Date(_) => "Edm.Date",
            Literal::DateTime(_) => "Edm.DateTimeOffset",
        }
    }
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// All of them.
    And(Vec<Expression>),
    /// Any of them.
    Or(Vec<Expression>),
    /// The opposite.
    Not(Box<Expression>),
    /// A comparison of two operands.
    Compare(Box<Expression>, Operator, Box<Expression>),
    /// A function by its name.
    Call(String, Vec<Argument>),
    /// `navigation/any(t:condition)`.
    Lambda {
        /// The collection-valued navigation property, behind others or a range variable.
        path: Vec<String>,
        /// `any`, or else `all`.
        any: bool,
        /// The range variable's name.
        variable: String,
        /// None: `any()`.
        condition: Option<Box<Expression>>,
    },
    /// A property, behind navigation properties or a range variable.
    Path(Vec<String>),
    /// A literal.
    Literal(Literal),
}

/// An argument of a function: by position, or `Name=value` (query functions).
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// `PropertyName`; none where the position counts.
    pub name: Option<String>,
    /// What stands behind it.
    pub value: ArgumentValue,
}

/// What stands as an argument.
#[derive(Debug, Clone, PartialEq)]
pub enum ArgumentValue {
    /// An expression; of query functions a literal.
    Expression(Expression),
    /// A JSON array of texts, numbers or truth values, each as its text.
    List(Vec<String>),
}

/// Parses a `$filter`. `alias` looks up parameter aliases (`@p1`).
///
/// # Errors
/// 400 `0x80060888` with the position of what cannot be read; nesting deeper than 100 is refused.
pub fn parse(
    text: &str,
    alias: &dyn Fn(&str) -> Option<String>,
) -> Result<Expression, SyntaxError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        text,
        alias,
        depth: 0,
    };
    let expression = parser.disjunction()?;
    parser.expect(&TokenKind::End)?;
    Ok(expression)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    text: &'a str,
    alias: &'a dyn Fn(&str) -> Option<String>,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        let last = self.tokens.len().saturating_sub(1);
        &self.tokens[self.next.min(last)]
    }

    fn take(&mut self) -> TokenKind {
        let kind = self.peek().kind.clone();
        self.next += 1;
        kind
    }

    fn error(&self) -> SyntaxError {
        syntax_error(self.peek().at, self.text)
    }

    fn expect(&mut self, kind: &TokenKind) -> Result<(), SyntaxError> {
        if self.peek().kind != *kind {
            return Err(self.error());
        }
        self.next += 1;
        Ok(())
    }

    fn at_word(&self, word: &str) -> bool {
        matches!(&self.peek().kind, TokenKind::Word(found) if found == word)
    }

    fn disjunction(&mut self) -> Result<Expression, SyntaxError> {
        let mut terms = vec![self.conjunction()?];
        while self.at_word("or") {
            self.next += 1;
            terms.push(self.conjunction()?);
        }
        Ok(if terms.len() == 1 {
            terms.remove(0)
        } else {
            Expression::Or(terms)
        })
    }

    fn conjunction(&mut self) -> Result<Expression, SyntaxError> {
        let mut terms = vec![self.negation()?];
        while self.at_word("and") {
            self.next += 1;
            terms.push(self.negation()?);
        }
        Ok(if terms.len() == 1 {
            terms.remove(0)
        } else {
            Expression::And(terms)
        })
    }

    fn negation(&mut self) -> Result<Expression, SyntaxError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(SyntaxError::request(
                "The node count limit of '100' has been exceeded.",
            ));
        }
        let expression = if self.at_word("not") {
            self.next += 1;
            Expression::Not(Box::new(self.negation()?))
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn comparison(&mut self) -> Result<Expression, SyntaxError> {
        let left = self.operand()?;
        let TokenKind::Word(word) = &self.peek().kind else {
            return Ok(left);
        };
        let operator = match word.as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "gt" => Operator::GreaterThan,
            "ge" => Operator::GreaterThanOrEqual,
            "lt" => Operator::LessThan,
            "le" => Operator::LessThanOrEqual,
            "in" => return Err(SyntaxError::request("The 'in' operator is not supported.")),
            _ => return Ok(left),
        };
        self.next += 1;
        let right = self.operand()?;
        Ok(Expression::Compare(
            Box::new(left),
            operator,
            Box::new(right),
        ))
    }

    fn operand(&mut self) -> Result<Expression, SyntaxError> {
        let literal = match self.peek().kind.clone() {
            TokenKind::Text(text) => Literal::Text(text),
            TokenKind::Integer(integer) => Literal::Integer(integer),
            TokenKind::Number(number) => Literal::Number(number),
            TokenKind::Guid(guid) => Literal::Guid(guid),
            TokenKind::Date(date) => Literal::Date(date),
            TokenKind::DateTime(moment) => Literal::DateTime(moment),
            TokenKind::Open => {
                self.next += 1;
                let inner = self.disjunction()?;
                self.expect(&TokenKind::Close)?;
                return Ok(inner);
            }
            TokenKind::Word(word) => return self.word(&word),
            TokenKind::List(_)
            | TokenKind::Close
            | TokenKind::Comma
            | TokenKind::Slash
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::End => return Err(self.error()),
        };
        self.next += 1;
        Ok(Expression::Literal(literal))
    }

    fn word(&mut self, word: &str) -> Result<Expression, SyntaxError> {
        match word {
            "null" => self.literal(Literal::Null),
            "true" => self.literal(Literal::Boolean(true)),
            "false" => self.literal(Literal::Boolean(false)),
            alias if alias.starts_with('@') => {
                let Some(value) = (self.alias)(alias) else {
                    return Err(SyntaxError::request(format!(
                        "The parameter alias '{alias}' has no value."
                    )));
                };
                // An alias stands for one literal, never for another alias.
                let literal = parse(&value, &|_| None)?;
                self.next += 1;
                if matches!(literal, Expression::Literal(_)) {
                    Ok(literal)
                } else {
                    Err(self.error())
                }
            }
            _ => self.path_or_call(),
        }
    }

    fn literal(&mut self, literal: Literal) -> Result<Expression, SyntaxError> {
        self.next += 1;
        Ok(Expression::Literal(literal))
    }

    fn path_or_call(&mut self) -> Result<Expression, SyntaxError> {
        let mut path = Vec::new();
        loop {
            let TokenKind::Word(word) = self.take() else {
                self.next = self.next.saturating_sub(1);
                return Err(self.error());
            };
            if self.peek().kind == TokenKind::Open {
                self.next += 1;
                return match word.as_str() {
                    "any" | "all" if !path.is_empty() => self.lambda(path, word == "any"),
                    _ if path.is_empty() => self.call(word),
                    _ => Err(self.error()),
                };
            }
            path.push(word);
            if self.peek().kind != TokenKind::Slash {
                return Ok(Expression::Path(path));
            }
            self.next += 1;
        }
    }

    fn lambda(&mut self, path: Vec<String>, any: bool) -> Result<Expression, SyntaxError> {
        if any && self.peek().kind == TokenKind::Close {
            self.next += 1;
            return Ok(Expression::Lambda {
                path,
                any,
                variable: String::new(),
                condition: None,
            });
        }
        let TokenKind::Word(variable) = self.take() else {
            return Err(self.error());
        };
        self.expect(&TokenKind::Colon)?;
        let condition = Some(Box::new(self.disjunction()?));
        self.expect(&TokenKind::Close)?;
        Ok(Expression::Lambda {
            path,
            any,
            variable,
            condition,
        })
    }

    fn call(&mut self, function: String) -> Result<Expression, SyntaxError> {
        let mut arguments = Vec::new();
        while self.peek().kind != TokenKind::Close {
            if !arguments.is_empty() {
                self.expect(&TokenKind::Comma)?;
            }
            let named = self
                .tokens
                .get(self.next + 1)
                .is_some_and(|token| token.kind == TokenKind::Equals);
            let name = if let TokenKind::Word(name) = self.peek().kind.clone()
                && named
            {
                self.next += 2;
                Some(name)
            } else {
                None
            };
            let value = if let TokenKind::List(list) = self.peek().kind.clone() {
                let items: Vec<serde_json::Value> = serde_json::from_str(&list)
                    .or_else(|_| serde_json::from_str(&list.replace('\'', "\"")))
                    .map_err(|_| self.error())?;
                let texts = items.into_iter().map(|item| match item {
                    serde_json::Value::String(text) => Some(text),
                    serde_json::Value::Number(number) => Some(number.to_string()),
                    serde_json::Value::Bool(truth) => Some(truth.to_string()),
                    serde_json::Value::Null
                    | serde_json::Value::Array(_)
                    | serde_json::Value::Object(_) => None,
                });
                let texts = texts
                    .collect::<Option<Vec<String>>>()
                    .ok_or_else(|| self.error())?;
                self.next += 1;
                ArgumentValue::List(texts)
            } else {
                ArgumentValue::Expression(self.disjunction()?)
            };
            arguments.push(Argument { name, value });
        }
        self.next += 1;
        Ok(Expression::Call(function, arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> Expression {
        Expression::Path(name.split('/').map(str::to_owned).collect())
    }

    fn parsed(text: &str) -> Expression {
        parse(text, &|_| None).unwrap()
    }

    #[test]
    fn precedence_is_not_and_or() {
        let eq = |name: &str, value| {
            Expression::Compare(
                Box::new(path(name)),
                Operator::Equal,
                Box::new(Expression::Literal(Literal::Integer(value))),
            )
        };
        assert_eq!(
            parsed("not a eq 1 and b eq 2 or c eq 3"),
            Expression::Or(vec![
                Expression::And(vec![Expression::Not(Box::new(eq("a", 1))), eq("b", 2)]),
                eq("c", 3)
            ])
        );
        assert_eq!(
            parsed("a eq 1 and (b eq 2)"),
            Expression::And(vec![eq("a", 1), eq("b", 2)])
        );
    }

    #[test]
    fn functions_paths_lambdas_and_aliases() {
        assert!(
            matches!(parsed("contains(a/b,'x')"), Expression::Call(name, arguments) if name == "contains" && arguments.len() == 2)
        );
        assert!(matches!(
            parsed("Account_Tasks/any(t:t/statecode eq 0)"),
            Expression::Lambda {
                any: true,
                condition: Some(_),
                ..
            }
        ));
        let Expression::Call(name, arguments) = parsed(
            "Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=[\"A\",\"B'C\"])",
        ) else {
            panic!("a call")
        };
        assert_eq!(name, "Microsoft.Dynamics.CRM.In");
        assert_eq!(
            arguments[1].value,
            ArgumentValue::List(vec!["A".into(), "B'C".into()])
        );
        let aliased = parse("a eq @p1", &|alias| {
            (alias == "@p1").then(|| "'x'".to_owned())
        })
        .unwrap();
        assert_eq!(aliased, parsed("a eq 'x'"));
    }

    #[test]
    fn nonsense_is_an_error_not_a_panic() {
        for text in [
            "",
            "a eq",
            "eq eq eq eq",
            "(((",
            "a eq 1)",
            "a/",
            "f(",
            "not",
            "a eq 'x",
            "a eq [",
            "a b c",
            "'",
            "@",
            "any(x:x eq 1)",
            "a/any(",
            "a/any(x",
            "a eq 99999999999999999999999999x",
        ] {
            assert!(parse(text, &|_| None).is_err(), "{text}");
        }
        assert!(parse(&"(".repeat(100_000), &|_| None).is_err());
        assert!(parse(&"not ".repeat(100_000), &|_| None).is_err());
    }
}
