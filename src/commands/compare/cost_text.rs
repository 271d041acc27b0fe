//! The cost of one wait as text: figures, what they mean, a chart, the verdict.

use std::io;

use colored::Colorize;
use tabled::settings::formatting::AlignmentStrategy;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Width};

use crate::commands::compare::chart::{self, coloured};
use crate::cost::analysis::{Fitted, poll_over_epoll};
use crate::cost::figures::{decimals, thousands};
use crate::cost::{Active, Api, Cost, Measurement, Point, Skip, verdict};
use crate::show::text::layout::{WIDTH, wrap};
use crate::show::{Charset, grid};

/// The whole of it.
pub fn text(
    measurement: &Measurement,
    charset: Charset,
    out: &mut impl io::Write,
) -> io::Result<()> {
    header(measurement, out)?;
    sizes(measurement, out)?;
    fits(measurement, out)?;
    chart::draw(measurement, charset, out)?;
    experiments(measurement, out)?;
    for sentence in verdict::sentences(measurement) {
        paragraph("=> ", &sentence, out)?;
    }
    Ok(())
}

fn header(measurement: &Measurement, out: &mut impl io::Write) -> io::Result<()> {
    let plan = &measurement.plan;
    let ready = match plan.active() {
        Active::All => "all ready".to_owned(),
        Active::Count(count) => format!("{} ready", thousands(count as f64)),
    };
    let churn = match plan.churn() {
        0 => "interest never changes".to_owned(),
        1 => "1 change of interest before each wait".to_owned(),
        churn => format!(
            "{} changes of interest before each wait",
            thousands(churn as f64)
        ),
    };
    writeln!(
        out,
        "{}",
        format!("one wait | {} | {ready} | {churn}", plan.fd_kind.name()).bold()
    )?;
    writeln!(
        out,
        "ns a wait, with the search for the ready fds; median of {}, p10-p90",
        plan.repetitions
    )?;
    if measurement.threads > 1 {
        let note = format!(
            "caution: this process has {} threads, so every fd of select and poll costs more",
            measurement.threads
        );
        paragraph("", &note, out)?;
    }
    if cfg!(debug_assertions) {
        paragraph(
            "",
            "caution: an unoptimised build, so the search for the ready fds costs more",
            out,
        )?;
    }
    writeln!(out)
}

