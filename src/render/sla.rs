//! Deadlines explained, policies tried and channels reported, as lines for a terminal.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};

use super::{plain, view};
use crate::{
    domain::Metric,
    sla::{
        Explanation,
        first_reply::FirstReplies,
        report::{Channel, FEWEST_PEOPLE, Figures, Report, Waiting},
        simulate::{Notice, Simulation, Stage},
    },
};

/// When something is due, and every stretch on the way there.
pub fn explanation(explained: &Explanation) -> String {
    let at = |text: &Option<String>| text.as_deref().map_or("never".to_string(), day_and_time);
    let mut text = format!("due      {}\nwarning  {}\n", at(&explained.due_at), at(&explained.warn_at));
    let left = match explained.remaining_secs {
        None => String::new(),
        Some(left) if left < 0 => format!(", {} over", span(-left)),
        Some(left) => format!(", {} left", span(left)),
    };
    let health = explained.health.as_str().replace('_', " ");
    line(&mut text, &format!("now      {health}: {} gone{left}\n", span(explained.elapsed_secs)));
    for segment in &explained.segments {
        let (mark, why) = (if segment.counted { "+" } else { " " }, plain::line(&segment.why));
        line(&mut text, &format!("{mark} {}  to  {}  {why}", day_and_time(&segment.from), day_and_time(&segment.to)));
    }
    text
}

/// What would have been told.
pub fn simulation(simulation: &Simulation, zone: &TimeZone) -> String {
    let of = view::counted(simulation.obligations, "obligation", "obligations");
    let mut text = format!(
        "{of} in {}: {} warnings, {} late; {:.1} alerts a day\n",
        view::counted(simulation.days, "day", "days"),
        simulation.at_risk,
        simulation.breached,
        simulation.alerts_a_day
    );
    if let Some((day, count)) = simulation.busiest {
        line(&mut text, &format!("busiest day {day}: {}", view::counted(count, "alert", "alerts")));
    }
    let mut last = None;
    for sample in &simulation.samples {
        let kind = (sample.stage, sample.metric);
        if last != Some(kind) {
            line(&mut text, &format!("\n{}", heading(sample)));
            last = Some(kind);
        }
        let shown = moment(sample.at, zone);
        line(
            &mut text,
            &format!("  {shown}  {}  (policy {})", plain::line(&sample.thread), plain::line(&sample.policy)),
        );
    }
    text
}

/// How channels keep their goals.
pub fn report(report: &Report) -> String {
    if report.channels.is_empty() {
        return "Nothing was owed in any channel.\n".to_string();
    }
    let mut text = format!("Objective: {:.0}% within their goal\n", report.objective_percent);
    for channel in &report.channels {
        line(&mut text, &format!("\n{}", plain::line(&channel.channel)));
        of_channel(&mut text, channel);
    }
    text
}

/// How long threads wait for anybody's first word in reply.
pub fn first_replies(replies: &FirstReplies) -> String {
    let FirstReplies { threads, answered, median_wall_secs, p90_wall_secs, .. } = replies;
    let of = view::counted(*threads, "thread", "threads");
    let times = median_wall_secs.zip(*p90_wall_secs);
    let times = times.map(|(median, p90)| format!(", the first after {} (median), {} (p90)", span(median), span(p90)));
    format!("\nSomebody replied in {answered} of {of}{}\n", times.unwrap_or_default())
}

fn of_channel(text: &mut String, channel: &Channel) {
    if channel.hidden {
        line(text, &format!("  not shown: fewer than {FEWEST_PEOPLE} people take part"));
        return;
    }
    for figures in &channel.metrics {
        line(text, &format!("  {}", of_metric(figures)));
    }
    for Waiting { kind, open, median_wall_secs, longest_wall_secs } in &channel.waits {
        let (median, longest) = (span(*median_wall_secs), span(*longest_wall_secs));
        line(text, &format!("  waiting for a {}: {open}, {median} in the middle, {longest} at most", kind.as_str()));
    }
}

fn of_metric(figures: &Figures) -> String {
    let share = figures.attainment_percent.map_or("none ended".to_string(), |share| format!("{share:.0}% in time"));
    let counts =
        format!("{} met, {} missed, {} open ({} late)", figures.met, figures.missed, figures.open, figures.breached);
    let times = figures.median_secs.zip(figures.p90_secs);
    let times = times.map(|(median, p90)| format!("; median {}, p90 {} on its clock", span(median), span(p90)));
    let budget = figures.budget.as_ref().map(|b| format!("; {:.0}% of the error budget left", b.left_percent));
    let (times, budget) = (times.unwrap_or_default(), budget.unwrap_or_default());
    format!("{}: {share}; {counts}{times}{budget}", named(figures.metric))
}

fn heading(sample: &Notice) -> String {
    let stage = match sample.stage {
        Stage::AtRisk => "at risk",
        Stage::Breached => "late",
    };
    format!("{} {stage}, for example", named(sample.metric))
}

fn named(metric: Metric) -> String {
    metric.as_str().replace('_', " ")
}

/// `3d 4h`, `2h 5m`, `45s`: the two largest units.
fn span(secs: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = secs;
    let mut parts = Vec::new();
    for (size, unit) in units {
        if left >= size && parts.len() < 2 {
            parts.push(format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if parts.is_empty() { "0s".to_string() } else { parts.join(" ") }
}

/// `Mon 2026-11-16 09:00 +01:00`, from RFC 3339 as `sla explain` prints it.
fn day_and_time(text: &str) -> String {
    let parsed = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).ok();
    let shown = parsed.and_then(|pieces| {
        let at = pieces.date().to_datetime(pieces.time()?);
        Some(format!("{} {}", at.strftime("%a %Y-%m-%d %H:%M"), pieces.to_numeric_offset()?))
    });
    shown.unwrap_or_else(|| plain::line(text))
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%a %Y-%m-%d %H:%M").to_string()
}

fn line(text: &mut String, words: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{words}");
}
