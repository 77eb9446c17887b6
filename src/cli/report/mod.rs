//! A page for a browser: clusters with the kept pictures of their photos. It needs nothing but itself, and asks for nothing.

use std::collections::HashMap;
use std::io::{self, Write};
use std::slice::from_ref;

use super::failure::Failure;
use super::listing::rows::{Look, NoteKind, Row, rows, title};
use super::listing::{Layout, UNSURE, Unsure};
use super::summary::Summary;
use super::text::shown;
use crate::api::client::Client;
use crate::api::types::{Cluster, KeptPictures};
use crate::api::{query_of, text_of};

/// How the page looks, in light, in dark and on paper.
const STYLE: &str = include_str!("style.css");

/// A browser that reads this loads nothing and runs nothing: the pictures are in the page.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Pictures are in the page up to this number of bytes, so that a browser opens it. Further clusters have none.
const MAX_PICTURE_BYTES: usize = 50_000_000;

/// The pictures that are asked for at once.
const BATCH: usize = 64;

/// What a page shows.
pub struct Report<'a> {
    pub layout: &'a Layout,
    pub groups: &'a [Vec<Cluster>],
    pub unsure: &'a Unsure,
    pub summary: &'a Summary,
}

/// Writes the page.
///
/// # Errors
/// If it cannot be written, or the daemon does not answer.
pub async fn write(out: &mut impl Write, client: &Client, report: &Report<'_>) -> Result<(), Failure> {
    head(out, report)?;
    let mut pictures = Pictures { client, bytes: 0 };
    let mut number = 0;
    for stars in report.groups {
        number += 1;
        let kept = pictures.of(stars).await?;
        cluster(out, report.layout, number, stars, &kept)?;
    }
    if !report.unsure.is_empty() {
        let [heading, help] = UNSURE.map(text);
        writeln!(out, "<h2 class=unsure>{heading}</h2>\n<p>{help}</p>")?;
        for star in &report.unsure.clusters {
            number += 1;
            let kept = pictures.of(from_ref(star)).await?;
            cluster(out, report.layout, number, from_ref(star), &kept)?;
        }
        pairs(out, report)?;
    }
    if pictures.bytes >= MAX_PICTURE_BYTES {
        writeln!(
            out,
            "<p class=unsure>The last clusters have no pictures, or the page would be too large: --limit and --sort choose clusters.</p>"
        )?;
    }
    writeln!(out, "</main>\n</body>\n</html>")?;
    Ok(())
}

/// The kept pictures of a daemon.
struct Pictures<'a> {
    client: &'a Client,
    /// Those that are in the page.
    bytes: usize,
}

impl Pictures<'_> {
    /// Returns the pictures of clusters, in base64, by their picture hashes. None once there are enough in the page.
    async fn of(&mut self, stars: &[Cluster]) -> Result<HashMap<String, String>, Failure> {
        let photos: Vec<&str> =
            stars.iter().flat_map(|star| &star.photos).map(|photo| photo.picture.as_str()).filter(|p| !p.is_empty()).collect();
        let mut found = HashMap::new();
        for batch in photos.chunks(BATCH) {
            if self.bytes >= MAX_PICTURE_BYTES {
                break;
            }
            let answer: KeptPictures = self.client.ask("/v1/pictures", query_of(batch.iter().map(|picture| ("picture", picture)))).await?;
            for kept in answer.pictures {
                self.bytes += kept.jpeg.len();
                found.insert(kept.picture, kept.jpeg);
            }
        }
        Ok(found)
    }
}

