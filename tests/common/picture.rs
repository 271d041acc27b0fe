//! A run as a picture of a terminal.

use anstyle::{AnsiColor, Color, RgbColor};
use anstyle_svg::{Term, VGA};

/// The lines of `output` from the first that holds one text to the next that
/// holds another, for each such pair; and between the parts, how many lines
/// are left out.
#[track_caller]
pub fn excerpt(output: &str, parts: &[(&str, &str)]) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let find = |text: &str, from: usize| {
        let at = lines[from..].iter().position(|line| line.contains(text));
        from + at.unwrap_or_else(|| panic!("no {text:?} from line {from} on in:\n{output}"))
    };
    let mut shown = String::new();
    let mut next = 0;
    for (n, (first, last)) in parts.iter().enumerate() {
        let from = find(first, next);
        if n > 0 && from > next {
            shown += &format!("\x1b[2m[{} lines left out]\x1b[0m\n", from - next);
        }
        next = find(last, from) + 1;
        for line in &lines[from..next] {
            shown += &format!("{line}\n");
        }
    }
    shown
}

/// `command` and `output`, which may be coloured, on a dark terminal.
pub fn terminal(command: &str, output: &str) -> String {
    // Wide enough for 80 columns in any of the fonts.
    const WIDTH: usize = 700;
    let mut palette = VGA;
    palette.0[AnsiColor::Red as usize] = RgbColor(0xff, 0x7b, 0x72);
    let drawn = Term::new()
        .palette(palette)
        .fg_color(Color::Rgb(RgbColor(0xe6, 0xed, 0xf3)))
        .bg_color(Color::Rgb(RgbColor(0x16, 0x1b, 0x22)))
        .min_width_px(WIDTH)
        .render_svg(&format!("\x1b[1m$ {command}\x1b[0m\n{}", output.trim_end()));
    // A page narrower than the picture shall shrink it, not cut it off; and
    // what is dimmed shall be readable on a projector.
    let (size, rest) = drawn
        .strip_prefix("<svg width=\"")
        .and_then(|rest| rest.split_once("px\" xmlns"))
        .expect("a size in pixels");
    let (width, height) = size.split_once("px\" height=\"").expect("both sides");
    let rest = rest.replace("{ opacity: 0.4; }", "{ fill-opacity: 0.65; }");
    format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" xmlns{rest}"
    )
}
