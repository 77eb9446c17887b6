//! `simctl pairs`: pairs of near photos.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::value::{RawValue, to_raw_value};

use super::dupes::line;
use crate::api::client::Piece;
use crate::api::query_of;
use crate::api::types::{FilePair, Pairs};
use crate::cli::args::PairsFormat;
use crate::cli::failure::{Failure, NOT_WHOLE};
use crate::cli::output::{Audience, Done, opened};
use crate::cli::progress::WhenFull;
use crate::cli::session::{Parameters, Prepared, Session, about, all_answering, prepare};
use crate::cli::text::escaped;
use crate::cli::whole;

pub async fn run(
    session: &Session,
    paths: &[PathBuf],
    max_distance: Option<f32>,
    format: PairsFormat,
    no_wait: bool,
    partial: bool,
) -> Done {
    let (places, is_answering) = all_answering(paths)?;
    if places.is_empty() {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    let client = session.daemon().await?;
    let when_full = if partial { WhenFull::GoOn } else { WhenFull::Wait };
    let Prepared { paths, is_whole, waited } = prepare(&client, &places, (!no_wait).then_some(when_full)).await?;
    if paths.is_empty() {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    let mut out = opened(Audience::Program);
    let mut print = |piece: Piece, json: &RawValue| match (format, piece) {
        (PairsFormat::Tsv, Piece::Item) => {
            let pair = serde_json::from_str(json.get()).map_err(io::Error::from)?;
            Ok::<_, Failure>(self::pair(&mut out, &pair)?)
        }
        (PairsFormat::Tsv, Piece::Begin | Piece::End) => Ok(()),
        (PairsFormat::Ndjson, Piece::End) => Ok(line(&mut out, &whole::settled(json, &waited)?)?),
        (PairsFormat::Ndjson | PairsFormat::Json, _) => Ok(line(&mut out, json)?),
    };
    let end = about(&paths, async |mut query: Parameters| {
        query.extend(max_distance.map(|d| ("max_distance", d.to_string().into())));
        if format == PairsFormat::Json {
            let mut answer: Pairs = client.ask("/v1/pairs", query_of(query)).await?;
            whole::settle(&mut answer.end, &waited);
            let json = to_raw_value(&answer).map_err(io::Error::from)?;
            print(Piece::Item, &json)?;
            return Ok(answer.end);
        }
        client.list("/v1/pairs", query_of(query), &mut print).await
    })
    .await?;
    out.flush()?;
    let places = whole::asked(&waited, end.places);
    whole::report(&places);
    let is_whole = is_whole && (is_answering || partial) && (no_wait || partial || whole::is_whole(&places, false));
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(NOT_WHOLE) })
}

fn pair(out: &mut impl Write, pair: &FilePair) -> io::Result<()> {
    write!(out, "{:.4}\t", pair.distance)?;
    out.write_all(&escaped(&pair.a))?;
    out.write_all(b"\t")?;
    out.write_all(&escaped(&pair.b))?;
    writeln!(out, "\t{}", pair.relation)
}
