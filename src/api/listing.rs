//! Long answers: a line for each item, sent while they are computed, or one JSON object.

use std::ops::ControlFlow;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::Take;
use super::problem::Problem;
use super::types::{Line, Listing};

pub const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

/// The bytes of a chunk. The first item is sent alone.
const CHUNK_BYTES: usize = 64 << 10;

/// Whether a client requests lines.
pub fn accepts_lines(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(NDJSON)))
}

/// Sends the lines of `make`, which runs on its own thread. `make` never waits for the client: what the client has
/// not read is buffered.
///
/// # Errors
/// If `make` fails before the first item. A later error breaks the answer off.
pub async fn send_lines<T: Serialize>(make: impl FnOnce(Take<'_, T>) -> Result<(), Problem> + Send + 'static) -> Result<Response, Problem> {
    let (out, mut pieces) = unbounded_channel();
    tokio::task::spawn_blocking(move || {
        let client = out.clone();
        let mut writer = LineWriter { text: Vec::new(), items: 0, out };
        let made = make(Take { line: &mut |line| writer.write(&line), is_wanted: &|| !client.is_closed() });
        writer.finish(made);
    });
    let first = pieces.recv().await.unwrap_or_else(|| Err(Problem::internal("the answer broke off")))?;
    let rest = stream::unfold(pieces, async |mut pieces| {
        let piece: Result<Bytes, Problem> = pieces.recv().await?;
        Some((piece.map_err(|problem| problem.message), pieces))
    });
    let body = Body::from_stream(stream::StreamExt::chain(stream::iter([Ok(first)]), rest));
    Ok(([(header::CONTENT_TYPE, NDJSON)], body).into_response())
}

/// Sends the lines of `make`, which runs on its own thread, as one object when all of them are there.
///
/// # Errors
/// The errors of `make`.
pub async fn send_object<L: Listing>(
    make: impl FnOnce(Take<'_, L::Item>) -> Result<(), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (reply, answer) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let object = collect::<L>(make, &|| !reply.is_closed());
        let json = object.and_then(|object| serde_json::to_vec(&object).map_err(Problem::internal));
        let _ = reply.send(json);
    });
    let json = answer.await.map_err(Problem::internal)??;
    Ok(([(header::CONTENT_TYPE, JSON)], json).into_response())
}

fn collect<L: Listing>(make: impl FnOnce(Take<'_, L::Item>) -> Result<(), Problem>, is_wanted: &dyn Fn() -> bool) -> Result<L, Problem> {
    let (mut first, mut items, mut last) = (None, Vec::new(), None);
    let mut line = |line: Line<L::Item>| {
        match line {
            Line::Begin { begin } => first = Some(begin),
            Line::Item(item) => items.push(item),
            Line::End { end } => last = Some(end),
        }
        if is_wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    make(Take { line: &mut line, is_wanted })?;
    let (begin, end) = first.zip(last).ok_or_else(|| Problem::internal("the answer broke off"))?;
    Ok(L::new(begin, items, end))
}

struct LineWriter {
    text: Vec<u8>,
    items: usize,
    out: UnboundedSender<Result<Bytes, Problem>>,
}

impl LineWriter {
    fn write<T: Serialize>(&mut self, line: &Line<T>) -> ControlFlow<()> {
        serde_json::to_writer(&mut self.text, line).expect("these types have a form in JSON, and memory takes it");
        self.text.push(b'\n');
        self.items += usize::from(matches!(line, Line::Item(_)));
        if self.text.len() >= CHUNK_BYTES || self.items == 1 {
            self.flush();
        }
        // A client that disconnected needs no more.
        if self.out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            let _ = self.out.send(Ok(std::mem::take(&mut self.text).into()));
        }
    }

    fn finish(&mut self, made: Result<(), Problem>) {
        match made {
            Ok(()) => self.flush(),
            Err(problem) => drop(self.out.send(Err(problem))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::api::types::{Begin, End, FilePair, Pairs, PathText, SCHEMA};
    use crate::photo::{Coverage, LeftOut, Relation};

    fn lines(items: usize) -> Vec<Line<FilePair>> {
        let path = |number: usize| PathText { path: format!("/{number}"), path_bytes: None };
        let pair = |n| FilePair { distance: 0.25, a: path(n), b: path(n + 1), relation: Relation::Copy, offline: false };
        let begin = Begin { schema: SCHEMA, version: SCHEMA, threshold: 0.5, head: "base".into() };
        let end = End {
            whole: true,
            places: Vec::new(),
            series: 0,
            parts: 0,
            unknown: 0,
            found: BTreeMap::new(),
            held_apart: BTreeMap::new(),
            shots: 0,
            outside: 0,
            coverage: Coverage::default(),
            unsupported_formats: BTreeMap::new(),
            left_out: LeftOut::default(),
            next: None,
        };
        let first = std::iter::once(Line::Begin { begin });
        first.chain((0..items).map(|n| Line::Item(pair(n)))).chain([Line::End { end }]).collect()
    }

    fn object(lines: Vec<Line<FilePair>>) -> Result<Pairs, Problem> {
        collect(
            |take| {
                let _ = lines.into_iter().try_for_each(take.line);
                Ok(())
            },
            &|| true,
        )
    }

    fn sent(lines: &[Line<FilePair>]) -> Vec<Line<FilePair>> {
        let (out, mut pieces) = unbounded_channel();
        let mut writer = LineWriter { text: Vec::new(), items: 0, out };
        lines.iter().for_each(|line| assert!(writer.write(line).is_continue()));
        writer.finish(Ok(()));
        let mut text = Vec::new();
        while let Ok(piece) = pieces.try_recv() {
            text.extend(piece.expect("no problem"));
        }
        String::from_utf8(text).expect("UTF-8").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn an_object_holds_what_the_lines_do() {
        for items in [0, 1, 2, 20_000] {
            let sent = sent(&lines(items));
            assert!(matches!(sent[..], [Line::Begin { .. }, .., Line::End { .. }]));
            let json = |lines| serde_json::to_value(object(lines).expect("is whole")).expect("JSON");
            let whole = json(lines(items));
            assert_eq!(whole["pairs"].as_array().map(Vec::len), Some(items));
            assert_eq!(json(sent), whole);
        }
    }

    #[test]
    fn an_object_is_whole_or_an_error() {
        let mut cut = lines(3);
        cut.pop();
        assert!(object(cut).is_err());
        assert!(object(Vec::new()).is_err());
    }

    #[test]
    fn a_client_that_has_left_ends_the_work() {
        let mut made = 0;
        let left: Result<Pairs, Problem> = collect(
            |take| {
                assert!(!(take.is_wanted)(), "it is seen before the first line");
                made = lines(100).into_iter().take_while(|line| (take.line)(line.clone()).is_continue()).count();
                Ok(())
            },
            &|| false,
        );
        assert!(left.is_err() && made == 0);
    }
}