/// One row a size.
fn sizes(measurement: &Measurement, out: &mut impl io::Write) -> io::Result<()> {
    let points = measurement.plan.size_points().collect();
    let row = |point: &Point| thousands(point.fds as f64);
    costs(measurement, "fds", points, row, out)?;
    // A reason once, however many cells it emptied.
    let mut reasons: Vec<String> = Vec::new();
    for cell in &measurement.cells {
        if let Err(skip) = &cell.outcome {
            let reason = format!("{} fds: {skip}", thousands(cell.point.fds as f64));
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    for reason in reasons {
        paragraph("skipped: ", &reason, out)?;
    }
    writeln!(out)
}

/// A table of costs: one row a point, three APIs, and how poll compares with epoll.
fn costs(
    measurement: &Measurement,
    label: &str,
    points: Vec<Point>,
    row: impl Fn(&Point) -> String,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let mut head = vec![label.to_owned()];
    for api in Api::ALL {
        head.push(coloured(api, api.name()).bold().to_string());
        head.push(String::new());
    }
    head.push("poll/epoll".to_owned());
    let rows = points.into_iter().map(|point| {
        let mut cells = vec![row(&point)];
        for api in Api::ALL {
            let [median, spread] = cost_cells(measurement.outcome(api, point));
            cells.push(median);
            cells.push(spread);
        }
        cells.push(poll_over_epoll(measurement, point).map_or("-".to_owned(), decimals));
        cells
    });
    let mut grid = grid::of(head, rows, &[2, 4, 6], 1);
    grid.head = 0; // each name has its own colour
    grid.table.modify(Columns::first(), Alignment::right());
    for spread in [2, 4, 6] {
        let padding = Padding::new(0, 2, 0, 0);
        grid.table.modify(Columns::one(spread), padding);
    }
    // Only figures far beyond what a machine of today shows would be wider.
    grid.table
        .with(AlignmentStrategy::PerCell)
        .with(Width::wrap(WIDTH).keep_words(true));
    grid.print(out)
}

/// The median, and the two percentiles in short form; a size that was not measured says why in a word.
fn cost_cells(outcome: Option<&Result<Cost, Skip>>) -> [String; 2] {
    match outcome {
        Some(Ok(cost)) => [thousands(cost.median_ns), spread(cost).dimmed().to_string()],
        Some(Err(Skip::FdSetSize { .. })) => ["-".to_owned(), "FD_SETSIZE".to_owned()],
        Some(Err(Skip::OpenFiles { .. })) => ["-".to_owned(), "ulimit -n".to_owned()],
        Some(Err(Skip::Open { errno, .. })) => ["-".to_owned(), format!("{errno:?}")],
        None => ["-".to_owned(), String::new()],
    }
}

/// `27.9-29.1k`: three digits are more than two runs agree on.
fn spread(cost: &Cost) -> String {
    let (scale, unit) = match cost.p90_ns {
        high if high < 999.5 => (1.0, ""),
        high if high < 999_500.0 => (1e3, "k"),
        _ => (1e6, "M"),
    };
    let digits = |ns: f64| match ns / scale {
        value if scale == 1.0 || value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    };
    format!("{}-{}{unit}", digits(cost.p10_ns), digits(cost.p90_ns))
}

/// The straight lines through the costs over N.
fn fits(measurement: &Measurement, out: &mut impl io::Write) -> io::Result<()> {
    let fitted: Vec<Fitted> = Api::ALL
        .iter()
        .filter_map(|&api| Fitted::of(measurement, api))
        .collect();
    if fitted.is_empty() {
        return Ok(());
    }
    let head = [
        "fitted",
        "ns = a + b x N",
        "worst point off by",
        "grows as",
        "so it is",
    ];
    let rows = fitted.iter().map(|fitted| {
        let (api, line, power) = (fitted.api, fitted.line, fitted.power);
        let sign = if line.b < 0.0 { '-' } else { '+' };
        [
            coloured(api, api.name()).bold().to_string(),
            format!("{} {sign} {} x N", thousands(line.a), slope(line.b.abs())),
            format!("{:.0} %", 100.0 * line.residual),
            // Without a "-0.00" where it does not grow.
            format!("N^{:.2}", if power.abs() < 0.005 { 0.0 } else { power }),
            fitted.shape.name().to_owned(),
        ]
    });
    let mut grid = grid::of(head, rows, &[1, 2, 3, 4], 3);
    grid.head = 0;
    grid.print(out)?;
    writeln!(out)
}

/// Nanoseconds an fd; a slope of a thousandth must not read as 0.0.
fn slope(b: f64) -> String {
    if b >= 0.995 {
        format!("{b:.1}")
    } else {
        format!("{b:.4}")
    }
}

/// Break-even and the cost of a change of interest.
fn experiments(measurement: &Measurement, out: &mut impl io::Write) -> io::Result<()> {
    let plan = &measurement.plan;
    let size = plan.experiment_size();
    let ready: Vec<Point> = plan.ready_points().collect();
    let churn: Vec<Point> = plan.churn_points().collect();
    let all = thousands(size as f64);
    if ready.len() > 1 {
        let title = format!("more and more of {all} fds ready");
        writeln!(out, "{}", title.bold())?;
        let row = |point: &Point| thousands(point.active as f64);
        costs(measurement, "ready", ready, row, out)?;
        writeln!(out)?;
    }
    if !churn.is_empty() {
        let title = format!("more and more changes of interest before each wait, {all} fds");
        writeln!(out, "{}", title.bold())?;
        let row = |point: &Point| thousands(point.churn as f64);
        costs(measurement, "changes", churn, row, out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// A sentence over as many lines as it needs, the later ones indented to the first one's text.
fn paragraph(lead: &str, text: &str, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out, "{}", wrap(&format!("{lead}{text}"), lead.len()))
}
