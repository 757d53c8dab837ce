//! What a Parquet file's headers claim, looked at before the library makes room for it.

use std::io::{self, Read as _};

use parquet::arrow::ProjectionMask;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;

use super::compact::{Walk, unsound};
use super::layout;
use crate::limits::{FILE_COLUMNS_MAX, PARQUET_METADATA_BYTES_MAX, PARQUET_PAGES_BYTES_MAX};

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum Refused {
    /// It could not be, or is not sound.
    File(ParquetError),
    Claim(&'static str),
}

impl From<ParquetError> for Refused {
    fn from(error: ParquetError) -> Self {
        Self::File(error)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::File(match error.kind() {
            io::ErrorKind::InvalidData => ParquetError::General("a header".into()),
            io::ErrorKind::UnexpectedEof => ParquetError::EOF("a header".into()),
            _ => error.into(),
        })
    }
}

const TOO_LARGE: Refused = Refused::Claim(
    "its pages unpack to more than 512 MiB at once; write it with smaller pages or row groups",
);

const OVERLAP: Refused = Refused::Claim("its columns have more bytes than the file");

/// A file's last bytes: how long its metadata before them is, and the format's name.
const TRAILER_BYTES: usize = 8;
const NAME: &[u8] = b"PAR1";

/// Refuses a file whose metadata the library would take longer over, or more room for, than
/// its bytes say.
pub(super) fn check_metadata(file: &impl ChunkReader) -> Result<(), Refused> {
    let Some(end) = file.len().checked_sub(TRAILER_BYTES as u64) else {
        return Ok(()); // The library says that it is no Parquet.
    };
    let mut trailer = [0; TRAILER_BYTES];
    file.get_read(end)?.read_exact(&mut trailer)?;
    let [length @ .., _, _, _, _] = trailer;
    let length = u64::from(u32::from_le_bytes(length));
    let begin = end.checked_sub(length);
    let (Some(begin), true) = (begin, trailer.ends_with(NAME)) else {
        return Ok(());
    };
    if length > PARQUET_METADATA_BYTES_MAX {
        return Err(Refused::Claim(
            "its metadata has more than 64 MiB; write it with larger row groups",
        ));
    }
    // The library makes room for as many columns as one says to have within it.
    let most = i64::try_from(FILE_COLUMNS_MAX).unwrap_or(i64::MAX);
    let seen = |path: &[i16], number| match path {
        layout::CHILDREN if !(0..=most).contains(&number) => Err(unsound()),
        _ => Ok(()),
    };
    Walk::new(file.get_read(begin)?.take(length), seen).over(layout::FILE)?;
    Ok(())
}

/// Refuses pages that claim too much, before the library makes room for what they claim:
/// columns of more bytes than the file, a dictionary of more values than it has bytes, or
/// pages of one group of rows that together, one of each column and its dictionary, unpack
/// to more than [`PARQUET_PAGES_BYTES_MAX`].
pub(super) fn check_pages(
    file: &impl ChunkReader,
    metadata: &ParquetMetaData,
    mask: &ProjectionMask,
) -> Result<(), Refused> {
    let mut unclaimed = file.len();
    for group in metadata.row_groups() {
        let columns = group.columns().iter().enumerate();
        let mut held = 0_u64;
        for (_, column) in columns.filter(|(leaf, _)| mask.leaf_included(*leaf)) {
            let (mut begin, mut left) = column.byte_range();
            // Were bytes claimed again and again, looking at them would never end.
            unclaimed = unclaimed.checked_sub(left).ok_or(OVERLAP)?;
            let (mut dictionary, mut largest) = (0, 0);
            while left > 0 {
                let page = PageClaims::read(file, begin, left)?;
                begin += page.taken;
                left -= page.taken;
                match page.dictionary {
                    Some(values) if values > page.unpacked => {
                        return Err(Refused::Claim("a dictionary of more values than bytes"));
                    }
                    Some(_) => dictionary = page.unpacked.max(dictionary),
                    None => largest = page.unpacked.max(largest),
                }
            }
            held = held.saturating_add(dictionary).saturating_add(largest);
        }
        if held > PARQUET_PAGES_BYTES_MAX {
            return Err(TOO_LARGE);
        }
    }
    Ok(())
}

/// What a page's header claims.
struct PageClaims {
    /// Bytes of the file that the header and the page take.
    taken: u64,
    /// Bytes once unpacked.
    unpacked: u64,
    /// Values, if it is a dictionary.
    dictionary: Option<u64>,
}

impl PageClaims {
    /// Reads the header that begins at an offset, before so many bytes of a column's.
    fn read(file: &impl ChunkReader, begin: u64, left: u64) -> Result<Self, Refused> {
        let (mut packed, mut unpacked, mut dictionary) = (0, 0, None);
        // Of a field that stands twice the library takes the last.
        let seen = |path: &[i16], number: i64| {
            let claimed = u64::try_from(number).map_err(|_| unsound());
            match path {
                layout::PACKED => packed = claimed?,
                layout::UNPACKED => unpacked = claimed?,
                layout::DICTIONARY_VALUES => dictionary = Some(claimed?),
                _ => (),
            }
            Ok(())
        };
        let mut walk = Walk::new(file.get_read(begin)?.take(left), seen);
        walk.over(layout::PAGE)?;
        let taken = walk.bytes.checked_add(packed);
        Ok(Self {
            taken: taken
                .filter(|taken| *taken <= left)
                .ok_or(Refused::Claim("a page goes on behind its column"))?,
            unpacked,
            dictionary,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use parquet::file::metadata::{ColumnChunkMetaData, FileMetaData, RowGroupMetaData};
    use parquet::schema::parser::parse_message_type;
    use parquet::schema::types::SchemaDescriptor;

    use super::*;

    /// A number as the compact protocol has it.
    fn number(value: i64) -> Vec<u8> {
        let mut zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
        let mut bytes = Vec::new();
        while zigzag > 0x7f {
            bytes.push(zigzag.to_le_bytes()[0] | 0x80);
            zigzag >>= 7;
        }
        bytes.push(zigzag.to_le_bytes()[0]);
        bytes
    }

    /// A page's header, and so many bytes behind it.
    fn page(unpacked: i64, packed: i64, values: Option<i64>, bytes: usize) -> Vec<u8> {
        let mut page = [&[0x15][..], &number(2), &[0x15], &number(unpacked)].concat();
        page.extend([&[0x15][..], &number(packed)].concat());
        if let Some(values) = values {
            page.extend([&[0x4c, 0x15][..], &number(values), &[0x00]].concat());
        }
        page.push(0);
        page.resize(page.len() + bytes, 0xff);
        page
    }

    /// Checks one group of rows of columns that are such pages.
    fn checked(columns: &[Vec<u8>]) -> Result<(), Refused> {
        let fields: String = (0..columns.len())
            .map(|i| format!("required int32 c{i};"))
            .collect();
        let schema = parse_message_type(&format!("message rows {{ {fields} }}")).unwrap();
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(schema)));
        let mut group = RowGroupMetaData::builder(Arc::clone(&schema)).set_num_rows(1);
        let mut begin = 0;
        for (i, pages) in columns.iter().enumerate() {
            let length = i64::try_from(pages.len()).unwrap();
            let column = ColumnChunkMetaData::builder(schema.column(i))
                .set_data_page_offset(begin)
                .set_total_compressed_size(length)
                .build();
            group = group.add_column_metadata(column.unwrap());
            begin += length;
        }
        let file = FileMetaData::new(2, 1, None, None, schema, None);
        let metadata = ParquetMetaData::new(file, vec![group.build().unwrap()]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&columns.concat()).unwrap();
        let held = check_pages(&file, &metadata, &ProjectionMask::all());
        if held.is_ok() {
            // The same columns over a byte less.
            file.set_len(u64::try_from(begin - 1).unwrap()).unwrap();
            let fewer = check_pages(&file, &metadata, &ProjectionMask::all());
            claims(&fewer, "more bytes than the file");
        }
        held
    }

    fn claims(checked: &Result<(), Refused>, cause: &str) {
        let said = match checked {
            Err(Refused::Claim(claim)) => (*claim).to_owned(),
            Err(Refused::File(error)) => error.to_string(),
            Ok(()) => "nothing".to_owned(),
        };
        assert!(said.contains(cause), "{cause}: {said}");
    }

    #[test]
    fn a_page_claims_no_more_than_there_can_be() {
        let half = i64::try_from(PARQUET_PAGES_BYTES_MAX / 2).unwrap();
        let dictionary = page(half, 0, Some(half), 0);
        let held = [
            dictionary.clone(),
            page(half, 3, None, 3),
            page(half - 1, 0, None, 0),
        ]
        .concat();
        assert!(checked(std::slice::from_ref(&held)).is_ok());
        assert!(checked(&[dictionary, page(half, 0, None, 0)]).is_ok());

        let cases = [
            ("pages unpack", vec![held, page(1, 0, None, 0)]),
            ("pages unpack", vec![page(i64::MAX, 0, None, 0); 3]),
            ("more values than bytes", vec![page(14, 0, Some(15), 0)]),
            (
                "goes on behind",
                vec![page(9, 4, None, 3), page(9, 0, None, 0)],
            ),
            ("a header", vec![page(-1, 0, None, 0)]),
            ("a header", vec![page(1, -1, None, 9)]),
            ("a header", vec![page(1, 0, Some(-1), 0)]),
        ];
        for (cause, columns) in cases {
            claims(&checked(&columns), cause);
        }
    }
}
