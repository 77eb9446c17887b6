//! similard: finds the versions of one photo (crops, sizes, edits) in a photographer's folders.
//!
//! Two laws:
//!
//! 1. An event is a hint, the scan is the truth, the database is the memory. A lost event costs
//!    time, never a photo; whatever is in memory can be rebuilt from SQLite and the disk.
//! 2. Mechanisms know only the domain types of [`photo`]. [`catalog`] answers questions with them, and [`daemon`] alone
//!    joins all with threads and channels.
//!
//! The way of a photo:
//!
//! ```text
//! notify ─┐
//!         ├→ intake ──→ vision: identify → decode → prepare → backbone ──→ store ──→ likeness: head → pairs, verified → clusters
//! scan ───┘             (a pool of children reads hostile bytes)           (one writer)             │
//!                                                                                        api ──→ simctl
//! ```
//!
//! [`learn`] knows the edits that make versions of a photo, tunes the head on them with Burn, and measures
//! how well distances find them.
//!
//! Six crops of each photo go through the backbone beside the whole, so that a crop is near what it shows; and its
//! keypoints are kept, by which a pair in doubt is verified geometrically.
//! Decoding and the backbone run once for each photo; head, pairs and clusters can be made again
//! at any time from what is stored.

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
