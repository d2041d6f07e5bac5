//! One issue or pull request, whole: its lists fetched and put together as the file reader does.

use serde_json::{Value, json};

use super::Site;
use crate::{
    domain::{Fault, Place, Thread},
    net::NetError,
    source::github_json::{Repository, list},
};

/// What came of fetching a thread.
pub(super) enum Fetched {
    Thread(Box<Thread>),
    Gone,
    /// There, and not readable.
    Broken(Fault),
}

/// An issue that only its number is known of.
pub(super) async fn by_number(site: &Site<'_>, number: u64) -> Result<Fetched, NetError> {
    let found = site.api.get(&format!("/repos/{}/issues/{number}", site.repo), &[], None).await;
    let issue: Value = match found {
        Err(NetError::Permanent { status: Some(404 | 410), .. }) => return Ok(Fetched::Gone),
        other => other?.json()?,
    };
    // Moved to another repository, where GitHub leads on to.
    if issue.get("number").and_then(Value::as_u64) != Some(number) {
        return Ok(Fetched::Gone);
    }
    whole(site, number, issue).await
}

/// `issue` as a list gave it, with everything that hangs on it.
pub(super) async fn whole(site: &Site<'_>, number: u64, mut issue: Value) -> Result<Fetched, NetError> {
    match parts(site, number, &mut issue).await {
        // Deleted, or moved to another repository, between the list and now.
        Err(NetError::Permanent { status: Some(404 | 410), .. }) => Ok(Fetched::Gone),
        Err(error) => Err(error),
        Ok(lists) => {
            let mut value = json!({ "issue": issue });
            lists.into_iter().for_each(|(name, list)| value[name] = Value::Array(list));
            Ok(assembled(site, number, &value))
        }
    }
}

async fn parts(site: &Site<'_>, number: u64, issue: &mut Value) -> Result<Vec<(&'static str, Vec<Value>)>, NetError> {
    let path = |kind: &str, list: &str| format!("/repos/{}/{kind}/{number}{list}", site.repo);
    let mut lists = vec![("timeline", site.api.list(&path("issues", "/timeline")).await?)];
    if issue.get("comments").and_then(Value::as_u64) != Some(0) {
        lists.push(("comments", site.api.list(&path("issues", "/comments")).await?));
    }
    if issue.get("pull_request").is_some() {
        let pull: Value = site.api.get(&path("pulls", ""), &[], None).await?.json()?;
        for key in ["requested_reviewers", "merged_at", "merged_by"] {
            if let (Some(known), Some(fields)) = (pull.get(key), issue.as_object_mut()) {
                fields.insert(key.to_owned(), known.clone());
            }
        }
        lists.push(("reviews", site.api.list(&path("pulls", "/reviews")).await?));
        lists.push(("review_comments", site.api.list(&path("pulls", "/comments")).await?));
    }
    Ok(lists)
}

/// Lists hold nothing but parts of this issue, so whatever is not one of them is left out by the reader, and said.
fn assembled(site: &Site<'_>, number: u64, value: &Value) -> Fetched {
    let mut repository = Repository::default();
    repository.value(value, &site.thread_id(number), None);
    let mut reading = repository.finish();
    let broken = || Fault::new(Place::default(), "an issue without a title or a number: left out");
    match reading.threads.pop() {
        Some(thread) => Fetched::Thread(Box::new(site.own(thread, number))),
        None => Fetched::Broken(reading.faults.into_iter().next().unwrap_or_else(broken)),
    }
}

/// A thread's messages and events never come from an answer that is no list of objects.
pub(super) fn entries(value: &Value) -> &[Value] {
    list(value, "nodes")
}
