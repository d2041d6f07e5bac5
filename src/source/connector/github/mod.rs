//! GitHub and GitHub Enterprise: issues, pull requests and discussions, each read whole whenever it changed.
//!
//! Tested against GitHub's published descriptions, not against the live service.

mod api;
pub mod discussions;
pub mod hook;
mod issues;
mod settle;
mod thread;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::{
    api::Api,
    discussions::Discussions,
    issues::Issues,
    settle::{Patience, Settled},
    thread::Fetched,
};
use super::{Source, SourceError, Whoami};
use crate::{
    domain::{Cursor, Fault, Item, Page, Place, Poisoned, Thread},
    net::{Client, Host, Options, credential},
    secret::Secret,
    time::Clock,
};

/// Threads that one page brings at most, so that a crash loses little.
pub const MOST_THREADS: usize = 20;

/// `type = "github"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The REST API: of GitHub Enterprise `https://HOST/api/v3`.
    #[serde(default = "public_address")]
    pub base_url: String,
    /// `owner/name` each.
    pub repos: Vec<String>,
    /// Reads issues, pull requests and discussions of the repositories. Without one, public ones at 60 requests an hour.
    pub token: Option<Secret>,
    pub token_file: Option<PathBuf>,
    /// What the webhook was set up with.
    pub webhook_secret: Option<Secret>,
    pub webhook_secret_file: Option<PathBuf>,
    /// Whether discussions are read too. They need a token.
    #[serde(default)]
    pub discussions: bool,
    /// Nothing that did not change since is read.
    pub since: Option<Timestamp>,
    /// Listed at once, 1 to 100.
    #[serde(default = "most_per_page")]
    pub per_page: u8,
    /// How long after a thread's last change a deleted comment is still noticed without a webhook.
    #[serde(default = "two_weeks")]
    pub look_back_days: u16,
    /// Certificates (PEM) of a company's own authority.
    pub extra_ca: Option<PathBuf>,
}

fn public_address() -> String {
    "https://api.github.com".to_owned()
}

fn most_per_page() -> u8 {
    100
}

fn two_weeks() -> u16 {
    14
}

pub struct GitHub {
    name: String,
    config: Config,
    per_page: String,
    api: Api,
}

/// One repository, and what it takes to read it.
struct Site<'a> {
    api: &'a Api,
    /// The source's name.
    source: &'a str,
    repo: &'a str,
    since: Option<Timestamp>,
    per_page: &'a str,
    look_back: SignedDuration,
}

/// The cursor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
    /// Which list is next: issues and discussions of one repository after another.
    turn: usize,
    repos: BTreeMap<String, Repo>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Repo {
    issues: Issues,
    #[serde(skip_serializing_if = "Option::is_none")]
    discussions: Option<Discussions>,
}

impl Config {
    /// # Errors
    /// `Permanent` where a setting cannot be.
    pub fn build(self, name: &str, clock: Arc<dyn Clock>) -> Result<GitHub, SourceError> {
        let wrong = |what: String| SourceError::Permanent(format!("source {name}: {what}"));
        if self.repos.is_empty() {
            return Err(wrong("repos is empty; name at least one as \"owner/name\"".to_owned()));
        }
        if let Some(odd) = self.repos.iter().find(|repo| !is_repo(repo)) {
            return Err(wrong(format!("{odd:?} in repos is not of the form \"owner/name\"")));
        }
        if !(1..=100).contains(&self.per_page) {
            return Err(wrong(format!("per_page is {}; it goes from 1 to 100", self.per_page)));
        }
        let token = credential::secret("token", self.token.clone(), self.token_file.as_deref())?;
        if self.discussions && token.is_none() {
            return Err(wrong("discussions need a token: set token or token_file".to_owned()));
        }
        let options = Options { extra_ca: self.extra_ca.clone(), ..Options::default() };
        let client = Client::new(self.hosts()?, &options)?;
        let api = Api::new(client, &self.base_url, token, clock);
        Ok(GitHub { name: name.to_owned(), per_page: self.per_page.to_string(), config: self, api })
    }

    /// The one host it talks to.
    ///
    /// # Errors
    /// `Permanent` where the address is none.
    pub fn hosts(&self) -> Result<Vec<Host>, SourceError> {
        Ok(vec![Host::of(&self.base_url)?])
    }
}

#[async_trait]
impl Source for GitHub {
    fn name(&self) -> &str {
        &self.name
    }

    async fn pull(&self, cursor: Option<&Cursor>) -> Result<Page, SourceError> {
        let mut progress = progress_of(cursor)?;
        let mut page = Page { more: true, ..Page::default() };
        while page.items.len() < MOST_THREADS {
            match self.step(&mut progress, &mut page).await {
                // What there is already is worth more than the news that there is no more: the next pull brings that.
                Err(_) if !page.items.is_empty() => break,
                Err(error) => return Err(error),
                Ok(()) if progress.turn == 0 => {
                    page.more = false;
                    break;
                }
                Ok(()) => {}
            }
        }
        let written = serde_json::to_string(&progress).map_err(|error| SourceError::Permanent(error.to_string()))?;
        page.next = Cursor(written);
        Ok(page)
    }

