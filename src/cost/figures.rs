//! Numbers as people read them.

/// A figure with as many decimals as it can bear: 0.42, 1.3, 62.
pub fn decimals(value: f64) -> String {
    match value.abs() {
        size if size >= 99.5 => thousands(value),
        size if size >= 9.95 => format!("{value:.0}"),
        size if size >= 0.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Nanoseconds in their unit, rounded to a whole number; `micro`: how a
/// microsecond is written.
pub fn with_unit(ns: f64, micro: &str) -> String {
    match ns {
        ns if ns < 999.5 => format!("{ns:.0} ns"),
        ns if ns < 999_500.0 => format!("{:.0} {micro}", ns / 1e3),
        ns => format!("{:.0} ms", ns / 1e6),
    }
}

/// A whole number with a comma every three digits.
pub fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value <= -0.5 {
        format!("-{grouped}")
    } else {
        grouped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(thousands(314_527.4), "314,527");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(thousands(-1_000.0), "-1,000");
        assert_eq!(thousands(-0.2), "0");
        assert_eq!(
            [0.424, 1.26, 27.4, 62.4, 748.9].map(decimals),
            ["0.42", "1.3", "27", "62", "749"]
        );
        assert_eq!(
            [100.0, 1e3, 1e5, 1e6].map(|ns| with_unit(ns, "µs")),
            ["100 ns", "1 µs", "100 µs", "1 ms"]
        );
    }
}
