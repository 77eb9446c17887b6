//! The search for pairs among random embeddings: the time for a new photo, and the memory.
//!
//!     cargo bench --bench search -- [100000 1000000]
//!
//! Embeddings are random unit vectors of 256 dimensions. One in ten is near an earlier one. No crop descriptor is near
//! another photo. Each size prints the time for a photo in batches of 64 and alone, and the resident size of the
//! process.

use std::env;
use std::fs;
use std::time::Instant;

use half::f16;
use similard::likeness::{Index, MAX_CANDIDATE_DISTANCE};
use similard::photo::{CropDescriptors, Descriptors, Embedding, PhotoId};

const DIMENSIONS: usize = 256;
const BATCH: usize = 64;

fn main() {
    let mut sizes: Vec<usize> = env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![100_000, 1_000_000];
    }
    let mut random = Random(88_172_645_463_325_252);
    let mut index = Index::new(DIMENSIONS);
    for size in sizes {
        while index.len() < size {
            let number = index.len();
            let near = (number % 10 == 9).then(|| index.get(PhotoId(number as i64 / 2)).map(<[f16]>::to_vec)).flatten();
            index.add(PhotoId(number as i64), &random.descriptors(near.as_deref()));
        }
        let batch: Vec<Descriptors> = (0..BATCH).map(|i| random.descriptors(index.get(PhotoId(i as i64 * 7)))).collect();
        let rounds = 5;
        let start = Instant::now();
        let mut found = 0;
        for _ in 0..rounds {
            found += index.within(&batch, MAX_CANDIDATE_DISTANCE).len();
        }
        let in_batches = start.elapsed().as_secs_f64() * 1000.0 / (rounds * BATCH) as f64;
        let start = Instant::now();
        for query in &batch[..rounds] {
            found += index.within(std::slice::from_ref(query), MAX_CANDIDATE_DISTANCE).len();
        }
        let alone = start.elapsed().as_secs_f64() * 1000.0 / rounds as f64;
        println!(
            "{size:>8} embeddings: {in_batches:.2} ms a photo in batches of {BATCH}, {alone:.1} ms alone, {} MB resident ({found} found)",
            resident() / 1000
        );
    }
}

/// The resident size of this process, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn descriptors(&mut self, near: Option<&[f16]>) -> Descriptors {
        let vectors: Vec<Vec<f32>> =
            (0..=CropDescriptors::COUNT).map(|_| (0..CropDescriptors::DIMENSIONS).map(|_| self.next()).collect()).collect();
        let vectors = vectors.iter().map(|vector| Embedding::normalised(vector).to_f32()).collect::<Vec<_>>();
        Descriptors { embedding: self.embedding(near), crops: CropDescriptors::new(vectors.iter().map(Vec::as_slice)) }
    }

    fn embedding(&mut self, near: Option<&[f16]>) -> Embedding {
        let values: Vec<f32> = match near {
            Some(near) => near.iter().map(|v| v.to_f32() + 0.03 * self.next()).collect(),
            None => (0..DIMENSIONS).map(|_| self.next()).collect(),
        };
        Embedding::normalised(&values)
    }
}
