//! Panics of simulated nodes: who dies of one.
//!
//! Why it exists: the agreement's own store of blocks panics where its disk fails it, and
//! in production the process ends then. In one process with all other nodes a panic must
//! end the task alone, and whoever drives the weather ends its node. Every other panic
//! breaks a rule.
//!
//! *Invariants*: what is counted belongs to the run of this thread.

use std::{
    cell::{Cell, RefCell},
    sync::Once,
};

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Whether some disk is bad, so that a node may die of it.
    static BORNE: Cell<bool> = const { Cell::new(false) };
    static DIED: Cell<u64> = const { Cell::new(0) };
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static HOOK: Once = Once::new();

/// Watches this thread's panics from now on.
pub(crate) fn watch() {
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !WATCHED.get() {
                usual(panic);
            } else if BORNE.get() {
                DIED.set(DIED.get() + 1);
                tracing::info!(%panic, "a node panicked of its disk");
            } else {
                usual(panic);
                SEEN.with_borrow_mut(|seen| seen.push(panic.to_string()));
            }
        }));
    });
    WATCHED.set(true);
    BORNE.set(false);
    DIED.set(0);
    SEEN.take();
}

/// Notes the panic of a thread beside this one; the thread itself has printed it.
pub(crate) fn beside() {
    SEEN.with_borrow_mut(|seen| seen.push("a thread beside".into()));
}

/// Watches no more; the panics that nobody expected.
pub(crate) fn seen() -> Vec<String> {
    WATCHED.set(false);
    SEEN.take()
}

/// Says whether a node may die of a panic now.
pub(crate) fn bear(borne: bool) {
    BORNE.set(borne);
    DIED.set(0);
}

/// Whether a node may die now of its disk.
pub(crate) fn borne() -> bool {
    BORNE.get()
}

/// How often one has since.
pub(crate) fn died() -> u64 {
    DIED.get()
}
