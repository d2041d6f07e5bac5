//! What is put as a question or a request and waits for nobody: a line of a change log, a standing invitation, a figure of
//! speech, a question that answers itself.

use std::sync::LazyLock;

use regex::Regex;

use super::history::History;
use crate::{
    domain::{Kind, Sentence, SpeechAct},
    pattern::compiled,
};

/// `• fix(mysql): keep the charset (#940)`
static CHANGE_LOG: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^[\s*•◦▪·–-]*(feat|fix|chore|docs|refactor|perf|tests?|build|ci|style|revert|breaking|bump|deps)(\([^)]*\))?!?: ",
    )
});
/// `Release: https://…`
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(e-?mail|phone|tel|fax|web(site)?|address|url)s?: |^\W*(release( notes)?|(full )?changelog|download|docs|source|link|see)s?: *\S*$|^\W*(https?://\S+\s*)+$",
    )
});
/// Words by which an answer asks for something after all: without them what it says to do is advice.
static WANTS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\?|@\w|\b(please|pls|plz|kindly|could|would|can you|will you|let (me|us)|for (me|us)|(me|us|i) (know|need|want|wonder)\w*|(send|give|show|tell|help|mail|email|ask|call|ping|forward|remind) (me|us)|need(s|ed)? to|appreciate|asap)\b",
    )
});
/// How something is done, told to whoever asked.
static ADVISES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)(^|[,;:–-] *)\W*((then|so|but|and|or|well) )?you(['’]ll| will)? (just |only |also |first |then )?(have to|need( to)?|can|could|may|must|should|want to|might want to)\b",
    )
});
static PLEASE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(please|pls|could you|can you|would you|appreciate)\b"));
/// `, isn't it?` of what nobody doubts.
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i), *(is|are|was|were|does|do|did|has|have)(n['’]?t)? (it|there|they|that|this|he|she|we)\?\W*$")
});
/// What is asked of nobody in particular, whoever is answered with it.
static OF_ANYBODY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(any ?(one|body)|some ?(one|body)|who (else|of you|here|among)|how many (of you|people|\w+ out there))\b",
    )
});
static ORIGINAL: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?im)^-{2,} ?original (message|appointment) ?-{2,}\s*$"));
/// How mail programs set what is answered apart.
static ANSWERS_A_MAIL: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?im)^(>|\||-{2,} ?original message)|^.{0,120}\b(wrote|writes|schrieb|écrit) ?:\s*$"));
/// A suggestion with the mark of a question: "you might have to restart it?"
static MAYBE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?is)\b((you|it|that|this) (might|may|could|should) (just |only |also )?(have to|need|want to|be|help|work)|i (guess|suppose|bet) (you|it|that|we))\b.*\?\W*$",
    )
});
/// How a sentence begins that asks something, and how one that tells of it.
static WHETHER: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)^\W*(which|who|whose|what|where|when|how|why)\b"));
/// A question by which an answer points somewhere, or appeals to what is known.
static POINTS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(have you (\w+ )?(tried|looked|seen|considered|checked|read|thought)|did you (\w+ )?(see|try|look|check|read|consider|mean)|are you (sure|aware)|(do|did) you (know|realize|realise) that|how about|what if|did i\b|why (not|bother|should|would|on earth)|who (needs|wants|cares|would)|how (hard|difficult) (is|can)|what['’]?s (the point|wrong with|not to))\b|, *(right|no|yes|eh|huh|ok(ay)?)\?\W*$",
    )
});
/// How people ask without the mark of a question.
static ASKS_PLAINLY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\?|^\W*((hi|hey|hello|so|and|but|also|ok|well)\b[^.]{0,20}\W)?(who|what|whats|why|where|how|is|are|am i|can|could|do|does|did|should|shall|would|will|has|have|any|anyone|anybody|thoughts|ideas)\b|\b(wonder\w*|curious|any ?(one|body)|some ?(one|body)|any (idea|clue|suggestion|help|thought|hint|pointer)s?|how (do|can|to|would|should)|is there|are there|my question|the question|not sure (if|how|what|why|whether)|(don['’]?t|do not) (know|understand)|(want|like|trying|try|need)(ed)? to (know|understand|ask|find out))\b",
    )
});
/// How an answer begins that follows its own question.
static ANSWERS_ITSELF: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(because|yes\b|yep\b|yeah\b|nope\b|no[,.!:]|simple|simply|easy|answer:|turns out|not really|of course)",
    )
});
/// Signs that a program has and a sentence has not, and words that a question has.
static PROGRAM: LazyLock<Regex> = LazyLock::new(|| compiled(r"[{}|\\$]|[;=<>]|::|->|\w\(\)?|\w_\w|\w\?\w"));
static ASKING: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(who|whom|whose|what|when|where|why|how|which|is|are|was|were|am|can|could|do|does|did|should|shall|would|will|has|have|had|may|might|any|anyone|anybody|please|pls|thoughts|ideas|need|want|wonder\w*|help|let|check|look|review)\b|@\w",
    )
});
static SPEAKS_TO: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)@\w|\b(you|your|yours|u|ya|y['’]all|folks|guys|any ?(one|body)|some ?(one|body)|any (idea|suggestion|clue|thought)s?|thoughts|we|us|me|please|pls)\b",
    )
});
/// What is open to everybody at any time.
static INVITES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(feel free|if so,? (please )?let me know|(let me|let us) know if|(contact|ping|mail|email|reach( out to)?|ask) (me|us) (if|for|with)|if (you|anyone|anybody|somebody|someone) (have|has|are|is|want|wants|need|needs|would like|wish|feel|feels)\b.{0,60}\b(let (me|us) know|contact|ping|reach)|if you (have|find|get) (some|a|any) (spare )?(time|moment|minute)|don['’]t hesitate|help yourself|stay tuned|join us|check (it|them) out|happy to (help|answer))",
    )
});
/// With what something is laid before everybody.
static LAYS_OPEN: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(comments?|feedback|suggestions?|questions?|corrections?|contributions?|thoughts)\b( and \w+)? (is|are|always|very|most) .{0,20}\b(welcome|appreciated)|\b(let (me|us) know|contact (me|us)|get in touch|tell (me|us)) if (you|there|anyone|anybody)( still)? (have|has|is|are) (any|some) (\w+ )?(comments?|questions?|feedback|concerns?|corrections?|modifications?|problems?|issues?)\b",
    )
});
/// Who has an idea is asked for it.
static WANTS_IDEAS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(any|if) ?(one|body|some(one|body))? ?(\w+ ){0,3}(ideas?|suggestions?|knows|solutions?|clues?|hints?|pointers?|experience|advice|explanations?|objections?|comments?|feedback)\b",
    )
});
/// An aside at a sentence's end: `(say what?)`
static ASIDE: LazyLock<Regex> = LazyLock::new(|| compiled(r"\([^()]*\?\W*\)"));
/// Courtesies that are put as requests.
static COURTESY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(keep (us|me|everyone) (posted|updated)|(see|talk to|catch) (you|ya|u)|take care|enjoy|have (fun|a (good|nice|great)))\b",
    )
});
static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\?!\W*$|\bplease (don['’]t|do not|avoid|refrain|stop)\b|\b(give|allow) (me|us) (some|a|until|more|another)\b.{0,20}\b(time|moment|minutes?|days?|weeks?)\b|^\W*(eh|huh|what|oh|really|seriously|hm+|wow|right|ok(ay)?)\W*$|^\W*(keep (on )?\w+ing\b|[\x22“][^\x22”]+[\x22”]\W+(you ask|you say)|call me (an? )?[\w-]+( [\w-]+)?[.!]?$|correct me if|forgive me|excuse (me|my)|pardon|bear with me|mind you|believe me|trust me|don['’]t get me wrong|let['’]s (face it|be honest|say)|go figure|who (knows|cares)|(guess|know) what|(why|who|what) (in the|on earth|the hell)|remember,|note that|see (also|above|below|my|the|e\.?g)\b|please (find|note|refer|be (aware|advised)|see (\w+ ){0,3}(below|attached|above|inline|here))\b)|\bplease find (\w+ )?(below|attached|enclosed|here)|\battached please find",
    )
});
/// A question by which somebody suggests, and how a hedge after it begins.
static SUGGESTS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)^\W*(does|is|are|do|did|was|were|would|could|should|has|have|ca)n['’]?t\b.*\?\W*$")
});
static HEDGES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(maybe|perhaps|probably|presumably|i (think|guess|believe|suppose|would)|iirc|afaik|at least|well\b|yes\b|no\b|of course|then again)",
    )
});

