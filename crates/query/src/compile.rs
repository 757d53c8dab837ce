//! From question, warrant and catalogue to the plan, and back: a plan is right
//! if its own question compiles to it.

use std::collections::BTreeSet;

use docket::{
    Plan,
    body::Order,
    charter::CharterLimits,
    plan::{Leak, Parameters, PlanCustodian, PlanTable, Source, Step},
    statement::{Asked, Terms},
};
use primitives::{Digest, InstitutionId, TemplateId, WarrantId, semantic::Semantic};

use crate::{
    catalogue::{Catalogue, Table},
    error::{QueryRefusal, Rule, ensure},
    joint,
    shape::{ColumnShape, shape},
    template::{Template, template},
};

/// A question as an investigator asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The template.
    pub template: TemplateId,
    /// Its parameters.
    pub parameters: Parameters,
    /// The custodians to ask; `None`: all of the warrant's that hold a table
    /// which the template reads.
    pub custodians: Option<Vec<InstitutionId>>,
    /// Most rows in the answer; `None`: as many as warrant and charter allow.
    pub answer_cap: Option<u32>,
}

/// What allows a question: the warrant and the charter's limits.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The warrant's id.
    pub warrant: WarrantId,
    /// To whom it was issued.
    pub requester: &'a InstitutionId,
    /// Who issued it.
    pub authority: &'a InstitutionId,
    /// Its terms, as granted.
    pub terms: &'a Terms,
    /// Its order, as custodians are shown it.
    pub order: &'a Order,
    /// The charter's limits.
    pub limits: &'a CharterLimits,
}

/// Compiles a question into the plan that every party runs.
///
/// # Errors
/// The refusal, with the rule and, where it is about one, the column.
pub fn compile(
    question: &Question,
    grant: &Grant<'_>,
    catalogue: &Catalogue,
) -> Result<Plan, QueryRefusal> {
    let template = template(question.template.as_str()).ok_or_else(|| {
        QueryRefusal::new(
            Rule::TemplateUnknown,
            format!("there is no template {}", question.template),
        )
    })?;
    ensure(
        grant.terms.templates.contains(&question.template),
        Rule::TemplateNotGranted,
        || format!("the warrant does not allow {}", question.template),
    )?;
    let hops_max = grant.terms.hops.min(grant.limits.hops_max);
    let hops = template.hops(&question.parameters, hops_max)?;
    let cap_max = grant.terms.answer_cap.min(grant.limits.answer_cap_max);
    let answer_cap = question.answer_cap.unwrap_or(cap_max);
    ensure((1..=cap_max).contains(&answer_cap), Rule::CapBeyond, || {
        format!("{answer_cap} rows where 1 to {cap_max} are allowed")
    })?;
    let kinds = seeds(&template, grant)?;
    let asked = chosen(question, grant, catalogue)?;
    if let Some(program) = joint::program(template.id) {
        let bounds = (hops, answer_cap);
        return compile_joint(question, program, grant, (&asked, catalogue), bounds);
    }
    let tables = tables_of(&asked, catalogue)?;
    let mut steps = prune(template.steps(&question.parameters, hops), &kinds, &tables)?;
    let used: Vec<&Table> = tables
        .into_iter()
        .filter(|table| steps.iter().any(|step| step.table == table.table))
        .collect();
    no_idler(question, &asked, &used)?;
    for step in &mut steps {
        step.columns = columns(step, &used)?;
    }
    check_keys(&steps, &used, grant.limits)?;
    Ok(Plan {
        warrant: grant.warrant,
        template: question.template.clone(),
        parameters: question.parameters.clone(),
        requester: grant.requester.clone(),
        custodians: custodians(&steps, &used),
        window: grant.order.window,
        hops,
        answer_cap,
        bucket_keys: grant.limits.bucket_keys_min,
        selectors_max: grant.limits.derived_max,
        leaks: leaks(&steps),
        steps,
        joint: None,
        rooted: true,
    })
}

