//! A whole network on one machine: real node processes on loopback.
//!
//! Why it exists: the demonstration and the tests with real nodes start, stop
//! and kill the same processes in the same way.
//!
//! *Invariants*: no child outlives this process (each node watches its standard
//! input and drains when it ends); a terminal's Ctrl-C reaches this process
//! alone, which then stops the children; ports lie outside the range that the
//! system gives to outgoing connections, so that no connection takes a port
//! between its choice and its use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use docket::{
    Charter, Duty, OfficerId, Role,
    charter::{Card, CharterLimits},
};
use node::{
    api::types::{Act, Recorded},
    config::{Config, Log, files, write_private},
    keystore::{OfficerKeyFile, Passphrase},
};
use primitives::{InstitutionId, NetworkId, SigningKey};

mod children;

pub use children::Children;
use children::{drain, free_ports};

use crate::{
    client::{Client, Credential, Officer, now_ms},
    failure::{Failure, Result},
    found::{self, NewHome},
    stop::Stop,
};

/// Bytes of a node's log that a failure quotes.
const LOG_TAIL_BYTES: u64 = 2_000;

/// A member that a network on one machine has.
#[derive(Clone, Debug)]
pub struct MemberSpec {
    /// The short name.
    pub institution: InstitutionId,
    /// The name that people read.
    pub name: String,
    /// The roles.
    pub roles: BTreeSet<Role>,
}

impl MemberSpec {
    /// A member.
    #[must_use]
    pub fn new(institution: InstitutionId, name: &str, roles: &[Role]) -> Self {
        Self {
            institution,
            name: name.into(),
            roles: roles.iter().copied().collect(),
        }
    }
}

/// What a network on one machine is made of.
#[derive(Clone, Debug)]
pub struct NetworkSpec {
    /// The folder for the members' data folders.
    pub dir: PathBuf,
    /// The `cordon` program.
    pub program: PathBuf,
    /// The network's name.
    pub name: String,
    /// The members.
    pub members: Vec<MemberSpec>,
    /// The charter's limits.
    pub limits: CharterLimits,
    /// The nodes' logs.
    pub log: Log,
}

/// A member of a network on one machine.
#[derive(Clone, Debug)]
struct Member {
    home: PathBuf,
    api: SocketAddr,
}

/// A network on one machine. Dropping it stops its nodes.
pub struct Network {
    spec: NetworkSpec,
    charter: Charter,
    id: NetworkId,
    members: BTreeMap<InstitutionId, Member>,
    passphrase_file: PathBuf,
    officers: Mutex<BTreeMap<(InstitutionId, OfficerId), SigningKey>>,
    children: Children,
    /// Keeps other networks off the ports, as long as this one is.
    _claims: Vec<TcpListener>,
}

impl Network {
    /// Makes the data folders and the charter; starts nothing yet.
    ///
    /// # Errors
    /// A refusal of the members or limits; trouble with files or ports.
    pub fn found(spec: NetworkSpec) -> Result<Self> {
        std::fs::create_dir_all(&spec.dir).map_err(|error| Failure::file(&spec.dir, error))?;
        let passphrase = hex::encode(primitives::random::<16>());
        let passphrase_file = spec.dir.join("passphrase");
        write_private(&passphrase_file, passphrase.as_bytes())?;
        let ports = free_ports(spec.members.len() * 3)?;
        let homes: Vec<NewHome> = spec
            .members
            .iter()
            .zip(ports.addresses.chunks(3))
            .map(|(member, ports)| new_home(&spec, member, ports))
            .collect();
        let cards = make_homes(&homes, &passphrase)?;
        let charter = found::found(&spec.name, now_ms(), &cards, spec.limits.clone())?;
        for new in &homes {
            found::join(&new.home, &charter)?;
        }
        found::write_json(&spec.dir.join(files::CHARTER), &charter)?;
        let members = homes
            .into_iter()
            .map(|new| {
                (
                    new.institution,
                    Member {
                        home: new.home,
                        api: new.api,
                    },
                )
            })
            .collect();
        Ok(Self {
            id: charter.network()?,
            spec,
            charter,
            members,
            passphrase_file,
            officers: Mutex::default(),
            children: Children::default(),
            _claims: ports.claims,
        })
    }

