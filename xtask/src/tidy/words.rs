//! Calls that belong to one place, and words that belong nowhere. All look at code alone: comments and
//! strings are blanked, and `// tidy: allow RULE, because ...` on the line or the one above exempts it.

use super::Finding;
use super::rust::Source;

/// Crates that only compute: bytes in, bytes out.
pub(crate) const PURE_CRATES: &[&str] = &["event", "sources", "admit", "ledger", "access"];
/// Crates that touch the world through their seams alone, so that the simulator can stand in for it.
const SEAMED_CRATES: &[&str] = &["store", "search"];
/// Crates that speak to a person or to a machine's console.
const CONSOLE: &[&str] = &["crates/cli/", "sim/", "xtask/"];
/// Where asynchronous code may live.
const ASYNC: &[&str] = &["crates/server/", "crates/engines/", "crates/api/", "crates/cli/", "sim/"];
/// Where data is made durable: the one writer, the real disk, the simulated one, and the bench that
/// measures the disk itself beside us.
const DURABLE: &[&str] = &[
    "crates/store/src/durable.rs",
    "crates/engines/src/local",
    "crates/engines/src/sim",
    "crates/cli/src/commands/bench",
    "sim/",
];
/// Where a stopwatch paces a thread; what is written down still comes from the Clock seam.
const PACING: &[&str] = &["crates/store/src/threads.rs"];
/// Where files are removed: the real disk and the simulated one, which only the store's rules drive.
const REMOVING: &[&str] = &["crates/engines/src/", "sim/", "xtask/"];

/// In which code a rule looks.
#[derive(Clone, Copy, PartialEq)]
enum Code {
    Product,
    Tests,
    All,
}

/// Some words and where they may stand.
struct Rule {
    name: &'static str,
    words: &'static [&'static str],
    code: Code,
    applies: fn(&str) -> bool,
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        name: "unwrap",
        words: &[".unwrap()", ".unwrap_err()"],
        code: Code::Product,
        applies: |_| true,
        why: "say why it can't happen: expect(\"...\")",
    },
    Rule {
        name: "left over",
        words: &["dbg!(", "todo!(", "unimplemented!("],
        code: Code::All,
        applies: |_| true,
        why: "finish it or take it out",
    },
    Rule {
        name: "clock",
        words: &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", ".elapsed()"],
        code: Code::Product,
        applies: |path| is_sealed_off(path) && !under(path, PACING),
        why: "time comes in through a value or the Clock seam",
    },
    Rule {
        name: "files",
        words: &[
            "std::fs",
            "std::process",
            "std::env",
            "File::open",
            "File::create",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
        ],
        code: Code::Product,
        applies: is_sealed_off,
        why: "files and sockets come in through a seam",
    },
    Rule {
        name: "randomness",
        words: &["getrandom", "thread_rng", "OsRng", "rand::", "new_v4", "now_v7"],
        code: Code::Product,
        applies: is_sealed_off,
        why: "randomness comes in through a value or a seam",
    },
    Rule {
        name: "threads",
        words: &["std::thread", "thread::spawn"],
        code: Code::Product,
        applies: is_pure,
        why: "a pure crate starts nothing",
    },
    Rule {
        name: "async",
        words: &["tokio", "async fn", "async move", ".await"],
        code: Code::Product,
        applies: |path| !under(path, ASYNC),
        why: "asynchronous code lives at the edge",
    },
    Rule {
        name: "sync",
        words: &[".sync_data(", ".sync_all(", ".sync_dir(", "::fsync(", "fdatasync(", "::syncfs("],
        code: Code::Product,
        applies: |path| !under(path, DURABLE),
        why: "only the store's one writer makes things durable",
    },
    Rule {
        name: "remove",
        words: &["remove_file(", "remove_dir(", "remove_dir_all(", "::unlink("],
        code: Code::Product,
        applies: |path| !under(path, REMOVING),
        why: "nothing is deleted but through the Disk seam",
    },
    Rule {
        name: "print",
        words: &["println!(", "eprintln!(", "print!(", "eprint!("],
        code: Code::Product,
        applies: |path| !under(path, CONSOLE),
        why: "a library logs through tracing or returns a value",
    },
    Rule {
        name: "wait",
        words: &["sleep("],
        code: Code::Tests,
        applies: |_| true,
        why: "a test waits for a signal, not for time",
    },
    Rule {
        name: "ignored test",
        words: &["#[ignore", "#[should_panic"],
        code: Code::All,
        applies: |_| true,
        why: "a test runs, and says what it expects",
    },
];

