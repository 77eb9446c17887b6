//! Long answers, sent while they are computed: one JSON object, or a line for each item.

use std::ops::ControlFlow;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::Take;
use super::problem::Problem;
use super::types::Line;

pub const NDJSON: &str = "application/x-ndjson";

/// The bytes of a chunk. The first item is sent alone.
const CHUNK_BYTES: usize = 64 << 10;

/// The form of an answer.
#[derive(Clone, Copy)]
pub enum Form {
    /// One object, the items under this name.
    Object(&'static str),
    Lines,
}

impl Form {
    /// The form that a client requests.
    pub fn accepted(headers: &HeaderMap, items: &'static str) -> Form {
        let accepts = headers.get_all(header::ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(NDJSON)));
        if accepts { Form::Lines } else { Form::Object(items) }
    }
}

/// Sends the items of `make`, which runs on its own thread. `make` never waits for the client: what the client has
/// not read is buffered.
///
/// # Errors
/// If `make` fails before the first item. A later error breaks the answer off.
pub async fn send<T: Serialize>(
    form: Form,
    make: impl FnOnce(Take<'_, T>) -> Result<(), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (out, mut pieces) = unbounded_channel();
    tokio::task::spawn_blocking(move || {
        let mut writer = Writer { form, text: Vec::new(), items: 0, out };
        let made = make(&mut |line| writer.write(&line));
        writer.finish(made);
    });
    let first = pieces.recv().await.unwrap_or_else(|| Err(Problem::internal("the answer broke off")))?;
    let rest = stream::unfold(pieces, async |mut pieces| {
        let piece: Result<Bytes, Problem> = pieces.recv().await?;
        Some((piece.map_err(|problem| problem.message), pieces))
    });
    let body = Body::from_stream(stream::StreamExt::chain(stream::iter([Ok(first)]), rest));
    let kind = if matches!(form, Form::Lines) { NDJSON } else { "application/json" };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

struct Writer {
    form: Form,
    text: Vec<u8>,
    items: usize,
    out: UnboundedSender<Result<Bytes, Problem>>,
}

impl Writer {
    fn write<T: Serialize>(&mut self, line: &Line<T>) -> ControlFlow<()> {
        match (self.form, line) {
            (Form::Lines, line) => {
                self.json(line);
                self.text.push(b'\n');
            }
            (Form::Object(items), Line::Begin { begin }) => {
                self.json(begin);
                // The object begins with the fields of the beginning, then its items.
                self.text.pop();
                self.text.extend_from_slice(format!(",\"{items}\":[").as_bytes());
            }
            (Form::Object(_), Line::Item(item)) => {
                if self.items > 0 {
                    self.text.push(b',');
                }
                self.json(item);
            }
            (Form::Object(_), Line::End { end }) => {
                self.text.extend_from_slice(b"],");
                let start = self.text.len();
                self.json(end);
                self.text.remove(start);
            }
        }
        self.items += usize::from(matches!(line, Line::Item(_)));
        if self.text.len() >= CHUNK_BYTES || self.items == 1 {
            self.flush();
        }
        // A client that disconnected needs no more.
        if self.out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn json(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.text, value).expect("these types have a form in JSON, and memory takes it");
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
    use serde_json::Value;

    use super::*;
    use crate::api::types::{Begin, End};
    use crate::photo::Coverage;

    fn written(form: Form, items: usize) -> String {
        let (out, mut pieces) = unbounded_channel();
        let mut writer = Writer { form, text: Vec::new(), items: 0, out };
        let _ = writer.write::<usize>(&Line::Begin { begin: Begin { version: 1, threshold: 0.5, head: "base".into() } });
        (0..items).for_each(|item| assert!(writer.write(&Line::Item(item)).is_continue()));
        let _ = writer.write::<usize>(&Line::End { end: End { coverage: Coverage::default(), next: None } });
        writer.finish(Ok(()));
        let mut text = Vec::new();
        while let Ok(piece) = pieces.try_recv() {
            text.extend(piece.expect("no problem"));
        }
        String::from_utf8(text).expect("UTF-8")
    }

    #[test]
    fn an_object_holds_what_the_lines_do() {
        for items in [0, 1, 2, 20_000] {
            let object: Value = serde_json::from_str(&written(Form::Object("numbers"), items)).expect("JSON");
            assert_eq!(object["numbers"].as_array().map(Vec::len), Some(items));
            assert_eq!((&object["head"], &object["coverage"]["indexed"]), (&Value::from("base"), &Value::from(0)));
            let lines = written(Form::Lines, items);
            let lines: Vec<Line<usize>> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert_eq!(lines.len(), items + 2);
            assert!(matches!(lines[..], [Line::Begin { .. }, .., Line::End { .. }]));
        }
    }
}
