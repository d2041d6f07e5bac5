//! Is a sentence borne out by its quotes? Names, numbers, negation, certainty and speaker are checked exactly, meaning by
//! the encoder. A sentence that fails any check is not shown.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use crate::{
    pattern::compiled,
    text::{shown, standalone, words},
};

/// The least cosine between a sentence and the quotes it rests on.
pub const LEAST_COSINE: f32 = 0.55;
/// At least this part of the content words must come in the order of the quote.
const IN_ORDER: f32 = 0.8;
/// Sentences outside of these lengths are no bottom line. Words.
const FEWEST_WORDS: usize = 5;
const MOST_WORDS: usize = 40;

/// As many words in a row are not said twice by chance.
const RUN: usize = 3;

/// Why a sentence was dropped.
#[derive(Clone, Debug, PartialEq)]
pub enum Unsupported {
    Length(usize),
    /// It asks, or breaks off.
    NoStatement,
    /// It talks about the text rather than of what is in it.
    AboutTheText,
    /// Words in a row that it says more often than the quote.
    Repeated(String),
    /// A word that no quote has.
    Word(String),
    Number(String),
    /// The quote denies and the sentence does not, or the other way round.
    Negation,
    /// The quote asks or proposes and the sentence states.
    Certainty(String),
    /// A link, a name with marks in it, or words in quotation marks that stand otherwise in the quote.
    Literal(String),
    /// The words are the quote's, in another order.
    Order,
    /// Somebody is made to say another's words.
    Speaker(String),
    Meaning(f32),
}

/// A quote with the name of who said it.
#[derive(Clone, Debug)]
pub struct Quote<'a> {
    pub speaker: Option<&'a str>,
    pub text: &'a str,
}

/// Words with which speech is reported; they claim nothing that a speaker's name and quote do not.
pub const REPORTING: &str = "say said tell told ask asked mention mentioned note noted report reported write wrote explain \
                         explained describe described state stated discuss discussed talk talked";
/// Reports a question; see `restated`.
pub const WHETHER: &str = "whether";
const NEGATIONS: [&str; 14] = [
    "not", "no", "never", "cannot", "without", "none", "nobody", "nothing", "neither", "nor", "dont", "wont", "cant",
    "unable",
];
const NUMBER_WORDS: &str = "two three four five six seven eight nine ten eleven twelve twenty thirty hundred thousand million \
                            first second third half double twice monday tuesday wednesday thursday friday saturday sunday \
                            january february march april june july august september october november december today tomorrow \
                            yesterday";
/// Common words that claim more certainty than a proposal has: each needs itself, or a like word, in the quote. (Others,
/// like "decided", are content words, and stand in the quote anyway.)
const CERTAIN: [(&str, &[&str]); 2] = [
    ("must", &["must", "have", "need", "required", "requir"]),
    ("will", &["will", "going", "gonna", "shall", "ill", "well", "youll", "theyll", "hell", "shell", "itll", "wont"]),
];

/// Beginnings of phrases that turn a statement around.
const TURNING: &str = "out of scope, reject, refus, avoid, oppos, against, unless, fail, lack, instead, except, den, prevent, stop, \
                       disagree, object, rather than, beyond, too , hardly, barely, rarely, no longer, wontfix, abandon, withdr";
/// Words with which a question is reported.
const ASKING: [&str; 4] = ["ask", "asks", "asked", "wonders"];
/// How a question about what something "is" begins, its contractions without their apostrophe; and verbs of which its report has one.
const BEING: &str = "is are was were am whats hows wheres whos whys theres";
const VERBS: &str = "is are was were am has have had can could should would will shall might may must";
/// Words on which a statement depends.
const DEPENDING: &str = "if unless until whether once provided assuming";

