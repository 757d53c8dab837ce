//! Requests whose answer is not one JSON value: other methods, files, headers and
//! the stream of live events.

use std::io::{BufRead, BufReader};

use serde::{Serialize, de::DeserializeOwned};

use super::{BUNDLE_BYTES_MAX, Client, decode};
use crate::failure::{Failure, Result};

/// What a node answered, whatever it was.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The rule that an error names; empty where it is none.
    #[must_use]
    pub fn rule(&self) -> String {
        let error = serde_json::from_slice::<node::api::types::ApiError>(&self.body);
        error.map(|error| error.rule).unwrap_or_default()
    }
}

/// A live event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Where a new stream goes on after this event.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its data, JSON.
    pub data: String,
}

/// A stream of live events.
pub struct Stream {
    reader: Box<dyn BufRead + Send>,
}

impl Client {
    /// Sends any request, signed as the credential asks, and gives the answer
    /// whatever its status.
    ///
    /// # Errors
    /// Trouble where the node can't be reached.
    pub fn fetch(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let response = self.send(method, path, headers, body)?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let body = response
            .into_body()
            .with_config()
            .limit(BUNDLE_BYTES_MAX)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<ureq::http::Response<ureq::Body>> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(value) = self.authorisation(method, path, body) {
            request = request.header("authorization", value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let malformed = |error: ureq::http::Error| Failure::usage(format!("{path}: {error}"));
        let sent = if body.is_empty() {
            self.agent.run(request.body(()).map_err(malformed)?)
        } else {
            self.agent.run(request.body(body).map_err(malformed)?)
        };
        sent.map_err(|error| self.unreachable(&error))
    }

    /// Puts a JSON value in another's place.
    ///
    /// # Errors
    /// The node's refusal or trouble, or that it can't be reached.
    pub fn put<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|error| Failure::trouble("json", error))?;
        let headers = [("content-type", "application/json")];
        value(&self.fetch("PUT", path, &headers, &body)?)
    }

    /// Has the node check a bundle.
    ///
    /// # Errors
    /// The node's refusal or trouble, or that it can't be reached.
    pub fn check_bundle(&self, bytes: &[u8]) -> Result<node::api::types::BundleCheck> {
        let headers = [("content-type", "application/zip")];
        value(&self.fetch("POST", "/v1/bundles/verify", &headers, bytes)?)
    }

    /// Listens to what happens at the node, from after an event on.
    ///
    /// # Errors
    /// The node's refusal or trouble, or that it can't be reached.
    pub fn events(&self, after: Option<&str>) -> Result<Stream> {
        let headers: Vec<(&str, &str)> = after.iter().map(|id| ("last-event-id", *id)).collect();
        let response = self.send("GET", "/v1/events", &headers, &[])?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            let body = response
                .into_body()
                .read_to_vec()
                .map_err(|error| self.unreachable(&error))?;
            return Err(failure(status, &body));
        }
        let reader = response.into_body().into_reader();
        Ok(Stream {
            reader: Box::new(BufReader::new(reader)),
        })
    }
}

fn value<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    if (200..300).contains(&answer.status) {
        return decode(&answer.body);
    }
    Err(failure(answer.status, &answer.body))
}

fn failure(status: u16, body: &[u8]) -> Failure {
    match serde_json::from_slice::<node::api::types::ApiError>(body) {
        Ok(error) => error.into(),
        Err(_) => Failure::trouble("api", format!("{status} without saying why")),
    }
}

impl Iterator for Stream {
    type Item = Live;

    /// The next event; none: the stream has ended.
    fn next(&mut self) -> Option<Live> {
        let mut live = Live {
            id: String::new(),
            name: String::new(),
            data: String::new(),
        };
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if live.name.is_empty() {
                    continue;
                }
                return Some(live);
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => value.clone_into(&mut live.id),
                "event" => value.clone_into(&mut live.name),
                "data" => live.data.push_str(value),
                _ => {}
            }
        }
    }
}
