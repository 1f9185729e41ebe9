//! Which connection's deadline comes when, for as many connections as there are.

use std::time::Duration;
use ws_proto::Instant;

/// A timing wheel: to enter a key and to find those that are due takes the same time whatever their number.
///
/// A key is never searched for. A deadline that is put off, as a heartbeat's is with every message, stays where it is;
/// when the wheel gets there, its owner enters it again at the time that holds by then.
pub struct Wheel<K> {
    slots: Vec<Vec<K>>,
    step: Duration,
    /// The last step that the wheel has turned to.
    turned: u64,
}

impl<K> Wheel<K> {
    /// Deadlines are kept to the step, never early; one farther off than all slots together comes back when they are through.
    pub fn new(step: Duration, slots: usize) -> Self {
        Self { slots: (0..slots.max(1)).map(|_| Vec::new()).collect(), step, turned: 0 }
    }

    pub fn enter(&mut self, key: K, at: Instant) {
        let at = at.since_origin().as_nanos().div_ceil(self.step.as_nanos());
        let farthest = self.turned + self.slots.len() as u64;
        let step = u64::try_from(at).unwrap_or(u64::MAX).clamp(self.turned + 1, farthest);
        self.slot(step).push(key);
    }

    /// Moves the keys to `due` whose time has come.
    pub fn turn(&mut self, now: Instant, due: &mut Vec<K>) {
        let now = u64::try_from(now.since_origin().as_nanos() / self.step.as_nanos()).unwrap_or(u64::MAX);
        // Once around is enough, however far the clock has jumped.
        for step in self.turned + 1..=now.min(self.turned + self.slots.len() as u64) {
            due.append(self.slot(step));
        }
        self.turned = self.turned.max(now);
    }

    fn slot(&mut self, step: u64) -> &mut Vec<K> {
        let count = self.slots.len() as u64;
        &mut self.slots[(step % count) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Wheel;
    use std::time::Duration;
    use ws_proto::Instant;

    fn at(milliseconds: u64) -> Instant {
        Instant::new(Duration::from_millis(milliseconds))
    }

    fn due(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
        let mut due = Vec::new();
        wheel.turn(at(now), &mut due);
        due.sort_unstable();
        due
    }

    #[test]
    fn a_key_comes_back_at_its_step_and_not_before() {
        let mut wheel = Wheel::new(Duration::from_millis(100), 8);
        for time in [0, 1, 100, 101, 700, 800] {
            wheel.enter(time, at(time));
        }
        assert!(due(&mut wheel, 99).is_empty());
        assert_eq!(due(&mut wheel, 100), [0, 1, 100]);
        assert!(due(&mut wheel, 150).is_empty());
        assert_eq!(due(&mut wheel, 799), [101, 700]);
        assert_eq!(due(&mut wheel, 800), [800]);
        assert!(due(&mut wheel, 100_000).is_empty());
    }

    #[test]
    fn what_is_past_comes_with_the_next_step_and_what_is_far_once_around() {
        let mut wheel = Wheel::new(Duration::from_millis(100), 8);
        assert!(due(&mut wheel, 5000).is_empty());
        wheel.enter(1, at(10));
        wheel.enter(2, at(1_000_000));
        wheel.enter(3, Instant::MAX);
        assert!(due(&mut wheel, 5000).is_empty());
        assert_eq!(due(&mut wheel, 5100), [1]);
        assert!(due(&mut wheel, 5799).is_empty());
        assert_eq!(due(&mut wheel, 5800), [2, 3]);
    }

    #[test]
    fn a_clock_that_jumps_by_hours_loses_nothing() {
        let mut wheel = Wheel::new(Duration::from_millis(100), 8);
        (0..20).for_each(|key| wheel.enter(key, at(key * 50)));
        assert_eq!(due(&mut wheel, 10_000_000), (0..20).collect::<Vec<_>>());
        wheel.enter(7, at(10_000_050));
        assert_eq!(due(&mut wheel, 10_000_100), [7]);
    }
}
