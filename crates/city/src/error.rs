//! Why a city could not be made.

use std::fmt;
use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A rule said no: the number of people is outside [`crate::MIN_PEOPLE`]`..=`[`crate::MAX_PEOPLE`].
    People {
        /// How many were asked for.
        asked: u32,
    },
    /// A rule said no: the folder already holds something, and a city never overwrites.
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of a city does not hold what its name says.
    Malformed {
        /// The file.
        file: PathBuf,
        /// What its parser said.
        reason: String,
    },
    /// The environment failed: a file could not be written or read; worth a retry once the disk is.
    Disk {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind }
    }

    pub(crate) fn disk(file: &Path, source: impl Into<std::io::Error>) -> Self {
        Self::new(ErrorKind::Disk {
            file: file.to_owned(),
            source: source.into(),
        })
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::People { asked } => write!(
                f,
                "a city has {} to {} people, not {asked}",
                crate::MIN_PEOPLE,
                crate::MAX_PEOPLE
            ),
            ErrorKind::NotEmpty { folder } => {
                write!(f, "{} is not empty; name a new folder", folder.display())
            }
            ErrorKind::Malformed { file, reason } => {
                write!(f, "{} is malformed: {reason}", file.display())
            }
            ErrorKind::Disk { file, source } => write!(f, "{}: {source}", file.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Disk { source, .. } => Some(source),
            _ => None,
        }
    }
}
