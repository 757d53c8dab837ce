//! The way that rows once went, for numbers to follow, there and back.
//!
//! Why it exists: a computation on a graph sends values along the same edges
//! again and again. Rows are sorted or selected once, at the price of
//! comparisons; afterwards numbers take the same way for the price of moving
//! them, and never leave Z_2^64.
//!
//! A way is the three hops of a shuffle ([`super::shuffle`]), whose orders the
//! pairs keep, and then a public order. Forward, row `j` of the result is row
//! `gather[j]` of the shuffled rows; rows that are in no place are left behind.
//! Backward, such rows are zero.
//!
//! ```text
//! hop of P_i and P_{i+1}, order π, x = x_i + x_{i+1} + x_{i+2}; backward with π^−1, last hop first:
//!   z_i, z_{i+2} from the generators of their holders
//!   P_i     ── π(x_i + x_{i+1}) − z_i ──▶ P_{i+1}
//!   P_{i+1} ── π(x_{i+2}) − z_{i+2}   ──▶ P_i         z_{i+1} = the sum of both
//! ```
//!
//! *Verification* (malicious mode), after SPDZ2k (Cramer and others, CRYPTO
//! 2018): everything is moved over Z_2^128, of which the low half is the number.
//! Each row gets a tag `t = Σ_k κ_k·v_k` under shared uniform keys `κ_k` of 128
//! bits that nobody ever opens. After the hops, with public weights `r_i` of 64
//! bits from a coin, `Σ_i r_i·t_i − Σ_k κ_k·Σ_i r_i·v_{i,k}` is opened: it is
//! zero.
//!
//! *Adversary*: one malicious party; what it does in a hop adds an error `ε`,
//! known to it. Where `ε` of some row is not zero modulo 2^64, it is divisible by
//! 2^a and not by 2^(a+1) for an `a ≤ 63`. `E = Σ_i r_i·ε_i` is divisible by
//! 2^(a+b) with probability at most 2^−b, for each `b ≤ 64`, and then `κ·E` is
//! what the adversary hopes for with probability 2^(a+b−128). Together: below
//! 2^−58. Errors in the upper half change no number.
//!
//! *Leaks*: the number of rows. A public order says nothing that its maker did
//! not open: of a sort, the order of shuffled rows.
//!
//! *Deviation*: SPDZ2k opens under a mask of its own; here the opened value is
//! zero, or a function of the adversary's errors and of keys used nowhere else.
//!
//! *Cost*: 12 words a row and column over all parties, 3 rounds; malicious one
//! column and one product over Z_2^128 a row more, and 7 rounds.

use zeroize::Zeroizing;

use super::{
    Arith,
    column::{Pair, same_rows},
    frame::Kind,
    party::{Expected, Outgoing, Party, Stream},
    shuffle::Orders,
};
use crate::{Error, Fault, Refusal};

/// A shuffle whose orders are kept, and a public order after it.
pub(crate) struct Route {
    orders: Orders,
    rows: usize,
    gather: Vec<usize>,
}

/// One column over Z_2^128.
struct Wide {
    mine: Vec<u128>,
    next: Vec<u128>,
}

impl Route {
    /// `gather` names each shuffled row at most once.
    pub(crate) fn new(orders: Orders, rows: usize, gather: Vec<usize>) -> Self {
        Self {
            orders,
            rows,
            gather,
        }
    }

    /// The shuffled rows that come out, in their order.
    pub(crate) fn places(&self) -> &[usize] {
        &self.gather
    }

    /// The same way, its rows in the order of their ranks, which are 1, 2, ….
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] where they are not.
    pub(crate) fn reorder(self, ranks: &[i64]) -> Result<Self, Error> {
        let mut gather = vec![usize::MAX; self.gather.len()];
        for (place, rank) in self.gather.iter().zip(ranks) {
            let at = usize::try_from(*rank - 1).ok();
            match at.and_then(|at| gather.get_mut(at)) {
                Some(to) if *to == usize::MAX => *to = *place,
                _ => return Err(Refusal::ShapeMismatch.into()),
            }
        }
        Ok(Self { gather, ..self })
    }
}

impl Wide {
    fn zeros(rows: usize) -> Self {
        Self {
            mine: vec![0; rows],
            next: vec![0; rows],
        }
    }

    fn of(pair: &Pair) -> Self {
        let widen = |half: &[u64]| half.iter().copied().map(u128::from).collect();
        Self {
            mine: widen(&pair.mine),
            next: widen(&pair.next),
        }
    }

    /// The low halves.
    fn narrow(&self) -> Pair {
        let low = |half: &[u128]| half.iter().map(|x| halves(*x)[0]).collect();
        Pair {
            mine: low(&self.mine),
            next: low(&self.next),
        }
    }
}

