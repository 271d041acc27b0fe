//! A program against the lab's clients, act by act.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, FromArgMatches};

use crate::commands::args::Format;
use crate::commands::command::Command;
use crate::commands::conduct::status;
use crate::commands::next::or;
use crate::commands::pace::pace;
use crate::commands::page::PageArgs;
use crate::commands::screen::Screen;
use crate::commands::watch::args::{Answer, WatchArgs};
use crate::commands::watch::{json, pid, text};
use crate::lab::audience::Event;
use crate::lab::one_cpu::OneCpu;
use crate::show::page::Layout;
use crate::show::tell;
use crate::show::text::table;
use crate::trace::error_text;
use crate::trace::escape::shell_word;
use crate::watch::act::Act;
use crate::watch::acts::ActOutcome;
use crate::watch::network;
use crate::watch::odd;
use crate::watch::processor::Processor;
use crate::watch::session::{Plan, Program, Session};

/// What A and B send, if nobody says otherwise: as with the lab's servers.
const MESSAGES: [&[u8]; 2] = [b"HELLOworld123", b"ping"];

/// The eye turned outward.
pub const COMMAND: Command = Command {
    name: "watch",
    flags: WatchArgs::augment_args,
    run: |given| execute(&WatchArgs::from_arg_matches(given)?),
};

/// Watches what was asked for. What cannot be watched is said in a sentence.
fn execute(args: &WatchArgs) -> Result<ExitCode> {
    let Some(processor) = Processor::here() else {
        bail!(
            "watch knows the registers of x86-64 and aarch64, not those of {}",
            std::env::consts::ARCH
        );
    };
    let mut view = args.screen.view();
    view.calls |= args.step && args.screen.format == Format::Text;
    view.calls |= args.pid.is_some() && !args.once;
    // The program's network is its own, and would be that of a browser too.
    let page = PageArgs {
        html: args.html.clone(),
        open: false,
    };
    let screen = Screen::new(args.screen.format, view, &page, Layout::Row)?;
    if let Some(process) = args.pid {
        return pid::execute(process, args, processor, &screen);
    }
    launched(args, processor, &screen)
}

fn launched(args: &WatchArgs, processor: &'static Processor, screen: &Screen) -> Result<ExitCode> {
    let (name, arguments) = args.command.split_first().context("no program is named")?;
    let words = args.command.iter();
    let words = words.map(|word| shell_word(word.as_encoded_bytes()));
    let launched = Launched {
        args,
        screen,
        processor,
        program: Program {
            path: odd::find(name, processor)?,
            name: name.clone(),
            arguments: arguments.to_vec(),
        },
        plan: Plan {
            messages: match args.message.is_empty() {
                true => MESSAGES.map(<[u8]>::to_vec).to_vec(),
                false => args.message.iter().map(|it| it.0.clone()).collect(),
            },
            echo: args.answer == Answer::Echo,
            stall: args.stall,
            port: args.port,
        },
        words: words.collect(),
    };
    if !args.host_network
        && let Err(error) = network::enter()
    {
        // Then on this machine's own loopback.
        tell(&format!(
            "epoll-lab: no network of its own for the program here ({}); it is started in this \
             machine's, as with --host-network",
            error_text(&error)
        ));
    }
    let _held = OneCpu::hold();
    let words = &launched.words;
    screen.text(|out| text::header(words, out))?;
    let mut outcomes = Vec::new();
    let mut notes = Vec::new();
    for (number, act) in (1..).zip(&args.acts) {
        outcomes.push(launched.play(*act, number, &mut notes)?);
    }
    let all_well = outcomes.iter().all(|it| it.diagnosis.is_ok());
    screen.text(|out| {
        text::table(&outcomes, screen.view.times, out)?;
        text::notes(&notes, out)?;
        writeln!(out)?;
        for outcome in &outcomes {
            text::finding(&outcome.diagnosis, out)?;
        }
        table::next(Some(&next(args, words, &outcomes)), out)
    })?;
    screen.finish_page()?;
    Ok(status(!args.strict || all_well))
}

/// All that an act is about, beside itself.
struct Launched<'a> {
    args: &'a WatchArgs,
    screen: &'a Screen,
    processor: &'static Processor,
    program: Program,
    plan: Plan,
    words: Vec<String>,
}

impl Launched<'_> {
    fn play(&self, act: Act, number: u32, notes: &mut Vec<String>) -> Result<ActOutcome> {
        let (args, screen, words) = (self.args, self.screen, &self.words);
        let step = args.step && screen.format == Format::Text;
        screen.audience.tell(&Event::Trial(act.name()))?;
        json::run(act, number, words, screen)?;
        if screen.view.calls {
            screen.text(|out| text::act(act, out))?;
        }
        let (audience, mut pace) = (screen.audience.clone(), pace(step));
        let (program, plan) = (&self.program, &self.plan);
        let mut session = Session::launch(self.processor, program, plan, audience, &mut pace)?;
        let outcome = session.play(act)?;
        let (totals, end) = session.come_to(act);
        let told = session.notes();
        session.end()?;
        drop(session);
        screen.audience.tell(&Event::Finish)?;
        screen.part_is_over()?;
        if let Some((page, _)) = &screen.page {
            let (program, name) = (words.join(" "), act.name());
            let command = format!("epoll-lab watch --acts {name}{} -- {program}", flags(args));
            page.watched(&command, &format!("{name} | {}", act.title()));
            let mut text = Vec::new();
            text::table(std::slice::from_ref(&outcome), false, &mut text)?;
            text::finding(&outcome.diagnosis, &mut text)?;
            let diagnosis = &outcome.diagnosis;
            let sentence = format!("{}: {}", diagnosis.verdict.name(), diagnosis.why);
            page.conclude(&sentence, &text);
        }
        let (seen, diagnosis) = (&outcome.seen, &outcome.diagnosis);
        json::act(number, &totals, seen, &end, diagnosis, screen)?;
        for note in told {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        Ok(outcome)
    }
}

/// The flags without which it would be another run.
fn flags(args: &WatchArgs) -> String {
    let mut flags = String::new();
    for message in &args.message {
        flags += &format!(" --message {}", shell_word(&message.0));
    }
    if args.answer == Answer::Any {
        flags += " --answer any";
    }
    if let Some(port) = args.port {
        flags += &format!(" --port {port}");
    }
    flags
}

/// The first act that went wrong, with its calls; where they are on the screen
/// already, its lesson.
fn next(args: &WatchArgs, words: &[String], outcomes: &[ActOutcome]) -> String {
    let wrong = outcomes.iter().find(|it| !it.diagnosis.is_ok());
    let act = wrong.map(|outcome| outcome.diagnosis.act);
    let lesson = wrong.and_then(|outcome| outcome.diagnosis.lesson);
    let program = words.join(" ");
    let flags = flags(args);
    let command = match (act, args.screen.trace || args.step, lesson) {
        (Some(_), true, Some(lesson)) => return format!("lessons/{lesson}"),
        (Some(act), false, _) => {
            format!(
                "epoll-lab watch --trace --acts {}{flags} -- {program}",
                act.name()
            )
        }
        (None, false, _) => format!("epoll-lab watch --trace{flags} -- {program}"),
        _ => format!("epoll-lab watch --strict{flags} -- {program}"),
    };
    let in_words = match act {
        _ if args.screen.trace || args.step => "the same with --strict".into(),
        Some(act) => format!("the same with --trace --acts {}", act.name()),
        None => "the same with --trace".into(),
    };
    or(command, &in_words)
}
