//! Average pooling, with the padding counted or not.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::{AvgPool2d, Operator};
use wgcnn::reference::Pass;
use wgcnn::shape::{Padding, Shape};

use crate::check::{Rounding, check, check_within, close};
use crate::common::{bound, gpu};
use crate::contexts::contexts;

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
        avg_pool2d(pool([3, 3]).stride(1).padding(2), [3, 3], [1, 5, 4, 6]);
        avg_pool2d(pool([2, 3]).stride([5, 4]), [2, 3], [3, 2, 13, 11]);
        avg_pool2d(pool([4, 4]).stride(3).padding(Padding::Same), [4, 4], [1, 64, 7, 8]);
        avg_pool2d(pool([31, 17]), [31, 17], [2, 4, 31, 17]);
        avg_pool2d(pool([3, 3]).stride(2).padding(1), [3, 3], [1, 5, 7, 61]);
        avg_pool2d(pool([2, 3]).stride(1), [2, 3], [1, 3, 3, 37]);
    }
}

/// Windows that begin at -1, 1 and 3 of four pixels, the last of them past the padding: as
/// `torch.nn.functional.avg_pool2d(x, (1, 3), (1, 2), (0, 1), ceil_mode=True, count_include_pad=...)`.
#[test]
fn divisors_are_pytorchs() {
    let input = Tensor::new([1, 1, 1, 4], vec![1.0, 2.0, 4.0, 8.0]).unwrap();
    for (count, wanted) in [(true, [1.0, 14.0 / 3.0, 4.0]), (false, [1.5, 14.0 / 3.0, 8.0])] {
        let pool = AvgPool2d::new([1, 3]).stride([1, 2]).padding([0, 1]).ceil_mode(true);
        let pool: Arc<dyn Operator> = Arc::new(pool.count_include_pad(count));
        let network = Network::from_operator(pool, &[Shape::new(1, 1, 4)]).unwrap();
        for context in contexts() {
            let got = gpu::differentiate(context, &network, &[&input], None, &Pass::default()).unwrap();
            close("mean", &got["output"], &wanted, |i| bound::of_units(4.0, wanted[i]));
        }
    }
}

#[test]
fn within_a_graph() {
    check_within(AvgPool2d::new([3, 2]).stride([2, 1]).padding([1, 0, 0, 1]), [2, 6, 7, 6]);
}
