//! Average pooling, with the padding counted or not.

use wgcnn::ops::AvgPool2d;
use wgcnn::shape::Padding;

use crate::check::{Rounding, check, check_within};

fn avg_pool2d(pool: AvgPool2d, [kh, kw]: [usize; 2], input: [usize; 4]) {
    let terms = Rounding::SumOf(kh * kw);
    check(pool, &[input], terms, terms);
}

#[test]
fn odd_sizes() {
    for count in [true, false] {
        let pool = |kernel: [usize; 2]| AvgPool2d::new(kernel).count_include_pad(count);
        avg_pool2d(pool([1, 1]), [1, 1], [1, 1, 1, 1]);
        avg_pool2d(pool([2, 2]), [2, 2], [2, 3, 6, 4]);
        avg_pool2d(pool([3, 2]).stride([1, 3]).padding([1, 1, 0, 0]), [3, 2], [2, 5, 7, 5]);
        avg_pool2d(pool([3, 3]).stride(2).padding(1).ceil_mode(true), [3, 3], [1, 33, 12, 7]);
        avg_pool2d(pool([2, 3]).stride([5, 4]), [2, 3], [3, 2, 13, 11]);
        avg_pool2d(pool([4, 4]).stride(3).padding(Padding::Same), [4, 4], [1, 64, 7, 8]);
        avg_pool2d(pool([31, 17]), [31, 17], [2, 4, 31, 17]);
    }
}

#[test]
fn within_a_graph() {
    check_within(AvgPool2d::new([3, 2]).stride([2, 1]).padding([1, 0, 0, 1]), [2, 6, 7, 6]);
}
