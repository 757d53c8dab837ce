//! Each refusal and each fault, by the villain that earns it.

use std::sync::Arc;

use curve25519_dalek::ristretto::CompressedRistretto;
use primitives::{Digest, InstitutionId, Signature, SigningKey};

use super::{
    input, label,
    world::{Custodian, World},
};
use crate::{
    Element, Error, Fault, PlanKey, Refusal, TableKey,
    limits::{REQUEST_BYTES_MAX, SELECTORS_MAX},
    lookup::{
        Context, Label, Permit, Scope, Voucher,
        cells::{CELL_BYTES, CellKeys, TAG_BYTES, answer_digest, fill_bucket},
        context::{Sender, TableParams, Transcript},
        custodian::{Pull, Run, Session as Answering},
        ideal::Table,
        messages::{self, BUCKET_HEADER_BYTES, Evaluated, Frame, Request, Selector},
        requester::{Opened, Receiver, Target},
        tree,
    },
    oprf,
};

const NOT_CANONICAL: [u8; 32] = [0xff; 32];

/// A table of twenty subscribers, each with a row and a derived selector.
fn table() -> Table {
    (0..20)
        .map(|i| (input(i), label(&[(i, 40)], &[i + 20])))
        .collect()
}

struct Scene {
    world: World,
    custodian: Custodian,
    context: Context,
    targets: Vec<Target>,
    permit: Permit,
}

/// A custodian, and a warrant for three of its subscribers.
fn scene() -> Scene {
    let mut world = World::new(11);
    let custodian = Custodian::new(&mut world, "telecom_a", &table(), 4);
    let targets = world.blind_all(&[input(1), input(2), input(3)]);
    let permit = world.permit(&targets);
    let context = custodian.context(&world, 0, 0);
    Scene {
        world,
        custodian,
        context,
        targets,
        permit,
    }
}

impl Scene {
    fn ask(&self) -> (Vec<u8>, Receiver) {
        let session = self.world.session(&self.custodian, &self.context);
        session.ask(self.targets.clone()).unwrap()
    }

    fn answer(&mut self, request: &[u8]) -> Result<(Vec<Vec<u8>>, Digest), Error> {
        self.custodian
            .answer(&mut self.world, &self.context, request, &self.permit)
    }

    /// A chain's second step, at `bank_a`.
    fn next(mut self, targets: Vec<Target>) -> Self {
        let bank = Custodian::new(&mut self.world, "bank_a", &table(), 4);
        Self {
            permit: self.world.permit_vouched(&[&self.custodian], &[0]),
            context: bank.context(&self.world, 1, 0),
            custodian: bank,
            targets,
            world: self.world,
        }
    }

    /// The refusal of a request that a villain changed.
    fn refusal(&mut self, change: impl FnOnce(&mut Request)) -> Refusal {
        let (bytes, _) = self.ask();
        let mut request = Request::decode(&bytes).unwrap().into_inner();
        change(&mut request);
        request.selectors.sort_by_key(|selector| selector.element);
        let error = self.answer(&request.encode()).unwrap_err();
        error.refusal().unwrap_or_else(|| panic!("{error}"))
    }

