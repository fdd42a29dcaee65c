//! Options of language models that write programs, and where a run's programs come from.

use anyhow::{Context, Result, bail};
use sdvp_language::local::LocalModel;
use sdvp_language::{
    Asker, AskerSettings, Choice, Endpoint, EndpointSettings, Form, Framework, Journal,
    LanguageModel, Price, Prompt, Vote, Watch, Writer, WriterSettings,
};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::PathBuf;

/// Where the programs of a run come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProgramSource {
    /// A file of them.
    File(PathBuf),
    /// A language model writes them.
    Llm,
    /// They are made of the questions' annotations.
    Functional,
}

impl ProgramSource {
    /// What reports call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Llm => "llm",
            Self::Functional => "functional",
        }
    }
}

impl From<OsString> for ProgramSource {
    /// `llm` and `functional` by themselves; anything else is a file, such as `./llm`.
    fn from(text: OsString) -> Self {
        match text.to_str() {
            Some("llm") => Self::Llm,
            Some("functional") => Self::Functional,
            _ => Self::File(text.into()),
        }
    }
}

/// Which examples a model is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Choose {
    /// The same for every question.
    Fixed,
    /// Others for every question.
    Random,
    /// Those most like the question.
    Nearest,
}

/// What several programs of a question vote on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum VoteOn {
    /// When they are written: the program that most are equal to is run.
    Programs,
    /// When they were run, every one of them: the answer that most give counts, of equally many the
    /// first; those that fail have no vote.
    Answers,
}

/// Who writes programs, and how.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Language model")]
pub(crate) struct LanguageOptions {
    /// An OpenAI-compatible endpoint, such as http://localhost:8080/v1.
    #[arg(long, value_name = "URL", conflicts_with = "llm_gguf")]
    llm_url: Option<String>,
    /// The model's name there.
    #[arg(long, value_name = "NAME", requires = "llm_url")]
    llm_model: Option<String>,
    /// The variable of the environment that has the key, if it is not OPENAI_API_KEY; it may be unset.
    #[arg(long, value_name = "VARIABLE", requires = "llm_url")]
    llm_key_env: Option<String>,
    /// More parameters of every request, a JSON object; null leaves one of ours out, as in
    /// {"max_tokens": null, "max_completion_tokens": 2000}.
    #[arg(long, value_name = "JSON", requires = "llm_url")]
    llm_extra: Option<String>,
    /// Seconds that an answer may take [default: 300].
    #[arg(long, value_name = "SECONDS", requires = "llm_url")]
    llm_timeout: Option<u64>,
    /// A model's file that is run in this process.
    #[arg(long, value_name = "FILE")]
    llm_gguf: Option<PathBuf>,
    /// How many examples a model is shown [default: 8].
    #[arg(long, value_name = "N")]
    llm_examples: Option<usize>,
    /// Which of them [default: nearest].
    #[arg(long, value_enum)]
    llm_choose: Option<Choose>,
    /// Programs a question, which vote [default: 1].
    #[arg(long, value_name = "N")]
    llm_samples: Option<usize>,
    /// What they vote on [default: programs].
    #[arg(long, value_enum, value_name = "WHAT")]
    llm_vote: Option<VoteOn>,
    /// How often a program that cannot be read, or fails when it is run, is sent back [default: 2].
    #[arg(long, value_name = "N")]
    llm_repairs: Option<usize>,
    /// How freely words are drawn [default: 0; 0.7 where there are several samples].
    #[arg(long, value_name = "T")]
    llm_temperature: Option<f64>,
    /// Tokens of a program at most [default: 512].
    #[arg(long, value_name = "N")]
    llm_tokens: Option<usize>,
    /// Seed of samples and of random examples [default: 0].
    #[arg(long, value_name = "N")]
    llm_seed: Option<u64>,
    /// At most so many requests.
    #[arg(long, value_name = "N")]
    llm_budget_requests: Option<u64>,
    /// At most so many tokens, read and written.
    #[arg(long, value_name = "N")]
    llm_budget_tokens: Option<u64>,
    /// What a million tokens cost, read and written, as in 0.15,0.60.
    #[arg(long, value_name = "IN,OUT")]
    llm_price: Option<Price>,
    /// Where answers are kept [default: sdvp/llm in the user's cache].
    #[arg(long, value_name = "DIR")]
    llm_cache: Option<PathBuf>,
    /// Only kept answers; nothing is asked.
    #[arg(long)]
    llm_offline: bool,
    /// At most so many requests at once [default: 8].
    #[arg(long, value_name = "N")]
    llm_concurrency: Option<usize>,
}

