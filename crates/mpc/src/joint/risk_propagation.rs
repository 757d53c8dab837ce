//! Risk spread over the banks' joint graph of transfers.
//!
//! Why it exists: money passes through accounts of several banks; each bank sees
//! its own part of the graph only. Every account begins with a score of its
//! bank's making and takes on the scores of those who paid it.
//!
//! *Paper*: van Egmond and others, "Privacy-preserving Anti-Money Laundering
//! using Secure Multi-Party Computation" (ePrint 2024/065; FC 2024). With
//! `a_{uv}` the amount from `u` to `v`, `A_v = Σ_u a_{uv}`, and a `δ_t` in [0, 1]
//! for each iteration,
//!
//! ```text
//! r_{t+1}(v) = (1 − δ_t)·r_t(v) + δ_t·Σ_u (a_{uv} / A_v)·r_t(u)        the sum is 0 where A_v is
//! ```
//!
//! As there, a bank knows all transfers to its own accounts, so it computes the
//! weights `a_{uv} / A_v` in the clear, and a sender whom no bank of the run
//! gives has score 0.
//!
//! *Deviations*
//! - Three parties over shares in the place of a threshold Paillier scheme among
//!   the banks; any number of banks.
//! - Fixed point: weights are rounded down to `F` bits, `δ_t` is a multiple of
//!   1/256; everything after that is exact. An iteration makes scores `F + 8`
//!   bits longer; nothing is rounded on the way, and what would not fit 61 bits
//!   is refused beforehand.
//! - Only accounts at or above a threshold are opened, up to a cap, to the
//!   receiver; the paper gives each bank all scores of its accounts.
//! - A bank's weights are checked to sum to no more than 1 an account.
//!
//! ```text
//! ledger (account?, key, value, name …)    each bank: the transfers to an account, then the account
//!        value: of an account its score, of a transfer its weight; key: of a transfer its sender
//!
//! once   sort all rows by (key, account first)              order S; order D is the banks' own
//!        accounts alone, in the order of S and of D         their number is opened
//! t      x in S: differences between accounts, into their rows of S; running sums: each transfer
//!        has its sender's score ── times weight ──▶ order D; running sums; at accounts, differences:
//!        what came in ──▶ accounts in the order of S: x := (1 − δ)·x + δ·in
//! end    x ≥ threshold: counted, opened
//! ```
//!
//! That a graph's values can be passed on by differences, running sums and
//! permutations alone, which cost no products, is from Graphiti (Koti and others,
//! CCS 2024). Permutations are those of the sort, used again
//! (`shares/route.rs`).
//!
//! *Leaks*: rows of each bank; the number of accounts of all banks together; how
//! many reach the threshold. Not: degrees, which rows are accounts.
//! *Adversary*: as [`crate::shares`]. A bank may lie about its own accounts and
//! transfers, and so steer whose score its own accounts take on: what is opened
//! of them is up to the warrant's threshold and cap.
//!
//! *Cost*: one sort of all rows; once a conversion of the weights and two products
//! over Z_2^64 a row, and eight moves; an iteration one product over Z_2^64 and
//! three moves a row; 187 products of bits an account twice.

use rand_core::CryptoRng;

use super::{
    Words,
    gate::Gate,
    order::{Part, any, sort_by, stacked},
    table::{Schema, Table},
};
use crate::{
    Error, Refusal, limits,
    shares::{Arith, Bits, Pair, Party, Route, bounded, ceil_log2, low_mask, same_rows},
};

/// `δ` is a multiple of 1 / 2^`DELTA_BITS`.
pub const DELTA_BITS: u32 = 8;

/// Bits after the point of a score that is opened, at most.
pub const SCORE_FRACTION_BITS: u32 = 16;

/// Bits that a score may have after the last iteration.
const SCORE_BITS_MAX: u32 = 61;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Bits of a score at the beginning.
    pub score_bits: u32,
    /// Bits of a weight after the point.
    pub weight_bits: u32,
    /// `δ` of each iteration, in 256ths.
    pub deltas: Vec<u32>,
    /// Scores from here on are opened, in units of the scores at the beginning.
    pub threshold: u64,
    /// Words of an account's name.
    pub name_words: usize,
}

impl Terms {
    fn check(&self) -> Result<(), Error> {
        let count = self.deltas.len();
        if self.score_bits == 0
            || self.weight_bits == 0
            || count > limits::JOINT_ITERATIONS_MAX
            || self.deltas.iter().any(|delta| *delta > 1 << DELTA_BITS)
            || self.threshold == 0
        {
            return Err(Refusal::ParameterRange.into());
        }
        let fits = self.score_bits < 32 && self.weight_bits < 32;
        if !fits || self.score_bits + self.fraction_bits() > SCORE_BITS_MAX {
            return Err(Refusal::Overflow.into());
        }
        if self.threshold >> self.score_bits != 0 {
            return Err(Refusal::ParameterRange.into());
        }
        Ok(())
    }

