//! The experiments as they are written: the listing beside the picture of one.

/// Text of each file, by the name that the compiler knows it by.
macro_rules! sources {
    ($($file:literal),* $(,)?) => {
        [$((concat!("src/claims/", $file), include_str!($file))),*]
    };
}

/// All that have an experiment.
pub const SOURCES: [(&str, &str); 35] = sources![
    "hangups/close.rs",
    "hangups/connect.rs",
    "hangups/peer.rs",
    "interface/bent.rs",
    "interface/bounds.rs",
    "interface/ctl.rs",
    "interface/limits.rs",
    "interface/wait.rs",
    "many/between.rs",
    "many/cost.rs",
    "many/herd.rs",
    "many/ports.rs",
    "many/server.rs",
    "many/traffic.rs",
    "many/tree.rs",
    "other/counters.rs",
    "other/ends.rs",
    "other/nested.rs",
    "other/udp.rs",
    "reading/drain.rs",
    "reading/edge.rs",
    "reading/efficiency.rs",
    "reading/level.rs",
    "reading/rearm.rs",
    "reading/stream.rs",
    "threads/awake.rs",
    "threads/changed.rs",
    "threads/fork.rs",
    "threads/numbers.rs",
    "threads/signals.rs",
    "threads/sleeper.rs",
    "writing/delivery.rs",
    "writing/edges.rs",
    "writing/late.rs",
    "writing/writable.rs",
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
