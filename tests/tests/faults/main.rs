//! What goes wrong between two ends, at every stage of a connection: nobody is told what is not so, nobody
//! waits for ever, every end says why it has closed, and nothing is left behind.

mod clients;
mod daemon;
mod left;
mod ours;
mod virsh;

use std::time::Duration;

use virt_tests::{Direction, Fault, Place, Trick};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SERVER: &str = env!("CARGO_BIN_EXE_virt-test-server");

/// Faults that change only the cuts between bytes and their timing.
const HARMLESS: [Trick; 3] = [
    Trick::Delay(Duration::from_millis(50)),
    Trick::Trickle,
    Trick::Merge,
];

/// The highest bit of a length: no frame is so long.
const LENGTH: (usize, u8) = (0, 0x80);
/// A bit of the program's number: there is no such program.
const PROGRAM: (usize, u8) = (5, 0x10);
/// A bit of the serial: nobody has made such a call.
const SERIAL: (usize, u8) = (22, 0x40);

/// Each trick of these at each of the places, in both directions.
fn faults(tricks: &[Trick], up: &[(usize, usize)], down: &[(usize, usize)]) -> Vec<Fault> {
    let places = [(Direction::Up, up), (Direction::Down, down)];
    let mut faults = Vec::new();
    for (direction, places) in places {
        for &(frame, byte) in places {
            faults.extend(tricks.iter().map(|&trick| Fault {
                trick,
                direction,
                place: Place { frame, byte },
            }));
        }
    }
    faults
}

/// Each of these bits corrupted, in these frames of both directions.
fn corruptions(bits: &[(usize, u8)], frames: &[usize]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for &(byte, mask) in bits {
        let places: Vec<_> = frames.iter().map(|&frame| (frame, byte)).collect();
        faults.extend(self::faults(&[Trick::Corrupt(mask)], &places, &places));
    }
    faults
}
