//! What a remark in a review does to the turn: whether it asks, agrees, ends, hands on, and whom it is for.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    history::{History, Move, Step},
    reply::names,
};
use crate::pattern::compiled;

static ASSENT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)(^|\W)((re-?|ut|t|cr|crackt|code.?review[- ]|post-merge )?ack|lgtm|looks (good|great)|approved?|ship it|ready (for|to) (be )?merged?|rtm)\b",
    )
});
/// An assent that names the very commit stands, whatever is remarked beside it.
static ASSENT_TO_COMMIT: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)\back\b:? *`?[0-9a-f]{6,40}\b"));
static ASKS_AT_ONCE: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)nack|\bplease\b"));
static DISSENT: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)nack|\?|\bplease\b|\bbut \b|\bnits?\b|\bmod(ulo)? \b"));
static PROMISE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(i'?ll|i will|i’ll|going to|gonna|take (a|another) look|working on|next week|soon)\b")
});
/// What an author takes on after a remark.
static WILL_DO: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(i['’]ll|i will|i am going to|i['’]m going to|gonna|will) (try to |also |then |just |be )?(take (a|another) look|look|fix|update|add|change|address|push|rebase|remove|rename|rework|rewrite|do (it|that|this|so)|work on|get to)",
    )
});
/// What a reviewer can take on in a review.
static REVIEWS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(look|re-?view|test|check|read|re-?ack|try|get (back )?to|respond|reply|answer|merge|comment|think|dig|wait|work|be back)(ing)?\b",
    )
});
static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\?|\b(please|could you|can you|would (be|need|you)|should|needs?|suggest|nit|consider|missing|instead|must)\b",
    )
});
/// Remarks that a reviewer who agrees leaves to the author.
static OPTIONAL: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\bnits?\b|feel free|non-?blocking|\boptional(ly)?\b|follow-?up|if you (re-?touch|have to|need to (re)?touch)",
    )
});
/// Agreement with the idea, by somebody who has not read the change yet.
static ASSENT_TO_IDEA: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)\b(concept|approach)\W+(\w+ )?ack\b"));
/// Whoever can end it says that they do.
static ENDS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(merging|closing|rejecting)\b|\b(i['’]?m|i am|we['’]?re|we are|i['’]?ll|i will|gonna|going to|let me|let['’]?s) (just |now |also |then |going to |gonna )*(merg(e|ing)|clos(e|ing)|reject(ing)?) (this|it|now|here)\b",
    )
});
/// Words by which an end is only thought of, before and after those that speak of it.
static HARDLY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(if|unless|until|once|when|after|before|should|would|could|can|might|may|not|never)\b|n['’]t\b")
});
static ON_CONDITION: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(if|unless|until|once|when|after|as soon as|in (a|\d+|two|three) )\b"));
/// A reviewer has done what there was to do.
static DID_IT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(took the liberty|(i|i['’]ve|i have) (just |already )?(went ahead|gone ahead|pushed|applied|rebased))\b",
    )
});
/// More people should look at it.
static WANTS_REVIEWERS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(more|other|another|additional|further|third[- ]party|fresh) (\w+ )?(reviews?|reviewers?|eyes|opinions?)\b",
    )
});
/// People are called on to look at it.
static CALLS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(cc|ping(ing)?|for (your )?(review|approval|sign-?off|feedback|input)|take a look)\b")
});
/// What is wrong with a change that was agreed to.
static OBJECTS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(prefer|rather|disagree|broken|wrong|incorrect|fail(s|ed|ing)?|error|fix|problem|issue|bug)\b")
});
static THANKS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(thanks|thank you|thx|k|kk|fyi|fwiw|just (thought|mention\w*|saying)|(very |really )?(good|nice|great|cool|neat|awesome|excellent|perfect)|agreed?|yes|yeah|yep|yup|ok|okay|sure|right|indeed|makes sense|sounds good|no worries|no problem|fair enough|not a big deal|ah|oh)\b",
    )
});
static HANDLE: LazyLock<Regex> = LazyLock::new(|| compiled(r"@[\w-]+"));
/// A handle that a sentence begins with, or that stands apart: whom it is said to.
static VOCATIVE: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?:^|[.!?,\n]\s*)@([\w-]+)"));
static FENCED: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?s)```.*?```"));

/// The longest remark that only thanks or agrees. Words.
const MOST_WORDS_OF_THANKS: usize = 30;
/// A quoted line says whose words it answers where it has at least so many letters; of longer ones the first are compared.
const FEWEST_LETTERS: usize = 20;
const MOST_LETTERS: usize = 80;
/// Names with fewer letters stand in a text by chance.
const FEWEST_LETTERS_OF_A_NAME: usize = 3;

/// Who has to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Author,
    Reviewers,
    /// It is approved: whoever merges is not named.
    Nobody,
    /// Somebody says that they end it, be it still a draft.
    Over,
}

/// Whose turn it is after a step, which it was `before`; `None` where that stays as it was.
pub(super) fn turn_after(author: &str, step: &Step<'_>, meant: Meant, before: Option<Turn>) -> Option<Turn> {
    match step.does {
        Move::Pushes | Move::Readies | Move::RequestsReview => return Some(Turn::Reviewers),
        Move::Drafts | Move::AsksForChanges => return Some(Turn::Author),
        Move::Closes | Move::Reopens | Move::States | Move::GoesOn | Move::Other => return None,
        Move::Says | Move::Remarks | Move::Approves => {}
    }
    if step.who == author {
        // Who says that they will do it has not done it.
        let keeps = before == Some(Turn::Author) && WILL_DO.is_match(&own_words(step.text));
        return Some(if keeps { Turn::Author } else { Turn::Reviewers });
    }
    // What reviewers say to each other leaves the turn where it is.
    let own = own_words(step.text);
    let calls = !called_on(step.text, author).is_empty();
    if meant == Meant::SomebodyElse {
        return calls.then_some(Turn::Reviewers);
    }
    if ends(&own) {
        return Some(Turn::Over);
    }
    if ASSENT_TO_COMMIT.is_match(&own) && !ASKS_AT_ONCE.is_match(&own) {
        return Some(Turn::Nobody);
    }
    let asks = REQUEST.is_match(&own);
    if DID_IT.is_match(&own) && !asks {
        return Some(Turn::Nobody);
    }
    if calls && !names(&own, author) {
        return Some(Turn::Reviewers);
    }
    let is_authors = before == Some(Turn::Author);
    if WANTS_REVIEWERS.is_match(&own) && !is_authors {
        return Some(Turn::Reviewers);
    }
    let assents = step.does == Move::Approves || ASSENT.is_match(&own) && !ASSENT_TO_IDEA.is_match(&own);
    if !assents && leaves(&own, asks, before, author) {
        return None;
    }
    let taken_on = PROMISE.is_match(&own) && !asks;
    if step.does == Move::Remarks {
        return match OPTIONAL.is_match(&own) || (taken_on && !is_authors) {
            true => None,
            false => Some(Turn::Author),
        };
    }
    if assents {
        let wants_more = DISSENT.is_match(&own) && !OPTIONAL.is_match(&own);
        return Some(if wants_more { Turn::Author } else { Turn::Nobody });
    }
    // Spoken to somebody else, or a reviewer who takes it on.
    let others = HANDLE.is_match(&own) && !names(&own, author);
    if others {
        return None;
    }
    match taken_on {
        true if REVIEWS.is_match(&own) => Some(Turn::Reviewers),
        true => None,
        false => Some(Turn::Author),
    }
}

/// Whether a remark that is no assent of its own leaves the turn as it was: it only thanks or agrees, or finds nothing to
/// ask of a change that was agreed to.
fn leaves(own: &str, asks: bool, before: Option<Turn>, author: &str) -> bool {
    if asks || OBJECTS.is_match(own) {
        return false;
    }
    let thanks = THANKS.is_match(own) && own.split_whitespace().count() <= MOST_WORDS_OF_THANKS;
    let settled = matches!(before, Some(Turn::Nobody | Turn::Over)) && !own.trim().is_empty() && !names(own, author);
    thanks || ASSENT_TO_IDEA.is_match(own) || settled
}

/// Whether somebody says that it is merged, closed or rejected now.
fn ends(own: &str) -> bool {
    let sentences = own.split_inclusive(['.', '!', '?', '\n']).map(str::trim);
    let mut clauses = sentences.flat_map(|sentence| sentence.split(','));
    clauses.any(|clause| {
        ENDS.find(clause).is_some_and(|found| {
            !HARDLY.is_match(&clause[..found.start()]) && !ON_CONDITION.is_match(&clause[found.end()..])
        })
    })
}

/// Whom a text calls on to look at the change, by their handles; never its author.
pub(super) fn called_on(text: &str, author: &str) -> Vec<String> {
    let own = own_words(text);
    let mut called: Vec<String> = Vec::new();
    for found in HANDLE.find_iter(&own).filter(|_| CALLS.is_match(&own)) {
        let who = found.as_str().trim_start_matches('@').to_string();
        if who != author && !called.contains(&who) {
            called.push(who);
        }
    }
    called
}

/// Whom a reviewer speaks to, by whom the text names and whose words it quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    SomebodyElse,
    AuthorOrAnybody,
}

impl Meant {
    /// Of the step at `at`; `said` holds what every step says, in plain words.
    pub(super) fn of(history: &History<'_>, said: &[String], author: &str, at: usize) -> Meant {
        let step = &history.steps[at];
        let own = own_words(step.text);
        let mut spoken_to = VOCATIVE.captures_iter(&own).map(|found| found.extract::<1>().1[0]).peekable();
        let to_others = spoken_to.peek().is_some() && spoken_to.all(|who| who != author);
        if step.who == author || (names(&own, author) && !to_others) {
            return Meant::AuthorOrAnybody;
        }
        if to_others && names(&own, author) {
            return Meant::SomebodyElse;
        }
        let known = |name: &&String| name.chars().count() >= FEWEST_LETTERS_OF_A_NAME && **name != step.who;
        let names_others = history.thread.participants.iter().filter(known).any(|name| names(&own, name));
        let quoted: Vec<&str> = quoted(step.text)
            .filter_map(|line| (0..at).rev().find(|&before| said[before].contains(&line)))
            .map(|before| history.steps[before].who)
            .collect();
        let quotes_author = quoted.contains(&author);
        let others = names_others || !quoted.is_empty();
        if others && !quotes_author { Meant::SomebodyElse } else { Meant::AuthorOrAnybody }
    }
}

/// Lines that are quoted from somebody, in plain words.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix('>'));
    let long = lines.map(plain).filter(|line| line.chars().count() >= FEWEST_LETTERS);
    long.map(|line| line.chars().take(MOST_LETTERS).collect())
}

/// Lower-case words with one space between.
pub(super) fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Without quotes and code.
pub(super) fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
    FENCED.replace_all(&lines.join("\n"), "").into_owned()
}
