//! Text that is written piece by piece, as a program formats what it knows.

use std::fmt::{Result, Write};

/// Writes lines of JSON until there are at least so many bytes.
pub fn write_lines(text: &mut impl Write, size: usize) -> Result {
    let mut counted = Counted { text, count: 0 };
    for id in 0.. {
        if counted.count >= size {
            break;
        }
        let (price, cents) = (id * 7 % 5000, id % 100);
        writeln!(counted, r#"{{"id":{id},"user":"user{}","price":{price}.{cents:02},"active":true}}"#, id % 977)?;
    }
    Ok(())
}

struct Counted<'a, W> {
    text: &'a mut W,
    count: usize,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write_str(&mut self, piece: &str) -> Result {
        self.count += piece.len();
        self.text.write_str(piece)
    }
}
