//! Character references (`&amp;`, `&#39;`) to the characters they stand for.

/// Longest reference looked for, in bytes, so a lone ampersand costs nothing.
const LONGEST_BYTES: usize = 12;

/// `text` with every reference it knows resolved, once: `&amp;lt;` becomes `&lt;`.
pub(super) fn resolved(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let end = tail.bytes().take(LONGEST_BYTES).position(|b| b == b';');
        match end.and_then(|end| Some((character(tail.get(1..end)?)?, tail.get(end + 1..)?))) {
            Some((found, after)) => {
                out.push(found);
                rest = after;
            }
            None => {
                out.push('&');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn references_resolve_once() {
        assert_eq!(super::resolved("a &lt; b &amp;amp; &#39;c&#x27; &unknown; & é&"), "a < b &amp; 'c' &unknown; & é&");
        assert_eq!(super::resolved("&&&amp"), "&&&amp");
    }
}
