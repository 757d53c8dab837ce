//! Deaths that are aimed: who computes a joint question dies in the middle of it, again and
//! again, and comes back.
//!
//! Three that compute must come together anew after each death, however out of step they
//! begin. A storm seldom hits the few seconds of a computation, and its wires are so uneven
//! that nothing is in step for long.

use std::time::Duration;

use docket::state::QuestionPhase;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::disks::BadDisk;
use crate::{
    people::{Docket, Office, question},
    world::{World, sub},
};

/// Seeds in a hundred whose joint questions are struck.
const STRUCK_OF_100: u8 = 50;
/// Questions over two sets in such a seed.
pub(crate) const ROUNDS: usize = 4;
/// Most deaths in one question.
const DEATHS_MAX: u32 = 4;
/// Longest until the next one, and longest that a node stays down: soon, or later.
const SOON_MS_MAX: u64 = 50;
const LATER_MS_MAX: u64 = 1_500;
/// Pause between two looks at the question.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Whether a seed's joint questions, if it has any, are struck.
pub(crate) fn are_drawn(seed: u64) -> bool {
    let mut rng = StdRng::from_seed(sub(seed, "strikes", 0).0);
    rng.random_range(0..100) < STRUCK_OF_100
}

/// How often a joint question is asked: one that is struck, some times.
pub(crate) fn rounds(world: &World) -> usize {
    if are_drawn(world.seed) { ROUNDS } else { 1 }
}

/// Waits for what `run` gives while those who compute the question, the `number`th of the
/// seed, die and come back.
pub(crate) async fn through<T>(
    office: &Office,
    (docket, number): (Docket, usize),
    run: impl Future<Output = T>,
) -> T {
    if !are_drawn(office.world.seed) {
        return run.await;
    }
    let rng = StdRng::from_seed(sub(office.world.seed, "strikes", 1 + number).0);
    futures::join!(run, strike(office, docket, rng)).0
}

async fn strike(office: &Office, docket: Docket, mut rng: StdRng) {
    let world = &office.world;
    let bad = BadDisk::of(world).map(|bad| bad.member());
    let police = world.place("police");
    let alone = rng.random() && bad != Some(police);
    if computing(office, docket).await.is_none() {
        return;
    }
    // Where nobody asks for what they counted, the three wait, and can be struck at leisure.
    let alone = alone && down(world, police).await;
    for _ in 0..rng.random_range(1..=DEATHS_MAX) {
        let Some(three) = computing(office, docket).await else {
            break;
        };
        let n = three[rng.random_range(0..three.len())];
        world.sleep(pause(&mut rng)).await;
        if bad != Some(n) && down(world, n).await {
            world.sleep(pause(&mut rng)).await;
            world.start(n).await;
        }
    }
    if alone {
        world.start(police).await;
    }
}

/// Some milliseconds, or up to a second and a half.
fn pause(rng: &mut StdRng) -> Duration {
    let most = if rng.random() {
        SOON_MS_MAX
    } else {
        LATER_MS_MAX
    };
    Duration::from_millis(rng.random_range(0..most))
}

/// Kills a node, unless it is down already and others will wake it.
async fn down(world: &World, n: usize) -> bool {
    let runs = world.runs(n);
    if runs {
        world.report.fault("strike");
        let text = format!("strike {n}");
        world.report.note(world.now().as_millis(), &text);
        world.kill(n).await;
    }
    runs
}

/// The three, once they compute; none where the question has ended.
async fn computing(office: &Office, docket: Docket) -> Option<Vec<usize>> {
    let world = &office.world;
    loop {
        // Whoever of them is up: the requester may lag, and the question have ended.
        let states = (0..world.founders()).filter_map(|n| office.state(n));
        let known = states.filter_map(|state| {
            let known = question(&state, docket)?;
            let three = known.joint.as_ref()?.computing.iter();
            let three: Vec<usize> = three.map(|id| world.place(id.as_str())).collect();
            Some((known.phase, three))
        });
        let mut known: Vec<_> = known.collect();
        let goes_on = |phase| matches!(phase, QuestionPhase::Open | QuestionPhase::Running);
        if known.iter().any(|(phase, _)| !goes_on(*phase)) {
            return None;
        }
        if let Some(at) = known
            .iter()
            .position(|(phase, _)| *phase == QuestionPhase::Running)
        {
            return Some(known.swap_remove(at).1);
        }
        world.sleep(LOOK_EVERY).await;
    }
}
