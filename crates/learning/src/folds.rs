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

#[cfg(test)]
mod tests {
    use super::stratified;

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
