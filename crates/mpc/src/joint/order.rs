//! Tables sorted by keys, and the groups in them.
//!
//! Why it exists: every joint question is "bring equal keys together, then look
//! at neighbours". Here are the three forms of it: sorted rows with their groups'
//! beginnings ([`sort_by`]), rows marked by whether a list has their key
//! ([`mark_members`]), and different items counted a group ([`tally`]).
//!
//! Keys of 128 bits are sorted by a short hash, drawn after the inputs are
//! fixed: with public `a`, `b` from a coin, the low bits of `a·high + b·low` over
//! GF(2^64), which each party computes of its own shares. Two different keys have
//! one hash of `w` bits with probability 2^−w, whatever their owners made of
//! them; `w` is twice the logarithm of the number of rows and [`SLACK_BITS`]. Groups
//! are told apart by the whole key, so a collision can only leave a group in
//! pieces; that is seen where neighbours agree in the hash and not in the key.
//! One bit, whether it happened anywhere, is opened, and if so the rows are
//! sorted again under another hash.
//!
//! *Leaks*: the number of rows; with probability below 2^−8 a sort and key, that
//! keys collided under a public hash. *Adversary*: as the operations of [`crate::shares`].
//!
//! *Cost*: of a sort, see `shares/sort.rs`; then 129 products of bits a row and
//! key, a few a row for each scan.

use super::{Words, key::Key};
use crate::{
    Error, Refusal, limits,
    shares::{Arith, Bits, Pair, Party, Route, Stream, ceil_log2, low_mask, same_rows},
    simd::rings,
};

/// Bits of a sorting hash beyond twice the logarithm of the number of rows.
const SLACK_BITS: u32 = 7;

/// A part of what rows are sorted by.
#[derive(Clone)]
pub(super) enum Part {
    /// A key: equal ones come together, in an order that means nothing.
    Key(Key),
    /// A number: rows rise by it.
    Plain(Words),
}

impl Part {
    fn rows(&self) -> usize {
        match self {
            Self::Key(key) => key.rows(),
            Self::Plain(words) => words.rows(),
        }
    }

    /// The columns that hold it.
    pub(super) fn words(&self) -> Vec<Words> {
        match self {
            Self::Key(key) => key.words().to_vec(),
            Self::Plain(words) => vec![words.clone()],
        }
    }
}

/// A sorted table.
pub(super) struct Sorted {
    pub(super) parts: Vec<Part>,
    pub(super) payload: Vec<Words>,
    /// For each part, where it or a part before it differs from the row before.
    pub(super) begins: Vec<Bits>,
    /// The way that the rows went.
    pub(super) route: Route,
}

/// Sorts rows by parts, the first first; equal rows stay in their order.
pub(super) fn sort_by(
    party: &mut Party<'_>,
    parts: &[Part],
    payload: &[Words],
) -> Result<Sorted, Error> {
    let width = 2 * ceil_log2(parts.first().map_or(0, Part::rows)) + SLACK_BITS;
    for _ in 0..limits::JOINT_SORTS_MAX {
        if let Some(sorted) = sort_with_width(party, parts, payload, width)? {
            return Ok(sorted);
        }
    }
    Err(Refusal::KeyCollision.into())
}

/// Sorts once, by hashes of so many bits; nothing where different keys collided.
pub(super) fn sort_with_width(
    party: &mut Party<'_>,
    parts: &[Part],
    payload: &[Words],
    width: u32,
) -> Result<Option<Sorted>, Error> {
    let rows = parts.first().map_or(0, Part::rows);
    let (lanes, mut sorted) = sort_once(party, parts, payload, width.min(u64::BITS))?;
    let collided = groups(party, &lanes, &mut sorted, rows)?;
    Ok((!collided).then_some(sorted))
}

fn sort_once(
    party: &mut Party<'_>,
    parts: &[Part],
    payload: &[Words],
    width: u32,
) -> Result<(Vec<Words>, Sorted), Error> {
    let coin = Stream::from_coin(&party.coin()?).words(2);
    let (mut lanes, mut carried) = (Vec::with_capacity(parts.len()), Vec::new());
    for part in parts {
        match part {
            Part::Key(key) => {
                lanes.push(short(key, &coin, width));
                carried.extend(key.words());
            }
            Part::Plain(words) => lanes.push(words.clone()),
        }
    }
    carried.extend_from_slice(payload);
    let (lanes, carried, route) = party.sort_kept(&lanes, &carried)?;
    let mut carried = carried.into_iter();
    let mut sorted = Vec::with_capacity(parts.len());
    for (part, lane) in parts.iter().zip(&lanes) {
        sorted.push(match part {
            Part::Key(_) => Part::Key(Key::take(&mut carried)?),
            Part::Plain(_) => Part::Plain(lane.clone()),
        });
    }
    let sorted = Sorted {
        parts: sorted,
        payload: carried.collect(),
        begins: Vec::with_capacity(parts.len()),
        route,
    };
    Ok((lanes, sorted))
}

