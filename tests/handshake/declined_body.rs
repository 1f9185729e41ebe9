//! The body of a response that declines a client: where it ends, how it is decoded, its limits, and the end of the stream.

use crate::common::http::{Head, Numbers, cuts, declined, request_for, started};
use proptest::prelude::*;
use ws_proto::handshake::BodyError;
use ws_proto::handshake::client::{Error, Flaw, Handshake};
use ws_proto::{Config, Input, Seed};

/// What becomes of a body, and the bytes that were left in the input when it was known.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Whole(Vec<u8>),
    /// More is to come, and this has.
    Waits(Vec<u8>),
    /// This is wrong, and so much had come before.
    Failed(BodyError, Vec<u8>),
}

use Outcome::{Failed, Waits, Whole};

fn whole(body: impl AsRef<[u8]>) -> Outcome {
    Whole(body.as_ref().to_vec())
}

fn failed(error: BodyError, partial: impl AsRef<[u8]>) -> Outcome {
    Failed(error, partial.as_ref().to_vec())
}

/// A handshake that has been declined with this head, of which the input holds no more than the head.
fn declined_with(config: &Config, head: &[u8]) -> (Handshake, Input) {
    let mut handshake = Handshake::new(&request_for("ws://example.com/"), Seed::new([7; 32]), config);
    let mut input = Input::from(head);
    let outcome = handshake.receive(&mut input);
    assert!(matches!(outcome, Err(Error::Declined(_))), "{}: {outcome:?}", head.escape_ascii());
    assert!(input.is_empty());
    (handshake, input)
}

/// Feeds a body in these pieces, and then the end of the stream if that is asked for. The second value is what has been
/// left of the bytes.
fn feed(config: &Config, head: &[u8], body: &[u8], cut: &[usize], ends: bool) -> (Outcome, Vec<u8>) {
    let (mut handshake, mut input) = declined_with(config, head);
    let mut fed = 0;
    let mut feed = cut.iter().copied();
    loop {
        match handshake.receive_body(&mut input) {
            Ok(Some(whole)) => {
                assert_eq!(handshake.receive_body(&mut input), Err(BodyError::Over));
                assert_eq!(handshake.partial_body(), b"");
                return (Whole(whole.to_vec()), [&input.into_unread(), &body[fed..]].concat());
            }
            Ok(None) => assert!(input.is_empty(), "all that has come belongs to the body"),
            Err(error) => {
                let partial = handshake.partial_body().to_vec();
                // A failure stays, whatever comes.
                input.extend_from_slice(b"0\r\n\r\n");
                assert_eq!(handshake.receive_body(&mut input), Err(error));
                handshake.receive_eof();
                assert_eq!(handshake.receive_body(&mut input), Err(error));
                assert_eq!(handshake.partial_body(), partial);
                assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Over))));
                return (Failed(error, partial), Vec::new());
            }
        }
        match feed.next() {
            Some(piece) => {
                input.extend_from_slice(&body[fed..fed + piece]);
                fed += piece;
            }
            None if ends => handshake.receive_eof(),
            None => return (Waits(handshake.partial_body().to_vec()), Vec::new()),
        }
    }
}

/// What becomes of a body and of the bytes behind it: the same however they are cut, also together with the head.
fn outcome_with(config: &Config, head: &[u8], body: &[u8], ends: bool) -> (Outcome, Vec<u8>) {
    let all = feed(config, head, body, &[body.len()], ends);
    let every_cut = (0..=body.len().min(300)).map(|first| vec![first, body.len() - first]);
    for cut in cuts(body.len()).into_iter().chain(every_cut) {
        let outcome = feed(config, head, body, &cut, ends);
        assert_eq!(outcome, all, "{cut:?} of {} {}", head.escape_ascii(), body.escape_ascii());
    }
    let (mut handshake, _, _) = started(&request_for("ws://example.com/"), config);
    let mut input = Input::from(&[head, body].concat()[..]);
    assert!(matches!(handshake.receive(&mut input), Err(Error::Declined(_))));
    if ends {
        handshake.receive_eof();
    }
    let together = match handshake.receive_body(&mut input) {
        Ok(Some(body)) => Whole(body.to_vec()),
        Ok(None) => Waits(handshake.partial_body().to_vec()),
        Err(error) => Failed(error, handshake.partial_body().to_vec()),
    };
    assert_eq!(together, all.0);
    all
}

