//! Serves the page in an ordinary browser.
fn main() {}
