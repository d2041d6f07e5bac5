//! Going from page to page, and noticing a server that leads in a circle.

use std::collections::HashSet;

use super::HeaderMap;

/// Follows links or cursors and stops where one comes again, since some servers repeat the same for ever.
#[derive(Debug, Default)]
pub struct Guard {
    seen: HashSet<String>,
    circled: bool,
}

impl Guard {
    /// `next`, unless it has been followed before.
    pub fn follow(&mut self, next: Option<String>) -> Option<String> {
        let next = next.filter(|next| !next.is_empty())?;
        self.circled |= !self.seen.insert(next.clone());
        (!self.circled).then_some(next)
    }

    /// Whether the way ended because it came back to where it had been: what is missing then may be there all the same.
    pub fn circled(&self) -> bool {
        self.circled
    }
}

/// The `rel=next` target of `Link` headers (RFC 8288); a comma may stand inside the target.
pub fn next_link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
    values.filter_map(next_of).next()
}

fn next_of(value: &str) -> Option<String> {
    let mut rest = value;
    while let Some((_, tail)) = rest.split_once('<') {
        let (target, after) = tail.split_once('>')?;
        let (parameters, following) = after.split_once(",").map_or((after, ""), |(here, next)| (here, next));
        let is_next = parameters.split(';').filter_map(|p| p.split_once('=')).any(|(name, word)| {
            let rels = word.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && rels.split_whitespace().any(|r| r.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.trim().to_owned());
        }
        rest = following;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(link: &str, next: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert("link", link.parse().unwrap());
        assert_eq!(next_link(&headers).as_deref(), next, "{link}");
    }

    #[test]
    fn next_is_found_among_its_neighbours() {
        check("<https://a.example/x?page=2>; rel=\"next\", <https://a.example/x?page=9>; rel=\"last\"", {
            Some("https://a.example/x?page=2")
        });
        check("<https://a.example/1>; rel=prev, <https://a.example/x?q=a,b>; REL=\"last next\"", {
            Some("https://a.example/x?q=a,b")
        });
        check("<https://a.example/x>; rel=\"prev\"", None);
        check("<https://a.example/x; rel=\"next\"", None);
        check("nonsense", None);
        assert_eq!(next_link(&HeaderMap::new()), None);
    }

    #[test]
    fn a_circle_is_left_after_one_round() {
        let mut guard = Guard::default();
        let mut follow = |next: &str| guard.follow(Some(next.to_owned())).is_some();
        assert_eq!([follow("a"), follow(""), follow("b"), follow("a"), follow("b")], [true, false, true, false, false]);
        assert_eq!((guard.follow(None), guard.circled(), Guard::default().circled()), (None, true, false));
    }
}
