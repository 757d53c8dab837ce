//! The files that carry evidence: charter, records, receipts, opened bodies.
//!
//! *Invariants*: records are numbered from 1 in ledger order and each has its
//! receipt; a file's name follows from what is in it; there is no other file.

use docket::body::Opened;
use docket::{Charter, Record, RecordError, Signed};
use primitives::limits::BODY_BYTES_MAX;
use primitives::{Digest, cbor};
use proof::Receipt;

use crate::archive::{BUNDLE_BYTES_MAX, Files};
use crate::finding::{Finding, Refused};
use crate::lookups::{Lookup, lookup_path};

/// Records in one bundle.
pub const RECORDS_MAX: usize = 9_999;
const CHARTER: &str = "charter/genesis.cbor";
pub(crate) const CHAIN: &str = "receipts/chain.cbor";
const CHARTER_BYTES_MAX: usize = 256 * 1024;
const CHAIN_BYTES_MAX: usize = 256 * 1024;
/// What an opened body adds to the body: label, salt and lengths.
const OPENED_BYTES_EXTRA: usize = 1024;

/// Evidence, decoded; records' signatures are checked, nothing else is.
pub(crate) struct Content {
    pub(crate) charter: Charter,
    /// In ledger order.
    pub(crate) records: Vec<Record>,
    /// One for each record.
    pub(crate) receipts: Vec<Receipt>,
    /// The number of a record, from 1, and a body of it.
    pub(crate) bodies: Vec<(usize, Opened)>,
    /// What shows the answer's rows, in order of step, institution, snapshot and part.
    pub(crate) lookups: Vec<Lookup>,
    /// The consistency paths between the receipts' checkpoints.
    pub(crate) chain: Vec<Vec<Digest>>,
}

pub(crate) fn record_path(number: usize, record: &Record) -> String {
    format!("records/{number:04}-{}.cose", record.kind())
}

pub(crate) fn receipt_path(number: usize) -> String {
    format!("receipts/{number:04}.cbor")
}

pub(crate) fn body_path(number: usize, opened: &Opened) -> String {
    format!("bodies/{number:04}-{}.cbor", opened.label)
}

impl Content {
    /// The files of this content.
    pub(crate) fn files(&self) -> Result<Files, Refused> {
        let mut files = fixed_files(&self.charter, &self.records, &self.bodies, &self.lookups)?;
        for (position, receipt) in self.receipts.iter().enumerate() {
            let path = receipt_path(position + 1);
            let bytes = receipt.encode().map_err(|e| refuse(&path, &e))?;
            files.insert(path, bytes);
        }
        let bytes = cbor::encode(&self.chain).map_err(|e| refuse(CHAIN, &e))?;
        files.insert(CHAIN.into(), bytes);
        Ok(files)
    }

    /// Reads the evidence among a bundle's files; `rendered` names the others.
    pub(crate) fn read(files: &Files, rendered: &[&str]) -> Result<Self, Refused> {
        let mut reader = Reader::default();
        for (path, bytes) in files {
            if !rendered.contains(&path.as_str()) {
                reader.take(path, bytes);
            }
        }
        let content = reader.finish()?;
        // Whatever the names say, this content has these files and no others.
        let mut findings = Vec::new();
        let expected = content.files()?;
        for (path, bytes) in files {
            if rendered.contains(&path.as_str()) || expected.get(path) == Some(bytes) {
                continue;
            }
            let (rule, detail) = if expected.contains_key(path) {
                (
                    "one-form",
                    "its bytes are not the one form of what is in it",
                )
            } else {
                ("unexpected-file", "its name does not fit what is in it")
            };
            findings.push(Finding::new(path.clone(), rule, detail));
        }
        Refused::unless_none(findings)?;
        Ok(content)
    }
}

/// The digest that a `bundle-exported` record commits to: the charter, the records
/// before it, the bodies and the lookups, each by name and SHA-256.
pub(crate) fn content_digest(
    charter: &Charter,
    records: &[Record],
    bodies: &[(usize, Opened)],
    lookups: &[Lookup],
) -> Result<Digest, Refused> {
    let mut hasher = primitives::Hasher::new("cordon/bundle-content/v1");
    for (path, bytes) in fixed_files(charter, records, bodies, lookups)? {
        hasher.part(path.as_bytes());
        hasher.part(&Digest::plain(&bytes).0);
    }
    Ok(hasher.finish())
}

fn fixed_files(
    charter: &Charter,
    records: &[Record],
    bodies: &[(usize, Opened)],
    lookups: &[Lookup],
) -> Result<Files, Refused> {
    let mut files = Files::new();
    let bytes = cbor::encode(charter).map_err(|e| refuse(CHARTER, &e))?;
    files.insert(CHARTER.into(), bytes);
    for (position, record) in records.iter().enumerate() {
        files.insert(record_path(position + 1, record), record.bytes.clone());
    }
    for (number, opened) in bodies {
        let path = body_path(*number, opened);
        let bytes = cbor::encode(opened).map_err(|e| refuse(&path, &e))?;
        if files.insert(path.clone(), bytes).is_some() {
            return Err(Finding::new(path, "one-form", "the same body twice").into());
        }
    }
    for (position, lookup) in lookups.iter().enumerate() {
        let path = lookup_path(position + 1);
        let bytes = cbor::encode(lookup).map_err(|e| refuse(&path, &e))?;
        files.insert(path, bytes);
    }
    Ok(files)
}

