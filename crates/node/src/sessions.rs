//! Sessions of officers who signed in with a passkey.
//!
//! A session is two secrets: a token in a cookie that scripts can't read, and a
//! token that a page holds in memory and sends with every request. A cookie copied
//! from a disk, a backup or another port of the same host opens nothing of a case
//! without a page's token; a page's token is worth nothing without the cookie. What
//! binds needs a fresh assertion beside both.
//!
//! *Invariants*
//! - A session ends fifteen minutes after its officer's last assertion. Reading
//!   does not prolong it.
//! - Only digests of tokens are kept, and none of it on disk: a node that starts
//!   again has no sessions.
//! - A sign-in's challenge is good for one session. Beginning a sign-in costs no
//!   memory, so nobody can crowd others out by beginning many.
//!
//! *Not here*: whether the officer is still enrolled; the gate asks the ledger's
//! state on every request.

use std::{collections::HashMap, sync::Mutex};

use docket::CredentialId;
use primitives::{Digest, TimeMs};

use crate::{
    core::lock,
    error::{Error, Result},
};

/// How long a session lasts after its officer's last assertion.
pub(crate) const LIFE_MS: u64 = 15 * 60 * 1000;
/// How long a challenge to sign in is good.
pub(crate) const SIGN_IN_MS: u64 = 2 * 60 * 1000;
/// Most sessions at once.
const SESSIONS_MAX: usize = 10_000;
/// Most pages of one session; the oldest goes.
const PAGES_MAX: usize = 16;
/// Most sign-ins of the last minutes.
const USED_MAX: usize = 100_000;

/// A sign-in that was begun: its id and the challenge to sign.
pub(crate) struct SignIn {
    /// The id under which to finish it.
    pub(crate) id: [u8; 16],
    /// The challenge.
    pub(crate) challenge: Digest,
}

/// A session's two secrets, given out once.
pub(crate) struct Tokens {
    /// The cookie's.
    pub(crate) cookie: Digest,
    /// The page's.
    pub(crate) page: Digest,
    /// When the session ends.
    pub(crate) expires_ms: TimeMs,
}

/// A live session, as a request finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Whose it is.
    pub(crate) credential: CredentialId,
    /// When it ends.
    pub(crate) expires_ms: TimeMs,
}

struct Kept {
    session: Session,
    pages: Vec<Digest>,
}

#[derive(Default)]
struct Inner {
    /// By the digest of the cookie's token.
    kept: HashMap<Digest, Kept>,
    /// Sign-ins that were finished, until they lapse.
    used: HashMap<[u8; 16], TimeMs>,
}

/// The sessions of one node.
pub(crate) struct Sessions {
    secret: [u8; 32],
    context: Digest,
    inner: Mutex<Inner>,
}

fn name(token: &Digest) -> Digest {
    Digest::of("cordon/session-token/v1", &[&token.0])
}

fn draw() -> Digest {
    Digest(primitives::random())
}

impl Sessions {
    /// No sessions yet. `context` names network and institution, so that a
    /// challenge of one node is none of another's.
    #[must_use]
    pub(crate) fn new(context: Digest) -> Self {
        Self {
            secret: primitives::random(),
            context,
            inner: Mutex::default(),
        }
    }

    /// Begins a sign-in.
    #[must_use]
    pub(crate) fn begin(&self, now: TimeMs) -> SignIn {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&now.to_be_bytes());
        id[8..].copy_from_slice(&primitives::random::<8>());
        SignIn {
            id,
            challenge: self.challenge(&id),
        }
    }

    /// The challenge of an id: unknown to anybody whom the node did not tell.
    fn challenge(&self, id: &[u8; 16]) -> Digest {
        Digest::of("cordon/sign-in/v1", &[&self.secret, &self.context.0, id])
    }

    /// The challenge of a sign-in that can still be finished.
    ///
    /// # Errors
    /// A refusal where it lapsed or was finished.
    pub(crate) fn pending(&self, id: &[u8; 16], now: TimeMs) -> Result<Digest> {
        let (time, _) = id.split_at(8);
        let begun = u64::from_be_bytes(time.try_into().unwrap_or_default());
        if begun > now || now - begun > SIGN_IN_MS {
            return Err(unauthenticated("the sign-in was begun too long ago"));
        }
        if lock(&self.inner).used.contains_key(id) {
            return Err(unauthenticated("the sign-in was finished before"));
        }
        Ok(self.challenge(id))
    }

    /// Opens a session for a credential whose assertion over the sign-in's
    /// challenge was checked; or another page of `joins`, where that is a session
    /// of the same credential.
    ///
    /// # Errors
    /// A refusal where the sign-in lapsed or was finished, trouble where there are
    /// too many.
    pub(crate) fn open(
        &self,
        id: &[u8; 16],
        credential: CredentialId,
        joins: Option<&Digest>,
        now: TimeMs,
    ) -> Result<Tokens> {
        self.pending(id, now)?;
        let mut inner = lock(&self.inner);
        inner.used.retain(|_, until| *until > now);
        inner.kept.retain(|_, kept| kept.session.expires_ms > now);
        if inner.used.len() >= USED_MAX || inner.kept.len() >= SESSIONS_MAX {
            return Err(Error::trouble("busy", "too many sessions"));
        }
        if inner.used.insert(*id, now + SIGN_IN_MS + 1).is_some() {
            return Err(unauthenticated("the sign-in was finished before"));
        }
        let session = Session {
            credential,
            expires_ms: now + LIFE_MS,
        };
        let page = draw();
        let joined = joins.filter(|token| {
            let kept = inner.kept.get(&name(token));
            kept.is_some_and(|kept| kept.session.credential == credential)
        });
        let cookie = joined.copied().unwrap_or_else(draw);
        let kept = inner.kept.entry(name(&cookie)).or_insert(Kept {
            session,
            pages: Vec::new(),
        });
        kept.session = session;
        if kept.pages.len() >= PAGES_MAX {
            kept.pages.remove(0);
        }
        kept.pages.push(name(&page));
        Ok(Tokens {
            cookie,
            page,
            expires_ms: session.expires_ms,
        })
    }

    /// The live session of a cookie's token.
    #[must_use]
    pub(crate) fn find(&self, cookie: &Digest, now: TimeMs) -> Option<Session> {
        let inner = lock(&self.inner);
        let kept = inner.kept.get(&name(cookie))?;
        (kept.session.expires_ms > now).then_some(kept.session)
    }

    /// Whether a page's token is of the cookie's session.
    #[must_use]
    pub(crate) fn has_page(&self, cookie: &Digest, page: &Digest) -> bool {
        let page = name(page);
        lock(&self.inner)
            .kept
            .get(&name(cookie))
            .is_some_and(|kept| kept.pages.contains(&page))
    }

    /// Prolongs a session after an assertion of its officer.
    pub(crate) fn prolong(&self, cookie: &Digest, now: TimeMs) {
        if let Some(kept) = lock(&self.inner).kept.get_mut(&name(cookie)) {
            kept.session.expires_ms = now + LIFE_MS;
        }
    }

    /// Ends a session.
    pub(crate) fn close(&self, cookie: &Digest) {
        lock(&self.inner).kept.remove(&name(cookie));
    }
}

