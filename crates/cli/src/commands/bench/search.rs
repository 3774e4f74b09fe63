//! `cairn bench search`: the questions of a person on call, over HTTP.

use std::time::Instant;

use cairn_api::{Client, ExitCode, SearchRequest};
use cairn_event::Json;
use clap::Args;
use hdrhistogram::Histogram;

use super::dataset::{Dataset, TRAIL};
use super::events::{FIRST_SECOND, actor_id, address, draw_actor, resource_id};
use super::load::{nanos, new_histogram, percentile_ms};
use super::random::Random;
use super::report::{Aim, Line, Report, amount};
use super::target::Target;
use super::{Common, disk, ingest};
use crate::commands::Context;
use crate::failure::{Ended, Failure};

/// Events in an answer: a page of the terminal and of the API alike.
const PAGE: u32 = 100;
/// Rounds that are asked and not counted, so that what follows is warm.
const ROUNDS_BEFORE: usize = 5;
/// Events that questions are asked about.
const SAMPLE: usize = 200;
const SECONDS_PER_DAY: i64 = 86_400;
const STEP_S: f64 = 0.6;

/// How soon the questions of a person on call are answered.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    common: Common,
    /// Events to search in
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = super::at_least_10_000)]
    events: usize,
    /// Times that each question is asked, each time about somebody or something else
    #[arg(long, value_name = "N", default_value_t = 40)]
    rounds: usize,
}

/// One question: what it is for, and how it is asked about something that is drawn.
struct Question {
    name: &'static str,
    ask: fn(&mut Drawing<'_>) -> String,
}

const QUESTIONS: [Question; 10] = [
    Question {
        name: "who deleted this object",
        ask: |drawing| format!("op:delete res:{}", drawing.resource("object")),
    },
    Question {
        name: "what one person did on a day",
        ask: |drawing| format!("actor:{} created:{}", drawing.actor(), drawing.day()),
    },
    Question {
        name: "what one account was denied",
        ask: |drawing| format!("actor:{} outcome:denied", drawing.actor()),
    },
    Question { name: "one request", ask: |drawing| format!("request:{}", drawing.text("request_id")) },
    Question { name: "one trace", ask: |drawing| format!("trace:{}", drawing.text("trace_id")) },
    Question { name: "logins from a network", ask: |drawing| format!("ip:{}/24 op:login", drawing.address()) },
    Question {
        name: "roles that became admin",
        ask: |drawing| format!("changed:role after.role:admin env:production created:{}", drawing.day()),
    },
    Question {
        name: "failed access changes",
        ask: |drawing| format!("action:iam.* -outcome:success created:>={}", drawing.day()),
    },
    Question { name: "words of a reason", ask: |drawing| format!("\"second factor\" {}", drawing.text("service")) },
    Question {
        name: "a ticket in the metadata",
        ask: |drawing| format!("metadata.ticket:OPS-{}", 1_000 + drawing.random.below(9_000)),
    },
];

/// What questions are about.
struct Drawing<'d> {
    random: &'d mut Random,
    /// Some of the events, to ask about what exists.
    sample: &'d [Json],
    days: usize,
}

impl Drawing<'_> {
    fn actor(&mut self) -> String {
        actor_id(draw_actor(self.random))
    }

    fn address(&mut self) -> String {
        address(draw_actor(self.random))
    }

    fn resource(&mut self, kind: &str) -> String {
        resource_id(kind, self.random.below(2_000))
    }

    fn day(&mut self) -> String {
        let day = i64::try_from(self.random.below(self.days)).expect("a few days");
        let time =
            jiff::Timestamp::from_second(FIRST_SECOND + day * SECONDS_PER_DAY).expect("a few years from now at most");
        time.strftime("%Y-%m-%d").to_string()
    }

    fn text(&mut self, member: &str) -> String {
        let event = self.random.of(self.sample);
        event.get(member).and_then(Json::as_str).unwrap_or_default().to_owned()
    }
}

