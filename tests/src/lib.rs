//! Checks that cross crates; they are in `tests/`. What the crates may depend on is drawn in ARCHITECTURE.md.
