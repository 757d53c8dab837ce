//! A table made ready to be given: its rows as words, cut into parts, padded, split, and
//! what each of the three is committed to of them.
//!
//! A table that comes in parts is kept as words, and one part at a time is split, when it
//! is asked for: the three hold one part at a time, and so does its owner of the shares.

use std::sync::Arc;

use super::{
    super::{program, sets::Names},
    TOO_MANY_ROWS, words,
};
use crate::{
    core::{Core, lock},
    error::{Error, Result},
};
use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use docket::{
    Plan,
    plan::{JointInput, JointPlan, Method},
    state::COMPUTING,
    statement::TableCommitment,
};
use mpc::joint::table::Schema;
use primitives::Digest;

/// Rows of one part that one owner shares of one table, at most.
pub(super) const PART_ROWS_MAX: usize = 1 << 20;
/// Rows that the smallest shared table has.
const PADDED_ROWS_MIN: usize = 64;

/// What the three are given of a table or of a part of it: a salt, then the messages of
/// the columns.
pub(super) type Split = [Vec<u8>; COMPUTING];

/// A table that is ready to be given.
pub(super) struct Given {
    /// Its rows with the padding, of all parts.
    pub(super) rows: u32,
    /// For each of the three, what each part is committed to.
    pub(super) digests: [Vec<Digest>; COMPUTING],
    /// The part that was split last, or all of a table that comes whole.
    last: std::sync::Mutex<(usize, Arc<Split>)>,
    /// How a part is split again; none of what comes whole.
    recipe: Option<Arc<Recipe>>,
}

/// The words of a table in parts, and all that their shares are made of.
struct Recipe {
    seed: Digest,
    session: Digest,
    input: JointInput,
    schema: Schema,
    /// Rows that every part is padded to.
    padded: usize,
    /// For each part its columns.
    parts: Vec<Vec<Vec<u64>>>,
}

/// In how many messages each of the three is given a table.
fn messages_of(plan: &Plan, joint: &JointPlan, input: &JointInput) -> Result<usize> {
    match joint.method {
        Method::Shares => Ok(program::schema(plan, joint, &input.table)?.columns().len()),
        Method::Sets => Ok(1),
    }
}

/// Which rows one of the three is given: of a table that comes in `parts`, each of `rows`
/// rows, and `columns` columns.
#[derive(Clone, Copy)]
pub(in crate::joint) struct Shape {
    pub(in crate::joint) parts: usize,
    pub(in crate::joint) rows: usize,
    pub(in crate::joint) columns: usize,
}

impl Shape {
    /// The shape of an input that its owner committed to.
    ///
    /// # Errors
    /// A fault where its rows are none of so many parts, or more than an owner may share.
    pub(in crate::joint) fn of(
        plan: &Plan,
        joint: &JointPlan,
        input: &JointInput,
        committed: &TableCommitment,
    ) -> Result<Self> {
        let (rows, parts) = (committed.rows, query::parts(joint, &input.table));
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        if !rows.is_multiple_of(parts) {
            let detail = format!("committed to {rows} rows in {parts} parts");
            return Err(Error::fault(&input.owner, detail, Vec::new()));
        }
        // A ledger has a row for each account beside those of its transfers.
        if rows / parts > 2 * PART_ROWS_MAX {
            let detail = format!("committed to {rows} rows, more than a table may have");
            return Err(Error::fault(&input.owner, detail, Vec::new()));
        }
        Ok(Self {
            parts,
            rows: rows / parts,
            columns: messages_of(plan, joint, input)?,
        })
    }

    /// Bytes of a part that one of the three is given: before it, of many, the digests of
    /// all parts.
    pub(in crate::joint) fn bytes(self, schema: &Schema) -> usize {
        self.list_bytes() + SALT_BYTES + schema.message_bytes(self.rows)
    }

    fn list_bytes(self) -> usize {
        match self.parts {
            1 => 0,
            many => many * SALT_BYTES,
        }
    }

    /// The messages of a part, if it is what was committed to.
    pub(in crate::joint) fn opened(
        self,
        (question, input): (&Digest, &JointInput),
        (seat, part): (usize, usize),
        (bytes, committed): (&[u8], &Digest),
    ) -> Option<Vec<Vec<u8>>> {
        let (list, bytes) = bytes.split_at_checked(self.list_bytes())?;
        let own = committed_to(question, input, seat, bytes, self.columns);
        let mut digests = Vec::with_capacity(self.parts);
        for digest in list.chunks_exact(SALT_BYTES) {
            digests.push(Digest(digest.try_into().ok()?));
        }
        let is_it = match digests.get(part) {
            Some(digest) => {
                *digest == own && commitment(question, input, seat, &digests) == *committed
            }
            None => self.parts == 1 && own == *committed,
        };
        is_it.then(|| messages(bytes, self.columns).1)
    }
}

