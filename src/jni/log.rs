//! The log: lines wait here until Java fetches them into the function's own log.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::{Error, Result};
use crate::storage::words::without_tokens;

/// Lines kept per sink; beyond it the oldest go, and are counted.
const LINES: usize = 2_000;

/// A line of the log.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// ERROR, WARN, INFO or DEBUG.
    pub(crate) level: &'static str,
    /// The module that says it.
    pub(crate) target: String,
    /// What it says.
    pub(crate) message: String,
}

#[derive(Debug)]
struct SinkLog {
    level: Level,
    lines: VecDeque<Line>,
    lost: u64,
}

type Logs = Mutex<HashMap<u64, SinkLog>>;

/// Set up once in this library; other sinks may share it (one class loader, several sinks).
static LOGS: OnceCell<Logs> = OnceCell::new();

fn logs() -> Result<MutexGuard<'static, HashMap<u64, SinkLog>>> {
    let logs = LOGS.get_or_try_init(|| {
        let ours = Targets::new().with_target("pulsar_io_hdfs_csv", LevelFilter::DEBUG).with_default(LevelFilter::WARN);
        tracing_subscriber::registry()
            .with(Collect.with_filter(ours))
            .try_init()
            .map(|()| Logs::default())
            .map_err(|error| Error::bug(format_args!("the log cannot be set up: {error}")))
    })?;
    Ok(logs.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Begins the log of a sink. What is said within the span, in any task, is said by this sink.
pub(crate) fn begin(sink: u64, level: Level) -> Result<Span> {
    logs()?.insert(sink, SinkLog { level, lines: VecDeque::new(), lost: 0 });
    Ok(tracing::error_span!("sink", sink))
}

/// Ends the log of a sink; the lines that were not fetched.
pub(crate) fn end(sink: u64) -> Vec<Line> {
    let ended = logs().ok().and_then(|mut logs| logs.remove(&sink));
    ended.map(|log| log.lines.into()).unwrap_or_default()
}

/// The lines of a sink since the last time, oldest first.
pub(crate) fn take(sink: u64) -> Vec<Line> {
    let Ok(mut logs) = logs() else { return Vec::new() };
    let Some(log) = logs.get_mut(&sink) else { return Vec::new() };
    if log.lost > 0 {
        let message = format!("{} earlier lines were lost: more came than were fetched", log.lost);
        log.lines.push_front(Line { level: "WARN", target: module_path!().to_owned(), message });
        log.lost = 0;
    }
    std::mem::take(&mut log.lines).into()
}

struct Collect;

/// The number of the sink that a span belongs to.
struct SinkNumber(u64);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collect {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut number = NumberVisitor(None);
        attributes.record(&mut number);
        if let (Some(number), Some(span)) = (number.0, context.span(id)) {
            span.extensions_mut().insert(SinkNumber(number));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let sink = context
            .event_scope(event)
            .into_iter()
            .flatten()
            .find_map(|span| span.extensions().get::<SinkNumber>().map(|number| number.0));
        let metadata = event.metadata();
        let Some(Ok(mut logs)) = LOGS.get().map(Mutex::lock) else { return };
        // What is said outside any sink's tasks, by a library's own threads, goes to every sink.
        let told = logs
            .iter_mut()
            .filter(|(number, log)| sink.is_none_or(|sink| sink == **number) && *metadata.level() <= log.level);
        for (_, log) in told {
            let mut text = TextVisitor::default();
            event.record(&mut text);
            if log.lines.len() == LINES {
                log.lines.pop_front();
                log.lost += 1;
            }
            let message = without_tokens(&format!("{}{}", text.message, text.fields)).into_owned();
            log.lines.push_back(Line {
                level: metadata.level().as_str(),
                target: metadata.target().to_owned(),
                message,
            });
        }
    }
}

struct NumberVisitor(Option<u64>);

impl Visit for NumberVisitor {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "sink" {
            self.0 = Some(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[derive(Default)]
struct TextVisitor {
    message: String,
    fields: String,
}

impl Visit for TextVisitor {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sink_gets_what_is_said_in_its_span_at_its_level() {
        let (first, second) = (begin(901, Level::INFO).unwrap(), begin(902, Level::DEBUG).unwrap());
        first.in_scope(|| tracing::info!(rows = 3, "committed"));
        first.in_scope(|| tracing::debug!("too fine"));
        second.in_scope(|| tracing::debug!("fine"));
        let lines = take(901);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].level, lines[0].message.as_str()), ("INFO", "committed rows=3"));
        assert_eq!(end(902)[0].message, "fine");
        assert!(take(902).is_empty());
    }

    #[test]
    fn a_flood_keeps_the_newest_lines_and_says_how_many_are_lost() {
        let span = begin(903, Level::INFO).unwrap();
        span.in_scope(|| (0..LINES + 5).for_each(|number| tracing::info!("line {number}")));
        let lines = take(903);
        assert_eq!(lines.len(), LINES + 1);
        assert!(lines[0].message.starts_with("5 earlier lines were lost"));
        assert_eq!(lines[LINES].message, format!("line {}", LINES + 4));
    }
}
