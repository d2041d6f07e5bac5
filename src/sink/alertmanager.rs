//! Prometheus Alertmanager, by version 2 of its API: an obligation is an alert for as long as it is told of.
//!
//! An alert is known by its labels, so that another severity is another alert: with each notice the obligation's alerts of
//! other severities are ended. What fires is given an end far ahead, since notices are told once and Alertmanager would
//! otherwise call it resolved after a few minutes. Alertmanager keeps alerts in memory: restarted, it knows of none until
//! the next notice.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Sink, SinkError, options, permanent};
use crate::{
    alert::render::{self, Notice, Wording},
    domain::{
        notice::{Envelope, SourceDown, Stage, Told, Topic},
        plain,
    },
    net::{Client, Host, Request, credential, retry},
    secret::Secret,
};

/// A source that is down is told of anew while it is; nothing tells that it is back. Hours.
const OUTAGE_HOURS: i64 = 24;
/// Long enough to be grouped and sent on, and soon gone. Minutes.
const TEST_MINS: i64 = 5;

/// `type = "alertmanager"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where Alertmanager is, without `/api/v2`.
    pub url: String,
    /// For one behind basic authentication.
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    /// For one behind a proxy that wants a bearer token.
    pub token: Option<Secret>,
    pub token_file: Option<PathBuf>,
    /// An alert that is not ended by then ends by itself. Days.
    #[serde(default = "a_month")]
    pub firing_days: u16,
    /// Certificates (PEM) of a company's own authority.
    pub extra_ca: Option<PathBuf>,
}

fn a_month() -> u16 {
    30
}

pub struct Alertmanager {
    name: String,
    client: Client,
    /// Without a slash at its end.
    base: String,
    access: Access,
    fires_for: SignedDuration,
}

enum Access {
    Open,
    Basic { user: String, password: Secret },
    Bearer(Secret),
}

/// One alert of `POST /api/v2/alerts`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations>,
    /// Left out where it ends: with an old start, Alertmanager takes minutes to tell that it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<Timestamp>,
    ends_at: Timestamp,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct Labels {
    alertname: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    obligation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    severity: &'static str,
}

#[derive(Debug, Serialize)]
struct Annotations {
    summary: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<String>,
}

impl Config {
    /// # Errors
    /// `Permanent` where a setting cannot be, or a secret cannot be read.
    pub fn build(self, name: &str) -> Result<Alertmanager, SinkError> {
        let host = self.host()?;
        let password = credential::secret("password", self.password, self.password_file.as_deref())?;
        let token = credential::secret("token", self.token, self.token_file.as_deref())?;
        let access = match (self.user, password, token) {
            (None, None, None) => Access::Open,
            (Some(user), Some(password), None) => Access::Basic { user, password },
            (None, None, Some(token)) => Access::Bearer(token),
            _ => return Err(permanent("give either user and password_file, or token_file, or none of them")),
        };
        if self.firing_days == 0 {
            return Err(permanent("firing_days is at least 1"));
        }
        Ok(Alertmanager {
            name: name.to_owned(),
            client: Client::new(vec![host], &options(self.extra_ca))?,
            base: self.url.trim_end_matches('/').to_owned(),
            access,
            fires_for: SignedDuration::from_hours(24 * i64::from(self.firing_days)),
        })
    }

    /// The one host it talks to.
    ///
    /// # Errors
    /// `Permanent` where the address is none.
    pub fn host(&self) -> Result<Host, SinkError> {
        Ok(Host::of(&self.url)?)
    }
}

#[async_trait]
impl Sink for Alertmanager {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, envelope: &Envelope, now: Timestamp) -> Result<(), SinkError> {
        let alerts = serde_json::to_value(self.alerts(envelope, now)).map_err(|error| permanent(error.to_string()))?;
        let request = self.let_in(Request::post(&format!("{}/api/v2/alerts", self.base), &alerts)?)?;
        Ok(retry::verdict(&self.client.send(request).await?, now)?)
    }

    async fn check(&self) -> Result<String, SinkError> {
        let request = self.let_in(Request::get(&format!("{}/api/v2/status", self.base), &[])?)?;
        let response = self.client.send(request).await?;
        retry::verdict(&response, Timestamp::UNIX_EPOCH)?;
        let status: Value = response.json()?;
        let version = status.pointer("/versionInfo/version").and_then(Value::as_str);
        Ok(format!("Alertmanager {}", plain::line(version.unwrap_or("of an unknown version"))))
    }
}

