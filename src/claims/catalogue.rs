//! The list of all claims, by family.

use crate::claims::claim::Claim;
use crate::claims::{hangups, interface, many, other, reading, threads, writing};

/// Claims about one subject.
#[derive(Debug)]
pub struct Family {
    /// The heading in the table of all claims.
    pub title: &'static str,
    /// In the order in which they are tried and shown.
    pub claims: &'static [Claim],
}

/// All of them, in the order in which they are shown.
pub static FAMILIES: [Family; 7] = [
    family("The interface", &interface::CLAIMS),
    family("Reading", &reading::CLAIMS),
    family("Writing", &writing::CLAIMS),
    family("Hang-ups", &hangups::CLAIMS),
    family("Many", &many::CLAIMS),
    family("Threads and processes", &threads::CLAIMS),
    family("Not TCP", &other::CLAIMS),
];

const fn family(title: &'static str, claims: &'static [Claim]) -> Family {
    Family { title, claims }
}

/// Every claim.
pub fn all() -> impl Iterator<Item = &'static Claim> {
    FAMILIES.iter().flat_map(|family| family.claims)
}

/// The claim of this id.
pub fn find(id: &str) -> Option<&'static Claim> {
    all().find(|claim| claim.id == id)
}

/// The id that is meant by a misspelt one, if one is near.
pub fn nearest(typo: &str) -> Option<&'static str> {
    let typo = typo.to_lowercase();
    let (distance, id) = all()
        .map(|claim| (strsim::levenshtein(&typo, claim.id), claim.id))
        .min()?;
    let near = typo.len().max(id.len()) / 2;
    (distance <= near).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::claim::{CLAIM, ID};

    #[test]
    fn a_typo_has_a_nearest_id() {
        assert_eq!(nearest("ctl-error"), Some("ctl-errors"));
        assert_eq!(nearest("CTL-ERRORS"), Some("ctl-errors"));
        assert_eq!(nearest("zzzzzzzzzz"), None);
    }

    #[test]
    fn ids_are_told_apart_and_texts_fit() {
        let mut ids: Vec<&str> = all().map(|claim| claim.id).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
        for claim in all() {
            assert!(claim.id.len() <= ID, "{}", claim.id);
            assert!(claim.claim.chars().count() <= CLAIM, "{}", claim.claim);
            assert!(claim.claim.is_ascii() && claim.asked.is_ascii());
        }
    }
}
