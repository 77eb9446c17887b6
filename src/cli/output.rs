//! Standard output: coloured text for people, plain bytes for programs.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::args::TextFormat;
use super::failure::Failure;

pub type Done = Result<ExitCode, Failure>;

pub type Output = io::BufWriter<Box<dyn Write>>;

/// Who reads the output.
#[derive(Clone, Copy)]
pub enum Audience {
    /// Colours, if the terminal supports them.
    Person,
    /// Bytes without colours.
    Program,
}

pub fn opened(audience: Audience) -> Output {
    let stdout = io::stdout().lock();
    io::BufWriter::new(match audience {
        Audience::Person => Box::new(anstream::AutoStream::auto(stdout)),
        Audience::Program => Box::new(stdout),
    })
}

/// Writes to standard output. If the reader closes the pipe, the program ends without a message.
pub fn output(audience: Audience, write: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = opened(audience);
    write(&mut out)?;
    Ok(out.flush()?)
}

/// Writes an answer as text or as JSON.
pub fn show<T: Serialize>(format: TextFormat, answer: &T, text: impl FnOnce(&mut Output, &T) -> io::Result<()>) -> Done {
    let audience = if format == TextFormat::Text { Audience::Person } else { Audience::Program };
    output(audience, |out| match format {
        TextFormat::Text => text(out, answer),
        TextFormat::Json => {
            serde_json::to_writer(&mut *out, answer)?;
            writeln!(out)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
