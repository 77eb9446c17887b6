//! `simctl similar`: the photos of the library nearest to a file.

use std::io::{self, Write};
use std::path::Path;

use owo_colors::OwoColorize;

use crate::api::query_of;
use crate::api::types::Similar;
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::session::{Session, read};
use crate::cli::text::{bytes, shown};

pub async fn run(session: &Session, file: &Path, count: usize, head: Option<&str>, format: TextFormat) -> Done {
    let bytes = read(file)?;
    let count = count.to_string();
    let query = [("k", count.as_bytes())].into_iter().chain(head.map(|name| ("head", name.as_bytes())));
    let answer: Similar = session.daemon().await?.post(&format!("/v1/similar?{}", query_of(query)), bytes).await?;
    show(format, &answer, print)
}

fn print(out: &mut impl Write, similar: &Similar) -> io::Result<()> {
    for near in &similar.similar {
        let photo = &near.photo;
        let size = format!("{} × {}", photo.width, photo.height);
        let relation = near.relation.to_string();
        writeln!(
            out,
            "{}  {relation:<9}  {size:>13}  {:>10}  {}",
            format!("{:.4}", near.distance).bold(),
            bytes(photo.bytes),
            shown(&photo.path.path)
        )?;
    }
    Ok(())
}
