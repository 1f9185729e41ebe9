//! The closing handshake: who says what, which codes may travel, who hangs up, how the end is returned, and that nothing
//! happens after it.

use crate::common::frames::*;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{
    Cause, CloseCode, CloseFrame, Closed, Config, Connection, Input, Role, SendErrorKind, Utf8Bytes, Violation,
};

fn said(code: u16, reason: &str) -> Said {
    (Some(code), reason.into())
}

const NOTHING_SAID: Said = (None, String::new());

/// `read`, `write`, `hang_up`.
fn interest(connection: &Connection) -> (bool, bool, bool) {
    let interest = connection.interest();
    (interest.read, interest.write, interest.hang_up)
}

const READ: (bool, bool, bool) = (true, false, false);
const WRITE: (bool, bool, bool) = (false, true, false);
const READ_AND_WRITE: (bool, bool, bool) = (true, true, false);
const HANG_UP: (bool, bool, bool) = (false, false, true);

fn eof(connection: &mut Connection, input: &mut Input) -> Vec<Seen> {
    connection.receive_eof();
    take_events(connection, input)
}

/// The stream ended; these Close frames had gone.
fn lost(sent: Option<Said>, received: Option<Said>) -> Seen {
    let code = received.as_ref().map_or(1006, |(code, _)| code.unwrap_or(1005));
    let reason = received.as_ref().map(|(_, reason)| reason.clone()).unwrap_or_default();
    Seen::Closed {
        clean: sent.is_some() && received.is_some(),
        sent,
        received,
        cause: Cause::EndOfStream,
        code,
        reason,
    }
}

/// Panics unless nothing is left that the connection would send, receive or want, whatever comes.
fn assert_over(connection: &mut Connection) {
    let role = connection.role();
    let mut input = Input::new();
    let after = stream(role, &[Frame::text("late"), Frame::ping("late"), Frame::close(1000, ""), Frame::new(3, "")]);
    let waiting = connection.output().remaining();
    assert_eq!(feed(connection, &mut input, &after), []);
    assert!(input.is_empty(), "what comes after the end is dropped");
    assert_eq!(eof(connection, &mut input), []);
    assert_eq!(connection.send_text("x").unwrap_err().kind(), SendErrorKind::Closed);
    assert_eq!(connection.send_binary(b"x").unwrap_err().kind(), SendErrorKind::Closed);
    assert_eq!(connection.send("x").unwrap_err().into_message(), Some("x".into()));
    assert_eq!(connection.send_part("x", true).unwrap_err().into_message(), Some("x".into()));
    assert_eq!(connection.ping(b"x").unwrap_err().kind(), SendErrorKind::Closed);
    assert_eq!(connection.pong(b"x").unwrap_err().kind(), SendErrorKind::Closed);
    assert_eq!(connection.close(CloseCode::NORMAL).unwrap_err().kind(), SendErrorKind::Closed);
    assert_eq!(connection.output().remaining(), waiting, "nothing more goes out");
}

/// 6455-7.4.1-1, 6455-7.4.1-4, 6455-7.4.1-5, 6455-7.4.1-6, 6455-7.4.1-13, 6455-7.4.2-1, 6455-7.4.2-2, 6455-7.4.2-3,
/// 6455-7.4.2-4: of all 65536 codes exactly those that may travel are accepted, as they came, and the others fail.
#[test]
fn receives_every_code() {
    for role in ROLES {
        for code in 0..=u16::MAX {
            let mut connection = connection(role, &Config::new());
            let seen = feed(&mut connection, &mut Input::new(), &Frame::close(code, "why").to(role).bytes());
            if may_travel(code) {
                assert_eq!(seen, [agreed(said(code, ""), said(code, "why"))], "{code}");
                assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::close(code, "")], "{code}");
            } else {
                let violation = Violation::InvalidCloseCode { code, reason: Bytes::from_static(b"why") };
                let close = close_for(&violation);
                assert_eq!(seen, [failed(violation)], "{code}");
                assert_eq!(sent_by(role, &drain(&mut connection)), [close], "{code}");
            }
        }
    }
}

