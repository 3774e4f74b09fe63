//! What was written, and where: file, environment and flags, before any of it means something.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::keys::{self, KEYS, Kind, OTHER_VARIABLES};
use crate::failure::Failure;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In the file, on this line.
    File(PathBuf, usize),
    /// In this environment variable.
    Env(String),
    /// With this flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Env(name) => write!(f, "environment {name}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// One value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// The value as text.
    pub(crate) text: String,
    /// Where it was written.
    pub(crate) origin: Origin,
}

/// Everything that was written, by the name of the setting; the strongest origin has won.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    values: BTreeMap<&'static str, Written>,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
}

/// Text of a larger file is refused: no configuration is that long.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Typed {
    /// Reads the file (the one named, else `./cairn.toml` if it exists), then the environment, then the
    /// flags that were given.
    ///
    /// # Errors
    /// A file that can't be read, a setting that does not exist, a value of the wrong kind.
    pub(crate) fn read(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, Option<String>)],
    ) -> Result<Typed, Failure> {
        let mut typed = Typed::default();
        let default = Path::new("cairn.toml");
        if let Some(path) = file.or_else(|| default.is_file().then_some(default)) {
            typed.take_file(path, &read_file(path)?)?;
        }
        typed.take_env(env)?;
        for (name, value) in flags {
            let key = keys::named(name).expect("flags are given by the name of their setting");
            if let Some(text) = value {
                let origin = Origin::Flag(key.flag.expect("a setting that was given by a flag has one"));
                typed.values.insert(key.name, Written { text: text.clone(), origin });
            }
        }
        Ok(typed)
    }

    /// What was written for a setting.
    pub(crate) fn get(&self, name: &str) -> Option<&Written> {
        self.values.get(name)
    }

    fn take_file(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        let broken = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            Failure::usage(format!("{}:{line} is not TOML", path.display())).why(error.message())
        };
        let table = DeTable::parse(text).map_err(broken)?;
        self.file = Some(path.to_owned());
        self.take_table(path, text, "", table.get_ref())
    }

    fn take_table(&mut self, path: &Path, text: &str, prefix: &str, table: &DeTable<'_>) -> Result<(), Failure> {
        for (name, value) in table {
            let line = line_of(text, name.span().start);
            let full =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let group = KEYS.iter().any(|key| key.name.starts_with(&format!("{full}.")));
            match (value.get_ref(), keys::named(&full)) {
                (DeValue::Table(inner), None) if group => self.take_table(path, text, &full, inner)?,
                (value, Some(key)) => {
                    let origin = Origin::File(path.to_owned(), line);
                    let written = scalar(value).ok_or_else(|| wrong(key.name, key.kind, &origin, value.type_str()))?;
                    self.values.insert(key.name, Written { text: written, origin });
                }
                (_, None) => return Err(unknown(&full, &format!("{}:{line}", path.display()))),
            }
        }
        Ok(())
    }

    fn take_env(&mut self, env: impl Iterator<Item = (String, String)>) -> Result<(), Failure> {
        let names: Vec<String> = KEYS.iter().map(keys::Key::env).collect();
        for (name, text) in env.filter(|(name, _)| name.starts_with("CAIRN_")) {
            if let Some(at) = names.iter().position(|known| *known == name) {
                self.values.insert(KEYS[at].name, Written { text, origin: Origin::Env(name) });
            } else if !OTHER_VARIABLES.iter().any(|(other, _)| *other == name) {
                // A variable that is no setting may belong to something else; one that is nearly a
                // setting is a slip that would go unseen.
                let near = names.iter().find(|known| strsim::damerau_levenshtein(known, &name) <= 2);
                if let Some(near) = near {
                    return Err(Failure::usage(format!("there is no setting for the variable {name}"))
                        .next(format!("did you mean {near}?")));
                }
            }
        }
        Ok(())
    }
}

