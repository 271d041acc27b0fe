//! The cost over the number of fds, drawn with characters: both axes logarithmic.

use std::io;

use colored::{ColoredString, Colorize};

use crate::cost::figures::{thousands, with_unit};
use crate::cost::{Api, Measurement};
use crate::show::Charset;

/// What the axes are made of.
struct Frame {
    vertical: char,
    tick: char,
    corner: char,
    horizontal: char,
    mark: char,
    micro: &'static str,
}

impl Frame {
    /// Lines without gaps and `µs`, or no byte above 0x7f. The series are
    /// letters in either case.
    fn of(charset: Charset) -> Frame {
        match charset {
            Charset::Unicode => Frame {
                vertical: '│',
                tick: '┤',
                corner: '└',
                horizontal: '─',
                mark: '┴',
                micro: "µs",
            },
            Charset::Ascii => Frame {
                vertical: '|',
                tick: '+',
                corner: '+',
                horizontal: '-',
                mark: '+',
                micro: "us",
            },
        }
    }
}

/// Columns of the label, left of the axis.
const LABEL: usize = 7;
/// Columns of the drawing: a multiple of three, see [`Canvas::mark`]. With label and axis 77.
const COLUMNS: usize = 69;
const ROWS: usize = 15;

/// Draws the chart; nothing, where fewer than two sizes were measured.
pub fn draw(
    measurement: &Measurement,
    charset: Charset,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let series = Api::ALL.map(|api| (api, measurement.series(api)));
    let all = || series.iter().flat_map(|(_, points)| points.iter());
    let Some((x, y)) =
        Axis::around(all().map(|point| point.0)).zip(Axis::around(all().map(|point| point.1)))
    else {
        return Ok(());
    };
    if x.low == x.high {
        return Ok(());
    }
    let y = y.starting_at_decade();

    let mut canvas = Canvas::new(x, y);
    for (api, points) in &series {
        canvas.line(*api, points);
    }

    let frame = Frame::of(charset);
    writeln!(
        out,
        "{}",
        "cost of one wait over the number of fds, both logarithmic".bold()
    )?;
    let mut legend = Vec::new();
    for (api, points) in &series {
        if !points.is_empty() {
            let letter = letter(*api);
            let text = format!("{letter} {letter} {letter} {}", api.name());
            legend.push(coloured(*api, &text).to_string());
        }
    }
    writeln!(
        out,
        "{:LABEL$} {} (capital: measured)",
        "",
        legend.join("   ")
    )?;
    for row in (0..ROWS).rev() {
        let label = y.label_at(row, frame.micro);
        let axis = if label.is_empty() {
            frame.vertical
        } else {
            frame.tick
        };
        write!(out, "{label:>LABEL$} {axis}")?;
        canvas.write_row(row, out)?;
        writeln!(out)?;
    }
    canvas.write_x_axis(measurement.plan.fds(), &frame, out)?;
    writeln!(out)
}

/// s, p, e: told apart without colour.
fn letter(api: Api) -> char {
    match api {
        Api::Select => 'S',
        Api::Poll => 'P',
        Api::Epoll => 'E',
    }
}

/// An API's colour, the same in every part; the words and letters beside it say the same without. Poll has the
/// terminal's own: of the basic colours no third one reads well on dark and on light.
pub fn coloured(api: Api, text: &str) -> ColoredString {
    match api {
        Api::Select => text.magenta(),
        Api::Poll => text.normal(),
        Api::Epoll => text.green(),
    }
}

