//! All descriptors in memory, with an exact search.
//!
//! Each photo takes 512 bytes of 16-bit floats (256 dimensions) and 384 bytes of [`CropDescriptors`]. A search widens
//! a tile of embeddings to f32 and multiplies it with all queries. Close results are measured again with
//! [`cosine_distance`], so that an answer does not depend on the tiling. Products of crop descriptors are exact
//! integers. A clone shares its tiles with the original until one of them changes, so that an answer can keep an index as
//! it is without taking its memory again.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use ndarray::{Array2, ArrayView2, Axis, Slice};

use super::cosine::cosine_distance;
use super::crops::{distance_of, nearest_product, product_at};
use super::density::{Density, SAME_SCENE_DISTANCE};
use crate::photo::{CropDescriptors, Descriptors, Distance, Embedding, PhotoId};

/// Photos of a tile, whose embeddings are widened at once: 512 KiB of f32 at 256 dimensions, which fit an L2 cache.
const TILE_ROWS: usize = 512;

/// Photos whose crop descriptors are multiplied at once. The products with a block of queries also fit an L2 cache.
const CROP_TILE_ROWS: usize = 64;

/// Queries multiplied at once.
const QUERY_BLOCK: usize = 256;

/// The largest error of a tiled product: far more than 256 roundings of f32.
const ROUNDING_SLACK: Distance = 1e-4;

/// Vectors in a photo's [`CropDescriptors`], and all numbers in them.
const VECTORS_PER_PHOTO: usize = 1 + CropDescriptors::COUNT;
const CROP_VALUES_PER_PHOTO: usize = VECTORS_PER_PHOTO * CropDescriptors::DIMENSIONS;

/// The descriptors and densities of all photos, by photo id.
#[derive(Clone, Default)]
pub struct Index {
    dimensions: usize,
    photos: Arc<Vec<PhotoId>>,
    /// All but the last are full, and do not change.
    tiles: Vec<Arc<Tile>>,
    mean_similarities: Arc<Vec<f32>>,
    min_similarities: Arc<Vec<f32>>,
}

/// The descriptors of [`TILE_ROWS`] photos.
#[derive(Clone)]
struct Tile {
    values: Vec<f16>,
    crops: Vec<i8>,
}

impl Tile {
    fn new(dimensions: usize) -> Tile {
        Tile { values: Vec::with_capacity(TILE_ROWS * dimensions), crops: Vec::with_capacity(TILE_ROWS * CROP_VALUES_PER_PHOTO) }
    }
}

impl Index {
    pub fn new(dimensions: usize) -> Index {
        Index { dimensions, ..Index::default() }
    }

    pub fn len(&self) -> usize {
        self.photos.len()
    }

    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// # Panics
    /// If `photo` is not larger than all ids before, or the number of dimensions differs.
    pub fn add(&mut self, photo: PhotoId, descriptors: &Descriptors) {
        assert_eq!(descriptors.embedding.0.len(), self.dimensions, "one head makes all embeddings");
        assert!(self.photos.last().is_none_or(|last| *last < photo), "photos come in the order of their numbers");
        if self.photos.len() == self.tiles.len() * TILE_ROWS {
            self.tiles.push(Arc::new(Tile::new(self.dimensions)));
        }
        let tile = Arc::make_mut(self.tiles.last_mut().expect("there is room in the last one"));
        tile.values.extend_from_slice(&descriptors.embedding.0);
        tile.crops.extend_from_slice(descriptors.crops.values());
        Arc::make_mut(&mut self.photos).push(photo);
        Arc::make_mut(&mut self.mean_similarities).push(Density::UNKNOWN.mean_similarity);
        Arc::make_mut(&mut self.min_similarities).push(Density::UNKNOWN.min_similarity);
    }

    /// Adds new photos, and the densities they changed.
    pub fn join(&mut self, new: &[(PhotoId, Descriptors)], densities: &[(PhotoId, Density)]) {
        new.iter().for_each(|(photo, descriptors)| self.add(*photo, descriptors));
        densities.iter().for_each(|(photo, density)| self.set_density(*photo, *density));
    }

    /// The ids of all photos, ascending.
    pub fn photos(&self) -> &[PhotoId] {
        &self.photos
    }

    /// The largest id. 0, which is not a valid id, if the index is empty.
    pub fn last(&self) -> PhotoId {
        self.photos.last().copied().unwrap_or(PhotoId(0))
    }

