//! Images in answers.

use boxoffice_ledger::ids::MediaHash;
use schemars::JsonSchema;
use serde::Serialize;

use super::Text;

/// An image of an event.
#[derive(Serialize, JsonSchema)]
pub struct ImageOut {
    id: Text<MediaHash>,
    /// Where it is; `?width=` of 320, 640 or 1280 gives a smaller one.
    url: String,
}

impl ImageOut {
    /// An image that is served at this base: the beginning of its address.
    #[must_use]
    pub fn new(image: MediaHash, base: &str) -> Self {
        Self { id: Text(image), url: format!("{base}/media/{image}") }
    }
}

/// An image that was uploaded.
#[derive(Serialize, JsonSchema)]
pub struct MediaOut {
    #[schemars(extend("const" = "media"))]
    object: &'static str,
    id: Text<MediaHash>,
    url: String,
    #[schemars(extend("enum" = ["image/jpeg", "image/png"]))]
    media_type: &'static str,
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
    /// Of the file as it is kept.
    bytes: usize,
}

impl MediaOut {
    /// What was kept of an upload.
    #[must_use]
    pub fn new(media: &crate::backend::StoredMedia, base: &str) -> Self {
        Self {
            object: "media",
            id: Text(media.hash),
            url: format!("{base}/media/{}", media.hash),
            media_type: media.media_type,
            width: media.width,
            height: media.height,
            bytes: media.bytes,
        }
    }
}
