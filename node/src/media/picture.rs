//! Pictures: what is taken, and how it is drawn anew. Work for a processor, not for a thread that answers others.
//!
//! What a file is says its content. Its size is read from its head before anything is decoded. What is kept is drawn from the
//! pixels alone: what cameras and programs wrote into the file (places, names, hidden payloads) is gone.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// Most pixels of an upload.
const PIXELS_MAX: u64 = 40_000_000;
/// Most pixels of a side of an upload.
const UPLOAD_SIDE_MAX: u32 = 20_000;
/// Most bytes that decoding may take: 40 million pixels with transparency, and room to work.
const DECODE_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// Most pixels of a side of what is kept.
const SIDE_MAX: u32 = 2560;
/// Most bytes of what is kept.
pub const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// From so many pixels on, scaling down takes the quick way.
const QUICK_PIXELS: u64 = 8_000_000;
/// Of 100.
const JPEG_QUALITY: u8 = 86;

const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";

/// A picture as it is kept.
#[derive(Debug)]
pub struct Picture {
    /// The file.
    pub bytes: Vec<u8>,
    /// image/jpeg or image/png.
    pub media_type: &'static str,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Why an upload is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its content is none of the kinds.
    #[error("by its content this is no JPEG, PNG or WebP")]
    NotAnImage,
    /// Too large to decode.
    #[error("at most {PIXELS_MAX} pixels, and {UPLOAD_SIDE_MAX} a side")]
    TooManyPixels,
    /// The file is broken.
    #[error("the image is damaged")]
    Damaged,
    /// Too large to keep.
    #[error("drawn anew it has more than {KEPT_BYTES_MAX} bytes")]
    TooLarge,
}

impl Fault {
    /// Its name in problems.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAnImage => "not_an_image",
            Self::TooManyPixels => "too_many_pixels",
            Self::Damaged => "damaged_image",
            Self::TooLarge => "too_large",
        }
    }
}

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Self {
        if matches!(error, ImageError::Limits(_)) { Self::TooManyPixels } else { Self::Damaged }
    }
}

/// The media type of a file that is kept; `None` when it can be none.
pub fn media_type(kept: &[u8]) -> Option<&'static str> {
    match image::guess_format(kept).ok()? {
        ImageFormat::Jpeg => Some(JPEG),
        ImageFormat::Png => Some(PNG),
        _ => None,
    }
}

/// Draws an upload anew: upright, at most 2,560 pixels a side, as JPEG or, where it is see-through, as PNG.
pub fn redraw(upload: &[u8]) -> Result<Picture, Fault> {
    let (mut drawn, orientation) = decode(upload)?;
    let (width, height) = (drawn.width(), drawn.height());
    if width.max(height) > SIDE_MAX {
        let scaled = |side: u32| (u64::from(side) * u64::from(SIDE_MAX) / u64::from(width.max(height))).max(1) as u32;
        drawn = scale(&drawn, scaled(width), scaled(height));
    }
    drawn.apply_orientation(orientation);
    encode(&drawn)
}

/// Draws a kept picture smaller; `None` when it is not wider than that.
pub fn smaller(kept: &[u8], width: u32) -> Result<Option<Picture>, Fault> {
    let (drawn, _) = decode(kept)?;
    if drawn.width() <= width {
        return Ok(None);
    }
    let height = (u64::from(drawn.height()) * u64::from(width) / u64::from(drawn.width())).max(1) as u32;
    encode(&scale(&drawn, width, height)).map(Some)
}

fn decode(file: &[u8]) -> Result<(DynamicImage, Orientation), Fault> {
    let format = image::guess_format(file).map_err(|_| Fault::NotAnImage)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
        return Err(Fault::NotAnImage);
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(UPLOAD_SIDE_MAX);
    limits.max_image_height = Some(UPLOAD_SIDE_MAX);
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(Fault::TooManyPixels);
    }
    // Who cannot say which way is up means the way it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let drawn = DynamicImage::from_decoder(decoder)?;
    let drawn = if drawn.color().has_alpha() { drawn.into_rgba8().into() } else { drawn.into_rgb8().into() };
    Ok((drawn, orientation))
}

fn scale(drawn: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    if u64::from(drawn.width()) * u64::from(drawn.height()) > QUICK_PIXELS {
        drawn.thumbnail_exact(width, height)
    } else {
        drawn.resize_exact(width, height, FilterType::Triangle)
    }
}

