//! From opened rows to the answer: what rows derive, which rows count, one order.
//!
//! A row counts for a step where a selector of its step looked it up, inside window and amount. Days are coarser
//! than the time rule, so a chain's rows are held against the exact rule once
//! more: a transfer of a step stays only where a transfer that stayed in the
//! step before came in at most `within_ms` earlier, and strictly earlier.
//! A row stands once in the answer, in the first step that found it, with
//! every origin that any step found.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use docket::{
    Plan,
    plan::{Answer, AnswerRow, AnswerTable, Cell, Origin, Source, Step},
};
use primitives::{
    Digest,
    semantic::{Period, Selector, Semantic},
};

use crate::{
    error::{QueryRefusal, Rule, ensure},
    shape::{KeyShape, Shape, key_shape, shape},
};

/// A row that the requester opened: the step that looked it up, where it comes
/// from, and its cells in the order of the step's columns.
pub type OpenedRow = (u8, Origin, Vec<Cell>);

/// Most days that one derived selector can cover; a plan's rule covers fewer.
const DAYS_MAX: usize = 32;

/// The selectors that a row derives for later steps, sorted and distinct.
///
/// Empty cells, and cells that are no value of their type, derive nothing.
#[must_use]
pub fn derive(step: &Step, row: &[Cell]) -> Vec<Selector> {
    let mut out = BTreeSet::new();
    for rule in &step.derive {
        let Some(Cell::Text(value)) = cell(step, row, &rule.column) else {
            continue;
        };
        let Ok(selector) = Selector::new(rule.semantic, value) else {
            continue;
        };
        let Some(days) = &rule.days else {
            out.insert(selector);
            continue;
        };
        let Some(Cell::Int(at)) = cell(step, row, &days.at_column) else {
            continue;
        };
        let last = i64::try_from(days.within_ms)
            .ok()
            .and_then(|within| Period::of_ms(at.checked_add(within)?));
        let (Some(first), Some(last)) = (Period::of_ms(*at), last) else {
            continue;
        };
        let every = std::iter::successors(Some(first), |day| day.next())
            .take_while(|day| *day <= last)
            .take(DAYS_MAX);
        out.extend(every.map(|day| selector.clone().on(Some(day))));
    }
    out.into_iter().collect()
}

/// Assembles the answer from the rows that were opened.
///
/// `seeds` are the warrant's subjects; `opened` is in any order, with repeats.
/// A selector need be looked up once: what one step opened counts for every
/// step over the same tables whose selectors find it.
///
/// # Errors
/// [`Rule::RowShape`] or [`Rule::RowUnasked`] where a custodian sent what was not
/// asked for (the detail names it), [`Rule::OverCap`] where rows outnumber the cap.
pub fn assemble(
    plan: &Plan,
    question: &Digest,
    seeds: &[Selector],
    opened: &[OpenedRow],
) -> Result<Answer, QueryRefusal> {
    for (place, origin, cells) in opened {
        let step = plan.steps.get(usize::from(*place));
        if step.is_none_or(|step| step.columns.len() != cells.len()) {
            let what = "sent a row of another shape";
            return Err(QueryRefusal::fault(
                Rule::RowShape,
                &origin.institution,
                what,
            ));
        }
    }
    let mut found: Vec<Found<'_>> = Vec::with_capacity(plan.steps.len());
    for (place, step) in plan.steps.iter().enumerate() {
        let asked = Asked::new(plan, step, seeds, &found)?;
        let exact = Exact::new(plan, step, &found);
        let mut here = Found::default();
        for row in opened {
            let (by, origin, cells) = row;
            let by = usize::from(*by);
            let same = plan
                .steps
                .get(by)
                .is_some_and(|other| other.table == step.table && other.columns == step.columns);
            if !same {
                continue;
            }
            let keys = asked.keys_of(cells);
            let wanted =
                asked.bounded(plan, cells) && keys.iter().any(|key| asked.selectors.contains(key));
            if !wanted && by == place {
                let what = "sent a row that nobody asked for";
                return Err(QueryRefusal::fault(
                    Rule::RowUnasked,
                    &origin.institution,
                    what,
                ));
            }
            if wanted {
                here.all.push(row);
            }
            if wanted && exact.admits(&asked, cells, &keys) {
                here.stay.push(row);
            }
        }
        found.push(here);
    }
    let answer = Answer {
        question: *question,
        template: plan.template.clone(),
        tables: tables(plan, &found),
        joint: None,
    };
    let cap = usize::try_from(plan.answer_cap).unwrap_or(usize::MAX);
    ensure(answer.rows() <= cap, Rule::OverCap, || {
        format!("{} rows where {cap} are allowed", answer.rows())
    })?;
    Ok(answer)
}

/// The rows that a step's selectors find, and those that its time rule keeps.
#[derive(Default)]
struct Found<'a> {
    all: Vec<&'a OpenedRow>,
    stay: Vec<&'a OpenedRow>,
}

fn cell<'a>(step: &Step, row: &'a [Cell], column: &str) -> Option<&'a Cell> {
    let place = step.columns.iter().position(|name| name == column)?;
    row.get(place)
}

/// What a step looked up.
struct Asked<'a> {
    step: &'a Step,
    table: &'static Shape,
    shape: &'static KeyShape,
    selectors: HashSet<Selector>,
}