fn refuse(path: &str, error: &dyn std::error::Error) -> Refused {
    Finding::new(path, "one-form", error.to_string()).into()
}

/// Gathers what the files hold, and every finding about them.
#[derive(Default)]
struct Reader {
    charter: Option<Charter>,
    records: Vec<(usize, String, Signed)>,
    receipts: Vec<(usize, String, Receipt)>,
    bodies: Vec<(usize, Opened)>,
    lookups: Vec<(usize, String, Lookup)>,
    chain: Option<Vec<Vec<Digest>>>,
    findings: Vec<Finding>,
}

impl Reader {
    fn take(&mut self, path: &str, bytes: &[u8]) {
        if let Err(detail) = self.file(path, bytes) {
            self.findings.push(Finding::new(path, "one-form", detail));
        }
    }

    /// Takes files in the order of their names: numbers rise.
    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let (folder, name) = path.split_once('/').ok_or("no file of a bundle")?;
        let number = || {
            let digits = name.get(..4).ok_or("a name without a number")?;
            digits.parse().map_err(|_| "a name without a number")
        };
        match folder {
            _ if path == CHARTER => {
                let charter = cbor::decode(bytes, CHARTER_BYTES_MAX).map_err(|e| text(&e))?;
                self.charter = Some(charter);
            }
            _ if path == CHAIN => {
                self.chain = Some(cbor::decode(bytes, CHAIN_BYTES_MAX).map_err(|e| text(&e))?);
            }
            "records" => {
                let record = Signed::decode(bytes).map_err(|e| text(&e))?;
                self.records.push((number()?, path.to_owned(), record));
            }
            "receipts" => {
                let receipt = Receipt::decode(bytes).map_err(|e| text(&e))?;
                self.receipts.push((number()?, path.to_owned(), receipt));
            }
            "bodies" => {
                let limit = BODY_BYTES_MAX + OPENED_BYTES_EXTRA;
                let opened = cbor::decode(bytes, limit).map_err(|e| text(&e))?;
                self.bodies.push((number()?, opened));
            }
            "lookups" => {
                let lookup = cbor::decode(bytes, BUNDLE_BYTES_MAX).map_err(|e| text(&e))?;
                self.lookups.push((number()?, path.to_owned(), lookup));
            }
            _ => return Err("no file of a bundle".into()),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Content, Refused> {
        let missing = |path: &str| Finding::new(path, "missing-file", "the bundle lacks it");
        if self.charter.is_none() {
            self.findings.push(missing(CHARTER));
        }
        if self.chain.is_none() {
            self.findings.push(missing(CHAIN));
        }
        let gap = |numbers: &mut dyn Iterator<Item = (usize, &String)>| {
            let found = numbers
                .enumerate()
                .find(|(at, (number, _))| at + 1 != *number);
            let detail = "files are missing before it, or it has another's number";
            found.map(|(_, (_, path))| Finding::new(path.clone(), "missing-file", detail))
        };
        let records = gap(&mut self.records.iter().map(|(n, path, _)| (*n, path)));
        let receipts = gap(&mut self.receipts.iter().map(|(n, path, _)| (*n, path)));
        let lookups = gap(&mut self.lookups.iter().map(|(n, path, _)| (*n, path)));
        let gaps = records.into_iter().chain(receipts).chain(lookups);
        self.findings.extend(gaps);
        if self.findings.is_empty() && self.records.len() != self.receipts.len() {
            let number = self.records.len().min(self.receipts.len()) + 1;
            self.findings.push(missing(&receipt_path(number)));
        }
        if self.records.len() > RECORDS_MAX {
            let detail = format!("more than {RECORDS_MAX} records");
            self.findings
                .push(Finding::new("records/", "within-limit", detail));
        }
        let records = self.verified();
        let (Some(charter), Some(chain)) = (self.charter, self.chain) else {
            return Err(Refused {
                findings: self.findings,
            });
        };
        Refused::unless_none(self.findings)?;
        Ok(Content {
            charter,
            chain,
            records,
            receipts: self
                .receipts
                .into_iter()
                .map(|(.., receipt)| receipt)
                .collect(),
            bodies: self.bodies,
            lookups: self.lookups.into_iter().map(|(.., one)| one).collect(),
        })
    }

    /// The records whose signatures verify; the others become findings.
    fn verified(&mut self) -> Vec<Record> {
        let (paths, signed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.records)
            .into_iter()
            .map(|(_, path, signed)| (path, signed))
            .unzip();
        let mut records = Vec::with_capacity(paths.len());
        for (path, verdict) in paths.into_iter().zip(Signed::verify_all(signed)) {
            match verdict {
                Ok(record) => records.push(record),
                Err(error) => {
                    let rule = match error {
                        RecordError::Assertion(_) => "assertion",
                        _ => "signature",
                    };
                    let finding = Finding::new(path, rule, error.to_string());
                    self.findings.push(finding);
                }
            }
        }
        records
    }
}
