//! Who gets in, and how far.

use crate::support::{Server, bytes, event, lines};
use cairn_api::v1::NewTokenRequest;
use cairn_api::{Access, ExitCode, Method, ROUTES, SearchRequest};
use cairn_server::NodeConfig;
use serde_json::json;

/// A path that the route matches.
fn example(path: &str) -> String {
    path.replace("{kind}", "native")
        .replace("{name}", "x")
        .replace("{event}", "default%2Fmain%400")
        .replace("{tenant}", "default")
        .replace("{trail}", "main")
        .replace("{*tile}", "0/000.p/1")
}

#[test]
fn every_listed_route_exists_and_no_other_runs_without_a_principal() {
    let server = Server::start();
    server.submit(&lines(0..1));
    for route in ROUTES {
        let path = example(route.path);
        let ask = |authorization: &str| match route.method {
            Method::Get if route.path == "/v1/tail" => {
                server.get_with(&format!("{path}?last=0"), &[("authorization", authorization)])
            }
            Method::Get => server.get_with(&path, &[("authorization", authorization)]),
            Method::Post => server.post(&path, &[("authorization", authorization)], b"{}"),
        };
        let open = route.access == Access::Open;
        for authorization in ["", "Bearer x", "Basic YTpi", &format!("Bearer cairn_{}", "0".repeat(64))] {
            let answer = ask(authorization);
            assert_eq!(answer.status == 401, !open, "{} with {authorization:?}: {}", route.path, answer.text());
            if !open {
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            }
        }
    }
}

#[test]
fn a_credential_can_do_what_its_scopes_say_and_nothing_else() {
    let server = Server::start();
    server.submit(&lines(0..1));
    for scope in ["ingest", "read", "admin"] {
        let token = server.token(&format!("only-{scope}"), "main", &[scope]);
        for route in ROUTES {
            // A stream that is let in does not end.
            if route.path == "/v1/tail" {
                continue;
            }
            let needs = match route.access {
                Access::Ingest => "ingest",
                Access::Read => "read",
                Access::Admin => "admin",
                Access::Open | Access::OpenIfConfigured | Access::Credential => continue,
            };
            let headers = [("authorization", format!("Bearer {token}"))];
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = match route.method {
                Method::Get => server.get_with(&example(route.path), &headers),
                Method::Post => server.post(&example(route.path), &headers, b"{}"),
            };
            assert_eq!(answer.status == 403, scope != needs, "{scope} at {}: {}", route.path, answer.text());
        }
    }
    let reader = server.client_with(&server.token("r2", "main", &["read"]));
    let error = reader.submit(&bytes(&event(1)), &Default::default()).expect_err("not its scope");
    assert_eq!(error.exit_code(), ExitCode::NotPermitted);
}

#[test]
fn events_go_to_the_trail_of_the_credential_and_name_it_as_their_producer() {
    let server = Server::start();
    let web = server.client_with(&server.token("web", "app", &["ingest"]));
    let answer = web.submit(&bytes(&event(1)), &Default::default()).expect("its scope");
    assert_eq!(answer.results[0].position.as_deref(), Some("default/app@0"));
    let stored = server.client().event("default/app@0").expect("same tenant").event().expect("an event");
    assert_eq!(stored.pointer("/producer/principal").and_then(|name| name.as_str()), Some("web"));
}