/// The messages of a table's columns in what one of the three was given, and the salt
/// before them.
fn messages(bytes: &[u8], columns: usize) -> (Digest, Vec<Vec<u8>>) {
    let (salt, rest) = bytes.split_at(SALT_BYTES.min(bytes.len()));
    let mut digest = Digest([0; SALT_BYTES]);
    if let Ok(salt) = salt.try_into() {
        digest = Digest(salt);
    }
    let column = (rest.len() / columns.max(1)).max(1);
    (digest, rest.chunks(column).map(<[u8]>::to_vec).collect())
}

/// The digest that an owner commits to of what one of the three is given.
fn committed_to(
    question: &Digest,
    input: &JointInput,
    seat: usize,
    bytes: &[u8],
    columns: usize,
) -> Digest {
    let (salt, messages) = messages(bytes, columns);
    let seat = u8::try_from(seat).unwrap_or(u8::MAX);
    let place = (&input.owner, input.table.as_str());
    docket::joint::shares(question, place, seat, &salt, &messages)
}

/// What an owner commits to of a table, from what it would of each part.
pub(super) fn commitment(
    question: &Digest,
    input: &JointInput,
    seat: usize,
    digests: &[Digest],
) -> Digest {
    match digests {
        [whole] => *whole,
        parts => {
            let seat = u8::try_from(seat).unwrap_or(u8::MAX);
            let place = (&input.owner, input.table.as_str());
            docket::joint::shares_in_parts(question, place, seat, parts)
        }
    }
}

/// Bytes of the salt of a commitment.
pub(super) const SALT_BYTES: usize = 32;

/// A generator for what an owner gives of one table, or of a part of it.
fn generator(
    seed: &Digest,
    session: &Digest,
    input: &JointInput,
    part: Option<usize>,
) -> ChaCha20Rng {
    let table = input.table.as_bytes();
    let seed = match part {
        None => Digest::of("cordon/joint-seed/v1", &[&seed.0, &session.0, table]),
        Some(part) => {
            let part = (part as u64).to_be_bytes();
            let parts: [&[u8]; 4] = [&seed.0, &session.0, table, &part];
            Digest::of("cordon/joint-part-seed/v1", &parts)
        }
    };
    ChaCha20Rng::from_seed(seed.0)
}

/// A set's names and its commitment: the first of the three stands for the set itself,
/// which nobody is given; the others are salts, of nothing.
pub(super) fn packed(
    question: &Digest,
    (seed, session): (&Digest, &Digest),
    input: &JointInput,
    names: &Names,
) -> Result<Given> {
    let mut rng = generator(seed, session, input, None);
    let mut parts: Split = Default::default();
    for part in &mut parts {
        part.resize(SALT_BYTES, 0);
        rng.fill_bytes(part);
    }
    parts[0].extend_from_slice(names.bytes());
    Given::whole((question, input, 1), padded(names.len()), parts)
}

/// Pads and splits a bank's ledger.
pub(super) fn ledger(
    (question, (seed, session)): (&Digest, (&Digest, &Digest)),
    (schema, joint, input): (&Schema, &JointPlan, &JointInput),
    rows: &[data::Row],
) -> Result<Given> {
    let mut rng = generator(seed, session, input, None);
    let columns = words::ledger(session, joint, rows, &mut rng)?;
    let count = columns.first().map_or(0, Vec::len);
    let split = split(schema, (session, input), &columns, &mut rng)?;
    Given::whole((question, input, columns.len()), count, split)
}

/// Pads and splits a table of words: whole, or one part after another, for what each of
/// the three is committed to.
pub(super) fn shared(
    (question, (seed, session)): (&Digest, (&Digest, &Digest)),
    (schema, input): (Schema, JointInput),
    mut parts: Vec<Vec<Vec<u64>>>,
) -> Result<Given> {
    let rows = |columns: &Vec<Vec<u64>>| columns.first().map_or(0, Vec::len);
    let largest = parts.iter().map(rows).max().unwrap_or(0);
    if let [columns] = &mut parts[..] {
        let mut rng = generator(seed, session, &input, None);
        schema.pad(columns, padded(largest), &mut rng)?;
        let split = split(&schema, (session, &input), columns, &mut rng)?;
        let place = (question, &input, columns.len());
        return Given::whole(place, padded(largest), split);
    }
    in_parts((question, (seed, session)), (schema, input), parts, largest)
}

