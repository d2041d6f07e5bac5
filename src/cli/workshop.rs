//! The models and the summarizer as the verbs use them: found by the configuration, loaded on the model's own thread.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use candle_core::Device;
use etcetera::BaseStrategy;
use jiff::Timestamp;

use crate::{
    classify::Classifier,
    config::{self, Config},
    docket::{DocketLine, Rules, docket},
    domain::{Thread, summary::Summary},
    engine::reader::{self, Loaded, Named, Reader},
    model::{
        self, Embedder, ModelError, Place, Request, Sampling, TextModel, Turn,
        arch::adapter::Adapter,
        catalogue::Catalogue,
        checksum::Checksum,
        embed::BertEmbedder,
        fetch::{self, HubAccess, PullOptions, Pulled},
        generate::Generator,
        manifest::{AdapterFile, Manifest},
        progress::{Progress, Silent},
        shelf::{FileState, Shelf},
        worker,
    },
    summarize::{Models, Options, Summarizer, prompt::Style},
    time::{Clock, Stopwatch},
};

/// The weights that are known, and the folder they lie in.
pub struct Weights {
    pub catalogue: Catalogue,
    pub shelf: Shelf,
    options: PullOptions,
}

/// What checking a set of weights found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    Absent,
    Whole,
    /// Which file, and what is wrong with it.
    Damaged(String),
}

/// A summarizer with its models loaded: the encoder and the generator when they are wanted.
pub struct Workshop {
    classifier: Classifier,
    summarizer: Summarizer,
    loaded: Option<Loaded>,
    rules: Rules,
}

/// The models of a configuration, not yet loaded.
pub struct Files {
    pub generator: PathBuf,
    /// The generator's.
    pub name: String,
    pub adapter: Option<Adapter>,
    pub adapter_sha256: Option<String>,
    /// A folder.
    pub encoder: PathBuf,
}

/// A generator chosen by name or path: its file, and what the provenance says of it.
struct Chosen {
    file: PathBuf,
    name: String,
    sha256: String,
    adapter: Option<AdapterFile>,
}

impl Weights {
    /// # Errors
    /// When there is no home folder, or a manifest of the user's is faulty.
    pub fn open(config: &Config) -> Result<Weights> {
        let folder = match &config.model.folder {
            Some(folder) => folder.clone(),
            None => etcetera::choose_base_strategy()
                .context("no home folder; name a folder for weights under [model] folder")?
                .cache_dir()
                .join("bluf")
                .join("models"),
        };
        let hub = HubAccess {
            endpoint: config.model.hub_endpoint.clone(),
            token: env::var("HF_TOKEN").ok().filter(|t| !t.is_empty()),
            ..HubAccess::default()
        };
        let python = config.model.python.split_whitespace().map(str::to_owned).collect();
        let options = PullOptions { hub, python, ..PullOptions::default() };
        Ok(Weights { catalogue: Catalogue::with_folder(&folder)?, shelf: Shelf::new(folder), options })
    }

    pub fn pull(mut self, name: &str, from: Option<&Path>, progress: &dyn Progress) -> Result<Pulled> {
        self.options.from = from.map(Path::to_path_buf);
        Ok(fetch::pull(&self.shelf, self.catalogue.find(name)?, &self.options, progress)?)
    }

    pub fn verify(&self, name: &str, progress: &dyn Progress) -> Result<Check> {
        let states = self.shelf.verify(self.catalogue.find(name)?, progress)?;
        if states.iter().all(|(_, state)| *state == FileState::Missing) {
            return Ok(Check::Absent);
        }
        let wrong = states.iter().find(|(_, state)| *state != FileState::Good);
        Ok(wrong.map_or(Check::Whole, |(file, state)| Check::Damaged(format!("{} {state}", file.path))))
    }

    /// The folder of a model that is here and whole.
    pub(super) fn ready(&self, manifest: &Manifest) -> Result<PathBuf, ModelError> {
        self.shelf.ready(manifest, &Silent)
    }

