//! What was measured, as tables and charts in docs/understand/performance.md.

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
        ("end-to-end", end_to_end(&report["e2e"])?),
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

fn end_to_end(all: &Value) -> Result<Option<String>> {
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
    let mut text = "![Rows a second](../pictures/performance-end-to-end.svg)\n\n\
        | payload | message, row | does nothing | this sink | until committed | hdfs3 | this of nothing | until committed | this of hdfs3 |\n\
        |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let spread = |one: &Value, peer: &str| {
        let bounds = &one[format!("{peer}_rows_per_s_spread")];
        format!("{} ({}–{})", rate(&one[format!("{peer}_rows_per_s")]), rate(&bounds[0]), rate(&bounds[1]))
    };
    for name in &measured {
        let one = &all[*name];
        text += &format!(
            "| {name} | {}, {} B | {} | {} | {} | {} | {} | {} | {} |\n",
            number(&one["payload_bytes_per_row"], 0),
            number(&one["row_bytes_per_row"], 0),
            spread(one, "noop"),
            spread(one, "ours"),
            rate(&one["ours_committed_rows_per_s"]),
            spread(one, "hdfs3"),
            number(&one["ours_of_noop"], 2),
            number(&one["ours_committed_of_noop"], 2),
            number(&one["ours_of_hdfs3"], 1),
        );
    }
    text += "\n| payload | CPU seconds for a million rows: nothing, this, hdfs3 | most memory, MB: nothing, this, hdfs3 | bytes written: this, hdfs3 |\n|---|---|---|---|\n";
    for name in &measured {
        let one = &all[*name];
        let each = |what: &str, digits| PEERS.map(|peer| number(&one[format!("{peer}_{what}")], digits)).join(", ");
        text += &format!(
            "| {name} | {} | {} | {}, {} |\n",
            each("cpu_s_per_million_rows", 2),
            each("peak_mb", 0),
            rate(&one["ours_bytes_written"]),
            rate(&one["hdfs3_bytes_written"])
        );
    }
    Ok(Some(text))
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
