//! `side-by-side`: two servers, the same clients, on one page.

use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{Args, FromArgMatches};

use crate::commands::args::Format;
use crate::commands::command::{Command, Misuse};
use crate::commands::conduct::status;
use crate::commands::page::{PageArgs, file};
use crate::commands::screen::Screen;
use crate::commands::servers::args::{ServerArgs, read};
use crate::commands::servers::run::prepare;
use crate::commands::servers::{Server, rows};
use crate::lab::script::at_once;
use crate::lab::stage::Stage;
use crate::server::mode::Mode;
use crate::show::View;
use crate::show::page::Layout;
use crate::show::text::table;

const EXAMPLES: &str = "\
Examples:
  epoll-lab side-by-side et.html lt \"et-blocking --read once\"
  epoll-lab side-by-side right.html et-blocking et-nonblock --open
  epoll-lab side-by-side three.html \"lt --clients 3\" \"blocking --clients 3\"";

/// Two servers with the same clients, beside each other on one page
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct SideArgs {
    /// The page
    #[arg(value_name = "FILE", value_parser = file())]
    file: PathBuf,

    /// A server with its flags, as on a command line: "et-blocking --read once"
    #[arg(value_name = "LEFT")]
    left: String,

    /// The other one; both have the same clients
    #[arg(value_name = "RIGHT")]
    right: String,

    /// Open the page with the desktop's browser
    #[arg(long)]
    open: bool,
}

/// One run after the other, and one page of both.
pub const COMMAND: Command = Command {
    name: "side-by-side",
    flags: SideArgs::augment_args,
    run: |given| execute(SideArgs::from_arg_matches(given)?),
};

/// The servers that can stand beside each other.
const SERVERS: [(Server, Command); 4] = [
    (Server::Blocking, rows::BLOCKING),
    (Server::Lt, rows::LT),
    (Server::EtBlocking, rows::ET_BLOCKING),
    (Server::EtNonblock, rows::ET_NONBLOCK),
];

/// A server that was asked for in words.
type Asked = (Server, Mode, ServerArgs);

/// Runs both, one after the other.
fn execute(args: SideArgs) -> Result<ExitCode> {
    let (left, right) = (parse(&args.left)?, parse(&args.right)?);
    let (left, right) = with_the_same_clients(left, right)?;
    let view = View {
        calls: false,
        times: false,
    };
    let file = args.file;
    let to = PageArgs {
        html: Some(file.clone()),
        open: args.open,
    };
    let screen = Screen::new(Format::Text, view, &to, Layout::Side)?;
    let mut sound = true;
    let stage = Stage::new(screen.audience.clone())?;
    for (number, (server, mode, args)) in [left, right].into_iter().enumerate() {
        let (mut run, script) = prepare(server, mode, &args, false);
        run.caption.next = None; // that is the page
        if number > 0 {
            screen.text(|out| std::io::Write::write_all(out, b"\n"))?;
        }
        stage.announce(&run)?;
        let (summary, _) = stage.perform(&run, mode, &script, &mut at_once)?;
        sound &= summary.echo_intact;
    }
    screen.finish_page()?;
    let next = format!(
        "open {} in a browser, and press the right arrow",
        file.display()
    );
    screen.text(|out| table::next(Some(&next), out))?;
    Ok(status(sound))
}

/// A server and its flags, from one word of the command line.
fn parse(words: &str) -> Result<Asked, Misuse> {
    let (server, mode, args) = read_words(words).map_err(|error| {
        let told = error.to_string();
        let line = told.lines().next().unwrap_or_default();
        let line = line.trim_start_matches("error: ");
        Misuse(format!(
            "'{}': {line}; side by side go blocking, lt, et-blocking and et-nonblock, with \
             their flags",
            words.escape_debug()
        ))
    })?;
    let flags = [
        ("--listen", args.listen.is_some()),
        ("--step", args.step),
        ("--predict", args.predict.is_given()),
        ("--html", args.page.html.is_some()),
        ("--timing", args.screen.timing),
    ];
    match flags.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Misuse(format!(
            "'{}': {flag} is not for two runs beside each other",
            words.escape_debug()
        ))),
        None => Ok((server, mode, args)),
    }
}

fn read_words(words: &str) -> Result<Asked, clap::Error> {
    let typed = iter::once("epoll-lab").chain(words.split_whitespace());
    let given = clap::Command::new("epoll-lab")
        .subcommands(SERVERS.map(|(_, command)| command.define()))
        .subcommand_required(true)
        .try_get_matches_from(typed)?;
    let asked = SERVERS
        .into_iter()
        .find_map(|(server, command)| Some((server, given.subcommand_matches(command.name)?)));
    let Some((server, given)) = asked else {
        return Err(clap::Error::new(ErrorKind::MissingSubcommand));
    };
    let (mode, args) = read(server, given)?;
    Ok((server, mode, args))
}

/// What one of them says of its clients goes for both.
fn with_the_same_clients(mut left: Asked, mut right: Asked) -> Result<(Asked, Asked), Misuse> {
    let (one, other) = (&mut left.2, &mut right.2);
    // Held or not: the clients do the same at the same time.
    let together = one.together || other.together;
    (one.together, other.together) = (together, together);
    let clients = match (one.clients, other.clients) {
        (Some(one), Some(other)) if one != other => {
            return Err(Misuse(format!(
                "--clients {one} and --clients {other}: side by side both have the same clients"
            )));
        }
        (Some(clients), _) | (None, Some(clients)) => clients,
        (None, None) => one.clients(left.0).max(other.clients(right.0)),
    };
    match (one.message.is_empty(), other.message.is_empty()) {
        (false, false) if one.message != other.message => {
            let mistake = "--message: side by side both have the same clients";
            return Err(Misuse(mistake.into()));
        }
        (false, _) => other.message = one.message.clone(),
        (true, _) => one.message = other.message.clone(),
    }
    (one.clients, other.clients) = (Some(clients), Some(clients));
    if let Some(mistake) = one.not_together(left.0).or(other.not_together(right.0)) {
        return Err(Misuse(mistake.into()));
    }
    Ok((left, right))
}
