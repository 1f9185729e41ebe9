//! `Prepared`: a message that is encoded once goes out as one that is sent to each connection would, shares its memory, is
//! refused where others are, and leaves the compression of the connection in order.

use crate::common::allocator::{allocations, held};
use crate::common::frames::*;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{CloseCode, Config, Connection, Message, Prepared, Role, SendErrorKind};

const LENGTHS: [usize; 12] = [0, 1, 125, 126, 127, 4095, 4096, 4097, 65_535, 65_536, 65_537, 1 << 20];

fn letters(length: usize) -> String {
    "abcdefghijklm nopqrstuvwxyz".chars().cycle().take(length).collect()
}

fn server() -> Connection {
    connection(Role::Server, &Config::new())
}

/// 6455-6.1-1, 6455-6.1-4, 6455-5.2-2, 6455-5.1-5: the bytes on the wire are those of `send`, for text and binary data of
/// every length at which a header grows or a payload stands alone.
#[test]
fn the_wire_is_that_of_send() {
    for length in LENGTHS {
        let text = letters(length);
        for message in [Message::from(text.clone()), Message::from(text.clone().into_bytes())] {
            let prepared = Prepared::new(message.clone());
            let mut right = server();
            let mut sent = server();
            for _ in 0..2 {
                right.send(message.clone()).unwrap();
                sent.send_prepared(&prepared).unwrap();
                assert_eq!(sent.buffered(), right.buffered(), "{length}");
                right.send_text("between").unwrap();
                sent.send_text("between").unwrap();
            }
            let wire = drain(&mut sent);
            assert!(wire == drain(&mut right), "{length}");
            let frames = sent_by(Role::Server, &wire);
            assert_eq!(frames.len(), 4);
            assert!(frames[0].payload == text.as_bytes() && frames[2].payload == text.as_bytes());
        }
    }
}

/// 6455-6.1-1: what a message may be made from.
#[test]
fn it_is_made_from_any_message() {
    let mut ws = server();
    for prepared in [
        Prepared::new("news"),
        Prepared::new(String::from("news")),
        Prepared::new(&b"news"[..]),
        Prepared::new(vec![1; 5000]),
        Prepared::new(Bytes::from_static(b"news")),
    ] {
        ws.send_prepared(&prepared).unwrap();
    }
    let opcodes: Vec<_> = sent_by(Role::Server, &drain(&mut ws)).iter().map(|frame| frame.opcode).collect();
    assert_eq!(opcodes, [TEXT, TEXT, BINARY, BINARY, BINARY]);
}

/// 6455-5.1-1, 6455-5.3-2: a client is refused, for nothing of it would be masked; what it sends otherwise is as before.
#[test]
fn a_client_is_refused() {
    for length in LENGTHS {
        let prepared = Prepared::new(vec![7; length]);
        let mut ws = connection(Role::Client, &Config::new());
        ws.send_text("before").unwrap();
        let waiting = ws.buffered();
        let error = ws.send_prepared(&prepared).unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (SendErrorKind::ServerOnly, None));
        assert_eq!(ws.buffered(), waiting);
        ws.send_text("after").unwrap();
        assert_eq!(sent_by(Role::Client, &drain(&mut ws)), [Frame::text("before"), Frame::text("after")]);
    }
}

/// 6455-5.4-7, 6455-5.5.1-6: it is refused within a message that is sent in parts and after this side's Close, and nothing
/// of it goes out.
#[test]
fn it_is_refused_where_messages_are() {
    for length in [10, 5000] {
        let prepared = Prepared::new(letters(length));
        let mut ws = server();
        ws.send_part("one ", false).unwrap();
        assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::Unfinished);
        ws.send_part("message", true).unwrap();
        ws.send_prepared(&prepared).unwrap();
        ws.close(CloseCode::NORMAL).unwrap();
        assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::Closed);
        let frames = sent_by(Role::Server, &drain(&mut ws));
        let expected = [
            Frame::text("one ").part(),
            Frame::continuation("message"),
            Frame::text(letters(length)),
            Frame::close(1000, ""),
        ];
        assert_eq!(frames, expected);
    }
}

