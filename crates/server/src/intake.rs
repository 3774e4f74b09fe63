//! Takes a body in: room first, then bytes, then decompression, each within its limit.

use crate::failure::Failure;
use crate::gate::Lease;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use cairn_api::ProblemCode;
use cairn_event::limits;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use std::io::{self, Read};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Room for a body whose length was not announced is made in steps of this size.
const STEP_BYTES: usize = 256 << 10;

/// Below this size no ratio is looked at: a short text of repeated words expands well and harms nobody.
const RATIO_FREE_BYTES: usize = 64 << 10;

/// The largest window a zstd body may ask for: 8 MiB, the most that RFC 9659 lets a sender use.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// What of a refused body is still read, so that the sender gets to hear why it was refused.
const DRAIN_BYTES_MAX: usize = 2 * limits::BATCH_BYTES_MAX;
const DRAIN_WAIT: Duration = Duration::from_secs(10);

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Encoding, Failure> {
        let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
        match value.as_bytes().to_ascii_lowercase().as_slice() {
            b"identity" | b"" => Ok(Encoding::Identity),
            b"gzip" | b"x-gzip" => Ok(Encoding::Gzip),
            b"zstd" => Ok(Encoding::Zstd),
            _ => Err(Failure::new(ProblemCode::MediaUnsupported, "the content encoding is not one that is read here")
                .field("Content-Encoding")
                .hint("send gzip, zstd, or no encoding")),
        }
    }
}

/// The length that the sender announced, refused before a byte is read if it is too large.
pub(crate) fn announced_bytes(headers: &HeaderMap) -> Result<Option<usize>, Failure> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length > limits::BATCH_BYTES_MAX => Err(too_large()),
        length => Ok(length),
    }
}

/// Reads the body as it was sent. The lease covers what was announced, and grows with what was not.
pub(crate) async fn read_body(
    body: &mut Body,
    announced: Option<usize>,
    lease: &mut Lease,
    wait: Duration,
) -> Result<Vec<u8>, Failure> {
    let deadline = Instant::now() + wait;
    let mut covered = announced.unwrap_or(0);
    let mut bytes = Vec::with_capacity(covered);
    loop {
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| {
            Failure::new(ProblemCode::BodyTimeout, format!("the body did not arrive in {} s", wait.as_secs()))
        })?;
        let Some(frame) = frame else { return Ok(bytes) };
        let frame =
            frame.map_err(|_| Failure::new(ProblemCode::BodyUnreadable, "the connection broke inside the body"))?;
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > limits::BATCH_BYTES_MAX {
            return Err(too_large());
        }
        while bytes.len() + piece.len() > covered {
            lease.grow(STEP_BYTES)?;
            covered += STEP_BYTES;
        }
        bytes.extend_from_slice(&piece);
    }
}

/// Reads and forgets the rest of a refused body. A sender that is still writing would otherwise see its
/// connection break and never the answer.
pub(crate) async fn drain(mut body: Body) {
    let deadline = Instant::now() + DRAIN_WAIT;
    let mut seen = 0;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > DRAIN_BYTES_MAX {
            return;
        }
    }
}

/// Undoes the compression, within the limits for the expanded size and for the ratio of both.
pub(crate) fn expand(sent: Vec<u8>, encoding: Encoding, lease: &mut Lease) -> Result<Vec<u8>, Failure> {
    match encoding {
        Encoding::Identity => Ok(sent),
        Encoding::Gzip => expand_from(MultiGzDecoder::new(sent.as_slice()), sent.len(), lease),
        Encoding::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(sent.as_slice()).and_then(|mut decoder| {
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Ok(decoder)
            });
            let decoder = decoder.map_err(|error| Failure::internal("zstd can't be set up", &error))?;
            expand_from(decoder, sent.len(), lease)
        }
    }
}

