//! Frames: the header word by word, any cut of a stream, the limits, and what the decoder keeps in memory.

mod cuts;
mod header;
mod lengths;
mod memory;
mod moves;
mod payload;
mod slices;
mod support;