/// Of every script, unlike our other patterns: a number that nobody said is to be found out however it is written.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d[\d.,:/-]*\d|\d").expect("it compiles"));
/// `<br>`, `</script>`.
static TAG: LazyLock<Regex> = LazyLock::new(|| compiled("^</?[A-Za-z][A-Za-z0-9-]*/?>$"));
/// With the word that follows: "the message queue" is no message.
static ABOUT_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    let nouns = "thread|conversation|discussion|notes?|text|passage|speaker|author|summary|message";
    compiled(&format!(r"(?:^| )((?:the|this) (?:{nouns})s?|bottom line|as an ai)(?: \w+| |$)"))
});

/// Checks `sentence` against `quotes`; `names` are the thread's participants and title, which may always be named.
/// Returns the index of the quote that bears it out: one alone, since "A, so B" of two quotes is a third claim that
/// neither makes. Meaning is checked apart, by [`meaning`].
pub fn borne_out(sentence: &str, quotes: &[Quote], names: &[&str]) -> Result<usize, Unsupported> {
    let count = sentence.split_whitespace().count();
    if !(FEWEST_WORDS..=MOST_WORDS).contains(&count) {
        return Err(Unsupported::Length(count));
    }
    if !sentence.ends_with(['.', '!']) || standalone::breaks_off(sentence) {
        return Err(Unsupported::NoStatement);
    }
    let claim: Vec<String> = words::content_stems(sentence);
    let share = |quote: &Quote| {
        let known: HashSet<String> = words::content_stems(quote.text).into_iter().collect();
        claim.iter().filter(|s| known.contains(*s)).count()
    };
    // Of quotes that have as many of the words, the first: they come best first.
    let best = (0..quotes.len()).rev().max_by_key(|&n| share(&quotes[n]));
    let Some(best) = best.filter(|&n| share(&quotes[n]) > 0) else {
        return Err(Unsupported::Word(claim.first().cloned().unwrap_or_default()));
    };
    let quote = &quotes[best];
    about_the_text(sentence, quote)?;
    repeated(sentence, quote)?;
    numbers(sentence, quote, names)?;
    vocabulary(sentence, quote, names)?;
    capitals(sentence, quote, names)?;
    literals(sentence, quote, names)?;
    left_out(sentence, &claim, quote)?;
    reported_question(sentence, quote)?;
    order(&claim, quote)?;
    certainty(sentence, quote)?;
    turned(sentence, &claim, quote)?;
    first_person(sentence, &claim, quote)?;
    if denies(sentence) != denies(quote.text) {
        return Err(Unsupported::Negation);
    }
    speaker(sentence, quote, names)?;
    Ok(best)
}

/// Whether the encoder finds that the sentence means what its quotes mean.
pub fn meaning(cosine: f32) -> Result<(), Unsupported> {
    if cosine >= LEAST_COSINE { Ok(()) } else { Err(Unsupported::Meaning(cosine)) }
}

/// "The thread is about …" tells nothing; "the message queue is full" does, where the quote speaks of that queue.
fn about_the_text(sentence: &str, quote: &Quote) -> Result<(), Unsupported> {
    let plain = |text: &str| format!(" {} ", words::words(text).join(" "));
    let (said, quoted) = (plain(sentence), plain(quote.text));
    let own = |phrase: &str| {
        let phrase = format!(" {} ", phrase.trim());
        if said.ends_with(&phrase) { quoted.ends_with(&phrase) } else { quoted.contains(&phrase) }
    };
    if ABOUT_TEXT.find_iter(&said).all(|found| own(found.as_str())) { Ok(()) } else { Err(Unsupported::AboutTheText) }
}

/// "Thinking this through, Raj said thinking this through, …": a wording that begins anew is no sentence.
fn repeated(sentence: &str, quote: &Quote) -> Result<(), Unsupported> {
    let (said, quoted) = (words::words(sentence), words::words(quote.text));
    let times = |text: &[String], run: &[String]| text.windows(RUN).filter(|other| *other == run).count();
    // "they will be … and they will be …" is how people write.
    let tells = |run: &&[String]| run.iter().any(|word| !words::is_common(word));
    let again = |run: &&[String]| times(&said, run) > times(&quoted, run).max(1);
    let mut runs = said.windows(RUN).filter(tells).filter(again);
    runs.next().map_or(Ok(()), |run| Err(Unsupported::Repeated(run.join(" "))))
}