/// The same for a response with these lines, without the end of the stream.
fn outcome(lines: &[(&str, &str)], body: impl AsRef<[u8]>) -> (Outcome, Vec<u8>) {
    let head = lines.iter().fold(Head::new("HTTP/1.1 403 Forbidden"), |head, (name, value)| head.add(name, value));
    outcome_with(&Config::new(), &head.bytes(), body.as_ref(), false)
}

fn chunked(body: impl AsRef<[u8]>) -> (Outcome, Vec<u8>) {
    outcome(&[("Transfer-Encoding", "chunked")], body)
}

const CHUNKED: &[u8] = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n";

/// W10, 6455-4.1-40: a refusal with a chunked body, read to its end.
#[test]
fn over_quota() {
    let response =
        b"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\na\r\nover quota\r\n0\r\n\r\n";
    let no = declined(|_| response.to_vec());
    assert_eq!((no.response.status(), no.body), (503, Ok(b"over quota".to_vec())));
}

/// RFC 9112 §6.3: so many bytes as `Content-Length` says, and what follows stays.
#[test]
fn content_length() {
    let length = |value: &str, body: &str| outcome(&[("Content-Length", value)], body);
    assert_eq!(length("5", "sorry"), (whole("sorry"), vec![]));
    assert_eq!(length("5", "sorryHTTP/1.1"), (whole("sorry"), b"HTTP/1.1".to_vec()));
    assert_eq!(length("0", ""), (whole(""), vec![]));
    assert_eq!(length("0", "next"), (whole(""), b"next".to_vec()));
    assert_eq!(length("6", "sorry"), (Waits(b"sorry".to_vec()), vec![]));
    assert_eq!(length("005", "sorry!").0, whole("sorry"));
    // RFC 9110 §8.6: the same number may be repeated.
    assert_eq!(length("5, 5", "sorry!").0, whole("sorry"));
    assert_eq!(length("5,05 ,\t5", "sorry!").0, whole("sorry"));
    assert_eq!(outcome(&[("Content-Length", "5"), ("content-length", "5")], "sorry!").0, whole("sorry"));
}

/// RFC 9112 §6.3: a length that is none, or several that differ, is an error; nothing of the body is taken.
#[test]
fn content_lengths_that_are_none() {
    for value in
        ["", " ", "-1", "+5", "5 5", "5;", "0x5", "5.0", "five", "5,", ",5", "5,,5", "5, 6", "6,5,5", "\u{665}"]
    {
        assert_eq!(outcome(&[("Content-Length", value)], "sorry").0, failed(BodyError::ContentLength, ""), "{value:?}");
    }
    for (first, second) in [("5", "6"), ("5", ""), ("x", "5"), ("5", "x"), ("x", "y")] {
        let lines = [("Content-Length", first), ("X", "y"), ("Content-Length", second)];
        assert_eq!(outcome(&lines, "sorry!").0, failed(BodyError::ContentLength, ""), "{first} {second}");
    }
}

/// RFC 9112 §6.3: without a length the stream ends the body.
#[test]
fn until_the_end_of_the_stream() {
    for head in ["HTTP/1.1 403 x\r\n\r\n", "HTTP/1.0 403 x\r\n\r\n", "HTTP/1.1 403\nConnection: close\n\n"] {
        for body in ["", "sorry", "0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
            let (config, head) = (Config::new(), head.as_bytes());
            assert_eq!(outcome_with(&config, head, body.as_bytes(), true), (whole(body), vec![]));
            assert_eq!(outcome_with(&config, head, body.as_bytes(), false), (Waits(body.into()), vec![]));
        }
    }
}

/// RFC 9112 §6.3: 204 and 304 have no body, whatever their headers say; nor do broken ones matter to them.
#[test]
fn statuses_without_a_body() {
    for status in [204, 304] {
        for lines in [
            "",
            "Content-Length: 9\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: x\r\n",
            "Content-Length : 5\r\n",
        ] {
            let head = format!("HTTP/1.1 {status} x\r\n{lines}\r\n");
            let outcome = outcome_with(&Config::new(), head.as_bytes(), b"next", false);
            assert_eq!(outcome, (whole(""), b"next".to_vec()), "{head:?}");
        }
    }
}

