//! The real roles against the ideal functionality, and against villains.

mod adversarial;
mod world;

use proptest::{collection::vec, prelude::*};

use super::{
    ideal::{self, Allowed, Table},
    *,
};
use crate::limits::CELL_PAYLOAD_BYTES;
use world::{Custodian, World};

/// Inputs of a small universe, so that tables, warrants and questions meet.
fn input(index: u8) -> Vec<u8> {
    format!("phone:+86138{index:08}").into_bytes()
}

fn label(rows: &[(u8, usize)], next: &[u8]) -> Label {
    Label {
        rows: rows.iter().map(|(byte, len)| vec![*byte; *len]).collect(),
        derived: next
            .iter()
            .map(|index| Derivation {
                to_step: 1,
                input: input(*index),
            })
            .collect(),
    }
}

/// Row lengths around the borders of cells: one, two and many.
fn row_len() -> impl Strategy<Value = usize> {
    let border = CELL_PAYLOAD_BYTES;
    prop_oneof![
        0..40usize,
        (border - 24)..(border + 8),
        (2 * border - 24)..(2 * border + 8),
        Just(20 * border),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    let label = (vec((any::<u8>(), row_len()), 0..5), vec(0u8..40, 0..4))
        .prop_map(|(rows, next)| label(&rows, &next));
    proptest::collection::btree_map((0u8..40).prop_map(input), label, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn real_equals_ideal(
        seed in any::<u64>(),
        table in table(),
        asked in proptest::collection::btree_set(0u8..48, 0..12),
        foreign in proptest::option::weighted(0.2, 0u8..48),
        budget in 6usize..14,
        anonymity in 1u32..9,
    ) {
        let warrant: Vec<Vec<u8>> = asked.iter().copied().map(input).collect();
        let mut inputs = warrant.clone();
        if let Some(index) = foreign
            && !asked.contains(&index)
        {
            inputs.push(input(index));
        }
        let allowed = Allowed { inputs: warrant.iter().cloned().collect(), selectors_max: budget };
        let expected = ideal::lookup(&table, &allowed, &inputs);

        let mut world = World::new(seed);
        let custodian = Custodian::new(&mut world, "telecom_a", &table, anonymity);
        let targets = world.blind_all(&inputs);
        let mut permit = world.permit(&targets[..warrant.len()]);
        permit.selectors_max = budget;
        let rooted = seed % 2 == 0;
        let context = Context { rooted, ..custodian.context(&world, 0, 0) };
        match (custodian.lookup(&mut world, &context, targets, &permit), expected) {
            (Ok(opened), Ok(expected)) => {
                prop_assert_eq!(opened.outcomes.len(), expected.len());
                prop_assert_eq!(opened.shown.is_some(), rooted);
                for (outcome, label) in opened.outcomes.iter().zip(&expected) {
                    prop_assert_eq!(world::as_label(outcome), label.clone());
                }
            }
            (Err(error), Err(refusal)) => prop_assert_eq!(error.refusal(), Some(refusal)),
            (real, ideal) => prop_assert!(false, "{:?} {:?}", real.err(), ideal.err()),
        }
    }

    #[test]
    fn a_chain_equals_walking_the_tables(
        seed in any::<u64>(),
        first in table(),
        second in table(),
        start in proptest::collection::btree_set(0u8..40, 1..6),
    ) {
        let mut world = World::new(seed);
        let a = Custodian::new(&mut world, "bank_a", &first, 4);
        let b = Custodian::new(&mut world, "bank_b", &second, 4);
        let seeds: Vec<Vec<u8>> = start.iter().copied().map(input).collect();
        let targets = world.blind_all(&seeds);
        let permit = world.permit(&targets);
        let context = a.context(&world, 0, 0);
        let opened = a.lookup(&mut world, &context, targets, &permit).unwrap();
        let derived: Vec<_> = opened
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.found.as_ref())
            .flat_map(|found| found.derived.clone())
            .collect();
        let expected: std::collections::BTreeSet<Vec<u8>> = seeds
            .iter()
            .filter_map(|input| first.get(input))
            .flat_map(|label| label.derived.iter().map(|next| next.input.clone()))
            .collect();

        let targets = derived.into_iter().map(requester::Target::from).collect();
        let context = b.context(&world, 1, 0);
        let params = context.table;
        let permit = world.permit_vouched(&[&a], &[0]);
        let mut reached = std::collections::BTreeMap::new();
        for part in requester::parts(&params, targets) {
            let opened = b.lookup(&mut world, &context, part, &permit).unwrap();
            for outcome in &opened.outcomes {
                reached.insert(outcome.input.clone(), world::as_label(outcome));
            }
        }
        let walked = expected.iter().map(|input| (input.clone(), second.get(input).cloned()));
        prop_assert_eq!(reached, walked.collect());
    }
}

#[test]
fn one_derived_input_has_one_element_a_run_and_step() {
    let mut world = World::new(5);
    let table: Table = (0..6)
        .map(|i| (input(i), label(&[(i, 9)], &[30, 31])))
        .collect();
    let custodian = Custodian::new(&mut world, "bank_a", &table, 2);
    let inputs: Vec<_> = (0..6).map(input).collect();
    let targets = world.blind_all(&inputs);
    let permit = world.permit(&targets);
    let context = custodian.context(&world, 0, 0);
    let opened = custodian
        .lookup(&mut world, &context, targets.clone(), &permit)
        .unwrap();
    let elements = |opened: &requester::Opened| -> std::collections::BTreeSet<[u8; 32]> {
        let found = opened.outcomes.iter().flat_map(|outcome| &outcome.found);
        found
            .flat_map(|found| found.derived.clone())
            .map(|d| d.into_target().element())
            .collect()
    };
    let first = elements(&opened);
    assert_eq!(first.len(), 2);

    let other_run = custodian.reopened(&mut world, "run 2");
    let context = other_run.context(&world, 0, 0);
    let opened = other_run
        .lookup(&mut world, &context, targets, &permit)
        .unwrap();
    let second = elements(&opened);
    assert_eq!(second.len(), 2);
    assert!(first.is_disjoint(&second));
}

#[test]
fn both_roles_agree_on_the_transcript() {
    let mut world = World::new(6);
    let table: Table = (0..20)
        .map(|i| (input(i), label(&[(i, 50)], &[])))
        .collect();
    let custodian = Custodian::new(&mut world, "telecom_a", &table, 4);
    let targets = world.blind_all(&[input(1), input(2), input(99)]);
    let permit = world.permit(&targets);
    let context = custodian.context(&world, 0, 0);
    let (request, mut receiver) = world.session(&custodian, &context).ask(targets).unwrap();
    let (frames, theirs) = custodian
        .answer(&mut world, &context, &request, &permit)
        .unwrap();
    for (index, frame) in frames.iter().enumerate() {
        let progress = receiver.on_frame(frame.clone()).unwrap();
        let last = index + 1 == frames.len();
        assert_eq!(progress == requester::Progress::Complete, last);
    }
    assert_eq!(receiver.finish().unwrap().transcript, theirs);
    assert_eq!(custodian.run.spent(0), 3);
}

#[test]
fn a_lost_connection_may_repeat_the_same_request() {
    let mut world = World::new(7);
    let table: Table = (0..20)
        .map(|i| (input(i), label(&[(i, 50)], &[])))
        .collect();
    let custodian = Custodian::new(&mut world, "telecom_a", &table, 4);
    let targets = world.blind_all(&[input(1)]);
    let permit = world.permit(&targets);
    let context = custodian.context(&world, 0, 0);
    for _ in 0..2 {
        let session = world.session(&custodian, &context);
        let (request, mut receiver) = session.ask(targets.clone()).unwrap();
        let (frames, _) = custodian
            .answer(&mut world, &context, &request, &permit)
            .unwrap();
        for frame in frames {
            receiver.on_frame(frame).unwrap();
        }
        assert_eq!(
            receiver.finish().unwrap().outcomes[0]
                .found
                .clone()
                .unwrap()
                .rows
                .len(),
            1
        );
    }
    assert_eq!(custodian.run.spent(0), 1);
}

#[test]
fn many_selectors_go_out_in_parts_that_share_few_buckets() {
    let params = TableParams::new([3; 32], 6).unwrap();
    let mut world = World::new(8);
    let count = crate::limits::SELECTORS_MAX + 10;
    let one = world.blind_all(&[input(1)]).remove(0);
    let targets: Vec<_> = (0..count)
        .map(|i| one.renamed(i.to_string().into_bytes()))
        .chain([one.clone(), one.clone()])
        .collect();
    let parts = requester::parts(&params, targets);
    let sizes: Vec<_> = parts.iter().map(Vec::len).collect();
    assert_eq!(sizes, [crate::limits::SELECTORS_MAX, 11]);
    let buckets = |part: &[requester::Target]| -> std::collections::BTreeSet<u32> {
        part.iter()
            .map(|target| params.bucket_of(target.input()))
            .collect()
    };
    assert!(buckets(&parts[0]).intersection(&buckets(&parts[1])).count() <= 1);
}

#[test]
fn large_labels_and_buckets_span_frames() {
    let mut world = World::new(9);
    let big = label(&[(1, 700_000), (2, 900_000)], &[]);
    let table: Table = [(input(1), big.clone()), (input(2), label(&[(3, 3)], &[]))].into();
    let custodian = Custodian::new(&mut world, "telecom_a", &table, 256);
    let targets = world.blind_all(&[input(2), input(1)]);
    let permit = world.permit(&targets);
    let context = custodian.context(&world, 0, 0);
    let (request, _) = world
        .session(&custodian, &context)
        .ask(targets.clone())
        .unwrap();
    let (frames, _) = custodian
        .answer(&mut world, &context, &request, &permit)
        .unwrap();
    assert!(frames.len() > 3);
    let opened = custodian
        .lookup(&mut world, &context, targets, &permit)
        .unwrap();
    assert_eq!(world::as_label(&opened.outcomes[1]), Some(big));
}
