//! Every statement of RFC 6455, RFC 7692, RFC 8441 and RFC 9220 that the core can keep is cited by a test, and no test cites one
//! that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const RFCS: [&str; 4] = ["6455-", "7692-", "8441-", "9220-"];

/// The ids in a text: the RFC, a section, a number.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '-' || c == '.'))
        .map(|word| word.trim_matches(['.', '-']))
        .filter(|word| RFCS.iter().any(|rfc| word.starts_with(rfc)) && word.split('-').count() == 3)
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("the directory is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn each_is_cited_by_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let list = fs::read_to_string(tests.join("requirements.txt")).expect("the list is there");
    let known: BTreeMap<&str, &str> =
        list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect();

    let sources: Vec<String> = rust_files(&tests).iter().map(|file| fs::read_to_string(file).expect("UTF-8")).collect();
    let cited: BTreeSet<&str> = sources.iter().flat_map(|source| ids(source)).collect();

    let unknown: Vec<_> = cited.iter().filter(|id| !known.contains_key(**id)).collect();
    assert!(unknown.is_empty(), "cited but not in the list: {unknown:?}");

    let core: BTreeSet<&str> = known.iter().filter(|(_, who)| **who == "core").map(|(id, _)| *id).collect();
    let missing: Vec<_> = core.difference(&cited).collect();
    println!("{} of {} statements that the core keeps are cited", core.len() - missing.len(), core.len());
    assert!(missing.is_empty(), "not cited by any test: {missing:?}");
}
