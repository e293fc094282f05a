//! The file in which contexts are kept.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

/// Names another file than the usual one.
const FILE_VARIABLE: &str = "BOXOFFICE_CONTEXTS";

/// All contexts of somebody.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    /// The one in use.
    #[serde(default)]
    pub current: Option<String>,
    /// By name.
    #[serde(default)]
    pub context: BTreeMap<String, Context>,
    #[serde(skip)]
    path: PathBuf,
}

/// A cluster with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Base URLs of its nodes.
    pub endpoint: Vec<String>,
    /// Where the token is.
    pub token_file: Option<PathBuf>,
}

impl Context {
    /// The token to speak with.
    ///
    /// # Errors
    /// When its file cannot be read, or is empty.
    pub fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = fs::read_to_string(path).with_context(|| format!("read the context's token: {}", path.display()))?;
        match text.trim() {
            "" => bail!("{} is empty: write a token there, see `boxoffice token`", path.display()),
            token => Ok(Some(token.to_owned())),
        }
    }
}

impl Contexts {
    /// Reads the contexts; none where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is not right.
    pub fn open() -> anyhow::Result<Self> {
        match usual_path() {
            Some(path) => Self::read(path),
            None => Ok(Self::default()),
        }
    }

    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        let contexts: Self = toml::from_str(&text).with_context(|| format!("{} is not a file of contexts", path.display()))?;
        Ok(Self { path, ..contexts })
    }

    /// The context of this name, or the one in use; `None` when no name is given and none is in use.
    ///
    /// # Errors
    /// When there is no such context.
    pub fn chosen(&self, name: Option<&str>) -> anyhow::Result<Option<(&String, &Context)>> {
        let Some(name) = name.or(self.current.as_deref()) else { return Ok(None) };
        if let Some(found) = self.context.get_key_value(name) {
            return Ok(Some(found));
        }
        let known: Vec<&str> = self.context.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "there is none yet".to_owned() } else { format!("there are {}", known.join(", ")) };
        bail!("there is no context {name:?}: {known}; `boxoffice context set {name} --endpoint URL` makes it")
    }

    /// Writes the contexts; whoever reads meanwhile sees the old or the new ones.
    ///
    /// # Errors
    /// When there is no home directory, or the file cannot be written.
    pub fn save(&self) -> anyhow::Result<()> {
        if self.path.as_os_str().is_empty() {
            bail!("there is no home directory: name a file in {FILE_VARIABLE}");
        }
        write(&self.path, &toml::to_string(self)?).with_context(|| format!("write {}", self.path.display()))
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let fresh = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

/// Where contexts are kept: the variable's file, or in the configuration folder of the account.
fn usual_path() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let usual = || folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    folder(FILE_VARIABLE).or_else(|| usual().map(|dir| dir.join("boxoffice/contexts.toml")))
}

/// Whether a context may have this name.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> PathBuf {
        std::env::temp_dir().join(format!("boxoffice-contexts-{}/sub/contexts.toml", crate::mint::entropy()))
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let path = place();
        let mut contexts = Contexts::read(path.clone()).unwrap();
        assert!(contexts.chosen(None).unwrap().is_none());
        let arena = Context { endpoint: vec!["http://a:1".into(), "http://b:2".into()], token_file: None };
        contexts.context.insert("arena".into(), arena.clone());
        contexts.current = Some("arena".into());
        contexts.save().unwrap();
        let again = Contexts::read(path.clone()).unwrap();
        assert_eq!(again, contexts);
        assert_eq!(again.chosen(None).unwrap().unwrap().1, &arena);
        let error = again.chosen(Some("hall")).unwrap_err().to_string();
        assert!(error.contains("\"hall\"") && error.contains("arena"), "{error}");
        fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_file_that_is_not_understood_is_named_and_kept() {
        let path = place();
        write(&path, "current = 3").unwrap();
        let error = format!("{:#}", Contexts::read(path.clone()).unwrap_err());
        assert!(error.contains("contexts.toml is not a file of contexts"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "current = 3");
        fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_token_is_read_when_it_is_needed() {
        let path = place();
        write(&path, " secret\n").unwrap();
        let context = Context { endpoint: vec![], token_file: Some(path.clone()) };
        assert_eq!(context.token().unwrap().as_deref(), Some("secret"));
        write(&path, "\n").unwrap();
        assert!(context.token().unwrap_err().to_string().contains("is empty"));
        fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
        assert!(format!("{:#}", context.token().unwrap_err()).contains("contexts.toml"));
        assert!(is_name("arena-2") && !is_name("") && !is_name("a/b"));
    }
}
