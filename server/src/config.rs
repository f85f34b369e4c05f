//! Settings: a TOML file, then `TRIBUTARY_*` variables, then flags; each wins over the one before.
//!
//! A key that is not known is refused, and an error names where it came from and the key, so that a typing mistake never
//! passes as the default. Not here: what the settings do.

mod layers;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is stored.
    pub data: PathBuf,
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where people and devices reach the server, if that is not where it listens. No slash at the end.
    pub public_url: Option<String>,
    /// For whom tokens are made; without one, the data folder's own id.
    pub audience: Option<String>,
    /// How connections are protected.
    pub transport: Transport,
    /// A proxy stands in front and says in `X-Forwarded-For` who asks.
    pub behind_proxy: bool,
    /// How many threads answer; as many as there are processors unless set.
    pub workers: Option<NonZeroUsize>,
    /// What must be shown for the server's numbers, from anywhere but this machine.
    pub metrics_token: Option<MetricsToken>,
    /// What is logged.
    pub log: LogSettings,
    /// Where copies go while the server runs; without it nothing is safe from the loss of this disk.
    pub backup: Option<BackupSettings>,
    /// Which program reads form files in a child; this one, unless whoever starts the server in another program says
    /// otherwise. Cannot be set from outside.
    pub converter: Option<PathBuf>,
}

/// What whoever gathers the server's numbers shows. Never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct MetricsToken(String);

impl MetricsToken {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsToken(…)")
    }
}

/// Copies on a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSettings {
    /// The folder, on another disk.
    pub folder: PathBuf,
    /// Between two copies.
    pub every: Duration,
    /// How many copies of each organisation are kept.
    pub keep: NonZeroUsize,
}

/// How connections are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS with a certificate of our own making, which enrolment links tell devices to pin.
    SelfSigned,
    /// TLS with certificate files.
    Files {
        /// The chain, PEM.
        certificate: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
    /// No TLS: only on loopback, or behind a proxy.
    Plain,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// From which weight on.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
}

