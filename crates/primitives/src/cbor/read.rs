//! Types that derive serde's traits, read off bytes that [`super::scan`] found canonical.
//!
//! Why it exists: a tree of values takes up to 160 times the bytes of what a hostile
//! peer sends, and ciborium's own reader of bytes takes one kind of item for another (a
//! byte string for a text, for a list or for a field's name), so that a record would have
//! several encodings.
//!
//! Each kind of serde's is read from the one item that [`super::encode`] writes for it:
//!
//! | serde | item |
//! |---|---|
//! | integers | majors 0 and 1 |
//! | bytes; text, characters, names of fields | major 2; major 3 |
//! | sequences, tuples; maps, structs | major 4; major 5 |
//! | none and unit; some | null; the value itself |
//! | a variant without fields; another one | its name; a map of its name to what it holds |
//!
//! *Not here*: floating-point numbers.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, Unexpected, Visitor},
    forward_to_deserialize_any,
};

use super::{
    CborError,
    scan::{FALSE, Head, NULL, TRUE, head, take},
};

impl de::Error for CborError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::Shape(what.to_string())
    }
}

/// The items that were not read yet.
pub(super) struct Reader<'de> {
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    pub(super) fn new(canonical: &'de [u8]) -> Self {
        Self { rest: canonical }
    }

    /// The head of the next item, if it is of this major type.
    fn expect(&mut self, major: u8, expected: &str) -> Result<u64, CborError> {
        let Head {
            major: found,
            argument,
        } = self.peek()?;
        if found != major {
            return Err(de::Error::invalid_type(self.unexpected(), &expected));
        }
        head(&mut self.rest)?;
        Ok(argument)
    }

    fn peek(&self) -> Result<Head, CborError> {
        head(&mut { self.rest })
    }

    fn bytes(&mut self) -> Result<&'de [u8], CborError> {
        let length = self.expect(2, "bytes")?;
        take(&mut self.rest, length)
    }

    fn text(&mut self) -> Result<&'de str, CborError> {
        let length = self.expect(3, "text")?;
        let text = take(&mut self.rest, length)?;
        std::str::from_utf8(text).map_err(|_| CborError::Malformed)
    }

    fn is_null(&self) -> bool {
        self.rest.first() == Some(&NULL)
    }

    /// What the next item is, for messages; a peer's own text is not repeated in them.
    fn unexpected(&self) -> Unexpected<'static> {
        match self.peek().map(|head| head.major) {
            Ok(0 | 1) => Unexpected::Other("integer"),
            Ok(2) => Unexpected::Other("bytes"),
            Ok(3) => Unexpected::Other("text"),
            Ok(4) => Unexpected::Seq,
            Ok(5) => Unexpected::Map,
            _ => Unexpected::Other("simple value"),
        }
    }

    /// Reads a list or a map, all of which must be read.
    fn all<T>(
        &mut self,
        left: u64,
        read: impl FnOnce(&mut Items<'_, 'de>) -> Result<T, CborError>,
    ) -> Result<T, CborError> {
        let mut items = Items { reader: self, left };
        let value = read(&mut items)?;
        if items.left > 0 {
            return Err(CborError::Shape("more items than expected".into()));
        }
        Ok(value)
    }

    fn sequence<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, CborError> {
        let left = self.expect(4, "a list")?;
        self.all(left, |items| visitor.visit_seq(items))
    }

    fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, CborError> {
        let left = self.expect(5, "a map")?;
        self.all(left, |items| visitor.visit_map(items))
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, CborError> {
        let Head { major, argument } = self.peek()?;
        if major > 1 {
            return Err(de::Error::invalid_type(self.unexpected(), &visitor));
        }
        head(&mut self.rest)?;
        if major == 0 {
            return visitor.visit_u64(argument);
        }
        match i64::try_from(argument) {
            Ok(magnitude) => visitor.visit_i64(-1 - magnitude),
            Err(_) => visitor.visit_i128(-1 - i128::from(argument)),
        }
    }
}

/// The items of a list, or the entries of a map, that were not read yet.
struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: u64,
}

impl<'de> Items<'_, 'de> {
    /// The next item, or the next entry's key.
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, CborError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn hint(&self) -> Option<usize> {
        // Each takes a byte at least.
        usize::try_from(self.left.min(self.reader.rest.len() as u64)).ok()
    }
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = CborError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, CborError> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> de::MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = CborError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, CborError> {
        self.next(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, CborError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

/// A variant: its name, and what it holds.
struct Variant<'a, 'de> {
    reader: &'a mut Reader<'de>,
    holds: bool,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = CborError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), CborError> {
        let name = seed.deserialize(&mut *self.reader)?;
        Ok((name, self))
    }
}

impl Variant<'_, '_> {
    fn holds(&self, something: bool) -> Result<(), CborError> {
        match (self.holds, something) {
            (true, false) => Err(CborError::Shape("a variant that holds nothing".into())),
            (false, true) => Err(CborError::Shape("a variant that holds something".into())),
            _ => Ok(()),
        }
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = CborError;

    fn unit_variant(self) -> Result<(), CborError> {
        self.holds(false)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, CborError> {
        self.holds(true)?;
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, CborError> {
        self.holds(true)?;
        self.reader.sequence(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CborError> {
        self.holds(true)?;
        self.reader.map(visitor)
    }
}

/// Methods that read one kind of item, whatever the type asks beside.
macro_rules! each {
    ($read:ident: $($method:ident($($argument:ty),*)),*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)* visitor: V) -> Result<V::Value, CborError> {
            self.$read(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = CborError;

    /// What the bytes say it is: for buffered and skipped content.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.peek()?.major {
            0 | 1 => self.integer(visitor),
            2 => visitor.visit_borrowed_bytes(self.bytes()?),
            3 => visitor.visit_borrowed_str(self.text()?),
            4 => self.sequence(visitor),
            5 => self.map(visitor),
            _ if self.is_null() => self.deserialize_unit(visitor),
            _ => self.deserialize_bool(visitor),
        }
    }

    each!(integer: deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64());
    each!(integer: deserialize_i128(), deserialize_u8(), deserialize_u16(), deserialize_u32());
    each!(integer: deserialize_u64(), deserialize_u128());
    each!(sequence: deserialize_seq(), deserialize_tuple(usize));
    each!(sequence: deserialize_tuple_struct(&'static str, usize));
    each!(map: deserialize_map(), deserialize_struct(&'static str, &'static [&'static str]));
    each!(deserialize_str: deserialize_string(), deserialize_char(), deserialize_identifier());
    each!(deserialize_bytes: deserialize_byte_buf());
    each!(deserialize_unit: deserialize_unit_struct(&'static str));

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        let value = match self.rest.first() {
            Some(&FALSE) => false,
            Some(&TRUE) => true,
            _ => return Err(de::Error::invalid_type(self.unexpected(), &visitor)),
        };
        self.rest = &self.rest[1..];
        visitor.visit_bool(value)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, CborError> {
        Err(CborError::Unsupported)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, CborError> {
        Err(CborError::Unsupported)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        visitor.visit_borrowed_bytes(self.bytes()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        if self.is_null() {
            self.rest = &self.rest[1..];
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        if !self.is_null() {
            return Err(de::Error::invalid_type(self.unexpected(), &visitor));
        }
        self.rest = &self.rest[1..];
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CborError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CborError> {
        let holds = self.peek()?.major == 5;
        if holds && self.expect(5, "a map")? != 1 {
            return Err(CborError::Shape("a variant and something beside it".into()));
        }
        visitor.visit_enum(Variant {
            reader: self,
            holds,
        })
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! { ignored_any }
}
