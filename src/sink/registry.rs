//! Every kind of sink there is: one line each.

use serde::Deserialize;

use super::{Sink, SinkError, alertmanager, desktop, slack, smtp, stdout, stdout::Out, webhook};
use crate::net::Host;

/// `[sink.NAME]`, told apart by its `type`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SinkConfig {
    Alertmanager(alertmanager::Config),
    Desktop(desktop::Config),
    Slack(slack::Config),
    Smtp(smtp::Config),
    Stdout(stdout::Config),
    Webhook(webhook::Config),
}

impl SinkConfig {
    /// Every `type`.
    pub const KINDS: [&str; 6] = ["alertmanager", "desktop", "slack", "smtp", "stdout", "webhook"];

    /// Its `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            SinkConfig::Alertmanager(_) => "alertmanager",
            SinkConfig::Desktop(_) => "desktop",
            SinkConfig::Slack(_) => "slack",
            SinkConfig::Smtp(_) => "smtp",
            SinkConfig::Stdout(_) => "stdout",
            SinkConfig::Webhook(_) => "webhook",
        }
    }

    /// The sink that the configuration calls `name`. Nobody is asked yet. `out` writes a line to standard output.
    ///
    /// # Errors
    /// `Permanent` where a setting cannot be, or a secret cannot be read.
    pub fn build(self, name: &str, out: &Out) -> Result<Box<dyn Sink>, SinkError> {
        Ok(match self {
            SinkConfig::Alertmanager(config) => Box::new(config.build(name)?),
            SinkConfig::Desktop(config) => Box::new(config.build(name)),
            SinkConfig::Slack(config) => Box::new(config.build(name)?),
            SinkConfig::Smtp(config) => Box::new(config.build(name)?),
            SinkConfig::Stdout(config) => Box::new(config.build(name, out)),
            SinkConfig::Webhook(config) => Box::new(config.build(name)?),
        })
    }

    /// Every host that the sink will talk to.
    ///
    /// # Errors
    /// `Permanent` where an address is none, or cannot be read.
    pub fn hosts(&self) -> Result<Vec<String>, SinkError> {
        let written = |host: Host| vec![host.to_string()];
        match self {
            SinkConfig::Alertmanager(config) => config.host().map(written),
            SinkConfig::Desktop(_) | SinkConfig::Stdout(_) => Ok(Vec::new()),
            SinkConfig::Slack(config) => config.host().map(written),
            SinkConfig::Smtp(config) => Ok(vec![config.host()]),
            SinkConfig::Webhook(config) => config.host().map(written),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn config(text: &str) -> Result<SinkConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn the_type_decides_what_may_be_set() {
        let mail =
            config("type = \"smtp\"\nhost = \"mail.example\"\nfrom = \"bluf@a.example\"\nto = [\"b@a.example\"]")
                .unwrap();
        assert_eq!(mail.hosts().unwrap(), ["smtp://mail.example:587"]);
        let slack =
            config("type = \"slack\"\nwebhook_url = \"https://hooks.slack.com/services/T0/B0/s3cr3t\"").unwrap();
        assert_eq!(slack.hosts().unwrap(), ["https://hooks.slack.com:443"]);
        assert!(!format!("{slack:?}").contains("s3cr3t"), "{slack:?}");
        let error = config("type = \"desktop\"\nurl = \"x\"").unwrap_err().to_string();
        assert!(error.contains("url"), "{error}");
        assert!(config("type = \"pigeon\"").is_err());
    }

    #[test]
    fn a_sink_is_built_without_asking_anybody_or_says_what_it_lacks() {
        let out: Out = Arc::new(|_: &str| Ok(()));
        let lacks = |text: &str, word: &str| match config(text).unwrap().build("a", &out) {
            Ok(_) => panic!("{text} was built"),
            Err(error) => assert!(error.to_string().contains(word), "{error}"),
        };
        lacks("type = \"webhook\"", "url_file");
        lacks("type = \"webhook\"\nurl = \"https://a.example\"", "secret_file");
        lacks("type = \"webhook\"\nurl = \"https://a.example\"\nsecret = \"plain\"", "whsec_");
        lacks("type = \"webhook\"\nurl = \"no address: s3cr3t\"", "url is no http");
        lacks("type = \"slack\"", "token_file");
        lacks("type = \"slack\"\ntoken = \"xoxb-1\"", "channel");
        lacks("type = \"alertmanager\"\nurl = \"a.example\"", "no address");
        let mail = |more: &str| format!("type = \"smtp\"\nhost = \"a.example\"\nfrom = \"b@a.example\"\n{more}");
        lacks(&mail("to = []"), "at least one");
        lacks(&mail("to = [\"nobody\"]"), "to");
        lacks(&mail("to = [\"c@a.example\"]\ntls = \"none\""), "localhost");
        lacks(&mail("to = [\"c@a.example\"]\nuser = \"b\""), "password_file");
        lacks(&mail("to = [\"c@a.example\"]\nunsubscribe = \"a, b\""), "unsubscribe");
        let built = config("type = \"stdout\"").unwrap().build("lines", &out).unwrap();
        assert_eq!(built.name(), "lines");
    }
}
