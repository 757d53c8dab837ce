//! A browser as far as a node can see one: an origin, cookies, a page's memory and
//! an authenticator. Every part is open to be bent.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use docket::passkey::authenticator::{Authenticator, Touch};
use serde_json::{Value, json};
use ureq::{Agent, http::Method};

/// What a node answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) cookie: Option<String>,
}

impl Reply {
    /// The answer, where there is one.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// Holds that the node refused by a rule.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, rule: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body["rule"], rule, "{self:?}");
    }

    /// Holds that the node refused by a rule, naming a check.
    #[track_caller]
    pub(crate) fn fails(&self, status: u16, rule: &str, check: &str) {
        self.refused(status, rule);
        let detail = self.body["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("`{check}`")), "{detail}");
    }
}

/// A browser at one console.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) agent: Agent,
    pub(crate) base: String,
    /// The page's origin.
    pub(crate) origin: String,
    /// The cookie that it holds.
    pub(crate) cookie: Option<String>,
    /// The token that the page holds.
    pub(crate) page: Option<String>,
    /// What the browser says of where a request comes from.
    pub(crate) site: &'static str,
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn challenge(options: &Value) -> Vec<u8> {
    let text = options["challenge"].as_str().unwrap();
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// An assertion as `credential.toJSON()` writes it.
pub(crate) fn asserted(authenticator: &Authenticator, touch: &Touch) -> Value {
    json!({
        "id": encode(&authenticator.raw_id),
        "rawId": encode(&authenticator.raw_id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": encode(&touch.client_data),
            "authenticatorData": encode(&touch.authenticator_data),
            "signature": encode(&touch.signature),
            "userHandle": null,
        },
    })
}

/// The answer of an authenticator to options.
pub(crate) fn touched(authenticator: &Authenticator, options: &Value) -> Value {
    asserted(authenticator, &authenticator.touch(&challenge(options)))
}

impl Browser {
    pub(crate) fn at(api: std::net::SocketAddr) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        Self {
            agent: config.build().into(),
            base: format!("http://{api}"),
            origin: format!("http://localhost:{}", api.port()),
            cookie: None,
            page: None,
            site: "same-origin",
        }
    }

    pub(crate) fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        let mut request = ureq::http::Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header("sec-fetch-site", self.site);
        if method != Method::GET {
            request = request
                .header("origin", &self.origin)
                .header("content-type", "application/json");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(page) = &self.page {
            request = request.header("cordon-page", page);
        }
        let sent = if method == Method::POST {
            let bytes = serde_json::to_vec(body).unwrap();
            self.agent.run(request.body(bytes).unwrap())
        } else {
            self.agent.run(request.body(()).unwrap())
        };
        let mut response = sent.unwrap();
        let cookie = response.headers().get("set-cookie");
        let cookie = cookie.map(|value| value.to_str().unwrap().to_owned());
        let bytes = response.body_mut().read_to_vec().unwrap();
        Reply {
            status: response.status().as_u16(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            cookie,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &Value::Null)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, body)
    }

    /// Makes a passkey under an invitation.
    pub(crate) fn make(&self, code: &str, authenticator: &Authenticator) -> Reply {
        let begun = self
            .post("/v1/passkeys/begin", &json!({ "code": code }))
            .ok();
        let client = authenticator.client_data("webauthn.create", &challenge(&begun["publicKey"]));
        let credential = json!({
            "id": encode(&authenticator.raw_id),
            "rawId": encode(&authenticator.raw_id),
            "type": "public-key",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "clientDataJSON": encode(&client),
                "attestationObject": encode(&authenticator.attestation()),
                "transports": ["internal"],
            },
        });
        let body = json!({ "code": code, "credential": credential });
        self.post("/v1/passkeys/finish", &body)
    }

    /// Begins to sign in: id and options.
    pub(crate) fn begin(&self) -> (Value, Value) {
        let mut begun = self.post("/v1/session/begin", &json!({})).ok();
        (begun["id"].take(), begun["publicKey"].take())
    }

    /// Signs in; cookie and page's token are kept.
    pub(crate) fn sign_in(&mut self, authenticator: &Authenticator) -> Value {
        let (id, options) = self.begin();
        let credential = touched(authenticator, &options);
        let body = json!({ "id": id, "credential": credential });
        let reply = self.post("/v1/session/finish", &body);
        if let Some(cookie) = &reply.cookie {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let session = reply.ok();
        self.page = session["page"].as_str().map(str::to_owned);
        session
    }

    /// Prepares an act: what waits, with the options for its assertion.
    pub(crate) fn prepare(&self, act: &Value) -> Value {
        self.post("/v1/acts/prepare", act).ok()
    }

    /// Submits an assertion over a prepared act.
    pub(crate) fn submit(&self, prepared: &Value, assertion: Value) -> Reply {
        let body = json!({ "id": prepared["id"], "assertion": assertion });
        self.post("/v1/acts/submit", &body)
    }

    /// Does an act with a touch.
    pub(crate) fn act(&self, authenticator: &Authenticator, act: &Value) -> Reply {
        let prepared = self.prepare(act);
        let assertion = touched(authenticator, &prepared["assertion"]);
        self.submit(&prepared, assertion)
    }
}
