//! What may be shown of a wording, and what may not, sentence by sentence.

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

#[test]
fn what_breaks_off_or_begins_anew_is_no_sentence() {
    let open = "We can expect that the parser will be ready because the";
    against(open, "Raj said they can expect that the parser will be ready because the.", Err(Unsupported::NoStatement));
    against(open, "Raj said they can expect that the parser will be ready.", Ok(0));
    let twice = "Thinking this through, I doubt that the parser ships.";
    against(
        twice,
        "Thinking this through, Raj said thinking this through, they doubt that the parser ships.",
        Err(Unsupported::Repeated("thinking this through".into())),
    );
    let own = "The old parser reads the old parser and writes the old parser.";
    against(own, "The old parser reads the old parser and writes the old parser.", Ok(0));
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
fn who_was_asked_is_not_who_reads() {
    let asked = "Could I ask what you see as the main cause of your delays?";
    against(asked, "Raj asked what you see as the main cause of the delays.", Err(Unsupported::Speaker("you".into())));
    against(asked, "Raj asked what they see as the main cause of their delays.", Ok(0));
    against("The parser lets you return a list of errors.", "The parser lets you return a list of errors.", Ok(0));
}

#[test]
fn a_name_with_its_surname_first_is_a_name() {
    let quotes = [Quote { speaker: Some("Raj"), text: "The release moves to March, since the parser is late." }];
    let says =
        |who: &str| borne_out(&format!("{who} said the release moves to March."), &quotes, &["Kay, Michael", "Raj"]);
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
fn a_question_may_be_reported_with_whether() {
    let asked = "Could we ship the old parser on Friday?";
    against(asked, "Raj asked whether they could ship the old parser on Friday.", Ok(0));
    let word = || Err(Unsupported::Word("whether".into()));
    against(asked, "They could ship whether the old parser on Friday.", word());
    against("Please check if the old parser ships.", "They check whether the old parser ships.", Ok(0));
    against("If the vendor agrees, the old parser ships.", "The old parser ships whether the vendor agrees.", word());
    // A question about a question is no answer to it.
    let whether = "Do they know whether the old parser ships?";
    against(whether, "They do know whether the old parser ships.", Err(Unsupported::Certainty("?".into())));
}

#[test]
fn nobody_asked_what_was_stated() {
    let asked = || Err(Unsupported::Certainty("asked".into()));
    against("The old parser ships on Friday.", "Raj asked if the old parser ships on Friday.", asked());
    against("I wonder if the old parser ships on Friday.", "Raj asked if the old parser ships on Friday.", Ok(0));
    against("Can you ship the old parser on Friday.", "Raj asked if they can ship the old parser on Friday.", Ok(0));
}

#[test]
fn cannot_stands_for_its_other_forms_and_for_no_other_denial() {
    for quote in ["We can't ship the old parser.", "We can not ship the old parser.", "We cannot ship the old parser."]
    {
        against(quote, "They cannot ship the old parser.", Ok(0));
        against(quote, "They can't ship the old parser.", Ok(0));
        against(quote, "They can ship the old parser.", Err(Unsupported::Negation));
    }
    against("They did not ship the parser.", "They cannot ship the parser.", Err(Unsupported::Word("cannot".into())));
    against("They mustn't ship the old parser.", "They must ship the old parser.", Err(Unsupported::Negation));
}

#[test]
fn another_form_of_a_word_is_no_other_word() {
    against(
        "The limit applies to processes of the export.",
        "The limits apply to every process.",
        Err(Unsupported::Word("everi".into())),
    );
    against("The limit applies to processes of the export.", "The limits apply to the process of the export.", Ok(0));
    against("The retries are in the old policies.", "The retry is in the old policy.", Ok(0));
    against(
        "The rule applies to the old parser.",
        "The app is in the old parser.",
        Err(Unsupported::Word("app".into())),
    );
}

#[test]
fn a_message_queue_is_no_message() {
    let queue = "The message queue is full, and the export waits for it.";
    against(queue, "The message queue is full.", Ok(0));
    against(queue, "The message is about the full queue.", Err(Unsupported::AboutTheText));
    against("The thread pool is too small.", "The pool is too small for the thread.", Err(Unsupported::AboutTheText));
    against("This discussion moves to the list of the group.", "This discussion moves to the list.", Ok(0));
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
    let team = "Two of the trainees of the team worked on the phones at nine o'clock.";
    against(
        team,
        "Two of the trainees in the s’tated team worked on the phones.",
        Err(Unsupported::Literal("s’tated".into())),
    );
    against(team, "Two of the trainees worked on the phones at nine o'clock.", Ok(0));
}

#[test]
fn words_set_together_are_another_word() {
    let groups = "We fund work in the parser - er -wg and in self service desks.";
    let wrong = Err(Unsupported::Literal("parser-er-desks".into()));
    against(groups, "They fund work in the parser-er-desks and self service desks.", wrong);
    against(groups, "They fund work in the parser-er-wg and in self-service desks.", Ok(0));
}

#[test]
fn a_link_or_a_tag_amid_a_sentence_may_not_be_left_out() {
    let url = "The group will use https://example.org/v1 as the address of its contexts (https://example.org).";
    let wrong = |what: &str| Err(Unsupported::Literal(what.into()));
    against(url, "The group will use as the address of its contexts.", wrong("https://example.org/v1"));
    against(url, "The group will use https://example.org/v1 as the address of its contexts.", Ok(0));
    let marked = "The group will use [https://example.org/v1](https://example.org/v1) as the [address](https://example.org) of its contexts.";
    against(marked, "The group will use as the address of its contexts.", wrong("https://example.org/v1"));
    against("See [the plan](https://example.org) of the release.", "See the plan of the release.", Ok(0));
    let tag = "Add a note about characters and `</script>` and remove the text on encodings, see https://example.org.";
    against(tag, "Raj said to add a note about characters and remove the text on encodings.", wrong("</script>"));
    against(tag, "Raj said to add a note about characters.", Ok(0));
}

#[test]
fn a_reported_question_keeps_its_verb() {
    let lost = || Err(Unsupported::NoStatement);
    let asked = "What is the problem with the parser using commas?";
    against(asked, "Raj asked what the problem with the parser using commas.", lost());
    against(asked, "Raj asked what the problem is with the parser using commas.", Ok(0));
    against("And changing the parser of the release?", "Raj asked if changing the parser of the release.", lost());
    against("Do we need the old parser at all?", "Raj asked if they need the old parser.", Ok(0));
}
