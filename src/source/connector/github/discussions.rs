//! Discussions, which only GraphQL has: newest first, until those that were there before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Site,
    settle::{Patience, Seen, Settled},
    thread::{Fetched, entries},
};
use crate::{
    domain::{Event, Message, Page},
    net::{NetError, page::Guard},
    source::{
        connector::SourceError,
        github_draft::Draft,
        github_json::{at, filled, text},
    },
};

/// Listed at once, and so the most that one page brings.
const LISTED: usize = 20;
/// Every query, by operation; a test holds it against the published schema.
pub const QUERIES: &str = include_str!("discussions.graphql");

/// How far a repository's discussions have been read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Discussions {
    high: Option<Timestamp>,
    seen: BTreeMap<u64, Seen>,
    later: BTreeMap<u64, u8>,
    walk: Option<Walk>,
}

/// One way from the newest back to those known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Walk {
    after: Option<String>,
    /// Where it ends; never, the first time.
    until: Option<Timestamp>,
    newest: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Known ones that it has not come by: gone, if it ends without them.
    missing: BTreeSet<u64>,
}

struct Listed {
    number: u64,
    seen: Seen,
}

impl Discussions {
    /// One page further. Whether there is more at once.
    pub(super) async fn step(&mut self, site: &Site<'_>, page: &mut Page) -> Result<bool, SourceError> {
        let mut walk = self.walk.take().unwrap_or_else(|| self.start(site));
        let (listed, end_cursor) = listing(site, walk.after.as_deref()).await?;
        self.walk = Some(walk.clone());
        let mut patience = Patience::default();
        for entry in &listed {
            walk.missing.remove(&entry.number);
            if self.seen.get(&entry.number) == Some(&entry.seen) || Some(entry.seen.0) < walk.until {
                continue;
            }
            if page.items.len() >= super::MOST_THREADS {
                return Ok(true);
            }
            self.take(site, entry.number, page, &mut patience).await?;
            self.seen.insert(entry.number, entry.seen);
        }
        let times = || listed.iter().map(|entry| entry.seen.0);
        let (first, last) = (times().next(), times().next_back());
        walk.newest = walk.newest.max(first);
        let known_from_here = last.is_none() || last < walk.until;
        // A list that grows younger again has been followed in a circle.
        let circle = walk.last.is_some() && first > walk.last;
        walk.last = last;
        if end_cursor.is_some() && end_cursor != walk.after && !known_from_here && !circle {
            walk.after = end_cursor;
            self.walk = Some(walk);
            return Ok(true);
        }
        self.walk = None;
        self.finish(site, walk, page).await?;
        Ok(false)
    }

    fn start(&self, site: &Site<'_>) -> Walk {
        let until = self.high.map_or(site.since, |high| Some(site.look_back(high)));
        let missing = self.seen.iter().filter(|(_, seen)| Some(seen.0) >= until).map(|(number, _)| *number);
        Walk { until, missing: missing.collect(), ..Walk::default() }
    }

    async fn finish(&mut self, site: &Site<'_>, walk: Walk, page: &mut Page) -> Result<(), SourceError> {
        self.high = self.high.max(walk.newest);
        let oldest = self.high.map(|high| site.look_back(high));
        let mut patience = Patience::default();
        let again: BTreeSet<u64> = walk.missing.into_iter().chain(self.later.keys().copied()).collect();
        for number in again {
            self.take(site, number, page, &mut patience).await?;
        }
        self.seen.retain(|_, seen| Some(seen.0) >= oldest);
        Ok(())
    }

    async fn take(
        &mut self,
        site: &Site<'_>,
        number: u64,
        page: &mut Page,
        patience: &mut Patience,
    ) -> Result<(), SourceError> {
        let tries = self.later.get(&number).copied().unwrap_or(0);
        match patience.settle(site, number, tries, whole(site, number).await, page)? {
            Settled::Later => self.later.insert(number, tries + 1),
            Settled::Done => self.later.remove(&number),
            Settled::Gone => {
                self.seen.remove(&number);
                self.later.remove(&number)
            }
        };
        Ok(())
    }
}

async fn listing(site: &Site<'_>, after: Option<&str>) -> Result<(Vec<Listed>, Option<String>), SourceError> {
    let variables = site.variables(json!({ "first": LISTED, "after": after }));
    let data = site.api.graphql(QUERIES, "Listing", variables).await?;
    let list = data.pointer("/repository/discussions").unwrap_or(&Value::Null);
    let listed = entries(list).iter().filter_map(|node| {
        let count = node.pointer("/comments/totalCount").and_then(Value::as_u64).unwrap_or(0);
        let updated = text(node, "updatedAt").parse().ok()?;
        Some(Listed { number: node.get("number")?.as_u64()?, seen: Seen(updated, count) })
    });
    Ok((listed.collect(), end_cursor(list)))
}