fn in_parts(
    (question, (seed, session)): (&Digest, (&Digest, &Digest)),
    (schema, input): (Schema, JointInput),
    parts: Vec<Vec<Vec<u64>>>,
    largest: usize,
) -> Result<Given> {
    let (count, column_count) = (parts.len(), parts.first().map_or(0, Vec::len));
    if largest > PART_ROWS_MAX {
        let detail = format!(
            "a part of {} has {largest} rows, and may have {PART_ROWS_MAX}: ask for more than {count} parts",
            input.table
        );
        return Err(Error::refused(TOO_MANY_ROWS, detail));
    }
    let recipe = Recipe {
        seed: *seed,
        session: *session,
        schema,
        padded: padded(largest),
        parts,
        input,
    };
    let mut digests: [Vec<Digest>; COMPUTING] = Default::default();
    let mut last = Split::default();
    for part in 0..count {
        last = recipe.split(part)?;
        for ((seat, bytes), digests) in last.iter().enumerate().zip(&mut digests) {
            let digest = committed_to(question, &recipe.input, seat, bytes, column_count);
            digests.push(digest);
        }
    }
    Ok(Given {
        rows: u32::try_from(recipe.padded * count)
            .map_err(|_| Error::refused("limit", "a table of too many rows"))?,
        digests,
        last: std::sync::Mutex::new((count - 1, Arc::new(last))),
        recipe: Some(Arc::new(recipe)),
    })
}

impl Recipe {
    /// What the three are given of a part, the same each time.
    fn split(&self, part: usize) -> Result<Split> {
        let mut rng = generator(&self.seed, &self.session, &self.input, Some(part));
        let mut columns = self.parts.get(part).cloned().unwrap_or_default();
        self.schema.pad(&mut columns, self.padded, &mut rng)?;
        split(
            &self.schema,
            (&self.session, &self.input),
            &columns,
            &mut rng,
        )
    }
}

impl Given {
    fn whole(
        (question, input, columns): (&Digest, &JointInput, usize),
        rows: usize,
        split: Split,
    ) -> Result<Self> {
        let digest = |seat: usize| vec![committed_to(question, input, seat, &split[seat], columns)];
        Ok(Self {
            rows: u32::try_from(rows)
                .map_err(|_| Error::refused("limit", "a table of too many rows"))?,
            digests: [digest(0), digest(1), digest(2)],
            last: std::sync::Mutex::new((0, Arc::new(split))),
            recipe: None,
        })
    }
}

/// Splits columns: for each of the three a salt, and its messages.
fn split(
    schema: &Schema,
    (session, input): (&Digest, &JointInput),
    columns: &[Vec<u64>],
    rng: &mut ChaCha20Rng,
) -> Result<Split> {
    let messages = schema.share(session, input.owner.as_str(), columns, rng)?;
    Ok(messages.map(|columns| {
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        [&salt[..], &columns.concat()].concat()
    }))
}

/// A table's size class: a power of two.
pub(super) fn padded(rows: usize) -> usize {
    rows.max(PADDED_ROWS_MIN).next_power_of_two()
}

