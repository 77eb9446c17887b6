//! The state of the daemon, in parts. A thread gets the parts that it uses.

pub mod events;
pub mod health;
pub mod heartbeat;
pub mod lifecycle;
pub mod queue;
pub mod roots;
pub mod sync;
pub mod tuning;
pub mod version;

use std::sync::{Arc, Mutex, RwLock};

pub use events::Events;
pub use health::{Health, Part};
pub use lifecycle::Lifecycle;
pub use queue::Queue;
pub use roots::SharedRoots;
pub use sync::{Signal, lock, read, write};
pub use tuning::Tuning;

use self::version::OwnVersion;
use crate::catalog::generation::{BASE, BASE_VERSIONS, InUse, Versions};
use crate::config::{ReloadableSettings, Settings};
use crate::photo::Decisions;
use crate::store::{HeadRecord, Location};

/// The data that does not change while the daemon runs, and the settings that a reload changes.
pub struct Configuration {
    pub version: OwnVersion,
    /// The settings when the daemon started.
    pub settings: Settings,
    /// The current values of the settings that a reload changes.
    reloadable: RwLock<ReloadableSettings>,
    pub location: Location,
    /// The name of the backbone. A head fits one backbone.
    pub backbone: String,
    /// The name of the recipe of stored features.
    pub recipe: String,
}

impl Configuration {
    pub fn new(version: OwnVersion, settings: Settings, location: Location, backbone: String, recipe: String) -> Configuration {
        Configuration { reloadable: RwLock::new(settings.reloadable.clone()), version, settings, location, backbone, recipe }
    }

    pub fn reloadable(&self) -> ReloadableSettings {
        read(&self.reloadable).clone()
    }

    /// Replaces the settings that a reload changes, and returns the old ones.
    pub fn reload(&self, reloadable: ReloadableSettings) -> ReloadableSettings {
        std::mem::replace(&mut write(&self.reloadable), reloadable)
    }
}

/// The tuned heads, and the generation in use.
pub struct Heads {
    pub active: InUse,
    /// The version model in use.
    pub versions: RwLock<Arc<Versions>>,
    /// Held while heads are switched or removed, so that this happens one at a time.
    pub switching: Mutex<()>,
    /// All tuned heads.
    pub records: RwLock<Vec<HeadRecord>>,
    /// The names of stored heads that cannot be read. No other head can take them.
    pub unreadable: RwLock<Vec<String>>,
}

impl Heads {
    /// Whether a head has this name, also one that cannot be read.
    pub fn is_taken(&self, name: &str) -> bool {
        [BASE, BASE_VERSIONS].contains(&name)
            || read(&self.records).iter().any(|head| head.name == name)
            || read(&self.unreadable).iter().any(|head| head == name)
    }
}

/// All parts. Only `run`, which makes them, and `service`, which answers requests, have all of them.
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
    /// Wakes the notifier: clusters may have changed, or somebody began to listen.
    pub notify: Arc<Signal>,
}
