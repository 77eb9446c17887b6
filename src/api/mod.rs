//! HTTP and JSON under `/v1` on a Unix socket: the types, the routes, a server and a client.
//!
//! The server knows the daemon only as a [`Service`].

mod app;
mod asked;
pub mod client;
mod events;
mod listing;
mod openapi;
mod paths;
mod problem;
mod query;
mod routes;
mod server;
mod service;
mod shell;
pub mod types;
mod uploads;

pub use asked::parameters_of;
pub use paths::{query_of, text_of};
pub use problem::{Code, Problem};
pub use routes::document;
pub use server::serve;
pub use service::{Gone, Service, Switch, Take};
pub use shell::{is_obeyed, shell_word};

/// The protocol version. Raise it when an older simctl could misread an answer.
pub const PROTOCOL: u32 = 9;

#[cfg(test)]
mod tests {
    use super::PROTOCOL;

    #[test]
    fn the_page_names_the_protocol() {
        assert!(include_str!("../../docs/api.md").contains(&format!("It is {PROTOCOL}.")));
    }
}
