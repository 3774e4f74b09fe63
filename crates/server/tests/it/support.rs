//! A server of one test: its own data directory, its own port, and the secret of its first credential.

use cairn_api::v1::SubmitAnswer;
use cairn_api::{Client, Retry};
use cairn_server::{HttpConfig, Node, NodeConfig, Sockets};
use cairn_store::StoreConfig;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use ureq::Agent;
use ureq::http::HeaderMap;

pub(crate) struct Server {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) node: Node,
    pub(crate) url: String,
    /// The sockets beside HTTP: protocol and address.
    pub(crate) others: Vec<(&'static str, SocketAddr)>,
    pub(crate) token: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
    runtime: Runtime,
}

/// An answer as it came.
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut NodeConfig)) -> Server {
        let dir = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Server::on(dir, None, change)
    }

    /// On a data directory that may have been used before; `token` is then its first credential.
    pub(crate) fn on(dir: Arc<TempDir>, token: Option<String>, change: impl FnOnce(&mut NodeConfig)) -> Server {
        let mut config = NodeConfig::new(dir.path().join("data"));
        config.store = StoreConfig { disk_reserve_bytes: 0, ..StoreConfig::default() };
        config.http = HttpConfig { stop_wait_ms_max: 5000, ..HttpConfig::default() };
        change(&mut config);
        let sockets = Sockets::bind(&config).expect("free ports");
        let (node, started) = Node::open(config).expect("the node starts");
        let made = started.admin_token.map(|token| token.reveal().to_owned());
        assert_eq!(made.is_some(), started.is_new);
        Server::serve(dir, node, sockets, made.or(token).expect("a new directory, or its token from before"))
    }

    /// Serves a node that was started elsewhere.
    pub(crate) fn serve(dir: Arc<TempDir>, node: Node, sockets: Sockets, token: String) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let runtime = cairn_server::runtime().expect("threads");
        let (stop, stopped) = oneshot::channel();
        let others = sockets.addresses();
        let serving = runtime.spawn(cairn_server::serve(node.clone(), listener, sockets, async {
            let _ = stopped.await;
        }));
        Server { dir, node, url, others, token, stop, serving, runtime }
    }

    /// Stops as SIGTERM would, and starts again on the same directory.
    pub(crate) fn restart(self) -> Server {
        let (dir, token) = (self.dir.clone(), self.token.clone());
        self.stop();
        Server::on(dir, Some(token), |_| {})
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) fn stop(self) {
        let Server { stop, serving, runtime, .. } = self;
        stop.send(()).expect("it still serves");
        runtime.block_on(serving).expect("no panic").expect("a clean stop");
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(&self.token)
    }

    pub(crate) fn client_with(&self, token: &str) -> Client {
        let client = Client::new(&self.url, Some(token)).expect("a good address");
        client.with_retry(Retry { attempts_max: 1, wait_ms_max: 0 })
    }

    /// Makes a credential in the tenant of the first one.
    pub(crate) fn token(&self, id: &str, trail: &str, scopes: &[&str]) -> String {
        let request = cairn_api::v1::NewTokenRequest {
            id: id.to_owned(),
            trail: Some(trail.to_owned()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            webhook: None,
        };
        self.client().create_token(&request).expect("the admin may").token
    }

    pub(crate) fn get(&self, path: &str) -> Raw {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Raw {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in self.headers(headers) {
            request = request.header(name, value);
        }
        raw(request.call())
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Raw {
        let mut request = agent().post(format!("{}{path}", self.url));
        for (name, value) in self.headers(headers) {
            request = request.header(name, value);
        }
        raw(request.send(body))
    }

    /// Sends a body to `/v1/events` and expects it to be taken.
    #[track_caller]
    pub(crate) fn submit(&self, body: &[u8]) -> SubmitAnswer {
        let answer = self.post("/v1/events", &[], body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer: SubmitAnswer = serde_json::from_slice(&answer.body).expect("an answer");
        assert!(answer.adds_up(), "{answer:?}");
        answer
    }

    /// The given headers, and the credential unless one of them is one.
    fn headers<'a>(&'a self, given: &'a [(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
        let mut headers: Vec<_> = given.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        if !given.iter().any(|(name, _)| *name == "authorization") {
            headers.push(("authorization", format!("Bearer {}", self.token)));
        }
        headers.retain(|(name, value)| *name != "authorization" || !value.is_empty());
        headers
    }
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent()
}

fn raw(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Raw {
    let mut response = response.expect("an answer");
    let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().expect("a whole answer");
    Raw { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

/// An event that is like no other with another number.
pub(crate) fn event(number: u64) -> Value {
    json!({
        "time": "2026-05-01T12:00:00.000000001Z",
        "actor": {"id": "alice@example.org", "type": "user"},
        "action": "invoice.delete",
        "operation": "delete",
        "outcome": "success",
        "resource": {"type": "invoice", "id": format!("invoice-{number}")},
        "request_id": format!("req-{}", number / 3),
    })
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data")
}

/// One event per line.
pub(crate) fn lines(numbers: std::ops::Range<u64>) -> Vec<u8> {
    numbers.flat_map(|number| [bytes(&event(number)), b"\n".to_vec()].concat()).collect()
}

/// The same data directory as somebody sees it whose only credential is one for `trail`.
pub(crate) fn with_foreign_token(dir: &Arc<TempDir>, trail: &str, change: impl FnOnce(&mut NodeConfig)) -> Server {
    use cairn_access::{Entry, Principal, Scopes, Token, TokenTable};
    let disk = cairn_engines::LocalDisk::open(&dir.path().join("data")).expect("the data directory");
    let key = cairn_store::LogKey::open(&disk, &cairn_engines::SystemEntropy).expect("its key");
    let token = Token::from_secret([7; 32]);
    let principal =
        Principal { id: "other".parse().expect("a name"), trail: trail.parse().expect("a trail"), scopes: Scopes::ALL };
    let mut table = TokenTable::default();
    table.add(Entry::new(principal, &token, jiff::Timestamp::UNIX_EPOCH)).expect("the first");
    cairn_store::KeyFile::Tokens.write(&disk, &key, table.to_payload()).expect("written");
    Server::on(dir.clone(), Some(token.reveal().to_owned()), change)
}
