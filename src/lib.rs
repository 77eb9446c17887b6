//! similard finds the versions of one photo (crops, sizes, edits) in a photographer's folders.
//!
//! Two rules:
//!
//! 1. An event is a hint, the scan decides, the database remembers. A lost event delays a photo and never loses it.
//!    Everything in memory can be made again from SQLite and the disk.
//! 2. The lower folders know only the domain types of [`photo`]. [`catalog`] answers questions with them. Only
//!    [`daemon`] connects them with threads and channels.
//!
//! The path of a photo:
//!
//! ```text
//! notify ─┐
//!         ├→ intake ─→ vision: identify → decode → prepare → backbone ─→ store ─→ likeness: head → pairs, verified → clusters
//! scan ───┘            (decoder sandbox reads the bytes)         (one writer)               │
//!                                                                             catalog ─→ api ─→ simctl
//! ```
//!
//! [`learn`] contains the edits that make versions of a photo, tunes the head on them with Burn, and measures how well
//! distances find them.
//!
//! The backbone sees each photo whole, turned by a quarter, and in five crops, so a crop is near its photo. Keypoints of a
//! photo are stored, to verify doubtful pairs geometrically. Decoding and the backbone run once for each photo. Head,
//! pairs and clusters can be made again at any time from what is stored.

// Tests and benches have dependencies of their own.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

pub mod api;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod intake;
pub mod learn;
pub mod likeness;
pub mod photo;
pub mod store;
pub mod sys;
pub mod vision;