/// A discussion with every comment and reply.
pub(super) async fn whole(site: &Site<'_>, number: u64) -> Result<Fetched, NetError> {
    let (mut draft, mut guard, mut after) = (Draft::default(), Guard::default(), None::<String>);
    loop {
        let variables = site.variables(json!({ "number": number, "after": after }));
        let data = match site.api.graphql(QUERIES, "Whole", variables).await {
            Err(NetError::Permanent { status: Some(404), .. }) => return Ok(Fetched::Gone),
            other => other?,
        };
        let Some(found) = data.pointer("/repository/discussion").filter(|v| v.is_object()) else {
            return Ok(Fetched::Gone);
        };
        if draft.opening.is_none() {
            open(&mut draft, found);
        }
        let comments = found.get("comments").unwrap_or(&Value::Null);
        for comment in entries(comments) {
            said(&mut draft, comment, None);
            replies(site, &mut draft, comment).await?;
        }
        after = guard.follow(end_cursor(comments));
        if after.is_none() {
            break;
        }
    }
    ended(&guard)?;
    let id = site.thread_id(number);
    Ok(Fetched::Thread(Box::new(site.own(draft.thread(id), number))))
}

async fn replies(site: &Site<'_>, draft: &mut Draft, comment: &Value) -> Result<(), NetError> {
    let parent = id_of(comment);
    let mut list = comment.get("replies").cloned().unwrap_or_default();
    let mut guard = Guard::default();
    loop {
        entries(&list).iter().for_each(|reply| said(draft, reply, Some(&parent)));
        let Some(after) = guard.follow(end_cursor(&list)) else { return ended(&guard) };
        let variables = json!({ "comment": text(comment, "id"), "after": after });
        let mut data = site.api.graphql(QUERIES, "Replies", variables).await?;
        list = data.pointer_mut("/node/replies").map(Value::take).unwrap_or_default();
    }
}

/// A thread that is not whole would pass for one whose other messages were deleted.
fn ended(guard: &Guard) -> Result<(), NetError> {
    if guard.circled() { Err(NetError::permanent("a discussion's pages come to no end")) } else { Ok(()) }
}

fn open(draft: &mut Draft, found: &Value) {
    draft.title = text(found, "title").to_owned();
    draft.url = filled(found, "url");
    let id = found.get("databaseId").map_or_else(|| "opening".to_owned(), Value::to_string);
    draft.opening = Some(message(found, format!("discussion-{id}")));
    for label in found.get("labels").map(entries).unwrap_or_default().iter().filter_map(|v| filled(v, "name")) {
        draft.stand(None, "labelled", None, Some(label));
    }
    for (key, kind, by) in [("answerChosenAt", "answered", "answerChosenBy"), ("closedAt", "closed", "")] {
        if let Some(at) = at(found, key) {
            let actor = found.get(by).and_then(|who| filled(who, "login"));
            draft.happen(kind.to_owned(), Event { at: Some(at), kind: kind.to_owned(), actor, subject: None });
        }
    }
}

/// A deleted comment keeps its place and has no words.
fn said(draft: &mut Draft, comment: &Value, parent: Option<&str>) {
    if filled(comment, "deletedAt").is_none() {
        draft.say(Message { reply_to: parent.map(str::to_owned), ..message(comment, id_of(comment)) });
    }
}

fn message(value: &Value, id: String) -> Message {
    let author = value.get("author").unwrap_or(&Value::Null);
    let login = filled(author, "login");
    Message {
        id,
        author_id: login.clone(),
        author: login,
        sent_at: at(value, "createdAt"),
        text: text(value, "body").to_owned(),
        reply_to: None,
        edited_at: at(value, "lastEditedAt"),
        bot: text(author, "__typename") == "Bot",
    }
}

/// As the anchors of GitHub's pages name a comment.
fn id_of(comment: &Value) -> String {
    let id = comment.get("databaseId").filter(|id| id.is_u64()).map(Value::to_string);
    format!("discussioncomment-{}", id.unwrap_or_else(|| text(comment, "createdAt").to_owned()))
}

fn end_cursor(list: &Value) -> Option<String> {
    let info = list.get("pageInfo")?;
    info.get("hasNextPage")?.as_bool()?.then(|| filled(info, "endCursor")).flatten()
}
