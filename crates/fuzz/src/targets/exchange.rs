//! What nodes say to one another: calls, and the frames that carry them.

use bytes::Bytes;
use docket::transcript::{Seen, run_transcript};
use node::exchange::{Call, Lookup};
use primitives::{Digest, cbor};

use super::Target;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new("call", "a call from another node", call_seeds, call),
        Target::new(
            "frame",
            "a frame on an authenticated channel",
            frame_seeds,
            frame,
        ),
        Target::new(
            "transcript",
            "what both sides of a lookup remember",
            transcript_seeds,
            transcript,
        ),
    ]
}

fn call_seeds() -> Vec<Vec<u8>> {
    let question = Digest([9; 32]);
    let calls = [
        Call::Body {
            record: question,
            label: "order".into(),
        },
        Call::Lookup(Lookup {
            question,
            step: 1,
            snapshot: Digest([3; 32]),
            part: 2,
            request: vec![7; 300],
        }),
        Call::Attest {
            question,
            transcript: Digest([4; 32]),
        },
        Call::Shares {
            question,
            table: "sightings".into(),
            part: 3,
        },
        Call::Frames { question },
        Call::Count { question },
        Call::Part { question },
        Call::Progress { question },
    ];
    calls.iter().filter_map(|call| call.encode().ok()).collect()
}

fn call(bytes: &[u8]) {
    if let Ok(call) = Call::decode(bytes) {
        let form = call.encode().expect("what decodes encodes");
        assert_eq!(Call::decode(&form).ok(), Some(call), "a second form");
    }
}

fn frame_seeds() -> Vec<Vec<u8>> {
    let failed = [&[5, 1, 0, 0, 3, 232][..], "no warrant".as_bytes()].concat();
    vec![
        [&[1, 0, 0, 117, 48, 0, 0, 0, 5][..], b"hello"].concat(),
        b"\x02more".to_vec(),
        b"\x03reply".to_vec(),
        vec![4, 0, 0, 0, 0, 0, 0, 0, 2],
        failed,
        vec![6],
        vec![7],
        vec![8, 2],
    ]
}

fn frame(bytes: &[u8]) {
    let given = Bytes::copy_from_slice(bytes);
    if let Some(again) = net::foreign::frame(given) {
        assert_eq!(again, bytes, "a frame in another form");
    }
}

fn transcript_seeds() -> Vec<Vec<u8>> {
    let seen = |step| Seen {
        step,
        snapshot: Digest([step; 32]),
        part: 0,
        transcript: Digest([7; 32]),
    };
    cbor::encode(&vec![seen(2), seen(1)]).into_iter().collect()
}

fn transcript(bytes: &[u8]) {
    if let Ok(mut seen) = cbor::decode::<Vec<Seen>>(bytes, 1 << 20) {
        let one = run_transcript(&Digest([1; 32]), seen.clone()).ok();
        seen.reverse();
        let other = run_transcript(&Digest([1; 32]), seen).ok();
        assert_eq!(one, other, "the order in which parts ended shows");
    }
}
