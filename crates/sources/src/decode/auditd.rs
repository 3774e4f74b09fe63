//! Linux audit records: `type=SYSCALL msg=audit(1521758453.536:1428931): key=value ...`
//! (audit userspace, `auditd-logs(5)` and the field dictionary of the linux-audit project).
//!
//! The kernel writes one event as several records with the same time and number, and records of
//! different events mix. They are put together here, by node, time and number, wherever in the body
//! they stand.

use std::borrow::Cow;
use std::collections::HashMap;

use cairn_event::Json;
use cairn_event::json::Object;

use super::FIELDS_MAX;
use crate::SplitError;
use crate::frame::{Record, grouped, lines};
use crate::scan::find;

/// Lines of one event; what is more begins a new one.
const LINES_MAX: usize = 1024;

/// What auditd writes for "no login": the largest 32-bit number.
const UNSET: [&str; 2] = ["4294967295", "-1"];

/// Fields whose value the kernel writes in hexadecimal when it holds more than plain characters.
const ENCODED: &[&str] = &[
    "name",
    "proctitle",
    "comm",
    "exe",
    "cwd",
    "acct",
    "cmd",
    "path",
    "dir",
    "key",
    "data",
    "file",
    "grp",
    "vm",
    "root_dir",
    "old-disk",
    "new-disk",
    "device",
    "sw",
    "ocomm",
    "watch",
    "new_group",
    "old-fs",
    "new-fs",
    "sgrnt",
    "uuid",
];

/// Records that say more about another record of the same event.
const SUPPLEMENTS: &[&str] = &[
    "SYSCALL",
    "CWD",
    "PATH",
    "PROCTITLE",
    "EXECVE",
    "SOCKADDR",
    "EOE",
    "OBJ_PID",
    "BPRM_FCAPS",
    "IPC",
    "MMAP",
    "FD_PAIR",
    "CAPSET",
    "NETFILTER_PKT",
    "TIME_ADJNTPVAL",
    "OPENAT2",
    "URINGOP",
];

/// The events of a body, each with all of its lines.
pub(super) fn split(body: &[u8]) -> Result<impl Iterator<Item = Record<'_>>, SplitError> {
    Ok(grouped(lines::lines(body)?, move |lines| events(body, lines)))
}

fn events<'b>(body: &'b [u8], lines: Vec<Record<'b>>) -> Vec<Record<'b>> {
    let mut events: Vec<Vec<Record<'b>>> = Vec::new();
    let mut open: HashMap<(&[u8], &[u8]), usize> = HashMap::new();
    for line in lines {
        let text = &body[line.range.clone()];
        let known = identity(text).and_then(|id| open.get(&id).copied()).filter(|at| events[*at].len() < LINES_MAX);
        match known {
            Some(at) => events[at].push(line),
            None => {
                events.push(vec![line]);
                if let Some(id) = identity(text) {
                    open.insert(id, events.len() - 1);
                }
            }
        }
    }
    events.into_iter().map(|lines| together(body, lines)).collect()
}

/// What the lines of one event have in common: the node that they come from, and `time:number`.
fn identity(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = find(line, b"audit(")?;
    let end = start + find(&line[start..], b")")?;
    let id = &line[start + 6..end];
    let node = match line.strip_prefix(b"node=") {
        Some(rest) => &rest[..rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len())],
        None => b"",
    };
    // `audit()` and a time without a number identify nothing.
    id.contains(&b':').then_some((node, id))
}

fn together<'b>(body: &'b [u8], lines: Vec<Record<'b>>) -> Record<'b> {
    let range = lines[0].range.clone();
    let last = lines[lines.len() - 1].range.end;
    let stands_together =
        lines.windows(2).all(|pair| body[pair[0].range.end..pair[1].range.start].trim_ascii().is_empty());
    if stands_together {
        return Record { bytes: Cow::Borrowed(&body[range.start..last]), range: range.start..last };
    }
    let bytes = lines.iter().map(|line| line.bytes.as_ref()).collect::<Vec<_>>().join(&b'\n');
    Record { bytes: Cow::Owned(bytes), range }
}

