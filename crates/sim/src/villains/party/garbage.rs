//! An owner that commits to shares that are none, and gives them.
//!
//! Its node would commit to shares of its table; so it is made to lose the table's files,
//! and the record is stated in its name.

use bytes::Bytes;
use docket::{
    Plan, State, Statement, plan::JointInput, state::Decision, statement::TableCommitment,
};
use node::store::Shelf;
use primitives::{Digest, PublicKey};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{ME, Plot, THREE};
use crate::{
    people::{Docket, Office, question},
    world::{World, sub},
};

/// Rows that it says its table has.
const ROWS: u32 = 64;
/// Bytes of a salt.
const SALT_BYTES: usize = 32;

/// Columns of a custodian's shared table.
fn columns(member: &str) -> usize {
    // Present, person; and of what is paid group and amount.
    if member.starts_with("bank") { 5 } else { 3 }
}

/// What one of the three is given.
fn given(seed: u64, member: &str, seat: usize) -> Vec<u8> {
    let mut rng = StdRng::from_seed(sub(seed, ME, 10 + seat).0);
    let whole = mpc::shares::input::message_bytes(ROWS as usize);
    // As long as is due, or shorter.
    let column = if rng.random() {
        whole
    } else {
        rng.random_range(1..whole)
    };
    let mut bytes = vec![0; SALT_BYTES + columns(member) * column];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// What a caller is given.
pub(super) fn shares(world: &World, plot: &Plot, peer: &PublicKey) -> Bytes {
    let is = |name: &&str| world.members[world.place(name)].keys().node.public() == *peer;
    let seat = THREE.iter().position(is).unwrap_or(0);
    given(world.seed, plot.member, seat).into()
}

/// Has everybody approve, and commits to it in the place of the villain's node.
pub(super) async fn commit(office: &Office, docket: Docket, plot: &Plot) -> Option<()> {
    let world = &office.world;
    let me = world.place(plot.member);
    office.approve(docket, &[me]).await?;
    office.delivered(docket, me).await?;
    let inputs = |_: &State| {
        let core = world.core(me)?;
        let plan: Plan = core.body_of(&docket.question).ok()?;
        let inputs = plan.joint?.inputs.into_iter();
        Some(inputs.filter(|input| input.owner == core.me).collect())
    };
    let inputs: Vec<JointInput> = office
        .persist(me, "inputs", inputs, async || Ok(()))
        .await?;
    let store = world.members[me].store();
    for snapshot in inputs.iter().flat_map(|input| &input.snapshots) {
        store.remove(Shelf::Snapshots, &snapshot.0).ok()?;
    }
    office.approve(docket, &[]).await?;
    let committed = |state: &State| {
        let inputs = &question(state, docket)?.inputs;
        inputs.contains(&world.members[me].id).then_some(())
    };
    let tables: Vec<TableCommitment> = inputs
        .iter()
        .map(|input| TableCommitment {
            table: input.table.clone(),
            rows: ROWS,
            shares: (0..THREE.len())
                .map(|seat| commitment(world.seed, docket, input, seat))
                .collect(),
        })
        .collect();
    let attempt = async || {
        let tables = tables.clone();
        let stated = world.at(me, move |core| async move {
            let state = core.state();
            let keys = match question(&state, docket)?.decisions.get(&core.me)? {
                Decision::Approved(keys) => keys.clone(),
                _ => return None,
            };
            let statement = Statement::InputsCommitted {
                question: docket.question,
                keys,
                tables,
            };
            let follows = vec![docket.question];
            let header = core.header(Some(docket.warrant), follows, Vec::new(), statement);
            core.state_as_node(header, &[]).await.ok()
        });
        let stated = stated.await.flatten();
        stated.map(|_| ()).ok_or_else(|| "not-stated".to_owned())
    };
    office.persist(me, "inputs", committed, attempt).await
}

fn commitment(seed: u64, docket: Docket, input: &JointInput, seat: usize) -> Digest {
    let member = input.owner.as_str();
    let bytes = given(seed, member, seat);
    let (salt, rest) = bytes.split_at(SALT_BYTES);
    let column = rest.len() / columns(member);
    let messages: Vec<Vec<u8>> = rest.chunks(column).map(<[u8]>::to_vec).collect();
    let salt = Digest(salt.try_into().unwrap_or_default());
    let place = (&input.owner, input.table.as_str());
    let seat = u8::try_from(seat).unwrap_or(u8::MAX);
    docket::joint::shares(&docket.question, place, seat, &salt, &messages)
}
