//! Compares what a client and the daemon see at a path.

use std::io::ErrorKind;
use std::path::Path;

use crate::api::{Code, Problem};
use crate::catalog::roots::Roots;
use crate::intake::Rules;
use crate::sys::View;
use crate::sys::mounts::Mounts;

/// Compares the views of a client with those of the daemon. Mounts at excluded places do not count.
///
/// # Errors
/// If a view differs. The error names the first such path.
pub fn compare(theirs: &[View], roots: &Roots, rules: &Rules) -> Result<(), Problem> {
    let mounts = Mounts::now();
    for theirs in theirs {
        let root = roots.holding(&theirs.path);
        // A disk that does not answer is not accessed. Answers show that its root is offline.
        if root.is_some_and(|root| roots.state(root.id).is_some_and(|state| state.timeouts.retry_at.is_some())) {
            continue;
        }
        let is_hidden = |point: &Path| match root {
            Some(root) => point.strip_prefix(&root.path).is_ok_and(|below| rules.hide(&roots.path_for_rules(root, below))),
            None => point.strip_prefix(&theirs.path).is_ok_and(|below| rules.hide(below)),
        };
        let why = match View::of(&theirs.path, &mounts) {
            Ok(ours) => theirs.difference(&ours, is_hidden),
            Err(e) if e.kind() == ErrorKind::NotFound => Some("sees nothing there".into()),
            Err(e) => Some(format!("cannot access it ({e})")),
        };
        if let Some(why) = why {
            let message = format!("{} is not answered: the daemon (process {}) {why}", theirs.path.display(), std::process::id());
            return Err(Problem::new(Code::OtherView, message).hint("start a daemon that sees what you see: simctl restart"));
        }
    }
    Ok(())
}
