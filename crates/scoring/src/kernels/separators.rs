//! Finds where cells and records end: the delimiters and line ends of CSV text that stand outside of
//! quotes, 64 bytes at a time.
//!
//! A quoted cell is told by counting quotes: what lies behind an odd number of them is inside. That is what
//! the definition in [`crate::records`] says as long as a quote opens a cell only where a cell begins (a
//! doubled quote closes the cell and opens it again right away). A scan tells where this does not hold, and
//! whoever scans goes through that stretch record by record.

#![allow(unsafe_code, reason = "vector instructions, and lists filled without a check for each entry")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::Level;

const BLOCK: usize = 64;
/// How many entries a block may write behind the ones it adds.
const SLACK: usize = BLOCK;

/// What was found, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Separators {
    /// The place of every delimiter and line end.
    pub(crate) places: Vec<u32>,
    /// For every line end, its index in `places`.
    pub(crate) ends: Vec<u32>,
}

/// What the next block must know of the text before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carry {
    /// All ones inside of a quoted cell.
    inside: u64,
    /// 1 where a quote opens a cell if it comes next.
    may_open: u64,
}

impl Carry {
    /// A record begins.
    pub(crate) const RECORD: Carry = Carry { inside: 0, may_open: 1 };
}

/// What a stretch of text is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Only ASCII without NUL.
    pub(crate) is_plain: bool,
    /// Quotes open cells only where cells begin. Otherwise what was found is worth nothing.
    pub(crate) is_regular: bool,
}

/// Appends the separators of `text[from..to]`, as places in `text`, which has less than 4 GiB.
///
/// # Panics
///
/// Where the range is not in the text.
pub(crate) fn scan(
    level: Level,
    text: &[u8],
    (from, to): (usize, usize),
    delimiter: u8,
    carry: &mut Carry,
    found: &mut Separators,
) -> Seen {
    let stretch = &text[from..to];
    found.places.reserve(stretch.len() + BLOCK + SLACK);
    found.ends.reserve(stretch.len() + BLOCK + SLACK);
    let mut state = State {
        delimiter,
        carry: *carry,
        place: from as u32,
        places: found.places.as_mut_ptr(),
        place_count: found.places.len(),
        ends: found.ends.as_mut_ptr(),
        end_count: found.ends.len(),
        irregular: 0,
        is_plain: true,
    };
    // SAFETY: the lists have room for an entry per byte of the stretch, its last block rounded up, and the
    // slack; a possible level is one whose instructions the processor has.
    unsafe {
        match level.possible() {
            Level::Portable => scan_portable(stretch, &mut state),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => scan_avx2(stretch, &mut state),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => scan_avx512(stretch, &mut state),
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => scan_portable(stretch, &mut state),
        }
        // SAFETY: this many entries were written, and they are within the capacity.
        found.places.set_len(state.place_count);
        found.ends.set_len(state.end_count);
    }
    *carry = state.carry;
    Seen { is_plain: state.is_plain, is_regular: state.irregular == 0 }
}

