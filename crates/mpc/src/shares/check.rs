//! The check of all products: malicious security with abort.
//!
//! Why it exists: one dishonest party can add an error to any product. Here the
//! three parties convince themselves, at a cost that grows with the logarithm
//! of the number of products in bytes, that every error was zero, before
//! anything is opened.
//!
//! *Papers.* Goyal and Song, "Malicious Security Comes Free in Honest-Majority
//! MPC" (ePrint 2020/134): products into one inner product under a random
//! combination, then halved again and again. Rings instead of fields by an
//! extension with a large exceptional set ([`super::extension`]), as in Abspoel
//! and others, "Efficient Information-Theoretic Secure Multiparty Computation
//! over Z/p^kZ via Galois Rings" (TCC 2019). The last product is checked by
//! sacrificing a random one (Chida and others, CRYPTO 2018, section 3; SPDZ).
//!
//! ```text
//! claims      x_{a,b}·y_{a,b} = z_{a,b}          a < A = 2^depth rows, b columns
//! coin σ_b    for each a: Σ_b σ_b·x_{a,b}·y_{a,b} = Z_a = Σ_b σ_b·z_{a,b}
//! depth times, a = (first bit, rest): the quadratic in T through Z_{0,rest}, Z_{1,rest}
//!             needs its leading coefficient  Σ_b σ_b·(x_1−x_0)·(y_1−y_0)     re-shared
//! coin τ      rows 0 and 1 become one row at T = τ
//! now         Σ_b x_b·y_b = z over the extension; while there is more than one b:
//!             halves: h(0), and h's leading coefficient                      re-shared
//! coin τ      h(1) = z − h(0);  x, y, z := their values at τ
//! last        a·b = c: random a', c' = a'·b re-shared; coin ζ;
//!             open ρ = ζ·a + a';  open ζ·c + c' − ρ·b, which must be zero
//! ```
//!
//! *Adversary*: one malicious party. Each coin is drawn only after all three
//! have said that they hold every earlier frame ([`Party::coin`]).
//!
//! *Soundness*: a false claim survives a step with probability at most
//! 2/2^64 for bits and 2/2^48 for numbers (roots of a quadratic in the
//! exceptional set; 1/2^48 for the combination and the sacrifice): below
//! 2^−57 and 2^−42 for a whole check of the largest size. How many folds are made
//! on base words does not matter: columns have as many fewer.
//!
//! *Leaks*: nothing. Re-shared sums are masked by shares of zero; `ρ` by the
//! uniform `a'`; the last opening is zero, or else a combination of the errors
//! that the adversary itself chose.
//!
//! *Deviations*: the paper folds by interpolation at many points; we fold by
//! two, and keep claims of rows apart while rows last, so that the first
//! `depth` folds work on words of the base ring (products on the grid
//! {0, 1, ∞}^depth, added up once) and only one A-th of the data is ever
//! lifted.
//!
//! *Cost*: `(2^depth + 2·log2(columns)) · 1 or 48` words a party,
//! `3·(depth + log2(columns)) + 10` rounds.

use super::{
    column::Pair,
    extension::Extension,
    frame::Kind,
    lanes,
    party::{Expected, Outgoing, Party, Stream},
};
use crate::{Error, Fault, limits, secrecy, simd};

mod ands;
mod products;

/// Products that wait: `z_j` was made as `x_j·y_j`.
#[derive(Default)]
pub(crate) struct Log {
    x: Pair,
    y: Pair,
    z: Pair,
}

impl Log {
    fn push(&mut self, made: Made<'_>) {
        let Made { x, y, z } = made;
        for (to, from) in [(&mut self.x, x), (&mut self.y, y), (&mut self.z, z)] {
            append(&mut to.mine, &from.mine);
            append(&mut to.next, &from.next);
        }
    }

    /// Forgets what was checked, and keeps the room for what comes next.
    fn clear(&mut self) {
        for pair in [&mut self.x, &mut self.y, &mut self.z] {
            lanes::wipe(&mut pair.mine);
            lanes::wipe(&mut pair.next);
        }
    }

    fn made(&self) -> Made<'_> {
        Made {
            x: &self.x,
            y: &self.y,
            z: &self.z,
        }
    }

    fn len(&self) -> usize {
        self.x.len()
    }
}