/// RFC 9112 §7.1: chunks, in all the ways that they may be written.
#[test]
fn chunks() {
    for (body, decoded) in [
        ("0\r\n\r\n", ""),
        ("5\r\nsorry\r\n0\r\n\r\n", "sorry"),
        ("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef"),
        ("A\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
        ("000000000000000000000000000005\r\nsorry\r\n0\r\n\r\n", "sorry"),
        ("1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", "abcdefghijklmnopqrstuvwxyz"),
        ("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
        // Extensions (§7.1.1) and white space ahead of them or of the end of the line.
        ("5;a\r\nsorry\r\n0;b=c\r\n\r\n", "sorry"),
        ("5;a=\"b;\\\"c\";d\r\nsorry\r\n0\r\n\r\n", "sorry"),
        ("5 ; a = b\r\nsorry\r\n0 \t\r\n\r\n", "sorry"),
        ("5   \r\nsorry\r\n0\r\n\r\n", "sorry"),
        ("5;\r\nsorry\r\n0;\r\n\r\n", "sorry"),
        // Trailer fields (§7.1.2) are passed over, well-formed or not.
        ("5\r\nsorry\r\n0\r\nExpires: 0\r\n\r\n", "sorry"),
        ("5\r\nsorry\r\n0\r\nExpires: 0\r\nContent-Length: 9\r\n folded\r\nno colon\r\n\r\n", "sorry"),
        // Lone line feeds.
        ("5\nsorry\n0\n\n", "sorry"),
        ("5;a\nsorry\r\n0\nX: y\n\r\n", "sorry"),
        ("0\r\nX: y\r\n\n", ""),
    ] {
        let (found, rest) = chunked(body);
        assert_eq!((found, &rest[..]), (whole(decoded), &b""[..]), "{body:?}");
        let (found, rest) = chunked(format!("{body}\u{1}hello"));
        assert_eq!((found, &rest[..]), (whole(decoded), &b"\x01hello"[..]), "{body:?}");
        // Each part of it is waited behind.
        for end in 0..body.len() {
            let (found, _) = feed(&Config::new(), CHUNKED, &body.as_bytes()[..end], &[end], false);
            assert!(matches!(found, Waits(part) if decoded.as_bytes().starts_with(&part)), "{body:?}");
        }
    }
}

/// RFC 9112 §7.1: what is no chunk fails at the byte that shows it.
#[test]
fn chunks_that_are_none() {
    for (body, before) in [
        ("\r", ""),
        ("\n", ""),
        (" ", ""),
        (";", ""),
        ("g", ""),
        ("-", ""),
        ("+", ""),
        ("0x", ""),
        ("5.", ""),
        ("5 5", ""),
        ("5\t5", ""),
        ("5\r\r", ""),
        ("5\rs", ""),
        ("5;a\r ", ""),
        ("5;a\rb", ""),
        ("5\r\nsorry!", "sorry"),
        ("5\r\nsorry0", "sorry"),
        ("5\r\nsorry\r\r", "sorry"),
        ("5\r\nsorry\r0", "sorry"),
        ("5\r\nsorry\r\n\r", "sorry"),
        ("5\r\nsorry\r\n\n", "sorry"),
        ("5\r\nsorry\n\n", "sorry"),
        ("5\r\nsorry\r\n5\r\nsorry;", "sorrysorry"),
        ("0\r\n\r\r", ""),
        ("0\r\n\rX", ""),
        ("0\r\nX: a\rb", ""),
        ("0\r\nX: a\r\r", ""),
    ] {
        assert_eq!(chunked(body).0, failed(BodyError::Chunk, before), "{body:?}");
        assert!(matches!(chunked(&body[..body.len() - 1]).0, Waits(_)), "{body:?}");
        assert_eq!(chunked(format!("{body}\r\n0\r\n\r\n")).0, failed(BodyError::Chunk, before), "{body:?}");
    }
}

/// RFC 9112 §6.1, §6.3: `Transfer-Encoding` counts, and a length beside it does not.
#[test]
fn transfer_encoding_beats_content_length() {
    for length in ["3", "0", "99999999999", "x", "3, 4"] {
        for lines in [
            [("Transfer-Encoding", "chunked"), ("Content-Length", length)],
            [("Content-Length", length), ("transfer-encoding", "Chunked")],
        ] {
            assert_eq!(outcome(&lines, "5\r\nsorry\r\n0\r\n\r\n").0, whole("sorry"), "{length}");
        }
    }
    // What names no coding does not count.
    for value in ["", " , ", "identity", "Identity,"] {
        let lines = [("Transfer-Encoding", value), ("Content-Length", "3")];
        assert_eq!(outcome(&lines, "sorry"), (whole("sor"), b"ry".to_vec()), "{value}");
    }
    assert_eq!(outcome(&[("Transfer-Encoding", "identity, chunked")], "1\r\na\r\n0\r\n\r\n").0, whole("a"));
    assert_eq!(outcome(&[("Transfer-Encoding", ", chunked ,")], "1\r\na\r\n0\r\n\r\n").0, whole("a"));
}

/// RFC 9112 §6.1, §7: other codings, chunked twice, and one of HTTP/1.0 are errors; nothing of the body is taken.
#[test]
fn other_transfer_codings() {
    let body = "5\r\nsorry\r\n0\r\n\r\n";
    for value in
        ["gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "chunked;q=1", "\"chunked\"", "chunked x", "x"]
    {
        assert_eq!(
            outcome(&[("Transfer-Encoding", value)], body).0,
            failed(BodyError::TransferEncoding, ""),
            "{value}"
        );
        let lines = [("Content-Length", "5"), ("Transfer-Encoding", value)];
        assert_eq!(outcome(&lines, body).0, failed(BodyError::TransferEncoding, ""), "{value}");
    }
    for second in ["chunked", "gzip"] {
        let lines = [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", second)];
        assert_eq!(outcome(&lines, body).0, failed(BodyError::TransferEncoding, ""));
    }
    let head = b"HTTP/1.0 403 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n";
    let outcome = outcome_with(&Config::new(), head, body.as_bytes(), true);
    assert_eq!(outcome.0, failed(BodyError::TransferEncoding, ""));
}

/// RFC 9112 §5.1: a malformed line that was to say where the body ends is not guessed at, and not overlooked.
#[test]
fn malformed_lines_that_decide() {
    for (line, error) in [
        ("Content-Length : 5", BodyError::ContentLength),
        ("Content-Length\t: 5", BodyError::ContentLength),
        ("content-length: 5\0", BodyError::ContentLength),
        ("Content\0-Length: 5", BodyError::ContentLength),
        ("Transfer-Encoding : chunked", BodyError::TransferEncoding),
        ("Transfer-Encoding: chunked\0", BodyError::TransferEncoding),
        ("Transfer-Encoding : chunked\r\nContent-Length : 5", BodyError::TransferEncoding),
    ] {
        for more in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
            let head = format!("HTTP/1.1 403 x\r\n{line}\r\n{more}\r\n");
            let outcome = outcome_with(&Config::new(), head.as_bytes(), b"5\r\nsorry\r\n0\r\n\r\n", true);
            assert_eq!(outcome.0, failed(error, ""), "{head:?}");
        }
    }
    // Folded ones are unfolded (§5.2).
    for lines in ["Content-Length:\r\n 5", "Content-Length: 5\r\n ", "Content-Length\n: 6\nContent-Length: 5"] {
        let head = format!("HTTP/1.1 403 x\r\n{lines}\r\n\r\n");
        let outcome = outcome_with(&Config::new(), head.as_bytes(), b"sorry", false);
        assert_eq!(outcome.0, whole("sorry"), "{head:?}");
    }
    let outcome = outcome_with(&Config::new(), b"HTTP/1.1 403 x\r\nContent-Length: 5\r\n 5\r\n\r\n", b"sorry", false);
    assert_eq!(outcome.0, failed(BodyError::ContentLength, ""));
}

/// 6455-7.2.1-2, RFC 9112 §8: a stream that ends before the body has cut it off.
#[test]
fn truncated() {
    let config = Config::new();
    let head = b"HTTP/1.1 403 x\r\nContent-Length: 5\r\n\r\n";
    for end in 0..5 {
        assert_eq!(
            outcome_with(&config, head, &b"sorry"[..end], true).0,
            failed(BodyError::Truncated, &b"sorry"[..end])
        );
    }
    assert_eq!(outcome_with(&config, head, b"sorry", true).0, whole("sorry"));
    let body = b"5;a=b\r\nsorry\r\n0\r\nX: y\r\n\r\n";
    let last_chunk = body.len() - 8;
    for end in 0..=body.len() {
        let (found, _) = outcome_with(&config, CHUNKED, &body[..end], true);
        if end < last_chunk {
            assert!(matches!(found, Failed(BodyError::Truncated, part) if b"sorry".starts_with(&part)), "{end}");
        } else {
            // The chunk of size zero ends the body; the trailer may be missing.
            assert_eq!(found, whole("sorry"), "{end}");
        }
    }
}

/// A head that the stream cuts off is no refusal.
#[test]
fn a_head_that_is_cut_off() {
    let head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    for end in 0..head.len() {
        let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &Config::new());
        let mut input = Input::from(&head[..end]);
        assert!(matches!(handshake.receive(&mut input), Ok(None)));
        handshake.receive_eof();
        for _ in 0..2 {
            assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Truncated))), "{end}");
        }
        assert_eq!(handshake.receive_body(&mut input), Err(BodyError::Over));
    }
    // What had come whole before the end is what it is.
    let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &Config::new());
    handshake.receive_eof();
    assert!(matches!(handshake.receive(&mut Input::from(&head[..])), Err(Error::Declined(_))));
}

