"""Lets real services send to a running Cairn, and checks what arrives: rsyslog, the exporters of
OpenTelemetry, the SDK of CloudEvents, PostgreSQL with pgaudit, OpenBao.

    python sources.py --cairn BINARY [--only NAME]

Exits with 0 and one line "sources: ... ok" for each check that holds, else with 1 and one line "BAD ..." at
the first that does not.
"""

import argparse
import contextlib
import datetime
import http.client
import itertools
import json
import logging
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import grpc
from cloudevents.core.bindings import http as cloudevents_http
from cloudevents.core.v1.event import CloudEvent
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

WAIT_MAX = 60.0
LOCAL = "127.0.0.1"
UTC = datetime.timezone.utc
# Debian keeps the programs of each version of PostgreSQL off the path.
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
BURST = 2000
# Settings of whoever runs this must not reach the services, and times without a zone are UTC everywhere.
FOREIGN = ("CAIRN_", "PG", "BAO_", "VAULT_")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | {"TZ": "UTC"}


class Bad(Exception):
    """Something does not hold; the text says what."""


def held(what):
    print(f"sources: {what}: ok", flush=True)


def expect(got, want, what):
    if got != want:
        raise Bad(f"{what}: got {got!r}, want {want!r}")


def wait_for(what, ask):
    """Asks until the answer is true."""
    deadline = time.monotonic() + WAIT_MAX
    while not ask():
        if time.monotonic() > deadline:
            raise Bad(f"{what}: not after {WAIT_MAX:.0f} seconds")
        time.sleep(0.05)


def free_port(kind=socket.SOCK_STREAM):
    # Free when asked; nobody else takes ports of the loopback in between on a machine under test.
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOCAL, 0))
        return probe.getsockname()[1]


def run(*command, succeeds=True, **options):
    """The output of a command that must succeed, or must fail."""
    options = {"env": ENVIRONMENT, "stdin": subprocess.DEVNULL, "timeout": WAIT_MAX, **options}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if (done.returncode == 0) != succeeds:
        raise Bad(f"{command}: exit status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def request(port, method, path, body=None, headers=None):
    """One HTTP request: the status and the body of the answer; without an answer the status is 0."""
    with contextlib.closing(http.client.HTTPConnection(LOCAL, port, timeout=WAIT_MAX)) as connection:
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error).encode()


