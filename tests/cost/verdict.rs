//! The sentences below the figures: each follows from the figures of the run.

use epoll_lab::cost::{Api, Plan};
use epoll_lab::show::Charset;

use super::{made_up, printed, unwrapped};

#[test]
fn the_verdict_is_computed() {
    let text = unwrapped(&printed(&made_up(Plan::default()), Charset::Ascii));
    for sentence in [
        "epoll is flat: 10,000 fds cost 1.0 times as much as 10.",
        "poll is linear, about 28 ns an fd: 10,000 fds cost 360 times as much as 10.",
        "select is linear, about 30 ns an fd: 1,000 fds cost 31 times as much as 10.",
        "poll / epoll by fds: 1.9 at 10, 8.2 at 100, 71 at 1,000, 701 at 10,000.",
        "from 31 % ready on, epoll is slower than poll; with all ready it takes 3.2 times as long.",
        "a change costs epoll 250 ns, a system call, and poll a store in memory, too little to tell from the wait.",
        "from about 112 on with 1,000 fds, from about 1.5 on with 10 fds.",
        "fd 1024 does not fit into an fd_set: FD_SETSIZE = 1024",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
}

#[test]
fn another_measurement_another_verdict() {
    let mut measurement = made_up(Plan::default());
    for cell in &mut measurement.cells {
        if let (Api::Epoll, Ok(cost)) = (cell.api, &mut cell.outcome) {
            cost.median_ns = 100.0 * cell.point.fds as f64;
            (cost.p10_ns, cost.p90_ns) = (cost.median_ns, cost.median_ns);
        }
    }
    let text = unwrapped(&printed(&measurement, Charset::Ascii));
    assert!(
        text.contains("epoll is linear, about 100 ns an fd"),
        "{text}"
    );
    assert!(
        text.contains("epoll is slower than poll even with one fd ready"),
        "{text}"
    );
}

/// Where p10 to p90 is wide nobody can say whose time was measured.
#[test]
fn no_verdict_from_uneven_batches() {
    let spoiled = |spoil: fn(Api, usize) -> bool| {
        let mut measurement = made_up(Plan::default());
        for cell in &mut measurement.cells {
            if let Ok(cost) = &mut cell.outcome
                && spoil(cell.api, cell.point.active)
            {
                cost.p90_ns = 2.5 * cost.p10_ns;
            }
        }
        unwrapped(&printed(&measurement, Charset::Ascii))
    };
    let busy = "No verdict is given where the slow tenth";
    let text = spoiled(|api, active| api == Api::Poll && active == 1);
    for sentence in [
        "epoll is flat:",
        "poll: no verdict.",
        "select is linear,",
        "Many ready (1,000 fds): no verdict.",
        "Changing interest (1,000 fds): no verdict.",
        "poll: no verdict with 1,000 fds, no verdict with 10 fds.",
        busy,
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    assert!(!text.contains("poll is linear"), "{text}");
    assert_eq!(text.matches("too uneven to say").count(), 1, "{text}");

    let text = spoiled(|api, active| api == Api::Epoll && active == 400);
    assert!(text.contains("poll is linear"), "{text}");
    assert!(
        text.contains("Many ready (1,000 fds): no verdict."),
        "{text}"
    );
    assert!(text.contains("from about 112 on"), "{text}");
    assert!(!spoiled(|_, _| false).contains("no verdict"));
}

/// A busy machine's figures, taken as they were: the last size is dearer, and no fd has a price.
#[test]
fn what_hardly_grows_is_not_linear() {
    let mut measurement = made_up(Plan::default());
    for cell in &mut measurement.cells {
        if let (Api::Epoll, Ok(cost)) = (cell.api, &mut cell.outcome) {
            cost.median_ns = 390.0 + 0.065 * cell.point.fds as f64;
            (cost.p10_ns, cost.p90_ns) = (cost.median_ns, cost.median_ns);
        }
    }
    let text = unwrapped(&printed(&measurement, Charset::Ascii));
    assert!(text.contains("epoll is neither flat nor linear:"), "{text}");
}
