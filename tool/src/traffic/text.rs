//! What users type: ordinary queries and messages in several languages, and the strings that break formats.

use super::popularity::Popularity;
use super::rng::Rng;

const QUERIES: &[&str] = &[
    "phone case",
    "wireless headphones",
    "winter jacket",
    "кроссовки мужские",
    "usb-c cable 2m",
    "laptop 16gb",
    "платье летнее",
    "coffee machine",
    "Schuhe Größe 43",
    "lego star wars",
    "детская коляска",
    "air fryer",
    "ワイヤレスイヤホン",
    "yoga mat",
    "зарядка для айфона",
    "gaming mouse",
    "zapatos de mujer",
    "手机壳",
    "desk lamp",
    "чайник электрический",
    "running shoes",
    "İstanbul kartpostal",
    "baby wipes",
    "حقيبة يد",
    "кофе в зёрнах",
    "monitor 27\" 144hz",
    "men's t-shirt",
    "chaussures d'été",
    "пылесос",
    "power bank 20 000 mAh",
    "50% cotton sheets",
    "c++ book",
    "батарейки AA",
    "kids' bike 16\"",
    "노트북 가방",
    "рюкзак школьный",
];
const QUALITIES: &[&str] = &["cheap", "best", "red", "new", "дешёвый", "чёрный", "günstig", "grande", "для дома", "xl"];

const MESSAGES: &[&str] = &[
    "Does not switch on.",
    "The box was open, one part is missing",
    "Не подошёл размер, маломерит",
    "Wrong colour: I ordered blue, not green",
    "Пришёл другой товар",
    "Zu klein, leider.",
    "Changed my mind",
    "Battery holds 10 minutes at best",
    "Срок годности истёк в прошлом месяце",
    "La tela es muy fina",
    "Stitching came apart after one day",
    "思っていたのと違う",
    "Scratched screen 😞",
    "Запах пластика 🤢",
];

/// Strings that break text formats, each alone a whole value.
pub const AWKWARD: &[&str] = &[
    "",
    " ",
    "\\N",
    "\\",
    "\\\\",
    "\"",
    "\"\"",
    "'",
    ",",
    "a,b,,c",
    "\t",
    "a\tb",
    "\n",
    "line one\nline two",
    "\r",
    "old\rmac",
    "dos\r\nlines\r\n",
    "\0",
    "nul\0inside",
    "ends with backslash\\",
    "\\n is not a line feed",
    "\\,",
    "\\\\N",
    "\\t",
    "NULL",
    "null",
    "nan",
    "  spaces around  ",
    "\"quoted, with comma\"",
    "'; DROP TABLE t; --",
    "tab\t, comma, \"quote\" and \\ backslash\r\nin one",
    "👩‍👩‍👧‍👦 семья",
    "🇯🇵🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "e\u{301} and é",
    "שלום, עולם",
    "مرحبا، بالعالم",
    "zero\u{200B}width",
    "\u{FEFF}byte order mark",
    "line\u{2028}separator",
    "next\u{85}line",
    "\u{1}\u{2}\u{3}",
    "\u{7F}",
    "\u{FFFD}",
    "\u{10FFFF}",
    "𝒽𝓎𝓅𝓮𝓇",
    "ß≠SS İ≠i",
    "<b>&amp;</b>",
    "%00%0A",
    "{\"json\": [1, null]}",
    "=1+1",
    "2026-11-24",
    "1e400",
    "-0",
    "true",
    "__HIVE_DEFAULT_PARTITION__",
    "#comment",
    "--",
    "${env:HOME}",
];

/// Writes the texts of one simulation.
#[derive(Debug)]
pub struct Texts {
    queries: Popularity,
    awkward: usize,
}

impl Texts {
    /// The texts of a new simulation.
    pub fn new() -> Texts {
        Texts { queries: Popularity::new(QUERIES.len()), awkward: 0 }
    }

    /// A search query.
    pub fn query(&mut self, rng: &mut Rng) -> String {
        if rng.chance(0.04) {
            return self.awkward(rng);
        }
        let query = QUERIES[self.queries.choose(rng)];
        match rng.below(10) {
            0..6 => query.to_owned(),
            6..9 => format!("{} {query}", rng.pick(QUALITIES)),
            _ => format!("{query} {}", rng.below(1000)),
        }
    }

    /// A message about a return.
    pub fn message(&mut self, rng: &mut Rng) -> String {
        if rng.chance(0.15) { self.awkward(rng) } else { (*rng.pick(MESSAGES)).to_owned() }
    }

    /// The awkward strings take turns, so that each comes up; after each round comes a very long one.
    fn awkward(&mut self, rng: &mut Rng) -> String {
        let turn = self.awkward % (AWKWARD.len() + 1);
        self.awkward += 1;
        match AWKWARD.get(turn) {
            Some(text) => (*text).to_owned(),
            None => "very long, очень длинный \\ \"とても長い\"\n".repeat(rng.within(100, 800) as usize),
        }
    }
}

impl Default for Texts {
    fn default() -> Self {
        Texts::new()
    }
}