fn head(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    writeln!(out, "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>")?;
    writeln!(out, "<meta http-equiv=Content-Security-Policy content=\"{POLICY}\">")?;
    writeln!(out, "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<meta name=color-scheme content=\"light dark\">")?;
    writeln!(out, "<title>Versions of photos</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>Versions of photos</h1>")?;
    if let Some(base) = &report.layout.base {
        writeln!(out, "<p>Paths are relative to <code>{}</code>.</p>", text(&text_of(base).path))?;
    }
    let Summary { sentences, totals, advice, about } = report.summary;
    sentences.iter().try_for_each(|sentence| writeln!(out, "<p><strong>{}</strong></p>", text(sentence)))?;
    if !totals.is_empty() {
        writeln!(out, "<table class=totals>")?;
        for total in totals {
            let class = if total.is_doubtful { " class=unsure" } else { "" };
            let [what, amount, command] = [&total.what, &total.amount, &total.command].map(|told| text(told));
            writeln!(out, "<tr{class}><td>{what}</td><td>{amount}</td><td><code>{command}</code></td></tr>")?;
        }
        writeln!(out, "</table>")?;
    }
    for [what, command] in advice {
        writeln!(out, "<p>{} <code>{}</code></p>", text(what), text(command))?;
    }
    about.iter().try_for_each(|line| writeln!(out, "<p class=quiet>{}</p>", text(line)))?;
    writeln!(out, "</header>\n<main>")
}

fn cluster(out: &mut impl Write, layout: &Layout, number: u64, stars: &[Cluster], pictures: &HashMap<String, String>) -> io::Result<()> {
    writeln!(out, "<section>\n<h2><span>{number}</span> {}</h2>\n<ul>", text(&title(stars)))?;
    rows(stars).iter().try_for_each(|row| file(out, layout, row, pictures))?;
    writeln!(out, "</ul>\n</section>")
}

fn file(out: &mut impl Write, layout: &Layout, row: &Row<'_>, pictures: &HashMap<String, String>) -> io::Result<()> {
    let class = match row.look {
        Look::Source => "source",
        Look::Plain => "version",
        Look::Dimmed => "beside",
    };
    write!(out, "<li class={class}>")?;
    match row.picture.and_then(|picture| pictures.get(picture)) {
        // Only what base64 has can be in it: an older or broken daemon writes no tag.
        Some(jpeg) if jpeg.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) => {
            write!(out, "<img alt=\"\" loading=lazy decoding=async src=\"data:image/jpeg;base64,{jpeg}\">")?;
        }
        _ => write!(out, "<div class=none></div>")?,
    }
    let [what, distance, size, format, bytes] = row.columns.each_ref().map(|told| text(told));
    write!(out, "<p class=what>{what}")?;
    if !distance.is_empty() {
        write!(out, " <span class=distance title=\"distance to the source: 0 is the same picture\">{distance}</span>")?;
    }
    write!(out, "</p><p class=name>{}</p>", text(&layout.path(row.path)))?;
    let told = [&size, &format, &bytes, &text(&row.time)].into_iter().filter(|told| !told.is_empty()).cloned().collect::<Vec<_>>();
    write!(out, "<p class=quiet>{}</p>", told.join(" · "))?;
    for note in &row.notes {
        write!(out, "<p class={}>{}</p>", if note.kind == NoteKind::Warning { "unsure" } else { "quiet" }, text(&note.words))?;
    }
    writeln!(out, "</li>")
}

fn pairs(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    let pairs = report.unsure.pairs();
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(out, "<table>")?;
    for (two, distance) in pairs {
        let [first, second] = two.each_ref().map(|path| text(&report.layout.path(path)));
        writeln!(out, "<tr><td>{distance:.2}</td><td class=name>{first}</td><td class=name>{second}</td></tr>")?;
    }
    writeln!(out, "</table>")
}

/// A text of a page. What a terminal obeys is replaced here too: it would turn a name around.
fn text(told: &str) -> String {
    let mut out = String::with_capacity(told.len());
    for c in shown(told).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_and_ends_no_tag() {
        let hostile = "<img src=x onerror=\"alert('1')\">&\u{202e}\u{1b}[31m\n.jpg";
        assert_eq!(text(hostile), "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\u{fffd}\u{fffd}[31m\u{fffd}.jpg");
    }

    #[test]
    fn the_page_can_ask_for_nothing() {
        assert!(POLICY.starts_with("default-src 'none'") && !POLICY.contains("http"));
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
        for (open, close) in [('{', '}'), ('(', ')')] {
            assert_eq!(STYLE.matches(open).count(), STYLE.matches(close).count());
        }
        assert!(STYLE.contains("prefers-color-scheme: dark") && STYLE.contains("@media print"));
    }
}
