//! The two roles of a lookup, each against a peer that sends anything.

use std::sync::{Arc, LazyLock};

use mpc::{
    Blind, Element, PlanKey, TableKey,
    lookup::{
        Context, Derivation, Label, Permit, Prepared, Scope, TableParams,
        custodian::{Pull, Run, Session as Answering},
        requester::{Progress, Session as Asking, Target as Wanted},
    },
    oprf,
};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use rand::{SeedableRng as _, rngs::StdRng};

use super::{Target, bodies::id};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "lookup-request",
            "a requester's request, at a custodian",
            request_seeds,
            request,
        )
        .smoke(400)
        .memory(8 << 20),
        Target::new(
            "lookup-answer",
            "a custodian's frames, at a requester",
            answer_seeds,
            answer,
        )
        .smoke(300)
        .memory(8 << 20),
        Target::new(
            "shown",
            "what shows a lookup's rows, in a bundle",
            shown_seeds,
            shown,
        )
        .smoke(400),
        Target::new(
            "element",
            "elements and scalars of the group",
            element_seeds,
            element,
        ),
    ]
}

const INPUTS: [&[u8]; 3] = [b"phone:1", b"phone:7", b"phone:nobody"];
const STEP: u16 = 1;

struct World {
    scope: Scope,
    table_key: TableKey,
    plan_key: PlanKey,
    prepared: Arc<Prepared>,
    signer: SigningKey,
    blinds: Vec<([u8; 32], Element)>,
}

fn custodian() -> InstitutionId {
    id("telecom_a")
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut rng = StdRng::seed_from_u64(7);
    let table_key = TableKey::draw(&mut rng);
    let inputs = (0..32u8).map(|n| format!("phone:{n}").into_bytes());
    let prepared = Prepared::prepare(&table_key, [7; 32], 8, inputs, None).expect("a table");
    let blind = |input: &[u8], rng: &mut StdRng| {
        let (blind, element) = oprf::blind(input, rng).expect("a blinded input");
        (*blind.to_bytes(), element)
    };
    let digest = |what: &[u8]| Digest::of("fuzz", &[what]);
    World {
        scope: Scope {
            network: NetworkId(digest(b"network")),
            warrant: digest(b"warrant"),
            plan: digest(b"plan"),
            run: digest(b"run"),
        },
        plan_key: PlanKey::draw(&mut rng),
        table_key,
        prepared: Arc::new(prepared),
        signer: SigningKey::from_seed(&[9; 32]),
        blinds: INPUTS.map(|input| blind(input, &mut rng)).into(),
    }
});

impl World {
    fn context(&self, table: TableParams) -> Context {
        Context {
            scope: self.scope,
            step: STEP,
            part: 0,
            requester: id("police"),
            custodian: custodian(),
            snapshot: Digest([3; 32]),
            table,
            plan_key: self.plan_key.commitment(&self.table_key),
            rooted: true,
        }
    }

    fn wanted(&self) -> Vec<Wanted> {
        INPUTS
            .iter()
            .zip(&self.blinds)
            .map(|(input, (blind, element))| {
                let blind = Blind::from_bytes(blind).expect("a blind");
                Wanted::seed(input.to_vec(), blind, element).expect("a target")
            })
            .collect()
    }

    fn permit(&self) -> Permit {
        Permit {
            seeds: self.wanted().iter().map(Wanted::element).collect(),
            issuers: [(custodian(), self.signer.public())].into(),
            from_steps: [0].into(),
            selectors_max: 100,
            buckets_max: 100,
        }
    }

    fn session(&self, table: &Arc<Prepared>) -> Option<Answering> {
        let run = Run::open(
            self.scope,
            custodian(),
            &self.table_key,
            &self.plan_key,
            self.signer.clone(),
        );
        let context = self.context(table.params());
        Answering::new(context, Arc::new(run), Arc::clone(table)).ok()
    }

    /// The custodian's frames to a request; none where it refuses.
    fn frames(&self, table: &Arc<Prepared>, request: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut rng = StdRng::seed_from_u64(1);
        let session = self.session(table)?;
        let mut answer = session.admit(request, &self.permit(), &mut rng).ok()?;
        let mut frames = Vec::new();
        loop {
            match answer.pull().ok()? {
                Pull::Labels(inputs) => {
                    let label = |input: &Vec<u8>| Label {
                        rows: vec![input.clone(), b"row".to_vec()],
                        derived: vec![Derivation {
                            to_step: 2,
                            input: b"account:1".to_vec(),
                        }],
                    };
                    let labels: Vec<Label> = inputs.iter().map(label).collect();
                    answer.supply(&labels).ok()?;
                }
                Pull::Frame(frame) => frames.push(frame),
                Pull::Done(_) => return Some(frames),
            }
        }
    }
}

/// Asks a table of this world's custodian for all that the permit allows.
#[cfg(feature = "node")]
pub(super) fn ask_everything(table: &Arc<Prepared>) {
    let asking = Asking::new(WORLD.context(table.params()), WORLD.signer.public());
    if let Ok((request, _)) = asking.ask(WORLD.wanted()) {
        let _ = WORLD.frames(table, &request);
    }
}

fn honest_request() -> Vec<u8> {
    let context = WORLD.context(WORLD.prepared.params());
    let asked = Asking::new(context, WORLD.signer.public()).ask(WORLD.wanted());
    asked.expect("a request").0
}

