//! What the fuzz targets share.

pub mod frames;
pub mod memory;
pub mod values;
