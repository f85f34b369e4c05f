//! Files that travel apart: brought in pieces over links that break, read by whoever may read the record, gone with it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tributary::service::access::Role;
use tributary::service::check::check;
use tributary_sync_core::clock::{Clock, Dot};
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::value::{Attachment, Text, Value};
use tributary_tests::harness::{Client, Organisation, Reply, TestServer};

use super::field::{Form, Phone, code, record, tombstone};

/// Bytes that look like nothing, the same for the same seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 32);
    for n in 0u64.. {
        if out.len() >= length {
            break;
        }
        out.extend(Sha256::digest(
            [seed.to_be_bytes(), n.to_be_bytes()].concat(),
        ));
    }
    out.truncate(length);
    out
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn reference(file: &[u8]) -> Value {
    Value::Attachment(Attachment {
        sha256: Sha256::digest(file).into(),
        size: file.len() as u64,
        media_type: Text::new("image/jpeg").unwrap(),
    })
}

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");

/// Says of a file what it is.
fn begin_as(client: &Client, record: RecordId, file: &[u8], kind: &str) -> Reply {
    let pair = |name: &str, value: &str| format!("{name} {}", STANDARD.encode(value));
    let metadata = [
        pair("record", &record.to_string()),
        pair("sha256", &sha256(file)),
        pair("type", kind),
    ]
    .join(",");
    let length = file.len().to_string();
    let headers = [
        TUS,
        ("upload-length", length.as_str()),
        ("upload-metadata", metadata.as_str()),
    ];
    client.send("POST", "/sync/v1/attachments", &headers, b"")
}

fn begin(client: &Client, record: RecordId, file: &[u8]) -> String {
    let reply = begin_as(client, record, file, "image/jpeg");
    assert_eq!(
        reply.status,
        201,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    reply.header("location").unwrap().to_owned()
}

fn offset(client: &Client, at: &str) -> usize {
    loop {
        let reply = client.send("HEAD", at, &[TUS], b"");
        // What came before the link went is still being made durable.
        if reply.status == 423 {
            continue;
        }
        assert_eq!(reply.status, 200);
        return reply.header("upload-offset").unwrap().parse().unwrap();
    }
}

fn bring(client: &Client, at: &str, offset: usize, piece: &[u8], checksum: Option<&str>) -> Reply {
    let offset = offset.to_string();
    let mut headers = vec![
        TUS,
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", offset.as_str()),
    ];
    headers.extend(checksum.map(|sum| ("upload-checksum", sum)));
    client.send("PATCH", at, &headers, piece)
}

fn bring_all(client: &Client, record: RecordId, file: &[u8]) -> String {
    let at = begin(client, record, file);
    bring(client, &at, 0, file, None).expect(204);
    at
}

fn fetch(client: &Client, file: &[u8]) -> Reply {
    client.get(&format!("/sync/v1/attachments/{}", sha256(file)))
}

/// An organisation with a worker's phone and an interview on it that names a photo.
struct Field<'s> {
    org: Organisation<'s>,
    form: Form,
    phone: Phone,
    client: Client,
    photo: Vec<u8>,
    made: Dot,
}

impl<'s> Field<'s> {
    fn of(server: &'s TestServer, slug: &str) -> Self {
        let org = server.organisation(slug);
        let form = Form::publish(server, &org);
        let mut phone = Phone::enrol(&org, &form, &format!("Dara of {slug}"));
        let photo = bytes(slug.len() as u64, 300_000);
        let made = interview(&mut phone, &form, record(1), Some(&photo));
        let client = phone.device.client();
        Self {
            org,
            form,
            phone,
            client,
            photo,
            made,
        }
    }
    fn admin(&self) -> Client {
        self.org.user("Chi", Role::OrgAdmin).client
    }
}

fn interview(phone: &mut Phone, form: &Form, id: RecordId, photo: Option<&[u8]>) -> Dot {
    let mut answers = vec![(form.key("consent_store"), code("given"))];
    answers.extend(photo.map(|photo| (form.key("consent_audio"), reference(photo))));
    let made = phone.save(id, true, Clock::new(), answers);
    phone.push();
    made
}

fn folder_holds(folder: &Path, words: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => folder_holds(&path, words),
            false => std::fs::read(&path)
                .unwrap()
                .windows(words.len())
                .any(|part| part == words),
        }
    })
}

