//! What some tests need of the machine: they are skipped loudly where it is missing, unless it is required.

use std::path::Path;

/// Whether this kind of test is required rather than skipped where it cannot run: `BOXOFFICE_REQUIRE=root,node,chromium`.
#[must_use]
pub fn is_required(kind: &str) -> bool {
    std::env::var("BOXOFFICE_REQUIRE").is_ok_and(|kinds| kinds.split(',').any(|required| required == kind))
}

/// Says loudly that a test is skipped, or fails if it is required.
///
/// # Panics
/// When it is required.
pub fn skip(kind: &str, why: &str) {
    assert!(!is_required(kind), "{kind} is required, but {why}");
    eprintln!("\n*** SKIPPED (needs {kind}): {why} ***\n");
}

/// Whether a file of the machine is there.
#[must_use]
pub fn has_program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file()))
}
