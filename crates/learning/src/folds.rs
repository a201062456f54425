//! Parts of the customers for cross-validation.

use crate::random::Random;

/// For each customer the number of its fold. Every fold has the same share of leavers, to within one
/// customer (stratified), and the same size, to within two. The same seed gives the same folds, so that
/// others can be measured on them.
#[must_use]
pub fn stratified(labels: &[bool], folds: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed);
    let mut fold_of = vec![0; labels.len()];
    for wanted in [true, false] {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == wanted).collect();
        random.shuffle(&mut rows);
        for (place, row) in rows.into_iter().enumerate() {
            // Leavers are dealt from the first fold on, the others from the last, so that sizes even out.
            fold_of[row] = if wanted { place % folds } else { folds - 1 - place % folds };
        }
    }
    fold_of
}

/// The rows of a part with this share of the leavers and of the stayers, each to the nearest customer, and
/// the other rows.
pub(crate) fn parted(labels: &[bool], share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut random = Random::new(seed);
    let mut is_inside = vec![false; labels.len()];
    for wanted in [true, false] {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == wanted).collect();
        random.shuffle(&mut rows);
        let taken = (share * rows.len() as f64).round() as usize;
        rows.into_iter().take(taken).for_each(|row| is_inside[row] = true);
    }
    (0..labels.len()).partition(|&row| is_inside[row])
}

#[cfg(test)]
mod tests {
    use super::{parted, stratified};

    #[test]
    fn a_part_has_its_share_of_few_leavers() {
        let labels: Vec<bool> = (0..1_000).map(|row| row % 70 == 0).collect();
        assert_eq!(labels.iter().filter(|&&label| label).count(), 15);
        let (inside, outside) = parted(&labels, 0.2, 1);
        assert_eq!((inside.len(), outside.len()), (200, 800));
        assert_eq!(inside.iter().filter(|&&row| labels[row]).count(), 3);
        assert_eq!(parted(&labels, 0.2, 1), (inside.clone(), outside));
        assert_ne!(parted(&labels, 0.2, 2).0, inside);
    }

    #[test]
    fn folds_have_equal_sizes_and_shares() {
        let labels: Vec<bool> = (0..1_003).map(|row| row % 7 < 2).collect();
        let positives = labels.iter().filter(|&&label| label).count();
        let folds = stratified(&labels, 5, 1);
        for fold in 0..5 {
            let inside = || folds.iter().zip(&labels).filter(move |(of, _)| **of == fold);
            let left = inside().filter(|(_, label)| **label).count();
            assert!((200..=202).contains(&inside().count()));
            assert!(left == positives / 5 || left == positives / 5 + 1, "{left}");
        }
    }

    #[test]
    fn folds_are_seeded_and_mixed() {
        let labels: Vec<bool> = (0..100).map(|row| row < 30).collect();
        assert_eq!(stratified(&labels, 5, 1), stratified(&labels, 5, 1));
        assert_ne!(stratified(&labels, 5, 1), stratified(&labels, 5, 2));
        let in_file_order: Vec<usize> = (0..30).map(|row| row % 5).collect();
        assert_ne!(stratified(&labels, 5, 1)[..30], in_file_order[..]);
    }
}
