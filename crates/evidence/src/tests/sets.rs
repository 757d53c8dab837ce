//! Names of two sets: what the protocol's own parties signed opens, and nothing that
//! differs from it.

use docket::joint::sets::{ENTRY_BYTES, Listed, NAME_BYTES, Tallied};
use docket::plan::{Cell, Opening, Part};
use mpc::joint::in_common::{self, Counted, Held, Terms};
use mpc::lookup::Scope;
use mpc::psi::Set;
use mpc::psi::many::{Holder, Setup};
use mpc::shares::memory;
use mpc::vole::Code;
use primitives::{Digest, InstitutionId, NetworkId};
use proof::{Tree, leaf_hash};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::sets::rows;

const PARTS: u16 = 2;
/// Items of each set in each part, padding included.
const ITEMS: u32 = 24;

fn terms() -> Terms {
    let digest = Digest::plain(b"sets");
    let institution = |name: &str| InstitutionId::new(name).unwrap();
    let holder = |name: &str| Holder {
        institution: institution(name),
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
            parts: PARTS,
            holders: ["bank_a", "telecom_a"].map(holder).to_vec(),
            receiver: institution("police"),
            counter: Some(institution("procuratorate")),
            name_bytes: u16::try_from(NAME_BYTES).unwrap(),
        },
        code: Code::Conservative,
    }
}

fn person(number: u32) -> String {
    format!("1101011990{number:08}")
}

/// The real protocol between three threads: persons 0 to 19, and 12 to 31.
fn compared(terms: &Terms) -> ([Held; 2], Counted) {
    let [first, second, third] = memory::channels();
    std::thread::scope(|scope| {
        let holders = [(0, first, 0..20), (1, second, 12..32)].map(|(seat, mut channel, of)| {
            scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(seat as u64);
                let hash = terms.setup.items();
                let mut sets = |part: u16| {
                    let persons = of.clone().map(|number| person(number).into_bytes());
                    let hashed = persons.map(|name| (hash.item(&name).unwrap(), name));
                    let (items, names): (Vec<_>, Vec<_>) =
                        hashed.filter(|(item, _)| item.part(PARTS) == part).unzip();
                    Ok((Set::new(&items), names))
                };
                let mut progress = |_| Ok(());
                in_common::hold(
                    &mut channel,
                    seat,
                    terms,
                    &mut sets,
                    &mut rng,
                    &mut progress,
                )
                .unwrap()
            })
        });
        let counter = scope.spawn(move || {
            let mut channel = third;
            in_common::count(&mut channel, terms, &mut |_| Ok(())).unwrap()
        });
        let holders = holders.map(|holder| holder.join().unwrap());
        (holders, counter.join().unwrap())
    })
}

/// The parts of an answer as an honest requester puts them together.
fn parts() -> Vec<Part> {
    let terms = terms();
    let (holders, counted) = compared(&terms);
    let found = in_common::open(&terms, &holders[0].list, &holders[1].list).unwrap();
    let setup = terms.setup.digest();
    let mut parts = Vec::new();
    for (seat, held) in holders.iter().enumerate() {
        let mut tree = Tree::new();
        let entries: Vec<&[u8]> = held.list.chunks_exact(ENTRY_BYTES[seat]).collect();
        for entry in &entries {
            tree.append(leaf_hash(entry));
        }
        let listed = Listed {
            setup,
            shown: held.shown,
            root: tree.root(),
            entries: u32::from(PARTS) * ITEMS,
            parts: PARTS,
        };
        let opened = found.iter().map(|one| {
            let number = one.entries[seat];
            Opening {
                number: u32::try_from(number).unwrap(),
                entry: entries[number].to_vec(),
                path: tree.inclusion(number as u64, tree.size()).unwrap(),
            }
        });
        parts.push(Part {
            frames: Digest::default(),
            part: listed.to_bytes(),
            opened: opened.collect(),
        });
    }
    let tallied = Tallied {
        setup,
        shown: counted.shown,
        rows: counted.rows,
    };
    parts.push(Part {
        frames: Digest::default(),
        part: tallied.to_bytes(),
        opened: Vec::new(),
    });
    parts
}

