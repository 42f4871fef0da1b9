//! Documents of older versions are read as what they would be today. A new version adds one step: what has to be done to a
//! document of the version before.

use toml::{Table, Value};

use super::CURRENT_VERSION;

/// Makes a document of one version one of the next.
type Step = fn(&mut Table);

/// The steps from version 1 on.
const STEPS: [Step; (CURRENT_VERSION - 1) as usize] = [];

/// The document as one of today's version; none if it is one already, is no TOML, or has a version that nobody knows.
pub(super) fn brought_up_to_date(text: &str) -> Option<String> {
    by(&STEPS, text)
}

fn by(steps: &[Step], text: &str) -> Option<String> {
    let mut document: Table = text.parse().ok()?;
    // What says nothing is of the first version.
    let version = document.get("version").map_or(Some(1), Value::as_integer)?;
    let done = usize::try_from(version.checked_sub(1)?).ok()?;
    let left = steps.get(done..).filter(|left| !left.is_empty())?;
    for step in left {
        step(&mut document);
    }
    let version = i64::try_from(steps.len() + 1).ok()?;
    document.insert("version".to_owned(), Value::Integer(version));
    toml::to_string(&document).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if version 2 had renamed a key, and version 3 had moved it.
    fn renamed(document: &mut Table) {
        if let Some(value) = document.remove("old") {
            document.insert("new".to_owned(), value);
        }
    }

    fn moved(document: &mut Table) {
        if let Some(value) = document.remove("new") {
            let section = Table::from_iter([("new".to_owned(), value)]);
            document.insert("section".to_owned(), Value::Table(section));
        }
    }

    #[test]
    fn each_step_is_taken_from_the_documents_version_on() {
        let steps: [Step; 2] = [renamed, moved];
        let text = |text: &str| by(&steps, text).map(|text| text.parse::<Table>().unwrap());
        let today: Table = "version = 3\n[section]\nnew = 7\n".parse().unwrap();
        assert_eq!(text("old = 7").unwrap(), today);
        assert_eq!(text("version = 1\nold = 7").unwrap(), today);
        assert_eq!(text("version = 2\nnew = 7").unwrap(), today);
        for other in [
            "version = 3",
            "version = 4",
            "version = 0",
            "version = \"1\"",
            "[",
        ] {
            assert_eq!(text(other), None, "{other}");
        }
    }
}