/// The plan of a joint question: its program, and the tables that it is computed over.
fn compile_joint(
    question: &Question,
    program: &joint::Program,
    grant: &Grant<'_>,
    (asked, catalogue): (&BTreeSet<InstitutionId>, &Catalogue),
    (hops, answer_cap): (u8, u32),
) -> Result<Plan, QueryRefusal> {
    let mut holders = asked.clone();
    holders.insert(grant.requester.clone());
    let tables = tables_of(&holders, catalogue)?;
    let compiled = joint::compile(program, &question.parameters, grant, &tables)?;
    // Rows and the three's parts must fit into one body.
    let fits = u32::try_from(compiled.rows_max()).unwrap_or(u32::MAX);
    let asked_for = question.answer_cap.unwrap_or(answer_cap.min(fits));
    ensure(asked_for <= fits, Rule::CapBeyond, || {
        format!("{asked_for} rows where a joint answer holds at most {fits}")
    })?;
    let inputs = &compiled.inputs;
    let read: BTreeSet<&Digest> = inputs.iter().flat_map(|i| &i.snapshots).collect();
    let used: Vec<&Table> = tables
        .into_iter()
        .filter(|table| table.institution != *grant.requester && read.contains(&table.snapshot))
        .collect();
    no_idler(question, asked, &used)?;
    Ok(Plan {
        warrant: grant.warrant,
        template: question.template.clone(),
        parameters: question.parameters.clone(),
        requester: grant.requester.clone(),
        custodians: custodians(&[], &used),
        window: grant.order.window,
        hops,
        answer_cap: asked_for,
        bucket_keys: grant.limits.bucket_keys_min,
        selectors_max: grant.limits.derived_max,
        leaks: vec![Leak::TableSize, Leak::Count],
        steps: Vec::new(),
        joint: Some(compiled),
        rooted: false,
    })
}

/// Refuses custodians that were named and have nothing to give.
fn no_idler(
    question: &Question,
    asked: &BTreeSet<InstitutionId>,
    used: &[&Table],
) -> Result<(), QueryRefusal> {
    if question.custodians.is_none() {
        return Ok(());
    }
    let idle = asked
        .iter()
        .find(|id| used.iter().all(|table| table.institution != **id));
    ensure(idle.is_none(), Rule::TableMissing, || {
        let name = idle.map(ToString::to_string).unwrap_or_default();
        format!("{name} has no table that {} reads", question.template)
    })
}

/// Checks a plan as a custodian: its own question, compiled again under the
/// warrant and this catalogue, must be the plan.
///
/// # Errors
/// The refusal that compiling gives; [`Rule::SnapshotStale`] where the plan reads
/// other snapshots than the catalogue's, [`Rule::PlanDiffers`] where it differs
/// otherwise.
pub fn check(plan: &Plan, grant: &Grant<'_>, catalogue: &Catalogue) -> Result<(), QueryRefusal> {
    let asked = plan.custodians.iter().map(|one| one.institution.clone());
    let question = Question {
        template: plan.template.clone(),
        parameters: plan.parameters.clone(),
        custodians: Some(asked.collect()),
        answer_cap: Some(plan.answer_cap),
    };
    let mut expected = compile(&question, grant, catalogue)?;
    let mut stale = None;
    for (mine, theirs) in expected.custodians.iter_mut().zip(&plan.custodians) {
        for (table, named) in mine.tables.iter_mut().zip(&theirs.tables) {
            if table.snapshot != named.snapshot {
                stale.get_or_insert_with(|| format!("{}.{}", mine.institution, table.dataset));
                table.snapshot = named.snapshot;
            }
        }
    }
    if let (Some(mine), Some(theirs)) = (&mut expected.joint, &plan.joint) {
        for (mine, theirs) in mine.inputs.iter_mut().zip(&theirs.inputs) {
            if mine.snapshots != theirs.snapshots {
                stale.get_or_insert_with(|| format!("{}.{}", mine.owner, mine.table));
                mine.snapshots.clone_from(&theirs.snapshots);
            }
        }
    }
    ensure(expected.rooted == plan.rooted, Rule::PlanDiffers, || {
        "another version's plan, whose rows a bundle could not show: ask again".into()
    })?;
    ensure(expected == *plan, Rule::PlanDiffers, || {
        "the plan is not what its question compiles to".into()
    })?;
    match stale {
        None => Ok(()),
        Some(table) => Err(QueryRefusal::at(
            Rule::SnapshotStale,
            table,
            "the plan reads another snapshot than the catalogue's",
        )),
    }
}

/// The custodians and snapshots of a plan, as the question's record names them.
#[must_use]
pub fn asked(plan: &Plan) -> Vec<Asked> {
    plan.custodians
        .iter()
        .map(|custodian| Asked {
            institution: custodian.institution.clone(),
            snapshots: custodian
                .tables
                .iter()
                .map(|table| table.snapshot)
                .collect(),
        })
        .collect()
}

