//! Masking: a client masks everything with fresh keys that nobody can guess, a server nothing, and what was masked is
//! read as it was meant.

use crate::common::frames::*;
use std::collections::HashSet;
use ws_proto::frame::MaskingKey;
use ws_proto::{CloseCode, Config, Connection, Input, Role, Seed, Violation};

/// Every kind of frame that this side can be made to send, by the application and by the protocol.
fn all_kinds(role: Role) -> Vec<Frame> {
    let mut output = Vec::new();
    let mut input = Input::new();

    let mut asked = connection(role, &Config::new());
    asked.send_text("text").unwrap();
    asked.send_text("").unwrap();
    asked.send_binary(&[0; 300]).unwrap();
    asked.send("owned").unwrap();
    asked.send(vec![1; 70_000]).unwrap();
    asked.send_part("one", false).unwrap();
    asked.send_part("", false).unwrap();
    asked.send_part("two", true).unwrap();
    asked.ping(b"ping").unwrap();
    asked.pong(b"pong").unwrap();
    asked.close(CloseCode::NORMAL).unwrap();
    output.extend(drain(&mut asked));

    let mut answering = connection(role, &Config::new());
    feed(&mut answering, &mut input, &stream(role, &[Frame::ping("?"), Frame::close(1001, "")]));
    output.extend(drain(&mut answering));

    let mut failing = connection(role, &Config::new());
    feed(&mut failing, &mut input, &Frame::new(3, "").to(role).bytes());
    output.extend(drain(&mut failing));
    read_frames(&output)
}

/// 6455-5.1-1, 6455-5.3-1, 6455-6.1-8, 6455-5.5.1-5: a client masks every frame, Close frames and empty ones included.
#[test]
fn a_client_masks_every_frame() {
    let frames = all_kinds(Role::Client);
    assert_eq!(frames.len(), 14);
    for frame in frames {
        assert!(frame.key.is_some(), "{frame:?}");
    }
}

/// 6455-5.1-5: a server masks nothing.
#[test]
fn a_server_masks_nothing() {
    let frames = all_kinds(Role::Server);
    assert_eq!(frames.len(), 14);
    for frame in frames {
        assert_eq!(frame.key, None, "{frame:?}");
    }
}

/// 6455-5.3-5: what a client has masked, unmasked by hand, is what a server sends plain.
#[test]
fn masking_changes_nothing_else() {
    let plain = |role| all_kinds(role).into_iter().map(|frame| Frame { key: None, ..frame }).collect::<Vec<_>>();
    let (client, server) = (plain(Role::Client), plain(Role::Server));
    assert_eq!(client, server);
    // The Ping and the Pong go ahead of the messages.
    assert_eq!(client[..2], [Frame::ping("ping"), Frame::pong("pong")]);
    assert_eq!(client[5].payload, b"owned");
    assert_eq!(client[6].payload, [1; 70_000]);
}

/// 6455-5.1-2: over `wss` a client masks as well.
#[cfg(feature = "handshake")]
#[test]
fn a_client_masks_over_tls() {
    use ws_proto::handshake::{client, server};
    for uri in ["wss://example.com/", "ws://example.com/"] {
        let request = client::Request::new(uri.parse().unwrap());
        let mut handshake = client::Handshake::new(&request, Seed::new([3; 32]), &Config::new());
        let mut input = Input::from(&handshake.output()[..]);
        let upgrade = server::Handshake::new(&Config::new()).receive(&mut input).unwrap().unwrap();
        let mut answer = Input::from(&drain(&mut upgrade.accept(server::Answer::new()).unwrap())[..]);
        let mut accepted = handshake.receive(&mut answer).unwrap().unwrap();
        accepted.connection.send_text("secret").unwrap();
        let output = drain(&mut accepted.connection);
        assert_eq!(sent_by(Role::Client, &output), [Frame::text("secret")], "{uri}");
    }
}

/// 6455-6.2-8, 6455-5.2-6, 6455-5.3-5: a server takes the mask off, whatever the key and wherever the bytes are cut.
#[test]
fn a_server_takes_the_mask_off() {
    let mut random = Random(1);
    for length in (0..140).chain([250, 251, 252, 253, 254, 255, 256, 257]) {
        let payload = random.bytes(length);
        for key in [[0; 4], [0xff; 4], [0, 0, 0, 1], (random.next() as u32).to_be_bytes()] {
            let bytes = Frame::binary(&payload).masked(key).bytes();
            for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(1), Cut::Random(5), Cut::At(bytes.len() - length / 3)] {
                let run = run(Role::Server, &Config::new(), &bytes, cut, false, false);
                assert_eq!(run.seen, [binary(&payload)], "{length} bytes, {key:02x?}, {cut:?}");
            }
        }
    }
}

/// 6455-6.2-8, 6455-5.3-5: each fragment begins its own key anew.
#[test]
fn each_fragment_has_its_own_key() {
    let payload = Random(2).bytes(60);
    for size in 1..20 {
        let count = payload.chunks(size).count();
        let mut bytes = Vec::new();
        for (i, part) in payload.chunks(size).enumerate() {
            let frame = if i == 0 { Frame::binary(part) } else { Frame::continuation(part) };
            let frame = if i + 1 < count { frame.part() } else { frame };
            bytes.extend(frame.masked([i as u8, 7, 100 - i as u8, 255]).bytes());
        }
        assert_eq!(every_cut(Role::Server, &Config::new(), &bytes).seen, [binary(&payload)]);
    }
}