    /// Bits of a score after the point, at the end.
    #[must_use]
    pub fn fraction_bits(&self) -> u32 {
        let count = u32::try_from(self.deltas.len()).unwrap_or(u32::MAX);
        count.saturating_mul(self.weight_bits.saturating_add(DELTA_BITS))
    }

    /// Bits of an opened score after the point.
    #[must_use]
    pub fn opened_fraction_bits(&self) -> u32 {
        self.fraction_bits().min(SCORE_FRACTION_BITS)
    }

    fn value_bits(&self) -> u32 {
        self.score_bits.max(self.weight_bits + 1)
    }

    /// The table of a bank: whether the row is an account, the key of the
    /// account or of the sender (two words), score or weight, then the name.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`], [`Refusal::Overflow`].
    pub fn ledger(&self) -> Result<Schema, Error> {
        self.check()?;
        let columns = [
            ("account", 1),
            ("key high", 64),
            ("key low", 64),
            ("value", self.value_bits()),
        ];
        Schema::new("ledger", &columns, self.name_words)
    }
}

/// An account of a bank, with the transfers that it received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its key.
    pub key: [u64; 2],
    /// Its score at the beginning.
    pub score: u64,
    /// The words of its name.
    pub name: Vec<u64>,
    /// Senders' keys and amounts.
    pub received: Vec<([u64; 2], u64)>,
}

/// A bank's accounts as its ledger, column by column, padded with accounts that
/// nobody has up to `rows`.
///
/// # Errors
/// [`Refusal::SetTooLarge`] where there are more rows; [`Refusal::Overflow`] for
/// a score that is too large, or amounts whose sum exceeds 64 bits;
/// [`Refusal::ShapeMismatch`] for a name of other words.
pub fn ledger_columns(
    terms: &Terms,
    accounts: &[Account],
    rows: usize,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Vec<u64>>, Error> {
    terms.check()?;
    let mut columns = vec![Vec::with_capacity(rows); 4 + terms.name_words];
    let mut push = |kind: u64, key: [u64; 2], value: u64, name: &[u64]| {
        let row = [kind, key[0], key[1], value].into_iter();
        for (column, value) in columns.iter_mut().zip(row.chain(name.iter().copied())) {
            column.push(value);
        }
    };
    let nothing = vec![0; terms.name_words];
    let mut count = 0;
    for account in accounts {
        same_rows(account.name.len(), terms.name_words)?;
        if account.score >> terms.score_bits != 0 {
            return Err(Refusal::Overflow.into());
        }
        let mut amounts = account.received.iter().map(|(_, amount)| *amount);
        let total = amounts.try_fold(0u64, u64::checked_add);
        let total = total.ok_or(Refusal::Overflow)?;
        for (sender, amount) in &account.received {
            let scaled = u128::from(*amount) << terms.weight_bits;
            let weight = scaled.checked_div(u128::from(total)).unwrap_or(0);
            push(0, *sender, u64::try_from(weight).unwrap_or(0), &nothing);
        }
        push(1, account.key, account.score, &account.name);
        count += account.received.len() + 1;
    }
    if count > rows {
        return Err(Refusal::SetTooLarge.into());
    }
    for _ in count..rows {
        push(1, [rng.next_u64(), rng.next_u64()], 0, &nothing);
    }
    Ok(columns)
}

/// Accounts at or above the threshold, still shared; their number is known.
pub struct Risks {
    gate: Gate,
    scores: Arith,
    fraction_bits: u32,
    opened_fraction_bits: u32,
}

impl Risks {
    /// How many accounts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.gate.count()
    }

    /// The accounts, if they are at most `cap`, in an order that says nothing:
    /// key (two words), name, and the score with
    /// [`Terms::opened_fraction_bits`] after the point, rounded down.
    ///
    /// # Errors
    /// [`Refusal::CapExceeded`] where they are more: nothing was sent. A peer's
    /// fault.
    pub fn open(self, party: &mut Party<'_>, cap: usize) -> Result<Vec<Words>, Error> {
        let (mut columns, route) = self.gate.open_with_route(party, cap)?;
        let scores = party.go(&route, &[self.scores])?;
        let bits = party.to_bits(&scores[0], scores[0].bits)?;
        let dropped = self.fraction_bits - self.opened_fraction_bits;
        let mut words = bits.to_words();
        words.pair = words.pair.map(|word| word >> dropped);
        words.width -= dropped;
        columns.push(words);
        Ok(columns)
    }
}

/// The rows in their orders, ready to pass scores on.
struct Graph {
    /// From the banks' order to that of keys.
    sorted: Route,
    /// From the order of keys to accounts alone.
    accounts: Route,
    /// From the banks' order to accounts alone.
    owned: Route,
    /// From accounts in the banks' order to accounts in the order of keys.
    across: Route,
    /// In the order of keys; 0 of accounts, and of unknown senders.
    weights: Arith,
}