/// 6455-7.4.1-4, 6455-7.4.1-5, 6455-7.4.1-6, 6455-7.4.1-11, 6455-7.4.1-13, 6455-7.4.2-1, 6455-7.1.2-1: of all 65536
/// codes exactly those that may travel can be sent, 1010 by a client only.
#[test]
fn sends_every_code() {
    for code in 0..=u16::MAX {
        let Some(close_code) = CloseCode::new(code) else {
            assert!(!may_travel(code), "{code}");
            continue;
        };
        assert!(may_travel(code), "{code}");
        assert_eq!((close_code.get(), u16::from(close_code)), (code, code));
        for role in ROLES {
            let mut connection = connection(role, &Config::new());
            let sent = connection.close(CloseFrame::new(close_code, "why").unwrap());
            let output = sent_by(role, &drain(&mut connection));
            if (role, code) == (Role::Server, 1010) {
                assert_eq!(sent.unwrap_err().kind(), SendErrorKind::ClientCode);
                assert_eq!(output, []);
                assert_eq!(connection.send_text("as before"), Ok(()));
                assert_eq!(connection.close(CloseCode::INTERNAL_ERROR), Ok(()));
            } else {
                assert_eq!((sent, output), (Ok(()), vec![Frame::close(code, "why")]), "{role:?} {code}");
            }
        }
    }
}

/// 6455-7.4.1-2, 6455-7.4.1-3, 6455-7.4.1-7, 6455-7.4.1-8, 6455-7.4.1-9, 6455-7.4.1-12: the names stand for the
/// numbers.
#[test]
fn codes_have_their_names() {
    let names = [
        (CloseCode::NORMAL, 1000),
        (CloseCode::GOING_AWAY, 1001),
        (CloseCode::PROTOCOL_ERROR, 1002),
        (CloseCode::UNSUPPORTED_DATA, 1003),
        (CloseCode::INVALID_PAYLOAD, 1007),
        (CloseCode::POLICY_VIOLATION, 1008),
        (CloseCode::MESSAGE_TOO_BIG, 1009),
        (CloseCode::MANDATORY_EXTENSION, 1010),
        (CloseCode::INTERNAL_ERROR, 1011),
        (CloseCode::SERVICE_RESTART, 1012),
        (CloseCode::TRY_AGAIN_LATER, 1013),
        (CloseCode::BAD_GATEWAY, 1014),
    ];
    for (name, number) in names {
        assert_eq!(name.get(), number);
        assert!(name.to_string().contains(&number.to_string()), "{name}");
    }
}

/// 6455-7.4.1-2, 6455-7.4.1-7, 6455-7.4.1-9, 6455-7.1.7-5: each violation fails with the code that the RFC names for
/// it.
#[test]
fn violations_have_their_codes() {
    let violations = [
        Violation::ReservedBit,
        Violation::ReservedOpcode(0xF),
        Violation::FragmentedControl,
        Violation::ControlTooLong,
        Violation::NotMasked,
        Violation::Masked,
        Violation::LengthNotMinimal(125),
        Violation::LengthTopBit(u64::MAX),
        Violation::NothingToContinue,
        Violation::MessageInterrupted,
        Violation::FrameTooBig(11),
        Violation::MessageTooBig(12),
        Violation::TooManyFragments,
        Violation::TextNotUtf8,
        Violation::CloseBodyTooShort,
        Violation::InvalidCloseCode { code: 1005, reason: Bytes::new() },
        Violation::ReasonNotUtf8 { code: 1000, reason: Bytes::new() },
    ];
    for violation in violations {
        assert_eq!(violation.close_code().get(), close_code(&violation), "{violation:?}");
        assert!((1..=123).contains(&violation.reason().len()), "{violation:?}");
        assert_eq!(violation.to_string(), violation.reason());
        assert!(violation.section().chars().any(|c| c.is_ascii_digit()), "{violation:?}: {}", violation.section());
    }
}

