//! The node processes and their ports.
//!
//! *Invariants*: once closed, no node is started; a node that was asked to end
//! and does not is killed.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use primitives::InstitutionId;

use crate::failure::{Failure, Result};

/// Time that a node has to drain before it is killed.
const DRAIN_S_MAX: u64 = 10;
/// Ports below the systems' usual range for outgoing connections.
const PORTS: std::ops::Range<u16> = 12_000..32_000;
/// Another loopback address, on which chosen ports are claimed.
const CLAIMS: Ipv4Addr = Ipv4Addr::new(127, 67, 68, 1);
/// Tries to find a free port.
const PORT_TRIES_MAX: usize = 2_000;

/// The node processes; whoever holds a clone can stop them all.
#[derive(Clone, Default)]
pub struct Children(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    nodes: BTreeMap<InstitutionId, Child>,
    closed: bool,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn spawn(&self, institution: &InstitutionId, command: &mut Command) -> Result<()> {
        let mut running = self.lock();
        if running.closed {
            return Err(Failure::cancelled("the network is being stopped"));
        }
        let child = command
            .spawn()
            .map_err(|error| Failure::trouble("spawn", error))?;
        if let Some(before) = running.nodes.insert(institution.clone(), child) {
            drain(vec![before]);
        }
        Ok(())
    }

    /// The node's process, no longer kept here.
    pub(super) fn take(&self, institution: &InstitutionId) -> Option<Child> {
        self.lock().nodes.remove(institution)
    }

    /// How a node's process ended, where it has.
    #[must_use]
    pub fn ended(&self, institution: &InstitutionId) -> Option<String> {
        let mut running = self.lock();
        match running.nodes.get_mut(institution) {
            None => Some("not started".into()),
            Some(child) => child
                .try_wait()
                .ok()
                .flatten()
                .map(|status| status.to_string()),
        }
    }

    /// The process ids of the running nodes.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.lock().nodes.values().map(Child::id).collect()
    }

    /// A member's node as the system names it, while it runs.
    #[must_use]
    pub fn pid(&self, institution: &InstitutionId) -> Option<u32> {
        self.lock().nodes.get(institution).map(Child::id)
    }

    pub(super) fn names(&self) -> Vec<InstitutionId> {
        self.lock().nodes.keys().cloned().collect()
    }

    /// Stops every node and lets none be started again.
    pub fn close(&self) {
        let nodes = {
            let mut running = self.lock();
            running.closed = true;
            std::mem::take(&mut running.nodes)
        };
        drain(nodes.into_values().collect());
    }
}

/// Asks processes to end, waits, and kills those that do not.
pub(super) fn drain(mut children: Vec<Child>) {
    for child in &mut children {
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // An error means that it had ended already.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        drop(child.stdin.take());
    }
    let begun = Instant::now();
    while !children.is_empty() {
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if begun.elapsed() > Duration::from_secs(DRAIN_S_MAX) {
            for child in &mut children {
                // An error means that it had ended already.
                let _ = child.kill();
                let _ = child.wait();
            }
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Ports that were free, and what keeps other networks of this machine off them: they
/// are chosen seconds before their nodes listen.
pub(super) struct Ports {
    pub(super) addresses: Vec<SocketAddr>,
    /// Listeners on the same ports of [`CLAIMS`], gone with this process.
    pub(super) claims: Vec<TcpListener>,
}

/// Chooses free ports of the loopback address, and claims them.
pub(super) fn free_ports(count: usize) -> Result<Ports> {
    let mut ports = Ports {
        addresses: Vec::new(),
        claims: Vec::new(),
    };
    let mut held = Vec::new();
    for _ in 0..PORT_TRIES_MAX {
        if held.len() == count {
            break;
        }
        let draw = u16::from_be_bytes(primitives::random());
        let port = PORTS.start + draw % (PORTS.end - PORTS.start);
        let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else {
            continue;
        };
        match TcpListener::bind((CLAIMS, port)) {
            Ok(claim) => ports.claims.push(claim),
            Err(error) if error.kind() == ErrorKind::AddrInUse => continue,
            // A system that has but one loopback address goes without.
            Err(_) => {}
        }
        held.push(listener);
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        ports.addresses.push(address);
    }
    if held.len() < count {
        return Err(Failure::trouble(
            "ports",
            "no free ports on the loopback address",
        ));
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, process::Stdio};

    use super::*;

    #[test]
    fn ports_are_free_and_differ() {
        // So many that some would be drawn twice, if others' were not kept off.
        let networks: Vec<Ports> = (0..20).map(|_| free_ports(30).unwrap()).collect();
        let all = || networks.iter().flat_map(|ports| &ports.addresses);
        let distinct: BTreeSet<_> = all().collect();
        assert_eq!(distinct.len(), 600);
        for port in all() {
            assert!(PORTS.contains(&port.port()));
            TcpListener::bind(port).unwrap();
        }
    }

    #[test]
    fn no_child_is_left_and_none_is_started_after_the_network_closed() {
        let children = Children::default();
        let name = InstitutionId::new("x").unwrap();
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        children.spawn(&name, &mut command).unwrap();
        assert_eq!(children.pids().len(), 1);
        assert!(children.ended(&name).is_none());
        children.close();
        assert!(children.pids().is_empty());
        let refused = children.spawn(&name, &mut command).unwrap_err();
        assert_eq!(refused.rule, "cancelled");
    }
}