/// A send is refused when the output would hold more than `max_buffered` bytes, and not before.
#[test]
fn max_buffered_is_exact() {
    for length in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536] {
        let prepared = Prepared::new(letters(length));
        let mut ws = server();
        ws.send_prepared(&prepared).unwrap();
        let size = ws.buffered();

        let mut ws = connection(Role::Server, &Config::new().max_buffered(size));
        ws.send_prepared(&prepared).unwrap();
        assert_eq!(ws.buffered(), size);
        assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::Full, "{length}");
        assert_eq!(ws.buffered(), size);
        ws.output().advance(1);
        if size > 1 {
            assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::Full, "{length}");
        }
        drain(&mut ws);
        ws.send_prepared(&prepared).unwrap();

        let mut ws = connection(Role::Server, &Config::new().max_buffered(2 * size + 1));
        ws.send_binary(&[]).unwrap();
        ws.send_prepared(&prepared).unwrap();
        assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::Full, "{length}");
        ws.output().advance(1);
        ws.send_prepared(&prepared).unwrap();
        assert_eq!(ws.buffered(), 2 * size + 1);

        let mut ws = connection(Role::Server, &Config::new().max_buffered(size - 1));
        assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::TooLarge, "{length}");
        assert_eq!(drain(&mut ws), []);
    }
}

/// Half of a connection sends what the whole does.
#[test]
fn a_half_sends_it_too() {
    let prepared = Prepared::new(letters(5000));
    let (_, mut sender) = server().into_halves();
    sender.send_prepared(&prepared).unwrap();
    let mut ws = server();
    ws.send_prepared(&prepared).unwrap();
    let count = sender.output().remaining();
    assert_eq!(sender.output().copy_to_bytes(count), drain(&mut ws));
}

/// A clone shares the memory, and so does what waits in outputs; the message stays as long as one of them does.
#[test]
fn clones_share_the_memory() {
    for length in [10, 5000, 1 << 20] {
        let prepared = Prepared::new(letters(length));
        let before = allocations();
        let clone = prepared.clone();
        assert_eq!(allocations() - before, 0, "{length}");
        drop(prepared);
        let mut ws = server();
        ws.send_prepared(&clone).unwrap();
        drop(clone);
        assert_eq!(sent_by(Role::Server, &drain(&mut ws)), [Frame::text(letters(length))]);
    }
    // What is given away as an owned value is not copied.
    let payload = Bytes::from(vec![7; 1 << 20]);
    let before = held();
    let prepared = Prepared::new(payload.clone());
    assert!(held() - before < 1000, "{}", held() - before);
    let mut ws = server();
    ws.send_prepared(&prepared).unwrap();
    ws.output().next_owned().expect("the header");
    let shown = ws.output().next_owned().expect("the payload");
    assert_eq!(shown.as_ptr(), payload.as_ptr());
}

