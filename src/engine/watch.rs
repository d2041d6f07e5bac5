//! Watches what is owed: works out what a thread leaves owing once it has been read, and tells when its time comes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{App, bell::LONGEST_SLEEP, reader::seen};
use crate::{
    alert::{self, Held, Matter, Plan, Routes, Silence, Subject},
    docket::{self, Docket, Matters, Rules},
    domain::{How, ObligationKind, Thread, ThreadActs},
    sla::{self, Explanation},
    store::{
        Store, StoreError, hold,
        obligation::{self, Kept, Reckoned},
        outbox::{self, Planned},
        summary, thread,
    },
};

/// Threads whose obligations are worked out, and obligations that are looked at, at one time.
const DOCKETS: usize = 32;
const LOOKS: usize = 256;
/// More notices than this at one time for one sink come together.
const DRIP: usize = 10;
/// How soon it is tried again when the database cannot.
const TROUBLE_WAIT: Duration = Duration::from_secs(5);
/// What was said last may be the answer: nobody is told before it has been read, unless reading takes longer than this.
const LONGEST_UNREAD: SignedDuration = SignedDuration::from_mins(15);
const UNREAD_WAIT: SignedDuration = SignedDuration::from_secs(5);

/// What deadlines are reckoned by, and who is told.
#[derive(Debug)]
pub struct Law {
    pub rules: Rules,
    pub routes: Routes,
    /// Where people reach bluf's pages, for links in what they are told: `https://bluf.example.org`.
    pub pages: Option<String>,
}

impl Law {
    /// Other laws have another.
    pub fn fingerprint(&self) -> String {
        format!("{} {:?}", self.rules.fingerprint(), self.routes.config())
    }
}

/// Watches until the daemon stops.
pub async fn run(app: App) {
    while let Err(error) = reckon(&app).await {
        tracing::error!(%error, "what deadlines are reckoned by could not be noted");
        if app.wait(TROUBLE_WAIT).await {
            return;
        }
    }
    loop {
        let wait = match round(&app).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "what is owed could not be watched");
                TROUBLE_WAIT
            }
        };
        tokio::select! {
            () = app.stopping() => return,
            () = app.bells().watch.wait(wait) => {}
        }
    }
}

/// Has everything worked out anew where the rules, or those who are told, are others than the last time.
async fn reckon(app: &App) -> Result<(), StoreError> {
    let fingerprint = app.law().fingerprint();
    app.write(move |store| store.reckon_by(&fingerprint)).await
}

/// Does everything there is to do at present; how long to sleep then.
async fn round(app: &App) -> Result<Duration, StoreError> {
    let sinks = app.law().routes.source_down_to().to_vec();
    if !sinks.is_empty() {
        let now = app.now();
        app.write(move |store| store.tell_down(&sinks, now)).await?;
        app.ring_sinks();
    }
    loop {
        if app.is_stopping() {
            return Ok(Duration::ZERO);
        }
        let read = app.read(|on| obligation::undocketed(on, DOCKETS)).await?;
        let moved = !read.is_empty();
        for thread in read {
            match work_out(app, thread).await {
                // One that cannot be worked out must not keep the others waiting.
                Err(StoreError::Failed(why)) => {
                    tracing::error!(thread, why, "what a thread leaves owing could not be worked out");
                    app.write(move |store| store.skip_docket(thread)).await?;
                }
                done => done?,
            }
        }
        let looked = look(app).await?;
        if !moved && looked < LOOKS {
            break;
        }
    }
    let next = app.read(obligation::next_look_ms).await?;
    let left = |ms: i64| u64::try_from(ms - app.now().as_millisecond()).map_or(Duration::ZERO, Duration::from_millis);
    Ok(next.map_or(LONGEST_SLEEP, left).max(Duration::from_millis(10)))
}

/// Why an obligation of the thread in row `thread` is due when it is; `None` where there is no such one, or it has no deadline.
pub(super) fn why(app: &App, thread: i64, obligation: &str, now: Timestamp) -> Result<Option<Explanation>, StoreError> {
    let Some(read) = app.store().read(|on| Read::load(on, thread))? else { return Ok(None) };
    let matters = Matters::of(&read.thread, &read.acts, &app.law().rules, now);
    let case = matters.cases().into_iter().find(|case| case.obligation.id == obligation);
    Ok(case.and_then(|case| sla::explain_case(&case, now)))
}

