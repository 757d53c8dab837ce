//! The crate's one error, in three families.
//!
//! Why it exists: a caller must tell a rule that said no (record the refusal)
//! from a peer that misbehaved (record its bytes) from a disk that failed
//! (perhaps try again).

use std::fmt;

/// A rule that said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A selector is neither on the warrant's list nor vouched for.
    SelectorNotPermitted,
    /// A selector was evaluated before in this run and step by another request.
    SelectorSpent,
    /// More selectors than the permit, or a request, allows.
    TooManySelectors,
    /// More buckets than the permit allows.
    TooManyBuckets,
    /// The request was made for another warrant, plan, run, step, table or party.
    ContextMismatch,
    /// The voucher's institution is not one whose vouchers are permitted here.
    IssuerUnknown,
    /// The voucher does not verify for this warrant, plan, run and step.
    VoucherInvalid,
    /// An input is empty or longer than [`crate::limits::INPUT_BYTES_MAX`].
    InputSize,
    /// A blinded selector is not the stated input under the stated blind.
    BlindMismatch,
    /// Two selectors of one request blind the same input.
    InputRepeated,
    /// A label is longer than [`crate::limits::LABEL_BYTES_MAX`].
    LabelTooLarge,
    /// A bucket has more cells than [`crate::limits::BUCKET_CELLS_MAX`].
    BucketTooLarge,
    /// The labels of one lookup are longer than
    /// [`crate::limits::OPENED_BYTES_MAX`] together; ask in smaller parts.
    AnswerTooLarge,
    /// A table has more keys than [`crate::limits::KEYS_MAX`].
    TooManyKeys,
    /// The old prepared table was made under another key or salt.
    KeyMismatch,
    /// A parameter is out of its range (bucket bits, anonymity set, step).
    ParameterRange,
    /// The labels given are not one for each key asked for.
    LabelCount,
    /// A joint set's protocol is weaker than the network asks for.
    SecurityTooWeak,
    /// A set has more items than the size that was agreed.
    SetTooLarge,
    /// A correlation is not of the length, or the width, that the protocol uses.
    CorrelationMismatch,
    /// More identities are asked for than the cap allows.
    CountOverCap,
    // Three-party shares.
    /// A result could exceed what its representation holds.
    Overflow,
    /// Columns of different rows or widths, or a row that is not there.
    ShapeMismatch,
    /// A column of more rows than [`crate::limits::SHARES_ROWS_MAX`].
    TooManyRows,
    /// More rows qualify than the cap allows to be opened; none was.
    CapExceeded,
    /// The computation was aborted before; its shares are worth nothing.
    Aborted,
    // Joint questions.
    /// Short hashes of different keys collided again and again; a new run will do.
    KeyCollision,
    /// An account was given by two owners, or twice by one.
    AccountRepeated,
    /// A name does not fit the words that hold it.
    NameSize,
}

/// A way in which a peer misbehaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A message does not parse, is too large, or holds a non-canonical value.
    Malformed,
    /// A group element is not a canonical encoding.
    NotCanonical,
    /// A group element is the identity.
    Identity,
    /// A message came where another was due.
    OutOfOrder,
    /// The proof of evaluation does not verify under the committed key.
    ProofInvalid,
    /// A bucket's cells are not sorted, repeat a tag, or have no size class.
    BucketMalformed,
    /// A cell under the right tag does not decrypt, or is missing.
    CellAltered,
    /// A decrypted label does not parse.
    LabelMalformed,
    /// A label holds a derived selector that its custodian did not sign.
    VoucherInvalid,
    /// The peer's transcript is not ours.
    TranscriptMismatch,
    /// The peer stopped before the end.
    Truncated,
    /// Tags are not strictly ascending.
    TagsUnordered,
    /// What the peer opened is not what it committed to.
    OpeningMismatch,
    /// A list of elements repeats one.
    ElementRepeated,
    /// The peer asks to open a place that does not exist, or one twice.
    PlaceInvalid,
    /// The peer's correlations or trees fail the check of their consistency.
    Inconsistent,
    // Three-party shares. Where two parties contradict one another the third
    // can't tell which of them lied; the evidence is what both sent.
    /// Two holders of one component state different ones.
    ShareMismatch,
    /// A multiplication somewhere before this check was not done as agreed.
    ProductWrong,
    /// A shuffle changed rows that it should only have moved.
    ShuffleWrong,
}

/// A way in which the environment failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The channel to a peer is closed or too slow; the run must begin again.
    PeerLost,
    /// A file could not be read or written.
    Storage {
        /// What the operating system said.
        reason: std::io::ErrorKind,
        /// Whether trying again may help.
        retry: bool,
    },
    /// A prepared table's file is damaged; it must be prepared again.
    Damaged {
        /// Which part.
        part: &'static str,
    },
    /// A set could not be encoded under the seed that was drawn, which happens
    /// once in 2^40 sets; a new session will do.
    Unlucky,
}

