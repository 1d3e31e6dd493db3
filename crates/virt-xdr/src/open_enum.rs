//! The macros for enums that a newer peer may extend: of single values, and of flags.

use core::fmt;

/// Defines an enum as a newtype over `i32` that keeps values it does not know.
///
/// Each member takes a line: its name in the XDR definition, its name in Rust, and its value, which no other member has.
/// It becomes a constant. The type gets `ALL` and `name()`, a `Debug` that shows the name,
/// and the codec of an `int`. virt-codegen writes one for each XDR `enum`.
///
/// # Examples
///
/// ```
/// virt_xdr::open_enum! {
///     /// The state of a door.
///     pub struct Door {
///         /// Anybody can walk through.
///         DOOR_OPEN as OPEN = 0,
///         DOOR_CLOSED as CLOSED = 1,
///     }
/// }
///
/// assert_eq!(Door::CLOSED.name(), Some("CLOSED"));
/// assert_eq!(format!("{:?} {:?}", Door::OPEN, Door(7)), "OPEN Door(7)");
/// assert_eq!(virt_xdr::from_slice::<Door>(&[0, 0, 0, 7])?, Door(7));
/// # Ok::<(), virt_xdr::DecodeError>(())
/// ```
#[macro_export]
macro_rules! open_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$member_attribute:meta])* $xdr:ident as $member:ident = $value:expr,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        $visibility struct $name(pub i32);

        impl $name {
            $(
                $(#[$member_attribute])*
                #[doc = ::core::concat!("\nXDR: `", ::core::stringify!($xdr), "`.")]
                pub const $member: Self = Self($value);
            )*

            /// Every known value, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$member,)*];

            /// Returns the name of a known value.
            #[must_use]
            #[inline]
            pub fn name(self) -> ::core::option::Option<&'static str> {
                $crate::name_of(self.0, Self::NAMES)
            }

            const NAMES: &'static [(i32, &'static str)] =
                &[$(($value, ::core::stringify!($member)),)*];
        }

        impl ::core::fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::fmt_value(::core::stringify!($name), self.name(), self.0, f)
            }
        }

        impl $crate::Encode for $name {
            #[inline]
            fn encode(
                &self,
                out: &mut $crate::Encoder<'_>,
            ) -> ::core::result::Result<(), $crate::EncodeError> {
                $crate::Encode::encode(&self.0, out)
            }
        }

        impl $crate::Decode<'_> for $name {
            #[inline]
            fn decode(
                input: &mut $crate::Decoder<'_>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                $crate::Decode::decode(input).map(Self)
            }
        }
    };
}

/// Defines a set of flags as a newtype over `u32` that keeps bits it does not know.
///
/// Each flag takes a line: its name in the XDR definition, its name in Rust, and its bits. Flags are combined by `|`. The
/// type gets `ALL`, `contains`, a `Debug` that shows the names, and the codec of an `unsigned int`. virt-codegen writes one for each XDR `enum` with the annotation `@flags`.
///
/// # Examples
///
/// ```
/// virt_xdr::flags! {
///     /// Ways to open a door.
///     pub struct Opening {
///         OPENING_QUIETLY as QUIETLY = 0x1,
///         OPENING_WIDE as WIDE = 0x2,
///     }
/// }
///
/// let opening = Opening::QUIETLY | Opening::WIDE;
/// assert!(opening.contains(Opening::WIDE));
/// assert_eq!(format!("{:?} {:?}", opening, Opening(5)), "QUIETLY | WIDE QUIETLY | 0x4");
/// assert_eq!(format!("{:?}", Opening::default()), "0");
/// ```
#[macro_export]
macro_rules! flags {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$member_attribute:meta])* $xdr:ident as $member:ident = $value:expr,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        $visibility struct $name(pub u32);

        impl $name {
            $(
                $(#[$member_attribute])*
                #[doc = ::core::concat!("\nXDR: `", ::core::stringify!($xdr), "`.")]
                pub const $member: Self = Self($value);
            )*

            /// Every known flag, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$member,)*];

            /// Returns the name of a known flag, or of another known value.
            #[must_use]
            #[inline]
            pub fn name(self) -> ::core::option::Option<&'static str> {
                $crate::name_of(self.0, Self::NAMES)
            }

            const NAMES: &'static [(u32, &'static str)] =
                &[$(($value, ::core::stringify!($member)),)*];

            /// Returns whether all bits of `flags` are set.
            #[must_use]
            pub const fn contains(self, flags: Self) -> bool {
                self.0 & flags.0 == flags.0
            }
        }

        impl ::core::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl ::core::fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::fmt_flags(self.0, Self::NAMES, f)
            }
        }

        impl $crate::Encode for $name {
            #[inline]
            fn encode(
                &self,
                out: &mut $crate::Encoder<'_>,
            ) -> ::core::result::Result<(), $crate::EncodeError> {
                $crate::Encode::encode(&self.0, out)
            }
        }

        impl $crate::Decode<'_> for $name {
            #[inline]
            fn decode(
                input: &mut $crate::Decoder<'_>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                $crate::Decode::decode(input).map(Self)
            }
        }
    };
}

/// Returns the name of a value. For the macros of this crate only.
#[doc(hidden)]
#[must_use]
pub fn name_of<T: PartialEq>(value: T, names: &[(T, &'static str)]) -> Option<&'static str> {
    let found = names.iter().find(|(known, _)| *known == value);
    found.map(|(_, name)| *name)
}

/// Shows a value of an open enum. For the macros of this crate only.
#[doc(hidden)]
pub fn fmt_value(
    enum_name: &str,
    name: Option<&str>,
    value: i32,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match name {
        Some(name) => f.write_str(name),
        None => write!(f, "{enum_name}({value})"),
    }
}

/// Shows a set of flags: the names of known ones, then the other bits. For the macros of this crate only.
#[doc(hidden)]
pub fn fmt_flags(
    bits: u32,
    names: &[(u32, &'static str)],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut unnamed = bits;
    let mut is_first = true;
    for &(flag, name) in names {
        if flag != 0 && unnamed & flag == flag {
            unnamed &= !flag;
            f.write_str(if is_first { "" } else { " | " })?;
            f.write_str(name)?;
            is_first = false;
        }
    }
    match (unnamed, is_first) {
        (0, true) => f.write_str("0"),
        (0, false) => Ok(()),
        (_, true) => write!(f, "{unnamed:#x}"),
        (_, false) => write!(f, " | {unnamed:#x}"),
    }
}
