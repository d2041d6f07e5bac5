//! Every reader against bytes that nobody meant to be read: random, mutated, cut, huge.

use std::time::{Duration, Instant};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{Format, Reading, detect, reading};

/// One small valid sample a format; the mutations start from these.
const SAMPLES: [(Format, &[u8]); 10] = [
    (Format::Jsonl, include_bytes!("../../../tests/fixtures/source/jsonl/threads.jsonl")),
    (Format::GithubJson, include_bytes!("../../../tests/fixtures/source/github-json/pull.json")),
    (Format::GithubJson, include_bytes!("../../../tests/fixtures/source/github-json/archive.json")),
    (Format::Vtt, include_bytes!("../../../tests/fixtures/source/vtt/call.vtt")),
    (Format::Srt, include_bytes!("../../../tests/fixtures/source/srt/call.srt")),
    (Format::Otter, include_bytes!("../../../tests/fixtures/source/otter/standup.txt")),
    (Format::ZoomChat, include_bytes!("../../../tests/fixtures/source/zoom-chat/chat.txt")),
    (Format::Markdown, include_bytes!("../../../tests/fixtures/source/markdown/plan.md")),
    (Format::Rst, include_bytes!("../../../tests/fixtures/source/rst/proposal.rst")),
    (Format::Irc, include_bytes!("../../../tests/fixtures/source/irc/log.txt")),
];
/// No reader may take longer for the sizes below; the slowest takes a small part of it.
const LONGEST: Duration = Duration::from_secs(20);

fn read_as(format: Format, bytes: &[u8]) -> Option<Reading> {
    reading(bytes, "sample", format).ok()
}

/// Ids are known, texts are whole, and nothing was lost without a word.
#[track_caller]
fn sound(reading: &Reading) {
    assert!(!reading.threads.is_empty() || !reading.faults.is_empty(), "nothing read and nothing said");
    for thread in &reading.threads {
        assert!(thread.messages.iter().all(|m| !m.id.is_empty()));
        thread.participants.iter().for_each(|p| assert!(!p.is_empty()));
    }
}

#[test]
fn every_sample_is_detected_and_read_without_a_fault() {
    for (format, bytes) in SAMPLES {
        assert_eq!(detect::format(bytes, "-").unwrap(), format);
        let reading = read_as(format, bytes).unwrap();
        sound(&reading);
        assert!(!reading.threads.is_empty());
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 1..600)) {
        for format in Format::ALL {
            drop(read_as(format, &bytes));
        }
        drop(detect::format(&bytes, "x"));
    }

    #[test]
    fn mutated_samples_never_panic(
        at in any::<Index>(),
        edits in vec((any::<Index>(), any::<u8>()), 1..12),
        cut in any::<Index>(),
    ) {
        let (format, sample) = SAMPLES[at.index(SAMPLES.len())];
        let mut bytes = sample.to_vec();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        drop(read_as(format, &bytes));
        bytes.truncate(cut.index(bytes.len()));
        drop(read_as(format, &bytes));
        drop(detect::format(&bytes, "x"));
    }

    #[test]
    fn structured_noise_never_panics(text in "([{}\\[\\]\":,<>&|#*=\\-\\n\\r\\t 0-9a-zé😀@!.]|-->|\\{\"messages\":\\[|00:01)*") {
        for format in Format::ALL {
            drop(read_as(format, text.as_bytes()));
        }
    }
}

#[test]
fn a_line_of_a_million_characters_is_read_in_time() {
    for filler in ["a", "é ", "<", "&", "{", "[", "#", "`", "* ", "> ", "<v ", "00:01 ", "\"", ": ", "--> "] {
        let text = filler.repeat(1_000_000 / filler.len());
        for format in Format::ALL {
            let began = Instant::now();
            drop(read_as(format, text.as_bytes()));
            assert!(began.elapsed() < LONGEST, "{format} on {filler:?}: {:?}", began.elapsed());
        }
    }
}

#[test]
fn fifty_thousand_messages_of_one_thread_are_all_read() {
    let count = 50_000;
    let of = |unit: fn(usize) -> String| (0..count).map(unit).collect::<String>();
    let cases = [
        (
            Format::Jsonl,
            format!("{{\"messages\":[{}{{\"text\":\"end\"}}]}}", of(|n| format!("{{\"text\":\"m {n}\"}},"))),
            count + 1,
        ),
        (Format::Irc, of(|n| format!("[{:02}:{:02}] <ana> m {n}\n", n / 60 % 24, n % 60)), count),
        (Format::ZoomChat, of(|n| format!("{:02}:{:02}:{:02}\tAna:\tm {n}\r\n", n / 3600, n / 60 % 60, n % 60)), count),
        (
            Format::Vtt,
            format!(
                "WEBVTT\n\n{}",
                of(|n| format!(
                    "{:02}:{:02}:{:02}.000 --> {:02}:{:02}:{:02}.500\nAna: M {n}.\n\n",
                    n / 3600,
                    n / 60 % 60,
                    n % 60,
                    n / 3600,
                    n / 60 % 60,
                    n % 60
                ))
            ),
            count,
        ),
        (Format::Markdown, of(|n| format!("# H {n}\n\nwords\n\n")), count),
        (Format::Rst, of(|n| format!("H {n}\n=======\n\nwords\n\n")), count),
        (Format::Text, of(|n| format!("{}: m {n}\n", ["Ana", "Ben"][n % 2])), count),
    ];
    for (format, text, expected) in cases {
        let began = Instant::now();
        let reading = read_as(format, text.as_bytes()).unwrap();
        assert_eq!(reading.threads.iter().map(|t| t.messages.len()).sum::<usize>(), expected, "{format}");
        assert!(began.elapsed() < LONGEST, "{format}: {:?}", began.elapsed());
    }
}