/// What the three are given of a part: that which was split last, or split again.
pub(super) async fn part_of(core: &Arc<Core>, given: &Given, part: usize) -> Result<Arc<Split>> {
    let (last, split) = lock(&given.last).clone();
    let recipe = match &given.recipe {
        Some(recipe) if last != part => recipe.clone(),
        _ => return Ok(split),
    };
    let splitting = move || recipe.split(part);
    let split = Arc::new(core.host.blocking(splitting).await?);
    *lock(&given.last) = (part, split.clone());
    Ok(split)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use data::Value;
    use mpc::{
        joint::{at_the_scenes, table::Table},
        shares::{Security, memory},
    };
    use primitives::InstitutionId;
    use query::Word;

    use super::{super::words::Gathered, *};

    const PARTS: usize = 3;
    const WORDS: [Word; 3] = [Word::Key("phone", 0), Word::Number(1, 1), Word::Name(0)];

    fn digest(text: &str) -> Digest {
        Digest::plain(text.as_bytes())
    }

    fn input() -> JointInput {
        JointInput {
            table: "sightings".into(),
            owner: InstitutionId::new("telecom_a").unwrap(),
            snapshots: vec![digest("snapshot")],
        }
    }

    /// Forty phones, most of them twice.
    fn rows() -> Vec<data::Row> {
        let row = |n: i64| {
            let phone = format!("+861380000{:04}", n / 2);
            vec![Value::Text(phone), Value::Int(n % 2)]
        };
        (0..79).map(row).collect()
    }

    fn schema() -> Schema {
        at_the_scenes::sightings(2, docket::joint::NAME_WORDS).unwrap()
    }

    fn split_of(bound: (&Digest, (&Digest, &Digest)), rows: &[data::Row]) -> Given {
        let mut gathered = Gathered::new(*bound.1.1, input(), WORDS.to_vec(), PARTS);
        // As an engine would, a few at a time.
        rows.chunks(7).for_each(|rows| gathered.add(rows).unwrap());
        shared(bound, (schema(), input()), gathered.columns()).unwrap()
    }

    fn given(seed: &str) -> Given {
        let (question, seed, session) = (digest("question"), digest(seed), digest("session"));
        split_of((&question, (&seed, &session)), &rows())
    }

    fn shape(given: &Given) -> Shape {
        Shape {
            parts: PARTS,
            rows: given.rows as usize / PARTS,
            columns: schema().columns().len(),
        }
    }

    /// What a seat is given of a part, as it crosses the wire.
    fn message(given: &Given, seat: usize, part: usize) -> Vec<u8> {
        let split = given.recipe.as_ref().unwrap().split(part).unwrap();
        let list = given.digests[seat].iter().flat_map(|digest| digest.0);
        list.chain(split[seat].iter().copied()).collect()
    }

    fn opened(given: &Given, (seat, part): (usize, usize), bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        let committed = commitment(&digest("question"), &input(), seat, &given.digests[seat]);
        let of = (&digest("question"), &input());
        shape(given).opened(of, (seat, part), (bytes, &committed))
    }

    #[test]
    fn parts_are_given_as_they_were_committed_to_and_no_otherwise() {
        let table = given("seed");
        for seat in 0..COMPUTING {
            for part in 0..PARTS {
                let bytes = message(&table, seat, part);
                assert_eq!(bytes.len(), shape(&table).bytes(&schema()));
                assert!(opened(&table, (seat, part), &bytes).is_some());
                let elsewhere = (part + 1) % PARTS;
                assert!(opened(&table, (seat, elsewhere), &bytes).is_none());
                assert!(opened(&table, ((seat + 1) % 3, part), &bytes).is_none());
                for at in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
                    let mut bent = bytes.clone();
                    bent[at] ^= 1;
                    assert!(opened(&table, (seat, part), &bent).is_none(), "byte {at}");
                    assert!(opened(&table, (seat, part), &bytes[..at]).is_none());
                }
            }
            // A list of its own, over parts of its own, is not the one that is on the ledger.
            let other = message(&given("another seed"), seat, 0);
            assert!(opened(&table, (seat, 0), &other).is_none());
            assert!(opened(&table, (seat, PARTS), &message(&table, seat, 0)).is_none());
        }
    }

    #[test]
    fn a_table_is_split_alike_after_a_restart() {
        let (one, two) = (given("seed"), given("seed"));
        assert_eq!(one.digests, two.digests);
        for part in [2, 0, 2, 1] {
            assert_eq!(message(&one, 1, part), message(&two, 1, part));
        }
        assert_ne!(one.digests, given("another seed").digests);
    }

    #[test]
    fn all_rows_come_once_and_those_of_a_key_in_one_part() {
        let table = given("seed");
        let plain: Vec<Vec<Vec<u64>>> = (0..PARTS)
            .map(|part| {
                let rows = shape(&table).rows;
                let columns = memory::run(Security::SemiHonest, 5, |party| {
                    let messages = opened(
                        &table,
                        (party.index(), part),
                        &message(&table, party.index(), part),
                    );
                    let (messages, session) = (messages.unwrap(), digest("session"));
                    let owner = "telecom_a";
                    let table = Table::receive(party, &schema(), &session, owner, rows, &messages)?;
                    (0..4)
                        .map(|at| party.open_words(table.column(at)))
                        .collect()
                });
                columns.into_iter().next().unwrap().unwrap()
            })
            .collect();
        let mut seen: BTreeMap<[u64; 2], BTreeSet<usize>> = BTreeMap::new();
        let mut rows = BTreeSet::new();
        for (part, columns) in plain.iter().enumerate() {
            for at in (0..columns[0].len()).filter(|at| columns[0][*at] == 1) {
                let key = [columns[1][at], columns[2][at]];
                seen.entry(key).or_default().insert(part);
                assert!(rows.insert((key, columns[3][at])), "a row came twice");
            }
        }
        assert_eq!((rows.len(), seen.len()), (79, 40));
        assert!(seen.values().all(|parts| parts.len() == 1));
        let used: BTreeSet<&usize> = seen.values().flatten().collect();
        assert_eq!(used.len(), PARTS, "keys spread over all parts");
    }

    #[test]
    fn a_table_of_no_rows_has_all_its_parts() {
        let (question, seed, session) = (digest("question"), digest("seed"), digest("session"));
        let empty = split_of((&question, (&seed, &session)), &[]);
        assert_eq!(empty.rows as usize, PARTS * PADDED_ROWS_MIN);
        assert!(empty.digests.iter().all(|digests| digests.len() == PARTS));
    }
}