/// A logarithmic axis.
#[derive(Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn around(values: impl Iterator<Item = f64> + Clone) -> Option<Axis> {
        let low = values
            .clone()
            .filter(|value| *value > 0.0)
            .reduce(f64::min)?;
        let high = values.reduce(f64::max)?;
        Some(Axis { low, high })
    }

    /// From a power of ten, so that there is a round label, over at least one decade.
    fn starting_at_decade(self) -> Axis {
        let low = 10_f64.powf(self.low.log10().floor());
        Axis {
            low,
            high: self.high.max(low * 10.0),
        }
    }

    /// 0 at the low end, 1 at the high one.
    fn share(self, value: f64) -> f64 {
        ((value / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }

    fn row(self, value: f64) -> usize {
        (self.share(value) * (ROWS - 1) as f64).round() as usize
    }

    /// The power of ten that lies in this row, with its unit.
    fn label_at(self, row: usize, micro: &str) -> String {
        let decades = (self.high / self.low).log10().floor() as i32;
        let mut values = (0..=decades).map(|decade| self.low * 10_f64.powi(decade));
        let found = values.find(|&value| self.row(value) == row);
        found.map_or(String::new(), |ns| with_unit(ns, micro))
    }
}

struct Canvas {
    x: Axis,
    y: Axis,
    cells: Vec<Vec<Option<(Api, char)>>>,
}

impl Canvas {
    fn new(x: Axis, y: Axis) -> Self {
        Canvas {
            x,
            y,
            cells: vec![vec![None; COLUMNS]; ROWS],
        }
    }

    /// Three columns, one a series, so that curves lying upon each other do not hide each other.
    fn place(&self, fds: f64) -> usize {
        (self.x.share(fds) * (COLUMNS / 3 - 1) as f64).round() as usize
    }

    fn mark(&mut self, api: Api, place: usize, cost: f64, glyph: char) {
        let row = self.y.row(cost);
        self.cells[row][3 * place + api as usize] = Some((api, glyph));
    }

    /// Measured points as capitals, and between them the straight line of the double logarithmic plane.
    fn line(&mut self, api: Api, points: &[(f64, f64)]) {
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let (from, to) = (self.place(x0), self.place(x1));
            for place in from + 1..to {
                let share = (place - from) as f64 / (to - from) as f64;
                self.mark(
                    api,
                    place,
                    y0 * (y1 / y0).powf(share),
                    letter(api).to_ascii_lowercase(),
                );
            }
        }
        for &(fds, cost) in points {
            self.mark(api, self.place(fds), cost, letter(api));
        }
    }

    fn write_row(&self, row: usize, out: &mut impl io::Write) -> io::Result<()> {
        let cells = &self.cells[row];
        let end = cells
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |last| last + 1);
        for cell in &cells[..end] {
            match cell {
                Some((api, glyph)) if glyph.is_ascii_uppercase() => {
                    write!(out, "{}", coloured(*api, &glyph.to_string()).bold())?;
                }
                Some((api, glyph)) => write!(out, "{}", coloured(*api, &glyph.to_string()))?,
                None => write!(out, " ")?,
            }
        }
        Ok(())
    }

    fn write_x_axis(
        &self,
        sizes: &[usize],
        frame: &Frame,
        out: &mut impl io::Write,
    ) -> io::Result<()> {
        let mut axis = vec![frame.horizontal; COLUMNS];
        let mut labels = String::new();
        for &fds in sizes.iter().filter(|&&fds| fds as f64 <= self.x.high) {
            let column = 3 * self.place(fds as f64) + 1;
            axis[column] = frame.mark;
            let label = thousands(fds as f64);
            // Centred below its mark, but not beyond the edge, and left out where it would touch the one before.
            let start = (LABEL + 2 + column)
                .saturating_sub(label.len() / 2)
                .min(LABEL + 2 + COLUMNS - label.len());
            if labels.is_empty() || start > labels.len() {
                labels.push_str(&" ".repeat(start - labels.len()));
                labels.push_str(&label);
            }
        }
        writeln!(
            out,
            "{:LABEL$} {}{}",
            "",
            frame.corner,
            axis.into_iter().collect::<String>()
        )?;
        writeln!(out, "{labels}")?;
        writeln!(
            out,
            "{:>width$}",
            "fds in the set",
            width = LABEL + 2 + COLUMNS
        )
    }
}
