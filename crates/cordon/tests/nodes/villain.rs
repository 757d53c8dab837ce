//! A member that holds its institution's real keys, store and ledger, and does
//! as it likes: a program of its own in the place of the node's.
//!
//! Why it exists: the refusals that matter are those that a captured
//! institution meets, and such a one does not run our node.

use std::{
    any::Any,
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use docket::{
    Header, Opened, Plan, Record, State, Statement,
    body::{Body, Subjects},
    state::QuestionPhase,
    statement::QuestionAsked,
};
use ledger::{BlockInfo, Ledger, Members, Refused};
use mpc::{
    Blind,
    lookup::{
        Context,
        requester::{Opened as Found, Progress, Session, Target},
    },
};
use net::{
    Directory, Net, Replies, ServeError, ServeFuture, Service,
    runtime::{Runner as _, Supervisor as _, tokio as runtime},
};
use node::{
    Config,
    config::files,
    exchange::{Call, Lookup},
    keystore::NodeKeys,
    rules::{LegalOrder, docket_state},
    store::{Shelf, Store},
};
use primitives::{Digest, InstitutionId, NetworkId, PublicKey};

use crate::world::{LIMIT, World, id};

/// Longest that a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// An institution in a villain's hands; its node's process must be stopped.
#[derive(Clone)]
pub(crate) struct Villain {
    pub(crate) config: Config,
    pub(crate) network: NetworkId,
    pub(crate) keys: NodeKeys,
    pub(crate) store: Store,
    pub(crate) ledger: Ledger,
    context: Arc<Mutex<runtime::Context>>,
}

/// Plays a villain: runs its ledger for as long as `act` takes.
pub(crate) fn play<T>(world: &World, institution: &str, act: impl AsyncFnOnce(Villain) -> T) -> T {
    let (config, keys) = (world.config(institution), world.keys(institution));
    let settings = runtime::Config::new()
        .with_storage_directory(config.file(files::LEDGER))
        .with_worker_threads(2);
    runtime::Runner::new(settings)
        .start(async |context| act(Villain::rise(context, config, keys).await).await)
}

impl Villain {
    async fn rise(context: runtime::Context, config: Config, keys: NodeKeys) -> Self {
        let store = Store::open(&config.file(files::STORE), &keys.store).unwrap();
        let charter = config.charter().unwrap();
        let network = charter.network().unwrap();
        let settings = ledger::Config::new(
            network,
            config.institution.clone(),
            keys.node.clone(),
            config.listen.ledger,
        );
        let rules = Arc::new(Lawless(LegalOrder::new(charter).unwrap()));
        let ledger = Ledger::start(context.child("ledger"), settings, rules)
            .await
            .unwrap();
        let context = Arc::new(Mutex::new(context));
        Self {
            config,
            network,
            keys,
            store,
            ledger,
            context,
        }
    }

    pub(crate) fn me(&self) -> &InstitutionId {
        &self.config.institution
    }

    /// The legal state after the last final record.
    pub(crate) fn state(&self) -> State {
        docket_state(self.ledger.state().as_ref()).cloned().unwrap()
    }

    /// Waits for something in the ledger's state.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> T {
        let began = tokio::time::Instant::now();
        loop {
            if let Some(found) = look(&self.state()) {
                return found;
            }
            assert!(
                began.elapsed() < LIMIT,
                "{what}: not on the villain's ledger"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every final record.
    pub(crate) async fn records(&self) -> HashMap<Digest, Record> {
        let size = self.ledger.status().size;
        let mut finals = self.ledger.follow(0);
        let mut records = HashMap::new();
        while records.len() < usize::try_from(size).unwrap() {
            let next = finals.recv().await.unwrap();
            let record = Record::decode(&next.record).unwrap();
            records.insert(record.digest, record);
        }
        records
    }

    /// States something about a question in its own name, and waits until it is final.
    pub(crate) async fn state_as_node(&self, question: &Digest, statement: Statement) {
        let records = self.records().await;
        let header = Header {
            institution: self.me().clone(),
            officer: None,
            time_ms: cordon::client::now_ms(),
            follows: vec![*question],
            parts: Vec::new(),
            statement,
            ..records[question].header.clone()
        };
        let record = Record::sign(&header, &self.keys.node).unwrap();
        self.ledger.submit(Bytes::from(record.bytes)).await.unwrap();
    }

    /// Waits until a question was aborted with this institution to blame; gives the
    /// record.
    pub(crate) async fn blamed_for(&self, question: &Digest) -> Record {
        self.until("the abort", |state| {
            let mut warrants = state.warrants();
            warrants
                .find_map(|(_, w)| w.questions.get(question))
                .filter(|question| question.phase == QuestionPhase::Aborted)
                .map(|_| ())
        })
        .await;
        let blames = |record: &Record| matches!(&record.header.statement, Statement::RunAborted { blamed: Some(blamed), .. } if blamed == self.me());
        let mut records = self.records().await.into_values();
        records.find(blames).unwrap()
    }

    /// A body in the store.
    pub(crate) fn body<B: Body>(&self, record: &Record) -> B {
        body(&self.store, record).unwrap()
    }

    /// What a lookup of a question's step at a custodian must be bound to.
    pub(crate) async fn context(
        &self,
        question: &Digest,
        custodian: &str,
        step: u8,
    ) -> (Context, Digest) {
        let records = self.records().await;
        let record = &records[question];
        let Statement::QuestionAsked(asked) = &record.header.statement else {
            panic!("no question")
        };
        self.context_of(record, asked, custodian, step)
    }

    fn context_of(
        &self,
        record: &Record,
        asked: &QuestionAsked,
        custodian: &str,
        step: u8,
    ) -> (Context, Digest) {
        let plan: Plan = self.body(record);
        let kind = &plan.steps[usize::from(step)].table;
        let part = plan.custodian(&id(custodian)).unwrap();
        let table = part
            .tables
            .iter()
            .find(|table| table.table == *kind)
            .unwrap();
        let place = (table, step, 0);
        let state = self.state();
        let context = node::custodian::context(
            self.network,
            &state,
            asked,
            &record.digest,
            &plan,
            &id(custodian),
            place,
        );
        (context.unwrap(), table.snapshot)
    }

    /// The warrant's subjects as targets, with the blinds that the police were given.
    pub(crate) async fn subjects(&self, question: &Digest) -> Vec<Target> {
        let records = self.records().await;
        let Statement::QuestionAsked(asked) = &records[question].header.statement else {
            panic!("no question")
        };
        let subjects: Subjects = self.body(&records[&asked.warrant]);
        let targets = subjects.subjects.iter().map(|subject| {
            let input = subject.selector.to_input();
            let blind = Blind::from_bytes(&subject.blind.0).unwrap();
            let element = mpc::oprf::blind_with(&input, &blind).unwrap();
            Target::seed(input, blind, &element).unwrap()
        });
        targets.collect()
    }

    /// Channels under a key, with a service behind them.
    pub(crate) async fn channels(
        &self,
        keys: &NodeKeys,
        listen: SocketAddr,
        service: Arc<dyn Service>,
    ) -> Net {
        let context = self.context.lock().unwrap().child("net");
        let settings = net::Config {
            key: keys.node.clone(),
            listen,
            network: self.network,
            limits: net::Limits {
                request_bytes_max: node::exchange::REQUEST_BYTES_MAX,
                ..net::Limits::default()
            },
        };
        Net::start(
            context,
            settings,
            Arc::new(Book(self.ledger.clone())),
            service,
        )
        .await
        .unwrap()
    }

    /// Its own channels, that answer nobody.
    pub(crate) async fn own_channels(&self) -> Net {
        self.channels(&self.keys, self.config.listen.exchange, Arc::new(Mute))
            .await
    }

    pub(crate) fn key_of(&self, institution: &str) -> PublicKey {
        self.state().member(&id(institution)).unwrap().node_key
    }
}

/// Reads a body of a record from a store, if it is there.
pub(crate) fn body<B: Body>(store: &Store, record: &Record) -> Option<B> {
    let part = record.header.part(B::LABEL).unwrap();
    let opened: Option<Opened> = store.get(Shelf::Bodies, &part.commitment.0).unwrap();
    opened.map(|opened| opened.read(part).unwrap())
}

/// A random blind of an input of the villain's own choice.
pub(crate) fn typed_in(text: &str) -> Target {
    let selector: primitives::semantic::Selector = text.parse().unwrap();
    let input = selector.to_input();
    let (blind, element) = mpc::oprf::blind(&input, &mut rand::rng()).unwrap();
    Target::seed(input, blind, &element).unwrap()
}

/// One lookup, perhaps with an altered request; the rule that refused it.
pub(crate) struct Try<'a> {
    pub(crate) villain: &'a Villain,
    pub(crate) net: &'a Net,
    pub(crate) question: Digest,
    pub(crate) custodian: &'a str,
    pub(crate) step: u8,
}

impl Try<'_> {
    /// Asks for targets.
    pub(crate) async fn ask(&self, targets: Vec<Target>) -> Result<Found, String> {
        self.ask_altered(targets, |_| ()).await
    }

    /// Asks for targets with a request that was altered on the way.
    pub(crate) async fn ask_altered(
        &self,
        targets: Vec<Target>,
        alter: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Found, String> {
        let villain = self.villain;
        let (context, snapshot) = villain
            .context(&self.question, self.custodian, self.step)
            .await;
        let key = villain.key_of(self.custodian);
        let (mut request, mut receiver) = Session::new(context, key).ask(targets).unwrap();
        alter(&mut request);
        let call = Call::Lookup(Lookup {
            question: self.question,
            step: self.step,
            snapshot,
            part: 0,
            request,
        });
        for frame in call_of(self.net, key, &call).await? {
            if receiver.on_frame(frame.to_vec()).unwrap() == Progress::Complete {
                break;
            }
        }
        Ok(receiver.finish().unwrap())
    }
}

/// The replies to a call, or the rule that refused it.
pub(crate) async fn call_of(net: &Net, peer: PublicKey, call: &Call) -> Result<Vec<Bytes>, String> {
    let refused = |error: net::Error| match &error.kind {
        net::Kind::Refusal(net::Refusal::Remote { text }) => text
            .split_once(": ")
            .map_or(text.clone(), |(rule, _)| rule.to_owned()),
        _ => panic!("neither answered nor refused: {error}"),
    };
    let mut stream = net
        .call(peer, call.encode().unwrap(), CALL_TIMEOUT)
        .await
        .map_err(refused)?;
    let mut replies = Vec::new();
    while let Some(reply) = stream.next().await.map_err(refused)? {
        replies.push(reply);
    }
    Ok(replies)
}

/// The members as the villain's ledger has them.
struct Book(Ledger);

impl Book {
    fn state(&self) -> State {
        docket_state(self.0.state().as_ref()).cloned().unwrap()
    }
}

impl Directory for Book {
    fn address(&self, peer: &PublicKey) -> Option<SocketAddr> {
        self.state()
            .member_of_node(peer)?
            .exchange_address
            .parse()
            .ok()
    }

    fn is_member(&self, peer: &PublicKey) -> bool {
        self.state().member_of_node(peer).is_some()
    }
}

/// Answers nobody.
pub(crate) struct Mute;

impl Service for Mute {
    fn serve(&self, _: PublicKey, _: Bytes, _: Replies) -> ServeFuture<'_> {
        Box::pin(async { Err(ServeError::refusal("mute: no answer")) })
    }
}

/// Has no time for anybody: whoever calls comes again.
pub(crate) struct Busy;

impl Service for Busy {
    fn serve(&self, _: PublicKey, _: Bytes, _: Replies) -> ServeFuture<'_> {
        let later = Some(Duration::from_secs(1));
        Box::pin(async move { Err(ServeError::trouble("busy: not now", later)) })
    }
}

/// Judges nothing: whatever it is given it takes for lawful, and proposes.
struct Lawless(LegalOrder);

impl ledger::Rules for Lawless {
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>> {
        records.iter().map(|_| Ok(())).collect()
    }

    fn genesis(&self) -> Box<dyn ledger::State> {
        Box::new(Anything(ledger::Rules::genesis(&self.0)))
    }
}

struct Anything(Box<dyn ledger::State>);

impl ledger::State for Anything {
    fn boxed_clone(&self) -> Box<dyn ledger::State> {
        Box::new(Self(self.0.boxed_clone()))
    }

    fn apply(&mut self, record: &[u8], at: BlockInfo) -> Result<(), Refused> {
        // What the law refuses changes nothing, and is proposed all the same.
        let _ = self.0.apply(record, at);
        Ok(())
    }

    fn members(&self) -> Members {
        self.0.members()
    }

    fn as_any(&self) -> &dyn Any {
        self.0.as_any()
    }
}