fn read_file(path: &Path) -> Result<String, Failure> {
    let refused = |why: String| {
        Failure::usage(format!("can't read the configuration {}", path.display()))
            .why(why)
            .next("name another file with --config, or leave it out for the defaults")
    };
    let size = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(refused(format!("it has {size} bytes, at most {FILE_BYTES_MAX} are read")));
    }
    std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        DeValue::Boolean(switch) => Some(switch.to_string()),
        _ => None,
    }
}

/// A value that its setting can't have. The value itself is not repeated: it may be a secret that was
/// put into the wrong place.
pub(crate) fn wrong(name: &str, kind: Kind, origin: &Origin, got: &str) -> Failure {
    Failure::usage(format!("{name} can't be set to this ({origin})"))
        .why(format!("got {got}, want {}", kind.describe()))
        .next("`cairn config check` shows every setting; docs/reference/config.md says what each takes")
}

fn unknown(name: &str, place: &str) -> Failure {
    let failure = Failure::usage(format!("{place}: there is no setting {name:?}"));
    match keys::nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(near) => failure.next(format!("did you mean {near}?")),
        None => failure.next("docs/reference/config.md lists every setting"),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(text: &str) -> Result<Typed, Failure> {
        let mut typed = Typed::default();
        typed.take_file(Path::new("cairn.toml"), text).map(|()| typed)
    }

    #[track_caller]
    fn check_refused(text: &str, what: &str, next: Option<&str>) {
        let failure = from_file(text).expect_err("refused");
        assert!(failure.what.contains(what), "{failure:?}");
        if let Some(next) = next {
            assert!(failure.next.as_deref().unwrap_or_default().contains(next), "{failure:?}");
        }
    }

    #[test]
    fn a_value_knows_its_line() {
        let typed = from_file("data = \"x\"\n\n[store]\n# why\nseal_events = 1_000\n").expect("valid");
        let written = typed.get("store.seal_events").expect("written");
        assert_eq!(written.text, "1000");
        assert_eq!(written.origin.to_string(), "cairn.toml:5");
    }

    #[test]
    fn an_unknown_setting_names_the_nearest() {
        check_refused(
            "[store]\nseal_evnts = 1\n",
            "cairn.toml:2: there is no setting \"store.seal_evnts\"",
            Some("store.seal_events"),
        );
        check_refused("[stor]\nseal_events = 1\n", "cairn.toml:1: there is no setting \"stor\"", None);
        check_refused("listen = \"x\"\n", "there is no setting \"listen\"", Some("http.listen"));
        check_refused("data = \n", "is not TOML", None);
        check_refused("data = [1]\n", "data can't be set to this", None);
        check_refused("store = 1\n", "there is no setting \"store\"", None);
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let mut typed = from_file("data = \"file\"\ntenant = \"file\"\ntrail = \"file\"\n").expect("valid");
        let env = [("CAIRN_DATA", "env"), ("CAIRN_TENANT", "env"), ("CAIRN_CORPUS", "x"), ("PATH", "y")];
        typed.take_env(env.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned()))).expect("valid");
        assert_eq!(typed.get("data").expect("set").origin, Origin::Env("CAIRN_DATA".into()));
        assert_eq!(typed.get("trail").expect("set").text, "file");
        let env = std::iter::once(("CAIRN_DATA".to_owned(), "env".to_owned()));
        let none = Path::new("/nonexistent/cairn.toml");
        assert!(Typed::read(Some(none), std::iter::empty(), &[]).is_err());
        let typed = Typed::read(None, env, &[("data", Some("flag".into()))]).expect("valid");
        assert_eq!(typed.get("data"), Some(&Written { text: "flag".into(), origin: Origin::Flag("--data") }));
    }

    #[test]
    fn a_slip_in_a_variable_is_told() {
        let env = std::iter::once(("CAIRN_TENNANT".to_owned(), "x".to_owned()));
        let failure = Typed::default().take_env(env).expect_err("refused");
        assert_eq!(failure.next.as_deref(), Some("did you mean CAIRN_TENANT?"));
    }
}