/// Before a refusal there is no body, nor behind a 101 or a flaw.
#[test]
fn no_body_without_a_refusal() {
    let (mut handshake, _, key) = started(&request_for("ws://example.com/"), &Config::new());
    let mut input = Input::from(&b"body"[..]);
    assert_eq!(handshake.receive_body(&mut input), Err(BodyError::Over));
    assert_eq!(input.len(), 4);
    let mut input = Input::from(&Head::switching(&crate::common::http::accept_for(&key)).then("body")[..]);
    assert!(matches!(handshake.receive(&mut input), Ok(Some(_))));
    assert_eq!(handshake.receive_body(&mut input), Err(BodyError::Over));
    assert_eq!((handshake.partial_body(), &input.into_unread()[..]), (&b""[..], &b"body"[..]));
    let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &Config::new());
    assert!(handshake.receive(&mut Input::from(&Head::switching("x").bytes()[..])).is_err());
    assert_eq!(handshake.receive_body(&mut Input::from(&b"body"[..])), Err(BodyError::Over));
}

/// 6455-10.4-1: one byte above the limit is too much; a length that claims more is refused before any of it is kept.
#[test]
fn limits() {
    let config = Config::new().max_body(10);
    let length = |length: &str| format!("HTTP/1.1 403 x\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    let too_large = |partial: &str| failed(BodyError::TooLarge, partial);
    assert_eq!(outcome_with(&config, &length("10"), b"0123456789", false).0, whole("0123456789"));
    for claim in ["11", "18446744073709551615", "18446744073709551616", &"9".repeat(400)] {
        assert_eq!(outcome_with(&config, &length(claim), b"", false).0, too_large(""), "{claim}");
        assert_eq!(outcome_with(&config, &length(claim), b"0123456789", true).0, too_large(""), "{claim}");
    }
    for (body, found) in [
        ("a\r\n0123456789\r\n0\r\n\r\n", whole("0123456789")),
        ("9\r\n012345678\r\n1\r\n9\r\n0\r\n\r\n", whole("0123456789")),
        ("b", too_large("")),
        ("9\r\n012345678\r\n2", too_large("012345678")),
        ("a\r\n0123456789\r\n1", too_large("0123456789")),
        ("ffffffffffffffffffffffffffffffff", too_large("")),
        ("10000000000000000", too_large("")),
    ] {
        assert_eq!(outcome_with(&config, CHUNKED, body.as_bytes(), false).0, found, "{body:?}");
    }
    let head = b"HTTP/1.1 403 x\r\n\r\n";
    assert_eq!(outcome_with(&config, head, b"0123456789", true).0, whole("0123456789"));
    assert_eq!(outcome_with(&config, head, b"0123456789a", true).0, too_large("0123456789"));
    assert_eq!(outcome_with(&config, head, b"0123456789abcdef", false).0, too_large("0123456789"));

    let none = Config::new().max_body(0);
    assert_eq!(outcome_with(&none, CHUNKED, b"0\r\n\r\n", false).0, whole(""));
    assert_eq!(outcome_with(&none, CHUNKED, b"1", false).0, too_large(""));
    assert_eq!(outcome_with(&none, head, b"", true).0, whole(""));
    assert_eq!(outcome_with(&none, head, b"x", true).0, too_large(""));
}

/// The default is a MiB.
#[test]
fn the_default_limit() {
    let body = vec![b'x'; (1 << 20) + 1];
    for (size, fits) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let head = format!("HTTP/1.1 403 x\r\nContent-Length: {size}\r\n\r\n");
        let (found, _) = feed(&Config::new(), head.as_bytes(), &body[..size], &[size], false);
        assert_eq!(found == whole(&body[..size]), fits);
        assert_eq!(found == failed(BodyError::TooLarge, ""), !fits);
    }
}

