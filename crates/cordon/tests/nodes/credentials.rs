//! Requests by every kind of credential, and whole answers to compare.

use std::{io::Read, net::SocketAddr, time::Duration};

use cordon::client::{now_ms, request_message};
use primitives::{NetworkId, SigningKey};
use ureq::{Agent, http::Request};

use crate::{
    browser::Browser,
    world::{World, id},
};

/// Who asks, and by what.
pub(crate) enum Who {
    Nobody,
    /// An operator's token.
    Token(String),
    /// A key, and the institution that it signs for.
    Key(Box<SigningKey>, String),
    /// A page in a browser, or what somebody copied of it.
    Browser(Box<Browser>),
}

/// An answer, with `ID` wherever it says the id that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) rule: String,
    /// The headers' names and values but for the date.
    headers: Vec<(String, String)>,
    body: String,
    bytes: usize,
}

/// One node, as anybody reaches it.
pub(crate) struct Credentials {
    agent: Agent,
    api: SocketAddr,
    network: NetworkId,
}

impl Credentials {
    pub(crate) fn at(world: &World, institution: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)));
        Self {
            agent: config.build().into(),
            api: world.config(institution).listen.api,
            network: world.network.id(),
        }
    }

    /// Sends an operation (`get /v1/warrants/{id}`) about an object, whose id stands for
    /// `ID` in the body too.
    pub(crate) fn send(&self, who: &Who, operation: &str, object: &str, body: &str) -> Reply {
        let (method, path) = operation.split_once(' ').unwrap();
        let method = method.to_uppercase();
        let path = path.replace("{id}", object).replace("{name}", "absent");
        let body = body.replace("ID", object);
        let mut request = Request::builder()
            .method(method.as_str())
            .uri(format!("http://{}{path}", self.api));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in self.headers(who, &method, &path, body.as_bytes()) {
            request = request.header(name, value);
        }
        let sent = if body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(body).unwrap())
        };
        let response = sent.unwrap_or_else(|e| panic!("{operation}: {e}"));
        let (parts, body) = response.into_parts();
        let streams = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        let mut text = Vec::new();
        if !streams {
            body.into_reader().read_to_end(&mut text).unwrap();
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let error = serde_json::from_str::<node::api::types::ApiError>(&text);
        let headers = parts.headers.iter().filter(|(name, _)| *name != "date");
        let value = |value: &ureq::http::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        Reply {
            status: parts.status.as_u16(),
            rule: error.map(|error| error.rule).unwrap_or_default(),
            headers: headers
                .map(|(name, given)| (name.to_string(), value(given)))
                .collect(),
            bytes: text.len(),
            body: if object.is_empty() {
                text
            } else {
                text.replace(object, "ID")
            },
        }
    }

    fn headers(
        &self,
        who: &Who,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        match who {
            Who::Nobody => Vec::new(),
            Who::Token(token) => vec![("authorization", format!("Cordon-Operator {token}"))],
            Who::Key(key, institution) => {
                let (time, nonce) = (now_ms(), hex::encode(primitives::random::<16>()));
                let institution = id(institution);
                let network = &self.network;
                let message =
                    request_message(method, path, body, time, &nonce, network, &institution);
                let signature = key.sign("cordon/request/v1", message.as_bytes());
                let key = key.public();
                let value =
                    format!("Cordon-Officer key={key},time={time},nonce={nonce},sig={signature}");
                vec![("authorization", value)]
            }
            Who::Browser(browser) => {
                let mut headers = vec![("sec-fetch-site", browser.site.to_owned())];
                headers.extend(browser.cookie.clone().map(|cookie| ("cookie", cookie)));
                headers.extend(browser.page.clone().map(|page| ("cordon-page", page)));
                if method != "GET" {
                    headers.push(("origin", browser.origin.clone()));
                }
                headers
            }
        }
    }
}
