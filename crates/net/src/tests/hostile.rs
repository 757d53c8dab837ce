//! Strangers and members that break the rules.

use commonware_runtime::{Listener as _, Sink as _, Stream as _};

use super::*;
use crate::{
    Error, Fault, Kind, Trouble,
    frame::{Frame, RECORD_BYTES_MAX, Reason},
    link::{Halves, Identity},
};

on_both!(
    garbage_does_no_harm,
    a_thousand_half_open_connections_leave_room,
    a_cut_answer_is_an_error,
    a_listener_that_breaks_the_format_is_at_fault,
    a_caller_that_breaks_the_format_is_hung_up_on,
    an_oversize_record_is_refused_unread,
    one_peer_cannot_take_all_places,
);

/// Bytes that no honest encoder writes.
fn raw(bytes: Vec<u8>) -> Bytes {
    Bytes::from(bytes)
}

fn plain(frame: Frame) -> Bytes {
    frame.encode().coalesce().into()
}

/// A member that dials `node` and then says what it likes.
async fn villain<E: Ground>(ctx: &E, seed: u8, node: &Node<E>) -> Halves<E> {
    let mut identity = Identity::new(&key(seed), &network());
    identity.record_bytes_max = 2 * RECORD_BYTES_MAX;
    let (sink, stream) = ctx.dial(node.net.listening()).await.unwrap();
    let halves = identity.dial(ctx.child("villain"), node.key, sink, stream);
    halves.await.unwrap()
}

/// A member that listens, takes one call, says `frames` and hangs up.
async fn liar<E: Ground>(ctx: &E, node: &Node<E>, frames: Vec<Bytes>) -> PublicKey {
    let mut listener = ctx.bind(E::listen()).await.unwrap();
    let address = listener.local_addr().unwrap();
    // Simulated addresses do not tell the port that was asked for as zero.
    node.book.set(key(66).public(), Some(address));
    ctx.child("liar").spawn(move |ctx| async move {
        let identity = Identity::new(&key(66), &network());
        let (_, sink, stream) = listener.accept().await.unwrap();
        let greeted = identity.listen(ctx.child("handshake"), |_| true, sink, stream);
        let (_, mut halves) = greeted.await.unwrap();
        halves.receiver.recv().await.unwrap();
        for frame in frames {
            halves.sender.send(frame).await.unwrap();
        }
        // Let the bytes arrive before hanging up.
        ctx.sleep(Duration::from_millis(200)).await;
    });
    key(66).public()
}

async fn ask_liar<E: Ground>(ctx: &E, frames: Vec<Bytes>) -> (usize, Error) {
    let a: Node<E> = Node::start(ctx, 1, Limits::default()).await;
    let liar = liar(ctx, &a, frames).await;
    let mut answer = a.net.call(liar, &b"tell me"[..], LONG).await.unwrap();
    let mut count = 0;
    loop {
        match answer.next().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => panic!("a broken answer looked whole"),
            Err(error) => {
                assert!(error.was_sent());
                assert_eq!(error.peer, Some(liar));
                let (_, last) = a.net.status().peers[0].last_error.clone().unwrap();
                assert_eq!(last.kind, error.kind);
                return (count, error);
            }
        }
    }
}

pub(super) mod bodies {
    use super::*;

