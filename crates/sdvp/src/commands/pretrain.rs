//! `sdvp models pretrain`: the shipped weights, from nothing.
use anyhow::Result;
use sdvp_data::Task;
use sdvp_data::picto::{SceneSpec, Style, answer_vocabulary, word_list};
use sdvp_distill::pretrain::{PretrainSettings, pretrain_answer, pretrain_locate, train_teacher};
use sdvp_distill::{Observer, Phase};
use sdvp_models::Tokenizer;
use sdvp_modules::{LocateModel, ModelSource};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Pretrain {
    #[arg(long)]
    out: PathBuf,
    #[arg(long)]
    only: String,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long)]
    steps: usize,
    #[arg(long, default_value_t = 32)]
    batch: usize,
    #[arg(long, default_value_t = 1e-3)]
    rate: f64,
}

struct Lines(std::time::Instant);
impl Observer for Lines {
    fn begin(&self, phase: &Phase) {
        eprintln!("{} ({})", phase.name, phase.total);
    }
    fn advance(&self, _: usize) {}
    fn loss(&self, step: usize, loss: f32) {
        eprintln!("{step} {loss:.4} {:.1}s", self.0.elapsed().as_secs_f64());
    }
}

impl Pretrain {
    pub(crate) fn run(self) -> Result<()> {
        let observer = Lines(std::time::Instant::now());
        let settings = PretrainSettings { seed: self.seed, steps: self.steps, batch: self.batch, learning_rate: self.rate };
        match self.only.as_str() {
            "locate" => {
                let (model, _) = pretrain_locate(tokenizer()?, &settings, &observer)?;
                model.save(&self.out.join("locate"))?;
                for style in [Style::General, Style::Dim, Style::Cast, Style::Sketch] {
                    let spec = SceneSpec { style, ..SceneSpec::default() };
                    eprintln!("{style:?} {}", sdvp_distill::pretrain::locate_recall(&model, &spec, 640)?);
                }
            }
            "answer" => {
                let locate = LocateModel::load(&ModelSource::Folder(self.out.join("locate")), None)?;
                let (model, _) = pretrain_answer(&locate, answer_vocabulary(), &settings, &observer)?;
                model.save(&self.out.join("answer"))?;
            }
            name => {
                let spec = Task::named(name)?.spec();
                let (model, _) = train_teacher(name, &spec, 12_000, &settings, &observer)?;
                model.save(&self.out.join(format!("teacher-{name}")))?;
            }
        }
        Ok(())
    }
}

fn tokenizer() -> Result<Tokenizer> {
    Ok(Tokenizer::from_words(word_list().iter().map(String::as_str))?)
}
