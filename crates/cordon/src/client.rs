//! The HTTP API of one institution's node, as its own people call it.
//!
//! Why it exists: every command speaks to a node through this client, so that
//! authentication, limits and the three families of errors are in one place.
//!
//! *Invariants*: a response has a limit on its size and a request on its time;
//! nothing is signed that was not compared with what was asked ([`act`]).
//!
//! *Not here*: TLS. A node listens on its own machine or behind its
//! institution's own gateway.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use docket::OfficerId;
use node::api::{
    passkeys::{InvitationView, Invite},
    types::{
        AnswerView, ApiError, DocketView, Inbox, JobView, MemberView, Membership, NodeStatus,
        Publish, QuestionView, Recorded, TableView, WarrantView,
    },
};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result};

pub mod act;
pub mod raw;

/// Longest time that one request takes; acts wait until they are final.
const REQUEST_S_MAX: u64 = 120;
/// Longest time to connect.
const CONNECT_S_MAX: u64 = 5;
/// Bytes of a JSON response.
const JSON_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Bytes of a bundle.
const BUNDLE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Who speaks.
#[derive(Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "one a connection; a box would only hide the key's one place in memory"
)]
pub enum Credential {
    /// An officer with a key.
    Officer(Officer),
    /// The operator of the node's machine, by the data folder's token.
    Operator(String),
    /// Nobody: what a node tells anyone.
    Nobody,
}

/// An officer's key and, where it is known, handle.
#[derive(Clone)]
pub struct Officer {
    /// The handle.
    pub handle: Option<OfficerId>,
    /// The key.
    pub key: SigningKey,
}

/// A connection to one node.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    network: NetworkId,
    institution: InstitutionId,
    credential: Credential,
}

/// Milliseconds since 1970 by this machine's clock.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    })
}

impl Client {
    /// A client of the node at `base` (`http://127.0.0.1:7103`).
    #[must_use]
    pub fn new(
        base: &str,
        network: NetworkId,
        institution: InstitutionId,
        credential: Credential,
    ) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(REQUEST_S_MAX)))
            .timeout_connect(Some(Duration::from_secs(CONNECT_S_MAX)))
            .build();
        Self {
            agent: config.new_agent(),
            base: base.trim_end_matches('/').to_owned(),
            network,
            institution,
            credential,
        }
    }

    /// The institution whose node this is.
    #[must_use]
    pub fn institution(&self) -> &InstitutionId {
        &self.institution
    }

    /// The network that the node is said to belong to.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.network
    }

    fn officer(&self) -> Result<&Officer> {
        match &self.credential {
            Credential::Officer(officer) => Ok(officer),
            _ => Err(Failure::usage("this command acts as an officer")
                .advise("give the officer's key file with --officer FILE or CORDON_OFFICER")),
        }
    }

    fn authorisation(&self, method: &str, path: &str, body: &[u8]) -> Option<String> {
        match &self.credential {
            Credential::Nobody => None,
            Credential::Operator(token) => Some(format!("Cordon-Operator {token}")),
            Credential::Officer(officer) => {
                let time = now_ms();
                let nonce = hex::encode(primitives::random::<16>());
                let message = request_message(
                    method,
                    path,
                    body,
                    time,
                    &nonce,
                    &self.network,
                    &self.institution,
                );
                let signature = officer.key.sign("cordon/request/v1", message.as_bytes());
                Some(format!(
                    "Cordon-Officer key={},time={time},nonce={nonce},sig={signature}",
                    officer.key.public()
                ))
            }
        }
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
        limit: u64,
    ) -> Result<Vec<u8>> {
        let url = format!("{}{path}", self.base);
        let authorisation = self.authorisation(method, path, body.unwrap_or_default());
        let sent = match body {
            None => {
                let mut request = self.agent.get(&url);
                if let Some(value) = &authorisation {
                    request = request.header("authorization", value);
                }
                request.call()
            }
            Some(body) => {
                let mut request = self
                    .agent
                    .post(&url)
                    .header("content-type", "application/json");
                if let Some(value) = &authorisation {
                    request = request.header("authorization", value);
                }
                request.send(body)
            }
        };
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(limit)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(bytes);
        }
        Err(match serde_json::from_slice::<ApiError>(&bytes) {
            Ok(error) => error.into(),
            Err(_) => {
                Failure::trouble("api", format!("{url} answered {status} without saying why"))
            }
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::trouble(
            "node-unreachable",
            format!("{}'s node at {}: {error}", self.institution, self.base),
        )
        .advise("is it running? start it with `cordon node --home DIR`")
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// The node's refusal or trouble, or that it can't be reached.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        decode(&self.exchange("GET", path, None, JSON_BYTES_MAX)?)
    }

    /// Sends a JSON value.
    ///
    /// # Errors
    /// The node's refusal or trouble, or that it can't be reached.
    pub fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|error| Failure::trouble("json", error))?;
        decode(&self.exchange("POST", path, Some(&body), JSON_BYTES_MAX)?)
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::fault(
            "api",
            format!("the node's answer has another shape: {error}"),
        )
    })
}

/// The text that an officer signs under a request; see `docs/formats/api.md`.
#[must_use]
pub fn request_message(
    method: &str,
    path: &str,
    body: &[u8],
    time_ms: u64,
    nonce: &str,
    network: &NetworkId,
    institution: &InstitutionId,
) -> String {
    let digest = hex::encode(Sha256::digest(body));
    format!("{method}\n{path}\n{digest}\n{time_ms}\n{nonce}\n{network}\n{institution}")
}

