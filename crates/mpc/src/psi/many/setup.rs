//! Who takes part, in which seat, and with how many items.
//!
//! Why it exists: every role computes seats, functions and digests from the same
//! records, and takes none of them from a peer.
//!
//! *Invariants*: the digest holds everything, each holder at its place.

use primitives::{Digest, InstitutionId};

use crate::{
    Error, Refusal, domains,
    limits::{FRAME_VALUES, INPUT_BYTES_MAX, MANY_HOLDERS_MAX, PARTS_MAX, SET_ITEMS_MAX},
    lookup::Scope,
    psi::{Items, function::Shape},
};

/// A party of a session: a holder by its number in the setup, or, with the number
/// after the last holder's, a receiver that holds no set, and after it the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u8);

impl Place {
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What a party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seat {
    /// Asks all others' functions.
    Pivot,
    /// Gives the pivot a store.
    Giver,
    /// Vouches towards the opener, beside the pivot.
    Closer,
    /// Learns the answer and holds no set.
    Opener,
    /// Learns how many items the answer has, before anything opens, and holds no set.
    Counter,
}

/// A party that holds a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub institution: InstitutionId,
    /// The commitment to its snapshot.
    pub snapshot: Digest,
    /// The size that its set is padded to in each part.
    pub items: u32,
}

/// Everything that one joint set of many is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Network, warrant, plan and run.
    pub scope: Scope,
    /// The plan's step.
    pub step: u16,
    /// How many parts the sets are cut into.
    pub parts: u16,
    /// Who holds sets: 2 to [`MANY_HOLDERS_MAX`]. Where the receiver is none of
    /// them, the first is the pivot and the second the closer.
    pub holders: Vec<Holder>,
    /// Who learns the answer.
    pub receiver: InstitutionId,
    /// Who learns the count first, where the receiver holds no set: neither a holder
    /// nor the receiver. `None` where the receiver learns the answer at once.
    pub counter: Option<InstitutionId>,
    /// The longest name, in bytes, that a receiver without a set is to be told; 0
    /// where the receiver holds a set.
    pub name_bytes: u16,
}

