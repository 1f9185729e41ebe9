//! The URIs of WebSockets: what is one, what it is taken apart into, and what it makes of a request.

use crate::common::http::{request_for, started};
use ws_proto::Config;
use ws_proto::handshake::{InvalidUri, WebSocketUri};

fn uri(text: &str) -> WebSocketUri {
    text.parse().unwrap_or_else(|error| panic!("{text:?} is a URI, but: {error}"))
}

/// A table of texts that are refused for one reason, by both ways to parse.
fn assert_refused(reason: InvalidUri, texts: &[&str]) {
    for text in texts {
        assert_eq!(text.parse::<WebSocketUri>(), Err(reason), "{text:?}");
        assert_eq!(WebSocketUri::try_from(*text), Err(reason), "{text:?}");
    }
}

/// 6455-3-1: without a port it is 80 for ws and 443 for wss.
#[test]
fn ports() {
    for (text, port) in [
        ("ws://example.com", 80),
        ("wss://example.com", 443),
        ("ws://example.com/:8080", 80),
        ("ws://example.com?:8080", 80),
        ("ws://example.com:8080/", 8080),
        ("wss://example.com:1", 1),
        ("ws://example.com:65535/", 65535),
        ("wss://example.com:80/", 80),
        ("ws://[::1]", 80),
        ("wss://[::1]:9001/", 9001),
    ] {
        assert_eq!(uri(text).port(), port, "{text}");
    }
    assert_refused(
        InvalidUri::Port,
        &[
            "ws://example.com:65536/",
            "ws://example.com:99999999999999999999/",
            "ws://example.com:0/",
            "ws://example.com:-1/",
            "ws://example.com:+80/",
            "ws://example.com:http/",
            "ws://example.com:80a/",
            "ws://example.com:8 0/",
            "ws://example.com:０/",
            "ws://[::1]:x/",
            "ws://[::1]:80]/",
        ],
    );
}

/// 6455-3-1: RFC 3986 §3.2.3 lets the port be empty after its colon, which is as good as none.
#[test]
fn an_empty_port_is_none() {
    assert_eq!((uri("ws://example.com:/x").port(), uri("wss://example.com:").port()), (80, 443));
    assert_eq!(uri("ws://example.com:/x").authority(), "example.com");
}

/// W20, 6455-3-2: the scheme is read in any case, and wss means TLS. http and https stand for ws and wss, as WHATWG
/// WebSockets has it, and are not shown again.
#[test]
fn schemes() {
    for (text, secure) in [
        ("ws://example.com/", false),
        ("WS://example.com/", false),
        ("Ws://example.com/", false),
        ("wss://example.com/", true),
        ("WSS://example.com/", true),
        ("wSs://example.com/", true),
        ("http://example.com/", false),
        ("HTTP://example.com/", false),
        ("https://example.com/", true),
        ("hTTps://example.com/", true),
    ] {
        assert_eq!(uri(text).is_secure(), secure, "{text}");
        assert_eq!(uri(text).port(), if secure { 443 } else { 80 });
        assert_eq!(uri(text).to_string(), if secure { "wss://example.com/" } else { "ws://example.com/" });
    }
    assert_refused(
        InvalidUri::Scheme,
        &[
            "",
            "/chat",
            "example.com",
            "example.com:80/",
            "//example.com/",
            "http:example.com",
            "https:/example.com",
            "httpss://example.com/",
            "ftp://example.com/",
            "javascript:alert(1)",
            "wsss://example.com/",
            "w://example.com/",
            "ws:example.com",
            "ws:/example.com",
            " ws://example.com/",
            "ws ://example.com/",
            "\u{17f}ws://example.com/",
            "w\u{17f}://example.com/",
        ],
    );
}

