//! The flags of `claims`.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};

use crate::claims::{self, Claim};
use crate::commands::args::ScreenArgs;
use crate::commands::page::PageArgs;
use crate::commands::predict::args::PredictArgs;

const EXAMPLES: &str = "\
Examples:
  epoll-lab claims                    all of them, one line each
  epoll-lab claims --evidence         and what was seen
  epoll-lab claims --list             without trying them
  epoll-lab claims ctl-errors         one of them: every call, and why
  epoll-lab claims et-once oneshot    some of them, and what was seen
  epoll-lab claims eof --predict      first say whether it is true
  epoll-lab claims --format json      one JSON record a claim";

/// What textbooks say about epoll, each claim tried on this kernel
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ClaimsArgs {
    /// Try these claims; of one alone, show how [default: all, in one table]
    #[arg(value_name = "ID", hide_possible_values = true, value_parser = IdParser)]
    pub ids: Vec<&'static Claim>,

    /// Say what was seen, the ground of each verdict; of one ID, instead of its
    /// calls
    #[arg(long, conflicts_with_all = ["list", "predict"])]
    pub evidence: bool,

    /// List the claims without trying them
    #[arg(long, conflicts_with_all = ["ids", "predict"])]
    pub list: bool,

    #[command(flatten)]
    pub screen: ScreenArgs,

    #[command(flatten)]
    pub page: PageArgs,

    #[command(flatten)]
    pub predict: PredictArgs,
}

/// An id of the list. Shells complete it; of a typo it says what is near.
#[derive(Clone, Debug)]
struct IdParser;

impl TypedValueParser for IdParser {
    type Value = &'static Claim;

    fn parse_ref(
        &self,
        command: &Command,
        _: Option<&Arg>,
        value: &OsStr,
    ) -> Result<&'static Claim, clap::Error> {
        let id = value.to_string_lossy();
        claims::find(&id).ok_or_else(|| {
            let hint = match claims::nearest(&id) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "`claims --list` lists them".into(),
            };
            let message = format!("no claim '{}'; {hint}\n", id.escape_debug());
            clap::Error::raw(ErrorKind::InvalidValue, message).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let value = |claim: &'static Claim| PossibleValue::new(claim.id).help(claim.claim);
        Some(Box::new(claims::all().map(value)))
    }
}