/// Reads the lines of one event; `None` if none of them is an audit record.
pub(super) fn decode(text: &str) -> Option<Object> {
    let records: Vec<Line> = text.lines().filter_map(line).collect();
    let first = records.first()?;
    let mut said = Object::new();
    if let Some(node) = first.node {
        said.insert("node", node);
    }
    said.insert("time", first.time);
    if let Some(sequence) = first.sequence {
        said.insert("sequence", sequence);
    }
    let main = records.iter().find(|record| !SUPPLEMENTS.contains(&record.kind)).unwrap_or(first);
    said.insert("type", main.kind);
    said.insert("types", records.iter().map(|record| record.kind).collect::<Vec<_>>());
    let mut fields = main.fields.clone();
    let (mut paths, mut args) = (Vec::new(), Vec::new());
    for record in &records {
        match record.kind {
            "PATH" => paths.push(Json::Object(record.fields.clone())),
            "EXECVE" => args.extend(arguments(&record.fields)),
            "SOCKADDR" => drop(said.insert("socket", socket(&record.fields))),
            "CWD" | "PROCTITLE" | "SYSCALL" => {
                for (name, value) in record.fields.iter() {
                    if !fields.contains(name) {
                        fields.insert(name, value.clone());
                    }
                }
            }
            _ => {}
        }
    }
    said.insert("fields", fields);
    if !paths.is_empty() {
        said.insert("paths", paths);
    }
    if !args.is_empty() {
        said.insert("args", args);
    }
    Some(said)
}

struct Line<'t> {
    node: Option<&'t str>,
    kind: &'t str,
    time: &'t str,
    sequence: Option<u64>,
    fields: Object,
}

fn line(text: &str) -> Option<Line<'_>> {
    let (head, rest) = text.split_once("audit(")?;
    let (stamp, body) = rest.split_once(')')?;
    let (time, sequence) = stamp.split_once(':').unwrap_or((stamp, ""));
    if time.is_empty() {
        return None;
    }
    let after = |name: &str| head.split_whitespace().find_map(|word| word.strip_prefix(name));
    // Through syslog the kernel gives the type as a number, and a name only to what auditd has seen.
    let kind = after("type=").filter(|kind| !kind.is_empty())?;
    let (plain, enriched) = body.split_once('\u{1d}').unwrap_or((body, ""));
    let mut fields = Object::new();
    values(plain.trim_start_matches(':'), Within::Record, &mut fields);
    translate(kind, &mut fields);
    let mut names = Object::new();
    values(enriched, Within::Record, &mut names);
    for (name, value) in names {
        fields.insert(format!("{}_name", name.to_ascii_lowercase()), value);
    }
    Some(Line { node: after("node="), kind, time, sequence: sequence.parse().ok(), fields })
}

/// Where pairs stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Record,
    /// In the message of a program, which holds no further one.
    Message,
}

/// `key=value` pairs; values bare, in double quotes, or a list of further pairs in single quotes.
fn values(text: &str, within: Within, fields: &mut Object) {
    let mut rest = text.trim();
    if let Some((verdict, after)) = permissions(rest) {
        fields.insert("seresult", verdict.0);
        fields.insert("seperms", verdict.1);
        rest = after;
    }
    // `old auid=1 new auid=2`: the word before a key belongs to it.
    let mut before = "";
    while !rest.is_empty() && fields.len() < FIELDS_MAX {
        let (word, after) = rest.split_at(rest.find([' ', '=']).unwrap_or(rest.len()));
        let Some(value) = after.strip_prefix('=') else {
            before = word.trim_end_matches(',');
            rest = after.trim_start();
            continue;
        };
        // Old programs put what they say into round brackets.
        let word = word.trim_start_matches('(');
        let key = if matches!(before, "old" | "new") { format!("{before}_{word}") } else { word.to_owned() };
        before = "";
        rest = match value.chars().next() {
            Some('"') => {
                let (value, after) = value[1..].split_once('"').unwrap_or((&value[1..], ""));
                fields.insert(key, value);
                after
            }
            Some('\'') => {
                let (inner, after) = value[1..].rsplit_once('\'').unwrap_or((&value[1..], ""));
                let is_list = key == "msg" && inner.contains('=') && within == Within::Record;
                if is_list {
                    values(inner, Within::Message, fields)
                } else {
                    drop(fields.insert(key, inner))
                }
                after
            }
            _ => {
                let (value, after) = value.split_at(value.find(' ').unwrap_or(value.len()));
                fields.insert(key.as_str(), bare(&key, unbracketed(value.trim_end_matches(','))));
                after
            }
        }
        .trim_start();
    }
}

