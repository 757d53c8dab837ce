//! Walks over a value of Thrift's compact protocol, in which Parquet writes its headers.
//!
//! Why it exists: the library that reads those headers does not look at a field's type but
//! reads what it expects, and skips as many elements of a list as are claimed, where those
//! of truth values cost no byte: a file of a kilobyte can hold it for hours. What was
//! walked over here takes it a time that goes with its bytes.
//!
//! *Invariants*: each step takes a byte; a known field holds what the format says; there
//! are no truth values in lists, no maps, no more than [`DEPTH_MAX`] levels.
//!
//! *Source*: Apache Thrift, "Thrift Compact protocol encoding" (doc/specs).

use std::io::{self, Read};

/// What a field of the format holds.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Truth,
    Byte,
    /// Of 16, 32 or 64 bits, which are written alike.
    Number,
    Double,
    Bytes,
    List(&'static Shape),
    Struct(&'static Fields),
}

/// The known fields of a struct; others are walked over by the types that they state.
pub(super) type Fields = [(i16, Shape)];

/// Levels of structs and lists within one another; Parquet's own have nine.
const DEPTH_MAX: usize = 16;
/// A varint of 64 bits has no more bytes.
const VARINT_BYTES_MAX: u32 = 10;

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

impl Shape {
    const fn is(self, kind: u8) -> bool {
        match self {
            Self::Truth => matches!(kind, TRUE | FALSE),
            Self::Byte => kind == BYTE,
            Self::Number => matches!(kind, I16..=I64),
            Self::Double => kind == DOUBLE,
            Self::Bytes => kind == BINARY,
            Self::List(_) => kind == LIST,
            Self::Struct(_) => kind == STRUCT,
        }
    }
}

/// A walk over one value.
pub(super) struct Walk<R, S> {
    from: R,
    /// Bytes read so far.
    pub(super) bytes: u64,
    /// Fields that lead to where the walk is; elements of a list count as 0.
    path: Vec<i16>,
    seen: S,
}

impl<R: Read, S: FnMut(&[i16], i64) -> io::Result<()>> Walk<R, S> {
    /// From where the value begins; each number is shown with the fields that lead to it,
    /// and may be refused.
    pub(super) const fn new(from: R, seen: S) -> Self {
        Self {
            from,
            bytes: 0,
            path: Vec::new(),
            seen,
        }
    }

    /// Walks over a struct.
    pub(super) fn over(&mut self, fields: &'static Fields) -> io::Result<()> {
        let mut field = 0_i16;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == STOP {
                return Ok(());
            }
            field = match i16::from(head >> 4) {
                0 => i16::try_from(self.number()?).map_err(|_| unsound())?,
                step => field.checked_add(step).ok_or_else(unsound)?,
            };
            let known = fields.iter().find(|(id, _)| *id == field);
            self.within(field, kind, known.map(|(_, shape)| *shape))?;
        }
    }

    /// Walks over one field or element, a level deeper.
    fn within(&mut self, field: i16, kind: u8, shape: Option<Shape>) -> io::Result<()> {
        if self.path.len() == DEPTH_MAX || shape.is_some_and(|shape| !shape.is(kind)) {
            return Err(unsound());
        }
        self.path.push(field);
        self.value(kind, shape)?;
        self.path.pop();
        Ok(())
    }

    fn value(&mut self, kind: u8, shape: Option<Shape>) -> io::Result<()> {
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(|_| ()),
            I16..=I64 => {
                let number = self.number()?;
                (self.seen)(&self.path, number)
            }
            DOUBLE => self.skip(8),
            BINARY => {
                let bytes = self.varint()?;
                self.skip(bytes)
            }
            LIST | SET => {
                let of = match shape {
                    Some(Shape::List(of)) => Some(*of),
                    _ => None,
                };
                self.list(of)
            }
            STRUCT => self.over(match shape {
                Some(Shape::Struct(fields)) => fields,
                _ => &[],
            }),
            _ => Err(unsound()),
        }
    }

    fn list(&mut self, of: Option<Shape>) -> io::Result<()> {
        let head = self.byte()?;
        let kind = head & 0x0f;
        let elements = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        if elements > 0 && matches!(kind, TRUE | FALSE) {
            return Err(unsound());
        }
        for _ in 0..elements {
            self.within(0, kind, of)?;
        }
        Ok(())
    }

    /// A number, whose sign is its lowest bit.
    fn number(&mut self) -> io::Result<i64> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for place in 0..VARINT_BYTES_MAX {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(unsound())
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        self.bytes += 1;
        Ok(byte[0])
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.from.by_ref().take(bytes), &mut io::sink())?;
        self.bytes += skipped;
        if skipped < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// What is not as the format says.
