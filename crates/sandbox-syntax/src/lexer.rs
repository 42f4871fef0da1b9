//! Tokens of the `$filter` language.

use crate::error::SyntaxError;

/// A token and the position (in characters) at which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A name: property, function, operator word, alias.
    Word(String),
    /// Text between single quotes, unescaped.
    Text(String),
    Integer(i64),
    Number(f64),
    /// Lower case.
    Guid(String),
    /// `2024-05-01`.
    Date(String),
    /// `2024-05-01T10:00:00Z` or with an offset.
    DateTime(String),
    /// A JSON array (argument of a query function), as written.
    List(String),
    Open,
    Close,
    Comma,
    Slash,
    Colon,
    Equals,
    End,
}

/// A point in time as tokens carry it: UTC, whole seconds.
fn moment_text(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Splits an expression into tokens. The last is always `End`.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        let start = at;
        let kind = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => single(&mut at, TokenKind::Open),
            ')' => single(&mut at, TokenKind::Close),
            ',' => single(&mut at, TokenKind::Comma),
            '/' => single(&mut at, TokenKind::Slash),
            ':' => single(&mut at, TokenKind::Colon),
            '=' => single(&mut at, TokenKind::Equals),
            '\'' => TokenKind::Text(quoted(&characters, &mut at, text)?),
            '[' => TokenKind::List(list(&characters, &mut at, text)?),
            _ => match guid(&characters, at) {
                Some(guid) => {
                    at += 36;
                    TokenKind::Guid(guid)
                }
                None if c.is_ascii_digit() || c == '-' => literal(&characters, &mut at, text)?,
                None if c.is_alphabetic() || matches!(c, '_' | '@' | '$') => {
                    let mut word = String::new();
                    while let Some(&c) = characters
                        .get(at)
                        .filter(|c| c.is_alphanumeric() || "_.@$".contains(**c))
                    {
                        word.push(c);
                        at += 1;
                    }
                    TokenKind::Word(word)
                }
                None => return Err(syntax_error(at, text)),
            },
        };
        tokens.push(Token { kind, at: start });
    }
    tokens.push(Token {
        kind: TokenKind::End,
        at: characters.len(),
    });
    Ok(tokens)
}

pub(crate) fn syntax_error(at: usize, text: &str) -> SyntaxError {
    SyntaxError::request(format!("Syntax error at position {at} in '{text}'."))
}

fn single(at: &mut usize, kind: TokenKind) -> TokenKind {
    *at += 1;
    kind
}

fn quoted(characters: &[char], at: &mut usize, text: &str) -> Result<String, SyntaxError> {
    let mut value = String::new();
    *at += 1;
    loop {
        match (characters.get(*at), characters.get(*at + 1)) {
            (Some('\''), Some('\'')) => {
                value.push('\'');
                *at += 2;
            }
            (Some('\''), _) => {
                *at += 1;
                return Ok(value);
            }
            (Some(&c), _) => {
                value.push(c);
                *at += 1;
            }
            (None, _) => {
                return Err(SyntaxError::request(format!(
                    "There is an unterminated literal at position {} in '{text}'.",
                    characters.len()
                )));
            }
        }
    }
}

/// A JSON array up to its closing bracket; brackets inside strings do not count.
fn list(characters: &[char], at: &mut usize, text: &str) -> Result<String, SyntaxError> {
    let start = *at;
    let mut value = String::new();
    let mut quote = None;
    let mut escaped = false;
    while let Some(&c) = characters.get(*at) {
        value.push(c);
        *at += 1;
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == ']' => return Ok(value),
            None => {}
        }
    }
    Err(syntax_error(start, text))
}

fn guid(characters: &[char], at: usize) -> Option<String> {
    let candidate: String = characters.get(at..at + 36)?.iter().collect();
    let followed = characters
        .get(at + 36)
        .is_some_and(|c| c.is_alphanumeric() || *c == '-');
    (!followed && is_guid(&candidate)).then(|| candidate.to_ascii_lowercase())
}

/// Is this 8-4-4-4-12 hexadecimal digits?
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, b)| match index {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn literal(characters: &[char], at: &mut usize, text: &str) -> Result<TokenKind, SyntaxError> {
    let start = *at;
    let mut word = String::new();
    while let Some(&c) = characters
        .get(*at)
        .filter(|c| c.is_ascii_alphanumeric() || "-+.:".contains(**c))
    {
        word.push(c);
        *at += 1;
    }
    if let Ok(integer) = word.parse() {
        return Ok(TokenKind::Integer(integer));
    }
    if let Ok(date) = word.parse::<jiff::civil::Date>()
        && word.len() == 10
    {
        return Ok(TokenKind::Date(date.to_string()));
    }
    if let Ok(moment) = word.parse::<jiff::Timestamp>() {
        return Ok(TokenKind::DateTime(moment_text(moment)));
    }
    match word
        .trim_end_matches(['M', 'm', 'd', 'f', 'D', 'F', 'L', 'l'])
        .parse::<f64>()
    {
        Ok(number) if number.is_finite() => Ok(TokenKind::Number(number)),
        Ok(_) | Err(_) => Err(syntax_error(start, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn literals() {
        use TokenKind::*;
        assert_eq!(kinds("'O''Brien'"), [Text("O'Brien".into()), End]);
        assert_eq!(kinds("12 -1200.5"), [Integer(12), Number(-1200.5), End]);
        assert_eq!(
            kinds("AF1C0000-0000-4000-8000-000000000001"),
            [Guid("af1c0000-0000-4000-8000-000000000001".into()), End]
        );
        assert_eq!(
            kinds("2024-05-01 2024-05-01T12:00:00+02:00"),
            [
                Date("2024-05-01".into()),
                DateTime("2024-05-01T10:00:00Z".into()),
                End
            ]
        );
        assert_eq!(
            kinds("[\"a]\",\"b'c\"]"),
            [List("[\"a]\",\"b'c\"]".into()), End]
        );
    }

    #[test]
    fn the_documented_text_of_an_unterminated_literal() {
        let error = tokens("lastname eq 'O'Bryan'").unwrap_err();
        assert_eq!(
            error.message,
            "There is an unterminated literal at position 21 in 'lastname eq 'O'Bryan''."
        );
    }
}
