//! `CloseFrame::truncated`: as much of a reason as fits into a Close frame, cut where a character ends.

use crate::common::frames::*;
use ws_proto::{CloseCode, CloseFrame, Config};

/// The longest beginning of whole characters within 123 bytes.
fn right(reason: &str) -> &str {
    let end = reason.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= 123).last();
    &reason[..end.unwrap_or(0)]
}

/// 6455-5.5.1-3, 6455-5.5-1: with characters of one to four bytes, each behind so many others that the limit falls before,
/// within and behind one.
#[test]
fn every_length_of_every_character() {
    for letter in ["a", "\u{7f}", "é", "߿", "ࠀ", "€", "\u{ffff}", "𐀀", "🦀", "\u{10ffff}"] {
        for ahead in 0..8 {
            for count in 0..=140 {
                let reason = "x".repeat(ahead) + &letter.repeat(count);
                let frame = CloseFrame::truncated(CloseCode::GOING_AWAY, reason.as_str());
                assert_eq!(frame.reason(), right(&reason), "{ahead} and {count} of {letter}");
                assert_eq!(frame.code(), Some(CloseCode::GOING_AWAY));
                if reason.len() <= CloseFrame::MAX_REASON {
                    assert_eq!(frame, CloseFrame::new(CloseCode::GOING_AWAY, reason).unwrap());
                } else {
                    assert!(frame.reason().len() > CloseFrame::MAX_REASON - letter.len());
                    assert_eq!(
                        CloseFrame::new(CloseCode::GOING_AWAY, reason.clone()).unwrap_err().length,
                        reason.len()
                    );
                }
            }
        }
    }
}

/// 6455-5.5.1-3: with characters of all sizes in any order.
#[test]
fn random_reasons() {
    let mut random = Random(1);
    for _ in 0..3000 {
        let count = random.below(140);
        let reason: String = (0..count).map(|_| ['a', 'é', '€', '🦀', '\0', '\u{301}'][random.below(6)]).collect();
        assert_eq!(CloseFrame::truncated(CloseCode::NORMAL, reason.as_str()).reason(), right(&reason));
    }
}

/// W22, 6455-5.5.1-3, 6455-5.5-1: on the wire it is a Close frame of at most 125 bytes whose reason is UTF-8.
#[test]
fn it_goes_out_whole() {
    for role in ROLES {
        for letter in ["a", "é", "€", "🦀"] {
            for count in [0, 1, 30, 31, 61, 62, 100, 123, 124, 200, 100_000] {
                let reason = letter.repeat(count);
                let mut ws = connection(role, &Config::new());
                ws.close(CloseFrame::truncated(CloseCode::POLICY_VIOLATION, reason.as_str())).unwrap();
                let wire = drain(&mut ws);
                assert_eq!(sent_by(role, &wire), [Frame::close(1008, right(&reason))]);
            }
        }
    }
}
