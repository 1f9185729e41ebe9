//! Extensions as values of their own: read from a header value, built, and written to one.

use proptest::prelude::*;
use ws_proto::handshake::{Extension, Extensions, InvalidExtension, OwnedExtension};

/// The elements of a value, each in its one way of writing.
fn elements(value: &[u8]) -> Result<Vec<String>, InvalidExtension> {
    Ok(Extensions::parse(value)?.map(|extension| extension.to_string()).collect())
}

/// 6455-4.3-2, 6455-9.1-2, 6455-9.1-8: values are read, and written with quotes only where the grammar needs them.
#[test]
fn values_are_written_in_one_way() {
    for (value, expected) in [
        ("", &[][..]),
        (" , ,", &[]),
        ("x", &["x"]),
        ("x;a;b=1 , y;c=\"2\"", &["x; a; b=1", "y; c=2"]),
        ("x; a=\"b c\", y", &["x; a=\"b c\"", "y"]),
        ("x; a=\"\"", &["x; a=\"\""]),
        ("x; a=\"\\b\\\"\\\\\"", &["x; a=\"b\\\"\\\\\""]),
        ("x; a=\"b\tc\"", &["x; a=\"b\tc\""]),
        ("x; a=\"\u{2713}, y\", z", &["x; a=\"\u{2713}, y\"", "z"]),
        ("!#$%&'*+-.^_`|~; a=!#$%&'*+-.^_`|~", &["!#$%&'*+-.^_`|~; a=!#$%&'*+-.^_`|~"]),
    ] {
        assert_eq!(elements(value.as_bytes()).unwrap(), expected, "{value:?}");
        assert_eq!(Extensions::parse(value).unwrap().to_string(), expected.join(", "));
        let one = Extension::parse(value).map(|extension| extension.to_string());
        assert_eq!(one.ok().as_deref(), if expected.len() == 1 { Some(expected[0]) } else { None });
    }
    // What is not UTF-8 cannot be kept.
    assert_eq!(elements(b"x; a=\"\xff\"").unwrap(), ["x; a=\"\u{fffd}\""]);
    // What has been taken is not written any more.
    let mut rest = Extensions::parse("x, y; a, z").unwrap();
    assert_eq!(rest.next().map(|extension| extension.name()), Some("x"));
    assert_eq!(rest.to_string(), "y; a, z");
}

/// 6455-9.1-1, CVE-2026-44546: a value that breaks the grammar anywhere is refused, and so is one with a control character.
#[test]
fn values_that_break_the_grammar() {
    for value in ["x;", "x, y z", "x; a=", "x; a=\"b", "x; a=\"b\"c", "x, \"y\"", "\u{e9}", "x=1", ";", "x; a=\"\\"] {
        assert!(elements(value.as_bytes()).is_err(), "{value:?}");
        assert!(Extension::parse(value).is_err() && value.parse::<OwnedExtension>().is_err());
    }
    for control in (0..=0x1f).chain([0x7f]).filter(|byte| *byte != b'\t') {
        for value in [[b"x; a=\"", &[control][..], b"\""].concat(), [b"x; a=\"\\", &[control][..], b"\""].concat()] {
            assert!(elements(&value).is_err(), "{control}");
        }
        let text = char::from(control).to_string();
        assert!(OwnedExtension::new("x").unwrap().parameter("a", Some(&text)).is_err());
    }
    for separator in ["\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\r\n", "\n"] {
        assert!(elements(format!("x{separator}y").as_bytes()).is_err());
    }
}

/// What cannot stand in the header cannot be built.
#[test]
fn names_are_tokens() {
    for name in ["", " ", "a b", "a,b", "a;b", "a=b", "\"a\"", "a\r\n", "\u{e9}", "a/b"] {
        assert!(OwnedExtension::new(name).is_err(), "{name:?}");
        assert!(OwnedExtension::new("x").unwrap().parameter(name, None).is_err(), "{name:?}");
    }
}

/// CVE-2020-7662: an unclosed quoted string of escapes, and very many elements, cost no more than their length.
#[test]
fn long_values() {
    assert!(elements(format!("x; a=\"{}", "\\c".repeat(500_000)).as_bytes()).is_err());
    let many = "x;a;b=c;d=\"e\\f\",".repeat(40_000);
    assert_eq!(Extensions::parse(&many).unwrap().count(), 40_000);
    let written = Extensions::parse(&many).unwrap().to_string();
    assert_eq!(written.len(), "x; a; b=c; d=ef, ".len() * 40_000 - 2);
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,6}"
}

/// Any text without control characters, often with what has to be quoted and escaped.
fn value() -> impl Strategy<Value = Option<String>> {
    let text = prop_oneof![token(), "[ \t\"\\\\,;=a-c]{0,6}", "[^\\x00-\\x08\\x0a-\\x1f\\x7f]{0,8}"];
    proptest::option::of(text)
}

type Parameters = Vec<(String, Option<String>)>;

fn built(name: &str, parameters: &Parameters) -> OwnedExtension {
    parameters.iter().fold(OwnedExtension::new(name).unwrap(), |extension, (name, value)| {
        extension.parameter(name, value.as_deref()).unwrap()
    })
}

fn of(parameters: impl Iterator<Item = (impl AsRef<str>, Option<impl AsRef<str>>)>) -> Parameters {
    parameters.map(|(name, value)| (name.as_ref().to_owned(), value.map(|value| value.as_ref().to_owned()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is built is read as it was built, alone and in a list.
    #[test]
    fn what_is_written_is_read(
        list in proptest::collection::vec((token(), proptest::collection::vec((token(), value()), 0..4)), 0..4),
    ) {
        let extensions: Vec<OwnedExtension> = list.iter().map(|(name, parameters)| built(name, parameters)).collect();
        for (extension, (name, parameters)) in extensions.iter().zip(&list) {
            prop_assert_eq!(extension.name(), name);
            prop_assert_eq!(&of(extension.parameters()), parameters);
            let written = extension.to_string();
            let read = Extension::parse(&written).unwrap();
            prop_assert_eq!(read.name(), name);
            prop_assert_eq!(&of(read.parameters()), parameters);
            prop_assert_eq!(&read.to_string(), &written);
            prop_assert_eq!(&read.into_owned(), extension);
            prop_assert_eq!(&written.parse::<OwnedExtension>().unwrap(), extension);
        }
        let value = extensions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let read: Vec<OwnedExtension> = Extensions::parse(&value).unwrap().map(Extension::into_owned).collect();
        prop_assert_eq!(read, extensions);
    }

    /// Whatever can be read is written so that it is read again, and nothing that is written ends a line.
    #[test]
    fn what_is_read_is_written(value in proptest::collection::vec(
        prop_oneof![Just(b','), Just(b';'), Just(b'='), Just(b'"'), Just(b'\\'), Just(b' '), Just(b'a'), any::<u8>()],
        0..30,
    )) {
        let Ok(extensions) = Extensions::parse(&value) else { return Ok(()) };
        let written = extensions.to_string();
        prop_assert!(!written.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t'));
        let parts = |extensions: Extensions<'_>| {
            extensions.map(|extension| (extension.name().to_owned(), of(extension.parameters()))).collect::<Vec<_>>()
        };
        let read = Extensions::parse(&written).unwrap();
        prop_assert_eq!(parts(read.clone()), parts(extensions));
        prop_assert_eq!(read.to_string(), written);
    }
}
