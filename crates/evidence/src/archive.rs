//! The bundle's container: a ZIP with exactly one form for each set of files.
//!
//! A general ZIP reader must guess between local and central headers, honour
//! comments and bear gaps; evidence must leave nothing to guess. So a bundle is a
//! ZIP that any tool opens, written without compression, times, comments and
//! extra fields, and whatever is not byte for byte what [`write`] writes is
//! refused. No compression also means that nothing swells when it is opened and
//! that no library's next version can change yesterday's bytes.
//!
//! *Invariants*: `read(write(files)) == files`, and `write(read(bytes)) == bytes`.
//!
//! *Not here*: ZIP64, encryption, any other archive than a bundle.

use std::collections::BTreeMap;

use crate::finding::{ARCHIVE, Finding, Refused};

/// Bytes of one bundle.
pub const BUNDLE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Files in one bundle.
pub const FILES_MAX: usize = 30_000;
const NAME_BYTES_MAX: usize = 100;

/// Files by name, in the order in which they stand in the archive.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
/// Version 1.0, no flags, stored, 00:00 on 1980-01-01: what both headers share.
const COMMON: [u8; 10] = [10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];

/// Writes the archive.
///
/// # Errors
/// Refused if a name or the whole is beyond the limits.
pub(crate) fn write(files: &Files) -> Result<Vec<u8>, Refused> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    if files.len() > FILES_MAX {
        return Err(too_large("files", FILES_MAX));
    }
    for (name, bytes) in files {
        if !is_name(name) {
            return Err(Finding::new(name.clone(), "file-name", "no name for a file").into());
        }
        let entry = Entry::of(name, bytes, out.len())?;
        out.extend(entry.local());
        out.extend_from_slice(bytes);
        central.extend(entry.central());
        if out.len() + central.len() + END_BYTES > BUNDLE_BYTES_MAX {
            return Err(too_large("bytes", BUNDLE_BYTES_MAX));
        }
    }
    let end = end(files.len(), central.len(), out.len())?;
    out.extend(central);
    out.extend(end);
    Ok(out)
}

/// Reads an archive of exactly the form that [`write`] gives it.
///
/// # Errors
/// Refused, naming the file whose bytes or headers are not what they must be.
pub(crate) fn read(bytes: &[u8]) -> Result<Files, Refused> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(too_large("bytes", BUNDLE_BYTES_MAX));
    }
    let (entries, contents) = directory(bytes)?;
    let (mut files, mut findings) = (Files::new(), Vec::new());
    let mut position = 0;
    for entry in &entries {
        let mut complain = |rule, detail| {
            findings.push(Finding::new(entry.name.clone(), rule, detail));
        };
        let start = position + LOCAL_BYTES + entry.name.len();
        let stop = start + entry.size as usize;
        let Some(content) = contents.get(start..stop) else {
            complain("archive-form", "its bytes are cut off");
            break;
        };
        if entry.offset as usize != position || contents[position..start] != entry.local() {
            complain("archive-form", "its header is not in the one form");
        }
        if crc32(content) != entry.crc {
            complain("checksum", "its bytes were altered");
        }
        if !is_name(&entry.name) {
            complain("file-name", "no name for a file in a bundle");
        }
        files.insert(entry.name.clone(), content.to_vec());
        position = stop;
    }
    Refused::unless_none(findings)?;
    // Bytes between files, order, repeats and every header at once.
    if write(&files)? != bytes {
        return Err(broken("the archive is not in its one form"));
    }
    Ok(files)
}

/// The entries that the central directory lists, and the bytes before it.
fn directory(bytes: &[u8]) -> Result<(Vec<Entry>, &[u8]), Refused> {
    let cut = || broken("the archive is cut off or has bytes after its end");
    let start = bytes.len().checked_sub(END_BYTES).ok_or_else(cut)?;
    let (rest, end_record) = bytes.split_at(start);
    if end_record[..4] != END {
        return Err(cut());
    }
    let count = usize::from(u16_at(end_record, 10).ok_or_else(cut)?);
    let offset = u32_at(end_record, 16).ok_or_else(cut)? as usize;
    if offset > rest.len() || count > FILES_MAX {
        return Err(broken("the archive's directory is not where it says"));
    }
    let (contents, mut central) = rest.split_at(offset);
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, after) = Entry::parse(central)
            .ok_or_else(|| broken("the archive's directory is not in the one form"))?;
        entries.push(entry);
        central = after;
    }
    Ok((entries, contents))
}

/// One file as the directory lists it.
struct Entry {
    name: String,
    crc: u32,
    size: u32,
    offset: u32,
}

impl Entry {
    fn of(name: &str, bytes: &[u8], offset: usize) -> Result<Self, Refused> {
        let small = |n| u32::try_from(n).map_err(|_| too_large("bytes", BUNDLE_BYTES_MAX));
        Ok(Self {
            name: name.to_owned(),
            crc: crc32(bytes),
            size: small(bytes.len())?,
            offset: small(offset)?,
        })
    }

