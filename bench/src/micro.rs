//! All measurements of the hot path, for programs.
//!
//! Criterion measures what is in Rust, and JMH, in a JVM, the crossing. Both are run by their own tools, and their own files are
//! read.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::payloads::{COUNT, Payloads};

/// Numbers by name, and those by the name of an event or of a kind of text.
pub type Table = BTreeMap<String, BTreeMap<String, f64>>;

/// The measurements. A name tells its unit: `_ns` is nanoseconds, a row's where it is about rows; the others are counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Micro {
    /// From an Avro payload to a row, by event.
    pub decode: Table,
    /// From a JSON payload to a row, by event.
    pub json: Table,
    /// The hand-over's buffer, on the side of Rust.
    pub frame: BTreeMap<String, f64>,
    /// The crossing from Java.
    pub jni: BTreeMap<String, f64>,
    /// One text of about 100 bytes, by dialect.
    pub escape: Table,
}

/// Allocations of a row, by event and decoder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Allocations {
    /// Of Avro payloads.
    pub decode: Table,
    /// Of JSON payloads.
    pub json: Table,
}

/// Where things are.
struct Paths {
    repository: PathBuf,
    target: PathBuf,
    folder: PathBuf,
}

impl Paths {
    fn new() -> Result<Paths> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let repository = here.parent().context("the crate is not in its repository")?.to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
        let target = std::path::absolute(target)?;
        let folder = target.join("bench");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Paths { repository, target, folder })
    }

    fn criterion(&self) -> PathBuf {
        self.folder.join("criterion")
    }
}

/// Measures everything. The crossing needs an HDFS that a sink can be opened on: the folder
/// with its clients' settings.
pub fn measure(hadoop_conf_dir: &Path) -> Result<Micro> {
    let paths = Paths::new()?;
    let mut all = of_rust(&paths)?;
    all.jni = crossing(&paths, hadoop_conf_dir)?;
    Ok(all)
}

fn of_rust(paths: &Paths) -> Result<Micro> {
    let mut cargo = cargo_bench(paths, "micro");
    run(cargo.env("CRITERION_HOME", paths.criterion()))?;
    let printed = cargo_bench(paths, "allocations").stderr(Stdio::inherit()).output().context("cargo cannot be run")?;
    ensure!(printed.status.success(), "counting allocations failed");
    let allocations: Allocations =
        serde_json::from_slice(&printed.stdout).context("the counts of allocations cannot be read")?;

    let mut all = Micro {
        decode: table(paths, "decode", COUNT)?,
        json: table(paths, "json", COUNT)?,
        frame: BTreeMap::new(),
        jni: BTreeMap::new(),
        escape: table(paths, "escape", 1)?,
    };
    let frame = paths.criterion().join("frame");
    all.frame.insert("ns_per_record".to_owned(), median(&frame.join("read"))? / COUNT as f64);
    for (table, counts) in [(&mut all.decode, allocations.decode), (&mut all.json, allocations.json)] {
        for (event, counts) in counts {
            let numbers = table.entry(event).or_default();
            numbers.extend(counts.into_iter().map(|(decoder, count)| (format!("{decoder}_allocations"), count)));
        }
    }
    Ok(all)
}

fn cargo_bench(paths: &Paths, bench: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").as_deref().unwrap_or(OsStr::new("cargo")));
    // The whole workspace, as the Makefile does: another selection would compile everything again.
    cargo.current_dir(&paths.repository).args(["bench", "--quiet", "--workspace", "--bench", bench]);
    cargo
}

fn run(command: &mut Command) -> Result<()> {
    // What it prints is for who waits, and no result.
    let status = command.stdout(std::io::stderr()).status();
    let program = command.get_program().to_string_lossy().into_owned();
    ensure!(status.with_context(|| format!("{program} cannot be run"))?.success(), "{program} failed");
    Ok(())
}

