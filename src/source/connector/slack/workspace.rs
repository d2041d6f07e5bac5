//! A workspace as the app sees it: who is in it, and which channels it may read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, Trouble};
use crate::{
    source::slack_people::{People, WireUser},
    time::Stopwatch,
};

pub(super) struct Workspace {
    pub people: People,
    /// By id.
    pub channels: BTreeMap<String, Channel>,
    /// Names and ids of the configuration that no channel has.
    pub unknown: Vec<String>,
    /// Of the workspace's pages, with a slash at its end.
    pub url: String,
    pub since: Stopwatch,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    pub id: String,
    name: String,
    /// Seconds since 1970.
    created: i64,
    is_member: bool,
}

impl Channel {
    /// What an export would call its folder.
    pub(super) fn folder(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }

    pub(super) fn title(&self) -> String {
        format!("#{}", self.folder())
    }

    pub(super) fn created(&self) -> Timestamp {
        Timestamp::from_second(self.created).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn is(&self, wanted: &str) -> bool {
        self.id == wanted || self.name == wanted.trim_start_matches('#')
    }
}

impl Workspace {
    /// `wanted` channels by name or id; those the app is in, where none are named.
    pub(super) async fn read(api: &Api, wanted: &[String]) -> Result<Workspace, Trouble> {
        let own = api.call("auth.test", &[]).await?;
        let url = own.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
        let users = api.list("users.list", "members", &[("limit", "200")]).await?;
        let mut people = People::of(readable::<WireUser>(users));
        let query = [("types", "public_channel,private_channel"), ("exclude_archived", "true"), ("limit", "200")];
        let mut channels = BTreeMap::new();
        for channel in readable::<Channel>(api.list("conversations.list", "channels", &query).await?) {
            people.names.channels.insert(channel.id.clone(), channel.name.clone());
            let chosen = if wanted.is_empty() { channel.is_member } else { wanted.iter().any(|w| channel.is(w)) };
            if chosen && !channel.id.is_empty() {
                channels.insert(channel.id.clone(), channel);
            }
        }
        let unknown = wanted.iter().filter(|w| !channels.values().any(|channel| channel.is(w))).cloned().collect();
        Ok(Workspace { people, channels, unknown, url, since: Stopwatch::start() })
    }
}

/// An entry that is broken costs its name, and nobody's messages.
fn readable<T: serde::de::DeserializeOwned>(values: Vec<Value>) -> Vec<T> {
    values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect()
}