/// What is put like a request or a question in talk and has no mark of one: "somebody should start over", "has a good chapter
/// on it", "please follow the guide".
static REMARKS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(some ?(one|body)|people|they) (should|ought to|must)\b|^\W*has (an?|the|some|no|been)\b|\bplease (follow|refer to|consult|visit) (the|our|this|these)\b",
    )
});

/// Signs that no prose has many of. Percent of the characters.
const SIGNS_PERCENT: usize = 8;

/// Whether a sentence asks somebody for something.
pub(super) fn asks(history: &History<'_>, sentence: &Sentence) -> bool {
    if !matches!(sentence.act, SpeechAct::Ask | SpeechAct::Question) {
        return false;
    }
    if history.thread.kind == Kind::Email && is_of_original(history, sentence) {
        return false;
    }
    let whole = ASIDE.replace_all(history.thread.quote(sentence.span), "");
    let words = whole.trim();
    let is_quoted = words.starts_with(['|', '>']);
    let was_aside = sentence.act == SpeechAct::Question && whole.len() < history.thread.quote(sentence.span).len();
    let is_aside = is_quoted || words.is_empty() || (words.starts_with('(') || was_aside) && !words.contains('?');
    let invites = INVITES.is_match(words) && !WANTS_IDEAS.is_match(words)
        || history.thread.kind != Kind::Review && LAYS_OPEN.is_match(words);
    let wants = WANTS.is_match(words) && (PLEASE.is_match(words) || !ADVISES.is_match(words));
    let to_all = history.thread.kind == Kind::Chat && sentence.addressee.is_none();
    let is_talk = matches!(history.thread.kind, Kind::Chat | Kind::Email);
    let tells = is_talk && sentence.addressee.is_none() && !wants && !ASKS_PLAINLY.is_match(words);
    let advises = sentence.act == SpeechAct::Ask
        && !wants
        && sentence.due.is_none()
        && (to_all || answers(history, sentence.span.message));
    let idle = [&LINK, &FIGURE, &TAG, &COURTESY].iter().any(|idle| idle.is_match(words))
        || is_talk && !words.contains('?') && REMARKS.is_match(words);
    let suggests = SUGGESTS.is_match(words) && next_begins(history, sentence, &HEDGES);
    let rhetorical = sentence.act == SpeechAct::Question && is_rhetorical(history, sentence, words)
        || is_talk && is_part_of_answer(history, sentence, words);
    let spoken = !(idle || is_aside || is_code(words) || is_change_log(history, sentence));
    spoken && !(tells || invites || advises || suggests || rhetorical)
}

