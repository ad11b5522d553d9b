//! Which tensors may share an arena: a colouring of the graph of their conflicts, chosen so that the arenas together
//! need little memory.
//!
//! A first colouring is greedy. Then, as long as it helps, two colours are exchanged along a chain of conflicts that
//! begins at some tensor (a Kempe chain), which leaves the colouring valid. What is to become small is the sum over the
//! colours of the most bytes that live at once: what the arenas need where tensors within each can be packed without
//! gaps.

use std::ops::Range;

/// How often all tensors are tried.
const ROUNDS: usize = 8;

/// Tensors of less than this part of the largest are left in their colour.
const SMALL: u64 = 1 << 10;

/// What is coloured. Tensors are indices into each of these.
pub(super) struct Tensors<'a> {
    /// Those to be coloured, in the order of their first use.
    pub order: &'a [usize],
    /// For each tensor those that may not have its colour.
    pub conflicts: &'a [Vec<usize>],
    /// The dispatches from the first to the last use of each.
    pub lifetimes: &'a [Range<usize>],
    /// The size of each.
    pub bytes: &'a dyn Fn(usize) -> u64,
}

/// A colour for each tensor of the order; those left out have `usize::MAX`.
pub(super) fn colours(tensors: &Tensors<'_>) -> Vec<usize> {
    let mut colouring = Colouring::greedy(tensors);
    colouring.improve();
    colouring.colours
}

struct Colouring<'a> {
    tensors: &'a Tensors<'a>,
    colours: Vec<usize>,
    /// For each colour the bytes that live at each dispatch.
    live: Vec<Vec<u64>>,
}

impl<'a> Colouring<'a> {
    /// Gives each tensor the first colour that none of those it conflicts with has.
    fn greedy(tensors: &'a Tensors<'a>) -> Self {
        let mut colours = vec![usize::MAX; tensors.conflicts.len()];
        for tensor in tensors.order.iter().copied() {
            let conflicts = &tensors.conflicts[tensor];
            let free = |colour: &usize| conflicts.iter().all(|other| colours[*other] != *colour);
            // One of the first n + 1 colours is free of n neighbours.
            colours[tensor] = (0..=conflicts.len()).find(free).unwrap_or(conflicts.len());
        }
        let count = tensors.order.iter().map(|tensor| colours[*tensor] + 1).max().unwrap_or(0);
        let steps = tensors.order.iter().map(|tensor| tensors.lifetimes[*tensor].end).max().unwrap_or(0);
        let mut live = vec![vec![0; steps]; count];
        for tensor in tensors.order {
            for step in tensors.lifetimes[*tensor].clone() {
                live[colours[*tensor]][step] += (tensors.bytes)(*tensor);
            }
        }
        Self { tensors, colours, live }
    }

    fn improve(&mut self) {
        let mut candidates = self.tensors.order.to_vec();
        candidates.sort_by_key(|tensor| std::cmp::Reverse((self.tensors.bytes)(*tensor)));
        let largest = candidates.first().map_or(0, |tensor| (self.tensors.bytes)(*tensor));
        candidates.retain(|tensor| (self.tensors.bytes)(*tensor) >= largest / SMALL);
        for _ in 0..ROUNDS {
            let mut improved = false;
            for tensor in candidates.iter().copied() {
                for colour in 0..self.live.len() {
                    improved |= self.try_exchange(tensor, colour);
                }
            }
            if !improved {
                break;
            }
        }
    }

    /// Exchanges the tensor's colour with another along the chain that begins there, if less memory is needed then.
    fn try_exchange(&mut self, tensor: usize, colour: usize) -> bool {
        let pair = [self.colours[tensor], colour];
        if pair[0] == pair[1] {
            return false;
        }
        let before = self.peaks(pair);
        let chain = self.chain(tensor, pair);
        self.exchange(&chain, pair);
        let improved = self.peaks(pair) < before;
        if !improved {
            self.exchange(&chain, pair);
        }
        improved
    }

    /// The tensors of two colours that are connected with one through conflicts among them.
    fn chain(&self, tensor: usize, pair: [usize; 2]) -> Vec<usize> {
        let mut chain = vec![tensor];
        let mut seen = vec![false; self.colours.len()];
        seen[tensor] = true;
        let mut next = 0;
        while let Some(tensor) = chain.get(next).copied() {
            for other in self.tensors.conflicts[tensor].iter().copied() {
                if pair.contains(&self.colours[other]) && !std::mem::replace(&mut seen[other], true) {
                    chain.push(other);
                }
            }
            next += 1;
        }
        chain
    }

    fn exchange(&mut self, chain: &[usize], [a, b]: [usize; 2]) {
        for tensor in chain.iter().copied() {
            let from = self.colours[tensor];
            let to = if from == a { b } else { a };
            let bytes = (self.tensors.bytes)(tensor);
            for step in self.tensors.lifetimes[tensor].clone() {
                self.live[from][step] -= bytes;
                self.live[to][step] += bytes;
            }
            self.colours[tensor] = to;
        }
    }

    /// The most bytes of each of two colours that live at once, together.
    fn peaks(&self, pair: [usize; 2]) -> u64 {
        pair.iter().map(|colour| self.live[*colour].iter().max().copied().unwrap_or(0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain in which each tensor is read where the next is written, with a few that live long.
    fn chain(count: usize) -> (Vec<Range<usize>>, Vec<Vec<usize>>) {
        let long = |i: usize| if i.is_multiple_of(3) { 2 * count - i } else { i + 2 };
        let lifetimes = (0..count).map(|i| i..long(i)).collect();
        let neighbours = |i: usize| [i.checked_sub(1), (i + 1 < count).then_some(i + 1)];
        (lifetimes, (0..count).map(|i| neighbours(i).into_iter().flatten().collect()).collect())
    }

    #[test]
    fn a_colouring_stays_valid_and_needs_no_more_than_the_greedy_one() {
        let (lifetimes, conflicts) = chain(60);
        let order: Vec<usize> = (0..60).collect();
        let bytes = |tensor: usize| (tensor * 7919 % 13 + 1) as u64;
        let tensors = Tensors { order: &order, conflicts: &conflicts, lifetimes: &lifetimes, bytes: &bytes };
        let mut colouring = Colouring::greedy(&tensors);
        let needed = |colouring: &Colouring<'_>| -> u64 {
            colouring.live.iter().map(|live| live.iter().max().copied().unwrap_or(0)).sum()
        };
        let greedy = needed(&colouring);
        colouring.improve();
        assert!(needed(&colouring) <= greedy);
        for (tensor, others) in conflicts.iter().enumerate() {
            assert!(others.iter().all(|other| colouring.colours[*other] != colouring.colours[tensor]));
        }
    }
}