/// A value without the bracket that closes a list around it. `(null)` keeps its own.
fn unbracketed(value: &str) -> &str {
    if value.starts_with('(') { value } else { value.trim_end_matches(')') }
}

/// `avc:  denied  { read write } for  ...`
fn permissions(text: &str) -> Option<((&str, &str), &str)> {
    let rest = text.strip_prefix("avc:")?.trim_start();
    let (verdict, rest) = rest.split_once(" {")?;
    let (permissions, rest) = rest.split_once('}')?;
    let rest = rest.trim_start();
    Some(((verdict.trim(), permissions.trim()), rest.strip_prefix("for ").unwrap_or(rest).trim_start()))
}

fn bare(key: &str, value: &str) -> String {
    let is_argument = key
        .strip_prefix('a')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    // Arguments of system calls are short numbers, also in hexadecimal; those of a program may be encoded.
    let may_be_encoded = ENCODED.contains(&key) || (is_argument && value.len() > 16);
    may_be_encoded.then(|| decoded(value)).flatten().unwrap_or_else(|| value.to_owned())
}

/// Text that was written in hexadecimal. NUL parts the arguments of a process title.
fn decoded(value: &str) -> Option<String> {
    let is_hex = value.len() >= 2
        && value.len().is_multiple_of(2)
        && value.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
    let pair = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).ok();
    let bytes: Vec<u8> = is_hex.then(|| (0..value.len()).step_by(2).map_while(pair).collect())?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(text.trim_end_matches('\0').replace('\0', " "))
}

/// Gives numbers the names they stand for.
fn translate(kind: &str, fields: &mut Object) {
    for name in ["auid", "ses", "old_auid", "new_auid", "old_ses", "new_ses", "uid"] {
        let is_unset = fields.get(name).and_then(Json::as_str).is_some_and(|value| UNSET.contains(&value));
        if is_unset {
            fields.insert(name, "unset");
        }
    }
    let said = |fields: &Object, name: &str| fields.get(name).and_then(Json::as_str).map(str::to_owned);
    if matches!(kind, "SYSCALL" | "SECCOMP" | "URINGOP") {
        let arch = said(fields, "arch");
        let number = said(fields, "syscall").and_then(|number| number.parse::<usize>().ok());
        if let Some(name) = number.and_then(|number| syscall(arch.as_deref()?, number)) {
            fields.insert("syscall", name);
        }
        if let Some(name) = arch.as_deref().and_then(arch_name) {
            fields.insert("arch", name);
        }
        let errno = said(fields, "exit").and_then(|exit| exit.parse::<i32>().ok()).filter(|exit| *exit < 0);
        if let Some(name) = errno.and_then(|exit| syscalls::Errno::new(exit.checked_neg()?).name()) {
            fields.insert("exit", name);
        }
    }
    let outcome = ["success", "res", "result"].iter().find_map(|name| said(fields, name));
    match outcome.as_deref() {
        Some("yes" | "1" | "success") => drop(fields.insert("result", "success")),
        Some("no" | "0" | "failed" | "fail") => drop(fields.insert("result", "fail")),
        _ => {}
    }
}

