//! The section `[media]`: where images are kept, and where clients get them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Where this node keeps images; default: `media` in `data_dir`. Each node keeps all of them.
    pub dir: Option<PathBuf>,
    /// Where clients get images: the address of a CDN that asks this cluster, such as `https://cdn.example.net`. Default: at each
    /// node itself. The same on every node. It is the one foreign host that the page may load images from.
    pub base_url: Option<String>,
    /// A bucket of an S3-compatible service that all nodes share, instead of a directory of each.
    pub s3: Option<Bucket>,
}

/// A bucket. Its keys stand in files of their own, never here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    pub bucket: String,
    /// The service's region.
    pub region: String,
    /// The service's address; default: that of AWS.
    pub endpoint: Option<String>,
    /// A file with the id of the access key.
    pub access_key_file: PathBuf,
    /// A file with the secret access key.
    pub secret_key_file: PathBuf,
}

impl Media {
    /// Everything that is wrong with it.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(url) = self.base_url.as_deref().filter(|url| !is_plain_site(url)) {
            found.push(format!("media.base_url = {url:?}: write https://host, perhaps with a path of plain letters"));
        }
        if self.dir.is_some() && self.s3.is_some() {
            found.push("media: name either dir or s3".into());
        }
        if let Some(endpoint) = self.s3.as_ref().and_then(|s3| s3.endpoint.as_deref()).filter(|url| !is_plain_site(url)) {
            found.push(format!("media.s3.endpoint = {endpoint:?}: write https://host"));
        }
        found
    }

    /// The beginning of the addresses of images, without a slash at its end; empty when each node serves them.
    #[must_use]
    pub fn base(&self) -> &str {
        self.base_url.as_deref().unwrap_or_default().trim_end_matches('/')
    }
}

/// An http(s) address that can stand in a header as it is.
fn is_plain_site(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~:/[]".contains(letter);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_images_is_plain() {
        let with = |url: &str| Media { base_url: Some(url.into()), ..Media::default() };
        for good in ["https://cdn.example.net", "http://127.0.0.1:8080/pictures/", "https://[::1]:443"] {
            assert_eq!(with(good).mistakes(), Vec::<String>::new(), "{good}");
            assert!(!with(good).base().ends_with('/'));
        }
        for bad in ["", "cdn.example.net", "ftp://x", "https://", "https:///x", "https://x; script-src *", "https://x/?y", "https://me@x"] {
            assert_eq!(with(bad).mistakes().len(), 1, "{bad}");
        }
        assert_eq!(Media::default().base(), "");
    }

    #[test]
    fn images_are_kept_in_one_kind_of_place() {
        let text =
            "dir = \"x\"\n[s3]\nbucket = \"b\"\nregion = \"r\"\nendpoint = \"x\"\naccess_key_file = \"a\"\nsecret_key_file = \"s\"\n";
        let media: Media = toml::from_str(text).unwrap();
        assert_eq!(media.mistakes().len(), 2);
        assert!(toml::from_str::<Media>("[s3]\nsecret = \"s\"\n").is_err(), "secrets do not stand here");
    }
}
