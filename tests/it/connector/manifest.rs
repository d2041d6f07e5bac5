//! The Slack app that people make for themselves: it may do what the connector asks for, and no more.

use crate::support::root;

fn manifest() -> String {
    std::fs::read_to_string(root().join("config/slack-app-manifest.yaml")).expect("the manifest")
}

/// The items of the list that follows `key`, commented out or not.
fn items(text: &str, key: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_start_matches([' ', '#']));
    lines
        .skip_while(|line| *line != format!("{key}:"))
        .skip(1)
        .map_while(|line| line.strip_prefix("- ").map(str::to_owned))
        .collect()
}

#[test]
fn its_scopes_are_those_that_reading_needs() {
    let scopes = items(&manifest(), "bot");
    // conversations.list and .history of public and private channels, users.list; auth.test needs none.
    assert_eq!(scopes, ["channels:history", "channels:read", "groups:history", "groups:read", "users:read"]);
}

#[test]
fn its_events_are_those_that_are_read() {
    assert_eq!(items(&manifest(), "bot_events"), ["message.channels", "message.groups"]);
}

#[test]
fn it_is_indented_as_yaml_wants_and_asks_for_no_user_scope() {
    let text = manifest();
    assert!(!text.contains('\t') && !text.lines().any(|line| line.trim() == "user:"));
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        assert!(indent % 2 == 0 && (line.contains(':') || line.trim_start().starts_with("- ")), "{line}");
    }
}
