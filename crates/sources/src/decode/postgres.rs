//! The server log of PostgreSQL in its three forms: `stderr` with a `log_line_prefix`, `csvlog` and
//! `jsonlog` (PostgreSQL documentation, chapter "Error Reporting and Logging"), with the message of
//! pgaudit taken apart (`AUDIT: SESSION|OBJECT,statement,substatement,class,command,type,name,text,parameters`).

use std::sync::LazyLock;

use cairn_event::Json;
use cairn_event::json::Object;
use regex::Regex;

/// The columns of `csvlog`, in order; older servers leave the last ones out.
const CSV_COLUMNS: &[&str] = &[
    "timestamp",
    "user",
    "dbname",
    "pid",
    "connection_from",
    "session_id",
    "line_num",
    "ps",
    "session_start",
    "vxid",
    "txid",
    "error_severity",
    "state_code",
    "message",
    "detail",
    "hint",
    "internal_query",
    "internal_position",
    "context",
    "statement",
    "cursor_position",
    "func_name",
    "application_name",
    "backend_type",
    "leader_pid",
    "query_id",
];

/// The fields of a pgaudit message.
const AUDIT_FIELDS: &[&str] = &[
    "audit_type",
    "statement_id",
    "substatement_id",
    "class",
    "command",
    "object_type",
    "object_name",
    "statement",
    "parameters",
    "rows",
];

/// `2024-05-01 12:30:00.123 UTC ... LOG:  message`: what stands between is up to `log_line_prefix`.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)^(?P<prefix>.*?)(?P<severity>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION):\s+(?P<message>.*)$").expect("a valid pattern")
});
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?([A-Z]{2,5}|[+-]\d\d(:?\d\d)?))?")
        .expect("a valid pattern")
});
static PID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[(\d+)(?:-\d+)?\]").expect("a valid pattern"));
static AT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|\s)([\w.$-]+)@([\w.$-]+)(?:\s|$|:|\()").expect("a valid pattern"));
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(user|db|app|client|host|session|xid)=([^\s,\]]*)").expect("a valid pattern"));
static BEGINS: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    regex::bytes::Regex::new(
        r"(?-u)^(\{|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d|.{0,200}(LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  ?\S)",
    )
    .expect("a valid pattern")
});

/// Whether a line begins an entry, rather than carrying a statement on.
pub(super) fn begins(line: &[u8]) -> bool {
    BEGINS.is_match(line)
}

/// Reads one entry; `None` if it is none.
pub(super) fn decode(text: &str) -> Option<Object> {
    let mut said = if text.trim_start().starts_with('{') {
        let Ok(Json::Object(entry)) = Json::parse(text.as_bytes()) else { return None };
        entry
    } else {
        csv_entry(text).or_else(|| stderr_entry(text))?
    };
    let audit = said.get("message").and_then(Json::as_str).and_then(audit);
    if let Some(audit) = audit {
        said.insert("audit", audit);
    }
    Some(said)
}

fn csv_entry(text: &str) -> Option<Object> {
    let fields = csv_fields(text)?;
    let is_entry = fields.len() >= 23 && TIME.is_match(&fields[0]);
    let named = || CSV_COLUMNS.iter().zip(fields).filter(|(_, value)| !value.is_empty());
    is_entry.then(|| named().map(|(name, value)| (*name, value)).collect())
}

fn csv_fields(text: &str) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let record = reader.records().next()?.ok()?;
    Some(record.iter().map(str::to_owned).collect())
}

