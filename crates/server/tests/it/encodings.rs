//! Compressed bodies, and those that are bombs.

use crate::support::{Server, lines};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[track_caller]
fn check(encoding: &str, body: &[u8], expected: (u16, &str)) {
    let server = Server::start();
    let answer = server.post("/v1/events", &[("content-encoding", encoding)], body);
    assert_eq!(answer.status, expected.0, "{}", answer.text());
    let said = answer.json();
    let word = said["code"].as_str().map_or_else(|| said["stored"].to_string(), str::to_owned);
    assert_eq!(word, expected.1, "{said}");
}

#[test]
fn gzip_and_zstd_bodies_are_read() {
    let body = lines(0..200);
    check("gzip", &gzip(&body), (200, "200"));
    check("x-gzip", &gzip(&body), (200, "200"));
    check("ZSTD", &zstd::encode_all(body.as_slice(), 3).expect("in memory"), (200, "200"));
    check("identity", &body, (200, "200"));
}

#[test]
fn a_bomb_is_refused_by_its_ratio() {
    let zeros = vec![b' '; 64 << 20];
    check("gzip", &gzip(&zeros), (413, "expansion_ratio"));
    check("zstd", &zstd::encode_all(zeros.as_slice(), 3).expect("in memory"), (413, "expansion_ratio"));
}

#[test]
fn a_damaged_body_is_refused_and_nothing_of_it_is_stored() {
    let body = gzip(&lines(0..200));
    check("gzip", &body[..body.len() / 2], (400, "body_corrupt"));
    check("zstd", &body, (400, "body_corrupt"));
}
