#!/usr/bin/env python3
"""Second verifier for Cairn, written from the pages in formats/ alone.

verify.py DIR [--trail TENANT/TRAIL] [--jobs N] [--quiet]     a data directory
verify.py --proof FILE --vkey VKEY [--quiet]       a proof of one event, with its disclosure

Exit status: 0 everything holds, 1 something does not, 2 wrong usage.
"""

import argparse
import os
import sys
import time

try:
    import cryptography  # noqa: F401
    import duckdb  # noqa: F401
except ImportError as missing:
    print(f"verify.py needs the Python package {missing.name}: pip install duckdb cryptography", file=sys.stderr)
    sys.exit(2)

from directory import NAME, Directory
from proof import verify_proof
from report import Bad, Report
from signed import Vkey

SUMMARY = (
    "trails", "events", "events in the log", "segments", "manifests", "roots", "checkpoints", "frames", "log files",
    "seed files", "blobs",
)  # fmt: skip


def parse_arguments(arguments):
    """Command line to options; leaves with status 2 if it is wrong."""
    parser = argparse.ArgumentParser(prog="verify.py", description="Checks a Cairn data directory or a proof.")
    parser.add_argument("dir", nargs="?", metavar="DIR", help="data directory")
    parser.add_argument("--trail", metavar="TENANT/TRAIL", help="only this trail; the log is walked as a whole")
    parser.add_argument("--proof", metavar="FILE", help="a .tlog-proof with the disclosure of its event in extra")
    parser.add_argument("--vkey", help="verifier key of the trail, or of the log as in keys/log-1.vkey")
    parser.add_argument("--jobs", type=int, default=0, help="processes for sealed events; 0: one per core")
    parser.add_argument("--quiet", action="store_true", help="print findings only")
    options = parser.parse_args(arguments)
    if (options.dir is None) == (options.proof is None):
        parser.error("give either DIR or --proof FILE")
    if options.proof is None and options.vkey is not None:
        parser.error("--vkey belongs to --proof; the key of a directory is in it")
    if options.proof is not None:
        if options.vkey is None or options.trail is not None:
            parser.error("--proof needs --vkey and takes no --trail")
        if not os.path.isfile(options.proof):
            parser.error(f"no file {options.proof}")
        try:
            options.vkey = Vkey.parse(options.vkey.strip())
        except Bad as error:
            parser.error(f"--vkey: {error}")
    elif not os.path.isdir(options.dir):
        parser.error(f"no folder {options.dir}")
    if options.jobs < 0:
        parser.error("--jobs is 0 or more")
    if options.trail is not None:
        names = options.trail.split("/")
        if len(names) != 2 or not all(NAME(name) for name in names):
            parser.error("--trail is TENANT/TRAIL")
        if not os.path.isdir(os.path.join(options.dir, "trails", *names)):
            parser.error(f"no trail {options.trail} in {options.dir}")
    return options


def say(text):
    """Prints a line; what comes from the files can't steer a terminal."""
    print("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text))


def run_directory(options):
    """Checks a data directory and prints what was found."""
    started, report = time.monotonic(), Report()
    try:
        Directory(options.dir, report, options.trail, options.jobs).check()
    except Exception as error:  # noqa: BLE001
        report.find(options.dir, f"the checker could not go on: {type(error).__name__}: {error}")
    for line in report.lines():
        say(line)
    if not options.quiet:
        for text in report.remarks:
            say(f"remark  {text}")
        counts = ", ".join(f"{report.counts.get(what, 0)} {what}" for what in SUMMARY)
        verdict = f"{len(report.findings)} findings" if report.findings else "everything holds"
        print(f"{verdict}: {counts} ({time.monotonic() - started:.1f} s)")
    return 1 if report.findings else 0


def run_proof(options):
    """Checks a proof and prints what it shows."""
    try:
        with open(options.proof, "rb") as handle:
            checkpoint, index, kind, shown = verify_proof(handle.read(), options.vkey)
    except (Bad, OSError) as error:
        say(f"FINDING file {options.proof}: {error}")
        return 1
    if not options.quiet:
        say(f"everything holds: index {index} of {checkpoint.size} in {checkpoint.origin}, kind {kind}")
        for part, (core, values) in enumerate(shown):
            say(f"part {part}: {'core hidden' if core is None else core.decode('utf-8')}")
            for path, value in values.items():
                say(f"  {path} {value.decode('utf-8')}")
    return 0


def main(arguments=None):
    """Returns the exit status."""
    options = parse_arguments(arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    return run_directory(options) if options.proof is None else run_proof(options)


if __name__ == "__main__":
    sys.exit(main())
