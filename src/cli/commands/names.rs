//! `simctl names`: the names that a shell completes. It is for the scripts of `completions`, and says nothing where no daemon runs.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use crate::api::client::{Client, Error};
use crate::api::types::{HeadList, RootList};
use crate::cli::args::NamesOf;
use crate::cli::output::{Audience, Done, output};
use crate::cli::session::Session;

pub async fn run(session: &Session, of: NamesOf) -> Done {
    let Ok(client) = session.running().await else { return Ok(ExitCode::SUCCESS) };
    let names = names(&client, of).await.unwrap_or_default();
    output(Audience::Program, |out| {
        // A line is a name, so a name with a line end cannot be completed.
        names.iter().filter(|name| !name.contains(&b'\n')).try_for_each(|name| out.write_all(name).and_then(|()| writeln!(out)))
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn names(client: &Client, of: NamesOf) -> Result<Vec<Vec<u8>>, Error> {
    Ok(match of {
        NamesOf::Heads => client.get::<HeadList>("/v1/heads").await?.heads.into_iter().map(|head| head.name.into_bytes()).collect(),
        NamesOf::Roots => {
            let RootList { roots } = client.get("/v1/roots").await?;
            // What is mounted in a folder is removed with the folder.
            let asked = roots.iter().filter(|root| root.inside.is_none());
            asked.map(|root| root.path.to_path().as_os_str().as_bytes().to_vec()).collect()
        }
    })
}
