//! The seeds that every target starts from: a few sound inputs, the examples of the protocol page, small forms.

use super::{Target, forms, shelf};

/// Inputs made from numbers, for a target.
const MADE: u64 = 10;
/// The largest seed that is kept: libFuzzer is quick with small ones.
const BYTES_MAX: usize = 8 * 1024;

/// A target's seeds with their names. The same every time, but for those of `tokens` that no file could keep.
pub fn seeds(target: &Target) -> Vec<(String, Vec<u8>)> {
    let made = target
        .made
        .iter()
        .flat_map(|made| (0..MADE).map(|n| (format!("made-{n}"), made(n))));
    let mut all: Vec<(String, Vec<u8>)> = made.collect();
    let named = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    match target.name {
        "json_request" | "json_reply" | "json_messages" => all.extend(examples()),
        "values" => all.extend(
            VALUES
                .iter()
                .enumerate()
                .map(|(n, v)| named(&format!("value-{n}"), v.as_bytes())),
        ),
        "xform" => all.push(named("small.xml", XFORM.as_bytes())),
        "form_file" => {
            all.push(named("small.xml", XFORM.as_bytes()));
            all.push(named("small.ods", &forms::ods(forms::ODS.as_bytes())));
            all.push(named("small.xlsx", &forms::xlsx(usize::MAX, b"")));
        }
        "workbook_parts" => {
            all.push(named("ods", &[&[0], forms::ODS.as_bytes()].concat()));
            let parts = (0..7).filter_map(|n| Some((n, forms::part(n)?)));
            all.extend(parts.map(|(n, xml)| {
                named(
                    &format!("xlsx-{n}"),
                    &[&[n as u8 + 1], xml.as_bytes()].concat(),
                )
            }));
        }
        "sheets" => all.extend(
            SHEETS
                .iter()
                .enumerate()
                .map(|(n, s)| named(&format!("sheets-{n}"), s.as_bytes())),
        ),
        "lists" => all.extend(
            LISTS
                .iter()
                .enumerate()
                .map(|(n, l)| named(&format!("list-{n}"), l.as_bytes())),
        ),
        "tokens" => all.extend(tokens()),
        _ => {}
    }
    all.retain(|(_, bytes)| bytes.len() <= BYTES_MAX);
    all
}

/// The JSON blocks of the protocol page.
fn examples() -> Vec<(String, Vec<u8>)> {
    let page = include_str!("../../schemas/sync-protocol.md");
    let mut out = Vec::new();
    let mut inside: Option<Vec<&str>> = None;
    for line in page.lines() {
        if line.starts_with("```") {
            match inside.take() {
                None => inside = Some(Vec::new()),
                Some(block) => {
                    let text = block.join("\n");
                    if serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|v| v.is_object())
                    {
                        out.push((format!("page-{}", out.len()), text.into_bytes()));
                    }
                }
            }
        } else if let Some(block) = &mut inside {
            block.push(line);
        }
    }
    out
}

/// Seeds that hold no token: those of the service are other ones every time, and the target puts them in.
fn tokens() -> Vec<(String, Vec<u8>)> {
    let (header, body) = (
        r#"{"alg":"none","typ":"tributary-user+jwt"}"#,
        r#"{"exp":99999999999,"sub":"00"}"#,
    );
    let lines = [&[3], header.as_bytes(), b"\n", body.as_bytes(), b"\n"].concat();
    let length = shelf::with(|shelf| shelf.tokens[0].len());
    let edit = |at: usize| vec![1, (at >> 8) as u8, at as u8, b'B'];
    let mut out = vec![
        ("as-it-is".to_owned(), b"\0a.b.c".to_vec()),
        ("untouched".to_owned(), vec![1]),
        ("spliced".to_owned(), vec![2 | 1 << 2, 0, 1, 0]),
        ("packed".to_owned(), lines),
    ];
    out.extend([0, 40, length / 2].map(|at| (format!("edit-{at}"), edit(at))));
    out
}

const VALUES: &[&str] = &[
    "2026-11-24",
    "2026-11-24T09:12:33.250+07:00",
    "09:12:33.000Z",
    "-12.50",
    "f12",
    "f3.0011223344556677.f4",
    "m.status",
    "m.deleted",
    "00112233445566778899aabbccddeeff",
    r#"{"int":3}"#,
    r#"{"decimal":"1.5"}"#,
    r#"{"codes":["a","b"]}"#,
    r#"{"geo":[119000000,1050000000,null,500]}"#,
    r#"{"datetime":"2026-11-24T09:12:33.250+07:00"}"#,
    r#"{"x40":"AAEC"}"#,
];

const LISTS: &[&str] = &[
    r#"{"form_id":"outreach_interview","statuses":["draft","complete"],"conflicts":true,"limit":10,"next":"AAAAAAAAAAE"}"#,
    r#"{"judged":true,"limit":5,"next":"1"}"#,
    r#"{"format":"zip","states":["complete"],"time":{"of":"saved","from":"2026-11-01","to":"2026-11-24T09:00:00+07:00"},"tz":"Asia/Bangkok"}"#,
    r#"{"format":"json_lines","since":"1","labels":"Khmer (km)","split":true,"bom":true,"line_end":"lf","missing_words":"quotes"}"#,
    r#"{"as_of":"00000000000000000000000000000000.3","versions":["1"],"conflicts_only":true,"deleted":true}"#,
    "WyIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMCIse31d",
];

const SHEETS: &[&str] = &[
    "type,name,label\ntext,a,Name\nselect_one l,b,Which\n\0list_name,name,label\nl,x,X\nl,y,Y\n\0form_id,version\nf,1\n",
    "type,name,label::English (en),label::Khmer (km),relevant\nbegin_group,g,G,G,\nbegin_repeat,r,R,R,${a}='1'\ntext,a,A,A,\n\
     end_repeat,,,,\nend_group,,,,\ncalculate,c,,,\n\0\0",
    "type,name,label,bind::trib:policy,bind::trib:sensitivity\nselect_one c,consent,Consent,protective(no yes),person\n\
     \0list_name,name,label\nc,no,No\nc,yes,Yes\n\0form_id,namespaces\nf,\"trib=\"\"https://tributary.invalid/xforms\"\"\"\n",
];

const XFORM: &str = include_str!("workbook/small.xml");
