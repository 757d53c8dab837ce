//! A joint question over two sets: two members compare what they hold, the authority
//! counts, and the requester opens names from both members' lists.
//!
//! ```text
//! seat 0, 1   compare; each keeps a list of entries that read as noise
//! seat 2      is shown tags of both lists, counts equal ones, tells the count
//! the three   sign the count ─▶ count-opened, as over shares
//! seat 0, 1   once their own ledgers show it within the cap: sign the root over their
//!             lists, and give the lists to the requester
//! requester   opens names, and keeps the entries that they came from with their paths
//! ```
//! *Invariants*
//! - A set leaves its holder in no form but that list and the protocol's own frames.
//! - What the requester opens is what the counter was shown: whoever gives another list
//!   is named with what it signed.
//!
//! *Leaks*: to the counter the count alone. Any two of the three together could learn
//! who is in both sets, before the count and above the cap, and nobody else.
//!
//! *Not here*: that a set is the one its holder committed to, but at an honest holder.

use docket::{
    joint::sets::{ENTRY_BYTES, HOLDERS, Listed, NAME_BYTES, Tallied, name},
    plan::{Opening, Part},
    statement::Count,
};
use mpc::{
    Trouble,
    joint::in_common::{self, Terms},
    lookup::Scope,
    psi::{
        self, Item, Set,
        many::{Holder, Setup},
    },
    shares::{Channel as _, Neighbour},
    vole::Code,
};
use primitives::Digest;
use proof::{Frontier, Tree, leaf_hash};

use super::{
    Running, channel::Ring, compute::Failed, owner::SELECTED_ROWS_MAX, requester::Delivered,
};
use crate::{
    error::{Error, Result},
    host::HostRng,
};

/// Bytes of a name as a holder keeps it: its length, its bytes, zeros.
const PACKED: usize = 1 + NAME_BYTES;
/// Bytes of the count that the counter tells both holders.
const COUNT_BYTES: usize = 8;

/// The names of a set, one after another, as a holder keeps them.
#[derive(Default)]
pub(super) struct Names(Vec<u8>);

impl Names {
    /// Takes the names of the next selected rows, in any order.
    ///
    /// # Errors
    /// A refusal where a row is no name that fits.
    pub(super) fn add(&mut self, rows: &[data::Row]) -> Result<()> {
        for row in rows {
            let Some(data::Value::Text(text)) = row.first() else {
                return Err(Error::refused("row-shape", "a selected row has no name"));
            };
            let length = u8::try_from(text.len())
                .ok()
                .filter(|length| (1..=NAME_BYTES).contains(&usize::from(*length)))
                .ok_or_else(|| {
                    let detail = format!("a name is 1 to {NAME_BYTES} bytes long");
                    Error::refused("row-shape", detail)
                })?;
            let end = self.0.len() + PACKED;
            self.0.push(length);
            self.0.extend_from_slice(text.as_bytes());
            self.0.resize(end, 0);
        }
        Ok(())
    }

    /// The names in their own order, whatever that was in which they came.
    pub(super) fn sorted(mut self) -> Self {
        let (names, _) = self.0.as_chunks_mut::<PACKED>();
        names.sort_unstable_by(|a, b| a[1..].cmp(&b[1..]));
        self
    }

