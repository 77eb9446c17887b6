//! What the operating system says and does, in terms that no other module owns.
//!
//! What only Linux has is in files of its own; elsewhere their functions say that there is nothing.

#[cfg(target_os = "linux")]
pub mod fence;
pub mod mounts;
mod view;

pub use view::View;
