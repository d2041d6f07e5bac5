//! GitHub's REST JSON: issues and pull requests, alone or with their comments, reviews and timeline, in one file or many.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Reading, assemble, bytes, github_archive,
    github_draft::{Draft, event_word, is_bot},
    wire::moment,
};
use crate::domain::{Event, Fault, Message, Moment, Place};

/// The names under which backups and API clients keep an issue's lists.
const LISTS: [&str; 7] =
    ["events", "timeline", "timeline_events", "comments", "issue_comments", "reviews", "review_comments"];

/// Reads one file: an issue or pull request with its lists, a list of either, or a list of comments, reviews or events.
///
/// The opening post is the first message. A review is an event, and a message as well if it says something. The same
/// comment in two lists is one message.
pub fn read(bytes: &[u8], name: &str) -> Reading {
    let mut repository = Repository::default();
    repository.add(bytes, name);
    repository.finish()
}

/// Issues from any number of files, each list joined to the issue its links name.
#[derive(Default)]
pub(super) struct Repository {
    drafts: BTreeMap<Key, Draft>,
    out: Reading,
}

/// `owner/name`, and the number of the issue or pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    repository: String,
    number: u64,
}

impl Repository {
    pub(super) fn add(&mut self, bytes: &[u8], name: &str) {
        let text = bytes::decode(bytes, name, &mut self.out.faults);
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            match value {
                Ok(value) => self.value(&value, name, None),
                Err(error) => {
                    let place = Place { line: Some(error.line()), column: Some(error.column()), ..bytes::file(name) };
                    self.out
                        .faults
                        .push(Fault::new(place, format!("not valid JSON, the rest of the file is left out: {error}")));
                    return;
                }
            }
        }
    }

    pub(super) fn finish(self) -> Reading {
        let mut out = self.out;
        for (key, draft) in self.drafts {
            if draft.opening.is_none() {
                let what = format!("{} has comments but no opening post: read without it", key.id());
                out.faults.push(Fault::new(Place::default(), what));
            }
            out.threads.push(draft.thread(key.id()));
        }
        out
    }

    /// Adds one value of a file called `name`, the `item`th of a list.
    pub(super) fn value(&mut self, value: &Value, name: &str, item: Option<usize>) {
        match value {
            Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| self.value(item, name, Some(at + 1))),
            Value::Object(_) if github_archive::is(value) => github_archive::threads(value, name, &mut self.out),
            Value::Object(_) if self.object(value, name) => {}
            _ => {
                let place = Place { item, ..bytes::file(name) };
                self.out.faults.push(Fault::new(place, "neither an issue, a pull request nor a part of one: left out"));
            }
        }
    }

    /// Whether the object was anything GitHub writes.
    fn object(&mut self, value: &Value, name: &str) -> bool {
        let wrapped =
            ["issue", "pull", "pull_request"].into_iter().find_map(|key| value.get(key).filter(|v| is_opening(v)));
        let event_of_issue = value.get("event").is_some().then_some(wrapped).flatten();
        if let Some(issue) = event_of_issue {
            let draft = self.drafts.entry(Key::of(issue, name)).or_default();
            part(draft, value);
            return true;
        }
        let opening = wrapped.or(Some(value).filter(|v| is_opening(v)));
        if let Some(opening) = opening {
            let draft = self.drafts.entry(Key::of(opening, name)).or_default();
            for list in LISTS.iter().filter_map(|key| value.get(key)).filter_map(Value::as_array) {
                list.iter().for_each(|item| part(draft, item));
            }
            open(draft, opening, value.get("pull").is_some() || value.get("pull_request").is_some());
            return true;
        }
        let links = ["issue_url", "pull_request_url", "html_url", "url"];
        let Some(key) = links.into_iter().find_map(|link| Key::of_link(text(value, link))) else { return false };
        let known = value.get("event").is_some() || value.get("body").is_some() || value.get("state").is_some();
        if known {
            part(self.drafts.entry(key).or_default(), value);
        }
        known
    }
}

impl Key {
    fn of(opening: &Value, name: &str) -> Key {
        let number = opening.get("number").and_then(Value::as_u64).unwrap_or(0);
        let by_link = ["html_url", "url", "issue_url"].into_iter().find_map(|link| Key::of_link(text(opening, link)));
        by_link.unwrap_or_else(|| Key { repository: assemble::stem(name).to_owned(), number })
    }

