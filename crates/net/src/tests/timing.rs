//! Time-outs, heartbeats and back-off, on virtual time alone.

use commonware_runtime::{Clock as _, Listener as _, Network as _, Spawner as _, Supervisor as _};
use std::time::SystemTime;

use super::*;
use crate::{Kind, Trouble, frame::Frame, link::Identity};

type Ctx = deterministic::Context;

fn since(ctx: &Ctx, start: SystemTime) -> Duration {
    ctx.current().duration_since(start).unwrap()
}

#[test]
fn a_call_ends_when_its_time_is_over() {
    simulated(|ctx| async move {
        let (a, b): (Node<Ctx>, _) = Node::pair(&ctx, Limits::default()).await;
        let start = ctx.current();
        let timeout = Duration::from_secs(3);
        let mut answer = a.net.call(b.key, &b"release"[..], timeout).await.unwrap();
        answer.next().await.unwrap().unwrap();
        let error = answer.next().await.unwrap_err();
        assert_eq!(error.kind, Kind::Trouble(Trouble::TimedOut));
        assert!(since(&ctx, start) >= timeout && since(&ctx, start) < timeout * 2);
        until(&ctx, "the service is dropped", || {
            b.desk.dropped.load(Ordering::SeqCst) == 1
        })
        .await;
    });
}

#[test]
fn a_listener_ends_a_call_whose_time_is_over() {
    simulated(|ctx| async move {
        let limits = Limits {
            serve_timeout: Duration::from_secs(2),
            ..Limits::default()
        };
        let (a, b): (Node<Ctx>, _) = Node::pair(&ctx, limits).await;
        let mut answer = a.net.call(b.key, &b"release"[..], LONG).await.unwrap();
        answer.next().await.unwrap().unwrap();
        let error = answer.next().await.unwrap_err();
        assert!(error.to_string().contains("longer than it may"));
        assert_eq!(b.desk.dropped.load(Ordering::SeqCst), 1);
        // The connection is as good as before.
        assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
        assert_eq!(a.net.status().peers[0].outbound_connections, 1);
    });
}

#[test]
fn heartbeats_carry_a_call_through_a_long_silence() {
    simulated(|ctx| async move {
        let (a, b): (Node<Ctx>, _) = Node::pair(&ctx, Limits::default()).await;
        let long = Duration::from_secs(3000);
        let mut answer = a.net.call(b.key, &b"release"[..], long).await.unwrap();
        answer.next().await.unwrap().unwrap();
        ctx.sleep(Duration::from_secs(1200)).await;
        b.desk.release.notify_one();
        assert_eq!(answer.next().await.unwrap().unwrap(), &b"released"[..]);
        assert_eq!(answer.next().await.unwrap(), None);
    });
}

