//! Honest nodes: calls, answers, errors, reuse, back-pressure, restarts.

use super::*;
use crate::{Error, Fault, Kind, Refusal, Trouble};

on_both!(
    answers_come_whole_and_in_order,
    a_services_error_arrives_with_its_family,
    what_cannot_be_called_is_refused_at_once,
    a_listener_refuses_a_non_member,
    another_key_or_network_is_not_answered,
    a_slow_reader_holds_the_service_back,
    an_abandoned_call_ends_the_service,
    many_calls_share_few_connections,
    a_restarted_peer_answers_the_next_call,
    a_removed_member_loses_its_connections,
    stopping_lets_calls_end,
    both_directions_at_once,
);

pub(super) mod bodies {
    use super::*;

    pub(crate) async fn answers_come_whole_and_in_order<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        let mut answer = a.net.call(b.key, &b"numbers\x14"[..], LONG).await.unwrap();
        assert_eq!(answer.peer(), b.key);
        for n in 0..20u8 {
            let reply = answer.next().await.unwrap().unwrap();
            assert_eq!(reply, vec![n; usize::from(n) * 1000]);
        }
        assert_eq!(answer.next().await.unwrap(), None);
        assert_eq!(answer.next().await.unwrap(), None);

        assert_eq!(a.ask(&b, &b"nothing"[..]).await.unwrap(), Bytes::new());
        assert_eq!(a.ask(&b, Bytes::new()).await.unwrap(), Bytes::new());
        let long: Vec<u8> = (0..3 * FRAME_BYTES_MAX + 17)
            .map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1])
            .collect();
        assert!(a.ask(&b, long.clone()).await.unwrap() == long);

        // All on one connection.
        let status = a.net.status();
        assert_eq!(status.peers.len(), 1);
        let peer = &status.peers[0];
        assert_eq!((peer.peer, peer.member), (b.key, true));
        assert_eq!((peer.outbound_connections, peer.outbound_calls), (1, 0));
        assert!(peer.bytes_out > long.len() as u64 && peer.bytes_in > long.len() as u64);
        assert!(peer.last_heard.is_some() && peer.last_error.is_none());
        let other = &b.net.status().peers[0];
        assert_eq!((other.peer, other.inbound_connections), (a.key, 1));
        assert_eq!(other.bytes_in, peer.bytes_out);
        assert_eq!(other.bytes_out, peer.bytes_in);
    }

    pub(crate) async fn a_services_error_arrives_with_its_family<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        let error = a.ask(&b, &b"refuse!"[..]).await.unwrap_err();
        let text = "the desk is closed".to_owned();
        assert_eq!(error.kind, Kind::Refusal(Refusal::Remote { text }));
        assert!(error.was_sent() && error.retry().is_none());
        let error = a.ask(&b, &b"faulty!"[..]).await.unwrap_err();
        let text = "you did wrong".to_owned();
        assert_eq!(error.kind, Kind::Fault(Fault::Remote { text }));
        let error = a.ask(&b, &b"trouble"[..]).await.unwrap_err();
        assert_eq!(error.retry(), Some(Duration::from_secs(7)));
        let error = a.ask(&b, &b"toobig!"[..]).await.unwrap_err();
        assert!(error.to_string().contains("a reply of 1048577 bytes"));

        let mut answer = a.net.call(b.key, &b"halfway"[..], LONG).await.unwrap();
        assert_eq!(answer.next().await.unwrap().unwrap(), &b"half"[..]);
        let error = answer.next().await.unwrap_err();
        assert!(matches!(error.kind, Kind::Trouble(Trouble::Remote { .. })));
        assert_eq!(answer.next().await.unwrap_err(), error);

        // None of this cost the connection.
        assert_eq!(a.net.status().peers[0].outbound_connections, 1);
        assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
        let answer = a.net.call(b.key, &b"numbers\x14"[..], LONG).await.unwrap();
        let error = answer.read_to_end(5000).await.unwrap_err();
        let bytes_max = 5000;
        assert_eq!(
            error.kind,
            Kind::Refusal(Refusal::ReplyTooLarge { bytes_max })
        );
    }

    pub(crate) async fn what_cannot_be_called_is_refused_at_once<E: Ground>(ctx: E) {
        let a: Node<E> = Node::start(&ctx, 1, Limits::default()).await;
        let stranger = key(9).public();
        let refused = async |peer, request: Vec<u8>| {
            let error = a.net.call(peer, request, LONG).await.err().unwrap();
            assert!(!error.was_sent());
            error.kind
        };
        let kind = refused(stranger, vec![]).await;
        assert_eq!(kind, Kind::Refusal(Refusal::NotAMember));
        assert!(a.net.status().peers.is_empty());
        let kind = refused(a.key, vec![]).await;
        assert_eq!(kind, Kind::Refusal(Refusal::Myself));
        a.book.set(stranger, None);
        let limit = Limits::default().request_bytes_max;
        let kind = refused(stranger, vec![0; limit + 1]).await;
        assert!(matches!(
            kind,
            Kind::Refusal(Refusal::RequestTooLarge { bytes_max, .. }) if bytes_max == limit
        ));
        let kind = refused(stranger, vec![]).await;
        assert_eq!(kind, Kind::Trouble(Trouble::NoAddress));
        // A key that is no point of the curve, in somebody's directory.
        let mut two = [0; 32];
        two[0] = 2;
        let broken = PublicKey(two);
        a.book.set(broken, Some(a.net.listening()));
        let kind = refused(broken, vec![]).await;
        assert!(matches!(kind, Kind::Fault(Fault::Handshake { .. })));
    }

    fn impatient() -> Limits {
        Limits {
            connect_patience: Duration::from_millis(300),
            ..Limits::default()
        }
    }

    pub(crate) async fn a_listener_refuses_a_non_member<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, impatient()).await;
        b.book.remove(a.key);
        let error = a.ask(&b, &b"echo"[..]).await.unwrap_err();
        let closed = Kind::Trouble(Trouble::HandshakeClosed {
            retry: error.retry().unwrap(),
        });
        assert_eq!(error.kind, closed);
        let status = b.net.status();
        assert!(status.turned_away > 0 && status.peers.is_empty());
        assert_eq!(b.desk.begun.load(Ordering::SeqCst), 0);
        // It becomes a member, and its next call is answered.
        b.meet(&a);
        ctx.sleep(error.retry().unwrap()).await;
        assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
    }

    pub(crate) async fn another_key_or_network_is_not_answered<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, impatient()).await;
        let call = async |peer| {
            let error: Error = a.net.call(peer, &b""[..], LONG).await.err().unwrap();
            assert!(!error.was_sent());
            error
        };
        // Under the third member's key, somebody else answers.
        let third = key(3).public();
        a.book.set(third, Some(b.net.listening()));
        let error = call(third).await;
        assert!(error.to_string().contains("during the handshake"));
        // The same keys in another network.
        let config = Config {
            key: key(4),
            listen: E::listen(),
            network: NetworkId(Digest::of("test-network", &[b"2"])),
            limits: impatient(),
        };
        let elsewhere = Net::start(ctx.child("x"), config, b.book.clone(), b.desk.clone());
        let elsewhere = elsewhere.await.unwrap();
        a.book.set(key(4).public(), Some(elsewhere.listening()));
        let error = call(key(4).public()).await;
        assert!(error.to_string().contains("during the handshake"));
        assert_eq!(b.desk.begun.load(Ordering::SeqCst), 0);
    }

    pub(crate) async fn a_slow_reader_holds_the_service_back<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        let mut answer = a.net.call(b.key, &b"forever"[..], LONG).await.unwrap();
        for _ in 0..3 {
            assert_eq!(answer.next().await.unwrap().unwrap().len(), FRAME_BYTES_MAX);
        }
        // It settles: both nodes' queues and the sockets between them are full.
        let mut before = usize::MAX;
        loop {
            let now = b.desk.replied.load(Ordering::SeqCst);
            if now == before {
                break;
            }
            before = now;
            ctx.sleep(Duration::from_millis(300)).await;
        }
        // Both nodes' queues hold eight frames at most; sockets what they hold.
        let most = 3 + 8 + E::SOCKET_FRAMES;
        assert!(before <= most, "{before} frames on their way");
        for _ in 0..most {
            assert_eq!(answer.next().await.unwrap().unwrap().len(), FRAME_BYTES_MAX);
        }
        assert!(b.desk.replied.load(Ordering::SeqCst) > before);
    }

    pub(crate) async fn an_abandoned_call_ends_the_service<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        let mut answer = a.net.call(b.key, &b"release"[..], LONG).await.unwrap();
        answer.next().await.unwrap().unwrap();
        drop(answer);
        until(&ctx, "the service is dropped", || {
            b.desk.dropped.load(Ordering::SeqCst) == 1
        })
        .await;
        until(&ctx, "no call is left", || {
            let status = b.net.status();
            status.peers[0].inbound_calls == 0 && status.peers[0].inbound_connections == 0
        })
        .await;
        assert_eq!(a.net.status().peers[0].last_error, None);
    }

    pub(crate) async fn many_calls_share_few_connections<E: Ground>(ctx: E) {
        let limits = Limits::default();
        let (a, b) = Node::pair(&ctx, limits.clone()).await;
        let calls = (0..100u8).map(|n| {
            let (a, b) = (&a, &b);
            async move {
                let request = vec![n; 2000];
                assert_eq!(a.ask(b, request.clone()).await.unwrap(), request);
                a.net.status().peers[0].outbound_connections
            }
        });
        let most = futures::future::join_all(calls).await.into_iter().max();
        assert!(most.unwrap() <= limits.calls_per_peer_max);
        until(&ctx, "the pool shrinks", || {
            a.net.status().peers[0].outbound_connections <= limits.idle_per_peer_max
        })
        .await;
    }

    pub(crate) async fn a_restarted_peer_answers_the_next_call<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        assert_eq!(a.ask(&b, &b"one"[..]).await.unwrap(), &b"one"[..]);
        let mut cut = a.net.call(b.key, &b"release"[..], LONG).await.unwrap();
        cut.next().await.unwrap().unwrap();
        let address = b.net.listening();
        b.net.stop(Duration::ZERO).await;
        let error = cut.next().await.unwrap_err();
        assert_eq!(error.kind, Kind::Trouble(Trouble::Cut));
        assert!(error.was_sent());
        drop(b);
        let listen = if E::REUSES { address } else { E::listen() };
        let b = Node::start_at(&ctx, 2, Limits::default(), listen).await;
        a.meet(&b);
        b.meet(&a);
        assert_eq!(a.ask(&b, &b"two"[..]).await.unwrap(), &b"two"[..]);
    }

    pub(crate) async fn a_removed_member_loses_its_connections<E: Ground>(ctx: E) {
        let limits = Limits {
            membership_check: Duration::from_secs(600),
            ..impatient()
        };
        let (a, b) = Node::pair(&ctx, limits).await;
        assert_eq!(a.ask(&b, &b"idle"[..]).await.unwrap(), &b"idle"[..]);
        let mut answer = a.net.call(b.key, &b"release"[..], LONG).await.unwrap();
        answer.next().await.unwrap().unwrap();
        b.book.remove(a.key);
        b.net.membership_changed();
        let error = answer.next().await.unwrap_err();
        assert!(error.to_string().contains("not a member"), "{error}");
        until(&ctx, "the service is dropped", || {
            b.desk.dropped.load(Ordering::SeqCst) == 2
        })
        .await;
        assert!(a.ask(&b, &b"echo"[..]).await.is_err());
        b.net.membership_changed();
        assert!(b.net.status().peers.is_empty());

        // And the other way round: the caller learns first.
        b.meet(&a);
        ctx.sleep(Duration::from_secs(1)).await;
        let mut answer = a.net.call(b.key, &b"release"[..], LONG).await.unwrap();
        answer.next().await.unwrap().unwrap();
        a.book.remove(b.key);
        a.net.membership_changed();
        let error = answer.next().await.unwrap_err();
        assert_eq!(error.kind, Kind::Refusal(Refusal::NotAMember));
    }

    pub(crate) async fn stopping_lets_calls_end<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, impatient()).await;
        let mut answer = a.net.call(b.key, &b"release"[..], LONG).await.unwrap();
        answer.next().await.unwrap().unwrap();
        let stop = b.net.stop(LONG);
        let rest = async {
            ctx.sleep(Duration::from_millis(100)).await;
            assert!(a.ask(&b, &b"new"[..]).await.is_err());
            let error = b.net.call(a.key, &b""[..], LONG).await.err().unwrap();
            assert_eq!(error.kind, Kind::Trouble(Trouble::Stopping));
            b.desk.release.notify_one();
            assert_eq!(answer.next().await.unwrap().unwrap(), &b"released"[..]);
            assert_eq!(answer.next().await.unwrap(), None);
        };
        futures::join!(stop, rest);
        assert_eq!(b.net.status().peers[0].inbound_connections, 0);
    }

    pub(crate) async fn both_directions_at_once<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        let request = vec![5; 2 * FRAME_BYTES_MAX];
        for _ in 0..5 {
            let (to, fro) = futures::join!(a.ask(&b, request.clone()), b.ask(&a, request.clone()));
            assert!(to.unwrap() == request && fro.unwrap() == request);
        }
    }
}
