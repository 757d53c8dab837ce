//! Where a copied session, request or sign-in is worth nothing any more.

use std::time::Duration;

use docket::Duty;
use serde_json::{Value, json};

use super::{
    super::{AGAIN, TRIES_MAX},
    Thief, act,
    browser::{self, Kept, Seat, get, post},
};
use crate::world::sub;

/// How long a session lasts after its officer's last assertion.
const SESSION: Duration = Duration::from_secs(15 * 60);

impl Thief<'_> {
    /// When sessions have ended: signed out, too old, its officer retired.
    pub(crate) async fn afterwards(&self) {
        let world = &self.office.world;
        for seat in [&self.investigator, &self.approver] {
            if let Some(kept) = self.session(seat).await {
                let mut gone = false;
                for _ in 0..TRIES_MAX {
                    let done = seat.sign_out(world).await;
                    gone =
                        done.is_some_and(|done| done.is_done() || done.rule() == "unauthenticated");
                    if gone {
                        break;
                    }
                    world.sleep(AGAIN).await;
                }
                if gone {
                    self.too_late(seat, &kept, "comes back after the officer signed out")
                        .await;
                }
            }
        }
        let seat = &self.investigator;
        // A quarter of an hour of a whole network takes its time: in a third of the seeds.
        let waits = sub(world.seed, "waits for a session's end", 0).0[0] < 85;
        if waits && let Some(kept) = self.session(seat).await {
            let until = world.now() + SESSION;
            // Reading keeps nothing open.
            while world.now() < until {
                let _ = get(world, seat.n, &kept, "/v1/warrants").await;
                world.sleep(Duration::from_secs(60)).await;
            }
            self.too_late(seat, &kept, "comes back a quarter of an hour later")
                .await;
        }
        self.retired().await;
    }

    async fn session(&self, seat: &Seat) -> Option<Kept> {
        for _ in 0..TRIES_MAX {
            if let Some((kept, _)) = seat.open(&self.office.world).await {
                return Some(kept);
            }
            self.office.world.sleep(AGAIN).await;
        }
        None
    }

    /// What a session opened once it opens no more.
    async fn too_late(&self, seat: &Seat, kept: &Kept, what: &'static str) {
        let world = &self.office.world;
        let approve = act("approve", "question", self.other.question, Value::Null);
        for (method, target, body) in [
            ("GET", "/v1/session", Value::Null),
            ("GET", "/v1/warrants", Value::Null),
            ("POST", "/v1/acts/prepare", approve),
        ] {
            let mut tried = None;
            for _ in 0..TRIES_MAX {
                tried = browser::send(world, seat.n, kept, (method, target), &body).await;
                if tried.as_ref().is_some_and(|reply| !reply.is_trouble()) {
                    break;
                }
                world.sleep(AGAIN).await;
            }
            self.judge(what, tried, &["unauthenticated"]);
        }
    }

    async fn retired(&self) {
        let world = &self.office.world;
        let seat = &self.investigator;
        let Some(kept) = self.session(seat).await else {
            return;
        };
        let credential = seat.credential();
        let retire = json!({ "act": "retire-officer", "key": credential.to_string() });
        let token = Kept::token(&world.operator_token(seat.n));
        let gone = |state: &docket::State| state.officer(&credential).is_none().then_some(());
        let attempt = async || {
            let done = post(world, seat.n, &token, "/v1/officers", &retire).await;
            match done {
                Some(done) if done.is_done() => Ok(()),
                Some(done) => Err(done.rule().to_owned()),
                None => Err("no-answer".into()),
            }
        };
        let done = self.office.persist(seat.n, "retire", gone, attempt).await;
        if done.is_some() {
            self.too_late(seat, &kept, "comes back after the officer was retired")
                .await;
        }
    }

    /// A request that an officer signed, sent again: as it was, later, elsewhere, and with
    /// another path.
    pub(super) async fn signed_requests(&self) {
        let world = &self.office.world;
        let (police, court) = (world.place("police"), world.place("procuratorate"));
        let (_, key) = world.officer(police, Duty::Investigator);
        for number in 0..TRIES_MAX {
            let core = world.core(police);
            let Some(time_ms) = core.map(|core| core.now_ms()) else {
                world.sleep(AGAIN).await;
                continue;
            };
            let nonce = sub(world.seed, "nonce", number).0;
            let nonce: [u8; 16] = nonce[..16].try_into().unwrap_or_default();
            let (network, me) = (&world.network, &world.members[police].id);
            let target = "/v1/warrants";
            let message =
                node::api::auth::message("GET", target, b"", time_ms, &nonce, network, me);
            let signature = key.sign(node::api::auth::DOMAIN, &message);
            let header = format!(
                "Cordon-Officer key={},time={time_ms},nonce={},sig={signature}",
                key.public(),
                hex::encode(nonce)
            );
            let kept = Kept {
                authorization: Some(header),
                ..Kept::default()
            };
            let boots = world.boots(police);
            let first = get(world, police, &kept, target).await;
            if !first.is_some_and(|first| first.is_done()) {
                world.sleep(AGAIN).await;
                continue;
            }
            let again = get(world, police, &kept, target).await;
            let other = get(world, police, &kept, "/v1/cases").await;
            let elsewhere = get(world, court, &kept, target).await;
            if boots != world.boots(police) {
                // A node that has started again knows no nonces; a minute later it needs none.
                continue;
            }
            let rule = ["unauthenticated"];
            self.judge("sends an officer's request again", again, &rule);
            self.judge("sends it to another path", other, &rule);
            self.judge("sends it to another institution", elsewhere, &rule);
            world.sleep(Duration::from_secs(121)).await;
            let late = get(world, police, &kept, target).await;
            self.judge("sends it two minutes later", late, &rule);
            return;
        }
    }

    /// The officers' sign-ins, for replays.
    pub(super) async fn copy_sign_ins(&mut self) {
        if self.seen.len() > 1 {
            return;
        }
        let _ = self.investigator.sign_out(&self.office.world).await;
        let opened = self.investigator.open(&self.office.world).await;
        self.seen
            .extend(opened.and_then(|(_, credential)| credential));
    }
}
