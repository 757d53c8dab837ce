//! Somebody on the wire, who is nobody: garbage, half-open connections, silence,
//! floods, and a handshake begun in a member's name.
//!
//! It wants a node to fall over, to fill its memory, or to serve nobody else. There is
//! no answer to judge: the honest network must do all that it does without it.

use std::{sync::Arc, time::Duration};

use commonware_runtime::{Network as _, Sink as _, SinkOf, deterministic::Context};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::world::{World, sub};

const ME: &str = "noise";
/// Connections held open at once.
const HELD_MAX: usize = 64;

/// Makes noise for as long as it is polled.
pub(crate) async fn make(world: Arc<World>) {
    let mut rng = StdRng::from_seed(sub(world.seed, "noise", 0).0);
    let mut held: Vec<SinkOf<Context>> = Vec::new();
    loop {
        let pause = rng.random_range(50..1_500);
        world.sleep(Duration::from_millis(pause)).await;
        let target = rng.random_range(0..world.founders());
        let member = &world.charter.members[target];
        let address = if rng.random() {
            &member.ledger_address
        } else {
            &member.exchange_address
        };
        let Ok(address) = address.parse() else { return };
        // Past the relays, straight at the node's door.
        let Some(address) = world.wires.leads(address) else {
            continue;
        };
        let Ok((mut sink, _stream)) = world.context.dial(address).await else {
            continue;
        };
        let whose = rng.random_range(0..world.founders());
        let name = world.members[whose].keys().node.public();
        // The first frame of a handshake: a length and a key.
        let prelude = [&[32], &name.0[..]].concat();
        let mut garbage = vec![0; rng.random_range(1..20_000)];
        rng.fill_bytes(&mut garbage);
        let (what, bytes) = match rng.random_range(0..4u8) {
            0 => ("sends garbage", garbage),
            1 => ("begins in a member's name", prelude),
            2 => (
                "goes on with garbage in a member's name",
                [prelude, garbage].concat(),
            ),
            _ => (
                "announces a frame of four gigabytes",
                [prelude, vec![0xff, 0xff, 0xff, 0xff, 0x0f]].concat(),
            ),
        };
        world.report.attempt(ME, what, "nobody answers");
        let _ = sink.send(bytes).await;
        // Some are left open and silent.
        if held.len() < HELD_MAX {
            held.push(sink);
        } else {
            held.clear();
        }
    }
}
