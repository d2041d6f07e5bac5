//! An envelope in words: one subject, a plain text and a page of HTML, the same at every attempt to deliver it.
//!
//! Wording is neutral: who waits for what, since when, by when, in whose words; never who is slow, never a ranking. What
//! people wrote is shown as text and as nothing else: it is one line without control or direction marks ([`plain::line`]),
//! it is escaped where a format has markup, and no link comes out of it.

mod moment;
mod phrase;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
mod wording;

use std::sync::LazyLock;

use minijinja::{Environment, Value, context, syntax::SyntaxConfig};

use self::moment::{said, zone};
pub use self::wording::{Command, Quote, Wording};
use crate::alert::waits::cut;
use crate::domain::{
    notice::{Envelope, SourceDown, Stage, Told, Topic},
    plain,
};

/// Obligations that one notice spells out; it counts the rest.
pub const MOST_ITEMS: usize = 40;
/// The longest subject: Slack's headers hold no more. Characters.
const SUBJECT_CHARS: usize = 150;
/// The longest reason of a fault. Characters.
const WHY_CHARS: usize = 300;

/// What a test says.
const TEST: &str = "Somebody asked bluf to try whether its notices arrive here. This one did. Nothing is owed, and nothing \
                    needs to be done.";

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.expect("the usual syntax"));
    for (name, text) in [("notice.txt", include_str!("notice.txt")), ("notice.html", include_str!("notice.html"))] {
        templates.add_template(name, text).expect("a test renders every template of this program");
    }
    templates
});

/// A notice, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line, at most 150 characters.
    pub subject: String,
    pub text: String,
    /// A whole page that loads nothing.
    pub html: String,
}

/// What a notice says, before it is laid out: every field is text, and escaped for nothing yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub subject: String,
    /// What is said before the items, or in place of them.
    pub opening: Option<String>,
    pub items: Vec<Wording>,
    /// What to type where there is no item that says it.
    pub command: Option<String>,
    /// Obligations of the envelope that are not among the items.
    pub left_out: usize,
    /// As of when, and which notice this is.
    pub footer: String,
}

/// The envelope as text and as HTML. Durations are counted to when the envelope was made.
pub fn render(envelope: &Envelope) -> Rendered {
    let notice = notice(envelope);
    let values = values(&notice);
    let fill = |name: &str| {
        let template = TEMPLATES.get_template(name).expect("templates are added by name");
        template.render(&values).expect("a template shows only what every notice has")
    };
    Rendered { text: fill("notice.txt"), html: fill("notice.html"), subject: notice.subject }
}

/// The envelope in words.
pub fn notice(envelope: &Envelope) -> Notice {
    let items: Vec<Wording> =
        envelope.told.iter().take(MOST_ITEMS).map(|told| Wording::of(told, envelope.made_at)).collect();
    let at = zone(envelope.told.first().map_or("UTC", |told| &told.zone));
    let mut notice = Notice {
        subject: String::new(),
        opening: None,
        left_out: envelope.told.len() - items.len(),
        items,
        command: None,
        footer: format!("As of {}. Notice {}.", said(envelope.made_at, &at), plain::line(&envelope.id)),
    };
    let subject = match (&envelope.source, &envelope.told[..]) {
        _ if envelope.topic == Topic::Test => {
            notice.opening = Some(TEST.to_owned());
            "Test notice from bluf: nothing is owed".to_owned()
        }
        (Some(source), _) => {
            let name = phrase::shell_word(&plain::line(&source.name));
            notice.command = Some(format!("bluf sync {name}"));
            notice.opening = Some(outage(source));
            format!("Source {} cannot be read since {}", plain::line(&source.name), said(source.since, &at))
        }
        (None, [told]) if envelope.topic != Topic::Digest => phrase::subject(told),
        (None, []) => {
            notice.opening = Some("Nothing is open.".to_owned());
            "Nothing is open".to_owned()
        }
        (None, several) => {
            notice.opening = Some("First due first.".to_owned());
            tally(several)
        }
    };
    notice.subject = cut(&subject, SUBJECT_CHARS);
    notice
}

/// A notice as the templates read it.
fn values(notice: &Notice) -> Value {
    context! {
        subject => notice.subject.as_str(),
        opening => notice.opening.as_deref(),
        command => notice.command.as_deref(),
        items => notice.items.iter().map(Wording::values).collect::<Vec<_>>(),
        left_out => notice.left_out,
        footer => notice.footer.as_str(),
    }
}

fn outage(source: &SourceDown) -> String {
    let since = said(source.since, &zone("UTC"));
    let (name, why) = (plain::line(&source.name), cut(&plain::line(&source.why), WHY_CHARS));
    format!(
        "The source {name} cannot be read since {since}: {why}. Until it can, what is asked or answered there is not seen."
    )
}

/// "3 matters: 1 past due, 2 due soon".
fn tally(told: &[Told]) -> String {
    let counted = [Stage::Escalated, Stage::Breached, Stage::AtRisk, Stage::Closed].map(|stage| {
        let of_stage = told.iter().filter(|told| told.stage == stage).count();
        (of_stage > 0).then(|| format!("{of_stage} {}", phrase::stage(stage).to_lowercase()))
    });
    let parts: Vec<String> = counted.into_iter().flatten().collect();
    let matters = if told.len() == 1 { "matter" } else { "matters" };
    format!("{} {matters}: {}", told.len(), parts.join(", "))
}
