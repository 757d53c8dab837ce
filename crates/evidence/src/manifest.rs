//! The list of a bundle's files, and the exporter's signature under it.
//!
//! *Invariants*: one form (`render`); it lists every file but itself and its
//! signature; what it says of the case is checked against the records.

use std::collections::BTreeSet;

use docket::charter::Institution;
use primitives::{Digest, InstitutionId, NetworkId, PublicKey, Signature, SigningKey, WarrantId};
use serde::{Deserialize, Serialize};

use crate::archive::Files;
use crate::finding::{Finding, Refused};
use crate::lookups::LOOKUPS;

/// The manifest's file.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The signature's file.
pub(crate) const SIGNATURE: &str = "manifest.sig";
/// The format of a bundle without lookups to show.
const FORMAT: &str = "cordon-bundle/1";
/// The format of one with them.
const FORMAT_LOOKUPS: &str = "cordon-bundle/2";
const DOMAIN: &str = "cordon/bundle/v1";

/// What a bundle says it is, and its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    format: String,
    pub(crate) network: NetworkId,
    pub(crate) warrant: WarrantId,
    pub(crate) question: Digest,
    pub(crate) exporter: InstitutionId,
    files: Vec<Listed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    path: String,
    bytes: u64,
    sha256: Digest,
}

impl Manifest {
    /// Lists `files` for the case.
    pub(crate) fn of(
        files: &Files,
        network: NetworkId,
        warrant: WarrantId,
        question: Digest,
        exporter: InstitutionId,
    ) -> Self {
        Self {
            format: format_of(files).into(),
            network,
            warrant,
            question,
            exporter,
            files: list(files),
        }
    }

    /// Its one form: JSON, indented by two, ended by a newline.
    pub(crate) fn render(&self) -> Vec<u8> {
        // Strings, numbers and lists always serialise.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text.into_bytes()
    }

    /// Reads the manifest of a bundle and compares every file with it.
    pub(crate) fn check(files: &Files) -> Result<Self, Refused> {
        let bytes = files
            .get(MANIFEST)
            .ok_or_else(|| Finding::new(MANIFEST, "missing-file", "the bundle has no manifest"))?;
        let malformed =
            |detail: &str| Refused::from(Finding::new(MANIFEST, "one-form", detail.to_owned()));
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|_| malformed("not a manifest of a bundle"))?;
        if manifest.render() != *bytes || manifest.format != format_of(files) {
            return Err(malformed("not in the manifest's one form"));
        }
        let found = list(files);
        let mut findings = Vec::new();
        for listed in &manifest.files {
            match by_path(&found, &listed.path) {
                None => findings.push(Finding::new(
                    listed.path.clone(),
                    "missing-file",
                    "the manifest lists it, the bundle lacks it",
                )),
                Some(file) if file != listed => findings.push(Finding::new(
                    listed.path.clone(),
                    "manifest",
                    "its bytes are not those that the manifest lists",
                )),
                Some(_) => {}
            }
        }
        let listed: BTreeSet<_> = manifest.files.iter().map(|file| &file.path).collect();
        for file in &found {
            if !listed.contains(&file.path) {
                findings.push(Finding::new(
                    file.path.clone(),
                    "unexpected-file",
                    "the manifest does not list it",
                ));
            }
        }
        Refused::unless_none(findings)?;
        if manifest.files != found {
            return Err(malformed("its list is out of order or has a file twice"));
        }
        Ok(manifest)
    }

    /// Signs the manifest with the exporter's node key.
    pub(crate) fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let signature = key.sign(DOMAIN, &self.render());
        signature_text(&self.format, &self.exporter, &key.public(), &signature)
    }

    /// Checks the signature's file against the exporter's card.
    pub(crate) fn check_signature(
        &self,
        file: &[u8],
        exporter: &Institution,
    ) -> Result<(), Refused> {
        let complain =
            |rule: &str, detail: &str| Refused::from(Finding::new(SIGNATURE, rule, detail));
        let malformed = || complain("one-form", "not in the signature's one form");
        let text = std::str::from_utf8(file).map_err(|_| malformed())?;
        let signature: Signature = text
            .lines()
            .last()
            .and_then(|line| line.parse().ok())
            .ok_or_else(malformed)?;
        if signature_text(&self.format, &exporter.id, &exporter.node_key, &signature) != file {
            return Err(complain(
                "exporter",
                "signed by another than the exporter's node",
            ));
        }
        exporter
            .node_key
            .verify(DOMAIN, &self.render(), &signature)
            .map_err(|_| complain("signature", "the manifest's signature does not verify"))
    }
}

fn signature_text(
    format: &str,
    exporter: &InstitutionId,
    key: &PublicKey,
    signature: &Signature,
) -> Vec<u8> {
    format!("{format}\n{exporter}\n{key}\n{signature}\n").into_bytes()
}

/// The format of a bundle with these files.
fn format_of(files: &Files) -> &'static str {
    match files.keys().any(|path| path.starts_with(LOOKUPS)) {
        true => FORMAT_LOOKUPS,
        false => FORMAT,
    }
}

/// Looks a file up in a list that [`list`] made.
fn by_path<'a>(files: &'a [Listed], path: &str) -> Option<&'a Listed> {
    let found = files.binary_search_by(|file| file.path.as_str().cmp(path));
    found.ok().map(|position| &files[position])
}

/// Every file but manifest and signature, sorted by path.
fn list(files: &Files) -> Vec<Listed> {
    files
        .iter()
        .filter(|(path, _)| *path != MANIFEST && *path != SIGNATURE)
        .map(|(path, bytes)| Listed {
            path: path.clone(),
            bytes: bytes.len() as u64,
            sha256: Digest::plain(bytes),
        })
        .collect()
}