/// From which weight on something is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What the server failed at.
    Error,
    /// And what looks wrong.
    Warn,
    /// And one line a request.
    #[default]
    Info,
    /// And more.
    Debug,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For eyes.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Settings that do not go together, or cannot be read.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{origin}: {problem}")]
    Syntax {
        /// Which file.
        origin: String,
        /// What and where.
        problem: String,
    },
    /// A key is not known, or its value does not fit.
    #[error("{origin}: `{key}`: {problem}")]
    Key {
        /// Which file, variable or flag.
        origin: String,
        /// The key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A variable that looks like ours and is not.
    #[error("the variable {0} is not known; see `tributary serve --help`")]
    Variable(String),
    /// Settings that do not go together.
    #[error("{0}")]
    Together(&'static str),
}

/// What may stand in a file. Every key may be missing.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Keys {
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    audience: Option<String>,
    behind_proxy: Option<bool>,
    plain: Option<bool>,
    workers: Option<NonZeroUsize>,
    metrics_token: Option<MetricsToken>,
    #[serde(default)]
    tls: TlsKeys,
    #[serde(default)]
    log: LogKeys,
    #[serde(default)]
    backup: BackupKeys,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct BackupKeys {
    folder: Option<PathBuf>,
    every_hours: Option<NonZeroU32>,
    keep: Option<NonZeroUsize>,
}

impl BackupKeys {
    fn settings(self) -> Result<Option<BackupSettings>, ConfigError> {
        match self.folder {
            Some(folder) => Ok(Some(BackupSettings {
                folder,
                every: self.every_hours.map_or(BACKUP_EVERY, |hours| {
                    Duration::from_secs(u64::from(hours.get()) * 60 * 60)
                }),
                keep: self.keep.unwrap_or(BACKUP_KEEP),
            })),
            None if self.every_hours.is_some() || self.keep.is_some() => {
                Err(ConfigError::Together(
                    "`backup.every_hours` and `backup.keep` say nothing without `backup.folder`",
                ))
            }
            None => Ok(None),
        }
    }
}

/// Between two copies, unless told otherwise.
const BACKUP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many copies are kept, unless told otherwise.
const BACKUP_KEEP: NonZeroUsize = NonZeroUsize::MIN.saturating_add(13);

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TlsKeys {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LogKeys {
    level: Option<LogLevel>,
    format: Option<LogFormat>,
}

/// A token that is shorter is a word.
const METRICS_TOKEN_MIN: usize = 16;
/// The data folder when nobody names one.
const DATA: &str = "tributary-data";
/// The file in the data folder that is read when no other is named.
const FILE: &str = "tributary.toml";
/// The port with TLS.
const PORT: u16 = 8443;
/// The port without.
const PLAIN_PORT: u16 = 8080;

/// The file that is read when no other is named.
pub fn file_in(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The file to read.
    pub config: Option<PathBuf>,
    /// Keys and what they are set to.
    pub set: Vec<(&'static str, String)>,
}

impl Settings {
    /// Reads all layers: the file, `variables` (all of the environment, or what a test gives), the flags.
    pub fn load(
        flags: &Flags,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Self::from_keys(layers::read(flags, variables)?)
    }

    fn from_keys(keys: Keys) -> Result<Self, ConfigError> {
        let plain = keys.plain.unwrap_or(false);
        let behind_proxy = keys.behind_proxy.unwrap_or(false);
        let transport = match (plain, keys.tls.certificate, keys.tls.key) {
            (true, None, None) => Transport::Plain,
            (true, _, _) => {
                return Err(ConfigError::Together(
                    "`plain` and `tls` do not go together: take one of them away",
                ));
            }
            (false, None, None) => Transport::SelfSigned,
            (false, Some(certificate), Some(key)) => Transport::Files { certificate, key },
            (false, _, _) => {
                return Err(ConfigError::Together(
                    "`tls.certificate` and `tls.key` are given together or not at all",
                ));
            }
        };
        let listen = keys.listen.unwrap_or_else(|| {
            if plain {
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PLAIN_PORT)
            } else {
                SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT)
            }
        });
        if plain && !listen.ip().is_loopback() && !behind_proxy {
            return Err(ConfigError::Together(
                "`plain` sends passwords and answers without protection, so it is only taken on loopback; \
                 set `behind_proxy = true` if a proxy with TLS stands in front",
            ));
        }
        Ok(Self {
            data: keys.data.unwrap_or_else(|| PathBuf::from(DATA)),
            listen,
            public_url: keys
                .public_url
                .map(|url| url.trim_end_matches('/').to_owned()),
            audience: keys.audience,
            transport,
            behind_proxy,
            workers: keys.workers,
            metrics_token: match keys.metrics_token {
                Some(token) if token.0.len() < METRICS_TOKEN_MIN => {
                    return Err(ConfigError::Together(
                        "`metrics_token` is short enough to be guessed: give it at least 16 characters",
                    ));
                }
                token => token,
            },
            log: LogSettings {
                level: keys.log.level.unwrap_or_default(),
                format: keys.log.format.unwrap_or_default(),
            },
            backup: keys.backup.settings()?,
            converter: None,
        })
    }

    /// What a test or the demo starts from: this folder, loopback, a free port, TLS with a certificate of our own.
    pub fn on_loopback(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            public_url: None,
            audience: None,
            transport: Transport::SelfSigned,
            behind_proxy: false,
            workers: NonZeroUsize::new(2),
            metrics_token: None,
            log: LogSettings::default(),
            backup: None,
            converter: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: &str,
        variables: &[(&str, &str)],
        set: &[(&'static str, &str)],
    ) -> Result<Settings, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        std::fs::write(&path, file).unwrap();
        let flags = Flags {
            config: Some(path),
            set: set.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
        };
        let variables = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Settings::load(&flags, variables)
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let file = "listen = \"127.0.0.1:1\"\naudience = \"file\"\n[log]\nlevel = \"warn\"\n";
        let settings = load(
            file,
            &[
                ("TRIBUTARY_LISTEN", "127.0.0.1:2"),
                ("TRIBUTARY_LOG_FORMAT", "json"),
                ("PATH", "x"),
            ],
            &[("listen", "127.0.0.1:3")],
        )
        .unwrap();
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.audience.as_deref(), Some("file"));
        assert_eq!(
            settings.log,
            LogSettings {
                level: LogLevel::Warn,
                format: LogFormat::Json
            }
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_origin_and_key() {
        let error = load("listen = 8443", &[], &[]).unwrap_err().to_string();
        assert!(
            error.contains("t.toml") && error.contains("`listen`"),
            "{error}"
        );
        let error = load("[tls]\ncertficate = \"x\"", &[], &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("t.toml") && error.contains("tls") && error.contains("certficate"),
            "{error}"
        );
        let error = load("", &[("TRIBUTARY_WORKERS", "many")], &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("TRIBUTARY_WORKERS") && error.contains("`workers`"),
            "{error}"
        );
        let error = load("", &[("TRIBUTARY_LISTNE", "x")], &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains("TRIBUTARY_LISTNE"), "{error}");
        let error = load("", &[], &[("log.level", "loud")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the command line") && error.contains("log.level"),
            "{error}"
        );
        let error = load("listen = ", &[], &[]).unwrap_err().to_string();
        assert!(
            error.contains("t.toml") && error.contains("line 1"),
            "{error}"
        );
    }

    #[test]
    fn without_tls_only_on_loopback_or_behind_a_proxy() {
        let settings = load("plain = true", &[], &[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert!(load("plain = true\nlisten = \"0.0.0.0:80\"", &[], &[]).is_err());
        let behind = "plain = true\nlisten = \"0.0.0.0:80\"\nbehind_proxy = true";
        assert_eq!(load(behind, &[], &[]).unwrap().transport, Transport::Plain);
        assert_eq!(
            load("", &[], &[]).unwrap().listen.to_string(),
            "0.0.0.0:8443"
        );
        assert!(load("[tls]\nkey = \"k\"", &[], &[]).is_err());
    }

    #[test]
    fn copies_are_daily_and_kept_for_two_weeks_unless_told_otherwise() {
        assert_eq!(load("", &[], &[]).unwrap().backup, None);
        let backup = load("[backup]\nfolder = \"/mnt/copies\"", &[], &[])
            .unwrap()
            .backup
            .unwrap();
        assert_eq!(backup.every.as_secs(), 86_400);
        assert_eq!(backup.keep.get(), 14);
        let set = [("backup.every_hours", "6"), ("backup.keep", "2")];
        let variable = [("TRIBUTARY_BACKUP_FOLDER", "/mnt/copies")];
        let backup = load("", &variable, &set).unwrap().backup.unwrap();
        assert_eq!((backup.every.as_secs(), backup.keep.get()), (21_600, 2));
        assert!(load("[backup]\nkeep = 3", &[], &[]).is_err());
        assert!(load("[backup]\nfolder = \"x\"\nkeep = 0", &[], &[]).is_err());
    }

    #[test]
    fn the_file_in_the_data_folder_is_read_when_no_other_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tributary.toml"), "audience = \"here\"").unwrap();
        let data = folder.path().to_str().unwrap().to_owned();
        let flags = Flags {
            config: None,
            set: vec![("data", data)],
        };
        let settings = Settings::load(&flags, []).unwrap();
        assert_eq!(settings.audience.as_deref(), Some("here"));
        assert_eq!(settings.data, folder.path());
    }
}
