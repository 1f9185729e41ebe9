//! Takes times, so that what one sample suffers all of them may suffer: the jobs of a row take turns.

use crate::job::{Job, Seen};
use std::time::{Duration, Instant};

/// How thoroughly is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Samples of each job, at least.
    pub rounds: usize,
    /// What a sample takes at least.
    pub sample: Duration,
}

/// A row, with what a message of each endpoint takes in nanoseconds.
pub struct Measured {
    pub name: String,
    pub times: Vec<Option<f64>>,
}

/// So often the jobs of a row are made, each time at another place of the heap.
///
/// A processor takes a load for one of what has just been stored where the last 12 bits of their addresses are the same, and
/// waits. So what a job takes depends on where its memory happens to be: on what was allocated before, and not on its code.
const PLACES: usize = 5;

/// Nanoseconds a message of each job takes: the median of its samples. The jobs handle messages in multiples of `unit`.
pub fn measure(make: impl Fn() -> Vec<Option<Job>>, unit: usize, effort: Effort) -> Vec<Option<f64>> {
    let mut samples = Vec::new();
    for place in 0..PLACES {
        let shift = vec![1_u8; 1 + 2736 * place];
        let mut jobs = make();
        samples.resize_with(jobs.len(), Vec::new);
        sample(&mut jobs, unit, effort, &mut samples);
        drop((jobs, shift));
    }
    samples.into_iter().map(median).collect()
}

fn sample(jobs: &mut [Option<Job>], unit: usize, effort: Effort, samples: &mut [Vec<f64>]) {
    let counts: Vec<usize> =
        jobs.iter_mut().map(|job| job.as_mut().map_or(0, |job| calibrate(job, unit, effort.sample))).collect();
    for _ in 0..effort.rounds.div_ceil(PLACES) {
        for ((job, &count), samples) in jobs.iter_mut().zip(&counts).zip(&mut *samples) {
            if let Some(job) = job {
                samples.push(time(job, count).as_secs_f64() * 1e9 / count as f64);
            }
        }
    }
}

fn time(job: &mut Job, count: usize) -> Duration {
    let mut seen = Seen::default();
    let start = Instant::now();
    job(count, &mut seen);
    start.elapsed()
}

/// So many messages make a sample. What this runs also warms the job up: its buffers are as large as they get.
fn calibrate(job: &mut Job, unit: usize, sample: Duration) -> usize {
    let mut count = unit;
    time(job, count);
    loop {
        let taken = time(job, count);
        if taken >= sample {
            return count;
        }
        let missing = sample.as_secs_f64() / taken.as_secs_f64().max(1e-8);
        // Only near the end does one sample tell what the next one takes.
        count = unit * ((count / unit) as f64 * missing.min(8.0) * 1.1).ceil() as usize;
    }
}

pub fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}