fn encode(drawn: &DynamicImage) -> Result<Picture, Fault> {
    let mut bytes = Vec::new();
    let see_through = drawn.as_rgba8().filter(|pixels| pixels.pixels().any(|pixel| pixel.0[3] < u8::MAX));
    let media_type = match see_through {
        Some(pixels) => {
            pixels.write_with_encoder(PngEncoder::new(&mut bytes))?;
            PNG
        }
        None => {
            drawn.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
            JPEG
        }
    };
    if bytes.len() > KEPT_BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    Ok(Picture { bytes, media_type, width: drawn.width(), height: drawn.height() })
}

#[cfg(test)]
mod tests {
    use image::codecs::webp::WebPEncoder;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn photo(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, 90]))
    }

    fn jpeg(image: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    fn png(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    /// A JPEG with an EXIF block that says "turned by a quarter" and holds a secret.
    fn turned(image: &RgbImage) -> Vec<u8> {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        exif.extend_from_slice(b"GPS 52.5200 13.4050");
        let plain = jpeg(image);
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat()
    }

    #[test]
    fn what_is_kept_is_drawn_anew_upright_and_without_what_cameras_write() {
        let upload = turned(&photo(80, 40));
        assert!(upload.windows(3).any(|bytes| bytes == b"GPS"));
        let kept = redraw(&upload).unwrap();
        assert_eq!((kept.width, kept.height, kept.media_type), (40, 80, JPEG));
        assert!(!kept.bytes.windows(3).any(|bytes| bytes == b"GPS") && !kept.bytes.windows(4).any(|bytes| bytes == b"Exif"));
        assert_eq!(redraw(&upload).unwrap().bytes, kept.bytes, "the same every time");
        assert_eq!(media_type(&kept.bytes), Some(JPEG));
    }

    #[test]
    fn see_through_pictures_stay_so_and_large_ones_are_made_smaller() {
        let glass = RgbaImage::from_pixel(3000, 1000, Rgba([1, 2, 3, 100]));
        let kept = redraw(&png(&glass.clone().into())).unwrap();
        assert_eq!((kept.width, kept.height, kept.media_type), (2560, 853, PNG));
        let solid = RgbaImage::from_pixel(64, 64, Rgba([1, 2, 3, 255]));
        assert_eq!(redraw(&png(&solid.into())).unwrap().media_type, JPEG);
        let mut webp = Vec::new();
        photo(64, 32).write_with_encoder(WebPEncoder::new_lossless(&mut webp)).unwrap();
        assert_eq!(redraw(&webp).unwrap().width, 64);
        let half = smaller(&kept.bytes, 1280).unwrap().unwrap();
        assert_eq!((half.width, half.height, half.media_type), (1280, 426, PNG));
        assert!(smaller(&half.bytes, 1280).unwrap().is_none());
    }

    #[test]
    fn what_is_no_picture_is_refused_whatever_it_claims() {
        for text in [&b""[..], b"<html><script>alert(1)</script>", b"%PDF-1.7", b"GIF89a\x01\0\x01\0", b"<svg xmlns='x'/>"] {
            assert_eq!(redraw(text).unwrap_err(), Fault::NotAnImage);
        }
        let whole = png(&photo(64, 64).into());
        assert_eq!(redraw(&whole[..whole.len() / 2]).unwrap_err(), Fault::Damaged);
        for place in (0..whole.len()).step_by(97) {
            let mut bad = whole.clone();
            bad[place] ^= 0x55;
            let _ = redraw(&bad); // Whatever it says, it says it.
        }
    }

    #[test]
    fn a_bomb_is_refused_by_its_head() {
        // A PNG whose head claims what its few bytes would never fill.
        let mut bomb = png(&photo(8, 8).into());
        for (width, height) in [(60_000_u32, 60_000_u32), (19_000, 19_000), (1, 3_000_000)] {
            bomb[16..20].copy_from_slice(&width.to_be_bytes());
            bomb[20..24].copy_from_slice(&height.to_be_bytes());
            let sum = crc(&bomb[12..29]).to_be_bytes();
            bomb[29..33].copy_from_slice(&sum);
            assert_eq!(redraw(&bomb).unwrap_err(), Fault::TooManyPixels, "{width}x{height}");
        }
    }

    /// The checksum of PNG.
    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32, byte: &u8| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
        };
        !bytes.iter().fold(u32::MAX, step)
    }
}
