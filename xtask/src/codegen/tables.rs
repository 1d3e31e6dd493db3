//! `cargo xtask codegen --tables DIR`: the generated table of procedures against tables of facts.
//!
//! DIR has a folder for each program with a file `procedures.tsv`: tab-separated, with a line of headings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The programs, and the numbers of procedures that they have.
const PROGRAMS: [(&str, usize); 4] = [("remote", 456), ("qemu", 7), ("lxc", 1), ("admin", 20)];

/// The facts about a procedure, each as text.
type Facts = BTreeMap<&'static str, String>;

/// Compares the table in the directory `root` with the tables in `facts`, and returns what differs.
pub(super) fn compare(root: &Path, facts: &Path) -> Result<Vec<String>, String> {
    let table = read(&root.join("crates/virt-protocol/src/table.txt"))?;
    let mut differences = Vec::new();
    for (program, count) in PROGRAMS {
        let ours = ours(&table, program);
        let theirs = theirs(&read(&facts.join(program).join("procedures.tsv"))?)?;
        if theirs.len() != count {
            let found = theirs.len();
            differences.push(format!(
                "{program}: the tables have {found} procedures, not {count}"
            ));
        }
        for (number, facts) in &theirs {
            match ours.get(number) {
                None => {
                    differences.push(format!("{program} {number}: {} is missing", facts["name"]));
                }
                Some(ours) if ours != facts => {
                    let differs = facts.iter().filter(|(key, value)| ours[*key] != **value);
                    let differs = differs.map(|(key, value)| {
                        format!("{key} is {:?}, and {value:?} in the tables", ours[*key])
                    });
                    let differs: Vec<_> = differs.collect();
                    differences.push(format!(
                        "{program} {number} {}: {}",
                        facts["name"],
                        differs.join("; ")
                    ));
                }
                Some(_) => {}
            }
        }
        let more = ours
            .iter()
            .filter(|(number, _)| !theirs.contains_key(number));
        differences.extend(more.map(|(number, facts)| {
            format!("{program} {number}: {} is not in the tables", facts["name"])
        }));
    }
    Ok(differences)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The procedures of a program in the generated table.
fn ours(table: &str, program: &str) -> BTreeMap<i32, Facts> {
    let begin = format!("program {program} ");
    let lines = table
        .lines()
        .skip_while(|line| !line.starts_with(&begin))
        .skip(1);
    let lines = lines.take_while(|line| !line.starts_with("program "));
    let procedure = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (kind, number, name) = (words.first()?, words.get(1)?.parse().ok()?, words.get(2)?);
        let attribute = |name: &str| {
            let value = words.iter().find_map(|word| match word.split_once('=') {
                Some((key, value)) => (key == name).then_some(value),
                None => (*word == name).then_some("yes"),
            });
            value.unwrap_or_default().to_owned()
        };
        let since = attribute("since");
        let facts = Facts::from([
            ("name", (*name).to_owned()),
            ("kind", (*kind).to_owned()),
            ("stream", attribute("stream")),
            ("sparse", attribute("sparse")),
            ("fds_in", attribute("fds-in")),
            ("fds_out", attribute("fds-out")),
            ("high priority", attribute("priority")),
            ("no authentication", attribute("no-auth")),
            (
                "since",
                if since.is_empty() {
                    "9.0.0".to_owned()
                } else {
                    since
                },
            ),
        ]);
        Some((number, facts))
    };
    lines.filter_map(procedure).collect()
}

/// The procedures in a table of facts.
fn theirs(table: &str) -> Result<BTreeMap<i32, Facts>, String> {
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut procedures = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| {
            let column = head.iter().position(|heading| *heading == name);
            let cell = column.and_then(|column| cells.get(column));
            cell.copied()
                .ok_or_else(|| format!("no column {name} in {line:?}"))
        };
        let yes = |is_so: bool| if is_so { "yes" } else { "" }.to_owned();
        let number = cell("number")?
            .parse()
            .map_err(|_| format!("no number in {line:?}"))?;
        let name = cell("name")?;
        let short = name.split_once("_PROC_").map_or(name, |(_, short)| short);
        let kind = cell("kind")?;
        let facts = Facts::from([
            ("name", short.to_owned()),
            ("kind", kind.to_owned()),
            ("stream", cell("stream")?.to_owned()),
            ("sparse", yes(!matches!(cell("sparse")?, "" | "no" | "0"))),
            ("fds_in", number_of(cell("fds_in")?)),
            ("fds_out", number_of(cell("fds_out")?)),
            (
                "high priority",
                match cell("priority")? {
                    "high" if kind == "call" => "high".to_owned(),
                    _ => String::new(),
                },
            ),
            (
                "no authentication",
                yes(matches!(cell("needs_auth")?, "no" | "0")),
            ),
            ("since", cell("since")?.to_owned()),
        ]);
        procedures.insert(number, facts);
    }
    Ok(procedures)
}

/// A number of descriptors; none is left out.
fn number_of(cell: &str) -> String {
    if cell == "0" {
        String::new()
    } else {
        cell.to_owned()
    }
}
