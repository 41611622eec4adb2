//! What must hold of the table after every step, from an independent reading of the files: neither the manifest's type nor
//! any other code under test is used.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::Value;

use crate::owner::systematic::disk::{Disk, File};
use crate::owner::systematic::name::{Blob, Name};
use crate::owner::systematic::records::{FOREIGN, rows};

/// Records as bits.
pub type Set = u32;

const MANIFESTS: &str = "/d/visits/_commits/visits";

struct Manifest {
    sequence: u64,
    sink: String,
    files: Vec<Named>,
}

/// A file that a manifest names.
struct Named {
    staged: Name,
    name: Name,
    length: u64,
    rows: u64,
    checksum: String,
}

thread_local! {
    static MANIFEST: RefCell<HashMap<Blob, Option<Rc<Manifest>>>> = RefCell::default();
}

fn parsed(blob: Blob) -> Option<Manifest> {
    let json: Value = serde_json::from_slice(&blob.bytes()).ok()?;
    let named = |file: &Value| {
        Some(Named {
            staged: Name::of(&format!("/d/visits/{}", file["staged"].as_str()?)),
            name: Name::of(&format!("/d/visits/{}", file["name"].as_str()?)),
            length: file["content"]["length"].as_u64()?,
            rows: file["content"]["rows"].as_u64()?,
            checksum: file["content"]["checksum"].as_str()?.to_owned(),
        })
    };
    Some(Manifest {
        sequence: json["sequence"].as_u64()?,
        sink: json["sink"].to_string(),
        files: json["files"].as_array()?.iter().map(named).collect::<Option<_>>()?,
    })
}

fn manifest(file: &File) -> Result<Rc<Manifest>, String> {
    let parsed = MANIFEST.with_borrow_mut(|known| {
        known.entry(file.written).or_insert_with(|| parsed(file.written).map(Rc::new)).clone()
    });
    parsed.ok_or_else(|| format!("the manifest {} cannot be read", file.name.text()))
}

fn manifests(disk: &Disk) -> impl Iterator<Item = &File> {
    disk.files().iter().filter(|file| file.name.is_in(MANIFESTS))
}

fn is_seen(file: &File) -> bool {
    !file.name.text().contains("/_")
}

pub fn bit(record: u8) -> Set {
    1 << record
}

/// The records whose rows a reader sees. The error is the violation.
pub fn visible(disk: &Disk) -> Result<Set, String> {
    let mut seen = 0;
    for file in disk.files().iter().filter(|file| is_seen(file)) {
        let Some(rows) = rows(file.seen()) else { return Err(format!("{} has a torn row", file.name.text())) };
        for row in rows.iter().filter(|row| **row != 0) {
            if seen & bit(*row) != 0 {
                return Err(format!("record {row} is twice in the table"));
            }
            seen |= bit(*row);
        }
    }
    Ok(seen)
}

/// The bytes without the rows that something else wrote: who edits files takes care of those.
fn own(blob: Blob) -> Vec<u8> {
    blob.bytes().split_inclusive(|byte| *byte == b'\n').filter(|line| *line != FOREIGN).flatten().copied().collect()
}

/// Holds a disk against the one before it. `committed` are the records of manifests that counted when they were put: it
/// grows here.
pub fn change(before: &Disk, after: &Disk, committed: &mut Set) -> Result<(), String> {
    put(before, after, committed)?;
    for old in before.files().iter().filter(|file| is_seen(file)) {
        let path = old.name.text();
        let Some(new) = after.file(old.name) else { return Err(format!("the file {path} is gone")) };
        if old.seen() != new.seen() && !own(new.seen()).starts_with(&own(old.seen())) {
            return Err(format!("the old bytes of {path} are not the beginning of the new ones"));
        }
    }
    let uncommitted = visible(after)? & !*committed;
    if uncommitted != 0 {
        return Err(format!("record {} is visible but not committed", uncommitted.trailing_zeros()));
    }
    Ok(())
}

/// What the manifests' folder has gained or lost.
fn put(before: &Disk, after: &Disk, committed: &mut Set) -> Result<(), String> {
    let old: Vec<_> = manifests(before).map(|file| Ok((file, manifest(file)?))).collect::<Result<_, String>>()?;
    let newest = old.iter().map(|(_, manifest)| manifest.sequence).max().unwrap_or(0);
    for (file, manifest) in &old {
        let sequence = manifest.sequence;
        match after.file(file.name) {
            Some(new) if new.written == file.written => {}
            Some(_) => return Err(format!("manifest {sequence} is overwritten")),
            None if sequence == newest => return Err(format!("manifest {sequence}, the newest, is gone")),
            None => {}
        }
    }
    for new in manifests(after).filter(|file| before.file(file.name).is_none()) {
        let new = manifest(new)?;
        if old.iter().any(|(_, old)| old.sink != new.sink) {
            return Err("two sinks commit into one table".to_owned());
        }
        if new.sequence <= newest {
            continue;
        }
        for named in &new.files {
            let path = named.staged.text();
            let Some(file) = after.file(named.staged) else {
                return Err(format!("manifest {} names {path}, which is not there", new.sequence));
            };
            let bytes = file.written.bytes();
            let checksum = format!("{:08x}", crc32fast::hash(&bytes));
            let found = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            if (bytes.len() as u64, found, &checksum) != (named.length, named.rows, &named.checksum) {
                return Err(format!("{path} is not what manifest {} says of it", new.sequence));
            }
            let Some(rows) = rows(file.written) else { return Err(format!("{path} has a torn row")) };
            *committed |= rows.iter().filter(|row| **row != 0).map(|row| bit(*row)).sum::<Set>();
        }
    }
    Ok(())
}

/// Whether every file of the table is as a manifest, or a list of what pruned manifests named, says of it.
pub fn listed(disk: &Disk) -> Result<(), String> {
    let mut listed: HashSet<(Name, u64, String)> = HashSet::new();
    for list in disk.files().iter().filter(|file| file.name.is_in("/d/visits/_files/visits")) {
        let json: Value = serde_json::from_slice(&list.written.bytes()).map_err(|error| error.to_string())?;
        for (name, file) in json["files"].as_object().into_iter().flatten() {
            let content = &file["content"];
            let checksum = content["checksum"].as_str().unwrap_or_default().to_owned();
            let length = content["length"].as_u64().unwrap_or_default();
            listed.insert((Name::of(&format!("/d/visits/{name}")), length, checksum));
        }
    }
    for file in manifests(disk) {
        for named in &manifest(file)?.files {
            listed.insert((named.name, named.length, named.checksum.clone()));
        }
    }
    for file in disk.files().iter().filter(|file| is_seen(file)) {
        let bytes = own(file.seen());
        if !listed.contains(&(file.name, bytes.len() as u64, format!("{:08x}", crc32fast::hash(&bytes)))) {
            return Err(format!("at rest, no manifest and no list names {} as it is", file.name.text()));
        }
    }
    Ok(())
}
