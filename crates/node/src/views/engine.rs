//! A node from the inside: its peers, its disk, its pace.

use std::{path::Path, time::UNIX_EPOCH};

use crate::{
    api::types::{BuildView, EngineView, ErrorView, Health, PeerView, StorageView},
    config::files,
    core::Core,
};

/// Files counted below one folder; beyond that the count is a lower bound.
const FILES_MAX: u64 = 200_000;
/// Folders within folders.
const DEPTH_MAX: u32 = 16;

/// The engineer's page.
#[must_use]
pub(crate) fn engine(core: &Core, console_files: u32) -> EngineView {
    let ledger = core.ledger.status();
    let channels = core.net.get().map(|net| net.status()).unwrap_or_default();
    let now = core.now_ms();
    let started = core.metrics.started_ms();
    EngineView {
        status: super::status(core),
        time_ms: now,
        started_ms: started,
        uptime_ms: now.saturating_sub(started),
        build: BuildView {
            version: env!("CARGO_PKG_VERSION").into(),
            profile: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            }
            .into(),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            console_files,
        },
        validator: ledger.member,
        signed: ledger.signed,
        waiting: ledger.waiting as u64,
        finality: core.metrics.finality(ledger.finality_ms),
        storage: storage(core),
        members: peers(core, &ledger, &channels),
        half_open: channels.half_open as u64,
        turned_away: channels.turned_away,
    }
}

fn peers(core: &Core, ledger: &ledger::Status, channels: &net::Status) -> Vec<PeerView> {
    let state = core.state();
    let heard = core.ledger.peers();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let ms = |time: std::time::SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    };
    state
        .members()
        .map(|member| {
            let me = member.id == core.me;
            let told = heard.iter().find(|peer| peer.key == member.node_key);
            let channel = channels
                .peers
                .iter()
                .find(|peer| peer.peer == member.node_key);
            let height = if me {
                Some(ledger.height)
            } else {
                told.and_then(|peer| peer.height)
            };
            let (inbound, outbound) = channel.map_or((0, 0), |peer| {
                (peer.inbound_connections, peer.outbound_connections)
            });
            PeerView {
                institution: member.id.to_string(),
                name: member.name.clone(),
                roles: super::role_names(&member.roles),
                node_key: member.node_key.to_string(),
                ledger_address: member.ledger_address.clone(),
                exchange_address: member.exchange_address.clone(),
                validator: ledger
                    .members
                    .iter()
                    .any(|known| known.key == member.node_key),
                me,
                heard: me || told.is_some_and(|peer| peer.heard),
                heard_ms: told.and_then(|peer| peer.heard_ms),
                height,
                behind: height.map(|height| ledger.height.saturating_sub(height)),
                connected: me || inbound + outbound > 0,
                inbound: count(inbound),
                outbound: count(outbound),
                calls: channel.map_or(0, |peer| count(peer.inbound_calls + peer.outbound_calls)),
                bytes_in: channel.map_or(0, |peer| peer.bytes_in),
                bytes_out: channel.map_or(0, |peer| peer.bytes_out),
                last_error: channel.and_then(|peer| peer.last_error.as_ref()).map(
                    |(time, error)| ErrorView {
                        time_ms: ms(*time),
                        text: error.to_string(),
                    },
                ),
            }
        })
        .collect()
}

fn storage(core: &Core) -> Vec<StorageView> {
    [
        ("ledger", files::LEDGER),
        ("store", files::STORE),
        ("snapshots", files::SNAPSHOTS),
    ]
    .into_iter()
    .map(|(what, file)| {
        let mut view = StorageView {
            what: what.into(),
            bytes: 0,
            files: 0,
        };
        measure(&core.config.file(file), DEPTH_MAX, &mut view);
        view
    })
    .collect()
}

/// Adds the sizes of what is below a path; symbolic links are not followed.
fn measure(path: &Path, depth: u32, view: &mut StorageView) {
    let Ok(about) = std::fs::symlink_metadata(path) else {
        return;
    };
    if about.is_file() {
        view.bytes += about.len();
        view.files += 1;
        return;
    }
    let Some(deeper) = depth.checked_sub(1).filter(|_| about.is_dir()) else {
        return;
    };
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    for entry in entries {
        if view.files >= FILES_MAX {
            return;
        }
        measure(&entry.path(), deeper, view);
    }
}

/// Whether the node lives and serves.
#[must_use]
pub(crate) fn health(core: &Core) -> Health {
    let status = super::status(core);
    let detail = match (core.net.get().is_some(), status.syncing) {
        (false, _) => Some("the node is starting".to_owned()),
        (true, true) => Some("the node is catching up with the ledger".to_owned()),
        (true, false) => status.advice,
    };
    Health {
        live: true,
        ready: detail.is_none() && status.healthy,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_measured_with_what_is_below_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b"), [0; 10]).unwrap();
        std::fs::write(folder.path().join("c"), [0; 5]).unwrap();
        let mut view = StorageView {
            what: String::new(),
            bytes: 0,
            files: 0,
        };
        measure(folder.path(), DEPTH_MAX, &mut view);
        assert_eq!((view.bytes, view.files), (15, 2));
        measure(&folder.path().join("nothing"), DEPTH_MAX, &mut view);
        assert_eq!(view.files, 2);
    }
}
