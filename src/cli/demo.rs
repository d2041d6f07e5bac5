//! `bluf demo`: a sample workspace that comes with the program, so that nobody has to bring threads to see BLUFs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;

use super::{
    Call, Exit, input, models,
    progress::Reading as Drawn,
    serve,
    workshop::{Weights, Workshop},
};
use crate::{
    config::{Config, SourceSection},
    render::{Out, docket, render},
    source::{
        Input,
        connector::{files, registry::SourceConfig},
    },
    time::{Clock, SystemClock},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print and stop, without serving pages
    #[arg(long)]
    pub once: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub out: Out,
    /// Load no model: choose and quote, and word nothing
    #[arg(long)]
    pub no_model: bool,
}

/// The sample's files, by their place in it.
const FILES: &[(&str, &[u8])] = &[
    ("slack/channels.json", include_bytes!("../../config/demo/slack/channels.json")),
    ("slack/users.json", include_bytes!("../../config/demo/slack/users.json")),
    ("slack/platform/2026-11-02.json", include_bytes!("../../config/demo/slack/platform/2026-11-02.json")),
    ("slack/platform/2026-11-05.json", include_bytes!("../../config/demo/slack/platform/2026-11-05.json")),
    ("slack/platform/2026-11-06.json", include_bytes!("../../config/demo/slack/platform/2026-11-06.json")),
    ("slack/platform/2026-11-09.json", include_bytes!("../../config/demo/slack/platform/2026-11-09.json")),
    ("slack/platform/2026-11-10.json", include_bytes!("../../config/demo/slack/platform/2026-11-10.json")),
    ("slack/platform/2026-11-16.json", include_bytes!("../../config/demo/slack/platform/2026-11-16.json")),
    ("slack/social/2026-11-06.json", include_bytes!("../../config/demo/slack/social/2026-11-06.json")),
    ("slack/support/2026-11-05.json", include_bytes!("../../config/demo/slack/support/2026-11-05.json")),
    ("slack/support/2026-11-06.json", include_bytes!("../../config/demo/slack/support/2026-11-06.json")),
    ("slack/support/2026-11-11.json", include_bytes!("../../config/demo/slack/support/2026-11-11.json")),
    ("mail/partners.mbox", include_bytes!("../../config/demo/mail/partners.mbox")),
    ("review/pull-318.json", include_bytes!("../../config/demo/review/pull-318.json")),
    ("review/pull-321.json", include_bytes!("../../config/demo/review/pull-321.json")),
    ("documents/rfc-0012-route-cache.md", include_bytes!("../../config/demo/documents/rfc-0012-route-cache.md")),
    ("meetings/2026-11-10-weekly.vtt", include_bytes!("../../config/demo/meetings/2026-11-10-weekly.vtt")),
];

/// What each part of the sample is read from.
const INPUTS: &[&str] = &[
    "slack",
    "mail/partners.mbox",
    "review/pull-318.json",
    "review/pull-321.json",
    "documents/rfc-0012-route-cache.md",
    "meetings/2026-11-10-weekly.vtt",
];

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    let folder =
        unpack().context("cannot unpack the sample workspace; set XDG_CACHE_HOME to a folder that can be written")?;
    let config = &call.effective.config;
    if !args.no_model {
        pull_missing(config, call)?;
    }
    call.terminal.note(&format!("The sample workspace is in {}.", folder.display()));

    let mut workshop = Workshop::open(config, !args.no_model)
        .context("cannot load the models; run `bluf doctor`, or add --no-model")?;
    let mut threads = Vec::new();
    let mut skipped = false;
    for input in INPUTS {
        let reading = input::read(Input::Path(&folder.join(input)), None)?;
        reading.faults.iter().for_each(|fault| call.terminal.fault(fault));
        skipped |= !reading.faults.is_empty();
        threads.extend(reading.threads);
    }
    // The sample is a recording: it is judged by when its last words were said.
    let said = threads.iter().flat_map(|thread| &thread.messages).filter_map(|message| message.sent_at?.instant());
    let end = said.max().unwrap_or_else(|| SystemClock.now());
    let page = call.terminal.page();
    let drawn = Drawn::begin(threads.len(), call.terminal);
    let mut waits = Vec::new();
    for thread in &mut threads {
        drawn.reading(&thread.title);
        input::rewind(thread, end);
        let (summary, line) = workshop.read(thread, &SystemClock, end)?;
        skipped |= !summary.coverage.skipped.is_empty();
        waits.push(line);
        drawn.apart(|| call.terminal.out(&render(&summary, args.out, page)))?;
    }
    drawn.end();
    // For programs and pages, every summary has it among its flags.
    if args.out == Out::Text {
        call.terminal.out(&docket::render(&waits, page))?;
    }
    // The daemon loads models of its own.
    drop(workshop);
    if !args.once {
        return serve_sample(&folder, args, call);
    }
    Ok(if skipped { Exit::Degraded } else { Exit::Fine })
}

/// Serves the sample from a daemon whose database goes when it ends.
fn serve_sample(folder: &Path, args: &Args, call: &Call) -> Result<Exit> {
    let home = tempfile::tempdir().context("cannot make a folder for the database")?;
    let sample = files::Config { path: folder.to_path_buf(), ..files::Config::default() };
    let mut config = call.effective.config.clone();
    config.store.path = Some(home.path().join("bluf.db"));
    config.summarize.quiet_secs = 0;
    config.sources = vec![SourceSection {
        name: "sample".to_owned(),
        config: SourceConfig::Files(sample),
        poll_secs: 300,
        keep_days: None,
    }];
    let places: Vec<String> = config.web.listen.iter().map(|place| format!("http://{place}/")).collect();
    call.terminal.note(&format!("Look at {}; Ctrl-C ends it.", places.join(" or ")));
    serve::with(&config, !args.no_model, call)
}

fn pull_missing(config: &Config, call: &Call) -> Result<()> {
    let weights = Weights::open(config)?;
    for name in models::named_or_configured(&[], config) {
        if weights.catalogue.find(&name).is_ok_and(|manifest| !weights.shelf.present(manifest)) {
            call.terminal.note(&format!("Pulling {name}, once …"));
            models::pull_one(&name, None, call)?;
        }
    }
    Ok(())
}

/// Writes the sample where the user can look at it, and says where.
fn unpack() -> Result<PathBuf> {
    let folder = etcetera::choose_base_strategy().context("no home folder")?.cache_dir().join("bluf").join("demo");
    for (name, bytes) in FILES {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        if fs::read(&file).ok().as_deref() != Some(*bytes) {
            fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    Ok(folder)
}
