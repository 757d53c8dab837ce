//! The entries of two sets' lists, as a bundle holds them.

use docket::{
    joint::sets::{ENTRY_BYTES, HOLDERS, Listed, NAME_BYTES, Tallied, name},
    plan::Opening,
};
use mpc::{
    joint::in_common::{Held, Terms, count, hold, open},
    lookup::Scope,
    psi::{
        Set,
        many::{Holder, Setup},
    },
    shares::memory,
    vole::Code,
};
use primitives::{Digest, NetworkId};
use rand::{SeedableRng as _, rngs::StdRng};

use super::{Target, bodies::id};

/// Bytes of what stands before both entries.
const HEADS: usize = HOLDERS * (Listed::BYTES + 4);
/// Items of each set, padding included.
const ITEMS: u32 = 4;

pub(super) fn targets() -> Vec<Target> {
    vec![Target::new(
        "joint-sets",
        "what two holders signed of their lists, and an entry of each, opened",
        seeds,
        opened,
    )]
}

fn terms() -> Terms {
    let digest = Digest::plain(b"joint-sets");
    let holder = |name: &str| Holder {
        institution: id(name),
        snapshot: digest,
        items: ITEMS,
    };
    Terms {
        setup: Setup {
            scope: Scope {
                network: NetworkId(digest),
                warrant: digest,
                plan: digest,
                run: digest,
            },
            step: 0,
            parts: 1,
            holders: ["bank_a", "telecom_a"].map(holder).to_vec(),
            receiver: id("police"),
            counter: Some(id("procuratorate")),
            name_bytes: u16::try_from(NAME_BYTES).expect("a short name"),
        },
        code: Code::Fast,
    }
}

/// The protocol itself, between three threads: both hold the same three names.
fn held(terms: &Terms) -> [Held; HOLDERS] {
    let [first, second, third] = memory::channels();
    std::thread::scope(|scope| {
        let holders = [(0, first), (1, second)].map(|(seat, mut channel)| {
            scope.spawn(move || {
                let names = ["110101199003070011", "x", "12345678901234567890123"];
                let names = names.map(|name| name.as_bytes().to_vec()).to_vec();
                let hash = terms.setup.items();
                let items = names.iter().filter_map(|name| hash.item(name).ok());
                let set = Set::new(&items.collect::<Vec<_>>());
                let mut given = Some((set, names));
                let mut sets = |_| Ok(given.take().expect("one part"));
                let mut rng = StdRng::seed_from_u64(seat as u64);
                let mut progress = |_| Ok(());
                hold(
                    &mut channel,
                    seat,
                    terms,
                    &mut sets,
                    &mut rng,
                    &mut progress,
                )
                .expect("honest parties")
            })
        });
        let mut channel = third;
        count(&mut channel, terms, &mut |_| Ok(())).expect("honest parties");
        holders.map(|holder| holder.join().expect("a holder"))
    })
}

/// Both heads with the numbers of the entries, then the entries.
fn seeds() -> Vec<Vec<u8>> {
    let terms = terms();
    let held = held(&terms);
    let found = open(&terms, &held[0].list, &held[1].list).expect("honest lists");
    let seed = |entries: [usize; HOLDERS]| {
        let mut seed = Vec::new();
        for (held, number) in held.iter().zip(entries) {
            let listed = Listed {
                setup: terms.setup.digest(),
                shown: held.shown,
                root: Digest::default(),
                entries: ITEMS,
                parts: 1,
            };
            seed.extend(listed.to_bytes());
            seed.extend(u32::try_from(number).unwrap_or(0).to_be_bytes());
        }
        for ((held, number), size) in held.iter().zip(entries).zip(ENTRY_BYTES) {
            seed.extend_from_slice(&held.list[number * size..(number + 1) * size]);
        }
        seed
    };
    found.iter().map(|one| seed(one.entries)).collect()
}

fn opened(bytes: &[u8]) {
    if let Some(tallied) = Tallied::from_bytes(bytes) {
        assert_eq!(tallied.to_bytes(), bytes, "two forms of one count");
    }
    let Some((heads, entries)) = bytes.split_at_checked(HEADS) else {
        return;
    };
    let read = |seat: usize| {
        let head = &heads[seat * (Listed::BYTES + 4)..(seat + 1) * (Listed::BYTES + 4)];
        let (listed, number) = head.split_at(Listed::BYTES);
        let listed_read = Listed::from_bytes(listed)?;
        assert_eq!(listed_read.to_bytes(), listed, "two forms of one list");
        Some((listed_read, u32::from_be_bytes(number.try_into().ok()?)))
    };
    let (Some(first), Some(second)) = (read(0), read(1)) else {
        return;
    };
    let (one, other) = entries.split_at(entries.len().min(ENTRY_BYTES[0]));
    let opening = |number: u32, entry: &[u8]| Opening {
        number,
        entry: entry.to_vec(),
        path: Vec::new(),
    };
    let (one, other) = (opening(first.1, one), opening(second.1, other));
    if let Some(name) = name([&first.0, &second.0], [&one, &other]) {
        assert!(
            (1..=NAME_BYTES).contains(&name.len()),
            "a name of another size"
        );
        assert_eq!(first.0.setup, second.0.setup, "a name of two sessions");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_opens_a_name() {
        let seeds = seeds();
        assert_eq!(seeds.len(), 3);
        for seed in seeds {
            assert_eq!(seed.len(), HEADS + ENTRY_BYTES[0] + ENTRY_BYTES[1]);
            opened(&seed);
        }
    }
}