/// A thread as it was last read.
struct Read {
    thread: Thread,
    /// Of its messages.
    rows: Vec<i64>,
    version: i64,
    acts: ThreadActs,
}

impl Read {
    fn load(on: &rusqlite::Connection, id: i64) -> rusqlite::Result<Option<Read>> {
        let Some((thread, rows, version)) = thread::load(on, id)? else { return Ok(None) };
        let acts = summary::acts(on, id, &rows)?;
        Ok(Some(Read { thread, rows, version, acts }))
    }
}

/// Works out what the thread in row `id` leaves owing, from what was read of it.
async fn work_out(app: &App, id: i64) -> Result<(), StoreError> {
    let law = app.clone();
    let now = app.now();
    app.write(move |store| {
        let Some(read) = store.read(|on| Read::load(on, id))? else { return Ok(()) };
        let Read { thread, rows, version, acts } = read;
        let docket = docket::docket(&thread, &acts, &law.law().rules, seen(&thread, now));
        keep(store, id, version, &thread, &rows, docket, now).map(drop)
    })
    .await
}

/// Keeps the docket of the thread in row `id`, whose messages have the rows `rows`; `false` where the thread has changed since.
pub(super) fn keep(
    store: &Store,
    id: i64,
    version: i64,
    thread: &Thread,
    rows: &[i64],
    docket: Docket,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows: HashMap<&str, i64> =
        thread.messages.iter().zip(rows).map(|(message, row)| (message.id.as_str(), *row)).collect();
    let reckoned: Vec<Reckoned> = docket.entries.into_iter().map(reckoned).collect();
    let flags = serde_json::to_string(&docket.flags).map_err(|error| StoreError::Failed(error.to_string()))?;
    store.keep_docket(id, version, &rows, &reckoned, &flags, now)
}

/// An entry of a docket as the store keeps it.
pub fn reckoned(entry: docket::Entry) -> Reckoned {
    let assessment = entry.assessment;
    Reckoned {
        obligation: entry.obligation,
        policy: assessment.policy,
        zone: entry.zone,
        warn_at: assessment.warn_at,
        due_at: assessment.due_at,
        paused: assessment.paused,
        round_the_clock: entry.round_the_clock,
    }
}

/// Looks at the obligations whose time has come, and puts what is to be told in the outbox; how many there were.
async fn look(app: &App) -> Result<usize, StoreError> {
    let now = app.now();
    let law = app.clone();
    let planned = app
        .read(move |on| {
            let due = obligation::to_look_at(on, now, LOOKS)?;
            if due.is_empty() {
                return Ok(Vec::new());
            }
            let silences = hold::silences(on, now)?;
            let hushed = hushed(on, &law.law().routes)?;
            due.iter()
                .map(|kept| {
                    let told = outbox::receipts(on, &kept.reckoned.obligation.id)?;
                    let plan = plan(kept, &told, &law.law().routes, &silences, &hushed, now);
                    let Plan { tell, next } = plan;
                    let (thread, source) = (kept.thread.key.clone(), kept.thread.source.clone());
                    let obligation = kept.reckoned.obligation.id.clone();
                    Ok(Planned { obligation, thread, source, tell, next, stage_since: kept.stage_since(now) })
                })
                .collect::<rusqlite::Result<Vec<Planned>>>()
        })
        .await?;
    let planned = gathered(planned, now);
    let (looked, telling) = (planned.len(), planned.iter().any(|plan| !plan.tell.is_empty()));
    if looked > 0 {
        app.write(move |store| store.tell(&planned, now)).await?;
    }
    if telling {
        app.ring_sinks();
    }
    Ok(looked)
}

