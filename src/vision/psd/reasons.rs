//! Why a file is not read, where several parts of the reader say the same.

pub const CUT_SHORT: &str = "the file ends in the middle of the picture";
pub const DAMAGED: &str = "the picture in the file is damaged";
