//! Syslog messages in a stream of bytes (RFC 6587): each with its length in front, or ended by a line
//! feed. Senders don't say which they use, and some mix; so each message is looked at by itself.

/// Most digits of a length.
const LENGTH_DIGITS_MAX: usize = 7;

/// Cuts a stream into messages. No byte is lost: what can't be framed comes as a message of its own.
#[derive(Debug)]
pub struct SyslogFrames {
    buffer: Vec<u8>,
    start: usize,
    message_bytes_max: usize,
}

enum Found {
    /// A message of this many bytes behind this many others, and what stands between it and the next.
    Message { skipped: usize, len: usize, behind: usize },
    /// More bytes are needed.
    Part,
}

impl SyslogFrames {
    /// Cuts messages of at most `message_bytes_max` bytes; a longer one comes in pieces.
    #[must_use]
    pub fn new(message_bytes_max: usize) -> SyslogFrames {
        SyslogFrames { buffer: Vec::new(), start: 0, message_bytes_max }
    }

    /// Takes bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message that is whole.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        self.skip_blank();
        match find(&self.buffer[self.start..], self.message_bytes_max) {
            Found::Part => None,
            Found::Message { skipped, len, behind } => {
                let from = self.start + skipped;
                self.start = from + len + behind;
                Some(self.buffer[from..from + len].to_vec())
            }
        }
    }

    /// What is left when the stream has ended: half a message, perhaps.
    #[must_use]
    pub fn rest(mut self) -> Option<Vec<u8>> {
        self.skip_blank();
        let rest = self.buffer.split_off(self.start);
        (!rest.is_empty()).then_some(rest)
    }

    fn skip_blank(&mut self) {
        let blank = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'\0');
        self.start += self.buffer[self.start..].iter().take_while(|byte| blank(byte)).count();
    }
}

fn find(bytes: &[u8], message_bytes_max: usize) -> Found {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=LENGTH_DIGITS_MAX).contains(&digits) && bytes[0] != b'0' {
        match (bytes.get(digits), bytes.get(digits + 1)) {
            (Some(b' '), Some(b'<')) => {
                let text = std::str::from_utf8(&bytes[..digits]).expect("digits");
                let len: usize = text.parse().expect("few digits");
                // A length that nobody may send is none: the bytes are taken as a line.
                if len <= message_bytes_max {
                    let skipped = digits + 1;
                    return if bytes.len() - skipped >= len {
                        Found::Message { skipped, len, behind: 0 }
                    } else {
                        Found::Part
                    };
                }
            }
            (None, _) | (Some(b' '), None) => return Found::Part,
            _ => {}
        }
    }
    let line = &bytes[..bytes.len().min(message_bytes_max)];
    match line.iter().position(|byte| matches!(byte, b'\n' | b'\0')) {
        Some(end) => {
            let len = if end > 0 && line[end - 1] == b'\r' { end - 1 } else { end };
            Found::Message { skipped: 0, len, behind: end + 1 - len }
        }
        None if line.len() == message_bytes_max => Found::Message { skipped: 0, len: line.len(), behind: 0 },
        None => Found::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All messages of a stream that arrives in pieces of `step` bytes.
    fn messages(stream: &[u8], step: usize, bytes_max: usize) -> Vec<String> {
        let mut frames = SyslogFrames::new(bytes_max);
        let mut messages = Vec::new();
        for piece in stream.chunks(step) {
            frames.push(piece);
            messages.extend(std::iter::from_fn(|| frames.next_message()));
        }
        messages.extend(frames.rest());
        messages.iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect()
    }

    #[track_caller]
    fn check(stream: &[u8], want: &[&str]) {
        for step in 1..=stream.len() {
            assert_eq!(messages(stream, step, 32), want, "in pieces of {step}");
        }
    }

    #[test]
    fn messages_are_found_by_length_or_line_whatever_the_pieces() {
        check(b"<1>a\n<2>b\r\n<3>c", &["<1>a", "<2>b", "<3>c"]);
        check(b"5 <1>ab7 <2>a\nbc<3>c\n", &["<1>ab", "<2>a\nbc", "<3>c"]);
        check(b"2024-05-01 is no length\n7 apples\n", &["2024-05-01 is no length", "7 apples"]);
    }

    #[test]
    fn a_wrong_length_loses_no_byte() {
        // Too small: the rest of the message is a line. Too large for anybody: all of it is one.
        check(b"3 <1>abc\n4 <2>d", &["<1>", "abc", "<2>d"]);
        check(b"9999999 <1>abc\n4 <2>d", &["9999999 <1>abc", "<2>d"]);
        // Too large: it takes the beginning of the next message with it, and the stream goes on.
        check(b"9 <1>abc4 <2>d\n4 <3>e", &["<1>abc4 <", "2>d", "<3>e"]);
        check(b"20 <1>cut", &["20 <1>cut"]);
    }

    #[test]
    fn a_message_that_is_too_long_comes_in_pieces() {
        let long = "x".repeat(40);
        check(format!("{long}\n<1>a\n").as_bytes(), &[&long[..32], &long[32..], "<1>a"]);
    }

    proptest::proptest! {
        #[test]
        fn what_goes_in_comes_out(stream in proptest::collection::vec(proptest::sample::select(b"<>19 a\n".to_vec()), 1..80), step in 1_usize..20) {
            let kept = |text: &str| text.bytes().filter(|byte| *byte == b'a').count();
            let out: usize = messages(&stream, step, 16).iter().map(|message| kept(message)).sum();
            assert_eq!(out, stream.iter().filter(|byte| **byte == b'a').count());
        }
    }
}