impl Party<'_> {
    /// Numbers in the order of the rows that went, into the order in which they
    /// came out.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`]; [`Fault::ShuffleWrong`]; a peer's other
    /// faults.
    pub(crate) fn go(&mut self, route: &Route, columns: &[Arith]) -> Result<Vec<Arith>, Error> {
        for column in columns {
            same_rows(column.rows(), route.rows)?;
        }
        let wide = columns.iter().map(|column| Wide::of(&column.pair));
        let moved = self.carry(wide.collect(), route, false)?;
        let gathered = moved.iter().zip(columns).map(|(wide, column)| Arith {
            pair: wide.narrow().gather(route.gather.iter().copied()),
            bits: column.bits,
        });
        Ok(gathered.collect())
    }

    /// Numbers in the order in which rows came out, into the order in which they
    /// had gone; zero for rows that were left behind.
    ///
    /// # Errors
    /// As [`Party::go`].
    pub(crate) fn return_by(
        &mut self,
        route: &Route,
        columns: &[Arith],
    ) -> Result<Vec<Arith>, Error> {
        let mut wide = Vec::with_capacity(columns.len());
        for column in columns {
            same_rows(column.rows(), route.gather.len())?;
            let mut whole = Wide::zeros(route.rows);
            for (nth, at) in route.gather.iter().enumerate() {
                whole.mine[*at] = u128::from(column.pair.mine[nth]);
                whole.next[*at] = u128::from(column.pair.next[nth]);
            }
            wide.push(whole);
        }
        let moved = self.carry(wide, route, true)?;
        let narrowed = moved.iter().zip(columns).map(|(wide, column)| Arith {
            pair: wide.narrow(),
            bits: column.bits,
        });
        Ok(narrowed.collect())
    }

    /// Three hops, with the check around them.
    fn carry(
        &mut self,
        mut columns: Vec<Wide>,
        route: &Route,
        back: bool,
    ) -> Result<Vec<Wide>, Error> {
        let keys = if self.malicious() && route.rows > 0 {
            let keys = Wide {
                mine: self.with_previous.wide(columns.len()),
                next: self.with_next.wide(columns.len()),
            };
            let tags = self.wide_tags(&columns, &keys, route.rows)?;
            columns.push(tags);
            Some(keys)
        } else {
            None
        };
        for nth in 0..3 {
            let first = if back { 2 - nth } else { nth };
            let order = &route.orders.0[first];
            if back {
                self.wide_hop(&mut columns, route.rows, first, &inverse(order))?;
            } else {
                self.wide_hop(&mut columns, route.rows, first, order)?;
            }
        }
        if let Some(keys) = keys
            && let Some(tags) = columns.pop()
        {
            self.check_wide_tags(&columns, &tags, &keys)?;
        }
        Ok(columns)
    }

    /// One hop: parties `first` and `first + 1` permute.
    fn wide_hop(
        &mut self,
        columns: &mut [Wide],
        rows: usize,
        first: usize,
        order: &[u32],
    ) -> Result<(), Error> {
        let count = rows * columns.len();
        let role = (self.index + 3 - first) % 3;
        if role == 2 {
            let (mine, next) = (self.with_previous.wide(count), self.with_next.wide(count));
            self.exchange(Kind::Hop, &Outgoing::default(), Expected::default())?;
            replace(columns, &mine, &next, rows);
            return Ok(());
        }
        let mask = match role {
            0 => self.with_previous.wide(count),
            _ => self.with_next.wide(count),
        };
        let mut half: Vec<u128> = mask.iter().map(|mask| mask.wrapping_neg()).collect();
        for (column, half) in columns.iter().zip(half.chunks_mut(rows.max(1))) {
            for (to, from) in half.iter_mut().zip(order) {
                let from = *from as usize;
                let value = match role {
                    0 => column.mine[from].wrapping_add(column.next[from]),
                    _ => column.next[from],
                };
                *to = to.wrapping_add(value);
            }
        }
        #[cfg(test)]
        if let Some(column) = self.corrupt_hop {
            half[column * rows] ^= 1 << 63;
        }
        let words = words_of_wide(&half);
        let (mut outgoing, mut expected) = (Outgoing::default(), Expected::default());
        if role == 0 {
            (outgoing.next, expected.next) = (Some(&words[..]), Some(words.len()));
        } else {
            (outgoing.previous, expected.previous) = (Some(&words[..]), Some(words.len()));
        }
        let incoming = self.exchange(Kind::Hop, &outgoing, expected)?;
        let other = match role {
            0 => incoming.next,
            _ => incoming.previous,
        };
        for (half, other) in half.iter_mut().zip(wide_of_words(&other)) {
            *half = half.wrapping_add(other);
        }
        match role {
            0 => replace(columns, &mask, &half, rows),
            _ => replace(columns, &half, &mask, rows),
        }
        Ok(())
    }

    /// `Σ_k κ_k·v_k` for each row over Z_2^128.
    fn wide_tags(&mut self, columns: &[Wide], keys: &Wide, rows: usize) -> Result<Wide, Error> {
        let mut terms = self.with_previous.wide(rows);
        for (term, mask) in terms.iter_mut().zip(self.with_next.wide(rows)) {
            *term = term.wrapping_sub(mask);
        }
        for (at, column) in columns.iter().enumerate() {
            let (mine, both) = (keys.mine[at], keys.mine[at].wrapping_add(keys.next[at]));
            let halves = column.mine.iter().zip(&column.next);
            for (term, (x, x_next)) in terms.iter_mut().zip(halves) {
                let sum = x.wrapping_mul(both).wrapping_add(x_next.wrapping_mul(mine));
                *term = term.wrapping_add(sum);
            }
        }
        let pair = self.reshare(words_of_wide(&terms))?;
        Ok(Wide {
            mine: terms,
            next: wide_of_words(&pair.next).collect(),
        })
    }

    fn check_wide_tags(&mut self, columns: &[Wide], tags: &Wide, keys: &Wide) -> Result<(), Error> {
        let weights = Stream::from_coin(&self.coin()?).words(tags.mine.len());
        let weighed = |half: &[u128]| {
            let terms = half.iter().zip(&weights);
            terms.fold(0u128, |sum, (value, weight)| {
                sum.wrapping_add(value.wrapping_mul(u128::from(*weight)))
            })
        };
        let mut term = self.with_previous.wide(1)[0].wrapping_sub(self.with_next.wide(1)[0]);
        for (at, column) in columns.iter().enumerate() {
            let (mine, both) = (keys.mine[at], keys.mine[at].wrapping_add(keys.next[at]));
            let product = weighed(&column.mine)
                .wrapping_mul(both)
                .wrapping_add(weighed(&column.next).wrapping_mul(mine));
            term = term.wrapping_add(product);
        }
        let made = self.reshare(halves(term).to_vec())?;
        let difference = |tags: &[u128], made: &[u64]| {
            let made = wide_of_words(made).next().unwrap_or(0);
            weighed(tags).wrapping_sub(made)
        };
        let (mine, next) = (
            difference(&tags.mine, &made.mine),
            difference(&tags.next, &made.next),
        );
        let missing = self.missing_unverified(&Pair {
            mine: halves(mine).to_vec(),
            next: halves(next).to_vec(),
        })?;
        let missing = wide_of_words(&missing).next().unwrap_or(0);
        if mine.wrapping_add(next).wrapping_add(missing) != 0 {
            return self.fail(Error::faulty(Fault::ShuffleWrong, &[]));
        }
        Ok(())
    }
}

