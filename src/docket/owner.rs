//! What each of a thread's people is measured by.

use std::collections::HashMap;

use super::rules::Rules;
use crate::{
    domain::{Metric, Thread},
    sla::{Goal, Subject, pause::PauseWhen},
    time::Calendar,
};

/// What decides on the deadline of what somebody owes.
#[derive(Clone, Copy)]
pub(super) struct Measure<'a> {
    pub goal: Option<Goal<'a>>,
    pub conditions: &'a [PauseWhen],
    /// The hours of whoever owes it, where they have their own.
    pub owner: Option<&'a Calendar>,
}

/// The people of a thread, each looked up once.
pub(super) struct Owners<'t, 'a> {
    rules: &'a Rules,
    /// Without people.
    subject: Subject<'t>,
    accounts: HashMap<&'t str, &'t str>,
    known: HashMap<(Option<String>, Metric), Measure<'a>>,
}

impl<'t, 'a> Owners<'t, 'a> {
    pub(super) fn of(thread: &'t Thread, rules: &'a Rules, subject: Subject<'t>) -> Owners<'t, 'a> {
        let mut accounts = HashMap::new();
        for message in &thread.messages {
            if let (Some(author), Some(account)) = (&message.author, &message.author_id) {
                accounts.entry(author.as_str()).or_insert(account.as_str());
            }
        }
        Owners { rules, subject, accounts, known: HashMap::new() }
    }

    /// What `owner` is measured by; `None`: nobody is named.
    pub(super) fn measure(&mut self, owner: Option<&str>, metric: Metric) -> Measure<'a> {
        let key = (owner.map(str::to_string), metric);
        if let Some(measure) = self.known.get(&key) {
            return *measure;
        }
        let people = owner.map(|owner| self.aliases(owner)).unwrap_or_default();
        let subject = Subject { people: &people, ..self.subject };
        let (goal, conditions) =
            (self.rules.policies.goal(&subject, metric), self.rules.policies.pause_conditions(&subject, metric));
        let owner = people.iter().find_map(|name| self.rules.person(name)).map(|person| &person.calendar);
        let measure = Measure { goal, conditions, owner };
        self.known.insert(key, measure);
        measure
    }

    /// Every name that somebody goes by in this thread and in the configuration.
    fn aliases(&self, owner: &str) -> Vec<String> {
        let mut names = vec![owner.to_string()];
        names.extend(self.accounts.get(owner).map(|account| (*account).to_string()));
        let person = names.iter().find_map(|name| self.rules.person(name));
        names.extend(person.map(|person| person.name.clone()));
        names
    }
}
