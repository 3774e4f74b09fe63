//! Seeded randomness of the generator: the same seed gives the same events on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good enough to draw test data with.
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0. The bias is below 2^-32 for the small bounds used here.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("usize is at most 64 bits");
        let number = ((self.next() >> 32) * bound) >> 32;
        usize::try_from(number).expect("below a usize")
    }

    /// One of the items.
    pub(super) fn of<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    /// True in `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A number from 0 to 1, without 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Draws ranks from 0 as Zipf's law has it: rank `k` is drawn in proportion to `1 / (k + 1)^exponent`.
#[derive(Debug)]
pub(super) struct Zipf {
    /// Share of the draws that are at most this rank.
    upto: Vec<f64>,
}

impl Zipf {
    pub(super) fn new(ranks: usize, exponent: f64) -> Zipf {
        let mut sum = 0.0;
        let weights = (1..=ranks).map(|rank| (rank as f64).powf(-exponent));
        let sums: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        Zipf { upto: sums.iter().map(|part| part / sum).collect() }
    }

    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let drawn = random.unit();
        let rank = self.upto.partition_point(|upto| *upto <= drawn);
        // Rounding may leave the last sum a little below 1.
        rank.min(self.upto.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        // The first outputs of the published reference implementation for the seed 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn few_ranks_are_drawn_often_and_every_rank_is_in_range() {
        let (zipf, mut random) = (Zipf::new(100, 1.1), Random::new(7));
        let mut counts = vec![0_u32; 100];
        for _ in 0..100_000 {
            counts[zipf.draw(&mut random)] += 1;
        }
        assert!(counts[0] > 20_000, "{}", counts[0]);
        assert!(counts[0] > 5 * counts[9] && counts[9] > 3 * counts[60]);
        assert!((0..1000).all(|_| random.below(3) < 3));
    }
}
