//! Imports go one way: no file uses one that uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::shared::repository;

const CRATES: [&str; 6] = ["src", "stack/src", "tool/src", "demo/src", "bench/src", "tests/src"];

/// A file by its modules' names, as `["services", "pulsar"]`; a crate's own file has none.
type Module = Vec<String>;

/// The files of a crate, and those that each of them uses.
struct Imports(BTreeMap<Module, BTreeSet<Module>>);

impl Imports {
    /// Reads a crate's sources: each file's modules and its text.
    fn of(sources: &[(Module, String)]) -> Imports {
        let modules: BTreeSet<&Module> = sources.iter().map(|(module, _)| module).collect();
        let mut imports: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, text) in sources {
            let used = paths(text).into_iter().filter_map(|path| {
                let mut target = absolute(module, &path, &modules)?;
                while !modules.contains(&target) {
                    target.pop()?;
                }
                // A folder's own file speaks for what is in the folder, and to it.
                (!module.starts_with(&target)).then_some(target)
            });
            imports.entry(module.clone()).or_default().extend(used);
        }
        Imports(imports)
    }

    /// Files of which each uses the next one, and the last the first.
    fn circle(&self) -> Option<Vec<&Module>> {
        let mut free = BTreeSet::new();
        self.0.keys().find_map(|module| self.circle_from(module, &mut Vec::new(), &mut free))
    }

    /// `way` leads to this file; `free` are those from which no circle is reached.
    fn circle_from<'a>(
        &'a self,
        module: &'a Module,
        way: &mut Vec<&'a Module>,
        free: &mut BTreeSet<&'a Module>,
    ) -> Option<Vec<&'a Module>> {
        if let Some(begin) = way.iter().position(|earlier| *earlier == module) {
            return Some(way[begin..].to_vec());
        }
        if free.contains(module) {
            return None;
        }
        way.push(module);
        let found = self.0[module].iter().find_map(|used| self.circle_from(used, way, free));
        way.pop();
        free.insert(module);
        found
    }
}

/// The modules that a path leads through, from the crate's root; none if it leads into another crate.
fn absolute(module: &Module, path: &[String], modules: &BTreeSet<&Module>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Module::new(),
        "self" => module.clone(),
        "super" => module[..module.len().checked_sub(1)?].to_vec(),
        child => {
            let child = [module.as_slice(), &[child.to_owned()]].concat();
            return modules.contains(&child).then(|| [child, rest.to_vec()].concat());
        }
    };
    for name in rest {
        match name.as_str() {
            "super" => drop(base.pop()),
            name => base.push(name.to_owned()),
        }
    }
    Some(base)
}

/// Every path in a file's code, those of a `use` with braces one by one; not what its own tests use.
fn paths(text: &str) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    let mut words = Words { code: &code };
    while let Some(word) = words.next_word() {
        if word == "use" {
            words.tree(&[], &mut paths);
        } else {
            words.rest_of_path(vec![word], &mut paths);
        }
    }
    paths
}

struct Words<'a> {
    code: &'a str,
}

impl Words<'_> {
    /// The next identifier.
    fn next_word(&mut self) -> Option<String> {
        let begin = self.code.find(is_of_word)?;
        self.code = &self.code[begin..];
        Some(self.word())
    }

    fn word(&mut self) -> String {
        let end = self.code.find(|letter| !is_of_word(letter)).unwrap_or(self.code.len());
        let (word, rest) = self.code.split_at(end);
        self.code = rest;
        word.to_owned()
    }

    fn takes(&mut self, sign: &str) -> bool {
        let trimmed = self.code.trim_start();
        let found = trimmed.starts_with(sign);
        if found {
            self.code = &trimmed[sign.len()..];
        }
        found
    }

    /// The path that begins with this word.
    fn rest_of_path(&mut self, mut path: Vec<String>, paths: &mut Vec<Vec<String>>) {
        while self.code.starts_with("::") && self.code[2..].starts_with(is_of_word) {
            self.code = &self.code[2..];
            path.push(self.word());
        }
        if path.len() > 1 {
            paths.push(path);
        }
    }

    /// What follows `use`, or is between braces and commas in it.
    fn tree(&mut self, before: &[String], paths: &mut Vec<Vec<String>>) {
        let mut path = before.to_vec();
        loop {
            if self.takes("{") {
                while !self.takes("}") && !self.code.is_empty() {
                    self.tree(&path, paths);
                    self.takes(",");
                }
                return;
            }
            self.code = self.code.trim_start();
            if self.code.starts_with(is_of_word) {
                path.push(self.word());
            } else if !self.takes("*") {
                // Not Rust.
                self.code = &self.code[self.code.char_indices().nth(1).map_or(self.code.len(), |(at, _)| at)..];
            }
            if !self.takes("::") {
                break;
            }
        }
        if self.takes("as ") {
            self.next_word();
        }
        paths.push(path);
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// A crate's files; `lib.rs` and `main.rs` are both its own.
fn sources(root: &Path) -> Vec<(Module, String)> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push((module(path.strip_prefix(root).unwrap()), text));
            }
        }
    }
    sources
}

fn module(path: &Path) -> Module {
    let mut module: Module =
        PathBuf::from(path).with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if ["mod", "lib", "main"].contains(&module.last().map(String::as_str).unwrap_or_default()) {
        module.pop();
    }
    module
}

fn shown(circle: &[&Module]) -> String {
    circle.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(" -> ")
}

fn circle(sources: &[(&str, &str)]) -> Option<String> {
    let sources: Vec<_> = sources.iter().map(|(path, text)| (module(Path::new(path)), (*text).to_owned())).collect();
    Imports::of(&sources).circle().map(|circle| shown(&circle))
}

#[test]
fn no_file_imports_a_file_that_imports_it() {
    let circles: Vec<_> = CRATES
        .iter()
        .filter_map(|folder| {
            let sources = sources(&repository().join(folder));
            assert!(sources.len() > 10, "{folder} has {} files", sources.len());
            Some(format!("{folder}: {}", shown(&Imports::of(&sources).circle()?)))
        })
        .collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn circles_are_seen_in_every_form_of_path() {
    let lib = ("lib.rs", "mod a;\nmod b;\nmod folder;");
    assert_eq!(circle(&[lib, ("a.rs", "use crate::b::B;"), ("b.rs", "pub struct B;")]), None);
    for back in [
        "use crate::a::A;",
        "use super::a;",
        "pub(crate) use crate::{\n    b::{C, D as E},\n    a::*,\n};",
        "fn back() { crate::a::back() }",
        "struct B { field: Vec<super::a::A> }",
    ] {
        let found = circle(&[lib, ("a.rs", "use crate::b::{self, B};"), ("b.rs", back)]);
        assert_eq!(found.as_deref(), Some("a -> b"), "{back}");
    }
    let folder = ("folder/mod.rs", "mod c;\npub use c::C;");
    let through = circle(&[lib, ("a.rs", "use crate::folder::C;"), folder, ("folder/c.rs", "use crate::a::A;")]);
    assert_eq!(through.as_deref(), Some("a -> folder -> folder::c"));
}

#[test]
fn comments_tests_and_other_crates_are_no_imports() {
    let b = "//! [`A`](crate::a::A)\nuse std::a::A;\nuse other::crate_a::A;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}";
    assert_eq!(circle(&[("lib.rs", ""), ("a.rs", "use crate::b::B;"), ("b.rs", b)]), None);
}
