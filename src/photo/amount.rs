//! How much an answer has of a relation.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pairs of one relation, and their photos with the bytes of one file of each. Of identical files: all but one of each photo.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    pub pairs: u64,
    pub photos: u64,
    pub bytes: u64,
}

impl Amount {
    /// A photo that is in one pair.
    pub fn one(bytes: u64) -> Amount {
        Amount { pairs: 1, photos: 1, bytes }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, more: Amount) {
        self.pairs += more.pairs;
        self.photos += more.photos;
        self.bytes += more.bytes;
    }
}