/// 6455-10.4-1, D13: extensions, needless zeros and trailer fields without end are refused at the limit of heads, together.
#[test]
fn limits_of_what_is_passed_over() {
    // The head itself is shorter.
    let config = Config::new().max_head(100);
    let fits = |body: String| outcome_with(&config, CHUNKED, body.as_bytes(), false).0;
    for body in [
        format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(99)),
        format!("1{}\r\na\r\n0\r\n\r\n", " ".repeat(100)),
        format!("0{}1\r\na\r\n0\r\n\r\n", "0".repeat(99)),
        format!("1\r\na\r\n0\r\n{}\r\n\r\n", "x".repeat(100)),
        format!("1\r\na\r\n0\r\n{}\r\n", "x\r\n".repeat(100)),
        format!("1;{}\r\na\r\n00;\r\n{}\r\n\r\n", "x".repeat(49), "x".repeat(48)),
    ] {
        assert_eq!(fits(body.clone()), whole("a"), "{body:?}");
        for (from, to) in [("1", "01"), ("\r\n0\r\n", "\r\n00\r\n"), ("\r\n0\r\n", "\r\n0;\r\n")] {
            let longer = body.replacen(from, to, 1);
            if longer != body {
                assert!(matches!(fits(longer.clone()), Failed(BodyError::TooLarge, _)), "{longer:?}");
            }
        }
    }
}