pub(crate) fn run(args: SearchArgs, context: &mut Context) -> Ended {
    let folder = args.common.folder(context)?;
    let dataset = Dataset::sealed(folder.path(), args.common.seed, args.events, &context.printer)?;
    let mut report = Report::default();
    report.count("events", args.events as u64);
    report.count("seed", args.common.seed);
    if !disk::forget(&dataset.data)? {
        context.printer.hint("the cache of the disk could not be emptied: cold is only as cold as a restart");
    }
    let target = Target::start(&dataset.data, &[])?;
    let mut random = Random::new(args.common.seed ^ 0x5ea_7c4);
    let days = (args.events as f64 * STEP_S / SECONDS_PER_DAY as f64).ceil().max(1.0) as usize;
    // One event is enough to ask the first time; reading more would warm what is to be cold.
    let one = sample(&target, &mut random, args.events, 1)?;
    context.printer.hint("cold");
    let cold = round(target.client(), &mut Drawing { random: &mut random, sample: &one, days })?;
    let some = sample(&target, &mut random, args.events, SAMPLE)?;
    let mut drawing = Drawing { random: &mut random, sample: &some, days };
    context.printer.hint("warm");
    for _ in 0..ROUNDS_BEFORE {
        round(target.client(), &mut drawing)?;
    }
    let mut warm: Vec<Asked> = (0..QUESTIONS.len()).map(|_| Asked::default()).collect();
    for _ in 0..args.rounds.max(1) {
        let answers = round(target.client(), &mut drawing)?;
        warm.iter_mut().zip(answers).for_each(|(asked, answer)| asked.add(answer));
    }
    print(&mut report, &warm, &cold);
    let peak = target.resident_peak_bytes().max(dataset.load_rss_peak_bytes);
    target.stop()?;
    ingest::rss(&mut report, peak);
    report.print(&mut context.printer)?;
    Ok(ExitCode::Ok)
}

/// Some events by their positions.
fn sample(target: &Target, random: &mut Random, events: usize, count: usize) -> Result<Vec<Json>, Failure> {
    let mut sample = Vec::new();
    for _ in 0..count {
        let view = target.client().event(&format!("{TRAIL}@{}", random.below(events)))?;
        let event =
            view.event().map_err(|error| Failure::error("the server gave an event that can't be read").why(error))?;
        sample.push(event);
    }
    Ok(sample)
}

/// How long one answer took, and how many events matched.
#[derive(Clone, Copy)]
struct Answer {
    nanos: u64,
    total: u64,
}

/// All answers to one question.
struct Asked {
    times: Histogram<u64>,
    total: u64,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked { times: new_histogram(), total: 0 }
    }
}

impl Asked {
    fn add(&mut self, answer: Answer) {
        self.times.saturating_record(answer.nanos);
        self.total += answer.total;
    }
}

/// Asks every question once.
fn round(client: &Client, drawing: &mut Drawing<'_>) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::new();
    for question in &QUESTIONS {
        let request = SearchRequest { q: (question.ask)(drawing), limit: Some(PAGE), ..SearchRequest::default() };
        let began = Instant::now();
        let page = client.search(&request)?;
        answers.push(Answer { nanos: nanos(began.elapsed()), total: page.total.count });
        if let Some(why) = page.partial {
            return Err(Failure::error(format!("the answer to {} is partial", request.q)).why(why));
        }
    }
    Ok(answers)
}

fn print(report: &mut Report, warm: &[Asked], cold: &[Answer]) {
    let mut all = new_histogram();
    let (mut worst, mut members) = (0.0_f64, Vec::new());
    for ((question, asked), cold) in QUESTIONS.iter().zip(warm).zip(cold) {
        all.add(&asked.times).expect("both have the same range");
        let p95 = percentile_ms(&asked.times, 95.0);
        worst = worst.max(p95);
        members.push((question.name, p95));
        let found = asked.total as f64 / asked.times.len().max(1) as f64;
        let line = Line::new(format!("{}: p95", question.name), format!("{} ms", amount(p95)));
        let beside = format!(
            "p50 {} ms, cold {} ms",
            amount(percentile_ms(&asked.times, 50.0)),
            amount(cold.nanos as f64 / 1e6)
        );
        report.line(line.beside(format!("{beside}, {} events", amount(found))).aim(Aim::AtMost(100.0), p95, " ms"));
    }
    let coldest = cold.iter().map(|answer| answer.nanos).max().unwrap_or(0) as f64 / 1e6;
    let line = Line::new("all questions: p95", format!("{} ms", amount(percentile_ms(&all, 95.0))));
    report.line(line.beside(format!(
        "p50 {} ms, slowest cold {} ms",
        amount(percentile_ms(&all, 50.0)),
        amount(coldest)
    )));
    report.number("search_p50_ms", percentile_ms(&all, 50.0));
    // Of the slowest question: the aim holds for each of them.
    report.number("search_p95_ms", worst);
    report.number("search_all_p95_ms", percentile_ms(&all, 95.0));
    report.number("search_cold_max_ms", coldest);
    report.group("search_p95_ms_by_question", &members);
}