/// 6455-5.3-5: byte i is combined with key byte i mod 4, in one go or in pieces, from any alignment, there and back.
#[test]
fn a_key_is_applied_byte_by_byte() {
    let key = [0x12, 0x34, 0x56, 0x78];
    let data = Random(3).bytes(400);
    for start in 0..9 {
        for length in (0..150).chain([255, 256, 257, 390]) {
            let data = &data[start..start + length];
            let naive: Vec<u8> = data.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            let mut whole = [&[0; 9][..start], data].concat();
            let turned = MaskingKey::new(key).apply(&mut whole[start..]);
            assert_eq!(whole[start..], naive, "{length} bytes at {start}");
            let mut rotated = key;
            rotated.rotate_left(length % 4);
            assert_eq!(turned.to_bytes(), rotated);
            MaskingKey::new(key).apply(&mut whole[start..]);
            assert_eq!(whole[start..], *data, "the mask comes off again");
        }
    }
    for size in 1..80 {
        let mut pieces = data.clone();
        pieces.chunks_mut(size).fold(MaskingKey::new(key), MaskingKey::apply);
        let naive: Vec<u8> = data.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
        assert_eq!(pieces, naive, "pieces of {size}");
    }
}

fn keys(seed: [u8; 32], count: usize) -> Vec<u32> {
    let mut client = Connection::client(Seed::new(seed), &Config::new());
    for _ in 0..count {
        client.send_binary(b"the same each time").unwrap();
    }
    read_frames(&drain(&mut client)).iter().map(|frame| u32::from_be_bytes(frame.key.unwrap())).collect()
}

/// 6455-5.3-2, 6455-5.3-4, 6455-10.3-1, CVE-2025-10148, GHSA-w67g-5rqw-f597: every frame has a new key, from all 32-bit
/// values, and no step leads from one to the next.
#[test]
fn keys_are_fresh() {
    let keys = keys([42; 32], 4000);
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "no key comes twice");
    let steps = |step: fn(u32, u32) -> u32| keys.windows(2).map(|pair| step(pair[0], pair[1])).collect::<HashSet<_>>();
    assert!(steps(|a, b| b.wrapping_sub(a)).len() > 3990, "the keys are counted");
    assert!(steps(|a, b| a ^ b).len() > 3990, "the keys differ by a pattern");
    assert!(steps(|a, b| b.wrapping_sub(a.wrapping_mul(1_103_515_245))).len() > 3990, "the keys are those of rand()");
    for bit in 0..32 {
        let set = keys.iter().filter(|key| *key >> bit & 1 == 1).count();
        assert!((1800..2200).contains(&set), "bit {bit} is set in {set} of {} keys", keys.len());
        let turned = keys.windows(2).filter(|pair| (pair[0] ^ pair[1]) >> bit & 1 == 1).count();
        assert!((1800..2200).contains(&turned), "bit {bit} turns in {turned} of {} steps", keys.len());
    }
}

/// 6455-5.3-3, 6455-10.3-1: the keys come from the whole seed and from nothing else; the message has no part in them.
#[test]
fn keys_come_from_the_seed() {
    let original = keys([42; 32], 64);
    assert_eq!(keys([42; 32], 64), original, "one seed, one sequence");
    for byte in 0..32 {
        let mut seed = [42; 32];
        seed[byte] ^= 1;
        let other = keys(seed, 64);
        assert!(!original.iter().any(|key| other.contains(key)), "byte {byte} of the seed has no say");
        let turned: u32 = original.iter().zip(&other).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert!((850..1200).contains(&turned), "byte {byte} of the seed turns {turned} of 2048 bits");
    }
    let mut client = Connection::client(Seed::new([42; 32]), &Config::new());
    for i in 0..64 {
        client.send(vec![i; usize::from(i) * 97]).unwrap();
    }
    let frames = read_frames(&drain(&mut client));
    assert!(frames.iter().map(|frame| u32::from_be_bytes(frame.key.unwrap())).eq(original));
}

/// 6455-5.3-3: two seeds of the operating system are two.
#[cfg(feature = "getrandom")]
#[test]
fn the_operating_system_gives_seeds() {
    let first_key = || {
        let mut client = Connection::client(Seed::random().unwrap(), &Config::new());
        (0..4).for_each(|_| client.ping(b"").unwrap());
        read_frames(&drain(&mut client)).iter().map(|frame| frame.key).collect::<Vec<_>>()
    };
    assert_ne!(first_key(), first_key());
}

/// 6455-10.3-1: neither a seed nor a key nor a connection shows its secret when it is printed.
#[test]
fn secrets_are_not_printed() {
    assert_eq!(format!("{:?}", Seed::new([222; 32])), "Seed(..)");
    let key = format!("{:?} {:x?}", MaskingKey::new([222, 173, 190, 239]), MaskingKey::new([222, 173, 190, 239]));
    assert!(!key.contains("222") && !key.contains("de") && !key.contains("173"), "{key}");
    let client = format!("{:?}", Connection::client(Seed::new([222; 32]), &Config::new()));
    assert!(!client.contains("222"), "{client}");
}

/// 6455-5.1-3, 6455-5.1-6: a connection does not read what it has sent itself.
#[test]
fn an_echo_of_the_wire_fails() {
    for (role, violation) in [(Role::Client, Violation::Masked), (Role::Server, Violation::NotMasked)] {
        let mut sender = connection(role, &Config::new());
        sender.send_text("mirror").unwrap();
        assert_fails(role, &Config::new(), &drain(&mut sender), &[], violation);
    }
}