/// Products where they stand: `z_j` was made as `x_j·y_j`.
#[derive(Clone, Copy)]
pub(crate) struct Made<'a> {
    pub(crate) x: &'a Pair,
    pub(crate) y: &'a Pair,
    pub(crate) z: &'a Pair,
}

/// All products of a party that wait for their check.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) products: Log,
    pub(crate) ands: Log,
}

impl Pending {
    fn log(&mut self, over: Over) -> &mut Log {
        match over {
            Over::Numbers => &mut self.products,
            Over::Bits => &mut self.ands,
        }
    }
}

/// What products are over.
#[derive(Clone, Copy)]
pub(crate) enum Over {
    /// Z_2^64.
    Numbers,
    /// Bits, 64 a word.
    Bits,
}

impl Over {
    fn pending_max(self) -> usize {
        match self {
            Self::Numbers => limits::SHARES_PENDING_PRODUCTS,
            Self::Bits => limits::SHARES_PENDING_WORDS,
        }
    }
}

/// Appends words; much of them on large pages, which cost less to be had.
fn append(to: &mut Vec<u64>, words: &[u64]) {
    const LARGE_WORDS: usize = 1 << 17;
    let due = to.len() + words.len();
    if due > to.capacity() && due >= LARGE_WORDS {
        let mut grown = simd::large(due.max(2 * to.capacity()));
        grown.extend_from_slice(to);
        lanes::wipe(to);
        *to = grown;
    }
    to.extend_from_slice(words);
}

/// Both components of many elements of an extension.
pub(crate) struct Elements<E> {
    pub(crate) mine: Vec<E>,
    pub(crate) next: Vec<E>,
}

/// A log seen as claims over a base ring.
pub(super) trait Claims {
    /// Where they are checked.
    type Ring: Extension;

    /// Weights that the log needs at this depth.
    fn weights(&self, depth: u32) -> usize;

    /// This party's terms of `Σ_b σ_b·x·y` on the grid {0, 1, ∞}^depth, and its
    /// components of `Σ_b σ_b·z` on {0, 1}^depth.
    fn sums(&self, weights: &[u64], depth: u32) -> (Grid<Self>, Elements<Element<Self>>);

    /// The vectors `Σ_a L_a·σ_b·x_{a,b}` and `Σ_a L_a·y_{a,b}`, written over `out`.
    fn fold(&self, weights: &[u64], rows: &[Element<Self>], out: &mut Vectors<Element<Self>>);
}

/// Both components of two vectors: x, x', y and y'.
pub(crate) type Vectors<E> = [Vec<E>; 4];

type Element<C> = <<C as Claims>::Ring as Extension>::Element;
type Grid<C> = Vec<Element<C>>;

