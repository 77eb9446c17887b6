//! The files of a shot in the row of one of them.

use std::collections::HashSet;
use std::iter::once;

use super::text::shown;
use crate::api::types::{Cluster, PathText, PhotoFile, ShotFile};
use crate::photo::ShotFileKind;

/// Tells of each file of a cluster whether it has a row of its own. If it is in the shot of an earlier one, it is told in the row of that.
pub fn own_rows<'a>(cluster: &'a Cluster) -> Vec<Vec<bool>> {
    let mut told: HashSet<&PathText> = HashSet::new();
    let mut has_row = |file: &'a PhotoFile| {
        let PhotoFile { path, also, shot, .. } = file;
        let is_told = !cluster.within_shots && !shot.is_empty() && once(path).chain(also).any(|name| told.contains(name));
        told.extend(shot.iter().map(|of| &of.path));
        !is_told
    };
    cluster.photos.iter().map(|photo| photo.files.iter().map(&mut has_row).collect()).collect()
}

/// The other files of a shot, by their endings: `+JPG +xmp`. One with another name by its whole name.
pub fn badges(cluster: &Cluster, file: &PhotoFile) -> String {
    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
    let own = name(&file.path);
    let is_other = |of: &&ShotFile| of.path != file.path && !file.also.contains(&of.path);
    // Photos that have a row of their own are no badges.
    let is_badge = |of: &&ShotFile| of.kind != ShotFileKind::Photo || !cluster.within_shots;
    let badge = |of: &ShotFile| {
        let name = name(&of.path);
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_owned());
        match ending.filter(|_| of.kind != ShotFileKind::Photo || stem(&name) == stem(&own)) {
            Some(ending) => ending,
            None => name,
        }
    };
    let mut badges: Vec<(String, usize)> = Vec::new();
    for badge in file.shot.iter().filter(is_other).filter(is_badge).map(badge) {
        match badges.iter_mut().find(|(known, _)| *known == badge) {
            Some((_, count)) => *count += 1,
            None => badges.push((badge, 1)),
        }
    }
    let said = |(badge, count): &(String, usize)| if *count > 1 { format!("+{count} {badge}") } else { format!("+{badge}") };
    badges.iter().map(said).collect::<Vec<_>>().join(" ")
}

/// The file name of a path, for a terminal.
fn name(path: &PathText) -> String {
    shown(path.path.rsplit('/').next().unwrap_or(&path.path))
}