impl Setup {
    /// The digest that binds all of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let (step, parts) = (self.step.to_be_bytes(), self.parts.to_be_bytes());
        let name_bytes = self.name_bytes.to_be_bytes();
        let sizes: Vec<[u8; 4]> = self
            .holders
            .iter()
            .map(|holder| holder.items.to_be_bytes())
            .collect();
        let mut fields: Vec<&[u8]> = vec![
            self.scope.network.0.as_bytes(),
            self.scope.warrant.as_bytes(),
            self.scope.plan.as_bytes(),
            self.scope.run.as_bytes(),
            &step,
            &parts,
            self.receiver.as_str().as_bytes(),
            &name_bytes,
        ];
        for (holder, size) in self.holders.iter().zip(&sizes) {
            fields.push(holder.institution.as_str().as_bytes());
            fields.push(holder.snapshot.as_bytes());
            fields.push(size);
        }
        // Holders have three fields each, so one more is a counter's.
        if let Some(counter) = &self.counter {
            fields.push(counter.as_str().as_bytes());
        }
        Digest::of(domains::PSI_MANY_CONTEXT, &fields)
    }

    /// The hash of this joint set's selectors.
    #[must_use]
    pub fn items(&self) -> Items {
        Items::under(&self.digest())
    }

    /// The place of an institution that takes part.
    #[must_use]
    pub fn place(&self, institution: &InstitutionId) -> Option<Place> {
        let holds = |holder: &Holder| holder.institution == *institution;
        let index = self.holders.iter().position(holds);
        let holders = self.holders.len();
        let index = index.or((self.receiver == *institution).then_some(holders));
        let counts = self.counter.as_ref() == Some(institution);
        let index = index.or(counts.then_some(holders + 1));
        index.and_then(|index| u8::try_from(index).ok()).map(Place)
    }

    /// Opens the session of one part.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for a part that does not exist, fewer than two
    /// holders or too many, a holder twice, a counter that has another seat or none
    /// to count for, or sizes beyond the limits.
    pub fn open(&self, part: u16) -> Result<Session, Error> {
        let holders = self.holders.len();
        let repeated = self.holders.iter().enumerate().any(|(index, holder)| {
            let before = &self.holders[..index];
            before
                .iter()
                .any(|other| other.institution == holder.institution)
        });
        let pivot = self
            .holders
            .iter()
            .position(|holder| holder.institution == self.receiver);
        let name_bytes = usize::from(self.name_bytes);
        let named = match pivot {
            Some(_) => name_bytes == 0,
            None => (1..=INPUT_BYTES_MAX).contains(&name_bytes),
        };
        let sizes: Vec<usize> = self
            .holders
            .iter()
            .map(|holder| holder.items as usize)
            .collect();
        let fits = part < self.parts
            && usize::from(self.parts) <= PARTS_MAX
            && (2..=MANY_HOLDERS_MAX).contains(&holders)
            && !repeated
            && named
            && sizes.iter().all(|size| *size <= SET_ITEMS_MAX)
            && self.counter_fits(pivot.is_some());
        if !fits {
            return Err(Refusal::ParameterRange.into());
        }
        let digest = self.digest();
        Ok(Session {
            digest: Digest::of(
                domains::PSI_MANY_CONTEXT,
                &[digest.as_bytes(), &part.to_be_bytes()],
            ),
            sizes,
            seats: Seats {
                pivot: pivot.unwrap_or(0),
                closer: pivot.is_none().then_some(1),
                counter: self.counter.is_some(),
            },
            name_bytes,
        })
    }

    fn counter_fits(&self, receiver_holds: bool) -> bool {
        let Some(counter) = &self.counter else {
            return true;
        };
        let mut holders = self.holders.iter();
        // Frames of a list say with 32 bits how many entries came before.
        let counted = |holder: &Holder| {
            let items = u64::from(holder.items) * u64::from(self.parts);
            u32::try_from(items).is_ok()
        };
        !receiver_holds
            && *counter != self.receiver
            && holders.all(|holder| holder.institution != *counter && counted(holder))
    }

    /// The lists of pivot and closer over all parts, where they are counted first.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for a setup without a counter, or that does not fit.
    pub(super) fn counting(&self) -> Result<Counting, Error> {
        let session = self.open(0)?;
        let (Some(closer), Some(counter)) = (session.closer(), session.counter()) else {
            return Err(Refusal::ParameterRange.into());
        };
        Ok(Counting {
            digest: self.digest(),
            parts: self.parts,
            vouchers: [session.pivot(), closer],
            counter,
            items: [session.size(session.pivot()), session.size(closer)],
        })
    }
}

/// What is counted: the same for all parts.
pub(super) struct Counting {
    /// The setup's.
    pub(super) digest: Digest,
    pub(super) parts: u16,
    /// Pivot and closer.
    pub(super) vouchers: [Place; 2],
    pub(super) counter: Place,
    /// Items of each of them in one part.
    pub(super) items: [usize; 2],
}

impl Counting {
    /// Which of the two a place is.
    pub(super) fn side(&self, place: Place) -> Result<usize, Error> {
        let side = self.vouchers.iter().position(|voucher| *voucher == place);
        side.ok_or_else(|| Refusal::ParameterRange.into())
    }

    /// Items of one of the two over all parts.
    pub(super) fn total(&self, side: usize) -> usize {
        self.items[side] * usize::from(self.parts)
    }

    /// The link over which tags are shown: one for all parts.
    pub(super) fn link(&self, side: usize) -> Digest {
        let bytes = [3, self.vouchers[side].0, self.counter.0];
        Digest::of(domains::PSI_MANY_LINK, &[self.digest.as_bytes(), &bytes])
    }
}

#[derive(Clone, Copy, Debug)]
struct Seats {
    pivot: usize,
    closer: Option<usize>,
    counter: bool,
}

/// An oblivious function of a session, for which a correlation is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Who learns it: the receiver of the correlation.
    pub asker: Place,
    /// Who has its key: the sender of the correlation.
    pub evaluator: Place,
    /// What the correlation's session is bound to.
    pub digest: Digest,
    /// How many correlations of 128 bits it uses.
    pub correlations: usize,
}

