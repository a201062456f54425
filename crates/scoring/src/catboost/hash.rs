//! The number that CatBoost knows a category's value by.
//!
//! The value's bytes are hashed by CityHash64 in its first published version (Pike and Alakuijala,
//! "Introducing CityHash", 2011; later versions give other numbers), of which CatBoost keeps the low
//! 32 bits.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;

/// CatBoost's hash of a category's value.
#[must_use]
pub fn category_hash(value: &str) -> u32 {
    city_hash(value.as_bytes()) as u32
}

fn city_hash(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0..=16 => up_to_16(bytes),
        17..=32 => up_to_32(bytes),
        33..=64 => up_to_64(bytes),
        _ => longer(bytes),
    }
}

/// Eight bytes in little-endian order.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn half_word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 4].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn shift_mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

/// Murmur's way to make one word of two.
fn combine(low: u64, high: u64) -> u64 {
    const MULTIPLIER: u64 = 0x9ddf_ea08_eb38_2d69;
    let first = shift_mix((low ^ high).wrapping_mul(MULTIPLIER));
    shift_mix((high ^ first).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER)
}

fn up_to_16(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    match length {
        0 => K2,
        1..=3 => {
            let [first, middle, last] = [bytes[0], bytes[length / 2], bytes[length - 1]].map(u64::from);
            let low = first + (middle << 8);
            let high = length as u64 + (last << 2);
            shift_mix(low.wrapping_mul(K2) ^ high.wrapping_mul(K3)).wrapping_mul(K2)
        }
        4..=8 => combine(length as u64 + (half_word(bytes, 0) << 3), half_word(bytes, length - 4)),
        _ => {
            let (first, last) = (word(bytes, 0), word(bytes, length - 8));
            let turned = last.wrapping_add(length as u64).rotate_right(length as u32);
            combine(first, turned) ^ last
        }
    }
}

fn up_to_32(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let a = word(bytes, 0).wrapping_mul(K1);
    let b = word(bytes, 8);
    let c = word(bytes, length - 8).wrapping_mul(K2);
    let d = word(bytes, length - 16).wrapping_mul(K0);
    let low = a.wrapping_sub(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let high = (b ^ K3).rotate_right(20).wrapping_add(a).wrapping_sub(c).wrapping_add(length as u64);
    combine(low, high)
}

fn up_to_64(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    // Both ends are mixed in the same way; only what starts it differs.
    let mix = |start: u64, end: u64, at: usize| {
        let mut c = start.rotate_right(37);
        let b = start.wrapping_add(end).rotate_right(52);
        let mut a = start.wrapping_add(word(bytes, at + 8));
        c = c.wrapping_add(a.rotate_right(7));
        a = a.wrapping_add(word(bytes, at + 16));
        (a.wrapping_add(end), b.wrapping_add(a.rotate_right(31)).wrapping_add(c))
    };
    let weight = (length as u64).wrapping_add(word(bytes, length - 16)).wrapping_mul(K0);
    let front = mix(word(bytes, 0).wrapping_add(weight), word(bytes, 24), 0);
    let start = word(bytes, 16).wrapping_add(word(bytes, length - 32));
    let back = mix(start, word(bytes, length - 8), length - 32);
    let low = front.0.wrapping_add(back.1).wrapping_mul(K2);
    let high = back.0.wrapping_add(front.1).wrapping_mul(K0);
    let mixed = shift_mix(low.wrapping_add(high));
    shift_mix(mixed.wrapping_mul(K0).wrapping_add(front.1)).wrapping_mul(K2)
}

/// Mixes 32 bytes into two words.
fn weak(bytes: &[u8], at: usize, first: u64, second: u64) -> (u64, u64) {
    let [w, x, y, z] = [0, 8, 16, 24].map(|offset| word(bytes, at + offset));
    let start = first.wrapping_add(w);
    let turned = second.wrapping_add(start).wrapping_add(z).rotate_right(21);
    let sum = start.wrapping_add(x).wrapping_add(y);
    (sum.wrapping_add(z), turned.wrapping_add(sum.rotate_right(44)).wrapping_add(start))
}

fn longer(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let mut x = word(bytes, 0);
    let mut y = word(bytes, length - 16) ^ K1;
    let mut z = word(bytes, length - 56) ^ K0;
    let mut v = weak(bytes, length - 64, length as u64, y);
    let mut w = weak(bytes, length - 32, (length as u64).wrapping_mul(K1), K0);
    z = z.wrapping_add(shift_mix(v.1).wrapping_mul(K1));
    x = z.wrapping_add(x).rotate_right(39).wrapping_mul(K1);
    y = y.rotate_right(33).wrapping_mul(K1);
    // The last 64 bytes have been mixed in above.
    for at in (0..(length - 1) / 64 * 64).step_by(64) {
        let sum = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(bytes, at + 16));
        x = sum.rotate_right(37).wrapping_mul(K1) ^ w.1;
        let sum = y.wrapping_add(v.1).wrapping_add(word(bytes, at + 48));
        y = sum.rotate_right(42).wrapping_mul(K1) ^ v.0;
        z = (z ^ w.0).rotate_right(33);
        v = weak(bytes, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(bytes, at + 32, z.wrapping_add(w.1), y);
        (x, z) = (z, x);
    }
    let low = combine(v.0, w.0).wrapping_add(shift_mix(y).wrapping_mul(K1)).wrapping_add(z);
    combine(low, combine(v.1, w.1).wrapping_add(x))
}
