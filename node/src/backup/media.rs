//! Images in backups: each lies there once, under its hash, for all backups of a target. They are never removed.

use std::collections::HashSet;

use anyhow::{Context, ensure};
use boxoffice_ledger::ids::MediaHash;
use bytes::Bytes;
use futures::future::BoxFuture;

use super::format::name;
use super::seal::{self, ObjectReader};
use super::target::Target;
use crate::media::hash_of;

/// Bytes in one frame of an image.
const FRAME_BYTES: usize = 1024 * 1024;

/// Gives an image, if it can be had.
pub type Get<'a> = &'a (dyn Fn(MediaHash) -> BoxFuture<'a, Option<Bytes>> + Send + Sync);

/// Adds the images that are not there yet, as `get` gives them; `known` remembers which are. Gives how many could not be had: they are
/// added another time.
///
/// # Errors
/// When the target refuses.
pub async fn add(target: &Target, images: Vec<MediaHash>, known: &mut HashSet<MediaHash>, get: Get<'_>) -> anyhow::Result<usize> {
    let mut missing = 0;
    for image in images {
        if known.contains(&image) {
            continue;
        }
        let place = name::image(image);
        if !target.has(&place).await? {
            let Some(bytes) = get(image).await else {
                missing += 1;
                continue;
            };
            let frames = bytes.chunks(FRAME_BYTES).map(<[u8]>::to_vec);
            let (object, _) = seal::object(&place, target.key(), frames)?;
            target.put(&place, object).await?;
        }
        known.insert(image);
    }
    Ok(missing)
}

/// An image; `None` when it is not there.
///
/// # Errors
/// When it is there, and not what was written.
pub async fn read(target: &Target, image: MediaHash) -> anyhow::Result<Option<Bytes>> {
    let place = name::image(image);
    let Some(object) = target.get(&place).await? else { return Ok(None) };
    let frames = ObjectReader::open(&place, &object, target.key())?;
    let bytes = frames.collect::<Result<Vec<_>, _>>().with_context(|| format!("read {place}"))?.concat();
    ensure!(hash_of(&bytes) == image, "{place} is damaged: it is another image");
    Ok(Some(bytes.into()))
}
