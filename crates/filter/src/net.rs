//! Networks of `ip:` terms: an address or a CIDR block, in IPv4 or IPv6.
//!
//! An IPv4-mapped IPv6 address (`::ffff:203.0.113.9`, RFC 4291 section 2.5.5.2) is the IPv4 address.

use std::fmt;
use std::net::IpAddr;

/// A block of addresses; an address alone is a block of one.
///
/// Invariant: the bits behind the prefix are zero, and no address is IPv4-mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpNet {
    first: IpAddr,
    prefix_bits: u8,
}

impl IpNet {
    /// Reads an address or `address/bits`; bits behind the prefix are cleared.
    ///
    /// Returns `None` when the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((address, bits)) = text.split_once('/') else {
            let first = text.parse::<IpAddr>().ok()?.to_canonical();
            return Some(Self { first, prefix_bits: width_bits(first) });
        };
        let address: IpAddr = address.parse().ok()?;
        if bits.is_empty() || bits.len() > 3 || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let bits: u8 = bits.parse().ok().filter(|bits| *bits <= width_bits(address))?;
        // A mapped block of at least 96 bits lies inside IPv4; a wider one is plain IPv6.
        let (address, bits) = match address.to_canonical() {
            IpAddr::V4(mapped) if address.is_ipv6() && bits >= 96 => {
                (IpAddr::V4(mapped), bits - 96)
            }
            _ => (address, bits),
        };
        Some(Self { first: mask(address, bits), prefix_bits: bits })
    }

    /// Tells whether an address lies in the block.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && mask(address, self.prefix_bits) == self.first
    }

    /// Returns the block's first address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// Returns how many leading bits are fixed: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub fn prefix_bits(&self) -> u8 {
        self.prefix_bits
    }

    /// Returns the address when the block holds just one.
    pub fn single(&self) -> Option<IpAddr> {
        (self.prefix_bits == width_bits(self.first)).then_some(self.first)
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(address) => write!(f, "{address}"),
            None => write!(f, "{}/{}", self.first, self.prefix_bits),
        }
    }
}

fn width_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let kept = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & kept).into())
        }
        IpAddr::V6(v6) => {
            let kept = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & kept).into())
        }
    }
}

#[cfg(test)]
mod tests;