/// 6455-5.5.1-1, 6455-5.5.1-7, 6455-7.1.5-2, 6455-7.1.6-1: a Close without a body is answered without one, and reads as
/// 1005 with no reason.
#[test]
fn a_close_may_be_empty() {
    for role in ROLES {
        let run = every_cut(role, &Config::new(), &stream(role, &[Frame::empty_close()]));
        assert_eq!(run.seen, [agreed(NOTHING_SAID, NOTHING_SAID)]);
        assert!(matches!(&run.seen[..], [Seen::Closed { code: 1005, reason, .. }] if reason.is_empty()));
        assert_eq!(sent_by(role, &run.output), [Frame::empty_close()]);

        let mut connection = connection(role, &Config::new());
        connection.close(CloseFrame::EMPTY).unwrap();
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::empty_close()]);
    }
}

/// 6455-5.5.1-2: the code has two bytes, the high one first; a body of one byte fails.
#[test]
fn a_close_body_begins_with_a_code() {
    for role in ROLES {
        for byte in [0, 3, 0xe8, 0xff] {
            let bytes = stream(role, &[Frame::new(CLOSE, [byte])]);
            assert_fails(role, &Config::new(), &bytes, &[], Violation::CloseBodyTooShort);
        }
        let run = every_cut(role, &Config::new(), &stream(role, &[Frame::new(CLOSE, [0x03, 0xe9])]));
        assert_eq!(run.seen, [agreed(said(1001, ""), said(1001, ""))]);
    }
}

/// 6455-5.5.1-3, 6455-7.1.6-1, 6455-7.4-1, 6455-5.5.1-8: a reason is UTF-8 of up to 123 bytes, and is returned as it came;
/// the answer repeats the code without it.
#[test]
fn reasons_are_returned() {
    let longest = "é".repeat(61) + "x";
    for role in ROLES {
        for reason in ["", "x", "bye bye", "\0", "日本語 🦀", &longest] {
            let run = every_cut(role, &Config::new(), &stream(role, &[Frame::close(3000, reason)]));
            assert_eq!(run.seen, [agreed(said(3000, ""), said(3000, reason))]);
            assert_eq!(sent_by(role, &run.output), [Frame::close(3000, "")]);

            let mut connection = connection(role, &Config::new());
            connection.close(CloseFrame::new(CloseCode::GOING_AWAY, reason).unwrap()).unwrap();
            assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::close(1001, reason)]);
        }
    }
    assert_eq!(CloseFrame::MAX_REASON, 123);
    let too_long = CloseFrame::new(CloseCode::NORMAL, longest.clone() + "x").unwrap_err();
    assert_eq!(too_long.length, 124);
    assert_eq!(CloseFrame::new(CloseCode::NORMAL, longest.as_str()).unwrap().reason(), longest);
}

/// 6455-5.5.1-3, 6455-8.1-1: a reason that is not UTF-8 fails with 1007, also one that breaks off.
#[test]
fn reasons_are_utf_8() {
    for role in ROLES {
        for reason in [&b"\xff"[..], b"ok \xc0\x80", b"\xed\xa0\x80", b"broken off \xe2\x82", b"\xf0\x9f\xa6", b"\xc3"]
        {
            let bytes = stream(role, &[Frame::close(1000, reason)]);
            let refused = Violation::ReasonNotUtf8 { code: 1000, reason: Bytes::copy_from_slice(reason) };
            assert_fails(role, &Config::new(), &bytes, &[], refused);
        }
    }
}

/// 6455-7.1.2-1, 6455-7.1.2-2, 6455-5.5.1-11, 6455-5.5.1-12, 6455-5.5.1-13, 6455-7.1.1-3, 6455-7.1.1-5, 6455-7.1.1-6,
/// 6455-7.1.5-1, 6455-7.3-3: this side closes; when the answer has come a server hangs up and a client waits for the
/// end.
#[test]
fn this_side_closes() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        assert_eq!(interest(&connection), READ);
        connection.close(CloseFrame::new(CloseCode::GOING_AWAY, "restart").unwrap()).unwrap();
        assert_eq!(interest(&connection), READ_AND_WRITE);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::close(1001, "restart")]);
        assert_eq!(interest(&connection), READ);
        assert_eq!(take_events(&mut connection, &mut input), []);

        let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::close(4000, "so be it")]));
        assert_eq!(seen, [agreed(said(1001, "restart"), said(4000, "so be it"))]);
        assert_eq!(drain(&mut connection), [], "an answer gets no answer");
        assert_eq!(interest(&connection), if role == Role::Server { HANG_UP } else { READ });
        assert_over(&mut connection);
        assert_eq!(interest(&connection), HANG_UP);
    }
}