/// Criterion's medians of a group, divided by what one of them goes through: by parameter, then `<function>_ns`.
fn table(paths: &Paths, group: &str, divisor: usize) -> Result<Table> {
    let mut table = Table::new();
    for function in folders(&paths.criterion().join(group))? {
        for parameter in folders(&function)? {
            let numbers = table.entry(name(&parameter)).or_default();
            numbers.insert(format!("{}_ns", name(&function)), median(&parameter)? / divisor as f64);
        }
    }
    Ok(table)
}

/// The measurements, or functions, in a folder of Criterion's.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|path| path.is_dir() && path.file_name() != Some(OsStr::new("report")));
    Ok(folders)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn median(measurement: &Path) -> Result<f64> {
    #[derive(Deserialize)]
    struct Estimates {
        median: Estimate,
    }
    #[derive(Deserialize)]
    struct Estimate {
        point_estimate: f64,
    }
    let file = measurement.join("new/estimates.json");
    let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let estimates: Estimates = serde_json::from_slice(&text).with_context(|| format!("{}", file.display()))?;
    Ok(estimates.median.point_estimate)
}

/// Builds the benchmark in Java and runs it on the library that `cargo build --release --workspace` has built.
fn crossing(paths: &Paths, hadoop_conf_dir: &Path) -> Result<BTreeMap<String, f64>> {
    let library = paths.target.join("release/libpulsar_io_hdfs_csv.so");
    ensure!(
        library.is_file(),
        "{} is not there: build it first (cargo build --release --workspace)",
        library.display()
    );
    let payloads = paths.folder.join("searching.payloads");
    write_payloads(&payloads)?;
    let module = paths.repository.join("bench/jmh");
    run(Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--no-transfer-progress", "-Dstyle.color=never", "compile", "--file"])
        .arg(module.join("pom.xml")))?;

    let results = paths.folder.join("jmh.json");
    let property = |name: &str, value: &Path| format!("-D{name}={}", value.display());
    let java = std::env::var_os("JAVA_HOME").map_or_else(|| "java".into(), |home| PathBuf::from(home).join("bin/java"));
    run(Command::new(java)
        .arg(property("hdfscsv.library", &library))
        .arg(property("bench.hdfsConfigDir", hadoop_conf_dir))
        .arg(property("bench.schema", &paths.repository.join("schemas/searching.avsc")))
        .arg(property("bench.payloads", &payloads))
        .arg("--class-path")
        .arg(format!("{0}/target/classes:{0}/target/dependency/*", module.display()))
        .args(["org.openjdk.jmh.Main", "-foe", "true", "-rf", "json", "-rff"])
        .arg(&results))?;
    of_jmh(&fs::read(&results)?)
}

/// Each payload behind its length, as Java's `DataInputStream` reads it.
fn write_payloads(file: &Path) -> Result<()> {
    let payloads = Payloads::new(&Catalogue::load()?, EventKind::Searching)?;
    let mut out = std::io::BufWriter::new(fs::File::create(file)?);
    for payload in &payloads.avro {
        out.write_all(&u32::try_from(payload.len())?.to_be_bytes())?;
        out.write_all(payload)?;
    }
    Ok(out.flush()?)
}

fn of_jmh(results: &[u8]) -> Result<BTreeMap<String, f64>> {
    let results: Vec<Json> = serde_json::from_slice(results).context("JMH's results cannot be read")?;
    let mut all = BTreeMap::new();
    for result in &results {
        let benchmark = result["benchmark"].as_str().unwrap_or_default();
        let name = match benchmark.rsplit('.').next() {
            Some("recordPackedAndHandedOver") => "ns_per_record",
            Some("recordPacked") => "pack_ns_per_record",
            Some("frameHandedOver") => "ns_per_frame",
            Some("crossing") => "ns_per_call",
            _ => bail!("JMH measured {benchmark}, which is not known"),
        };
        let score = result["primaryMetric"]["score"].as_f64();
        all.insert(name.to_owned(), score.with_context(|| format!("JMH gave no number for {benchmark}"))?);
    }
    Ok(all)
}
