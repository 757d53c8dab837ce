//! Connections of the API: how many, how long, and who makes room.
//!
//! Why it exists: a node shares its memory and file handles between its officers and
//! whoever can reach its port. A connection costs about 20 kB, so they are counted;
//! what stands half open or reads nothing ends by a clock.
//!
//! *Invariants*
//! - There are at most [`connections_max`] connections. When one more comes, the oldest
//!   on which nobody has shown credentials for a request under way is closed; where
//!   there is none such, the new one is closed.
//! - A request's head comes within [`HEAD_PATIENCE`], in at most [`HEAD_BYTES_MAX`]
//!   bytes and [`HEADERS_MAX`] headers.
//! - A reader takes at least [`PROGRESS_BYTES`] in [`WRITE_PATIENCE`], or all there is.
//! - An answer that was given before the request had been read arrives: the rest of the
//!   request is thrown away for [`LINGER`].
//!
//! *Not here*: how many requests are under way ([`super::pressure`]).

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, response::Response};
use futures::future::BoxFuture;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use signal::watch;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Notify,
    time::{Sleep, sleep, timeout},
};

use crate::core::lock;

/// Most connections, where the system gives enough file handles.
const CONNECTIONS_MAX: usize = 2_048;
/// The part of a process's file handles that the API may take.
const HANDLES_SHARE: usize = 4;
/// Longest that a request's head may take, and a connection stand idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 64;
/// Longest that a reader may take for [`PROGRESS_BYTES`].
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// What a reader must take in that time.
const PROGRESS_BYTES: usize = 64 * 1024;
/// How long the rest of a refused request is thrown away.
const LINGER: Duration = Duration::from_secs(2);
/// And how much of it.
const LINGER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Connections that wait to be taken in; the system may give fewer.
const BACKLOG: u32 = 4_096;
/// Pause after the system refused a connection, as when file handles are out.
const PAUSE: Duration = Duration::from_millis(100);

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Requests under way whose credentials were shown.
    proven: AtomicUsize,
    evicted: Notify,
}

/// A request under way whose credentials were shown: its connection is not closed to
/// make room.
#[derive(Debug)]
pub(super) struct Proven(Arc<Line>);

impl Line {
    /// Keeps a connection until the request under way has been answered.
    pub(super) fn prove(self: &Arc<Self>) -> Proven {
        self.proven.fetch_add(1, Ordering::SeqCst);
        Proven(self.clone())
    }
}

impl Drop for Proven {
    fn drop(&mut self) {
        self.0.proven.fetch_sub(1, Ordering::SeqCst);
    }
}

/// All connections, by the order in which they came.
#[derive(Debug, Default)]
struct Lines {
    open: Mutex<BTreeMap<u64, Arc<Line>>>,
    most: usize,
}

/// A connection's place among all.
struct Place {
    lines: Arc<Lines>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.lines.open).remove(&self.number);
    }
}

impl Lines {
    /// Takes a connection in, and makes room for it; none: everybody who is here works.
    fn enter(self: &Arc<Self>, number: u64) -> Option<(Place, Arc<Line>)> {
        let mut open = lock(&self.open);
        if open.len() >= self.most {
            let idle = open
                .iter()
                .find(|(_, line)| line.proven.load(Ordering::SeqCst) == 0)
                .map(|(number, _)| *number)?;
            if let Some(line) = open.remove(&idle) {
                line.evicted.notify_one();
            }
        }
        let line = Arc::<Line>::default();
        open.insert(number, line.clone());
        let lines = self.clone();
        Some((Place { lines, number }, line))
    }
}

/// How many connections there may be: a share of the file handles that this process has.
fn connections_max() -> usize {
    let handles = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let handles = handles.and_then(|handles| usize::try_from(handles).ok());
    let share = handles.map_or(CONNECTIONS_MAX, |handles| handles / HANDLES_SHARE);
    share.clamp(16, CONNECTIONS_MAX)
}

