//! Replies, signatures and footers of many clients, and what must never be cut away.

use proptest::prelude::*;

use super::{Kind, Why, apart, own};

/// The author's words, each run on a line of its own, must be `kept`.
#[track_caller]
fn check(kind: Kind, text: &str, kept: &str) {
    let words: Vec<&str> = own(text, kind).into_iter().map(|r| text[r].trim()).collect();
    assert_eq!(words.join("\n"), kept, "{:?}", apart(text, kind));
}

#[track_caller]
fn mail(text: &str, kept: &str) {
    check(Kind::Email, text, kept);
}

#[test]
fn answers_between_quotes_stay() {
    mail(
        "On Mon, 3 Mar 2025 at 10:00, Ann Lee <ann@ex.org> wrote:\n> Ship?\n\nYes.\n\n> And docs?\n\nFriday.\n",
        "Yes.\nFriday.",
    );
    mail("> one\nNo.\n> two\n>> deeper\nMaybe.", "No.\nMaybe.");
    mail("Ann Lee joked:\n> late?\n[snip]\n> no?\nYes.", "Yes.");
    mail("Ann Lee wrote:\n| late?\n| no?\nYes.\n\n| a | table |", "Yes.\n\n| a | table |");
    mail("sql> select 1;\nsql> select 2;", "sql> select 1;\nsql> select 2;");
    mail("AL> is it late?\nAL> or not?\n\nIt is late.", "It is late.");
}

#[test]
fn a_quoted_line_that_lost_its_mark_is_known_by_the_sentence_that_goes_on() {
    mail("> The pump is old.\nWhat is wrong with the valve that\n>we had before?\nNothing is.", "Nothing is.");
    // What ends, or is short, or has no sentence below it, may be an answer.
    mail("> The pump is old.\nThe valve is still the one we had.\n>and so on", "The valve is still the one we had.");
    mail("> The pump is old.\nyes but\n>we had another", "yes but");
    mail("> The pump is old.\nThe valve is older and leaks\n> Is it?", "The valve is older and leaks");
}

#[test]
fn a_line_between_quoted_ones_is_in_doubt() {
    let hemmed = |text: &str| {
        let at = text.find("The valve").expect("it is there");
        let end = at + text[at..].find('.').expect("it ends");
        super::is_hemmed_in(text, &(at..end + 1))
    };
    assert!(hemmed("> The pump is old.\nThe valve leaks.\n>\n> We wait.\n"));
    assert!(!hemmed("> The pump is old.\n\nThe valve leaks.\n\n> We wait.\n"), "set apart by blank lines");
    assert!(!hemmed("> What is it?\nThe valve leaks.\n> We wait.\n"), "it answers");
    assert!(!hemmed("> The pump is old.\nThe valve leaks.\nWe see it.\n> We wait.\n"), "it goes on");
    assert!(!hemmed("The valve leaks.\n> We wait.\n") && !hemmed("> We wait.\nThe valve leaks."));
}

#[test]
fn attributions_are_known_wrapped_and_in_other_languages() {
    for head in [
        "On Tue, Sep 2, 2025 at 8:59 AM, Ann Lee\n<ann@ex.org> wrote:",
        "On Sep 2, 2025, at 8:59 AM, Ann Lee via\nSome List\n<list@ex.org>\nwrote:",
        "Am 02.09.2025 um 08:59 schrieb Ann Lee:",
        "Le mar. 2 sept. 2025 à 08:59, Ann Lee <ann@ex.org> a écrit :",
        "El mar, 2 sept 2025 a las 8:59, Ann Lee (<ann@ex.org>) escribió:",
        "Il giorno mar 2 set 2025 Ann Lee ha scritto:",
        "Op di 2 sep 2025 om 08:59 schreef Ann Lee:",
        "02.09.2025, 08:59, \"Ann Lee\" <ann@ex.org>:",
        "2025年9月2日 8:59 Ann Lee <ann@ex.org> 写道：",
        "Ann Lee writes:",
    ] {
        mail(&format!("Agreed.\n\n{head}\n\n> text\n> more\n"), "Agreed.");
    }
}

#[test]
fn a_header_without_marks_quotes_the_rest() {
    mail(
        "Fine by me.\n\n-----Original Message-----\nFrom: Ann\nSent: Monday\nTo: Bo\nSubject: Plan\n\nIs it fine?\n\nAnn",
        "Fine by me.",
    );
    mail("Fine.\n\n*From:* Ann [mailto:ann@ex.org]\n*Sent:* Monday\n*To:* Bo\n*Subject:* Plan\n\nIs it?", "Fine.");
    mail(
        "Ok.\n________________________________\nVon: Ann\nGesendet: Montag\nAn: Bo\nBetreff: Plan\n\nPasst das?",
        "Ok.",
    );
    mail("Ok.\n\nOn 2 Sep 2025, at 8:59, Ann <ann@ex.org> wrote:\n\nIs it fine?", "Ok.");
    mail("See below.\n\nBegin forwarded message:\n\nFrom: Ann\nDate: Monday\nSubject: Plan\n\nHello", "See below.");
    mail("Before we start, Ann wrote:\n\nhello there", "Before we start, Ann wrote:\n\nhello there");
}

#[test]
fn two_fields_and_an_address_stand_over_a_forward() {
    mail(
        "We should answer this.\n\nSubject: Plan\nFrom: Ann Lee <ann@example.org>\nThe plan is kept.",
        "We should answer this.",
    );
    let own = "Two things are open.\nFrom: the depot\nTo: the office";
    mail(own, own);
}

