//! Plain English: an alarm for documentation comments that begin with a headless clause, and for phrases to avoid.

/// The words that begin a headless clause.
const HEADLESS: &[&str] = &[
    "what", "how", "whether", "who", "whoever", "why", "which", "where", "when",
];

/// The share of documentation comments that may begin with one of them, in percent.
const HEADLESS_MAX: usize = 5;

/// Phrases to avoid, in lower case, each with a plain replacement. Only whole words match.
const PHRASES: &[(&str, &str)] = &[
    ("anew", "again"),
    ("as far as can be told", "as far as known"),
    ("be had", "is supported, is available"),
    ("brought along", "supplied"),
    ("is then not said", "is unspecified"),
    ("none may", "trailing bytes"),
    ("nothing is swallowed", "is not dropped silently"),
    ("of use", "useful"),
    ("one of 0 counts", "0 is treated as 1"),
    ("sees to it", "ensures"),
    ("stand for", "mean"),
    ("stands for", "means"),
    ("to be said", "call it before"),
    ("uri is none", "the URI is invalid"),
    ("wants authentication", "requires authentication"),
    ("what is not read is not made", "backpressure"),
    ("what was received", "received input"),
    ("who comes from", "coming from"),
    ("who reads no more", "reading no more"),
    ("whoever", "a user, a reader, a sender"),
];

/// Counts of the documentation comments of the sources.
#[derive(Debug, Default)]
pub(super) struct Comments {
    total: usize,
    headless: Vec<String>,
}

impl Comments {
    /// Adds the documentation comments of one source, each of which is a run of lines with the same marker.
    pub(super) fn add(&mut self, path: &str, source: &str) {
        let mut previous = None;
        for (index, line) in source.lines().enumerate() {
            let comment = comment(line);
            let marker = comment.map(|(marker, _)| marker);
            if let Some((_, text)) = comment.filter(|_| marker != previous) {
                self.total += 1;
                let word = text.split(|c: char| !c.is_alphanumeric()).next();
                let word = word.unwrap_or_default().to_lowercase();
                if HEADLESS.contains(&word.as_str()) {
                    self.headless.push(format!("{path}:{}: {text}", index + 1));
                }
            }
            previous = marker;
        }
    }

    /// Fails if there are none, or too many that are headless.
    pub(super) fn judge(&self) -> Result<(), String> {
        if self.total == 0 {
            return Err("there are no documentation comments".to_owned());
        }
        let (headless, total) = (self.headless.len(), self.total);
        if headless * 100 <= total * HEADLESS_MAX {
            return Ok(());
        }
        Err(format!(
            "{headless} of {total} documentation comments begin with a headless clause, at most {HEADLESS_MAX} % may:\n{}",
            self.headless.join("\n")
        ))
    }
}

/// Returns the marker of a documentation comment and its text.
fn comment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let (marker, text) = line.split_at_checked(3)?;
    let is_documentation = matches!(marker, "///" | "//!") && !text.starts_with('/');
    is_documentation.then(|| (marker, text.trim()))
}

/// Returns the phrases to avoid in a text, each with the number of its line, from 1, and its replacement.
///
/// A phrase may continue on the next line, after the marker of a comment.
pub(super) fn phrases(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let lines: Vec<_> = text.lines().map(words).collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).map_or("", String::as_str);
        let both = format!("{line} {next}");
        found.extend(
            PHRASES
                .iter()
                .filter(|(phrase, _)| has_words(&both, phrase) && !has_words(next, phrase))
                .map(|(phrase, plain)| (index + 1, *phrase, *plain)),
        );
    }
    found
}

/// Returns the words of a line in lower case, without the marker of a comment.
fn words(line: &str) -> String {
    let text = line.trim().trim_start_matches(['/', '!', '*', '#', '>']);
    text.trim().to_lowercase()
}

/// Returns whether a line has a phrase in whole words.
fn has_words(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| {
        let in_a_word = |c: char| c.is_alphanumeric() || c == '_';
        !line[..at].ends_with(in_a_word) && !line[at + phrase.len()..].starts_with(in_a_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_judged_by_its_first_line() {
        let mut comments = Comments::default();
        comments.add("a.rs", "//! What.\n//! Why.\n\n/// Returns it.\n/// How.\n");
        comments.add("b.rs", "    /// Whoever.\nfn f() {}\n//// Who.\n// When.\n");
        assert_eq!(comments.total, 3);
        assert_eq!(comments.headless, ["a.rs:1: What.", "b.rs:1: Whoever."]);
    }

    #[test]
    fn one_in_twenty_is_allowed() {
        let mut comments = Comments::default();
        comments.add("a.rs", &"/// Returns it.\n\n".repeat(19));
        comments.add("a.rs", "/// What.\n");
        assert_eq!(comments.judge(), Ok(()));
        comments.add("b.rs", "/// which.\n");
        let error = comments.judge().unwrap_err();
        assert!(
            error.starts_with("2 of 21 documentation comments"),
            "{error}"
        );
        assert!(error.ends_with("a.rs:1: What.\nb.rs:1: which."), "{error}");
    }

    #[test]
    fn no_comments_do_not_pass() {
        assert!(Comments::default().judge().is_err());
    }

    #[test]
    fn a_phrase_is_found_in_whole_words() {
        let text = "it is of use\nit cannot Be Had\na house of users\n";
        assert_eq!(
            phrases(text),
            [
                (1, "of use", "useful"),
                (2, "be had", "is supported, is available")
            ]
        );
    }

    #[test]
    fn a_phrase_is_found_across_the_end_of_a_line() {
        let text = "    /// The type it stands\n    /// for.\n";
        assert_eq!(phrases(text), [(1, "stands for", "means")]);
        assert_eq!(phrases("It stands.\n\nFor all.\n"), []);
    }

    #[test]
    fn a_phrase_is_found_once_where_it_begins() {
        let text = "first\nthe names are anew\nlast\n";
        assert_eq!(phrases(text), [(2, "anew", "again")]);
    }

    #[test]
    fn names_in_code_are_no_phrases() {
        assert_eq!(phrases("fn the_count_begins_anew() {}\nlet renewed;\n"), []);
    }

    #[test]
    fn every_phrase_is_in_lower_case_as_it_is_compared() {
        assert!(PHRASES.iter().all(|(phrase, _)| *phrase == words(phrase)));
    }
}
