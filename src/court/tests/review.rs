//! Whose turn it is in a review.

use super::*;

#[test]
fn whose_turn_it_is_in_a_review() {
    let turn = |lines: &[(&str, &str)]| {
        let lines: Vec<_> = lines.iter().map(|(who, text)| (*who, Other, *text)).collect();
        let (thread, acts) = thread(Kind::Review, &lines);
        let ruling = ruling(&thread, &acts, at("2026-11-17T09:00Z"));
        let kind = ruling.open().next().map(|debt| debt.kind);
        (kind, ruling.waiting_on)
    };
    let none: Vec<String> = Vec::new();
    let author = vec!["ana".to_string()];
    let opened = ("ana", "# Count bytes, not characters");
    assert_eq!(turn(&[opened]), (Some(Review), none.clone()));
    assert_eq!(turn(&[opened, ("bo", "[inline review] This wants a test.")]), (Some(Reply), author.clone()));
    assert_eq!(turn(&[opened, ("bo", "Needs a test, please."), ("Ana A.", "[event] commit: test")]).0, Some(Review));
    assert_eq!(turn(&[opened, ("bo", "[review: approved] ACK 1234")]).0, None);
    assert_eq!(turn(&[opened, ("bo", "Looks good, but please squash.")]), (Some(Reply), author.clone()));
    assert_eq!(turn(&[opened, ("bo", "@cy what do you think?")]).0, Some(Review));
    assert_eq!(turn(&[opened, ("bo", "I'll take another look tomorrow.")]).0, Some(Review));
    assert_eq!(turn(&[opened, ("bo", "Looks good; nit: could be shorter?")]).0, None);
    assert_eq!(turn(&[opened, ("bo", "[event] merged"), ("cyd", "Could this go into the notes?")]).0, None);
    assert_eq!(turn(&[opened, ("bo", "ACK 515e7953ca, I had doubts about the tests, but they hold.")]).0, None);
    // Who only thanks, ends it, has done it, or calls for others, leaves the author nothing to do.
    for text in [
        "Thanks for adding the test.",
        "It does not do what its title says, so I am going to close this.",
        "[inline review] I missed that! I'm going to look at the update again.",
        "I took the liberty to apply the changes.",
        "Both could use some more reviewers.",
        "cc: @cyd for review",
        "Would it help if @ana was named here too? @cyd",
        "Concept ACK",
    ] {
        let (kind, by) = turn(&[opened, ("bo", text)]);
        assert!(kind != Some(Reply) && !by.contains(&"ana".to_string()), "{text}");
    }
    assert_eq!(turn(&[opened, ("bo", "cc: @cyd for review")]).1, ["cyd"]);
    for text in ["I can merge this once the test is there.", "Thanks! Could you add a test?", "Nearly; needs a rebase"]
    {
        assert_eq!(turn(&[opened, ("bo", text)]).0, Some(Reply), "{text}");
    }
    let approved = ("bo", "[review: approved] ACK 1234");
    assert_eq!(turn(&[opened, approved, ("cyd", "It compiles here as well.")]).0, None);
    assert_eq!(turn(&[opened, approved, ("cyd", "The build is broken by it.")]).0, Some(Reply));
    // Reviewers among themselves: by name, and by whose words are quoted.
    let asks = ("bo", "Should the limit be a setting of the server?");
    assert_eq!(turn(&[opened, ("cyd", "I'll look."), ("bo", "cyd, should we wait for the release?")]).0, Some(Review));
    let quotes = ("cyd", "> Should the limit be a setting of the server?\nNo, why should it?");
    assert_eq!(turn(&[opened, ("bo", "@cyd should the limit be a setting of the server?"), quotes]).0, Some(Review));
    assert_eq!(turn(&[opened, asks]).0, Some(Reply));
    assert_eq!(
        turn(&[opened, ("ana", "[event] convert to draft"), ("ana", "[event] commit: more")]),
        (Some(Reply), author)
    );
}

#[test]
fn a_review_is_owed_by_whoever_is_asked_while_it_waits() {
    let (mut thread, acts) = thread(Kind::Review, &[("ana", Other, "# Count bytes, not characters")]);
    let opened = thread.messages[0].sent_at;
    let asked = |who: &str| Event {
        at: opened,
        kind: "review_requested".to_string(),
        actor: Some("ana".to_string()),
        subject: Some(who.to_string()),
    };
    thread.events = vec![asked("bo"), asked("cy")];
    let ruling = ruling(&thread, &acts, at("2026-11-17T09:00Z"));
    let owed: Vec<_> = ruling.open().map(|debt| (debt.kind, debt.owed_by.join(" "))).collect();
    assert_eq!(owed, [(Review, "bo cy".to_string())]);
}