/// Where the last record of the text ends that ends in it, 0 if none does; the text begins with a record
/// and has less than 4 GiB. Nothing: the quotes are not regular, so that this cannot say.
pub(crate) fn last_line_end(level: Level, text: &[u8], delimiter: u8) -> Option<usize> {
    if memchr::memchr(b'"', text).is_none() {
        return Some(memchr::memrchr(b'\n', text).map_or(0, |last| last + 1));
    }
    let mut state = State {
        delimiter,
        carry: Carry::RECORD,
        place: 0,
        places: std::ptr::null_mut(),
        place_count: 0,
        ends: std::ptr::null_mut(),
        end_count: 0,
        irregular: 0,
        is_plain: true,
    };
    match level.possible() {
        Level::Portable => last_portable(text, &mut state),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a possible level is one whose instructions the processor has.
        Level::Avx2 => unsafe { last_avx2(text, &mut state) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { last_avx512(text, &mut state) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2 | Level::Avx512 => last_portable(text, &mut state),
    }
    let is_regular = state.irregular == 0 && !matches!(delimiter, b'"' | b'\n' | b'\r');
    is_regular.then_some(state.end_count)
}

struct State {
    delimiter: u8,
    carry: Carry,
    /// Of the next block, in the text.
    place: u32,
    places: *mut u32,
    place_count: usize,
    ends: *mut u32,
    end_count: usize,
    /// Not 0 where a quote opens in the middle of a cell.
    irregular: u64,
    is_plain: bool,
}

/// A bit for each byte of a block.
struct Masks {
    delimiters: u64,
    newlines: u64,
    quotes: u64,
}

impl State {
    /// Takes quoted cells out: the separators that are left, and those of them that are line ends.
    #[inline(always)]
    fn resolve(&mut self, masks: Masks, prefix_xor: impl Fn(u64) -> u64) -> (u64, u64) {
        let Masks { delimiters, newlines, quotes } = masks;
        let separators = delimiters | newlines;
        let may_open = ((separators | quotes) << 1) | self.carry.may_open;
        self.carry.may_open = (separators | quotes) >> 63;
        if quotes | self.carry.inside == 0 {
            return (separators, newlines);
        }
        let inside = prefix_xor(quotes) ^ self.carry.inside;
        self.carry.inside = 0u64.wrapping_sub(inside >> 63);
        self.irregular |= quotes & inside & !may_open;
        (separators & !inside, newlines & !inside)
    }

    /// Notes the end of a block's last line.
    #[inline(always)]
    fn note_last(&mut self, newlines: u64) {
        if newlines != 0 {
            self.end_count = self.place as usize + (64 - newlines.leading_zeros() as usize);
        }
    }

    /// Appends the indices of a block's line ends.
    ///
    /// # Safety
    ///
    /// The list must have room for 64 more entries.
    #[inline(always)]
    unsafe fn push_ends(&mut self, separators: u64, mut newlines: u64) {
        let index = |newlines: u64| {
            let up_to_first = newlines ^ newlines.wrapping_sub(1);
            (self.place_count as u32 + (separators & up_to_first).count_ones()).wrapping_sub(1)
        };
        // Most blocks have one line end or none, which needs no branch that could be guessed wrongly.
        // SAFETY: the caller made room.
        unsafe { self.ends.add(self.end_count).write(index(newlines)) };
        let mut end_count = self.end_count + usize::from(newlines != 0);
        newlines &= newlines.wrapping_sub(1);
        while newlines != 0 {
            // SAFETY: the caller made room for one entry for each bit.
            unsafe { self.ends.add(end_count).write(index(newlines)) };
            end_count += 1;
            newlines &= newlines - 1;
        }
        self.end_count = end_count;
    }

    /// Appends the places of a block's separators.
    ///
    /// # Safety
    ///
    /// The list must have room for 64 more entries and the slack.
    #[inline(always)]
    unsafe fn push_places(&mut self, mut separators: u64) {
        let count = separators.count_ones() as usize;
        // SAFETY: at most 64 entries are behind the count, and the caller made room for them.
        let target = unsafe { self.places.add(self.place_count) };
        let mut written = 0;
        while written < count {
            // Eight at a time whether they are there or not: the loop's end is then guessed rightly.
            for offset in written..written + 8 {
                let place = self.place.wrapping_add(separators.trailing_zeros());
                // SAFETY: `written` is less than 64 and a multiple of 8, so that this is within 64 entries.
                unsafe { target.add(offset).write(place) };
                separators &= separators.wrapping_sub(1);
            }
            written += 8;
        }
        self.place_count += count;
    }
}

/// The stretch's last bytes, filled up to a block with letters, and whether there are any.
fn tail(stretch: &[u8], delimiter: u8) -> ([u8; BLOCK], bool) {
    let rest = stretch.chunks_exact(BLOCK).remainder();
    let mut block = [if delimiter == b'x' { b'y' } else { b'x' }; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    (block, !rest.is_empty())
}

/// Goes over a stretch with one level's instructions: `$take` gets the separators of each block, and which
/// of them are line ends.
macro_rules! scan_blocks {
    ($stretch:expr, $state:expr, $masks:expr, $prefix_xor:expr, $take:expr) => {{
        let (last, has_last) = tail($stretch, $state.delimiter);
        let (blocks, rest) = $stretch.as_chunks::<BLOCK>();
        for block in blocks.iter().chain(has_last.then_some(&last)) {
            let masks = $masks(block, $state);
            let (separators, newlines) = $state.resolve(masks, $prefix_xor);
            $take($state, separators, newlines);
            $state.place = $state.place.wrapping_add(BLOCK as u32);
        }
        // What the filling said about the byte behind it is not so; where the text goes on, the next scan
        // begins with what the stretch's own last byte says.
        if let Some(&byte) = rest.last() {
            let is_boundary = byte == $state.delimiter || matches!(byte, b'\n' | b'"');
            $state.carry.may_open = u64::from(is_boundary);
        }
    }};
}

/// # Safety
///
/// The lists must have room for an entry per byte of the stretch, its last block rounded up, and the slack.
unsafe fn scan_portable(stretch: &[u8], state: &mut State) {
    let push = |state: &mut State, separators, newlines| {
        // SAFETY: the caller made room for an entry per byte, and for the slack.
        unsafe {
            state.push_ends(separators, newlines);
            state.push_places(separators);
        }
    };
    scan_blocks!(stretch, state, masks_portable, prefix_xor, push);
}

fn last_portable(text: &[u8], state: &mut State) {
    let note = |state: &mut State, _, newlines| state.note_last(newlines);
    scan_blocks!(text, state, masks_portable, prefix_xor, note);
}

fn masks_portable(block: &[u8; BLOCK], state: &mut State) -> Masks {
    let mut masks = Masks { delimiters: 0, newlines: 0, quotes: 0 };
    let mut odd = 0;
    for (position, bytes) in block.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes);
        let shift = position * 8;
        masks.delimiters |= bits(equal(word, state.delimiter)) << shift;
        masks.newlines |= bits(equal(word, b'\n')) << shift;
        masks.quotes |= bits(equal(word, b'"')) << shift;
        odd |= equal(word, 0) | (word & HIGH);
    }
    state.is_plain &= odd == 0;
    masks
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The highest bit of every byte of the word that is this one.
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (LOW * u64::from(byte));
    !(((difference & !HIGH) + !HIGH) | difference) & HIGH
}

/// The highest bits of eight bytes as eight bits.
fn bits(highest: u64) -> u64 {
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Every bit becomes the parity of the bits up to it.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// # Safety
///
/// As [`scan_portable`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
unsafe fn scan_avx2(stretch: &[u8], state: &mut State) {
    let push = |state: &mut State, separators, newlines| {
        // SAFETY: the caller made room for an entry per byte, and for the slack.
        unsafe {
            state.push_ends(separators, newlines);
            state.push_places(separators);
        }
    };
    scan_blocks!(stretch, state, masks_avx2, |bits| prefix_xor_clmul(bits), push);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
fn last_avx2(text: &[u8], state: &mut State) {
    let note = |state: &mut State, _, newlines| state.note_last(newlines);
    scan_blocks!(text, state, masks_avx2, |bits| prefix_xor_clmul(bits), note);
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn masks_avx2(block: &[u8; BLOCK], state: &mut State) -> Masks {
    // SAFETY: 32 bytes are read at the block's beginning and 32 in its middle, without alignment.
    let (low, high) = unsafe {
        (_mm256_loadu_si256(block.as_ptr().cast()), _mm256_loadu_si256(block[32..].as_ptr().cast()))
    };
    let mask = |low, high| {
        let (low, high) = (_mm256_movemask_epi8(low) as u32, _mm256_movemask_epi8(high) as u32);
        u64::from(low) | u64::from(high) << 32
    };
    let equal = |byte: u8| {
        let wanted = _mm256_set1_epi8(byte as i8);
        mask(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted))
    };
    // As signed numbers, NUL is 0 and what is no ASCII is below.
    let smallest = _mm256_min_epi8(low, high);
    let plain = _mm256_cmpgt_epi8(smallest, _mm256_setzero_si256());
    state.is_plain &= _mm256_movemask_epi8(plain) == -1;
    Masks { delimiters: equal(state.delimiter), newlines: equal(b'\n'), quotes: equal(b'"') }
}

/// [`prefix_xor`] as a product without carries.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "pclmulqdq")]
fn prefix_xor_clmul(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1), 0);
    _mm_cvtsi128_si64(product) as u64
}

/// # Safety
///
/// As [`scan_portable`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
unsafe fn scan_avx512(stretch: &[u8], state: &mut State) {
    let push = |state: &mut State, separators, newlines| {
        // SAFETY: the caller made room for an entry per byte, and for the slack.
        unsafe {
            state.push_ends(separators, newlines);
            push_places_avx512(state, separators);
        }
    };
    scan_blocks!(stretch, state, masks_avx512, |bits| prefix_xor_clmul(bits), push);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
fn last_avx512(text: &[u8], state: &mut State) {
    let note = |state: &mut State, _, newlines| state.note_last(newlines);
    scan_blocks!(text, state, masks_avx512, |bits| prefix_xor_clmul(bits), note);
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn masks_avx512(block: &[u8; BLOCK], state: &mut State) -> Masks {
    // SAFETY: a block has the 64 bytes that are read, without alignment.
    let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
    let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte as i8));
    // As signed numbers, NUL is 0 and what is no ASCII is below.
    state.is_plain &= _mm512_cmple_epi8_mask(bytes, _mm512_setzero_si512()) == 0;
    Masks { delimiters: equal(state.delimiter), newlines: equal(b'\n'), quotes: equal(b'"') }
}

/// The positions 0 to 63.
#[cfg(target_arch = "x86_64")]
static POSITIONS: [u8; BLOCK] = {
    let mut positions = [0; BLOCK];
    let mut position = 0;
    while position < BLOCK {
        positions[position] = position as u8;
        position += 1;
    }
    positions
};

/// # Safety
///
/// As [`State::push_places`].
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt")]
unsafe fn push_places_avx512(state: &mut State, separators: u64) {
    let count = separators.count_ones() as usize;
    // SAFETY: there are 64 positions.
    let positions = unsafe { _mm512_loadu_si512(POSITIONS.as_ptr().cast()) };
    let positions = _mm512_maskz_compress_epi8(separators, positions);
    let first = _mm512_set1_epi32(state.place as i32);
    // SAFETY: at most 64 entries are written from the count on, for which the caller made room.
    let target = unsafe { state.places.add(state.place_count) };
    let write = |sixteen: usize, positions: __m128i| {
        let places = _mm512_add_epi32(_mm512_cvtepu8_epi32(positions), first);
        // SAFETY: `sixteen` is at most 3, see above.
        unsafe { _mm512_storeu_si512(target.add(sixteen * 16).cast(), places) };
    };
    write(0, _mm512_castsi512_si128(positions));
    if count > 16 {
        write(1, _mm512_extracti32x4_epi32::<1>(positions));
    }
    if count > 32 {
        write(2, _mm512_extracti32x4_epi32::<2>(positions));
        write(3, _mm512_extracti32x4_epi32::<3>(positions));
    }
    state.place_count += count;
}

#[cfg(test)]
mod tests;