/// Listens on an address, with a queue that a flood does not fill between two turns of
/// this program: what finds it full is tried again after a second.
///
/// # Errors
/// The system's, where the address can't be had.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `draining` resolves and the requests under way have been answered.
pub(crate) async fn serve(listener: TcpListener, router: Router, draining: impl Future) {
    let lines = Arc::new(Lines {
        most: connections_max(),
        ..Lines::default()
    });
    let close = watch::Sender::new(false);
    let mut draining = std::pin::pin!(draining);
    let mut tasks = tokio::task::JoinSet::new();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            _ = &mut draining => break,
            accepted = listener.accept() => accepted,
        };
        while tasks.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        number += 1;
        if let Some((place, line)) = lines.enter(number) {
            tasks.spawn(connection(
                stream,
                router.clone(),
                (place, line),
                close.subscribe(),
            ));
        }
    }
    drop(listener);
    close.send_replace(true);
    while tasks.join_next().await.is_some() {}
}

/// Serves one connection to its end.
async fn connection(
    stream: TcpStream,
    router: Router,
    (_place, line): (Place, Arc<Line>),
    mut closing: watch::Receiver<bool>,
) {
    // Where it can't be set, answers are only later.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Patient::new(stream));
    let mut served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(io, service(router, line.clone()));
    let mut told = false;
    loop {
        tokio::select! {
            // An error too may have been answered: a head that is too large is.
            _ = std::future::poll_fn(|cx| served.poll_without_shutdown(cx)) => break,
            () = line.evicted.notified() => return,
            changed = closing.changed(), if !told => {
                told = true;
                if changed.is_ok() {
                    Pin::new(&mut served).graceful_shutdown();
                }
            }
        }
    }
    let stream = served.into_parts().io.into_inner().stream;
    tokio::select! {
        () = linger(stream) => {}
        () = line.evicted.notified() => {}
    }
}

/// The router as a connection's service; requests carry their connection.
fn service(
    router: Router,
    line: Arc<Line>,
) -> impl Service<
    Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future = BoxFuture<'static, Result<Response, Infallible>>,
> {
    let router = TowerToHyperService::new(router);
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(line.clone());
        let answered: BoxFuture<'static, Result<Response, Infallible>> =
            Box::pin(router.call(request));
        answered
    })
}

/// Says that nothing more comes, and throws away what still does: closing a socket with
/// unread bytes resets it, and the answer would be lost on its way.
async fn linger(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut thrown = vec![0; 16 * 1024];
    let drained = async {
        let mut left = LINGER_BYTES_MAX;
        while let Ok(read @ 1..) = stream.read(&mut thrown).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    };
    // Late enough: whoever still writes has had time to read.
    let _ = timeout(LINGER, drained).await;
}

/// A stream that gives a reader up who takes nothing.
struct Patient {
    stream: TcpStream,
    /// Since the reader took less than it was offered.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Bytes taken since.
    taken: usize,
}

impl Patient {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            stalled: None,
            taken: 0,
        }
    }

    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.taken = self.taken.saturating_add(bytes);
                if self.taken >= PROGRESS_BYTES {
                    self.settle();
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(error) => Poll::Ready(error),
            Poll::Pending => {
                let stalled = self
                    .stalled
                    .get_or_insert_with(|| Box::pin(sleep(WRITE_PATIENCE)));
                match stalled.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn settle(&mut self) {
        self.stalled = None;
        self.taken = 0;
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when all that there is has been written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.settle();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_without_credentials_makes_room_and_nobody_who_works() {
        let lines = Arc::new(Lines {
            most: 2,
            ..Lines::default()
        });
        let (first_place, first) = lines.enter(1).unwrap();
        let (second_place, second) = lines.enter(2).unwrap();
        let works = first.prove();
        let (_third_place, third) = lines.enter(3).unwrap();
        assert_eq!(
            lock(&lines.open).keys().copied().collect::<Vec<_>>(),
            [1, 3]
        );
        drop(second_place);
        assert_eq!(lock(&lines.open).len(), 2);
        let _works_too = third.prove();
        assert!(lines.enter(4).is_none());
        drop(works);
        assert!(lines.enter(5).is_some());
        assert!(!lock(&lines.open).contains_key(&1));
        drop((first_place, second));
    }
}
