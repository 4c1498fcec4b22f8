//! Calling somebody over HTTP/1.1: one target, one connection at a time, and a POST whose answer is read.
//!
//! No redirect is followed, no proxy is asked, no cookie is kept, and of an answer no more is read than
//! the caller says. What stays out: deadlines, which are the caller's; and keeping connections.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::request::Builder;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::guard::{Guard, GuardError, Target};
use crate::limits;

/// The body of our requests: all of it at once.
pub(crate) type Whole = http_body_util::Full<Bytes>;

/// Calls one target.
pub struct Caller {
    target: Target,
    guard: Guard,
    tls: Arc<rustls::ClientConfig>,
}

/// A connection; closed when it is dropped.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Whole>,
    /// Moves the bytes; ends with this value.
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why nobody is there to talk to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The target's name has no address, or one that is not called.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Nothing listens there, or it cannot be reached.
    #[error("cannot connect to {address}")]
    Connect {
        /// The last address that was tried.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The certificate is not the host's, or no common cipher.
    #[error("the certificate or the encryption was not accepted")]
    Tls(#[source] std::io::Error),
    /// A name with bytes that no certificate has.
    #[error("the host's name cannot stand in a certificate")]
    Name,
    /// It does not speak HTTP.
    #[error("the connection broke")]
    Http(#[source] hyper::Error),
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// See [`ConnectError`].
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The target's address makes no request.
    #[error("the address cannot be used for a request")]
    Request(#[from] hyper::http::Error),
    /// It ended before the answer's head.
    #[error("the connection broke")]
    Http(#[source] hyper::Error),
    /// It ended within the answer's body.
    #[error("the answer broke off")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    /// The answer's body has no end in sight.
    #[error("the answer has more than {bytes_max} bytes")]
    Long {
        /// How many are read.
        bytes_max: usize,
    },
}

impl Caller {
    /// Prepares calls; nothing is connected yet.
    pub fn new(target: Target, guard: Guard, tls: Arc<rustls::ClientConfig>) -> Self {
        Self { target, guard, tls }
    }

    /// Posts a text over a connection of its own; returns the status and the body of the answer, which
    /// has at most `bytes_max` bytes. Whoever stops waiting closes the connection.
    ///
    /// # Errors
    /// See [`CallError`]. A status is no error.
    pub async fn post_text(
        &self,
        text: String,
        bytes_max: usize,
    ) -> Result<(u16, Vec<u8>), CallError> {
        let request = self
            .post()
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Whole::new(Bytes::from(text)))?;
        let mut connection = self.connect().await?;
        let answer = connection.sender.send_request(request).await.map_err(CallError::Http)?;
        let status = answer.status().as_u16();
        match Limited::new(answer.into_body(), bytes_max).collect().await {
            Ok(body) => Ok((status, body.to_bytes().to_vec())),
            Err(error) if error.is::<LengthLimitError>() => Err(CallError::Long { bytes_max }),
            Err(error) => Err(CallError::Body(error)),
        }
    }

    /// Begins a request.
    pub(crate) fn post(&self) -> Builder {
        Request::post(self.target.path())
            .header(header::HOST, self.target.authority())
            .header(header::USER_AGENT, concat!("Proofbook/", env!("CARGO_PKG_VERSION")))
    }

    /// Connects to one of the target's addresses, all of which were checked.
    pub(crate) async fn connect(&self) -> Result<Connection, ConnectError> {
        let addresses = self.guard.addresses(&self.target).await?;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A message is one small write; it must not wait for an acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return self.converse(stream).await;
                }
                Err(source) => last = Some(ConnectError::Connect { address, source }),
            }
        }
        Err(last.unwrap_or_else(|| GuardError::NoAddress(self.target.host()).into()))
    }

    async fn converse(&self, stream: TcpStream) -> Result<Connection, ConnectError> {
        if !self.target.is_encrypted() {
            return handshake(stream).await;
        }
        let name = ServerName::try_from(self.target.host()).map_err(|_| ConnectError::Name)?;
        let connector = TlsConnector::from(self.tls.clone());
        let stream = connector.connect(name, stream).await.map_err(ConnectError::Tls)?;
        handshake(stream).await
    }
}

async fn handshake<S>(stream: S) -> Result<Connection, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(limits::ANSWER_HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(ConnectError::Http)?;
    let driver = tokio::spawn(async move {
        // How a connection ends is told to whoever waits for its answer.
        let _ = connection.await;
    });
    Ok(Connection { sender, driver })
}

/// Writes an error with its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// Returns how connections are encrypted: TLS 1.2 or 1.3, the machine's trusted authorities.
pub fn tls_config() -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(error = &error as &dyn Error, "an authority cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has every cipher suite of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[cfg(test)]
mod tests;