    async fn check(&self) -> Result<Whoami, SourceError> {
        let limits = self.api.get("/rate_limit", &[], None).await?;
        let mut whoami = Whoami { account: "nobody (no token)".to_owned(), ..Whoami::default() };
        let core = limits.json::<Value>()?;
        if let Some(left) = core.pointer("/resources/core/remaining") {
            whoami.facts.push(format!("{left} requests left in this hour"));
        }
        if let Some(version) = limits.header("x-github-enterprise-version") {
            whoami.facts.push(format!("GitHub Enterprise {version}"));
        }
        if let Some(scopes) = limits.header("x-oauth-scopes") {
            whoami.facts.push(format!("scopes: {scopes}"));
        }
        if self.api.has_token() {
            // An app's token has no user.
            let user = self.api.get("/user", &[], None).await.ok().and_then(|r| r.json::<Value>().ok());
            let login = user.as_ref().and_then(|user| user.get("login")).and_then(Value::as_str);
            whoami.account = login.unwrap_or("an app").to_owned();
        }
        for repo in &self.config.repos {
            self.api.get(&format!("/repos/{repo}/issues"), &[("per_page", "1")], None).await?;
            whoami.facts.push(format!("{repo}: readable"));
        }
        Ok(whoami)
    }

    async fn fetch(&self, threads: &[String], _cursor: Option<&Cursor>) -> Result<Vec<Item>, SourceError> {
        let (mut page, mut patience) = (Page::default(), Patience::default());
        for (repo, number) in threads.iter().filter_map(|id| thread_of(id)) {
            let Some(repo) = self.config.repos.iter().find(|known| known.eq_ignore_ascii_case(repo)) else { continue };
            let site = self.site(repo);
            let fetched = match thread::by_number(&site, number).await {
                Ok(Fetched::Gone) if self.config.discussions => discussions::whole(&site, number).await,
                other => other,
            };
            if patience.settle(&site, number, 0, fetched, &mut page)? == Settled::Later {
                return Err(SourceError::Transient(format!("{}: not to be had just now", site.thread_id(number))));
            }
        }
        Ok(page.items)
    }
}

impl GitHub {
    /// One step of the list whose turn it is; the turn passes on when that is exhausted.
    async fn step(&self, progress: &mut Progress, page: &mut Page) -> Result<(), SourceError> {
        let lists = if self.config.discussions { 2 } else { 1 };
        let turns = self.config.repos.len() * lists;
        let turn = progress.turn % turns;
        let Some(repo) = self.config.repos.get(turn / lists) else { return Ok(()) };
        let site = self.site(repo);
        let place = progress.repos.entry(repo.clone()).or_default();
        let more = if turn.is_multiple_of(lists) {
            place.issues.step(&site, page).await
        } else {
            place.discussions.get_or_insert_default().step(&site, page).await
        };
        let more = match more {
            // A repository that is gone must not hold up the others.
            Err(SourceError::Permanent(what)) if self.config.repos.len() > 1 => {
                page.poisoned.push(Poisoned { id: repo.clone(), fault: Fault::new(Place::default(), what) });
                false
            }
            other => other?,
        };
        if !more {
            progress.turn = (turn + 1) % turns;
        }
        Ok(())
    }

    fn site<'a>(&'a self, repo: &'a str) -> Site<'a> {
        Site {
            api: &self.api,
            source: &self.name,
            repo,
            since: self.config.since,
            per_page: &self.per_page,
            look_back: SignedDuration::from_hours(24 * i64::from(self.config.look_back_days)),
        }
    }
}

impl Site<'_> {
    /// As the configuration writes the repository, whatever it is called since.
    fn thread_id(&self, number: u64) -> String {
        format!("{}#{number}", self.repo)
    }

    fn own(&self, thread: Thread, number: u64) -> Thread {
        let (source, channel) = (self.source.to_owned(), Some(self.repo.to_owned()));
        Thread { source, channel, id: self.thread_id(number), ..thread }
    }

    fn look_back(&self, from: Timestamp) -> Timestamp {
        from.checked_sub(self.look_back).unwrap_or(Timestamp::MIN)
    }

    /// Variables of a GraphQL query, with the repository's.
    fn variables(&self, mut own: Value) -> Value {
        let (owner, name) = self.repo.split_once('/').unwrap_or((self.repo, ""));
        own["owner"] = json!(owner);
        own["name"] = json!(name);
        own
    }
}

fn progress_of(cursor: Option<&Cursor>) -> Result<Progress, SourceError> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.0.is_empty()) else { return Ok(Progress::default()) };
    serde_json::from_str(&cursor.0).map_err(|error| {
        SourceError::Permanent(format!("the kept cursor cannot be read ({error}); pull from the beginning"))
    })
}

/// `owner/name`, and nothing that could lead elsewhere in an address.
fn is_repo(text: &str) -> bool {
    let part = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && part.chars().all(known) && part.chars().any(|c| c != '.')
    };
    text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

fn thread_of(id: &str) -> Option<(&str, u64)> {
    let (repo, number) = id.rsplit_once('#')?;
    Some((repo, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemClock;

    fn config(repo: &str) -> Config {
        let text = format!("repos = [{repo:?}]");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_setting_that_cannot_be_says_so_before_anything_is_sent() {
        for odd in ["", "owner", "owner/", "a/../b", "a/..", "a/b?x", "a/b/c"] {
            assert!(config(odd).build("gh", Arc::new(SystemClock)).is_err(), "{odd:?}");
        }
        assert!(Config { discussions: true, ..config("a/b") }.build("gh", Arc::new(SystemClock)).is_err());
        assert!(Config { per_page: 0, ..config("a/b") }.build("gh", Arc::new(SystemClock)).is_err());
        assert!(toml::from_str::<Config>("repos = [\"a/b\"]\ntokn = \"x\"").is_err());
        assert_eq!(config("a/b").hosts().unwrap()[0].to_string(), "https://api.github.com:443");
    }

    #[test]
    fn a_cursor_is_only_what_this_source_wrote() {
        assert_eq!(progress_of(None).unwrap(), Progress::default());
        assert!(progress_of(Some(&Cursor("{\"turn\":\"x\"}".into()))).is_err());
    }
}