    /// A network whose folder was left by [`Network::found`] of this or an older version,
    /// with the officers whose keys [`Network::write_officer_keys`] wrote into
    /// `officers`; starts nothing yet.
    ///
    /// # Errors
    /// Trouble with files; a refusal of a charter that is none.
    pub fn reopen(dir: &Path, program: PathBuf, officers: &Path) -> Result<Self> {
        let file = dir.join(files::CHARTER);
        let text = std::fs::read(&file).map_err(|error| Failure::file(&file, error))?;
        let charter: Charter = serde_json::from_slice(&text)
            .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        let mut members = BTreeMap::new();
        for member in &charter.members {
            let home = dir.join(member.id.as_str());
            let api = Config::read(&home)?.listen.api;
            members.insert(member.id.clone(), Member { home, api });
        }
        let passphrase_file = dir.join("passphrase");
        let network = Self {
            id: charter.network()?,
            spec: NetworkSpec {
                dir: dir.into(),
                program,
                name: charter.name.clone(),
                members: Vec::new(),
                limits: charter.limits.clone(),
                log: Log::default(),
            },
            charter,
            members,
            passphrase_file,
            officers: Mutex::default(),
            children: Children::default(),
            _claims: Vec::new(),
        };
        network.read_officer_keys(officers)?;
        Ok(network)
    }

    fn read_officer_keys(&self, dir: &Path) -> Result<()> {
        let text = std::fs::read_to_string(&self.passphrase_file)
            .map_err(|error| Failure::file(&self.passphrase_file, error))?;
        let passphrase = Passphrase::new(text);
        let mut officers = self.officers.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in std::fs::read_dir(dir).map_err(|error| Failure::file(dir, error))? {
            let path = entry.map_err(|error| Failure::file(dir, error))?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let named = stem.split_once('.').and_then(|(institution, handle)| {
                Some((institution.parse().ok()?, handle.parse().ok()?))
            });
            let Some(named) = named else {
                return Err(Failure::usage(format!(
                    "{} is no officer's key",
                    path.display()
                )));
            };
            officers.insert(named, OfficerKeyFile::read(&path, &passphrase)?);
        }
        Ok(())
    }

    /// The network's id.
    #[must_use]
    pub fn id(&self) -> NetworkId {
        self.id
    }

    /// The founding charter.
    #[must_use]
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// The members.
    pub fn institutions(&self) -> impl Iterator<Item = &InstitutionId> {
        self.members.keys()
    }

    /// A member's data folder.
    ///
    /// # Errors
    /// A usage error where there is no such member.
    pub fn home(&self, institution: &InstitutionId) -> Result<&Path> {
        Ok(&self.member(institution)?.home)
    }

    /// The file with the passphrase of all keys of this network.
    #[must_use]
    pub fn passphrase_file(&self) -> &Path {
        &self.passphrase_file
    }

    /// The node processes, for whoever must be able to stop them.
    #[must_use]
    pub fn children(&self) -> Children {
        self.children.clone()
    }

    fn member(&self, institution: &InstitutionId) -> Result<&Member> {
        let member = self.members.get(institution);
        member.ok_or_else(|| Failure::usage(format!("{institution} is no member here")))
    }

    /// Starts a member's node.
    ///
    /// # Errors
    /// Trouble where the process can't be started.
    pub fn start(&self, institution: &InstitutionId) -> Result<()> {
        self.start_with(institution, &self.spec.program)
    }

