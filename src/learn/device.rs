//! The backends of Burn. No other module names them.

use burn::tensor::Device;
// A dependency only to pin its version with Burn's.
#[cfg(feature = "ndarray")]
#[allow(deprecated)]
use burn_ndarray as _;

#[cfg(not(any(feature = "flex", feature = "ndarray")))]
compile_error!("a backend of Burn is needed: enable the feature flex or ndarray");

/// The backends in this build. The first is used for tuning.
pub fn devices() -> Vec<(&'static str, Device)> {
    vec![
        #[cfg(feature = "flex")]
        ("flex", Device::flex()),
        #[cfg(feature = "ndarray")]
        // Deprecated by Burn in favour of flex. It stays as long as Burn has it, because this project is required to
        // support it.
        #[allow(deprecated)]
        ("ndarray", Device::ndarray()),
    ]
}

/// The backend that tunes.
pub fn device() -> Device {
    devices().swap_remove(0).1
}