/// The resources.
impl Client {
    /// What the node says of itself.
    ///
    /// # Errors
    /// As [`Client::get`]; so do all below.
    pub fn status(&self) -> Result<NodeStatus> {
        self.get("/v1/status")
    }

    /// The members.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn members(&self) -> Result<Vec<MemberView>> {
        self.get("/v1/network")
    }

    /// The catalogue.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn catalogue(&self) -> Result<Vec<TableView>> {
        self.get("/v1/catalogue")
    }

    /// The warrants that this institution may see.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn warrants(&self) -> Result<Vec<WarrantView>> {
        self.get("/v1/warrants")
    }

    /// One warrant.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn warrant(&self, id: &str) -> Result<WarrantView> {
        self.get(&format!("/v1/warrants/{}", plain(id)?))
    }

    /// A warrant's timeline.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn docket(&self, id: &str) -> Result<DocketView> {
        self.get(&format!("/v1/warrants/{}/docket", plain(id)?))
    }

    /// What waits for this institution's officers.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn inbox(&self) -> Result<Inbox> {
        self.get("/v1/inbox")
    }

    /// One question.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn question(&self, id: &str) -> Result<QuestionView> {
        self.get(&format!("/v1/questions/{}", plain(id)?))
    }

    /// Stops a question's run.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn cancel_question(&self, id: &str) -> Result<serde_json::Value> {
        self.post(
            &format!("/v1/questions/{}/cancel", plain(id)?),
            &serde_json::json!({}),
        )
    }

    /// An opened answer.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn answer(&self, id: &str) -> Result<AnswerView> {
        self.get(&format!("/v1/questions/{}/answer", plain(id)?))
    }

    /// An opened answer as CSV, once it was stated to be passed on.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn answer_csv(&self, id: &str) -> Result<Vec<u8>> {
        let path = format!("/v1/questions/{}/answer.csv", plain(id)?);
        self.exchange("GET", &path, None, JSON_BYTES_MAX)
    }

    /// An exported bundle's bytes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn bundle(&self, id: &str) -> Result<Vec<u8>> {
        self.exchange(
            "GET",
            &format!("/v1/questions/{}/bundle", plain(id)?),
            None,
            BUNDLE_BYTES_MAX,
        )
    }

    /// Publishes a table.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn publish(&self, table: &Publish) -> Result<Recorded> {
        self.post("/v1/datasets", table)
    }

    /// Begins a snapshot.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn snapshot(&self, dataset: &str) -> Result<JobView> {
        self.post(
            &format!("/v1/datasets/{}/snapshot", plain(dataset)?),
            &serde_json::json!({}),
        )
    }

    /// A job's state.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn job(&self, id: &str) -> Result<JobView> {
        self.get(&format!("/v1/jobs/{}", plain(id)?))
    }

    /// Stops a job.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn cancel_job(&self, id: &str) -> Result<JobView> {
        self.post(
            &format!("/v1/jobs/{}/cancel", plain(id)?),
            &serde_json::json!({}),
        )
    }

    /// Proposes or votes on a change of the membership.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn membership(&self, change: &Membership) -> Result<Recorded> {
        self.post("/v1/membership", change)
    }

    /// Enrols an officer by the operator's word.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn enrol(&self, act: &node::api::types::Act) -> Result<Recorded> {
        self.post("/v1/officers", act)
    }
}

impl Client {
    /// Invites an officer to make a passkey.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub fn invite(&self, invite: &Invite) -> Result<InvitationView> {
        self.post("/v1/passkeys/invite", invite)
    }
}

/// An id or name as a path's segment: nothing that could change the path.
fn plain(text: &str) -> Result<&str> {
    let fits = !text.is_empty()
        && text.len() <= 128
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && text != "."
        && text != "..";
    if fits {
        Ok(text)
    } else {
        Err(Failure::usage(
            "ids and names hold only letters, digits, _, - and .",
        ))
    }
}

/// The digest that an id writes in hex.
///
/// # Errors
/// A usage error where it is none.
pub fn digest(text: &str, what: &str) -> Result<Digest> {
    text.parse()
        .map_err(|_| Failure::usage(format!("{what} is 64 hex digits")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_binds_method_path_body_time_network_and_institution() {
        let network = NetworkId(Digest([7; 32]));
        let institution = InstitutionId::new("police").unwrap();
        let message = request_message(
            "POST",
            "/v1/acts/submit?x=1",
            b"{}",
            5,
            "00ff",
            &network,
            &institution,
        );
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[0], "POST");
        assert_eq!(lines[1], "/v1/acts/submit?x=1");
        assert_eq!(
            lines[2],
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(lines[3..5], ["5", "00ff"]);
        assert_eq!(lines[5], "07".repeat(32));
        assert_eq!(lines[6], "police");
    }

    #[test]
    fn a_path_segment_cannot_change_the_path() {
        for bad in ["", "..", ".", "a/b", "a?b", "a b", "%2e"] {
            assert_eq!(plain(bad).unwrap_err().rule, "usage", "{bad}");
        }
        assert_eq!(plain("bank_a.accounts").unwrap(), "bank_a.accounts");
    }
}
