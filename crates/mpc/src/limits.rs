//! Named limits on everything that a peer, a file or a plan can make large.

/// Bytes of one input (a normalised, typed selector).
pub const INPUT_BYTES_MAX: usize = 256;
/// Selectors in one request; a larger step is asked in parts.
pub const SELECTORS_MAX: usize = 8192;
/// Selectors evaluated under one proof, hence in one `Evaluated` frame.
pub const PROOF_CHUNK: usize = 4096;
/// Bytes of one request.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one frame of a response.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Institutions whose vouchers one request may carry.
pub const ISSUERS_MAX: usize = 64;
/// Keys in one prepared table.
pub const KEYS_MAX: usize = 1 << 24;
/// Bits of a bucket's number: at most this many buckets a table.
pub const BUCKET_BITS_MAX: u8 = 16;
/// Mean keys a bucket where nobody says otherwise: the anonymity set.
pub const ANONYMITY_DEFAULT: u32 = 256;
/// Bytes of plaintext in one cell of a label.
pub const CELL_PAYLOAD_BYTES: usize = 256;
/// Bytes of one encoded label.
pub const LABEL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Cells in one bucket, dummies included.
pub const BUCKET_CELLS_MAX: usize = 1 << 18;
/// Cells in the smallest size class of a bucket.
pub const BUCKET_CELLS_MIN: usize = 16;
/// Bytes of labels that a requester opens in one lookup.
pub const OPENED_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes that a requester keeps of one lookup to show what it opened.
pub const SHOWN_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Keys whose labels a custodian asks of its tables at once, buckets permitting.
pub const BATCH_KEYS: usize = 8192;
/// Bytes of labels that a custodian aims to hold at once.
pub const BATCH_BYTES_AIM: usize = 48 * 1024 * 1024;
/// Derived selectors whose vouchers a run remembers; beyond it they are made again.
pub const VOUCHER_CACHE_MAX: usize = 1 << 19;
/// Keys whose evaluations a run remembers; beyond it they are made again.
pub const EVALUATION_CACHE_MAX: usize = 1 << 21;

/// Keys in one oblivious key-value store, hence items in one part of a joint set.
pub const OKVS_ITEMS_MAX: usize = 1 << 24;
/// Items of one side of a joint set in one part, padding included.
pub const SET_ITEMS_MAX: usize = OKVS_ITEMS_MAX;
/// Items of one side in the mean, where a larger set is cut into parts.
pub const PART_ITEMS: usize = 1 << 20;
/// Bytes of a joint set's items that are kept in memory before they go to disk.
pub const SPILL_BYTES: usize = 64 * 1024 * 1024;
/// Parts of a joint set.
pub const PARTS_MAX: usize = 1 << 12;
/// Values of a vector, or tags, in every frame but the last.
pub const FRAME_VALUES: usize = 1 << 15;
/// Holders of sets in one joint set of many.
pub const MANY_HOLDERS_MAX: usize = 10;
/// Entries for an opener in every frame but the last.
pub const MANY_FRAME_ENTRIES: usize = 1 << 11;
/// Words of a payload that a join brings along.
pub const JOIN_WORDS_MAX: usize = 4;
/// Fewest bins of a join.
pub const JOIN_BINS_MIN: usize = 512;
/// Correlations of one VOLE; places in its code are drawn with 32 bits.
pub const VOLE_LEN_MAX: usize = 1 << 25;
/// Bytes of any message of a VOLE of any permitted length.
pub const VOLE_MESSAGE_BYTES_MAX: usize = 1024 * 1024;

// Three-party shares.
/// Rows of one shared column.
pub const SHARES_ROWS_MAX: usize = 1 << 24;
/// Products over Z_2^64 that wait for their check before it is made on the way.
pub const SHARES_PENDING_PRODUCTS: usize = 1 << 19;
/// Words of products of bits that wait for their check before it is made on
/// the way.
pub const SHARES_PENDING_WORDS: usize = 1 << 19;
/// Columns of one row that is shuffled.
pub const SHARES_COLUMNS_MAX: usize = 64;

// Joint questions.
/// Words that hold a subject in an answer: a byte of length and 31 of the subject.
pub const JOINT_NAME_WORDS_MAX: usize = 4;
/// Times that rows are sorted anew because short hashes of keys collided.
pub const JOINT_SORTS_MAX: usize = 3;
/// Iterations of a propagation.
pub const JOINT_ITERATIONS_MAX: usize = 16;
/// Parts that a question's tables may come in.
pub const JOINT_PARTS_MAX: usize = 64;
/// Transfers of one part of many that may count for `called_then_paid`.
pub const JOINT_PAYMENTS_MAX: usize = 1 << 16;