    pub(crate) async fn garbage_does_no_harm<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        let mut noise = 1u32;
        for length in [0usize, 1, 31, 32, 33, 64, 200, 5000] {
            for first in [0u8, 32, 0x80, 0xff] {
                let (mut sink, mut stream) = ctx.dial(b.net.listening()).await.unwrap();
                let mut bytes = vec![first];
                bytes.extend((0..length).map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    noise.to_be_bytes()[0]
                }));
                let _ = sink.send(bytes).await;
                drop(sink);
                // It says nothing back and hangs up.
                assert!(stream.recv(1).await.is_err());
            }
        }
        until(&ctx, "all are turned away", || {
            b.net.status().turned_away == 32
        })
        .await;
        // A member's key without its signature is worth nothing either.
        let (mut sink, mut stream) = ctx.dial(b.net.listening()).await.unwrap();
        let mut bytes = vec![32];
        bytes.extend(a.key.0);
        bytes.push(104);
        bytes.extend([7; 104]);
        sink.send(bytes).await.unwrap();
        assert!(stream.recv(1).await.is_err());
        assert!(b.net.status().peers.is_empty());
        assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
    }

    pub(crate) async fn a_thousand_half_open_connections_leave_room<E: Ground>(ctx: E) {
        let limits = Limits {
            handshake_timeout: Duration::from_secs(3),
            ..Limits::default()
        };
        let places = limits.half_open_max;
        let (a, b) = Node::pair(&ctx, limits).await;
        let mut held = Vec::new();
        for n in 0..1000 {
            held.push(ctx.dial(b.net.listening()).await.unwrap());
            if n % 250 == 249 {
                assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
            }
        }
        until(&ctx, "the oldest gave way", || {
            let status = b.net.status();
            status.turned_away >= 1000 - places as u64 && status.half_open <= places
        })
        .await;
        assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
        until(&ctx, "the others' time is over", || {
            let status = b.net.status();
            status.turned_away == 1000 && status.half_open == 0
        })
        .await;
        drop(held);
    }

    pub(crate) async fn a_cut_answer_is_an_error<E: Ground>(ctx: E) {
        let reply = plain(Frame::Reply(Bytes::from_static(b"part")));
        let (count, error) = ask_liar(&ctx, vec![reply.clone(), reply]).await;
        assert_eq!((count, error.kind), (2, Kind::Trouble(Trouble::Cut)));
    }

    pub(crate) async fn a_listener_that_breaks_the_format_is_at_fault<E: Ground>(ctx: E) {
        let reply = plain(Frame::Reply(Bytes::from_static(b"part")));
        let cases = [
            (plain(Frame::End { replies: 2 }), "counts the replies"),
            (plain(Frame::Ping), "only a dialer"),
            (plain(Frame::Part(Bytes::new())), "only a dialer"),
            (raw(vec![]), "a frame has a kind"),
            (raw(vec![9, 1, 2]), "kind is known"),
            (raw(vec![4, 0]), "length is that of its kind"),
            (raw(vec![5, 9, 0, 0, 0, 0]), "family is known"),
            (raw(vec![5, 1, 0, 0, 0, 0, 0xff]), "UTF-8"),
            (raw(vec![5, 1, 0, 0, 0, 0, 7]), "control characters"),
            (
                raw([vec![5, 1, 0, 0, 0, 0], vec![b'x'; 1025]].concat()),
                "1 KiB",
            ),
            (raw(vec![3; FRAME_BYTES_MAX + 2]), "at most 1 MiB"),
        ];
        for (frame, rule) in cases {
            let ctx = ctx.child("case");
            let (count, error) = ask_liar(&ctx, vec![reply.clone(), frame]).await;
            assert_eq!(count, 1);
            let Kind::Fault(Fault::Framing { rule: broken, .. }) = &error.kind else {
                panic!("{rule}: {error}");
            };
            assert!(broken.contains(rule), "{broken} is not {rule}");
        }
    }

    pub(crate) async fn a_caller_that_breaks_the_format_is_hung_up_on<E: Ground>(ctx: E) {
        let call = |request_bytes, first: &'static [u8]| {
            plain(Frame::Call {
                timeout_ms: 1000,
                request_bytes,
                first: Bytes::from_static(first),
            })
        };
        let part = |bytes: &'static [u8]| plain(Frame::Part(Bytes::from_static(bytes)));
        let too_long = u32::try_from(Limits::default().request_bytes_max).unwrap() + 1;
        let cases = [
            (vec![plain(Frame::Reply(Bytes::new()))], "calls and pings"),
            (vec![part(b"x")], "calls and pings"),
            (vec![raw(vec![1, 0, 0])], "a timeout and a length"),
            (vec![call(too_long, b"")], "no longer than the limit"),
            (vec![call(1, b"xx")], "as long as it says"),
            (vec![call(3, b"x"), part(b"yyy")], "as long as it says"),
            (vec![call(3, b"x"), part(b"")], "a part has bytes"),
            (vec![call(3, b"x"), plain(Frame::Ping)], "not interrupted"),
            (
                vec![call(7, b"release"), call(0, b"")],
                "one call at a time",
            ),
        ];
        for (frames, rule) in cases {
            let b: Node<E> = Node::start(&ctx.child("case"), 2, Limits::default()).await;
            b.book.set(key(5).public(), None);
            let mut villain = villain(&ctx, 5, &b).await;
            for frame in frames {
                villain.sender.send(frame).await.unwrap();
            }
            let goodbye = loop {
                let frame = villain.receiver.recv().await.unwrap().coalesce();
                match Frame::decode(frame.into()).unwrap() {
                    Frame::Reply(_) => {}
                    other => break other,
                }
            };
            assert_eq!(goodbye, Frame::Close(Reason::Fault), "{rule}");
            let (_, error) = b.net.status().peers[0].last_error.clone().unwrap();
            assert!(error.to_string().contains(rule), "{error} is not {rule}");
            drop(villain);
            let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
            until(&ctx, "no service is left", || {
                count(&b.desk.begun) == count(&b.desk.dropped)
            })
            .await;
        }
    }

    pub(crate) async fn an_oversize_record_is_refused_unread<E: Ground>(ctx: E) {
        let b: Node<E> = Node::start(&ctx, 2, Limits::default()).await;
        b.book.set(key(5).public(), None);
        let mut villain = villain(&ctx, 5, &b).await;
        let oversize = vec![1; RECORD_BYTES_MAX as usize + 1];
        // The other end hangs up before it has read it all.
        let _ = villain.sender.send(oversize).await;
        until(&ctx, "it is found at fault", || {
            let peers = b.net.status().peers;
            let last = peers.first().and_then(|peer| peer.last_error.clone());
            last.is_some_and(|(_, error)| error.to_string().contains("a record has at most"))
        })
        .await;
        drop(villain);
        until(&ctx, "it is hung up on", || {
            b.net.status().peers[0].inbound_connections == 0
        })
        .await;
    }

    pub(crate) async fn one_peer_cannot_take_all_places<E: Ground>(ctx: E) {
        let (a, b) = Node::pair(&ctx, Limits::default()).await;
        b.book.set(key(5).public(), None);
        let places = Limits::default().inbound_per_peer_max;
        let mut held = Vec::new();
        for _ in 0..places {
            held.push(villain(&ctx, 5, &b).await);
        }
        let peers = || b.net.status().peers;
        until(&ctx, "all places are taken", || {
            peers().first().map(|peer| peer.inbound_connections) == Some(places)
        })
        .await;
        // An honest caller in its place is told so, and that nothing was served.
        let limits = Limits {
            connect_patience: Duration::from_millis(500),
            ..Limits::default()
        };
        let e: Node<E> = Node::start(&ctx, 5, limits).await;
        e.meet(&b);
        let error = e.ask(&b, &b"echo"[..]).await.unwrap_err();
        assert!(matches!(error.kind, Kind::Trouble(Trouble::Busy { .. })));
        assert!(!error.was_sent() && error.retry().is_some());
        assert_eq!(b.desk.begun.load(Ordering::SeqCst), 0);
        let mut extra = villain(&ctx, 5, &b).await;
        let frame = extra.receiver.recv().await.unwrap().coalesce();
        let goodbye = Frame::decode(frame.into()).unwrap();
        assert_eq!(goodbye, Frame::Close(Reason::Busy));
        assert_eq!(a.ask(&b, &b"echo"[..]).await.unwrap(), &b"echo"[..]);
    }
}