fn unauthenticated(detail: &str) -> Error {
    Error::refused("unauthenticated", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimeMs = 1_764_000_000_000;

    fn sessions() -> Sessions {
        Sessions::new(Digest::plain(b"police"))
    }

    fn officer(byte: u8) -> CredentialId {
        CredentialId::Passkey(Digest([byte; 32]))
    }

    fn open(sessions: &Sessions, joins: Option<&Digest>, now: TimeMs) -> Tokens {
        let sign_in = sessions.begin(now);
        sessions.open(&sign_in.id, officer(1), joins, now).unwrap()
    }

    #[test]
    fn a_challenge_is_good_once_and_for_two_minutes() {
        let sessions = sessions();
        let sign_in = sessions.begin(NOW);
        let pending = |now| sessions.pending(&sign_in.id, now);
        assert_eq!(pending(NOW + SIGN_IN_MS).unwrap(), sign_in.challenge);
        assert!(pending(NOW + SIGN_IN_MS + 1).is_err());
        assert!(pending(NOW - 1).is_err());
        sessions.open(&sign_in.id, officer(1), None, NOW).unwrap();
        assert!(pending(NOW).is_err());
        assert!(sessions.open(&sign_in.id, officer(1), None, NOW).is_err());
        assert_ne!(sessions.begin(NOW).challenge, sign_in.challenge);
    }

    #[test]
    fn a_challenge_of_one_node_is_none_of_anothers() {
        let sign_in = sessions().begin(NOW);
        assert_ne!(
            sessions().pending(&sign_in.id, NOW).unwrap(),
            sign_in.challenge
        );
    }

    #[test]
    fn a_session_ends_fifteen_minutes_after_the_last_assertion() {
        let sessions = sessions();
        let tokens = open(&sessions, None, NOW);
        let cookie = tokens.cookie;
        assert!(sessions.find(&cookie, NOW + LIFE_MS - 1).is_some());
        assert!(sessions.find(&cookie, NOW + LIFE_MS).is_none());
        sessions.prolong(&cookie, NOW + LIFE_MS - 1);
        assert!(sessions.find(&cookie, NOW + LIFE_MS).is_some());
        sessions.close(&cookie);
        assert!(sessions.find(&cookie, NOW).is_none());
    }

    #[test]
    fn the_two_tokens_are_one_sessions() {
        let sessions = sessions();
        let first = open(&sessions, None, NOW);
        let second = open(&sessions, None, NOW);
        assert!(sessions.has_page(&first.cookie, &first.page));
        assert!(!sessions.has_page(&first.cookie, &second.page));
        assert!(!sessions.has_page(&first.cookie, &first.cookie));
        assert!(!sessions.has_page(&first.page, &first.page));
        assert!(sessions.find(&first.page, NOW).is_none());
    }

    #[test]
    fn another_tab_joins_the_session_and_another_officer_does_not() {
        let sessions = sessions();
        let first = open(&sessions, None, NOW);
        let tab = open(&sessions, Some(&first.cookie), NOW + 1);
        assert_eq!(tab.cookie, first.cookie);
        assert!(sessions.has_page(&first.cookie, &first.page));
        assert!(sessions.has_page(&first.cookie, &tab.page));
        let sign_in = sessions.begin(NOW);
        let other = sessions
            .open(&sign_in.id, officer(2), Some(&first.cookie), NOW)
            .unwrap();
        assert_ne!(other.cookie, first.cookie);
        for _ in 0..PAGES_MAX {
            open(&sessions, Some(&first.cookie), NOW);
        }
        assert!(!sessions.has_page(&first.cookie, &first.page));
    }
}
