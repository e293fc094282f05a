//! Images as they go through the backend.

use async_trait::async_trait;
use boxoffice_ledger::ids::MediaHash;
use bytes::Bytes;

use super::{Answer, Caller, Context};

/// The widths that an image can be had in beside its own, in pixels.
pub const WIDTHS: [u32; 3] = [320, 640, 1280];

/// Largest upload, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 10 * 1024 * 1024;

/// What was kept of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMedia {
    /// The hash of the file as it is kept.
    pub hash: MediaHash,
    /// Its media type: image/jpeg or image/png.
    pub media_type: &'static str,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its length in bytes.
    pub bytes: usize,
}

/// A file to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaFile {
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub bytes: Bytes,
}

/// Images: kept outside the ledger, under the hash of their content.
#[async_trait]
pub trait MediaLibrary: Send + Sync + 'static {
    /// Keeps an image, without what its maker wrote into it; returns once it is durable on a majority of nodes. The same image
    /// again gives the same answer.
    async fn put_media(&self, cx: Context, caller: Caller, upload: Bytes) -> Answer<StoredMedia>;
    /// An image, in one of [`WIDTHS`] if one is asked for and the image is wider. What this node lacks it gets from the others.
    async fn media(&self, cx: Context, hash: MediaHash, width: Option<u32>) -> Answer<MediaFile>;
}