impl Party<'_> {
    /// Checks every product made so far.
    ///
    /// # Errors
    /// [`Fault::ProductWrong`] where one was not made as agreed; a peer's other
    /// faults.
    pub fn verify(&mut self) -> Result<(), Error> {
        let mut pending = std::mem::take(&mut self.pending);
        for over in [Over::Numbers, Over::Bits] {
            let log = pending.log(over);
            if log.len() > 0 {
                self.check_made(over, log.made())?;
            }
            log.clear();
        }
        self.pending = pending;
        Ok(())
    }

    /// Takes products to be checked: a limit's worth at once where they stand, fewer with
    /// what waits, which is checked when it reaches the limit.
    pub(crate) fn claim(&mut self, over: Over, made: Made<'_>) -> Result<(), Error> {
        let most = over.pending_max();
        if made.z.len() >= most {
            return self.check_made(over, made);
        }
        let log = self.pending.log(over);
        log.push(made);
        if log.len() >= most {
            self.verify()?;
        }
        Ok(())
    }

    fn check_made(&mut self, over: Over, made: Made<'_>) -> Result<(), Error> {
        let depth = depth_of(made.z.len());
        match over {
            Over::Numbers => self.check(&products::Numbers(made), depth),
            Over::Bits => self.check(&ands::Planes(made), depth),
        }
    }

    fn check<C: Claims>(&mut self, claims: &C, depth: u32) -> Result<(), Error> {
        let weights = Stream::from_coin(&self.coin()?).words(claims.weights(depth));
        let (mut grid, mut sums) = claims.sums(&weights, depth);
        let mut rows = vec![C::Ring::one()];
        for left in (0..depth).rev() {
            let third = 3usize.pow(left);
            let terms = (0..1 << left).map(|a| grid[2 * third + ternary(a)].clone());
            let middle = self.reshare_elements::<C::Ring>(terms.collect())?;
            let at = C::Ring::challenge(self.coin()?[0]);
            grid = at_point::<C::Ring>(
                &grid[..third],
                &grid[third..2 * third],
                &grid[2 * third..],
                &at,
            );
            let fold = |half: &[Element<C>], middle: &[Element<C>]| {
                let (low, high) = half.split_at(middle.len());
                at_point::<C::Ring>(low, high, middle, &at)
            };
            sums = Elements {
                mine: fold(&sums.mine, &middle.mine),
                next: fold(&sums.next, &middle.next),
            };
            rows = expand_rows::<C::Ring>(&rows, &at);
        }
        let mut vectors = std::mem::take(C::Ring::room(&mut self.room));
        claims.fold(&weights, &rows, &mut vectors);
        let claim = Shared {
            mine: sums.mine.swap_remove(0),
            next: sums.next.swap_remove(0),
        };
        let checked = self.inner_product::<C::Ring>(&mut vectors, claim);
        *C::Ring::room(&mut self.room) = vectors;
        checked
    }

    /// Checks `Σ x_j·y_j = z` over an extension.
    fn inner_product<R: Extension>(
        &mut self,
        vectors: &mut Vectors<R::Element>,
        mut z: Shared<R::Element>,
    ) -> Result<(), Error> {
        let mut len = vectors[0].len();
        while len > 1 {
            if len % 2 == 1 {
                for vector in &mut *vectors {
                    vector.truncate(len);
                    vector.push(R::zero());
                }
                len += 1;
            }
            len /= 2;
            let all = vectors.each_ref().map(|vector| &vector[..2 * len]);
            let made = self.reshare_elements::<R>(R::halves(all).to_vec())?;
            let at = R::challenge(self.coin()?[0]);
            let claim = |z: &R::Element, made: &[R::Element]| {
                // h(1) = z − h(0), then the quadratic at the challenge.
                let mut one = z.clone();
                R::sub(&mut one, &made[0]);
                at_point::<R>(&made[..1], &[one], &made[1..], &at).swap_remove(0)
            };
            z = Shared {
                mine: claim(&z.mine, &made.mine),
                next: claim(&z.next, &made.next),
            };
            for vector in &mut *vectors {
                let (low, high) = vector[..2 * len].split_at_mut(len);
                R::move_by(low, high, &at);
            }
        }
        let [x, x_next, y, y_next] = vectors.each_ref().map(|vector| vector[0].clone());
        for vector in vectors {
            // Folded shares are as secret as what they were made of.
            vector.fill(R::zero());
        }
        let both = |mine, next| Shared { mine, next };
        self.sacrifice::<R>(&both(x, x_next), &both(y, y_next), &z)
    }

    /// Checks `a·b = c` by a random product that is never used again.
    fn sacrifice<R: Extension>(
        &mut self,
        a: &Shared<R::Element>,
        b: &Shared<R::Element>,
        c: &Shared<R::Element>,
    ) -> Result<(), Error> {
        let other = Elements {
            mine: vec![R::random(&mut self.with_previous)],
            next: vec![R::random(&mut self.with_next)],
        };
        let mut both = b.mine.clone();
        R::add(&mut both, &b.next);
        let mut term = R::mul(&other.mine[0], &both);
        R::add(&mut term, &R::mul(&other.next[0], &b.mine));
        let made = self.reshare_elements::<R>(vec![term])?;
        let at = R::challenge(self.coin()?[0]);
        let masked = |a: &R::Element, other: &R::Element| {
            let mut sum = R::mul(&at, a);
            R::add(&mut sum, other);
            sum
        };
        let rho = self.open_element::<R>(&Shared {
            mine: masked(&a.mine, &other.mine[0]),
            next: masked(&a.next, &other.next[0]),
        })?;
        let rest = |c: &R::Element, made: &R::Element, b: &R::Element| {
            let mut sum = R::mul(&at, c);
            R::add(&mut sum, made);
            R::sub(&mut sum, &R::mul(&rho, b));
            sum
        };
        let nothing = self.open_element::<R>(&Shared {
            mine: rest(&c.mine, &made.mine[0], &b.mine),
            next: rest(&c.next, &made.next[0], &b.next),
        })?;
        let mut words = Vec::new();
        R::write(&nothing, &mut words);
        if words.iter().any(|word| *word != 0) {
            return self.fail(Error::faulty(Fault::ProductWrong, &[]));
        }
        Ok(())
    }

    /// Opens an element that is masked, or zero unless somebody cheated.
    pub(crate) fn open_element<R: Extension>(
        &mut self,
        element: &Shared<R::Element>,
    ) -> Result<R::Element, Error> {
        let mut pair = Pair::default();
        R::write(&element.mine, &mut pair.mine);
        R::write(&element.next, &mut pair.next);
        let mut sum = R::read(&self.missing_unverified(&pair)?);
        R::add(&mut sum, &element.mine);
        R::add(&mut sum, &element.next);
        let mut words = Vec::with_capacity(R::WORDS);
        R::write(&sum, &mut words);
        secrecy::all_public(&mut words, "openings");
        Ok(R::read(&words))
    }

    /// Masks this party's terms with a share of zero and re-shares their sums.
    pub(crate) fn reshare_elements<R: Extension>(
        &mut self,
        mut terms: Vec<R::Element>,
    ) -> Result<Elements<R::Element>, Error> {
        let mut words = Vec::with_capacity(terms.len() * R::WORDS);
        for term in &mut terms {
            R::add(term, &R::random(&mut self.with_previous));
            R::sub(term, &R::random(&mut self.with_next));
            R::write(term, &mut words);
        }
        let outgoing = Outgoing {
            previous: Some(&words),
            next: None,
        };
        let expected = Expected {
            previous: None,
            next: Some(words.len()),
        };
        let incoming = self.exchange(Kind::Reshare, &outgoing, expected)?;
        Ok(Elements {
            mine: terms,
            next: incoming.next.chunks(R::WORDS).map(R::read).collect(),
        })
    }
}

