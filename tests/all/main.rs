//! Whole-program tests with real photos, a real daemon and a real socket. They are one binary, so that tract is linked
//! once.

mod accuracy;
mod api;
mod architecture;
mod backup;
mod bombs;
mod bursts;
mod cameras;
mod damage;
mod decisions;
mod dupes;
mod hostile;
mod logs;
mod own_files;
mod packages;
mod photos;
mod readme;
mod running;
mod service;
mod storm;
mod support;
mod terminal;
mod tuning;
mod user_manager;
mod volumes;
mod watching;
