//! Tables in Markdown.

use std::fmt;

/// Rows of cells, the first row being the head.
#[derive(Default)]
pub struct Table(pub Vec<Vec<String>>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or_default();
        let width =
            |column: usize| self.0.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default().max(3)).collect();
        for (at, row) in self.0.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                // Names stand to the left, figures to the right.
                match column {
                    0 => write!(f, "| {cell:width$} ")?,
                    _ => write!(f, "| {cell:>width$} ")?,
                }
            }
            writeln!(f, "|")?;
            if at == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    let line = "-".repeat(width + 1);
                    write!(f, "{}", if column == 0 { format!("|{line}-") } else { format!("|{line}:") })?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// A time in nanoseconds, in three digits or more.
pub fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ns if ns < 10_000.0 => (ns, "ns"),
        ns if ns < 10_000_000.0 => (ns / 1e3, "µs"),
        ns => (ns / 1e6, "ms"),
    };
    format!("{value:.*} {unit}", decimals(value))
}

pub fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// What is missing is a dash.
pub fn cell(value: Option<f64>, format: impl FnOnce(f64) -> String) -> String {
    value.map_or_else(|| "-".into(), format)
}

fn decimals(value: f64) -> usize {
    match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    }
}
