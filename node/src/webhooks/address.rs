//! Which addresses may be called: none through which somebody could reach into the networks that the nodes stand in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Checks an address that somebody wants to be called at. Names are checked when they are looked up, at each call.
///
/// # Errors
/// What is wrong with it, for people.
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "an absolute URL, such as https://shop.example/changes")?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err("an https URL"),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("a URL without a user, a password and a fragment");
    }
    let host = url.host_str().unwrap_or_default();
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).parse::<IpAddr>();
    let is_local_name = host.is_empty() || host == "localhost" || host.ends_with(".localhost") || host.ends_with(".internal");
    let is_private = literal.map_or(is_local_name, |address| !is_public(address));
    if is_private && !allow_private { Err("a host on the public internet") } else { Ok(url) }
}

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let trials = a == 198 && (18..20).contains(&b);
    !(a == 0
        || a >= 224
        || shared
        || protocols
        || trials
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation())
}

/// Only what is given out as global unicast, and none of the ways to write an IPv4 address in it but those to public ones.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let inner = |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => inner(high, low),
        // Teredo, benchmarks, ORCHID; documentation.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x3fff, second, ..] => second >= 0x1000,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
        }
        for good in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn addresses_that_may_not_be_called_are_refused() {
        for bad in [
            "",
            "shop.example",
            "ftp://shop.example",
            "http://shop.example",
            "file:///etc/passwd",
            "https://user@shop.example",
            "https://user:word@shop.example",
            "https://shop.example/#x",
            "https://localhost/x",
            "https://a.localhost",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001",
            "https://10.0.0.1",
            "https://[fd00::1]/",
            "https://169.254.169.254/latest",
            "https://metadata.google.internal/",
            "https://[::ffff:127.0.0.1]/",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
        for good in ["https://shop.example/changes?x=1", "https://shop.example:8443/", "https://1.1.1.1/", "https://[2606:4700::1111]/"] {
            assert!(check_url(good, false).is_ok(), "{good}");
        }
        assert!(check_url("http://127.0.0.1:9000/in", true).is_ok() && check_url("ftp://127.0.0.1", true).is_err());
    }
}
