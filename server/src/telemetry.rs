//! What is logged: allow-listed fields only, to standard error. No answer, no name, no address of a page, no secret.
//!
//! A field that is not on the list is dropped, and so is all that libraries say: their messages quote what they were
//! given. Requests are logged by their route's template, never by their path or query. No core dumps: they hold answers.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{LogFormat, LogLevel, LogSettings};

/// The fields that may be logged.
const FIELDS: &[&str] = &[
    "message",
    "request_id",
    "method",
    "route",
    "status",
    "code",
    "cause",
    "duration_ms",
    "address",
    "port",
    "org",
    "bytes",
    "count",
    "signal",
    "version",
];

/// Starts logging, once for the process.
pub fn init(settings: LogSettings) {
    let lines = Lines {
        level: level(settings.level),
        format: settings.format,
    };
    // An error says that a test has started it before.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines));
}

/// Keeps the system from writing this process's memory to disk when it crashes.
pub fn forbid_core_dumps() {
    if rlimit::setrlimit(rlimit::Resource::CORE, 0, 0).is_err() {
        tracing::warn!("core dumps could not be switched off: a crash may write answers to disk");
    }
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    }
}

struct Lines {
    level: Level,
    format: LogFormat,
}

/// The fields of a span or event that are on the list.
#[derive(Default)]
struct Allowed(Map<String, Value>);

impl Allowed {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        if FIELDS.contains(&field.name()) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}
impl Visit for Allowed {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("tributary") && *metadata.level() <= self.level
    }
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut allowed = Allowed::default();
        attributes.record(&mut allowed);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(allowed);
        }
    }
    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(allowed) = span.extensions_mut().get_mut::<Allowed>()
        {
            values.record(allowed);
        }
    }
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Allowed::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(allowed) = span.extensions().get::<Allowed>() {
                for (name, value) in &allowed.0 {
                    fields.0.entry(name).or_insert_with(|| value.clone());
                }
            }
        }
        event.record(&mut fields);
        let line = line(
            self.format,
            *event.metadata().level(),
            &format!("{:.3}", jiff::Timestamp::now()),
            fields.0,
        );
        // Nobody is left to tell when standard error is gone.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn line(format: LogFormat, level: Level, time: &str, mut fields: Map<String, Value>) -> String {
    match format {
        LogFormat::Json => {
            fields.insert("time".to_owned(), time.into());
            fields.insert("level".to_owned(), level.as_str().into());
            format!("{}\n", Value::Object(fields))
        }
        LogFormat::Text => {
            let message = fields.remove("message");
            let message = message.as_ref().and_then(Value::as_str).unwrap_or_default();
            let mut out = format!("{time} {level:5} {message}");
            for (name, value) in &fields {
                let _ = match value {
                    Value::String(text) if !text.contains([' ', '"', '\n']) => {
                        write!(out, " {name}={text}")
                    }
                    value => write!(out, " {name}={value}"),
                };
            }
            out.push('\n');
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Catch(Arc<Mutex<Vec<Map<String, Value>>>>);
    impl<S: Subscriber> Layer<S> for Catch {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut fields = Allowed::default();
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
    }

    #[test]
    fn a_field_that_is_not_on_the_list_is_dropped() {
        let caught = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Catch(Arc::clone(&caught)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(
                answer = "she was sold",
                path = "/x",
                status = 200_u64,
                "done"
            );
        });
        let lines = caught.lock().unwrap();
        let text = line(LogFormat::Text, Level::INFO, "t", lines[0].clone());
        assert_eq!(text, "t INFO  done status=200\n");
        let json = line(LogFormat::Json, Level::INFO, "t", lines[0].clone());
        assert!(
            !json.contains("sold") && json.contains("\"status\":200"),
            "{json}"
        );
    }
}
