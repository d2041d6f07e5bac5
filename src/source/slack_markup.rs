//! Slack's wire text to what a person saw: names for ids, links with their labels, characters for entities.

use std::collections::HashMap;

use super::entity;

/// Names by id, as the export gives them.
#[derive(Default)]
pub(super) struct Names {
    pub users: HashMap<String, String>,
    pub channels: HashMap<String, String>,
}

impl Names {
    /// `text` as shown. Cites refer to this text.
    pub(super) fn readable(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once('<') {
            out.push_str(&entity::resolved(before));
            match tail.split_once('>') {
                Some((token, after))
                    if !token.is_empty() && !token.starts_with(' ') && !token.contains(['<', '\n']) =>
                {
                    out.push_str(&entity::resolved(&self.token(token)));
                    rest = after;
                }
                _ => {
                    out.push('<');
                    rest = tail;
                }
            }
        }
        out.push_str(&entity::resolved(rest));
        out
    }

    fn token(&self, token: &str) -> String {
        let (target, label) = match token.split_once('|') {
            Some((target, label)) => (target, Some(label).filter(|l| !l.is_empty())),
            None => (token, None),
        };
        match target.split_at_checked(1) {
            Some(("@", id)) => {
                let name = self.users.get(id).map(String::as_str).or(label).unwrap_or(id);
                format!("@{}", name.trim_start_matches('@'))
            }
            Some(("#", id)) => {
                let name = label.or(self.channels.get(id).map(String::as_str)).unwrap_or(id);
                format!("#{}", name.trim_start_matches('#'))
            }
            Some(("!", command)) => special(command, label),
            _ => link(target, label),
        }
    }
}

/// `<!here>`, `<!subteam^S1|@oncall>`, `<!date^…|fallback>`.
fn special(command: &str, label: Option<&str>) -> String {
    let word = command.split('^').next().unwrap_or(command);
    match (word, label) {
        ("subteam", Some(label)) => format!("@{}", label.trim_start_matches('@')),
        ("date", Some(fallback)) => fallback.to_owned(),
        ("date", None) => String::new(),
        _ => format!("@{word}"),
    }
}

fn link(target: &str, label: Option<&str>) -> String {
    let bare = target.strip_prefix("mailto:").or(target.strip_prefix("tel:")).unwrap_or(target);
    match label {
        None => bare.to_owned(),
        // A label that is the address itself, with or without its scheme, says nothing more.
        Some(label) if bare.trim_end_matches('/').ends_with(label.trim_end_matches('/')) => bare.to_owned(),
        Some(label) => format!("{label} ({bare})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        let names = Names {
            users: [("U1".to_owned(), "Ana Example".to_owned())].into(),
            channels: [("C1".to_owned(), "release".to_owned())].into(),
        };
        assert_eq!(names.readable(text), shown);
    }

    #[test]
    fn every_kind_of_token_reads_as_it_was_shown() {
        check("<@U1> and <@U2|ben> and <@U3>", "@Ana Example and @ben and @U3");
        check("<#C1> <#C2|general> <#C1|>", "#release #general #release");
        check("<!here> <!channel|channel> <!subteam^S1|@oncall>", "@here @channel @oncall");
        check("<!date^1392734382^{date}|2014-02-18>", "2014-02-18");
        check("<https://example.org/a|the plan>", "the plan (https://example.org/a)");
        check(
            "<https://example.org/a|example.org/a> <mailto:a@example.org|a@example.org>",
            "https://example.org/a a@example.org",
        );
        check("a &lt;b&gt; &amp;amp; 1 < 2 > <", "a <b> &amp; 1 < 2 > <");
        check("<https://example.org/?a=1&amp;b=2>", "https://example.org/?a=1&b=2");
    }
}