impl LanguageOptions {
    /// Whether anything is said of a language model.
    pub(crate) fn are_given(&self) -> bool {
        let numbers = [
            self.llm_examples,
            self.llm_samples,
            self.llm_repairs,
            self.llm_tokens,
            self.llm_concurrency,
        ];
        let wide = [
            self.llm_timeout,
            self.llm_seed,
            self.llm_budget_requests,
            self.llm_budget_tokens,
        ];
        let texts = [
            &self.llm_url,
            &self.llm_model,
            &self.llm_key_env,
            &self.llm_extra,
        ];
        numbers.iter().any(Option::is_some)
            || wide.iter().any(Option::is_some)
            || texts.iter().any(|text| text.is_some())
            || self.llm_gguf.is_some()
            || self.llm_choose.is_some()
            || self.llm_vote.is_some()
            || self.llm_temperature.is_some()
            || self.llm_price.is_some()
            || self.llm_cache.is_some()
            || self.llm_offline
    }

    /// Refuses options of a language model where none is asked.
    pub(crate) fn refused_without(&self, what: &str) -> Result<()> {
        if self.are_given() {
            bail!("options that begin with --llm are of language models; they need {what}");
        }
        Ok(())
    }

    /// Price of a million tokens.
    pub(crate) fn price(&self) -> Option<Price> {
        self.llm_price
    }

    /// What several programs of a question vote on.
    pub(crate) fn vote(&self) -> Vote {
        match self.llm_vote {
            Some(VoteOn::Answers) => Vote::Answers,
            Some(VoteOn::Programs) | None => Vote::Programs,
        }
    }

    /// Refuses votes that need programs to be run, where none is.
    pub(crate) fn refused_to_run(&self) -> Result<()> {
        if self.vote() == Vote::Answers {
            bail!("answers vote where programs are run (sdvp run, sdvp ask); leave --llm-vote out");
        }
        Ok(())
    }

    /// Whatever of these options may change answers, as `model` has it.
    pub(crate) fn settled(&self, model: &dyn LanguageModel) -> Value {
        let writer = self.writer_settings();
        json!({
            "model": model.cached_as(),
            "examples": self.examples(),
            "choose": match self.choice() {
                Choice::Fixed => "fixed",
                Choice::Random(_) => "random",
                Choice::Nearest => "nearest",
            },
            "samples": writer.samples,
            "vote": self.vote().name(),
            "repairs": writer.repairs,
            "temperature": writer.temperature,
            "top_p": writer.top_p,
            "tokens": writer.tokens,
            "seed": writer.seed,
        })
    }

    fn model(&self) -> Result<Box<dyn LanguageModel>> {
        if let Some(file) = &self.llm_gguf {
            return Ok(Box::new(LocalModel::open(file)?));
        }
        let Some(url) = &self.llm_url else {
            bail!(
                "expected a language model: --llm-url (an OpenAI-compatible endpoint) with --llm-model, or --llm-gguf"
            );
        };
        let Some(model) = &self.llm_model else {
            bail!("expected the model's name at {url}, in --llm-model");
        };
        let mut settings = EndpointSettings {
            url: url.clone(),
            model: model.clone(),
            ..EndpointSettings::default()
        };
        if let Some(variable) = &self.llm_key_env {
            settings.key_variable.clone_from(variable);
        }
        if let Some(extra) = &self.llm_extra {
            settings.extra = serde_json::from_str(extra)
                .context("--llm-extra: expected a JSON object, as in {\"top_k\": 20}")?;
        }
        if let Some(seconds) = self.llm_timeout {
            settings.answer_within = std::time::Duration::from_secs(seconds.max(1));
        }
        Ok(Box::new(Endpoint::new(settings)?))
    }

    fn journal(&self) -> Result<Journal> {
        let variable = |name: &str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let folder = match &self.llm_cache {
            Some(folder) => folder.clone(),
            None => variable("XDG_CACHE_HOME")
                .or_else(|| variable("HOME").map(|home| home.join(".cache")))
                .context("expected a folder for answers in --llm-cache, as neither XDG_CACHE_HOME nor HOME is set")?
                .join("sdvp")
                .join("llm"),
        };
        Ok(Journal::open(&folder)?)
    }

    fn asker_settings(&self) -> AskerSettings {
        let usual = AskerSettings::default();
        AskerSettings {
            concurrency: self.llm_concurrency.unwrap_or(usual.concurrency),
            requests: self.llm_budget_requests,
            tokens: self.llm_budget_tokens,
            offline: self.llm_offline,
            ..usual
        }
    }

