//! A bundle's making and its check, which are one walk: what is made was checked,
//! and what can't be checked is not made.
//!
//! The report, the answer as JSON and the read-me are written from the checked
//! case and nothing else; the verifier writes them again and compares bytes, so
//! they can't say what the evidence does not.

use docket::body::Opened;
use docket::{Charter, Record};
use primitives::{Digest, NetworkId, SigningKey};
use proof::Receipt;

use crate::archive::{self, Files};
use crate::case::{Case, examine};
use crate::content::{Content, content_digest, receipt_path};
use crate::finding::{Finding, Refused};
use crate::lookups::Lookup;
use crate::manifest::{MANIFEST, Manifest, SIGNATURE};
use crate::render::{ANSWER, README, REPORT, rendered};
use crate::walk::{replay, walk};

/// What a verifier knows before it opens a bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrustAnchor {
    /// The network's id, as the court got it from the network's founders. Without
    /// it a bundle is only shown to be consistent with the charter inside it.
    pub network: Option<NetworkId>,
}

/// Checks a bundle.
///
/// # Errors
/// Refused, with every finding of the first stage that found any: archive,
/// manifest, files, legal order, receipts, case, signature, rendered files.
pub fn verify(bytes: &[u8], anchor: &TrustAnchor) -> Result<Case, Refused> {
    let files = archive::read(bytes)?;
    let manifest = Manifest::check(&files)?;
    let content = Content::read(&files, &[MANIFEST, SIGNATURE, REPORT, ANSWER, README])?;
    let walked = walk(&content)?;
    let network = walked.state.network();
    if anchor.network.is_some_and(|expected| expected != network) {
        let detail = format!("the charter of another network: {network}");
        return Err(Finding::new("charter/genesis.cbor", "network", detail).into());
    }
    let case = examine(&content, &walked, &manifest.question)?;
    check_manifest(&manifest, &case, &files)?;
    let expected = rendered(&case);
    let altered = expected
        .iter()
        .filter(|(path, bytes)| files.get(*path) != Some(bytes));
    let findings = altered.map(|(path, _)| {
        let detail = "it is not what the evidence says";
        Finding::new(path.clone(), "rendered", detail)
    });
    Refused::unless_none(findings.collect())?;
    Ok(case)
}

fn check_manifest(manifest: &Manifest, case: &Case, files: &Files) -> Result<(), Refused> {
    let complain = |file: &str, detail: &str| Refused::from(Finding::new(file, "manifest", detail));
    if manifest.network != case.network
        || manifest.warrant != case.warrant
        || manifest.exporter != case.requester
    {
        return Err(complain(
            MANIFEST,
            "it names another network, warrant or exporter",
        ));
    }
    let exporter = case
        .members
        .iter()
        .find(|member| member.id == manifest.exporter)
        .ok_or_else(|| complain(MANIFEST, "the exporter is no member"))?;
    let signature = files
        .get(SIGNATURE)
        .ok_or_else(|| Finding::new(SIGNATURE, "missing-file", "the bundle is not signed"))?;
    manifest.check_signature(signature, exporter)
}

/// A bundle before its export is on the ledger.
///
/// 1. Choose the records with [`crate::select`] and make the draft.
/// 2. Submit a `bundle-exported` record over [`Draft::content`].
/// 3. Get a receipt for every record ([`Draft::indices`]; for [`Draft::handovers`]
///    by those then in office) and the proofs that [`crate::links`] names.
/// 4. [`Draft::finish`].
pub struct Draft {
    charter: Charter,
    question: Digest,
    records: Vec<(u64, Record)>,
    bodies: Vec<(usize, Opened)>,
    lookups: Vec<Lookup>,
}

impl Draft {
    /// Gathers the selected records, each with its index in the log, the bodies to open,
    /// each with the digest of its record, and the question's lookups.
    ///
    /// # Errors
    /// Refused if a body's record is not among the records.
    pub fn new(
        charter: Charter,
        question: Digest,
        mut records: Vec<(u64, Record)>,
        bodies: Vec<(Digest, Opened)>,
        mut lookups: Vec<Lookup>,
    ) -> Result<Self, Refused> {
        lookups.sort();
        records.sort_by_key(|(index, _)| *index);
        let number = |digest| {
            let position = records
                .iter()
                .position(|(_, record)| record.digest == digest);
            position.map(|position| position + 1)
        };
        let mut numbered = Vec::new();
        for (record, opened) in bodies {
            let number = number(record)
                .ok_or_else(|| Finding::new("bodies/", "parts", "a body of no record here"))?;
            numbered.push((number, opened));
        }
        numbered.sort_by(|a, b| (a.0, &a.1.label).cmp(&(b.0, &b.1.label)));
        Ok(Self {
            charter,
            question,
            records,
            bodies: numbered,
            lookups,
        })
    }

    /// What the `bundle-exported` record commits to.
    ///
    /// # Errors
    /// Refused if a body is there twice.
    pub fn content(&self) -> Result<Digest, Refused> {
        let records: Vec<_> = self
            .records
            .iter()
            .map(|(_, record)| record.clone())
            .collect();
        content_digest(&self.charter, &records, &self.bodies, &self.lookups)
    }

    /// The log indices for which [`Self::finish`] needs receipts, beside the export's.
    pub fn indices(&self) -> impl Iterator<Item = u64> {
        self.records.iter().map(|(index, _)| *index)
    }

    /// Those of [`Self::indices`] whose records changed the validators. Each needs a
    /// receipt by those who were in office when it became final.
    ///
    /// # Errors
    /// Refused if the records are not in the legal order.
    pub fn handovers(&self) -> Result<Vec<u64>, Refused> {
        let records = self.records.iter().map(|(index, record)| (*index, record));
        let (_, validators) = replay(&self.charter, records)?;
        Ok(validators.into_iter().filter_map(|(by, _)| by).collect())
    }

    /// Makes the bundle: with the export's index and record, a receipt for every
    /// record (those that changed the validators by the outgoing ones), the
    /// consistency path for each of [`crate::links`], and the exporter's node key.
    ///
    /// # Errors
    /// Refused, with what a verifier would find wrong.
    pub fn finish(
        mut self,
        export: (u64, Record),
        mut receipts: Vec<Receipt>,
        chain: Vec<Vec<Digest>>,
        key: &SigningKey,
    ) -> Result<Vec<u8>, Refused> {
        self.records.push(export);
        receipts.sort_by_key(Receipt::index);
        let expected = self.records.iter().map(|(index, _)| *index);
        if !receipts.iter().map(Receipt::index).eq(expected) {
            let detail = "not one receipt for each record";
            return Err(Finding::new(receipt_path(1), "missing-file", detail).into());
        }
        let content = Content {
            charter: self.charter,
            records: self.records.into_iter().map(|(_, record)| record).collect(),
            receipts,
            bodies: self.bodies,
            lookups: self.lookups,
            chain,
        };
        let case = examine(&content, &walk(&content)?, &self.question)?;
        let mut files = content.files()?;
        files.extend(rendered(&case));
        let manifest = Manifest::of(
            &files,
            case.network,
            case.warrant,
            case.question,
            case.requester,
        );
        files.insert(SIGNATURE.into(), manifest.sign(key));
        files.insert(MANIFEST.into(), manifest.render());
        let bytes = archive::write(&files)?;
        // The last word is the verifier's, over the very bytes that leave.
        let anchor = TrustAnchor {
            network: Some(manifest.network),
        };
        verify(&bytes, &anchor)?;
        Ok(bytes)
    }
}
