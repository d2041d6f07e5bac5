//! Slack: channels read through an app of one's own, Slack's threads as threads and the talk between them as conversations.
//!
//! Tested against Slack's published description and samples, not against the live service.

mod api;
mod channel;
pub mod hook;
mod talk;
mod threads;
mod window;
mod workspace;

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

pub use self::api::RateProfile;
use self::{
    api::{Api, Trouble},
    channel::Channel,
    threads::fault,
    workspace::Workspace,
};
use super::{Source, SourceError, Whoami};
use crate::{
    domain::{Cursor, Item, Page, Poisoned, Thread},
    net::{Client, Host, Options, credential},
    secret::Secret,
    time::Clock,
};

/// Threads that one page brings at most, so that a crash loses little.
pub const MOST_THREADS: usize = 20;
/// Steps of one pull, though they bring nothing: then what was learnt is kept.
const MOST_STEPS: usize = 40;
/// The same where each step takes minutes.
const MOST_SLOW_STEPS: usize = 2;
/// How long names and channels are taken for what they were.
const WORKSPACE_LASTS: Duration = Duration::from_secs(600);
const UNKNOWN: &str = "no such channel, or the app was not invited to it";
const HOUR_SECS: i64 = 60 * 60;

/// `type = "slack"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "public_address")]
    pub base_url: String,
    /// The bot token (`xoxb-…`) of an app made from `config/slack-app-manifest.yaml`.
    pub token: Option<Secret>,
    pub token_file: Option<PathBuf>,
    /// What Slack signs events with.
    pub signing_secret: Option<Secret>,
    pub signing_secret_file: Option<PathBuf>,
    /// Names or ids. None: the channels that the app was invited to.
    #[serde(default)]
    pub channels: Vec<String>,
    #[serde(default)]
    pub rate_profile: RateProfile,
    /// The days that are read again in every round, to notice what was edited or deleted.
    pub look_back_days: Option<u16>,
    /// Known threads of a channel that are read again in every round though nothing tells of a change: finds late replies
    /// to old threads and edited replies.
    #[serde(default = "a_few")]
    pub recheck_threads: u8,
    /// Nothing written before is read.
    pub since: Option<Timestamp>,
    /// Certificates (PEM) of a company's own authority.
    pub extra_ca: Option<PathBuf>,
}

fn public_address() -> String {
    "https://slack.com/api".to_owned()
}

fn a_few() -> u8 {
    5
}

pub struct Slack {
    name: String,
    config: Config,
    api: Api,
    workspace: Mutex<Option<Arc<Workspace>>>,
}

/// One channel, and what it takes to read it.
struct Site<'a> {
    api: &'a Api,
    workspace: &'a Workspace,
    channel: &'a workspace::Channel,
    /// The source's name.
    source: &'a str,
    now: Timestamp,
    since: Timestamp,
    /// What was written after is read again in every round. A whole hour, so that a quiet round changes nothing.
    horizon: Timestamp,
    recheck: usize,
}

/// The cursor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
    /// The channel of this round that is done, by id; its successor is next.
    done: Option<String>,
    channels: BTreeMap<String, Channel>,
}

impl Config {
    /// # Errors
    /// `Permanent` where a setting cannot be.
    pub fn build(self, name: &str, clock: Arc<dyn Clock>) -> Result<Slack, SourceError> {
        let token = credential::secret("token", self.token.clone(), self.token_file.as_deref())?;
        let missing = || SourceError::Permanent(format!("source {name}: no token; set token or token_file"));
        let options = Options { extra_ca: self.extra_ca.clone(), ..Options::default() };
        let client = Client::new(self.hosts()?, &options)?;
        let api = Api::new(client, &self.base_url, token.ok_or_else(missing)?, self.rate_profile, clock);
        Ok(Slack { name: name.to_owned(), config: self, api, workspace: Mutex::default() })
    }

    /// The one host it talks to.
    ///
    /// # Errors
    /// `Permanent` where the address is none.
    pub fn hosts(&self) -> Result<Vec<Host>, SourceError> {
        Ok(vec![Host::of(&self.base_url)?])
    }

    /// As set; else two weeks, and a day where Slack grants little.
    fn look_back(&self) -> SignedDuration {
        let days = self.look_back_days.unwrap_or(match self.rate_profile {
            RateProfile::Internal => 14,
            RateProfile::Limited => 1,
        });
        SignedDuration::from_hours(24 * i64::from(days))
    }
}

#[async_trait]
impl Source for Slack {
    fn name(&self) -> &str {
        &self.name
    }

    async fn pull(&self, cursor: Option<&Cursor>) -> Result<Page, SourceError> {
        let mut progress = progress_of(cursor)?;
        let workspace = self.workspace().await?;
        let mut page = Page { more: true, ..Page::default() };
        let steps = match self.config.rate_profile {
            RateProfile::Internal => MOST_STEPS,
            RateProfile::Limited => MOST_SLOW_STEPS,
        };
        for _ in 0..steps {
            match self.step(&workspace, &mut progress, &mut page).await {
                // What there is already is worth more than the news that there is no more: the next pull brings that.
                Err(_) if !page.items.is_empty() => break,
                Err(error) => return Err(error),
                Ok(true) if page.items.len() < MOST_THREADS => {}
                Ok(more) => {
                    page.more = more;
                    break;
                }
            }
        }
        let written = serde_json::to_string(&progress).map_err(|error| SourceError::Permanent(error.to_string()))?;
        page.next = Cursor(written);
        Ok(page)
    }

