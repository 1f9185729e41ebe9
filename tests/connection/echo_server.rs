//! The example server over real sockets: what each peer gets to see, and that none of them keeps it from serving
//! others.

use std::env::consts::EXE_SUFFIX;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long anything is waited for that has to come. Nothing below takes a hundredth of it on an idle machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// The request of RFC 6455 §1.3, reduced to what has to be there.
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// The answer to its key.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

const PROTOCOL_ERROR: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const TOO_BIG: u16 = 1009;

#[test]
fn accepts_a_request_byte_by_byte() {
    let server = Server::start(&[]);
    let mut socket = server.connect();
    for byte in REQUEST.as_bytes() {
        socket.write_all(&[*byte]).unwrap();
    }
    let mut peer = Peer { socket: BufReader::new(socket) };
    assert_accepted(&peer.answer());
    peer.assert_echo(b"one byte after the other");
    peer.assert_clean_close();
}

#[test]
fn keeps_what_follows_the_request_in_its_segment() {
    let server = Server::start(&[]);
    let mut peer = server.peer();
    peer.send([REQUEST.as_bytes(), &frame(TEXT, b"early")].concat());
    assert_accepted(&peer.answer());
    assert_eq!(peer.frame(), (TEXT, b"early".to_vec()));
    peer.assert_clean_close();

    let mut peer = server.peer();
    peer.send([REQUEST.as_bytes(), &frame(BINARY, b"all"), &frame(CLOSE, &close_body(1000, b"at once"))].concat());
    assert_accepted(&peer.answer());
    assert_eq!(peer.frame(), (BINARY, b"all".to_vec()));
    assert_eq!(peer.frame(), (CLOSE, close_body(1000, b"")));
    peer.assert_end();
    server.assert_serves();
}