/// The kinds of subjects on the order that the template can begin from.
fn seeds(template: &Template, grant: &Grant<'_>) -> Result<BTreeSet<Semantic>, QueryRefusal> {
    let blinded = &grant.order.blinded;
    ensure(
        u32::try_from(blinded.len()) == Ok(grant.terms.subjects)
            && blinded.windows(2).all(|pair| pair[0].point < pair[1].point),
        Rule::OrderMismatch,
        || "the order's subjects are not those that the warrant counts, sorted and distinct".into(),
    )?;
    let window = grant.order.window;
    ensure(window.from_ms < window.to_ms, Rule::OrderMismatch, || {
        "the order's window is empty".into()
    })?;
    let kinds: BTreeSet<Semantic> = blinded
        .iter()
        .map(|one| one.semantic)
        .filter(|semantic| template.subjects.contains(semantic))
        .collect();
    let seeded = !kinds.is_empty() || template.subjects.is_empty();
    ensure(seeded, Rule::Seedless, || {
        let wanted: Vec<&str> = template.subjects.iter().map(|kind| kind.name()).collect();
        format!(
            "{} begins from {}, and the warrant names none: a question without a seed",
            template.id,
            wanted.join(", ")
        )
    })?;
    Ok(kinds)
}

/// The tables of the custodians asked, in the plan's order.
fn tables_of<'a>(
    asked: &BTreeSet<InstitutionId>,
    catalogue: &'a Catalogue,
) -> Result<Vec<&'a Table>, QueryRefusal> {
    let mut tables: Vec<&Table> = catalogue
        .tables
        .iter()
        .filter(|table| asked.contains(&table.institution))
        .collect();
    let name = |table: &Table| format!("{}.{}", table.institution, table.dataset);
    tables.sort_by(|a, b| {
        (&a.institution, &a.table, &a.dataset).cmp(&(&b.institution, &b.table, &b.dataset))
    });
    for pair in tables.windows(2) {
        let twice =
            (&pair[0].institution, &pair[0].dataset) == (&pair[1].institution, &pair[1].dataset);
        ensure(!twice, Rule::SnapshotStale, || {
            format!("two snapshots of {} in one plan", name(pair[0]))
        })?;
    }
    Ok(tables)
}

fn chosen(
    question: &Question,
    grant: &Grant<'_>,
    catalogue: &Catalogue,
) -> Result<BTreeSet<InstitutionId>, QueryRefusal> {
    let Some(named) = &question.custodians else {
        let holds = |id: &&InstitutionId| catalogue.tables.iter().any(|t| t.institution == **id);
        return Ok(grant
            .terms
            .custodians
            .iter()
            .filter(holds)
            .cloned()
            .collect());
    };
    for id in named {
        ensure(
            grant.terms.custodians.contains(id),
            Rule::CustodianNotNamed,
            || format!("the warrant does not name {id}"),
        )?;
    }
    ensure(!named.is_empty(), Rule::CustodianNotNamed, || {
        "the question names no custodian".into()
    })?;
    Ok(named.iter().cloned().collect())
}

/// Leaves out the steps that nothing leads to or that nobody holds a table for,
/// and numbers the rest anew.
fn prune(
    steps: Vec<Step>,
    kinds: &BTreeSet<Semantic>,
    tables: &[&Table],
) -> Result<Vec<Step>, QueryRefusal> {
    let mut places: Vec<Option<u8>> = Vec::with_capacity(steps.len());
    let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
    let mut missing: Option<String> = None;
    for mut step in steps {
        step.sources = step
            .sources
            .iter()
            .filter_map(|source| match source {
                Source::Subjects(kind) => kinds.contains(kind).then(|| source.clone()),
                Source::Step(place) => places
                    .get(usize::from(*place))
                    .copied()
                    .flatten()
                    .map(Source::Step),
            })
            .collect();
        let held = tables.iter().any(|table| table.table == step.table);
        if step.sources.is_empty() || !held {
            if !step.sources.is_empty() {
                missing.get_or_insert(step.table);
            }
            places.push(None);
            continue;
        }
        places.push(u8::try_from(kept.len()).ok());
        kept.push(step);
    }
    if kept.is_empty() {
        return Err(QueryRefusal::new(
            Rule::TableMissing,
            format!(
                "no custodian asked has a table `{}`",
                missing.unwrap_or_default()
            ),
        ));
    }
    // What no later step takes up need not be derived.
    for place in 0..kept.len() {
        let taken = kept
            .iter()
            .flat_map(|step| &step.sources)
            .any(|source| matches!(source, Source::Step(s) if usize::from(*s) == place));
        if !taken {
            kept[place].derive.clear();
        }
    }
    Ok(kept)
}

