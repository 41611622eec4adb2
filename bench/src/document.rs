//! What was measured, as tables and charts in docs/understand/performance.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::repository;
use serde_json::Value;

use crate::chart::{bars, curve, thousands};
use crate::read_results;

const DOCUMENT: &str = "docs/understand/performance.md";
const PAYLOADS: [&str; 4] = ["searching", "smallest", "wide", "mix"];
const PEERS: [&str; 3] = ["noop", "ours", "hdfs3"];

/// Writes every part of the document that there are results for.
pub fn write() -> Result<()> {
    let path = repository().join(DOCUMENT);
    let mut text = std::fs::read_to_string(&path).with_context(|| DOCUMENT.to_owned())?;
    let (report, growth) = (read_results("report.json")?, read_results("growth.json")?);
    for (name, part) in [
        ("end-to-end", end_to_end(&report["e2e"], &report["machine"])?),
        ("writing", writing(&report["writing"])),
        ("freshness", freshness(&report["freshness"])),
        ("micro", micro_table(&report["micro"])),
        ("growth", curves(&growth)?),
        ("folding", folding(&growth["folding"])),
    ] {
        if let Some(part) = part {
            text = with_part(&text, name, &part)?;
            println!("{DOCUMENT}: {name}");
        }
    }
    std::fs::write(&path, text).with_context(|| DOCUMENT.to_owned())
}

/// The text with what is between a part's marks replaced.
fn with_part(text: &str, name: &str, part: &str) -> Result<String> {
    let begin = format!("<!-- begin of what `make bench-report` writes: {name} -->\n");
    let end = format!("<!-- end of {name} -->");
    let from = text.find(&begin).with_context(|| format!("{DOCUMENT} has no mark {begin}"))? + begin.len();
    let to = from + text[from..].find(&end).with_context(|| format!("{DOCUMENT} has no mark {end}"))?;
    Ok(format!("{}\n{}\n\n{}", &text[..from], part.trim(), &text[to..]))
}

fn picture(name: &str) -> PathBuf {
    repository().join("docs/pictures").join(format!("performance-{name}.svg"))
}

fn number(value: &Value, digits: usize) -> String {
    value.as_f64().map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

fn rate(value: &Value) -> String {
    value.as_f64().map_or("–".to_owned(), thousands)
}

/// The median of some pairs of rounds, with the least and the most.
fn pairs(of: &Value, name: &str, digits: usize) -> String {
    let mut all: Vec<f64> =
        of[format!("{name}_pairs")].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    all.sort_by(f64::total_cmp);
    match (all.first(), all.last()) {
        (Some(least), Some(most)) => format!("{} ({least:.digits$}–{most:.digits$})", number(&of[name], digits)),
        _ => number(&of[name], digits),
    }
}

fn end_to_end(all: &Value, machine: &Value) -> Result<Option<String>> {
    let measured: Vec<&str> = PAYLOADS.into_iter().filter(|name| all[name].is_object()).collect();
    if measured.is_empty() {
        return Ok(None);
    }
    let groups: Vec<_> = measured
        .iter()
        .map(|name| {
            let values = PEERS.iter().map(|peer| all[*name][format!("{peer}_rows_per_s")].as_f64()).collect();
            ((*name).to_owned(), values)
        })
        .collect();
    let kinds = ["does nothing", "this sink", "Pulsar's hdfs3"];
    bars(
        &picture("end-to-end"),
        "Rows a second by one instance, two cores with the broker",
        "rows/s",
        &kinds,
        &groups,
    )?;
    let model = machine["model"].as_str().unwrap_or("a model that was not noted");
    let mut text = format!("{} cores of {model}.\n\n", number(&machine["cores"], 0));
    text += "| payload | message, row | **CPU of this ÷ of nothing** | CPU s for a million rows: nothing, this, hdfs3 | MB more than nothing | bytes written: this, hdfs3 |\n\
        |---|---|---|---|---|---|\n";
    for name in &measured {
        let one = &all[*name];
        let each = PEERS.map(|peer| number(&one[format!("{peer}_cpu_s_per_million_rows")], 2)).join(", ");
        text += &format!(
            "| {name} | {}, {} B | {} | {each} | {} | {}, {} |\n",
            number(&one["payload_bytes_per_row"], 0),
            number(&one["row_bytes_per_row"], 0),
            pairs(one, "ours_of_noop_cpu", 2),
            pairs(one, "ours_of_noop_mb_more", 0),
            rate(&one["ours_bytes_written"]),
            rate(&one["hdfs3_bytes_written"]),
        );
    }
    text += "\n![Rows a second](../pictures/performance-end-to-end.svg)\n\n\
        | payload | does nothing | this sink | until committed | hdfs3 | this of nothing | until committed | this of hdfs3 |\n\
        |---|---|---|---|---|---|---|---|\n";
    let spread = |one: &Value, peer: &str| {
        let bounds = &one[format!("{peer}_rows_per_s_spread")];
        format!("{} ({}–{})", rate(&one[format!("{peer}_rows_per_s")]), rate(&bounds[0]), rate(&bounds[1]))
    };
    for name in &measured {
        let one = &all[*name];
        text += &format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} |\n",
            spread(one, "noop"),
            spread(one, "ours"),
            rate(&one["ours_committed_rows_per_s"]),
            spread(one, "hdfs3"),
            pairs(one, "ours_of_noop", 2),
            number(&one["ours_of_noop_until_committed"], 2),
            number(&one["ours_of_hdfs3"], 1),
        );
    }
    Ok(Some(text + &beside(all, &measured) + &threads(&all[measured[0]], measured[0])))
}

