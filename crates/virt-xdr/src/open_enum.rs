//! The macro for enums that a newer peer may extend.

/// Defines an enum as a newtype over `i32` that keeps values it does not know.
///
/// Each member takes a line: its name in the XDR definition, its name in Rust, and its value, which no other member has.
/// It becomes a constant. The type gets `ALL` and `name()`, a `Debug` that shows the name, conversions from and to `i32`,
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
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
            pub const fn name(self) -> ::core::option::Option<&'static str> {
                match self {
                    $(Self::$member => ::core::option::Option::Some(::core::stringify!($member)),)*
                    _ => ::core::option::Option::None,
                }
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self.name() {
                    ::core::option::Option::Some(name) => f.write_str(name),
                    ::core::option::Option::None => {
                        ::core::write!(f, "{}({})", ::core::stringify!($name), self.0)
                    }
                }
            }
        }

        impl ::core::convert::From<i32> for $name {
            fn from(value: i32) -> Self {
                Self(value)
            }
        }

        impl ::core::convert::From<$name> for i32 {
            fn from(value: $name) -> Self {
                value.0
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
