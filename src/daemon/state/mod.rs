//! The daemon's state, in parts: a thread is given the parts that it uses.

pub mod events;
pub mod health;
pub mod heartbeat;
pub mod lifecycle;
pub mod queue;
pub mod roots;
pub mod sync;
pub mod tuning;

use std::sync::{Arc, Mutex, RwLock};

pub use events::Events;
pub use health::Health;
pub use lifecycle::Lifecycle;
pub use queue::Queue;
pub use roots::SharedRoots;
pub use sync::{Signal, lock, read, write};
pub use tuning::Tuning;

use crate::api::types::Version;
use crate::catalog::generation::Generation;
use crate::config::{Live, Settings};
use crate::photo::Decisions;
use crate::store::{HeadRecord, Location};

/// What does not change while the daemon runs, and the settings that a reload changes.
pub struct Configuration {
    pub version: Version,
    /// As they were when the daemon started.
    pub settings: Settings,
    /// Those of them that a reload changes.
    live: RwLock<Live>,
    pub location: Location,
    /// Names the weights that the daemon runs: heads are for them.
    pub backbone: String,
    /// Names these and how crops are taken: stored features are for it.
    pub recipe: String,
}

impl Configuration {
    pub fn new(version: Version, settings: Settings, location: Location, backbone: String, recipe: String) -> Configuration {
        Configuration { live: RwLock::new(settings.live.clone()), version, settings, location, backbone, recipe }
    }

    pub fn live(&self) -> Live {
        read(&self.live).clone()
    }

    /// Takes over other settings; returns those from before.
    pub fn reload(&self, live: Live) -> Live {
        std::mem::replace(&mut write(&self.live), live)
    }
}

/// The heads, and the generation of the one that answers.
pub struct Heads {
    /// The one that answers, with its embeddings.
    pub active: RwLock<Generation>,
    /// One head takes over at a time.
    pub switching: Mutex<()>,
    /// All heads that were tuned.
    pub records: RwLock<Vec<HeadRecord>>,
}

/// All parts. Only `run`, which makes them, and `service`, which answers from them, have it whole.
#[derive(Clone)]
pub struct State {
    pub configuration: Arc<Configuration>,
    pub roots: Arc<SharedRoots>,
    pub heads: Arc<Heads>,
    pub decisions: Arc<RwLock<Decisions>>,
    pub events: Arc<Events>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub tuning: Arc<Tuning>,
    /// Wakes the notifier: clusters may be others now, or somebody wants to know.
    pub notify: Arc<Signal>,
}
