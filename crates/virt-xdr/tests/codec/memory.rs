//! The memory that values may take: 64 times the input and 1 MiB, for arrays, boxes and replaced text together.

use std::fmt::Debug;

use virt_xdr::{
    Decode, DecodeError, DecodeErrorKind, Decoder, Text, from_slice, from_slice_lenient,
};

/// `hyper *all[60]`: a word on the wire where it is absent, and as much in memory as where it is not.
type Sparse = Option<[u64; 60]>;

/// `struct row { sparse cells<2000000>; };`
#[derive(Debug)]
struct Row {
    cells: Vec<Sparse>,
}

impl Decode<'_> for Row {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let cells = input.array(2_000_000, Decode::decode);
        let cells = cells.map_err(|e| e.at("Row.cells"))?;
        Ok(Self { cells })
    }
}

const SIZE: usize = 488;

/// An array of this many values, each of them the word 0.
fn zeros(count: u32) -> Vec<u8> {
    [count]
        .into_iter()
        .chain((0..count).map(|_| 0))
        .flat_map(u32::to_be_bytes)
        .collect()
}

fn limit(input: &[u8]) -> usize {
    64 * input.len() + (1 << 20)
}

#[track_caller]
fn refused<T: for<'a> Decode<'a> + Debug>(
    wire: &[u8],
    needed: usize,
    offset: usize,
) -> DecodeError {
    let limit = limit(wire);
    let error = from_slice::<T>(wire).expect_err("refused");
    assert_eq!(error.kind(), DecodeErrorKind::TooLarge { needed, limit });
    assert_eq!(error.offset(), offset);
    error
}

#[test]
fn megabytes_of_absent_values() {
    assert_eq!(size_of::<Sparse>(), SIZE);
    let wire = zeros(1 << 20);
    let error = refused::<Vec<Sparse>>(&wire, SIZE << 20, 0);
    assert_eq!(
        error.to_string(),
        "values take 511705088 bytes of memory, 242220800 over the limit of 269484288 (at byte 0)"
    );
    let error = refused::<Row>(&wire, SIZE << 20, 0);
    assert_eq!(
        error.to_string(),
        "Row.cells: values take 511705088 bytes of memory, 242220800 over the limit of 269484288 \
         (at byte 0)"
    );
}

#[test]
fn up_to_the_limit() {
    let wire = zeros(4520);
    assert!(4520 * SIZE <= limit(&wire));
    let values: Vec<Sparse> = from_slice(&wire).expect("just small enough");
    assert_eq!(values.len(), 4520);
    assert_eq!(values.capacity(), 4520);
    assert!(values.iter().all(Option::is_none));

    refused::<Vec<Sparse>>(&zeros(4521), 4521 * SIZE, 0);
}

#[test]
fn large_values_that_are_there_are_not_refused() {
    let mut wire = 1000u32.to_be_bytes().to_vec();
    for _ in 0..1000 {
        wire.extend(1u32.to_be_bytes());
        wire.extend([0xff; 480]);
    }
    let values: Vec<Sparse> = from_slice(&wire).expect("as large on the wire");
    assert!(values.iter().all(|value| *value == Some([u64::MAX; 60])));
}

#[test]
fn an_array_grows_to_its_count_whatever_was_reserved() {
    for count in [0, 1, 2, 3, 100, 1000] {
        let values: Vec<Sparse> = from_slice(&zeros(count)).expect("a small input");
        let count = usize::try_from(count).unwrap();
        assert_eq!((values.len(), values.capacity()), (count, count));
    }
}

#[test]
fn arrays_side_by_side_and_in_arrays_are_charged_together() {
    let rows = [&2u32.to_be_bytes()[..], &zeros(2500), &zeros(2500)].concat();
    let needed = 2 * size_of::<Row>() + 5000 * SIZE;
    assert!(needed / 2 < limit(&rows) && limit(&rows) < needed);
    let error = refused::<Vec<Row>>(&rows, needed, 4 + 4 + 10_000);
    assert_eq!(error.field(), Some("Row.cells"));
    refused::<[Row; 2]>(&rows[4..], 5000 * SIZE, 4 + 10_000);

    let rows = [&2u32.to_be_bytes()[..], &zeros(2300), &zeros(2100)].concat();
    let rows: Vec<Row> = from_slice(&rows).expect("just small enough");
    assert_eq!((rows[0].cells.len(), rows[1].cells.len()), (2300, 2100));
}

#[test]
fn an_announced_count_is_charged_at_once() {
    let mut wire = zeros(1 << 20);
    wire.truncate(4 << 20);
    let kind = from_slice::<Vec<Sparse>>(&wire).unwrap_err().kind();
    assert!(
        matches!(kind, DecodeErrorKind::Short { .. }),
        "what is not there is missed first: {kind:?}"
    );
    wire.resize(4 + (4 << 20), 0xff);
    refused::<Vec<Sparse>>(&wire, SIZE << 20, 0);
}

#[test]
fn boxes_are_charged() {
    type Boxes = Vec<Option<Box<[Sparse; 2]>>>;
    let pointers = |count: u32| {
        let mut wire = count.to_be_bytes().to_vec();
        for _ in 0..count {
            wire.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        wire
    };
    from_slice::<Boxes>(&pointers(4000)).expect("just small enough");

    let wire = pointers(10_000);
    let array = 10_000 * size_of::<usize>();
    let fit = (limit(&wire) - array) / (2 * SIZE);
    assert!(fit < 10_000);
    refused::<Boxes>(&wire, array + (fit + 1) * 2 * SIZE, 4 + 12 * fit + 4);
}

#[test]
fn text_is_charged_where_it_is_replaced() {
    /// `struct named { sparse cells<>; string name<>; };`
    #[derive(Debug)]
    struct Named<S>(Vec<Sparse>, S);

    impl<'a, S: Decode<'a>> Decode<'a> for Named<S> {
        fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self(Decode::decode(input)?, Decode::decode(input)?))
        }
    }

    let wire = |count: u32, name: u8| {
        let mut wire = [&zeros(count)[..], &4096u32.to_be_bytes()].concat();
        wire.resize(wire.len() + 4096, name);
        wire
    };
    let fits = wire(5598, 0xff);
    assert!(5598 * SIZE + 3 * 4096 <= limit(&fits));
    let named: Named<String> = from_slice_lenient(&fits).expect("just small enough");
    assert_eq!(named.1, "\u{fffd}".repeat(4096));

    let wire_over = wire(5600, 0xff);
    let (needed, limit) = (5600 * SIZE + 3 * 4096, limit(&wire_over));
    assert!(needed - 3 * 4096 <= limit && limit < needed);
    let error = from_slice_lenient::<Named<String>>(&wire_over).expect_err("refused");
    assert_eq!(error.kind(), DecodeErrorKind::TooLarge { needed, limit });
    assert_eq!(error.offset(), 4 + 4 * 5600);

    // Bytes that are kept or valid take no more memory than they do on the wire.
    let kept = from_slice_lenient::<Named<Text>>(&wire_over).expect("not replaced");
    assert_eq!((kept.0.len(), kept.1.as_bytes().len()), (5600, 4096));
    let valid = wire(5600, b'a');
    let named = from_slice_lenient::<Named<String>>(&valid).expect("not replaced");
    assert_eq!(named.1.len(), 4096);
}