pub(super) fn unsound() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &Fields = &[(1, Shape::Number), (2, Shape::Number)];
    const LINE: &Fields = &[
        (1, Shape::List(&Shape::Struct(POINT))),
        (2, Shape::Bytes),
        (4, Shape::Struct(POINT)),
        (5, Shape::Truth),
    ];

    /// Each with the fields that lead to it.
    type Numbers = Vec<(Vec<i16>, i64)>;

    /// How long a line is, and the numbers in it.
    fn walked(bytes: &[u8]) -> io::Result<(u64, Numbers)> {
        let mut numbers = Vec::new();
        let mut walk = Walk::new(bytes, |path: &[i16], number| {
            numbers.push((path.to_vec(), number));
            Ok(())
        });
        walk.over(LINE)?;
        Ok((walk.bytes, numbers))
    }

    #[test]
    fn what_is_sound_is_walked_over_to_its_end() {
        let mut line = vec![0x19, 0x2c]; // Field 1: a list of two structs, ...
        line.extend([0x15, 0x02, 0x00]); // ... with a field of 1,
        line.extend([0x00]); // and with none.
        line.extend([0x18, 0x03, b'a', b'b', b'c']); // Field 2.
        line.extend([0x2c, 0x15, 0x81, 0x01, 0x16, 0x04, 0x00]); // Field 4: -65 and 2.
        line.extend([0x11]); // Field 5: true.
        line.extend([0x17, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]); // Field 6, which nobody knows.
        line.push(0);
        let length = line.len() as u64;
        line.extend([0xff; 9]);
        let (bytes, numbers) = walked(&line).unwrap();
        assert_eq!(bytes, length);
        let expected = [(vec![1, 0, 1], 1), (vec![4, 1], -65), (vec![4, 2], 2)];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn what_the_library_would_misread_or_be_long_over_is_refused() {
        let many = [0xff, 0xff, 0xff, 0xff, 0x07];
        let of_truths = [&[0xa9, 0xf1], &many[..]].concat();
        let map_of_truths = [&[0xab], &many[..], &[0x11]].concat();
        let deep = [&[0xa9][..], &[0x19; 40]].concat();
        let cases: [(&str, &[u8]); 7] = [
            ("two thousand million truth values in no byte", &of_truths),
            ("a map", &map_of_truths),
            ("forty lists within one another", &deep),
            ("bytes where a struct belongs", &[0x48, 0x01, 0x00, 0x00]),
            ("numbers in a list of structs", &[0x19, 0x15, 0x02, 0x00]),
            (
                "a number of eleven bytes",
                &[0xa6, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            ),
            (
                "a field beyond the last",
                &[0x06, 0xfe, 0xff, 0x03, 0x00, 0x16, 0x00, 0x00],
            ),
        ];
        for (what, bytes) in cases {
            let refused = walked(bytes).err().map(|e| e.kind());
            assert_eq!(refused, Some(io::ErrorKind::InvalidData), "{what}");
        }
    }

    #[test]
    fn what_is_cut_anywhere_is_short() {
        let mut line = vec![0x19, 0x1c, 0x15, 0x02, 0x00, 0x18, 0x01, b'a'];
        line.extend([0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(walked(&line).is_ok());
        for end in 0..line.len() {
            let short = walked(&line[..end]).err().map(|e| e.kind());
            assert_eq!(short, Some(io::ErrorKind::UnexpectedEof), "{end}");
        }
    }
}
