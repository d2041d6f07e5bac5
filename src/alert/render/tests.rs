//! What notices say, golden, and what nobody can make them say.

use proptest::prelude::*;

use super::{MOST_ITEMS, SUBJECT_CHARS, render, sample};
use crate::domain::{
    notice::{Envelope, Stage},
    obligation::{How, ObligationKind},
    plain,
};

#[test]
fn each_stage_reads_right() {
    for stage in Stage::ALL {
        let rendered = render(&sample::envelope(stage));
        insta::assert_snapshot!(stage.as_str(), format!("Subject: {}\n\n{}", rendered.subject, rendered.text));
    }
}

#[test]
fn a_digest_an_outage_and_a_test_read_right() {
    let test = Envelope::test("team-chat", sample::at("2026-11-16T08:00:00Z"));
    for envelope in [sample::digest(), sample::outage(), test] {
        let rendered = render(&envelope);
        insta::assert_snapshot!(envelope.topic.as_str(), format!("Subject: {}\n\n{}", rendered.subject, rendered.text));
    }
}

#[test]
fn the_page_reads_right() {
    insta::assert_snapshot!("page", render(&sample::envelope(Stage::Breached)).html);
}

/// Every kind's sentences, with and without names.
#[test]
fn every_kind_has_its_words() {
    let mut lines = Vec::new();
    for kind in ObligationKind::ALL {
        for (by, to) in [(vec!["Ben"], vec!["Ana"]), (vec![], vec!["Ana", "Cleo"]), (vec!["Ben"], vec![])] {
            let mut envelope = sample::envelope(Stage::AtRisk);
            let obligation = &mut envelope.told[0].obligation;
            obligation.kind = kind;
            obligation.owed_by = by.into_iter().map(str::to_owned).collect();
            obligation.owed_to = to.into_iter().map(str::to_owned).collect();
            let notice = super::notice(&envelope);
            lines.push(format!("{}\n  {}", notice.subject, notice.items[0].lead));
        }
    }
    for how in [How::Met, How::Withdrawn, How::Superseded, How::Waived] {
        let mut envelope = sample::envelope(Stage::Closed);
        let closed = envelope.told[0].obligation.closed.as_mut().unwrap();
        (closed.how, closed.at) = (how, sample::at("2026-11-16T12:00:00Z"));
        let notice = super::notice(&envelope);
        lines.push(format!("{}\n  {}", notice.subject, notice.items[0].due));
    }
    insta::assert_snapshot!("kinds", lines.join("\n"));
}

#[test]
fn the_same_envelope_is_told_in_the_same_words() {
    for envelope in [sample::envelope(Stage::AtRisk), sample::digest(), sample::outage()] {
        assert_eq!(render(&envelope), render(&envelope));
    }
}

#[test]
fn a_digest_counts_what_it_does_not_spell_out() {
    let mut envelope = sample::digest();
    envelope.told = (0..MOST_ITEMS + 3).map(|_| sample::told(Stage::Breached)).collect();
    let rendered = render(&envelope);
    assert_eq!(rendered.subject, format!("{} matters: {} past due", MOST_ITEMS + 3, MOST_ITEMS + 3));
    assert!(rendered.text.contains("\n3 more; `bluf alerts` lists them.") && rendered.html.contains("<p>3 more;"));
    envelope.told.clear();
    assert_eq!(render(&envelope).subject, "Nothing is open");
}

#[test]
fn a_command_is_one_command_whatever_ids_hold() {
    let mut envelope = sample::envelope(Stage::AtRisk);
    envelope.told[0].obligation.id = "a'; reboot #".to_owned();
    envelope.told[0].thread.key = "-n".to_owned();
    let text = render(&envelope).text;
    assert!(text.contains(r"bluf ack 'a'\''; reboot #'  (") && text.contains("bluf show '-n'\n"), "{text}");
}

#[test]
fn an_address_that_is_no_link_is_not_shown() {
    let mut envelope = sample::envelope(Stage::AtRisk);
    envelope.told[0].thread.url = Some("javascript:alert(1)".to_owned());
    envelope.told[0].page = Some("https://a.example/\"><script>".to_owned());
    let rendered = render(&envelope);
    assert!(!rendered.html.contains("href") && !rendered.text.contains("://"), "{}", rendered.text);
}

/// The tags of a page, in order.
fn tags(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest).to_owned()).collect()
}

proptest! {
    #[test]
    fn words_stay_words(words in sample::hostile()) {
        let (calm, found) = (render(&sample::saying("x calm y")), render(&sample::saying(&words)));
        prop_assert_eq!(tags(&found.html), tags(&calm.html));
        prop_assert_eq!(found.text.lines().count(), calm.text.lines().count(), "{}", found.text);
        for text in [&found.text, &found.html] {
            prop_assert!(!text.chars().any(|c| plain::hides(c) || c.is_control() && c != '\n'), "{text:?}");
        }
        let is_no_line = |c: char| plain::hides(c) || c.is_control() || "\u{2028}\u{2029}".contains(c);
        prop_assert!(!found.subject.chars().any(is_no_line), "{:?}", found.subject);
        prop_assert!(found.subject.chars().count() <= SUBJECT_CHARS);
        // 719 * 853: too long for the letters that are drawn at random to come upon it.
        prop_assert!(!found.text.contains("613307"), "a template ran: {}", found.text);
    }
}
