//! Layers of settings: each is checked by itself, so that a mistake is named by its origin, and then laid over the one
//! below.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{ConfigError, DATA, Flags, Keys, file_in};

/// The keys that a variable may set: `tls.key` is `TRIBUTARY_TLS_KEY`.
const VARIABLES: &[&str] = &[
    "data",
    "listen",
    "public_url",
    "audience",
    "behind_proxy",
    "plain",
    "workers",
    "metrics_token",
    "tls.certificate",
    "tls.key",
    "log.level",
    "log.format",
    "backup.folder",
    "backup.every_hours",
    "backup.keep",
];
/// Variables that are not settings of the server: the file itself, and what tests and the field program read.
const OTHERS: &[&str] = &[
    "TRIBUTARY_CONFIG",
    "TRIBUTARY_HTCDS_DIR",
    "TRIBUTARY_TEST_",
    "TRIBUTARY_FIELD_",
];

/// All layers, laid over each other.
pub(super) fn read(
    flags: &Flags,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Keys, ConfigError> {
    let mut from_variables = Vec::new();
    let mut config = flags.config.clone();
    for (name, value) in variables
        .into_iter()
        .filter(|(n, _)| n.starts_with("TRIBUTARY_"))
    {
        if name == "TRIBUTARY_CONFIG" {
            config = config.or(Some(PathBuf::from(&value)));
        }
        if OTHERS.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        let key = VARIABLES.iter().find(|key| variable(key) == name);
        let key = key.ok_or_else(|| ConfigError::Variable(name.clone()))?;
        let mut table = Table::new();
        set(&mut table, key, read_value(key, &value));
        from_variables.push(Layer {
            origin: format!("the variable {name}"),
            table,
        });
    }
    let mut from_flags = Table::new();
    for (key, value) in &flags.set {
        set(&mut from_flags, key, read_value(key, value));
    }
    let from_flags = Layer {
        origin: "the command line".to_owned(),
        table: from_flags,
    };

    let outside = from_variables.iter().chain(std::iter::once(&from_flags));
    let file = match config {
        Some(path) => Some(read_file(&path)?),
        None => default_file(outside)?,
    };
    let mut all = Table::new();
    for layer in file
        .into_iter()
        .chain(from_variables)
        .chain(std::iter::once(from_flags))
    {
        layer.check()?;
        overlay(&mut all, layer.table);
    }
    Value::Table(all)
        .try_into()
        .map_err(|e: toml::de::Error| ConfigError::Syntax {
            origin: "the settings".to_owned(),
            problem: e.to_string(),
        })
}

/// Where a layer of settings came from, and what it sets.
struct Layer {
    origin: String,
    table: Table,
}

impl Layer {
    /// Checks a layer by itself, so that a mistake is named by its origin.
    fn check(&self) -> Result<(), ConfigError> {
        let value = Value::Table(self.table.clone());
        serde_path_to_error::deserialize::<_, Keys>(value)
            .map(drop)
            .map_err(|e| ConfigError::Key {
                origin: self.origin.clone(),
                key: e.path().to_string(),
                problem: e.inner().to_string().trim().to_owned(),
            })
    }
}

/// Sets a dotted key.
fn set(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// What a variable or a flag says: true, false and numbers are themselves, all else is text.
fn read_value(key: &str, text: &str) -> Value {
    match key {
        "behind_proxy" | "plain" => text.parse().map_or_else(|_| text.into(), Value::Boolean),
        "workers" | "backup.every_hours" | "backup.keep" => {
            text.parse().map_or_else(|_| text.into(), Value::Integer)
        }
        _ => text.into(),
    }
}

fn overlay(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn variable(key: &str) -> String {
    format!("TRIBUTARY_{}", key.replace('.', "_").to_uppercase())
}

fn read_file(path: &Path) -> Result<Layer, ConfigError> {
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        path: path.to_owned(),
        source,
    })?;
    let table = text
        .parse()
        .map_err(|e: toml::de::Error| ConfigError::Syntax {
            origin: origin.clone(),
            problem: e.to_string().trim().to_owned(),
        })?;
    Ok(Layer { origin, table })
}

/// The file in the data folder, if there is one.
fn default_file<'a>(layers: impl Iterator<Item = &'a Layer>) -> Result<Option<Layer>, ConfigError> {
    let named = layers
        .filter_map(|layer| layer.table.get("data")?.as_str().map(str::to_owned))
        .last();
    let path = file_in(Path::new(named.as_deref().unwrap_or(DATA)));
    if !path.is_file() {
        return Ok(None);
    }
    let mut layer = read_file(&path)?;
    if layer.table.remove("data").is_some() {
        return Err(ConfigError::Key {
            origin: layer.origin,
            key: "data".to_owned(),
            problem: "a file inside the data folder cannot name the data folder".to_owned(),
        });
    }
    Ok(Some(layer))
}
