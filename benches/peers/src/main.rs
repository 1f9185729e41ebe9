//! ws-proto beside the other WebSocket crates, all in one process and over bytes in memory: what a message costs.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- [--only SUBSTRING] [--verify] [--quick]
//! [--rounds N] [--chart FILE]` prints tables in Markdown. Every job is verified before it is timed. Figures are only
//! worth comparing within one row, where the jobs take turns.

#[allow(dead_code, reason = "tests use the rest of it")]
#[path = "../../../tests/common/allocator.rs"]
mod allocator;
#[path = "../../browser/mod.rs"]
mod browser;
mod chart;
mod columns;
mod endpoint;
mod handshake;
mod job;
#[path = "../../json/mod.rs"]
mod json;
mod lines;
mod measure;
mod memory;
mod rows;
mod socket;
mod standing;
mod table;
mod verify;
mod wire;

use columns::{ALL, OURS};
use endpoint::{Endpoint, Standing};
use job::Job;
use measure::{Effort, Measured};
use rows::Row;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use table::{Table, cell, ratio, time};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

struct Options {
    /// Rows with this in their name are run.
    only: String,
    /// Whether nothing is timed.
    verify: bool,
    effort: Effort,
    /// Where the chart is written.
    chart: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("usage: [--only SUBSTRING] [--verify] [--quick] [--rounds N] [--chart FILE]");
        return ExitCode::FAILURE;
    };
    let rows: Vec<Row> = rows::all().into_iter().filter(|row| row.name.contains(&options.only)).collect();
    if verify(&rows) > 0 {
        return ExitCode::FAILURE;
    }
    if !options.verify {
        let measured = measure(&rows, options.effort);
        memory::print(&options.only);
        if let Some(Err(error)) = options.chart.map(|path| std::fs::write(path, chart::draw(&measured))) {
            eprintln!("the chart: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn options() -> Option<Options> {
    let effort = Effort { rounds: 15, sample: Duration::from_millis(1) };
    let mut options = Options { only: String::new(), verify: false, effort, chart: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => options.only = arguments.next()?,
            "--verify" => options.verify = true,
            "--quick" => options.effort = Effort { rounds: 5, sample: Duration::from_micros(300) },
            "--rounds" => options.effort.rounds = arguments.next()?.parse().ok().filter(|&rounds| rounds > 0)?,
            "--chart" => options.chart = Some(arguments.next()?.into()),
            _ => return None,
        }
    }
    Some(options)
}

/// Proves that each endpoint does what the rows say, and returns how many do not.
fn verify(rows: &[Row]) -> usize {
    let (mut proved, mut failed) = (0, 0);
    for row in rows {
        for endpoint in ALL.iter().filter(|endpoint| endpoint.standing() != Standing::Reference) {
            match (row.verify)(*endpoint) {
                Some(Ok(())) => proved += 1,
                Some(Err(error)) => {
                    failed += 1;
                    eprintln!("FAILED: {}: {}: {error}", endpoint.name(), row.name);
                }
                None => {}
            }
        }
    }
    for endpoint in ALL {
        if let Err(error) = standing::check(*endpoint) {
            failed += 1;
            eprintln!("FAILED: {}: {error}", endpoint.name());
        }
    }
    eprintln!("{proved} jobs do what they say, {failed} do not");
    failed
}

/// Times the rows, and prints each group when it is done.
fn measure(rows: &[Row], effort: Effort) -> Vec<Measured> {
    let mut all = Vec::new();
    for group in rows.chunk_by(|a, b| a.group == b.group) {
        let measured: Vec<_> =
            group.iter().map(|row| Measured { name: row.name.clone(), times: times(row, effort) }).collect();
        // Who has nothing to say in the whole group has no column there.
        let has_column: Vec<bool> =
            (0..ALL.len()).map(|column| measured.iter().any(|row| row.times[column].is_some())).collect();
        let columns = || has_column.iter().enumerate().filter(|(_, has)| **has).map(|(column, _)| column);
        let mut table = Table::default();
        let names = columns().map(|column| ALL[column].name());
        let head = [""].into_iter().chain(names).chain(["ws-proto / floor", "best complete peer / ws-proto"]);
        table.0.push(head.map(String::from).collect());
        for Measured { name, times } in &measured {
            let mut cells = vec![name.clone()];
            cells.extend(columns().map(|column| cell(times[column], time)));
            cells.extend(comparisons(times).map(|compared| cell(compared, ratio)));
            table.0.push(cells);
        }
        println!("### {}\n\n{table}", group.first().map_or("", |row| row.group));
        for note in group.iter().filter_map(|row| row.note) {
            println!("{note}\n");
        }
        all.extend(measured);
    }
    all
}

/// What a message of each endpoint takes in nanoseconds, without what is not its own.
fn times(row: &Row, effort: Effort) -> Vec<Option<f64>> {
    eprintln!("{}", row.name);
    let jobs = || -> Vec<Option<Job>> {
        let overheads =
            row.overhead.into_iter().flat_map(|overhead| ALL.iter().map(move |endpoint| overhead(*endpoint)));
        ALL.iter().map(|endpoint| (row.job)(*endpoint)).chain(overheads).collect()
    };
    let mut times = measure::measure(jobs, row.unit, effort);
    let overheads = times.split_off(ALL.len()).into_iter().chain(std::iter::repeat(None));
    let without = |(taken, overhead): (Option<f64>, Option<f64>)| Some(taken? - overhead.unwrap_or_default());
    times.into_iter().zip(overheads).map(without).collect()
}

/// ws-proto by the floor, and the best of the complete peers by ws-proto.
fn comparisons(times: &[Option<f64>]) -> [Option<f64>; 2] {
    let of = |wanted: &dyn Fn(&dyn Endpoint) -> bool| {
        let chosen = ALL.iter().zip(times).filter(|(endpoint, _)| wanted(**endpoint));
        chosen.filter_map(|(_, &taken)| taken).min_by(f64::total_cmp)
    };
    let ours = of(&|endpoint| endpoint.name() == OURS);
    let floor = of(&|endpoint| endpoint.standing() == Standing::Floor);
    let best = of(&|endpoint| endpoint.standing() == Standing::Complete && endpoint.name() != OURS);
    let by = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a / b);
    [by(ours, floor), by(best, ours)]
}
