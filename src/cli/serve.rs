//! `bluf serve`: the daemon. Pulls, reads and answers until it is told to stop.

use std::{collections::BTreeMap, net::ToSocketAddrs, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{
    BadInput, Call, Exit,
    desk::{Counter, Door},
    place,
    print::Terminal,
    workshop,
};
use crate::{
    config::{Config, SinkSection},
    engine::{App, Engine, Law, Parts, Pulled, Settings},
    model::kernel::share_heaps,
    sink::{Sink, stdout::Out},
    source::connector::{Source, registry::SourceConfig},
    store::Store,
    time::{Clock, SystemClock},
    web,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Load no model: choose and quote, and word nothing
    #[arg(long)]
    pub no_model: bool,
}

/// Threads of the runtime: it waits for the network; what blocks and what computes have threads of their own.
const RUNTIME_THREADS: usize = 2;

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    with(&call.effective.config, !args.no_model, call)
}

/// Serves what `config` says.
pub(super) fn with(config: &Config, models: bool, call: &Call) -> Result<Exit> {
    share_heaps();
    call.terminal.log();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(serve(config, models, call.terminal));
    // A reading that hangs in the model must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

async fn serve(config: &Config, models: bool, terminal: Terminal) -> Result<Exit> {
    // Signals are listened for from the beginning: one that comes while we start must end us in order as well.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = place::database(config)?;
    let _claim = place::claim(&database)?;
    let opening = database.clone();
    let store = Arc::new(tokio::task::spawn_blocking(move || Store::open(&opening)).await??);
    let reader = workshop::reader(config, models, Arc::clone(&clock))?;
    let web_config = web_config(config)?;
    let listeners = web::bind(&web_config)?;
    let (sources, doors) = sources(config, &clock)?;
    let law = Law { rules: config.rules.clone(), routes: config.routes.clone(), pages: config.web.url.clone() };
    let (sinks, settings) = (sinks(config, terminal)?, settings(config));
    let engine = Engine::start(Parts { store, reader, sources, sinks, law, clock, settings });
    let closing = CancellationToken::new();
    let desk = Arc::new(Counter::new(engine.app.clone(), doors));
    let faces = tokio::spawn(web::serve(listeners, desk, web_config, closing.clone()));
    tracing::info!(database = %database.display(), sources = config.sources.len(), listen = ?config.web.listen, "serving");
    supervised(&engine.app);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    tell_systemd(&[sd_notify::NotifyState::Stopping]);
    closing.cancel();
    let (stopped, faces) = tokio::join!(engine.stop(), faces);
    Ok(if stopped && faces.is_ok() { Exit::Fine } else { Exit::Failed })
}

fn web_config(config: &Config) -> Result<web::Config> {
    let address = |text: &String| {
        let found = text.to_socket_addrs().ok().and_then(|mut all| all.next());
        let wrong = || BadInput(anyhow!("[web] listen: {text:?} is no address; write host:port, like 127.0.0.1:7710"));
        found.ok_or_else(wrong)
    };
    Ok(web::Config {
        listen: config.web.listen.iter().map(address).collect::<Result<_, _>>()?,
        socket: place::socket(config)?,
        hosts: config.web.hosts.clone(),
        open_on_loopback: config.web.open_on_loopback,
        ..web::Config::default()
    })
}

fn settings(config: &Config) -> Settings {
    let kept = config.sources.iter().filter_map(|s| Some((s.name.clone(), s.keep_days?)));
    Settings {
        quiet: Duration::from_secs(config.summarize.quiet_secs as u64),
        model_idle: Duration::from_secs(config.model.idle_secs as u64),
        keep_days: kept.collect::<BTreeMap<_, _>>(),
    }
}

/// Where people are told. What a sink of type `stdout` says goes to this program's own standard output.
fn sinks(config: &Config, terminal: Terminal) -> Result<Vec<Arc<dyn Sink>>> {
    let out: Out = Arc::new(move |line: &str| terminal.out(line));
    let build = |section: &SinkSection| {
        let sink = section.config.clone().build(&section.name, &out);
        Ok(Arc::from(sink.with_context(|| format!("[sink.{}]", section.name))?))
    };
    config.sinks.iter().map(build).collect()
}

/// The sources, for the engine that pulls them and for the desk that others push to.
fn sources(config: &Config, clock: &Arc<dyn Clock>) -> Result<(Vec<Pulled>, BTreeMap<String, Door>)> {
    let (mut pulled, mut doors) = (Vec::new(), BTreeMap::new());
    for section in &config.sources {
        let place = || format!("[source.{}]", section.name);
        let hook = section.config.hook().with_context(place)?;
        let takes_pushes = matches!(section.config, SourceConfig::Push(_));
        let source = section.config.clone().build(&section.name, Arc::clone(clock)).with_context(place)?;
        let source: Arc<dyn Source> = Arc::from(source);
        doors.insert(section.name.clone(), Door { source: Arc::clone(&source), hook, takes_pushes });
        pulled.push(Pulled { source, every: Duration::from_secs(section.poll_secs) });
    }
    Ok((pulled, doors))
}

/// Tells systemd that it serves, and again and again that it still does: only while the database answers.
fn supervised(app: &App) {
    tell_systemd(&[sd_notify::NotifyState::Ready]);
    let Some(every) = sd_notify::watchdog_enabled() else { return };
    let app = app.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(every / 2).await;
            match app.health() {
                Ok(_) => tell_systemd(&[sd_notify::NotifyState::Watchdog]),
                Err(error) => tracing::error!(%error, "the database does not answer"),
            }
        }
    });
}

/// Nobody but systemd is told; where there is none, that is no fault.
fn tell_systemd(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}
