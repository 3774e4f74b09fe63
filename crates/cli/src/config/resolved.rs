//! What the settings mean: every one present, parsed, with its origin beside it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cairn_event::{TenantName, TrailName, TrailRef};

use super::keys::{KEYS, Key, Kind};
use super::typed::{Origin, Typed, wrong};
use crate::failure::Failure;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// In this file, with white space around it ignored.
    File(PathBuf),
    /// In this environment variable.
    Env(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(u64),
    Switch(bool),
    Address(SocketAddr),
    Secret(SecretRef),
}

/// All settings, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    values: BTreeMap<&'static str, (Value, Origin)>,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
}

/// One line of `cairn config check`.
#[derive(Debug, Clone)]
pub(crate) struct Explained {
    /// The setting.
    pub(crate) key: &'static Key,
    /// Its value as text; the place of a secret, never the secret.
    pub(crate) value: String,
    /// Where the value comes from.
    pub(crate) origin: Origin,
}

const PARSED: &str = "every setting was resolved to its kind";

impl Config {
    /// Gives every setting its value.
    ///
    /// # Errors
    /// A value that its setting can't have; the message names the setting and the place.
    pub(crate) fn resolve(typed: &Typed) -> Result<Config, Failure> {
        let mut values = BTreeMap::new();
        for key in KEYS {
            let (text, origin) = match typed.get(key.name) {
                Some(written) => (written.text.as_str(), written.origin.clone()),
                None => (key.default, Origin::Default),
            };
            if text.is_empty() {
                continue;
            }
            let value = parse(key, text).ok_or_else(|| wrong(key.name, key.kind, &origin, &kind_of(text)))?;
            values.insert(key.name, (value, origin));
        }
        Ok(Config { values, file: typed.file.clone() })
    }

    /// Every setting with its value and origin, in the order of the reference.
    pub(crate) fn explain(&self) -> Vec<Explained> {
        let line = |key: &'static Key| {
            let (value, origin) = match self.values.get(key.name) {
                Some((value, origin)) => (value.show(key.kind), origin.clone()),
                None => (String::new(), Origin::Default),
            };
            Explained { key, value, origin }
        };
        KEYS.iter().map(line).collect()
    }

    /// Whether a setting was given by anything but its default.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.origin(name) != Origin::Default
    }

    /// Where the value of a setting comes from.
    pub(crate) fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        Path::new(self.text("data").expect("it has a default"))
    }

    /// The server that was named.
    pub(crate) fn server(&self) -> Option<&str> {
        self.text("server")
    }

    /// Where the credential is.
    pub(crate) fn token_from(&self) -> &SecretRef {
        match self.values.get("token_from") {
            Some((Value::Secret(secret), _)) => secret,
            _ => unreachable!("{PARSED}"),
        }
    }

    /// Tenant and trail that are meant when a command names none.
    pub(crate) fn trail(&self) -> TrailRef {
        let name = |key| self.text(key).expect("it has a default");
        let tenant: TenantName = name("tenant").parse().expect(PARSED);
        let trail: TrailName = name("trail").parse().expect(PARSED);
        TrailRef { tenant, trail }
    }

    /// Address and port to listen on.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.address("http.listen").unwrap_or_else(|| unreachable!("{PARSED}"))
    }

    /// An address to listen on, if the setting has a value.
    pub(crate) fn address(&self, name: &str) -> Option<SocketAddr> {
        match self.values.get(name) {
            Some((Value::Address(address), _)) => Some(*address),
            _ => None,
        }
    }

    /// A setting that is text, if it has a value.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some((Value::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    /// A setting that is on or off.
    pub(crate) fn switch(&self, name: &str) -> bool {
        match self.values.get(name) {
            Some((Value::Switch(switch), _)) => *switch,
            _ => unreachable!("{PARSED}"),
        }
    }

    /// A setting that is a number: bytes, milliseconds or a count.
    pub(crate) fn number(&self, name: &str) -> u64 {
        match self.values.get(name) {
            Some((Value::Number(number), _)) => *number,
            _ => unreachable!("{PARSED}"),
        }
    }
}

impl SecretRef {
    /// The secret, if there is one at its place.
    ///
    /// # Errors
    /// A file that is there and can't be read, or is open to other users.
    pub(crate) fn read(&self) -> Result<Option<String>, Failure> {
        let secret = match self {
            SecretRef::Env(name) => std::env::var(name).ok(),
            SecretRef::File(path) => read_secret_file(path)?,
        };
        Ok(secret.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// How it is written.
    pub(crate) fn place(&self) -> String {
        match self {
            SecretRef::File(path) => format!("file:{}", path.display()),
            SecretRef::Env(name) => format!("env:{name}"),
        }
    }
}

/// Reads a file that holds a secret; `None` if there is no such file.
///
/// # Errors
/// If it can't be read, or if users other than its owner may read it.
pub(crate) fn read_secret_file(path: &Path) -> Result<Option<String>, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let refused = |why: String| Failure::error(format!("can't use the secret in {}", path.display())).why(why);
    let permissions = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error.to_string())),
    };
    if permissions.mode() & 0o077 != 0 {
        let why = format!("its mode is {:04o}: other users may read it", permissions.mode() & 0o7777);
        return Err(refused(why).next(format!("chmod 600 {}", path.display())));
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| refused(error.to_string()))
}

