//! Is a sentence borne out by its quotes? Names, numbers, negation, certainty and speaker are checked exactly, meaning by
//! the encoder. A sentence that fails any check is not shown.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use crate::text::words;

/// The least cosine between a sentence and the quotes it rests on.
pub const LEAST_COSINE: f32 = 0.55;
/// At least this part of the content words must come in the order of the quote.
const IN_ORDER: f32 = 0.8;
/// Sentences outside of these lengths are no bottom line. Words.
const FEWEST_WORDS: usize = 5;
const MOST_WORDS: usize = 40;

/// Why a sentence was dropped.
#[derive(Clone, Debug, PartialEq)]
pub enum Unsupported {
    Length(usize),
    /// It asks, or breaks off.
    NoStatement,
    /// It talks about the text rather than of what is in it.
    AboutTheText,
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
/// Words on which a statement depends.
const DEPENDING: &str = "if unless until whether once provided assuming";

static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d[\d.,:/-]*\d|\d").expect("it compiles"));
static ABOUT_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:the|this) (?:thread|conversation|discussion|notes?|text|passage|speaker|author|summary|message)s?\b|\bbottom line\b|\bas an ai\b")
        .expect("it compiles")
});

/// Checks `sentence` against `quotes`; `names` are the thread's participants and title, which may always be named.
/// Returns the index of the quote that bears it out: one alone, since "A, so B" of two quotes is a third claim that
/// neither makes. Meaning is checked apart, by [`meaning`].
pub fn borne_out(sentence: &str, quotes: &[Quote], names: &[&str]) -> Result<usize, Unsupported> {
    let count = sentence.split_whitespace().count();
    if !(FEWEST_WORDS..=MOST_WORDS).contains(&count) {
        return Err(Unsupported::Length(count));
    }
    if !sentence.ends_with(['.', '!']) {
        return Err(Unsupported::NoStatement);
    }
    if ABOUT_TEXT.is_match(sentence) {
        return Err(Unsupported::AboutTheText);
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
    numbers(sentence, quote, names)?;
    vocabulary(&claim, quote, names)?;
    capitals(sentence, quote, names)?;
    literals(sentence, quote, names)?;
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
fn vocabulary(claim: &[String], quote: &Quote, names: &[&str]) -> Result<(), Unsupported> {
    let quoted: HashSet<String> = words::content_stems(quote.text).into_iter().collect();
    let named: HashSet<String> = names.iter().copied().chain(quote.speaker).flat_map(words::content_stems).collect();
    let reporting: HashSet<&str> = REPORTING.split_whitespace().map(words::stem).collect();
    let known = |s: &String| quoted.contains(s) || named.contains(s) || reporting.contains(s.as_str());
    claim.iter().find(|s| !known(s)).map_or(Ok(()), |unknown| Err(Unsupported::Word(unknown.clone())))
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

/// What is written with marks inside ("a/b", "x_y", "#265", "v1.2") or within quotation marks must stand so in the quote.
fn literals(sentence: &str, quote: &Quote, names: &[&str]) -> Result<(), Unsupported> {
    let edge = |c: char| !c.is_alphanumeric() && !matches!(c, '#' | '@' | '_' | '/');
    let places = || names.iter().copied().chain([quote.text]);
    let marked = |word: &&str| word.contains(['/', '_', '@', '#', '.', '=', '<', '>', '{', '}', '*', '\\']);
    let whole = |text: &str, word: &str| text.split_whitespace().any(|w| w.trim_matches(edge) == word);
    let words = sentence.split_whitespace().map(|w| w.trim_matches(edge)).filter(marked);
    if let Some(word) = words.into_iter().find(|word| !places().any(|text| whole(text, word))) {
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
    let last = words.iter().rposition(|word| claim.iter().any(|stem| words::stem(word) == stem));
    words.truncate(last.map_or(0, |at| at + 1));
    words
}

/// Who "I" is must be said: no sentence of ours speaks in the first person, and what a quote says of its speaker names them.
fn first_person(sentence: &str, claim: &[String], quote: &Quote) -> Result<(), Unsupported> {
    let is_one =
        |word: &String| matches!(word.as_str(), "i" | "im" | "ive" | "id" | "ill" | "my" | "me" | "mine" | "myself");
    let is_many = |word: &String| matches!(word.as_str(), "we" | "weve" | "our" | "ours" | "us");
    let own: String = sentence.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let said = words::words(&own);
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
    let reports_a_question =
        said.iter().any(|w| matches!(w.as_str(), "ask" | "asks" | "asked" | "whether" | "wonders"));
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

/// True for an odd number of negations.
fn denies(text: &str) -> bool {
    let negative = |w: &&String| NEGATIONS.contains(&w.as_str()) || NT.contains(&w.as_str());
    words::words(text).iter().filter(negative).count() % 2 == 1
}

/// Contractions with "not", without their apostrophe.
const NT: [&str; 12] = [
    "didnt", "doesnt", "isnt", "arent", "wasnt", "werent", "wouldnt", "couldnt", "shouldnt", "hasnt", "havent", "hadnt",
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
mod tests {
    use super::{Quote, Unsupported, borne_out};

    const QUOTES: [Quote; 2] = [
        Quote {
            speaker: Some("Ana Lima"),
            text: "We agreed to move the release to 14 March because the parser is not ready.",
        },
        Quote { speaker: Some("Raj"), text: "Maybe we could ship the old parser on Friday?" },
    ];
    const NAMES: [&str; 3] = ["Ana Lima", "Raj", "Release plan"];

    #[track_caller]
    fn check(sentence: &str, wanted: Result<usize, Unsupported>) {
        assert_eq!(borne_out(sentence, &QUOTES, &NAMES), wanted, "{sentence}");
    }

    #[test]
    fn what_a_quote_says_is_borne_out_by_it() {
        check("They agreed to move the release to 14 March, the parser is not ready.", Ok(0));
        check("Ana said the release moves to 14 March because the parser is not ready.", Ok(0));
    }

    #[test]
    fn what_no_quote_says_is_dropped() {
        check(
            "They agreed to move the release to 15 March, the parser is not ready.",
            Err(Unsupported::Number("15".into())),
        );
        check("They agreed to move the release to 14 March, the parser is ready.", Err(Unsupported::Negation));
        check(
            "They agreed to move the release to 14 March after testing, it is not ready.",
            Err(Unsupported::Word("after".into())),
        );
        check(
            "Raj agreed to move the release to 14 March, the parser is not ready.",
            Err(Unsupported::Speaker("Raj".into())),
        );
        check("Could they ship the old parser on Friday?", Err(Unsupported::NoStatement));
        check("They could ship the old parser on Monday.", Err(Unsupported::Number("monday".into())));
        check("They ship the old parser on Friday now.", Err(Unsupported::Certainty("?".into())));
        check("They decided to ship the old parser on Friday.", Err(Unsupported::Word("decid".into())));
        check("They will ship the old parser on Friday.", Err(Unsupported::Certainty("will".into())));
        check("The thread is about the release and the parser.", Err(Unsupported::AboutTheText));
        check("The parser moves the release because 14 March is not ready.", Err(Unsupported::Order));
        check(
            "We move the release to 14 March, so we ship the old parser on Friday.",
            Err(Unsupported::Number("friday".into())),
        );
        check("It is fine.", Err(Unsupported::Length(3)));
        check("They agreed to \"move the release to 14 March.", Err(Unsupported::NoStatement));
        check(
            "The Parsers agreed to move the release to 14 March because it is not ready.",
            Err(Unsupported::Word("parsers".into())),
        );
    }

    #[track_caller]
    fn against(quote: &str, sentence: &str, wanted: Result<usize, Unsupported>) {
        let quotes = [Quote { speaker: Some("Raj"), text: quote }];
        assert_eq!(borne_out(sentence, &quotes, &NAMES), wanted, "{sentence}");
    }

    #[test]
    fn what_turns_a_statement_around_may_not_be_left_out() {
        let scope = "Proposed resolution: It is out of scope to test the resolution protocols of other groups.";
        against(scope, "Raj proposed to test the resolution protocols of other groups.", Err(Unsupported::Negation));
        against(scope, "It is out of scope to test the resolution protocols of other groups.", Ok(0));
        let condition = "If the vendor agrees, we will ship the parser on Friday.";
        against(condition, "They will ship the parser on Friday.", Err(Unsupported::Certainty("if".into())));
        against(condition, "If the vendor agrees, they will ship the parser on Friday.", Ok(0));
        against("We will ship the parser on Friday, unless it rains.", "They will ship the parser on Friday.", Ok(0));
    }

    #[test]
    fn who_is_spoken_to_is_not_the_one_who_speaks() {
        let asked = "Ana, could you please send the list of open tickets by Friday?";
        let wrong = Err(Unsupported::Speaker("Ana Lima".into()));
        against(asked, "Ana asked if they could send the list of open tickets by Friday.", wrong);
        against(asked, "Raj asked if Ana could send the list of open tickets by Friday.", Ok(0));
    }

    #[test]
    fn a_name_with_its_surname_first_is_a_name() {
        let quotes = [Quote { speaker: Some("Raj"), text: "The release moves to March, since the parser is late." }];
        let says = |who: &str| {
            borne_out(&format!("{who} said the release moves to March."), &quotes, &["Kay, Michael", "Raj"])
        };
        assert_eq!(says("Kay"), Err(Unsupported::Speaker("Kay, Michael".into())));
        assert_eq!(says("Raj"), Ok(0));
    }

    #[test]
    fn who_speaks_of_themselves_is_named() {
        let own = "The vendors are slow, so I have asked for a change of the contract.";
        against(
            own,
            "The vendors are slow, so they have asked for a change of the contract.",
            Err(Unsupported::Speaker("i".into())),
        );
        against(own, "Raj said the vendors are slow, so Raj has asked for a change of the contract.", Ok(0));
        against(
            "We asked for a change of the contract.",
            "We asked for a change of the contract.",
            Err(Unsupported::Speaker("we".into())),
        );
        against(
            "We asked for a change of the contract.",
            "Raj asked for a change of the contract.",
            Err(Unsupported::Speaker("we".into())),
        );
        against("We asked for a change of the contract.", "They asked for a change of the contract.", Ok(0));
    }

    #[test]
    fn links_and_literals_stand_as_they_were_written() {
        let link = "The list is at http://example.org/TR and has both drafts and standards.";
        against(
            link,
            "The list is at http://example.org and has drafts.",
            Err(Unsupported::Literal("http://example.org".into())),
        );
        against(link, "The list is at http://example.org/TR and has both drafts and standards.", Ok(0));
        let marks = "The operator \"**\" is no part of the path language.";
        against(marks, "The operator \"\" is no part of the path language.", Err(Unsupported::Literal(String::new())));
        against(marks, "The operator \"**\" is no part of the path language.", Ok(0));
    }
}