fn stderr_entry(text: &str) -> Option<Object> {
    let found = LINE.captures(text)?;
    let part = |name: &str| found.name(name).map_or("", |part| part.as_str());
    let mut said = Object::new();
    let prefix = part("prefix");
    if let Some(time) = TIME.find(prefix) {
        said.insert("timestamp", time.as_str());
    } else if let Some(time) = super::syslog::decode(prefix).get("time").and_then(Json::as_str) {
        said.insert("timestamp", time);
    }
    if let Some(pid) = PID.captures(prefix) {
        said.insert("pid", &pid[1]);
    }
    if let Some(who) = AT.captures(prefix) {
        said.insert("user", &who[1]);
        said.insert("dbname", &who[2]);
    }
    for named in NAMED.captures_iter(prefix) {
        let name = match &named[1] {
            "db" => "dbname",
            "app" => "application_name",
            "client" | "host" => "connection_from",
            "session" => "session_id",
            "xid" => "txid",
            other => other,
        };
        if !named[2].is_empty() {
            said.insert(name, &named[2]);
        }
    }
    said.insert("error_severity", part("severity"));
    // The server puts a tab behind every line feed of a message, so that no line of it looks like an entry.
    said.insert("message", part("message").replace("\n\t", "\n"));
    Some(said)
}

/// The fields behind `AUDIT: `.
fn audit(message: &str) -> Option<Object> {
    let fields = csv_fields(message.strip_prefix("AUDIT: ")?.trim_start())?;
    let is_audit = fields.len() >= 8 && matches!(fields[0].as_str(), "SESSION" | "OBJECT");
    is_audit.then(|| {
        AUDIT_FIELDS
            .iter()
            .zip(fields)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (*name, value))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(Json::Object(decode(text).expect("an entry")).to_text(), want, "{text}");
    }

    #[test]
    fn the_same_entry_is_read_in_each_form() {
        check(
            "2024-05-01 12:30:00.123 UTC [42] app@shop LOG:  AUDIT: SESSION,1,1,WRITE,UPDATE,TABLE,public.t,\"update t\n\t set a = 'x, y'\",<not logged>",
            r#"{"timestamp":"2024-05-01 12:30:00.123 UTC","pid":"42","user":"app","dbname":"shop","error_severity":"LOG","message":"AUDIT: SESSION,1,1,WRITE,UPDATE,TABLE,public.t,\"update t\n set a = 'x, y'\",<not logged>","audit":{"audit_type":"SESSION","statement_id":"1","substatement_id":"1","class":"WRITE","command":"UPDATE","object_type":"TABLE","object_name":"public.t","statement":"update t\n set a = 'x, y'","parameters":"<not logged>"}}"#,
        );
        check(
            r#"2024-05-01 12:30:00.123 UTC,"app","shop",42,"192.0.2.1:5000",66323c38.2a,1,"idle",2024-05-01 12:29:00 UTC,3/4,0,LOG,00000,"AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>",,,,,,,,,"psql","client backend",,0"#,
            r#"{"timestamp":"2024-05-01 12:30:00.123 UTC","user":"app","dbname":"shop","pid":"42","connection_from":"192.0.2.1:5000","session_id":"66323c38.2a","line_num":"1","ps":"idle","session_start":"2024-05-01 12:29:00 UTC","vxid":"3/4","txid":"0","error_severity":"LOG","state_code":"00000","message":"AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>","application_name":"psql","backend_type":"client backend","query_id":"0","audit":{"audit_type":"SESSION","statement_id":"1","substatement_id":"1","class":"READ","command":"SELECT","statement":"select 1","parameters":"<none>"}}"#,
        );
        check(
            r#"{"timestamp":"2024-05-01 12:30:00.123 UTC","user":"app","pid":42,"message":"AUDIT: OBJECT,1,1,READ,SELECT,TABLE,public.t,select 1,<none>"}"#,
            r#"{"timestamp":"2024-05-01 12:30:00.123 UTC","user":"app","pid":42,"message":"AUDIT: OBJECT,1,1,READ,SELECT,TABLE,public.t,select 1,<none>","audit":{"audit_type":"OBJECT","statement_id":"1","substatement_id":"1","class":"READ","command":"SELECT","object_type":"TABLE","object_name":"public.t","statement":"select 1","parameters":"<none>"}}"#,
        );
        check("NOTICE:  hello", r#"{"error_severity":"NOTICE","message":"hello"}"#);
        assert_eq!(decode("hello"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*", start in "(2024-05-01 12:30:00 UTC)?[\\[\\],\"@a=]{0,20}(LOG:  )?(AUDIT: SESSION,)?") {
            let entry = format!("{start}{text}");
            decode(&entry);
            begins(entry.as_bytes());
        }
    }
}
