//! Every kind of source there is: one line each.

use std::sync::Arc;

use serde::Deserialize;

use super::{Source, SourceError, files};
use crate::time::Clock;

/// `[source.NAME]`, told apart by its `type`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SourceConfig {
    Files(files::Config),
}

impl SourceConfig {
    /// Every `type`.
    pub const KINDS: [&str; 1] = ["files"];

    /// The source that the configuration calls `name`. Nothing is asked of anybody yet.
    ///
    /// # Errors
    /// `Permanent` where a setting cannot be, or a secret cannot be read.
    pub fn build(self, name: &str, _clock: Arc<dyn Clock>) -> Result<Box<dyn Source>, SourceError> {
        Ok(match self {
            SourceConfig::Files(config) => Box::new(files::Files::new(name, config)?),
        })
    }
}
