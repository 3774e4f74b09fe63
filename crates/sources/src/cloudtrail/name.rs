//! Takes the name of an API call apart: `CreateAccessKey` is `access_key` and `create`.

use crate::field;

/// An event name in the words of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallName {
    /// What is acted on, in lower-case words: `["access", "key"]`; may be empty (`Decrypt`).
    pub(super) noun: Vec<String>,
    /// What is done: `create`, `batch_get`.
    pub(super) verb: String,
    /// The operation of the contract.
    pub(super) operation: &'static str,
}

/// Verbs by operation. The first word of a call decides, or the last where the name ends in its verb
/// (`ConsoleLogin`, `SharedSnapshotVolumeCreated`).
const VERBS: &[(&str, &str)] = &[
    (
        "read",
        "check count describe detect discover estimate filter get head list lookup poll \
         preview query read receive resolve scan search select simulate test validate verify \
         view",
    ),
    (
        "create",
        "add allocate build clone copy create generate import initiate issue launch provision \
         publish purchase register request restore run upload",
    ),
    (
        "update",
        "accept activate apply assign associate attach cancel change complete configure \
         confirm deactivate decrease detach disable disassociate edit enable end failover \
         increase leave lock merge modify move pause promote put reboot rebuild reject rename \
         replace reset resize restart resume rotate schedule set share start stop suspend \
         swap switch tag transfer unassign unlock unshare untag update upgrade",
    ),
    ("delete", "close delete deregister destroy drop purge release remove retire terminate withdraw"),
    ("grant", "allow authorize grant"),
    ("revoke", "deny revoke"),
    ("login", "assume authenticate federate login signin"),
    ("logout", "logout signout"),
    ("deploy", "deploy rollback"),
    ("approve", "approve"),
    ("export", "download export"),
    ("execute", "call converse decrypt encrypt execute invoke reencrypt send sign submit"),
];

/// Calls whose operation is not that of their verb: who may do what is a grant however it is spelled,
/// objects are created although they are "put", and a command is run although a session is "started".
const CALLS: &[(&str, &str)] = &[
    (
        "grant",
        "AddPermission AddLayerVersionPermission AddRoleToInstanceProfile AddUserToGroup \
         AttachGroupPolicy AttachPolicy AttachRolePolicy AttachUserPolicy \
         CreateAccountAssignment CreateGrant CreatePolicyVersion PutBucketAcl PutBucketPolicy \
         PutGroupPolicy PutKeyPolicy PutObjectAcl PutResourcePolicy PutRolePolicy \
         PutUserPolicy SetDefaultPolicyVersion SetRepositoryPolicy UpdateAssumeRolePolicy",
    ),
    (
        "revoke",
        "DeleteAccountAssignment DetachGroupPolicy DetachPolicy DetachRolePolicy \
         DetachUserPolicy RemoveLayerVersionPermission RemovePermission \
         RemoveRoleFromInstanceProfile RemoveUserFromGroup RetireGrant",
    ),
    ("create", "PutEvents PutImage PutItem PutLogEvents PutMetricData PutObject PutRecord PutRecords"),
    (
        "execute",
        "GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext \
         GenerateDataKeyWithoutPlaintext GenerateMac StartAutomationExecution StartExecution \
         StartSession StartSyncExecution VerifyMac",
    ),
    ("delete", "EndSecretVersionDelete ScheduleKeyDeletion StartSecretVersionDelete"),
    ("deploy", "CreateDeployment ExecuteChangeSet"),
    ("export", "CreateInstanceExportTask StartExportTask"),
    ("login", "CreateToken GetFederationToken GetSessionToken GetSigninToken"),
    ("login", "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity"),
];

/// First words that say how, not what: the verb is the word behind them.
const MANNERS: &[&str] = &["admin", "batch", "bulk"];

impl CallName {
    /// Reads the name of an API call or a service event. `read_only` is what the record itself says;
    /// it decides where the verb is not one we know.
    pub(super) fn of(event_name: &str, read_only: Option<bool>) -> CallName {
        let mut words = words(without_version(event_name));
        let of_unknown = if read_only == Some(true) { "read" } else { "other" };
        let manner_len = usize::from(words.len() > 1 && MANNERS.contains(&words[0].as_str()));

        let (verb, operation) = if let Some(operation) = words.get(manner_len).and_then(|word| operation_of(word)) {
            (words.drain(..=manner_len).collect::<Vec<_>>().join("_"), operation)
        } else if let Some((verb, operation)) = words.last().and_then(|word| ending_verb(word)) {
            words.pop();
            (verb, operation)
        } else if words.is_empty() {
            ("call".to_owned(), of_unknown)
        } else {
            (words.remove(0), of_unknown)
        };
        let named = CALLS.iter().find(|(_, calls)| calls.split(' ').any(|known| known == event_name));
        CallName { noun: words, verb, operation: named.map_or(operation, |(operation, _)| operation) }
    }

