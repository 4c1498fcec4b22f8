use std::sync::Mutex;

use super::*;

/// Answers what the test says, each answer once and the last for ever, and counts the questions.
struct Fake(Mutex<Vec<Vec<IpAddr>>>);

impl Resolver for Fake {
    fn look_up<'a>(&'a self, _: &'a str) -> LookUp<'a> {
        let mut answers = self.0.lock().expect("whole");
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().expect("an address")).collect()
}

fn guard(allowed: &str, answers: &[&[&str]]) -> Guard {
    let answers = answers.iter().map(|answer| addresses(answer)).collect();
    Guard::new(AllowList::parse(allowed).expect("a list"), Arc::new(Fake(Mutex::new(answers))))
}

async fn ask(guard: &Guard, url: &str) -> Result<Vec<SocketAddr>, GuardError> {
    guard.addresses(&Target::parse(url)?).await
}

/// Inner addresses, one for each block that must not be reached, with its ends.
const INNER_V4: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "0.255.255.255",
    "10.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.0.0.0",
    "127.1.2.3",
    "127.255.255.255",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.16.0.1",
    "172.20.10.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.0.2.255",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.1.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "233.252.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
];

/// Inner addresses in IPv6, and IPv4 in IPv6 clothes.
const INNER_V6: &[&str] = &[
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::2",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:30::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff01::1",
    "ff02::1",
    "ff02::fb",
    "ff0e::1",
];

/// Spellings of inner addresses that an address bar would understand, and no address parser does.
const SPELLINGS: &[&str] = &[
    "2130706433",
    "0x7f000001",
    "0x7F.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "127.0x1",
    "0x7f.1",
    "0177.1",
    "127.0.0.1.",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "3232235777",
    "0xc0a80101",
    "192.168.257",
    "0300.0250.1.1",
    "167772161",
    "0xa000001",
    "10.1",
    "012.0.0.1",
    "0",
    "0x0",
    "00",
    "0.0",
    "2886729729",
    "0xac100001",
    "172.1048577",
    "4294967295",
    "0xffffffff",
    "1681915905",
    "%31%32%37.0.0.1",
    "%31%36%39.254.169.254",
    "①②⑦.⓪.⓪.①",
    "１２７.０.０.１",
    "１６９。２５４。１６９。２５４",
    "127。0。0。1",
    "127．0．0．1",
    "0X7f000001",
    "00000177.0.0.1",
    "127.00.00.01",
];

/// Names that lead inside; what they lead to comes from the resolver.
const NAMES: &[&str] = &[
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "instance-data",
    "instance-data.ec2.internal",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "host.docker.internal",
    "gateway.docker.internal",
    "router.local",
    "intranet",
    "db.corp",
    "127.0.0.1.nip.io",
    "169.254.169.254.nip.io",
    "7f000001.sslip.io",
    "spoofed.example",
    "xn--lcalhost-43a",
    "lоcalhost",
    "ⓛocalhost",
    "xn--bcher-kva.example",
    "bücher.example",
    "BÜCHER.example",
    "faß.example",
    "xn--fa-hia.example",
    "ｅｘａｍｐｌｅ.com",
    "ex\u{ad}ample.com",
    "a.b.c.d.e.f.example",
    "example.com",
    "evil.example.",
    "1.example",
    "0x7f.example",
];

