//! What one request may cost: replies grow with what was asked, and never beyond their budget.

use tributary_sync_core::wire::frame::NoForms;

use super::*;

fn parsed(request: &ExchangeRequest) -> [Option<&'static str>; 2] {
    let json = serde_json::to_string(request).unwrap();
    let code = |read: Result<ExchangeRequest, RequestUnreadable>| match read {
        Err(RequestUnreadable::Parse(e)) => Some(e.code()),
        Err(other) => panic!("{other:?}"),
        Ok(_) => None,
    };
    [
        code(ExchangeRequest::from_json(&json)),
        code(ExchangeRequest::from_frame(
            &request.to_frame(&NoForms),
            &NoForms,
        )),
    ]
}

fn many(n: usize) -> Vec<RecordId> {
    let id = |n: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        RecordId::from_bytes(bytes)
    };
    (0..n as u32).map(id).collect()
}

#[test]
fn a_record_named_twice_or_too_many_of_them_are_refused_in_both_forms() {
    let office = Office::open();
    let dara = office.worker(2);
    type Name = fn(&mut ExchangeRequest, Vec<RecordId>);
    let lists: [(Name, usize); 2] = [
        (|r, ids| r.refetch = ids, REFETCH_MAX),
        (|r, ids| r.leaves = ids, LEAVES_MAX),
    ];
    for (name, max) in lists {
        let mut request = dara.request();
        name(&mut request, vec![record(1), record(2), record(1)]);
        assert_eq!(parsed(&request), [Some("duplicate_entry"); 2]);
        name(&mut request, many(max + 1));
        assert_eq!(parsed(&request), [Some("limit_exceeded"); 2]);
        name(&mut request, many(max));
        assert_eq!(parsed(&request), [None; 2]);
    }
}

#[test]
fn a_refetch_stops_at_the_budget_and_the_device_asks_for_the_rest() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=40 {
        dara.create(record(n), vec![(NAME, text(&"long ".repeat(40)))], 10);
    }
    dara.sync(&office);
    let mut wanted: Vec<RecordId> = (1..=40).map(record).chain([record(200)]).collect();
    let mut pages = 0;
    while !wanted.is_empty() {
        let request = ExchangeRequest {
            refetch: wanted.clone(),
            max_bytes: 2_000,
            ..dara.request()
        };
        let reply = dara.send(&office, request).unwrap();
        let states = reply
            .entries
            .iter()
            .filter(|e| matches!(e, Entry::State { .. }));
        assert!(states.count() <= 12);
        let before = wanted.len();
        for entry in &reply.entries {
            match entry {
                Entry::State { state, .. } => wanted.retain(|w| *w != state.id()),
                Entry::Gone { record } => wanted.retain(|w| w != record),
                _ => {}
            }
        }
        assert!(wanted.len() < before, "each reply brings some");
        assert!(reply.more || wanted.is_empty());
        dara.take(&reply);
        pages += 1;
    }
    assert!(pages > 3, "{pages} pages");
}

fn compared(phone: &Phone, points: impl Iterator<Item = usize>) -> CompareRequest {
    CompareRequest {
        epoch: phone.epoch,
        head: None,
        actors: vec![ActorChain {
            actor: phone.actor,
            grant: None,
            points: points
                .map(|n| ChainPoint {
                    seq: Seq::new(n as u64).unwrap(),
                    hash: phone.chain[n],
                })
                .collect(),
        }],
        tombstones: Vec::new(),
    }
}

#[test]
fn a_comparison_tells_of_the_numbers_that_it_names_and_of_no_others() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=30 {
        dara.create(record(n), vec![(NAME, text("one"))], 10);
    }
    dara.sync(&office);
    let ask = |request| compare(&office.files, &office.env, &dara.caller, request).unwrap();
    let few = ask(compared(&dara, [0, 7, 30].into_iter()));
    let told: Vec<u64> = few.actors[0].results.iter().map(|r| r.seq.get()).collect();
    assert_eq!(told, [7, 30]);
    assert_eq!(few.actors[0].agreed.get(), 30);
    // Wherever two chains part, it is found.
    for parts in 1..=30 {
        let mut request = compared(&dara, 0..31);
        for point in &mut request.actors[0].points[parts..] {
            point.hash = ChainHash::from_bytes([9; 32]);
        }
        let agreement = &ask(request).actors[0];
        assert_eq!(agreement.agreed.get(), parts as u64 - 1);
        assert_eq!(agreement.results.len(), parts - 1);
    }
}

#[test]
fn a_comparison_names_each_actor_once_and_its_points_in_order() {
    let office = Office::open();
    let dara = office.worker(2);
    let code = |change: fn(&mut CompareRequest)| {
        let mut request = compared(&dara, [0].into_iter());
        change(&mut request);
        request.check().map_err(|e| e.code())
    };
    assert_eq!(code(|_| {}), Ok(()));
    assert_eq!(
        code(|r| r.actors.push(r.actors[0].clone())),
        Err("duplicate_entry")
    );
    assert_eq!(
        code(|r| {
            let again = r.actors[0].points[0];
            r.actors[0].points.push(again);
        }),
        Err("value_invalid")
    );
    assert_eq!(
        code(|r| {
            let chain = r.actors[0].clone();
            let actor = |n| ActorChain {
                actor: ActorId(n),
                ..chain.clone()
            };
            r.actors = (1..=COMPARED_ACTORS_MAX as u32 + 1).map(actor).collect();
        }),
        Err("limit_exceeded")
    );
    assert_eq!(
        code(|r| {
            let point = |n| ChainPoint {
                seq: Seq::new(n).unwrap(),
                ..r.actors[0].points[0]
            };
            r.actors[0].points = (0..=COMPARED_POINTS_MAX as u64).map(point).collect();
        }),
        Err("limit_exceeded")
    );
    assert_eq!(
        code(|r| {
            let stone = SignedTombstone {
                hash: record(1).tombstone(),
                sig: String::new(),
            };
            r.tombstones = vec![stone; TOMBSTONES_MAX + 1];
        }),
        Err("limit_exceeded")
    );
}
