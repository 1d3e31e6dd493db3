//! The integer types narrower than a word: rpcgen's `char`, `short` and their unsigned forms.

/// An integer type narrower than a word: `i8`, `u8`, `i16` or `u16`.
pub trait Narrow: TryFrom<i32> + sealed::Sealed {
    /// The least value of the type.
    const LEAST: i32;
    /// The greatest value of the type.
    const GREATEST: i32;
}

mod sealed {
    pub trait Sealed {
        /// Returns the low bits of a word.
        fn low_bits(word: i32) -> Self;
    }
}

macro_rules! narrow {
    ($($type:ty),*) => {$(
        impl sealed::Sealed for $type {
            #[expect(clippy::cast_possible_truncation, reason = "the high bits are dropped")]
            fn low_bits(word: i32) -> Self {
                word.cast_unsigned() as Self
            }
        }

        impl Narrow for $type {
            const LEAST: i32 = <$type>::MIN as i32;
            const GREATEST: i32 = <$type>::MAX as i32;
        }
    )*};
}

narrow!(i8, u8, i16, u16);