/// 6455-3-3: the resource name is the path, `/` if that is empty, and the query behind its `?`.
#[test]
fn resources() {
    for (rest, resource) in [
        ("", "/"),
        ("/", "/"),
        ("/chat", "/chat"),
        ("/chat/", "/chat/"),
        ("//", "//"),
        ("?", "/?"),
        ("/?", "/?"),
        ("?room=7", "/?room=7"),
        ("/chat?room=7&x=y", "/chat?room=7&x=y"),
        ("/a?b?c/d", "/a?b?c/d"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/%23%00%ff%Fe", "/%23%00%ff%Fe"),
        ("/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"),
        ("?-._~!$&'()*+,;=:@/?", "/?-._~!$&'()*+,;=:@/?"),
    ] {
        assert_eq!(uri(&format!("ws://example.com{rest}")).resource(), resource);
        assert_eq!(uri(&format!("wss://[::1]:99{rest}")).resource(), resource);
    }
}

/// 6455-3-4, 6455-3-5: a fragment has no meaning here, not even an empty one; `%23` is how to write a `#`.
#[test]
fn fragments() {
    assert_refused(
        InvalidUri::Fragment,
        &[
            "ws://example.com/#",
            "ws://example.com/chat#top",
            "ws://example.com#top",
            "ws://example.com?x#top",
            "ws://example.com/?x=#y=1",
            "ws://example.com/a#b#c",
            "https://example.com/#",
        ],
    );
    assert_eq!(uri("ws://example.com/chat%23top?%23").resource(), "/chat%23top?%23");
}

/// 6455-4.1-3: the host is a name or an address.
#[test]
fn hosts() {
    for host in [
        "example.com",
        "localhost",
        "127.0.0.1",
        "a-b_c~d.example",
        "example.com.",
        "xn--bcher-kva.example",
        "b%C3%BCcher.example",
        "[::]",
        "[2001:db8::1]",
        "[::ffff:192.0.2.1]",
        "[1:2:3:4:5:6:7:8]",
    ] {
        assert_eq!(uri(&format!("ws://{host}")).host(), host);
        assert_eq!(uri(&format!("ws://{host}:81/x?y")).host(), host);
    }
    assert!(uri("ws://EXAMPLE.com/").host().eq_ignore_ascii_case("example.com"));
    assert_refused(
        InvalidUri::Host,
        &[
            "ws://",
            "ws:///chat",
            "ws://?x",
            "ws://:80/",
            "ws://exa mple.com/",
            "ws://exam\\ple.com/",
            "ws://exam<ple>.com/",
            "ws://exam\"ple.com/",
            "ws://exam{ple}.com/",
            "ws://exam|ple.com/",
            "ws://exam^ple.com/",
            "ws://exam`ple.com/",
            "ws://exam%ple.com/",
            "ws://example%2/",
            "ws://%zz/",
            "ws://[::1/",
            "ws://::1]/",
            "ws://[]/",
            "ws://[::g]/",
            "ws://[:::1]/",
            "ws://[1:2:3:4:5:6:7:8:9]/",
            "ws://[12345::]/",
            "ws://[::1.2.3.256]/",
            "ws://[example.com]/",
            "ws://[::1]x/",
            "ws://x[::1]/",
        ],
    );
}

/// W20, 6455-4.1-3: international names are not converted here, and the error says what to do.
#[test]
fn international_hosts() {
    assert_refused(
        InvalidUri::HostNotAscii,
        &[
            "ws://ex\u{e4}mple.com/",
            "ws://b\u{fc}cher.example:80/x",
            "wss://example\u{3002}com",
            "ws://\u{ff11}.0.0.1/",
        ],
    );
    assert!(InvalidUri::HostNotAscii.to_string().contains("punycode"));
    assert_eq!(uri("ws://xn--bcher-kva.example/b\u{fc}cher").to_string(), "ws://xn--bcher-kva.example/b%C3%BCcher");
}

/// 6455-4.1-3: RFC 6455 §3 has no user information, and a password would only leak.
#[test]
fn user_information() {
    assert_refused(
        InvalidUri::UserInfo,
        &[
            "ws://user@example.com/",
            "ws://user:secret@example.com/",
            "ws://@example.com/",
            "wss://a:1@[::1]:99/",
            "https://a@b",
        ],
    );
    assert_eq!(uri("ws://example.com/@user?a@b").resource(), "/@user?a@b", "behind the host an @ is nothing special");
}

/// W20, 6455-3-3, 6455-4.1-22: what people write into paths and queries is encoded as browsers do it (the path and query
/// percent-encode sets of WHATWG URL), as UTF-8; the result goes out, and can be parsed again.
#[test]
fn characters_that_are_encoded() {
    for (rest, resource) in [
        ("/feed?ids[]=1&ids[]=2", "/feed?ids[]=1&ids[]=2"),
        ("/[x]|y", "/[x]|y"),
        ("/a b", "/a%20b"),
        ("/a b?c d", "/a%20b?c%20d"),
        ("? x", "/?%20x"),
        ("/\"<x>", "/%22%3Cx%3E"),
        ("/?\"<x>", "/?%22%3Cx%3E"),
        ("/a^b`c{d}", "/a%5Eb%60c%7Bd%7D"),
        ("/?a^b`c{d}|e\\f", "/?a^b`c{d}|e\\f"),
        ("/?q='x'", "/?q='x'"),
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/?q=\u{2713}&r=\u{1f600}", "/?q=%E2%9C%93&r=%F0%9F%98%80"),
        ("/\u{a0}\u{2028}\u{feff}", "/%C2%A0%E2%80%A8%EF%BB%BF"),
        ("/%20%C3%a9%2f", "/%20%C3%a9%2f"),
        ("/%0d%0A", "/%0d%0A"),
        ("/100%", "/100%"),
        ("/%2", "/%2"),
        ("/%zz?%%20%2g", "/%zz?%%20%2g"),
        ("/% x", "/%%20x"),
        ("/%\u{e9}", "/%%C3%A9"),
    ] {
        let text = format!("ws://example.com{rest}");
        assert_eq!(uri(&text).resource(), resource, "{text}");
        assert_eq!(uri(&uri(&text).to_string()), uri(&text), "{text}");
        let (_, written, _) = started(&request_for(&text), &Config::new());
        assert_eq!(written.start, format!("GET {resource} HTTP/1.1"));
    }
}

/// W20: every character of ASCII, and what becomes of it, against the sets as the standard lists them.
#[test]
fn every_ascii_character() {
    for byte in 0x20..0x7f_u8 {
        let character = char::from(byte);
        let escaped = format!("%{byte:02X}");
        let expect = |set: &str| if set.contains(character) { escaped.clone() } else { character.to_string() };
        if !matches!(byte, b'#' | b'?' | b'\\') {
            let path = uri(&format!("ws://example.com/a{character}z"));
            assert_eq!(path.resource(), format!("/a{}z", expect(" \"#<>?^`{}")));
        }
        if byte != b'#' {
            let query = uri(&format!("ws://example.com/?a{character}z"));
            assert_eq!(query.resource(), format!("/?a{}z", expect(" \"#<>")));
        }
    }
}

/// W20, 6455-4.1-22: whatever is taken, the resource name is visible ASCII without `#`, so it can end no line and no
/// target.
#[test]
fn the_resource_is_visible_ascii() {
    for character in (0..0x3000).chain(0xfe00..0x1_0200).filter_map(char::from_u32) {
        for text in [format!("ws://h/a{character}z"), format!("ws://h/?a{character}z")] {
            match text.parse::<WebSocketUri>() {
                Ok(uri) => {
                    assert!(uri.resource().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{text:?}");
                }
                Err(InvalidUri::Control) => assert!(character.is_control(), "{text:?}"),
                Err(error) => assert!(matches!(character, '#' | '\\'), "{text:?}: {error}"),
            }
        }
    }
}

/// 6455-4.1-3, 6455-4.1-4: what is read in different ways is refused.
#[test]
fn characters_that_are_ambiguous() {
    assert_refused(
        InvalidUri::Backslash,
        &["ws://example.com/a\\b", "ws://example.com/\\evil.example", "ws://example.com/\\?x"],
    );
    assert_refused(InvalidUri::Host, &["ws://example.com\\", "ws://example.com\\.evil.example/"]);
    assert_refused(InvalidUri::SpaceAtEnd, &["ws://example.com/ ", "ws://example.com/a ", "ws://example.com/?x  "]);
}

/// W20, 6455-4.1-3: control characters are refused wherever they are, and never encoded.
#[test]
fn control_characters() {
    assert_refused(
        InvalidUri::Control,
        &[
            "ws://example.com/\t",
            "ws://example.com/?\r",
            "ws://example.com/a\nb",
            "ws://example.com/\0",
            "ws://example.com/\u{7f}",
            "ws://example.com/\u{85}",
            "ws://example\n.com/",
            "ws://example.com:80\r\n/",
            "\tws://example.com/",
            "w\ns://example.com/",
            "ws://example.com/\n",
        ],
    );
}

/// 6455-4.1-4, CVE-2026-47072, CVE-2020-35678: an end of a line, or NUL, stands nowhere in a URI, so none can come into
/// a request by it.
#[test]
fn line_ends_and_nul() {
    let whole = "ws://example.com:8080/chat?room=7";
    for inserted in
        ["\r\n", "\n", "\r", "\0", "\r\nX-Injected: yes\r\n", " HTTP/1.1\r\nX-Injected: yes\r\n\r\n", "\u{b}", "\u{85}"]
    {
        for place in 0..=whole.len() {
            let text = format!("{}{inserted}{}", &whole[..place], &whole[place..]);
            assert!(text.parse::<WebSocketUri>().is_err(), "{text:?}");
        }
    }
}

/// 6455-4.1-23: `Host` is the host with the port, unless that is the scheme's own.
#[test]
fn authorities() {
    for (text, authority) in [
        ("ws://example.com", "example.com"),
        ("ws://example.com:80/", "example.com"),
        ("ws://example.com:443/", "example.com:443"),
        ("wss://example.com/", "example.com"),
        ("wss://example.com:443/", "example.com"),
        ("wss://example.com:80/", "example.com:80"),
        ("ws://[::1]/", "[::1]"),
        ("ws://[::1]:9001/", "[::1]:9001"),
        ("ws://127.0.0.1:8080/?x", "127.0.0.1:8080"),
    ] {
        assert_eq!(uri(text).authority(), authority, "{text}");
        let (_, written, _) = started(&request_for(text), &Config::new());
        assert_eq!(written.value("Host"), authority, "{text}");
    }
}

/// 6455-4.1-22: the target of the request is the resource name.
#[test]
fn targets() {
    for (text, start) in [
        ("ws://example.com", "GET / HTTP/1.1"),
        ("wss://example.com?x=1", "GET /?x=1 HTTP/1.1"),
        ("ws://example.com/?", "GET /? HTTP/1.1"),
        ("ws://example.com:99/a%20b/c?d=%23", "GET /a%20b/c?d=%23 HTTP/1.1"),
    ] {
        let (_, written, _) = started(&request_for(text), &Config::new());
        assert_eq!(written.start, start, "{text}");
    }
}

/// What is shown can be read again, and is the same.
#[test]
fn shown_and_read_again() {
    for text in ["ws://example.com", "WSS://example.com:443/chat?x", "ws://[::1]:80/", "ws://h:99?q", "wss://h:80/?"] {
        let first = uri(text);
        assert_eq!(uri(&first.to_string()), first, "{text}");
    }
}

/// W11: the examples of RFC 3986 §5.4, its base with a scheme for WebSockets, and without what is no URI for one: other
/// schemes. Fragments are dropped.
#[test]
fn references() {
    let base = uri("ws://a/b/c/d;p?q");
    for (reference, target) in [
        // §5.4.1.
        ("g", "ws://a/b/c/g"),
        ("./g", "ws://a/b/c/g"),
        ("g/", "ws://a/b/c/g/"),
        ("/g", "ws://a/g"),
        ("//g", "ws://g/"),
        ("?y", "ws://a/b/c/d;p?y"),
        ("g?y", "ws://a/b/c/g?y"),
        ("#s", "ws://a/b/c/d;p?q"),
        ("g#s", "ws://a/b/c/g"),
        ("g?y#s", "ws://a/b/c/g?y"),
        (";x", "ws://a/b/c/;x"),
        ("g;x", "ws://a/b/c/g;x"),
        ("g;x?y#s", "ws://a/b/c/g;x?y"),
        ("", "ws://a/b/c/d;p?q"),
        (".", "ws://a/b/c/"),
        ("./", "ws://a/b/c/"),
        ("..", "ws://a/b/"),
        ("../", "ws://a/b/"),
        ("../g", "ws://a/b/g"),
        ("../..", "ws://a/"),
        ("../../", "ws://a/"),
        ("../../g", "ws://a/g"),
        // §5.4.2.
        ("../../../g", "ws://a/g"),
        ("../../../../g", "ws://a/g"),
        ("/./g", "ws://a/g"),
        ("/../g", "ws://a/g"),
        ("g.", "ws://a/b/c/g."),
        (".g", "ws://a/b/c/.g"),
        ("g..", "ws://a/b/c/g.."),
        ("..g", "ws://a/b/c/..g"),
        ("./../g", "ws://a/b/g"),
        ("./g/.", "ws://a/b/c/g/"),
        ("g/./h", "ws://a/b/c/g/h"),
        ("g/../h", "ws://a/b/c/h"),
        ("g;x=1/./y", "ws://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "ws://a/b/c/y"),
        ("g?y/./x", "ws://a/b/c/g?y/./x"),
        ("g?y/../x", "ws://a/b/c/g?y/../x"),
        ("g#s/./x", "ws://a/b/c/g"),
        ("g#s/../x", "ws://a/b/c/g"),
        // Beyond the examples.
        ("wss://b/x/../y?z#s", "wss://b/y?z"),
        ("http://b:8080", "ws://b:8080/"),
        ("HTTPS://b", "wss://b/"),
        ("//[::1]:9001/./x", "ws://[::1]:9001/x"),
        ("//b?x", "ws://b/?x"),
        ("/", "ws://a/"),
        ("?", "ws://a/b/c/d;p?"),
        ("/..", "ws://a/"),
        ("/x//../y", "ws://a/x/y"),
        ("/.//b", "ws://a//b"),
        ("g?a:b", "ws://a/b/c/g?a:b"),
        ("./g:h", "ws://a/b/c/g:h"),
        ("1a:b", "ws://a/b/c/1a:b"),
        ("\u{e9} {x}?\u{e9} {x}", "ws://a/b/c/%C3%A9%20%7Bx%7D?%C3%A9%20{x}"),
        ("?\u{e9}", "ws://a/b/c/d;p?%C3%A9"),
        ("%2e%2e/g", "ws://a/b/c/%2e%2e/g"),
    ] {
        let joined = base.join(reference).unwrap_or_else(|error| panic!("{reference:?}: {error}"));
        assert_eq!(joined.to_string(), target, "{reference:?}");
        assert_eq!(joined, uri(target), "{reference:?}");
    }
}

/// W11: the scheme and the port that a reference goes without are those of the base.
#[test]
fn references_keep_scheme_and_authority() {
    let base = uri("wss://[::1]:9001");
    for (reference, target) in [
        ("", "wss://[::1]:9001/"),
        ("g", "wss://[::1]:9001/g"),
        ("..", "wss://[::1]:9001/"),
        ("?y", "wss://[::1]:9001/?y"),
        ("//b/x", "wss://b/x"),
        ("ws://b/x", "ws://b/x"),
    ] {
        assert_eq!(base.join(reference), Ok(uri(target)), "{reference:?}");
    }
    assert_eq!(base.join("//b").map(|target| target.port()), Ok(443));
}

/// W11, 6455-4.1-4: references that name nothing that a WebSocket can connect to.
#[test]
fn references_that_are_none() {
    let base = uri("ws://a/b/c/d;p?q");
    for (reference, reason) in [
        // RFC 3986 §5.4.2: to a strict parser the last is a whole URI, which here lacks its host.
        ("g:h", InvalidUri::Scheme),
        ("ws:g", InvalidUri::Scheme),
        ("http:g", InvalidUri::Scheme),
        ("http:/g", InvalidUri::Scheme),
        ("ftp://b/", InvalidUri::Scheme),
        ("javascript:alert(1)", InvalidUri::Scheme),
        ("data:,x", InvalidUri::Scheme),
        ("//", InvalidUri::Host),
        ("///x", InvalidUri::Host),
        ("https://", InvalidUri::Host),
        ("//b\\x", InvalidUri::Host),
        ("//b:x/", InvalidUri::Port),
        ("//user@b/", InvalidUri::UserInfo),
        ("https://user:secret@b/", InvalidUri::UserInfo),
        ("//b\u{fc}cher.example/", InvalidUri::HostNotAscii),
        ("/\\evil.example/", InvalidUri::Backslash),
        ("\\\\evil.example/", InvalidUri::Backslash),
        ("g ", InvalidUri::SpaceAtEnd),
        ("g\r\nX: y", InvalidUri::Control),
        ("g#\n", InvalidUri::Control),
        ("\0", InvalidUri::Control),
        ("ht\ttp://b/", InvalidUri::Control),
    ] {
        assert_eq!(base.join(reference), Err(reason), "{reference:?}");
    }
}

/// W11: dot segments are removed as the steps of RFC 3986 §5.2.4 do it, for every short path of some segments.
#[test]
fn dot_segments_against_the_steps() {
    let base = uri("ws://a/");
    let pieces = ["", ".", "..", "x", "..."];
    for number in 0..pieces.len().pow(5) {
        let mut path = String::new();
        let mut left = number;
        for _ in 0..5 {
            path = format!("{path}/{}", pieces[left % pieces.len()]);
            left /= pieces.len();
            // A path that begins with `//` would be an authority.
            if !path.starts_with("//") {
                assert_eq!(
                    base.join(&path).map(|joined| joined.resource().to_owned()),
                    Ok(by_the_steps(&path)),
                    "{path}"
                );
            }
        }
    }
}

/// RFC 3986 §5.2.4, step by step.
fn by_the_steps(path: &str) -> String {
    let (mut input, mut output) = (path.to_owned(), String::new());
    while !input.is_empty() {
        if input.starts_with("/./") {
            input.replace_range(..2, "");
        } else if input == "/." {
            input = "/".to_owned();
        } else if input.starts_with("/../") || input == "/.." {
            input = format!("/{}", input.get(4..).unwrap_or_default());
            output.truncate(output.rfind('/').unwrap_or(0));
        } else {
            let end = input[1..].find('/').map_or(input.len(), |end| end + 1);
            output.extend(input.drain(..end));
        }
    }
    output
}

/// 6455-10.7-1: a reference costs time in its length, however many dot segments it has.
#[test]
fn very_long_references() {
    let base = uri("ws://a/b/c");
    let long = "x/".repeat(500_000) + &"../".repeat(500_000);
    assert_eq!(base.join(&long).map(|joined| joined.to_string()), Ok("ws://a/b/".to_owned()));
    let long = "../".repeat(500_000) + "g" + &"%".repeat(500_000);
    assert_eq!(base.join(&long).map(|joined| joined.resource().len()), Ok(500_002));
}