    /// Sets the density of a photo. Does nothing if the index does not contain it.
    pub fn set_density(&mut self, photo: PhotoId, density: Density) {
        if let Ok(row) = self.photos.binary_search(&photo) {
            Arc::make_mut(&mut self.mean_similarities)[row] = density.mean_similarity;
            Arc::make_mut(&mut self.min_similarities)[row] = density.min_similarity;
        }
    }

    /// The density of a photo (see [`Density::mean_similarity`]). 0 if it is not known.
    pub fn density(&self, photo: PhotoId) -> f32 {
        self.photos.binary_search(&photo).map_or(0.0, |row| self.mean_similarities[row])
    }

    pub fn knows_density(&self, photo: PhotoId) -> bool {
        self.photos.binary_search(&photo).is_ok_and(|row| self.min_similarities[row] < f32::INFINITY)
    }

    /// Whether any density is known, and so must be updated as photos join.
    pub fn knows_densities(&self) -> bool {
        self.min_similarities.iter().any(|min_similarity| *min_similarity < f32::INFINITY)
    }

    pub fn get(&self, photo: PhotoId) -> Option<&[f16]> {
        let row = self.photos.binary_search(&photo).ok()?;
        Some(self.row(row))
    }

    pub fn descriptors(&self, photo: PhotoId) -> Option<Descriptors> {
        let row = self.photos.binary_search(&photo).ok()?;
        let crops = CropDescriptors::from_values(self.crops_of(row).to_vec())?;
        Some(Descriptors { embedding: Embedding(self.row(row).to_vec()), crops })
    }

    /// The [`distance`](super::distance) of two photos. `None` if one is not in the index.
    pub fn distance(&self, a: PhotoId, b: PhotoId) -> Option<Distance> {
        let (a, b) = (self.photos.binary_search(&a).ok()?, self.photos.binary_search(&b).ok()?);
        Some(cosine_distance(self.row(a), self.row(b)).min(distance_of(nearest_product(self.crops_of(a), self.crops_of(b)) as f32)))
    }

    fn crops_of(&self, row: usize) -> &[i8] {
        let (tile, row) = (&self.tiles[row / TILE_ROWS], row % TILE_ROWS);
        &tile.crops[row * CROP_VALUES_PER_PHOTO..(row + 1) * CROP_VALUES_PER_PHOTO]
    }

    fn row(&self, row: usize) -> &[f16] {
        let (tile, row) = (&self.tiles[row / TILE_ROWS], row % TILE_ROWS);
        &tile.values[row * self.dimensions..(row + 1) * self.dimensions]
    }

    /// Every photo within `max_distance` of each query: position of the query, photo, distance.
    pub fn within(&self, queries: &[Descriptors], max_distance: Distance) -> Vec<(usize, PhotoId, Distance)> {
        self.within_and_affected(queries, max_distance).0
    }

    /// The same, and the photos whose density would change if the queries joined the index.
    pub fn within_and_affected(&self, queries: &[Descriptors], max_distance: Distance) -> (Vec<(usize, PhotoId, Distance)>, Vec<PhotoId>) {
        let (mut found, mut affected) = (Vec::new(), Vec::new());
        let blocks = CropQueries::blocks(queries);
        // Products are integers. One less makes up for the rounding of the distance.
        let near_crop = product_at(max_distance) - 1.0;
        let globals: Vec<&[f16]> = queries.iter().map(|q| q.embedding.0.as_slice()).collect();
        self.each_tile(&globals, |first_row, first_query, products| {
            let nearest = self.nearest_crops(first_row, &blocks[first_query / QUERY_BLOCK]);
            for ((row, products), crops) in (first_row..).zip(products.rows()).zip(nearest.rows()) {
                // What is close enough to measure: within the distance, or near enough to change the row's density.
                let worth = (1.0 - max_distance).min(self.min_similarities[row]) - ROUNDING_SLACK;
                let mut affects = false;
                for ((query, &product), &crop) in (first_query..).zip(products).zip(crops) {
                    if product >= worth || crop >= near_crop {
                        affects |=
                            product >= self.min_similarities[row] - ROUNDING_SLACK && 1.0 - product > SAME_SCENE_DISTANCE - ROUNDING_SLACK;
                        let distance = cosine_distance(self.row(row), globals[query]).min(distance_of(crop));
                        if distance <= max_distance {
                            found.push((query, self.photos[row], distance));
                        }
                    }
                }
                if affects {
                    affected.push(self.photos[row]);
                }
            }
        });
        (found, affected)
    }

