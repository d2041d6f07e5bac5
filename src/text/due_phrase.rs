//! The words of a sentence that say by when: "by Friday", "EOD", "before the release on the 14th", "in two weeks".

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use crate::pattern::compiled;

const MONTH: &str = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|\
                     oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const WEEKDAY: &str = "(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|\
                       sun(?:day)?)";
const COUNT: &str = "(?:\\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|a few|a couple(?: of)?|\
                     the next(?: few| couple(?: of)?| \\d{1,2}| two| three)?)";
const UNIT: &str =
    "(?:minutes?|mins?|hours?|hrs?|(?:business |working )?days?|weeks?|months?|quarters?|years?|sprints?)";
const PERIOD: &str = "(?:day|week|weekend|month|quarter|sprint|year|iteration|milestone)";
/// What a team counts towards.
const OCCASION: &str = "(?:release|launch|demo|meeting|call|freeze|deadline|review|cut|cut-?off|go-?live|stand-?up|sync|\
                        vote|holidays?|weekend|merge|deploy(?:ment)?|migration|audit|workshop|conference|kick-?off)";

/// A date, a day, a time or a period, as people write them.
static WHEN: LazyLock<String> = LazyLock::new(|| {
    let date = format!(
        r"\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}})?Z?)?|{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\b(?:,? \d{{4}})?|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?|the \d{{1,2}}(?:st|nd|rd|th)"
    );
    let clock = r"\d{1,2}(?::\d{2})? ?(?:[ap]\.?m\b\.?|o'?clock)(?: [A-Z]{2,4}T\b| UTC\b)?|\d{1,2}:\d{2}(?: (?:UTC|GMT|[A-Z]{2,4}T)\b)?|noon|midnight";
    let day = format!(
        "(?:(?:this|next|coming) )?{WEEKDAY}\\b(?: (?:morning|afternoon|evening|night|noon))?|tomorrow(?: (?:morning|afternoon|evening|night|noon))?|tonight|today|this (?:morning|afternoon|evening)"
    );
    let period = format!(
        "(?:the )?(?:very )?(?:end|close) of (?:the |this |next )?(?:{PERIOD}|business|{MONTH}\\b)(?: day)?|(?:early |late |the middle of |mid-?)?(?:next|this) {PERIOD}|EO[DWMQ]\\b|COB\\b|{MONTH}\\b(?: \\d{{4}})?"
    );
    format!("(?:{date}|{day}|{clock}|{period})")
});

/// Words that make whatever follows a limit ("by noon").
static LED: LazyLock<Regex> = LazyLock::new(|| {
    let when = WHEN.as_str();
    let occasion = format!("(?:(?:the|our|your|their|next) )?(?:[\\w.-]+ ){{0,3}}?{OCCASION}\\b");
    compiled(&format!(
        r"(?i)\b(?:(?:by|before|until|till|no later than|not later than|at the latest by|due(?: on| by)?|ahead of|in time for|prior to|deadline(?: is|:)?(?: on)?) (?:{when}(?:,? (?:at |on |by )?{when})*|{occasion}(?: (?:on |at )?{when})*|then|the time)|(?:in|within)(?: the next)? {COUNT} {UNIT}\b(?: time)?)"
    ))
});

/// Words that say when by themselves ("tomorrow", "EOD", "on Friday").
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    let when = WHEN.as_str();
    let days = format!(
        "(?:first thing |sometime |later |early |some time )?(?:on |at |in )?{when}(?:,? (?:at |on )?{when})*|as soon as possible|asap\\b|a\\.s\\.a\\.p\\b|right away|over the (?:weekend|holidays)|at the (?:next|coming) {OCCASION}\\b"
    );
    compiled(&format!(r"(?i)\b(?:{days})"))
});

/// Words that look like a day or a month and are not one where nothing leads them; and a time of day that nothing leads.
static NOT_A_DAY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^(?:(?:on |at |in )?(?:may|mar|march|sat|sun|wed|mon|dec|sep|\d{1,2}/\d{1,2})|\d{1,2}(?::\d{2})? ?(?:[ap]\.?m\.?|o'?clock)(?: [a-z]{3,5})?|\d{1,2}:\d{2}(?: [a-z]{3,5})?|noon|midnight)$",
    )
});

/// The words of `sentence` that say by when, as a byte range of it: the first limit ("by Friday") or else the first
/// time, day or period at all.
pub fn find(sentence: &str) -> Option<Range<usize>> {
    let led = LED.find(sentence).map(|m| m.range());
    led.or_else(|| {
        BARE.find_iter(sentence)
            .find(|m| whole_word(sentence, &m.range()) && !NOT_A_DAY.is_match(m.as_str()))
            .map(|m| m.range())
    })
    .map(|range| trimmed(sentence, range))
}

/// Guards the alternatives that end in a digit or letter without saying so.
fn whole_word(sentence: &str, range: &Range<usize>) -> bool {
    let next = sentence[range.end..].chars().next();
    let last = sentence[range.clone()].chars().next_back();
    !(last.is_some_and(char::is_alphanumeric) && next.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '/'))
}

fn trimmed(sentence: &str, range: Range<usize>) -> Range<usize> {
    let words = sentence[range.clone()].trim_end_matches([' ', ',']);
    range.start..range.start + words.len()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[track_caller]
    fn check(sentence: &str, due: Option<&str>) {
        assert_eq!(find(sentence).map(|r| &sentence[r]), due, "{sentence}");
    }

    #[test]
    fn limits_are_found() {
        check("Can you send it by Friday?", Some("by Friday"));
        check("please reply by 5 pm", Some("by 5 pm"));
        check("I'll do it by tomorrow morning, promise", Some("by tomorrow morning"));
        check("It must land before the release on the 14th.", Some("before the release on the 14th"));
        check("Reviews are due on 2031-04-02.", Some("due on 2031-04-02"));
        check("no later than 3 March 2031 please", Some("no later than 3 March 2031"));
        check("Send comments by the end of the week", Some("by the end of the week"));
        check("I can finish within the next two days.", Some("within the next two days"));
        check("We need it in two weeks.", Some("in two weeks"));
        check("before the next stand-up, please", Some("before the next stand-up"));
    }

    #[test]
    fn days_and_periods_stand_for_themselves() {
        check("I'll look tomorrow.", Some("tomorrow"));
        check("Need this EOD", Some("EOD"));
        check("let's talk next week", Some("next week"));
        check("I'll send it on Monday at 10:30", Some("on Monday at 10:30"));
        check("Fix this ASAP.", Some("ASAP"));
        check("Call me at 10pm tomorrow.", Some("at 10pm tomorrow"));
        check("The call is on May 14th, 2031.", Some("on May 14th, 2031"));
        check("release on 2031-04-02T10:00Z", Some("on 2031-04-02T10:00Z"));
    }

    #[test]
    fn what_is_no_time_is_left_alone() {
        for sentence in [
            "",
            "You may merge it.",
            "We agreed on the plan.",
            "The ratio is 1/2.",
            "sundry monitors and marching",
            "It is in the second box.",
            "by the way, thanks",
            "10pm Central European Time is too late for me.",
            "From noon until six it is open.",
        ] {
            check(sentence, None);
        }
    }
}
