//! Standard output: coloured text for people, plain bytes for programs.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use super::args::TextFormat;
use super::failure::{Failure, Unwritten};
use crate::api::types::Versioned;

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
        Audience::Person => Box::new(Marked(anstream::AutoStream::auto(stdout))),
        Audience::Program => Box::new(Marked(stdout)),
    })
}

/// Another output, such as a pager, whose errors are marked as those of standard output.
pub fn marked(out: impl Write + 'static) -> Output {
    io::BufWriter::new(Box::new(Marked(out)))
}

/// Standard output, whose errors are marked.
struct Marked<W>(W);

impl<W: Write> Write for Marked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(Unwritten::mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(Unwritten::mark)
    }
}

/// Writes to standard output. If the reader closes the pipe, the program ends without a message.
pub fn output(audience: Audience, write: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = opened(audience);
    write(&mut out)?;
    Ok(out.flush()?)
}

/// Writes a document as JSON that people can read, too.
pub fn put_json(document: &Value) -> Done {
    output(Audience::Program, |out| writeln!(out, "{document:#}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes an answer as text, or as JSON with the version of its form.
pub fn show<T: Serialize>(format: TextFormat, answer: &T, text: impl FnOnce(&mut Output, &T) -> io::Result<()>) -> Done {
    let audience = if format == TextFormat::Text { Audience::Person } else { Audience::Program };
    output(audience, |out| match format {
        TextFormat::Text => text(out, answer),
        TextFormat::Json => {
            serde_json::to_writer(&mut *out, &Versioned::of(answer))?;
            writeln!(out)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::UNWRITTEN;

    /// A disk that fails.
    struct Failing;

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(rustix::io::Errno::IO.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(rustix::io::Errno::IO.into())
        }
    }

    #[test]
    fn an_error_keeps_its_mark_through_buffers_and_serde() {
        let written = writeln!(Marked(Failing), "text").map_err(Failure::from);
        assert_eq!(written.expect_err("it fails").code, UNWRITTEN);
        let mut out = io::BufWriter::new(Marked(Failing));
        assert!(out.write_all(b"text").is_ok());
        assert_eq!(Failure::from(out.flush().expect_err("it fails")).code, UNWRITTEN);
        let json = serde_json::to_writer(Marked(Failing), &[1]).map_err(io::Error::from);
        assert_eq!(Failure::from(json.expect_err("it fails")).code, UNWRITTEN);
    }
}
