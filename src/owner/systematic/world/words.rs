//! Worlds and steps in words.

use std::fmt;

use crate::owner::systematic::config::{Budget, Fault};
use crate::owner::systematic::disk::{Answer, Call, Value};
use crate::owner::systematic::name::Blob;
use crate::owner::systematic::owners::Owners;
use crate::owner::systematic::records::Question;
use crate::owner::systematic::world::{Step, World};

impl World {
    /// A step in words.
    pub fn describe(&self, step: Step, owners: &mut Owners) -> String {
        let pending = |owner: u8, number: u8, owners: &Owners| Described(self.call(owners, owner, number)).to_string();
        match step {
            Step::Grant(owner, number) => {
                let call = self.call(owners, owner, number);
                let answer = self.disk.clone().apply(call);
                format!("{} {}: {}", name(owner), Described(call), answer_text(&answer))
            }
            Step::Fail(owner, number, fault) => {
                let how = match fault {
                    Fault::Refused => "refused",
                    Fault::AnswerLost => "done, but the answer is lost",
                    Fault::RequestLost => "the request is lost",
                    Fault::UnderWay => "no answer, it is still under way",
                    Fault::Silent => "OK, but it is lost",
                };
                format!("{} {}: {how}", name(owner), pending(owner, number, owners))
            }
            Step::Send => format!("the broker sends {} to {}", self.next, name(self.active)),
            Step::Take(owner, count) => {
                let queue = &self.owners[owner as usize].queue;
                let records: Vec<u8> = if queue.is_empty() {
                    (self.next..self.next + count).collect()
                } else {
                    queue[..count as usize].to_vec()
                };
                format!("{} is handed {records:?}", name(owner))
            }
            Step::Begin(owner) => format!("{} begins a commit", name(owner)),
            Step::Acknowledge(owner) => {
                format!("{} acknowledges up to {}", name(owner), self.owners[owner as usize].acknowledges)
            }
            Step::Land(at) => {
                let call = self.under_way[at as usize];
                let answer = self.disk.clone().apply(call);
                format!("what was under way arrives: {}: {}", Described(call), answer_text(&answer))
            }
            Step::Deferred(owner) => {
                format!("{} only now {}", name(owner), Described(self.owners[owner as usize].deferred[0]))
            }
            Step::Restart { owner, flip } => {
                let ended = owners.shown(self.owners[owner as usize].node).ended.clone().unwrap().1;
                format!("{} ends ({ended}) and starts again{}", name(owner), active(owner, flip, self.active))
            }
            Step::Crash { owner, under_way, flip } => {
                let calls = &owners.shown(self.owners[owner as usize].node).calls;
                let calls: Vec<_> = calls.iter().map(|(_, call)| Described(*call).to_string()).collect();
                let calls = match (under_way, calls.is_empty()) {
                    (true, _) => format!(" while it {}, which is still under way", calls.join(" and ")),
                    (false, false) => format!(" before it {}", calls.join(" and ")),
                    (false, true) => String::new(),
                };
                format!("{} crashes{calls} and starts again{}", name(owner), active(owner, flip, self.active))
            }
            Step::Flip => format!(
                "{} becomes the active consumer, from record {} on",
                name(1 - self.active),
                self.mark_delete + 1
            ),
            Step::Reconnect => format!(
                "{} loses its connection and is sent records again from {} on",
                name(self.active),
                self.mark_delete + 1
            ),
            Step::Seek(record) => format!("the subscription is set back: from record {} on", record + 1),
            Step::Stray(record) => format!("the broker goes back to record {record}"),
            Step::Skip(record) => format!("the broker leaves out {:?}", (self.next..record).collect::<Vec<_>>()),
            Step::LookIntoGap(owner) => {
                let Question { behind, before, .. } = self.owners[owner as usize].asked[0];
                format!("{} is told what stands between {behind} and {before}", name(owner))
            }
            Step::LeftOut(owner) => format!("{} has waited for what the broker left out", name(owner)),
            Step::FreeMemory(owner) => format!("{} is short of memory", name(owner)),
            Step::LookForAbandoned { owner, last } => {
                let how = if last { ", for the last time" } else { "" };
                format!("{} looks whether the other owner has committed what it cannot any more{how}", name(owner))
            }
            Step::PowerLoss => "all machines lose power".to_owned(),
            Step::Edit => format!("something else edits {}", short(&self.open_to_edit().unwrap().name.text())),
        }
    }