    /// Where the models lie that `config` names, and the adapter that it wants beside the generator.
    pub fn files(&self, config: &Config) -> Result<Files> {
        let chosen = self.generator(&config.model.name)?;
        let adapter = Weights::adapter(config, &chosen)?;
        let encoder = self.ready(self.catalogue.find(&config.model.encoder)?)?;
        let (adapter, adapter_sha256) = adapter.map(|(adapter, sum, _)| (adapter, sum)).unzip();
        Ok(Files { generator: chosen.file, name: chosen.name, adapter, adapter_sha256, encoder })
    }

    /// The generator that the configuration names: a name or alias, or the path of a GGUF file.
    fn generator(&self, name: &str) -> Result<Chosen> {
        let path = Path::new(name);
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) {
            let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
            let sum = Checksum::of(file, |_| true)?.context("reading it was not stopped")?;
            let name = path.file_stem().map_or(name.to_owned(), |s| s.to_string_lossy().into_owned());
            return Ok(Chosen { file: path.to_path_buf(), name, sha256: sum.to_string(), adapter: None });
        }
        let manifest = self.catalogue.find(name)?;
        let folder = self.ready(manifest)?;
        let weights = manifest.files.iter().find(|f| f.path.ends_with(".gguf"));
        let Some(weights) = weights else { bail!("'{}' is no generator: it has no GGUF file", manifest.name) };
        let (file, sha256) = (folder.join(&weights.path), weights.sha256.to_string());
        Ok(Chosen { file, name: manifest.name.clone(), sha256, adapter: manifest.adapter.clone() })
    }

    /// The adapter that `config` wants beside `chosen`, its sha256, and how a generator with it is asked.
    fn adapter(config: &Config, chosen: &Chosen) -> Result<Option<(Adapter, String, Style)>> {
        let (bytes, name) = match (&config.model.adapter, &chosen.adapter) {
            (config::Adapter::None, _) | (config::Adapter::Own, None) => return Ok(None),
            (config::Adapter::Own, Some(own)) => (Catalogue::adapter(own)?, own.path.display().to_string()),
            (config::Adapter::File(path), _) => {
                let name = path.display().to_string();
                (std::fs::read(path).with_context(|| format!("cannot read the adapter {name}"))?.into(), name)
            }
        };
        let adapter = Adapter::read(&bytes, &name)?;
        let (base, version) = (adapter.base_sha256(), adapter.prompt_version());
        if base != chosen.sha256 {
            let other = &chosen.name;
            bail!(
                "{name} was trained beside weights of the sha256 {base}, and '{other}' has others; use --adapter none"
            );
        }
        let Some(style) = Style::of_version(version) else {
            bail!("{name} was taught with prompts '{version}', which this program does not write");
        };
        let sum = Checksum::of(&bytes[..], |_| true)?.context("reading it was not stopped")?;
        Ok(Some((adapter, sum.to_string(), style)))
    }
}

impl Workshop {
    /// Loads what `config` names; without `models`, nothing: cues choose and quotes speak.
    ///
    /// # Errors
    /// When weights are absent or damaged, and what to do about it.
    pub fn open(config: &Config, models: bool) -> Result<Workshop> {
        let (classifier, summarizer) = (Classifier::embedded()?, Summarizer::new(options(config))?);
        let loaded = if models { Some(load(config, &classifier)?) } else { None };
        Ok(Workshop { classifier, summarizer, loaded, rules: config.rules.clone() })
    }

    /// The BLUF, with what needs a person at `judged_at`.
    pub fn summarize(&mut self, thread: &Thread, clock: &dyn Clock, judged_at: Timestamp) -> Result<Summary> {
        Ok(self.read(thread, clock, judged_at)?.0)
    }

    /// The BLUF, and what waits for whom at `judged_at`.
    pub fn read(&mut self, thread: &Thread, clock: &dyn Clock, judged_at: Timestamp) -> Result<(Summary, DocketLine)> {
        let watch = Stopwatch::start();
        let mut loaded = self.loaded.clone();
        let encoder = loaded.as_mut().map(|l| &mut l.encoder as &mut dyn Embedder);
        let acts = self.classifier.classify(thread, encoder, &|| false)?;
        let classify_ms = watch.elapsed_ms();
        let models = loaded.as_mut().map_or_else(Models::default, |l| Models {
            encoder: Some(&mut l.encoder),
            generator: Some(&mut l.generator),
            generator_name: Some(l.named.name.clone()),
            weights_sha256: Some(l.named.weights_sha256.clone()),
            adapter_sha256: l.named.adapter_sha256.clone(),
            style: l.named.style,
        });
        let docket = docket(thread, &acts, &self.rules, judged_at);
        let line = DocketLine::new(thread, docket, judged_at, &self.rules.zone);
        let mut summary = self.summarizer.summarize(thread, acts, models, clock.now(), &|| false)?;
        summary.provenance.read_ms += classify_ms;
        summary.flags.clone_from(&line.flags);
        Ok((summary, line))
    }

