//! C2SP signed notes (`c2sp.org/signed-note`): a text and the lines that sign it.
//!
//! The one text form in which other logs' tools read our checkpoints.
//!
//! *Invariants*: what [`SignedNote::parse`] accepts, `Display` writes back byte
//! for byte.
//!
//! *Not here*: any check of a signature. A note says who claims to have signed;
//! [`crate::SignedCheckpoint`] asks whether they did.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{ProofError, Refusal};

/// Bytes of one signed note.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;
/// Signature lines of one note; the standard asks for at least 16.
pub const NOTE_SIGNATURES_MAX: usize = 128;
/// Bytes of one key's name.
const NAME_BYTES_MAX: usize = 255;
const LINE_START: &str = "\u{2014} ";

/// A text with its signature lines, none of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line: whose key, by name and short id, and the signature's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The key's id: four bytes of a hash over name, algorithm and key, big-endian.
    pub key_id: u32,
    /// What the algorithm made.
    pub signature: Vec<u8>,
}

impl SignedNote {
    /// Puts a note together.
    ///
    /// # Errors
    /// Refused unless the text ends in a newline and has no other control
    /// character, and there are 1 to [`NOTE_SIGNATURES_MAX`] well-named signatures.
    pub fn new(text: String, signatures: Vec<NoteSignature>) -> Result<Self, ProofError> {
        let note = Self { text, signatures };
        // One set of rules for both ways in.
        Self::parse(&note.to_string())?;
        Ok(note)
    }

    /// Reads a note.
    ///
    /// # Errors
    /// Refused if it is too large or not of the standard's form.
    pub fn parse(note: &str) -> Result<Self, ProofError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(Refusal::TooLarge {
                what: "bytes of a note",
                limit: NOTE_BYTES_MAX,
            }
            .into());
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(Refusal::Malformed("a control character in a note").into());
        }
        let Some(gap) = note.rfind("\n\n") else {
            return Err(Refusal::Malformed("a note without a signature").into());
        };
        let (text, lines) = (&note[..=gap], &note[gap + 2..]);
        let Some(lines) = lines.strip_suffix('\n') else {
            return Err(Refusal::Malformed("a note that does not end in a newline").into());
        };
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == NOTE_SIGNATURES_MAX {
                return Err(Refusal::TooLarge {
                    what: "signatures of a note",
                    limit: NOTE_SIGNATURES_MAX,
                }
                .into());
            }
            signatures.push(NoteSignature::parse(line)?);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The signed text, with its final newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, unchecked.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<Self, ProofError> {
        let malformed = || ProofError::from(Refusal::Malformed("a signature line of a note"));
        let (name, encoded) = line
            .strip_prefix(LINE_START)
            .and_then(|rest| rest.split_once(' '))
            .ok_or_else(malformed)?;
        if !is_name(name, NAME_BYTES_MAX) {
            return Err(malformed());
        }
        // The engine refuses padding, bits and characters beyond the canonical form.
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed())?;
        let (key_id, signature) = bytes.split_first_chunk().ok_or_else(malformed)?;
        if signature.is_empty() {
            return Err(malformed());
        }
        Ok(Self {
            name: name.to_owned(),
            key_id: u32::from_be_bytes(*key_id),
            signature: signature.to_vec(),
        })
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let mut bytes = line.key_id.to_be_bytes().to_vec();
            bytes.extend_from_slice(&line.signature);
            writeln!(f, "{LINE_START}{} {}", line.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

/// Whether a text may name a key or a log: not empty, without spaces, plus signs
/// and control characters.
pub(crate) fn is_name(text: &str, limit: usize) -> bool {
    !text.is_empty()
        && text.len() <= limit
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}