class Service:
    """A process that runs as long as the block; if the block fails, the end of what it wrote is shown."""

    def __init__(self, work, *command, stop_with=signal.SIGTERM, **options):
        self.name, self.stop_with = pathlib.Path(command[0]).name, stop_with
        self.log = work / f"{self.name}.log"
        with self.log.open("ab") as log:
            options = {"env": ENVIRONMENT, "cwd": work, "stdin": subprocess.DEVNULL, **options}
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, **options)

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _traceback):
        if self.process.poll() is None:
            self.process.send_signal(self.stop_with)
        try:
            status = self.process.wait(WAIT_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if error is None:
            expect(status, 0, f"exit status of {self.name}")
        else:
            for line in self.log.read_text(errors="replace").splitlines()[-20:]:
                print(f"{self.name}: {line}", file=sys.stderr)

    def is_up(self, ask):
        """Waits until it answers."""

        def ask_while_it_lives():
            expect(self.process.poll(), None, f"exit status of {self.name} before it was ready")
            return ask()

        wait_for(f"{self.name} ready", ask_while_it_lives)


class Authority:
    """Makes certificates, in files in PEM."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.file, self.key = self.make("authority")

    def make(self, name, *more):
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", files[1])
        run("openssl", "req", "-x509", "-days", 1, "-subj", f"/CN={name}", *key, "-out", files[0], *more)
        return files

    def certificate(self, name):
        """The file of a certificate and the file of its key."""
        names = f"subjectAltName=DNS:{name},IP:{LOCAL}"
        ends = ("-addext", "basicConstraints=critical,CA:FALSE", "-addext", names)
        return self.make(name, "-CA", self.file, "-CAkey", self.key, *ends)


class Cairn(Service):
    """The server that everything is sent to."""

    def __init__(self, program, work):
        self.program, self.data, self.say_who = program, work / "data", {}
        self.http, self.grpc, self.tcp, self.tls = (free_port() for _ in range(4))
        self.udp = free_port(socket.SOCK_DGRAM)
        self.authority = Authority(work / "certificates")
        certificate, key = self.authority.certificate("cairn.test")
        config = work / "cairn.toml"
        config.write_text(
            f'[syslog]\nudp = "{LOCAL}:{self.udp}"\ntcp = "{LOCAL}:{self.tcp}"\ntls = "{LOCAL}:{self.tls}"\n'
            f'tls_cert = "{certificate}"\ntls_key = "{key}"\ntls_client_ca = "{self.authority.file}"\n'
            f'[otlp]\ngrpc = "{LOCAL}:{self.grpc}"\n'
        )
        listen = ["--listen", f"{LOCAL}:{self.http}"]
        super().__init__(work, program, "serve", "--data", self.data, *listen, "--config", config)

    def up(self):
        self.is_up(lambda: request(self.http, "GET", "/readyz")[0] == 200)
        # Ready means that every listener is there.
        for name, port in ("otlp.grpc", self.grpc), ("syslog.tcp", self.tcp), ("syslog.tls", self.tls):
            with socket.socket() as probe:
                expect(probe.connect_ex((LOCAL, port)), 0, f"error number of a connection to {name}")
        self.say_who = {"authorization": "Bearer " + (self.data / "keys/admin.token").read_text().strip()}

    def command(self, *words):
        # Away from the settings: commands find the server through its data.
        return run(self.program, *words, "--data", self.data, cwd=self.data)

    def search(self, query):
        return [json.loads(line) for line in self.command("search", query, "--all", "--json").splitlines()]

    def count(self, query):
        return int(self.command("search", query, "--count"))

    def one(self, query):
        found = self.search(query)
        expect(len(found), 1, f"events found by {query}")
        return found[0]

    def ingest(self, file, at_least):
        """Takes a file in twice: the second time nothing is new."""
        for door in "stored", "duplicate":
            said = json.loads(self.command("ingest", file, "--json"))
            expect(said[door], said["received"], f"{door} of {file.name}: {said}")
            expect(said["received"] >= at_least, True, f"at least {at_least} events in {file.name}: {said}")

    def post(self, path, body, headers):
        """The answer to a request that must succeed."""
        status, answer = request(self.http, "POST", path, body, {**headers, **self.say_who})
        expect(status, 200, f"status of {path}: {answer.decode(errors='replace')}")
        return json.loads(answer)


def rsyslog_config(work, cairn, ways):
    """Each way has a socket, as programs write to, and an action of its own."""
    certificate, key = cairn.authority.certificate("rsyslog.test")
    tls = 'StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/name"'
    targets = {
        "udp": f'protocol="udp" port="{cairn.udp}"',
        "lines": f'protocol="tcp" port="{cairn.tcp}" TCP_Framing="traditional"',
        "lengths": f'protocol="tcp" port="{cairn.tcp}" TCP_Framing="octet-counted"',
        "tls": f'protocol="tcp" port="{cairn.tls}" TCP_Framing="octet-counted" {tls}'
        ' StreamDriverPermittedPeers="cairn.test"',
    }
    # Line feeds inside messages are kept, and host and time of a message are those that it says.
    text = f"""
        global(workDirectory="{work}" parser.escapeControlCharactersOnReceive="off" preserveFQDN="on"
            DefaultNetstreamDriverCAFile="{cairn.authority.file}"
            DefaultNetstreamDriverCertFile="{certificate}" DefaultNetstreamDriverKeyFile="{key}")
        module(load="imuxsock" SysSock.Use="off")"""
    for way, (target, template) in ways.items():
        text += f"""
        ruleset(name="{way}") {{
            action(type="omfwd" target="{LOCAL}" {targets[target]} template="RSYSLOG_{template}"
                action.resumeRetryCount="-1" action.resumeInterval="1")
        }}
        input(type="imuxsock" Socket="{work}/{way}.sock" ruleset="{way}" UseSpecialParser="off"
            ParseHostname="on" IgnoreTimestamp="off" UseSysTimeStamp="off" RateLimit.Interval="0")"""
    (work / "rsyslog.conf").write_text(text + "\n")
    return work / "rsyslog.conf"


def write_to(path, messages):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.connect(str(path))
        for message in messages:
            log.send(message.encode())


def is_refused(cairn, certificate):
    """Whether the TLS listener turns a client with this certificate away, or with none."""
    context = ssl.create_default_context(cafile=cairn.authority.file)
    if certificate:
        context.load_cert_chain(*certificate)
    with socket.create_connection((LOCAL, cairn.tls), WAIT_MAX) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=LOCAL) as stream:
                stream.sendall(b"<38>Jan  1 00:00:00 web sshd[1]: intruder\n")
                # In TLS 1.3 the client is done before the server has looked; the refusal is what it reads.
                stream.recv(1)
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, ConnectionError):
            return True
    return False


def check_syslog(cairn, work):
    forms = {"bsd": "TraditionalForwardFormat", "iso": "ForwardFormat", "new": "SyslogProtocol23Format"}
    pairs = itertools.product(("udp", "lines", "lengths", "tls"), forms)
    ways = {f"{target}-{form}": (target, forms[form]) for target, form in pairs}
    moment = datetime.datetime.now(UTC).replace(microsecond=0) - datetime.timedelta(minutes=2)
    head = f"<38>{moment:%b} {moment.day:2} {moment:%H:%M:%S}"
    accepted = "Accepted publickey for alice from 192.0.2.9 port 5022 ssh2: ED25519 SHA256:abc"
    failed = "Failed password for invalid user eve from 2001:db8::9 port 5023 ssh2"
    many = "line one\n<38>line two, with a number: 17 é\n\tline three"
    logins = [
        ("41", "sshd", accepted, "sshd.user.login", "success", "alice", "192.0.2.9"),
        ("42", "sshd", failed, "sshd.user.login", "failure", "eve", "2001:db8::9"),
    ]
    report = ("43", "report", many, "syslog.report.log", "unknown", "report", None)
    numbers, burst = [f"number{number:05}" for number in range(BURST)], "lines-new"
    # By line a message can't hold a line feed.
    want = {way: logins + [report] * (target != "lines") for way, (target, _) in ways.items()}
    total = BURST + sum(map(len, want.values()))
    command = [shutil.which("rsyslogd") or "/usr/sbin/rsyslogd", "-n", "-f", rsyslog_config(work, cairn, ways)]
    with Service(work, *command, "-i", work / "rsyslog.pid") as service:
        service.is_up(lambda: all((work / f"{way}.sock").exists() for way in ways))
        for way in ways:
            lines = (f"{head} {way}.test {app}[{pid}]: {message}" for pid, app, message, *_ in want[way])
            write_to(work / f"{way}.sock", lines)
        write_to(work / f"{burst}.sock", (f"{head} burst.test app[7]: {number}" for number in numbers))
        wait_for(f"{total} messages of rsyslog", lambda: cairn.count("source:syslog") >= total)
    # Compared when rsyslog has ended: nothing comes later that would be there twice.
    for way, (target, _) in ways.items():
        got = []
        for event in cairn.search(f"source:syslog metadata.host:{way}.test"):
            said, actor = event["metadata"], event["actor"]
            # The newest format of rsyslog puts a blank before each message and a line feed behind it.
            written = said["pid"], said["app"], said["message"].strip()
            got.append((*written, event["action"], event["outcome"], actor["id"], actor.get("ip")))
            way_taken = event["time"], said["protocol"], event["producer"]["source_name"]
            transport = target if target in ("udp", "tls") else "tcp"
            protocol = "rfc5424" if way.endswith("new") else "rfc3164"
            expect(way_taken, (f"{moment:%FT%TZ}", protocol, transport), f"time, protocol and transport over {way}")
        expect(sorted(got), want[way], f"messages over {way}")
    held("rsyslog over UDP, TCP by line and by length, and TLS with certificates, in three formats")
    got = [event["metadata"]["message"].strip() for event in cairn.search("source:syslog/tcp metadata.host:burst.test")]
    expect(sorted(got), numbers, f"{BURST} messages in a burst")
    held(f"rsyslog, {BURST} messages in a burst")
    for certificate in None, Authority(work / "strange").certificate("strange.test"):
        expect(is_refused(cairn, certificate), True, "a TLS client without a known certificate is refused")
    expect(cairn.count("source:syslog"), total, "messages of rsyslog, and none of clients that were refused")
    held("TLS clients without a known certificate are refused")


TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
NANOSECONDS, TIME = 1_780_000_000_123_456_789, "2026-05-28T20:26:40.123456789Z"
ATTRIBUTES = {"enduser.id": "alice", "client.address": "192.0.2.9", "total": 2**62 + 1, "tags": ["a", "é"]}
BODY = {"invoice": "4711", "lines": [1, 2.5, True]}


def log_with_sdk(exporter, service):
    """Logs one record, and waits until the exporter is done with it."""
    provider = LoggerProvider(resource=Resource({"service.name": service}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    span = trace.NonRecordingSpan(trace.SpanContext(TRACE, SPAN, is_remote=False))
    said = {"body": BODY, "attributes": ATTRIBUTES, "event_name": "invoice.deleted"}
    said |= {"timestamp": NANOSECONDS, "severity_number": SeverityNumber.WARN}
    provider.get_logger("sources").emit(LogRecord(context=trace.set_span_in_context(span), **said))
    provider.shutdown()


def any_value(value):
    """An `AnyValue` in OTLP/JSON, where integers are texts."""
    if isinstance(value, dict):
        return {"kvlistValue": {"values": key_values(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(inner) for inner in value]}}
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return {kinds[type(value)]: str(value) if type(value) is int else value}


def key_values(values):
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def json_by_hand(service):
    record = {"timeUnixNano": str(NANOSECONDS), "severityNumber": 13, "eventName": "invoice.deleted"}
    record |= {"traceId": f"{TRACE:032x}", "spanId": f"{SPAN:016x}"}
    record |= {"body": any_value(BODY), "attributes": key_values(ATTRIBUTES)}
    resource = {"attributes": key_values({"service.name": service})}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]})


def check_otlp(cairn, _work):
    url, grpc_at = f"http://{LOCAL}:{cairn.http}/v1/logs", f"{LOCAL}:{cairn.grpc}"
    wrong, is_json = {"authorization": "Bearer cairn_" + "0" * 64}, {"content-type": "application/json"}
    # Exporters log what they could not send; here that is meant to happen.
    logging.disable(logging.CRITICAL)
    for say_who, of in (wrong, "intruder"), (cairn.say_who, "shop"):
        for way in "NoCompression", "Gzip":
            exporter = HttpExporter(url, headers=say_who, compression=getattr(Compression, way))
            log_with_sdk(exporter, f"{of}-http-{way}")
            packed = getattr(grpc.Compression, way)
            exporter = GrpcExporter(grpc_at, insecure=True, headers=say_who, compression=packed)
            log_with_sdk(exporter, f"{of}-grpc-{way}")
    logging.disable(logging.NOTSET)
    cairn.post("/v1/logs", json_by_hand("shop-json"), is_json)
    events = cairn.search("source:otlp service:shop-*")
    expect(len({event["service"] for event in events}), 5, "ways of log records")
    for event in events:
        said, actor, what = event["metadata"], event["actor"], f"record of {event['service']}"
        got = event["action"], event["operation"], actor["id"], actor["ip"], event["severity"]
        expect(got, ("invoice.deleted", "delete", "alice", "192.0.2.9", "low"), what)
        got = event["time"], event["trace_id"], event["span_id"], said["body"], said["attributes"]
        expect(got, (TIME, f"{TRACE:032x}", f"{SPAN:016x}", BODY, ATTRIBUTES), what)
    held("log records of OpenTelemetry over HTTP in protobuf and JSON, and over gRPC")
    status, _ = request(cairn.http, "POST", "/v1/logs", json_by_hand("intruder"), is_json | wrong)
    expect(status, 401, "status of a wrong token over HTTP")
    with grpc.insecure_channel(grpc_at) as channel:
        call = LogsServiceStub(channel).Export.future(ExportLogsServiceRequest(), metadata=list(wrong.items()))
        expect(call.code(), grpc.StatusCode.UNAUTHENTICATED, "status of a wrong token over gRPC")
    expect(cairn.count("source:otlp"), 5, "records with the right token, and none with the wrong one")
    held("exporters of OpenTelemetry with a wrong token are refused")


def check_cloudevents(cairn, _work):
    subject, department = "Rechnung „4711“, 100 %", "Büro"

    def event(number):
        attributes = {"id": number, "source": "/shop", "type": "com.example.invoice.deleted", "subject": subject}
        attributes |= {"time": datetime.datetime(2026, 5, 1, 12, 30, tzinfo=UTC), "department": department}
        return CloudEvent(attributes | {"datacontenttype": "application/json"}, {"user": "alice", "total": "10,50 €"})

    structured = cloudevents_http.to_structured_event
    # The SDK has no batched mode of its own: it is an array of structured ones.
    batch = b"[" + b",".join(structured(event(f"batched{number}")).body for number in range(3)) + b"]"
    batched = cloudevents_http.HTTPMessage({"content-type": "application/cloudevents-batch+json"}, batch)
    binary = cloudevents_http.to_binary_event(event("binary0"))
    modes = ("structured", structured(event("structured0")), 1), ("binary", binary, 1), ("batched", batched, 3)
    for mode, message, events in modes:
        for want in (events, 0), (0, events):
            answer = cairn.post("/v1/events", message.body, message.headers)
            expect((answer["stored"], answer["duplicate"]), want, f"stored and duplicate of a CloudEvent, {mode}")
        for number in range(events):
            got = cairn.one(f"source:cloudevents metadata.event_id:{mode}{number}")
            said = got["metadata"]["extensions"], got["resource"]["id"], got["actor"]["id"], got["operation"]
            expect(said, ({"department": department}, subject, "alice", "delete"), f"a CloudEvent, {mode}")
            expect(got["time"], "2026-05-01T12:30:00Z", f"time of a CloudEvent, {mode}")
    held("CloudEvents structured, binary and batched, each sent twice and stored once")


def check_postgresql(cairn, work):
    as_postgres, data, file = {"cwd": work}, work / "data", work / "server"
    if os.geteuid() == 0:
        # PostgreSQL does not run as root.
        as_postgres |= {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(work, "postgres", "postgres")
    run(POSTGRES / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", **as_postgres)
    (data / "pg_hba.conf").write_text("local all mallory scram-sha-256\nlocal all all trust\n")
    settings = {"shared_preload_libraries": "pgaudit", "pgaudit.log": "all", "log_line_prefix": "%m [%p] %q%u@%d "}
    settings |= {"listen_addresses": "", "unix_socket_directories": work, "fsync": "off", "log_timezone": "UTC"}
    settings |= {"logging_collector": "on", "log_directory": work, "log_filename": "server.log"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def psql(user, *statements, **more):
        words = [word for statement in statements for word in ("-c", statement)]
        run(POSTGRES / "psql", "-X", "-q", "-h", work, "-U", user, "-d", "postgres", *words, **more)

    def is_up():
        asked = [POSTGRES / "pg_isready", "-q", "-h", work, "-U", "postgres", "-d", "postgres"]
        return subprocess.run(asked, env=ENVIRONMENT, check=False).returncode == 0

    for form, suffix in ("stderr", ".log"), ("csvlog", ".csv"), ("jsonlog", ".json"):
        alice, bob, table = f"alice_{form}", f"bob_{form}", f"accounts_{form}"
        create, grant = f"CREATE TABLE {table} (id int, owner text)", f"GRANT SELECT ON {table} TO {bob}"
        update = f"UPDATE {table}\n\tSET owner = 'x, \"é\"'\nWHERE id = 1"
        command = [POSTGRES / "postgres", "-D", data, *options, "-c", f"log_destination={form}"]
        # Interrupted, it does not wait for sessions.
        with Service(work, *command, stop_with=signal.SIGINT, **as_postgres) as service:
            service.is_up(is_up)
            psql("postgres", f"CREATE ROLE {alice} LOGIN", f"CREATE ROLE {bob} LOGIN")
            # The extension lets pgaudit name the objects of statements that define them.
            psql("postgres", f"GRANT CREATE ON SCHEMA public TO {alice}", "CREATE EXTENSION IF NOT EXISTS pgaudit")
            psql(alice, create, f"INSERT INTO {table} VALUES (1, 'y')", update, grant)
            psql(bob, f"DELETE FROM {table}", succeeds=False)
            psql("mallory", succeeds=False, env=ENVIRONMENT | {"PGPASSWORD": "wrong"})
            psql(alice, f"DROP TABLE {table}")
        cairn.ingest(file.with_suffix(suffix), at_least=9)
        for words, statement in ("CREATE TABLE", create), ("UPDATE", update), ("GRANT", grant):
            event = cairn.one(f'source:postgresql actor:{alice} metadata.command:"{words}"')
            got = event["metadata"]["statement"], event["operation"], event["outcome"]
            expect(got, (statement, words.split()[0].lower(), "success"), f"{words} in {form}")
        cairn.one(f"source:postgresql actor:{bob} res:{table} outcome:denied")
        held(f"PostgreSQL with pgaudit, {form}")
    expect(cairn.count("source:postgresql actor:mallory op:login outcome:denied"), 3, "failed logins")
    held("failed logins to PostgreSQL")


def check_openbao(cairn, work):
    port, root, secret, password = free_port(), *(secrets.token_hex(16) for _ in range(3))
    config, audit = work / "openbao.hcl", work / "audit.log"
    config.write_text(f'audit "file" "file" {{ options {{ file_path = "{audit}" }} }}\n')
    dev = ["-dev", "-dev-no-store-token", f"-dev-root-token-id={root}", f"-dev-listen-address={LOCAL}:{port}"]
    command = [pathlib.Path(sys.executable).with_name("bao"), "server", *dev, f"-config={config}"]

    def call(want, method, path, body=None, token=root):
        say_who = {"X-Vault-Token": token} if token else {}
        status, answer = request(port, method, f"/v1/{path}", json.dumps(body) if body else None, say_who)
        expect(status, want, f"status of OpenBao, {method} {path}: {answer.decode(errors='replace')}")
        return json.loads(answer or "null")

    with Service(work, *command, env=ENVIRONMENT | {"HOME": str(work)}) as service:
        # The mount for secrets comes last.
        service.is_up(lambda: request(port, "GET", "/v1/secret/config", headers={"X-Vault-Token": root})[0] == 200)
        policy = 'path "secret/data/shop" { capabilities = ["create", "update", "read"] }'
        call(204, "POST", "sys/policies/acl/shop", {"policy": policy})
        call(204, "POST", "sys/auth/userpass", {"type": "userpass"})
        call(204, "POST", "auth/userpass/users/alice", {"password": password, "token_policies": "shop"})
        call(400, "POST", "auth/userpass/login/alice", {"password": "wrong"}, token=None)
        login = call(200, "POST", "auth/userpass/login/alice", {"password": password}, token=None)
        alice = login["auth"]["client_token"]
        call(200, "POST", "secret/data/shop", {"data": {"pin": secret}}, token=alice)
        call(200, "GET", "secret/data/shop", token=alice)
        call(403, "GET", "secret/data/forbidden", token=alice)
    cairn.ingest(audit, at_least=16)
    seen = {"op:login outcome:failure", "op:login outcome:success", "op:create res:secret/data/shop outcome:success"}
    seen |= {"op:read res:secret/data/shop outcome:success", "op:read res:secret/data/forbidden outcome:denied"}
    for query in seen:
        event = cairn.one(f"source:vault actor:alice metadata.entry:response {query}")
        expect((event["actor"]["type"], event["actor"]["ip"]), ("user", LOCAL), f"actor of {query}")
    expect(cairn.count(f"{secret} OR {password} OR {root} OR {alice}"), 0, "events with a secret")
    held("OpenBao with logins, secrets and a read that is denied")


ALL = check_syslog, check_otlp, check_cloudevents, check_postgresql, check_openbao
CHECKS = {check.__name__.removeprefix("check_"): check for check in ALL}


def check_all(program, names):
    with tempfile.TemporaryDirectory(prefix="cairn-sources-") as folder:
        work = pathlib.Path(folder)
        # PostgreSQL runs as another user and must get through.
        work.chmod(0o711)
        with Cairn(program, work) as cairn:
            cairn.up()
            for name in names:
                (work / name).mkdir()
                CHECKS[name](cairn, work / name)
            expect(cairn.count("is:quarantined"), 0, "events in quarantine")
        cairn.command("verify", "trail")
        held("nothing is in quarantine, and the trail verifies")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cairn", type=pathlib.Path, required=True, help="the binary")
    parser.add_argument("--only", choices=CHECKS, help="one check alone")
    options = parser.parse_args()
    # Whoever ends this ends the services, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("BAD ended from outside"))
    try:
        check_all(options.cairn.resolve(), [options.only] if options.only else list(CHECKS))
    except (Bad, OSError, subprocess.SubprocessError) as bad:
        sys.exit(f"BAD {bad}")


if __name__ == "__main__":
    main()
