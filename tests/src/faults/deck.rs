//! Which fault is next.

use crate::random::Random;

/// Cards that are drawn at random, each once before any comes again: a short run sees every one about equally often.
#[derive(Debug)]
pub struct Deck<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Copy> Deck<T> {
    /// A deck of these cards.
    pub fn new(all: &[T]) -> Deck<T> {
        Deck { all: all.to_vec(), left: Vec::new() }
    }

    /// The next card; none from an empty deck.
    pub fn draw(&mut self, random: &mut Random) -> Option<T> {
        self.draw_one_of(random, |_| true)
    }

    /// The next card of those that fit. None when none of those left does: the next round's are not begun for it.
    pub fn draw_one_of(&mut self, random: &mut Random, fits: impl Fn(&T) -> bool) -> Option<T> {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
        }
        let fitting: Vec<usize> = (0..self.left.len()).filter(|&at| fits(&self.left[at])).collect();
        let at = *fitting.get(random.below(fitting.len() as u64) as usize)?;
        Some(self.left.swap_remove(at))
    }

    /// Puts a card back that was drawn and could not be played: it comes again in the same round.
    pub fn put_back(&mut self, card: T) {
        self.left.push(card);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_card_comes_once_in_a_round() {
        let (mut deck, mut random) = (Deck::new(&[1, 2, 3, 4]), Random::of(7));
        for _ in 0..10 {
            let mut round: Vec<_> = (0..4).map(|_| deck.draw(&mut random).unwrap()).collect();
            round.sort_unstable();
            assert_eq!(round, [1, 2, 3, 4]);
        }
    }

    #[test]
    fn a_card_that_must_fit_is_taken_out_of_the_same_round() {
        let (mut deck, mut random) = (Deck::new(&[1, 2, 3]), Random::of(7));
        assert_eq!(deck.draw_one_of(&mut random, |card| *card == 2), Some(2));
        assert_eq!(deck.draw_one_of(&mut random, |card| *card == 2), None);
        let mut rest: Vec<_> = (0..2).map(|_| deck.draw(&mut random).unwrap()).collect();
        rest.sort_unstable();
        assert_eq!(rest, [1, 3]);
    }

    #[test]
    fn a_card_that_is_put_back_comes_again_before_the_next_round() {
        let (mut deck, mut random) = (Deck::new(&[1, 2, 3]), Random::of(7));
        let first = deck.draw(&mut random).unwrap();
        deck.put_back(first);
        let mut round: Vec<_> = (0..3).map(|_| deck.draw(&mut random).unwrap()).collect();
        round.sort_unstable();
        assert_eq!(round, [1, 2, 3]);
    }

    #[test]
    fn a_seed_gives_the_same_order_again() {
        let order = |seed| {
            let (mut deck, mut random) = (Deck::new(&[1, 2, 3, 4, 5, 6]), Random::of(seed));
            (0..12).map(|_| deck.draw(&mut random).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
