//! Acts about officers: enrol, propose, confirm, retire.

use docket::{Credential, CredentialId, OfficerId, State, Statement};
use primitives::Digest;

use super::make::{Made, digest, ids};
use crate::{
    core::Core,
    error::{Error, Result},
    passkeys,
};

fn made(statement: Statement, follows: Vec<Digest>, summary: Vec<String>) -> Made {
    Made {
        warrant: None,
        follows,
        bodies: Vec::new(),
        statement,
        summary,
    }
}

pub(super) fn enrol(officer: &str, key: &str, duties: &[String]) -> Result<Made> {
    let officer: OfficerId = officer.parse()?;
    let summary = vec![format!("Enrol officer {officer} as {}", duties.join(", "))];
    let statement = Statement::OfficerEnrolled {
        officer,
        key: key.parse()?,
        duties: ids(duties)?,
    };
    Ok(made(statement, Vec::new(), summary))
}

/// A passkey that waits here, by its registration; or a key, with handle and duties.
pub(super) fn propose(
    core: &Core,
    registration: Option<&str>,
    officer: Option<&str>,
    key: Option<&str>,
    duties: &[String],
) -> Result<Made> {
    let statement = match (registration, officer, key) {
        (Some(id), None, None) if duties.is_empty() => {
            passkeys::proposal(&passkeys::registered(core, &digest(id)?)?)
        }
        (None, Some(officer), Some(key)) => Statement::OfficerProposed {
            officer: officer.parse()?,
            credential: Credential::Key(key.parse()?),
            duties: ids(duties)?,
        },
        _ => {
            return Err(Error::refused(
                "format",
                "either `registration`, or `officer`, `key` and `duties`",
            ));
        }
    };
    let summary = match &statement {
        Statement::OfficerProposed {
            officer,
            credential,
            duties,
        } => {
            let duties: Vec<&str> = duties.iter().map(|duty| duty.name()).collect();
            describe("Propose", officer, &credential.id(), &duties)
        }
        _ => Vec::new(),
    };
    Ok(made(statement, Vec::new(), summary))
}

pub(super) fn confirm(core: &Core, state: &State, proposal: &str) -> Result<Made> {
    let proposal = digest(proposal)?;
    let (_, nominee) = state
        .nominees()
        .find(|(id, nominee)| **id == proposal && nominee.institution == core.me)
        .ok_or_else(|| Error::refused("proposal-unknown", "no such proposal of an officer here"))?;
    let duties: Vec<&str> = nominee.duties.iter().map(|duty| duty.name()).collect();
    let credential = nominee.credential.id();
    let summary = describe("Confirm", &nominee.officer, &credential, &duties);
    let statement = Statement::OfficerConfirmed { proposal };
    Ok(made(statement, vec![proposal], summary))
}

pub(super) fn retire(key: &str) -> Result<Made> {
    let key: CredentialId = key
        .parse()
        .map_err(|error: docket::NoCredential| Error::refused("format", error.to_string()))?;
    let summary = vec![format!("Withdraw the officer's credential {key}")];
    Ok(made(Statement::OfficerRetired { key }, Vec::new(), summary))
}

fn describe(
    verb: &str,
    officer: &OfficerId,
    credential: &CredentialId,
    duties: &[&str],
) -> Vec<String> {
    vec![
        format!("{verb} officer {officer} as {}", duties.join(", ")),
        format!(
            "with the {} whose fingerprint is {}",
            credential.kind(),
            credential.fingerprint()
        ),
    ]
}
