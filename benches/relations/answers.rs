//! What the program answers about some files: they are stored as the daemon stores them, and asked for as it asks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use similard::catalog::Context;
use similard::catalog::clusters::{WithinShots, clusters};
use similard::catalog::encoder::Encoder;
use similard::catalog::files::files_of;
use similard::catalog::generation::{Compare, Generation, catch_up, fingerprint, keep};
use similard::catalog::pairs::pairs;
use similard::catalog::ranked::Found;
use similard::catalog::relations::framed;
use similard::catalog::roots::Roots;
use similard::likeness::{CropHead, Head, Index, THRESHOLD, VersionModel, compare};
use similard::photo::{
    Compared, ContentHash, Decisions, Identity, Metadata, PhotoId, Picture, PixelHash, Place, Relation, Root, RootId, Stamp, StoredFeatures,
};
use similard::store::{self, HeadNumber, Location, Reader, Writer};
use similard::vision::backbone::Backbone;
use similard::vision::decode::decode;
use similard::vision::identify::identify;
use similard::vision::{Limits, kept};

use super::pictures::{Result, all};

/// The folder in which the files seem to be.
const FOLDER: &str = "/photos";
const ROOT: RootId = RootId(1);

/// Of all files, in nanoseconds: no file is the oldest.
const WRITTEN: i64 = 1_700_000_000_000_000_000;

/// What encodes pictures and makes embeddings.
pub struct Models {
    backbone: Backbone,
    crop_head: CropHead,
    head: Head,
}

impl Models {
    pub fn embedded() -> Result<Models> {
        Ok(Models { backbone: Backbone::embedded()?, crop_head: CropHead::embedded()?, head: Head::base()? })
    }

    /// Returns an encoder for one thread.
    pub fn encoder(&self) -> Result<Encoder> {
        Ok(Encoder { runner: self.backbone.runner()?, crop_head: self.crop_head.clone() })
    }
}

/// All that is stored of a file, and its kept picture.
pub struct Read {
    /// Below the folder.
    name: String,
    bytes: u64,
    identity: Identity,
    metadata: Metadata,
    pixels: Option<PixelHash>,
    detail: Option<f64>,
    picture: Picture,
    stored: StoredFeatures,
}

impl Read {
    /// Reads a file as the daemon does.
    pub fn of(name: &str, bytes: &[u8], encoder: &mut Encoder) -> Result<Read> {
        let limits = Limits::default();
        let claimed = identify(bytes, &limits).map_err(|failure| format!("{name}: {failure}"))?;
        let decoded = decode(bytes, &limits).map_err(|failure| format!("{name}: {failure}"))?;
        let picture = kept::picture(&kept::keep(&decoded.picture, claimed.picture.format)).map_err(|e| format!("{name}: {e}"))?;
        let stored = encoder.encode(&picture).map_err(|e| format!("{name}: {e}"))?;
        let identity = claimed.picture.with_content(ContentHash(*blake3::hash(bytes).as_bytes()));
        let (pixels, detail) = (decoded.pixels, decoded.detail);
        Ok(Read { name: name.to_owned(), bytes: bytes.len() as u64, identity, metadata: claimed.metadata, pixels, detail, picture, stored })
    }
}

/// The answer about some files, which it names by their positions.
pub struct Answer {
    /// The photo of each file.
    photos: Vec<PhotoId>,
    /// The star of each file, if it is in one.
    stars: Vec<Option<usize>>,
    /// The file that each star has as its source.
    sources: Vec<usize>,
    /// What near photos are to each other, `a < b`.
    relations: HashMap<(PhotoId, PhotoId), Relation>,
}