pub(super) fn request_seeds() -> Vec<Vec<u8>> {
    let honest = honest_request();
    // The same with a voucher of nobody's for its first selector, in the same layout.
    let mut vouched = honest[..34].to_vec();
    vouched.push(1);
    vouched.push(9);
    vouched.extend_from_slice(b"telecom_a");
    let rest = &honest[35..];
    let buckets = u32::from_be_bytes(rest[..4].try_into().expect("a count")) as usize;
    let first = 4 + 4 * buckets + 4 + 32;
    vouched.extend_from_slice(&rest[..first]);
    vouched.extend_from_slice(&[1, 0, 0]);
    vouched.extend_from_slice(&[5; 64]);
    vouched.extend_from_slice(&rest[first + 1..]);
    vec![honest, vouched]
}

fn request(bytes: &[u8]) {
    let Some(frames) = WORLD.frames(&WORLD.prepared, bytes) else {
        return;
    };
    assert!(frames.len() >= 2, "an answer without beginning or end");
}

/// The number of a frame that is another, and that frame; the others are honest.
fn answer_seeds() -> Vec<Vec<u8>> {
    let frames = honest_frames();
    (0u8..)
        .zip(frames)
        .map(|(number, frame)| [&[number], &frame[..]].concat())
        .collect()
}

pub(super) fn honest_frames() -> &'static [Vec<u8>] {
    static FRAMES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let frames = WORLD.frames(&WORLD.prepared, &honest_request());
        frames.expect("an honest answer")
    });
    &FRAMES
}

fn answer(bytes: &[u8]) {
    let Some((number, bytes)) = bytes.split_first() else {
        return;
    };
    let context = WORLD.context(WORLD.prepared.params());
    let asking = Asking::new(context, WORLD.signer.public());
    let (_, mut receiver) = asking.ask(WORLD.wanted()).expect("a request");
    let honest = honest_frames();
    let at = usize::from(*number) % honest.len();
    for (place, frame) in honest.iter().enumerate() {
        let frame = if place == at { bytes } else { frame };
        match receiver.on_frame(frame.to_vec()) {
            Ok(Progress::More) => {}
            Ok(Progress::Complete) => break,
            Err(error) => {
                let _ = error.to_string();
                return;
            }
        }
    }
    if receiver.finish().is_ok() {
        assert!(bytes == honest[at], "an altered answer was opened");
    }
}

/// What the requester of the honest answer keeps to show it, and the transcript.
fn honest_shown() -> &'static (Vec<u8>, Digest) {
    static SHOWN: LazyLock<(Vec<u8>, Digest)> = LazyLock::new(|| {
        let context = WORLD.context(WORLD.prepared.params());
        let asking = Asking::new(context, WORLD.signer.public());
        let (_, mut receiver) = asking.ask(WORLD.wanted()).expect("a request");
        for frame in honest_frames() {
            receiver.on_frame(frame.clone()).expect("an honest frame");
        }
        let opened = receiver.finish().expect("an honest answer");
        (
            opened.shown.expect("a rooted transcript"),
            opened.transcript,
        )
    });
    &SHOWN
}

fn shown_seeds() -> Vec<Vec<u8>> {
    vec![honest_shown().0.clone()]
}

/// Whatever is shown, rows that a custodian signed are the only ones that open under its
/// transcript.
fn shown(bytes: &[u8]) {
    static BOUND: LazyLock<evidence::foreign::Shown> = LazyLock::new(|| {
        let context = WORLD.context(WORLD.prepared.params());
        let scope = context.scope;
        let inputs = INPUTS.iter().zip(&WORLD.blinds);
        evidence::foreign::Shown {
            scope: [scope.network.0, scope.warrant, scope.plan, scope.run],
            step: context.step,
            parties: [context.requester, context.custodian],
            snapshot: context.snapshot,
            buckets: (Digest(*context.table.salt()), context.table.bucket_bits()),
            plan_key: Digest(context.plan_key.to_bytes()),
            selectors: inputs
                .map(|(input, (blind, _))| (input.to_vec(), Digest(*blind)))
                .collect(),
        }
    });
    static HONEST: LazyLock<(Digest, Vec<Vec<u8>>)> = LazyLock::new(|| {
        let (honest, transcript) = honest_shown();
        let opened = BOUND.open(honest).expect("the honest lookup opens");
        assert_eq!(opened.0, *transcript, "the custodian signed another");
        assert_eq!(opened.1.len(), 4, "two selectors of two rows each");
        opened
    });
    let honest = &*HONEST;
    if let Some((transcript, rows)) = BOUND.open(bytes) {
        let same = transcript == honest.0;
        assert!(!same || rows == honest.1, "other rows under one transcript");
    }
}

fn element_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = WORLD
        .blinds
        .iter()
        .flat_map(|(blind, element)| [blind.to_vec(), element.to_bytes().to_vec()])
        .collect();
    seeds.push(vec![0; 32]);
    seeds
}

/// Of so many scalars one is also computed with, which takes twenty times as long as to
/// read one.
const COMPUTED_OF: u8 = 32;

fn element(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk::<32>() else {
        return;
    };
    if let Ok(element) = Element::from_bytes(bytes) {
        assert_eq!(&element.to_bytes(), bytes, "an element in another form");
        assert_ne!(bytes, &[0; 32], "the identity");
    }
    if let Ok(blind) = Blind::from_bytes(bytes) {
        assert_eq!(&*blind.to_bytes(), bytes, "a scalar in another form");
        if bytes[0].is_multiple_of(COMPUTED_OF) {
            let _ = oprf::blind_with(b"phone:1", &blind);
        }
    }
    let key = TableKey::from_bytes(bytes);
    if bytes[0].is_multiple_of(COMPUTED_OF) {
        let _ = key.map(|key| key.public());
    }
}
