//! `cordon init` and `cordon network`: data folders, charters, members.

use std::{net::SocketAddr, path::PathBuf};

use ::docket::{
    Charter, Role,
    charter::{Card, CharterLimits},
};
use ::node::{
    api::types::{Membership, ProposalView},
    config::{Config, Log},
    rotation,
};
use clap::{Args, Subcommand, ValueEnum};
use primitives::InstitutionId;
use serde_json::json;

use super::show_recorded;
use crate::{
    client::now_ms,
    connect::Connect,
    failure::{Failure, Result},
    found::{self, NewHome, Standing},
    output::{Out, short},
    passphrase,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    Requester,
    Custodian,
    Authority,
    Overseer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Requester => Self::Requester,
            RoleName::Custodian => Self::Custodian,
            RoleName::Authority => Self::Authority,
            RoleName::Overseer => Self::Overseer,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon init --home /var/lib/cordon --institution bank_a --name \"Bank A\" --role custodian \\
    --ledger 10.0.0.5:7101 --exchange 10.0.0.5:7102

Then give card.json to the network's founders, or to a member who proposes to
admit you, and take the network's charter: cordon network join --help")]
pub(crate) struct Init {
    /// The data folder to make.
    #[arg(long, value_name = "DIR", env = "CORDON_HOME")]
    home: PathBuf,
    /// The institution's short name: 1 to 32 of a-z, 0-9, _ and -.
    #[arg(long, value_name = "NAME")]
    institution: InstitutionId,
    /// The name that people read.
    #[arg(long)]
    name: Option<String>,
    /// What the institution may be in a case; may be repeated.
    #[arg(long = "role", value_enum, required = true)]
    roles: Vec<RoleName>,
    /// Where the ledger's channel listens; the other members reach it here.
    #[arg(long, default_value = "127.0.0.1:7101", value_name = "IP:PORT")]
    ledger: SocketAddr,
    /// Where the exchange channel listens; the other members reach it here.
    #[arg(long, default_value = "127.0.0.1:7102", value_name = "IP:PORT")]
    exchange: SocketAddr,
    /// Where the HTTP API listens, for this institution's own people.
    #[arg(long, default_value = "127.0.0.1:7103", value_name = "IP:PORT")]
    api: SocketAddr,
    /// A file with the passphrase of the new keys.
    #[arg(long, value_name = "FILE", env = "CORDON_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Init {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let passphrase = passphrase::to_make(self.passphrase_file.as_deref(), "the node's keys")?;
        let new = NewHome {
            name: self.name.unwrap_or_else(|| self.institution.to_string()),
            home: self.home,
            institution: self.institution,
            roles: self.roles.into_iter().map(Role::from).collect(),
            ledger: self.ledger,
            exchange: self.exchange,
            api: self.api,
            log: Log::default(),
        };
        let card = found::make_home(&new, &passphrase)?;
        let path = new.home.join(::node::config::files::CARD);
        out.say(
            &format!("{} has its keys in {}", new.institution, new.home.display()),
            &format!(
                "{} 的密钥已生成，位于 {}",
                new.institution,
                new.home.display()
            ),
        );
        out.say(
            &format!(
                "give this card to the network's members: {}",
                path.display()
            ),
            &format!("请把名片交给网络各成员：{}", path.display()),
        );
        out.value(&json!({
            "home": new.home, "card": path, "node_key": card.institution.node_key,
        }))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Network {
    /// Found a network: put the members' cards into a charter.
    Create(Create),
    /// Take a network's charter into a data folder.
    Join(Join),
    /// Show the members and their officers.
    Members(Members),
    /// Propose to admit an institution by its card.
    Admit(Admit),
    /// Propose a member's new keys, roles or addresses by its new card.
    Replace(Replace),
    /// Draw new keys for this institution's node and propose them.
    Rotate(Rotate),
    /// Propose that a member leaves.
    Remove(Remove),
    /// Show the proposals that are voted on.
    Proposals(Members),
    /// Vote on a proposal.
    Vote(Vote),
}

impl Network {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        match self {
            Self::Create(command) => command.run(out),
            Self::Join(command) => command.run(out),
            Self::Members(command) => command.members(out),
            Self::Admit(command) => command.run(out),
            Self::Replace(command) => command.run(out),
            Self::Rotate(command) => command.run(out),
            Self::Remove(command) => command.run(out),
            Self::Proposals(command) => command.proposals(out),
            Self::Vote(command) => command.run(out),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network create --name \"City network\" --out charter.json \\
    police/card.json court/card.json bank_a/card.json telecom_a/card.json

Every founder compares the network's id that this prints with the others, by
telephone or in person, before `cordon network join`. A network of 3f+1 members
goes on with f of them down: 4, 7, 10 …")]
pub(crate) struct Create {
    /// The network's name.
    #[arg(long)]
    name: String,
    /// Where to write the charter.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Most subjects on one warrant.
    #[arg(long, default_value_t = CharterLimits::default().subjects_max)]
    subjects_max: u32,
    /// Most hops of a chain.
    #[arg(long, default_value_t = CharterLimits::default().hops_max)]
    hops_max: u8,
    /// Most rows in one answer.
    #[arg(long, default_value_t = CharterLimits::default().answer_cap_max)]
    answer_cap_max: u32,
    /// Fewest keys in a bucket of a lookup: the anonymity set.
    #[arg(long, default_value_t = CharterLimits::default().bucket_keys_min)]
    bucket_keys_min: u32,
    /// The founders' cards.
    #[arg(value_name = "CARD", required = true)]
    cards: Vec<PathBuf>,
}

impl Create {
    fn run(self, out: &Out) -> Result<()> {
        let cards: Vec<Card> = self
            .cards
            .iter()
            .map(|path| found::read_json(path))
            .collect::<Result<_>>()?;
        let limits = CharterLimits {
            subjects_max: self.subjects_max,
            hops_max: self.hops_max,
            answer_cap_max: self.answer_cap_max,
            bucket_keys_min: self.bucket_keys_min,
            ..CharterLimits::default()
        };
        if self.out.exists() {
            return Err(Failure::refusal(
                "not-empty",
                format!("{} exists", self.out.display()),
            ));
        }
        let charter = found::found(&self.name, now_ms(), &cards, limits)?;
        let network = charter.network()?;
        found::write_json(&self.out, &charter)?;
        out.say(
            &format!(
                "network {network} of {} members: {}",
                charter.members.len(),
                self.out.display()
            ),
            &format!(
                "网络 {network}，成员 {} 个：{}",
                charter.members.len(),
                self.out.display()
            ),
        );
        out.value(&json!({
            "network": network, "charter": self.out, "members": charter.members.len(),
        }))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network join --home /var/lib/cordon --network-id 9f3c… charter.json

A founder can start its node at once. A newcomer's node follows the network and
becomes a member when the members have voted its card in.")]
pub(crate) struct Join {
    /// The institution's data folder.
    #[arg(long, value_name = "DIR", env = "CORDON_HOME")]
    home: PathBuf,
    /// The network's id as the founders told it; the charter must be this one's.
    #[arg(long, value_name = "HEX")]
    network_id: Option<String>,
    /// The network's founding charter.
    #[arg(value_name = "CHARTER")]
    charter: PathBuf,
}

impl Join {
    fn run(self, out: &Out) -> Result<()> {
        let charter: Charter = found::read_json(&self.charter)?;
        let id = charter.network()?.to_string();
        if self.network_id.as_ref().is_some_and(|told| *told != id) {
            return Err(Failure::refusal(
                "network",
                format!("this is the charter of {id}"),
            ));
        }
        let (network, standing) = found::join(&self.home, &charter)?;
        out.say(
            &format!("{} now belongs to network {network}", self.home.display()),
            &format!("{} 已加入网络 {network}", self.home.display()),
        );
        let home = self.home.display();
        let founder = standing == Standing::Founder;
        if founder {
            out.say(
                &format!("next: cordon node --home {home}"),
                &format!("下一步：cordon node --home {home}"),
            );
        } else {
            out.say(
                &format!(
                    "next: a member proposes you (cordon network admit --home ITS_HOME {home}/card.json), \
                     the members vote; then cordon node --home {home}"
                ),
                &format!(
                    "下一步：由某成员提议（cordon network admit --home 其目录 {home}/card.json），\
                     各成员表决；然后 cordon node --home {home}"
                ),
            );
        }
        out.value(&json!({ "network": network, "founder": founder }))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network members --home /var/lib/cordon
  cordon network proposals --home /var/lib/cordon")]
pub(crate) struct Members {
    #[command(flatten)]
    connect: Connect,
}

impl Members {
    fn members(self, out: &Out) -> Result<()> {
        let members = self.connect.open()?.members()?;
        let rows: Vec<Vec<String>> = members
            .iter()
            .map(|member| {
                vec![
                    member.institution.clone(),
                    member.name.clone(),
                    member.roles.join(", "),
                    short(&member.node_key).to_owned(),
                    member.officers.len().to_string(),
                ]
            })
            .collect();
        out.table(
            &["institution", "name", "roles", "node key", "officers"],
            &rows,
        );
        out.value(&members)
    }

    fn proposals(self, out: &Out) -> Result<()> {
        let proposals: Vec<ProposalView> = self.connect.open_as_operator()?.get("/v1/proposals")?;
        for proposal in &proposals {
            out.line(&proposal.proposal);
            out.say(
                &format!("  {}", proposal.text_en),
                &format!("  {}", proposal.text_zh),
            );
            let (yes, no, needed) = (proposal.yes.len(), proposal.no.len(), proposal.needed);
            out.say(
                &format!("  {yes} for, {no} against, {needed} needed"),
                &format!("  赞成 {yes}，反对 {no}，需 {needed}"),
            );
        }
        if proposals.is_empty() {
            out.say("nothing is voted on", "目前没有待表决的提议");
        }
        out.value(&proposals)
    }
}

fn card(path: &std::path::Path) -> Result<Box<Card>> {
    let card: Box<Card> = found::read_json(path)?;
    card.check()?;
    Ok(card)
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network admit --home /var/lib/cordon newcomer/card.json")]
pub(crate) struct Admit {
    #[command(flatten)]
    connect: Connect,
    /// The institution's card.
    card: PathBuf,
}

impl Admit {
    fn run(self, out: &Out) -> Result<()> {
        let change = Membership::Admit {
            card: card(&self.card)?,
        };
        show_recorded(&self.connect.open_as_operator()?.membership(&change)?, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network replace --home /var/lib/cordon new/card.json")]
pub(crate) struct Replace {
    #[command(flatten)]
    connect: Connect,
    /// The member's new card.
    card: PathBuf,
}

impl Replace {
    fn run(self, out: &Out) -> Result<()> {
        let change = Membership::Replace {
            card: card(&self.card)?,
        };
        show_recorded(&self.connect.open_as_operator()?.membership(&change)?, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network rotate --home /var/lib/cordon

The new keys wait beside the old ones. When a quorum of members has voted for their
card, the node takes them by itself; its private store stays as it is.")]
pub(crate) struct Rotate {
    #[command(flatten)]
    connect: Connect,
}

impl Rotate {
    fn run(self, out: &Out) -> Result<()> {
        let config = Config::read(self.connect.own_home()?)?;
        let file = self.connect.passphrase_file.as_deref();
        let passphrase = passphrase::to_open(file, "the node's keys")?;
        let card = rotation::prepare(&config, &passphrase)?;
        let key = card.institution.node_key.to_string();
        out.say(
            &format!("new key {}; the members vote on its card", short(&key)),
            &format!("新密钥 {}；其名片由各成员表决", short(&key)),
        );
        let change = Membership::Replace {
            card: Box::new(card),
        };
        show_recorded(&self.connect.open_as_operator()?.membership(&change)?, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network remove --home /var/lib/cordon bank_d")]
pub(crate) struct Remove {
    #[command(flatten)]
    connect: Connect,
    /// The member.
    member: InstitutionId,
}

impl Remove {
    fn run(self, out: &Out) -> Result<()> {
        let change = Membership::Remove {
            institution: self.member.to_string(),
        };
        show_recorded(&self.connect.open_as_operator()?.membership(&change)?, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon network vote --home /var/lib/cordon 4be1…c0 --for")]
pub(crate) struct Vote {
    #[command(flatten)]
    connect: Connect,
    /// The proposal's record.
    proposal: String,
    /// Vote for it.
    #[arg(
        long = "for",
        conflicts_with = "against",
        required_unless_present = "against"
    )]
    favour: bool,
    /// Vote against it.
    #[arg(long)]
    against: bool,
}

impl Vote {
    fn run(self, out: &Out) -> Result<()> {
        let change = Membership::Vote {
            proposal: self.proposal,
            yes: self.favour,
        };
        show_recorded(&self.connect.open_as_operator()?.membership(&change)?, out)
    }
}
