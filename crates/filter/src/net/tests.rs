//! Blocks against rows from RFC 4632 and RFC 4291.

use super::*;

#[test]
fn blocks_hold_their_addresses() {
    for (block, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
        ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
        ("203.0.113.9", "203.0.113.9", "203.0.113.8"),
        ("203.0.113.9", "::ffff:203.0.113.9", "::203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.10"),
        ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("::1", "0:0:0:0:0:0:0:1", "127.0.0.1"),
        ("0.0.0.0/0", "255.255.255.255", "::"),
        ("::/0", "ffff::", "1.2.3.4"),
        ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
    ] {
        let net = IpNet::parse(block).expect(block);
        assert!(net.contains(inside.parse().expect(inside)), "{inside} in {block}");
        assert!(!net.contains(outside.parse().expect(outside)), "{outside} not in {block}");
    }
}

#[test]
fn what_is_no_block_is_refused() {
    for text in [
        "",
        "10",
        "10.0.0/8",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "::/129",
        "a/8",
        "10.0.0.0/+8",
    ] {
        assert_eq!(IpNet::parse(text), None, "{text}");
    }
}

#[test]
fn printing_clears_the_host_bits() {
    for (text, printed) in [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("10.0.0.1/32", "10.0.0.1"),
    ] {
        assert_eq!(IpNet::parse(text).expect(text).to_string(), printed);
    }
}
