//! The protocols' messages, decoded alone: roles compute around them, so few of their
//! executions fit into a night.

use mpc::foreign;

use super::{Target, lookup};

pub(super) fn targets() -> Vec<Target> {
    vec![Target::new(
        "message",
        "messages of the protocols, decoded alone",
        seeds,
        check,
    )]
}

/// Words of a frame between two of three.
const WORDS: usize = 3;
/// Entries that came before in a list.
const BEFORE: usize = 5;

/// Which message it is, and its bytes.
fn seeds() -> Vec<Vec<u8>> {
    let requests = lookup::request_seeds().into_iter().map(|bytes| (0, bytes));
    let frames = lookup::honest_frames().iter().cloned();
    let label = [
        &[0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9, 0, 0, 0, 1, 0, 2, 0, 4][..],
        b"next",
        &[6; 96],
    ];
    let shares = [
        &[7; 8][..],
        &[0, 0, 0, 3, 1, 6, 0, 0],
        &(WORDS as u64).to_be_bytes(),
        &[9; 8 * WORDS],
    ];
    let tags = [&[1, 5, 0, 0, 0, 5][..], &[4; 2 * 16 + 8]];
    requests
        .chain(frames.map(|bytes| (1, bytes)))
        .chain([
            (2, label.concat()),
            (3, shares.concat()),
            (4, tags.concat()),
        ])
        .map(|(kind, bytes)| [&[kind], &bytes[..]].concat())
        .collect()
}

fn check(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let again = match kind % 5 {
        0 => foreign::lookup_request(bytes),
        1 => foreign::lookup_frame(bytes),
        2 => {
            let parts = foreign::label(bytes).unwrap_or(0);
            assert!(parts <= bytes.len(), "parts that no bytes stand for");
            None
        }
        3 => foreign::shares_frame(WORDS, bytes),
        _ => foreign::set_frame(BEFORE, bytes).map(|(entries, tail)| {
            let head = bytes.len() - entries.len() - tail.len();
            [&bytes[..head], entries, tail].concat()
        }),
    };
    assert!(
        again.is_none_or(|again| again == bytes),
        "a message in another form"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_a_message() {
        for seed in seeds() {
            let bytes = &seed[1..];
            let is_one = match seed[0] {
                0 => foreign::lookup_request(bytes).is_some(),
                1 => foreign::lookup_frame(bytes).is_some(),
                2 => foreign::label(bytes) == Some(2),
                3 => foreign::shares_frame(WORDS, bytes).is_some(),
                _ => foreign::set_frame(BEFORE, bytes).is_some(),
            };
            assert!(is_one, "{seed:?}");
        }
    }
}
