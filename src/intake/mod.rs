//! Finding the files to read: the scan, which is authoritative, and the watch, whose events are hints.

mod clock;
mod rules;
mod scan;
mod settle;
mod volume;
mod watch;

pub use clock::Clock;
pub use rules::Rules;
pub use scan::{Change, Found, compare, stamp_like, walk};
pub use settle::{Settle, Writing};
pub use volume::{Volume, Volumes};
pub use watch::{Hint, Watch};