    /// The fields that both headers share, from the version to the extra field's length.
    fn shared(&self) -> Vec<u8> {
        let mut out = COMMON.to_vec();
        out.extend(self.crc.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        // Names are at most 100 bytes, so the high byte is zero.
        out.extend([u8::try_from(self.name.len()).unwrap_or(u8::MAX), 0, 0, 0]);
        out
    }

    fn local(&self) -> Vec<u8> {
        [&LOCAL[..], &self.shared(), self.name.as_bytes()].concat()
    }

    fn central(&self) -> Vec<u8> {
        let mut out = CENTRAL.to_vec();
        out.extend([10, 0]);
        out.extend(self.shared());
        // No comment, first disk, no attributes.
        out.extend([0; 10]);
        out.extend(self.offset.to_le_bytes());
        out.extend(self.name.as_bytes());
        out
    }

    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        if bytes.get(..4)? != CENTRAL {
            return None;
        }
        let length = usize::from(u16_at(bytes, 28)?);
        let name = bytes.get(CENTRAL_BYTES..CENTRAL_BYTES + length)?;
        let entry = Self {
            name: String::from_utf8(name.to_vec()).ok()?,
            crc: u32_at(bytes, 16)?,
            size: u32_at(bytes, 24)?,
            offset: u32_at(bytes, 42)?,
        };
        Some((entry, &bytes[CENTRAL_BYTES + length..]))
    }
}

fn end(count: usize, central: usize, offset: usize) -> Result<Vec<u8>, Refused> {
    let count = u16::try_from(count).map_err(|_| too_large("files", FILES_MAX))?;
    let small = |n| u32::try_from(n).map_err(|_| too_large("bytes", BUNDLE_BYTES_MAX));
    let mut out = END.to_vec();
    out.extend([0; 4]);
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(small(central)?.to_le_bytes());
    out.extend(small(offset)?.to_le_bytes());
    out.extend([0; 2]);
    Ok(out)
}

/// Letters, digits, `-`, `_`, `.` and `/`, with no empty part and none that begins with a dot.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        })
}

fn broken(detail: &str) -> Refused {
    Finding::new(ARCHIVE, "archive-form", detail).into()
}

fn too_large(what: &str, limit: usize) -> Refused {
    Finding::new(ARCHIVE, "within-limit", format!("more than {limit} {what}")).into()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The CRC-32 of ZIP (ISO 3309, reflected, polynomial `EDB88320`).
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "an index below 256, and no try_from in a constant"
            )]
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = (value >> 1) ^ (0xedb8_8320 * (value & 1));
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0u32, |crc, byte| {
        TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8)
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    fn files() -> Files {
        let mut files = Files::new();
        files.insert("README.txt".into(), b"hello\n".to_vec());
        files.insert("a/empty".into(), Vec::new());
        files.insert(
            "a/large.bin".into(),
            (0..=255u8).cycle().take(5000).collect(),
        );
        files
    }

    #[test]
    fn another_implementation_reads_it() {
        let mut zip = zip::ZipArchive::new(Cursor::new(write(&files()).unwrap())).unwrap();
        assert_eq!(zip.len(), 3);
        for (name, bytes) in files() {
            let mut content = Vec::new();
            // Reading to the end checks the CRC.
            zip.by_name(&name)
                .unwrap()
                .read_to_end(&mut content)
                .unwrap();
            assert_eq!(content, bytes);
        }
    }

    #[test]
    fn it_reads_what_it_writes_and_nothing_else() {
        let bytes = write(&files()).unwrap();
        assert_eq!(read(&bytes).unwrap(), files());
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                assert!(read(&changed).is_err(), "byte {position}, bit {bit}");
            }
        }
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "cut to {length}");
        }
        assert!(read(&[&bytes[..], b"x"].concat()).is_err());
        assert!(read(&[b"x", &bytes[..]].concat()).is_err());
    }

    #[test]
    fn altered_content_is_named() {
        let mut bytes = write(&files()).unwrap();
        let position = bytes.windows(5).position(|w| w == b"hello").unwrap();
        bytes[position] = b'j';
        let findings = read(&bytes).unwrap_err().findings;
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].file.as_str(), findings[0].rule.as_str()),
            ("README.txt", "checksum")
        );
    }

    #[test]
    fn names_stay_inside() {
        for bad in [
            "", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "a\\b", "a b", "报告",
        ] {
            assert!(!is_name(bad), "{bad}");
            let files = Files::from([(bad.to_owned(), Vec::new())]);
            assert!(write(&files).is_err());
        }
        assert!(is_name("records/0001-question-asked.cose"));
    }
}
