//! A received frame, looked at word by word, and the reply to it.

/// The index of the program's number among the words of a frame.
pub const PROGRAM: usize = 1;

/// The index of the procedure.
pub const PROCEDURE: usize = 3;

/// Returns the word at `index` of a frame, counted from the length word; 0 if the frame ends before it.
#[must_use]
pub fn word(frame: &[u8], index: usize) -> u32 {
    let word = frame.get(4 * index..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u32::from_be_bytes(*word))
}

/// Returns the reply to a call, with this status and payload.
///
/// # Panics
///
/// If the payload is longer than a length word can say.
#[must_use]
pub fn reply(call: &[u8], status: u32, payload: &[u8]) -> Vec<u8> {
    const REPLY: u32 = 1;
    let length = u32::try_from(28 + payload.len()).expect("a short payload");
    let [program, version, procedure] = [1, 2, 3].map(|index| word(call, index));
    let serial = word(call, 5);
    let header = [length, program, version, procedure, REPLY, serial, status];
    [header.map(u32::to_be_bytes).as_flattened(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn a_reply_has_the_program_procedure_and_serial_of_its_call() {
        let call = wire("00000020 20008086 00000001 0000003c 00000000 00000009 00000000 0000000a");
        assert_eq!(
            (word(&call, PROGRAM), word(&call, PROCEDURE)),
            (0x2000_8086, 60)
        );
        assert_eq!((word(&call, 7), word(&call, 8)), (10, 0));
        assert_eq!(
            reply(&call, 1, &[0, 0, 0, 7]),
            wire("00000020 20008086 00000001 0000003c 00000001 00000009 00000001 00000007")
        );
    }
}