/// D4, D7: any number of small chunks, or bytes one at a time, take linear time, and no memory beyond the body.
#[test]
fn very_many_chunks() {
    let config = Config::new().max_body(1 << 20);
    let body = [b"1\r\nx\r\n".repeat(1 << 20), b"0\r\n\r\n".to_vec()].concat();
    let (mut handshake, mut input) = declined_with(&config, CHUNKED);
    let mut numbers = Numbers::new(5);
    let mut rest = &body[..];
    loop {
        let (read, later) = rest.split_at((1 + numbers.below(20)).min(rest.len()));
        rest = later;
        input.extend_from_slice(read);
        if let Some(body) = handshake.receive_body(&mut input).unwrap() {
            assert!(rest.is_empty() && body.len() == 1 << 20 && body.iter().all(|&byte| byte == b'x'));
            break;
        }
        assert!(input.is_empty());
    }
    let (found, _) = feed(&config, CHUNKED, &body, &[body.len()], false);
    assert!(matches!(found, Whole(body) if body.len() == 1 << 20));
}

/// A naive decoder of all bytes at once, written after the grammar: the body, what follows it, or whether it is incomplete.
fn naive(bytes: &[u8]) -> Option<(Vec<u8>, Option<&[u8]>)> {
    let mut rest = bytes;
    let mut body = Vec::new();
    /// A line without its end; `None` if it has not ended.
    fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let line = &rest[..end];
        *rest = &rest[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
    loop {
        let Some(size_line) = line(&mut rest) else { return Some((body, None)) };
        let text = String::from_utf8_lossy(size_line);
        let (size, extension) = text.split_at(text.find([' ', '\t', ';']).unwrap_or(text.len()));
        let extension = extension.trim_start_matches([' ', '\t']);
        if size.is_empty()
            || !size.bytes().all(|byte| byte.is_ascii_hexdigit())
            || !(extension.is_empty() || extension.starts_with(';'))
            || extension.contains('\r')
        {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            break;
        }
        if rest.len() < size {
            body.extend_from_slice(rest);
            return Some((body, None));
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        match line(&mut rest) {
            Some(b"") => {}
            Some(_) => return None,
            None => return Some((body, None)),
        }
    }
    loop {
        match line(&mut rest) {
            Some(b"") => return Some((body, Some(rest))),
            Some(field) if field.contains(&b'\r') => return None,
            Some(_) => {}
            None => return Some((body, None)),
        }
    }
}

/// Chunks as servers write them.
fn encoded() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let end = prop_oneof![4 => Just("\r\n"), 1 => Just("\n")];
    let extension = prop_oneof![
        4 => Just(String::new()),
        1 => "[ \t]{0,3}".prop_map(String::from),
        1 => "[ \t]{0,2};[ -~\t]{0,8}".prop_map(String::from),
    ];
    let data = proptest::collection::vec(any::<u8>(), 1..40);
    let chunk = (data, extension.clone(), "0{0,3}", end.clone(), end.clone());
    let trailers = proptest::collection::vec("[ -~\t]{1,12}", 0..3);
    (proptest::collection::vec(chunk, 0..5), extension, trailers, end).prop_map(|(chunks, extension, trailers, end)| {
        let (mut bytes, mut body) = (Vec::new(), Vec::new());
        for (data, extension, zeros, first, second) in chunks {
            bytes.extend(format!("{zeros}{:x}{extension}{first}", data.len()).into_bytes());
            bytes.extend_from_slice(&data);
            bytes.extend_from_slice(second.as_bytes());
            body.extend(data);
        }
        bytes.extend(format!("0{extension}{end}").into_bytes());
        for trailer in trailers {
            bytes.extend(format!("{trailer}{end}").into_bytes());
        }
        bytes.extend_from_slice(end.as_bytes());
        (bytes, body)
    })
}

/// Compares with the naive decoder, which finds errors in lines that have ended only.
fn assert_as_naive(bytes: &[u8]) {
    let (found, rest) = outcome_with(&Config::new(), CHUNKED, bytes, false);
    match (naive(bytes), found) {
        (Some((body, Some(expected))), Whole(found)) => assert_eq!((found, &rest[..]), (body, expected)),
        (Some((body, None)), Waits(found)) => assert_eq!(found, body),
        (None, Failed(BodyError::Chunk | BodyError::TooLarge, _)) => {}
        // The line that is wrong has not ended, or the size is more than may be kept.
        (Some((body, None)), Failed(BodyError::Chunk, found)) => assert_eq!(found, body),
        (Some((body, _)), Failed(BodyError::TooLarge, found)) => assert!(body.starts_with(&found)),
        (expected, found) => panic!("{}: {expected:?} {found:?}", bytes.escape_ascii()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    /// What servers write is decoded, and what follows stays, with the length and without.
    #[test]
    fn right_bodies((bytes, body) in encoded(), rest in proptest::collection::vec(any::<u8>(), 0..20)) {
        let all = [&bytes[..], &rest].concat();
        prop_assert_eq!(chunked(&all), (whole(&body), rest.clone()));
        prop_assert_eq!(naive(&all), Some((body.clone(), Some(&rest[..]))));
        let length = body.len().to_string();
        let all = [&body[..], &rest].concat();
        prop_assert_eq!(outcome(&[("Content-Length", &length)], &all), (whole(&body), rest));
        let until_end = outcome_with(&Config::new(), b"HTTP/1.1 403 x\r\n\r\n", &all, true);
        prop_assert_eq!(until_end, (whole(&all), vec![]));
    }

    /// With a byte changed, left out or put in, it is what the naive decoder says.
    #[test]
    fn changed_bodies((bytes, _) in encoded(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..5) {
        let mut bytes = bytes;
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes[at] = b"\r\n0a; "[usize::from(byte) % 6],
            2 => bytes.insert(at, b"\r\n0a; "[usize::from(byte) % 6]),
            3 => bytes.truncate(at),
            _ => { bytes.remove(at); }
        }
        assert_as_naive(&bytes);
    }

    /// Any bytes of the alphabet of framing.
    #[test]
    fn any_bodies(bytes in proptest::collection::vec(proptest::sample::select(&b"\r\n\r\n0123a; x"[..]), 0..40)) {
        assert_as_naive(&bytes);
    }
}
