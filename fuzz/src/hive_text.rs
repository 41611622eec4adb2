//! Reads a line as Hive's LazySimpleSerDe does: from its documentation and what was measured.

/// The fields of a row; none when it is not one line.
pub fn read_row(row: &str, delimiter: char) -> Option<Vec<Option<String>>> {
    let line = row.strip_suffix('\n').filter(|line| !line.contains(['\n', '\r']))?;
    let mut fields = vec![];
    let (mut raw, mut value, mut chars) = (String::new(), String::new(), line.chars());
    loop {
        match chars.next() {
            Some('\\') => {
                let next = chars.next()?;
                raw.extend(['\\', next]);
                value.push(match next {
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                });
            }
            Some(sign) if sign != delimiter => {
                raw.push(sign);
                value.push(sign);
            }
            end => {
                fields.push((raw != "\\N").then(|| value.clone()));
                raw.clear();
                value.clear();
                if end.is_none() {
                    return Some(fields);
                }
            }
        }
    }
}