#[test]
fn a_photo_that_is_cut_at_any_byte_arrives_whole() {
    let server = TestServer::start_plain();
    let here = Field::of(&server, "mekong");
    let at = begin(&here.client, record(1), &here.photo);
    let token = here.client.token().unwrap().to_owned();
    let (mut cuts, mut resumed) = (0usize, 0);
    loop {
        let from = offset(&here.client, &at);
        resumed += usize::from(cuts > 0 && from > 0);
        let rest = &here.photo[from..];
        cuts += 1;
        // Up to 60,000 bytes come through; then the link is gone.
        let through = (cuts * 7_919 * 31) % 60_000 + 1;
        if rest.len() <= through {
            bring(&here.client, &at, from, rest, None).expect(204);
            break;
        }
        let head = format!(
            "PATCH {at} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n\
             Content-Type: application/offset+octet-stream\r\nUpload-Offset: {from}\r\nContent-Length: {}\r\n\r\n",
            rest.len()
        );
        let mut socket = server.socket(head.as_bytes());
        socket.write_all(&rest[..through]).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        // It ends when the server has done what it can with what came.
        let _ = socket.read_to_end(&mut Vec::new());
        assert!(cuts < 200, "it never arrives");
    }
    assert!(
        resumed > 3,
        "{resumed} of {cuts} went on where they were cut"
    );
    assert_eq!(fetch(&here.client, &here.photo).body, here.photo);
    assert_eq!(offset(&here.client, &at), here.photo.len(), "asked again");
    println!("{cuts} pieces, {resumed} resumed");
}

