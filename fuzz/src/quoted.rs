//! Reads quoted CSV as RFC 4180 says, with LF at the end of rows; a field without quotes in which nothing stands is NULL.

/// The rows of a file; none when it is no such file.
pub fn read_file(file: &str, delimiter: char) -> Option<Vec<Vec<Option<String>>>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut signs = file.chars().peekable();
    while signs.peek().is_some() {
        let field = if signs.next_if_eq(&'"').is_some() {
            let mut text = String::new();
            loop {
                match signs.next()? {
                    '"' if signs.next_if_eq(&'"').is_some() => text.push('"'),
                    '"' => break,
                    sign => text.push(sign),
                }
            }
            Some(text)
        } else {
            let mut text = String::new();
            while let Some(sign) = signs.next_if(|sign| *sign != delimiter && *sign != '\n') {
                // Readers would take these for another thing.
                if matches!(sign, '"' | '\r') {
                    return None;
                }
                text.push(sign);
            }
            (!text.is_empty()).then_some(text)
        };
        row.push(field);
        match signs.next()? {
            '\n' => rows.push(std::mem::take(&mut row)),
            sign if sign == delimiter => {}
            _ => return None,
        }
    }
    row.is_empty().then_some(rows)
}