/// Both components of one element.
pub(crate) struct Shared<E> {
    pub(crate) mine: E,
    pub(crate) next: E,
}

/// How many folds are made on base words: none for a few products, since the
/// grid itself costs.
fn depth_of(count: usize) -> u32 {
    match count {
        0..256 => 0,
        256..4096 => 3,
        _ => 6,
    }
}

/// The place on the grid {0, 1, ∞} of a point of {0, 1}.
fn ternary(a: usize) -> usize {
    let (mut place, mut left, mut power) = (0, a, 1);
    while left > 0 {
        place += (left & 1) * power;
        left >>= 1;
        power *= 3;
    }
    place
}

/// Quadratics by their values at 0 and 1 and their leading coefficients, at a
/// point: `q_0 + τ·(q_1 − q_0) + (τ² − τ)·q_∞`.
fn at_point<R: Extension>(
    zero: &[R::Element],
    one: &[R::Element],
    lead: &[R::Element],
    at: &R::Element,
) -> Vec<R::Element> {
    let mut bend = R::mul(at, at);
    R::sub(&mut bend, at);
    let mut out = zero.to_vec();
    for (to, (one, lead)) in out.iter_mut().zip(one.iter().zip(lead)) {
        let mut slope = one.clone();
        R::sub(&mut slope, to);
        R::add(to, &R::mul(at, &slope));
        R::add(to, &R::mul(&bend, lead));
    }
    out
}

/// Weights of rows with one more bit: `(1 − τ)` for 0 and `τ` for 1.
fn expand_rows<R: Extension>(rows: &[R::Element], at: &R::Element) -> Vec<R::Element> {
    let mut out = Vec::with_capacity(2 * rows.len());
    for row in rows {
        let one = R::mul(row, at);
        let mut zero = row.clone();
        R::sub(&mut zero, &one);
        out.extend([zero, one]);
    }
    out
}

/// The places of all points of {0, 1}^depth.
fn places(rows: usize) -> Vec<usize> {
    (0..rows).map(ternary).collect()
}