/// The names of the architectures that records carry (`AUDIT_ARCH_*` of `linux/audit.h`).
fn arch_name(code: &str) -> Option<&'static str> {
    Some(match code.to_ascii_lowercase().as_str() {
        "c000003e" => "x86_64",
        "40000003" => "i386",
        "c00000b7" => "aarch64",
        "40000028" => "arm",
        _ => return None,
    })
}

fn syscall(arch: &str, number: usize) -> Option<&'static str> {
    match arch_name(arch)? {
        "x86_64" => syscalls::x86_64::Sysno::new(number).map(|call| call.name()),
        "i386" => syscalls::x86::Sysno::new(number).map(|call| call.name()),
        "aarch64" => syscalls::aarch64::Sysno::new(number).map(|call| call.name()),
        _ => None,
    }
}

/// `a0`, `a1`, ... of an `EXECVE` record; a long argument comes in pieces, `a1[0]`, `a1[1]`.
fn arguments(fields: &Object) -> Vec<String> {
    let text = |name: String| {
        fields.get(&name).and_then(Json::as_str).map(|value| decoded(value).unwrap_or_else(|| value.to_owned()))
    };
    let mut arguments = Vec::new();
    for number in 0.. {
        let whole = text(format!("a{number}"));
        let pieces = || (0..).map_while(|piece| text(format!("a{number}[{piece}]"))).collect::<String>();
        let argument = whole.or_else(|| Some(pieces()).filter(|text| !text.is_empty()));
        let Some(argument) = argument else { break };
        arguments.push(argument);
    }
    arguments
}

