//! The other ways in: CloudEvents in each mode, OpenTelemetry over HTTP, syslog over its sockets.

use crate::support::Server;
use cairn_api::TailRequest;
use cairn_api::v1::SubmitAnswer;
use cairn_server::SyslogConfig;
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, UdpSocket};

fn answer(raw: &crate::support::Raw) -> SubmitAnswer {
    assert_eq!(raw.status, 200, "{}", raw.text());
    serde_json::from_slice(&raw.body).expect("an answer")
}

/// The first events that a query finds, waiting for them.
fn arrived(server: &Server, q: &str, count: usize) -> Vec<Value> {
    let tail = server.client().tail(TailRequest { q: q.into(), last: Some(1000), ..TailRequest::default() });
    let texts = tail.take(count).map(|event| event.expect("an event").event.to_string());
    texts.map(|text| serde_json::from_str(&text).expect("JSON")).collect()
}

#[test]
fn a_cloud_event_is_the_same_event_in_each_mode() {
    let server = Server::start();
    let envelope = json!({
        "specversion": "1.0", "id": "e-1", "source": "/shop", "type": "com.example.order.deleted", "subject": "order-7",
        "time": "2026-05-01T12:00:00Z", "datacontenttype": "application/json", "data": {"user_id": "zoë"},
    });
    let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
    let first = answer(&server.post("/v1/events", &structured, envelope.to_string().as_bytes()));
    assert_eq!((first.received, first.stored), (1, 1));
    let batched = [("content-type", "application/cloudevents-batch+json")];
    let again = answer(&server.post("/v1/events", &batched, json!([envelope]).to_string().as_bytes()));
    assert_eq!((again.received, again.duplicate), (1, 1));
    let binary = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "e-2"),
        ("ce-source", "/shop%20%E2%82%AC"),
        ("ce-type", "com.example.order.deleted"),
        ("ce-subject", "order-8"),
    ];
    let third = answer(&server.post("/v1/events", &binary, b"{\"user_id\":\"zo\xc3\xab\"}"));
    assert_eq!((third.received, third.stored), (1, 1), "{third:?}");
    let events = arrived(&server, "source:cloudevents", 2);
    assert_eq!(events[0]["actor"]["id"], "zoë");
    assert_eq!(events[1]["actor"]["id"], "zoë");
    assert_eq!(events[1]["resource"]["parent"], "/shop €");
    let broken = server.post("/v1/events", &binary, b"{");
    assert_eq!((broken.status, &broken.json()["code"]), (400, &json!("header_invalid")), "{}", broken.text());
}

#[test]
fn exporters_hear_what_became_of_their_records() {
    let server = Server::start();
    let record = json!({"timeUnixNano": "1700000000000000000", "body": {"stringValue": "signed in"}, "attributes": [
        {"key": "enduser.id", "value": {"stringValue": "alice"}}, {"key": "n", "value": {"intValue": "7"}}]});
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]});
    let other = json!({"timeUnixNano": "1700000001000000000", "body": {"stringValue": "signed out"}});
    let request = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record, other]}]}]});
    let raw = server.post("/v1/logs", &[("content-type", "application/json")], request.to_string().as_bytes());
    assert_eq!((raw.status, raw.text().as_str()), (200, "{}"));
    let events = arrived(&server, "source:otlp", 2);
    assert_eq!(events[0]["actor"]["id"], "alice");
    assert!(events.iter().all(|event| event["service"] == "shop"));
    let protobuf = [("content-type", "application/x-protobuf")];
    let empty = server.post("/v1/logs", &protobuf, b"");
    assert_eq!(empty.status, 200, "{}", empty.text());
    let broken = server.post("/v1/logs", &protobuf, b"\xff\xff");
    assert_eq!((broken.status, &broken.json()["code"]), (400, &json!("body_unreadable")), "{}", broken.text());
    let stranger = server.post("/v1/logs", &[("authorization", ""), ("content-type", "application/json")], b"{}");
    assert_eq!(stranger.status, 401);
}

fn syslog() -> (Server, impl Fn(&str) -> SocketAddr) {
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let server = Server::with(|config| {
        config.syslog = SyslogConfig { udp: Some(any), tcp: Some(any), ..SyslogConfig::default() };
    });
    let others = server.others.clone();
    let at = move |protocol: &str| others.iter().find(|(name, _)| *name == protocol).expect("it listens").1;
    (server, at)
}

#[test]
fn syslog_messages_are_events_of_whoever_sent_them_by_whatever_transport() {
    let (server, at) = syslog();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket
        .send_to(
            b"<86>May  1 12:30:00 web sshd[7]: Accepted password for alice from 192.0.2.7 port 5 ssh2",
            at("syslog udp"),
        )
        .expect("sent");
    let mut stream = TcpStream::connect(at("syslog tcp")).expect("a connection");
    // By length, by line, and a last one that nothing ends. A line feed inside a message is part of it.
    stream.write_all(b"37 <34>1 - web su - - - line\n<1>1 forged\n<14>1 2026-05-01T12:00:00Z web app - - - by line\n<14>1 - web app - - - cut").expect("sent");
    drop(stream);
    let events = arrived(&server, "source:syslog", 4);
    let of = |text: &str| events.iter().find(|event| event.to_string().contains(text)).expect(text);
    assert_eq!(of("Accepted password")["actor"]["id"], "alice");
    assert_eq!(of("forged")["raw"], "<34>1 - web su - - - line\n<1>1 forged");
    assert_eq!(of("by line")["time"], "2026-05-01T12:00:00Z");
    assert!(of("cut").to_string().contains("received"));
    server.stop();
}

#[test]
fn two_equal_syslog_messages_are_two_events() {
    let (server, at) = syslog();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(at("syslog tcp")).expect("a connection");
        stream.write_all(b"<14>1 2026-05-01T12:00:00Z web app - - - again\n").expect("sent");
    }
    assert_eq!(arrived(&server, "source:syslog", 2).len(), 2);
}
