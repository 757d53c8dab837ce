use proptest::prelude::*;

use super::*;

fn plain(frame: Frame) -> Bytes {
    frame.encode().coalesce().into()
}

fn payload() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn frame() -> impl Strategy<Value = Frame> {
    let family = prop_oneof![
        Just(Family::Refusal),
        Just(Family::Fault),
        Just(Family::Trouble)
    ];
    let reason = prop_oneof![
        Just(Reason::NotAMember),
        Just(Reason::Busy),
        Just(Reason::Stopping),
        Just(Reason::Fault)
    ];
    let retry = proptest::option::of((0..NO_RETRY).prop_map(|ms| Duration::from_millis(ms.into())));
    prop_oneof![
        (any::<u32>(), any::<u32>(), payload()).prop_map(|(timeout_ms, request_bytes, first)| {
            Frame::Call {
                timeout_ms,
                request_bytes,
                first,
            }
        }),
        payload().prop_map(Frame::Part),
        payload().prop_map(Frame::Reply),
        any::<u64>().prop_map(|replies| Frame::End { replies }),
        (family, retry, "[a-z 警察]{0,300}").prop_map(|(family, retry, text)| Frame::Failed {
            family,
            retry,
            text
        }),
        Just(Frame::Ping),
        Just(Frame::Pong),
        reason.prop_map(Frame::Close),
    ]
}

proptest! {
    #[test]
    fn a_frame_survives_its_bytes(frame in frame()) {
        prop_assert_eq!(Frame::decode(plain(frame.clone())), Ok(frame));
    }

    #[test]
    fn what_is_accepted_has_no_other_encoding(
        kind in 0u8..10,
        rest in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let bytes = Bytes::from([vec![kind], rest].concat());
        if let Ok(frame) = Frame::decode(bytes.clone()) {
            prop_assert_eq!(plain(frame), bytes);
        }
    }
}

#[test]
fn the_format_is_pinned() {
    let check = |frame: Frame, bytes: &[u8]| {
        assert_eq!(plain(frame.clone()), bytes);
        assert_eq!(Frame::decode(Bytes::copy_from_slice(bytes)), Ok(frame));
    };
    let hi = Bytes::from_static(b"hi");
    check(
        Frame::Call {
            timeout_ms: 1000,
            request_bytes: 70_000,
            first: hi.clone(),
        },
        b"\x01\0\0\x03\xe8\0\x01\x11\x70hi",
    );
    check(Frame::Part(hi.clone()), b"\x02hi");
    check(Frame::Reply(hi), b"\x03hi");
    check(Frame::End { replies: 258 }, b"\x04\0\0\0\0\0\0\x01\x02");
    let failed = |retry| Frame::Failed {
        family: Family::Trouble,
        retry,
        text: "no".to_owned(),
    };
    check(
        failed(Some(Duration::from_millis(7))),
        b"\x05\x03\0\0\0\x07no",
    );
    check(failed(None), b"\x05\x03\xff\xff\xff\xffno");
    check(Frame::Ping, b"\x06");
    check(Frame::Pong, b"\x07");
    check(Frame::Close(Reason::Busy), b"\x08\x02");
}

#[test]
fn an_error_text_is_cleaned_and_cut_between_characters() {
    assert_eq!(clean_text("a\nb\u{7}c"), "a b c");
    let long = clean_text(&"界".repeat(1000));
    assert_eq!(long.len(), 1023);
    assert!(long.chars().all(|c| c == '界'));
}