/// 6455-5.5.1-7, 6455-5.5.1-9, 6455-5.5.1-11, 6455-5.5.1-12, 6455-5.5.1-13, 6455-7.1.1-5, 6455-7.1.1-6: the peer
/// closes; the answer waits at once, and a server hangs up when it is written.
#[test]
fn the_peer_closes() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::close(1000, "done")]));
        assert_eq!(seen, [agreed(said(1000, ""), said(1000, "done"))]);
        assert_eq!(interest(&connection), if role == Role::Server { WRITE } else { READ_AND_WRITE });
        let size = connection.output().remaining();
        connection.output().advance(size - 1);
        assert!(!connection.interest().hang_up, "one byte is left to write");
        connection.output().advance(1);
        assert_eq!(interest(&connection), if role == Role::Server { HANG_UP } else { READ });
        assert_over(&mut connection);
        assert_eq!(interest(&connection), HANG_UP);
    }
}

/// 6455-5.5.1-7, 6455-5.5.1-9: the answer goes behind what was sent before, a Pong ahead of it, and a server writes all of
/// it before it hangs up.
#[test]
fn what_was_sent_goes_first() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        connection.send(vec![7; 10_000]).unwrap();
        connection.send_text("last words").unwrap();
        feed(&mut connection, &mut Input::new(), &stream(role, &[Frame::ping("p"), Frame::close(1000, "")]));
        assert!(!connection.interest().hang_up);
        let frames = [Frame::pong("p"), Frame::binary([7; 10_000]), Frame::text("last words"), Frame::close(1000, "")];
        assert_eq!(sent_by(role, &drain(&mut connection)), frames);
        assert_eq!(connection.interest().hang_up, role == Role::Server);
    }
}

/// 6455-5.5.1-15, 6455-7.1.5-1, 6455-7.1.4-1: both sides close at the same time: nobody answers, both are done.
#[test]
fn both_sides_close() {
    let mut server = connection(Role::Server, &Config::new());
    let mut client = connection(Role::Client, &Config::new());
    server.close(CloseFrame::new(CloseCode::GOING_AWAY, "server").unwrap()).unwrap();
    client.close(CloseFrame::new(CloseCode::NORMAL, "client").unwrap()).unwrap();
    let (from_server, from_client) = (drain(&mut server), drain(&mut client));
    let mut input = Input::new();
    let ours = agreed(said(1001, "server"), said(1000, "client"));
    assert_eq!(feed(&mut server, &mut input, &from_client), [ours]);
    let ours = agreed(said(1000, "client"), said(1001, "server"));
    assert_eq!(feed(&mut client, &mut input, &from_server), [ours]);
    assert_eq!((interest(&server), interest(&client)), (HANG_UP, READ));
    assert_over(&mut server);
    assert_over(&mut client);
}

/// 6455-5.5.1-6, 6455-6.1-2, 6455-6.1-3, 6455-7.1.3-1: after its own Close this side sends no data, neither a new
/// message nor the rest of one, and no second Close.
#[test]
fn nothing_is_sent_after_the_close() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        connection.send_part("begun", false).unwrap();
        connection.close(CloseCode::NORMAL).unwrap();
        assert_eq!(connection.send_part("rest", true).unwrap_err().kind(), SendErrorKind::Closed);
        assert_eq!(connection.send_text("x").unwrap_err().kind(), SendErrorKind::Closed);
        assert_eq!(connection.send_binary(b"x").unwrap_err().kind(), SendErrorKind::Closed);
        let error = connection.send(vec![1, 2]).unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Closed, Some(vec![1, 2].into())));
        assert_eq!(connection.close(CloseCode::NORMAL).unwrap_err().kind(), SendErrorKind::Closed);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::text("begun").part(), Frame::close(1000, "")]);
    }
}

