//! Tools that the fuzz targets share.

pub mod frames;
pub mod memory;
pub mod probe;
pub mod values;
pub mod wire;
