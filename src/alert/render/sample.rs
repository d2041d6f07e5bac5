//! Envelopes for the tests of what is told and of where it goes: a question of Ana's to Ben, and hostile words in its place.

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::domain::{
    Kind,
    notice::{Envelope, SourceDown, Stage, ThreadLine, Told, Topic},
    obligation::{Closed, Evidence, Health, How, Metric, Obligation, ObligationKind},
};

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// Ana's question, due at 15:00 in Paris.
pub fn told(stage: Stage) -> Told {
    let words = |message: &str, quote: &str| Evidence::Words {
        message: message.to_owned(),
        start: 4,
        end: 4 + quote.len(),
        quote: quote.to_owned(),
    };
    let closed = Closed {
        at: at("2026-11-16T15:10:00Z"),
        how: How::Met,
        by: words("m7", "Yes, three retries, then the queue."),
    };
    Told {
        obligation: Obligation {
            id: "ob-4f1c".to_owned(),
            thread: "C1/1763283600.000100".to_owned(),
            kind: ObligationKind::Reply,
            metric: Metric::FirstResponse,
            owed_by: vec!["Ben Okoro".to_owned()],
            owed_to: vec!["Ana Ruiz".to_owned()],
            opened_at: at("2026-11-16T09:00:00Z"),
            opened_by: words("m1", "Ben, can you confirm the retry budget\nbefore we ship?"),
            first_opened_at: None,
            stated_due: None,
            closed: (stage == Stage::Closed).then_some(closed),
        },
        stage,
        health: match stage {
            Stage::AtRisk => Health::AtRisk,
            Stage::Breached | Stage::Escalated => Health::Breached,
            Stage::Closed => Health::Missed,
        },
        due_at: Some(at("2026-11-16T14:00:00Z")),
        warn_at: Some(at("2026-11-16T13:00:00Z")),
        policy: Some("chat".to_owned()),
        zone: "Europe/Paris".to_owned(),
        thread: ThreadLine {
            key: "k7m2".to_owned(),
            title: "Retry budget for the ingest queue".to_owned(),
            url: Some("https://team.slack.example/archives/C1/p1763283600000100".to_owned()),
            source: "team-chat".to_owned(),
            channel: Some("#platform".to_owned()),
            kind: Kind::Chat,
        },
        said_by: Some("Ana Ruiz".to_owned()),
        said_at: Some(at("2026-11-16T09:00:00Z")),
        ended_by: None,
        page: Some("https://bluf.example/obligations/ob-4f1c".to_owned()),
    }
}

pub fn envelope(stage: Stage) -> Envelope {
    let made_at = match stage {
        Stage::AtRisk => "2026-11-16T13:00:00Z",
        Stage::Breached => "2026-11-16T14:00:30Z",
        Stage::Escalated => "2026-11-17T09:30:00Z",
        Stage::Closed => "2026-11-16T15:10:05Z",
    };
    Envelope {
        id: format!("nt-{}", stage.as_str()),
        topic: stage.topic(),
        made_at: at(made_at),
        group: "k7m2".to_owned(),
        told: vec![told(stage)],
        source: None,
    }
}

/// Three matters: one past due, one due soon and without anybody named, one a promise.
pub fn digest() -> Envelope {
    let mut unowned = told(Stage::AtRisk);
    unowned.obligation.kind = ObligationKind::Decision;
    unowned.obligation.owed_by.clear();
    unowned.obligation.owed_to = ["Ana", "Ben", "Cleo", "Dov", "Eve", "Fay"].map(str::to_owned).to_vec();
    unowned.thread.title.clear();
    unowned.thread.url = None;
    unowned.page = None;
    unowned.due_at = None;
    let mut promised = told(Stage::AtRisk);
    promised.obligation.kind = ObligationKind::Promise;
    promised.obligation.opened_by = Evidence::Event {
        kind: "assigned".to_owned(),
        actor: Some("Cleo".to_owned()),
        subject: Some("Ben Okoro".to_owned()),
        at: at("2026-11-16T09:00:00Z"),
    };
    promised.zone = "Nowhere/Else".to_owned();
    let told = vec![told(Stage::Breached), unowned, promised];
    let made_at = at("2026-11-17T08:00:00Z");
    Envelope {
        id: "nt-digest".to_owned(),
        topic: Topic::Digest,
        made_at,
        group: "digest".to_owned(),
        told,
        source: None,
    }
}

pub fn outage() -> Envelope {
    let source = SourceDown {
        name: "team-chat".to_owned(),
        since: at("2026-11-16T07:40:00Z"),
        why: "GET slack.com/api/auth.test: HTTP 401, the token was refused; renew it".to_owned(),
    };
    Envelope {
        id: "nt-down".to_owned(),
        topic: Topic::SourceDown,
        made_at: at("2026-11-16T08:00:00Z"),
        group: "team-chat".to_owned(),
        told: Vec::new(),
        source: Some(source),
    }
}

/// The envelope where everything that others wrote is `words`.
pub fn saying(words: &str) -> Envelope {
    let mut envelope = envelope(Stage::Closed);
    let told = &mut envelope.told[0];
    told.obligation.owed_by = vec![words.to_owned()];
    told.obligation.owed_to = vec![words.to_owned(), words.to_owned()];
    told.said_by = Some(words.to_owned());
    told.thread.title = words.to_owned();
    told.thread.channel = Some(words.to_owned());
    let quoted = |message: &str| Evidence::Words {
        message: message.to_owned(),
        start: 0,
        end: words.len(),
        quote: words.to_owned(),
    };
    told.obligation.opened_by = quoted("m1");
    if let Some(closed) = &mut told.obligation.closed {
        closed.by = quoted("m7");
    }
    envelope
}

/// Words that try to be something else than words. They begin and end with a letter, so that they are never empty.
pub fn hostile() -> impl Strategy<Value = String> {
    let tricks = [
        "<!channel>",
        "<@U123>",
        "<https://evil.example|here>",
        "</blockquote>",
        "</title><script>alert(1)</script>",
        "\" onmouseover=\"x",
        "' style='x",
        "&lt;b&gt;",
        "&",
        "\r\nBcc: eve@evil.example\r\n\r\n",
        "\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\0",
        "\u{1b}[2J",
        "{{ 719 * 853 }}",
        "{% raw %}",
        "=?utf-8?q?=0AX:_y?=",
        "*",
        "_",
        "~",
        "`",
        "```",
        ">",
        "\\",
        r"\074",
        "$(reboot)",
        "; rm -rf ~",
        "--help",
        "javascript:x",
        "é",
        "👩\u{200d}🔬",
        "a long run of words that goes on and on until whatever it stands in has to be cut somewhere, on and on and on",
    ];
    let piece = prop_oneof![
        select(tricks.to_vec()).prop_map(str::to_owned),
        "\\PC{0,12}",
        any::<char>().prop_map(String::from)
    ];
    vec(piece, 0..8).prop_map(|pieces| format!("x{}y", pieces.concat()))
}
