//! Tests of the blob store.

use super::*;
use crate::codec::plan::encode_plan;
use crate::plan::tests::small;
use crate::plan::{Plan, SeatIndex};
use alloc::vec;

fn chunks(hash: u8, bytes: &[u8], size: usize) -> Vec<BlobChunk> {
    let total = bytes.len() as u32;
    let chunk = |(number, piece): (usize, &[u8])| BlobChunk {
        hash: PlanHash([hash; 32]),
        total,
        offset: (number * size) as u32,
        bytes: piece.to_vec(),
    };
    bytes.chunks(size).enumerate().map(chunk).collect()
}

#[test]
fn a_plan_comes_in_pieces_and_repeats_do_no_harm() {
    let bytes = encode_plan(&small());
    let mut blobs = Blobs::default();
    let pieces = chunks(1, &bytes, 10);
    for (number, piece) in pieces.iter().enumerate() {
        assert_eq!(blobs.get(piece.hash), None);
        let last = number + 1 == pieces.len();
        assert_eq!(blobs.put(piece), Ok(last));
        assert_eq!(blobs.put(&pieces[number / 2]), Ok(last));
        blobs.check_invariants().unwrap();
    }
    assert_eq!(blobs.get(PlanHash([1; 32])).as_deref(), Some(&*bytes));
    let index = blobs.plan(PlanHash([1; 32])).unwrap();
    assert_eq!((index.plan().as_ref(), index.find("Stalls-A-2")), (&small(), Some(SeatIndex(1))));
    assert_eq!(blobs.len(), 1);
}

#[test]
fn overlapping_pieces_join_and_gaps_are_refused() {
    let bytes = encode_plan(&small());
    let mut blobs = Blobs::default();
    let coarse = chunks(1, &bytes, 50);
    let fine = chunks(1, &bytes, 30);
    assert!(matches!(blobs.put(&coarse[1]), Err(Rejection::WrongState { .. })));
    assert_eq!(blobs.put(&fine[0]), Ok(false));
    assert!(matches!(blobs.put(&coarse[1]), Err(Rejection::WrongState { .. })));
    for piece in &coarse {
        blobs.put(piece).unwrap();
    }
    assert_eq!(blobs.get(PlanHash([1; 32])).as_deref(), Some(&*bytes));
}

#[test]
fn what_cannot_be_is_malformed() {
    let good = chunks(1, &encode_plan(&small()), 60);
    let case = |change: fn(&mut BlobChunk)| {
        let mut chunk = good[0].clone();
        change(&mut chunk);
        chunk
    };
    let bad = [
        ("/total", case(|chunk| chunk.total = 0)),
        ("/total", case(|chunk| chunk.total = BLOB_BYTES_MAX + 1)),
        ("/bytes", case(|chunk| chunk.bytes.clear())),
        ("/bytes", case(|chunk| (chunk.bytes, chunk.total) = (vec![0; CHUNK_BYTES_MAX + 1], BLOB_BYTES_MAX))),
        ("/offset", case(|chunk| chunk.offset = u32::MAX)),
    ];
    let mut blobs = Blobs::default();
    for (field, chunk) in &bad {
        assert!(matches!(blobs.put(chunk), Err(Rejection::Malformed { pointer, .. }) if pointer == *field), "{field}");
    }
    assert_eq!(blobs.accumulator(), Accumulator::default());
    blobs.put(&good[0]).unwrap();
    let other_total = case(|chunk| chunk.total += 1);
    assert!(matches!(blobs.put(&other_total), Err(Rejection::Malformed { pointer, .. }) if pointer == "/total"));
}

#[test]
fn a_blob_that_is_no_sound_plan_is_refused_at_its_last_piece_and_leaves_nothing() {
    let mut blobs = Blobs::default();
    for bytes in [b"garbage".to_vec(), encode_plan(&Plan::default())] {
        let pieces = chunks(2, &bytes, 1);
        let (last, first) = pieces.split_last().unwrap();
        first.iter().for_each(|piece| assert_eq!(blobs.put(piece), Ok(false)));
        assert!(matches!(blobs.put(last), Err(Rejection::Malformed { pointer, .. }) if pointer == "/bytes"));
        assert_eq!((blobs.len(), blobs.accumulator()), (0, Accumulator::default()));
    }
}

#[test]
fn uploads_that_never_finish_are_bounded() {
    let bytes = encode_plan(&small());
    let mut blobs = Blobs::default();
    for hash in 0..100 {
        blobs.put(&chunks(hash, &bytes, 20)[0]).unwrap();
        assert!(blobs.uploads.len() <= UPLOADS_MAX);
        blobs.check_invariants().unwrap();
    }
    assert!(matches!(blobs.put(&chunks(91, &bytes, 20)[1]), Err(Rejection::WrongState { .. })));
    assert_eq!(blobs.put(&chunks(92, &bytes, 20)[1]), Ok(false));
}