impl Value {
    fn show(&self, kind: Kind) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Number(number) if kind == Kind::Bytes => with_unit(*number),
            Value::Number(number) => number.to_string(),
            Value::Switch(switch) => switch.to_string(),
            Value::Address(address) => address.to_string(),
            Value::Secret(secret) => secret.place(),
        }
    }
}

fn parse(key: &Key, text: &str) -> Option<Value> {
    let owned = || text.to_owned();
    match key.kind {
        Kind::Text | Kind::Path => Some(Value::Text(owned())),
        Kind::Url => {
            let is_url = ["http://", "https://"]
                .iter()
                .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
            is_url.then(|| Value::Text(text.trim_end_matches('/').to_owned()))
        }
        Kind::Address => text.parse().ok().map(Value::Address),
        Kind::Name => text.parse::<TrailName>().ok().map(|_| Value::Text(owned())),
        Kind::Bytes => bytes(text).map(Value::Number),
        Kind::Count | Kind::Millis => text.parse().ok().map(Value::Number),
        Kind::Switch => text.parse().ok().map(Value::Switch),
        Kind::Word(words) => words.contains(&text).then(|| Value::Text(owned())),
        Kind::Secret => match text.split_once(':')? {
            ("file", path) if !path.is_empty() => Some(Value::Secret(SecretRef::File(path.into()))),
            ("env", name) if !name.is_empty() => Some(Value::Secret(SecretRef::Env(name.to_owned()))),
            _ => None,
        },
    }
}

const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

fn bytes(text: &str) -> Option<u64> {
    for (unit, size) in UNITS {
        if let Some(number) = text.strip_suffix(unit) {
            return number.trim_end().parse::<u64>().ok()?.checked_mul(size);
        }
    }
    text.parse().ok()
}

fn with_unit(number: u64) -> String {
    match UNITS.iter().find(|(_, size)| number >= *size && number.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", number / size),
        None => number.to_string(),
    }
}

/// What a value looks like, without repeating it.
fn kind_of(text: &str) -> String {
    if text.parse::<i128>().is_ok() {
        "a number".to_owned()
    } else {
        format!("text of {} characters", text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(env: &[(&str, &str)]) -> Result<Config, Failure> {
        let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Config::resolve(&Typed::read(None, env, &[]).expect("known settings"))
    }

    #[test]
    fn without_a_word_everything_has_its_default() {
        let config = resolve(&[]).expect("defaults are valid");
        assert_eq!(config.data(), Path::new("./cairn-data"));
        assert_eq!(config.listen().to_string(), "127.0.0.1:7420");
        assert_eq!(config.trail().to_string(), "default/main");
        assert_eq!(config.server(), None);
        assert_eq!(config.token_from(), &SecretRef::Env("CAIRN_TOKEN".into()));
        assert_eq!(config.number("store.queue_bytes_max"), 64 << 20);
        assert!(!config.is_set("data"));
        assert!(config.explain().iter().all(|line| line.origin == Origin::Default));
    }

    #[track_caller]
    fn check_refused(name: &str, text: &str, want: &str) {
        let failure = resolve(&[(name, text)]).expect_err("refused");
        assert!(failure.why.as_deref().unwrap_or_default().contains(want), "{failure:?}");
        assert!(failure.what.contains(name), "the place is named: {failure:?}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused_with_its_place() {
        check_refused("CAIRN_HTTP_LISTEN", "localhost", "`address:port`");
        check_refused("CAIRN_SERVER", "127.0.0.1:7420", "`http://host:port`");
        check_refused("CAIRN_STORE_SEAL_EVENTS", "many", "a whole number");
        check_refused("CAIRN_STORE_SEAL_BYTES", "12 parsecs", "bytes, or a string");
        check_refused("CAIRN_TENANT", "Upper", "a name of");
        check_refused("CAIRN_LOG_LEVEL", "loud", "`warn`");
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        let failure = resolve(&[("CAIRN_TOKEN_FROM", "cairn_0123456789")]).expect_err("refused");
        assert!(!format!("{failure:?}").contains("0123456789"), "{failure:?}");
    }

    #[test]
    fn sizes_read_and_print_with_units() {
        let config =
            resolve(&[("CAIRN_STORE_SEAL_BYTES", "3MiB"), ("CAIRN_STORE_WAL_FILE_BYTES", "1000")]).expect("valid");
        assert_eq!(config.number("store.seal_bytes"), 3 << 20);
        let lines = config.explain();
        let value = |name| lines.iter().find(|line| line.key.name == name).map(|line| line.value.as_str());
        assert_eq!(value("store.seal_bytes"), Some("3MiB"));
        assert_eq!(value("store.wal_file_bytes"), Some("1000"));
    }
}