/// Spreads scores and counts the accounts that reach the threshold.
///
/// # Errors
/// [`Refusal::ParameterRange`] and [`Refusal::Overflow`] for the terms;
/// [`Refusal::ShapeMismatch`] for another table, or one that does not end with an
/// account; [`Refusal::AccountRepeated`]; [`Refusal::Overflow`] where an
/// account's weights sum to more than 1. A peer's fault.
pub fn count(party: &mut Party<'_>, terms: &Terms, ledger: &Table) -> Result<Risks, Error> {
    ledger.is(&terms.ledger()?)?;
    let mut alarms = vec![(Refusal::ShapeMismatch, ends_amiss(party, ledger)?)];
    let (graph, columns) = prepare(party, terms, ledger, &mut alarms)?;
    let mut scores = first_scores(party, terms, &columns[2])?;
    for delta in &terms.deltas {
        scores = spread(party, terms, &graph, &scores, u64::from(*delta))?;
    }
    scores.bits = terms.score_bits + terms.fraction_bits();
    let bar = terms.threshold << terms.fraction_bits();
    let bar = i64::try_from(bar).map_err(|_| Refusal::Overflow)?;
    let found = party.at_least(&scores, bar)?;
    let mut answer = columns[..2].to_vec();
    answer.extend_from_slice(&columns[3..]);
    Ok(Risks {
        gate: Gate::count_of(party, &found, answer, &alarms)?,
        scores,
        fraction_bits: terms.fraction_bits(),
        opened_fraction_bits: terms.opened_fraction_bits(),
    })
}

/// Whether some owner's rows do not end with an account.
fn ends_amiss(party: &mut Party<'_>, ledger: &Table) -> Result<Bits, Error> {
    let mut lasts = Vec::new();
    let mut end = 0;
    for rows in ledger.parts() {
        end += rows;
        if *rows > 0 {
            lasts.push(end - 1);
        }
    }
    let last = ledger.column(0).gather(&lasts)?.to_bits();
    let amiss = party.not(&last);
    any(party, &amiss)
}

/// Sorts the rows and finds the accounts among them: key (two words), score and
/// name, in the order of keys.
fn prepare(
    party: &mut Party<'_>,
    terms: &Terms,
    ledger: &Table,
    alarms: &mut Vec<(Refusal, Bits)>,
) -> Result<(Graph, Vec<Words>), Error> {
    let own = ledger.column(0);
    let transfer = Part::Plain(party.not(&own.to_bits()).to_words());
    let sorted = sort_by(party, &[Part::Key(ledger.key(1)), transfer], ledger.from(3))?;
    let transfer = sorted.parts[1].words().swap_remove(0).to_bits();
    let account = party.not(&transfer);
    // Of two rows of one account the second begins no group.
    let second = party.not(&sorted.begins[0]);
    let again = party.and(&second, &account)?;
    alarms.push((Refusal::AccountRepeated, any(party, &again)?));
    let weights = known_weights(
        party,
        terms,
        &sorted.begins[0],
        &account,
        &sorted.payload[0],
    )?;
    // Ranks of accounts, from 1, in both orders.
    let flags = party.bit_to_arith(&account)?;
    let rank = running(&flags);
    let by_key = [flags, rank.clone(), weights.clone()];
    let [flags_own, rank_own, weights_own] = three(party.return_by(&sorted.route, &by_key)?)?;
    let mut carried = sorted.parts[0].words();
    carried.extend_from_slice(&sorted.payload);
    let (columns, accounts) = select(party, &account.to_words(), &carried, &rank)?;
    let (_, owned) = select(party, own, &[], &running(&flags_own))?;
    let ranks_and_sums = party.go(&owned, &[rank_own, running(&weights_own)])?;
    let heavy = too_heavy(party, terms, &ranks_and_sums[1], weights.rows())?;
    alarms.push((Refusal::Overflow, heavy));
    let graph = Graph {
        sorted: sorted.route,
        accounts,
        owned,
        across: by_rank(party, &ranks_and_sums[0])?,
        weights,
    };
    Ok((graph, columns))
}

fn three(columns: Vec<Arith>) -> Result<[Arith; 3], Error> {
    <[Arith; 3]>::try_from(columns).map_err(|_| Refusal::ShapeMismatch.into())
}

