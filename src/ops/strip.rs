//! Strips: how rows are cut for kernels whose invocations walk along them. No operator of its own.

/// The least elements of a strip. Where a walk begins, some of what its neighbour reads is read again.
const LEAST: usize = 8;

/// The most elements of a strip, far below the iterations that drivers allow an invocation.
const MOST: usize = 1 << 13;

/// How long the strips of `rows` rows of `width` elements are: as long as leaves about `wanted` of them.
pub(super) fn length(rows: usize, width: usize, wanted: usize) -> usize {
    let strips = wanted.div_ceil(rows.max(1)).min(width.div_ceil(LEAST)).max(width.div_ceil(MOST));
    width.div_ceil(strips.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_long_where_there_are_enough_of_them() {
        assert_eq!(length(448, 56, 64), 56);
        assert_eq!(length(448, 56, 1000), 19);
        assert_eq!(length(448, 56, 8192), 8);
        assert_eq!(length(1, 5, 8192), 5);
        assert_eq!(length(1, 70_001, 1), 7_778);
    }
}
