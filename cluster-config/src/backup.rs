//! The section `[backup]`: where backups go, how often they are made, and how many are kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::media::Bucket;

/// The section. The same on every node, but for `dir`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Whether backups are made on a schedule.
    pub enabled: bool,
    /// Where they go: a directory, best on a disk or a machine of its own. Default: `backups` in `data_dir`, which is lost with it.
    pub dir: Option<PathBuf>,
    /// Hours between two full backups.
    pub every_hours: u32,
    /// Seconds after which what happened since is added to the newest one: this much is lost when every node is.
    pub ship_seconds: u32,
    /// Full backups that are kept.
    pub keep: u32,
    /// How fast states and entries are read and compressed, in MiB a second: bookings go on meanwhile.
    pub mib_per_second: u32,
    /// A file with the key that backups are encrypted with: 64 hexadecimal digits. Without it nobody can read them, so keep a copy
    /// elsewhere. Default: they are not encrypted.
    pub key_file: Option<PathBuf>,
    /// A bucket of an S3-compatible service, instead of a directory.
    pub s3: Option<Bucket>,
}

impl Default for Backup {
    fn default() -> Self {
        let (every_hours, ship_seconds, keep, mib_per_second) = (24, 60, 7, 16);
        Self { enabled: true, dir: None, every_hours, ship_seconds, keep, mib_per_second, key_file: None, s3: None }
    }
}

/// A year, in hours; and a day, in seconds.
const EVERY_HOURS_MAX: u32 = 8_760;
const SHIP_SECONDS_MAX: u32 = 86_400;

impl Backup {
    /// Everything that is wrong with it.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.dir.is_some() && self.s3.is_some() {
            found.push("backup: name either dir or s3".into());
        }
        let numbers = [
            ("every_hours", self.every_hours, EVERY_HOURS_MAX),
            ("ship_seconds", self.ship_seconds, SHIP_SECONDS_MAX),
            ("keep", self.keep, 1_000),
            ("mib_per_second", self.mib_per_second, 100_000),
        ];
        for (name, number, most) in numbers {
            if !(1..=most).contains(&number) {
                found.push(format!("backup.{name} = {number}: use 1 to {most}"));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right_and_mistakes_are_named() {
        assert_eq!(Backup::default().mistakes(), Vec::<String>::new());
        let text = "dir = \"x\"\nkeep = 0\nship_seconds = 100000\n\
                    [s3]\nbucket = \"b\"\nregion = \"r\"\naccess_key_file = \"a\"\nsecret_key_file = \"s\"\n";
        let backup: Backup = toml::from_str(text).unwrap();
        assert_eq!(backup.mistakes().len(), 3, "{:?}", backup.mistakes());
        assert_eq!(toml::from_str::<Backup>(&toml::to_string(&backup).unwrap()).unwrap(), backup);
    }
}
