//! A bucket of an S3-compatible service, in builds with the feature `s3`.

use std::sync::Arc;

use boxoffice_cluster_config::media::Bucket;
use object_store::ObjectStore;

/// The bucket that the configuration names; nothing is asked of it yet.
///
/// # Errors
/// When its keys cannot be read.
#[cfg(feature = "s3")]
pub fn open(bucket: &Bucket) -> anyhow::Result<Arc<dyn ObjectStore>> {
    use anyhow::Context;

    boxoffice_tls::install(); // The library's HTTP client takes the process's cryptography.
    let read = |file: &std::path::Path| std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()));
    let (id, secret) = (read(&bucket.access_key_file)?, read(&bucket.secret_key_file)?);
    let mut builder = object_store::aws::AmazonS3Builder::new()
        .with_bucket_name(&bucket.bucket)
        .with_region(&bucket.region)
        .with_access_key_id(id.trim())
        .with_secret_access_key(secret.trim());
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    Ok(Arc::new(builder.build().context("open the bucket of images")?))
}

/// This build knows no buckets.
///
/// # Errors
/// Always.
#[cfg(not(feature = "s3"))]
pub fn open(bucket: &Bucket) -> anyhow::Result<Arc<dyn ObjectStore>> {
    anyhow::bail!("media.s3: bucket {:?}: this program was built without the feature s3", bucket.bucket)
}
