//! The names of a joint set, opened again from the entries that both holders signed.
//!
//! Source: `docs/formats/mpc-psi.md`, "The count first".
//!
//! *Invariants*: a name stands in the answer where an entry under the one holder's
//! root opens with an entry under the other's, each used once; both holders and the
//! counter mean one attempt and one pair of lists; there are as many names as the
//! counter counted.
//!
//! *Not here*: that a holder's list is of its snapshot's persons.

use docket::joint::sets::{Listed, Tallied, name};
use docket::plan::{Cell, Opening, Part};
use proof::{leaf_hash, verify_inclusion};

/// The rows that these parts open, in their order.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn rows(parts: &[Part], rows: usize) -> Result<Vec<Vec<Cell>>, String> {
    let [first, second, counter] = parts else {
        return Err("it has not the parts of the three".into());
    };
    let listed = |part: &Part| {
        Listed::from_bytes(&part.part).ok_or("what a holder signed is no list of its own")
    };
    let lists = [listed(first)?, listed(second)?];
    let tallied =
        Tallied::from_bytes(&counter.part).ok_or("what the counter signed is no count")?;
    let one = lists.iter().all(|list| list.setup == tallied.setup)
        && tallied.shown == [lists[0].shown, lists[1].shown];
    if !one {
        return Err("the three did not sign one pair of lists".into());
    }
    let opened = [&first.opened, &second.opened];
    let full = usize::try_from(tallied.rows) == Ok(rows)
        && opened.iter().all(|entries| entries.len() == rows)
        && counter.opened.is_empty();
    if !full {
        return Err("not as many entries as were counted".into());
    }
    for (list, entries) in lists.iter().zip(opened) {
        included(list, entries)?;
    }
    let mut names: Vec<String> = Vec::with_capacity(rows);
    for pair in first.opened.iter().zip(&second.opened) {
        let name = name([&lists[0], &lists[1]], [pair.0, pair.1])
            .ok_or("two entries that do not belong to one another")?;
        if names.last().is_some_and(|last| *last >= name) {
            return Err("its names do not ascend".into());
        }
        names.push(name);
    }
    Ok(names
        .into_iter()
        .map(|name| vec![Cell::Text(name)])
        .collect())
}

/// Each entry stands at its place under the root that its holder signed, and none
/// stands twice.
fn included(list: &Listed, entries: &[Opening]) -> Result<(), String> {
    let mut numbers: Vec<u32> = entries.iter().map(|entry| entry.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let held = entries.iter().all(|one| {
        verify_inclusion(
            &leaf_hash(&one.entry),
            u64::from(one.number),
            u64::from(list.entries),
            &one.path,
            &list.root,
        )
        .is_ok()
    });
    if held && numbers.len() == entries.len() {
        Ok(())
    } else {
        Err("an entry that its holder did not sign, or twice the same".into())
    }
}
