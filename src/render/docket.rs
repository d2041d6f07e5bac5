//! What waits for somebody, for a person who has a minute: the most pressing thread first, each with its words.

use super::{
    Page, plain,
    text::{BOTTOM_LINE, CLAIM, DETAIL, Sheet, Style},
    view::{self, Entry},
};
use crate::docket::{DocketLine, Talk};

/// Threads that are shown with their words; of the others their number is told.
const MOST_THREADS: usize = 40;

/// The dockets of an input. Threads of which nobody needs to know are counted and not named.
pub fn render(lines: &[DocketLine], page: Page) -> String {
    let mut sheet = Sheet::new(page);
    let mut pressing: Vec<&DocketLine> = lines.iter().filter(|line| line.stalled || !line.flags.is_empty()).collect();
    pressing.sort_by_key(|line| (rank(line), first_due(line)));
    sheet.put(&headline(lines, pressing.len()), BOTTOM_LINE, Style::Bold);
    for line in pressing.iter().take(MOST_THREADS) {
        sheet.gap();
        thread(&mut sheet, line);
    }
    if let Some(more) = pressing.len().checked_sub(MOST_THREADS).filter(|more| *more > 0) {
        sheet.gap();
        sheet.put(&format!("{more} more in the JSON (--json)."), BOTTOM_LINE, Style::Plain);
    }
    sheet.gap();
    sheet.text
}

fn headline(lines: &[DocketLine], pressing: usize) -> String {
    let stalled = lines.iter().filter(|line| line.stalled).count();
    let of = view::counted(lines.len(), "thread", "threads");
    let first = lines.first().map(|line| line.as_of.as_str());
    let same = first.filter(|first| lines.iter().all(|line| line.as_of == **first));
    let as_of = same.map(|at| format!(", as of {}", view::moment(at, None))).unwrap_or_default();
    match (pressing, stalled) {
        (0, _) => format!("Nothing waits for anybody in {of}{as_of}."),
        (1, stalled) => {
            let stalled = if stalled == 1 { ", and it has stalled" } else { "" };
            format!("1 of {of} needs somebody{stalled}{as_of}.")
        }
        (pressing, stalled) => format!("{pressing} of {of} need somebody, {stalled} of them stalled{as_of}."),
    }
}

fn thread(sheet: &mut Sheet, line: &DocketLine) {
    sheet.put(&view::title(&line.thread), BOTTOM_LINE, Style::Bold);
    let mut facts = vec![line.thread.kind.to_string(), plain::line(&line.thread.source)];
    if line.stalled {
        facts.push("stalled".to_string());
    }
    if !line.waiting_on.is_empty() {
        facts.push(format!("waiting on {}", plain::line(&line.waiting_on.join(", "))));
    }
    sheet.put(&facts.join(" · "), BOTTOM_LINE, Style::Dim);
    for flag in line.flags.iter().filter(|flag| flag.kind != "ping_pong") {
        put(sheet, &view::flag(flag, &line.thread));
    }
    if line.flags.is_empty() {
        put(sheet, &Entry { text: plain::line(&line.why), ..Entry::default() });
    }
    if let Some(talk) = &line.talk {
        propose(sheet, talk);
    }
}

fn put(sheet: &mut Sheet, entry: &Entry) {
    sheet.put(&entry.text, CLAIM, Style::Plain);
    sheet.details(entry, DETAIL);
}

/// A talk, with its agenda in the words that opened each item.
fn propose(sheet: &mut Sheet, talk: &Talk) {
    let people = plain::line(&talk.people.join(", "));
    sheet.put(&format!("{} minutes together may settle it: {people}", talk.minutes), CLAIM, Style::Plain);
    for (number, item) in talk.agenda.iter().enumerate() {
        let words = view::shortened(&plain::line(&item.quote));
        sheet.put(&format!("{}. “{words}”", number + 1), DETAIL, Style::Dim);
    }
    if let Some((from, to)) = &talk.common_hours {
        let hours = format!("all at work from {} to {}", view::moment(from, None), view::moment(to, None));
        sheet.put(&hours, DETAIL, Style::Dim);
    }
}

/// Most pressing first.
fn rank(line: &DocketLine) -> u8 {
    let worst = line.flags.iter().map(|flag| match flag.severity {
        "high" => 0,
        "medium" => 1,
        _ => 2,
    });
    worst.min().unwrap_or(3) * 2 + u8::from(!line.stalled)
}

fn first_due(line: &DocketLine) -> Option<jiff::Timestamp> {
    let due = line.flags.iter().filter_map(|flag| flag.due_at.as_deref()?.parse().ok());
    due.min()
}
