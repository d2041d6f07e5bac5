//! What is put as a question or a request and waits for nobody: a line of a change log, a standing invitation, a figure of
//! speech, a question that answers itself.

use std::sync::LazyLock;

use regex::Regex;

use super::history::{History, compiled};
use crate::domain::{Sentence, SpeechAct};

/// `• fix(mysql): keep the charset (#940)`
static CHANGE_LOG: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^[\s*•◦▪·–-]*(feat|fix|chore|docs|refactor|perf|tests?|build|ci|style|revert|breaking|bump|deps)(\([^)]*\))?!?: ",
    )
});
/// `Release: https://…`
static LINK: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)^\W*(release( notes)?|(full )?changelog|download|docs|source|link|see)s?: *\S*$|^\W*(https?://\S+\s*)+$"));
/// How something is done, told to whoever asked.
static ADVISES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\byou(['’]ll| will)? (just |only |also |first |then )?(have to|need( to)?|can|could|may|must|should|want to|might want to)\b")
});
static PLEASE: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)\?|\b(please|pls|could you|can you|would you|appreciate)\b"));
/// What is open to everybody at any time.
static INVITES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(feel free|if so,? (please )?let me know|(let me|let us) know if|(contact|ping|mail|email|reach( out to)?|ask) (me|us) (if|for|with)|if (you|anyone|anybody|somebody|someone) (have|has|are|is|want|wants|need|needs|would like|wish|feel|feels)\b.{0,60}\b(let (me|us) know|contact|ping|reach)|if you (have|find|get) (some|a|any) (spare )?(time|moment|minute)|don['’]t hesitate|help yourself|stay tuned|join us|check (it|them) out|happy to (help|answer))",
    )
});
/// Who has an idea is asked for it.
static WANTS_IDEAS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b(ideas?|suggestions?|knows?|solutions?|clues?|hints?|pointers?|experience|advice|explanation|objections?|comments?|feedback)\b")
});
static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(call me (an? )?[\w-]+( [\w-]+)?[.!]?$|correct me if|forgive me|excuse (me|my)|pardon|bear with me|mind you|believe me|trust me|don['’]t get me wrong|let['’]s (face it|be honest|say)|go figure|who (knows|cares)|guess what|(why|who|what) (in the|on earth|the hell)|remember,|note that|see (also|above|below|my|the|e\.?g)\b)",
    )
});
/// A question by which somebody suggests, and how a hedge after it begins.
static SUGGESTS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)^\W*(does|is|are|do|did|was|were|would|could|should|has|have|ca)n['’]?t\b.*\?\W*$")
});
static HEDGES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)^\W*(maybe|perhaps|probably|presumably|i (think|guess|believe|suppose|would)|iirc|afaik|at least|well\b|yes\b|no\b|of course|then again)")
});

/// Whether a sentence asks somebody for something.
pub(super) fn asks(history: &History<'_>, sentence: &Sentence) -> bool {
    if !matches!(sentence.act, SpeechAct::Ask | SpeechAct::Question) {
        return false;
    }
    let words = history.thread.quote(sentence.span).trim();
    let is_aside = words.starts_with('(') && !words.contains('?');
    let invites = INVITES.is_match(words) && !WANTS_IDEAS.is_match(words);
    let advises = ADVISES.is_match(words) && !PLEASE.is_match(words) && sentence.due.is_none();
    !(is_aside || invites || LINK.is_match(words) || FIGURE.is_match(words) || is_change_log(history, sentence))
        && !(advises && sentence.span.message > 0)
        && !(SUGGESTS.is_match(words) && is_hedged(history, sentence))
}

/// Whether a sentence stands in a message that lists changes.
fn is_change_log(history: &History<'_>, sentence: &Sentence) -> bool {
    let message = history.thread.messages.get(sentence.span.message);
    message.is_some_and(|message| message.text.lines().any(|line| CHANGE_LOG.is_match(line)))
}

/// Whether what stands after a sentence answers it in part.
fn is_hedged(history: &History<'_>, sentence: &Sentence) -> bool {
    let next = history.sentences(sentence.span.message).find(|other| other.span.start >= sentence.span.end);
    next.is_some_and(|next| HEDGES.is_match(history.thread.quote(next.span)))
}
