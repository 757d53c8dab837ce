//! Loops over many words: bit transposition, wiping, and the two rings' inner
//! products.
//!
//! Why it exists: everything that touches each bit of each row runs through
//! these few loops, written so that the compiler can use wide registers.
//!
//! *Invariants*: nothing here branches on, or indexes by, a secret word.

/// Overwrites and empties a vector of secret words.
pub(crate) fn wipe(words: &mut Vec<u64>) {
    words.fill(0);
    // Keeps the compiler from dropping writes that nobody reads.
    std::hint::black_box(words.as_slice());
    words.clear();
}

/// Transposes a 64 × 64 matrix of bits: bit `j` of word `i` becomes bit `i` of
/// word `j`.
pub(crate) fn transpose(m: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_ffff_ffff_u64;
    while width != 0 {
        let mut base = 0;
        while base < 64 {
            for k in base..base + width {
                let swapped = ((m[k] >> width) ^ m[k + width]) & mask;
                m[k] ^= swapped << width;
                m[k + width] ^= swapped;
            }
            base += 2 * width;
        }
        width >>= 1;
        mask ^= mask << width;
    }
}

/// Rows into planes.
pub(crate) fn to_planes(rows: &[u64], width: u32) -> Vec<u64> {
    let words = rows.len().div_ceil(64);
    let width = width as usize;
    let mut planes = vec![0; words * width];
    let mut block = [0u64; 64];
    for (at, chunk) in rows.chunks(64).enumerate() {
        block[..chunk.len()].copy_from_slice(chunk);
        block[chunk.len()..].fill(0);
        transpose(&mut block);
        for (j, plane) in block[..width].iter().enumerate() {
            planes[j * words + at] = *plane;
        }
    }
    planes
}

/// Planes into rows.
pub(crate) fn from_planes(planes: &[u64], rows: usize, width: u32) -> Vec<u64> {
    let words = rows.div_ceil(64);
    let width = width as usize;
    let mut out = Vec::with_capacity(words * 64);
    for at in 0..words {
        let mut block = [0u64; 64];
        for (j, plane) in block[..width].iter_mut().enumerate() {
            *plane = planes[j * words + at];
        }
        transpose(&mut block);
        out.extend_from_slice(&block);
    }
    out.truncate(rows);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_the_transposed_rows() {
        for rows in [0usize, 1, 63, 64, 65, 200] {
            let words: Vec<u64> = (0..rows as u64)
                .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .collect();
            let planes = to_planes(&words, 64);
            for (i, word) in words.iter().enumerate() {
                for j in 0..64 {
                    let bit = planes[j * rows.div_ceil(64) + i / 64] >> (i % 64) & 1;
                    assert_eq!(bit, word >> j & 1);
                }
            }
            assert_eq!(from_planes(&planes, rows, 64), words);
        }
    }
}
