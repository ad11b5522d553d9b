//! Products of row-major matrices, in loops that a processor runs fast: whole networks train on them.

use super::Real;

/// Adds the product of `a` (rows x `inner`) and `b` (`inner` x `columns`) to `c` (rows x `columns`).
///
/// The innermost loop runs along rows of `b` and `c`. It takes four rows of `b` at once, to read and write `c`
/// a quarter as often.
pub(super) fn add_product<T: Real>(c: &mut [T], a: &[T], b: &[T], inner: usize, columns: usize) {
    if inner == 0 || columns == 0 {
        return;
    }
    for (block, rows) in b.chunks(4 * columns).enumerate() {
        for (c, a) in c.chunks_exact_mut(columns).zip(a.chunks_exact(inner)) {
            let a = &a[4 * block..];
            if let ([a0, a1, a2, a3, ..], 4) = (a, rows.len() / columns) {
                let (b0, rest) = rows.split_at(columns);
                let (b1, rest) = rest.split_at(columns);
                let (b2, b3) = rest.split_at(columns);
                let rows = b0.iter().zip(b1).zip(b2.iter().zip(b3));
                for (c, ((b0, b1), (b2, b3))) in c.iter_mut().zip(rows) {
                    *c += (*a0 * *b0 + *a1 * *b1) + (*a2 * *b2 + *a3 * *b3);
                }
            } else {
                for (a, b) in a.iter().zip(rows.chunks_exact(columns)) {
                    c.iter_mut().zip(b).for_each(|(c, b)| *c += *a * *b);
                }
            }
        }
    }
}

/// The transpose of a matrix of `columns` columns.
pub(super) fn transposed<T: Real>(matrix: &[T], columns: usize) -> Vec<T> {
    let mut transposed = Vec::with_capacity(matrix.len());
    for column in 0..columns {
        transposed.extend(matrix.iter().skip(column).step_by(columns));
    }
    transposed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_match_the_definition() {
        for (rows, inner, columns) in [(1, 1, 1), (2, 3, 5), (3, 4, 2), (2, 9, 7), (0, 2, 2), (2, 0, 2)] {
            let a: Vec<f64> = (0..rows * inner).map(|i| i as f64 - 3.0).collect();
            let b: Vec<f64> = (0..inner * columns).map(|i| 2.0 - i as f64).collect();
            let mut c = vec![1.0; rows * columns];
            add_product(&mut c, &a, &b, inner, columns);
            for (at, c) in c.iter().enumerate() {
                let (row, column) = (at / columns, at % columns);
                let sum: f64 = (0..inner).map(|k| a[row * inner + k] * b[k * columns + column]).sum();
                assert_eq!(*c, 1.0 + sum);
            }
            assert_eq!(transposed(&transposed(&a, inner), rows), a);
        }
    }
}
