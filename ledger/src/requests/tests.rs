//! Tests of the remembered answers.

use super::*;
use crate::codec::frame::{FrameReader, Header};
use crate::machine::Digest;
use alloc::vec;
use proptest::prelude::*;

fn request(id: u128, fingerprint: u64) -> Request {
    Request { id: RequestId(id), fingerprint }
}

fn writing(answer: &[u8]) -> impl FnOnce(&mut Vec<u8>) + '_ {
    |bytes| bytes.extend_from_slice(answer)
}

const DAY_US: u64 = 24 * 3600 * 1_000_000;

#[test]
fn a_retry_gets_the_first_answer_and_another_body_is_refused() {
    let mut requests = Requests::default();
    assert_eq!(requests.check(request(1, 10)), Seen::New);
    requests.remember(request(1, 10), Timestamp(5), writing(b"first"));
    requests.remember(request(2, 20), Timestamp(6), writing(b""));
    requests.remember(request(1, 10), Timestamp(7), writing(b"second"));
    assert_eq!(requests.check(request(1, 10)), Seen::Replay(b"first"));
    assert_eq!(requests.check(request(1, 11)), Seen::Reused);
    assert_eq!(requests.check(request(2, 20)), Seen::Replay(b""));
    assert_eq!(requests.check(request(3, 20)), Seen::New);
    requests.check_invariants().unwrap();
}

#[test]
fn nothing_younger_than_a_day_is_forgotten_even_when_full() {
    let mut requests = Requests::with_limit(2);
    requests.remember(request(1, 1), Timestamp(0), writing(b"a"));
    requests.remember(request(2, 2), Timestamp(1), writing(b"b"));
    requests.prune(Timestamp(DAY_US - 1));
    assert_eq!(requests.check(request(3, 3)), Seen::Full);
    assert_eq!(requests.check(request(1, 1)), Seen::Replay(b"a"));
    requests.prune(Timestamp(DAY_US));
    assert_eq!(requests.check(request(1, 1)), Seen::New);
    assert_eq!(requests.check(request(2, 2)), Seen::Replay(b"b"));
    requests.check_invariants().unwrap();
}

#[test]
fn forgetting_goes_in_bounded_steps_and_returns_to_the_empty_digest() {
    let mut requests = Requests::default();
    for id in 0..1000 {
        requests.remember(request(id, 1), Timestamp(id as u64), writing(&[7; 100]));
    }
    let mut steps = 0;
    while !requests.is_empty() {
        let before = requests.len();
        requests.prune(Timestamp(2 * DAY_US));
        assert!(before - requests.len() <= FORGET_STEPS as u64);
        requests.check_invariants().unwrap();
        steps += 1;
    }
    assert_eq!(steps, 1000_usize.div_ceil(FORGET_STEPS));
    assert_eq!(requests.accumulator(), Accumulator::default());
    requests.remember(request(5, 1), Timestamp(3 * DAY_US), writing(b"again"));
    assert_eq!(requests.check(request(5, 1)), Seen::Replay(b"again"));
}

fn through_a_snapshot(requests: &Requests) -> Result<Requests, CodecError> {
    let mut frames = vec![];
    let mut sink = |frame: &[u8]| frames.push(frame.to_vec());
    let mut writer = FrameWriter::new(&mut sink, &Header { machine: "test", at: Timestamp(0), request_limit: requests.limit() });
    requests.write_snapshot(&mut writer);
    writer.finish(Digest(0));
    let mut frames = frames.into_iter();
    let (mut reader, header) = FrameReader::new(&mut frames, "test")?;
    let mut read = Requests::with_limit(header.request_limit);
    while let Some((kind, bytes)) = reader.next_record()? {
        assert_eq!(kind, REMEMBERED);
        read.read_record(bytes)?;
    }
    Ok(read)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn keeps_its_invariants_and_survives_a_snapshot(
        steps in proptest::collection::vec((0_u128..400, 0_u64..3, 0_u64..DAY_US / 100, 0_usize..40), 1..1500)
    ) {
        let mut requests = Requests::default();
        let mut at = Timestamp(0);
        let mut frozen = requests.clone();
        for (id, fingerprint, wait, length) in steps {
            at = Timestamp(at.0 + wait);
            requests.prune(at);
            if requests.check(request(id, fingerprint)) == Seen::New {
                requests.remember(request(id, fingerprint), at, writing(&vec![id as u8; length]));
            }
            if length == 0 {
                frozen = requests.clone();
            }
        }
        for state in [requests, frozen] {
            prop_assert_eq!(state.check_invariants(), Ok(()));
            let read = through_a_snapshot(&state).unwrap();
            prop_assert_eq!(read.check_invariants(), Ok(()));
            prop_assert_eq!(read.accumulator(), state.accumulator());
            prop_assert_eq!(read.len(), state.len());
        }
    }
}
