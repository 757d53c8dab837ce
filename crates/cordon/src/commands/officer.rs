//! `cordon officer`: officers' keys, and the institution's word on them.

use std::path::PathBuf;

use ::docket::{CredentialId, Duty, OfficerId};
use ::node::{
    api::{passkeys::Invite, types::Act},
    keystore::OfficerKeyFile,
};
use clap::{Args, Subcommand};
use primitives::{Digest, PublicKey, SigningKey};
use serde_json::json;

use super::{Sign, show_recorded, sign_and_show};
use crate::{
    connect::Connect,
    failure::{Failure, Result},
    output::Out,
    passphrase,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Officer {
    /// Make an officer's key file; the officer does this, and keeps it.
    New(New),
    /// Give an officer's key its duties, by the operator or a registrar.
    Enrol(Enrol),
    /// Invite an officer to make a passkey in the console, by the operator or a registrar.
    Invite(Invitation),
    /// Confirm an officer whom somebody else proposed, by the operator or a registrar.
    Confirm(Confirm),
    /// Withdraw an officer's key or passkey, by a registrar.
    Retire(Retire),
}

impl Officer {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        match self {
            Self::New(command) => command.run(out),
            Self::Enrol(command) => command.run(out),
            Self::Invite(command) => command.run(out),
            Self::Confirm(command) => command.run(out),
            Self::Retire(command) => command.run(out),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon officer new --out judge.key

Give the public key that this prints to your institution's registrar.")]
pub(crate) struct New {
    /// The key file to make; encrypted under a passphrase.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A file with the new passphrase.
    #[arg(long, value_name = "FILE", env = "CORDON_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

impl New {
    fn run(self, out: &Out) -> Result<()> {
        if self.out.exists() {
            return Err(Failure::refusal(
                "not-empty",
                format!("{} exists; keys are never overwritten", self.out.display()),
            ));
        }
        let what = self.out.display().to_string();
        let passphrase = passphrase::to_make(self.passphrase_file.as_deref(), &what)?;
        let key = SigningKey::generate();
        OfficerKeyFile::write(&self.out, &key, &passphrase)?;
        out.line(key.public().to_string());
        out.value(&json!({ "file": self.out, "key": key.public() }))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon officer enrol --home /var/lib/cordon --handle judge-1 --duty judge \\
    --key 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
pub(crate) struct Enrol {
    #[command(flatten)]
    connect: Connect,
    /// The officer's handle: a pseudonym, never a name.
    #[arg(long)]
    handle: OfficerId,
    /// The officer's public key.
    #[arg(long, value_name = "HEX")]
    key: PublicKey,
    /// A duty: investigator, judge, approver, steward, auditor or registrar; may be repeated.
    #[arg(long = "duty", required = true)]
    duties: Vec<Duty>,
    #[command(flatten)]
    sign: Sign,
}

impl Enrol {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::EnrolOfficer {
            officer: self.handle.to_string(),
            key: self.key.to_string(),
            duties: self.duties.iter().map(ToString::to_string).collect(),
        };
        if self.connect.officer.is_some() {
            return sign_and_show(&self.connect.open()?, &act, &self.sign, out);
        }
        show_recorded(&self.connect.open_as_operator()?.enrol(&act)?, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon officer invite --home /var/lib/cordon --handle judge-2 --duty judge

The officer opens the link that this prints, makes the passkey there, and reads its
fingerprint to the registrars, who propose and confirm it in the console.")]
pub(crate) struct Invitation {
    #[command(flatten)]
    connect: Connect,
    /// The officer's handle: a pseudonym, never a name.
    #[arg(long)]
    handle: OfficerId,
    /// A duty: investigator, judge, approver, steward, auditor or registrar; may be repeated.
    #[arg(long = "duty", required = true)]
    duties: Vec<Duty>,
}

impl Invitation {
    fn run(self, out: &Out) -> Result<()> {
        let client = if self.connect.officer.is_some() {
            self.connect.open()?
        } else {
            self.connect.open_as_operator()?
        };
        let invitation = client.invite(&Invite {
            officer: self.handle.to_string(),
            duties: self.duties.iter().map(ToString::to_string).collect(),
        })?;
        out.line(&invitation.link);
        out.value(&invitation)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon officer confirm --home /var/lib/cordon --officer registrar.key \\
    --proposal 5d3c8f6e0a1b2c3d4e5f60718293a4b5c6d7e8f9012345678abcdef012345678")]
pub(crate) struct Confirm {
    #[command(flatten)]
    connect: Connect,
    /// The proposal's record.
    #[arg(long, value_name = "HEX")]
    proposal: Digest,
    #[command(flatten)]
    sign: Sign,
}

impl Confirm {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::ConfirmOfficer {
            proposal: self.proposal.to_string(),
        };
        if self.connect.officer.is_some() {
            return sign_and_show(&self.connect.open()?, &act, &self.sign, out);
        }
        show_recorded(&self.connect.open_as_operator()?.enrol(&act)?, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon officer retire --home /var/lib/cordon --officer registrar.key \\
    --key 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
pub(crate) struct Retire {
    #[command(flatten)]
    connect: Connect,
    /// The public key to withdraw, or `passkey:` and its digest.
    #[arg(long, value_name = "CREDENTIAL")]
    key: CredentialId,
    #[command(flatten)]
    sign: Sign,
}

impl Retire {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::RetireOfficer {
            key: self.key.to_string(),
        };
        if self.connect.officer.is_some() {
            return sign_and_show(&self.connect.open()?, &act, &self.sign, out);
        }
        show_recorded(&self.connect.open_as_operator()?.enrol(&act)?, out)
    }
}