    /// Starts a member's node by another program, as an upgrade does.
    ///
    /// # Errors
    /// Trouble where the process can't be started.
    pub fn start_with(&self, institution: &InstitutionId, program: &Path) -> Result<()> {
        let member = self.member(institution)?;
        let log = member.home.join("node.log");
        let open = || File::options().create(true).append(true).open(&log);
        let (output, errors) = (open(), open());
        let mut command = Command::new(program);
        command
            .arg("node")
            .arg("--home")
            .arg(&member.home)
            .arg("--passphrase-file")
            .arg(&self.passphrase_file)
            .arg("--exit-with-parent")
            .env_remove("CORDON_PASSPHRASE")
            .stdin(Stdio::piped())
            .stdout(output.map_err(|error| Failure::file(&log, error))?)
            .stderr(errors.map_err(|error| Failure::file(&log, error))?);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.children.spawn(institution, &mut command)
    }

    /// Starts every member's node.
    ///
    /// # Errors
    /// As [`Network::start`].
    pub fn start_all(&self) -> Result<()> {
        self.institutions()
            .try_for_each(|institution| self.start(institution))
    }

    /// Waits until a member's node says that the ledger makes progress.
    ///
    /// # Errors
    /// Trouble where the process ended or it takes longer than `limit`.
    pub fn wait_healthy(
        &self,
        institution: &InstitutionId,
        limit: Duration,
        stop: &Stop,
    ) -> Result<()> {
        let client = self.operator(institution)?;
        let what = format!("{institution}'s node");
        let waited = stop.wait(&what, limit, || {
            if let Some(status) = self.children.ended(institution) {
                return Err(Failure::trouble(
                    "node-ended",
                    format!("{what} ended ({status})"),
                ));
            }
            Ok(client.status().ok().filter(|status| status.healthy))
        });
        waited.map(|_| ()).map_err(|failure| {
            if stop.asked() {
                failure
            } else {
                failure.advise(self.log_tail(institution))
            }
        })
    }

    /// Waits until every running node is healthy.
    ///
    /// # Errors
    /// As [`Network::wait_healthy`].
    pub fn wait_all_healthy(&self, limit: Duration, stop: &Stop) -> Result<()> {
        let begun = Instant::now();
        for institution in self.children.names() {
            let left = limit.saturating_sub(begun.elapsed());
            self.wait_healthy(&institution, left, stop)?;
        }
        Ok(())
    }

    /// Stops a member's node: SIGTERM, and SIGKILL where it does not drain.
    pub fn stop(&self, institution: &InstitutionId) {
        let child = self.children.take(institution);
        drain(child.into_iter().collect());
    }

