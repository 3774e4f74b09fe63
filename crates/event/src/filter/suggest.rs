//! The nearest names for a word that is none.

/// Words that people type for a field of another name.
const MEANT: &[(&str, &str)] = &[
    ("at", "created"),
    ("category", "op"),
    ("date", "created"),
    ("email", "actor.email"),
    ("object", "res"),
    ("org", "tenant"),
    ("result", "outcome"),
    ("since", "created"),
    ("status", "outcome"),
    ("target", "res"),
    ("timestamp", "created"),
    ("user", "actor"),
    ("username", "actor"),
    ("verb", "op"),
    ("who", "actor"),
];

const SUGGESTIONS_MAX: usize = 3;

/// Up to three of `names` that `word` may have been meant for: those that are equally near and
/// nearer than all others. The last part of a dotted name counts as a name, and a beginning is as
/// near as one wrong letter.
fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let word = word.to_lowercase();
    let meant = MEANT.iter().find(|(typed, _)| *typed == word).map(|(_, name)| *name);
    let farthest = 1 + word.chars().count() / 4;
    let distance = |name: &str| {
        if meant == Some(name) || name == word {
            return 0;
        }
        let is_start = word.len() >= 2 && (name.starts_with(&word) || word.starts_with(name));
        let last = name.rsplit('.').next().unwrap_or(name);
        if is_start || last == word {
            return 1;
        }
        strsim::damerau_levenshtein(&word, name).min(strsim::damerau_levenshtein(&word, last))
    };
    let scored: Vec<(usize, &str)> =
        names.map(|name| (distance(name), name)).filter(|(distance, _)| *distance <= farthest).collect();
    let best = scored.iter().map(|(distance, _)| *distance).min();
    scored
        .into_iter()
        .filter(|(distance, _)| Some(*distance) == best)
        .map(|(_, name)| name)
        .take(SUGGESTIONS_MAX)
        .collect()
}

/// `did you mean a, b or c?`, if there is anything near.
pub(super) fn did_you_mean<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let near = nearest(word, names);
    let (last, others) = near.split_last()?;
    Some(match others {
        [] => format!("did you mean `{last}`?"),
        others => format!("did you mean `{}` or `{last}`?", others.join("`, `")),
    })
}
