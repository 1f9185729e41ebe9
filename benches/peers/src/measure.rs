//! Takes times, so that what one sample suffers all of them may suffer: the jobs of a row take turns.

use crate::job::{Job, Seen};
use std::time::{Duration, Instant};

/// How thoroughly is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Samples of each job.
    pub rounds: usize,
    /// What a sample takes at least.
    pub sample: Duration,
}

/// A row, with what a message of each endpoint takes in nanoseconds.
pub struct Measured {
    pub name: String,
    pub times: Vec<Option<f64>>,
}

/// Nanoseconds a message of each job takes: the median of its samples. The jobs handle messages in multiples of `unit`.
pub fn measure(jobs: &mut [Option<Job>], unit: usize, effort: Effort) -> Vec<Option<f64>> {
    let counts: Vec<usize> =
        jobs.iter_mut().map(|job| job.as_mut().map_or(0, |job| calibrate(job, unit, effort.sample))).collect();
    let mut samples = vec![Vec::with_capacity(effort.rounds); jobs.len()];
    for _ in 0..effort.rounds {
        for ((job, &count), samples) in jobs.iter_mut().zip(&counts).zip(&mut samples) {
            if let Some(job) = job {
                samples.push(time(job, count).as_secs_f64() * 1e9 / count as f64);
            }
        }
    }
    samples.into_iter().map(median).collect()
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