    /// For each query the `count` photos with the nearest embeddings among those farther than `from`, nearest first,
    /// equal distances by id.
    pub fn beyond(&self, queries: &[Embedding], from: Distance, count: usize) -> Vec<Vec<(Distance, PhotoId)>> {
        // A few more than asked for: the products order almost, not quite, as the distances do.
        let kept = count + 16;
        let mut near: Vec<Vec<(Distance, usize)>> = vec![Vec::with_capacity(2 * kept); queries.len()];
        let mut farthest = vec![Distance::INFINITY; queries.len()];
        let globals: Vec<&[f16]> = queries.iter().map(|q| q.0.as_slice()).collect();
        self.each_tile(&globals, |first_row, first_query, products| {
            for (row, products) in (first_row..).zip(products.rows()) {
                for (query, &product) in (first_query..).zip(products) {
                    let d = 1.0 - product;
                    if d < farthest[query] && d > from - ROUNDING_SLACK {
                        let near = &mut near[query];
                        near.push((d, row));
                        if near.len() == 2 * kept {
                            near.select_nth_unstable_by(kept - 1, |a, b| a.0.total_cmp(&b.0));
                            near.truncate(kept);
                            farthest[query] = near[kept - 1].0;
                        }
                    }
                }
            }
        });
        let exact = |(near, query): (Vec<(Distance, usize)>, &Embedding)| {
            let mut near: Vec<(Distance, PhotoId)> = near
                .into_iter()
                .map(|(_, row)| (cosine_distance(self.row(row), &query.0), self.photos[row]))
                .filter(|(d, _)| *d > from)
                .collect();
            near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(count);
            near
        };
        near.into_iter().zip(queries).map(exact).collect()
    }

    /// The `count` photos nearest to a query, nearest first, equal distances by id.
    pub fn nearest(&self, query: &Descriptors, count: usize) -> Vec<(PhotoId, Distance)> {
        let mut all: Vec<(Distance, usize)> = Vec::with_capacity(self.len());
        let blocks = CropQueries::blocks(std::slice::from_ref(query));
        self.each_tile(&[&query.embedding.0], |first_row, _, products| {
            let nearest = self.nearest_crops(first_row, &blocks[0]);
            let distances = products.iter().zip(&nearest).map(|(product, crop)| (1.0 - product).min(distance_of(*crop)));
            all.extend(distances.zip(first_row..));
        });
        // A few more than asked for: the products order almost, not quite, as the distances do.
        let kept = count.saturating_add(16).min(all.len());
        if kept < all.len() {
            all.select_nth_unstable_by(kept, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all.truncate(kept);
        }
        let by_crops = |row: usize| distance_of(nearest_product(self.crops_of(row), query.crops.values()) as f32);
        let exact = |row: usize| cosine_distance(self.row(row), &query.embedding.0).min(by_crops(row));
        let mut nearest: Vec<(PhotoId, Distance)> = all.into_iter().map(|(_, row)| (self.photos[row], exact(row))).collect();
        nearest.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        nearest.truncate(count);
        nearest
    }

    /// The largest product of the whole of one and a crop of the other, for each row of a tile and each query: [rows, queries].
    fn nearest_crops(&self, first_row: usize, queries: &CropQueries<'_>) -> Array2<f32> {
        let values = &self.tiles[first_row / TILE_ROWS].crops;
        let (rows, count) = (values.len() / CROP_VALUES_PER_PHOTO, queries.globals.ncols());
        if let [alone] = queries.descriptors {
            let nearest = values.chunks_exact(CROP_VALUES_PER_PHOTO).map(|row| nearest_product(row, alone.crops.values()) as f32);
            return Array2::from_shape_vec((rows, 1), nearest.collect()).expect("a product for each row");
        }
        let mut nearest = Vec::with_capacity(rows * count);
        let mut wide = [0f32; CROP_TILE_ROWS * CROP_VALUES_PER_PHOTO];
        for values in values.chunks(CROP_TILE_ROWS * CROP_VALUES_PER_PHOTO) {
            let wide = &mut wide[..values.len()];
            wide.iter_mut().zip(values).for_each(|(wide, value)| *wide = f32::from(*value));
            let vectors = ArrayView2::from_shape((values.len() / CropDescriptors::DIMENSIONS, CropDescriptors::DIMENSIONS), &*wide)
                .expect("whole rows");
            // The first, whole against whole, is not used.
            let against_globals = vectors.dot(&queries.globals);
            let against_crops = vectors.slice_axis(Axis(0), Slice::new(0, None, VECTORS_PER_PHOTO as isize)).dot(&queries.crops);
            let (of_rows, of_queries) = (against_globals.as_slice().expect("rows"), against_crops.as_slice().expect("rows"));
            for (of_row, of_queries) in
                of_rows.chunks_exact(VECTORS_PER_PHOTO * count).zip(of_queries.chunks_exact(CropDescriptors::COUNT * count))
            {
                let start = nearest.len();
                nearest.extend_from_slice(&of_queries[..count]);
                let others = of_row[count..].chunks_exact(count).chain(of_queries[count..].chunks_exact(count));
                others.for_each(|products| larger(&mut nearest[start..], products));
            }
        }
        Array2::from_shape_vec((rows, count), nearest).expect("a product for each row and query")
    }

    /// Calls `visit` with the first row, the first query and their products [rows, queries], for
    /// every tile.
    fn each_tile(&self, queries: &[&[f16]], mut visit: impl FnMut(usize, usize, &Array2<f32>)) {
        if self.is_empty() {
            return;
        }
        let blocks: Vec<Array2<f32>> = queries
            .chunks(QUERY_BLOCK)
            .map(|block| {
                let mut matrix = Array2::zeros((self.dimensions, block.len()));
                for (query, mut column) in block.iter().zip(matrix.columns_mut()) {
                    column.iter_mut().zip(*query).for_each(|(to, from)| *to = from.to_f32());
                }
                matrix
            })
            .collect();
        let mut wide = vec![0f32; TILE_ROWS * self.dimensions];
        for (number, tile) in self.tiles.iter().enumerate() {
            let wide = &mut wide[..tile.values.len()];
            tile.values.convert_to_f32_slice(wide);
            let rows = ArrayView2::from_shape((tile.values.len() / self.dimensions, self.dimensions), wide).expect("whole rows");
            for (block, matrix) in blocks.iter().enumerate() {
                // Preparing the operands of a matrix product does not pay off for a single query.
                let products = match matrix.ncols() {
                    1 => rows.dot(&matrix.column(0)).insert_axis(Axis(1)),
                    _ => rows.dot(matrix),
                };
                visit(number * TILE_ROWS, block * QUERY_BLOCK, &products);
            }
        }
    }
}

/// The operands of a block of queries for products of crop descriptors.
struct CropQueries<'a> {
    descriptors: &'a [Descriptors],
    /// [numbers, queries].
    globals: Array2<f32>,
    /// [numbers, crops × queries]: the first crop of all queries, then the second.
    crops: Array2<f32>,
}

