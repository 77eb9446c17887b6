//! What Burn computes with, named here and nowhere else.

use burn::tensor::Device;

/// The backends in this build, the one that is used first.
pub fn devices() -> Vec<(&'static str, Device)> {
    vec![
        #[cfg(any(feature = "flex", test))]
        ("flex", Device::flex()),
        #[cfg(any(feature = "ndarray", test))]
        // Burn calls it deprecated in favour of flex; while it is there it is what this project was asked for.
        #[allow(deprecated)]
        ("ndarray", Device::ndarray()),
    ]
}

/// The backend that tunes.
pub fn device() -> Device {
    devices().swap_remove(0).1
}
