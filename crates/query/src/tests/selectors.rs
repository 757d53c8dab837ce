//! Which selectors a step looks up.

use docket::plan::{Source, Step};
use primitives::semantic::Semantic;

use super::fixture::{Setting, question};
use crate::Selectors;

fn step(table: &str, sources: Vec<Source>) -> Step {
    Step {
        table: table.into(),
        key: "phone".into(),
        sources,
        hop: 1,
        min_amount_minor: None,
        columns: Vec::new(),
        derive: Vec::new(),
    }
}

#[test]
fn each_input_once_subjects_first_and_no_table_asked_twice() {
    let fixture = Setting::new(&[Semantic::Phone]);
    let mut plan = fixture.compile(&question("identify")).unwrap();
    plan.steps = vec![
        step("calls", vec![Source::Subjects(Semantic::Phone)]),
        step("calls", vec![Source::Step(0)]),
        step(
            "holders",
            vec![Source::Subjects(Semantic::Phone), Source::Step(1)],
        ),
    ];
    type Target = (&'static str, u8);
    let subjects: Vec<(Semantic, Target)> = vec![
        (Semantic::Phone, ("b", 1)),
        (Semantic::Phone, ("a", 2)),
        (Semantic::Phone, ("a", 3)),
        (Semantic::Account, ("c", 4)),
    ];
    let derived: Vec<(u16, Target)> = vec![
        (1, ("a", 5)),
        (1, ("d", 7)),
        (1, ("d", 6)),
        (2, ("a", 8)),
        (2, ("e", 9)),
    ];
    let selectors = Selectors {
        subjects: &subjects,
        derived: &derived,
        read: |(input, byte)| (input.as_bytes(), [*byte; 32]),
    };
    let of = |number| {
        selectors
            .of(&plan, number)
            .into_iter()
            .copied()
            .collect::<Vec<_>>()
    };
    assert_eq!(of(0), [("a", 2), ("b", 1)]);
    // Its subject was asked of the same tables; of two blinds the lesser.
    assert_eq!(of(1), [("d", 6)]);
    assert_eq!(of(2), [("a", 2), ("b", 1), ("e", 9)]);
    assert!(of(3).is_empty());
}