/// The address in a `SOCKADDR` record: the bytes of a C `sockaddr`, in hexadecimal.
fn socket(fields: &Object) -> Object {
    let mut socket = Object::new();
    let hex = fields.get("saddr").and_then(Json::as_str).unwrap_or_default();
    let byte = |at: usize| hex.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Vec<u8> = (0..).map_while(byte).collect();
    let port = |bytes: &[u8]| u64::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    match bytes.as_slice() {
        [1, 0, path @ ..] => {
            let path = path.split(|byte| *byte == 0).find(|part| !part.is_empty()).unwrap_or_default();
            socket.insert("family", "unix");
            socket.insert("path", String::from_utf8_lossy(path).into_owned());
        }
        [2, 0, _, _, a, b, c, d, ..] => {
            socket.insert("family", "ipv4");
            socket.insert("address", std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string());
            socket.insert("port", port(&bytes));
        }
        [10, 0, rest @ ..] if rest.len() >= 22 => {
            let address: [u8; 16] = rest[6..22].try_into().expect("sixteen bytes");
            socket.insert("family", "ipv6");
            socket.insert("address", std::net::Ipv6Addr::from(address).to_string());
            socket.insert("port", port(&bytes));
        }
        _ => drop(socket.insert("saddr", hex)),
    }
    socket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_event_come_together_wherever_they_stand() {
        let body = b"type=SYSCALL msg=audit(1.0:1): a=1\ntype=SYSCALL msg=audit(1.0:2): a=2\ntype=PATH msg=audit(1.0:1): b=1\n\nnonsense\ntype=EOE msg=audit(1.0:2):\n";
        let events = split(body).expect("text").map(|event| String::from_utf8_lossy(&event.bytes).into_owned());
        assert_eq!(
            events.collect::<Vec<_>>(),
            [
                "type=SYSCALL msg=audit(1.0:1): a=1\ntype=PATH msg=audit(1.0:1): b=1",
                "type=SYSCALL msg=audit(1.0:2): a=2\ntype=EOE msg=audit(1.0:2):",
                "nonsense",
            ]
        );
    }

    #[test]
    fn messages_inside_messages_are_text() {
        let text = format!("type=X msg=audit(1:1): {}a=b{}", "msg='".repeat(50_000), "'".repeat(50_000));
        assert!(decode(&text).is_some());
    }

    #[test]
    fn two_nodes_count_for_themselves() {
        let body = b"node=a type=SYSCALL msg=audit(1.0:1): x=1\nnode=b type=USER_LOGIN msg=audit(1.0:1): x=2\n";
        assert_eq!(split(body).expect("text").count(), 2);
        let said = decode(
            "type=CRED_ACQ msg=audit(1.0:2): msg='PAM: setcred acct=\"root\" : exe=\"/x\" (hostname=?, addr=192.0.2.1, terminal=cron res=success)'",
        );
        let fields = said.expect("audit").get("fields").expect("always there").to_text();
        assert_eq!(
            fields,
            r#"{"acct":"root","exe":"/x","hostname":"?","addr":"192.0.2.1","terminal":"cron","res":"success","result":"success"}"#
        );
    }

    #[test]
    fn an_event_of_several_records_reads_as_one() {
        let text = "node=web type=SYSCALL msg=audit(1700000000.123:42): arch=c000003e syscall=59 success=no exit=-13 auid=1000 uid=0 ses=4294967295 comm=\"sh\" exe=\"/bin/sh\" key=(null)\u{1d}ARCH=x86_64 AUID=\"bob\"\n\
             node=web type=EXECVE msg=audit(1700000000.123:42): argc=2 a0=\"sh\" a1=2D6320\n\
             node=web type=CWD msg=audit(1700000000.123:42): cwd=\"/tmp\"\n\
             node=web type=SOCKADDR msg=audit(1700000000.123:42): saddr=02000050C0000201\n\
             node=web type=PATH msg=audit(1700000000.123:42): item=0 name=2F746D702F61206220 nametype=NORMAL\n\
             node=web type=PROCTITLE msg=audit(1700000000.123:42): proctitle=7368002D63";
        let want = r#"{"node":"web","time":"1700000000.123","sequence":42,"type":"SYSCALL","types":["SYSCALL","EXECVE","CWD","SOCKADDR","PATH","PROCTITLE"],"socket":{"family":"ipv4","address":"192.0.2.1","port":80},"fields":{"arch":"x86_64","syscall":"execve","success":"no","exit":"EACCES","auid":"1000","uid":"0","ses":"unset","comm":"sh","exe":"/bin/sh","key":"(null)","result":"fail","arch_name":"x86_64","auid_name":"bob","cwd":"/tmp","proctitle":"sh -c"},"paths":[{"item":"0","name":"/tmp/a b ","nametype":"NORMAL"}],"args":["sh","-c "]}"#;
        assert_eq!(Json::Object(decode(text).expect("audit")).to_text(), want);
    }

    #[test]
    fn a_message_of_a_program_is_taken_apart_too() {
        let said = decode("type=USER_LOGIN msg=audit(1700000000.5:7): pid=9 uid=0 auid=1001 ses=3 msg='op=login acct=\"bob\" exe=\"/usr/sbin/sshd\" addr=192.0.2.7 terminal=ssh res=failed'")
            .expect("audit");
        let fields = said.get("fields").expect("always there").to_text();
        assert_eq!(
            fields,
            r#"{"pid":"9","uid":"0","auid":"1001","ses":"3","op":"login","acct":"bob","exe":"/usr/sbin/sshd","addr":"192.0.2.7","terminal":"ssh","res":"failed","result":"fail"}"#
        );
        let avc = decode("type=AVC msg=audit(1.0:1): avc:  denied  { read } for  pid=1 comm=\"a\"").expect("audit");
        let fields = avc.get("fields").expect("always there").to_text();
        assert_eq!(fields, r#"{"seresult":"denied","seperms":"read","pid":"1","comm":"a"}"#);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*", start in "(type=(SYSCALL|SOCKADDR|EXECVE|AVC) msg=audit\\(1.0:1\\): )?[a-z0-9='\"{} \\[\\]\u{1d}]{0,40}") {
            let body = format!("{start}{text}");
            decode(&body);
            if let Ok(events) = split(body.as_bytes()) {
                events.for_each(drop);
            }
        }
    }
}
