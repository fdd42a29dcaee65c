//! One file a command.
mod pretrain;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Pretrain(pretrain::Pretrain),
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Pretrain(args) => args.run(),
    }
}