/// The processor time of the threads of each sink's process, the dearest first.
fn threads(one: &Value, payload: &str) -> String {
    /// Cheaper ones are told together.
    const LEAST: f64 = 0.01;
    let of = |peer: &str| {
        let all = one[format!("{peer}_threads_cpu_s_per_million_rows")].as_object();
        let all =
            all.into_iter().flatten().map(|(name, seconds)| (name.as_str(), seconds.as_f64().unwrap_or_default()));
        all.collect::<BTreeMap<_, _>>()
    };
    let (nothing, ours) = (of("noop"), of("ours"));
    let names: BTreeSet<&str> = nothing.keys().chain(ours.keys()).copied().collect();
    let seconds = |name: &str| [&nothing, &ours].map(|all| all.get(name).copied().unwrap_or_default());
    let (mut dear, cheap): (Vec<_>, Vec<_>) = (names.into_iter().map(|name| (name, seconds(name))))
        .partition(|(_, seconds)| seconds.iter().any(|seconds| *seconds >= LEAST));
    dear.sort_by(|(_, one), (_, other)| other[1].total_cmp(&one[1]));
    let of_cheap = cheap.iter().fold([0.0, 0.0], |sum, (_, [nothing, ours])| [sum[0] + nothing, sum[1] + ours]);
    let mut text = format!(
        "\n| threads, `{payload}`, CPU s for a million rows | nothing | this | difference |\n|---|---|---|---|\n"
    );
    for (name, [nothing, ours]) in dear.into_iter().chain([("(all others)", of_cheap)]) {
        text += &format!("| {name} | {nothing:.3} | {ours:.3} | {:+.3} |\n", ours - nothing);
    }
    text
}

/// The processor time of the services while each sink drained.
fn beside(all: &Value, measured: &[&str]) -> String {
    const KEY: &str = "beside_cpu_s_per_million_rows";
    let names: Vec<&str> = (all[measured[0]][format!("ours_{KEY}")].as_object().into_iter().flatten())
        .map(|(name, _)| name.as_str())
        .collect();
    if names.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n| CPU s for a million rows, nothing → this | {} |\n|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for payload in measured {
        let of = |peer: &str, name: &str| number(&all[*payload][format!("{peer}_{KEY}")][name], 2);
        let cells: Vec<_> = names.iter().map(|name| format!("{} → {}", of("noop", name), of("ours", name))).collect();
        text += &format!("| {payload} | {} |\n", cells.join(" | "));
    }
    text
}

fn writing(all: &Value) -> Option<String> {
    all.is_object().then(|| {
        format!(
            "| {} bytes of rows | MB/s | CPU seconds for a GB |\n|---|---|---|\n\
             | as the sink stages them: checksum, hsync, check of the length | {} | {} |\n\
             | hdfs-native alone | {} | {} |\n\
             | `FsShell -put`; without the JVM's start | {}; {} | not measured |\n\n\
             Staging takes {} of hdfs-native's processor time.",
            rate(&all["bytes"]),
            number(&all["staged_mb_per_s"], 0),
            number(&all["staged_cpu_s_per_gb"], 2),
            number(&all["hdfs_native_mb_per_s"], 0),
            number(&all["hdfs_native_cpu_s_per_gb"], 2),
            number(&all["fs_shell_put_mb_per_s"], 0),
            number(&all["fs_shell_put_without_start_mb_per_s"], 0),
            number(&all["staged_of_hdfs_native_cpu"], 2),
        )
    })
}

fn freshness(all: &Value) -> Option<String> {
    let after = &all["visible_after_s"];
    all.is_object().then(|| {
        format!(
            "The sink had `commitInterval: {}s` and got {} rows a second (wanted: {}, half of what it drains).\n\
             {} records were visible after {} s in the median, {} s at the 99th percentile, and {} s at most.",
            number(&all["commit_interval_s"], 0),
            rate(&all["rows_per_s"]),
            rate(&all["wanted_rows_per_s"]),
            rate(&all["rows"]),
            number(&after["median"], 1),
            number(&after["p99"], 1),
            number(&after["most"], 1),
        )
    })
}

