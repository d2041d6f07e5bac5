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
/// What is open to everybody at any time.
static INVITES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(feel free|if so,? (please )?let me know|(let me|let us) know if|(contact|ping|mail|email|reach( out to)?|ask) (me|us) (if|for|with)|if (you|anyone|anybody|somebody|someone) (have|has|are|is|want|wants|need|needs|would like|wish|feel|feels)\b.{0,60}\b(let (me|us) know|contact|ping|reach)|don['’]t hesitate|help yourself|stay tuned|join us|check (it|them) out|happy to (help|answer))",
    )
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
    !(is_aside || CHANGE_LOG.is_match(words) || INVITES.is_match(words) || FIGURE.is_match(words))
        && !(SUGGESTS.is_match(words) && is_hedged(history, sentence))
}

/// Whether what stands after a sentence answers it in part.
fn is_hedged(history: &History<'_>, sentence: &Sentence) -> bool {
    let next = history.sentences(sentence.span.message).find(|other| other.span.start >= sentence.span.end);
    next.is_some_and(|next| HEDGES.is_match(history.thread.quote(next.span)))
}