/// What went wrong, by family.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A rule said no.
    Refusal(Refusal),
    /// A peer misbehaved; `evidence` is what it sent.
    Fault {
        /// How.
        fault: Fault,
        /// The peer's bytes: the whole message or the part that is wrong.
        evidence: Vec<u8>,
    },
    /// The environment failed.
    Trouble(Trouble),
}

/// The error of every operation in this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The refusal, where it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match *self.0 {
            ErrorKind::Refusal(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The fault, where it is one.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match *self.0 {
            ErrorKind::Fault { fault, .. } => Some(fault),
            _ => None,
        }
    }

    pub(crate) fn faulty(fault: Fault, evidence: &[u8]) -> Self {
        Self(Box::new(ErrorKind::Fault {
            fault,
            evidence: evidence.to_vec(),
        }))
    }

    pub(crate) fn damaged(part: &'static str) -> Self {
        Trouble::Damaged { part }.into()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(ErrorKind::Refusal(refusal)))
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self(Box::new(ErrorKind::Trouble(trouble)))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let reason = error.kind();
        let retry = matches!(
            reason,
            Io::Interrupted | Io::WouldBlock | Io::TimedOut | Io::StorageFull | Io::ResourceBusy
        );
        Trouble::Storage { reason, retry }.into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SelectorNotPermitted => {
                "a selector is not the warrant's and nobody vouched for it"
            }
            Self::SelectorSpent => "a selector was already evaluated in this run and step",
            Self::TooManySelectors => "more selectors than permitted",
            Self::TooManyBuckets => "more buckets than permitted",
            Self::ContextMismatch => "the request is for another warrant, plan, run, step or table",
            Self::IssuerUnknown => "the voucher's institution is not permitted here",
            Self::VoucherInvalid => {
                "a voucher does not verify for this warrant, plan, run and step"
            }
            Self::InputSize => "an input is empty or too long",
            Self::BlindMismatch => "a blinded selector is not the stated input",
            Self::InputRepeated => "an input is asked twice in one request",
            Self::LabelTooLarge => "a label is too large",
            Self::BucketTooLarge => "a bucket is too large",
            Self::AnswerTooLarge => "the labels of one lookup are too large together",
            Self::TooManyKeys => "a table has too many keys",
            Self::KeyMismatch => "the old table was prepared under another key or salt",
            Self::ParameterRange => "a parameter is out of range",
            Self::LabelCount => "there must be one label for each key",
            Self::SecurityTooWeak => "the protocol is weaker than the network asks for",
            Self::SetTooLarge => "a set has more items than were agreed",
            Self::CorrelationMismatch => "a correlation does not fit the protocol",
            Self::CountOverCap => "more identities are asked for than the cap allows",
            Self::Overflow => "a result could exceed what its representation holds",
            Self::ShapeMismatch => "columns differ in rows or width",
            Self::TooManyRows => "a column has too many rows",
            Self::CapExceeded => "more rows qualify than the cap allows to be opened",
            Self::Aborted => "the computation was aborted before",
            Self::KeyCollision => "short hashes of keys collided; run it again",
            Self::AccountRepeated => "an account was given more than once",
            Self::NameSize => "a name does not fit its words",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the peer sent a malformed message",
            Self::NotCanonical => "the peer sent a group element that is not canonical",
            Self::Identity => "the peer sent the group's identity",
            Self::OutOfOrder => "the peer sent a message out of order",
            Self::ProofInvalid => "the peer evaluated under another key than the one committed",
            Self::BucketMalformed => "the peer sent a malformed bucket",
            Self::CellAltered => "the peer sent a cell that was altered",
            Self::LabelMalformed => "the peer sent a malformed label",
            Self::VoucherInvalid => "the peer sent a derived selector without its signature",
            Self::TranscriptMismatch => "the peer's transcript differs",
            Self::Truncated => "the peer stopped before the end",
            Self::TagsUnordered => "the peer sent tags out of order",
            Self::OpeningMismatch => "the peer opened another value than it committed to",
            Self::ElementRepeated => "the peer sent a group element twice",
            Self::PlaceInvalid => "the peer asked for a place that does not exist, or twice",
            Self::Inconsistent => "the peer's correlations are not consistent",
            Self::ShareMismatch => "two holders of one component state different ones",
            Self::ProductWrong => "a multiplication was not done as agreed",
            Self::ShuffleWrong => "a shuffle changed rows that it should only have moved",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            ErrorKind::Refusal(refusal) => refusal.fmt(f),
            ErrorKind::Fault { fault, evidence } => {
                write!(f, "{fault} ({} bytes of evidence)", evidence.len())
            }
            ErrorKind::Trouble(Trouble::PeerLost) => f.write_str("the channel to a peer is closed"),
            ErrorKind::Trouble(Trouble::Storage { reason, .. }) => {
                write!(f, "a file could not be read or written: {reason}")
            }
            ErrorKind::Trouble(Trouble::Damaged { part }) => {
                write!(f, "the prepared table is damaged: {part}")
            }
            ErrorKind::Trouble(Trouble::Unlucky) => {
                write!(f, "a set could not be encoded under this seed; try again")
            }
        }
    }
}

impl std::error::Error for Error {}