impl CropQueries<'_> {
    fn blocks(queries: &[Descriptors]) -> Vec<CropQueries<'_>> {
        queries.chunks(QUERY_BLOCK).map(CropQueries::new).collect()
    }

    fn new(queries: &[Descriptors]) -> CropQueries<'_> {
        let globals = Array2::from_shape_fn((CropDescriptors::DIMENSIONS, queries.len()), |(i, q)| f32::from(queries[q].crops.global()[i]));
        let crops = Array2::from_shape_fn((CropDescriptors::DIMENSIONS, CropDescriptors::COUNT * queries.len()), |(i, place)| {
            let (crop, q) = (place / queries.len(), place % queries.len());
            f32::from(queries[q].crops.crops()[crop * CropDescriptors::DIMENSIONS + i])
        });
        CropQueries { descriptors: queries, globals, crops }
    }
}

fn larger(to: &mut [f32], other: &[f32]) {
    to.iter_mut().zip(other).for_each(|(to, other)| *to = if *other > *to { *other } else { *to });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::likeness::arrival::no_keypoints;
    use crate::likeness::{PairLimit, arrive, distance};
    use crate::photo::Pair;

    /// Unit vectors around a few centres, so that many distances are close to any limit.
    fn clustered(count: usize, seed: u64) -> Vec<Descriptors> {
        let mut state = seed | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        let centres: Vec<Vec<f32>> = (0..8).map(|_| (0..32).map(|_| next()).collect()).collect();
        let mut around = |centre: &[f32]| {
            let spread = 0.2 + 0.6 * (next() + 1.0);
            Embedding::normalised(&centre.iter().map(|c| c + spread * next()).collect::<Vec<_>>())
        };
        let descriptors = |i: usize| {
            let embedding = around(&centres[i % 8]);
            // The crops of every third photo are around the centre of another.
            let views = (0..VECTORS_PER_PHOTO).map(|view| around(&centres[(i + i % 3 * view) % 8]).to_f32().repeat(2));
            let views: Vec<Vec<f32>> = views.map(|view| view.iter().map(|v| v / 2f32.sqrt()).collect()).collect();
            Descriptors { embedding, crops: CropDescriptors::new(views.iter().map(Vec::as_slice)) }
        };
        (0..count).map(descriptors).collect()
    }

    fn index_of(embeddings: &[Descriptors]) -> Index {
        let mut index = Index::new(32);
        for (i, embedding) in embeddings.iter().enumerate() {
            index.add(PhotoId(i as i64 * 3), embedding);
        }
        index
    }

    #[test]
    fn nothing_is_missed_among_twenty_thousand() {
        let embeddings = clustered(20_000, 5);
        let index = index_of(&embeddings);
        for max_distance in [0.05, 0.3] {
            let queries = &embeddings[..30];
            let mut found = index.within(queries, max_distance);
            found.sort_by_key(|(query, photo, _)| (*query, *photo));
            let mut expected = Vec::new();
            for (query, embedding) in queries.iter().enumerate() {
                for (row, other) in embeddings.iter().enumerate() {
                    let d = distance(embedding, other);
                    if d <= max_distance {
                        expected.push((query, PhotoId(row as i64 * 3), d));
                    }
                }
            }
            assert!(expected.len() > queries.len(), "every query finds itself and some more");
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_clone_stays_as_it_is_and_shares_what_does_not_change() {
        let descriptors = clustered(2 * TILE_ROWS + 20, 7);
        let (before, later) = descriptors.split_at(TILE_ROWS + 10);
        let mut index = index_of(before);
        let kept = index.clone();
        let nearest = kept.nearest(&later[0], 10);
        let new: Vec<(PhotoId, Descriptors)> = (10_000..).map(PhotoId).zip(later.iter().cloned()).collect();
        index.join(&new, &[(PhotoId(0), Density { mean_similarity: 0.5, min_similarity: 0.25 })]);
        assert_eq!((kept.len(), kept.nearest(&later[0], 10), kept.density(PhotoId(0))), (before.len(), nearest, 0.0));
        assert_eq!((index.len(), index.nearest(&later[0], 1)[0].0, index.density(PhotoId(0))), (descriptors.len(), PhotoId(10_000), 0.5));
        assert!(Arc::ptr_eq(&index.tiles[0], &kept.tiles[0]) && !Arc::ptr_eq(&index.tiles[1], &kept.tiles[1]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn pairs_are_those_of_brute_force(seed: u64, count in 2usize..3000, max_distance in 0.0f32..1.0, most in 1usize..500) {
            let embeddings = clustered(count, seed);
            let (old, new) = embeddings.split_at(count - count.min(40));
            let index = index_of(old);
            let fresh: Vec<(PhotoId, Descriptors)> = new.iter().enumerate().map(|(i, e)| (PhotoId((old.len() + i) as i64 * 3), e.clone())).collect();
            let mut found = arrive(&index, &fresh, PairLimit { distance: max_distance, pairs: most }, no_keypoints).expect("no store").pairs;
            found.sort_by_key(|p| (p.a, p.b));
            let mut expected = Vec::new();
            for b in old.len()..count {
                let mut of_b = Vec::new();
                for a in 0..b {
                    let d = distance(&embeddings[a], &embeddings[b]);
                    if d <= max_distance {
                        of_b.push(Pair::new(PhotoId(a as i64 * 3), PhotoId(b as i64 * 3), d));
                    }
                }
                of_b.sort_by(|x, y| x.distance.total_cmp(&y.distance).then(x.a.cmp(&y.a)));
                expected.extend(of_b.into_iter().take(most));
            }
            expected.sort_by_key(|p| (p.a, p.b));
            prop_assert!(found == expected);
        }

        #[test]
        fn the_nearest_are_those_of_brute_force(seed: u64, count in 1usize..3000, k in 1usize..20) {
            let embeddings = clustered(count, seed);
            let query = &clustered(1, seed ^ 99)[0];
            let mut expected: Vec<(PhotoId, Distance)> = embeddings.iter().enumerate().map(|(i, e)| (PhotoId(i as i64 * 3), distance(e, query))).collect();
            expected.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            expected.truncate(k);
            prop_assert_eq!(index_of(&embeddings).nearest(query, k), expected);
        }
    }
}
