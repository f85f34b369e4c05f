//! Bytes on the wire and speed of the merge, as a table. Compare columns and ratios: absolutes are this machine's.
//!
//! `cargo bench -p tributary-sync-core`. Gates nothing: the byte targets are held by a test, the speed by nobody but
//! the reader.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints a table"
)]

use std::hint::black_box;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tributary_sync_core::change::{Changeset, Stored};
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::workload::{Workload, accepted, push};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::frame::NoForms;
use tributary_sync_core::wire::message::ExchangeRequest;

const RECORDS: usize = 10_000;
const BATCH: usize = 100;
const DEVICES: usize = 50;

fn zstd(bytes: &[u8]) -> usize {
    zstd::bulk::compress(bytes, 3).unwrap().len()
}

/// Prints bytes per item of batches of one device each.
fn bytes(what: &str, workload: &Workload, batches: &[ExchangeRequest]) {
    let items: usize = batches.iter().map(|b| b.items.len()).sum();
    let row = |form: &str, encode: &dyn Fn(&ExchangeRequest) -> Vec<u8>| {
        let encoded: Vec<Vec<u8>> = batches.iter().map(encode).collect();
        let raw: usize = encoded.iter().map(Vec::len).sum();
        let packed: usize = encoded.iter().map(|b| zstd(b)).sum();
        println!(
            "{what:<22} {form:<28} {:>9} {:>9}",
            raw / items,
            packed / items
        );
    };
    row("JSON", &|b| serde_json::to_vec(b).unwrap());
    row("frame", &|b| b.to_frame(workload));
    row("frame, fields by id", &|b| b.to_frame(&NoForms));
    row("answers as plain JSON", &|b| plain_json(b));
    row("canonical CBOR alone", &|b| {
        b.items
            .iter()
            .flat_map(|i| match i {
                Item::Change { change, .. } => change.bytes().to_vec(),
                _ => Vec::new(),
            })
            .collect()
    });
}

/// The answers alone, as anybody would write them down: what the bytes of the others can be held against.
fn plain_json(request: &ExchangeRequest) -> Vec<u8> {
    let plain = |change: &Changeset| -> serde_json::Map<String, serde_json::Value> {
        let content = |value| match serde_json::to_value(value).unwrap() {
            serde_json::Value::Object(tagged) => tagged.into_iter().next().unwrap().1,
            other => other,
        };
        let pairs = change.writes.iter().enumerate();
        pairs
            .map(|(n, (_, value))| (format!("question_{n:03}"), content(value)))
            .collect()
    };
    let changes = request.items.iter().filter_map(|item| match item {
        Item::Change { change, .. } => Some(plain(change)),
        _ => None,
    });
    serde_json::to_vec(&changes.collect::<Vec<_>>()).unwrap()
}