/// Every number and date word of the sentence must stand in a quote or in the metadata.
fn numbers(sentence: &str, quote: &Quote, names: &[&str]) -> Result<(), Unsupported> {
    let somewhere = |number: &str| {
        let whole = |text: &str| NUMBER.find_iter(text).any(|m| m.as_str() == number);
        whole(quote.text) || names.iter().any(|n| whole(n))
    };
    if let Some(missing) = NUMBER.find_iter(sentence).map(|m| m.as_str()).find(|n| !somewhere(n)) {
        return Err(Unsupported::Number(missing.to_owned()));
    }
    let quoted: HashSet<String> = words::words(quote.text).into_iter().collect();
    let dated: HashSet<&str> = NUMBER_WORDS.split_whitespace().collect();
    let missing = words::words(sentence).into_iter().find(|w| dated.contains(w.as_str()) && !quoted.contains(w));
    missing.map_or(Ok(()), |word| Err(Unsupported::Number(word)))
}

/// Every content word must stand in the quote, in a name, or report speech.
fn vocabulary(sentence: &str, quote: &Quote, names: &[&str]) -> Result<(), Unsupported> {
    let quoted: HashSet<String> = words::content_stems(quote.text).into_iter().collect();
    let named: HashSet<String> = names.iter().copied().chain(quote.speaker).flat_map(words::content_stems).collect();
    let reporting: HashSet<String> = REPORTING.split_whitespace().map(|word| words::stem(word).into_owned()).collect();
    let said = words::words(sentence);
    let before = |at: usize| at.checked_sub(1).map_or("", |at| said[at].as_str());
    let known = |at: usize, stem: &str| {
        quoted.contains(stem)
            || named.contains(stem)
            || reporting.contains(stem)
            || restated(before(at), &said[at], quote)
    };
    let content = said.iter().enumerate().filter(|(_, word)| !words::is_common(word));
    let mut stems = content.map(|(at, word)| (at, words::stem(word)));
    stems.find(|(at, stem)| !known(*at, stem)).map_or(Ok(()), |(_, word)| Err(Unsupported::Word(word.into_owned())))
}

/// Whether `word`, which the quote does not have, says after `before` what the quote says in another way: "cannot" for
/// "can't", "asked whether" for a question, "check whether" for "check if".
fn restated(before: &str, word: &str, quote: &Quote) -> bool {
    let quoted = words::words(quote.text);
    let together = |first: &str, second: &str| {
        quoted.windows(2).any(|pair| words::stem(&pair[0]) == words::stem(first) && pair[1] == second)
    };
    match word {
        "cannot" => quoted.iter().any(|w| w == "cant") || together("can", "not"),
        WHETHER => ASKING.contains(&before) && quote.text.contains('?') || together(before, "if"),
        _ => false,
    }
}

/// A word with a capital, but for the first, names something: it must stand so in the quote or a name, in this very form.
fn capitals(sentence: &str, quote: &Quote, names: &[&str]) -> Result<(), Unsupported> {
    let named: HashSet<String> =
        names.iter().copied().chain(quote.speaker).chain([quote.text]).flat_map(words::words).collect();
    let capital = |word: &&str| word.starts_with(char::is_uppercase);
    let mut unknown = sentence
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .filter(|word| !word.is_empty())
        .skip(1)
        .filter(capital)
        .flat_map(words::words)
        .filter(|word| !named.contains(word));
    unknown.next().map_or(Ok(()), |word| Err(Unsupported::Word(word)))
}

/// What may follow an apostrophe: "Ana's", "they don't".
const CLITICS: [&str; 7] = ["s", "t", "d", "m", "re", "ve", "ll"];

