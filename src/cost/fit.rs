//! A straight line through the costs, and where two curves cross.

/// `a + b x`, fitted to measured points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The cost that does not depend on x.
    pub a: f64,
    /// The cost of one more.
    pub b: f64,
    /// The largest distance of a point from the line, as a share of the point's own value.
    pub residual: f64,
}

impl Line {
    /// Least squares of the *relative* distances. Sizes and costs span decades; with the absolute distances the largest
    /// point alone would decide, and `a` would be noise.
    ///
    /// `None` for fewer than two different x, or for a value that is not above 0.
    pub fn fit(points: &[(f64, f64)]) -> Option<Line> {
        if points.iter().any(|&(_, y)| y <= 0.0) {
            return None;
        }
        // Weighted least squares with the weight 1 / y^2.
        let (mut w, mut wx, mut wy, mut wxx, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for &(x, y) in points {
            let weight = 1.0 / (y * y);
            w += weight;
            wx += weight * x;
            wy += weight * y;
            wxx += weight * x * x;
            wxy += weight * x * y;
        }
        let first = points.first()?.0;
        if points.iter().all(|&(x, _)| x == first) {
            return None;
        }
        let determinant = w * wxx - wx * wx;
        let b = (w * wxy - wx * wy) / determinant;
        let a = (wy - b * wx) / w;
        let residual = points
            .iter()
            .map(|&(x, y)| ((a + b * x - y) / y).abs())
            .fold(0.0, f64::max);
        Some(Line { a, b, residual })
    }
}

/// Where one curve rises above another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Crossing {
    /// From this x on, linear between the two measured points around it.
    At(f64),
    /// Already at the first point.
    FromTheStart,
    /// Not even at the last point.
    Never,
}

/// Where `left` becomes more than `right`; points are (x, left, right), x ascending. `None` without points.
pub fn crossing(points: &[(f64, f64, f64)]) -> Option<Crossing> {
    let above = |&(_, left, right): &(f64, f64, f64)| left > right;
    let Some(first_above) = points.iter().position(above) else {
        return points.first().map(|_| Crossing::Never);
    };
    if first_above == 0 {
        return Some(Crossing::FromTheStart);
    }
    let (x0, left0, right0) = points[first_above - 1];
    let (x1, left1, right1) = points[first_above];
    let (below, over) = (right0 - left0, left1 - right1);
    Some(Crossing::At(x0 + (x1 - x0) * below / (below + over)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &Line, x: f64) -> f64 {
        line.a + line.b * x
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-6 * right.abs().max(1.0)
    }

    #[test]
    fn a_line_is_found_again() {
        let points: Vec<_> = [10.0, 100.0, 1e3, 1e4]
            .iter()
            .map(|&n| (n, 400.0 + 27.5 * n))
            .collect();
        let line = Line::fit(&points).unwrap();
        assert!(
            close(line.a, 400.0) && close(line.b, 27.5) && line.residual < 1e-9,
            "{line:?}"
        );
        assert!(close(at(&line, 2.0), 455.0));
    }

    #[test]
    fn a_flat_one_too() {
        let line = Line::fit(&[(10.0, 420.0), (100.0, 420.0), (10_000.0, 420.0)]).unwrap();
        assert!(close(line.a, 420.0) && line.b.abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn the_small_sizes_count_as_much_as_the_large_ones() {
        // 10 % off at the far end must not move the near end by more than that.
        let line = Line::fit(&[
            (10.0, 700.0),
            (100.0, 3_400.0),
            (1e3, 30_400.0),
            (1e4, 330_000.0),
        ])
        .unwrap();
        assert!(line.residual < 0.10, "{line:?}");
        assert!((at(&line, 10.0) / 700.0 - 1.0).abs() < 0.10, "{line:?}");
    }

    #[test]
    fn the_residual_is_that_of_the_worst_point() {
        let square: Vec<_> = [1.0, 10.0, 100.0].iter().map(|&n| (n, n * n)).collect();
        assert!(Line::fit(&square).unwrap().residual > 0.5);
    }

    #[test]
    fn too_little_for_a_line() {
        assert_eq!(Line::fit(&[]), None);
        assert_eq!(Line::fit(&[(10.0, 400.0)]), None);
        assert_eq!(Line::fit(&[(10.0, 400.0), (10.0, 410.0)]), None);
        assert_eq!(Line::fit(&[(10.0, 0.0), (20.0, 410.0)]), None);
    }

    #[test]
    fn crossings() {
        assert_eq!(crossing(&[]), None);
        assert_eq!(
            crossing(&[(1.0, 1.0, 2.0), (3.0, 1.0, 2.0)]),
            Some(Crossing::Never)
        );
        assert_eq!(
            crossing(&[(1.0, 3.0, 2.0), (3.0, 1.0, 2.0)]),
            Some(Crossing::FromTheStart)
        );
        assert_eq!(
            crossing(&[(1.0, 1.0, 2.0), (3.0, 3.0, 2.0)]),
            Some(Crossing::At(2.0))
        );
        assert_eq!(
            crossing(&[(0.0, 0.0, 3.0), (4.0, 4.0, 3.0)]),
            Some(Crossing::At(3.0))
        );
    }
}