    /// What the requester makes of frames that a villain changed.
    fn outcome(&mut self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<Opened, Error> {
        let (request, mut receiver) = self.ask();
        let (mut frames, _) = self.answer(&request).unwrap();
        change(&mut frames);
        feed(&mut receiver, frames)?;
        receiver.finish()
    }

    fn fault(&mut self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (Fault, Vec<u8>) {
        let error = self.outcome(change).err().unwrap();
        match error.kind() {
            crate::ErrorKind::Fault { fault, evidence } => (*fault, evidence.clone()),
            other => panic!("{other:?}"),
        }
    }
}

fn feed(receiver: &mut Receiver, frames: Vec<Vec<u8>>) -> Result<(), Error> {
    frames
        .into_iter()
        .try_for_each(|frame| receiver.on_frame(frame).map(drop))
}

fn position(frames: &[Vec<u8>], wanted: impl Fn(&Frame) -> bool) -> usize {
    frames
        .iter()
        .position(|frame| wanted(&Frame::decode(frame).unwrap().into_inner()))
        .unwrap()
}

fn evaluated(frames: &[Vec<u8>]) -> (usize, Evaluated) {
    let at = position(frames, |frame| matches!(frame, Frame::Evaluated(_)));
    match Frame::decode(&frames[at]).unwrap().into_inner() {
        Frame::Evaluated(evaluated) => (at, evaluated),
        other => panic!("{other:?}"),
    }
}

fn first_bucket(frames: &[Vec<u8>]) -> usize {
    position(frames, |frame| matches!(frame, Frame::Bucket(_)))
}

#[test]
fn honest_parties_finish() {
    let opened = scene().outcome(|_| ()).unwrap();
    assert!(
        opened
            .outcomes
            .iter()
            .all(|outcome| outcome.found.is_some())
    );
}

// Malicious custodians.

#[test]
fn another_key_is_a_fault_with_the_frame_as_evidence() {
    let mut scene = scene();
    let key = oprf::TableKey::draw(&mut scene.world.rng);
    let (request, _) = scene.ask();
    let blinded: Vec<Element> = Request::decode(&request)
        .unwrap()
        .into_inner()
        .selectors
        .iter()
        .map(|selector| Element::from_bytes(&selector.element).unwrap())
        .collect();
    let elements: Vec<[u8; 32]> = blinded
        .iter()
        .map(|element| (element.point() * key.0.expose()).compress().to_bytes())
        .collect();
    for public in [key.public(), scene.custodian.run.commitment()] {
        let proof = oprf::prove(&key.0, &public, &blinded, &elements, &mut scene.world.rng);
        let lie = messages::encode_evaluated(&Evaluated {
            first: 0,
            elements: elements.clone(),
            proof,
        });
        let (fault, evidence) = scene.fault(|frames| {
            let (at, _) = evaluated(frames);
            frames[at] = lie.clone();
        });
        assert_eq!((fault, evidence), (Fault::ProofInvalid, lie));
    }
}

#[test]
fn altered_elements_and_proofs_are_faults() {
    let alter = |change: &dyn Fn(&mut Evaluated)| {
        scene()
            .fault(|frames| {
                let (at, mut evaluated) = evaluated(frames);
                change(&mut evaluated);
                frames[at] = messages::encode_evaluated(&evaluated);
            })
            .0
    };
    assert_eq!(alter(&|e| e.elements.swap(0, 1)), Fault::ProofInvalid);
    assert_eq!(
        alter(&|e| e.elements[0] = e.elements[1]),
        Fault::ProofInvalid
    );
    assert_eq!(
        alter(&|e| e.elements[0] = NOT_CANONICAL),
        Fault::NotCanonical
    );
    assert_eq!(alter(&|e| e.elements[0] = [0; 32]), Fault::Identity);
    assert_eq!(alter(&|e| e.proof[5] ^= 1), Fault::ProofInvalid);
    assert_eq!(alter(&|e| e.proof[63] |= 0xf0), Fault::ProofInvalid);
    assert_eq!(alter(&|e| e.first = 1), Fault::OutOfOrder);
    assert_eq!(alter(&|e| e.elements.truncate(2)), Fault::OutOfOrder);
    assert_eq!(alter(&|e| e.elements.push([7; 32])), Fault::OutOfOrder);
}

#[test]
fn altered_cells_are_faults() {
    let (fault, evidence) = scene().fault(|frames| {
        for frame in frames.iter_mut() {
            let Frame::Bucket(head) = Frame::decode(frame).unwrap().into_inner() else {
                continue;
            };
            for index in 0..head.count {
                frame[BUCKET_HEADER_BYTES + index * CELL_BYTES + TAG_BYTES] ^= 1;
            }
        }
    });
    assert_eq!((fault, evidence.len()), (Fault::CellAltered, CELL_BYTES));
}

#[test]
fn unsorted_repeated_or_short_buckets_are_faults() {
    let alter = |change: &dyn Fn(&mut Vec<u8>)| {
        scene()
            .fault(|frames| {
                let at = first_bucket(frames);
                change(&mut frames[at]);
            })
            .0
    };
    let start = BUCKET_HEADER_BYTES;
    assert_eq!(
        alter(&|frame| frame[start..start + 2 * CELL_BYTES].rotate_left(CELL_BYTES)),
        Fault::BucketMalformed
    );
    assert_eq!(
        alter(&|frame| frame.copy_within(start..start + CELL_BYTES, start + CELL_BYTES)),
        Fault::BucketMalformed
    );
    // The last cell cut off, the head left as it was or made to fit.
    assert_eq!(
        alter(&|frame| frame.truncate(frame.len() - CELL_BYTES)),
        Fault::Malformed
    );
    assert_eq!(
        alter(&|frame| {
            let cells = frame[start..frame.len() - CELL_BYTES].to_vec();
            let bucket = u32::from_be_bytes(frame[2..6].try_into().unwrap());
            *frame = messages::encode_bucket(bucket, &cells).next().unwrap();
            // Seventeen cells are no size class.
            assert_eq!(frame[9], 15);
        }),
        Fault::BucketMalformed
    );
}

#[test]
fn frames_left_out_repeated_or_after_the_end_are_faults() {
    let mut scene = scene();
    let fault = |scene: &mut Scene, change: &dyn Fn(&mut Vec<Vec<u8>>)| scene.fault(change).0;
    assert_eq!(fault(&mut scene, &|f| drop(f.pop())), Fault::Truncated);
    assert_eq!(fault(&mut scene, &|f| f.clear()), Fault::Truncated);
    assert_eq!(fault(&mut scene, &|f| drop(f.remove(0))), Fault::OutOfOrder);
    assert_eq!(fault(&mut scene, &|f| drop(f.remove(1))), Fault::OutOfOrder);
    assert_eq!(
        fault(&mut scene, &|f| drop(f.remove(first_bucket(f)))),
        Fault::OutOfOrder
    );
    assert_eq!(
        fault(&mut scene, &|f| f.insert(0, f[0].clone())),
        Fault::OutOfOrder
    );
    assert_eq!(
        fault(&mut scene, &|f| f.insert(1, f[1].clone())),
        Fault::OutOfOrder
    );
    assert_eq!(
        fault(&mut scene, &|f| f.push(f[0].clone())),
        Fault::OutOfOrder
    );
    assert_eq!(fault(&mut scene, &|f| f[0].push(0)), Fault::Malformed);
    assert_eq!(
        fault(&mut scene, &|f| f[0] = messages::encode_begin(&[5; 32])),
        Fault::TranscriptMismatch
    );
}

#[test]
fn an_answer_of_another_context_is_a_fault() {
    let mut scene = scene();
    let (request, _) = scene.ask();
    let (frames, _) = scene.answer(&request).unwrap();
    // Another run has another key; another part only another context.
    let other_run = scene.custodian.reopened(&mut scene.world, "run 2");
    let other_part = Context {
        part: 1,
        ..scene.context.clone()
    };
    for (context, expected) in [
        (other_run.context(&scene.world, 0, 0), Fault::ProofInvalid),
        (other_part, Fault::TranscriptMismatch),
    ] {
        let session = scene.world.session(&scene.custodian, &context);
        let (_, mut receiver) = session.ask(scene.targets.clone()).unwrap();
        let error = feed(&mut receiver, frames.clone()).unwrap_err();
        assert_eq!(error.fault(), Some(expected));
    }
}

/// A custodian that seals what it likes for the first target and ends properly.
fn forged(scene: &mut Scene, plaintext: &[u8]) -> Fault {
    scene.targets.truncate(1);
    let (request, mut receiver) = scene.ask();
    let (mut frames, _) = scene.answer(&request).unwrap();
    let Frame::Begin(salt) = Frame::decode(&frames[0]).unwrap().into_inner() else {
        panic!("no beginning");
    };
    let target = &scene.targets[0];
    let key = scene
        .custodian
        .plan_key
        .0
        .times(&scene.custodian.table_key.0);
    let element = (oprf::SUITE.hash_to_group(target.input()) * key.expose()).compress();
    let output = oprf::finalize(target.input(), element.as_bytes());
    let keys = CellKeys::new(&answer_digest(&scene.context.digest(), &salt), &output);
    let bucket = scene.context.table.bucket_of(target.input());
    let mut rng = chacha20::rand_core::SeedableRng::seed_from_u64(1);
    let cells = fill_bucket(&[keys.seal(bucket, plaintext).unwrap()], &mut rng).unwrap();
    frames.truncate(2);
    frames.extend(messages::encode_bucket(bucket, &cells));
    let mut transcript = Transcript::new(&scene.context.digest(), true);
    transcript.absorb(Sender::Requester, &request);
    for frame in &frames[..2] {
        transcript.absorb(Sender::Custodian, frame);
    }
    let leaves: Vec<_> = tree::leaves(&cells).collect();
    let root = messages::encode_root(bucket, leaves.len(), &tree::root(&leaves));
    transcript.absorb(Sender::Custodian, &root);
    frames.push(messages::encode_end(transcript.digest().as_bytes()));
    let error = match feed(&mut receiver, frames) {
        Err(error) => error,
        Ok(()) => receiver.finish().err().unwrap(),
    };
    error.fault().unwrap()
}

#[test]
fn malformed_labels_are_faults() {
    let row = |bytes: &[u8]| [&[0, 0, 0, 1][..], &[0, 0, 0, 1], bytes].concat();
    for body in [
        vec![],
        vec![9; 12],
        row(b"xy"),
        [row(b"x"), vec![0; 5]].concat(),
    ] {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        assert_eq!(
            forged(&mut scene(), &[&length[..], &body].concat()),
            Fault::LabelMalformed
        );
    }
    // A length without end, and bytes after the stated length.
    assert_eq!(forged(&mut scene(), &[0xff; 4]), Fault::LabelMalformed);
    assert_eq!(
        forged(&mut scene(), &[&[0, 0, 0, 8][..], &[0; 8], &[1]].concat()),
        Fault::LabelMalformed
    );
    // A length that asks for a cell that is not there.
    assert_eq!(forged(&mut scene(), &[0, 0, 4, 0]), Fault::CellAltered);
}

#[test]
fn a_label_whose_derived_selector_is_unsigned_or_unblinded_is_a_fault() {
    let label = |blind: [u8; 32]| {
        let derived = [
            &[0, 0, 0, 0][..],
            &[0, 0, 0, 1],
            &[0, 1, 0, 1],
            b"y",
            &blind,
            &[0; 64],
        ];
        let body = derived.concat();
        [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
    };
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(forged(&mut scene(), &label(one)), Fault::VoucherInvalid);
    assert_eq!(forged(&mut scene(), &label([0; 32])), Fault::VoucherInvalid);
    assert_eq!(
        forged(&mut scene(), &label([0xff; 32])),
        Fault::VoucherInvalid
    );
    // Signed, but by a key that is not the custodian's.
    let mut scene = scene();
    let imposter = SigningKey::from_seed(&[9; 32]);
    let custodian = &mut scene.custodian;
    let run = Run::open(
        custodian.scope,
        custodian.name.clone(),
        &custodian.table_key,
        &custodian.plan_key,
        imposter,
    );
    custodian.run = Arc::new(run);
    assert_eq!(scene.fault(|_| ()).0, Fault::VoucherInvalid);
}

// Malicious requesters.

#[test]
fn a_subject_added_by_one_is_refused() {
    let mut scene = scene();
    let extra = scene.world.blind_all(&[input(4)]).remove(0);
    let selector = Selector {
        element: extra.element(),
        voucher: None,
    };
    let refusal = scene.refusal(|request| request.selectors.push(selector));
    assert_eq!(refusal, Refusal::SelectorNotPermitted);
    assert_eq!(
        scene.custodian.run.spent(0),
        0,
        "a refused request spends nothing"
    );
}

#[test]
fn more_selectors_or_buckets_than_permitted_are_refused() {
    let mut scene = scene();
    let beyond = scene.context.table.buckets();
    assert_eq!(
        scene.refusal(|r| r.buckets.push(beyond)),
        Refusal::TooManyBuckets
    );
    assert_eq!(
        scene.refusal(|r| {
            r.selectors.truncate(1);
            r.buckets = vec![0, 1];
        }),
        Refusal::TooManyBuckets
    );
    assert_eq!(
        scene.refusal(|r| {
            r.selectors.clear();
            r.buckets = vec![0];
        }),
        Refusal::TooManyBuckets
    );
    scene.permit.buckets_max = 0;
    assert_eq!(scene.refusal(|_| ()), Refusal::TooManyBuckets);
    scene.permit.selectors_max = 2;
    assert_eq!(scene.refusal(|_| ()), Refusal::TooManySelectors);
    let one = scene.targets[0].clone();
    let many = (0..=SELECTORS_MAX)
        .map(|i| one.renamed(i.to_string().into_bytes()))
        .collect();
    let error = scene
        .world
        .session(&scene.custodian, &scene.context)
        .ask(many)
        .err()
        .unwrap();
    assert_eq!(error.refusal(), Some(Refusal::TooManySelectors));
    let twice = vec![one.clone(), one];
    let error = scene
        .world
        .session(&scene.custodian, &scene.context)
        .ask(twice)
        .err()
        .unwrap();
    assert_eq!(error.refusal(), Some(Refusal::InputRepeated));
}

#[test]
fn a_request_of_another_warrant_plan_run_step_or_party_is_refused() {
    let mut scene = scene();
    let other = Digest::of("test", &[b"other"]);
    let scope = scene.context.scope;
    let base = scene.context.clone();
    let contexts = [
        Context {
            scope: Scope {
                network: primitives::NetworkId(other),
                ..scope
            },
            ..base.clone()
        },
        Context {
            scope: Scope {
                warrant: other,
                ..scope
            },
            ..base.clone()
        },
        Context {
            scope: Scope {
                plan: other,
                ..scope
            },
            ..base.clone()
        },
        Context {
            scope: Scope {
                run: other,
                ..scope
            },
            ..base.clone()
        },
        Context {
            step: 1,
            ..base.clone()
        },
        Context {
            part: 1,
            ..base.clone()
        },
        Context {
            requester: InstitutionId::new("bank_a").unwrap(),
            ..base.clone()
        },
        Context {
            custodian: InstitutionId::new("bank_a").unwrap(),
            ..base.clone()
        },
        Context {
            snapshot: other,
            ..base.clone()
        },
        Context {
            table: TableParams::new([7; 32], 0).unwrap(),
            ..base.clone()
        },
        Context {
            table: TableParams::new([8; 32], base.table.bucket_bits()).unwrap(),
            ..base.clone()
        },
        Context {
            plan_key: scene.custodian.table_key.public(),
            ..base
        },
    ];
    for context in contexts {
        let session = scene.world.session(&scene.custodian, &context);
        let (request, _) = session.ask(scene.targets.clone()).unwrap();
        let error = scene.answer(&request).unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::ContextMismatch));
    }
}

#[test]
fn a_custodian_refuses_a_context_that_is_not_its_own() {
    let mut scene = scene();
    let other = scene.custodian.reopened(&mut scene.world, "run 2");
    let stranger = Custodian::new(&mut scene.world, "telecom_b", &table(), 4);
    for (context, run, table) in [
        (
            other.context(&scene.world, 0, 0),
            &scene.custodian.run,
            &scene.custodian.prepared,
        ),
        (scene.context.clone(), &other.run, &scene.custodian.prepared),
        (
            scene.context.clone(),
            &stranger.run,
            &scene.custodian.prepared,
        ),
        (
            scene.context.clone(),
            &scene.custodian.run,
            &stranger.prepared,
        ),
    ] {
        let session = Answering::new(context, Arc::clone(run), Arc::clone(table));
        assert_eq!(
            session.err().unwrap().refusal(),
            Some(Refusal::ContextMismatch)
        );
    }
}

#[test]
fn malformed_elements_in_a_request_are_faults() {
    for (bytes, expected) in [
        ([0; 32], Fault::Identity),
        (NOT_CANONICAL, Fault::NotCanonical),
    ] {
        let mut scene = scene();
        // Even one that the warrant's list holds.
        scene.permit.seeds.insert(bytes);
        let (request, _) = scene.ask();
        let mut request = Request::decode(&request).unwrap().into_inner();
        request.selectors.push(Selector {
            element: bytes,
            voucher: None,
        });
        request.selectors.sort_by_key(|selector| selector.element);
        let error = scene.answer(&request.encode()).unwrap_err();
        assert_eq!(error.fault(), Some(expected));
        assert_eq!(scene.custodian.run.spent(0), 0);
    }
}

#[test]
fn malformed_and_oversize_requests_are_faults() {
    let mut scene = scene();
    for bytes in [vec![], vec![1, 1], vec![0; REQUEST_BYTES_MAX + 1]] {
        let error = scene.answer(&bytes).unwrap_err();
        assert_eq!(error.fault(), Some(Fault::Malformed));
    }
    let (request, _) = scene.ask();
    for at in 0..request.len() {
        let mut altered = request.clone();
        altered[at] ^= 0x10;
        assert!(scene.answer(&altered).is_err(), "byte {at}");
    }
}

#[test]
fn a_selector_is_evaluated_once_a_run_and_step() {
    let mut scene = scene();
    scene.outcome(|_| ()).unwrap();
    scene.context.part = 1;
    assert_eq!(scene.refusal(|_| ()), Refusal::SelectorSpent);
    scene.context.part = 0;
    let fewer = scene.refusal(|request| {
        request.selectors.truncate(1);
        request.buckets.truncate(1);
    });
    assert_eq!(fewer, Refusal::SelectorSpent);
    assert_eq!(scene.custodian.run.spent(0), 3);
    scene.outcome(|_| ()).unwrap();
}

/// A chain's second step: a derived selector of `telecom_a`, asked of `bank_a`.
fn second_step(change: impl FnOnce(&mut Voucher, &mut Scene)) -> Result<(), Error> {
    let mut first = scene();
    let opened = first.outcome(|_| ()).unwrap();
    let derived = opened.outcomes[0]
        .found
        .clone()
        .unwrap()
        .derived
        .remove(0)
        .into_target();
    let mut scene = first.next(vec![derived]);
    let (bytes, _) = scene.ask();
    let mut request = Request::decode(&bytes).unwrap().into_inner();
    let mut voucher = request.selectors[0].voucher.clone().unwrap();
    change(&mut voucher, &mut scene);
    request.context = *scene.context.digest().as_bytes();
    request.selectors[0].voucher = Some(voucher);
    scene.answer(&request.encode()).map(drop)
}

/// A peer whose key has changed within a run signs anew what it vouched for.
#[test]
fn a_selector_that_is_vouched_for_anew_may_be_asked_for_again() {
    let mut first = scene();
    let mut derived = Vec::new();
    for signer in [
        first.custodian.signer.clone(),
        SigningKey::from_seed(&[9; 32]),
    ] {
        let custodian = &mut first.custodian;
        custodian.run = Arc::new(Run::open(
            custodian.scope,
            custodian.name.clone(),
            &custodian.table_key,
            &custodian.plan_key,
            signer.clone(),
        ));
        custodian.signer = signer;
        let opened = first.outcome(|_| ()).unwrap();
        let found = opened.outcomes[0].found.clone().unwrap();
        derived.push((
            found.derived[0].clone().into_target(),
            first.custodian.signer.public(),
        ));
    }
    assert_eq!(derived[0].0.element(), derived[1].0.element());
    let issuer = first.custodian.name.clone();
    let mut scene = first.next(Vec::new());
    let mut requests = Vec::new();
    for (target, key) in derived {
        scene.permit.issuers.insert(issuer.clone(), key);
        scene.targets = vec![target];
        let (request, _) = scene.ask();
        scene.answer(&request).unwrap();
        requests.push(request);
    }
    assert_ne!(requests[0], requests[1]);
    assert_eq!(scene.custodian.run.spent(1), 1);
}

#[test]
fn vouchers_open_the_step_that_they_were_made_for() {
    second_step(|_, _| ()).unwrap();
}

#[test]
fn vouchers_of_another_step_run_plan_or_warrant_are_refused() {
    let refused = |result: Result<(), Error>| result.unwrap_err().refusal().unwrap();
    let step = second_step(|_, scene| scene.context.step = 2);
    assert_eq!(refused(step), Refusal::VoucherInvalid);
    let from = second_step(|voucher, _| voucher.from_step = 1);
    assert_eq!(refused(from), Refusal::VoucherInvalid);
    let lied = second_step(|voucher, scene| {
        voucher.from_step = 1;
        scene.permit.from_steps.insert(1);
    });
    assert_eq!(refused(lied), Refusal::VoucherInvalid);
    let other = Digest::of("test", &[b"other"]);
    let changes: [fn(&mut Scope, Digest); 4] = [
        |scope, other| scope.run = other,
        |scope, other| scope.plan = other,
        |scope, other| scope.warrant = other,
        |scope, other| scope.network = primitives::NetworkId(other),
    ];
    for change in changes {
        let result = second_step(|_, scene| {
            let mut scope = scene.custodian.scope;
            change(&mut scope, other);
            scene.custodian = scene.custodian.rescoped(&mut scene.world, scope);
            scene.context = scene.custodian.context(&scene.world, 1, 0);
        });
        assert_eq!(refused(result), Refusal::VoucherInvalid);
    }
}

#[test]
fn vouchers_that_no_permitted_custodian_signed_are_refused() {
    let refused = |result: Result<(), Error>| result.unwrap_err().refusal().unwrap();
    let stranger = second_step(|voucher, _| {
        voucher.issuer = InstitutionId::new("telecom_z").unwrap();
    });
    assert_eq!(refused(stranger), Refusal::IssuerUnknown);
    let unsigned = second_step(|voucher, _| voucher.signature = Signature([0; 64]));
    assert_eq!(refused(unsigned), Refusal::VoucherInvalid);
    let altered = second_step(|voucher, _| voucher.signature.0[40] ^= 1);
    assert_eq!(refused(altered), Refusal::VoucherInvalid);
    let other_key = second_step(|voucher, scene| {
        let key = SigningKey::from_seed(&[1; 32]).public();
        scene.permit.issuers.insert(voucher.issuer.clone(), key);
    });
    assert_eq!(refused(other_key), Refusal::VoucherInvalid);
    // Another member's name over the same signature.
    let renamed = second_step(|voucher, scene| {
        let key = scene.permit.issuers[&voucher.issuer];
        voucher.issuer = InstitutionId::new("bank_b").unwrap();
        scene.permit.issuers.insert(voucher.issuer.clone(), key);
    });
    assert_eq!(refused(renamed), Refusal::VoucherInvalid);
}

#[test]
fn a_derived_selector_typed_in_by_the_requester_is_refused() {
    let mut scene = scene();
    scene.permit = scene.world.permit_vouched(&[&scene.custodian], &[0]);
    assert_eq!(scene.refusal(|_| ()), Refusal::SelectorNotPermitted);
}

/// All outputs of one plan's key, as a requester could have come to hold them.
fn outputs(table: &Table, table_key: &TableKey, plan_key: &PlanKey) -> Vec<oprf::Output> {
    let key = plan_key.0.times(&table_key.0);
    table
        .keys()
        .map(|input| {
            let point = oprf::SUITE.hash_to_group(input) * key.expose();
            oprf::finalize(input, point.compress().as_bytes())
        })
        .collect()
}

#[test]
fn outputs_of_another_plan_open_nothing() {
    let mut scene = scene();
    let (request, _) = scene.ask();
    let (frames, _) = scene.answer(&request).unwrap();
    let Frame::Begin(salt) = Frame::decode(&frames[0]).unwrap().into_inner() else {
        panic!("no beginning");
    };
    let answer = answer_digest(&scene.context.digest(), &salt);
    let tags: std::collections::HashSet<&[u8]> = frames
        .iter()
        .filter(|frame| matches!(Frame::decode(frame).unwrap().into_inner(), Frame::Bucket(_)))
        .flat_map(|frame| frame[BUCKET_HEADER_BYTES..].chunks(CELL_BYTES))
        .map(|cell| &cell[..TAG_BYTES])
        .collect();
    let opened = |outputs: &[oprf::Output]| {
        let keys = outputs.iter().map(|output| CellKeys::new(&answer, output));
        keys.filter(|keys| tags.contains(&keys.tag(0)[..])).count()
    };
    let custodian = &scene.custodian;
    let other_plan = PlanKey::draw(&mut scene.world.rng);
    assert_eq!(
        opened(&outputs(&table(), &custodian.table_key, &other_plan)),
        0
    );
    // The same count with this plan's key finds the keys of the buckets sent.
    let own = outputs(&table(), &custodian.table_key, &custodian.plan_key);
    assert!(opened(&own) >= 3);
    // And this plan's outputs open nothing in another answer of this plan.
    let other = answer_digest(&scene.context.digest(), &[0; 32]);
    let keys = own.iter().map(|output| CellKeys::new(&other, output));
    assert_eq!(
        keys.filter(|keys| tags.contains(&keys.tag(0)[..])).count(),
        0
    );
}

#[test]
fn a_repeated_answer_shares_no_cell_with_the_first() {
    let mut scene = scene();
    let (request, _) = scene.ask();
    let cells = |frames: &[Vec<u8>]| -> std::collections::HashSet<Vec<u8>> {
        let buckets = frames
            .iter()
            .filter(|frame| matches!(Frame::decode(frame).unwrap().into_inner(), Frame::Bucket(_)));
        buckets
            .flat_map(|frame| frame[BUCKET_HEADER_BYTES..].chunks(CELL_BYTES))
            .map(|cell| cell[..TAG_BYTES].to_vec())
            .collect()
    };
    let first = cells(&scene.answer(&request).unwrap().0);
    let second = cells(&scene.answer(&request).unwrap().0);
    assert_eq!(first.len(), second.len());
    assert!(first.is_disjoint(&second));
}

// Curious custodians.

#[test]
fn a_request_shows_neither_inputs_nor_whether_they_were_asked_before() {
    let mut scene = scene();
    let (first, _) = scene.ask();
    scene.targets = scene.world.blind_all(&[input(1), input(2), input(3)]);
    let (second, _) = scene.ask();
    assert_eq!(first.len(), second.len());
    let elements = |bytes: &[u8]| -> Vec<[u8; 32]> {
        let request = Request::decode(bytes).unwrap().into_inner();
        request
            .selectors
            .iter()
            .map(|selector| selector.element)
            .collect()
    };
    let (first_elements, second_elements) = (elements(&first), elements(&second));
    assert!(
        first_elements
            .iter()
            .all(|element| !second_elements.contains(element))
    );
    for bytes in &first_elements {
        assert!(CompressedRistretto(*bytes).decompress().is_some());
    }
    let text = input(1);
    assert!(!first.windows(text.len()).any(|window| window == text));
    // Past the context, only elements and buckets: the same length for any three
    // inputs of the same number of buckets.
    let request = Request::decode(&first).unwrap().into_inner();
    assert_eq!(
        first.len(),
        2 + 32 + 1 + 4 + 4 * request.buckets.len() + 4 + 3 * 33
    );
}

// Callers' mistakes.

#[test]
fn labels_that_are_not_one_a_key_or_too_large_are_refused() {
    let scene = scene();
    let (request, _) = scene.ask();
    let session = Answering::new(
        scene.context.clone(),
        Arc::clone(&scene.custodian.run),
        Arc::clone(&scene.custodian.prepared),
    );
    let mut rng = scene.world.rng;
    let mut answer = session
        .unwrap()
        .admit(&request, &scene.permit, &mut rng)
        .unwrap();
    assert_eq!(
        answer.supply(&[]).unwrap_err().refusal(),
        Some(Refusal::LabelCount)
    );
    let wanted = loop {
        if let Pull::Labels(inputs) = answer.pull().unwrap() {
            break inputs;
        }
    };
    assert_eq!(
        answer.supply(&[]).unwrap_err().refusal(),
        Some(Refusal::LabelCount)
    );
    let huge = Label {
        rows: vec![vec![0; crate::limits::LABEL_BYTES_MAX]],
        derived: Vec::new(),
    };
    let labels = vec![huge; wanted.len()];
    assert_eq!(
        answer.supply(&labels).unwrap_err().refusal(),
        Some(Refusal::LabelTooLarge)
    );
}