/// The low bits of `a·high + b·low`.
fn short(key: &Key, coin: &[u64], width: u32) -> Words {
    let half = |high: &[u64], low: &[u64]| {
        let mut sum = vec![0; high.len()];
        rings::add_scaled(&mut sum, high, coin[0]);
        rings::add_scaled(&mut sum, low, coin[1]);
        for word in &mut sum {
            *word &= low_mask(width);
        }
        sum
    };
    let (high, low) = (&key.high.pair, &key.low.pair);
    Words {
        pair: Pair {
            mine: half(&high.mine, &low.mine),
            next: half(&high.next, &low.next),
        },
        width,
    }
}

/// Finds where groups begin, and says whether different keys had one hash.
fn groups(
    party: &mut Party<'_>,
    lanes: &[Words],
    sorted: &mut Sorted,
    rows: usize,
) -> Result<bool, Error> {
    let mut before: Option<Bits> = None;
    let mut collided = Vec::new();
    for (part, lane) in sorted.parts.iter().zip(lanes) {
        let alike = same_as_before(party, &[lane])?;
        let same = match part {
            Part::Plain(_) => alike,
            Part::Key(key) => {
                let same = same_as_before(party, &[&key.high, &key.low])?;
                let apart = alike.xor(&same)?;
                collided.push(match &before {
                    Some(before) => party.and(before, &apart)?,
                    None => apart,
                });
                same
            }
        };
        let whole = match &before {
            Some(before) => party.and(before, &same)?,
            None => same,
        };
        sorted.begins.push(party.not(&whole));
        before = Some(whole);
    }
    let mut found = false;
    if rows > 1 && !collided.is_empty() {
        let mut all = Vec::with_capacity(collided.len());
        for bits in &collided {
            all.push(any(party, bits)?);
        }
        let opened = open_flags(party, &all)?;
        found = opened.into_iter().any(|bit| bit);
    }
    Ok(found)
}

/// Where a row equals the row before in all columns; never the first row.
fn same_as_before(party: &mut Party<'_>, columns: &[&Words]) -> Result<Bits, Error> {
    let (mut here, mut before) = (Vec::new(), Vec::new());
    for column in columns {
        let mut shifted = (*column).clone();
        for half in [&mut shifted.pair.mine, &mut shifted.pair.next] {
            half.rotate_right(usize::from(column.rows() > 0));
        }
        here.push(column.to_bits());
        before.push(shifted.to_bits());
    }
    let mut same = party.equal(&stacked(&here), &stacked(&before))?;
    if same.rows > 0 {
        // The first row was compared with the last.
        same.pair.mine[0] &= !1;
        same.pair.next[0] &= !1;
    }
    Ok(same)
}

/// The planes of columns of equal rows, one above the other.
pub(super) fn stacked(columns: &[Bits]) -> Bits {
    let mut all = Bits {
        pair: Pair::default(),
        rows: columns.first().map_or(0, Bits::rows),
        width: 0,
    };
    for bits in columns {
        all.pair.push_range(&bits.pair, 0..bits.pair.len());
        all.width += bits.width;
    }
    all
}

/// Whether any row of a plane is set: one row.
pub(super) fn any(party: &mut Party<'_>, bits: &Bits) -> Result<Bits, Error> {
    let mut words = bits.pair.clone();
    if !bits.rows.is_multiple_of(64)
        && let Some(last) = words.len().checked_sub(1)
    {
        let tail = low_mask(u32::try_from(bits.rows % 64).unwrap_or(0));
        words.mine[last] &= tail;
        words.next[last] &= tail;
    }
    while words.len() > 1 {
        let half = words.len() / 2;
        let (low, high) = (words.slice(0..half), words.slice(half..2 * half));
        let mut folded = either(party, &low, &high)?;
        folded.push_range(&words, 2 * half..words.len());
        words = folded;
    }
    if words.len() == 0 {
        words = Pair::zeros(1);
    }
    for span in [32, 16, 8, 4, 2, 1] {
        let shifted = words.map(|word| word >> span);
        words = either(party, &words, &shifted)?;
    }
    Ok(Bits {
        pair: words.map(|word| word & 1),
        rows: 1,
        width: 1,
    })
}

fn either(party: &mut Party<'_>, a: &Pair, b: &Pair) -> Result<Pair, Error> {
    let both = party.and_pairs(a, b)?;
    Ok(a.zip(b, |x, y| x ^ y).zip(&both, |x, y| x ^ y))
}

/// Opens planes of one row.
pub(super) fn open_flags(party: &mut Party<'_>, flags: &[Bits]) -> Result<Vec<bool>, Error> {
    let opened = party.open_bits(&stacked(flags))?;
    Ok(opened.into_iter().map(|word| word & 1 == 1).collect())
}

