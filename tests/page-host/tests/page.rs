//! The main job without a display: back end, practice visitor, and the same page in a headless browser.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_practice_visitor_is_recognised_and_the_page_is_rendered() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("page.png");
    let run = Command::new(env!("CARGO_BIN_EXE_page-host"))
        .args(["--practice", "--play", "dana", "--json", "--render"])
        .arg(&picture)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let said: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        said["recognition"]["contact"]["record"]["name"],
        "Dana Vermeer"
    );
    assert_eq!(
        said["recognition"]["account"]["record"]["name"],
        "Northwind Traders"
    );
    assert_eq!(said["recognition"]["state"], "live");
    let rendered = std::fs::read(picture).unwrap();
    assert!(rendered.starts_with(b"\x89PNG") && rendered.len() > 10_000);
}