/// What is written with marks inside ("a/b", "x_y", "#265", "v1.2", "o'clock") or within quotation marks must stand so in the quote.
fn literals(sentence: &str, quote: &Quote, names: &[&str]) -> Result<(), Unsupported> {
    let edge = |c: char| !c.is_alphanumeric() && !matches!(c, '#' | '@' | '_' | '/');
    let places = || names.iter().copied().chain([quote.text]);
    let clipped = |word: &str| word.split(['\'', '’']).skip(1).any(|part| !CLITICS.contains(&part));
    let marked =
        |word: &&str| word.contains(['/', '_', '@', '#', '.', '=', '<', '>', '{', '}', '*', '\\']) || clipped(word);
    let whole = |text: &str, word: &str| text.split_whitespace().any(|w| w.trim_matches(edge) == word);
    // Words that are there, set together with hyphens, are another word.
    let joined = |word: &str| word.contains('-') && !places().any(|text| letters(text).contains(&letters(word)));
    let altered = |word: &&str| marked(word) && !places().any(|text| whole(text, word)) || joined(word);
    if let Some(word) = sentence.split_whitespace().map(|w| w.trim_matches(edge)).find(altered) {
        return Err(Unsupported::Literal(word.to_owned()));
    }
    let parts: Vec<&str> = sentence.split('"').collect();
    if parts.len().is_multiple_of(2) {
        return Err(Unsupported::NoStatement);
    }
    let mut marked = parts.iter().skip(1).step_by(2).map(|inside| inside.trim_end_matches(['.', ',']));
    let otherwise = |inside: &&str| !quote.text.split('"').any(|part| part.trim_end_matches(['.', ',']) == *inside);
    marked.find(otherwise).map_or(Ok(()), |inside| Err(Unsupported::Literal(inside.to_owned())))
}

/// Letters and digits alone, small: "self-service" is "self service".
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A link or a tag amid what the sentence takes of a quote is part of it ("use LINK as the context"), unless it stands in
/// brackets, or behind a word of Markdown.
fn left_out(sentence: &str, claim: &[String], quote: &Quote) -> Result<(), Unsupported> {
    let shown = shown::written(quote.text);
    let mut tokens: Vec<&str> = shown.split_whitespace().collect();
    let tells = |token: &&str| words::content_stems(token).iter().any(|stem| claim.contains(stem));
    tokens.truncate(tokens.iter().rposition(tells).unwrap_or(0));
    let is_link = |token: &str| token.contains("://") && !token.starts_with(['(', '[', '<']);
    let mut bare = tokens.iter().map(|token| token.trim_end_matches(['.', ',', ';', ':', '?', '!']));
    let missing = bare.find(|token| (is_link(token) || TAG.is_match(token)) && !sentence.contains(token));
    missing.map_or(Ok(()), |token| Err(Unsupported::Literal(token.to_owned())))
}

/// Where a sentence reports a question that the quote does not itself report.
fn asks_at(said: &[String], quoted: &[String]) -> Option<usize> {
    said.iter().position(|word| ASKING.contains(&word.as_str()) && !quoted.contains(word))
}

/// A question that is reported keeps its verb ("asked what the problem with the parser" has lost it), and whom it was put to is
/// not who reads of it.
fn reported_question(sentence: &str, quote: &Quote) -> Result<(), Unsupported> {
    let (said, quoted) = (own_words(sentence), words::words(quote.text));
    let Some(at) = asks_at(&said, &quoted) else { return Ok(()) };
    let clause = &said[at + 1..];
    if let Some(word) = clause.iter().find(|word| matches!(word.as_str(), "you" | "your" | "yours" | "youre")) {
        return Err(Unsupported::Speaker(word.clone()));
    }
    let is_of = |verbs: &str, word: &String| verbs.split(' ').any(|verb| word == verb);
    let had = quoted.iter().take(3).any(|word| is_of(BEING, word));
    let hangs = matches!(clause, [link, verb, ..] if matches!(link.as_str(), "if" | WHETHER) && verb.ends_with("ing"));
    let has = clause.iter().any(|word| is_of(VERBS, word));
    if (had || hangs) && !has { Err(Unsupported::NoStatement) } else { Ok(()) }
}

