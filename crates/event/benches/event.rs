//! What one event costs before it is committed: microseconds for each step, on one core.

use std::hint::black_box;
use std::time::Instant;

use cairn_event::{Admission, Class, Draft, Event, EventId, Json, Producer, Severity};

const EVENT: &str = r#"{"time":"2024-05-01T12:30:00.123456Z","actor":{"id":"arn:aws:iam::123456789012:user/operator-one","type":"user","name":"operator-one","email":"operator.one@example.org","ip":"203.0.113.17","session":"s-0192a4d1","auth":{"method":"oidc","mfa":true},"via":"cli"},"action":"iam.role.update","operation":"update","resource":{"type":"iam_role","id":"arn:aws:iam::123456789012:role/deployer","name":"deployer","namespace":"123456789012"},"outcome":"success","request_id":"0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","origin":{"ips":["203.0.113.17","10.0.0.4"],"user_agent":"aws-cli/2.15.30 Python/3.11.8 Linux/5.15","country":"CH"},"environment":"production","region":"eu-central-1","service":"iam","metadata":{"ticket":"OPS-4711","attempt":2,"tags":["a","b"]}}"#;

fn main() {
    let members = EVENT.strip_suffix('}').expect("the event is an object");
    let states = format!(
        r#"{members},"before":{{"max_session":3600,"tags":{{"team":"core"}}}},"after":{{"max_session":7200,"tags":{{"team":"core"}}}}}}"#
    );
    for (name, text) in [("plain", EVENT), ("with states", &states)] {
        println!("{name}: {} bytes", text.len());
        let json = measure("parse", || Json::parse(text.as_bytes()).expect("JSON"));
        measure("clone (part of the next)", || json.clone());
        let draft = measure("from_json", || Draft::from_json(json.clone()).expect("valid"));
        measure("part 0", || draft.part());
        measure("fingerprint", || draft.fingerprint());
        measure("clone (part of the next)", || draft.clone());
        measure("event, both parts", || Event::new(draft.clone(), admission()).expect("small"));
        measure("parse to event", || {
            let json = Json::parse(text.as_bytes()).expect("JSON");
            Event::new(Draft::from_json(json).expect("valid"), admission()).expect("small")
        });
    }
}

fn measure<T>(name: &str, mut step: impl FnMut() -> T) -> T {
    const ROUNDS: u32 = 100_000;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(step());
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    println!("  {each:7.2} µs  {name}");
    step()
}

fn admission() -> Admission {
    Admission {
        id: EventId::from_bytes([7; 16]),
        received_at: jiff::Timestamp::UNIX_EPOCH,
        producer: Producer {
            principal: "token:ci".to_owned(),
            source_kind: "native".to_owned(),
            source_name: "default".to_owned(),
            sequence: None,
        },
        class: Class::Standard,
        severity: Severity::Informational,
        identified: cairn_event::Identified::Id,
        conflict_with: None,
        policy: None,
        protected: None,
        retried_from: None,
    }
}