/// Time that this thread ran, where the system tells; else the time on the wall. Other load does not count.
fn cpu_seconds(since: Instant) -> f64 {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos: Option<f64> = ran.and_then(|s| s.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// Runs `work` over `n` things a few times and prints the best.
fn speed(what: &str, n: usize, bytes: usize, mut work: impl FnMut()) {
    let start = Instant::now();
    let seconds = (0..5)
        .map(|_| {
            let before = cpu_seconds(start);
            work();
            cpu_seconds(start) - before
        })
        .fold(f64::INFINITY, f64::min);
    println!(
        "{what:<52} {:>11.0}/s {:>9.1} MB/s",
        n as f64 / seconds,
        bytes as f64 / seconds / 1e6
    );
}

fn main() {
    let mut workload = Workload::new(7, DEVICES);
    let mut creates: Vec<Vec<Changeset>> = Vec::new();
    for n in 0..RECORDS / BATCH {
        creates.push(
            (0..BATCH)
                .map(|_| workload.create(n % DEVICES).unwrap())
                .collect(),
        );
    }
    // The correction is made by the device that made the interview, or by another that was assigned it.
    let mut edits: Vec<Vec<Changeset>> = Vec::new();
    for (n, batch) in creates.iter().enumerate() {
        let device = if n % 2 == 0 { n } else { n + 7 } % DEVICES;
        edits.push(
            batch
                .iter()
                .map(|c| {
                    workload
                        .edit(device, c, [c.dot].into_iter().collect())
                        .unwrap()
                })
                .collect(),
        );
    }
    let writes: usize = creates.iter().flatten().map(|c| c.writes.len()).sum();
    println!(
        "{RECORDS} interviews, {:.1} writes each, batches of {BATCH}",
        writes as f64 / RECORDS as f64
    );
    println!("\nbytes an item           form                               raw    zstd-3");
    let requests = |batches: &[Vec<Changeset>]| -> Vec<ExchangeRequest> {
        batches.iter().map(|b| push(&workload, b.clone())).collect()
    };
    let (create_requests, edit_requests) = (requests(&creates), requests(&edits));
    bytes("new interview", &workload, &create_requests);
    bytes("one-field edit", &workload, &edit_requests);
    let lone: Vec<ExchangeRequest> = edits[0]
        .iter()
        .map(|c| push(&workload, vec![c.clone()]))
        .collect();
    bytes("one edit, one request", &workload, &lone);

    println!("\nspeed, one thread, processor time, best of 5");
    let created: Vec<Stored> = creates.into_iter().flatten().map(accepted).collect();
    let edited: Vec<Stored> = edits.into_iter().flatten().map(accepted).collect();
    merge_speed(&created, &edited);
    codec_speed(&workload, &create_requests);
}

fn merge_speed(created: &[Stored], edited: &[Stored]) {
    let mut empty = Vec::new();
    let mut stored = Vec::new();
    for change in created {
        let record = Record::new(change.change.record);
        empty.push(record.to_bytes());
        let mut record = record;
        record.apply(change);
        stored.push(record.to_bytes());
    }
    let total: usize = stored.iter().map(Vec::len).sum();
    println!("a stored record has {} bytes", total / stored.len());
    let merge = |before: &[Vec<u8>], changes: &[Stored]| {
        for (bytes, change) in before.iter().zip(changes) {
            let mut record = Record::from_bytes(bytes).unwrap();
            record.apply(change);
            black_box(record.to_bytes());
        }
    };
    let n = created.len();
    speed("memcpy of the stored records", n, total, || {
        for bytes in &stored {
            black_box(bytes.clone());
        }
    });
    speed("SHA-256 of the stored records", n, total, || {
        for bytes in &stored {
            black_box(Sha256::digest(bytes));
        }
    });
    speed("new record: from_bytes, apply, to_bytes", n, total, || {
        merge(&empty, created)
    });
    speed("edit: from_bytes, apply, to_bytes", n, total, || {
        merge(&stored, edited)
    });
    speed("from_bytes alone", n, total, || {
        for bytes in &stored {
            black_box(Record::from_bytes(bytes).unwrap());
        }
    });
    let records: Vec<Record> = stored
        .iter()
        .map(|b| Record::from_bytes(b).unwrap())
        .collect();
    speed("to_bytes alone", n, total, || {
        for record in &records {
            black_box(record.to_bytes());
        }
    });
}

fn codec_speed(workload: &Workload, requests: &[ExchangeRequest]) {
    let n = requests.iter().map(|r| r.items.len()).sum();
    let frames: Vec<Vec<u8>> = requests.iter().map(|r| r.to_frame(workload)).collect();
    let jsons: Vec<String> = requests
        .iter()
        .map(|r| serde_json::to_string(r).unwrap())
        .collect();
    let size = |all: usize| all;
    let frame_bytes = size(frames.iter().map(Vec::len).sum());
    let json_bytes = size(jsons.iter().map(String::len).sum());
    speed("write frame", n, frame_bytes, || {
        requests
            .iter()
            .for_each(|r| drop(black_box(r.to_frame(workload))));
    });
    speed(
        "read frame, with canonical bytes and hash",
        n,
        frame_bytes,
        || {
            frames
                .iter()
                .for_each(|f| drop(black_box(ExchangeRequest::from_frame(f, workload).unwrap())));
        },
    );
    speed(
        "read JSON, with canonical bytes and hash",
        n,
        json_bytes,
        || {
            jsons
                .iter()
                .for_each(|j| drop(black_box(ExchangeRequest::from_json(j).unwrap())));
        },
    );
}
