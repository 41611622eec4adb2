//! Paths and contents as small numbers: worlds are copied, compared and hashed by the million.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

struct Table<T: ?Sized> {
    numbers: HashMap<Rc<T>, u32>,
    values: Vec<Rc<T>>,
}

impl<T: ?Sized + Hash + Eq> Table<T> {
    fn new() -> RefCell<Self> {
        RefCell::new(Table { numbers: HashMap::new(), values: Vec::new() })
    }

    fn number(&mut self, value: &T) -> u32
    where
        Rc<T>: for<'a> From<&'a T>,
    {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.values.len() as u32;
        let value: Rc<T> = value.into();
        self.values.push(Rc::clone(&value));
        self.numbers.insert(value, number);
        number
    }
}

thread_local! {
    static NAMES: RefCell<Table<str>> = Table::new();
    static BLOBS: RefCell<Table<[u8]>> = Table::new();
}

/// A path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(u32);

impl Name {
    pub fn of(text: &str) -> Self {
        Name(NAMES.with_borrow_mut(|names| names.number(text)))
    }

    pub fn text(self) -> Rc<str> {
        NAMES.with_borrow(|names| Rc::clone(&names.values[self.0 as usize]))
    }

    pub fn is_in(self, directory: &str) -> bool {
        NAMES.with_borrow(|names| crate::protocol::layout::parent(&names.values[self.0 as usize]) == directory)
    }
}

/// The bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Blob(u32);

impl Blob {
    pub fn of(bytes: &[u8]) -> Self {
        Blob(BLOBS.with_borrow_mut(|blobs| blobs.number(bytes)))
    }

    pub fn bytes(self) -> Rc<[u8]> {
        BLOBS.with_borrow(|blobs| Rc::clone(&blobs.values[self.0 as usize]))
    }

    pub fn length(self) -> u32 {
        BLOBS.with_borrow(|blobs| blobs.values[self.0 as usize].len() as u32)
    }
}