impl Answer {
    /// Asks for the clusters that are shown unless other relations are asked for, and for the pairs of all relations.
    pub fn about(files: &[Read], models: &Models) -> Result<Answer> {
        let folder = tempfile::tempdir()?;
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location)?;
        let (number, photos) = fill(&mut writer, files, models)?;
        let reader = Reader::open(&location)?;
        let head = models.head.clone();
        let index = Index::new(head.dimensions());
        let mut generation = Generation { number, head, threshold: THRESHOLD, index };
        let cores = std::thread::available_parallelism()?.get();
        catch_up(&mut generation, &reader, cores, |new, arrival| {
            writer.batch(|batch| keep(batch, number, &new, &arrival, Compare::Now))?;
            Ok::<_, store::Error>(Arc::new((new, arrival)))
        })?;
        compare_near(&mut writer, &reader, files, &photos)?;
        let (decisions, roots) = (Decisions::default(), Roots::new(vec![Root::new(ROOT, FOLDER)]));
        let versions = VersionModel::base();
        let context = Context { reader: &reader, generation: &generation, versions, decisions: &decisions, roots: &roots };
        let scopes = roots.scopes();
        let at: HashMap<PathBuf, usize> = files.iter().map(|file| Path::new(FOLDER).join(&file.name)).zip(0..).collect();
        if at.len() < files.len() {
            return Err("two files of one kind have one name: the benchmark is wrong".into());
        }
        let ended = "the answer ended early, though nobody left";
        let found = clusters(&context, &scopes, None, THRESHOLD, &[], WithinShots::Shown, &|| true)?.ok_or(ended)?;
        let source = |star: &Found| at[files_of(found.photo(star.members[0]), &roots).files[0].path()];
        let sources = found.found.iter().map(source).collect();
        let star_of: HashMap<PhotoId, usize> =
            found.found.iter().zip(0..).flat_map(|(star, number)| star.members.iter().map(move |photo| (*photo, number))).collect();
        let stars = photos.iter().map(|photo| star_of.get(photo).copied()).collect();
        let near = pairs(&context, &scopes, THRESHOLD, true, Relation::ALL, &|| true)?.ok_or(ended)?;
        let relations = near.iter().map(|pair| {
            let [a, b] = [&pair.a, &pair.b].map(|path| photos[at[path]]);
            ((a.min(b), a.max(b)), pair.relation)
        });
        Ok(Answer { relations: relations.collect(), photos, stars, sources })
    }

    /// Returns what two files are said to be to each other. `None` if nothing is said.
    pub fn relation(&self, a: usize, b: usize) -> Option<Relation> {
        let (a, b) = (self.photos[a], self.photos[b]);
        if a == b { Some(Relation::Identical) } else { self.relations.get(&(a.min(b), a.max(b))).copied() }
    }

    /// Whether two files are in one star.
    pub fn are_one(&self, a: usize, b: usize) -> bool {
        self.photos[a] == self.photos[b] || self.stars[a].is_some() && self.stars[a] == self.stars[b]
    }

    /// Returns the source of the star of a file. `None` if it is in none.
    pub fn source(&self, file: usize) -> Option<usize> {
        self.stars[file].map(|star| self.sources[star])
    }
}

/// Stores the files. Returns the number of the head, and the photo of each file.
fn fill(writer: &mut Writer, files: &[Read], models: &Models) -> Result<(HeadNumber, Vec<PhotoId>)> {
    let recipe = models.backbone.recipe();
    let filled = writer.batch(|batch| {
        let mut photos = Vec::new();
        for (file, number) in files.iter().zip(1..) {
            let place = Place { root: ROOT, path: file.name.clone().into() };
            let stamp = Stamp { volume: 1, inode: number, size: file.bytes, mtime: WRITTEN, ctime: WRITTEN, birth: None };
            batch.upsert_seen(&place, &stamp)?;
            let (photo, _) = batch.add_photo(&file.identity, &file.metadata.capture, &recipe, &file.stored)?;
            batch.set_pixels(photo, file.pixels.as_ref(), file.detail)?;
            batch.link(&place, &stamp, &file.identity.content, photo, &file.metadata)?;
            photos.push(photo);
        }
        Ok((batch.head_number(&fingerprint(&models.head))?, photos))
    });
    Ok(filled?)
}

/// Compares the near photos that the daemon would compare.
fn compare_near(writer: &mut Writer, reader: &Reader, files: &[Read], photos: &[PhotoId]) -> Result<()> {
    let of: HashMap<PhotoId, &Read> = photos.iter().copied().zip(files).collect();
    let wanted = reader.uncompared(files.len().pow(2))?;
    let compared = all(&wanted, |pair| {
        let [a, b] = pair.map(|(photo, _)| of[&photo]);
        let framed = |file| {
            let Read { picture, stored, .. }: &Read = file;
            framed(picture, &stored.keypoints)
        };
        Ok(compare(framed(a), framed(b)).map_or(Compared::Apart, Compared::Laid))
    })?;
    let pairs = wanted.iter().zip(&compared);
    Ok(writer.batch(|batch| pairs.into_iter().try_for_each(|([a, b], compared)| batch.set_compared([a.0, b.0], Some(compared))))?)
}