    /// `iam.access_key.create`: the service, what is acted on, what is done.
    pub(super) fn action(&self, service: &str) -> String {
        field::action([service, &self.noun.join("_"), &self.verb])
    }
}

fn operation_of(verb: &str) -> Option<&'static str> {
    VERBS.iter().find(|(_, verbs)| verbs.split(' ').any(|known| known == verb)).map(|(operation, _)| *operation)
}

/// A verb at the end of a name, in its base form: `login`, `created`, `started`.
fn ending_verb(word: &str) -> Option<(String, &'static str)> {
    let bases = [Some(word), word.strip_suffix('d'), word.strip_suffix("ed")];
    let base = bases.into_iter().flatten().find(|base| operation_of(base).is_some())?;
    Some((base.to_owned(), operation_of(base)?))
}

/// Some services write the date of their API into the name: `ListFunctions20150331`,
/// `UpdateFunctionCode20150331v2`, `GetDistribution2020_05_31`.
fn without_version(name: &str) -> &str {
    let is_digit = |c: char| c.is_ascii_digit();
    let bare = match name.trim_end_matches(is_digit).strip_suffix('v') {
        Some(dated) if dated.ends_with(is_digit) && name.ends_with(is_digit) => dated,
        _ => name,
    };
    let stem = bare.trim_end_matches(|c: char| is_digit(c) || c == '_');
    let date = &bare[stem.len()..];
    let is_date = date.starts_with("20") && date.chars().filter(|c| is_digit(*c)).count() == 8;
    if is_date && !stem.is_empty() { stem } else { name }
}

/// The words of a name in camel case, in lower case: `ListMFADevices` is `list`, `mfa`, `devices`.
pub(super) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let begins = !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && begins_word(before, &chars[at + 1..]));
        if begins && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether an upper-case letter begins a word: after a lower-case letter or digit it does; inside a
/// run of capitals only the last one does, before a lower-case letter (`DB|Instance`), unless that is
/// the `s` of a plural (`ACLs`).
fn begins_word(before: Option<char>, after: &[char]) -> bool {
    let Some(before) = before else { return true };
    if !before.is_ascii_uppercase() {
        return true;
    }
    let is_lower = |at: usize| after.get(at).is_some_and(char::is_ascii_lowercase);
    is_lower(0) && (after[0] != 's' || is_lower(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_becomes_a_dotted_action_with_the_verb_last() {
        let cases = [
            ("iam", "CreateAccessKey", "iam.access_key.create", "create"),
            ("ec2", "DescribeInstances", "ec2.instances.describe", "read"),
            ("signin", "ConsoleLogin", "signin.console.login", "login"),
            ("signin", "PasswordUpdated", "signin.password.update", "update"),
            ("rds", "DescribeDBInstances", "rds.db_instances.describe", "read"),
            ("iam", "ListMFADevices", "iam.mfa_devices.list", "read"),
            ("ec2", "DescribeNetworkACLs", "ec2.network_acls.describe", "read"),
            ("lambda", "UpdateFunctionCode20150331v2", "lambda.function_code.update", "update"),
            ("lambda", "ListFunctions20150331", "lambda.functions.list", "read"),
            ("cloudfront", "GetDistribution2020_05_31", "cloudfront.distribution.get", "read"),
            ("secretsmanager", "BatchGetSecretValue", "secretsmanager.secret_value.batch_get", "read"),
            ("cognito-idp", "AdminDisableUser", "cognito-idp.user.admin_disable", "update"),
            ("kms", "Decrypt", "kms.decrypt", "execute"),
            ("kms", "ScheduleKeyDeletion", "kms.key_deletion.schedule", "delete"),
            ("ec2", "SharedSnapshotVolumeCreated", "ec2.shared_snapshot_volume.create", "create"),
            ("sts", "AssumeRole", "sts.role.assume", "login"),
            ("iam", "AttachRolePolicy", "iam.role_policy.attach", "grant"),
            ("iam", "DeleteRolePolicy", "iam.role_policy.delete", "delete"),
            ("ec2", "AuthorizeSecurityGroupIngress", "ec2.security_group_ingress.authorize", "grant"),
            ("s3", "PutObject", "s3.object.put", "create"),
            ("ssm", "StartSession", "ssm.session.start", "execute"),
            ("ec2", "RunInstances", "ec2.instances.run", "create"),
            ("sso", "Authenticate", "sso.authenticate", "login"),
            ("x", "", "x.call", "other"),
            ("x", "Foo", "x.foo", "other"),
        ];
        for (service, event_name, action, operation) in cases {
            let name = CallName::of(event_name, None);
            assert_eq!((name.action(service).as_str(), name.operation), (action, operation), "{event_name}");
        }
        assert_eq!(CallName::of("FrobnicateThing", Some(true)).operation, "read");
    }

    #[test]
    fn no_verb_stands_for_two_operations() {
        let mut all: Vec<&str> = VERBS.iter().flat_map(|(_, verbs)| verbs.split(' ')).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
