//! The executable under test: built from this source tree, once per test run, with the profile of the tests and with crash points
//! that the environment can arm.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `boxoffice` executable: `BOXOFFICE_BIN` if that is set, else built now.
///
/// # Panics
/// When it cannot be built.
pub fn boxoffice() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("BOXOFFICE_BIN") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

/// The root of the source tree.
#[must_use]
pub fn source_tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace")
}

/// A folder for the files of test runs, on the same disk as the build.
#[must_use]
pub fn scratch() -> PathBuf {
    let folder = std::env::var_os("BOXOFFICE_TEST_DIR").map_or_else(|| target_and_profile().0.join("tmp"), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the scratch folder can be created");
    folder
}

/// The target folder and the profile's folder name, from where this executable lies: `target/debug/deps/it-0123`.
fn target_and_profile() -> (PathBuf, String) {
    let this = std::env::current_exe().expect("the operating system knows this executable");
    let mut folder = this.parent().expect("an executable lies in a folder");
    if folder.ends_with("deps") {
        folder = folder.parent().expect("deps lies in a profile's folder");
    }
    let profile = folder.file_name().expect("the profile's folder has a name").to_string_lossy().into_owned();
    (folder.parent().expect("the profile's folder lies in the target folder").to_path_buf(), profile)
}

/// Cargo itself takes the lock that keeps two test runs from building at once.
fn build() -> PathBuf {
    let (target, folder) = target_and_profile();
    let profile = if folder == "debug" { "dev" } else { &folder };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--package",
            "boxoffice",
            "--bin",
            "boxoffice",
            "--features",
            "crash-points,fuzz",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(source_tree())
        .status()
        .expect("cargo can be started");
    assert!(status.success(), "cargo build of the boxoffice executable failed");
    target.join(folder).join("boxoffice")
}