fn expand_from(mut decoder: impl Read, sent_bytes: usize, lease: &mut Lease) -> Result<Vec<u8>, Failure> {
    let ratio_max = (sent_bytes.saturating_mul(limits::EXPANSION_RATIO_MAX)).max(RATIO_FREE_BYTES);
    let mut expanded = Vec::new();
    loop {
        // Room first: what does not fit is never decompressed.
        lease.grow(STEP_BYTES)?;
        let before = expanded.len();
        let read = decoder.by_ref().take(STEP_BYTES as u64).read_to_end(&mut expanded);
        read.map_err(|error| corrupt(&error))?;
        if expanded.len() > ratio_max {
            let detail = format!("more than {} times larger than what was sent", limits::EXPANSION_RATIO_MAX);
            return Err(Failure::new(ProblemCode::ExpansionRatio, detail).hint("send it without compression"));
        }
        if expanded.len() > limits::BATCH_EXPANDED_BYTES_MAX {
            let detail = format!("more than {} bytes when decompressed", limits::BATCH_EXPANDED_BYTES_MAX);
            return Err(Failure::new(ProblemCode::BodyExpandedTooLarge, detail).hint("send it in several batches"));
        }
        if expanded.len() - before < STEP_BYTES {
            return Ok(expanded);
        }
    }
}

fn corrupt(error: &io::Error) -> Failure {
    Failure::new(ProblemCode::BodyCorrupt, format!("decompression stops: {error}")).field("Content-Encoding")
}

fn too_large() -> Failure {
    Failure::new(ProblemCode::BodyTooLarge, format!("more than {} bytes", limits::BATCH_BYTES_MAX))
        .hint("send it in several batches, or compressed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HttpConfig;
    use crate::gate::Gate;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    #[track_caller]
    fn check(sent: Vec<u8>, encoding: Encoding, expected: Result<&[u8], &str>) {
        let gate = Gate::new(&HttpConfig::default());
        let mut lease = gate.ingest(sent.len()).expect("room");
        let expanded = expand(sent, encoding, &mut lease);
        match (expanded, expected) {
            (Ok(expanded), Ok(expected)) => assert!(expanded == expected),
            (Err(failure), Err(code)) => assert_eq!(failure.problem.code, code),
            (got, _) => panic!("{:?}", got.map(|bytes| bytes.len())),
        }
        let steps_max = (limits::BATCH_EXPANDED_BYTES_MAX + limits::BATCH_BYTES_MAX + 2 * STEP_BYTES) / STEP_BYTES;
        assert!(gate.ingest_bytes() <= steps_max * STEP_BYTES);
    }

    #[test]
    fn each_encoding_is_undone_also_in_several_members() {
        let text = b"{\"a\":1}\n".repeat(100);
        check(text.clone(), Encoding::Identity, Ok(&text));
        check(gzip(&text), Encoding::Gzip, Ok(&text));
        check([gzip(&text), gzip(&text)].concat(), Encoding::Gzip, Ok(&text.repeat(2)));
        let zstd = zstd::encode_all(text.as_slice(), 3).expect("in memory");
        check(zstd.clone(), Encoding::Zstd, Ok(&text));
        check(zstd.repeat(2), Encoding::Zstd, Ok(&text.repeat(2)));
    }

    #[test]
    fn a_cut_or_foreign_body_is_named_damaged() {
        let whole = gzip(&b"0123456789".repeat(1000));
        check(whole[..whole.len() - 5].to_vec(), Encoding::Gzip, Err("body_corrupt"));
        check(b"plain".to_vec(), Encoding::Gzip, Err("body_corrupt"));
        check(b"plain".to_vec(), Encoding::Zstd, Err("body_corrupt"));
    }

    #[test]
    fn a_bomb_is_refused_by_its_ratio_and_a_dense_one_by_its_size() {
        let zeros = vec![0_u8; limits::BATCH_EXPANDED_BYTES_MAX + 1];
        check(gzip(&zeros), Encoding::Gzip, Err("expansion_ratio"));
        let mut noise = 1_u64;
        let dense: Vec<u8> = zeros
            .iter()
            .enumerate()
            .map(|(at, _)| {
                // Repeats enough to shrink below the limit for what is sent, not a hundredfold.
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(at % 16 == 0));
                if at % 16 == 0 { (noise >> 56) as u8 } else { 0 }
            })
            .collect();
        let sent = zstd::encode_all(dense.as_slice(), 1).expect("in memory");
        assert!(sent.len() < limits::BATCH_BYTES_MAX && sent.len() * limits::EXPANSION_RATIO_MAX > dense.len());
        check(sent, Encoding::Zstd, Err("body_expanded_too_large"));
    }

    #[test]
    fn a_window_larger_than_the_web_allows_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("in memory");
        encoder.window_log(27).expect("a valid window");
        encoder.long_distance_matching(true).expect("valid");
        encoder.write_all(&vec![7_u8; 20 << 20]).expect("in memory");
        let sent = encoder.finish().expect("in memory");
        check(sent, Encoding::Zstd, Err("body_corrupt"));
    }
}