/// The columns that a step opens: the needed ones, which must be open in every
/// table, and the optional ones that are.
fn columns(step: &Step, used: &[&Table]) -> Result<Vec<String>, QueryRefusal> {
    let Some(shape) = shape(&step.table) else {
        return Err(QueryRefusal::new(
            Rule::TableMissing,
            format!("no table is of the kind `{}`", step.table),
        ));
    };
    let tables = || used.iter().filter(|table| table.table == step.table);
    let mut opened = Vec::new();
    for needed in shape.needed {
        for table in tables() {
            check_column(table, needed)?;
        }
        opened.push(needed.0.to_owned());
    }
    for optional in shape.optional {
        if tables().all(|table| check_column(table, optional).is_ok()) {
            opened.push(optional.0.to_owned());
        }
    }
    Ok(opened)
}

fn check_column(table: &Table, wanted: &ColumnShape) -> Result<(), QueryRefusal> {
    let (name, semantic) = wanted;
    let place = || format!("{}.{}.{name}", table.institution, table.dataset);
    let refuse = |rule, what: &str| Err(QueryRefusal::at(rule, place(), what));
    let Some(column) = table.column(name) else {
        return refuse(Rule::ColumnMissing, "the table has no such column");
    };
    if column.semantic != semantic.name() {
        let what = format!("it is {}, not {semantic}", column.semantic);
        return refuse(Rule::ColumnMeaning, &what);
    }
    if column.disclosure != "open" {
        let what = format!("its disclosure is {}, not open", column.disclosure);
        return refuse(Rule::ColumnClosed, &what);
    }
    Ok(())
}

fn check_keys(steps: &[Step], used: &[&Table], limits: &CharterLimits) -> Result<(), QueryRefusal> {
    for step in steps {
        for table in used.iter().filter(|table| table.table == step.table) {
            let place = || format!("{}.{}.{}", table.institution, table.dataset, step.key);
            let Some(key) = table.key(&step.key) else {
                let what = "the table has no such lookup key";
                return Err(QueryRefusal::at(Rule::KeyMissing, place(), what));
            };
            let bits = u32::from(key.bucket_bits);
            let least = u64::from(limits.bucket_keys_min);
            // One bucket is the whole table, and nothing can hide better.
            if bits > 0 && key.distinct.checked_shr(bits).unwrap_or(0) < least {
                let what = format!("its buckets hold fewer than {least} keys");
                return Err(QueryRefusal::at(Rule::BucketTooSmall, place(), &what));
            }
        }
    }
    Ok(())
}

fn custodians(steps: &[Step], used: &[&Table]) -> Vec<PlanCustodian> {
    let mut out: Vec<PlanCustodian> = Vec::new();
    for table in used {
        let keys: BTreeSet<&String> = steps
            .iter()
            .filter(|step| step.table == table.table)
            .map(|step| &step.key)
            .collect();
        let entry = PlanTable {
            table: table.table.clone(),
            dataset: table.dataset.clone(),
            snapshot: table.snapshot,
            keys: keys.into_iter().cloned().collect(),
        };
        match out.last_mut() {
            Some(last) if last.institution == table.institution => last.tables.push(entry),
            _ => out.push(PlanCustodian {
                institution: table.institution.clone(),
                tables: vec![entry],
            }),
        }
    }
    out
}

fn leaks(steps: &[Step]) -> Vec<Leak> {
    let chained = steps
        .iter()
        .flat_map(|step| &step.sources)
        .any(|source| matches!(source, Source::Step(_)));
    let daily = steps
        .iter()
        .flat_map(|step| &step.derive)
        .any(|derive| derive.days.is_some());
    let mut leaks = vec![Leak::SelectorCount, Leak::Buckets, Leak::BucketSize];
    leaks.extend(chained.then_some(Leak::VoucherCount));
    leaks.extend(daily.then_some(Leak::DayGranularity));
    leaks
}