#[test]
fn accepts_lawful_requests_in_other_words() {
    let server = Server::start(&[]);
    for request in [
        changed("Connection: Upgrade\r\n", "Connection: keep-alive\r\nConnection: Upgrade\r\n"),
        changed("Connection: Upgrade\r\n", "Connection: keep-alive, Upgrade\r\n"),
        changed("Upgrade: websocket\r\nConnection: Upgrade", "uPGRADE:WebSocket \t\r\nCONNECTION:\tupgrade"),
        changed("GET / ", "GET http://example.com/ "),
        changed("GET / ", "GET ws://example.com:80/chat?room=1 "),
        changed("GET / ", "GET /chat?room=1 "),
        changed("Host: example.com\r\n", "Host: [::1]:9001\r\n"),
        changed("Upgrade: websocket\r\n", "Upgrade: websocket\r\nCookie: caf\u{e9}\r\nContent-Length: 0\r\n"),
        format!("\r\n{REQUEST}"),
    ] {
        let mut peer = server.peer();
        peer.send(&request);
        assert_accepted(&peer.answer());
        peer.assert_echo(request.as_bytes());
        peer.assert_clean_close();
    }

    // The sample of RFC 6455 §4.1 has padding bits that are not zero.
    let mut peer = server.peer();
    peer.send(changed("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC=="));
    let answer = peer.answer();
    assert_eq!(answer.status, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(answer.values("Sec-WebSocket-Accept"), ["OfS0wDaT5NoxF2gqm7Zj2YtetzM="]);
    peer.assert_echo(b"lenient");
}

#[test]
fn refuses_malformed_requests_with_400() {
    let server = Server::start(&[]);
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let host = "Host: example.com\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    for request in [
        changed(key, ""),
        changed(key, &key.repeat(2)),
        changed(key, &format!("{key}Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n")),
        changed(key, "Sec-WebSocket-Key:\r\n"),
        changed(key, "Sec-WebSocket-Key: AA==\r\n"),
        changed(key, "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!!!\r\n"),
        changed(key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n"),
        changed(key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"),
        changed(key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==AAAAAA\r\n"),
        changed(host, ""),
        changed(host, &host.repeat(2)),
        changed(host, "Host: example.com\r\nhost: other.example\r\n"),
        changed(host, "Host: two words\r\n"),
        changed(host, "Host: example.com:port\r\n"),
        changed(host, "Host: example.com:65536\r\n"),
        changed(host, "Host: example.com/path\r\n"),
        changed(version, ""),
        changed(version, &version.repeat(2)),
        changed(version, "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n"),
        changed(version, "Sec-WebSocket-Version:\r\n"),
        changed(version, "Sec-WebSocket-Version: thirteen\r\n"),
        changed(version, "Sec-WebSocket-Version: 013\r\n"),
        changed(version, "Sec-WebSocket-Version: 256\r\n"),
        changed(version, "Sec-WebSocket-Version: 13, 8\r\n"),
        changed("HTTP/1.1", "HTTP/1.0"),
        changed("HTTP/1.1", "HTTP/2.0"),
        changed("GET / ", "GET chat "),
        changed("GET / ", "GET /#fragment "),
        changed("GET / ", "GET  / "),
        changed("Upgrade: websocket\r\n", "Upgrade: h2c\r\n"),
        changed("Connection: Upgrade\r\n", "Connection: keep-alive\r\n"),
        changed("Connection: Upgrade\r\n", ""),
        // Only CRLF ends a line.
        REQUEST.replace("\r\n", "\n"),
        changed("example.com\r\n", "example.com\n"),
        changed("13\r\n\r\n", "13\r\n\n"),
        // RFC 9112 §5.2: obsolete line folding.
        changed("Upgrade: websocket\r\n", "Upgrade: websocket,\r\n h2c\r\n"),
        changed("Upgrade: websocket\r\n", "Upgrade:\r\n\twebsocket\r\n"),
        changed("Host: ", "Host : "),
        changed("Host: ", "Ho st: "),
        changed("example.com", "example\0.com"),
        changed(host, &format!("{host}Content-Length: 5\r\n")),
        changed(host, &format!("{host}Transfer-Encoding: chunked\r\n")),
        changed(host, &format!("{host}Sec-WebSocket-Protocol: chat, chat\r\n")),
    ] {
        let answer = server.refusal(&request);
        assert_eq!(answer.status, "HTTP/1.1 400 Bad Request", "for {request:?}");
        server.assert_serves();
    }
}

/// A peer that does not speak HTTP is not waited for; to TLS nothing is sent.
#[test]
fn refuses_what_is_not_http_at_once() {
    let server = Server::start(&[]);
    for start in ["PRI * HTTP/2.0\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "PROXY TCP4 ", "\u{1}", "{"] {
        let answer = server.refusal(start);
        assert_eq!(answer.status, "HTTP/1.1 400 Bad Request", "for {start:?}");
    }
    let mut peer = server.peer();
    peer.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    peer.assert_end();
    server.assert_serves();
}

#[test]
fn refuses_other_versions_with_426() {
    let server = Server::start(&[]);
    for version in ["0", "7", "8", "12", "14", "255"] {
        let answer = server.refusal(&changed("Version: 13", &format!("Version: {version}")));
        assert_eq!(answer.status, "HTTP/1.1 426 Upgrade Required", "for {version}");
        assert_eq!(answer.values("Sec-WebSocket-Version"), ["13"]);
        assert_eq!(answer.values("Upgrade"), ["websocket"]);
        server.assert_serves();
    }
}

#[test]
fn refuses_other_methods_with_405() {
    let server = Server::start(&[]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        let answer = server.refusal(&changed("GET", method));
        assert_eq!(answer.status, "HTTP/1.1 405 Method Not Allowed", "for {method}");
        assert_eq!(answer.values("Allow"), ["GET"]);
        server.assert_serves();
    }

    // RFC 9110 §9.3.2: the headers alone.
    let mut peer = server.peer();
    peer.send(changed("GET", "HEAD"));
    let answer = peer.answer();
    assert_eq!(answer.status, "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(answer.values("Allow"), ["GET"]);
    peer.assert_end();
    server.assert_serves();
}

#[test]
fn refuses_a_thousand_headers_with_431() {
    let server = Server::start(&[]);
    let headers: String = (0..1000).map(|i| format!("X-{i}: {i}\r\n")).collect();
    let answer = server.refusal(&changed("Host", &format!("{headers}Host")));
    assert_eq!(answer.status, "HTTP/1.1 431 Request Header Fields Too Large");
    server.assert_serves();
}

#[test]
fn refuses_an_endless_head_with_431_while_it_still_comes() {
    let server = Server::start(&[]);
    let more: [&[u8]; 3] = [&[b'x'; 512], b"X-More: and more\r\n", b"\r\n"];
    for (start, more) in [(&REQUEST[..REQUEST.len() - 2], more[0]), (&REQUEST[..16], more[1]), ("", more[2])] {
        let mut peer = server.peer();
        peer.send(start);
        let answered = AtomicBool::new(false);
        let answer = thread::scope(|scope| {
            let mut socket = peer.socket.get_ref().try_clone().unwrap();
            let answered = &answered;
            // Once the server has given up on this peer, writing fails; until the answer is read it must not stop.
            scope.spawn(move || while !answered.load(Ordering::Relaxed) && socket.write_all(more).is_ok() {});
            // Says so to the writer even when the answer fails a check, or the scope would never end.
            let _flag = RaiseOnDrop(answered);
            let answer = peer.answer();
            let body = peer.take(answer.content_length());
            assert!(body.ends_with(b"\n"));
            answer
        });
        assert_eq!(answer.status, "HTTP/1.1 431 Request Header Fields Too Large");
        assert_eq!(answer.values("Connection"), ["close"]);
        drop(peer);
        server.assert_serves();
    }
}

#[test]
fn shows_a_page_to_a_browser() {
    let server = Server::start(&[]);
    let answer = server.refusal("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n");
    assert_eq!(answer.status, "HTTP/1.1 200 OK");
    assert_eq!(answer.values("Content-Type"), ["text/html; charset=utf-8"]);
    assert_eq!(answer.body, include_bytes!("../../examples/echo_server.html"));

    let answer = server.refusal("GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(answer.status, "HTTP/1.1 404 Not Found");
    server.assert_serves();
}

#[test]
fn negotiates_a_subprotocol() {
    let server = Server::start(&["--subprotocol", "chat", "--subprotocol", "superchat"]);
    for (lines, chosen) in [
        ("", None),
        ("Sec-WebSocket-Protocol: chat\r\n", Some("chat")),
        ("Sec-WebSocket-Protocol: soap, superchat, chat\r\n", Some("superchat")),
        ("Sec-WebSocket-Protocol: soap\r\nSec-WebSocket-Protocol: chat,superchat\r\n", Some("chat")),
        ("Sec-WebSocket-Protocol: soap, wamp\r\n", None),
        ("Sec-WebSocket-Protocol: CHAT\r\n", None),
    ] {
        let mut peer = server.peer();
        peer.send(changed("Host", &format!("{lines}Host")));
        let answer = peer.answer();
        assert_eq!(answer.status, "HTTP/1.1 101 Switching Protocols", "for {lines:?}");
        assert_eq!(answer.values("Sec-WebSocket-Protocol"), Vec::from_iter(chosen), "for {lines:?}");
        peer.assert_echo(b"whatever the protocol");
    }
    for lines in ["Sec-WebSocket-Protocol: chat, chat\r\n", "Sec-WebSocket-Protocol: a b\r\n"] {
        let answer = server.refusal(&changed("Host", &format!("{lines}Host")));
        assert_eq!(answer.status, "HTTP/1.1 400 Bad Request", "for {lines:?}");
        server.assert_serves();
    }
}

#[test]
fn compresses_with_whoever_offers_it() {
    const COMPRESSED: u8 = 0x40;
    let offering = changed(
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\nSec-WebSocket-Version",
    );
    let server = Server::start(&["--deflate"]);
    let mut peer = server.peer();
    peer.send(&offering);
    let answer = peer.answer();
    let accepted = ("Sec-WebSocket-Extensions".to_owned(), "permessage-deflate; server_max_window_bits=10".to_owned());
    assert!(answer.headers.contains(&accepted), "{:?}", answer.headers);
    // RFC 7692 §7.2.3.1, twice, the second time by what came before. Five bytes are not worth compressing.
    for payload in [&[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00][..], &[0xF2, 0x00, 0x11, 0x00, 0x00]] {
        peer.send(frame(TEXT | COMPRESSED, payload));
        assert_eq!(peer.frame(), (TEXT, b"Hello".to_vec()));
    }
    peer.send(frame(TEXT, &[b'a'; 1000]));
    let (first, payload) = peer.frame();
    assert_eq!(first, TEXT | COMPRESSED);
    assert!(payload.len() < 30, "{payload:?}");
    peer.assert_clean_close();

    // Without an offer, or without the option, there is none.
    server.open().assert_echo(&[b'a'; 1000]);
    let server = Server::start(&[]);
    let mut peer = server.peer();
    peer.send(&offering);
    assert_accepted(&peer.answer());
    peer.assert_echo(&[b'a'; 1000]);
}

#[test]
fn fails_what_breaks_the_framing() {
    let server = Server::start(&[]);
    let mut faults: Vec<(String, Vec<u8>)> = Vec::new();
    let mut fault = |name: &str, bytes: &[&[u8]]| faults.push((name.into(), bytes.concat()));

    fault("a text without a mask", &[&[TEXT, 5], b"hello"]);
    fault("a ping without a mask", &[&[PING, 0]]);
    fault("a close without a mask", &[&[CLOSE, 2, 3, 0xE8]]);
    for rsv in [0x40, 0x20, 0x10, 0x70] {
        fault(&format!("reserved bits {rsv:#x} on a text"), &[&frame(TEXT | rsv, b"hello")]);
        fault(&format!("reserved bits {rsv:#x} on a ping"), &[&frame(PING | rsv, b"")]);
        fault(&format!("reserved bits {rsv:#x} on a fragment"), &[&frame(0x01, b"a"), &frame(0x80 | rsv, b"b")]);
    }
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        fault(&format!("the opcode {opcode:#x}"), &[&frame(0x80 | opcode, b"")]);
        fault(&format!("the opcode {opcode:#x} in a fragment"), &[&frame(opcode, b"what?")]);
    }
    for (opcode, name) in [(CLOSE, "close"), (PING, "ping"), (PONG, "pong")] {
        fault(&format!("a fragmented {name}"), &[&frame(opcode & 0x0F, &close_body(1000, b""))]);
        fault(&format!("a {name} of 126 bytes"), &[&frame(opcode, &[0x40; 126])]);
        // It may not wait for the bytes that such a frame claims.
        fault(&format!("the beginning of a {name} of 64 KiB"), &[&[opcode, 0xFF]]);
    }
    for (length, name) in [(0, "0"), (5, "5"), (125, "125")] {
        fault(&format!("{name} in 16 bits"), &[&[BINARY, 0xFE, 0, length, 0, 0, 0, 0], &vec![0; length.into()]]);
        fault(&format!("{name} in 64 bits"), &[&[BINARY, 0xFF, 0, 0, 0, 0, 0, 0, 0, length, 0, 0, 0, 0]]);
    }
    fault("126 in 64 bits", &[&[BINARY, 0xFF, 0, 0, 0, 0, 0, 0, 0, 126, 0, 0, 0, 0]]);
    fault("65535 in 64 bits", &[&[BINARY, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0]]);
    fault("2^63", &[&claim(BINARY, 1 << 63)]);
    fault("2^64 - 1", &[&claim(TEXT, u64::MAX)]);
    fault("a last fragment of nothing", &[&frame(0x80, b"end")]);
    fault("a fragment of nothing", &[&frame(0x00, b"")]);
    for (first, second) in [(0x01, TEXT), (0x01, 0x01), (0x02, BINARY), (0x01, BINARY), (0x02, 0x01)] {
        fault(&format!("{second:#x} inside {first:#x}"), &[&frame(first, b"a"), &frame(second, b"b")]);
    }
    for (name, bytes) in faults {
        server.assert_fails(&name, &bytes, PROTOCOL_ERROR);
    }

    let mut peer = server.open();
    peer.send([frame(0x01, b"one "), frame(0x80, b"message"), frame(0x80, b" more")].concat());
    assert_eq!(peer.frame(), (TEXT, b"one message".to_vec()));
    let (first, body) = peer.frame();
    assert_eq!((first, &body[..2]), (CLOSE, &PROTOCOL_ERROR.to_be_bytes()[..]));
    peer.assert_end();
    server.assert_serves();
}

#[test]
fn fails_text_that_is_not_utf8() {
    let server = Server::start(&[]);
    for (name, bytes) in [
        ("a byte that never occurs", frame(TEXT, b"\xFF")),
        ("a byte at the end", frame(TEXT, b"all is well \x80")),
        ("an overlong form", frame(TEXT, b"\xC0\xAF")),
        ("a surrogate", frame(TEXT, b"\xED\xA0\x80")),
        ("beyond U+10FFFF", frame(TEXT, b"\xF4\x90\x80\x80")),
        ("an open code point at the end", frame(TEXT, b"\xE2\x82")),
        ("an open code point before the last fragment", [frame(0x01, b"\xE2\x82"), frame(0x80, b"(")].concat()),
        ("an open code point in the last fragment", [frame(0x01, b"a"), frame(0x80, b"\xE2\x82")].concat()),
        ("a fault in a message that goes on", frame(0x01, b"\xFF")),
        ("a fault in a frame that goes on", [&claim(TEXT, 1000), &b"\xFF"[..]].concat()),
        ("a reason", frame(CLOSE, &close_body(1000, b"\xFF"))),
        ("a reason that ends too early", frame(CLOSE, &close_body(1000, b"\xE2\x82"))),
    ] {
        server.assert_fails(name, &bytes, NOT_UTF8);
    }
}

#[test]
fn fails_close_frames_that_may_not_travel() {
    let server = Server::start(&[]);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        server.assert_fails(&format!("code {code}"), &frame(CLOSE, &close_body(code, b"")), PROTOCOL_ERROR);
    }
    server.assert_fails("one byte", &frame(CLOSE, b"\x03"), PROTOCOL_ERROR);
}

#[test]
fn fails_what_is_too_big() {
    let server = Server::start(&[]);
    for length in [(64 << 20) + 1, 1 << 32, i64::MAX as u64] {
        server.assert_fails(&format!("{length} bytes"), &claim(BINARY, length), TOO_BIG);
        let fragment = [frame(0x01, b"a"), claim(0x80, length)].concat();
        server.assert_fails(&format!("a fragment of {length} bytes"), &fragment, TOO_BIG);
    }
}

#[test]
fn keeps_the_limit_it_is_given() {
    let server = Server::start(&["--max-message", "1000"]);
    let mut peer = server.open();
    peer.assert_echo(&[b'a'; 1000]);
    peer.send([frame(0x01, &[b'b'; 600]), frame(0x80, &[b'b'; 400])].concat());
    assert_eq!(peer.frame(), (TEXT, vec![b'b'; 1000]));
    peer.assert_echo(&[b'c'; 1000]);
    peer.assert_clean_close();

    server.assert_fails("1001 bytes", &frame(TEXT, &[b'a'; 1001]), TOO_BIG);
    server.assert_fails("a claim of 1001 bytes", &claim(BINARY, 1001), TOO_BIG);
    let fragments = [frame(0x02, &[0; 600]), frame(0x00, &[0; 400]), claim(0x80, 1)].concat();
    server.assert_fails("1001 bytes in fragments", &fragments, TOO_BIG);
}

/// Closed with bytes unread, the server's socket would reset the connection, and some systems then lose what came last.
#[test]
fn tells_a_peer_that_has_written_more() {
    let server = Server::start(&[]);
    let more = vec![0; 256 << 10];
    let close = frame(CLOSE, &close_body(1000, b""));
    for (bytes, code) in [(claim(BINARY, u64::MAX), PROTOCOL_ERROR), (frame(TEXT, b"\xFF"), NOT_UTF8), (close, 1000)] {
        let mut peer = server.open();
        peer.send([&bytes, &more[..]].concat());
        let (first, body) = peer.frame();
        assert_eq!((first, &body[..2]), (CLOSE, &code.to_be_bytes()[..]));
        peer.assert_end();
    }
    let answer = server.refusal(&(changed("GET", "POST") + &"body".repeat(64 << 10)));
    assert_eq!(answer.status, "HTTP/1.1 405 Method Not Allowed");
    server.assert_serves();
}

#[test]
fn answers_a_close_and_closes_the_transport() {
    let server = Server::start(&[]);
    server.open().assert_clean_close();
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        for reason in [&b""[..], "schön war’s".as_bytes(), &[b'r'; 123]] {
            let mut peer = server.open();
            peer.send(frame(CLOSE, &close_body(code, reason)));
            assert_eq!(peer.frame(), (CLOSE, close_body(code, b"")), "for {code}");
            peer.assert_end();
        }
    }
    let mut peer = server.open();
    peer.send(frame(CLOSE, b""));
    assert_eq!(peer.frame(), (CLOSE, Vec::new()));
    peer.assert_end();

    // RFC 6455 §1.4: nothing that follows a Close counts.
    let mut peer = server.open();
    peer.send([frame(CLOSE, &close_body(1001, b"")), frame(TEXT, b"too late"), frame(PING, b"")].concat());
    assert_eq!(peer.frame(), (CLOSE, close_body(1001, b"")));
    peer.assert_end();
    server.assert_serves();
}

#[test]
fn outlives_peers_that_vanish() {
    let server = Server::start(&[]);
    drop(server.connect());
    let mut peer = server.peer();
    peer.send(&REQUEST[..50]);
    drop(peer);
    for bytes in [frame(0x01, b"unfinished"), claim(BINARY, 1000), vec![TEXT]] {
        let mut peer = server.open();
        peer.send(bytes);
        drop(peer);
        server.assert_serves();
    }
    // Closed with bytes unread, a socket resets the connection.
    let mut peer = server.open();
    peer.send([frame(PING, b"unread"), frame(BINARY, &[0; 100_000])].concat());
    peer.socket.get_ref().peek(&mut [0]).unwrap();
    drop(peer);
    server.assert_serves();
}

#[test]
fn echoes_a_hundred_thousand_fragments_as_one_message() {
    let server = Server::start(&[]);
    let mut peer = server.open();
    let message: Vec<u8> = (0..100_000).map(|i: u32| b'a' + (i % 26) as u8).collect();
    let last = message.len() - 1;
    let fragments = message.iter().enumerate().flat_map(|(i, byte)| {
        let first = if i == 0 { 0x01 } else { 0x00 };
        frame(if i == last { first | 0x80 } else { first }, &[*byte])
    });
    peer.send(fragments.collect::<Vec<u8>>());
    let (first, echo) = peer.frame();
    assert_eq!(first, TEXT);
    assert!(echo == message, "the echo of {} bytes is another message", echo.len());
    peer.assert_clean_close();
    server.assert_serves();
}

/// The peer writes pings and reads nothing until the server no longer takes them, or has taken all.
#[test]
fn answers_a_flood_of_pings_within_bounds() {
    const PINGS: u32 = 200_000;
    let ping = |number: u32| {
        let mut payload = [0; 125];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        frame(PING, &payload)
    };
    let server = Server::start(&[]);
    server.assert_serves();
    #[cfg(target_os = "linux")]
    let before = server.memory("VmRSS");

    let mut peer = server.open();
    let flood: Vec<u8> = (0..PINGS).flat_map(ping).collect();
    let mut written = 0;
    let mut socket = peer.socket.get_ref();
    // If this is too short on a busy machine, the first part of the flood is shorter, and all is checked nonetheless.
    socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    while written < flood.len() {
        match socket.write(&flood[written..]) {
            Ok(count) => written += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => panic!("{error}"),
        }
    }
    server.assert_serves();
    #[cfg(target_os = "linux")]
    assert!(server.memory("VmRSS") < before + (16 << 20), "from {before} to {} bytes", server.memory("VmRSS"));

    // Now the peer reads. RFC 6455 §5.5.3: not every ping needs its pong, but the newest does.
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    let writer = socket.try_clone().unwrap();
    let rest = thread::spawn(move || {
        let close = frame(CLOSE, &close_body(1000, b""));
        (&writer).write_all(&flood[written..]).and_then(|()| (&writer).write_all(&close)).unwrap();
    });
    let mut newest = None;
    let mut pongs = 0;
    loop {
        let (first, payload) = peer.frame();
        if first == CLOSE {
            assert_eq!(payload, close_body(1000, b""));
            break;
        }
        assert_eq!((first, payload.len()), (PONG, 125));
        let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
        assert!(newest < Some(number), "the pong {number} follows {newest:?}");
        newest = Some(number);
        pongs += 1;
    }
    assert_eq!(newest, Some(PINGS - 1));
    assert!(pongs <= PINGS);
    peer.assert_end();
    rest.join().unwrap();
    server.assert_serves();
    #[cfg(target_os = "linux")]
    assert!(server.memory("VmRSS") < before + (16 << 20), "from {before} to {} bytes", server.memory("VmRSS"));
}

#[test]
#[cfg(target_os = "linux")]
fn reserves_no_memory_for_a_claim() {
    const FRAME: usize = 16 << 20;
    let server = Server::start(&[]);
    server.assert_serves();
    let (resident, virtual_size) = (server.memory("VmRSS"), server.memory("VmSize"));
    let mut waiting: Vec<Peer> = (0..16)
        .map(|_| {
            let mut peer = server.open();
            peer.send([frame(PING, b"first"), claim(BINARY, FRAME as u64)].concat());
            assert_eq!(peer.frame(), (PONG, b"first".to_vec()));
            peer
        })
        .collect();
    for _ in 0..4 {
        server.assert_fails("2^63 - 1", &claim(BINARY, i64::MAX as u64), TOO_BIG);
        server.assert_fails("2^63", &claim(BINARY, 1 << 63), PROTOCOL_ERROR);
        server.assert_fails("2^64 - 1", &claim(TEXT, u64::MAX), PROTOCOL_ERROR);
    }
    // Memory that is reserved and not yet touched shows in the second number alone.
    for (name, before, room) in [("VmRSS", resident, 4 << 20), ("VmSize", virtual_size, 16 << 20)] {
        let after = server.memory(name);
        assert!(after <= before + room, "{name} grows from {before} to {after} bytes");
    }

    // The claim was lawful, and can be made good. The key of `claim` is zero, so this is masked.
    let mut peer = waiting.pop().unwrap();
    peer.send(vec![b'a'; FRAME]);
    let (first, echo) = peer.frame();
    assert_eq!((first, echo.len()), (BINARY, FRAME));
    assert!(echo.iter().all(|byte| *byte == b'a'));
    peer.assert_clean_close();
    drop(waiting);
    server.assert_serves();
}

#[test]
#[cfg(feature = "getrandom")]
fn satisfies_the_example_client() {
    satisfies_the_client_with(&[]);
}

#[test]
#[cfg(feature = "getrandom")]
fn satisfies_the_example_client_that_compresses() {
    satisfies_the_client_with(&["--deflate"]);
}

#[cfg(feature = "getrandom")]
fn satisfies_the_client_with(options: &[&str]) {
    let server = Server::start(options);
    let mut client = Command::new(example("client"))
        .args(options)
        .args(["--check", &format!("ws://{}/", server.addr)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = client.stdout.take().unwrap();
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = sender.send(stdout.read_to_string(&mut text).map(|_| text));
    });
    let said = said.recv_timeout(PATIENCE);
    if said.is_err() {
        let _ = client.kill();
    }
    let status = client.wait().unwrap();
    assert_eq!(said.expect("the client comes to an end").unwrap(), "every echo was right\n");
    assert!(status.success(), "{status}");
    server.assert_serves();
}

/// The example server in a process of its own, which ends with the test.
struct Server {
    process: Child,
    addr: SocketAddr,
    /// Kept open, so that the server can go on printing.
    _stdout: BufReader<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let mut process = Command::new(example("echo_server"))
            .args(["--addr", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = process.stderr.take().unwrap();
        let complaints = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, greeting) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send((line, stdout));
        });
        let Ok((line, stdout)) = greeting.recv_timeout(PATIENCE) else {
            let _ = process.kill();
            panic!("the server does not say where it listens");
        };
        let addr = line.trim_end().strip_prefix("listening on ws://").and_then(|addr| addr.parse().ok());
        let Some(addr) = addr else {
            let _ = process.kill();
            panic!("the server says {line:?}, and: {}", complaints.join().unwrap());
        };
        Self { process, addr, _stdout: stdout, complaints: Some(complaints) }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect_timeout(&self.addr, PATIENCE).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    fn peer(&self) -> Peer {
        Peer { socket: BufReader::new(self.connect()) }
    }

    /// A peer with its handshake done.
    fn open(&self) -> Peer {
        let mut peer = self.peer();
        peer.send(REQUEST);
        assert_accepted(&peer.answer());
        peer
    }

    /// The whole answer to a request that is not accepted, up to the end of the stream.
    fn refusal(&self, request: &str) -> Answer {
        let mut peer = self.peer();
        peer.send(request);
        let mut answer = peer.answer();
        // RFC 9110 §7.8: an answer with Upgrade names it in Connection too.
        let connection = if answer.values("Upgrade").is_empty() { "close" } else { "close, Upgrade" };
        assert_eq!(answer.values("Connection"), [connection], "for {request:?}");
        assert_eq!(answer.values("Sec-WebSocket-Accept"), [""; 0], "for {request:?}");
        answer.body = peer.take(answer.content_length());
        peer.assert_end();
        answer
    }

    /// Whoever comes now is served.
    fn assert_serves(&self) {
        let mut peer = self.open();
        peer.assert_echo("und weiter geht’s".as_bytes());
        peer.assert_clean_close();
    }

    /// A peer that writes this is returned its fault, whatever it writes behind it, and others are served.
    fn assert_fails(&self, name: &str, bytes: &[u8], code: u16) {
        for behind in [frame(TEXT, b"behind the fault"), Vec::new()] {
            let mut peer = self.open();
            peer.send([bytes, &behind].concat());
            let (first, body) = peer.frame();
            assert_eq!(first, CLOSE, "{name}: {body:?}");
            assert_eq!(body.get(..2), Some(&code.to_be_bytes()[..]), "{name}: {}", body.escape_ascii());
            assert!(std::str::from_utf8(&body[2..]).is_ok(), "{name}: {}", body.escape_ascii());
            peer.assert_end();
        }
        self.assert_serves();
    }

    /// A line of /proc/PID/status, in bytes.
    #[cfg(target_os = "linux")]
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        value.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.process.try_wait();
        let _ = self.process.kill();
        let _ = self.process.wait();
        let complaints = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        // A panic in a connection's task ends that connection alone, so it would not show otherwise.
        if !thread::panicking() {
            assert!(matches!(ended, Ok(None)), "the server has ended: {ended:?}\n{complaints}");
            assert!(!complaints.contains("panicked"), "{complaints}");
        }
    }
}

/// An example's executable, which stands beside the directory of this one.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let profile_dir = this.parent().and_then(|deps| deps.parent()).unwrap();
    let path = profile_dir.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    if !path.exists() {
        let profile = match profile_dir.file_name().and_then(|name| name.to_str()).unwrap() {
            "debug" => "dev",
            name => name,
        };
        let built = Command::new(env!("CARGO"))
            .args(["build", "--example", name, "--profile", profile])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("CARGO_TARGET_DIR", profile_dir.parent().unwrap())
            .status();
        assert!(built.unwrap().success() && path.exists(), "{} cannot be built", path.display());
    }
    path
}