impl<'a> Asked<'a> {
    fn new(
        plan: &'a Plan,
        step: &'a Step,
        seeds: &[Selector],
        found: &[Found<'_>],
    ) -> Result<Self, QueryRefusal> {
        let known = shape(&step.table).zip(key_shape(&step.table, &step.key));
        let (table, shape) = known.ok_or_else(|| {
            QueryRefusal::new(
                Rule::KeyMissing,
                format!("no table {} has a key {}", step.table, step.key),
            )
        })?;
        let mut selectors = HashSet::new();
        for source in &step.sources {
            match source {
                Source::Subjects(kind) => {
                    selectors.extend(seeds.iter().filter(|s| s.semantic() == *kind).cloned());
                }
                Source::Step(place) => {
                    let place = usize::from(*place);
                    if let (Some(from), Some(rows)) = (plan.steps.get(place), found.get(place)) {
                        let rows = rows.all.iter();
                        selectors.extend(rows.flat_map(|(_, _, cells)| derive(from, cells)));
                    }
                }
            }
        }
        Ok(Self {
            step,
            table,
            shape,
            selectors,
        })
    }

    /// Whether a row is inside the plan's window and the step's least amount.
    fn bounded(&self, plan: &Plan, cells: &[Cell]) -> bool {
        let window = plan.window.from_ms..plan.window.to_ms;
        let in_time = self.table.time.is_none_or(|column| {
            self.at(cells, column)
                .and_then(|at| u64::try_from(at).ok())
                .is_some_and(|at| window.contains(&at))
        });
        let enough = match (self.table.amount, self.step.min_amount_minor) {
            (Some(column), Some(least)) => self.at(cells, column).is_some_and(|a| a >= least),
            _ => true,
        };
        in_time && enough
    }

    /// A whole number of a row.
    fn at(&self, cells: &[Cell], column: &str) -> Option<i64> {
        match cell(self.step, cells, column) {
            Some(Cell::Int(at)) => Some(*at),
            _ => None,
        }
    }

    /// The selectors under which a row is found.
    fn keys_of(&self, cells: &[Cell]) -> Vec<Selector> {
        let day = match self.shape.at {
            None => None,
            Some(column) => match self.at(cells, column).and_then(Period::of_ms) {
                None => return Vec::new(),
                day => day,
            },
        };
        self.shape
            .columns
            .iter()
            .filter_map(|column| match cell(self.step, cells, column) {
                Some(Cell::Text(value)) => Selector::new(self.shape.semantic, value).ok(),
                _ => None,
            })
            .map(|selector| selector.on(day))
            .collect()
    }
}

/// The exact time rule of a step: the times at which each value came in, in
/// rows that stayed. Empty where the step has no such rule.
struct Exact {
    ruled: bool,
    within_ms: i64,
    arrivals: HashMap<(Semantic, String), Vec<i64>>,
}

impl Exact {
    fn new(plan: &Plan, step: &Step, found: &[Found<'_>]) -> Self {
        let mut exact = Self {
            ruled: false,
            within_ms: 0,
            arrivals: HashMap::new(),
        };
        for source in &step.sources {
            let Source::Step(place) = source else {
                continue;
            };
            let place = usize::from(*place);
            let (Some(from), Some(rows)) = (plan.steps.get(place), found.get(place)) else {
                continue;
            };
            for rule in &from.derive {
                let Some(days) = &rule.days else { continue };
                exact.ruled = true;
                exact.within_ms = i64::try_from(days.within_ms).unwrap_or(i64::MAX);
                for (_, _, cells) in &rows.stay {
                    let value = cell(from, cells, &rule.column);
                    let at = cell(from, cells, &days.at_column);
                    if let (Some(Cell::Text(value)), Some(Cell::Int(at))) = (value, at) {
                        let place = (rule.semantic, value.clone());
                        exact.arrivals.entry(place).or_default().push(*at);
                    }
                }
            }
        }
        for times in exact.arrivals.values_mut() {
            times.sort_unstable();
        }
        exact
    }

    fn admits(&self, asked: &Asked<'_>, cells: &[Cell], found: &[Selector]) -> bool {
        if !self.ruled {
            return true;
        }
        let Some(at) = asked.shape.at.and_then(|column| asked.at(cells, column)) else {
            return false;
        };
        found.iter().any(|key| {
            let place = (key.semantic(), key.value().to_owned());
            let times = self.arrivals.get(&place).map_or(&[][..], Vec::as_slice);
            // The latest arrival strictly before is the nearest.
            let before = times.partition_point(|time| *time < at);
            before
                .checked_sub(1)
                .is_some_and(|last| at.saturating_sub(times[last]) <= self.within_ms)
        })
    }
}

/// Rows once each, in the first step that found them, with every origin.
fn tables(plan: &Plan, found: &[Found<'_>]) -> Vec<AnswerTable> {
    type Row<'a> = (&'a str, &'a [String], &'a [Cell]);
    let mut first: BTreeMap<Row<'_>, (usize, BTreeSet<&Origin>)> = BTreeMap::new();
    for (place, (step, rows)) in plan.steps.iter().zip(found).enumerate() {
        for (_, origin, cells) in &rows.stay {
            first
                .entry((&step.table, &step.columns, cells))
                .or_insert_with(|| (place, BTreeSet::new()))
                .1
                .insert(origin);
        }
    }
    let mut tables: Vec<AnswerTable> = plan
        .steps
        .iter()
        .enumerate()
        .map(|(place, step)| AnswerTable {
            step: u8::try_from(place).unwrap_or(u8::MAX),
            table: step.table.clone(),
            columns: step.columns.clone(),
            rows: Vec::new(),
        })
        .collect();
    // The map is sorted by cells within a table and its columns.
    for ((_, _, cells), (place, origins)) in first {
        tables[place].rows.push(AnswerRow {
            cells: cells.to_vec(),
            origins: origins.into_iter().cloned().collect(),
        });
    }
    tables
}
