//! Secrets by which somebody is let in elsewhere: written in a section, or in a file of their own.

use std::path::Path;

use super::NetError;
use crate::secret::Secret;

/// The secret `name`, from `given` or else from `file`, without the line break that editors leave at its end.
///
/// # Errors
/// `Permanent` where both are set, or the file cannot be read or is empty.
pub fn secret(name: &str, given: Option<Secret>, file: Option<&Path>) -> Result<Option<Secret>, NetError> {
    let Some(path) = file else { return Ok(given) };
    let wrong = |what: String| NetError::permanent(format!("{name}_file {}: {what}", path.display()));
    if given.is_some() {
        return Err(wrong(format!("{name} is set as well; keep one of the two")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    if text.trim().is_empty() {
        return Err(wrong("empty".to_owned()));
    }
    Ok(Some(Secret::new(text.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "t0k3n\n").unwrap();
        assert_eq!(secret("token", None, Some(&path)).unwrap().unwrap().reveal(), "t0k3n");
        assert_eq!(secret("token", Some(Secret::new("a")), None).unwrap().unwrap().reveal(), "a");
        assert!(secret("token", None, None).unwrap().is_none());
        let both = secret("token", Some(Secret::new("a")), Some(&path)).unwrap_err().to_string();
        assert!(both.contains("keep one") && !both.contains("t0k3n"), "{both}");
        std::fs::write(&path, "\n").unwrap();
        assert!(secret("token", None, Some(&path)).is_err());
        assert!(secret("token", None, Some(&folder.path().join("absent"))).is_err());
    }
}
