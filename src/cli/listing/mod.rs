//! The text of clusters: what each photo of one is, in aligned columns. [`words`] says it, [`rows`] has the lines, [`layout`]
//! places them on a terminal, and [`order`] sorts.

pub mod layout;
pub mod order;
pub mod rows;
pub mod words;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use owo_colors::OwoColorize;

use crate::api::types::Cluster;
pub use layout::Layout;
pub use order::{Ordered, Unsure};
use rows::{Row, rows, title};

/// The heading of what an answer is not sure of, and what to do about it.
pub const UNSURE: [&str; 2] = [
    "Not sure: these are near, but the evidence does not decide what they are.",
    "simctl compare A B shows the evidence; simctl decide same|different A B settles it.",
];

/// Prints a cluster, or the stars of a series under one heading, with its number in the answer.
pub fn print(out: &mut impl Write, layout: &Layout, number: u64, stars: &[Cluster]) -> io::Result<()> {
    writeln!(out, "{} {}", format!("{number:>3}").bold(), title(stars))?;
    layout.write(out, &rows(stars).iter().collect::<Vec<&Row<'_>>>())?;
    writeln!(out)
}

/// Prints what is not sure. `printed`: the number of clusters that stand above it.
pub fn print_unsure(out: &mut impl Write, layout: &Layout, unsure: &Unsure, printed: u64) -> io::Result<()> {
    if unsure.is_empty() {
        return Ok(());
    }
    let [heading, help] = UNSURE;
    writeln!(out, "{}\n{}\n", heading.yellow().bold(), help.dimmed())?;
    for (number, cluster) in (printed + 1..).zip(&unsure.clusters) {
        print(out, layout, number, std::slice::from_ref(cluster))?;
    }
    let pairs = unsure.pairs();
    layout.write_pairs(out, &pairs)?;
    if unsure.has_more() {
        writeln!(out, "    {}", "further pairs are shown with --relation unknown".dimmed())?;
    }
    if pairs.is_empty() { Ok(()) } else { writeln!(out) }
}