/// Weights of transfers whose sender is an account of the run, as numbers.
fn known_weights(
    party: &mut Party<'_>,
    terms: &Terms,
    begins: &Bits,
    account: &Bits,
    values: &Words,
) -> Result<Arith, Error> {
    let known = party.scan_any(&begins.to_words(), &account.to_words())?;
    // Accounts are known themselves: what is known and none is a transfer.
    let counts = known.to_bits().xor(account)?;
    let mut values = values.clone();
    values.width = terms.weight_bits + 1;
    let mask = low_mask(values.width);
    values.pair = values.pair.map(|word| word & mask);
    let wide = stacked(&vec![counts; values.width as usize]);
    let weights = party.and(&wide, &values.to_bits())?;
    party.to_arith(&weights)
}

/// Flagged rows in the order of their ranks: their columns, and the way there.
fn select(
    party: &mut Party<'_>,
    flag: &Words,
    columns: &[Words],
    rank: &Arith,
) -> Result<(Vec<Words>, Route), Error> {
    let mut all = vec![flag.clone()];
    all.extend_from_slice(columns);
    let rows = flag.rows();
    let (all, orders) = party.shuffle_kept(&all)?;
    let flags = party.open_bits(&all[0].to_bits())?;
    let kept: Vec<usize> = (0..rows)
        .filter(|at| flags[at / 64] >> (at % 64) & 1 == 1)
        .collect();
    let route = Route::new(orders, rows, kept);
    let ranks = party.go(&route, std::slice::from_ref(rank))?;
    let ranks = party.open(&ranks[0])?;
    let route = route.reorder(&ranks)?;
    let rest = all[1..].iter().map(|words| words.gather(route.places()));
    Ok((rest.collect::<Result<_, _>>()?, route))
}

/// The way that brings rows into the order of their ranks.
fn by_rank(party: &mut Party<'_>, rank: &Arith) -> Result<Route, Error> {
    let rows = rank.rows();
    let route = Route::new(party.draw_orders(rows), rows, (0..rows).collect());
    let ranks = party.go(&route, std::slice::from_ref(rank))?;
    let ranks = party.open(&ranks[0])?;
    route.reorder(&ranks)
}

/// Whether the weights of some account sum to more than 1; `sums` are running
/// sums over `rows` rows, at accounts.
fn too_heavy(
    party: &mut Party<'_>,
    terms: &Terms,
    sums: &Arith,
    rows: usize,
) -> Result<Bits, Error> {
    let mut sums = differences(sums);
    // As many weights of so many bits: no wrap, however they were made.
    sums.bits = bounded(terms.weight_bits + 1 + ceil_log2(rows))?;
    let over = party.at_least(&sums, (1 << terms.weight_bits) + 1)?;
    any(party, &over)
}

fn first_scores(party: &mut Party<'_>, terms: &Terms, values: &Words) -> Result<Arith, Error> {
    let mask = low_mask(terms.score_bits);
    let scores = Words {
        pair: values.pair.map(|word| word & mask),
        width: terms.score_bits,
    };
    party.words_to_arith(&scores)
}

/// One iteration. Bounds are not those of its parts: `scores` is set once more
/// when all are done, since weights that sum to more than 1 end the question.
fn spread(
    party: &mut Party<'_>,
    terms: &Terms,
    graph: &Graph,
    scores: &Arith,
    delta: u64,
) -> Result<Arith, Error> {
    let steps = party.return_by(&graph.accounts, &[differences(scores)])?;
    let sent = running(&steps[0]);
    let flows = Arith {
        pair: party.mul_pairs(&sent.pair, &graph.weights.pair)?,
        bits: 0,
    };
    let arrived = party.return_by(&graph.sorted, &[flows])?;
    let totals = party.go(&graph.owned, &[running(&arrived[0])])?;
    let received = party.go(&graph.across, &[differences(&totals[0])])?;
    let stays = ((1 << DELTA_BITS) - delta) << terms.weight_bits;
    let kept = scores.pair.map(|word| word.wrapping_mul(stays));
    let taken = received[0].pair.map(|word| word.wrapping_mul(delta));
    Ok(Arith {
        pair: kept.zip(&taken, u64::wrapping_add),
        bits: 0,
    })
}

/// Running sums from the first row on; they may wrap, and differences of them
/// unwrap.
fn running(column: &Arith) -> Arith {
    let half = |half: &[u64]| {
        let sums = half.iter().scan(0u64, |sum, word| {
            *sum = sum.wrapping_add(*word);
            Some(*sum)
        });
        sums.collect()
    };
    Arith {
        pair: Pair {
            mine: half(&column.pair.mine),
            next: half(&column.pair.next),
        },
        bits: column.bits,
    }
}

/// Each row less the row before.
fn differences(column: &Arith) -> Arith {
    let half = |half: &[u64]| {
        let before = std::iter::once(0).chain(half.iter().copied());
        half.iter()
            .zip(before)
            .map(|(word, before)| word.wrapping_sub(before))
            .collect()
    };
    Arith {
        pair: Pair {
            mine: half(&column.pair.mine),
            next: half(&column.pair.next),
        },
        bits: column.bits,
    }
}
