"""Our folds, made again in Python, so that peers are judged on the very same customers.

The generator is xoshiro256** seeded by SplitMix64, the folds are those of crates/learning/src/folds.rs.
"""

MASK = (1 << 64) - 1


class Random:
    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            mixed = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
            self.state.append(mixed ^ (mixed >> 31))

    def next(self):
        a, b, c, d = self.state
        result = (rotated((b * 5) & MASK, 7) * 9) & MASK
        c, d = c ^ a, d ^ b
        self.state = [a ^ d, b ^ c, c ^ ((b << 17) & MASK), rotated(d, 45)]
        return result

    def shuffle(self, items):
        for last in range(len(items) - 1, 0, -1):
            other = (self.next() * (last + 1)) >> 64
            items[last], items[other] = items[other], items[last]


def rotated(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def stratified(labels, folds, seed):
    """For each customer the number of the fold that leaves it out."""
    random = Random(seed)
    fold_of = [0] * len(labels)
    for wanted in (True, False):
        rows = [row for row, label in enumerate(labels) if bool(label) == wanted]
        random.shuffle(rows)
        for place, row in enumerate(rows):
            fold_of[row] = place % folds if wanted else folds - 1 - place % folds
    return fold_of
