//! What is printed: one JSON document, or text for a person.

use std::io::Write;

use backend::Problem;
use serde::Serialize;
use serde_json::json;

/// A problem as scripts read it.
#[derive(Serialize)]
pub(crate) struct ProblemAnswer {
    code: String,
    pub(crate) message: String,
    pub(crate) next_step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl From<&Problem> for ProblemAnswer {
    fn from(problem: &Problem) -> Self {
        let Problem {
            code,
            message,
            next_step,
            retry_at,
            request_id,
        } = problem.clone();
        ProblemAnswer {
            code,
            message,
            next_step,
            retry_at,
            request_id,
        }
    }
}

/// How to print.
pub(crate) struct Output {
    /// As one JSON document.
    pub(crate) json: bool,
}

impl Output {
    /// Prints a result: `value` as JSON, or `text` for a person.
    pub(crate) fn result(
        &self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Problem> {
        let printed = if self.json {
            serde_json::to_string(value).map_err(not_written)?
        } else {
            text()
        };
        line_out(&printed)
    }

    /// Prints a JSON line whatever the flags: the first line of a command that keeps running.
    pub(crate) fn announce(&self, value: &impl Serialize) -> Result<(), Problem> {
        line_out(&serde_json::to_string(value).map_err(not_written)?)
    }

    /// Prints a failure.
    pub(crate) fn failure(&self, problem: &Problem) {
        let printed = if self.json {
            line_out(&json!({ "error": ProblemAnswer::from(problem) }).to_string())
        } else {
            writeln!(
                std::io::stderr(),
                "{}\n{}\n({})",
                line(&problem.message),
                line(&problem.next_step),
                problem.code
            )
            .map_err(not_written)
        };
        if let Err(problem) = printed {
            tracing::error!(
                error.code = problem.code,
                "the failure could not be printed"
            );
        }
    }
}

/// One line for a terminal. What a visitor or a record says can neither steer the terminal nor pretend to be another line
/// or to be written the other way round.
pub(crate) fn line(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(steers, " ")
}

fn line_out(line: &str) -> Result<(), Problem> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(not_written)
}

fn not_written(error: impl std::fmt::Display) -> Problem {
    Problem::new(
        "output_failed",
        format!("The result could not be written: {error}."),
        "Check where standard output leads to.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_says_does_not_steer_the_terminal() {
        let hostile = "Dana\u{1b}[2J\u{9b}1m\r\nAccount: \u{202e}forged\u{2069} Wéi 山田 🦊";
        assert_eq!(line(hostile), "Dana [2J 1m  Account:  forged  Wéi 山田 🦊");
    }
}
