//! What Ctrl-C does while a command waits for the daemon, and while a pager shows an answer.

use std::process::exit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use super::failure::{Failure, INTERRUPTED};
use super::text::tell;

/// What this process does. Ctrl-C ends it, except where it says otherwise.
static DOING: AtomicU8 = AtomicU8::new(OTHER);

const OTHER: u8 = 0;
/// The caller waits for Ctrl-C too.
const WAITING: u8 = 1;
/// A pager shows the answer. It gets the same Ctrl-C, and stays.
const PAGED: u8 = 2;

/// Until it is dropped, Ctrl-C does not end this process.
pub struct Heeded(u8);

impl Drop for Heeded {
    fn drop(&mut self) {
        DOING.store(self.0, Ordering::SeqCst);
    }
}

/// From now on the caller waits for Ctrl-C itself, by [`pressed`].
pub fn while_waiting() -> Heeded {
    doing(WAITING)
}

/// From now on a pager shows the answer.
pub fn while_paged() -> Heeded {
    doing(PAGED)
}

fn doing(what: u8) -> Heeded {
    // Once this process hears of Ctrl-C, the system does not end it any more, so it ends itself.
    static HEARD: OnceLock<()> = OnceLock::new();
    HEARD.get_or_init(|| {
        drop(tokio::spawn(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if DOING.load(Ordering::SeqCst) == OTHER {
                    exit(INTERRUPTED.into());
                }
            }
        }));
    });
    Heeded(DOING.swap(what, Ordering::SeqCst))
}

/// Waits for Ctrl-C.
pub async fn pressed() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Says that the daemon goes on. Returns the end of the command.
pub fn reads_on() -> Failure {
    tell("the daemon continues to read, so the next answer will come sooner; simctl status shows its progress, simctl stop ends it");
    Failure { message: String::new(), hint: None, code: INTERRUPTED }
}
