//! The section `[recording]`: what its types cannot say.

use integration::phone;

use super::{Fault, Settings};
use crate::problem::Problem;

/// A chat that is longer over than this is not reopened.
const LONGEST_GRACE_SECONDS: u32 = 24 * 60 * 60;

impl Settings {
    pub(super) fn check_recording(&self, faults: &mut Vec<Fault>) {
        let recording = &self.recording;
        let mut invalid = |key: String, message: String, next_step: &str| {
            let problem = Problem::new("settings_recording_invalid", message, next_step);
            faults.push(Fault::new(key, problem));
        };
        if recording.grace_seconds > LONGEST_GRACE_SECONDS {
            invalid(
                "recording.grace_seconds".to_owned(),
                format!(
                    "The key `recording.grace_seconds` is {}: a day has {LONGEST_GRACE_SECONDS}.",
                    recording.grace_seconds
                ),
                "Write a time in seconds that is no longer than a day.",
            );
        }
        let exclude = &recording.exclude;
        let country = self.identification.default_country.as_deref();
        let is_phone = |text: &str| phone::Number::parse(text, country).is_some();
        let is_department = |text: &str| !text.trim().is_empty();
        let lists: [List<'_>; 4] = [
            (
                "emails",
                &exclude.emails,
                &is_email,
                "Write whole e-mail addresses, for example robot@contoso.com; a whole domain belongs to `domains`.",
            ),
            (
                "domains",
                &exclude.domains,
                &is_domain,
                "Write the domain alone, for example contoso.com; its sub-domains are meant too.",
            ),
            (
                "phones",
                &exclude.phones,
                &is_phone,
                "Write whole telephone numbers, best with their country code: +44 20 7946 0018.",
            ),
            (
                "departments",
                &exclude.departments,
                &is_department,
                "Write the department's name as Comm100 shows it.",
            ),
        ];
        for (key, texts, is_right, next_step) in lists {
            let wrong = texts.iter().enumerate();
            for (place, _) in wrong.filter(|(_, text)| !is_right(text)) {
                invalid(
                    format!("recording.exclude.{key}.{place}"),
                    format!(
                        "The key `recording.exclude.{key}` has a wrong entry, number {}.",
                        place + 1
                    ),
                    next_step,
                );
            }
        }
    }
}

/// The key of a list, its entries, what an entry must be like, and what to write instead.
type List<'a> = (&'a str, &'a [String], &'a dyn Fn(&str) -> bool, &'a str);

/// Whether this can be somebody's address: `name@domain`.
fn is_email(text: &str) -> bool {
    let harmless = |c: char| !c.is_whitespace() && !c.is_control();
    text.rsplit_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && name.len() <= 64 && name.chars().all(harmless) && is_domain(domain)
    })
}

/// Whether this is a domain of at least two labels: `contoso.com`, also in the letters of its own language.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_is_read_and_checked() {
        let settings = Settings::parse(
            "[recording]\nmode = \"automatic\"\naction = \"lead-and-task\"\nupdate = \"keep\"\nwhen_ambiguous = \"first\"\n\
             owner = \"agent\"\ngrace_seconds = 86400\n[recording.exclude]\nemails = [\"robot@contoso.com\"]\n\
             domains = [\"contoso.com\", \"münchen.example\"]\nphones = [\"+44 20 7946 0018\"]\ndepartments = [\"Sales\"]",
        )
        .unwrap();
        assert_eq!(settings.recording.grace_seconds, 86_400);
        assert_eq!(settings.recording.exclude.domains.len(), 2);
        for (text, code, part) in [
            (
                "grace_seconds = 86401",
                "settings_recording_invalid",
                "`recording.grace_seconds`",
            ),
            ("mode = \"sometimes\"", "settings_wrong_value", "Line 2"),
            (
                "acton = \"contact\"",
                "settings_unknown_key",
                "`recording.acton`",
            ),
            (
                "exclude.emails = [\"a@b.example\", \"contoso.com\"]",
                "settings_recording_invalid",
                "`recording.exclude.emails` has a wrong entry, number 2",
            ),
            (
                "exclude.domains = [\"@contoso.com\"]",
                "settings_recording_invalid",
                "`recording.exclude.domains`",
            ),
            (
                "exclude.domains = [\"com\"]",
                "settings_recording_invalid",
                "`recording.exclude.domains`",
            ),
            (
                "exclude.phones = [\"12\"]",
                "settings_recording_invalid",
                "`recording.exclude.phones`",
            ),
            (
                "exclude.departments = [\" \"]",
                "settings_recording_invalid",
                "`recording.exclude.departments`",
            ),
        ] {
            let problem = Settings::parse(&format!("[recording]\n{text}")).unwrap_err();
            assert_eq!(problem.code, code, "{text}: {}", problem.message);
            assert!(
                problem.message.contains(part),
                "{text}: {}",
                problem.message
            );
        }
    }
}