    async fn check(&self) -> Result<Whoami, SourceError> {
        let (own, scopes) = self.api.answer("auth.test", &[]).await?;
        let word = |key: &str| own.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
        let mut whoami = Whoami { account: format!("{} in {}", word("user"), word("team")), ..Whoami::default() };
        whoami.facts.extend(scopes.map(|scopes| format!("scopes: {scopes}")));
        let workspace = self.workspace().await?;
        for unknown in &workspace.unknown {
            whoami.facts.push(format!("{unknown}: {UNKNOWN}"));
        }
        for channel in workspace.channels.values() {
            whoami.facts.push(format!("{}: {}", channel.title(), self.probe(&channel.id).await?));
        }
        Ok(whoami)
    }

    async fn fetch(&self, threads: &[String], cursor: Option<&Cursor>) -> Result<Vec<Item>, SourceError> {
        let progress = progress_of(cursor)?;
        let workspace = self.workspace().await?;
        let mut items = Vec::new();
        for (channel, ts) in threads.iter().filter_map(|id| id.split_once('/')) {
            let Some(channel) = workspace.channels.get(channel) else { continue };
            let site = self.site(&workspace, channel);
            let folder = progress.channels.get(&channel.id).map_or(channel.folder(), |state| state.folder.as_str());
            let id = format!("{folder}/{ts}");
            match window::replies(&site, ts).await {
                // A message that nobody answers is talk, which a pull reads.
                Ok(replies) if replies.said.len() < 2 => {}
                Ok(replies) => items.push(threads::item(&site, id, replies)),
                Err(Trouble::Here(word)) if word == "thread_not_found" => items.push(Item::ThreadGone { thread: id }),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(items)
    }
}

impl Slack {
    /// One step in the channel whose turn it is. Whether the round has more.
    async fn step(&self, workspace: &Workspace, progress: &mut Progress, page: &mut Page) -> Result<bool, SourceError> {
        let after = progress.done.as_deref().map_or(Unbounded, Excluded);
        let Some((id, channel)) = workspace.channels.range::<str, _>((after, Unbounded)).next() else {
            progress.done = None;
            page.poisoned
                .extend(workspace.unknown.iter().map(|name| Poisoned { id: name.clone(), fault: fault(UNKNOWN) }));
            return Ok(false);
        };
        let state = progress.channels.entry(id.clone()).or_default();
        let more = match state.visit(&self.site(workspace, channel), page).await {
            // A channel that cannot be read must not hold up the others.
            Err(Trouble::Here(word)) => {
                page.poisoned.push(Poisoned { id: id.clone(), fault: fault(&format!("{}: {word}", channel.title())) });
                false
            }
            other => other?,
        };
        if !more {
            progress.done = Some(id.clone());
        }
        Ok(true)
    }

    fn site<'a>(&'a self, workspace: &'a Workspace, channel: &'a workspace::Channel) -> Site<'a> {
        let now = self.api.now();
        let back = now.checked_sub(self.config.look_back()).unwrap_or(Timestamp::UNIX_EPOCH);
        let hour = back.as_second() - back.as_second().rem_euclid(HOUR_SECS);
        Site {
            api: &self.api,
            workspace,
            channel,
            source: &self.name,
            now,
            since: self.config.since.unwrap_or(Timestamp::UNIX_EPOCH),
            horizon: Timestamp::from_second(hour).unwrap_or(back),
            recheck: self.config.recheck_threads.into(),
        }
    }

    async fn workspace(&self) -> Result<Arc<Workspace>, SourceError> {
        let mut kept = self.workspace.lock().await;
        if let Some(workspace) = kept.as_ref().filter(|workspace| workspace.since.elapsed() < WORKSPACE_LASTS) {
            return Ok(Arc::clone(workspace));
        }
        let workspace = Arc::new(Workspace::read(&self.api, &self.config.channels).await?);
        *kept = Some(Arc::clone(&workspace));
        Ok(workspace)
    }

    /// Whether messages and replies can be read, which depends on more than scopes.
    async fn probe(&self, channel: &str) -> Result<&'static str, SourceError> {
        let history = self.api.call("conversations.history", &[("channel", channel), ("limit", "15")]).await;
        let history = match history {
            Err(Trouble::Here(_)) => return Ok("not readable; invite the app"),
            other => other?,
        };
        let messages = history.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let Some(root) = messages.iter().find_map(|message| message.get("thread_ts")?.as_str()) else {
            return Ok("readable");
        };
        let query = [("channel", channel), ("ts", root), ("limit", "1")];
        match self.api.call("conversations.replies", &query).await {
            Err(Trouble::Here(_)) => Ok("messages are readable, replies are not"),
            other => other.map(|_| "readable with replies").map_err(SourceError::from),
        }
    }
}

impl Site<'_> {
    fn own(&self, thread: Thread) -> Thread {
        let ts = thread.id.rsplit('/').next().unwrap_or_default().replace('.', "");
        let base = &self.workspace.url;
        let url = (!base.is_empty()).then(|| format!("{base}archives/{}/p{ts}", self.channel.id));
        Thread { source: self.source.to_owned(), channel: Some(self.channel.title()), url, ..thread }
    }
}

fn progress_of(cursor: Option<&Cursor>) -> Result<Progress, SourceError> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.0.is_empty()) else { return Ok(Progress::default()) };
    serde_json::from_str(&cursor.0).map_err(|error| {
        SourceError::Permanent(format!("the kept cursor cannot be read ({error}); pull from the beginning"))
    })
}
