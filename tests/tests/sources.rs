//! Rules that no compiler knows, read off the sources.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The text files with one of these endings under a folder, with their paths from the root.
fn sources(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if ![
                    "target",
                    "node_modules",
                    "dist",
                    ".git",
                    "test-results",
                    "bindings",
                ]
                .contains(&name)
                {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let shown = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((shown, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The code without whole-line comments and without blanks, so that a path cannot hide in a line end.
fn code(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect()
}

/// The modules of `std` that a piece of code names, also within `use std::{…}`.
fn std_modules(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in code.split("std::").skip(1) {
        let group = rest
            .strip_prefix('{')
            .and_then(|group| group.split_once(';'))
            .map_or(rest, |(group, _)| group);
        let entries = if group.len() == rest.len() {
            vec![rest]
        } else {
            group.split(',').collect()
        };
        for entry in entries {
            let name = entry
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            found.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
    found
}

#[test]
fn std_modules_are_found_however_they_are_written() {
    assert_eq!(std_modules(&code("let x = std::fs::read(p);")), ["fs"]);
    assert_eq!(
        std_modules(&code(
            "use std::{\n    fmt,\n    net::IpAddr,\n};\nuse std::io;"
        )),
        ["fmt", "net", "io"]
    );
    assert_eq!(
        std_modules(&code("// std::fs is not used\nuse std :: str::FromStr;")),
        ["str"]
    );
}

#[test]
fn the_decisions_touch_nothing_outside() {
    let forbidden = ["fs", "net", "io", "process", "env", "thread", "time", "os"];
    for folder in ["crates/integration/src", "crates/comm100/src"] {
        let sources = sources(folder, &[".rs"]);
        assert!(sources.len() >= 5, "{folder}");
        for (path, text) in sources {
            let code = code(&text);
            let found: Vec<String> = std_modules(&code)
                .into_iter()
                .filter(|module| forbidden.contains(&module.as_str()))
                .collect();
            assert!(found.is_empty(), "{path} uses std::{found:?}");
            for name in ["tokio", "asyncfn", "Timestamp::now(", "Zoned::now("] {
                assert!(!code.contains(name), "{path} contains {name}");
            }
        }
    }
}

#[test]
fn only_the_pages_back_end_knows_tauri() {
    let sources = sources("ui/src", &[".ts", ".tsx"]);
    let users: Vec<&str> = sources
        .iter()
        .filter(|(_, text)| text.contains("@tauri-apps/"))
        .map(|(path, _)| path.as_str())
        .collect();
    assert!(!users.is_empty());
    for path in users {
        assert!(
            path.starts_with("ui/src/backend/"),
            "{path} imports @tauri-apps"
        );
    }
}

#[test]
fn nothing_needs_what_lies_outside_the_repository() {
    // In two parts, or this file would find itself.
    let outside = [concat!("../sha", "red"), concat!("/wo", "rk/")];
    let sources = sources(
        ".",
        &[
            ".rs", ".ts", ".tsx", ".js", ".json", ".toml", ".md", ".html", ".css", "run",
        ],
    );
    assert!(sources.len() > 50);
    for (path, text) in sources {
        for place in outside {
            assert!(!text.contains(place), "{path} contains {place}");
        }
    }
}