    /// Has the generator write one token.
    pub fn one_token(&mut self) -> Result<String> {
        let Some(generator) = self.loaded.as_mut().map(|l| &mut l.generator) else { bail!("no generator is loaded") };
        let request = Request {
            turns: vec![Turn { role: model::Role::User, text: "Say yes.".to_owned() }],
            answer_start: String::new(),
            max_new_tokens: 1,
            sampling: Sampling::Greedy,
            stop: Vec::new(),
            only: None,
        };
        Ok(generator.generate(&request, &|| false)?.text)
    }
}

/// The models that `config` names, loaded on a thread of their own.
fn load(config: &Config, classifier: &Classifier) -> Result<Loaded> {
    let weights = Weights::open(config)?;
    let chosen = weights.generator(&config.model.name)?;
    let encoder = weights.catalogue.find(&config.model.encoder)?;
    let encoder_folder = weights.ready(encoder)?;
    let file = encoder.files.iter().find(|f| f.path.ends_with(".safetensors"));
    let encoder_sha256 = file.map(|f| f.sha256.to_string()).unwrap_or_default();
    classifier.check_encoder(&encoder_sha256)?;
    let place = Arc::new(place(config)?);
    let (file, same) = (chosen.file.clone(), Arc::clone(&place));
    let (adapter, adapter_sha256, style) = match Weights::adapter(config, &chosen)? {
        Some((adapter, sum, style)) => (Some(adapter), Some(sum), style),
        None => (None, None, Style::Instructed),
    };
    let named = Named { name: chosen.name, weights_sha256: chosen.sha256, adapter_sha256, style };
    let generator: worker::Load<Generator> = Box::new(move || Generator::load(&file, &same, adapter));
    let encoder: worker::Load<BertEmbedder> = Box::new(move || BertEmbedder::load(&encoder_folder, &place));
    let (generator, encoder) = worker::start(Some(generator), Some(encoder), config.model.queue)?;
    let (Some(generator), Some(encoder)) = (generator, encoder) else { bail!("both models were asked for") };
    Ok(Loaded { encoder, encoder_sha256, generator, named })
}

/// What reads threads for the daemon: the models are loaded when they are first needed.
///
/// # Errors
/// When the trained weights in this program do not fit it.
pub fn reader(config: &Config, models: bool, clock: Arc<dyn Clock>) -> Result<Reader> {
    let config = config.clone();
    let (classifier, summarizer) = (Classifier::embedded()?, Summarizer::new(options(&config))?);
    let rules = config.rules.clone();
    let load: reader::Load = Box::new(move || {
        let classifier = Classifier::embedded().map_err(|e| e.to_string())?;
        load(&config, &classifier).map_err(|e| format!("{e:#}"))
    });
    Ok(Reader::new(classifier, summarizer, models.then_some(load), clock).with_rules(rules))
}

fn options(config: &Config) -> Options {
    Options { max_prompt_tokens: config.summarize.max_prompt_tokens, max_new_tokens: config.summarize.max_new_tokens }
}

pub(super) fn place(config: &Config) -> Result<Place> {
    let gpu = |device: candle_core::Result<Device>, name: &str, feature: &str| {
        let device = device.with_context(|| {
            format!("no {name} device; build with --features {feature}, or set device = \"cpu\" under [model]")
        });
        device.map(Place::Candle)
    };
    match config.model.device {
        config::Device::Cpu => Ok(Place::cpu(config.model.threads)),
        config::Device::Cuda => gpu(Device::new_cuda(0), "CUDA", "cuda"),
        config::Device::Metal => gpu(Device::new_metal(0), "Metal", "metal"),
    }
}