    /// The table and the broker in words.
    pub fn summary(&self) -> String {
        let files = self
            .disk
            .files()
            .iter()
            .filter(|file| file.name.text().contains("/_commits/") || !file.name.text().contains("/_"));
        let mut text: Vec<_> = files
            .map(|file| {
                let path = short(&file.name.text());
                if path.starts_with('_') { path } else { format!("{path} {}", content(file.seen())) }
            })
            .collect();
        text.push(format!("acknowledged up to {}", self.mark_delete));
        text.join("; ")
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.calls, "call"),
            (self.crashes, "crash"),
            (self.flips, "flip"),
            (self.reconnects, "reconnect"),
            (self.seeks, "seek"),
            (self.power, "power loss"),
            (self.strays, "stray"),
            (self.skips, "skip"),
            (self.edits, "edit"),
            (self.shortages, "shortage of memory"),
        ];
        let some = all.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        f.write_str(&some.collect::<Vec<_>>().join(", "))
    }
}

pub fn name(owner: u8) -> &'static str {
    ["A", "B"][owner as usize]
}

fn active(owner: u8, flip: bool, active: u8) -> String {
    match (owner == active, flip) {
        (true, true) => format!("; {} is the active consumer now", name(1 - owner)),
        (true, false) => ", still the active consumer".to_owned(),
        (false, _) => String::new(),
    }
}

/// A path without what all have in common.
fn short(path: &str) -> String {
    path.trim_start_matches("/d/visits/").replace("0000000000000000000", "")
}

fn content(blob: Blob) -> String {
    String::from_utf8_lossy(&blob.bytes())
        .lines()
        .map(|line| line.split(',').next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ")
}

fn answer_text(answer: &Answer) -> String {
    match answer {
        Ok(Value::Nothing) => "done".to_owned(),
        Ok(Value::Bytes(blob)) => format!("{} bytes", blob.length()),
        Ok(Value::List(entries)) => {
            let names =
                entries.iter().map(|(name, _)| short(&name.text()).rsplit('/').next().unwrap_or_default().to_owned());
            format!("[{}]", names.collect::<Vec<_>>().join(", "))
        }
        Ok(Value::Status(None)) => "nothing there".to_owned(),
        Ok(Value::Status(Some(entry))) => format!("{} bytes", entry.length),
        Ok(Value::Deleted(true)) => "done".to_owned(),
        Ok(Value::Deleted(false)) => "it was not there".to_owned(),
        Err(kind) => format!("{kind:?}"),
    }
}

struct Described(Call);

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = short(&self.0.path().text());
        match self.0 {
            Call::Create(_) => write!(f, "creates {path}"),
            Call::Write(_, bytes) if path.ends_with("csv") => write!(f, "writes {} to {path}", content(bytes)),
            Call::Write(..) => write!(f, "writes {path}"),
            Call::Hsync(_) => write!(f, "syncs {path}"),
            Call::Close(_) => write!(f, "closes {path}"),
            Call::Rename { from, replace, .. } => {
                let how = if replace { " (replacing)" } else { "" };
                write!(f, "renames {} to {path}{how}", short(&from.text()))
            }
            Call::Read(_) => write!(f, "reads {path}"),
            Call::List(_) => write!(f, "lists {path}"),
            Call::Status(_) => write!(f, "looks at {path}"),
            Call::Delete(_) => write!(f, "deletes {path}"),
            Call::Mkdirs(_) => write!(f, "makes {path}"),
        }
    }
}