/// One part of a joint set of many, ready to be computed once.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) digest: Digest,
    sizes: Vec<usize>,
    seats: Seats,
    pub(super) name_bytes: usize,
}

impl Session {
    /// The digest that binds the session.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// All parties.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let opener = usize::from(self.seats.closer.is_some());
        let count = self.sizes.len() + opener + usize::from(self.seats.counter);
        (0u8..).take(count).map(Place)
    }

    /// What a party does; `None` where there is no such party.
    #[must_use]
    pub fn seat(&self, place: Place) -> Option<Seat> {
        let index = place.index();
        match index {
            _ if index == self.seats.pivot => Some(Seat::Pivot),
            _ if Some(index) == self.seats.closer => Some(Seat::Closer),
            _ if index < self.sizes.len() => Some(Seat::Giver),
            _ if index == self.sizes.len() && self.seats.closer.is_some() => Some(Seat::Opener),
            _ if index == self.sizes.len() + 1 && self.seats.counter => Some(Seat::Counter),
            _ => None,
        }
    }

    /// The functions of the session, each with a correlation of its own. A party
    /// gives its role the correlations in this order, leaving out those of others.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for sizes beyond the limits.
    pub fn functions(&self) -> Result<Vec<Function>, Error> {
        let pivot = self.pivot();
        let mut functions = Vec::new();
        for place in self.sharers() {
            functions.push(self.function(pivot, place)?);
        }
        if let Some(closer) = self.closer() {
            functions.push(self.function(closer, pivot)?);
        }
        Ok(functions)
    }

    /// How many frames go between pivot and closer, beside correlations: what a
    /// progress is measured by.
    pub(crate) fn frames(&self) -> usize {
        let functions = self.functions().unwrap_or_default();
        let vector = |function: &Function| function.correlations.div_ceil(FRAME_VALUES);
        // Commitment, begin and opening of each function, and two ends.
        functions.iter().map(|one| vector(one) + 3).sum::<usize>() + 2
    }

    /// The most items that the asker of a function can test with it, whatever it
    /// does, and that a giver of as many items can put into its store, but for a
    /// chance of 2^-40, where it asks the oracles 2^80 times. See [`crate::okvs`].
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for a party that holds no set.
    pub fn points_bound(&self, place: Place) -> Result<usize, Error> {
        self.sizes
            .get(place.index())
            .map(|items| Shape::full(*items))
            .transpose()?
            .and_then(|shape| shape.params.points_bound(128, 80))
            .ok_or_else(|| Refusal::ParameterRange.into())
    }

    pub(super) fn function(&self, asker: Place, evaluator: Place) -> Result<Function, Error> {
        Ok(Function {
            asker,
            evaluator,
            digest: self.bound(1, asker, evaluator),
            correlations: Shape::full(self.size(asker))?.columns(),
        })
    }

    pub(super) fn link(&self, low: Place, high: Place) -> Digest {
        self.bound(2, low, high)
    }

    fn bound(&self, what: u8, first: Place, second: Place) -> Digest {
        let bytes = [what, first.0, second.0];
        Digest::of(domains::PSI_MANY_LINK, &[self.digest.as_bytes(), &bytes])
    }

    /// Items of a holder, padding included.
    pub(super) fn size(&self, place: Place) -> usize {
        self.sizes.get(place.index()).copied().unwrap_or(0)
    }

    pub(super) fn pivot(&self) -> Place {
        place(self.seats.pivot)
    }

    pub(super) fn closer(&self) -> Option<Place> {
        self.seats.closer.map(place)
    }

    pub(super) fn opener(&self) -> Place {
        place(self.sizes.len())
    }

    pub(super) fn counter(&self) -> Option<Place> {
        let counter = self.sizes.len() + 1;
        self.seats.counter.then(|| place(counter))
    }

    /// All holders but the pivot: they hold shares of zero.
    pub(super) fn sharers(&self) -> impl Iterator<Item = Place> + use<> {
        let pivot = self.seats.pivot;
        let holders = (0..self.sizes.len()).filter(move |index| *index != pivot);
        holders.map(place)
    }
}

/// There are at most [`MANY_HOLDERS_MAX`] holders.
fn place(index: usize) -> Place {
    Place(u8::try_from(index).unwrap_or(u8::MAX))
}
