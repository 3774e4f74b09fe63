//! CloudEvents over HTTP in binary mode: the attributes of the envelope in headers, the data in the
//! body (CloudEvents 1.0, "HTTP Protocol Binding", section 3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cairn_event::json::Object;
use cairn_event::{Invalid, Json};

/// What every header of the envelope begins with.
pub const PREFIX: &str = "ce-";

/// The same event in structured mode. `headers` are all headers of the request, names in lower case.
///
/// # Errors
/// A header whose percent-encoding is broken; data that says it is JSON and is not.
pub fn structured<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>, body: &[u8]) -> Result<Vec<u8>, Invalid> {
    let mut event = Object::new();
    let mut media = String::new();
    for (name, value) in headers {
        if let Some(attribute) = name.strip_prefix(PREFIX) {
            event.insert(attribute, percent_decoded(value).ok_or_else(|| broken(name))?);
        } else if name == "content-type" {
            media = String::from_utf8_lossy(value).into_owned();
        }
    }
    if !media.is_empty() {
        event.insert("datacontenttype", media.as_str());
    }
    let kind = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind.ends_with("/json") || kind.ends_with("+json");
    match std::str::from_utf8(body) {
        _ if body.is_empty() => {}
        _ if is_json => {
            let data = Json::parse(body)
                .map_err(|error| Invalid::new(error.to_string(), "JSON, as the content type says").under("data"))?;
            event.insert("data", data);
        }
        Ok(text) => drop(event.insert("data", text)),
        Err(_) => drop(event.insert("data_base64", STANDARD.encode(body))),
    }
    Ok(Json::Object(event).to_text().into_bytes())
}

fn broken(header: &str) -> Invalid {
    Invalid::new("text that can't be decoded", "percent-encoded UTF-8").under(header)
}

/// Undoes the percent-encoding of a header's value, and the quotes that some senders put around it.
fn percent_decoded(value: &[u8]) -> Option<String> {
    let value = value.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(value);
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        match (first, after.split_at_checked(2)) {
            (b'%', Some((digits, behind))) => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = behind;
            }
            (b'%', None) => return None,
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], body: &[u8], want: Result<&str, &str>) {
        let got = structured(headers.iter().map(|(name, value)| (*name, value.as_bytes())), body);
        let got = got.map(|event| String::from_utf8(event).expect("text")).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), want);
    }

    #[test]
    fn headers_and_body_become_one_envelope() {
        let ce = [("ce-id", "1"), ("ce-source", "/a%20b%E2%82%AC"), ("host", "h")];
        check(&ce, b"", Ok(r#"{"id":"1","source":"/a b€"}"#));
        let json = [("ce-id", "1"), ("content-type", "application/json; charset=utf-8")];
        check(
            &json,
            b"{\"n\":1.50}",
            Ok(r#"{"id":"1","datacontenttype":"application/json; charset=utf-8","data":{"n":1.50}}"#),
        );
        check(
            &[("ce-id", "1"), ("content-type", "text/plain")],
            b"hi",
            Ok(r#"{"id":"1","datacontenttype":"text/plain","data":"hi"}"#),
        );
        check(&[("ce-id", "1")], b"\xff\x00", Ok(r#"{"id":"1","data_base64":"/wA="}"#));
        check(&[("ce-id", "%4")], b"", Err("ce-id: got text that can't be decoded, want percent-encoded UTF-8"));
        let broken = structured([("content-type", b"application/json".as_slice())].into_iter(), b"{");
        assert!(broken.is_err_and(|error| error.to_string().starts_with("data: ")));
    }
}
