//! What one of the three is given of the owners' tables: pulled part by part, checked
//! against what was committed to, and put together.
//!
//! The first part is pulled before an attempt begins, so that an owner that can't be
//! reached does not cost the neighbours theirs; the others when the program asks for them.

use std::{collections::BTreeMap, sync::Arc};

use mpc::{joint::table::Table, shares::Party};
use primitives::Digest;

use super::{
    Running,
    compute::{ATTEMPT_MAX, Failed},
    owner::{self, Shape},
    program,
};
use crate::{
    aside::Aside,
    core::Core,
    error::{Error, Result},
    exchange::Call,
    requester::peer_error,
};

/// What a party was given of tables, by their places in the plan: a message a column.
pub(super) type Pulled = BTreeMap<usize, Vec<Vec<u8>>>;

/// This party's shares of a part of every table of the plan, column by column, by the
/// tables' places in the plan: the first part of all, another of those that come in parts.
pub(super) async fn pull(
    core: &Arc<Core>,
    running: &Running,
    (index, part): (usize, usize),
) -> Result<Pulled> {
    let mut shares = BTreeMap::new();
    for (number, input) in running.joint.inputs.iter().enumerate() {
        let committed = running.committed(&input.owner, &input.table)?;
        let shape = Shape::of(&running.plan, &running.joint, input, committed)?;
        if part >= shape.parts {
            continue;
        }
        let schema = program::schema(&running.plan, &running.joint, &input.table)?;
        let bytes = if input.owner == core.me {
            owner::own(core, running, &input.table, (index, part)).await?
        } else {
            let call = Call::Shares {
                question: running.question,
                table: input.table.clone(),
                part: u16::try_from(part).unwrap_or(u16::MAX),
            };
            let said = |error| peer_error(&input.owner, error);
            let key = running.key_of(&input.owner)?;
            let replies = core.net()?.call(key, call.encode()?.into(), ATTEMPT_MAX);
            let replies = replies.await.map_err(said)?;
            replies
                .read_to_end(shape.bytes(&schema))
                .await
                .map_err(said)?
                .to_vec()
        };
        let due = committed
            .shares
            .get(index)
            .copied()
            .unwrap_or(Digest([0; 32]));
        let of = (&running.question, input);
        let Some(messages) = shape.opened(of, (index, part), (&bytes, &due)) else {
            let detail = "gave other shares than it committed to";
            return Err(Error::fault(&input.owner, detail, bytes));
        };
        // Found here it is the owner's fault; among the frames it would look like a
        // neighbour's.
        let owner = (input.owner.as_str(), shape.rows);
        if !schema.fits(&running.session, owner, index, &messages)? {
            let detail = "committed to shares that are none";
            return Err(Error::fault(&input.owner, detail, bytes));
        }
        shares.insert(number, messages);
    }
    Ok(shares)
}

/// The tables of the plan, part after part.
pub(super) struct Parts<'a> {
    pub(super) core: &'a Arc<Core>,
    pub(super) running: &'a Arc<Running>,
    /// This party's seat.
    pub(super) index: usize,
    pub(super) waits: &'a Aside,
    /// What was pulled before the attempt began.
    pub(super) first: &'a Pulled,
    /// How many parts there are.
    pub(super) of: usize,
}

impl program::Source for Parts<'_> {
    fn tables(
        &mut self,
        party: &mut Party<'_>,
        part: usize,
    ) -> std::result::Result<BTreeMap<String, Table>, Failed> {
        let (core, running) = (self.core, self.running);
        let (done, parts) = (u32::try_from(part), u32::try_from(self.of));
        let done = f64::from(done.unwrap_or(0)) / f64::from(parts.unwrap_or(1));
        let doing = match self.of {
            1 => "computing over shares".to_owned(),
            of => format!("computing over shares, part {} of {of}", part + 1),
        };
        running.tell(core, 0.2 + 0.6 * done, &doing);
        if part == 0 {
            return tables(running, party, self.first);
        }
        let (core, running_too, index) = (core.clone(), running.clone(), self.index);
        let pulling = async move { pull(&core, &running_too, (index, part)).await };
        let gone = || Error::trouble("stopping", "the attempt is over");
        let shares = self.waits.wait(pulling).ok_or_else(gone)??;
        tables(running, party, &shares)
    }
}

/// Tables of the plan that this party was given, their owners' rows one after another.
fn tables(
    running: &Running,
    party: &mut Party<'_>,
    shares: &Pulled,
) -> std::result::Result<BTreeMap<String, Table>, Failed> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for (number, input) in running.joint.inputs.iter().enumerate() {
        let Some(messages) = shares.get(&number) else {
            continue;
        };
        let schema = program::schema(&running.plan, &running.joint, &input.table)?;
        let committed = running.committed(&input.owner, &input.table)?;
        let shape = Shape::of(&running.plan, &running.joint, input, committed)?;
        let bound = (&running.session, input.owner.as_str());
        let table = Table::receive(party, &schema, bound.0, bound.1, shape.rows, messages)?;
        let whole = match tables.get(&input.table) {
            None => table,
            Some(others) => others.append(&table)?,
        };
        tables.insert(input.table.clone(), whole);
    }
    Ok(tables)
}
