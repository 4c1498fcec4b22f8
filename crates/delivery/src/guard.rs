//! Which addresses may be called: no webhook reaches into the network that Proofbook stands in.
//!
//! A name is looked up, every address of the answer is checked, and the connection is made to one of
//! these very addresses, so an answer that changes between look-up and connection changes nothing. What
//! is not a public address is refused, as the special-purpose registries of IANA list them (RFC 6890):
//! of IPv6 only 2000::/3 without its special parts, of IPv4 everything but the special blocks. Forms
//! that stand for an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are refused or judged as it.
//!
//! The operator may name exceptions: addresses, blocks or names, each with a port or for all ports.
//! They are the only way to call plain `http` and ports other than the usual ones.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use proofbook_filter::IpNet;
use url::{Host, Url};

/// Ports that may be called without an exception.
const PORTS: [u16; 2] = [443, 8443];

/// Why an address is not called.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The text is not an address that a webhook can have.
    #[error("{0}")]
    Url(&'static str),
    /// The port is not one of the usual ones.
    #[error("port {0} is not called; 443 and 8443 are, others when the operator allows the target")]
    Port(u16),
    /// The scheme is not encrypted.
    #[error("http is not called, only https; an operator can allow the target")]
    Plain,
    /// The name leads to no address.
    #[error("the name {0} has no address")]
    NoAddress(String),
    /// The name cannot be looked up.
    #[error("the name {name} cannot be looked up")]
    LookUp {
        /// The name.
        name: String,
        /// The resolver's answer.
        #[source]
        source: io::Error,
    },
    /// An address is not public.
    #[error("{address} is not a public address, and the operator does not allow it")]
    Forbidden {
        /// The address.
        address: IpAddr,
    },
}

/// What a look-up will answer.
pub type LookUp<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a name; the system's resolver or a test's.
pub trait Resolver: Send + Sync {
    /// Looks a name up.
    fn look_up<'a>(&'a self, name: &'a str) -> LookUp<'a>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up<'a>(&'a self, name: &'a str) -> LookUp<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A target that the operator allows although it is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    what: Allowed,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    Net(IpNet),
    Name(String),
}

/// The operator's exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Exception>);

impl AllowList {
    /// Reads addresses, blocks and names with an optional port, such as
    /// `10.1.0.0/16 [fd00::1]:8080 hooks.corp:9000`, between them spaces or commas.
    ///
    /// # Errors
    /// The part that is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split([' ', ',', '\n', '\t']).filter(|part| !part.is_empty());
        parts
            .map(|part| exception(part).ok_or_else(|| part.to_owned()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Allows one target and nothing else: for an address that the operator himself wrote down.
    pub fn only(target: &Target) -> Self {
        // A target's host and port have this form; if one had not, nothing would be allowed.
        Self::parse(&format!("{}:{}", target.host, target.port)).unwrap_or_default()
    }

    /// Tells whether nothing is allowed beyond the public internet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has_address(&self, address: IpAddr, port: u16) -> bool {
        self.0.iter().any(|entry| {
            entry.port.is_none_or(|own| own == port)
                && matches!(&entry.what, Allowed::Net(net) if net.contains(address))
        })
    }

    fn has_name(&self, name: &str, port: u16) -> bool {
        self.0.iter().any(|entry| {
            entry.port.is_none_or(|own| own == port)
                && matches!(&entry.what, Allowed::Name(own) if own == name)
        })
    }
}

fn exception(part: &str) -> Option<Exception> {
    let (host, port) = match part.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
        None if part.matches(':').count() == 1 => {
            let (host, port) = part.split_once(':')?;
            (host, Some(port))
        }
        None => (part, None),
    };
    let port = port.map(str::parse).transpose().ok()?;
    if let Some(net) = IpNet::parse(host) {
        return Some(Exception { what: Allowed::Net(net), port });
    }
    match Host::parse(host).ok()? {
        Host::Domain(name) if !name.contains(':') && !host.contains('/') => {
            Some(Exception { what: Allowed::Name(name), port })
        }
        _ => None,
    }
}

/// An address that a webhook may have; which machine it leads to is checked at every connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl Target {
    /// Reads an address: http or https, a host, no user, no password, no fragment.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, GuardError> {
        let url = Url::parse(text)
            .map_err(|_| GuardError::Url("this is no address that can be called"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(GuardError::Url("an address begins with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(GuardError::Url("an address has no user and no password"));
        }
        if url.fragment().is_some() {
            return Err(GuardError::Url("an address has no part behind #"));
        }
        let host = url.host().ok_or(GuardError::Url("an address has a host"))?.to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        Ok(Self { url, host, port })
    }

    /// Tells whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns the host's name or address, without brackets; for certificates.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// Returns the `Host` header.
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Returns path and query.
    pub fn path(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// Returns the address as it is shown: without the query, which may hold a secret.
    pub fn shown(&self) -> String {
        format!("{}://{}{}", self.url.scheme(), self.authority(), self.url.path())
    }
}

/// Decides which addresses are called.
#[derive(Clone)]
pub struct Guard {
    allowed: AllowList,
    resolver: Arc<dyn Resolver>,
}

impl Guard {
    /// Makes a guard with the operator's exceptions.
    pub fn new(allowed: AllowList, resolver: Arc<dyn Resolver>) -> Self {
        Self { allowed, resolver }
    }

    /// Looks a target up and returns the addresses that may be called, all of them checked.
    ///
    /// One address that may not be called refuses the whole answer: a name that leads inside and
    /// outside is not a mistake that one should depend on.
    ///
    /// # Errors
    /// See [`GuardError`]; no connection was made.
    pub async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, GuardError> {
        let port = target.port;
        let (found, name) = match &target.host {
            Host::Ipv4(address) => (vec![IpAddr::V4(*address)], None),
            Host::Ipv6(address) => (vec![IpAddr::V6(*address)], None),
            Host::Domain(name) => {
                let found = self
                    .resolver
                    .look_up(name)
                    .await
                    .map_err(|source| GuardError::LookUp { name: name.clone(), source })?;
                (found, Some(name.as_str()))
            }
        };
        if found.is_empty() {
            return Err(GuardError::NoAddress(target.host()));
        }
        let by_name = name.is_some_and(|name| self.allowed.has_name(name, port));
        for address in &found {
            if by_name || self.allowed.has_address(*address, port) {
                continue;
            }
            if !is_public(*address) {
                return Err(GuardError::Forbidden { address: *address });
            }
            if !target.is_encrypted() {
                return Err(GuardError::Plain);
            }
            if !PORTS.contains(&port) {
                return Err(GuardError::Port(port));
            }
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

/// Tells whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

/// The IPv4 Special-Purpose Address Registry of IANA, with multicast and the reserved block.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 88, 99)
            | (192, 168, _)
            | (192, 175, 48)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// Of IPv6 only global unicast (2000::/3), without documentation, benchmarks, tunnels and 6to4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_global = segments[0] & 0xe000 == 0x2000;
    let special = match segments[0] {
        // 2001::/23 are protocol assignments, Teredo among them; 2001:db8::/32 is documentation.
        0x2001 => segments[1] < 0x200 || segments[1] == 0xdb8,
        // 6to4 carries an IPv4 address in its next 32 bits.
        0x2002 => true,
        // Documentation, 3fff::/20, and 2620:4f:8000::/48, which is served locally.
        0x3fff => segments[1] < 0x1000,
        0x2620 => segments[1] == 0x4f && segments[2] == 0x8000,
        _ => false,
    };
    is_global && !special
}

#[cfg(test)]
mod tests;