/// Whether a question wants no answer: it answers itself, or it is part of an answer and points somewhere.
fn is_rhetorical(history: &History<'_>, sentence: &Sentence, words: &str) -> bool {
    let points = answers(history, sentence.span.message) && POINTS.is_match(words);
    points || next_begins(history, sentence, &ANSWERS_ITSELF)
}

/// Whether what reads like a question is part of an answer: "Which is where it looks first.", "You might have to restart it?"
fn is_part_of_answer(history: &History<'_>, sentence: &Sentence, words: &str) -> bool {
    let of_mail = history.thread.kind == Kind::Email && sentence.act == SpeechAct::Question;
    let tells = of_mail && WHETHER.is_match(words) && !words.contains('?');
    answers(history, sentence.span.message) && (tells || MAYBE.is_match(words) && !WHETHER.is_match(words))
}

/// Whether a question is put to nobody in particular.
pub(super) fn is_of_anybody(words: &str) -> bool {
    OF_ANYBODY.is_match(words)
}

/// Whether a thread begins with an answer: what it answers is not there, nor is what others said to that.
pub(super) fn lacks_its_beginning(history: &History<'_>) -> bool {
    let first = history.thread.messages.first();
    history.thread.kind == Kind::Email && first.is_some_and(|first| is_answer(&first.text))
}

/// Whether a mail sets apart what it answers.
pub(super) fn is_answer(text: &str) -> bool {
    ANSWERS_A_MAIL.is_match(text)
}

/// Whether a question turns to somebody, be it to whoever listens.
pub(super) fn speaks_to_somebody(words: &str) -> bool {
    SPEAKS_TO.is_match(words)
}

/// Whether a sentence stands below the line after which some mail programs repeat what is answered.
fn is_of_original(history: &History<'_>, sentence: &Sentence) -> bool {
    let message = history.thread.messages.get(sentence.span.message);
    let above = message.and_then(|message| message.text.get(..sentence.span.start));
    above.is_some_and(|above| ORIGINAL.is_match(above))
}

/// Whether a message answers another: it is not the first, or it quotes somebody.
fn answers(history: &History<'_>, message: usize) -> bool {
    message > 0 || history.thread.messages.get(message).is_some_and(|message| quotes(&message.text))
}

fn quotes(text: &str) -> bool {
    text.lines().any(|line| line.starts_with('>'))
}

/// Whether a sentence is a line of a program rather than of a language.
fn is_code(words: &str) -> bool {
    if PROGRAM.is_match(words) && !ASKING.is_match(words) {
        return true;
    }
    let signs = words.chars().filter(|c| c.is_ascii_punctuation() && !",.?!'\"-()@/:".contains(*c)).count();
    signs * 100 >= words.chars().count() * SIGNS_PERCENT
}

/// Whether a sentence stands in a message that lists changes.
fn is_change_log(history: &History<'_>, sentence: &Sentence) -> bool {
    let message = history.thread.messages.get(sentence.span.message);
    message.is_some_and(|message| message.text.lines().any(|line| CHANGE_LOG.is_match(line)))
}

/// Whether what stands after a sentence, in the same message, begins so.
fn next_begins(history: &History<'_>, sentence: &Sentence, so: &Regex) -> bool {
    let next = history.sentences(sentence.span.message).find(|other| other.span.start >= sentence.span.end);
    next.is_some_and(|next| so.is_match(history.thread.quote(next.span)))
}
