//! The experiments as they are written: the listing beside the picture of one.

/// By the name that the compiler knows them by.
pub const SOURCES: [(&str, &str); 35] = [
    (
        "src/claims/hangups/close.rs",
        include_str!("hangups/close.rs"),
    ),
    (
        "src/claims/hangups/connect.rs",
        include_str!("hangups/connect.rs"),
    ),
    (
        "src/claims/hangups/peer.rs",
        include_str!("hangups/peer.rs"),
    ),
    (
        "src/claims/interface/bent.rs",
        include_str!("interface/bent.rs"),
    ),
    (
        "src/claims/interface/bounds.rs",
        include_str!("interface/bounds.rs"),
    ),
    (
        "src/claims/interface/ctl.rs",
        include_str!("interface/ctl.rs"),
    ),
    (
        "src/claims/interface/limits.rs",
        include_str!("interface/limits.rs"),
    ),
    (
        "src/claims/interface/wait.rs",
        include_str!("interface/wait.rs"),
    ),
    (
        "src/claims/many/between.rs",
        include_str!("many/between.rs"),
    ),
    ("src/claims/many/cost.rs", include_str!("many/cost.rs")),
    ("src/claims/many/herd.rs", include_str!("many/herd.rs")),
    ("src/claims/many/ports.rs", include_str!("many/ports.rs")),
    ("src/claims/many/server.rs", include_str!("many/server.rs")),
    (
        "src/claims/many/traffic.rs",
        include_str!("many/traffic.rs"),
    ),
    ("src/claims/many/tree.rs", include_str!("many/tree.rs")),
    (
        "src/claims/other/counters.rs",
        include_str!("other/counters.rs"),
    ),
    ("src/claims/other/ends.rs", include_str!("other/ends.rs")),
    (
        "src/claims/other/nested.rs",
        include_str!("other/nested.rs"),
    ),
    ("src/claims/other/udp.rs", include_str!("other/udp.rs")),
    (
        "src/claims/reading/drain.rs",
        include_str!("reading/drain.rs"),
    ),
    (
        "src/claims/reading/edge.rs",
        include_str!("reading/edge.rs"),
    ),
    (
        "src/claims/reading/efficiency.rs",
        include_str!("reading/efficiency.rs"),
    ),
    (
        "src/claims/reading/level.rs",
        include_str!("reading/level.rs"),
    ),
    (
        "src/claims/reading/rearm.rs",
        include_str!("reading/rearm.rs"),
    ),
    (
        "src/claims/reading/stream.rs",
        include_str!("reading/stream.rs"),
    ),
    (
        "src/claims/threads/awake.rs",
        include_str!("threads/awake.rs"),
    ),
    (
        "src/claims/threads/changed.rs",
        include_str!("threads/changed.rs"),
    ),
    (
        "src/claims/threads/fork.rs",
        include_str!("threads/fork.rs"),
    ),
    (
        "src/claims/threads/numbers.rs",
        include_str!("threads/numbers.rs"),
    ),
    (
        "src/claims/threads/signals.rs",
        include_str!("threads/signals.rs"),
    ),
    (
        "src/claims/threads/sleeper.rs",
        include_str!("threads/sleeper.rs"),
    ),
    (
        "src/claims/writing/delivery.rs",
        include_str!("writing/delivery.rs"),
    ),
    (
        "src/claims/writing/edges.rs",
        include_str!("writing/edges.rs"),
    ),
    (
        "src/claims/writing/late.rs",
        include_str!("writing/late.rs"),
    ),
    (
        "src/claims/writing/writable.rs",
        include_str!("writing/writable.rs"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_experiment_has_its_file_here() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for family in fs::read_dir(root.join("src/claims")).unwrap() {
            let Ok(files) = fs::read_dir(family.unwrap().path()) else {
                continue; // no directory
            };
            for file in files {
                let path = file.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                let known = SOURCES.iter().find(|(file, _)| *file == name);
                let experiments = text.contains(": Claim = Claim {");
                assert!(known.is_some() || !experiments, "{name}");
                assert!(known.is_none_or(|(_, there)| *there == text), "{name}");
            }
        }
    }
}