/// 6455-5.1-8, 6455-6.1-2: until this side's own Close data may be sent, after which it still arrives until the peer's.
#[test]
fn messages_arrive_until_the_peers_close() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        connection.send_text("first").unwrap();
        connection.close(CloseCode::NORMAL).unwrap();
        let frames = [
            Frame::text("one").part(),
            Frame::pong("p"),
            Frame::continuation(" two"),
            Frame::binary([3]),
            Frame::close(1000, ""),
            Frame::text("too late"),
        ];
        let seen = feed(&mut connection, &mut Input::new(), &stream(role, &frames));
        let end = agreed(said(1000, ""), said(1000, ""));
        assert_eq!(seen, [Seen::Pong(b"p".to_vec()), text("one two"), binary([3]), end]);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::text("first"), Frame::close(1000, "")]);
    }
}

/// 6455-5.4-4, 6455-5.5.1-7: a Close in the middle of a message closes; the message is not returned.
#[test]
fn a_close_inside_a_message_closes() {
    for role in ROLES {
        let frames = [Frame::text("half").part(), Frame::close(1001, "")];
        let run = every_cut(role, &Config::new(), &stream(role, &frames));
        assert_eq!(run.seen, [agreed(said(1001, ""), said(1001, ""))]);
        assert_eq!(sent_by(role, &run.output), [Frame::close(1001, "")]);
    }
}

/// 6455-5.5.1-7, 6455-5.5.1-10, 6455-5.5.1-11: with `auto_close` off the application receives the Close, may finish what
/// it is sending, and answers with a code of its own; only then the end is returned.
#[test]
fn the_application_may_answer() {
    let config = Config::new().auto_close(false);
    for role in ROLES {
        let mut connection = connection(role, &config);
        let mut input = Input::new();
        connection.send_part("a long ", false).unwrap();
        let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::close(1001, "going")]));
        assert_eq!(seen, [Seen::Close(said(1001, "going"))]);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::text("a long ").part()]);
        assert!(!connection.interest().hang_up);

        connection.send_part("message", true).unwrap();
        connection.close(CloseFrame::new(CloseCode::NORMAL, "finished").unwrap()).unwrap();
        let seen = take_events(&mut connection, &mut input);
        assert_eq!(seen, [agreed(said(1000, "finished"), said(1001, "going"))]);
        let frames = [Frame::continuation("message"), Frame::close(1000, "finished")];
        assert_eq!(sent_by(role, &drain(&mut connection)), frames);
        assert_eq!(interest(&connection), if role == Role::Server { HANG_UP } else { READ });
        assert_over(&mut connection);
    }
}

/// 6455-5.5.1-7, 6455-7.1.3-1: with `auto_close` off nothing that follows the peer's Close is returned or answered, before
/// the application answers and after.
#[test]
fn nothing_follows_an_unanswered_close() {
    let config = Config::new().auto_close(false);
    let late = [
        Frame::text("late"),
        Frame::binary("late").part(),
        Frame::continuation("late"),
        Frame::ping("late"),
        Frame::pong("late"),
        Frame::close(1002, "late"),
        Frame::new(3, "late"),
    ];
    for role in ROLES {
        for frame in &late {
            let bytes = stream(role, &[Frame::close(1000, ""), frame.clone(), frame.clone()]);
            let run = every_cut(role, &config, &bytes);
            assert_eq!(run.seen, [Seen::Close(said(1000, ""))], "before {frame:?}");
            assert_eq!(run.output, [], "before {frame:?}");

            let mut connection = connection(role, &config);
            let mut input = Input::new();
            feed(&mut connection, &mut input, &stream(role, &[Frame::close(1000, "")]));
            assert_eq!(feed(&mut connection, &mut input, &stream(role, std::slice::from_ref(frame))), [], "{frame:?}");
            connection.close(CloseCode::NORMAL).unwrap();
            let seen = take_events(&mut connection, &mut input);
            assert_eq!(seen, [agreed(said(1000, ""), said(1000, ""))], "{frame:?}");
        }
    }
}

