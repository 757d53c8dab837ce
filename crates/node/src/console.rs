//! Where this node's console is, as browsers and passkeys know it.
//!
//! *Invariants*: one origin. A passkey is enrolled for it, a request by cookie
//! must come from it, and it is the only one that the node ever names.

use docket::passkey::origin_host;

use crate::{
    config::Config,
    error::{Error, Result},
};

/// The console's origin, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    /// The origin: `https://HOST[:PORT]`, or `http://localhost[:PORT]`.
    pub(crate) origin: String,
    /// WebAuthn's relying party: the origin's host.
    pub(crate) rp_id: String,
    /// The session cookie's name.
    pub(crate) cookie: String,
}

impl Console {
    /// The console of a configuration: as it says, or `localhost` at the API's port.
    ///
    /// # Errors
    /// A refusal where the origin is none that browsers let passkeys be used at.
    pub(crate) fn of(config: &Config) -> Result<Self> {
        let origin = match &config.console.origin {
            Some(origin) => origin.clone(),
            None => match config.listen.api.port() {
                80 => "http://localhost".into(),
                port => format!("http://localhost:{port}"),
            },
        };
        let host = origin_host(&origin).ok_or_else(|| {
            Error::refused("config", format!("console.origin: {origin} is no origin"))
                .advise("write https://HOST[:PORT], or http://localhost[:PORT]; no path, no /")
        })?;
        // Browsers share a host's cookies among its ports, so the name says whose
        // it is; the prefix keeps other hosts of the domain from setting it.
        let prefix = if origin.starts_with("https:") {
            "__Host-"
        } else {
            ""
        };
        Ok(Self {
            rp_id: host.to_owned(),
            cookie: format!("{prefix}cordon_{}", config.institution),
            origin,
        })
    }

    /// Whether the cookie may only travel over TLS.
    #[must_use]
    pub(crate) fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }
}
