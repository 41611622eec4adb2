//! What a key's text means: durations, sizes, names.

use std::path::Path;
use std::time::Duration;

use crate::hive::tls::Tls;
use crate::row::metadata::Metadata;
use crate::row::partition::TimeSource;

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn between<T: PartialOrd>(
    parse: impl Fn(&str) -> Option<T>,
    least: T,
    most: T,
) -> impl FnOnce(&str) -> Option<T> {
    move |text| parse(text).filter(|value| *value >= least && *value <= most)
}

pub(super) fn one_of<T: Clone>(values: &[(&str, T)]) -> impl FnOnce(&str) -> Option<T> {
    move |text| values.iter().find(|(name, _)| *name == text).map(|(_, value)| value.clone())
}

/// A number with one of these units.
pub(super) fn parse_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    parse_with_unit(text, &units).map(Duration::from_millis)
}

pub(super) fn parse_size(text: &str) -> Option<u64> {
    parse_with_unit(text, &[("", 1), ("B", 1), ("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40)])
}

/// A URL of the file system, if one is given, and the path.
pub(super) fn parse_directory(text: &str) -> Option<(Option<String>, String)> {
    let (url, path) = match text.split_once("://") {
        None => (None, text),
        Some((scheme @ ("hdfs" | "viewfs"), rest)) => {
            let (host, _) = rest.split_once('/')?;
            (Some(format!("{scheme}://{host}")), &rest[host.len()..])
        }
        Some(_) => return None,
    };
    let normal =
        path.starts_with('/') && !path.split('/').any(|part| part == "." || part == "..") && !path.contains("//");
    let path = path.trim_end_matches('/');
    (normal && !path.is_empty()).then(|| (url, path.to_owned()))
}

/// A folder with at least one of the Hadoop client's files.
pub(super) fn hadoop_folder(text: &str) -> Option<String> {
    ["core-site.xml", "hdfs-site.xml"].iter().any(|file| Path::new(text).join(file).is_file()).then(|| text.to_owned())
}

/// A principal: a name in one or two parts, and perhaps a realm.
pub(super) fn parse_principal(text: &str) -> Option<String> {
    let (name, realm) = text.split_once('@').map_or((text, None), |(name, realm)| (name, Some(realm)));
    let parts: Vec<_> = name.split('/').chain(realm).collect();
    (parts.len() <= 3 && parts.iter().all(|part| parse_user(part).is_some())).then(|| text.to_owned())
}

/// A service's principal: a name in two parts, and perhaps a realm.
pub(super) fn parse_service_principal(text: &str) -> Option<String> {
    parse_principal(text).filter(|principal| principal.contains('/'))
}

/// How Hive's metastore is encrypted, if it is.
pub(super) fn parse_tls(text: &str) -> Option<Option<Tls>> {
    match text {
        "none" => Some(None),
        "system" => Some(Some(Tls::System)),
        path => parse_local_path(path).map(|path| Some(Tls::Authorities(path))),
    }
}

pub(super) fn parse_user(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_$".contains(&byte);
    (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Permissions in octal digits, as `chmod` takes them, that give the owner at least these.
pub(super) fn parse_mode(owner: u32) -> impl FnOnce(&str) -> Option<u32> {
    move |text| {
        let is_octal = matches!(text.len(), 3 | 4) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let mode = u32::from_str_radix(text, 8).ok().filter(|_| is_octal)?;
        (mode <= 0o777 && mode & owner == owner).then_some(mode)
    }
}

pub(super) fn parse_local_path(text: &str) -> Option<String> {
    Path::new(text).is_absolute().then(|| text.to_owned())
}

pub(super) fn parse_pattern(text: &str) -> Option<String> {
    let rest = text.replace("{topic}", "").replace("{namespace}", "").replace("{tenant}", "");
    (!text.is_empty() && !rest.contains(['{', '}', '/'])).then(|| text.to_owned())
}

/// What numbers, dates and base64 are written with: Hive does not unescape their columns.
pub(super) const OF_NUMBERS: &[u8] = b"+-.:/= ";

pub(super) fn parse_delimiter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [b'\\', b't'] => Some(b'\t'),
        &[byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\\\"\n\r\0".contains(&byte) => Some(byte),
        _ => None,
    }
}

pub(super) fn parse_metadata(text: &str) -> Option<Vec<Metadata>> {
    match text {
        "none" => Some(Vec::new()),
        "all" => Some(Metadata::ALL.to_vec()),
        list => {
            let names: Vec<_> = list.split(',').map(str::trim).collect();
            let known = names.iter().all(|name| Metadata::ALL.iter().any(|metadata| metadata.name() == *name));
            known.then(|| Metadata::ALL.into_iter().filter(|metadata| names.contains(&metadata.name())).collect())
        }
    }
}

pub(super) fn parse_time_source(text: &str) -> Option<TimeSource> {
    match text {
        "publishTime" => Some(TimeSource::PublishTime),
        "eventTime" => Some(TimeSource::EventTime),
        other => {
            other.strip_prefix("field:").filter(|name| !name.is_empty()).map(|name| TimeSource::Field(name.to_owned()))
        }
    }
}

pub(super) fn parse_name(text: &str) -> Option<String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (plain && text.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| text.to_owned())
}
