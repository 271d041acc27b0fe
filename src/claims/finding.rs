//! What an experiment found out: a verdict, and what it rests on.

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This kernel did what the textbook says.
    Confirmed,
    /// This kernel did something else.
    Refuted,
    /// True under a condition, which the evidence names.
    Depends,
    /// The experiment cannot run here.
    NotTried,
}

impl Verdict {
    /// In the order in which the last line counts them.
    pub const ALL: [Verdict; 4] = [
        Verdict::Confirmed,
        Verdict::Refuted,
        Verdict::Depends,
        Verdict::NotTried,
    ];

    /// The words in the table, in the JSON contract, and of a prediction.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Confirmed => "confirmed",
            Verdict::Refuted => "refuted",
            Verdict::Depends => "depends",
            Verdict::NotTried => "not tried",
        }
    }
}

/// A measured number: a count, or a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// The same in every run.
    Count(u64),
    /// It varies from run to run, and is shown with `--timing` only.
    Varies(f64),
}

/// The verdict, computed from what this run measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Computed by the experiment's judge, from what was measured and nothing
    /// else.
    pub verdict: Verdict,
    /// What was seen, as a sentence without its full stop; the same in every run.
    pub evidence: String,
    /// What to make of it, in a sentence or two.
    pub why: &'static str,
    /// What varies from run to run: shown with `--timing`, as the evidence.
    pub varying: Option<String>,
    /// By the names that the JSON contract gives them.
    pub figures: Vec<(&'static str, Figure)>,
}

/// The claim holds, as `evidence` shows.
pub fn confirmed(evidence: impl Into<String>) -> Finding {
    Finding::new(Verdict::Confirmed, evidence.into())
}

/// The claim does not hold.
pub fn refuted(evidence: impl Into<String>) -> Finding {
    Finding::new(Verdict::Refuted, evidence.into())
}

/// The claim holds under a condition.
pub fn depends(evidence: impl Into<String>) -> Finding {
    Finding::new(Verdict::Depends, evidence.into())
}

/// What was measured decides nothing.
pub fn not_tried(reason: impl Into<String>) -> Finding {
    Finding::new(Verdict::NotTried, reason.into()).why(NOT_TO_BE_HAD)
}

/// What there is to say of a claim that was not tried.
const NOT_TO_BE_HAD: &str =
    "Something that the experiment needs is not to be had here, or something disturbed it.";

impl Finding {
    /// A verdict and its evidence, with no more said about it.
    pub fn new(verdict: Verdict, evidence: String) -> Finding {
        Finding {
            verdict,
            evidence,
            why: "",
            varying: None,
            figures: Vec::new(),
        }
    }

    /// What to make of it; shown where the claim is tried alone.
    pub fn why(self, why: &'static str) -> Finding {
        Finding { why, ..self }
    }

    /// A count: the same in every run.
    pub fn count(mut self, name: &'static str, count: impl TryInto<u64>) -> Finding {
        let count = count.try_into().unwrap_or(u64::MAX);
        self.figures.push((name, Figure::Count(count)));
        self
    }

    /// A number that varies from run to run.
    pub fn varies(mut self, name: &'static str, value: f64) -> Finding {
        self.figures.push((name, Figure::Varies(value)));
        self
    }

    /// The evidence with `--timing`.
    pub fn varying(self, evidence: String) -> Finding {
        let varying = Some(evidence);
        Finding { varying, ..self }
    }
}
