//! How a Slack channel's messages become threads: Slack's own threads as they are, and conversations of all the rest.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use jiff::Timestamp;
use regex::Regex;

use super::{assemble, slack_message::Posting};
use crate::{
    domain::{Event, Kind, Message, Moment, Thread, WENT_ON},
    pattern::compiled,
};

/// Talk in a channel outside Slack's own threads is one conversation until nobody has written for this long. A thread for
/// every such message, as Slack's data has it, would leave nothing to sum up. Seconds.
pub const CONVERSATION_GAP_SECS: i64 = 4 * 60 * 60;
/// What somebody writes in a channel within this long of a conversation goes on with it, unless they greet the room, as
/// whoever begins a talk of their own does. Seconds.
const GOES_ON_SECS: i64 = 3 * 24 * 60 * 60;
/// Longest title taken from a first message, characters.
const TITLE_CHARS: usize = 60;

static GREETS_THE_ROOM: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i)^\W*(hi|hii+|hello|hey|hiya|greetings|good (morning|afternoon|evening|day))[\s,!.:]*(team|all|everyone|everybody|every ?one|folks|guys|people|there|friends|channel|@here|@channel|i\b|i['’]|we\b|can\b|could\b|just\b|is\b|does\b|$|\n|[A-Z]\w+ (team|folks|community))";
    compiled(words)
});

/// Messages that belong together, oldest first.
pub(super) struct Group {
    /// Of the channel itself, and not one of Slack's own threads.
    pub conversation: bool,
    /// Begun before these messages.
    pub continued: bool,
    pub postings: Vec<Posting>,
}

impl Group {
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.postings.first().map(|posting| posting.at)
    }
}

/// `talk`, oldest first, by thread and conversation, in the order in which they began. `open` is when somebody last wrote
/// in the conversation before, if there was one.
pub(super) fn grouped(talk: Vec<Posting>, open: Option<Timestamp>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut own: HashMap<String, usize> = HashMap::new();
    let mut last = open;
    let mut current: Option<usize> = None;
    for posting in talk {
        let at = match &posting.root {
            Some(root) => *own.entry(root.clone()).or_insert_with(|| begin(&mut groups, false, false)),
            None => {
                let joins = last.is_some_and(|last| posting.at.as_second() - last.as_second() <= CONVERSATION_GAP_SECS);
                last = Some(posting.at);
                match current {
                    Some(at) if joins => at,
                    _ => *current.insert(begin(&mut groups, true, joins)),
                }
            }
        };
        if let Some(group) = groups.get_mut(at) {
            group.postings.push(posting);
        }
    }
    groups
}

/// For each group, who else went on with it where the channel's next conversations stand, and when.
pub(super) fn went_on(groups: &[Group]) -> Vec<Option<Event>> {
    let told = |at: usize| {
        let group = groups.get(at).filter(|group| group.conversation)?;
        let last = group.postings.last()?;
        let later = groups.iter().skip(at + 1).filter(|later| later.conversation).flat_map(|later| &later.postings);
        let soon = later.take_while(|posting| posting.at.as_second() - last.at.as_second() <= GOES_ON_SECS);
        let mut others = soon.filter(|posting| !posting.message.bot && posting.message.author != last.message.author);
        let next = others.find(|posting| !GREETS_THE_ROOM.is_match(&posting.message.text))?;
        let at = Some(Moment::utc(next.at));
        Some(Event { at, kind: WENT_ON.to_owned(), actor: next.message.author.clone(), subject: None })
    };
    (0..groups.len()).map(told).collect()
}

fn begin(groups: &mut Vec<Group>, conversation: bool, continued: bool) -> usize {
    groups.push(Group { conversation, continued, postings: Vec::new() });
    groups.len() - 1
}

/// The thread `id` of messages in `place`, a channel as people call it.
pub(super) fn thread(place: &str, id: String, postings: Vec<Posting>) -> Thread {
    let mut messages: Vec<Message> = postings.into_iter().map(|p| p.message).collect();
    let ids: HashSet<String> = messages.iter().map(|m| m.id.clone()).collect();
    for message in &mut messages {
        message.reply_to = message.reply_to.take().filter(|id| *id != message.id && ids.contains(id));
    }
    let opening = messages.first().map_or(String::new(), |m| assemble::opening_words(&m.text, TITLE_CHARS));
    let mut thread = assemble::thread("slack", Kind::Chat, "", messages);
    thread.id = id;
    thread.title = if opening.is_empty() { place.to_owned() } else { format!("{place}: {opening}") };
    thread
}

/// `1433558319.000002` exactly: seconds and microseconds, never through a floating-point number.
pub(super) fn instant(ts: &str) -> Option<Timestamp> {
    let (secs, fraction) = ts.split_once('.').unwrap_or((ts, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Timestamp::new(secs.parse().ok()?, nanos).ok()
}

pub(super) fn moment(ts: &str) -> Option<Moment> {
    instant(ts).map(Moment::utc)
}

/// A notice of the channel ("joined") as an event.
pub(super) fn notice(at: Option<Moment>, kind: &str, actor: Option<String>, subject: String) -> Event {
    Event { at, kind: kind.to_owned(), actor, subject: (!subject.is_empty()).then_some(subject) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_are_exact() {
        let shown = |ts| moment(ts).map(|m| m.to_string());
        assert_eq!(shown("1433558319.000002").as_deref(), Some("2015-06-06T02:38:39.000002+00:00"));
        assert_eq!(shown("1433558319").as_deref(), Some("2015-06-06T02:38:39+00:00"));
        assert_eq!(shown("1433558319.x"), None);
        assert_eq!(shown(""), None);
    }

    #[test]
    fn a_conversation_goes_on_with_whoever_writes_next_and_does_not_greet_the_room() {
        let said = |hours: i64, who: &str, text: &str| {
            let at = Timestamp::new(1_433_558_319 + hours * 3600, 0).expect("in range");
            let message = Message {
                author: Some(who.to_owned()),
                sent_at: Some(Moment::utc(at)),
                text: text.to_owned(),
                ..Message::default()
            };
            Posting { at, root: None, message, notice: None }
        };
        let by = |talk: &[Posting]| {
            let told = went_on(&grouped(talk.to_vec(), None));
            told.into_iter().map(|event| event.and_then(|event| event.actor)).collect::<Vec<_>>()
        };
        let asked = said(0, "ana", "Who has the key?");
        let ben = Some("ben".to_owned());
        assert_eq!(by(&[asked.clone(), said(20, "ben", "Me.")]), [ben.clone(), None]);
        assert_eq!(by(&[asked.clone(), said(20, "ana", "Nobody?"), said(30, "ben", "Me.")]), [ben.clone(), ben, None]);
        assert_eq!(by(&[asked.clone(), said(20, "ben", "Hi all, where is the lock?")]), [None, None]);
        assert_eq!(by(&[asked, said(100, "ben", "Me.")]), [None, None]);
    }
}
