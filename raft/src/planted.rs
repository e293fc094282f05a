//! Bugs that a test build can be told to have, so that the fault tests themselves can be tested: what finds nothing in a broken server
//! proves nothing about a good one.
//!
//! `BOXOFFICE_PLANTED=skip-fsync,stale-reads` switches them on. They exist under the cargo feature `crash-points` only; otherwise every
//! question is answered with no at compile time.

/// Whether this process was told to have this bug.
#[cfg(feature = "crash-points")]
#[must_use]
pub fn has(bug: &str) -> bool {
    use std::sync::LazyLock;
    static BUGS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let bugs = std::env::var("BOXOFFICE_PLANTED").unwrap_or_default();
        bugs.split(',').filter(|bug| !bug.is_empty()).map(str::to_owned).collect()
    });
    BUGS.iter().any(|planted| planted == bug)
}

/// No bugs are planted in this build.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
#[must_use]
pub fn has(_bug: &str) -> bool {
    false
}
