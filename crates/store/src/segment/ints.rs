//! Whole numbers of one block, decoded, in as little memory as their range allows.

/// The numbers of one column of one block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ints {
    /// All the same.
    Same { value: i64, count: usize },
    /// A base and what is above it.
    Narrow { base: i64, above: Box<[u32]> },
    /// As they are.
    Wide(Box<[i64]>),
}

impl Ints {
    pub(super) fn new(values: Vec<i64>) -> Self {
        let least = values.iter().copied().min().unwrap_or(0);
        let most = values.iter().copied().max().unwrap_or(0);
        if least == most {
            return Self::Same { value: least, count: values.len() };
        }
        if u32::try_from(most.wrapping_sub(least)).is_ok() {
            let above = values.iter().map(|value| (value - least) as u32).collect();
            return Self::Narrow { base: least, above };
        }
        Self::Wide(values.into())
    }

    /// Returns one number; `index` is below the count that was decoded.
    pub(super) fn get(&self, index: usize) -> i64 {
        match self {
            Self::Same { value, .. } => *value,
            Self::Narrow { base, above } => base + i64::from(above[index]),
            Self::Wide(values) => values[index],
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Same { count, .. } => *count,
            Self::Narrow { above, .. } => above.len(),
            Self::Wide(values) => values.len(),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Same { .. } => 0,
            Self::Narrow { above, .. } => above.len() * 4,
            Self::Wide(values) => values.len() * 8,
        }
    }
}