    fn writer_settings(&self) -> WriterSettings {
        let usual = WriterSettings::default();
        let samples = self.llm_samples.unwrap_or(usual.samples);
        let temperature = if samples > 1 { 0.7 } else { usual.temperature };
        WriterSettings {
            samples,
            repairs: self.llm_repairs.unwrap_or(usual.repairs),
            temperature: self.llm_temperature.unwrap_or(temperature),
            tokens: self.llm_tokens.unwrap_or(usual.tokens),
            seed: self.llm_seed.unwrap_or(usual.seed),
            ..usual
        }
    }

    fn examples(&self) -> usize {
        self.llm_examples.unwrap_or(8)
    }

    fn choice(&self) -> Choice {
        match self.llm_choose.unwrap_or(Choose::Nearest) {
            Choose::Fixed => Choice::Fixed,
            Choose::Random => Choice::Random(self.llm_seed.unwrap_or(0)),
            Choose::Nearest => Choice::Nearest,
        }
    }

    /// Does something with one who asks the model.
    pub(crate) fn with_asker<R>(
        &self,
        watch: &dyn Watch,
        work: impl FnOnce(&Asker<'_>) -> Result<R>,
    ) -> Result<R> {
        if self.vote() == Vote::Answers && self.writer_settings().samples < 2 {
            bail!(
                "--llm-vote answers: expected several programs a question, as by --llm-samples 5"
            );
        }
        let model = self.model()?;
        let asker = Asker::new(&*model, Some(self.journal()?), self.asker_settings(), watch);
        work(&asker)
    }

    /// One who has programs written by whom `asker` asks.
    pub(crate) fn writer<'a>(
        &self,
        asker: &'a Asker<'a>,
        framework: Framework,
        form: Form,
    ) -> Result<Writer<'a>> {
        let prompt = Prompt {
            framework,
            form,
            examples: self.examples(),
            choice: self.choice(),
        };
        Ok(Writer::new(asker, prompt, self.writer_settings())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[arg(long)]
        programs: Option<ProgramSource>,
        #[command(flatten)]
        language: LanguageOptions,
    }

    fn line(arguments: &[&str]) -> Line {
        Line::try_parse_from(std::iter::once(&"sdvp").chain(arguments)).unwrap()
    }

    #[test]
    fn a_file_of_a_sources_name_is_a_path() {
        for (text, expected) in [
            ("llm", ProgramSource::Llm),
            ("functional", ProgramSource::Functional),
            ("./llm", ProgramSource::File("./llm".into())),
            ("LLM", ProgramSource::File("LLM".into())),
        ] {
            assert_eq!(line(&["--programs", text]).programs, Some(expected));
        }
    }

    #[test]
    fn any_option_counts_as_given() {
        assert!(!line(&[]).language.are_given());
        for arguments in [
            &["--llm-url", "u"][..],
            &["--llm-url", "u", "--llm-model", "m"],
            &["--llm-gguf", "f"],
            &["--llm-examples", "1"],
            &["--llm-choose", "fixed"],
            &["--llm-samples", "2"],
            &["--llm-vote", "programs"],
            &["--llm-repairs", "0"],
            &["--llm-temperature", "0.5"],
            &["--llm-tokens", "9"],
            &["--llm-seed", "1"],
            &["--llm-budget-requests", "1"],
            &["--llm-budget-tokens", "1"],
            &["--llm-price", "1,2"],
            &["--llm-cache", "c"],
            &["--llm-offline"],
            &["--llm-concurrency", "1"],
        ] {
            let options = line(arguments).language;
            assert!(options.are_given(), "{arguments:?}");
            assert!(options.refused_without("x").is_err());
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let model = |arguments: &[&str]| {
            let error = line(arguments).language.model().err().unwrap();
            format!("{error:#}")
        };
        assert!(model(&[]).contains("--llm-url"));
        let votes = |arguments: &[&str]| {
            let options = line(arguments).language;
            let asked = options.with_asker(&sdvp_language::Unwatched, |_| Ok(()));
            let refused = options.refused_to_run().map_err(|error| error.to_string());
            (asked.unwrap_err().to_string(), refused)
        };
        let (asked, refused) = votes(&["--llm-vote", "answers"]);
        assert!(asked.contains("--llm-samples") && refused.unwrap_err().contains("--llm-vote"));
        let (asked, refused) = votes(&["--llm-samples", "3"]);
        assert!(asked.contains("--llm-url") && refused.is_ok());
        assert!(model(&["--llm-url", "http://localhost:1"]).contains("--llm-model"));
        assert!(model(&["--llm-gguf", "m.gguf"]).contains("m.gguf"));
        let url = ["--llm-url", "http://localhost:1", "--llm-model", "m"];
        let with = |more: &[&'static str]| model(&[&url[..], more].concat());
        assert!(with(&["--llm-extra", "[1]"]).contains("--llm-extra"));
        assert!(with(&["--llm-extra", "{\"seed\":1}"]).contains("\"seed\""));
    }
}