    /// From `…/OWNER/NAME/issues/12`, as pages and the API write it, whatever the host.
    fn of_link(link: &str) -> Option<Key> {
        let path = link.split(['#', '?']).next().unwrap_or(link);
        let parts: Vec<&str> = path.split('/').collect();
        parts.windows(4).find_map(|window| match window {
            [owner, name, "issues" | "pull" | "pulls", number] => {
                Some(Key { repository: format!("{owner}/{name}"), number: number.parse().ok()? })
            }
            _ => None,
        })
    }

    fn id(&self) -> String {
        format!("{}#{}", self.repository, self.number)
    }
}

fn is_opening(value: &Value) -> bool {
    value.get("number").is_some_and(Value::is_u64) && value.get("title").is_some()
}

fn open(draft: &mut Draft, value: &Value, review: bool) {
    draft.title = text(value, "title").to_owned();
    draft.url = filled(value, "html_url").or_else(|| filled(value, "url"));
    let kept_apart = ["pull_request", "merged_at", "diff_url", "head", "requested_reviewers"];
    draft.review |= review || kept_apart.iter().any(|key| value.get(key).is_some());
    let id = format!("issue-{}", id_of(value).unwrap_or_else(|| "opening".to_owned()));
    // The time of the last update is that of any comment or label, so it says nothing about the text.
    draft.opening = Some(Message { edited_at: None, ..message(value, id) });
    for assignee in list(value, "assignees").iter().filter_map(|v| filled(v, "login")) {
        draft.stand(None, "assigned", None, Some(assignee));
    }
    for reviewer in list(value, "requested_reviewers").iter().filter_map(|v| filled(v, "login")) {
        draft.stand(None, "review_requested", None, Some(reviewer));
    }
    for label in list(value, "labels").iter().filter_map(|v| filled(v, "name")) {
        draft.stand(None, "labelled", None, Some(label));
    }
    if let Some(at) = moment(text(value, "merged_at")) {
        draft.stand(Some(at), "merged", login(value, "merged_by"), None);
    }
    if let Some(at) = moment(text(value, "closed_at")) {
        draft.stand(Some(at), "closed", login(value, "closed_by"), None);
    }
}

/// A comment, a review, a comment on code, or an event.
fn part(draft: &mut Draft, value: &Value) {
    let event = text(value, "event");
    match event {
        "commented" => draft.say(comment(value)),
        "reviewed" => review(draft, value),
        "line-commented" | "commit-commented" => list(value, "comments").iter().for_each(|c| draft.say(comment(c))),
        "" if value.get("submitted_at").is_some() || value.get("pull_request_url").is_some() && is_state(value) => {
            review(draft, value);
        }
        "" if value.get("body").is_some() => draft.say(comment(value)),
        "" => {}
        _ => {
            let key =
                id_of(value).unwrap_or_else(|| format!("{event} {} {}", text(value, "created_at"), text(value, "sha")));
            draft.happen(key, happened(value, event));
        }
    }
}

fn is_state(value: &Value) -> bool {
    matches!(text(value, "state"), "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED" | "DISMISSED" | "PENDING")
}

fn comment(value: &Value) -> Message {
    let on_code = ["pull_request_review_id", "diff_hunk"].iter().any(|key| value.get(key).is_some());
    let kind = if on_code { "discussion_r" } else { "issuecomment-" };
    let fallback = || format!("{} {}", text(value, "created_at"), login(value, "user").unwrap_or_default());
    let mut out = message(value, format!("{kind}{}", id_of(value).unwrap_or_else(fallback)));
    out.reply_to = value.get("in_reply_to_id").and_then(Value::as_u64).map(|id| format!("discussion_r{id}"));
    out
}

fn review(draft: &mut Draft, value: &Value) {
    let id = id_of(value).unwrap_or_else(|| text(value, "submitted_at").to_owned());
    let said = message(value, format!("pullrequestreview-{id}"));
    let event = Event {
        at: said.sent_at,
        kind: event_word(if text(value, "state").is_empty() { "commented" } else { text(value, "state") }),
        actor: said.author.clone(),
        subject: None,
    };
    draft.happen(format!("review {id}"), event);
    if !said.text.trim().is_empty() {
        draft.say(said);
    }
}

