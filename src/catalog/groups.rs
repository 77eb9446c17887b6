//! Groups of items that are joined one pair after another.

/// Joins the groups of two items. `groups` holds for each item an earlier one of its group, or the item itself if it is the
/// first. Returns whether they were two groups.
pub fn join(groups: &mut [usize], a: usize, b: usize) -> bool {
    let (a, b) = (first(groups, a), first(groups, b));
    groups[a.max(b)] = a.min(b);
    a != b
}

/// The first item of a group. The way to it is shorter at the next call.
pub fn first(groups: &mut [usize], mut item: usize) -> usize {
    while groups[item] != item {
        groups[item] = groups[groups[item]];
        item = groups[item];
    }
    item
}