impl Alertmanager {
    fn let_in(&self, request: Request) -> Result<Request, SinkError> {
        Ok(match &self.access {
            Access::Open => request,
            Access::Basic { user, password } => request.basic(user, password)?,
            Access::Bearer(token) => request.bearer(token)?,
        })
    }

    fn alerts(&self, envelope: &Envelope, now: Timestamp) -> Vec<Alert> {
        let notice = render::notice(envelope);
        if let Some(source) = &envelope.source {
            return vec![outage(source, envelope, notice)];
        }
        if envelope.topic == Topic::Test {
            return vec![test(envelope, notice)];
        }
        let told = envelope.told.iter();
        told.flat_map(|told| self.of(told, Wording::of(told, envelope.made_at), now)).collect()
    }

    /// The obligation's alert as it stands, and the end of its alerts of other severities.
    fn of(&self, told: &Told, wording: Wording, now: Timestamp) -> Vec<Alert> {
        let current = severity(told.stage);
        let others = ["info", "warning", "critical"].into_iter().filter(|severity| Some(*severity) != current);
        let ended = |severity| Alert {
            labels: labels(told, severity),
            annotations: None,
            starts_at: None,
            ends_at: now,
            generator_url: None,
        };
        let mut alerts: Vec<Alert> = others.map(ended).collect();
        let link = wording.page.or_else(|| wording.thread_url.clone());
        let quoted = if wording.quote.is_words { format!("“{}”", wording.quote.text) } else { wording.quote.text };
        let annotations = Annotations {
            summary: wording.headline,
            description: format!("{} {} {quoted} ({})", wording.lead, wording.due, wording.quote.by),
            thread: wording.thread_url,
        };
        let Some(severity) = current else {
            alerts.iter_mut().for_each(|alert| alert.generator_url.clone_from(&link));
            return alerts;
        };
        let since = if told.stage == Stage::AtRisk { told.warn_at } else { told.due_at };
        alerts.push(Alert {
            labels: labels(told, severity),
            annotations: Some(annotations),
            starts_at: Some(since.map_or(now, |since| since.min(now))),
            ends_at: now.checked_add(self.fires_for).unwrap_or(Timestamp::MAX),
            generator_url: link,
        });
        alerts
    }
}

fn severity(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::AtRisk => Some("info"),
        Stage::Breached => Some("warning"),
        Stage::Escalated => Some("critical"),
        Stage::Closed => None,
    }
}

fn labels(told: &Told, severity: &'static str) -> Labels {
    Labels {
        alertname: "BlufObligation",
        obligation: Some(plain::line(&told.obligation.id)),
        kind: Some(told.obligation.kind.as_str()),
        source: plain::line(&told.thread.source),
        channel: told.thread.channel.as_deref().map(plain::line),
        severity,
    }
}

fn test(envelope: &Envelope, notice: Notice) -> Alert {
    let labels = Labels {
        alertname: "BlufTest",
        obligation: None,
        kind: None,
        source: "bluf".to_owned(),
        channel: None,
        severity: "info",
    };
    let description = notice.opening.unwrap_or_default();
    Alert {
        labels,
        annotations: Some(Annotations { summary: notice.subject, description, thread: None }),
        starts_at: Some(envelope.made_at),
        ends_at: envelope.made_at.checked_add(SignedDuration::from_mins(TEST_MINS)).unwrap_or(Timestamp::MAX),
        generator_url: None,
    }
}

fn outage(source: &SourceDown, envelope: &Envelope, notice: Notice) -> Alert {
    let ends_at = envelope.made_at.checked_add(SignedDuration::from_hours(OUTAGE_HOURS)).unwrap_or(Timestamp::MAX);
    let description = notice.opening.unwrap_or_default();
    Alert {
        labels: Labels {
            alertname: "BlufSourceDown",
            obligation: None,
            kind: None,
            source: plain::line(&source.name),
            channel: None,
            severity: "warning",
        },
        annotations: Some(Annotations { summary: notice.subject, description, thread: None }),
        starts_at: Some(source.since),
        ends_at,
        generator_url: None,
    }
}