#[tokio::test]
async fn ssrf_no_form_of_an_inner_address_is_called() {
    let mut forms: Vec<String> = Vec::new();
    forms.extend(INNER_V4.iter().map(|address| format!("https://{address}/hook")));
    forms.extend(INNER_V4.iter().step_by(3).map(|address| format!("https://{address}:8443")));
    forms.extend(INNER_V6.iter().map(|address| format!("https://[{address}]/hook")));
    forms.extend(INNER_V6.iter().step_by(4).map(|address| format!("https://[{address}]:443/?x=1")));
    forms.extend(SPELLINGS.iter().map(|text| format!("https://{text}/hook")));
    forms.extend(NAMES.iter().map(|name| format!("https://{name}/hook")));
    forms.extend(
        [
            "https://127.0.0.1@127.0.0.1/",
            "https://example.com:x@169.254.169.254/",
            "https://a@b@127.1/",
        ]
        .map(str::to_owned),
    );
    forms.extend(
        [
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:70/",
            "data:,x",
            "unix:/var/run/docker.sock",
            "https:",
            "https://",
            "//example.com",
            "example.com",
            "",
            "https://[::1",
            "https://[fe80::1%25eth0]/",
            "https://example.com/#x",
            "javascript:0",
            "https://256.256.256.256/",
            "https://1.2.3.4.5/",
            "https://0x100000000/",
        ]
        .map(str::to_owned),
    );
    assert!(forms.len() >= 200, "{} forms", forms.len());
    for inside in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "fd00:ec2::254"] {
        let guard = guard("", &[&[inside]]);
        for form in &forms {
            let answer = ask(&guard, form).await;
            assert!(answer.is_err(), "{form} with {inside}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn ssrf_one_inner_address_among_public_ones_refuses_the_name() {
    for answer in [
        &["93.184.216.34", "10.0.0.1"][..],
        &["10.0.0.1", "93.184.216.34"],
        &["2606:4700::1111", "::ffff:10.0.0.1"],
    ] {
        let refused = ask(&guard("", &[answer]), "https://example.com/").await;
        assert!(matches!(refused, Err(GuardError::Forbidden { .. })), "{answer:?}: {refused:?}");
    }
    assert!(matches!(
        ask(&guard("", &[&[]]), "https://example.com/").await,
        Err(GuardError::NoAddress(_))
    ));
}

#[tokio::test]
async fn ssrf_an_answer_that_flips_is_judged_each_time_and_the_judged_address_is_the_one_called() {
    let guard = guard("", &[&["93.184.216.34"], &["169.254.169.254"], &["93.184.216.34"]]);
    let first = ask(&guard, "https://rebind.example/").await.expect("public");
    assert_eq!(first, ["93.184.216.34:443".parse().expect("an address")]);
    assert!(ask(&guard, "https://rebind.example/").await.is_err());
    assert!(ask(&guard, "https://rebind.example/").await.is_ok());
}

#[tokio::test]
async fn public_addresses_are_called_over_https_on_the_usual_ports() {
    let rows: &[(&str, &str, bool)] = &[
        ("93.184.216.34", "https://example.com/hook", true),
        ("2606:4700:4700::1111", "https://example.com/hook", true),
        ("1.1.1.1", "https://example.com:8443/", true),
        ("1.1.1.1", "https://example.com:22/", false),
        ("1.1.1.1", "https://example.com:25/", false),
        ("1.1.1.1", "http://example.com/", false),
        ("100.63.255.255", "https://example.com/", true),
        ("172.15.255.255", "https://example.com/", true),
        ("172.32.0.0", "https://example.com/", true),
        ("11.0.0.1", "https://example.com/", true),
        ("223.255.255.255", "https://example.com/", true),
        ("2001:200::1", "https://example.com/", true),
        ("::ffff:1.1.1.1", "https://example.com/", true),
    ];
    for (address, url, expected) in rows {
        let answer = ask(&guard("", &[&[address]]), url).await;
        assert_eq!(answer.is_ok(), *expected, "{url} at {address}: {answer:?}");
    }
}

#[tokio::test]
async fn the_operator_allows_targets_and_nothing_beside_them() {
    let rows: &[(&str, &str, &str, bool)] = &[
        ("10.1.0.0/16", "10.1.2.3", "https://hooks.corp/", true),
        ("10.1.0.0/16", "10.1.2.3", "http://hooks.corp:9000/", true),
        ("10.1.0.0/16", "10.2.2.3", "https://hooks.corp/", false),
        ("127.0.0.1:9000", "127.0.0.1", "http://127.0.0.1:9000/", true),
        ("127.0.0.1:9000", "127.0.0.1", "http://127.0.0.1:9001/", false),
        ("[::1]:9000", "::1", "http://[::1]:9000/", true),
        ("[::1]", "::1", "http://[::1]:9/", true),
        ("hooks.corp", "10.9.9.9", "http://hooks.corp/", true),
        ("hooks.corp:443", "10.9.9.9", "https://hooks.corp/", true),
        ("hooks.corp:443", "10.9.9.9", "http://hooks.corp/", false),
        ("hooks.corp", "10.9.9.9", "https://other.hooks.corp/", false),
        ("hooks.corp, 10.0.0.0/8", "10.9.9.9", "http://other.corp/", true),
    ];
    for (allowed, address, url, expected) in rows {
        let answer = ask(&guard(allowed, &[&[address]]), url).await;
        assert_eq!(answer.is_ok(), *expected, "{allowed}: {url} at {address}: {answer:?}");
    }
    for bad in
        ["10.0.0.0/33", "hooks.corp:x", "[::1]9", "a b/c", "https://hooks.corp", "hooks.corp:70000"]
    {
        assert!(AllowList::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_address_is_shown_without_its_query() {
    let target = Target::parse("https://hooks.example:8443/in?token=s3cret").expect("a target");
    assert_eq!(target.shown(), "https://hooks.example:8443/in");
    assert_eq!(target.path(), "/in?token=s3cret");
    assert_eq!(target.authority(), "hooks.example:8443");
}

#[tokio::test]
async fn b5_an_address_of_the_operators_own_is_called_and_nothing_beside_it() {
    let rows = [
        ("http://127.0.0.1:81/w", "http://127.0.0.1:82/w"),
        ("http://[::1]:81/w", "http://[::2]:81/w"),
        ("http://witness.corp/w", "http://other.corp/w"),
        ("https://witness.corp:9000", "https://witness.corp:9001"),
    ];
    for (own, other) in rows {
        let allowed = AllowList::only(&Target::parse(own).expect("a target"));
        let fake = Fake(Mutex::new(vec![addresses(&["10.0.0.7"])]));
        let guard = Guard::new(allowed, Arc::new(fake));
        assert!(ask(&guard, own).await.is_ok(), "{own}");
        assert!(ask(&guard, other).await.is_err(), "{other}");
    }
}
