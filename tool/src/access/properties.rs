//! Java's properties files, as `java.util.Properties.load` reads them.

use std::collections::BTreeMap;

/// Keys and values. Of a key that is there twice the last counts.
pub(super) fn parse(bytes: &[u8]) -> BTreeMap<String, String> {
    // Java reads these files as ISO 8859-1.
    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    logical_lines(&text).iter().map(|line| pair(line)).collect()
}

/// Lines without comments, those that a backslash continues in one piece.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begun: Option<String> = None;
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        let line = line.trim_start_matches(BLANKS);
        let is_continued = begun.is_some();
        if !is_continued && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        let goes_on = backslashes % 2 == 1;
        let own = if goes_on { &line[..line.len() - 1] } else { line };
        let whole = begun.take().unwrap_or_default() + own;
        if goes_on {
            begun = Some(whole);
        } else {
            lines.push(whole);
        }
    }
    lines.extend(begun);
    lines
}

const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

/// The key ends at the first blank, `=` or `:`; blanks around one `=` or `:` are of neither.
fn pair(line: &str) -> (String, String) {
    let mut escaped = false;
    let end = line.find(|character: char| {
        let ends = !escaped && (BLANKS.contains(&character) || character == '=' || character == ':');
        escaped = !escaped && character == '\\';
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANKS);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(BLANKS);
    (unescaped(key), unescaped(value))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = Vec::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            flush(&mut units, &mut out);
            out.push(character);
            continue;
        }
        let digits = rest.as_str().strip_prefix('u').and_then(|rest| rest.get(..4));
        if let Some(unit) = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            units.push(unit);
            rest = rest.as_str()[5..].chars();
            continue;
        }
        flush(&mut units, &mut out);
        out.extend(rest.next().map(|escape| match escape {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            other => other,
        }));
    }
    flush(&mut units, &mut out);
    out
}

/// `\uXXXX` are units of UTF-16: two of them can be one character.
fn flush(units: &mut Vec<u16>, out: &mut String) {
    out.push_str(&String::from_utf16_lossy(units));
    units.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).into_iter().collect()
    }

    fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_key_ends_at_an_equals_sign_a_colon_or_a_blank() {
        let text = "a=1\n b : 2\r\nc 3\rd\t=\t4\ne\nf==5\ng=token:x=y z";
        let all = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", ""), ("f", "=5"), ("g", "token:x=y z")];
        assert_eq!(pairs(text), expected(&all));
    }

    #[test]
    fn comments_and_empty_lines_are_left_out_and_the_last_of_two_counts() {
        assert_eq!(pairs("# a=1\n  ! b=2 \\\n\n\t\nc=3\nc=4"), expected(&[("c", "4")]));
    }

    #[test]
    fn a_backslash_continues_a_line_and_two_do_not() {
        let text = "a=one\\\n   two\\\r\n\\\n# three\nb=four\\\\\nc=5\\";
        assert_eq!(pairs(text), expected(&[("a", "onetwo# three"), ("b", "four\\"), ("c", "5")]));
    }

    #[test]
    fn what_is_escaped_is_itself() {
        let text = r"a\=b\:\ c=\u0041\ud83d\ude00\t\q\u12".to_owned() + "\n";
        assert_eq!(pairs(&text), expected(&[("a=b: c", "A\u{1f600}\tqu12")]));
        assert_eq!(parse(b"a=\xe9\n")["a"], "\u{e9}");
    }
}
