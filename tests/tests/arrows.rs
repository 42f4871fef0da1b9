//! The arrows between the crates, as cargo resolves them on this machine.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests fail the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Crates through which code could reach a runtime, a network, a database or the file system.
const INPUT_OUTPUT: [&str; 16] = [
    "tokio",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "reqwest",
    "hyper",
    "ureq",
    "axum",
    "rustls",
    "sqlx",
    "sqlx-core",
    "libsqlite3-sys",
    "rusqlite",
    "tempfile",
    "walkdir",
];

const WINDOW: [&str; 5] = ["tauri", "tauri-runtime", "wry", "tao", "webkit2gtk"];

#[derive(Clone, Copy, PartialEq)]
enum Edges {
    /// What is built into the crate.
    Normal,
    /// Also what only its tests use.
    WithTests,
}

struct Graph {
    names: BTreeMap<PackageId, String>,
    ours: BTreeSet<String>,
    metadata: Metadata,
}

impl Graph {
    fn read() -> Graph {
        let rustc = Command::new("rustc").arg("-vV").output().unwrap();
        let rustc = String::from_utf8(rustc.stdout).unwrap();
        let host = rustc
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap()
            .to_owned();
        // Without a platform cargo would want the crates of all platforms.
        let metadata = MetadataCommand::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .other_options(["--filter-platform".to_owned(), host])
            .exec()
            .unwrap();
        let names = metadata
            .packages
            .iter()
            .map(|package| (package.id.clone(), package.name.to_string()))
            .collect();
        let ours = metadata
            .workspace_packages()
            .iter()
            .map(|package| package.name.to_string())
            .collect();
        Graph {
            names,
            ours,
            metadata,
        }
    }

    /// Every crate that ends up in this one of ours, directly or not.
    fn reached(&self, name: &str, edges: Edges) -> BTreeSet<String> {
        let start = self
            .names
            .iter()
            .find(|(_, other)| *other == name)
            .unwrap()
            .0;
        let mut open = self.direct(start, edges);
        let mut reached = BTreeSet::new();
        while let Some(id) = open.pop() {
            if reached.insert(id.clone()) {
                // The tests of a dependency are not built.
                open.extend(self.direct(&id, Edges::Normal));
            }
        }
        reached
            .into_iter()
            .map(|id| self.names[&id].clone())
            .collect()
    }

    fn direct(&self, id: &PackageId, edges: Edges) -> Vec<PackageId> {
        let nodes = &self.metadata.resolve.as_ref().unwrap().nodes;
        let node = nodes.iter().find(|node| node.id == *id).unwrap();
        let built = |kind: DependencyKind| {
            kind == DependencyKind::Normal
                || (kind == DependencyKind::Development && edges == Edges::WithTests)
        };
        let built_in = node
            .deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| built(kind.kind)));
        built_in.map(|dependency| dependency.pkg.clone()).collect()
    }

    fn ours_reached(&self, name: &str, edges: Edges) -> Vec<String> {
        self.reached(name, edges)
            .into_iter()
            .filter(|name| self.ours.contains(name))
            .collect()
    }

    fn ours_that_reach(&self, wanted: &str) -> Vec<String> {
        let ours = self
            .ours
            .iter()
            .filter(|name| self.reached(name, Edges::Normal).contains(wanted));
        ours.cloned().collect()
    }
}

fn among(reached: &BTreeSet<String>, forbidden: &[&str]) -> Vec<String> {
    reached
        .iter()
        .filter(|name| forbidden.contains(&name.as_str()))
        .cloned()
        .collect()
}

const NONE: [&str; 0] = [];

#[test]
fn only_the_shell_depends_on_tauri() {
    let graph = Graph::read();
    let shell = graph.reached("dynamics-companion", Edges::Normal);
    assert_eq!(
        among(&shell, &WINDOW),
        ["tao", "tauri", "tauri-runtime", "webkit2gtk", "wry"]
    );
    for name in graph
        .ours
        .iter()
        .filter(|name| *name != "dynamics-companion")
    {
        assert_eq!(
            among(&graph.reached(name, Edges::WithTests), &WINDOW),
            NONE,
            "{name}"
        );
    }
}

#[test]
fn integration_does_no_input_or_output() {
    let graph = Graph::read();
    for name in ["integration", "comm100", "sandbox-syntax"] {
        assert_eq!(
            among(&graph.reached(name, Edges::Normal), &INPUT_OUTPUT),
            NONE,
            "{name}"
        );
    }
    assert_eq!(
        graph.ours_reached("integration", Edges::Normal),
        ["comm100"]
    );
    // The same question finds them where they are.
    assert!(
        among(&graph.reached("dataverse", Edges::Normal), &INPUT_OUTPUT)
            .contains(&"reqwest".to_owned())
    );
    assert!(
        among(&graph.reached("store", Edges::Normal), &INPUT_OUTPUT).contains(&"sqlx".to_owned())
    );
}

#[test]
fn the_outer_edges_do_not_know_each_other() {
    let graph = Graph::read();
    for name in ["comm100", "dataverse", "store", "sandbox-syntax"] {
        assert_eq!(graph.ours_reached(name, Edges::WithTests), NONE, "{name}");
    }
    assert_eq!(
        graph.ours_reached("sandbox", Edges::WithTests),
        ["sandbox-syntax"]
    );
}

#[test]
fn the_back_end_stands_on_its_four_crates() {
    let graph = Graph::read();
    assert_eq!(
        graph.ours_reached("backend", Edges::Normal),
        ["comm100", "dataverse", "integration", "store"]
    );
}

#[test]
fn only_programs_and_tests_start_the_practice_organization() {
    let graph = Graph::read();
    let allowed = [
        "checks",
        "cli",
        "dynamics-companion",
        "page-host",
        "practice",
    ];
    let found = graph.ours_that_reach("sandbox");
    assert!(
        found.iter().all(|name| allowed.contains(&name.as_str())),
        "{found:?}"
    );
    assert!(found.contains(&"dynamics-companion".to_owned()));
}