/// 6455-5.5.1-7: with `auto_close` off, a Close that answers this side's own is the end, and asks for nothing.
#[test]
fn an_answer_is_the_end() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new().auto_close(false));
        connection.close(CloseCode::NORMAL).unwrap();
        let seen = feed(&mut connection, &mut Input::new(), &stream(role, &[Frame::close(1000, "")]));
        assert_eq!(seen, [agreed(said(1000, ""), said(1000, ""))]);
        assert_over(&mut connection);
    }
}

/// 6455-7.2.1-2, 6455-7.1.5-3, 6455-7.1.4-1: the stream ends without a Close: 1006, not clean, and both sides hang up.
#[test]
fn the_stream_ends_while_open() {
    for role in ROLES {
        let unfinished = [Frame::text("unfinished").part()];
        let cut_off = Frame::binary([5; 10]).to(role).bytes();
        for bytes in [vec![], stream(role, &unfinished), cut_off[..1].to_vec(), cut_off[..7].to_vec()] {
            let run = every_cut_until(role, &Config::new(), &bytes, true);
            assert_eq!(run.seen, [lost(None, None)], "after {bytes:02x?}");
            assert_eq!(run.output, []);

            let mut connection = connection(role, &Config::new());
            let mut input = Input::from(&bytes[..]);
            assert_eq!(eof(&mut connection, &mut input), [lost(None, None)]);
            assert_eq!(interest(&connection), HANG_UP);
            assert_over(&mut connection);
        }
    }
}

/// 6455-7.2.1-2, 6455-6.2-1: what the input still holds when the stream ends is returned before the end.
#[test]
fn what_came_before_the_end_is_returned() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let frames = [Frame::text("last"), Frame::ping("p"), Frame::binary("cut").part()];
        let mut input = Input::from(&stream(role, &frames)[..]);
        assert_eq!(eof(&mut connection, &mut input), [text("last"), Seen::Ping(b"p".to_vec()), lost(None, None)]);

        let mut connection = crate::common::frames::connection(role, &Config::new());
        let mut input = Input::from(&stream(role, &[Frame::text("last"), Frame::close(1000, "x")])[..]);
        assert_eq!(eof(&mut connection, &mut input), [text("last"), agreed(said(1000, ""), said(1000, "x"))]);
        assert_over(&mut connection);

        let mut connection = crate::common::frames::connection(role, &Config::new());
        let mut input = Input::from(&stream(role, &[Frame::text("last"), Frame::new(3, "")])[..]);
        assert_eq!(eof(&mut connection, &mut input), [text("last"), failed(Violation::ReservedOpcode(3))]);
        assert_over(&mut connection);
    }
}

/// 6455-7.1.1-3, 6455-7.2.1-2: the end of the stream acts at once where there is nothing left to receive: what is wanted
/// next says so before another event is taken, and `Closed` is still returned if it has not been.
#[test]
fn the_end_of_the_stream_acts_at_once() {
    let close = |role| stream(role, &[Frame::close(1000, "x")]);
    for role in ROLES {
        // Both sides have closed, and that was returned: a client has waited for just this.
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        assert_eq!(feed(&mut connection, &mut input, &close(role)), [agreed(said(1000, ""), said(1000, "x"))]);
        assert!(connection.interest().write && !connection.interest().hang_up);
        drain(&mut connection);
        assert_eq!(interest(&connection), if role == Role::Server { HANG_UP } else { READ });
        connection.receive_eof();
        assert_eq!(interest(&connection), HANG_UP);
        assert_eq!(take_events(&mut connection, &mut input), []);

        // The answer is still to be written: the peer may have ended its side alone.
        let mut connection = crate::common::frames::connection(role, &Config::new());
        feed(&mut connection, &mut Input::new(), &close(role));
        connection.receive_eof();
        assert_eq!(interest(&connection), WRITE);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::close(1000, "")]);
        assert_eq!(interest(&connection), HANG_UP);

        // The peer's Close waits for the application's answer, which can no longer be sent.
        let mut connection = crate::common::frames::connection(role, &Config::new().auto_close(false));
        assert_eq!(feed(&mut connection, &mut input, &close(role)), [Seen::Close(said(1000, "x"))]);
        connection.receive_eof();
        assert_eq!(interest(&connection), HANG_UP);
        assert_eq!(take_events(&mut connection, &mut input), [lost(None, Some(said(1000, "x")))]);
        assert_over(&mut connection);

        // After a violation there is nothing more to record.
        let mut connection = crate::common::frames::connection(role, &Config::new());
        feed(&mut connection, &mut Input::new(), &Frame::new(3, "").to(role).bytes());
        drain(&mut connection);
        connection.receive_eof();
        assert_eq!(interest(&connection), HANG_UP);
        assert_over(&mut connection);
    }
}

