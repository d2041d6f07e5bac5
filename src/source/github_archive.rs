//! The `archive.json` that IETF working groups keep of their issues: GitHub's GraphQL names, everything in one object.

use serde_json::Value;

use super::{
    Reading, bytes,
    github_draft::{Draft, event_word, is_bot},
    github_json::{at, filled, list, text},
};
use crate::domain::{Event, Fault, Message, Place};

/// Whether a JSON object is such an archive.
pub(super) fn is(value: &Value) -> bool {
    value.get("issues").is_some_and(Value::is_array)
        && (value.get("pulls").is_some_and(Value::is_array) || value.get("magic").is_some())
}

/// Every issue and pull request of the archive. A review is an event, and a message as well if it says something; the
/// comments on code that it holds are messages of its author.
pub(super) fn threads(archive: &Value, name: &str, out: &mut Reading) {
    for (key, review) in [("issues", false), ("pulls", true)] {
        for (item, value) in list(archive, key).iter().enumerate() {
            let Some(number) = value.get("number").and_then(Value::as_u64) else {
                let place = Place { item: Some(item + 1), ..bytes::file(name) };
                out.faults.push(Fault::new(place, format!("one of the {key} has no number: left out")));
                continue;
            };
            let mut draft = opened(value, review);
            draft.as_of = at(archive, "timestamp");
            comments(&mut draft, value);
            list(value, "reviews").iter().enumerate().for_each(|(n, r)| reviewed(&mut draft, r, n));
            states(&mut draft, value);
            out.threads.push(draft.thread(format!("{}#{number}", text(archive, "repo"))));
        }
    }
}

fn opened(value: &Value, review: bool) -> Draft {
    let id = filled(value, "id").unwrap_or_else(|| "opening".to_owned());
    Draft {
        title: text(value, "title").to_owned(),
        url: filled(value, "url"),
        review,
        opening: Some(Message { edited_at: None, ..message(value, id, author(value)) }),
        ..Draft::default()
    }
}

fn comments(draft: &mut Draft, value: &Value) {
    for (n, comment) in list(value, "comments").iter().enumerate() {
        let id = filled(comment, "id").unwrap_or_else(|| format!("comment-{}", n + 1));
        draft.say(message(comment, id, author(comment)));
    }
}

fn reviewed(draft: &mut Draft, review: &Value, n: usize) {
    let id = filled(review, "id").unwrap_or_else(|| format!("review-{}", n + 1));
    let said = message(review, id.clone(), author(review));
    let word = if text(review, "state").is_empty() { "commented" } else { text(review, "state") };
    draft.happen(
        id.clone(),
        Event { at: said.sent_at, kind: event_word(word), actor: said.author.clone(), subject: None },
    );
    if !said.text.trim().is_empty() {
        draft.say(said);
    }
    for (n, comment) in list(review, "comments").iter().enumerate() {
        let own = filled(comment, "id").unwrap_or_else(|| format!("{id}/{}", n + 1));
        draft.say(message(comment, own, author(comment).or_else(|| author(review))));
    }
}

fn states(draft: &mut Draft, value: &Value) {
    for assignee in list(value, "assignees").iter().filter_map(name_of) {
        draft.stand(None, "assigned", None, Some(assignee));
    }
    for label in list(value, "labels").iter().filter_map(name_of) {
        draft.stand(None, "labelled", None, Some(label));
    }
    if let Some(merged) = at(value, "mergedAt") {
        draft.stand(Some(merged), "merged", value.get("mergedBy").and_then(name_of), None);
    }
    if let Some(closed) = at(value, "closedAt") {
        draft.stand(Some(closed), "closed", None, None);
    }
}

fn message(value: &Value, id: String, author: Option<String>) -> Message {
    let sent_at = at(value, "createdAt");
    Message {
        id,
        sent_at,
        text: text(value, "body").to_owned(),
        reply_to: None,
        edited_at: at(value, "updatedAt").filter(|edited| Some(*edited) != sent_at),
        bot: author.as_deref().is_some_and(is_bot),
        author_id: author.clone(),
        author,
    }
}

fn author(value: &Value) -> Option<String> {
    value.get("author").and_then(name_of)
}

/// People and labels are names, or objects with one.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(name) if !name.is_empty() => Some(name.clone()),
        _ => filled(value, "login").or_else(|| filled(value, "name")),
    }
}

#[cfg(test)]
mod tests {
    use crate::{domain::Kind, source::github_json};

    const ARCHIVE: &str = include_str!("../../tests/fixtures/source/github-json/archive.json");

    #[test]
    fn issues_and_pulls_with_what_was_said_and_what_happened() {
        let reading = github_json::read(ARCHIVE.as_bytes(), "archive.json");
        assert_eq!(reading.faults.len(), 1, "{:?}", reading.faults);
        assert_eq!(reading.threads.iter().map(|t| t.kind).collect::<Vec<_>>(), [Kind::Issue, Kind::Review]);
        let pull = &reading.threads[1];
        assert_eq!(pull.id, "example/draft#2");
        let said: Vec<_> = pull.messages.iter().map(|m| (m.author.as_deref(), m.text.as_str())).collect();
        assert_eq!(
            said,
            [(Some("ben"), "Adds the field."), (Some("ana"), "Typo here."), (Some("ana"), "Looks right.")]
        );
        let events: Vec<_> = pull.events.iter().map(|e| e.kind.as_str()).collect();
        assert_eq!(events, ["labelled", "reviewed", "approved", "merged", "closed"]);
        assert_eq!(pull.as_of.unwrap().to_string(), "2026-04-01T00:00:00+00:00");
    }
}
