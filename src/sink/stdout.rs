//! Standard output: one JSON object a line, for a program that reads along.

use std::{io, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Sink, SinkError, body::Body, permanent};
use crate::domain::notice::Envelope;

/// Writes one line and sees to it that it is out. It is handed in, since only the terminal's own room prints.
pub type Out = Arc<dyn Fn(&str) -> io::Result<()> + Send + Sync>;

/// `type = "stdout"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

pub struct Stdout {
    name: String,
    out: Out,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    #[serde(flatten)]
    body: Body<'a>,
}

impl Config {
    pub fn build(self, name: &str, out: &Out) -> Stdout {
        Stdout { name: name.to_owned(), out: Arc::clone(out) }
    }
}

#[async_trait]
impl Sink for Stdout {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, envelope: &Envelope, _now: Timestamp) -> Result<(), SinkError> {
        let line = Line { id: &envelope.id, body: Body::of(envelope) };
        let line = serde_json::to_string(&line).map_err(|error| permanent(error.to_string()))?;
        // Whoever reads may come back, as a service does that is restarted.
        (self.out)(&line).map_err(|error| SinkError::Transient(format!("standard output: {error}")))
    }

    async fn check(&self) -> Result<String, SinkError> {
        Ok("one JSON object a line on standard output".to_owned())
    }
}