/// 6455-7.1.7-5: what came behind the peer's Close stays in the input, for another protocol on the same stream,
/// until nothing more is received; what came behind a violation is dropped at once.
#[test]
fn what_is_behind_the_end_stays_until_it_is_received() {
    for role in ROLES {
        for behind in [&b""[..], b"EHLO example.com\r\n", &[0xff; 5000]] {
            for before in [vec![], vec![Frame::text("begun").part()], vec![Frame::text("text")]] {
                let frames = [before.clone(), vec![Frame::close(1000, "")]].concat();
                let bytes = [&stream(role, &frames), behind].concat();
                for takes_all in [false, true] {
                    let mut connection = connection(role, &Config::new());
                    let mut input = Input::from(&bytes[..]);
                    while !matches!(connection.receive(&mut input), Some(ws_proto::Event::Closed(_))) {}
                    if takes_all {
                        assert_eq!(take_events(&mut connection, &mut input), []);
                        assert!(input.is_empty());
                    } else {
                        assert_eq!(input.len(), behind.len());
                    }
                    assert_eq!(input.into_unread(), if takes_all { &b""[..] } else { behind });
                }

                let frames = [before, vec![Frame::continuation("x").rsv(7)]].concat();
                let mut connection = connection(role, &Config::new());
                let mut input = Input::from(&[&stream(role, &frames), behind].concat()[..]);
                while !matches!(connection.receive(&mut input), Some(ws_proto::Event::Closed(_))) {}
                assert!(input.is_empty() && input.into_unread().is_empty());
            }
        }
    }
}

/// 6455-7.1.4-1, 6455-7.1.5-3, 6455-7.2.1-2: the stream ends after this side's Close: 1006, for the peer said nothing.
#[test]
fn the_stream_ends_instead_of_an_answer() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        connection.close(CloseCode::NORMAL).unwrap();
        drain(&mut connection);
        assert_eq!(eof(&mut connection, &mut input), [lost(Some(said(1000, "")), None)]);
        assert_eq!(interest(&connection), HANG_UP);
        assert_over(&mut connection);
    }
}

/// 6455-7.1.4-1, 6455-7.1.5-1: the stream ends between the peer's Close and the answer: its code stands, but not
/// cleanly.
#[test]
fn the_stream_ends_before_the_answer() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new().auto_close(false));
        let mut input = Input::new();
        feed(&mut connection, &mut input, &stream(role, &[Frame::close(1001, "gone")]));
        assert_eq!(eof(&mut connection, &mut input), [lost(None, Some(said(1001, "gone")))]);
        assert_eq!(interest(&connection), HANG_UP);
        assert_over(&mut connection);
    }
}

/// 6455-7.1.7-1, 6455-7.1.7-3, 6455-7.1.7-5, 6455-7.1.7-7, 6455-7.1.1-4, 6455-10.7-3: a failed connection queues its
/// Close, looks at nothing more, not even the peer's Close, and hangs up on either side when the Close is written.
#[test]
fn a_failed_connection_is_inert() {
    for role in ROLES {
        let frames = [Frame::text("good"), Frame::new(3, ""), Frame::text("after"), Frame::close(1000, "me too")];
        let bytes = stream(role, &frames);
        let run = every_cut(role, &Config::new(), &bytes);
        assert_eq!(run.seen, [text("good"), failed(Violation::ReservedOpcode(3))]);
        assert_eq!(sent_by(role, &run.output), [close_for(&Violation::ReservedOpcode(3))]);

        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        feed(&mut connection, &mut input, &bytes);
        assert!(input.is_empty(), "what comes after the fault is dropped");
        assert_eq!(interest(&connection), WRITE);
        assert_over(&mut connection);
        assert_eq!(interest(&connection), WRITE, "the Close is still to be written");
        assert_eq!(sent_by(role, &drain(&mut connection)), [close_for(&Violation::ReservedOpcode(3))]);
        assert_eq!(interest(&connection), HANG_UP);
    }
}

