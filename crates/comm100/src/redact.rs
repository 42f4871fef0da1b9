//! `Debug` output that tells how much there is, never what.

use std::fmt;

/// A value that `Debug` may only measure.
pub(crate) trait Measure {
    fn measure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Measure for str {
    fn measure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} chars>", self.chars().count())
    }
}

impl Measure for String {
    fn measure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().measure(f)
    }
}

impl<T> Measure for Vec<T> {
    fn measure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} values>", self.len())
    }
}

impl<T: Measure> Measure for Option<T> {
    fn measure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Some(value) => value.measure(f),
            None => f.write_str("None"),
        }
    }
}

/// Shows a value's size in a `Debug` implementation.
pub(crate) struct Hidden<'a, T: ?Sized>(pub &'a T);

impl<T: Measure + ?Sized> fmt::Debug for Hidden<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.measure(f)
    }
}

/// Implements `Debug`: the `shown` fields as they are, of the `hidden` ones only the size.
macro_rules! redacted_debug {
    ($type:ident { shown: [$($shown:ident),*], hidden: [$($hidden:ident),*] }) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($shown), &self.$shown))*
                    $(.field(stringify!($hidden), &$crate::redact::Hidden(&self.$hidden)))*
                    .finish()
            }
        }
    };
}
pub(crate) use redacted_debug;
