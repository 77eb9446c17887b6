//! Divides the work of one call among cores.

use std::thread;

/// Divides the items into equal shares, one for each core, and calls `work` on each share, on threads of this name with the
/// priority of the calling thread. Returns the results in the order of the items.
pub fn parallel<T: Sync, U: Send>(name: &str, items: &[T], cores: usize, work: impl Fn(&[T]) -> Vec<U> + Sync) -> Vec<U> {
    let work = &work;
    thread::scope(|scope| {
        let start = |share| thread::Builder::new().name(name.into()).spawn_scoped(scope, move || work(share)).map_err(|_| share);
        let shares: Vec<_> = items.chunks(items.len().div_ceil(cores).max(1)).map(start).collect();
        let results = |share: Result<thread::ScopedJoinHandle<'_, Vec<U>>, &[T]>| match share {
            // A panic in a share continues in the calling thread.
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // The system can start no more threads.
            Err(share) => work(share),
        };
        shares.into_iter().flat_map(results).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..10).collect();
        for cores in [1, 3, 16] {
            assert_eq!(
                parallel("doubling", &items, cores, |share| share.iter().map(|n| n * 2).collect()),
                (0..20).step_by(2).collect::<Vec<_>>()
            );
        }
        assert_eq!(parallel("nothing", &[] as &[u32], 2, <[u32]>::to_vec), [0; 0]);
    }

    #[test]
    fn threads_have_the_name_of_their_work() {
        let name = |share: &[u32]| share.iter().map(|_| thread::current().name().map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(parallel("pairing", &[1, 2, 3], 2, name), vec![Some("pairing".to_owned()); 3]);
    }
}
