//! The key rows at a glance: a drawing in SVG, a column for each row and a line for each endpoint.

use crate::columns::{ALL, OURS};
use crate::endpoint::Standing;
use crate::measure::Measured;
use crate::table::time;
use std::fmt::Write;

/// The rows that are drawn, and what stands above them.
const COLUMNS: [(&str, [&str; 2]); 5] = [
    ("receive, server, 20 B binary, one chunk", ["receive", "20 B binary"]),
    ("receive, server, 1 MiB ASCII, 64 KiB reads", ["receive 1 MiB", "ASCII, 64 KiB reads"]),
    ("echo, 20 B binary, 64 KiB reads", ["echo", "20 B binary"]),
    ("send, client, 1 KiB binary, 64 KiB a write", ["send as client", "1 KiB binary"]),
    ("handshake, server, a browser's request", ["handshake", "of the server"]),
];

const WIDTH: usize = 720;
const NAMES: usize = 136;
const COLUMN: usize = 116;
const HEAD: usize = 50;
const LINE: usize = 26;
const BAR: usize = 14;
/// What the longest bar leaves for its figure.
const LONGEST: f64 = 56.0;

/// Draws what was measured of the key rows.
pub fn draw(measured: &[Measured]) -> String {
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter_map(|(name, title)| Some((title, measured.iter().find(|row| row.name == *name)?)))
        .collect();
    let drawn = |at: &usize| {
        ALL[*at].standing() != Standing::Reference && columns.iter().any(|(_, row)| row.times[*at].is_some())
    };
    let lines: Vec<usize> = (0..ALL.len()).filter(drawn).collect();
    let height = HEAD + LINE * lines.len() + 10;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"11\" fill=\"#24292f\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" fill=\"#f6f8fa\"/>\n"
    );
    if let Some(ours) = lines.iter().position(|&at| ALL[at].name() == OURS) {
        rectangle(&mut svg, [4, HEAD + LINE * ours, WIDTH - 8, LINE], "#dbeafe");
    }
    for (line, &at) in lines.iter().enumerate() {
        let middle = HEAD + LINE * line + LINE / 2 + 4;
        text(&mut svg, NAMES - 12, middle, "end", look(at).weight, ALL[at].name());
    }
    for (column, (title, row)) in columns.iter().enumerate() {
        let left = NAMES + COLUMN * column;
        text(&mut svg, left, 21, "start", "600", title[0]);
        text(&mut svg, left, 36, "start", "400", title[1]);
        let times = || lines.iter().filter_map(|&at| row.times[at]);
        // Half the shortest time has no length, so that the shortest one has some.
        let (shortest, longest) = (times().fold(f64::MAX, f64::min), times().fold(0.0, f64::max));
        let scale = LONGEST / (2.0 * longest / shortest).ln();
        for (line, &at) in lines.iter().enumerate() {
            let top = HEAD + LINE * line;
            let Some(taken) = row.times[at] else {
                text(&mut svg, left, top + LINE / 2 + 4, "start", "400", "–");
                continue;
            };
            let length = ((2.0 * taken / shortest).ln() * scale).round() as usize;
            rectangle(&mut svg, [left, top + (LINE - BAR) / 2, length, BAR], look(at).color);
            text(&mut svg, left + length + 4, top + LINE / 2 + 4, "start", look(at).weight, &time(taken));
        }
    }
    svg + "</svg>\n"
}

struct Look {
    color: &'static str,
    weight: &'static str,
}

fn look(at: usize) -> Look {
    match (ALL[at].name(), ALL[at].standing()) {
        (OURS, _) => Look { color: "#1d6fd8", weight: "700" },
        (_, Standing::Floor) => Look { color: "#5a6572", weight: "400" },
        (_, Standing::Complete) => Look { color: "#9aa5b1", weight: "400" },
        (_, Standing::Validating) => Look { color: "#b8c1cb", weight: "400" },
        _ => Look { color: "#d0d6dd", weight: "400" },
    }
}

fn rectangle(svg: &mut String, [x, y, width, height]: [usize; 4], color: &str) {
    let _ =
        writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"2\" fill=\"{color}\"/>");
}

fn text(svg: &mut String, x: usize, y: usize, anchor: &str, weight: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-weight=\"{weight}\">{text}</text>");
}
