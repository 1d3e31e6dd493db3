//! Codec round trips: what decodes encodes to the same bytes, what is encoded decodes to the same value, a lenient decoder
//! accepts whatever a strict one does, and none takes more memory than was paid for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_fuzz::memory;
use virt_fuzz::values::{Everything, Node, Shape, Tree, value_to_bytes};
use virt_transport::{ErrorPayload, StreamHole};
use virt_xdr::{Decode, Encode, Header, Text, from_slice, from_slice_lenient, to_vec};

fuzz_target!(|data: &[u8]| {
    bytes_to_value::<bool>(data);
    bytes_to_value::<Vec<u8>>(data);
    bytes_to_value::<String>(data);
    bytes_to_value::<Vec<String>>(data);
    bytes_to_value::<Vec<Text>>(data);
    bytes_to_value::<Vec<Vec<Vec<i64>>>>(data);
    bytes_to_value::<[[u8; 3]; 2]>(data);
    bytes_to_value::<Vec<Option<Shape>>>(data);
    bytes_to_value::<Tree>(data);
    bytes_to_value::<Option<Node>>(data);
    bytes_to_value::<Everything>(data);
    bytes_to_value::<Header>(data);
    bytes_to_value::<StreamHole>(data);
    bytes_to_value::<ErrorPayload>(data);

    value_to_bytes::<Everything>(data);
    value_to_bytes::<Vec<Text>>(data);
    value_to_bytes::<Header>(data);
    value_to_bytes::<StreamHole>(data);
    value_to_bytes::<ErrorPayload>(data);
});

fn bytes_to_value<T: Encode + for<'a> Decode<'a>>(data: &[u8]) {
    // A vector of absent options takes the most: 32 bytes for a word, and twice that while it grows.
    let limit = 32 * data.len() + 1024;
    let value = memory::bounded(limit, || from_slice::<T>(data));
    let lenient = memory::bounded(limit, || from_slice_lenient::<T>(data));
    if let Ok(value) = value {
        assert_eq!(to_vec(&value).as_deref(), Ok(data));
        let lenient = lenient.expect("a strict decoder accepts it");
        assert_eq!(to_vec(&lenient).as_deref(), Ok(data));
    } else if let Ok(lenient) = lenient
        // Text with U+FFFD in it may be over its bound.
        && let Ok(bytes) = to_vec(&lenient)
    {
        let value = from_slice::<T>(&bytes).expect("what was encoded decodes");
        assert_eq!(to_vec(&value), Ok(bytes));
    }
}
