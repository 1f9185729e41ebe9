//! The codec without a socket.

use codec::{Codec, Due};
use tokio_util::codec::{Decoder, Encoder};
use ws_proto::bytes::{BufMut, BytesMut};
use ws_proto::{CloseCode, Config, Connection, Instant, Keepalive, Message, OwnedEvent, Seed};

/// All that a client has written.
fn wire(send: impl FnOnce(&mut Connection) -> Result<(), ws_proto::SendError>) -> BytesMut {
    let mut client = Connection::client(Seed::new([1; 32]), &Config::new());
    send(&mut client).expect("it can be sent");
    let mut bytes = BytesMut::new();
    bytes.put(client.output());
    bytes
}

fn all(codec: &mut Codec, bytes: &mut BytesMut) -> Vec<OwnedEvent> {
    std::iter::from_fn(|| codec.decode(bytes).expect("decoding does not fail")).collect()
}

#[test]
fn events_are_the_same_wherever_the_bytes_are_cut() {
    let bytes = wire(|client| {
        client.send_text("mørning")?;
        client.ping(b"?")?;
        client.send_part(&[1; 300][..], false)?;
        client.send_part(&[2; 70_000][..], true)?;
        client.close(CloseCode::NORMAL)
    });
    let expected = all(&mut Codec::new(Connection::server(&Config::new())), &mut bytes.clone());
    assert_eq!(expected.len(), 4, "{expected:?}");
    assert!(expected.contains(&OwnedEvent::Text("mørning".into())));
    let whole = [vec![1; 300], vec![2; 70_000]].concat();
    assert!(expected.contains(&OwnedEvent::Binary(whole.into())));
    for piece in [1, 2, 7, 1000, 65_536] {
        let mut codec = Codec::new(Connection::server(&Config::new()));
        let mut buffer = BytesMut::new();
        let mut events = Vec::new();
        for bytes in bytes.chunks(piece) {
            buffer.extend_from_slice(bytes);
            events.extend(all(&mut codec, &mut buffer));
        }
        assert_eq!(events, expected, "in pieces of {piece}");
    }
}

#[test]
fn answers_wait_for_due_or_go_with_a_message() {
    let mut codec = Codec::new(Connection::server(&Config::new()));
    let mut out = BytesMut::new();
    all(&mut codec, &mut wire(|client| client.ping(b"?")));
    assert!(codec.interest().write);
    codec.encode(Due, &mut out).expect("it always works");
    assert_eq!(out.split(), &b"\x8a\x01?"[..]);
    assert!(!codec.interest().write);

    all(&mut codec, &mut wire(|client| client.ping(b"!")));
    codec.encode(Message::from("hi"), &mut out).expect("there is room");
    assert_eq!(out.split(), &b"\x8a\x01!\x81\x02hi"[..]);

    let mut close = wire(|client| client.close(CloseCode::NORMAL));
    assert!(matches!(&all(&mut codec, &mut close)[..], [OwnedEvent::Closed(closed)] if closed.is_clean()));
    codec.encode(Due, &mut out).expect("it always works");
    assert_eq!(out.split(), &b"\x88\x02\x03\xe8"[..]);
    assert!(codec.interest().hang_up);
    assert!(codec.encode(Message::from("late"), &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn the_end_of_the_stream_is_an_event() {
    let mut codec = Codec::new(Connection::server(&Config::new()));
    let mut bytes = wire(|client| client.send_text("last"));
    let mut next = || codec.decode_eof(&mut bytes).expect("decoding does not fail");
    assert_eq!(next(), Some(OwnedEvent::Text("last".into())));
    assert!(matches!(next(), Some(OwnedEvent::Closed(closed)) if closed.code() == 1006));
    assert_eq!(next(), None);
}

#[test]
fn what_the_time_brings_is_received_without_bytes() {
    let mut codec = Codec::new(Connection::server(&Config::new().keepalive(Keepalive::new())));
    codec.handle_timeout(Instant::ORIGIN);
    for _ in 0..2 {
        let deadline = codec.interest().deadline.expect("it is silent");
        codec.handle_timeout(deadline.at);
        codec.encode(Due, &mut BytesMut::new()).expect("it always works");
        codec.handle_timeout(deadline.at);
    }
    assert!(matches!(codec.receive(), Some(OwnedEvent::Closed(closed)) if closed.code() == 1006));
}
