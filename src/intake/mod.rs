//! Finding the files to read: the scan, which is authoritative, and the watch, whose events are hints.

mod clock;
mod debounce;
mod links;
mod reread;
mod rules;
mod scan;
mod submounts;
mod volume;
mod watch;

pub use clock::Clock;
pub use debounce::{Debounce, Heard, Writing};
pub use reread::RereadLimit;
pub use rules::Rules;
pub use scan::{Change, Found, compare, compare_others, stamp_like, walk};
pub use submounts::Submounts;
pub use volume::{Volume, Volumes};
pub use watch::{Hint, Watch};