struct Peer {
    socket: BufReader<TcpStream>,
}

impl Peer {
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.socket.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The head of an HTTP answer.
    fn answer(&mut self) -> Answer {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.socket.read_line(&mut line).unwrap();
            let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("the answer stops at {lines:?} {line:?}"));
            if line.is_empty() {
                break;
            }
            lines.push(line.to_owned());
        }
        let headers = lines[1..].iter().map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Answer { status: lines[0].clone(), headers, body: Vec::new() }
    }

    /// The first byte and the payload of the next frame, whose form must be that of a server (RFC 6455 §5.1, §5.2).
    fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.take(2);
        let length = match head[1] {
            length @ 0..=125 => u64::from(length),
            126 => {
                let length = u16::from_be_bytes(self.take(2).try_into().unwrap());
                assert!(length > 125, "{length} in 16 bits");
                u64::from(length)
            }
            127 => {
                let length = u64::from_be_bytes(self.take(8).try_into().unwrap());
                assert!(length > u64::from(u16::MAX), "{length} in 64 bits");
                length
            }
            _ => panic!("the server masks"),
        };
        (head[0], self.take(usize::try_from(length).unwrap()))
    }

    fn assert_echo(&mut self, text: &[u8]) {
        self.send(frame(TEXT, text));
        assert_eq!(self.frame(), (TEXT, text.to_vec()));
    }

    /// RFC 6455 §7.1.1: after the Close frames it is the server that closes the transport.
    fn assert_clean_close(&mut self) {
        self.send(frame(CLOSE, &close_body(1000, b"bye")));
        assert_eq!(self.take(4), [CLOSE, 2, 0x03, 0xE8]);
        self.assert_end();
    }

    /// The server has ended its direction in order, and nothing comes before the end.
    fn assert_end(&mut self) {
        let mut rest = Vec::new();
        self.socket.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "before the end of the stream: {}", rest.escape_ascii());
    }
}

#[derive(Debug)]
struct Answer {
    status: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| &value[..]).collect()
    }

    fn content_length(&self) -> usize {
        let [length] = self.values("Content-Length")[..] else { panic!("one Content-Length is due: {self:?}") };
        length.parse().unwrap()
    }
}

/// Nobody asked for a subprotocol or an extension, and a 101 has no body.
fn assert_accepted(answer: &Answer) {
    assert_eq!(answer.status, "HTTP/1.1 101 Switching Protocols");
    let due = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)];
    let due: Vec<_> = due.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(answer.headers, due);
}

/// The valid request with one place changed.
fn changed(from: &str, to: &str) -> String {
    assert!(REQUEST.contains(from), "{from:?} is not in the request");
    REQUEST.replacen(from, to, 1)
}

/// A masked frame with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let mut bytes = claim(first, payload.len() as u64);
    let key_at = bytes.len() - KEY.len();
    bytes[key_at..].copy_from_slice(&KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// The header of a frame that claims this length in its shortest form, with a masking key of zeros.
fn claim(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 | length as u8),
        126..=0xFFFF => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

fn close_body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

struct RaiseOnDrop<'a>(&'a AtomicBool);

impl Drop for RaiseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
