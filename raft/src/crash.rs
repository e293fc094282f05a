//! Named places where a test can make the process die: `crash_point!("log.after_write")`.
//!
//! `BOXOFFICE_CRASH=log.after_write:7` aborts the process on the 7th hit of that point (`:1` may be left out). With
//! `BOXOFFICE_CRASH=@FILE` the point is read from that file at each hit, so that a running process can be armed; the file is removed
//! before the process dies. The points exist only in
//! test builds and under the cargo feature `crash-points`; otherwise they compile to nothing.

/// Aborts the process here when the environment armed this point, see [`crash`](crate::crash).
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash::hit($name)
    };
}

/// Counts a hit of the point `name` and aborts when it is the armed one. Called through [`crash_point!`](crate::crash_point).
#[cfg(any(test, feature = "crash-points"))]
pub fn hit(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WISH: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("BOXOFFICE_CRASH").ok());
    static ARMED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| WISH.as_deref().and_then(parse));
    static HITS: AtomicU64 = AtomicU64::new(0);
    if let Some(file) = WISH.as_deref().and_then(|wish| wish.strip_prefix('@')) {
        if std::fs::read_to_string(file).is_ok_and(|point| point == name) && std::fs::remove_file(file).is_ok() {
            tracing::error!(point = name, "crash point reached, aborting");
            std::process::abort();
        }
        return;
    }
    if let Some((armed, on_hit)) = &*ARMED
        && armed == name
        && HITS.fetch_add(1, Ordering::Relaxed) + 1 == *on_hit
    {
        tracing::error!(point = name, "crash point reached, aborting");
        std::process::abort();
    }
}

/// Does nothing: crash points are not compiled into this build.
#[cfg(not(any(test, feature = "crash-points")))]
#[inline(always)]
pub fn hit(_name: &str) {}

/// Reads `name` or `name:n`, n counted from 1.
#[cfg(any(test, feature = "crash-points"))]
fn parse(text: &str) -> Option<(String, u64)> {
    let (name, count) = text.rsplit_once(':').unwrap_or((text, "1"));
    let count: u64 = count.parse().ok()?;
    (!name.is_empty() && count > 0).then(|| (name.to_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_name_and_count() {
        assert_eq!(parse("log.after_write:7"), Some(("log.after_write".to_owned(), 7)));
        assert_eq!(parse("log.after_write"), Some(("log.after_write".to_owned(), 1)));
        assert_eq!(parse("log.after_write:x"), None);
        assert_eq!(parse(":3"), None);
        assert_eq!(parse("a:0"), None);
    }
}
