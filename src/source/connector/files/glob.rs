//! Which paths are meant: `*` and `?` within a name, `**` across folders, as in a `.gitignore`.

use regex::Regex;

/// What a source takes and leaves out.
#[derive(Debug, Default)]
pub(super) struct Globs {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
}

impl Globs {
    /// # Errors
    /// The first pattern that is none, with what to do.
    pub(super) fn new(include: &[String], exclude: &[String]) -> Result<Globs, String> {
        let all = |patterns: &[String]| patterns.iter().map(|p| regex(p)).collect::<Result<Vec<_>, String>>();
        Ok(Globs { include: all(include)?, exclude: all(exclude)? })
    }

    /// Whether a path, relative and with `/` between folders, is to be read.
    pub(super) fn take(&self, path: &str) -> bool {
        let any = |patterns: &[Regex]| patterns.iter().any(|p| p.is_match(path));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// Whether somebody said what to take.
    pub(super) fn is_chosen(&self) -> bool {
        !self.include.is_empty()
    }
}

/// A pattern without a `/` is about names, wherever they stand.
fn regex(pattern: &str) -> Result<Regex, String> {
    let anchored = pattern.trim_start_matches("./").trim_start_matches('/');
    if anchored.is_empty() {
        return Err(format!("{pattern:?} is not a pattern; write for example \"docs/**/*.md\""));
    }
    let mut out = String::from(if anchored.contains('/') { "^" } else { "^(?:.*/)?" });
    let mut rest = anchored;
    while let Some(next) = rest.chars().next() {
        let (piece, used) = match next {
            '*' if rest.starts_with("**/") => ("(?:.*/)?".to_owned(), 3),
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            other => (regex::escape(other.encode_utf8(&mut [0; 4])), other.len_utf8()),
        };
        out.push_str(&piece);
        rest = rest.get(used..).unwrap_or_default();
    }
    out.push('$');
    Regex::new(&out).map_err(|_| format!("{pattern:?} is too long a pattern"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: bool) {
        let globs = Globs::new(&[pattern.to_owned()], &[]).unwrap();
        assert_eq!(globs.take(path), expected, "{pattern} {path}");
    }

    #[test]
    fn patterns_mean_what_they_mean_elsewhere() {
        check("*.md", "a.md", true);
        check("*.md", "docs/deep/a.md", true);
        check("docs/*.md", "docs/a.md", true);
        check("docs/*.md", "docs/deep/a.md", false);
        check("docs/**/*.md", "docs/a.md", true);
        check("docs/**/*.md", "docs/x/y/a.md", true);
        check("docs/**", "docs/x/y/a.md", true);
        check("/docs/**", "other/docs/a.md", false);
        check("?.md", "ab.md", false);
        check("a+(b).md", "a+(b).md", true);
        check("é?.md", "éa.md", true);
    }

    #[test]
    fn exclusion_comes_last_and_nothing_means_all() {
        let globs = Globs::new(&[], &["drafts/**".to_owned()]).unwrap();
        assert!(globs.take("a.md") && !globs.take("drafts/a.md"));
        assert!(Globs::new(&[String::new()], &[]).unwrap_err().contains("pattern"));
    }
}