/// Puts together what would come to one sink all at once, as after a long stop or with a new route.
fn gathered(mut planned: Vec<Planned>, now: Timestamp) -> Vec<Planned> {
    let mut at_once: BTreeMap<String, usize> = BTreeMap::new();
    for tell in planned.iter().flat_map(|plan| &plan.tell).filter(|tell| tell.not_before <= now) {
        *at_once.entry(tell.sink.clone()).or_default() += 1;
    }
    let tells = planned.iter_mut().flat_map(|plan| &mut plan.tell).filter(|tell| tell.not_before <= now);
    for tell in tells.filter(|tell| at_once.get(&tell.sink).is_some_and(|n| *n > DRIP)) {
        tell.together = true;
    }
    planned
}

fn plan(
    kept: &Kept,
    told: &[alert::Receipt],
    routes: &Routes,
    silences: &[Silence],
    hushed: &BTreeSet<(String, ObligationKind)>,
    now: Timestamp,
) -> Plan {
    let reckoned = &kept.reckoned;
    let owed = &reckoned.obligation;
    if let Some(since) = kept.unread_since.filter(|since| now.duration_since(*since) < LONGEST_UNREAD)
        && reckoned.warn_at.is_some_and(|warn| warn <= now)
        && owed.closed.is_none()
    {
        let latest = since.saturating_add(LONGEST_UNREAD).unwrap_or(now);
        let soon = now.saturating_add(UNREAD_WAIT).unwrap_or(now);
        return Plan { tell: Vec::new(), next: Some(soon.min(latest)) };
    }
    let waived = kept.waived.as_ref().map(|hold| (hold.at, How::Waived));
    let matter = Matter {
        subject: Subject {
            source: &kept.thread.source,
            channel: kept.thread.channel.as_deref(),
            kind: kept.thread.kind.as_str(),
            obligation: owed.kind,
            policy: reckoned.policy.as_deref(),
            owed_by: &owed.owed_by,
        },
        first_seen: kept.first_seen,
        warn_at: reckoned.warn_at,
        due_at: reckoned.due_at,
        paused: reckoned.paused.is_some(),
        round_the_clock: reckoned.round_the_clock,
        closed: owed.closed.as_ref().map(|closed| (closed.at, closed.how)).or(waived),
        held: Held {
            acknowledged: kept.acknowledged.is_some(),
            snoozed_until: kept.snoozed.as_ref().and_then(|hold| hold.until),
        },
        hushed: hushed.contains(&(kept.thread.source.clone(), owed.kind)),
        told,
    };
    alert::plan(&matter, routes, silences, now)
}

/// What waits while something else is open: by source and kind.
fn hushed(on: &rusqlite::Connection, routes: &Routes) -> rusqlite::Result<BTreeSet<(String, ObligationKind)>> {
    let mut hushed = BTreeSet::new();
    for inhibit in routes.inhibits() {
        for source in obligation::open_under(on, &inhibit.policy)? {
            hushed.extend(inhibit.hushes.iter().map(|kind| (source.clone(), *kind)));
        }
    }
    Ok(hushed)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{DRIP, gathered};
    use crate::{alert::Tell, domain::Stage, store::outbox::Planned};

    fn planned(sinks: &[&str], not_before: Timestamp) -> Planned {
        let tell = |sink: &&str| Tell {
            stage: Stage::Breached,
            sink: sink.to_string(),
            round: 0,
            not_before,
            together: false,
        };
        Planned {
            obligation: String::new(),
            thread: String::new(),
            source: String::new(),
            tell: sinks.iter().map(tell).collect(),
            next: None,
            stage_since: None,
        }
    }

    #[test]
    fn many_notices_at_once_come_together_and_few_do_not() {
        let now = Timestamp::UNIX_EPOCH;
        let later = Timestamp::from_second(1).expect("a time");
        let mut all: Vec<Planned> = (0..DRIP).map(|_| planned(&["few", "many"], now)).collect();
        all.push(planned(&["many"], now));
        all.push(planned(&["few"], later));
        let together = |sink: &str| -> Vec<bool> {
            let gathered = gathered(all.clone(), now);
            gathered.iter().flat_map(|plan| plan.tell.clone()).filter(|t| t.sink == sink).map(|t| t.together).collect()
        };
        assert!(together("many").iter().all(|t| *t));
        assert!(together("few").iter().all(|t| !t), "what comes later does not count");
    }
}