#[test]
fn a_reader_that_stops_reading_is_dropped() {
    simulated(|ctx| async move {
        let (a, b): (Node<Ctx>, _) = Node::pair(&ctx, Limits::default()).await;
        let long = Duration::from_secs(3000);
        let mut answer = a.net.call(b.key, &b"forever"[..], long).await.unwrap();
        ctx.sleep(Limits::default().stall_timeout * 2).await;
        assert_eq!(b.desk.dropped.load(Ordering::SeqCst), 1);
        let (_, error) = b.net.status().peers[0].last_error.clone().unwrap();
        assert_eq!(error.kind, Kind::Trouble(Trouble::Stalled));
        let mut frames = 0;
        let error = loop {
            match answer.next().await {
                Ok(reply) => frames += usize::from(reply.is_some()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, Kind::Trouble(Trouble::Cut));
        assert!(frames < 8);
    });
}

/// A member that listens and answers the first call of each connection with an
/// empty answer, then nothing.
async fn sleeper(ctx: &Ctx, node: &Node<Ctx>, answers: usize) -> PublicKey {
    let mut listener = ctx.bind(Ctx::listen()).await.unwrap();
    let address = listener.local_addr().unwrap();
    node.book.set(key(66).public(), Some(address));
    ctx.child("sleeper").spawn(move |ctx| async move {
        let identity = Identity::new(&key(66), &network());
        let mut held = Vec::new();
        loop {
            let (_, sink, stream) = listener.accept().await.unwrap();
            let greeted = identity.listen(ctx.child("handshake"), |_| true, sink, stream);
            let (_, mut halves) = greeted.await.unwrap();
            for _ in 0..answers {
                halves.receiver.recv().await.unwrap();
                let end = Frame::End { replies: 0 }.encode();
                halves.sender.send(end).await.unwrap();
            }
            held.push(halves);
        }
    });
    key(66).public()
}

#[test]
fn a_peer_that_falls_silent_is_given_up() {
    simulated(|ctx| async move {
        let a: Node<Ctx> = Node::start(&ctx, 1, Limits::default()).await;
        let sleeper = sleeper(&ctx, &a, 0).await;
        let start = ctx.current();
        let long = Duration::from_secs(3000);
        let mut answer = a.net.call(sleeper, &b"hello"[..], long).await.unwrap();
        let error = answer.next().await.unwrap_err();
        assert_eq!(error.kind, Kind::Trouble(Trouble::Silent));
        assert!(error.was_sent());
        let silence = Limits::default().silence_timeout;
        assert!(since(&ctx, start) >= silence && since(&ctx, start) < silence * 2);
    });
}

#[test]
fn a_dead_idle_connection_is_found_before_the_request_leaves() {
    simulated(|ctx| async move {
        let a: Node<Ctx> = Node::start(&ctx, 1, Limits::default()).await;
        let sleeper = sleeper(&ctx, &a, 1).await;
        for round in 0..3 {
            let answer = a.net.call(sleeper, &b"hello"[..], LONG).await.unwrap();
            assert_eq!(
                answer.read_to_end(0).await.unwrap(),
                Bytes::new(),
                "{round}"
            );
            // Quiet enough to be probed, not enough to be closed.
            ctx.sleep(Duration::from_secs(5)).await;
        }
        assert_eq!(a.net.status().peers[0].last_error, None);
    });
}

#[test]
fn idle_connections_are_closed_by_the_dialer() {
    simulated(|ctx| async move {
        let (a, b): (Node<Ctx>, _) = Node::pair(&ctx, Limits::default()).await;
        a.ask(&b, &b"echo"[..]).await.unwrap();
        ctx.sleep(Limits::default().idle_timeout - Duration::from_secs(1))
            .await;
        assert_eq!(b.net.status().peers[0].inbound_connections, 1);
        ctx.sleep(Duration::from_secs(2)).await;
        assert_eq!(b.net.status().peers[0].inbound_connections, 0);
        assert_eq!(a.net.status().peers[0].outbound_connections, 0);
        assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
    });
}

#[test]
fn attempts_to_reach_a_peer_grow_rare() {
    simulated(|ctx| async move {
        let limits = Limits::default();
        let a: Node<Ctx> = Node::start(&ctx, 1, limits.clone()).await;
        let gone = key(7).public();
        let address: SocketAddr = ([127, 0, 0, 1], 9).into();
        a.book.set(gone, Some(address));
        let start = ctx.current();
        let error = a.net.call(gone, &b""[..], LONG).await.err().unwrap();
        assert!(since(&ctx, start) <= limits.connect_patience);
        let retry = error.retry().unwrap();
        assert_eq!(
            error.kind,
            Kind::Trouble(Trouble::Unreachable { address, retry })
        );
        assert!(retry > Duration::ZERO && !error.was_sent());
        // The pause has grown past a call's patience: the next calls fail at
        // once, and the pause never passes its cap.
        for _ in 0..20 {
            ctx.sleep(limits.backoff_cap).await;
            let start = ctx.current();
            let error = a.net.call(gone, &b""[..], LONG).await.err().unwrap();
            assert!(since(&ctx, start) < Duration::from_millis(50));
            assert!(error.retry().unwrap() <= limits.backoff_cap);
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let runner = deterministic::Runner::seeded(42);
        runner.start(|ctx| async move {
            let start = ctx.child("test");
            // Ports of the simulated network are part of the run.
            let a: Node<Ctx> =
                Node::start_at(&start, 1, Limits::default(), ([127, 0, 0, 1], 80).into()).await;
            let b = Node::start_at(&start, 2, Limits::default(), ([127, 0, 0, 1], 81).into()).await;
            a.meet(&b);
            b.meet(&a);
            let calls = (0..20u8).map(|n| a.ask(&b, vec![n; 1000]));
            for answer in futures::future::join_all(calls).await {
                assert_eq!(answer.unwrap().len(), 1000);
            }
            ctx.auditor().state()
        })
    };
    assert_eq!(run(), run());
}