/// CVE-2020-35896: a broadcast of 64 KiB to 10,000 connections holds one copy of the payload, until the last of them has
/// written it.
#[test]
fn a_broadcast_holds_one_copy() {
    let config = Config::new();
    let mut connections: Vec<_> = (0..10_000).map(|_| connection(Role::Server, &config)).collect();
    let before = held();
    let news = Prepared::new(vec![7; 64 << 10]);
    for ws in &mut connections {
        ws.send_prepared(&news).unwrap();
    }
    drop(news);
    let taken = held() - before;
    assert!(taken >= 64 << 10, "the payload is somewhere");
    let each = (taken - (64 << 10)) / 10_000;
    assert!(each < 1024, "{each} bytes for each connection");
    let (last, others) = connections.split_last_mut().unwrap();
    for ws in others {
        let count = ws.buffered();
        ws.output().advance(count);
        ws.release_memory();
    }
    assert!(held() - before < 70 << 10, "{} bytes are still held", held() - before);
    assert!(sent_by(Role::Server, &drain(last))[0].payload == vec![7; 64 << 10]);
    last.release_memory();
    assert!(held() - before < 1024, "{} bytes are still held", held() - before);
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::*;
    use crate::common::deflate::{Reader, Setup};
    use miniz_oxide::inflate::stream::{InflateState, inflate};
    use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};
    use ws_proto::{DeflateConfig, DeflateParameters, DeflatePool};
    use zlib_rs::{Inflate, InflateFlush, Status};

    /// zlib as the peer: with a window of exactly the agreed size, so that what refers further back fails.
    struct Zlib {
        context: Inflate,
        takeover: bool,
    }

    impl Zlib {
        fn new(agreed: DeflateParameters) -> Self {
            let context = Inflate::new(false, agreed.server_max_window_bits);
            Self { context, takeover: !agreed.server_no_context_takeover }
        }

        /// The data of one message. The output is taken in small pieces, so that all references go through the window.
        fn read(&mut self, payload: &[u8]) -> Vec<u8> {
            if !self.takeover {
                self.context.reset(false);
            }
            let input = [payload, &[0, 0, 0xff, 0xff]].concat();
            let (mut data, mut at) = (Vec::new(), 0);
            loop {
                let mut room = [0; 64];
                let (read, written) = (self.context.total_in(), self.context.total_out());
                let status = self.context.decompress(&input[at..], &mut room, InflateFlush::SyncFlush);
                at += (self.context.total_in() - read) as usize;
                let count = (self.context.total_out() - written) as usize;
                data.extend_from_slice(&room[..count]);
                match status {
                    Ok(Status::Ok) if count == 0 && at == input.len() => return data,
                    Ok(Status::BufError) if at == input.len() => return data,
                    Ok(Status::Ok) => {}
                    status => panic!("{status:?} after {} bytes, at {at} of {}", data.len(), input.len()),
                }
            }
        }
    }

    /// miniz_oxide as the peer, which shares nothing with zlib-rs.
    struct Miniz {
        state: Box<InflateState>,
        takeover: bool,
    }

    impl Miniz {
        fn new(agreed: DeflateParameters) -> Self {
            Self { state: InflateState::new_boxed(DataFormat::Raw), takeover: !agreed.server_no_context_takeover }
        }

        fn read(&mut self, payload: &[u8]) -> Vec<u8> {
            if !self.takeover {
                self.state.reset(DataFormat::Raw);
            }
            let input = [payload, &[0, 0, 0xff, 0xff]].concat();
            let (mut data, mut at) = (Vec::new(), 0);
            loop {
                let mut room = [0; 1000];
                let result = inflate(&mut self.state, &input[at..], &mut room, MZFlush::Sync);
                assert!(matches!(result.status, Ok(MZStatus::Ok) | Err(MZError::Buf)), "{result:?}");
                at += result.bytes_consumed;
                data.extend_from_slice(&room[..result.bytes_written]);
                if at == input.len() && result.bytes_written < room.len() {
                    return data;
                }
            }
        }
    }

    /// All that read the same output.
    struct Peers {
        reader: Reader,
        zlib: Zlib,
        miniz: Miniz,
    }

    impl Peers {
        fn new(setup: &Setup) -> Self {
            let agreed = setup.agreed;
            Self { reader: Reader::new(setup), zlib: Zlib::new(agreed), miniz: Miniz::new(agreed) }
        }
    }

    /// Reads an output with all inflaters, and returns the messages and whether each came compressed.
    fn read(setup: &Setup, peers: &mut Peers, wire: &[u8]) -> Vec<(u8, bool, Vec<u8>)> {
        let sent = peers.reader.read(wire);
        for message in sent.iter().filter(|message| message.compressed) {
            assert!(peers.zlib.read(&message.payload) == message.data, "{:?}", setup.agreed);
            assert!(peers.miniz.read(&message.payload) == message.data, "{:?}", setup.agreed);
        }
        sent.into_iter().map(|message| (message.opcode, message.compressed, message.data)).collect()
    }

    /// Lines that repeat from one message to the next, and within one at many distances.
    fn feed(random: &mut Random, length: usize) -> String {
        let mut text = String::new();
        while text.len() < length {
            let (id, price) = (random.below(40), random.below(900));
            text += &format!("{{\"symbol\":\"S{id:03}\",\"price\":{price}.99,\"exchange\":\"X{}\"}},", id % 7);
        }
        text.truncate(length);
        text
    }

    /// Noise, and the same noise again so many bytes behind its beginning.
    fn repeated_at(distance: usize) -> Vec<u8> {
        let noise = Random(distance as u64).bytes(100);
        let mut data = noise.clone();
        let filler = Random(9).bytes(distance - 100);
        data.extend(filler);
        data.extend(noise);
        data
    }

    fn setups() -> Vec<Setup> {
        let pool = DeflatePool::new(2);
        let mut setups = Vec::new();
        for bits in [8, 9, 15] {
            for takeover in [true, false] {
                for deflate in [
                    DeflateConfig::new(),
                    DeflateConfig::new().threshold(0).level(1),
                    DeflateConfig::new().keep_contexts(false),
                    DeflateConfig::new().pool(&pool),
                    DeflateConfig::new().send_window_bits(9),
                ] {
                    setups.push(Setup::new(Role::Server).takeover(takeover, true).windows(bits, 15).deflate(deflate));
                }
            }
        }
        setups
    }

    /// 7692-6.1-1, 7692-6.1-2, 7692-7.2.1-11, 7692-7.2.1-12, 7692-7.2.1-15: sessions in which prepared messages, compressed and not, and ordinary ones
    /// take turns in any order come out right, with takeover and without, within each window.
    #[test]
    fn prepared_and_other_messages_take_turns() {
        let mut random = Random(3);
        let texts: Vec<String> = [50, 200, 700, 3000, 6000, 20_000].map(|length| feed(&mut random, length)).into();
        let prepare = |text: &String| {
            let mut all = vec![Prepared::new(text.clone())];
            for bits in [8, 9, 12, 15] {
                let deflate = DeflateConfig::new().send_window_bits(bits);
                all.push(Prepared::new(text.clone()).compress(&deflate));
            }
            let mut every = Prepared::new(text.clone()).compress(&DeflateConfig::new().send_window_bits(9));
            every = every.compress(&DeflateConfig::new()).compress(&DeflateConfig::new().send_window_bits(8));
            all.push(every);
            all
        };
        let prepared: Vec<Vec<Prepared>> = texts.iter().map(prepare).collect();
        for (seed, setup) in setups().into_iter().enumerate() {
            let mut random = Random(seed as u64);
            let mut ws = setup.connection();
            let mut peers = Peers::new(&setup);
            let (mut compressed, mut sent_compressed) = (0, 0);
            for _ in 0..20 {
                let mut expected = Vec::new();
                for _ in 0..=random.below(4) {
                    let which = random.below(texts.len());
                    let text = &texts[which];
                    match random.below(8) {
                        0..4 => ws.send_prepared(&prepared[which][random.below(6)]).unwrap(),
                        4 => ws.send_text(text).unwrap(),
                        5 => ws.send(text.clone()).unwrap(),
                        6 => {
                            ws.send_part(&text[..text.len() / 2], false).unwrap();
                            assert_eq!(
                                ws.send_prepared(&prepared[which][4]).unwrap_err().kind(),
                                SendErrorKind::Unfinished
                            );
                            ws.send_part(&text[text.len() / 2..], true).unwrap();
                        }
                        _ => ws.send_uncompressed(text.clone()).unwrap(),
                    }
                    expected.push(text.as_bytes());
                    if random.below(10) == 0 {
                        ws.release_memory();
                    }
                }
                let messages = read(&setup, &mut peers, &drain(&mut ws));
                assert_eq!(messages.len(), expected.len());
                for ((opcode, is_compressed, data), right) in messages.iter().zip(expected) {
                    assert!(*opcode == TEXT && data == right, "{:?}, {} bytes", setup.agreed, right.len());
                    compressed += usize::from(*is_compressed);
                    sent_compressed += 1;
                }
            }
            assert!(compressed > sent_compressed / 4, "{compressed} of {sent_compressed} in {:?}", setup.agreed);
        }
    }

    /// 7692-7.2.1-12, 7692-7.2.1-15: an ordinary message behind a prepared one may not refer to what the peer's window no longer holds,
    /// nor to a window that has moved; the messages are such that all would be found.
    #[test]
    fn what_follows_refers_to_nothing_that_the_peer_has_not() {
        for bits in [8, 9, 10, 15] {
            let setup = Setup::new(Role::Server).windows(bits, 15);
            let prepared =
                Prepared::new(feed(&mut Random(2), 300)).compress(&DeflateConfig::new().send_window_bits(bits));
            let own = feed(&mut Random(1), 300);
            let mut ws = setup.connection();
            let mut peers = Peers::new(&setup);
            for turn in 0..6 {
                ws.send_text(&own).unwrap();
                ws.send_prepared(&prepared).unwrap();
                ws.send_text(&own).unwrap();
                ws.send_text(&own).unwrap();
                let messages = read(&setup, &mut peers, &drain(&mut ws));
                assert!(messages.iter().all(|(_, compressed, _)| *compressed), "{bits}, {turn}");
                let data: Vec<_> = messages.into_iter().map(|(.., data)| data).collect();
                let news = feed(&mut Random(2), 300);
                assert!(data == [own.as_bytes(), news.as_bytes(), own.as_bytes(), own.as_bytes()], "{bits}, {turn}");
            }
        }
    }

    /// 7692-6.1-2: a connection that has not agreed on compression gets the uncompressed frame.
    #[test]
    fn uncompressed_connections() {
        for length in [10, 100, 5000, 100_000] {
            let text = letters(length);
            let prepared = Prepared::new(text.clone()).compress(&DeflateConfig::new());
            let mut ws = server();
            ws.send_prepared(&prepared).unwrap();
            let mut right = server();
            right.send(text).unwrap();
            assert!(drain(&mut ws) == drain(&mut right), "{length}");
        }
    }

    /// What is shorter than the threshold, and what does not shrink, goes out uncompressed.
    #[test]
    fn what_gains_nothing_is_not_compressed() {
        let setup = Setup::new(Role::Server);
        let goes_compressed = |data: &[u8], deflate: &DeflateConfig| {
            let mut ws = setup.connection();
            ws.send_prepared(&Prepared::new(data).compress(deflate)).unwrap();
            let mut reader = Reader::new(&setup);
            let sent = reader.read_one(&drain(&mut ws));
            assert!(sent.data == data);
            assert!(!sent.compressed || sent.payload.len() < data.len(), "{} bytes", data.len());
            sent.compressed
        };
        let deflate = DeflateConfig::new();
        for length in [0, 1, 63] {
            assert!(!goes_compressed(&vec![7; length], &deflate), "{length}");
        }
        for length in [64, 65, 5000] {
            assert!(goes_compressed(&vec![7; length], &deflate), "{length}");
        }
        assert!(!goes_compressed(&[7; 999], &deflate.clone().threshold(1000)));
        assert!(goes_compressed(&[7; 1000], &deflate.clone().threshold(1000)));
        assert!(goes_compressed(&[7; 20], &deflate.clone().threshold(0)));
        for length in [0, 1, 2] {
            assert!(!goes_compressed(&vec![7; length], &deflate.clone().threshold(0)), "{length}");
        }
        for length in [64, 1000, 4096, 70_000] {
            let noise = Random(length as u64).bytes(length);
            for level in [0, 1, 6, 9] {
                assert!(!goes_compressed(&noise, &deflate.clone().level(level)), "{length}, {level}");
            }
        }
    }

    /// The threshold of the connection does not matter: what was prepared is there.
    #[test]
    fn the_threshold_is_that_of_the_preparation() {
        let setup = Setup::new(Role::Server).deflate(DeflateConfig::new().threshold(100_000));
        let mut ws = setup.connection();
        ws.send_prepared(&Prepared::new(letters(1000)).compress(&DeflateConfig::new())).unwrap();
        let sent = Reader::new(&setup).read_one(&drain(&mut ws));
        assert!(sent.compressed && sent.data == letters(1000).as_bytes());
    }

    /// 7692-7.2.1-15: of several forms the one with the largest window that was agreed on is sent, whatever the order in
    /// which they were made; where none fits, the uncompressed one.
    #[test]
    fn the_largest_window_that_fits() {
        // Matches for windows of 8, 10, 12 and 15 bits.
        let mut data: Vec<u8> = [120, 300, 3000, 20_000].into_iter().flat_map(repeated_at).collect();
        // So that it shrinks in any case.
        data.extend([0; 1000]);
        let form = |bits: u8| DeflateConfig::new().send_window_bits(bits);
        let alone = |bits: u8| {
            let setup = Setup::new(Role::Server);
            let mut ws = setup.connection();
            ws.send_prepared(&Prepared::new(&data[..]).compress(&form(bits))).unwrap();
            Reader::new(&setup).read_one(&drain(&mut ws))
        };
        assert!(alone(8).payload.len() > alone(10).payload.len());
        assert!(alone(10).payload.len() > alone(12).payload.len());
        assert!(alone(12).payload.len() > alone(15).payload.len());
        for orders in [[8, 10, 12, 15], [15, 12, 10, 8], [12, 15, 8, 10]] {
            for least in 0..4 {
                // Without the smallest forms.
                let made: Vec<u8> = orders.into_iter().filter(|bits| *bits >= [8, 10, 12, 15][least]).collect();
                let mut prepared = Prepared::new(&data[..]);
                for bits in &made {
                    prepared = prepared.compress(&form(*bits));
                }
                for agreed in 8..=15 {
                    let setup = Setup::new(Role::Server).windows(agreed, 15);
                    let mut ws = setup.connection();
                    ws.send_prepared(&prepared).unwrap();
                    let wire = drain(&mut ws);
                    let sent = Reader::new(&setup).read_one(&wire);
                    assert!(sent.data == data);
                    match made.iter().filter(|bits| **bits <= agreed).max() {
                        Some(bits) => {
                            assert!(sent.compressed && sent.payload == alone(*bits).payload, "{made:?}, {agreed}");
                            assert!(Zlib::new(setup.agreed).read(&sent.payload) == data);
                        }
                        None => assert!(!sent.compressed, "{made:?}, {agreed}"),
                    }
                }
            }
        }
    }

    /// The same form made twice is there once, and a clone from before is as it was.
    #[test]
    fn a_form_made_twice() {
        let deflate = DeflateConfig::new();
        let plain = Prepared::new(letters(5000));
        let once = plain.clone().compress(&deflate);
        let twice = once.clone().compress(&deflate);
        let setup = Setup::new(Role::Server);
        let sends = |prepared: &Prepared| {
            let mut ws = setup.connection();
            ws.send_prepared(prepared).unwrap();
            drain(&mut ws)
        };
        assert_eq!(sends(&once), sends(&twice));
        assert_eq!(sends(&plain).len(), 5004);
        assert!(sends(&once).len() < 500);
    }

    /// A compressed form counts against `max_buffered` by its own size, exactly.
    #[test]
    fn max_buffered_counts_the_form_that_goes_out() {
        for length in [100, 5000, 1 << 20] {
            let prepared = Prepared::new(letters(length)).compress(&DeflateConfig::new());
            let setup = Setup::new(Role::Server);
            let mut ws = setup.connection();
            ws.send_prepared(&prepared).unwrap();
            let size = ws.buffered();
            assert!(size < length);
            let setup = setup.config(Config::new().max_buffered(size));
            let mut ws = setup.connection();
            ws.send_prepared(&prepared).unwrap();
            assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::Full);
            assert!(Reader::new(&setup).read_one(&drain(&mut ws)).data == letters(length).as_bytes());
            let mut ws = setup.config(Config::new().max_buffered(size - 1)).connection();
            assert_eq!(ws.send_prepared(&prepared).unwrap_err().kind(), SendErrorKind::TooLarge);
            assert_eq!(drain(&mut ws), []);
        }
    }

    /// What is refused leaves the window of the connection as it was.
    #[test]
    fn a_refused_one_leaves_no_trace() {
        let text = feed(&mut Random(4), 600);
        let prepared = Prepared::new(feed(&mut Random(5), 20_000)).compress(&DeflateConfig::new());
        let setup = Setup::new(Role::Server).config(Config::new().max_buffered(700));
        let mut ws = setup.connection();
        let mut peers = Peers::new(&setup);
        let mut sizes = Vec::new();
        for _ in 0..5 {
            ws.send_text(&text).unwrap();
            // Enough waits that there is no room for it, or it is too large for the output at any time.
            assert!(ws.send_prepared(&Prepared::new(vec![7; 700])).is_err());
            assert!(ws.send_prepared(&prepared).is_err());
            let wire = drain(&mut ws);
            sizes.push(wire.len());
            let messages = read(&setup, &mut peers, &wire);
            assert!(messages == [(TEXT, true, text.clone().into_bytes())]);
        }
        assert!(sizes[1] < sizes[0] / 4, "{sizes:?}: the window is no longer used");
    }

    /// A compressed broadcast holds one copy for each parameter set, and no context for any connection.
    #[test]
    fn a_compressed_broadcast_holds_one_copy_for_each_window() {
        let mut random = Random(1);
        // Half noise, so that the compressed forms are large.
        let data: Vec<u8> = (0..64 << 10).map(|_| random.below(16) as u8).collect();
        let deflate = DeflateConfig::new();
        let agreed = [9, 15].map(|bits| DeflateParameters { server_max_window_bits: bits, ..DeflateParameters::new() });
        let config = Config::new();
        let mut connections: Vec<_> =
            (0..10_000).map(|i| connection(Role::Server, &config).with_deflate(&deflate, agreed[i % 2])).collect();
        let before = held();
        let news = Prepared::new(data.clone()).compress(&deflate).compress(&deflate.clone().send_window_bits(9));
        let prepared = held() - before;
        // The message and two forms of at most its size.
        assert!(prepared < 3 * (64 << 10) + 4096, "{prepared} bytes");
        for ws in &mut connections {
            ws.send_prepared(&news).unwrap();
        }
        let each = (held() - before - prepared) / 10_000;
        assert!(each < 1024, "{each} bytes for each connection");
        for (i, ws) in connections.iter_mut().enumerate().take(2) {
            let setup = Setup { agreed: agreed[i], ..Setup::new(Role::Server) };
            let sent = Reader::new(&setup).read_one(&drain(ws));
            assert!(sent.compressed && sent.data == data);
        }
    }
}