    pub(super) fn len(&self) -> usize {
        self.0.len() / PACKED
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn unpacked(packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    let names = packed.chunks_exact(PACKED);
    names.filter_map(|one| one[1..].get(..usize::from(one[0])))
}

/// How both sets are cut and padded.
struct Sizes {
    parts: u16,
    /// Items of each holder in each part.
    items: [u32; HOLDERS],
}

impl Sizes {
    fn entries(&self, seat: usize) -> u32 {
        u32::from(self.parts) * self.items[seat]
    }
}

fn sizes(running: &Running) -> Result<Sizes> {
    let mut rows = [0usize; HOLDERS];
    for (rows, input) in rows.iter_mut().zip(&running.joint.inputs) {
        let committed = running.committed(&input.owner, &input.table)?;
        *rows = usize::try_from(committed.rows).unwrap_or(usize::MAX);
        if *rows > SELECTED_ROWS_MAX {
            let detail = format!(
                "{} committed to more than {SELECTED_ROWS_MAX} names",
                input.owner
            );
            return Err(Error::refused("limit", detail));
        }
    }
    let too_many = |_| Error::refused("limit", "sets of too many names");
    let (parts, _) = psi::parts(rows[0].max(rows[1]));
    let [first, second] = rows.map(|rows| u32::try_from(psi::part_size(rows, parts)));
    Ok(Sizes {
        parts: u16::try_from(parts).map_err(too_many)?,
        items: [first.map_err(too_many)?, second.map_err(too_many)?],
    })
}

/// What an attempt's joint set is bound to.
fn terms(running: &Running, network: primitives::NetworkId, attempt: &Digest) -> Result<Terms> {
    let sizes = sizes(running)?;
    let issued = running.case.issued;
    let warrant = issued.ok_or_else(|| Error::refused("warrant-unknown", "it was not issued"))?;
    let mut holders = Vec::with_capacity(HOLDERS);
    for (input, items) in running.joint.inputs.iter().zip(sizes.items) {
        let committed = running.committed(&input.owner, &input.table)?;
        let set = committed.shares.first().copied();
        holders.push(Holder {
            institution: input.owner.clone(),
            // What it committed to before anybody compared: a court can ask for the set
            // and its salt, and compute the session again.
            snapshot: set.unwrap_or_default(),
            items,
        });
    }
    Ok(Terms {
        setup: Setup {
            scope: Scope {
                network,
                warrant,
                plan: running.known.plan,
                run: *attempt,
            },
            step: 0,
            parts: sizes.parts,
            holders,
            receiver: running.case.requester.clone(),
            counter: running.joint.computing.get(HOLDERS).cloned(),
            name_bytes: u16::try_from(NAME_BYTES).unwrap_or(u16::MAX),
        },
        code: Code::Conservative,
    })
}

/// What one of the three has when the sets were compared.
pub(super) struct Compared {
    /// Names that both hold.
    pub(super) rows: u64,
    /// What it signs as its part of the answer.
    pub(super) signed: Vec<u8>,
    /// A holder's list, which the requester is given behind it.
    pub(super) list: Vec<u8>,
    /// The digests of what it exchanged with each neighbour.
    pub(super) frames: [Digest; 2],
}

/// This member's part, up to the count. `names` are those of a holder's set.
pub(super) fn compare(
    running: &Running,
    (network, attempt): (primitives::NetworkId, &Digest),
    (seat, names, mut rng): (usize, Option<&[u8]>, HostRng<'_>),
    ring: &mut Ring,
    tell: &mut dyn FnMut(usize),
) -> std::result::Result<Compared, Failed> {
    let terms = terms(running, network, attempt)?;
    let setup = terms.setup.digest();
    let mut progress = |permille| {
        tell(permille);
        Ok(())
    };
    let Some(names) = names else {
        let counted = in_common::count(ring, &terms, &mut progress)?;
        for to in [Neighbour::Previous, Neighbour::Next] {
            let told = ring.send(to, counted.rows.to_be_bytes().to_vec());
            told.map_err(mpc::Error::from)?;
        }
        let tallied = Tallied {
            setup,
            shown: counted.shown,
            rows: counted.rows,
        };
        return Ok(Compared {
            rows: counted.rows,
            signed: tallied.to_bytes(),
            list: Vec::new(),
            frames: counted.frames,
        });
    };
    let names: Vec<&[u8]> = unpacked(names).collect();
    let items = terms.setup.items().all(names.iter().copied())?;
    let parts = terms.setup.parts;
    let mut sets = |part: u16| {
        let mine = items.iter().zip(&names);
        let mine = mine.filter(|(item, _)| item.part(parts) == part);
        let (items, names): (Vec<Item>, Vec<Vec<u8>>) =
            mine.map(|(item, name)| (*item, name.to_vec())).unzip();
        Ok((Set::new(&items), names))
    };
    let mut held = in_common::hold(ring, seat, &terms, &mut sets, &mut rng, &mut progress)?;
    let counter = if seat == 0 {
        Neighbour::Previous
    } else {
        Neighbour::Next
    };
    let told = ring
        .receive(counter, COUNT_BYTES)
        .map_err(mpc::Error::from)?;
    let told = told.first_chunk().copied();
    let rows = told.map(u64::from_be_bytes);
    let listed = Listed {
        setup,
        shown: held.shown,
        root: root(held.list.chunks_exact(ENTRY_BYTES[seat])),
        entries: sizes(running)?.entries(seat),
        parts,
    };
    Ok(Compared {
        rows: rows.ok_or(mpc::Error::from(Trouble::PeerLost))?,
        signed: listed.to_bytes(),
        list: std::mem::take(&mut *held.list),
        frames: held.frames,
    })
}

fn root<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Digest {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.append(leaf_hash(entry));
    }
    frontier.root()
}

/// Bytes of what each of the three signs as its part, and of what stands behind it.
pub(super) fn due(running: &Running) -> Result<Vec<[usize; 2]>> {
    let sizes = sizes(running)?;
    let mut due: Vec<[usize; 2]> = ENTRY_BYTES
        .iter()
        .enumerate()
        .map(|(seat, bytes)| {
            let entries = usize::try_from(sizes.entries(seat)).unwrap_or(usize::MAX);
            [Listed::BYTES, entries * bytes]
        })
        .collect();
    due.push([Tallied::BYTES, 0]);
    Ok(due)
}

/// The names that what the three gave opens, ascending, and the answer's proof.
///
/// # Errors
/// A fault of whoever gave other than it signed; a refusal where they contradict one
/// another.
pub(super) fn opened(
    running: &Running,
    network: primitives::NetworkId,
    count: Count,
    given: &[Delivered],
) -> Result<(Vec<String>, Vec<Part>)> {
    let [first, second, counter] = given else {
        return Err(Error::refused("joint", "a set is compared by three"));
    };
    let terms = terms(running, network, &first.head.attempt)?;
    let sizes = sizes(running)?;
    let setup = terms.setup.digest();
    let holders = [first, second];
    let mut listed = Vec::with_capacity(HOLDERS);
    let mut trees = Vec::with_capacity(HOLDERS);
    for (seat, holder) in holders.into_iter().enumerate() {
        let named = |what: &str| {
            let party = &running.joint.computing[seat];
            Error::fault(party, what.to_owned(), holder.part.clone())
        };
        let list = Listed::from_bytes(&holder.part).ok_or_else(|| named("signed no list"))?;
        let mut tree = Tree::new();
        for entry in holder.behind.chunks_exact(ENTRY_BYTES[seat]) {
            tree.append(leaf_hash(entry));
        }
        let shown = in_common::shown(&terms, seat, &holder.behind)
            .map_err(|error| named(&format!("gave a list that is none: {error}")))?;
        let expected = Listed {
            setup,
            shown,
            root: tree.root(),
            entries: sizes.entries(seat),
            parts: sizes.parts,
        };
        if list != expected {
            return Err(named(
                "gave another list than it signed or showed the counter",
            ));
        }
        listed.push(list);
        trees.push(tree);
    }
    let tallied = Tallied {
        setup,
        shown: [listed[0].shown, listed[1].shown],
        rows: count.rows,
    };
    let contradiction = |what: &str| Error::refused("protocol-fault", what.to_owned());
    if Tallied::from_bytes(&counter.part) != Some(tallied) {
        return Err(contradiction(
            "the counter signed another count, or was shown other lists than were given",
        ));
    }
    let found = in_common::open(&terms, &first.behind, &second.behind)?;
    let lists = [&listed[0], &listed[1]];
    let mut names = Vec::with_capacity(found.len());
    let mut openings: [Vec<Opening>; HOLDERS] = Default::default();
    for one in found {
        let mut pair = Vec::with_capacity(HOLDERS);
        for (seat, number) in one.entries.into_iter().enumerate() {
            pair.push(opening(&trees[seat], &holders[seat].behind, seat, number)?);
        }
        let name = name(lists, [&pair[0], &pair[1]])
            .ok_or_else(|| contradiction("two entries open a name that is no text"))?;
        names.push(name);
        for (openings, opening) in openings.iter_mut().zip(pair) {
            openings.push(opening);
        }
    }
    if names.len() as u64 != count.rows || !names.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(contradiction(
            "the lists do not open the names that were counted, and nobody can tell whose fault it is",
        ));
    }
    let [of_first, of_second] = openings;
    let parts = given.iter().zip([of_first, of_second, Vec::new()]);
    let parts = parts.map(|(given, opened)| Part {
        frames: given.head.frames,
        part: given.part.clone(),
        opened,
    });
    Ok((names, parts.collect()))
}

/// An entry of a list with its path.
fn opening(tree: &Tree, list: &[u8], seat: usize, number: usize) -> Result<Opening> {
    let size = ENTRY_BYTES[seat];
    let broken = |error: proof::ProofError| Error::broken("proof", error);
    Ok(Opening {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        entry: list[number * size..(number + 1) * size].to_vec(),
        path: tree.inclusion(number as u64, tree.size()).map_err(broken)?,
    })
}

#[cfg(test)]
mod tests {
    use data::Value;

    use super::*;

    #[test]
    fn names_are_kept_as_they_were_selected() {
        let rows: Vec<data::Row> = ["110101199003070011", "12345678901234567890123", "x"]
            .map(|text| vec![Value::Text(text.into())])
            .to_vec();
        let mut kept = Names::default();
        // An engine gives them in an order of its own, some at a time.
        kept.add(&rows[1..]).unwrap();
        kept.add(&rows[..1]).unwrap();
        let kept = kept.sorted();
        assert_eq!((kept.len(), kept.bytes().len()), (3, 3 * PACKED));
        let names: Vec<&[u8]> = unpacked(kept.bytes()).collect();
        let texts: Vec<Value> = names
            .iter()
            .map(|name| Value::Text(String::from_utf8(name.to_vec()).unwrap()))
            .collect();
        assert_eq!(texts, rows.concat());
        for unfit in [
            vec![],
            vec![Value::Null],
            vec![Value::Int(1)],
            vec![Value::Text(String::new())],
            vec![Value::Text("123456789012345678901234".into())],
        ] {
            let refused = Names::default().add(&[unfit]).unwrap_err();
            assert_eq!(refused.rule(), "row-shape");
        }
    }
}
