//! The manual pages, made from the definition of the command line.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

/// The page of `program`, or of one of its commands.
pub fn page(mut program: Command, command: Option<&str>) -> io::Result<Vec<u8>> {
    program.build();
    let found = command.and_then(|name| program.find_subcommand(name).cloned());
    let command = match found {
        None => program,
        // With a hyphen, as `man git-add`.
        Some(found) => {
            let name = format!("epoll-lab-{}", found.get_name());
            found.version(env!("CARGO_PKG_VERSION")).display_name(name)
        }
    };
    let mut page = Vec::new();
    render(command, &mut page)?;
    Ok(page)
}

/// As clap_mangen does, but for the examples: their lines are kept as they are.
fn render(command: Command, out: &mut Vec<u8>) -> io::Result<()> {
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(|after| after.to_string());
    let has_commands = command.has_subcommands();
    let title = command
        .get_display_name()
        .unwrap_or("epoll-lab")
        .to_string();
    let man = Man::new(command)
        .title(title)
        .source(concat!("epoll-lab ", env!("CARGO_PKG_VERSION")));
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if has_commands {
        man.render_subcommands_section(out)?;
    }
    for part in after.iter().flat_map(|after| after.split("\n\n")) {
        match part.split_once('\n') {
            // "Examples:" above its lines is a heading.
            Some((head, lines)) if head.ends_with(':') && lines.starts_with("  ") => {
                writeln!(out, ".SH {}", head.trim_end_matches(':').to_uppercase())?;
                literal(lines, out)?;
            }
            _ => {
                writeln!(out, ".PP")?;
                literal(part, out)?;
            }
        }
    }
    man.render_version_section(out)
}

/// Lines that are neither filled nor read as requests (groff_man(7)).
fn literal(lines: &str, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, ".nf")?;
    for line in lines.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        writeln!(out, "\\&{line}")?;
    }
    writeln!(out, ".fi")
}
