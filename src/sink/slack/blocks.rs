//! A notice in Slack's Block Kit.
//!
//! What people wrote stands in `plain_text` and `rich_text`, whose text has no markup: `<!channel>`, `*` and addresses in it
//! stay as they are written. Only the fallback is read as markup, and there `& < >` are escaped. Links are given as elements
//! of their own, never as buttons, which would need an app that answers.

use serde_json::{Value, json};

use crate::alert::render::{Notice, Quote, Wording};

/// Obligations of a message: Slack takes 50 blocks and about 13,200 characters.
const MOST_ITEMS: usize = 6;

/// The arguments of a message, without where it goes.
pub(super) fn message(notice: &Notice) -> Value {
    let shown = &notice.items[..notice.items.len().min(MOST_ITEMS)];
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": notice.subject, "emoji": false },
    })];
    if let Some(opening) = &notice.opening {
        let mut words = vec![text(opening)];
        if let Some(command) = &notice.command {
            words.extend([text("\nTo try again: "), code(command)]);
        }
        blocks.push(rich(&[section(&words)]));
    }
    for item in shown {
        blocks.push(rich(&obligation(item, notice.items.len() > 1)));
    }
    let left_out = notice.items.len() - shown.len() + notice.left_out;
    let mut footer = notice.footer.clone();
    if left_out > 0 {
        footer = format!("{left_out} more; `bluf alerts` lists them. {footer}");
    }
    blocks.push(json!({
        "type": "context",
        "elements": [{ "type": "plain_text", "text": footer, "emoji": false }],
    }));
    json!({
        "text": escaped(&fallback(notice, shown)),
        "blocks": blocks,
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn obligation(item: &Wording, is_one_of_many: bool) -> Vec<Value> {
    let mut elements = Vec::new();
    if is_one_of_many {
        elements.push(section(&[json!({ "type": "text", "text": item.headline, "style": { "bold": true } })]));
    }
    elements.push(section(&[text(&format!("{}\n{}\n{}", item.place, item.lead, item.due))]));
    quoted(&item.quote, &mut elements);
    if let Some(ended_by) = &item.ended_by {
        elements.push(section(&[text("Ended by:")]));
        quoted(ended_by, &mut elements);
    }
    let mut ways = Vec::new();
    if let Some(url) = &item.thread_url {
        let says = if item.silence.is_empty() { "Read the thread" } else { "Answer in the thread" };
        ways.extend([link(url, says), text("\n")]);
    }
    ways.extend([text("To read it here: "), code(&item.show)]);
    if !item.silence.is_empty() {
        ways.push(text("\nTo silence it:"));
    }
    for command in &item.silence {
        ways.extend([text("\n"), code(&command.line), text(&format!(" ({})", command.means))]);
    }
    if let Some(page) = &item.page {
        ways.extend([text("\n"), link(page, "Its page")]);
    }
    if let Some(policy) = &item.policy {
        ways.push(text(&format!("\nPolicy: {policy}")));
    }
    elements.push(section(&ways));
    elements
}

fn quoted(quote: &Quote, elements: &mut Vec<Value>) {
    let kind = if quote.is_words { "rich_text_quote" } else { "rich_text_section" };
    // Slack takes no empty text.
    let words = if quote.text.is_empty() { "…" } else { &quote.text };
    elements.push(json!({ "type": kind, "elements": [text(words)] }));
    if !quote.by.is_empty() {
        elements.push(section(&[text(&quote.by)]));
    }
}

/// For notifications and screen readers.
fn fallback(notice: &Notice, shown: &[Wording]) -> String {
    let mut lines = vec![notice.subject.clone()];
    lines.extend(notice.opening.clone());
    for item in shown {
        if notice.items.len() > 1 {
            lines.push(item.headline.clone());
        }
        lines.push(format!("{} {}", item.lead, item.due));
        lines.push(item.thread_url.clone().unwrap_or_else(|| item.show.clone()));
    }
    lines.join("\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn rich(elements: &[Value]) -> Value {
    json!({ "type": "rich_text", "elements": elements })
}

fn section(elements: &[Value]) -> Value {
    json!({ "type": "rich_text_section", "elements": elements })
}

fn text(words: &str) -> Value {
    json!({ "type": "text", "text": words })
}

fn code(words: &str) -> Value {
    json!({ "type": "text", "text": words, "style": { "code": true } })
}

fn link(url: &str, says: &str) -> Value {
    json!({ "type": "link", "url": url, "text": says })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::alert::render::{notice, sample};

    /// The kinds of everything in it, and every address that it links to.
    fn shape(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| shape(item, found)),
            Value::Object(keys) => keys.iter().for_each(|(key, value)| match (key.as_str(), value) {
                ("type" | "url" | "style", value) => found.push(value.to_string()),
                (_, value) => shape(value, found),
            }),
            _ => {}
        }
    }

    /// Characters of everything that is shown.
    fn count(value: &Value, chars: &mut usize) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| count(item, chars)),
            Value::Object(keys) => {
                keys.iter().filter(|(key, _)| *key != "type").for_each(|(_, value)| count(value, chars))
            }
            Value::String(text) => *chars += text.chars().count(),
            _ => {}
        }
    }

    fn of(words: &str) -> (Value, Vec<String>) {
        let message = message(&notice(&sample::saying(words)));
        let mut found = Vec::new();
        shape(&message["blocks"], &mut found);
        (message, found)
    }

    proptest! {
        #[test]
        fn words_never_become_mentions_links_or_markup(words in sample::hostile()) {
            let (message, found) = of(&words);
            prop_assert_eq!(found, of("x calm y").1);
            let text = message["text"].as_str().unwrap();
            prop_assert!(!text.contains(['<', '>']) && message["mrkdwn"] == false, "{text}");
            // Only plain and rich text hold words: what is read as markup would be of type mrkdwn.
            prop_assert!(!message["blocks"].to_string().contains("\"type\":\"mrkdwn\""));
        }
    }

    #[test]
    fn a_long_digest_is_cut_to_what_slack_takes() {
        let mut envelope = sample::digest();
        let words = "w".repeat(2000);
        envelope.told = (0..60).flat_map(|_| sample::saying(&words).told).collect();
        let message = message(&notice(&envelope));
        assert!(message["blocks"].as_array().unwrap().len() <= 50);
        let mut chars = 0;
        count(&message["blocks"], &mut chars);
        assert!(chars <= 13_200, "{chars}");
        assert!(message.to_string().contains("54 more"));
    }
}
