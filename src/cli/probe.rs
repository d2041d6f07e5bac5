//! Asks sources and sinks whether they can be reached and let bluf in: all at once, and none for long.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use tokio::{runtime::Runtime, time::timeout};

use super::{finding::Finding, print::Terminal};
use crate::{
    config::{SinkSection, SourceSection},
    sink::{Sink, SinkError, stdout::Out},
    source::connector::{Source, SourceError},
    time::{Clock, SystemClock},
};

/// How long one may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The runtime waits for the network.
const RUNTIME_THREADS: usize = 2;

/// A question that is asked of somebody, and what they say.
pub struct Probe {
    what: String,
    asked: Pin<Box<dyn Future<Output = Result<String, String>> + Send>>,
}

impl Probe {
    pub fn of_source(section: &SourceSection) -> Probe {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let source = section.config.clone().build(&section.name, clock);
        let asked = async move {
            let source: Box<dyn Source> = source.map_err(|error| untaken(&error))?;
            let found = source.check().await.map_err(|error| untaken(&error))?;
            Ok(std::iter::once(found.account).chain(found.facts).collect::<Vec<_>>().join("; "))
        };
        let what = format!("source {} ({})", section.name, section.config.kind());
        Probe { what, asked: Box::pin(asked) }
    }

    pub fn of_sink(section: &SinkSection, terminal: Terminal) -> Probe {
        let sink = build(section, terminal);
        let asked = async move {
            let sink = sink.map_err(|error| unsent(&error))?;
            sink.check().await.map_err(|error| unsent(&error))
        };
        Probe { what: format!("sink {} ({})", section.name, section.config.kind()), asked: Box::pin(asked) }
    }
}

/// What everybody says, in the order of the probes.
///
/// # Errors
/// Where no runtime can be started.
pub fn ask(probes: Vec<Probe>) -> Result<Vec<Finding>> {
    let runtime = runtime()?;
    let findings = runtime.block_on(async {
        let running: Vec<_> =
            probes.into_iter().map(|probe| (probe.what, tokio::spawn(timeout(PATIENCE, probe.asked)))).collect();
        let mut findings = Vec::new();
        for (what, running) in running {
            findings.push(match running.await {
                Ok(Ok(Ok(says))) => Finding::ok(what, says),
                Ok(Ok(Err(error))) => Finding::fail(what, error),
                Ok(Err(_)) => Finding::fail(what, silent()),
                Err(_) => Finding::fail(what, "asking it failed inside bluf: please report this"),
            });
        }
        findings
    });
    // A folder on a disk that hangs must not keep the process.
    runtime.shutdown_background();
    Ok(findings)
}

/// Has a sink do something, and waits for it no longer than for an answer.
///
/// # Errors
/// By what to do.
pub fn have<T>(act: impl Future<Output = Result<T, SinkError>>) -> Result<T> {
    let runtime = runtime()?;
    let done = runtime.block_on(async { timeout(PATIENCE, act).await });
    runtime.shutdown_background();
    done.map_err(|_| anyhow::anyhow!(silent()))?.map_err(|error| anyhow::anyhow!(unsent(&error)))
}

/// The sink of a section. Nobody is asked yet.
pub fn build(section: &SinkSection, terminal: Terminal) -> Result<Box<dyn Sink>, SinkError> {
    let out: Out = Arc::new(move |line: &str| terminal.out(line));
    section.config.clone().build(&section.name, &out)
}

fn runtime() -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(RUNTIME_THREADS).enable_all().build().context("cannot start the runtime")
}

fn silent() -> String {
    format!("no answer within {} s; check its address, the network, and what lies between", PATIENCE.as_secs())
}

/// What is permanent says what to change; for the rest it is said here.
fn untaken(error: &SourceError) -> String {
    match error {
        SourceError::Transient(what) => unreached(what),
        SourceError::RateLimited { .. } | SourceError::Permanent(_) => error.to_string(),
    }
}

fn unsent(error: &SinkError) -> String {
    match error {
        SinkError::Transient(what) => unreached(what),
        SinkError::RateLimited { .. } | SinkError::Permanent(_) => error.to_string(),
    }
}

fn unreached(what: &str) -> String {
    format!("{what}; try again, or check its address and the network")
}
