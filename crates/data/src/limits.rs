//! Every limit of this room, by name.

/// Rows in one batch between source, normaliser and writer.
pub const BATCH_ROWS: usize = 8192;
/// The longest line of a CSV file, in bytes; a quote that is never closed ends here.
pub const CSV_ROW_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of CSV in one batch: a batch of long lines has fewer rows.
pub const CSV_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// A Parquet file's own metadata, in bytes; a hundred thousand column chunks take some ten MiB.
pub const PARQUET_METADATA_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What the pages of a Parquet file that are held at once may unpack to, in bytes: of each
/// column that is read its dictionary and its largest page.
pub const PARQUET_PAGES_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Columns that a file may have, those that no dataset takes among them.
pub const FILE_COLUMNS_MAX: usize = 4096;
/// Columns of a dataset.
pub const COLUMNS_MAX: usize = 256;
/// Lookup keys of a dataset.
pub const KEYS_MAX: usize = 16;
/// Columns that one key draws on.
pub const KEY_COLUMNS_MAX: usize = 8;
/// Rejected rows that a report names one by one; the rest are counted.
pub const REJECTED_LISTED_MAX: usize = 1000;
/// Rows of a row group of a key file: the least that a lookup reads.
pub const KEY_ROW_GROUP_ROWS: usize = 16_384;
/// Rows of a page of a key file.
pub const KEY_PAGE_ROWS: usize = 2048;
/// Rows of a row group of the rows file.
pub const ROW_GROUP_ROWS: usize = 65_536;
/// Ranges that a scan gives to the engine; more are joined over their smallest
/// gaps, and the rows between dropped after reading.
pub const SCAN_RANGES_MAX: usize = 64;
/// Bucket ranges of one request for rows.
pub const BUCKET_RANGES_MAX: usize = 1 << 20;
/// Memory for sorting unless the options say otherwise, in bytes.
pub const MEMORY_BYTES_DEFAULT: usize = 192 * 1024 * 1024;
/// The least memory for sorting that a snapshot can be taken with, in bytes.
pub const MEMORY_BYTES_MIN: usize = 32 * 1024 * 1024;
/// The largest list of checksums that is read, in bytes.
pub const SUMS_BYTES_MAX: u64 = 64 * 1024;
/// The largest `snapshot.json` that is read, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Values looked at to guess a column's meaning.
pub const GUESS_ROWS: usize = 1000;