impl Stream {
    /// Uniform elements of Z_2^128.
    fn wide(&mut self, count: usize) -> Vec<u128> {
        let mut wide = Vec::with_capacity(count);
        let mut bytes = Zeroizing::new([0u8; 2048]);
        while wide.len() < count {
            let bytes = &mut bytes[..16 * (count - wide.len()).min(128)];
            self.fill(bytes);
            let some = bytes.as_chunks::<16>().0.iter();
            wide.extend(some.map(|element| u128::from_le_bytes(*element)));
        }
        wide
    }
}

/// The low and the high word.
#[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
fn halves(x: u128) -> [u64; 2] {
    [x as u64, (x >> 64) as u64]
}

fn words_of_wide(values: &[u128]) -> Vec<u64> {
    let pairs: Vec<[u64; 2]> = values.iter().map(|value| halves(*value)).collect();
    pairs.into_flattened()
}

fn wide_of_words(words: &[u64]) -> impl Iterator<Item = u128> {
    let pairs = words.as_chunks::<2>().0.iter();
    pairs.map(|[low, high]| u128::from(*high) << 64 | u128::from(*low))
}

fn inverse(order: &[u32]) -> Vec<u32> {
    let mut inverse = vec![0; order.len()];
    for (at, from) in (0u32..).zip(order) {
        inverse[*from as usize] = at;
    }
    inverse
}

/// Puts new components in the place of old ones, column after column.
fn replace(columns: &mut [Wide], mine: &[u128], next: &[u128], rows: usize) {
    for (at, column) in columns.iter_mut().enumerate() {
        let range = at * rows..(at + 1) * rows;
        column.mine.copy_from_slice(&mine[range.clone()]);
        column.next.copy_from_slice(&next[range]);
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        for half in [&mut self.mine, &mut self.next] {
            half.fill(0);
            std::hint::black_box(half.as_slice());
        }
    }
}
