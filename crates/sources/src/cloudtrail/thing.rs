//! One thing that AWS has a name for: what an ARN or a plain id says about it.

use cairn_event::json::Object;
use cairn_event::limits;

use crate::field::{action_word, put_text};

/// The kind of an account itself.
pub(super) const ACCOUNT: &str = "aws.account";

/// Something that a call acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    /// `aws.service.noun`.
    pub(super) kind: String,
    /// The plain id or name.
    pub(super) id: String,
    /// What it is part of.
    pub(super) parent: Option<String>,
    /// The account that its ARN names.
    pub(super) account: Option<String>,
}

impl Thing {
    /// A thing from an ARN, or from a plain id whose kind the caller knows.
    pub(super) fn of(id: &str, kind: impl FnOnce() -> String) -> Thing {
        Thing::of_arn(id).unwrap_or_else(|| Thing::plain(kind(), id))
    }

    /// A thing of which only the kind and the id are known.
    pub(super) fn plain(kind: impl Into<String>, id: &str) -> Thing {
        Thing { kind: kind.into(), id: id.to_owned(), parent: None, account: None }
    }

    /// Reads `arn:partition:service:region:account:resource` (AWS General Reference, "ARN format"),
    /// the resource being `type/id`, `type:id` or a bare id. The id is reduced to what requests call
    /// the same thing, so that a thing has one id wherever it was found.
    pub(super) fn of_arn(arn: &str) -> Option<Thing> {
        let mut parts = arn.splitn(6, ':');
        if parts.next() != Some("arn") {
            return None;
        }
        let (service, account, rest) = (parts.nth(1)?, parts.nth(1)?, parts.next()?);
        let account = Some(account.to_owned()).filter(|account| !account.is_empty());
        if service == "s3" {
            return Some(match rest.split_once('/') {
                Some((bucket, key)) if !key.is_empty() => Thing::s3_object(bucket, key),
                Some((bucket, _)) => Thing { account, ..Thing::plain("aws.s3.bucket", bucket) },
                None => Thing { account, ..Thing::plain("aws.s3.bucket", rest) },
            });
        }
        let (noun, id) = match rest.split_once([':', '/']) {
            Some((noun, id)) if !id.is_empty() => (noun, id),
            _ => (bare_noun(service), rest),
        };
        let kind = match (service, noun) {
            ("sts", "assumed-role") => "aws.iam.role".to_owned(),
            ("iam" | "sts", "root") => ACCOUNT.to_owned(),
            _ => format!("aws.{}.{}", action_word(service), action_word(noun).replace('-', "_")),
        };
        let id = if kind == ACCOUNT { account.clone().unwrap_or_default() } else { plain_id(service, noun, id) };
        Some(Thing { account, ..Thing::plain(kind, &id) })
    }

    /// An object of a bucket. A key alone may be as long as an identifier; then the bucket is in
    /// `parent` only.
    pub(super) fn s3_object(bucket: &str, key: &str) -> Thing {
        let whole = format!("{bucket}/{key}");
        let id = if whole.len() <= limits::ID_BYTES_MAX { whole.as_str() } else { key };
        Thing { parent: Some(bucket.to_owned()), ..Thing::plain("aws.s3.object", id) }
    }

    /// Whether the draft can hold it.
    pub(super) fn fits(&self) -> bool {
        let is_id = |text: &str| (1..=limits::ID_BYTES_MAX).contains(&text.len());
        is_id(&self.id) && is_id(&self.kind)
    }

    /// As a resource of a draft; `account` is where the call was made.
    pub(super) fn into_resource(self, account: Option<&str>) -> Object {
        let mut resource = Object::new();
        let account = self.account.as_deref().or(account).filter(|_| self.kind != ACCOUNT);
        put_text(&mut resource, "namespace", account, limits::ID_BYTES_MAX);
        put_text(&mut resource, "parent", self.parent.as_deref(), limits::ID_BYTES_MAX);
        if self.parent.is_some() {
            let name = self.id.rsplit('/').next().filter(|name| !name.is_empty());
            put_text(&mut resource, "name", name, limits::ID_BYTES_MAX);
        }
        resource.insert("type", self.kind);
        resource.insert("id", self.id);
        resource
    }
}

/// What a service's ARNs without a type name.
fn bare_noun(service: &str) -> &'static str {
    match service {
        "sns" => "topic",
        "sqs" => "queue",
        "iam" => "root",
        _ => "resource",
    }
}

fn plain_id(service: &str, noun: &str, id: &str) -> String {
    let plain = match (service, noun) {
        // A secret's ARN ends in six random characters that its name does not have.
        ("secretsmanager", "secret") => {
            id.rsplit_once('-').filter(|(_, tail)| tail.len() == 6).map_or(id, |(name, _)| name)
        }
        // The name of a parameter in a hierarchy begins with the slash that its ARN swallowed.
        ("ssm", "parameter") if id.contains('/') => return format!("/{id}"),
        ("logs", "log-group") => id.strip_suffix(":*").unwrap_or(id),
        ("iam", "role" | "user" | "group" | "policy" | "instance-profile") => id.rsplit('/').next().unwrap_or(id),
        ("sts", "assumed-role") => id.split('/').next().unwrap_or(id),
        _ => id,
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_and_a_plain_name_are_the_same_thing() {
        let cases = [
            ("arn:aws:iam::1:role/aws-service-role/x/Web", "aws.iam.role", "Web"),
            ("arn:aws:iam::1:root", "aws.account", "1"),
            ("arn:aws:sts::1:assumed-role/Web/i-1", "aws.iam.role", "Web"),
            ("arn:aws:s3:::ledger", "aws.s3.bucket", "ledger"),
            ("arn:aws:s3:::ledger/", "aws.s3.bucket", "ledger"),
            ("arn:aws:s3:::ledger/a/b", "aws.s3.object", "ledger/a/b"),
            ("arn:aws:secretsmanager:r:1:secret:db-pass-AbCdEf", "aws.secretsmanager.secret", "db-pass"),
            ("arn:aws:ssm:r:1:parameter/a/b", "aws.ssm.parameter", "/a/b"),
            ("arn:aws:ssm:r:1:parameter/plain", "aws.ssm.parameter", "plain"),
            ("arn:aws:logs:r:1:log-group:/vpc:*", "aws.logs.log_group", "/vpc"),
            ("arn:aws-cn:kms:r:1:key/0-1", "aws.kms.key", "0-1"),
            ("arn:aws:sns:r:1:alerts", "aws.sns.topic", "alerts"),
            ("arn:aws:lambda:r:1:function:f", "aws.lambda.function", "f"),
        ];
        for (arn, kind, id) in cases {
            let thing = Thing::of_arn(arn).expect(arn);
            assert_eq!((thing.kind.as_str(), thing.id.as_str()), (kind, id), "{arn}");
        }
        assert_eq!(Thing::of_arn("web"), None);
        assert_eq!(Thing::of_arn("arn:aws:iam"), None);
    }
}