fn listed(parts: &mut [Part], seat: usize, change: impl FnOnce(&mut Listed)) {
    let mut listed = Listed::from_bytes(&parts[seat].part).unwrap();
    change(&mut listed);
    parts[seat].part = listed.to_bytes();
}

fn tallied(parts: &mut [Part], change: impl FnOnce(&mut Tallied)) {
    let mut tallied = Tallied::from_bytes(&parts[2].part).unwrap();
    change(&mut tallied);
    parts[2].part = tallied.to_bytes();
}

#[test]
fn what_the_parties_signed_opens_the_names_that_both_hold() {
    let both = (12..20).map(|number| vec![Cell::Text(person(number))]);
    assert_eq!(rows(&parts(), 8), Ok(both.collect()));
}

#[test]
fn what_differs_from_it_opens_nothing() {
    let honest = parts();
    let refused = |what: &str, count: usize, bend: &dyn Fn(&mut Vec<Part>)| {
        let mut parts = honest.clone();
        bend(&mut parts);
        assert_ne!(parts, honest, "{what}");
        assert!(rows(&parts, count).is_err(), "{what}");
    };
    let both = |parts: &mut Vec<Part>, change: &dyn Fn(&mut Vec<Opening>)| {
        parts[..2]
            .iter_mut()
            .for_each(|part| change(&mut part.opened));
    };
    // Rows left out, repeated, added or in another order: the counter signed eight.
    refused("a row left out", 7, &|p| {
        both(p, &|opened| opened.truncate(7))
    });
    refused("a row left out, and counted so", 8, &|p| {
        both(p, &|opened| opened.truncate(7));
    });
    refused("a row twice", 8, &|p| {
        both(p, &|opened| opened[1] = opened[0].clone())
    });
    refused("another order", 8, &|p| {
        both(p, &|opened| opened.swap(0, 1))
    });
    refused("a row of one list alone", 8, &|p| p[0].opened.swap(0, 1));
    refused("no entries", 8, &|p| both(p, &Vec::clear));
    refused("fewer counted", 7, &|p| {
        both(p, &|opened| opened.truncate(7));
        tallied(p, |tallied| tallied.shown.swap(0, 1));
        tallied(p, |tallied| tallied.rows = 7);
    });
    refused("entries of the counter", 8, &|p| {
        p[2].opened = p[0].opened.clone();
    });
    for seat in 0..2 {
        refused("another number", 8, &|p| p[seat].opened[3].number ^= 1);
        refused("a number beyond", 8, &|p| p[seat].opened[3].number = 48);
        refused("a path cut short", 8, &|p| {
            p[seat].opened[3].path.pop();
        });
        refused("another path", 8, &|p| p[seat].opened[3].path[0].0[0] ^= 1);
        for byte in 0..ENTRY_BYTES[seat] {
            refused("an entry", 8, &|p| p[seat].opened[3].entry[byte] ^= 1);
        }
        // What a holder signed, and the counter did not see.
        refused("another setup", 8, &|p| {
            listed(p, seat, |listed| listed.setup.0[0] ^= 1);
        });
        refused("other tags", 8, &|p| {
            listed(p, seat, |listed| listed.shown.0[0] ^= 1)
        });
        refused("another root", 8, &|p| {
            listed(p, seat, |listed| listed.root.0[0] ^= 1)
        });
        refused("other parts", 8, &|p| {
            listed(p, seat, |listed| listed.parts = 1)
        });
        refused("another size", 8, &|p| {
            listed(p, seat, |listed| listed.entries = 64)
        });
    }
    refused("another count", 8, &|p| {
        tallied(p, |tallied| tallied.rows = 9)
    });
    refused("two parts", 8, &|p| p.truncate(2));
    refused("shorter", 8, &|p| {
        p[2].part.pop();
    });
}
