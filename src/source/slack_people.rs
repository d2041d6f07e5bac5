//! Who takes part in Slack: names by id, and which of them are programs.

use std::collections::{HashMap, HashSet};

use super::slack_markup::Names;

/// What ids stand for, and which users are programs.
#[derive(Default)]
pub(super) struct People {
    pub names: Names,
    pub bots: HashSet<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WireUser {
    id: String,
    name: String,
    real_name: Option<String>,
    is_bot: bool,
    profile: WireProfile,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WireProfile {
    pub display_name: Option<String>,
    pub real_name: Option<String>,
}

impl People {
    pub(super) fn of(users: Vec<WireUser>) -> People {
        let mut people = People::default();
        let mut bearers: HashMap<String, usize> = HashMap::new();
        for user in &users {
            *bearers.entry(user.shown()).or_default() += 1;
        }
        for user in users {
            let mut shown = user.shown();
            // Two people of one name must not become one person.
            if bearers.get(&shown).is_some_and(|n| *n > 1) && !user.name.is_empty() {
                shown = format!("{shown} ({})", user.name);
            }
            if user.is_bot {
                people.bots.insert(user.id.clone());
            }
            people.names.users.insert(user.id, shown);
        }
        people
    }
}

impl WireUser {
    /// What Slack shows: the display name, else the full name, else the handle.
    fn shown(&self) -> String {
        let names = [&self.profile.display_name, &self.profile.real_name, &self.real_name];
        let filled = names.into_iter().flatten().map(|name| name.trim()).find(|name| !name.is_empty());
        filled.unwrap_or(if self.name.is_empty() { &self.id } else { &self.name }).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_one_name_stay_two() {
        let users = r#"[{"id":"U1","name":"ana","profile":{"display_name":"Ana"}},{"id":"U2","name":"ana.b","real_name":"Ana"},
                        {"id":"U3","name":"ci","is_bot":true}]"#;
        let people = People::of(serde_json::from_str(users).unwrap());
        let shown = |id| people.names.users[id].as_str();
        assert_eq!([shown("U1"), shown("U2"), shown("U3")], ["Ana (ana)", "Ana (ana.b)", "ci"]);
        assert!(people.bots.contains("U3") && !people.bots.contains("U1"));
    }
}
