"""`python test_checks.py`: `checks.py` answers as `src/summarize/ground.rs` does, by examples written for this file."""

from checks import borne_out, content_stems, words
from reword import reword

QUOTES = [
    ("Ana Lima", "We agreed to move the release to 14 March because the parser is not ready."),
    ("Raj", "Maybe we could ship the old parser on Friday?"),
]
NAMES = ["Ana Lima", "Raj", "Release plan"]
# The left column is in the tests of ground.rs, with the same answers.
GROUND = [
    ("They agreed to move the release to 14 March, the parser is not ready.", None),
    ("Ana said the release moves to 14 March because the parser is not ready.", None),
    ("They agreed to move the release to 15 March, the parser is not ready.", "number 15"),
    ("They agreed to move the release to 14 March, the parser is ready.", "negation"),
    ("They agreed to move the release to 14 March after testing, it is not ready.", "word after"),
    ("Raj agreed to move the release to 14 March, the parser is not ready.", "speaker Raj"),
    ("Could they ship the old parser on Friday?", "no statement"),
    ("They could ship the old parser on Monday.", "number monday"),
    ("They ship the old parser on Friday now.", "certainty ?"),
    ("They decided to ship the old parser on Friday.", "word decid"),
    ("They will ship the old parser on Friday.", "certainty will"),
    ("The thread is about the release and the parser.", "about the text"),
    ("The parser moves the release because 14 March is not ready.", "order"),
    ("We move the release to 14 March, so we ship the old parser on Friday.", "number friday"),
    ("It is fine.", "length 3"),
    ("The Parsers agreed to move the release to 14 March because it is not ready.", "word parsers"),
]
WORDED = [
    ("So, I think we should drop the old importer.", "Tom", "Tom thinks they should drop the old importer."),
    ("Do we need the cache?", "Tom", "Tom asked if they need the cache."),
    ("I'll send the logs on Monday.", "Ana Lima", "Ana Lima will send the logs on Monday."),
    ("Let's keep the old format for now.", "Wei", "Wei said they should keep the old format for now."),
    ("We decided to keep the old format.", "Wei", "They decided to keep the old format."),
    ("Please restart the build server tonight.", "Wei", "Wei asked them to restart the build server tonight."),
    ("Proposed resolution: close issue 12 +1", "Wei", "Wei proposed to close issue 12."),
    ("You can see it over there.", "Wei", None),
]


def main():
    for sentence, wanted in GROUND:
        assert borne_out(sentence, QUOTES, NAMES) == wanted, (sentence, borne_out(sentence, QUOTES, NAMES))
    assert content_stems("They decided") == content_stems("he decides")
    assert content_stems("shipping on Friday") == ["shipp", "friday"]
    assert words("Don't say 'no', it’s v1.2") == ["dont", "say", "no", "its", "v1", "2"]
    for note, speaker, wanted in WORDED:
        assert reword(note, speaker) == wanted, (note, reword(note, speaker))
    print(len(GROUND) + len(WORDED), "examples agree")


if __name__ == "__main__":
    main()
