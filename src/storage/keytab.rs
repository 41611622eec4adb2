//! Whose keys a keytab has: as much of its format (MIT's, version 2: <https://web.mit.edu/kerberos/www/krb5-latest/doc/formats/keytab_file_format.html>)
//! as says that. The keys themselves are passed over.

use std::fs;
use std::io::ErrorKind;

const MAGIC: [u8; 2] = [5, 2];

/// The principals that have a key in this file, as `name/host@REALM`.
///
/// # Errors
/// In words: it is not there, cannot be read, or is no keytab.
pub(super) fn principals(path: &str) -> Result<Vec<String>, String> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("the keytab {path} does not exist where the sink runs"),
        ErrorKind::PermissionDenied => {
            format!(
                "the keytab {path} cannot be read by the user of this process; make that user its owner, with mode 400"
            )
        }
        _ => format!("the keytab {path} cannot be read: {error}"),
    })?;
    entries(&bytes).ok_or_else(|| format!("{path} is no keytab, or is cut off; export it again"))
}

fn entries(bytes: &[u8]) -> Option<Vec<String>> {
    let mut rest = bytes.strip_prefix(&MAGIC)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = i32::from_be_bytes(*take(&mut rest)?);
        // What follows the last entry may be filled up; a deleted entry is a hole.
        if length == 0 {
            break;
        }
        let (entry, after) = rest.split_at_checked(usize::try_from(length.unsigned_abs()).ok()?)?;
        rest = after;
        if length > 0 {
            found.push(principal(entry)?);
        }
    }
    Some(found)
}

fn principal(mut entry: &[u8]) -> Option<String> {
    let components = u16::from_be_bytes(*take(&mut entry)?);
    let realm = text(&mut entry)?;
    let name: Vec<_> = (0..components).map(|_| text(&mut entry)).collect::<Option<_>>()?;
    Some(format!("{}@{realm}", name.join("/")))
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = u16::from_be_bytes(*take(rest)?);
    let (text, after) = rest.split_at_checked(length.into())?;
    *rest = after;
    Some(String::from_utf8_lossy(text).into_owned())
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A keytab with a key of each of these, and a hole.
    pub(crate) fn keytab(principals: &[&str]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((-3_i32).to_be_bytes());
        bytes.extend([1, 2, 3]);
        for principal in principals {
            let (name, realm) = principal.split_once('@').unwrap();
            let components: Vec<_> = name.split('/').collect();
            let mut entry = (components.len() as u16).to_be_bytes().to_vec();
            for part in [realm].iter().chain(&components) {
                entry.extend((part.len() as u16).to_be_bytes());
                entry.extend(part.as_bytes());
            }
            // The kind of name, the time, the version, the kind of key, the key.
            entry.extend([0, 0, 0, 1, 0x65, 0, 0, 0, 2, 0, 18, 0, 2, 0xAB, 0xCD]);
            bytes.extend((entry.len() as i32).to_be_bytes());
            bytes.extend(entry);
        }
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn a_keytab_says_whose_keys_it_has_and_each_part_of_one_is_no_keytab_or_has_fewer() {
        let all = ["alice@EXAMPLE.COM", "etl/worker.example.com@EXAMPLE.COM"];
        let bytes = keytab(&all);
        assert_eq!(entries(&bytes).unwrap(), all);
        for length in 0..bytes.len() {
            let found = entries(&bytes[..length]);
            assert!(found.is_none_or(|found| all.starts_with(&found.iter().map(String::as_str).collect::<Vec<_>>())));
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xFF;
            let _ = entries(&damaged);
        }
        assert!(entries(b"# a text\n").is_none());
    }
}
