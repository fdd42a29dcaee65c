use super::*;
use crate::{DecodeLimits, Image};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::RgbImage;
use std::io::{Cursor, Write};

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(5, 4, |x, y| image::Rgb([x as u8, y as u8, 7]));
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn packed_zeros(count: usize) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![0; count]).unwrap();
    packed.finish().unwrap()
}

/// A PNG with a chunk behind its header.
fn png_with(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = encoded(ImageFormat::Png);
    let mut chunk = name.to_vec();
    chunk.extend(data);
    let sum = crc32fast::hash(&chunk).to_be_bytes();
    let length = (data.len() as u32).to_be_bytes();
    let whole: Vec<u8> = [&length[..], &chunk, &sum].concat();
    bytes.splice(33..33, whole);
    bytes
}

fn limits(metadata: u64) -> DecodeLimits {
    DecodeLimits {
        metadata,
        ..DecodeLimits::default()
    }
}

/// It is read with exactly this much allowed, and refused with a byte less.
fn takes(bytes: &[u8], metadata: u64) {
    let read = Image::decode(bytes, &limits(metadata));
    assert!(read.is_ok(), "{metadata}: {}", read.unwrap_err());
    if let Some(less) = metadata.checked_sub(1) {
        let error = Image::decode(bytes, &limits(less)).unwrap_err().to_string();
        assert!(error.contains("the limit image-metadata is"), "{error}");
        assert!(error.contains("--allow image-metadata="), "{error}");
    }
}

#[test]
fn plain_images_have_none() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
        takes(&encoded(format), 0);
    }
    // The segment that says it is a JPEG.
    takes(&encoded(ImageFormat::Jpeg), 16);
}

#[test]
fn texts_and_profiles_of_png_count_unpacked() {
    takes(&png_with(b"tEXt", b"a\0some text"), 12 + 11);
    takes(&png_with(b"eXIf", &[0; 100]), 112);
    let zeros = packed_zeros(1000);
    let size = zeros.len() as u64;
    let behind = |start: &[u8]| [start, &zeros].concat();
    takes(&png_with(b"zTXt", &behind(b"a\0\0")), 12 + 3 + size + 1000);
    takes(&png_with(b"iCCP", &behind(b"a\0\0")), 12 + 3 + size + 1000);
    takes(
        &png_with(b"iTXt", &behind(b"a\0\x01\0en\0b\0")),
        12 + 9 + size + 1000,
    );
    takes(
        &png_with(b"iTXt", &behind(b"a\0\0\0en\0b\0")),
        12 + 9 + size,
    );
}

#[test]
fn what_unpacks_to_a_gigabyte_is_refused() {
    let bomb = packed_zeros(1 << 30);
    assert!(bomb.len() < 2 << 20);
    for name in [b"iCCP", b"zTXt"] {
        let bytes = png_with(name, &[b"a\0\0", &bomb[..]].concat());
        let error = Image::decode(&bytes, &DecodeLimits::default()).unwrap_err();
        assert!(error.to_string().contains("image-metadata"), "{error}");
    }
}

#[test]
fn segments_of_jpeg_count() {
    let mut bytes = encoded(ImageFormat::Jpeg);
    for _ in 0..3 {
        let segment = [&[0xff, 0xe1, 0x10, 0x02][..], &[7; 0x1000]].concat();
        bytes.splice(2..2, segment);
    }
    takes(&bytes, 16 + 3 * 0x1002);
    let comment = [&[0xff, 0xfe, 0, 6][..], b"note"].concat();
    bytes.splice(2..2, comment);
    takes(&bytes, 16 + 3 * 0x1002 + 6);
}

#[test]
fn chunks_of_webp_count() {
    let mut bytes = encoded(ImageFormat::WebP);
    let more = [b"JUNK", &5_u32.to_le_bytes()[..], b"12345\0"].concat();
    bytes.extend(&more);
    let size = (bytes.len() - 8) as u32;
    bytes[4..8].copy_from_slice(&size.to_le_bytes());
    takes(&bytes, 13);
}

#[test]
fn comments_of_gif_count() {
    let mut bytes = encoded(ImageFormat::Gif);
    let plain = bytes.clone();
    let table = 13 + colors(bytes[10]);
    let comment = [&[0x21, 0xfe, 4][..], b"note", &[2], b"12", &[0]].concat();
    bytes.splice(table..table, comment);
    let before = (0..100).find(|&most| admit_metadata(ImageFormat::Gif, &plain, most).is_ok());
    takes(&bytes, before.unwrap() + 8);
}

#[test]
fn what_is_cut_off_is_left_to_the_decoder() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let bytes = encoded(format);
        for length in 0..bytes.len() {
            let _ = admit_metadata(format, &bytes[..length], 100);
        }
    }
}
