//! The images of the fake: one that is there; an upload is an image if it says so.

use async_trait::async_trait;

use super::*;

#[async_trait]
impl MediaLibrary for Fake {
    async fn put_media(&self, _: Context, _: Caller, upload: bytes::Bytes) -> Answer<StoredMedia> {
        self.enter(&format!("put_media {}", upload.len()))?;
        if !upload.starts_with(b"an image") {
            let detail = "not an image".into();
            return Err(Failure::Invalid(vec![Problem { pointer: String::new(), code: "not_an_image", detail }]));
        }
        Ok(StoredMedia { hash: image_id(), media_type: "image/jpeg", width: 64, height: 48, bytes: 1000 })
    }

    async fn media(&self, _: Context, hash: MediaHash, width: Option<u32>) -> Answer<MediaFile> {
        self.enter(&format!("media {width:?}"))?;
        let found = MediaFile { media_type: "image/jpeg", bytes: "an image".into() };
        if hash == image_id() { Ok(found) } else { Err(Failure::NotFound("image")) }
    }
}