#[test]
fn a_file_is_read_whole_and_by_ranges_and_nobodys_browser_shows_it() {
    let server = TestServer::start_with_manual_clock();
    let here = Field::of(&server, "mekong");
    fetch(&here.client, &here.photo).expect_problem("not_found");
    bring_all(&here.client, record(1), &here.photo);
    let admin = here.admin();
    let of_record = format!(
        "/api/v1/records/{}/attachments/{}",
        record(1),
        sha256(&here.photo)
    );
    let of_device = format!("/sync/v1/attachments/{}", sha256(&here.photo));
    for (client, path) in [(&here.client, &of_device), (&admin, &of_record)] {
        let reply = client.get(path);
        assert_eq!((reply.status, &reply.body), (200, &here.photo));
        for (name, value) in [
            ("content-type", "image/jpeg"),
            ("content-security-policy", "sandbox"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("accept-ranges", "bytes"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        let shown = reply.header("content-disposition").unwrap();
        assert!(shown.starts_with("attachment;"), "{shown}");
        let part = client.send("GET", path, &[("range", "bytes=299990-")], b"");
        assert_eq!((part.status, &part.body[..]), (206, &here.photo[299_990..]));
        assert_eq!(
            part.header("content-range"),
            Some("bytes 299990-299999/300000")
        );
        let beyond = client.send("GET", path, &[("range", "bytes=300000-")], b"");
        assert_eq!(beyond.expect_problem("range_invalid")["size"], 300_000);
    }
    // Each reading in the console is a row of the audit, which names the record by its hash.
    let audit = admin.get("/api/v1/audit?limit=1000").expect(200);
    let read = |row: &&Json| row["action"] == "attachment.read";
    let rows: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(read)
        .collect();
    assert!(rows.len() >= 2, "{audit}");
    assert_eq!(rows[0]["subject"], tombstone(record(1)));
}

#[test]
fn nobody_learns_that_a_file_is_there_but_by_a_record_that_they_may_read() {
    let server = TestServer::start_with_manual_clock();
    let here = Field::of(&server, "mekong");
    bring_all(&here.client, record(1), &here.photo);
    let other = Field::of(&server, "river");
    let mut colleague = Phone::enrol(&here.org, &here.form, "Linh");
    // They know the hash, and say that it is theirs.
    interview(&mut colleague, &here.form, record(2), Some(&here.photo));
    let colleague = colleague.device.client();
    let absent = bytes(99, 100);
    let told = |client: &Client, file: &[u8]| {
        let mut problem = fetch(client, file).expect_problem("not_found");
        problem["request_id"] = Json::Null;
        problem
    };
    for client in [&other.client, &colleague] {
        assert_eq!(told(client, &here.photo), told(client, &absent));
    }
    begin_as(&colleague, record(1), &here.photo, "image/jpeg").expect_problem("not_found");
    let admin = here.admin();
    let wrong = format!(
        "/api/v1/records/{}/attachments/{}",
        record(2),
        sha256(&here.photo)
    );
    admin.get(&wrong).expect_problem("not_found");
    // An upload is its device's alone.
    let at = begin(&here.client, record(1), &absent);
    for client in [&other.client, &colleague] {
        bring(client, &at, 0, &absent, None).expect_problem("not_found");
        assert_eq!(client.send("HEAD", &at, &[TUS], b"").status, 404);
        client
            .send("DELETE", &at, &[TUS], b"")
            .expect_problem("not_found");
    }
    // With the bytes it is theirs too, and each record has its own.
    bring_all(&colleague, record(2), &here.photo);
    assert_eq!(fetch(&colleague, &here.photo).body, here.photo);
    assert_eq!(admin.get(&wrong).status, 200);
    let device = here.phone.device.profile;
    admin
        .post_nothing(&format!("/api/v1/devices/{device}/revoke"))
        .expect(204);
    fetch(&here.client, &here.photo).expect_problem("device_revoked");
    bring(&here.client, &at, 0, &absent, None).expect_problem("device_revoked");
}

#[test]
fn what_is_wrong_is_refused_before_it_is_taken() {
    let server = TestServer::start_with_manual_clock();
    let here = Field::of(&server, "mekong");
    let client = &here.client;
    let limits = "/api/v1/attachments/limits";
    let admin = here.admin();
    let mut now = admin.get(limits).expect(200);
    assert_eq!(now["file_bytes"], 25 * 1024 * 1024);
    now["file_bytes"] = json!(300_000);
    admin
        .send(
            "PUT",
            limits,
            &[("content-type", "application/json")],
            now.to_string().as_bytes(),
        )
        .expect(200);
    let refused = begin_as(client, record(1), &bytes(1, 300_001), "image/jpeg");
    assert_eq!(
        refused.expect_problem("attachment_too_large")["most"],
        300_000
    );
    begin_as(client, record(1), &here.photo, "text/html").expect_problem("attachment_type_refused");
    begin_as(client, record(1), b"", "image/jpeg").expect_problem("parameter_invalid");
    begin_as(client, record(9), &here.photo, "image/jpeg").expect_problem("not_found");
    client
        .post_nothing("/sync/v1/attachments")
        .expect_problem("tus_version_unsupported");

    let at = begin(client, record(1), &here.photo);
    let (first, rest) = here.photo.split_at(100_000);
    let sum = |piece: &[u8]| format!("sha256 {}", STANDARD.encode(Sha256::digest(piece)));
    bring(client, &at, 0, first, Some(&sum(rest))).expect_problem("upload_checksum_wrong");
    assert_eq!(offset(client, &at), 0);
    bring(client, &at, 0, first, Some(&sum(first))).expect(204);
    let elsewhere = bring(client, &at, 5, rest, None).expect_problem("upload_offset_wrong");
    assert_eq!(elsewhere["offset"], 100_000);
    let too_much = [rest, b"more"].concat();
    bring(client, &at, 100_000, &too_much, None).expect_problem("attachment_too_large");
    // The whole is not what was announced: nothing of it stays.
    let changed = bytes(7, rest.len());
    bring(client, &at, 100_000, &changed, None).expect_problem("attachment_hash_wrong");
    assert_eq!(client.send("HEAD", &at, &[TUS], b"").status, 404);
    fetch(client, &here.photo).expect_problem("not_found");
    assert!(!folder_holds(server.data().path(), &first[500..600]));

    let at = begin(client, record(1), &here.photo);
    bring(client, &at, 0, first, None).expect(204);
    client.send("DELETE", &at, &[TUS], b"").expect(204);
    assert!(!folder_holds(server.data().path(), &first[500..600]));
}

#[test]
fn files_whole_and_half_are_gone_with_their_record() {
    let server = TestServer::start_with_manual_clock();
    let here = Field::of(&server, "mekong");
    bring_all(&here.client, record(1), &here.photo);
    let half = bytes(5, 80_000);
    let at = begin(&here.client, record(1), &half);
    bring(&here.client, &at, 0, &half[..40_000], None).expect(204);
    let words = [&here.photo[1_000..1_100], &half[1_000..1_100]];
    let (data, admin) = (server.data(), here.admin());
    for words in words {
        assert!(folder_holds(data.path(), words));
    }
    let path = format!("/api/v1/records/{}", record(1));
    admin.post_nothing(&format!("{path}/restrict")).expect(200);
    fetch(&here.client, &here.photo).expect_problem("not_found");
    server.pass(Duration::from_secs(8 * 24 * 60 * 60));
    let chi = here.org.user("Chi again", Role::OrgAdmin).client;
    let report = chi
        .post(&format!("{path}/erase"), &json!({"reason": "request"}))
        .expect(200);
    assert_eq!(report["scrubbed"], true, "{report}");
    for words in words {
        assert!(!folder_holds(data.path(), words));
    }
    let client = here.phone.device.client();
    fetch(&client, &here.photo).expect_problem("not_found");
    assert_eq!(client.send("HEAD", &at, &[TUS], b"").status, 404);
    let report = check(&data, &mut |_| {}).unwrap();
    assert!(report.sound, "{report:?}");
}

#[test]
fn what_never_came_whole_and_what_no_answer_names_goes_with_time() {
    let server = TestServer::start_with_manual_clock();
    let mut here = Field::of(&server, "mekong");
    bring_all(&here.client, record(1), &here.photo);
    let half = bytes(5, 80_000);
    let at = begin(&here.client, record(1), &half);
    bring(&here.client, &at, 0, &half[..40_000], None).expect(204);
    // The worker takes another photo.
    let seen = Clock::from_iter([here.made]);
    let other = reference(&half);
    let writes = vec![(here.form.key("consent_audio"), other)];
    here.phone.save(record(1), false, seen, writes);
    here.phone.push();
    let (data, service) = (server.data(), server.service());
    service.sweep_attachments(here.org.id).unwrap();
    server.pass(Duration::from_secs(8 * 24 * 60 * 60));
    service.sweep_attachments(here.org.id).unwrap();
    assert!(!folder_holds(data.path(), &half[1_000..1_100]));
    assert!(folder_holds(data.path(), &here.photo[1_000..1_100]));
    server.pass(Duration::from_secs(30 * 24 * 60 * 60));
    service.sweep_attachments(here.org.id).unwrap();
    assert!(!folder_holds(data.path(), &here.photo[1_000..1_100]));
}
