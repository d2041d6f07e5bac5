//! Makes foreign text safe to show: a thread must not drive the terminal or reorder what is read.

/// One line: control characters become visible pictures, white space one space, invisible direction marks go.
pub fn line(text: &str) -> String {
    let shown: String =
        text.chars().filter(|c| !hides(*c)).map(|c| if c.is_whitespace() { ' ' } else { picture(c) }).collect();
    shown.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// As `line`, keeping line breaks and indentation.
pub fn lines(text: &str) -> String {
    text.chars()
        .filter(|c| !hides(*c))
        .map(|c| match c {
            '\n' => '\n',
            '\t' | '\u{2028}' | '\u{2029}' => ' ',
            c => picture(c),
        })
        .collect()
}

/// Characters that show nothing and change how others are shown: bidirectional controls, byte-order marks, soft
/// hyphens, zero-width spaces, tags. The joiners that Persian, Indic scripts and emoji are written with stay.
pub fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::{line, lines};

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(line(text), shown);
        assert!(!lines(text).chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }

    #[test]
    fn a_thread_cannot_drive_the_terminal() {
        check("\u{1b}[2J\u{1b}]0;title\u{7}", "␛[2J␛]0;title␇");
        check("\u{9b}31mred", "\u{fffd}31mred");
        check("over\rwritten\u{8}\u{7f}", "over written␈␡");
        check("a\u{85}b", "a b");
    }

    #[test]
    fn a_thread_cannot_reorder_what_is_read() {
        check("pay \u{202e}evil\u{202c} to \u{2067}x\u{2069}", "pay evil to x");
        check("\u{feff}zero\u{200b}width\u{e0041}", "zerowidth");
    }

    #[test]
    fn letters_of_every_script_stay() {
        check("می\u{200c}خواهم", "می\u{200c}خواهم");
        check("👩\u{200d}🔬  naïve\nप्रिया", "👩\u{200d}🔬 naïve प्रिया");
    }
}
