//! The frames that travel inside a channel's encrypted records
//! (`docs/formats/net-frames.md`).
//!
//! Why it exists: an encrypted record stream has no notion of a call, of its
//! end, or of life; these eight frames add it.
//!
//! *Invariants*
//! - A frame has one encoding; whatever else arrives is a fault.
//! - Decoding copies no payload and allocates nothing but an error's text.
//!
//! *Not here*: which frame may follow which. That is the conversation's
//! business (`dialer`, `listener`).

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use commonware_runtime::{IoBuf, IoBufs};

use crate::{
    error::{EVIDENCE_BYTES_MAX, Fault},
    limits::{ERROR_TEXT_BYTES_MAX, FRAME_BYTES_MAX},
};

/// Bytes before the payload in the longest frame head (a call's).
const HEAD_BYTES_MAX: usize = 9;

/// Bytes of one record's plaintext.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a constant of about 2^20 fits"
)]
pub(crate) const RECORD_BYTES_MAX: u32 = (FRAME_BYTES_MAX + HEAD_BYTES_MAX) as u32;

/// Bytes that encryption adds to one record: a sealed length and two tags.
pub(crate) const RECORD_OVERHEAD_BYTES: usize = 4 + 16 + 16;

const CALL: u8 = 1;
const PART: u8 = 2;
const REPLY: u8 = 3;
const END: u8 = 4;
const FAILED: u8 = 5;
const PING: u8 = 6;
const PONG: u8 = 7;
const CLOSE: u8 = 8;

const NO_RETRY: u32 = u32::MAX;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Opens a call: how long the caller waits, how long the request is, and
    /// its first bytes.
    Call {
        timeout_ms: u32,
        request_bytes: u32,
        first: Bytes,
    },
    /// The next bytes of a request.
    Part(Bytes),
    /// One reply.
    Reply(Bytes),
    /// The answer is complete; it had this many replies.
    End { replies: u64 },
    /// The call failed.
    Failed {
        family: Family,
        retry: Option<Duration>,
        text: String,
    },
    /// Asks for a sign of life.
    Ping,
    /// Gives it.
    Pong,
    /// The sender hangs up.
    Close(Reason),
}

/// The family of a remote error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Refusal = 1,
    Fault = 2,
    Trouble = 3,
}

/// Why a side hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    NotAMember = 1,
    Busy = 2,
    Stopping = 3,
    Fault = 4,
}

impl Frame {
    pub(crate) fn encode(self) -> IoBufs {
        let mut head = BytesMut::with_capacity(HEAD_BYTES_MAX);
        let payload = match self {
            Self::Call {
                timeout_ms,
                request_bytes,
                first,
            } => {
                head.put_u8(CALL);
                head.put_u32(timeout_ms);
                head.put_u32(request_bytes);
                first
            }
            Self::Part(bytes) => {
                head.put_u8(PART);
                bytes
            }
            Self::Reply(bytes) => {
                head.put_u8(REPLY);
                bytes
            }
            Self::End { replies } => {
                head.put_u8(END);
                head.put_u64(replies);
                Bytes::new()
            }
            Self::Failed {
                family,
                retry,
                text,
            } => {
                head.put_u8(FAILED);
                head.put_u8(family as u8);
                head.put_u32(retry.map_or(NO_RETRY, |retry| millis(retry).min(NO_RETRY - 1)));
                Bytes::from(clean_text(&text))
            }
            Self::Ping => {
                head.put_u8(PING);
                Bytes::new()
            }
            Self::Pong => {
                head.put_u8(PONG);
                Bytes::new()
            }
            Self::Close(reason) => {
                head.put_u8(CLOSE);
                head.put_u8(reason as u8);
                Bytes::new()
            }
        };
        IoBufs::from(vec![IoBuf::from(head.freeze()), IoBuf::from(payload)])
    }

    pub(crate) fn decode(mut bytes: Bytes) -> Result<Self, Fault> {
        let whole = bytes.clone();
        let broken = |rule| Fault::Framing {
            rule,
            evidence: head_of(&whole),
        };
        if bytes.is_empty() {
            return Err(broken("a frame has a kind"));
        }
        let kind = bytes.get_u8();
        let fixed = |bytes: &Bytes, length: usize| {
            if bytes.len() == length {
                Ok(())
            } else {
                Err(broken("the frame's length is that of its kind"))
            }
        };
        let payload = |bytes: Bytes| {
            if bytes.len() <= FRAME_BYTES_MAX {
                Ok(bytes)
            } else {
                Err(broken("a payload has at most 1 MiB"))
            }
        };
        match kind {
            CALL => {
                let timeout_ms = bytes.try_get_u32();
                let request_bytes = bytes.try_get_u32();
                let (Ok(timeout_ms), Ok(request_bytes)) = (timeout_ms, request_bytes) else {
                    return Err(broken("a call has a timeout and a length"));
                };
                Ok(Self::Call {
                    timeout_ms,
                    request_bytes,
                    first: payload(bytes)?,
                })
            }
            PART => Ok(Self::Part(payload(bytes)?)),
            REPLY => Ok(Self::Reply(payload(bytes)?)),
            END => {
                fixed(&bytes, 8)?;
                Ok(Self::End {
                    replies: bytes.get_u64(),
                })
            }
            FAILED => decode_failed(bytes).map_err(broken),
            PING => fixed(&bytes, 0).map(|()| Self::Ping),
            PONG => fixed(&bytes, 0).map(|()| Self::Pong),
            CLOSE => {
                fixed(&bytes, 1)?;
                match bytes.get_u8() {
                    1 => Ok(Self::Close(Reason::NotAMember)),
                    2 => Ok(Self::Close(Reason::Busy)),
                    3 => Ok(Self::Close(Reason::Stopping)),
                    4 => Ok(Self::Close(Reason::Fault)),
                    _ => Err(broken("a goodbye has a known reason")),
                }
            }
            _ => Err(broken("a frame's kind is known")),
        }
    }
}

fn decode_failed(mut bytes: Bytes) -> Result<Frame, &'static str> {
    let (Ok(family), Ok(retry)) = (bytes.try_get_u8(), bytes.try_get_u32()) else {
        return Err("an error has a family and a retry hint");
    };
    let family = match family {
        1 => Family::Refusal,
        2 => Family::Fault,
        3 => Family::Trouble,
        _ => return Err("an error's family is known"),
    };
    if bytes.len() > ERROR_TEXT_BYTES_MAX {
        return Err("an error's text has at most 1 KiB");
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "an error's text is UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("an error's text has no control characters");
    }
    Ok(Frame::Failed {
        family,
        retry: (retry != NO_RETRY).then(|| Duration::from_millis(retry.into())),
        text: text.to_owned(),
    })
}

/// The head of a frame, as evidence.
pub(crate) fn head_of(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(EVIDENCE_BYTES_MAX)].to_vec()
}

/// A duration in milliseconds, as far as 32 bits go.
pub(crate) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// A text fit for an error frame: no control characters, at most
/// [`ERROR_TEXT_BYTES_MAX`] bytes, cut between characters.
pub(crate) fn clean_text(text: &str) -> String {
    let mut clean = String::new();
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if clean.len() + c.len_utf8() > ERROR_TEXT_BYTES_MAX {
            break;
        }
        clean.push(c);
    }
    clean
}

#[cfg(test)]
mod tests;