#[test]
fn nothing_of_another_tenant_is_reachable_or_even_there() {
    let server = Server::start();
    server.submit(&lines(0..3));
    let id = server.client().event("default/main@1").expect("own").event().expect("an event");
    let id = id.pointer("/id").and_then(|id| id.as_str()).expect("an id").to_owned();
    let dir = server.dir.clone();
    server.stop();
    // The same data directory as another tenant sees it: its table of credentials holds that tenant's only.
    let strange = |config: &mut NodeConfig| config.first_trail = "other/main".parse().expect("a trail");
    let other = crate::support::with_foreign_token(&dir, "other/main", strange);
    let client = other.client();
    assert!(client.trails().expect("its own").trails.is_empty());
    assert_eq!(client.search(&SearchRequest::default()).expect("allowed").total.count, 0);
    assert_eq!(
        client
            .search(&SearchRequest { q: "tenant:default".into(), ..Default::default() })
            .expect("allowed")
            .total
            .count,
        0
    );
    for path in [
        "/v1/events/default%2Fmain%401".to_owned(),
        "/v1/events/default%2Fmain%401/proof".to_owned(),
        format!("/v1/events/{id}"),
        "/t/default/main/checkpoint".to_owned(),
        "/t/default/main/tile/0/000.p/1".to_owned(),
        "/t/default/main/tile/entries/000.p/1".to_owned(),
        "/v1/tail?trail=default/main".to_owned(),
    ] {
        let answer = other.get(&path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    let resumed = other.get_with("/v1/tail", &[("last-event-id", "default/main@0")]);
    assert_eq!(resumed.status, 400, "{}", resumed.text());
    let sealed = other.post("/v1/seal", &[], &bytes(&json!({"trail": "default/main"})));
    assert_eq!(sealed.status, 404);
    let token = other.post("/v1/tokens", &[], &bytes(&json!({"id": "x", "trail": "default/main", "scopes": ["read"]})));
    assert_eq!(token.status, 404);
    assert!(!other.get("/metrics").text().contains("default/main"));
}

#[test]
fn a_new_credential_works_at_once_and_after_a_restart_and_is_shown_once() {
    let server = Server::start();
    let token = server.token("web", "app", &["ingest", "read"]);
    let tokens = server.get("/v1/tokens").text();
    assert!(tokens.contains("\"web\"") && !tokens.contains(&token));
    let taken = server.post("/v1/tokens", &[], &bytes(&json!({"id": "web", "scopes": ["read"]})));
    assert_eq!(taken.status, 400);
    let server = server.restart();
    server.client_with(&token).trails().expect("it is known");
    let on_disk = std::fs::read_to_string(server.dir.path().join("data/keys/tokens.json")).expect("the file");
    assert!(!on_disk.contains(&token));
}

/// HMAC-SHA256 in hexadecimal, written out (RFC 2104): what a sender of webhooks computes.
fn signature(secret: &str, body: &[u8]) -> String {
    let block = |pad: u8| {
        let mut block = [pad; 64];
        let hashed = cairn_ledger::sha256(secret.as_bytes());
        let key = if secret.len() > 64 { hashed.as_bytes().as_slice() } else { secret.as_bytes() };
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block.to_vec()
    };
    let inner = cairn_ledger::sha256(&[block(0x36), body.to_vec()].concat());
    cairn_ledger::sha256(&[block(0x5c), inner.as_bytes().to_vec()].concat()).to_hex()
}

#[test]
fn a_webhook_needs_no_token_but_the_proof_of_its_secret() {
    let server = Server::start();
    let request = NewTokenRequest {
        id: "hook".to_owned(),
        trail: Some("code".to_owned()),
        scopes: vec!["ingest".to_owned()],
        webhook: Some("github/our-org".to_owned()),
    };
    let new = server.client().create_token(&request).expect("the admin may");
    assert_eq!(new.view.webhook.as_deref(), Some("github/our-org"));
    let body =
        br#"{"action":"deleted","repository":{"full_name":"our-org/app","id":7},"sender":{"login":"zoe","id":1}}"#;
    let path = "/v1/sources/github/our-org";
    let signed = format!("sha256={}", signature(&new.token, body));
    let headers = |proof: &'static str, value: &str| {
        [
            ("authorization", String::new()),
            ("x-github-event", "repository".into()),
            ("x-github-delivery", "d-1".into()),
            (proof, value.to_owned()),
        ]
    };
    let post = |path: &str, proof: &'static str, value: &str, body: &[u8]| {
        let headers = headers(proof, value);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        server.post(path, &headers, body)
    };
    for (at, wrong) in [(path, "sha256=00"), (path, ""), ("/v1/sources/github/other", signed.as_str())] {
        assert_eq!(post(at, "x-hub-signature-256", wrong, body).status, 401, "{at} {wrong}");
    }
    assert_eq!(post(path, "x-hub-signature-256", &signed, b"{}").status, 401);
    assert_eq!(post(path, "x-gitlab-token", "cairn_00", body).status, 401);
    let taken = post(path, "x-hub-signature-256", &signed, body);
    assert_eq!((taken.status, &taken.json()["stored"]), (200, &1.into()), "{}", taken.text());
    // The same delivery again, as GitHub may send it.
    assert_eq!(post(path, "x-hub-signature-256", &signed, body).json()["duplicate"], 1);
    let found = server.get("/v1/search?q=source:github").json();
    assert_eq!(found["hits"][0]["event"]["producer"]["principal"], "hook");
    assert!(found["hits"][0]["position"].as_str().is_some_and(|position| position.starts_with("default/code@")));
    // After a restart the secret is still the one that was given.
    let server = server.restart();
    let again = server.post(
        path,
        &[("authorization", ""), ("x-gitlab-token", &new.token), ("x-github-event", "repository")],
        body,
    );
    assert_eq!(again.status, 200, "{}", again.text());
    let second = NewTokenRequest { id: "hook-two".to_owned(), ..request };
    assert!(server.client().create_token(&second).is_err_and(|error| error.to_string().contains("webhook")));
}
