//! Who waits for what from whom: the one place that words it, for notices, flags and pages.

use crate::domain::{Obligation, ObligationKind, plain};

/// Names that are spelt out; the rest is counted.
const MOST_NAMES: usize = 4;
/// The longest name. Characters.
const NAME_CHARS: usize = 60;

/// Somebody who waits, to be said in one neutral sentence without control characters, escaped for nothing.
#[derive(Clone, Copy, Debug)]
pub struct Waits<'a> {
    kind: ObligationKind,
    owed_by: &'a [String],
    owed_to: &'a [String],
    since: Option<&'a str>,
    is_over: bool,
}

impl<'a> Waits<'a> {
    pub fn new(kind: ObligationKind, owed_by: &'a [String], owed_to: &'a [String]) -> Waits<'a> {
        Waits { kind, owed_by, owed_to, since: None, is_over: false }
    }

    pub fn of(obligation: &'a Obligation) -> Waits<'a> {
        Waits::new(obligation.kind, &obligation.owed_by, &obligation.owed_to)
    }

    /// Since when, as it is to be read.
    pub fn since(self, since: &'a str) -> Waits<'a> {
        Waits { since: Some(since), ..self }
    }

    /// Whether it has ended.
    pub fn over(self, is_over: bool) -> Waits<'a> {
        Waits { is_over, ..self }
    }

    /// "Ana has been waiting for an answer from Ben since Monday."; without a time "Ana waits for an answer from Ben."
    pub fn sentence(self) -> String {
        let (by, to) = (names(self.owed_by), names(self.owed_to));
        if self.kind == ObligationKind::Promise {
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            let on = self.since.map(|since| format!(" on {since}")).unwrap_or_default();
            return match by {
                Some(by) => format!("{by} promised this{to}{on}."),
                None => format!("This was promised{to}{on}; nobody is named."),
            };
        }
        let (what, nobody) = awaited(self.kind, by.as_deref());
        let nobody = if by.is_none() { format!("; {nobody}") } else { String::new() };
        let since = self.since.map(|since| format!(" since {since}")).unwrap_or_default();
        match to {
            Some(to) => format!("{to} {} for {what}{since}{nobody}.", self.verb()),
            None => format!("A request for {what} {}{since}{nobody}.", self.stands()),
        }
    }

    fn verb(self) -> &'static str {
        match (self.is_over, self.since, self.owed_to.len() > 1) {
            (true, _, false) => "was waiting",
            (true, _, true) => "were waiting",
            (false, Some(_), false) => "has been waiting",
            (false, Some(_), true) => "have been waiting",
            (false, None, false) => "waits",
            (false, None, true) => "wait",
        }
    }

    fn stands(self) -> &'static str {
        match (self.is_over, self.since) {
            (true, _) => "was open",
            (false, Some(_)) => "has been open",
            (false, None) => "is open",
        }
    }
}

/// What is waited for, and what is said where nobody is named for it.
fn awaited(kind: ObligationKind, by: Option<&str>) -> (String, &'static str) {
    let (what, word, nobody) = match kind {
        ObligationKind::Reply => ("an answer", " from ", "nobody is named to give it"),
        ObligationKind::Decision => ("a decision", " by ", "nobody is named to make it"),
        ObligationKind::Review => ("a review", " by ", "nobody is named to give it"),
        ObligationKind::Promise => ("what was promised", " by ", "nobody is named"),
        ObligationKind::Unblock => ("a blocker to be removed", " by ", "nobody is named to remove it"),
        ObligationKind::Owner => {
            return (format!("{} to take this on", by.unwrap_or("somebody")), "nobody is named");
        }
    };
    (format!("{what}{}", by.map(|by| format!("{word}{by}")).unwrap_or_default()), nobody)
}

/// "Ana, Ben and Cleo"; `None` where nobody is.
pub fn names(people: &[String]) -> Option<String> {
    let mut shown: Vec<String> =
        people.iter().take(MOST_NAMES).map(|name| cut(&plain::line(name), NAME_CHARS)).collect();
    if people.len() > MOST_NAMES {
        shown.push(format!("{} more", people.len() - MOST_NAMES));
    }
    let last = shown.pop()?;
    Some(if shown.is_empty() { last } else { format!("{} and {last}", shown.join(", ")) })
}

/// At most so many characters, the last of them `…` where something was cut off.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Waits, cut};
    use crate::domain::ObligationKind::{self, Decision, Owner, Promise, Reply};

    #[track_caller]
    fn check(kind: ObligationKind, by: &[&str], to: &[&str], words: &str) {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let (by, to) = (owned(by), owned(to));
        assert_eq!(Waits::new(kind, &by, &to).sentence(), words);
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(cut("déjà vu", 7), "déjà vu");
        assert_eq!(cut("déjà vu", 6), "déjà…");
        assert_eq!(cut(&"é".repeat(400), 300).chars().count(), 300);
    }

    #[test]
    fn who_waits_for_what_is_one_sentence() {
        check(Reply, &["bo"], &["ana"], "ana waits for an answer from bo.");
        check(Reply, &[], &["ana", "cy"], "ana and cy wait for an answer; nobody is named to give it.");
        check(Decision, &[], &[], "A request for a decision is open; nobody is named to make it.");
        check(Owner, &[], &["ana"], "ana waits for somebody to take this on; nobody is named.");
        check(Promise, &["bo"], &["ana"], "bo promised this to ana.");
        let (by, to) = (vec!["bo".to_string()], vec!["ana".to_string()]);
        let waits = Waits::new(Reply, &by, &to).since("Monday");
        assert_eq!(waits.sentence(), "ana has been waiting for an answer from bo since Monday.");
        assert_eq!(waits.over(true).sentence(), "ana was waiting for an answer from bo since Monday.");
    }
}
