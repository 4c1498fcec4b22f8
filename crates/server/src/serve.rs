//! Listening, connections with their deadlines, and a stop that lets everything begun come to its end.
//!
//! A connection that sends its head too slowly is closed; one that takes nothing of its answer for a
//! while is closed; one beyond the greatest number is answered 503 at once. When the server stops, it
//! takes no more connections, open tails end by themselves, running requests are finished, and what
//! is still there after the drain time is cut.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use proofbook_delivery::engine::Working;
use proofbook_store::random::Random;
use proofbook_store::signing::Signer;
use proofbook_store::store::Store;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::app::App;
use crate::config::{Config, ConfigError};
use crate::cosigners::Cosigners;
use crate::heads;
use crate::limits;
use crate::problem::{Code, Problem};
use crate::routes;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    app: App,
    accepting: JoinHandle<()>,
    deliveries: Option<Working>,
    connections: TaskTracker,
    cut: CancellationToken,
}

impl Server {
    /// Binds the address and begins to answer. Must be called within a tokio runtime. `cosigners` are what
    /// the file named by the setting `witness_policy` holds.
    ///
    /// # Errors
    /// The settings contradict each other, or the address is taken or not ours.
    pub async fn start(
        config: Config,
        store: Arc<Store>,
        signer: Arc<Signer>,
        random: Arc<dyn Random>,
        cosigners: Option<Cosigners>,
    ) -> Result<Self, StartError> {
        config.check()?;
        let address = config.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
        let app = App::new(config, store, signer, random, cosigners);
        tokio::spawn(heads::beat(app.clone()));
        let connections = TaskTracker::new();
        let cut = CancellationToken::new();
        let accepting = tokio::spawn(accept(Accept {
            listener,
            router: routes::router(app.clone()),
            places: Arc::new(Semaphore::new(app.config.connections as usize)),
            app: app.clone(),
            connections: connections.clone(),
            cut: cut.clone(),
        }));
        let deliveries = match app.delivery.start() {
            Ok(working) => Some(working),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "nothing is delivered: there is no thread for it");
                None
            }
        };
        Ok(Self { address, app, accepting, deliveries, connections, cut })
    }

    /// Returns the address that it listens on, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the path of the link that makes the first operator of the console; once, and only while
    /// there is none. The secret stands in the fragment, which browsers send to nobody.
    pub fn take_setup_link(&self) -> Option<String> {
        let secret = self.app.console.take_setup_secret()?;
        Some(format!("/console/setup#{secret}"))
    }

    /// Stops: nothing new is taken, tails end, what runs is finished within the drain time.
    ///
    /// Returns whether everything came to its end by itself. The store is not stopped.
    pub async fn stop(self) -> bool {
        self.app.stopping.cancel();
        // It ends at once; a panic there was reported by its thread.
        let _ = self.accepting.await;
        self.connections.close();
        let drain = self.app.config.drain_timeout;
        let drained = tokio::time::timeout(drain, self.connections.wait()).await.is_ok();
        self.cut.cancel();
        self.connections.wait().await;
        // It waits for the messages that are under way, so it has a thread of its own.
        let _ = tokio::task::spawn_blocking(move || drop(self.deliveries)).await;
        drained
    }
}

/// Serves until `shutdown` is ready, then stops in order.
///
/// # Errors
/// See [`Server::start`].
pub async fn serve(
    config: Config,
    store: Arc<Store>,
    signer: Arc<Signer>,
    random: Arc<dyn Random>,
    cosigners: Option<Cosigners>,
    shutdown: impl Future<Output = ()>,
) -> Result<bool, StartError> {
    let server = Server::start(config, store, signer, random, cosigners).await?;
    tracing::info!(address = %server.address(), "listening");
    shutdown.await;
    tracing::info!("stopping");
    Ok(server.stop().await)
}

struct Accept {
    listener: TcpListener,
    router: Router,
    places: Arc<Semaphore>,
    app: App,
    connections: TaskTracker,
    cut: CancellationToken,
}

/// How long accepting pauses after an error such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

async fn accept(accept: Accept) {
    let stopping = accept.app.stopping.clone();
    let lingering = Arc::new(Semaphore::new(LINGERING_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = accept.listener.accept() => accepted,
            () = stopping.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small answers must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        let Ok(place) = accept.places.clone().try_acquire_owned() else {
            accept.app.metrics.connections_refused.fetch_add(1, Ordering::Relaxed);
            refuse(stream, &lingering);
            continue;
        };
        let (app, router, cut) = (accept.app.clone(), accept.router.clone(), accept.cut.clone());
        accept.connections.spawn(async move {
            app.metrics.connections.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                () = converse(stream, router, &app) => {}
                () = cut.cancelled() => {}
            }
            app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
            drop(place);
        });
    }
}

/// Tells one connection too many that it is so. What does not fit into its buffer is not waited for.
fn refuse(stream: TcpStream, lingering: &Arc<Semaphore>) {
    let detail = "too many connections are open";
    let body = Problem::new(Code::Overloaded, detail).body("-");
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         retry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    // A new socket has room for a kilobyte; if not, the client sees the connection closed.
    let _ = stream.try_write(&answer);
    if let Ok(place) = lingering.clone().try_acquire_owned() {
        tokio::spawn(async move {
            linger(stream).await;
            drop(place);
        });
    }
}

/// Refused connections that are closed with care at once; further ones are cut.
const LINGERING_MAX: usize = 64;
/// How long a closed connection is still read.
const LINGER_TIME: Duration = Duration::from_secs(1);
/// Bytes of a closed connection that are still read.
const LINGER_BYTES: usize = 32 * 1024 * 1024;

/// Closes a connection so that the client gets our last words: a client that still sends would be
/// answered with a reset, which throws away what it has not read yet.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut scrap = vec![0; 16 * 1024];
    let read_on = async {
        let mut total = 0;
        while total < LINGER_BYTES
            && let Ok(count @ 1..) = stream.read(&mut scrap).await
        {
            total += count;
        }
    };
    // Late or not, it is closed now.
    let _ = tokio::time::timeout(LINGER_TIME, read_on).await;
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, router: Router, app: &App) {
    let io = TokioIo::new(Unhurried::new(stream, app.config.write_timeout));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(router.clone().oneshot(request));
        answer
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.config.head_timeout)
        .max_headers(limits::HEADERS_MAX)
        .max_buf_size(limits::HEAD_BUFFER_BYTES)
        .serve_connection(io, service);
    let ended = tokio::select! {
        ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
        () = app.stopping.cancelled() => {
            Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|context| connection.poll_without_shutdown(context)).await
        }
    };
    if let Err(error) = ended {
        // Clients go away; only an operator who looks closely cares.
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
    }
    linger(connection.into_parts().io.into_inner().stream).await;
}

/// A stream that fails when its peer takes nothing for too long.
struct Unhurried {
    stream: TcpStream,
    patience: Duration,
    /// Set while a write waits.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Unhurried {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, deadline: None }
    }

    /// Turns a write that waits too long into an error.
    fn bound<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.deadline = None;
            return poll;
        }
        let patience = self.patience;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => {
                let text = "the client took nothing of the answer for too long";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Unhurried {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Unhurried {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bound(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.bound(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.bound(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
