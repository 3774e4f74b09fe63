//! What a Kubernetes request does, in the words of the contract.

/// The parts of a request that decide its operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) verb: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    /// The HTTP status of the answer, if there was one.
    pub(super) code: Option<i64>,
}

/// Subresources through which a request acts inside a running object, whatever its verb: connecting
/// is a `create` to some clients and a `get` to others.
const EXECUTE: &[&str] = &["exec", "attach", "portforward", "proxy"];

/// Resources that only ask a question, although they are created.
const REVIEWS: &[&str] = &[
    "tokenreviews",
    "subjectaccessreviews",
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "localsubjectaccessreviews",
    "selfsubjectreviews",
];

/// The operation of a request. The table in README.md says the same in words.
pub(super) fn operation(request: Request<'_>) -> &'static str {
    if EXECUTE.contains(&request.subresource) {
        return "execute";
    }
    let is_binding = matches!(request.resource, "rolebindings" | "clusterrolebindings");
    let is_approval = request.resource == "certificatesigningrequests" && request.subresource == "approval";
    match request.verb {
        "get" | "list" | "watch" | "head" | "options" => "read",
        "create" if REVIEWS.contains(&request.resource) => "read",
        "create" if request.subresource == "eviction" => "delete",
        "create" | "update" | "patch" if is_binding => "grant",
        "update" | "patch" if is_approval => "approve",
        // A server-side apply that makes the object is a PATCH answered with 201.
        "update" | "patch" if request.code == Some(201) => "create",
        "create" => "create",
        "update" | "patch" => "update",
        "delete" | "deletecollection" if is_binding => "revoke",
        "delete" | "deletecollection" => "delete",
        "bind" | "escalate" | "impersonate" => "grant",
        "connect" | "proxy" => "execute",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_is_what_the_request_does_not_what_it_is_called() {
        let cases = [
            ("get", "pods", "", 200, "read"),
            ("watch", "endpointslices", "", 200, "read"),
            ("create", "pods", "", 201, "create"),
            ("create", "pods", "exec", 101, "execute"),
            ("get", "pods", "exec", 101, "execute"),
            ("get", "pods", "log", 200, "read"),
            ("create", "pods", "eviction", 201, "delete"),
            ("patch", "deployments", "", 201, "create"),
            ("patch", "deployments", "", 200, "update"),
            ("deletecollection", "pods", "", 200, "delete"),
            ("create", "clusterrolebindings", "", 201, "grant"),
            ("delete", "rolebindings", "", 200, "revoke"),
            ("update", "certificatesigningrequests", "approval", 200, "approve"),
            ("create", "selfsubjectaccessreviews", "", 201, "read"),
            ("impersonate", "users", "", 200, "grant"),
            ("propfind", "", "", 403, "other"),
        ];
        for (verb, resource, subresource, code, want) in cases {
            let request = Request { verb, resource, subresource, code: Some(code) };
            assert_eq!(operation(request), want, "{request:?}");
        }
    }
}
