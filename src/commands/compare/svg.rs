//! The cost over the number of fds as a picture (SVG), both axes logarithmic.

use std::io;

use anyhow::anyhow;
use plotters::prelude::*;

use crate::cost::figures::{thousands, with_unit};
use crate::cost::{Active, Api, Measurement};

/// Pixels; an SVG scales, so this decides the proportions.
const SIZE: (u32, u32) = (960, 600);
const FONT: &str = "sans-serif";
const MARKER: i32 = 6;

/// Writes the picture. A set of sizes of which nothing could be measured gives empty axes.
pub fn write(measurement: &Measurement, out: &mut impl io::Write) -> anyhow::Result<()> {
    let mut svg = String::new();
    draw(measurement, &mut svg).map_err(|error| anyhow!("drawing the chart: {error}"))?;
    out.write_all(svg.as_bytes())?;
    Ok(())
}

/// The colour-blind-safe ones of Okabe and Ito; the markers tell the series apart without colour.
fn colour(api: Api) -> RGBColor {
    match api {
        Api::Select => RGBColor(213, 94, 0),
        Api::Poll => RGBColor(0, 114, 178),
        Api::Epoll => RGBColor(0, 158, 115),
    }
}

/// A marker of its own for each series. All are outlines of one element type, as a legend entry must be.
fn marker(api: Api, (x, y): (i32, i32)) -> Polygon<(i32, i32)> {
    const R: i32 = MARKER;
    let corners = match api {
        Api::Select => [
            (-R - 2, -R - 2),
            (R + 2, -R - 2),
            (R + 2, R + 2),
            (-R - 2, R + 2),
        ],
        Api::Poll => [(0, -R - 2), (R + 1, R - 1), (-R - 1, R - 1), (0, -R - 2)],
        Api::Epoll => [(0, -R - 2), (R + 2, 0), (0, R + 2), (-R - 2, 0)],
    };
    Polygon::new(
        corners.map(|(dx, dy)| (x + dx, y + dy)),
        colour(api).filled(),
    )
}

/// select and poll often cost the same: the wider line shows behind the narrower one.
fn width(api: Api) -> u32 {
    match api {
        Api::Select => 5,
        Api::Poll | Api::Epoll => 2,
    }
}

type DrawResult = Result<(), Box<dyn std::error::Error>>;

fn draw(measurement: &Measurement, svg: &mut String) -> DrawResult {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    // A background of its own: the picture is read on dark pages too.
    root.fill(&WHITE)?;
    let series = Api::ALL.map(|api| (api, measurement.series(api)));
    let all = || series.iter().flat_map(|(_, points)| points.iter());
    let (x_low, x_high) = decades(all().map(|point| point.0));
    let (y_low, y_high) = decades(all().map(|point| point.1));

    let mut chart = ChartBuilder::on(&root)
        .caption(caption(measurement), (FONT, 22))
        .margin(16)
        .margin_right(40)
        .x_label_area_size(52)
        .y_label_area_size(84)
        .build_cartesian_2d((x_low..x_high).log_scale(), (y_low..y_high).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("fds in the set (N)")
        .y_desc("time of one wait")
        .x_label_formatter(&|fds| thousands(*fds))
        .y_label_formatter(&|ns| with_unit(*ns, "µs"))
        .label_style((FONT, 16))
        .axis_desc_style((FONT, 18))
        .bold_line_style(BLACK.mix(0.2))
        .light_line_style(BLACK.mix(0.06))
        .draw()?;

    for (api, points) in series {
        let style = colour(api).stroke_width(width(api));
        let name = api.name().to_owned()
            + if points.is_empty() {
                " (not measured)"
            } else {
                ""
            };
        chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
        chart
            .draw_series(
                points
                    .iter()
                    .map(|&point| EmptyElement::at(point) + marker(api, (0, 0))),
            )?
            .label(name)
            .legend(move |(x, y)| {
                EmptyElement::at((x, y))
                    + PathElement::new([(0, 0), (32, 0)], style)
                    + marker(api, (16, 0))
            });
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .legend_area_size(40)
        .margin(14)
        .label_font((FONT, 17))
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}

fn caption(measurement: &Measurement) -> String {
    let plan = &measurement.plan;
    let ready = match plan.active() {
        Active::All => "all ready".to_owned(),
        Active::Count(count) => format!("{count} ready"),
    };
    format!(
        "One wait with select, poll and epoll ({}, {ready}, {} changes of interest)",
        plan.fd_kind.name(),
        plan.churn()
    )
}

/// Powers of ten around the values; one decade where there are none.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let exponents = values.filter(|value| *value > 0.0).map(f64::log10);
    let Some((low, high)) = exponents.fold(None, |range: Option<(f64, f64)>, exponent| {
        Some(range.map_or((exponent, exponent), |(low, high)| {
            (low.min(exponent), high.max(exponent))
        }))
    }) else {
        return (1.0, 10.0);
    };
    let (low, high) = (low.floor(), high.ceil());
    (
        10_f64.powf(low),
        10_f64.powf(if high > low { high } else { low + 1.0 }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_powers_of_ten() {
        assert_eq!(decades([420.0, 314_527.0].into_iter()), (100.0, 1e6));
        assert_eq!(decades([100.0].into_iter()), (100.0, 1_000.0));
        assert_eq!(decades([].into_iter()), (1.0, 10.0));
    }
}
