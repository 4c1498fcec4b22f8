//! Whole numbers that are resident for as long as a segment is open, in as few whole bytes each as
//! their range allows.

/// A list of numbers: the least of them, and how far each is above it in `width` bytes, little-endian.
///
/// Invariant: `bytes` holds `len` × `width` bytes; `width` is at most 8, and 0 when all are the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Thin {
    least: i64,
    width: usize,
    len: usize,
    bytes: Box<[u8]>,
}

impl Thin {
    /// Returns one number; `None` behind the last.
    pub(super) fn get(&self, index: usize) -> Option<i64> {
        if index >= self.len {
            return None;
        }
        let mut above = [0; 8];
        let from = index * self.width;
        above[..self.width].copy_from_slice(&self.bytes[from..from + self.width]);
        Some(self.least.wrapping_add(i64::from_le_bytes(above)))
    }

    /// Yields the numbers in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len).filter_map(|index| self.get(index))
    }

    /// Returns how many numbers come before the first one that is above `bound`; they ascend.
    pub(super) fn count_up_to(&self, bound: i64) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some(number) if number <= bound => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl FromIterator<i64> for Thin {
    fn from_iter<I: IntoIterator<Item = i64>>(numbers: I) -> Self {
        let numbers: Vec<i64> = numbers.into_iter().collect();
        let least = numbers.iter().copied().min().unwrap_or(0);
        let most = numbers.iter().copied().max().unwrap_or(0);
        // Right also where the difference is above the greatest i64: as bits it is the distance.
        let bits = u64::BITS - (most.wrapping_sub(least) as u64).leading_zeros();
        let width = bits.div_ceil(8) as usize;
        let mut bytes = Vec::with_capacity(numbers.len() * width);
        for number in &numbers {
            bytes.extend_from_slice(&number.wrapping_sub(least).to_le_bytes()[..width]);
        }
        Self { least, width, len: numbers.len(), bytes: bytes.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_the_fewest_bytes_that_hold_them() {
        let lists: [(&[i64], usize); 7] = [
            (&[], 0),
            (&[i64::MIN], 0),
            (&[9, 9, 9], 0),
            (&[-200, 55, 0], 3),
            (&[0, 256], 4),
            (&[1_790_812_800_000_000, 1_790_812_800_000_000 + (1 << 40) - 1], 10),
            (&[i64::MIN, 0, i64::MAX], 24),
        ];
        for (list, bytes) in lists {
            let thin: Thin = list.iter().copied().collect();
            assert_eq!(thin.iter().collect::<Vec<_>>(), list);
            assert_eq!(thin.memory_bytes(), bytes, "{list:?}");
            assert_eq!(thin.get(list.len()), None);
        }
    }

    #[test]
    fn the_place_of_a_bound_is_that_of_a_sorted_list() {
        let list = [-7, -7, 0, 3, 900, i64::MAX];
        let thin: Thin = list.iter().copied().collect();
        for bound in [i64::MIN, -8, -7, -6, 0, 2, 3, 899, 900, i64::MAX] {
            assert_eq!(thin.count_up_to(bound), list.partition_point(|number| *number <= bound));
        }
        assert_eq!(Thin::default().count_up_to(0), 0);
    }
}