#[test]
fn a_forward_with_nothing_added_is_still_read() {
    mail(
        "---------- Forwarded message ----------\nFrom: Ann\nDate: Monday\nSubject: Plan\n\nWe ship on Friday.",
        "We ship on Friday.",
    );
}

#[test]
fn signatures_go_and_names_in_prose_stay() {
    mail("Looks good.\n\n-- \nAnn Lee\nExample Ltd", "Looks good.");
    mail("Looks good.\n\nSent from my Foophone", "Looks good.");
    mail("Looks good.\n\nBest regards,\nAnn Lee\nExample Ltd\n+44 20 0000", "Looks good.");
    mail("Looks good.\n\n-Ann Lee", "Looks good.");
    mail("Can you review it?\n\nThanks,\nAnn", "Can you review it?\n\nThanks,");
    mail("Sent from my desk, it is easier than the phone.", "Sent from my desk, it is easier than the phone.");
    mail("The fix -- for now -- is a restart.\n\nDone", "The fix -- for now -- is a restart.\n\nDone");
    mail("To do:\n- Ann\n- Bo", "To do:\n- Ann\n- Bo");
    mail("-- \nAnn", "-- \nAnn");
}

#[test]
fn footers_go_and_headings_stay() {
    let list = "_______________________________________________\ntools mailing list\ntools@lists.ex.org\nhttps://lists.ex.org/tools";
    mail(&format!("Hello.\n\n{list}\n"), "Hello.");
    mail(&format!("Hello.\n\n-- \nAnn\n\n{list}\n\n{list}\n"), "Hello.");
    mail("Hello.\n\nTo unsubscribe, visit https://lists.ex.org/tools\n", "Hello.");
    mail("How do I unsubscribe from this list?", "How do I unsubscribe from this list?");
    mail("==========\nSummary\n==========\n\nWe ship.", "==========\nSummary\n==========\n\nWe ship.");
    mail(
        "Ok.\n\nThis e-mail is confidential and for the intended recipient only. If you have received it in error, please delete it and notify the sender.",
        "Ok.",
    );
}

#[test]
fn armour_and_patches_are_not_prose() {
    mail(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nYes.\n-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n",
        "Yes.",
    );
    mail("Fix it.\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n2.43\n", "Fix it.");
}

#[test]
fn a_message_is_never_set_apart_by_a_guess() {
    mail("Best regards,\nAnn", "Best regards,\nAnn");
    mail("> only a quote", "");
    check(Kind::Chat, "```\npanic at 7\n```", "```\npanic at 7\n```");
    check(Kind::Chat, "> only a quote", "");
}

#[test]
fn markdown_quotes_code_and_comments_go() {
    check(Kind::Issue, "> is it?\n\nIt is.\n\n```rust\nfn x() {}\n```\nDone.", "It is.\nDone.");
    check(Kind::Chat, "see ```x = 1``` there", "see\nthere");
    check(Kind::Review, "a <!-- template\nnotes --> b", "a\nb");
    check(
        Kind::Issue,
        "Yes.\n\nOn Mon, 3 Mar 2025 Ann wrote:\n\n> well?\n\n—\nReply to this email directly, view it on Example",
        "Yes.",
    );
    check(Kind::Transcript, "> not a quote\n-- \n```", "> not a quote\n-- \n```");
}

#[test]
fn hidden_characters_are_set_apart_in_every_kind() {
    for kind in [Kind::Email, Kind::Chat, Kind::Transcript] {
        let parts = apart("pay\u{200B} now", kind);
        assert_eq!((parts.len(), parts[0].why), (1, Why::Hidden));
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("> quoted"),
        Just("On 1 May 2025, Ann <a@ex.org> wrote:"),
        Just("-- "),
        Just("--"),
        Just("Regards,"),
        Just("Ann"),
        Just(""),
        Just("```"),
        Just("<!-- x"),
        Just("-->"),
        Just("_______________"),
        Just("https://ex.org/list"),
        Just("From: Ann"),
        Just("To: Bo"),
        Just("Subject: x"),
        Just("é\u{200B}ü"),
        Just("-----BEGIN PGP SIGNATURE-----"),
        Just("-----END PGP SIGNATURE-----"),
        Just("\r"),
        Just("To unsubscribe: https://ex.org"),
        Just("diff --git a b"),
        Just("+x"),
        Just("Sent from my phone"),
        Just("a sentence."),
    ];
    prop::collection::vec(line, 0..25).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn parts_are_ordered_disjoint_and_cover(text in prop_oneof![pieces(), any::<String>()], kind in 0usize..6) {
        let kind = [Kind::Chat, Kind::Email, Kind::Issue, Kind::Review, Kind::Document, Kind::Transcript][kind];
        let parts = apart(&text, kind);
        let mut all: Vec<_> = parts.iter().map(|p| p.range.clone()).collect();
        prop_assert!(all.iter().all(|r| r.start < r.end && text.get(r.clone()).is_some()));
        prop_assert!(all.windows(2).all(|w| w[0].end <= w[1].start));
        all.extend(own(&text, kind));
        all.sort_by_key(|r| r.start);
        let mut at = 0;
        for range in all {
            prop_assert!(range.start >= at && text[at..range.start].trim().is_empty());
            at = range.end;
        }
        prop_assert!(text[at..].trim().is_empty());
    }
}
