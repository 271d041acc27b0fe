//! One server against its script, or for clients from outside.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ArgMatches;

use crate::commands::args::{BUFFER, Format, messages};
use crate::commands::command::Misuse;
use crate::commands::conduct::{Experiment, conduct, status};
use crate::commands::next;
use crate::commands::pace::pace;
use crate::commands::predict::args::PredictArgs;
use crate::commands::predict::{Compared, Question};
use crate::commands::screen::Screen;
use crate::commands::servers::args::{ServerArgs, read};
use crate::commands::servers::server::Server;
use crate::commands::servers::{questions, text};
use crate::lab::report::{Caption, EventLoop, Run, Summary, Trigger};
use crate::lab::script::Script;
use crate::lab::stage::Stage;
use crate::server::mode::{Mode, Read, SocketKind};
use crate::show::page::Layout;
use crate::show::text::table;
use crate::show::{prompt, tell};
use crate::sys::journal::Follow;
use crate::trace::escape::shell_word;

/// Runs a server with its flags.
pub fn execute(server: Server, given: &ArgMatches) -> Result<ExitCode> {
    let (mode, args) = read(server, given)?;
    if args.listen.is_some() && args.page.html.is_some() {
        let mistake = "--html with --listen: clients from outside come and go for days; a page is \
                       of a run with the lab's own clients";
        bail!(Misuse(mistake.into()));
    }
    if let Some(mistake) = args.not_together(server) {
        bail!(Misuse(mistake.into()));
    }
    let mut view = args.screen.view();
    // Whoever is asked may want to see the trace of this run afterwards; who
    // steps through it sees it as it comes.
    let text = args.screen.format == Format::Text;
    let asks = args.predict.asks() && text;
    let hold_back = asks && !args.step && !view.calls;
    view.calls |= asks || args.step && text;
    let (run, script) = prepare(server, mode, &args, view.calls);
    let to = &args.page;
    let screen = Screen::new(args.screen.format, view, to, Layout::Row)?;
    let stage = Stage::new(screen.audience.clone())?;
    let one = OneServer {
        server,
        mode,
        run,
        script,
        stage,
        step: args.step,
        hold_back,
    };
    match args.listen {
        Some(addr) => one.listen(addr, &screen),
        None => conduct(&one, &args.predict, &screen),
    }
}

/// What is run, and what its clients do; `calls`: whether they are shown.
pub fn prepare(server: Server, mode: Mode, args: &ServerArgs, calls: bool) -> (Run, Script) {
    let api = server.api();
    let script = script(server, args);
    let run = Run {
        command: server.name(),
        api,
        trigger: (api != EventLoop::None).then(|| Trigger::of(mode.interest)),
        socket: mode.socket,
        read: mode.read,
        buffer: args.buffer as usize,
        clients: args.listen.map_or(script.messages.len(), |_| 0),
        caption: Caption {
            summed_up: !args.predict.is_given(),
            // From outside there is nothing to repeat.
            next: args
                .listen
                .is_none()
                .then(|| next::after_server(server, &mode, &flags(server, &mode, args), calls)),
            flags: flags(server, &mode, args),
            ..Caption::alone(server.name())
        },
    };
    (run, script)
}

/// A server, ready to be run.
struct OneServer {
    server: Server,
    mode: Mode,
    run: Run,
    script: Script,
    stage: Stage,
    /// Each step waits for Enter.
    step: bool,
    /// The trace is shown afterwards, if somebody wants to see it.
    hold_back: bool,
}

impl OneServer {
    fn listen(&self, addr: SocketAddr, screen: &Screen) -> Result<ExitCode> {
        let follow = match screen.view.calls {
            true if screen.view.times => Follow::Timed,
            true => Follow::Records,
            false => Follow::Counts,
        };
        let stall = self.script.stall;
        let stage = &self.stage;
        let summary = stage.listen(&self.run, self.mode, addr, stall, follow)?;
        Ok(status(self.is_sound(&summary)))
    }

    /// What is held back may be long in coming.
    fn say_that_it_runs(&self) {
        let may_starve = self.mode.socket == SocketKind::Blocking && self.mode.read == Read::Drain;
        if may_starve && self.run.clients > 1 && !self.script.stall.is_zero() {
            let stall = humantime::format_duration(self.script.stall);
            tell(&format!(
                "running; a client that starves is watched for {stall}\n"
            ));
        }
    }
}

impl Experiment for OneServer {
    type Found = Summary;

    fn questions(&self) -> Vec<Question<Summary>> {
        questions::questions(&self.run, &self.script)
    }

    fn set_up(&self) -> String {
        questions::set_up(&self.run, &self.script)
    }

    fn announce(&self, screen: &Screen, predict: &PredictArgs) -> Result<()> {
        self.stage.announce(&self.run)?;
        if predict.wants_setup(screen.format) {
            screen.set_up(&self.set_up())?;
        }
        Ok(())
    }

    fn run(&self, screen: &Screen) -> Result<Summary> {
        if self.hold_back {
            screen.out.hold_back();
            self.say_that_it_runs();
        }
        let mut pace = pace(self.step);
        let stage = &self.stage;
        match stage.perform(&self.run, self.mode, &self.script, &mut pace) {
            Ok((summary, _)) => Ok(summary),
            Err(error) => {
                // How far it came is all there is to see.
                screen.out.release()?;
                Err(error)
            }
        }
    }

    fn text(&self, summary: &Summary, compared: &[Compared], screen: &Screen) -> Result<()> {
        if compared.is_empty() {
            return Ok(()); // it has been summed up
        }
        screen.text(|out| text::predicted(summary, compared, screen.view, out))?;
        if self.hold_back {
            if prompt::wants("\nShow the trace? [Enter; n: no] ")? {
                screen.out.release()?;
            } else {
                screen.out.forget();
            }
        }
        let next = next::after_predicted(self.server, &self.mode);
        Ok(screen.text(|out| table::next(Some(&next), out))?)
    }

    fn is_sound(&self, summary: &Summary) -> bool {
        summary.echo_intact
    }
}

/// The flags that differ from what the command does by itself.
fn flags(server: Server, mode: &Mode, args: &ServerArgs) -> String {
    let mut flags = String::new();
    let mut push = |flag: &str, value: &str| flags += &format!(" {flag} {value}");
    let own = server.mode();
    if mode.read != own.read {
        push("--read", mode.read.name());
    }
    if mode.socket != own.socket {
        push("--socket", mode.socket.name());
    }
    if args.buffer != BUFFER {
        push("--buffer", &args.buffer.to_string());
    }
    let clients = args.clients(server);
    if clients != server.clients() && !(args.together && clients == 2) {
        push("--clients", &clients.to_string());
    }
    if args.together {
        flags += " --together";
    }
    for message in &args.message {
        let word = shell_word(&message.0);
        match message.0.first() {
            // Apart from its flag it would be taken for another one.
            Some(b'-') => flags += &format!(" --message={word}"),
            _ => flags += &format!(" --message {word}"),
        }
    }
    flags
}

/// Who says what: A tells more than a buffer holds, the others a word, unless
/// the user says otherwise.
fn script(server: Server, args: &ServerArgs) -> Script {
    let clients = args.clients(server);
    let own = |client| match client {
        0 => &b"HELLOworld123"[..],
        _ => b"ping",
    };
    let each = (0..clients).map(|client| messages(&args.message, own(client)));
    Script {
        messages: each.collect(),
        together: args.together,
        stall: args.stall,
    }
}