    /// Kills a member's node in whatever it is doing.
    pub fn kill(&self, institution: &InstitutionId) {
        let child = self.children.take(institution);
        if let Some(mut child) = child {
            // An error means that it had ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// A client with the operator's token.
    ///
    /// # Errors
    /// Trouble where the token can't be read.
    pub fn operator(&self, institution: &InstitutionId) -> Result<Client> {
        let path = self.member(institution)?.home.join(files::OPERATOR_TOKEN);
        let token = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
        self.client(institution, Credential::Operator(token.trim().into()))
    }

    /// A client without credentials.
    ///
    /// # Errors
    /// A usage error where there is no such member.
    pub fn nobody(&self, institution: &InstitutionId) -> Result<Client> {
        self.client(institution, Credential::Nobody)
    }

    /// A client of an officer that [`Network::enrol`] enrolled.
    ///
    /// # Errors
    /// A usage error where there is no such officer.
    pub fn officer(&self, institution: &InstitutionId, handle: &OfficerId) -> Result<Client> {
        let key = self.officer_key(institution, handle)?;
        let officer = Officer {
            handle: Some(handle.clone()),
            key,
        };
        self.client(institution, Credential::Officer(officer))
    }

    /// The key of an officer that [`Network::enrol`] enrolled.
    ///
    /// # Errors
    /// A usage error where there is no such officer.
    pub fn officer_key(
        &self,
        institution: &InstitutionId,
        handle: &OfficerId,
    ) -> Result<SigningKey> {
        let officers = self.officers.lock().unwrap_or_else(PoisonError::into_inner);
        let key = officers
            .get(&(institution.clone(), handle.clone()))
            .cloned();
        key.ok_or_else(|| Failure::usage(format!("{institution} has no officer {handle} here")))
    }

    fn client(&self, institution: &InstitutionId, credential: Credential) -> Result<Client> {
        let base = format!("http://{}", self.member(institution)?.api);
        Ok(Client::new(&base, self.id, institution.clone(), credential))
    }

    /// Draws an officer's key and enrols it by the operator's word.
    ///
    /// # Errors
    /// The node's refusal or trouble.
    pub fn enrol(
        &self,
        institution: &InstitutionId,
        handle: &OfficerId,
        duties: &[Duty],
    ) -> Result<Recorded> {
        let key = SigningKey::generate();
        let act = Act::EnrolOfficer {
            officer: handle.to_string(),
            key: key.public().to_string(),
            duties: duties.iter().map(ToString::to_string).collect(),
        };
        let recorded = self.operator(institution)?.enrol(&act)?;
        let mut officers = self.officers.lock().unwrap_or_else(PoisonError::into_inner);
        officers.insert((institution.clone(), handle.clone()), key);
        Ok(recorded)
    }

    /// Writes the officers' key files, for a person to go on by hand; returns
    /// them by institution and handle.
    ///
    /// # Errors
    /// Trouble with files.
    pub fn write_officer_keys(&self, dir: &Path) -> Result<BTreeMap<String, PathBuf>> {
        std::fs::create_dir_all(dir).map_err(|error| Failure::file(dir, error))?;
        let text = std::fs::read_to_string(&self.passphrase_file)
            .map_err(|error| Failure::file(&self.passphrase_file, error))?;
        let passphrase = Passphrase::new(text);
        let officers = self.officers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = BTreeMap::new();
        for ((institution, handle), key) in officers.iter() {
            let name = format!("{institution}.{handle}");
            let path = dir.join(format!("{name}.key"));
            OfficerKeyFile::write(&path, key, &passphrase)?;
            written.insert(name, path);
        }
        Ok(written)
    }

    /// The end of a member's log.
    #[must_use]
    pub fn log_tail(&self, institution: &InstitutionId) -> String {
        let Ok(member) = self.member(institution) else {
            return String::new();
        };
        let path = member.home.join("node.log");
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|mut file| {
            let size = file.metadata()?.len();
            file.seek(SeekFrom::Start(size.saturating_sub(LOG_TAIL_BYTES)))?;
            file.read_to_end(&mut bytes)
        });
        match read {
            Ok(_) => format!(
                "the end of {}:\n{}",
                path.display(),
                String::from_utf8_lossy(&bytes)
            ),
            Err(error) => format!("{}: {error}", path.display()),
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.children.close();
    }
}

fn new_home(spec: &NetworkSpec, member: &MemberSpec, ports: &[SocketAddr]) -> NewHome {
    NewHome {
        home: spec.dir.join(member.institution.as_str()),
        institution: member.institution.clone(),
        name: member.name.clone(),
        roles: member.roles.clone(),
        ledger: ports[0],
        exchange: ports[1],
        api: ports[2],
        log: spec.log.clone(),
    }
}

/// Makes the data folders on all cores: each costs a deliberate slow hash.
fn make_homes(homes: &[NewHome], passphrase: &str) -> Result<Vec<Card>> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = homes.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = homes
            .chunks(share)
            .map(|chunk| {
                scope.spawn(move || {
                    let passphrase = Passphrase::new(passphrase.to_owned());
                    chunk
                        .iter()
                        .map(|new| found::make_home(new, &passphrase))
                        .collect()
                })
            })
            .collect();
        let mut cards = Vec::new();
        for thread in threads {
            let made: Result<Vec<Card>> = thread.join().unwrap_or_else(|_| {
                Err(Failure::trouble("thread", "a thread ended before its work"))
            });
            cards.extend(made?);
        }
        Ok(cards)
    })
}