/// The rows where a flag is set, in an order that says nothing; that there are
/// `due` of them is known.
pub(super) fn keep(
    party: &mut Party<'_>,
    flag: &Words,
    columns: &[Words],
    due: usize,
) -> Result<(Vec<Words>, Route), Error> {
    let mut all = vec![flag.clone()];
    all.extend_from_slice(columns);
    let rows = flag.rows();
    let (all, orders) = party.shuffle_kept(&all)?;
    let flags = party.open_bits(&all[0].to_bits())?;
    let kept: Vec<usize> = (0..rows)
        .filter(|at| flags[at / 64] >> (at % 64) & 1 == 1)
        .collect();
    same_rows(kept.len(), due)?;
    let rest: Result<Vec<Words>, Error> =
        all[1..].iter().map(|words| words.gather(&kept)).collect();
    Ok((rest?, Route::new(orders, rows, kept)))
}

/// Marks rows whose key stands in a present row of a list. Rows come back in an
/// order that says nothing: their payload, and the mark.
pub(super) fn mark_members(
    party: &mut Party<'_>,
    (keys, payload): (&Key, &[Words]),
    (list, present): (&Key, &Words),
) -> Result<(Vec<Words>, Words), Error> {
    let (ours, theirs) = (keys.rows(), list.rows());
    // The list comes first, so that within a key its rows do.
    let key = Part::Key(list.append(keys));
    let of = |value: u64, rows: usize| vec![value; rows];
    let own = [of(0, theirs), of(1, ours)].concat();
    let mut columns = vec![
        party.public_words(&own, 1),
        present.append(&party.public_words(&of(0, ours), 1)),
    ];
    for column in payload {
        let nothing = party.public_words(&of(0, theirs), column.width);
        columns.push(nothing.append(column));
    }
    let Sorted {
        payload: columns,
        begins,
        ..
    } = sort_by(party, &[key], &columns)?;
    let marks = party.scan_any(&begins[0].to_words(), &columns[1])?;
    let mut carried = vec![marks];
    carried.extend_from_slice(&columns[2..]);
    let (mut kept, _) = keep(party, &columns[0], &carried, ours)?;
    let rest = kept.split_off(1);
    let mark = kept.pop().ok_or(Refusal::ShapeMismatch)?;
    Ok((rest, mark))
}

/// Groups with what was counted in them; a row stands for its group where `last`
/// is set.
pub(super) struct Tally {
    pub(super) group: Part,
    pub(super) payload: Vec<Words>,
    pub(super) last: Bits,
    /// How many different items the group has in present rows.
    pub(super) items: Arith,
    /// Sum of each amount over present rows.
    pub(super) sums: Vec<Arith>,
}

/// Counts the different items of each group, and sums amounts, over present rows.
pub(super) fn tally(
    party: &mut Party<'_>,
    group: Part,
    item: Part,
    present: &Words,
    amounts: &[Words],
    payload: &[Words],
) -> Result<Tally, Error> {
    // Within an item, present rows first: its first row says whether it counts.
    let absent = Part::Plain(party.not(&present.to_bits()).to_words());
    let mut columns = amounts.to_vec();
    columns.extend_from_slice(payload);
    let Sorted {
        parts,
        payload: mut columns,
        begins,
        ..
    } = sort_by(party, &[group, item, absent], &columns)?;
    let payload = columns.split_off(amounts.len());
    let [group, _, Part::Plain(absent)] =
        <[Part; 3]>::try_from(parts).map_err(|_| Error::from(Refusal::ShapeMismatch))?
    else {
        return Err(Refusal::ShapeMismatch.into());
    };
    let present = party.not(&absent.to_bits());
    let fresh = party.and(&begins[1], &present)?;
    let mut numbers = vec![party.bit_to_arith(&fresh)?];
    for amount in &columns {
        let wide = stacked(&vec![present.clone(); amount.width as usize]);
        let counted = party.and(&wide, &amount.to_bits())?;
        numbers.push(match amount.width {
            1 => party.bit_to_arith(&counted)?,
            _ => party.to_arith(&counted)?,
        });
    }
    let starts = party.bit_to_arith(&begins[0])?;
    let mut sums = party.scan_sums(&starts, &numbers)?.into_iter();
    let items = sums.next().ok_or(Refusal::ShapeMismatch)?;
    Ok(Tally {
        group,
        payload,
        last: party.ends(&begins[0])?,
        items,
        sums: sums.collect(),
    })
}

/// Flags values below a public bound.
pub(super) fn below(party: &mut Party<'_>, values: &Words, bound: u64) -> Result<Bits, Error> {
    if bound > low_mask(values.width) {
        let all = vec![1; values.rows()];
        return Ok(party.public_words(&all, 1).to_bits());
    }
    let bar = party.public_words(&vec![bound; values.rows()], values.width);
    party.less_than(&values.to_bits(), &bar.to_bits())
}
