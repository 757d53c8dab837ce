//! What a Parquet file's headers hold, field by field.
//!
//! Names and numbers are those of the format (apache/parquet-format, `parquet.thrift`).
//! Here are the fields that the library reads; others, what is encrypted among them, it
//! steps over by the types that they state.

use super::compact::{
    Fields,
    Shape::{self, Byte, Bytes, Double, List, Number, Struct, Truth},
};

/// `FileMetaData`, at the end of a file.
pub(super) const FILE: &Fields = &[
    (1, Number),
    (2, List(&Struct(SCHEMA_ELEMENT))),
    (3, Number),
    (4, List(&Struct(ROW_GROUP))),
    (5, KEY_VALUES),
    (6, Bytes),
    (7, List(&Struct(COLUMN_ORDER))),
];

/// Where a [`FILE`] says how many columns are within one (`num_children`).
pub(super) const CHILDREN: &[i16] = &[2, 0, 5];

/// `PageHeader`, before each page.
pub(super) const PAGE: &Fields = &[
    (1, Number),
    (2, Number),
    (3, Number),
    (4, Number),
    (5, Struct(DATA_PAGE)),
    (6, Struct(&[])),
    (7, Struct(&[(1, Number), (2, Number), (3, Truth)])),
    (8, Struct(DATA_PAGE_V2)),
];

/// Where a [`PAGE`] says how many bytes it is once unpacked (`uncompressed_page_size`), ...
pub(super) const UNPACKED: &[i16] = &[2];
/// ... how many it has in the file (`compressed_page_size`), ...
pub(super) const PACKED: &[i16] = &[3];
/// ... and how many values, if it is a dictionary (`num_values`).
pub(super) const DICTIONARY_VALUES: &[i16] = &[7, 1];

const DATA_PAGE: &Fields = &[
    (1, Number),
    (2, Number),
    (3, Number),
    (4, Number),
    (5, Struct(STATISTICS)),
];

const DATA_PAGE_V2: &Fields = &[
    (1, Number),
    (2, Number),
    (3, Number),
    (4, Number),
    (5, Number),
    (6, Number),
    (7, Truth),
    (8, Struct(STATISTICS)),
];

const STATISTICS: &Fields = &[
    (1, Bytes),
    (2, Bytes),
    (3, Number),
    (4, Number),
    (5, Bytes),
    (6, Bytes),
    (7, Truth),
    (8, Truth),
];

const SCHEMA_ELEMENT: &Fields = &[
    (1, Number),
    (2, Number),
    (3, Number),
    (4, Bytes),
    (5, Number),
    (6, Number),
    (7, Number),
    (8, Number),
    (9, Number),
    (10, Struct(LOGICAL_TYPE)),
];

const NOTHING: Shape = Struct(&[]);
const TIME: Shape = Struct(&[
    (1, Truth),
    (2, Struct(&[(1, NOTHING), (2, NOTHING), (3, NOTHING)])),
]);

const LOGICAL_TYPE: &Fields = &[
    (1, NOTHING),
    (2, NOTHING),
    (3, NOTHING),
    (4, NOTHING),
    (5, Struct(&[(1, Number), (2, Number)])),
    (6, NOTHING),
    (7, TIME),
    (8, TIME),
    (10, Struct(&[(1, Byte), (2, Truth)])),
    (11, NOTHING),
    (12, NOTHING),
    (13, NOTHING),
    (14, NOTHING),
    (15, NOTHING),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Bytes)])),
    (18, Struct(&[(1, Bytes), (2, Number)])),
];

const COLUMN_ORDER: &Fields = &[(1, NOTHING)];
const KEY_VALUES: Shape = List(&Struct(&[(1, Bytes), (2, Bytes)]));

const ROW_GROUP: &Fields = &[
    (1, List(&Struct(COLUMN_CHUNK))),
    (2, Number),
    (3, Number),
    (4, List(&Struct(&[(1, Number), (2, Truth), (3, Truth)]))),
    (5, Number),
    (6, Number),
    (7, Number),
];

const COLUMN_CHUNK: &Fields = &[
    (1, Bytes),
    (2, Number),
    (3, Struct(COLUMN)),
    (4, Number),
    (5, Number),
    (6, Number),
    (7, Number),
];

/// `ColumnMetaData`.
const COLUMN: &Fields = &[
    (1, Number),
    (2, List(&Number)),
    (3, List(&Bytes)),
    (4, Number),
    (5, Number),
    (6, Number),
    (7, Number),
    (8, KEY_VALUES),
    (9, Number),
    (10, Number),
    (11, Number),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, Number), (2, Number), (3, Number)]))),
    (14, Number),
    (15, Number),
    (
        16,
        Struct(&[(1, Number), (2, List(&Number)), (3, List(&Number))]),
    ),
    (17, Struct(GEOSPATIAL)),
];

/// `GeospatialStatistics`.
const GEOSPATIAL: &Fields = &[
    (
        1,
        Struct(&[
            (1, Double),
            (2, Double),
            (3, Double),
            (4, Double),
            (5, Double),
            (6, Double),
            (7, Double),
            (8, Double),
        ]),
    ),
    (2, List(&Number)),
];
