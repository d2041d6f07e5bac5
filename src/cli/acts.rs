//! Threads read sentence by sentence, for verbs that ask whose turn it is and need no generator.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::workshop::{Weights, place};
use crate::{
    classify::Classifier,
    config::Config,
    domain::{Thread, ThreadActs},
    model::{
        Embedder,
        embed::BertEmbedder,
        generate::Generator,
        worker::{self, EmbedHandle},
    },
};

/// The classifier with its encoder, where one is wanted.
pub struct ActReader {
    classifier: Classifier,
    encoder: Option<EmbedHandle>,
}

impl ActReader {
    /// Loads the encoder that `config` names; without `models` cue words tell.
    ///
    /// # Errors
    /// When weights are absent or damaged, and what to do about it.
    pub fn open(config: &Config, models: bool) -> Result<ActReader> {
        let classifier = Classifier::embedded()?;
        let encoder = if models { Some(encoder(config, &classifier)?) } else { None };
        Ok(ActReader { classifier, encoder })
    }

    pub fn read(&mut self, thread: &Thread) -> Result<ThreadActs> {
        let encoder = self.encoder.as_mut().map(|encoder| encoder as &mut dyn Embedder);
        let acts = self.classifier.classify(thread, encoder, &|| false);
        acts.with_context(|| format!("cannot read '{}'", thread.id))
    }
}

fn encoder(config: &Config, classifier: &Classifier) -> Result<EmbedHandle> {
    let weights = Weights::open(config)?;
    let manifest = weights.catalogue.find(&config.model.encoder)?;
    let folder = weights.ready(manifest)?;
    let file = manifest.files.iter().find(|file| file.path.ends_with(".safetensors"));
    classifier.check_encoder(&file.map(|file| file.sha256.to_string()).unwrap_or_default())?;
    let place = Arc::new(place(config)?);
    let load: worker::Load<BertEmbedder> = Box::new(move || BertEmbedder::load(&folder, &place));
    let (_, encoder) = worker::start(None::<worker::Load<Generator>>, Some(load), config.model.queue)?;
    let Some(encoder) = encoder else { bail!("the encoder was asked for") };
    Ok(encoder)
}
