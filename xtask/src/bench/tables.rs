//! The tables, in Markdown.

use std::fmt::Write;

use super::{
    Error, Results,
    rows::{PEERS, PIECES, ROWS, Row, SIZES, WITH_PEERS},
};

const BEGIN: &str = "<!-- The tables are written by `cargo xtask bench`. -->\n";
const END: &str = "<!-- The tables end here. -->\n";

/// The page with these tables in place of those it has; `None` if it has no place for them.
pub(super) fn replace(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

/// All tables, one below the other.
pub(super) fn all(results: &Results) -> Result<String, Error> {
    Ok(format!(
        "### Targets\n\n{}\n### How many times longer the peers take\n\n{}\n### Frames in pieces, against the floor\n\n{}",
        targets(results)?,
        peers(results)?,
        frames(results)?,
    ))
}

fn targets(results: &Results) -> Result<String, Error> {
    let mut table = header(["What", "against", "ratio", "at most", ""]);
    for row in ROWS {
        let ratio = results.middle(|time| row.ratio(time))?;
        let (limit, verdict) = match row.limit {
            None => (String::new(), ""),
            Some(limit) if round(ratio) <= limit => (limit.to_string(), "reached"),
            Some(limit) => (limit.to_string(), "**missed**"),
        };
        let (what, with) = (row.what, row.with);
        line(
            &mut table,
            [what, with, &format!("{ratio:.2}"), &limit, verdict],
        );
    }
    Ok(table)
}

impl Row {
    fn ratio(&self, time: &dyn Fn(&str) -> Result<f64, Error>) -> Result<f64, Error> {
        let ours = time(self.ours)? / self.work;
        let mut fastest = f64::INFINITY;
        for other in self.others {
            fastest = fastest.min(time(other)?);
        }
        Ok(if self.others.is_empty() {
            ours
        } else {
            ours / fastest
        })
    }
}

fn peers(results: &Results) -> Result<String, Error> {
    let mut table = header(std::iter::once("").chain(PEERS));
    for (group, what) in WITH_PEERS {
        let mut cells = vec![what.to_owned()];
        for peer in PEERS {
            let ratio = results.middle(|time| {
                Ok(time(&format!("{group}/{peer}"))? / time(&format!("{group}/virt-xdr"))?)
            })?;
            cells.push(format!("{ratio:.1}"));
        }
        line(&mut table, &cells);
    }
    Ok(table)
}

fn frames(results: &Results) -> Result<String, Error> {
    let mut table = header(std::iter::once("frame \\ piece").chain(PIECES));
    for size in SIZES {
        let mut cells = vec![size.to_owned()];
        for piece in PIECES {
            let ratio = results.middle(|time| {
                let of = |who| time(&format!("frames/{who}/{size}-{piece}"));
                Ok(of("virt-xdr")? / of("floor")?)
            })?;
            cells.push(format!("{ratio:.2}"));
        }
        line(&mut table, &cells);
    }
    Ok(table)
}

/// A limit is held against what the reader sees.
fn round(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

/// The first line of a table, and the line below it.
pub(super) fn header<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut table = String::new();
    let cells: Vec<_> = cells.into_iter().collect();
    line(&mut table, &cells);
    line(&mut table, cells.iter().map(|_| "---"));
    table
}

/// Appends a line to a table.
pub(super) fn line<T: AsRef<str>>(table: &mut String, cells: impl IntoIterator<Item = T>) {
    for cell in cells {
        write!(table, "| {} ", cell.as_ref()).expect("a string takes everything");
    }
    table.push_str("|\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_the_fastest_of_the_others_and_the_work_into_account() {
        let row = Row {
            what: "",
            with: "",
            ours: "ours",
            others: &["slow", "fast"],
            work: 10.0,
            limit: None,
        };
        let time = |name: &str| {
            Ok(match name {
                "ours" => 30.0,
                "slow" => 8.0,
                _ => 2.0,
            })
        };
        assert!((row.ratio(&time).unwrap() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn a_row_without_others_is_in_units_of_its_own() {
        let row = Row {
            what: "",
            with: "",
            ours: "bytes",
            others: &[],
            work: 1024.0,
            limit: None,
        };
        assert!((row.ratio(&|_| Ok(1536.0)).unwrap() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn tables_are_replaced_and_the_rest_of_the_page_stays() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replace(&page, "| new |\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n| new |\n\n{END}after\n"));
        assert_eq!(replace(&new, "| new |\n").unwrap(), new);
        assert_eq!(replace("no place\n", ""), None);
    }

    #[test]
    fn the_page_has_a_place_for_the_tables() {
        let page = include_str!("../../../docs/performance.md");
        assert!(replace(page, "").is_some());
    }

    #[test]
    fn a_line_of_a_table_is_markdown() {
        assert_eq!(header(["a", "b"]), "| a | b |\n| --- | --- |\n");
    }
}