/// 6455-7.1.7-5, 6455-5.5.1-6: a fault after this side's own Close ends the connection without a second Close.
#[test]
fn a_fault_while_closing_ends_it() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        connection.close(CloseCode::GOING_AWAY).unwrap();
        let seen = feed(&mut connection, &mut Input::new(), &stream(role, &[Frame::continuation("")]));
        let cause = Cause::Violation(Violation::NothingToContinue);
        let (sent, reason) = (Some(said(1001, "")), String::new());
        assert_eq!(seen, [Seen::Closed { sent, received: None, cause, code: 1006, reason, clean: false }]);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::close(1001, "")]);
        assert_eq!(interest(&connection), HANG_UP);
        assert_over(&mut connection);
    }
}

/// 6455-7.1.7-5, 6455-5.5.1-6: a fault in the middle of a message that goes out in parts leaves no part after the
/// Close.
#[test]
fn a_fault_stops_a_message_in_parts() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        connection.send_part(vec![1], false).unwrap();
        feed(&mut connection, &mut Input::new(), &stream(role, &[Frame::continuation("")]));
        assert_eq!(connection.send_part(vec![2], true).unwrap_err().into_message(), Some(vec![2].into()));
        let frames = [Frame::binary([1]).part(), close_for(&Violation::NothingToContinue)];
        assert_eq!(sent_by(role, &drain(&mut connection)), frames);
    }
}

/// 6455-7.4.1-10: a client can name the extensions it misses.
#[test]
fn a_client_names_missing_extensions() {
    let mut client = connection(Role::Client, &Config::new());
    client.close(CloseFrame::new(CloseCode::MANDATORY_EXTENSION, "permessage-foo").unwrap()).unwrap();
    assert_eq!(sent_by(Role::Client, &drain(&mut client)), [Frame::close(1010, "permessage-foo")]);
}

/// 6455-7.1.5-1, 6455-7.1.5-2, 6455-7.1.5-3, 6455-7.1.6-1, 6455-7.1.4-1: code and reason are the peer's, never this
/// side's.
#[test]
fn code_and_reason_are_the_peers() {
    let ours = CloseFrame::new(CloseCode::GOING_AWAY, "ours").unwrap();
    let theirs = CloseFrame::new(CloseCode::new(4999).unwrap(), Utf8Bytes::from("theirs")).unwrap();
    let closed = |sent, received| Closed { sent, received, cause: Cause::EndOfStream };
    for (closed, code, reason, clean) in [
        (closed(Some(ours.clone()), Some(theirs.clone())), 4999, "theirs", true),
        (closed(None, Some(theirs)), 4999, "theirs", false),
        (closed(Some(ours.clone()), Some(CloseFrame::EMPTY)), 1005, "", true),
        (closed(Some(ours), None), 1006, "", false),
        (closed(None, None), 1006, "", false),
    ] {
        assert_eq!((closed.code(), closed.reason(), closed.is_clean()), (code, reason, clean), "{closed:?}");
    }
}

/// 6455-5.5.1-6: a server that answers by the application may repeat the client's 1010, which it cannot send by itself.
#[test]
fn a_server_may_answer_missing_extensions_in_kind() {
    let mut server = connection(Role::Server, &Config::new().auto_close(false));
    let refused = server.close(CloseCode::MANDATORY_EXTENSION).map_err(|error| error.kind());
    assert_eq!(refused, Err(SendErrorKind::ClientCode));
    let seen = feed(&mut server, &mut Input::new(), &stream(Role::Server, &[Frame::close(1010, "x")]));
    assert_eq!(seen, [Seen::Close(said(1010, "x"))]);
    server.close((CloseCode::MANDATORY_EXTENSION, "x")).unwrap();
    assert_eq!(sent_by(Role::Server, &drain(&mut server)), [Frame::close(1010, "x")]);
}