/// The words of a sentence that are not within quotation marks.
fn own_words(sentence: &str) -> Vec<String> {
    words::words(&sentence.split('"').step_by(2).collect::<Vec<_>>().join(" "))
}

/// What turns a statement around ("out of scope", "reject", "if") must not be left out of what the sentence takes of a quote.
fn turned(sentence: &str, claim: &[String], quote: &Quote) -> Result<(), Unsupported> {
    let said = format!(" {} ", words::words(sentence).join(" "));
    let taken = format!(" {} ", taken(claim, quote).join(" "));
    let has = |text: &str, phrase: &str| text.contains(&format!(" {phrase}"));
    if TURNING.split(", ").any(|phrase| has(&taken, phrase) && !has(&said, phrase)) {
        return Err(Unsupported::Negation);
    }
    let depends = |text: &str| DEPENDING.split(' ').any(|word| text.contains(&format!(" {word} ")));
    if depends(&taken) && !depends(&said) {
        return Err(Unsupported::Certainty("if".to_owned()));
    }
    Ok(())
}

/// The words of the quote up to the last that the sentence has.
fn taken(claim: &[String], quote: &Quote) -> Vec<String> {
    let mut words = words::words(quote.text);
    let last = words.iter().rposition(|word| claim.iter().any(|stem| words::stem(word) == *stem));
    words.truncate(last.map_or(0, |at| at + 1));
    words
}

/// Who "I" is must be said: no sentence of ours speaks in the first person, and what a quote says of its speaker names them.
fn first_person(sentence: &str, claim: &[String], quote: &Quote) -> Result<(), Unsupported> {
    let is_one =
        |word: &String| matches!(word.as_str(), "i" | "im" | "ive" | "id" | "ill" | "my" | "me" | "mine" | "myself");
    let is_many = |word: &String| matches!(word.as_str(), "we" | "weve" | "our" | "ours" | "us");
    let said = own_words(sentence);
    if let Some(word) = said.iter().find(|word| is_one(word) || is_many(word)) {
        return Err(Unsupported::Speaker(word.clone()));
    }
    let name = quote.speaker.map(words::words).unwrap_or_default();
    let named = name.iter().any(|word| said.contains(word));
    let taken = taken(claim, quote);
    let others = |word: &String| matches!(word.as_str(), "they" | "them" | "their" | "team" | "group");
    // "Raj said" reports, unless the quote itself tells of saying.
    let reports = |word: &String| REPORTING.split_whitespace().any(|verb| verb == word) && !taken.contains(word);
    match (taken.iter().find(|word| is_one(word)), taken.iter().find(|word| is_many(word))) {
        (Some(word), _) if !named => Err(Unsupported::Speaker(word.clone())),
        // What "we" agreed is not what the one who says so agreed.
        (None, Some(word)) if named && !said.iter().any(|word| others(word) || reports(word)) => {
            Err(Unsupported::Speaker(word.clone()))
        }
        _ => Ok(()),
    }
}

/// The content words must come in about the order that the quote has them: "Ana waits for Raj" is not "Raj waits for Ana".
fn order(claim: &[String], quote: &Quote) -> Result<(), Unsupported> {
    let quoted = words::content_stems(quote.text);
    let shared: Vec<&String> = claim.iter().filter(|s| quoted.contains(s)).collect();
    // Longest common subsequence, a row at a time.
    let mut row = vec![0usize; quoted.len() + 1];
    for word in &shared {
        let mut diagonal = 0;
        for (n, other) in quoted.iter().enumerate() {
            let above = row[n + 1];
            row[n + 1] = if *word == other { diagonal + 1 } else { above.max(row[n]) };
            diagonal = above;
        }
    }
    let kept = row.last().copied().unwrap_or(0);
    if kept as f32 >= IN_ORDER * shared.len() as f32 { Ok(()) } else { Err(Unsupported::Order) }
}

