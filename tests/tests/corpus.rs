//! The stored corpus of the fuzz targets, input by input: what once failed does not fail again.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/readers.rs"]
mod readers;

#[test]
fn every_stored_input_is_answered_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut folders: Vec<String> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut names: Vec<&str> = readers::READERS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(folders, names, "each reader has a corpus");
    for (name, reader) in readers::READERS {
        let inputs: Vec<_> = fs::read_dir(corpus.join(name)).unwrap().collect();
        assert!(inputs.len() >= 10, "{name}");
        for input in inputs {
            let path = input.unwrap().path();
            // The test's output names the input on which it ends.
            eprintln!("{}", path.display());
            reader(&fs::read(&path).unwrap());
        }
    }
}