/// All findings in one file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES.iter().filter(|rule| (rule.applies)(&source.path)) {
        for word in rule.words {
            for at in source.places(word) {
                let line = source.line(at);
                if looked_at(rule, source, at) && !source.allows(line, rule.name) {
                    let message = format!("{}: {}", word.trim_end_matches('('), rule.why);
                    findings.push(Finding { path: source.path.clone(), line, rule: rule.name, message });
                }
            }
        }
    }
    findings
}

fn looked_at(rule: &Rule, source: &Source, at: usize) -> bool {
    match rule.code {
        Code::Product => !source.in_test(at),
        // The runner polls the processes it started; its own tests may too.
        Code::Tests => source.in_test(at) && !source.path.starts_with("xtask/"),
        Code::All => true,
    }
}

fn under(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

fn in_crate(path: &str, crates: &[&str]) -> bool {
    let name = path.strip_prefix("crates/").and_then(|rest| rest.split('/').next());
    name.is_some_and(|name| crates.contains(&name))
}

fn is_pure(path: &str) -> bool {
    in_crate(path, PURE_CRATES)
}

fn is_sealed_off(path: &str) -> bool {
    is_pure(path) || in_crate(path, SEAMED_CRATES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_rules(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<&str> = check(&Source::new(path, text)).iter().map(|finding| finding.rule).collect();
        assert_eq!(found, expected, "{path}: {text}");
    }

    #[test]
    fn unwrap_is_for_tests() {
        check_rules("crates/cli/src/a.rs", "x.unwrap();", &["unwrap"]);
        check_rules("crates/cli/src/a.rs", "x.unwrap_or(1); // .unwrap()\n\".unwrap()\";", &[]);
        check_rules("crates/cli/src/a.rs", "#[cfg(test)] mod tests { fn a() { x.unwrap(); } }", &[]);
        check_rules("crates/cli/tests/it/a.rs", "x.unwrap();", &[]);
    }

    #[test]
    fn pure_and_seamed_crates_have_no_clock_no_files_and_no_randomness() {
        for name in ["event", "sources", "admit", "ledger", "access", "store", "search"] {
            let path = format!("crates/{name}/src/a.rs");
            check_rules(&path, "let t = Instant::now();", &["clock"]);
            check_rules(&path, "use std::fs::File;", &["files"]);
            check_rules(&path, "use std::net::IpAddr;", &[]);
            check_rules(&path, "getrandom::fill(x);", &["randomness"]);
            check_rules(&path, "async fn f() {}", &["async"]);
        }
        check_rules("crates/engines/src/local/clock.rs", "SystemTime::now(); std::fs::read(p);", &[]);
    }

    #[test]
    fn syncs_and_removals_stay_in_their_rooms() {
        check_rules("crates/store/src/commit/wal.rs", "file.sync_data();", &["sync"]);
        check_rules("crates/store/src/seams.rs", "fn sync_data(&self) -> Result<()>;", &[]);
        check_rules("crates/store/src/durable.rs", "file.sync_data();", &[]);
        check_rules("crates/engines/src/local/disk.rs", "rustix::fs::fdatasync(f);", &[]);
        check_rules("crates/engines/src/tantivy/mod.rs", "file.sync_all();", &["sync"]);
        check_rules("crates/store/src/seal/mod.rs", "fs_remove_file(); remove_file(p);", &["remove"]);
    }

    #[test]
    fn tests_neither_sleep_nor_hide() {
        check_rules("crates/cli/tests/it/a.rs", "thread::sleep(d);", &["wait"]);
        check_rules(
            "crates/cli/tests/it/a.rs",
            "// tidy: allow wait, kills at a random moment\nthread::sleep(d);",
            &[],
        );
        check_rules("crates/cli/src/commands/tail.rs", "tokio::time::sleep(d);", &[]);
        check_rules("crates/event/src/tests.rs", "#[ignore]\n#[test]\nfn a() {}", &["ignored test"]);
    }

    #[test]
    fn libraries_do_not_print() {
        check_rules("crates/server/src/lib.rs", "println!(\"x\");", &["print"]);
        check_rules("crates/cli/src/print.rs", "println!(\"x\");", &[]);
        check_rules("crates/server/tests/it/main.rs", "println!(\"skipped: no corpus\");", &[]);
    }
}
