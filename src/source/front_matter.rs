//! What a document says about itself: YAML between `---` lines, PEP headers, `Status: …` lines.

use jiff::civil;

use super::wire::moment;
use crate::domain::Moment;

/// Longer front matter is not front matter but a document between two rules. Lines.
const MOST_LINES: usize = 400;

/// Who wrote a document, when, and what became of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Facts {
    pub title: Option<String>,
    pub authors: Vec<String>,
    pub status: Option<String>,
    pub date: Option<Moment>,
    pub url: Option<String>,
}

/// The front matter of `text` and what follows it.
pub(super) fn split(text: &str) -> (Facts, &str) {
    let mut facts = Facts::default();
    let Some(rest) = text.strip_prefix("---").filter(|rest| rest.starts_with('\n') || rest.starts_with("\r\n")) else {
        return (facts, text);
    };
    let Some((head, body)) = closed(rest) else { return (facts, text) };
    gather(&mut facts, head);
    (facts, body)
}

/// `Key: value` lines, indented lines continuing the one above, `- item` lines adding to it.
pub(super) fn gather(facts: &mut Facts, head: &str) {
    let mut key = String::new();
    let mut value = String::new();
    for line in head.lines() {
        let indented = line.starts_with([' ', '\t']);
        let item = line.trim_start().strip_prefix("- ");
        match (item, line.split_once(':').filter(|_| !indented)) {
            (Some(item), _) if !key.is_empty() => join(&mut value, ", ", item.trim()),
            (None, Some((next, first))) => {
                take(facts, &key, &value);
                key = next.trim().to_ascii_lowercase();
                value = first.trim().to_owned();
            }
            _ if indented => join(&mut value, " ", line.trim()),
            _ => {}
        }
    }
    take(facts, &key, &value);
}

/// `- Start Date: 2026-03-02`, `**Status:** accepted`, `:Author: Ana`: one line above the first section.
pub(super) fn gather_from_line(facts: &mut Facts, line: &str) {
    let bare = line.trim_start_matches(['-', '*', '+', ' ', ':', '|', '_']);
    let Some((key, value)) = bare.split_once(':') else { return };
    let key = key.trim().to_ascii_lowercase();
    if key != "title" {
        take(facts, &key, value.trim_matches(['*', ' ', '_', '|']));
    }
}

fn closed(rest: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    for line in rest.split_inclusive('\n').take(MOST_LINES) {
        if at > 0 && matches!(line.trim_end(), "---" | "...") {
            return Some((rest.get(..at)?, rest.get(at + line.len()..)?));
        }
        at += line.len();
    }
    None
}

fn take(facts: &mut Facts, key: &str, value: &str) {
    let value = unquoted(value);
    if value.is_empty() {
        return;
    }
    match key {
        "title" | "feature name" => _ = facts.title.get_or_insert_with(|| value.to_owned()),
        "author" | "authors" | "author(s)" | "editor" | "editors" => people(&mut facts.authors, value),
        "status" | "state" => _ = facts.status.get_or_insert_with(|| value.to_owned()),
        "date" | "created" | "creation-date" | "start date" | "start-date" => {
            facts.date = facts.date.or_else(|| date(value))
        }
        "url" | "discussions-to" => _ = facts.url.get_or_insert_with(|| value.to_owned()),
        _ => {}
    }
}

fn people(authors: &mut Vec<String>, value: &str) {
    let value = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(value);
    for person in value.split([',', ';']) {
        let name = person.split(['<', '(']).next().unwrap_or(person);
        let name = unquoted(if name.trim().is_empty() { person.trim_matches(['<', '>', ' ', '(', ')']) } else { name });
        let name = name.trim_start_matches('@');
        if !name.is_empty() && !authors.iter().any(|known| known == name) {
            authors.push(name.to_owned());
        }
    }
}

fn date(value: &str) -> Option<Moment> {
    let forms = ["%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d"];
    let civil = || forms.iter().find_map(|form| civil::Date::strptime(form, value).ok());
    moment(value).or_else(|| civil().map(|day| Moment::Local(day.at(0, 0, 0, 0))))
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let stripped = ['"', '\''].into_iter().find_map(|q| value.strip_prefix(q)?.strip_suffix(q));
    stripped.unwrap_or(value).trim()
}

fn join(value: &mut String, between: &str, more: &str) {
    if !value.is_empty() {
        value.push_str(between);
    }
    value.push_str(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_as_people_write_it() {
        let text = "---\ntitle: \"A plan\"\nauthors:\n  - \"@ana\"\n  - Ben Example <ben@example.org>\nstatus: draft\ndate: 2026-03-02\n---\nBody\n";
        let (facts, body) = split(text);
        assert_eq!(body, "Body\n");
        assert_eq!(facts.title.as_deref(), Some("A plan"));
        assert_eq!(facts.authors, ["ana", "Ben Example"]);
        assert_eq!(facts.status.as_deref(), Some("draft"));
        assert_eq!(facts.date.unwrap().to_string(), "2026-03-02T00:00:00");
    }

    #[test]
    fn a_rule_is_no_front_matter() {
        for text in ["---\nwords and no end", "--- x\n---\n", "text\n---\n"] {
            assert_eq!(split(text), (Facts::default(), text));
        }
    }

    #[test]
    fn lines_above_the_first_section() {
        let mut facts = Facts::default();
        for line in ["- Start Date: 2026-03-02", "**Status:** Accepted", ":Author: Ana Example, Ben", "Note: nothing"] {
            gather_from_line(&mut facts, line);
        }
        assert_eq!(facts.authors, ["Ana Example", "Ben"]);
        assert_eq!(facts.status.as_deref(), Some("Accepted"));
        assert!(facts.date.is_some());
    }
}
