//! The answers of all rows of a block to all questions that trees ask, a bit for each row.
//!
//! A column has at most one more different answer than a block has rows, however many borders it has: the
//! rows, in the order of their bins, say yes one after the other. So each question only has to know how
//! many rows say no.
#![allow(unsafe_code, reason = "answers are found at places that only this file writes")]

use super::TreeNode;
use crate::block::ROWS;

/// A bit for each row of a block: row `r` is bit `r % 64` of word `r / 64`.
pub(super) type Rows = [u64; ROWS / 64];

/// Up to this many questions are answered one by one, which is faster then.
const ASKED_ONE_BY_ONE: usize = 8;

/// What trees ask, by column: whether the bin is greater than 0, 1, and so on.
#[derive(Debug, Clone)]
pub(super) struct Questions {
    columns: Vec<Column>,
    /// One more than questions in each column.
    questions: usize,
    answers: usize,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    count: usize,
    first_question: usize,
    first_answer: usize,
}

/// The answers of a block.
#[derive(Debug)]
pub(super) struct Answers {
    /// Of each question, where its rows are.
    of: Vec<u32>,
    rows: Vec<Rows>,
}

impl Questions {
    pub(super) fn new(columns: usize, nodes: impl Iterator<Item = TreeNode>) -> Questions {
        let mut counts = vec![0; columns];
        for node in nodes {
            let count = &mut counts[usize::from(node.column)];
            *count = (usize::from(node.bin) + 1).max(*count);
        }
        let (mut questions, mut answers) = (0, 0);
        let column = |count| {
            let column = Column { count, first_question: questions, first_answer: answers };
            questions += count + 1;
            answers += if count <= ASKED_ONE_BY_ONE { count } else { ROWS + 1 };
            column
        };
        let columns = counts.into_iter().map(column).collect();
        Questions { columns, questions, answers }
    }

    /// The number of a node's question.
    pub(super) fn number(&self, node: TreeNode) -> u32 {
        let first = self.columns[usize::from(node.column)].first_question;
        // The place before is that of the rows that say no to none.
        (first + usize::from(node.bin) + 1) as u32
    }

    pub(super) fn answers(&self) -> Answers {
        Answers { of: vec![0; self.questions], rows: vec![[0; ROWS / 64]; self.answers] }
    }
}

impl Answers {
    /// The rows that say yes.
    ///
    /// # Safety
    ///
    /// The number must come from [`Questions::number`] of the questions that made these answers and that
    /// were asked.
    #[inline(always)]
    pub(super) unsafe fn rows(&self, question: u32) -> &Rows {
        // SAFETY: the number is less than `Questions::questions`, which is the length of `of`. `ask` wrote
        // its entry: the first answer of its column and at most the number of the column's answers less
        // one, and these are less than `Questions::answers`, which is the length of `rows`.
        unsafe { self.rows.get_unchecked(*self.of.get_unchecked(question as usize) as usize) }
    }

    /// Asks the rows of a block.
    #[inline(always)]
    pub(super) fn ask(&mut self, questions: &Questions, bins: &[u16]) {
        for (column, bins) in questions.columns.iter().zip(bins.as_chunks::<ROWS>().0) {
            let of = &mut self.of[column.first_question..][..=column.count];
            if column.count <= ASKED_ONE_BY_ONE {
                let rows = &mut self.rows[column.first_answer..][..column.count];
                for (place, (of, rows)) in of[1..].iter_mut().zip(rows).enumerate() {
                    *of = (column.first_answer + place) as u32;
                    ask_one(bins, place as u16, rows);
                }
            } else {
                let rows = &mut self.rows[column.first_answer..][..=ROWS];
                ask_sorted(bins, column.first_answer as u32, of, rows);
            }
        }
    }
}

#[inline(always)]
fn ask_one(bins: &[u16; ROWS], border: u16, rows: &mut Rows) {
    for (word, bins) in rows.iter_mut().zip(bins.as_chunks::<64>().0) {
        let mut bytes = [0u64; 8];
        for (byte, bins) in bytes.iter_mut().zip(bins.as_chunks::<8>().0) {
            // Eight bytes of 0 or 1; the multiplication moves their bits to the highest byte.
            let flags = u64::from_le_bytes(bins.map(|bin| u8::from(bin > border)));
            *byte = flags.wrapping_mul(0x0102_0408_1020_4080) >> 56;
        }
        *word = u64::from_le_bytes(bytes.map(|byte| byte as u8));
    }
}

/// Sorts the rows by their bins, counting; then `of[k]` is behind the rows whose bin is less than `k`.
#[inline(always)]
fn ask_sorted(bins: &[u16; ROWS], first: u32, of: &mut [u32], rows: &mut [Rows]) {
    let highest = of.len() - 1;
    of.fill(0);
    for &bin in bins {
        of[usize::from(bin).min(highest)] += 1;
    }
    let mut sum = first;
    for count in of.iter_mut() {
        sum += *count;
        *count = sum;
    }
    let mut sorted = [0u8; ROWS];
    for (row, &bin) in bins.iter().enumerate() {
        let place = &mut of[usize::from(bin).min(highest)];
        *place -= 1;
        sorted[(*place - first) as usize] = row as u8;
    }
    let mut yes = [u64::MAX; ROWS / 64];
    rows[0] = yes;
    for (rows, row) in rows[1..].iter_mut().zip(sorted) {
        yes[usize::from(row / 64)] &= !(1 << (row % 64));
        *rows = yes;
    }
}