/// Two levels of names with figures, as tables: what the micro-benchmarks write.
fn micro_table(all: &Value) -> Option<String> {
    let mut text = String::new();
    for (group, rows) in all.as_object()? {
        let rows: Vec<_> = rows.as_object()?.iter().collect();
        let Some(columns) = rows.iter().find_map(|(_, row)| row.as_object()) else {
            text += &format!("| {group} | |\n|---|---|\n");
            for (name, value) in rows {
                text += &format!("| {name} | {} |\n", number(value, 1));
            }
            text.push('\n');
            continue;
        };
        let names: Vec<_> = columns.keys().collect();
        let titles: Vec<_> = names.iter().map(|name| name.replace('_', " ")).collect();
        text += &format!("| {group} | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(names.len()));
        for (name, row) in &rows {
            let cells: Vec<_> = names.iter().map(|column| number(&row[column.as_str()], 1)).collect();
            text += &format!("| {name} | {} |\n", cells.join(" | "));
        }
        text.push('\n');
    }
    (!text.is_empty()).then_some(text)
}

/// What each curve is over, and the figure that is drawn.
const CURVES: [(&str, &str, &str, &str, &str); 9] = [
    ("rows", "Time by rows", "rows in all", "ns_per_row", "ns a row"),
    ("rows", "Memory by rows", "rows in all", "peak_mb", "MB at most"),
    ("source_partitions", "Time by source partitions", "source partitions", "ns_per_row", "ns a row"),
    ("source_partitions", "Memory by source partitions", "source partitions", "peak_mb", "MB at most"),
    ("directories", "Time by days open at once", "partition directories", "ns_per_row", "ns a row"),
    ("directories", "Memory by days open at once", "partition directories", "peak_mb", "MB at most"),
    ("record_size", "Throughput by record size", "bytes of a record", "mb_per_s", "MB/s of rows"),
    ("instances", "Rate by instances, two cores", "instances", "rows_per_s", "rows/s"),
    ("manifests", "Start by manifests", "manifests (pruning off)", "load_ms", "ms"),
];

fn curves(all: &Value) -> Result<Option<String>> {
    let mut text = String::new();
    for (name, title, x_unit, figure, y_unit) in CURVES {
        let Some(points) = all[name].as_array() else { continue };
        let points: Vec<(f64, f64)> =
            points.iter().filter_map(|point| Some((point["x"].as_f64()?, point[figure].as_f64()?))).collect();
        ensure!(!points.is_empty(), "growth.json: {name} has no {figure}");
        let file = format!("{}-{}", name.replace('_', "-"), figure.replace('_', "-"));
        curve(&picture(&file), title, x_unit, y_unit, &points)?;
        text += &format!("![{title}](../pictures/performance-{file}.svg)\n");
    }
    for name in ["rows", "source_partitions", "directories", "record_size", "instances"] {
        let Some(points) = all[name].as_array() else { continue };
        text += &format!(
            "\n| {} | rows | rows/s | MB/s | ns a row | CPU s for a million | most memory, MB |\n|---|---|---|---|---|---|---|\n",
            name.replace('_', " ")
        );
        for point in points {
            text += &format!(
                "| {} | {} | {} | {} | {} | {} | {} |\n",
                rate(&point["x"]),
                rate(&point["rows"]),
                rate(&point["rows_per_s"]),
                number(&point["mb_per_s"], 1),
                number(&point["ns_per_row"], 0),
                number(&point["cpu_s_per_million_rows"], 2),
                number(&point["peak_mb"], 0),
            );
        }
    }
    if let Some(points) = all["manifests"].as_array() {
        text += "\n| manifests | start of a source partition, ms |\n|---|---|\n";
        for point in points {
            text += &format!("| {} | {} |\n", rate(&point["x"]), number(&point["load_ms"], 1));
        }
    }
    Ok((!text.is_empty()).then_some(text))
}

fn folding(all: &Value) -> Option<String> {
    let mut text =
        "| `foldBelow` | bytes of a commit | commits | written again for each byte received | files | MB a file |\n\
        |---|---|---|---|---|---|\n"
            .to_owned();
    for row in all.as_array()? {
        text += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            row["fold_below"].as_str().unwrap_or("–"),
            rate(&row["bytes_per_commit"]),
            number(&row["commits"], 0),
            number(&row["rewritten_per_byte"], 2),
            number(&row["files"], 0),
            number(&row["mb_per_file"], 2),
        );
    }
    Some(text)
}
