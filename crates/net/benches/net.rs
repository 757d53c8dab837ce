//! Throughput and latency of channels on loopback, with plain TCP measured in
//! the same run as the limit.
//!
//! `cargo bench -p net`

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use net::{
    Config, Directory, FRAME_BYTES_MAX, Limits, Net, Replies, ServeFuture, Service,
    runtime::{
        Listener as _, Network as _, Runner as _, Sink as _, Spawner as _, Stream as _,
        Supervisor as _, tokio,
    },
};
use primitives::{Digest, NetworkId, PublicKey, SigningKey};

const FRAMES: usize = 512;
const CALLS: usize = 2000;
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Book(Mutex<Vec<(PublicKey, SocketAddr)>>);

impl Directory for Book {
    fn address(&self, peer: &PublicKey) -> Option<SocketAddr> {
        let book = self.0.lock().expect("no holder panics");
        let entry = book.iter().find(|(key, _)| key == peer);
        entry.map(|(_, address)| *address)
    }

    fn is_member(&self, _: &PublicKey) -> bool {
        true
    }
}

/// Sends as many full frames as the request's first byte says, times 256.
struct Source;

impl Service for Source {
    fn serve(&self, _: PublicKey, request: Bytes, mut replies: Replies) -> ServeFuture<'_> {
        Box::pin(async move {
            let frame = Bytes::from(vec![7; FRAME_BYTES_MAX]);
            for _ in 0..usize::from(request[0]) * 256 {
                replies.send(frame.clone()).await?;
            }
            Ok(())
        })
    }
}

async fn start(ctx: &tokio::Context, seed: u8, book: &Arc<Book>, limits: Limits) -> Net {
    let config = Config {
        key: SigningKey::from_seed(&[seed; 32]),
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        network: NetworkId(Digest::of("bench", &[])),
        limits,
    };
    let started = Net::start(ctx.child("node"), config, book.clone(), Arc::new(Source));
    let net = started.await.expect("loopback has a free port");
    let mut entries = book.0.lock().expect("no holder panics");
    entries.push((net.key(), net.listening()));
    net
}

fn mib_per_s(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / f64::from(1 << 20) / time.as_secs_f64()
}

/// The limit: the same bytes through the same runtime's TCP, in the clear.
async fn plain(ctx: &tokio::Context) -> f64 {
    let bound = ctx.bind((Ipv4Addr::LOCALHOST, 0).into()).await;
    let mut listener = bound.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    ctx.child("source").spawn(move |_| async move {
        let (_, mut sink, _stream) = listener.accept().await.expect("the bench dials");
        let frame = Bytes::from(vec![7; FRAME_BYTES_MAX]);
        while sink.send(frame.clone()).await.is_ok() {}
    });
    let (_sink, mut stream) = ctx.dial(address).await.expect("the source listens");
    let begun = Instant::now();
    for _ in 0..FRAMES {
        stream.recv(FRAME_BYTES_MAX).await.expect("it sends");
    }
    mib_per_s(FRAMES * FRAME_BYTES_MAX, begun.elapsed())
}

async fn stream(a: &Net, peer: PublicKey) -> f64 {
    let blocks = u8::try_from(FRAMES / 256).expect("few");
    let begun = Instant::now();
    let call = a.call(peer, vec![blocks], TIMEOUT).await;
    let mut answer = call.expect("the peer listens");
    let mut bytes = 0;
    while let Some(reply) = answer.next().await.expect("the answer is whole") {
        bytes += reply.len();
    }
    assert_eq!(bytes, FRAMES * FRAME_BYTES_MAX);
    mib_per_s(bytes, begun.elapsed())
}

async fn calls(a: &Net, peer: PublicKey) -> Vec<Duration> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begun = Instant::now();
        let call = a.call(peer, vec![0], TIMEOUT).await;
        let answer = call.expect("the peer listens");
        answer.read_to_end(0).await.expect("it is empty");
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times
}

fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let tick = |n: usize| fields.get(n).and_then(|f| f.parse::<u64>().ok());
    tick(11).unwrap_or_default() + tick(12).unwrap_or_default()
}

fn print(name: &str, value: String) {
    let mut out = std::io::stdout().lock();
    let _ = std::io::Write::write_all(&mut out, format!("{name:<44} {value}\n").as_bytes());
}

fn main() {
    let config = tokio::Config::new();
    let folder = config.storage_directory().clone();
    tokio::Runner::new(config).start(|ctx| async move {
        let book = Arc::<Book>::default();
        let a = start(&ctx, 1, &book, Limits::default()).await;
        let b = start(&ctx, 2, &book, Limits::default()).await;

        // The dial is in the first call.
        let begun = Instant::now();
        let first = a.call(b.key(), vec![0], TIMEOUT).await;
        let first = first.expect("the peer listens");
        first.read_to_end(0).await.expect("it is empty");
        print(
            "net::call/first=handshake",
            format!("{:?}", begun.elapsed()),
        );

        let times = calls(&a, b.key()).await;
        let (p50, p99) = (times[CALLS / 2], times[CALLS * 99 / 100]);
        print("net::call/reply=0", format!("p50 {p50:?}, p99 {p99:?}"));

        let limit = plain(&ctx).await;
        let rate = stream(&a, b.key()).await;
        let ratio = rate / limit;
        print(
            "net::tcp/frame=1MiB",
            format!("{limit:.0} MiB/s in the clear"),
        );
        print(
            "net::stream/frame=1MiB",
            format!("{rate:.0} MiB/s, {ratio:.2} of it"),
        );

        // What an open but unused pair of connections costs.
        let both = [
            a.call(b.key(), vec![0], TIMEOUT).await,
            b.call(a.key(), vec![0], TIMEOUT).await,
        ];
        for answer in both {
            let answer = answer.expect("the peer listens");
            answer.read_to_end(0).await.expect("it is empty");
        }
        let before = cpu_ticks();
        let idle = Duration::from_secs(10);
        ::tokio::time::sleep(idle).await;
        let ticks = cpu_ticks() - before;
        print(
            "net::idle/connections=2",
            format!(
                "{} ms of CPU in {idle:?}, two nodes and their runtime",
                ticks * 10
            ),
        );
        a.stop(Duration::from_secs(1)).await;
        b.stop(Duration::from_secs(1)).await;
    });
    let _ = std::fs::remove_dir_all(folder);
}
