//! `simctl missing`: whether everything in a folder is in the library.

use crate::cli::missing;
use crate::cli::missing::arguments::MissingArguments;
use crate::cli::output::Done;
use crate::cli::session::Session;

pub async fn run(session: &Session, options: &MissingArguments) -> Done {
    missing::run(session, options).await
}