/// A proposal or a question must not come back as a fact.
fn certainty(sentence: &str, quote: &Quote) -> Result<(), Unsupported> {
    let said = words::words(sentence);
    let quoted = words::words(quote.text);
    for (word, grounds) in CERTAIN {
        let claims = |w: &String| w == word;
        if said.iter().any(claims) && !quoted.iter().any(|w| grounds.iter().any(|g| w.starts_with(g))) {
            return Err(Unsupported::Certainty(word.to_owned()));
        }
    }
    let asks = |text: &str| text.trim_end().ends_with('?');
    // "Who knows whether it ships?" is not answered by "They know whether it ships".
    let doubts = |words: &[String]| words.iter().any(|w| w == WHETHER);
    let reports_a_question = asks_at(&said, &quoted).is_some() || doubts(&said) && !doubts(&quoted);
    let link = |pair: &[String]| ASKING.contains(&pair[0].as_str()) && matches!(pair[1].as_str(), "if" | "whether");
    if reports_a_question && said.windows(2).any(link) && !leaves_open(&quoted, quote.text) {
        return Err(Unsupported::Certainty("asked".to_owned()));
    }
    if asks(quote.text) && !reports_a_question {
        return Err(Unsupported::Certainty("?".to_owned()));
    }
    let hedged = |words: &[String]| {
        words.iter().any(|w| {
            matches!(w.as_str(), "might" | "may" | "maybe" | "could" | "perhaps" | "probably" | "should" | "would")
        })
    };
    if hedged(&quoted) && !hedged(&said) && !reports_a_question {
        return Err(Unsupported::Certainty("hedge".to_owned()));
    }
    Ok(())
}

/// Whether a quote asks, in whatever form: nobody "asked if" what was stated.
fn leaves_open(quoted: &[String], text: &str) -> bool {
    let opens = |w: &String| {
        w.starts_with("wonder") || w.starts_with("ask") || matches!(w.as_str(), "if" | "whether" | "please")
    };
    let inverted = |pair: &[String]| {
        matches!(pair[0].as_str(), "can" | "could" | "would" | "will" | "should" | "do" | "does" | "did" | "is" | "are")
            && matches!(
                pair[1].as_str(),
                "you" | "we" | "i" | "they" | "it" | "there" | "this" | "that" | "anyone" | "someone"
            )
    };
    text.contains('?') || quoted.iter().any(opens) || quoted.windows(2).any(inverted)
}

/// True for an odd number of negations.
fn denies(text: &str) -> bool {
    let negative = |w: &&String| NEGATIONS.contains(&w.as_str()) || NT.contains(&w.as_str());
    words::words(text).iter().filter(negative).count() % 2 == 1
}

/// Contractions with "not", without their apostrophe.
const NT: [&str; 17] = [
    "didnt", "doesnt", "isnt", "arent", "wasnt", "werent", "wouldnt", "couldnt", "shouldnt", "hasnt", "havent",
    "hadnt", "mustnt", "neednt", "mightnt", "shant", "aint",
];

/// The first word of a name, without marks ("Kay, Michael").
fn first_name(name: &str) -> &str {
    name.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("")
}

/// A participant whom the sentence begins with must be the one who said the quote, or be named in it.
fn speaker(sentence: &str, best: &Quote, names: &[&str]) -> Result<(), Unsupported> {
    let opens = |name: &&&str| {
        let first = first_name(name);
        first.len() > 1
            && sentence.split(|c: char| !c.is_alphanumeric()).next().is_some_and(|w| w.eq_ignore_ascii_case(first))
    };
    let Some(name) = names.iter().find(opens) else { return Ok(()) };
    let first = first_name(name).to_lowercase();
    let said_it = best.speaker.is_some_and(|s| s.to_lowercase().contains(&first));
    let text = best.text.to_lowercase();
    // "Raj, could you look?" speaks to Raj, and says nothing of what Raj does.
    let addressed = text.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(&format!("{first},"));
    let named = text.contains(&first) && !addressed;
    if said_it || named { Ok(()) } else { Err(Unsupported::Speaker((*name).to_owned())) }
}

#[cfg(test)]
mod tests;
