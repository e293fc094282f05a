//! Images, as they are uploaded and named by events.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, Caller, Context, MediaFile, MediaLibrary, StoredMedia};
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::MediaHash;
use bytes::Bytes;

use super::Service;
use super::events::{invalid, need};

/// How long an upload may wait for a processor, however long it was on its way.
const DRAW_PATIENCE: Duration = Duration::from_secs(5);

#[async_trait]
impl MediaLibrary for Service {
    async fn put_media(&self, cx: Context, caller: Caller, upload: Bytes) -> Answer<StoredMedia> {
        need(caller, Role::Coordinator)?;
        let stored = self.media.add(cx.deadline.max(Instant::now() + DRAW_PATIENCE), upload).await?;
        tracing::info!(user = %caller.user, image = %stored.hash, bytes = stored.bytes, "an image was uploaded");
        Ok(stored)
    }

    async fn media(&self, cx: Context, hash: MediaHash, width: Option<u32>) -> Answer<MediaFile> {
        self.media.get(cx.deadline, hash, width).await
    }
}

impl Service {
    /// Refuses images that nobody has uploaded, so that no event names what cannot be shown.
    pub(super) async fn check_images(&self, images: &[MediaHash]) -> Answer<()> {
        for (place, image) in images.iter().enumerate() {
            if !self.media.ensure(*image).await? {
                return Err(invalid(&format!("/images/{place}"), "no_such_image", "upload it first: POST /media"));
            }
        }
        Ok(())
    }
}
