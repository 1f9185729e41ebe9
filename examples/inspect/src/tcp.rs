//! One direction of a TCP connection: its bytes in order, out of segments that come in any.

use std::collections::BTreeMap;

/// Puts the segments of one direction together. What has been returned once is not returned again.
#[derive(Default)]
pub struct Direction {
    /// The sequence number of the next byte; `None` until a segment says where the stream begins.
    next: Option<u32>,
    /// How many bytes have been returned.
    position: i64,
    /// What came ahead of its turn, by its place in the stream.
    early: BTreeMap<i64, Vec<u8>>,
}

impl Direction {
    /// Takes a segment with SYN, whose sequence number counts as one byte (RFC 9293 §3.4). Returns whether it can belong to
    /// this connection.
    pub fn begin(&mut self, sequence: u32) -> bool {
        let first = sequence.wrapping_add(1);
        self.position == 0 && *self.next.get_or_insert(first) == first || self.place(first) == 0
    }

    /// Takes a segment, and returns what can be read now.
    pub fn receive(&mut self, sequence: u32, payload: &[u8]) -> Vec<u8> {
        if !payload.is_empty() {
            self.next.get_or_insert(sequence);
            let early = self.early.entry(self.place(sequence)).or_default();
            if early.len() < payload.len() {
                *early = payload.to_vec();
            }
        }
        let mut ready = Vec::new();
        while let Some(first) = self.early.first_entry()
            && *first.key() <= self.position
        {
            let (at, bytes) = first.remove_entry();
            let known = usize::try_from(self.position - at).unwrap_or(usize::MAX);
            if let Some(fresh) = bytes.get(known..) {
                ready.extend_from_slice(fresh);
                self.position += fresh.len() as i64;
                self.next = self.next.map(|next| sequence_after(next, fresh.len()));
            }
        }
        ready
    }

    /// Where the capture lacks bytes: the place in the stream, and how many.
    pub fn gap(&self) -> Option<(i64, i64)> {
        let (at, _) = self.early.first_key_value()?;
        Some((self.position, at - self.position))
    }

    /// The place of a sequence number in the stream: the one nearest to what comes next, as they begin again at 0.
    fn place(&self, sequence: u32) -> i64 {
        let distance = sequence.wrapping_sub(self.next.unwrap_or(sequence)).cast_signed();
        self.position + i64::from(distance)
    }
}

/// The sequence number `count` bytes later.
#[allow(clippy::cast_possible_truncation, reason = "sequence numbers are counted modulo 2^32 (RFC 9293 §3.4)")]
fn sequence_after(sequence: u32, count: usize) -> u32 {
    sequence.wrapping_add(count as u32)
}

#[cfg(test)]
mod tests {
    use super::Direction;

    #[test]
    fn segments_come_in_any_order_and_twice() {
        let mut direction = Direction::default();
        // The sequence numbers begin again at 0 within the stream.
        assert!(direction.begin(u32::MAX - 3));
        assert_eq!(direction.receive(u32::MAX - 2, b"abc"), b"abc");
        assert_eq!(direction.receive(3, b"gh"), b"");
        assert_eq!(direction.gap(), Some((3, 3)));
        assert_eq!(direction.receive(u32::MAX, b"cd"), b"d");
        assert_eq!(direction.receive(0, b"DeXghi"), b"eXghi");
        assert_eq!(direction.receive(3, b"gh"), b"");
        assert_eq!(direction.gap(), None);
    }

    #[test]
    fn a_second_connection_is_not_taken_for_the_first() {
        let mut direction = Direction::default();
        assert!(direction.begin(10) && direction.begin(10));
        assert_eq!(direction.receive(11, b"abc"), b"abc");
        assert!(direction.begin(10), "a SYN that is repeated late");
        assert!(!direction.begin(5000));
    }
}