fn message(value: &Value, id: String) -> Message {
    let sent_at = ["submitted_at", "created_at"].into_iter().find_map(|key| moment(text(value, key)));
    let edited_at = moment(text(value, "updated_at")).filter(|edited| Some(*edited) != sent_at);
    let user = ["user", "actor", "author"].into_iter().find_map(|key| value.get(key).filter(|v| v.is_object()));
    let author = user.and_then(|user| filled(user, "login").or_else(|| filled(user, "name")));
    let bot = user.is_some_and(|user| text(user, "type") == "Bot") || author.as_deref().is_some_and(is_bot);
    Message {
        id,
        author_id: author.clone(),
        author,
        sent_at,
        text: text(value, "body").to_owned(),
        reply_to: None,
        edited_at,
        bot,
    }
}

fn happened(value: &Value, event: &str) -> Event {
    let committed = value.get("author").or(value.get("committer"));
    let at = moment(text(value, "created_at")).or_else(|| committed.and_then(|c| moment(text(c, "date"))));
    let actor =
        login(value, "actor").or_else(|| login(value, "user")).or_else(|| committed.and_then(|c| filled(c, "name")));
    Event { at, kind: event_word(event), actor, subject: subject(value) }
}

fn subject(value: &Value) -> Option<String> {
    let people = ["assignee", "requested_reviewer"].into_iter().find_map(|key| login(value, key));
    let named = [("requested_team", "name"), ("label", "name"), ("milestone", "title"), ("rename", "to")];
    let thing = || named.into_iter().find_map(|(key, name)| value.get(key).and_then(|v| filled(v, name)));
    let source = || value.pointer("/source/issue").and_then(|v| filled(v, "html_url"));
    let commit = || filled(value, "message").or_else(|| filled(value, "commit_id"));
    people.or_else(thing).or_else(source).or_else(commit)
}

fn login(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(|v| filled(v, "login"))
}

fn id_of(value: &Value) -> Option<String> {
    match value.get("id")? {
        Value::Number(id) => Some(id.to_string()),
        Value::String(id) => Some(id.clone()),
        _ => None,
    }
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

pub(super) fn filled(value: &Value, key: &str) -> Option<String> {
    let text = text(value, key);
    (!text.trim().is_empty()).then(|| text.to_owned())
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Written at `key`, if that is a time.
pub(super) fn at(value: &Value, key: &str) -> Option<Moment> {
    moment(text(value, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    const PULL: &str = include_str!("../../tests/fixtures/source/github-json/pull.json");
    const ISSUES: &str = include_str!("../../tests/fixtures/source/github-json/issues.json");
    const COMMENTS: &str = include_str!("../../tests/fixtures/source/github-json/comments.json");

    #[test]
    fn a_pull_request_with_its_lists_counts_everything_once() {
        let reading = read(PULL.as_bytes(), "7.json");
        assert!(reading.faults.is_empty(), "{:?}", reading.faults);
        let thread = &reading.threads[0];
        assert_eq!((thread.id.as_str(), thread.kind), ("example/importer#7", Kind::Review));
        let ids: Vec<_> = thread.messages.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(ids, ["issue-700", "issuecomment-1", "pullrequestreview-20", "discussion_r30", "discussion_r31"]);
        assert_eq!(thread.messages[4].reply_to.as_deref(), Some("discussion_r30"));
        assert!(thread.messages[1].bot && !thread.messages[0].bot);
        let events: Vec<_> = thread.events.iter().map(|e| (e.kind.as_str(), e.subject.as_deref())).collect();
        assert_eq!(
            events,
            [
                ("assigned", Some("ben")),
                ("review_requested", Some("ben")),
                ("labelled", Some("parser")),
                ("changes_requested", None),
                ("approved", None),
                ("merged", None),
                ("closed", None)
            ]
        );
    }

    #[test]
    fn lists_in_several_files_meet_in_their_issue() {
        let mut repository = Repository::default();
        repository.add(COMMENTS.as_bytes(), "comments.json");
        repository.add(ISSUES.as_bytes(), "issues.json");
        let reading = repository.finish();
        assert!(reading.faults.is_empty(), "{:?}", reading.faults);
        let counts: Vec<_> = reading.threads.iter().map(|t| (t.id.as_str(), t.messages.len())).collect();
        assert_eq!(counts, [("example/importer#3", 2), ("example/importer#4", 1)]);
        assert_eq!(reading.threads[0].messages[0].author.as_deref(), Some("ana"));
    }

    #[test]
    fn foreign_json_is_a_fault() {
        for text in ["{\"a\":1}", "[1]", "{\"number\":", "\"x\""] {
            let reading = read(text.as_bytes(), "x.json");
            assert_eq!((reading.threads.len(), reading.faults.len()), (0, 1), "{text}");
        }
    }
}
