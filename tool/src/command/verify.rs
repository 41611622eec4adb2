//! `hdfs-csv verify`.

use anyhow::{Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::hdfs::HdfsArgs;
use crate::verify::{TableReport, tables, verify};

/// Holds the tables of a directory against their manifests: lengths, checksums, rows, the chain of positions.
///
/// Ends with an error when anything is wrong.
#[derive(Debug, Parser)]
pub struct Verify {
    /// The directory that the tables are in.
    #[arg(long)]
    directory: String,
    #[command(flatten)]
    hdfs: HdfsArgs,
    /// Only these tables, separated by commas.
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let reports = runtime.block_on(self.reports())?;
        if self.json {
            println!("{}", serde_json::to_string(&reports)?);
        } else {
            show(&reports);
        }
        let findings: usize = reports.iter().map(|report| report.findings.len()).sum();
        ensure!(findings == 0, "{findings} findings");
        Ok(())
    }

    async fn reports(&self) -> Result<Vec<TableReport>> {
        let hdfs = self.hdfs.connect().await?;
        let directory = self.directory.trim_end_matches('/');
        let mut all = tables(&hdfs, directory).await?;
        if !self.tables.is_empty() {
            all.retain(|table| self.tables.iter().any(|name| table.root().ends_with(&format!("/{name}"))));
            ensure!(all.len() == self.tables.len(), "not every table of --tables is in {directory}");
        }
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} tables, {msg}")?;
        let bar = ProgressBar::new(all.len() as u64).with_style(style);
        let mut reports = Vec::new();
        for table in &all {
            bar.set_message(table.root().to_owned());
            reports.push(verify(&hdfs, table).await?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(reports)
    }
}

fn show(reports: &[TableReport]) {
    for report in reports {
        let manifests: u64 = report.source_partitions.values().map(|own| own.manifests).sum();
        let sources = report.source_partitions.len();
        println!(
            "{}: {} rows in {} files, {} bytes, {manifests} manifests of {sources} source partitions",
            report.table, report.rows, report.files, report.bytes
        );
        for (directory, files) in &report.deleted_directories {
            println!("  {directory} was deleted with its {files} files");
        }
        for finding in &report.findings {
            println!("  {}: {}", finding.path, finding.what);
        }
    }
}
