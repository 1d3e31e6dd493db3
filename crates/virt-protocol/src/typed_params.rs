//! Typed parameters: names with values, as a list in order and as a map.

use thiserror::Error;

use crate::remote::{TypedParam, TypedParamValue};

/// A list of named values, such as the statistics of a domain.
///
/// A name takes at most 79 bytes, as in the C library; a longer one is not sent.
///
/// # Examples
///
/// ```
/// use virt_protocol::TypedParams;
///
/// let params = TypedParams::new().with("cpu_shares", 1024_u64).with("emulator_period", 100_000_u64);
/// assert_eq!(params.get::<u64>("cpu_shares")?, Some(1024));
/// assert_eq!(params.get::<u64>("iothread_period")?, None);
///
/// let error = params.get::<i32>("cpu_shares").unwrap_err();
/// assert_eq!(error.to_string(), "parameter cpu_shares is a ullong, not an int");
/// # Ok::<(), virt_protocol::ParamError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct TypedParams<S = String>(pub Vec<TypedParam<S>>);

/// A parameter of another type than asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("parameter {name} is {}, not {}", article(.found), article(.asked))]
pub struct ParamError {
    /// The name of the parameter.
    pub name: String,
    /// The type of its value, in libvirt's words.
    pub found: &'static str,
    /// The type asked for.
    pub asked: &'static str,
}

/// A type that a parameter can have: `i32`, `u32`, `i64`, `u64`, `f64`, `bool`, `String`, and `&str`.
pub trait ParamValue<'a>: Sized {
    /// The type in libvirt's words, such as `ullong`.
    const NAME: &'static str;

    /// Returns the value, if it is of this type.
    fn of<S: AsRef<[u8]>>(value: &'a TypedParamValue<S>) -> Option<Self>;
}

impl TypedParams {
    /// Makes an empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a parameter at the end.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<TypedParamValue>) -> Self {
        self.push(name, value);
        self
    }

    /// Adds a parameter at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<TypedParamValue>) {
        let field = name.into();
        let value = value.into();
        self.0.push(TypedParam { field, value });
    }
}

impl<S: AsRef<[u8]>> TypedParams<S> {
    /// Returns the value of the first parameter of this name.
    ///
    /// # Errors
    ///
    /// It has another type.
    pub fn get<'a, T: ParamValue<'a>>(&'a self, name: &str) -> Result<Option<T>, ParamError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let of_type = T::of(value);
        of_type.map(Some).ok_or_else(|| ParamError {
            name: name.to_owned(),
            found: type_name(value),
            asked: T::NAME,
        })
    }

    /// Returns the value of the first parameter of this name, of any type.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&TypedParamValue<S>> {
        let mut of_name = self
            .0
            .iter()
            .filter(|param| param.field.as_ref() == name.as_bytes());
        of_name.next().map(|param| &param.value)
    }

    /// Iterates over all parameters in order.
    pub fn iter(&self) -> std::slice::Iter<'_, TypedParam<S>> {
        self.0.iter()
    }

    /// Returns the number of parameters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Borrows the text, for arguments.
    #[must_use]
    pub fn borrowed(&self) -> TypedParams<&[u8]> {
        TypedParams(self.0.iter().map(TypedParam::borrowed).collect())
    }
}

impl<S> Default for TypedParams<S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<S> AsRef<[TypedParam<S>]> for TypedParams<S> {
    fn as_ref(&self) -> &[TypedParam<S>] {
        &self.0
    }
}

impl<S> From<Vec<TypedParam<S>>> for TypedParams<S> {
    fn from(params: Vec<TypedParam<S>>) -> Self {
        Self(params)
    }
}

impl<S> FromIterator<TypedParam<S>> for TypedParams<S> {
    fn from_iter<I: IntoIterator<Item = TypedParam<S>>>(params: I) -> Self {
        Self(params.into_iter().collect())
    }
}

impl<S> IntoIterator for TypedParams<S> {
    type Item = TypedParam<S>;
    type IntoIter = std::vec::IntoIter<TypedParam<S>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, S> IntoIterator for &'a TypedParams<S> {
    type Item = &'a TypedParam<S>;
    type IntoIter = std::slice::Iter<'a, TypedParam<S>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

macro_rules! value {
    ($($type:ty, $arm:ident, $name:literal;)*) => {$(
        impl From<$type> for TypedParamValue {
            fn from(value: $type) -> Self {
                Self::$arm(value)
            }
        }

        impl ParamValue<'_> for $type {
            const NAME: &'static str = $name;

            fn of<S: AsRef<[u8]>>(value: &TypedParamValue<S>) -> Option<Self> {
                match value {
                    TypedParamValue::$arm(value) => Some(*value),
                    _ => None,
                }
            }
        }
    )*};
}

value! {
    i32, Int, "int";
    u32, Uint, "uint";
    i64, Llong, "llong";
    u64, Ullong, "ullong";
    f64, Double, "double";
    bool, Boolean, "boolean";
}

impl From<String> for TypedParamValue {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<&str> for TypedParamValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl ParamValue<'_> for String {
    const NAME: &'static str = "string";

    fn of<S: AsRef<[u8]>>(value: &TypedParamValue<S>) -> Option<Self> {
        match value {
            TypedParamValue::String(text) => {
                Some(Self::from_utf8_lossy(text.as_ref()).into_owned())
            }
            _ => None,
        }
    }
}

/// The text, if it is UTF-8.
impl<'a> ParamValue<'a> for &'a str {
    const NAME: &'static str = "string";

    fn of<S: AsRef<[u8]>>(value: &'a TypedParamValue<S>) -> Option<Self> {
        match value {
            TypedParamValue::String(text) => std::str::from_utf8(text.as_ref()).ok(),
            _ => None,
        }
    }
}

/// The type of a value in libvirt's words.
fn type_name<S>(value: &TypedParamValue<S>) -> &'static str {
    match value {
        TypedParamValue::Int(_) => "int",
        TypedParamValue::Uint(_) => "uint",
        TypedParamValue::Llong(_) => "llong",
        TypedParamValue::Ullong(_) => "ullong",
        TypedParamValue::Double(_) => "double",
        TypedParamValue::Boolean(_) => "boolean",
        TypedParamValue::String(_) => "string",
    }
}

fn article(name: &str) -> String {
    let article = if name == "int" { "an" } else { "a" };
    format!("{article} {name}")
}
