//! Every kind of source there is: one line each.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Source, SourceError, files, github,
    hook::{HookError, Hooked},
    imap, push, slack,
};
use crate::{
    net::{HeaderMap, Host, credential},
    secret::Secret,
    time::Clock,
};

/// `[source.NAME]`, told apart by its `type`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SourceConfig {
    Files(files::Config),
    GitHub(github::Config),
    Imap(imap::Config),
    Push(push::Config),
    Slack(slack::Config),
}

/// What the webhooks of a source are verified with, and read by.
#[derive(Clone, Debug)]
pub enum Hook {
    GitHub(Secret),
    Slack(Secret),
}

impl SourceConfig {
    /// Every `type`.
    pub const KINDS: [&str; 5] = ["files", "github", "imap", "push", "slack"];

    /// Its `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            SourceConfig::Files(_) => "files",
            SourceConfig::GitHub(_) => "github",
            SourceConfig::Imap(_) => "imap",
            SourceConfig::Push(_) => "push",
            SourceConfig::Slack(_) => "slack",
        }
    }

    /// The source that the configuration calls `name`. Nothing is asked of anybody yet.
    ///
    /// # Errors
    /// `Permanent` where a setting cannot be, or a secret cannot be read.
    pub fn build(self, name: &str, clock: Arc<dyn Clock>) -> Result<Box<dyn Source>, SourceError> {
        Ok(match self {
            SourceConfig::Files(config) => Box::new(files::Files::new(name, config)?),
            SourceConfig::GitHub(config) => Box::new(config.build(name, clock)?),
            SourceConfig::Imap(config) => Box::new(imap::Imap::new(name, config)?),
            SourceConfig::Push(config) => Box::new(push::Push::new(name, config)),
            SourceConfig::Slack(config) => Box::new(config.build(name, clock)?),
        })
    }

    /// Every host that the source will talk to.
    ///
    /// # Errors
    /// `Permanent` where an address is none.
    pub fn hosts(&self) -> Result<Vec<String>, SourceError> {
        let written = |hosts: Vec<Host>| hosts.iter().map(Host::to_string).collect();
        match self {
            SourceConfig::Files(_) | SourceConfig::Push(_) => Ok(Vec::new()),
            SourceConfig::GitHub(config) => config.hosts().map(written),
            SourceConfig::Imap(config) => Ok(vec![config.host()]),
            SourceConfig::Slack(config) => config.hosts().map(written),
        }
    }

    /// What reads its webhooks; `None` where it takes none.
    ///
    /// # Errors
    /// `Permanent` where the secret cannot be read.
    pub fn hook(&self) -> Result<Option<Hook>, SourceError> {
        Ok(match self {
            SourceConfig::GitHub(config) => {
                let (given, file) = (config.webhook_secret.clone(), config.webhook_secret_file.as_deref());
                credential::secret("webhook_secret", given, file)?.map(Hook::GitHub)
            }
            SourceConfig::Files(_) | SourceConfig::Imap(_) | SourceConfig::Push(_) => None,
            SourceConfig::Slack(config) => {
                let (given, file) = (config.signing_secret.clone(), config.signing_secret_file.as_deref());
                credential::secret("signing_secret", given, file)?.map(Hook::Slack)
            }
        })
    }
}

impl Hook {
    /// What a delivery asks for.
    ///
    /// # Errors
    /// See [`HookError`].
    pub fn read(&self, headers: &HeaderMap, body: &[u8], now: jiff::Timestamp) -> Result<Hooked, HookError> {
        match self {
            Hook::GitHub(secret) => github::hook::read(headers, body, secret),
            Hook::Slack(secret) => slack::hook::read(headers, body, secret, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<SourceConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn the_type_decides_what_may_be_set() {
        let github = config("type = \"github\"\nrepos = [\"a/b\"]\nbase_url = \"https://ghe.example/api/v3\"").unwrap();
        assert_eq!(github.hosts().unwrap()[0], "https://ghe.example:443");
        assert!(github.hook().unwrap().is_none());
        let slack =
            config("type = \"slack\"\ntoken = \"xoxb-1\"\nrate_profile = \"limited\"\nsigning_secret = \"s\"").unwrap();
        assert!(slack.hook().unwrap().is_some());
        assert!(!format!("{slack:?}").contains("xoxb"), "{slack:?}");
        let error = config("type = \"slack\"\nrepos = []").unwrap_err().to_string();
        assert!(error.contains("repos"), "{error}");
        assert!(config("type = \"pigeon\"").is_err());
    }

    #[test]
    fn a_source_is_built_without_asking_anybody() {
        let clock = || Arc::new(crate::time::SystemClock);
        let source = config("type = \"slack\"\ntoken = \"xoxb-1\"").unwrap().build("team", clock()).unwrap();
        assert_eq!(source.name(), "team");
        let Err(error) = config("type = \"slack\"").unwrap().build("team", clock()) else { panic!("no token") };
        assert!(error.to_string().contains("token_file"), "{error}");
    }
}
