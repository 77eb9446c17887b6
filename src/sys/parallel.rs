//! Divides the work of one call among cores.

use std::thread;

/// Divides the items into equal shares, one for each core, and calls `work` on each share. Returns the results in the
/// order of the items.
pub fn parallel<T: Sync, U: Send>(items: &[T], cores: usize, work: impl Fn(&[T]) -> Vec<U> + Sync) -> Vec<U> {
    let work = &work;
    thread::scope(|scope| {
        let shares: Vec<_> = items.chunks(items.len().div_ceil(cores).max(1)).map(|share| scope.spawn(move || work(share))).collect();
        // A panic in a share continues in the calling thread.
        shares.into_iter().flat_map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..10).collect();
        for cores in [1, 3, 16] {
            assert_eq!(parallel(&items, cores, |share| share.iter().map(|n| n * 2).collect()), (0..20).step_by(2).collect::<Vec<_>>());
        }
        assert_eq!(parallel(&[] as &[u32], 2, <[u32]>::to_vec), [0; 0]);
    }
}
