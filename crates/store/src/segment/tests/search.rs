use std::collections::HashSet;

use proofbook_event::{Event, Group, GroupBytes, Timestamp, event::Clear};
use proofbook_filter::fold;

use super::model::{self, Numbers, OwnedRow, Shape};
use crate::segment::{Column, FieldColumn, GroupSet, Segment};

fn event<'a>(row: &'a OwnedRow, groups: &GroupBytes<'a>) -> Event<'a> {
    let clear = Clear {
        workspace: "acme".into(),
        seq: row.seq,
        recorded_at: Timestamp::from_micros(row.recorded_at),
        occurred_at: Timestamp::from_micros(row.occurred_at),
        action: Some(row.action.as_str().into()),
        outcome: row.outcome,
    };
    Event::from_groups(clear, groups).unwrap()
}

/// What the filter language reads from a column's part of an event, spelled out.
fn facts(column: FieldColumn, event: &Event<'_>) -> Vec<String> {
    let party = |party: Option<&proofbook_event::Value<'_>>| format!("{party:?}");
    match column {
        FieldColumn::Actor => {
            vec![party(event.actor()), party(event.on_behalf_of()), party(event.via())]
        }
        FieldColumn::Described => vec![
            format!("{:?}", event.module_id()),
            format!("{:?}", event.module_title()),
            format!("{:?}", event.described("verb")),
            format!("{:?}", event.described("severity")),
            format!("{:?}", event.described("title")),
        ],
        FieldColumn::Place => {
            vec![format!("{:?}", event.context("ip")), format!("{:?}", event.context("country"))]
        }
        FieldColumn::Session => vec![format!("{:?}", event.context("session_id"))],
        FieldColumn::Changed => {
            event.changes().iter().map(|c| format!("{:?}", c.get("path"))).collect()
        }
        FieldColumn::Source => {
            vec![format!("{:?}", event.source().and_then(|source| source.get("name")))]
        }
        FieldColumn::Metadata => vec![format!("{:?}", event.metadata())],
        FieldColumn::Targets => {
            event.targets().iter().map(|target| format!("{target:?}")).collect()
        }
        FieldColumn::TargetTypes => {
            event.targets().iter().map(|target| format!("{:?}", target.get("type"))).collect()
        }
    }
}

/// Compares every column of every block with the rows; returns which were coded.
fn check_columns(segment: &Segment, rows: &[OwnedRow]) -> HashSet<FieldColumn> {
    let mut coded = HashSet::new();
    for block in 0..segment.blocks() {
        let range = segment.rows_of_block(block);
        let (times, seqs) = (segment.occurred_at(block).unwrap(), segment.seqs(block).unwrap());
        let (actions, outcomes) =
            (segment.actions(block).unwrap(), segment.outcomes(block).unwrap());
        assert_eq!(times.len(), range.len());
        for (place, row) in range.clone().enumerate() {
            let row = &rows[row as usize];
            assert_eq!(times.get(place), row.occurred_at);
            assert_eq!(seqs.get(place), row.seq as i64);
            assert_eq!(actions.get(place), Some(&*row.action));
            assert_eq!(outcomes.get(place), Some(row.outcome.as_str()));
        }
        for column in FieldColumn::ALL {
            let read = segment.column(column, block).unwrap();
            let Column::Coded(read) = &*read else { continue };
            coded.insert(column);
            let distinct: HashSet<&[u8]> = read.entries().collect();
            assert_eq!(distinct.len(), read.len(), "entries are distinct");
            let mut visited = vec![None; range.len()];
            read.for_each_code(0..range.len(), |place, code| visited[place] = Some(code));
            for (place, row) in range.clone().enumerate() {
                let row = &rows[row as usize];
                let code = read.code(place);
                assert_eq!(code, visited[place]);
                assert_eq!(code.is_some(), row.groups[column.group().index()].is_some());
                let groups = code.map(|code| read.entry_groups(code)).unwrap_or_default();
                let (from_entry, from_row) = (event(row, &groups), event(row, &row.row().groups));
                assert_eq!(facts(column, &from_entry), facts(column, &from_row));
            }
        }
    }
    coded
}

fn texts(row: &OwnedRow) -> Vec<(Option<Group>, String)> {
    let mut texts = vec![(None, fold(&row.action).into_owned())];
    for group in Group::ALL {
        let Some(bytes) = &row.groups[group.index()] else { continue };
        let value = proofbook_event::Value::parse(bytes).unwrap();
        value.for_each_text(&mut |text| texts.push((Some(group), fold(text).into_owned())));
    }
    texts
}

/// Asks for random parts of stored texts, and for strangers; a "no" must never be wrong.
fn check_text(segment: &Segment, rows: &[OwnedRow], seed: u64, asked: usize) -> (usize, usize) {
    let mut numbers = Numbers(seed);
    let (mut no, mut maybe) = (0, 0);
    let blocks: Vec<Vec<(Option<Group>, String)>> = (0..segment.blocks())
        .map(|block| {
            let range = segment.rows_of_block(block);
            let rows = &rows[range.start as usize..range.end as usize];
            let distinct: HashSet<_> = rows.iter().flat_map(texts).collect();
            let mut distinct: Vec<_> = distinct.into_iter().collect();
            distinct.sort_unstable();
            distinct
        })
        .collect();
    for _ in 0..asked {
        let home = &blocks[numbers.below(blocks.len() as u64) as usize];
        let (_, text) = &home[numbers.below(home.len() as u64) as usize];
        let characters: Vec<char> = text.chars().collect();
        let from = numbers.below(characters.len() as u64 + 1) as usize;
        let to = from + numbers.below((characters.len() - from) as u64 + 1) as usize;
        let mut needle: String = characters[from..to].iter().collect();
        if numbers.chance(30) {
            needle.push(*numbers.pick(&[&'z', &'q', &'7', &'-', &' ', &'é']));
        }
        for (block, stored) in blocks.iter().enumerate() {
            let groups = segment.text_groups(block, &needle, None).unwrap();
            if groups != GroupSet::ALL {
                let finder = memchr::memmem::Finder::new(&needle);
                for (group, text) in stored {
                    let missed = group.is_some_and(|group| !groups.contains(group));
                    let is_in = missed && finder.find(text.as_bytes()).is_some();
                    assert!(!is_in, "{needle:?} is in {text:?}");
                }
            }
            *if groups.is_empty() { &mut no } else { &mut maybe } += 1;
        }
    }
    (no, maybe)
}

#[test]
fn a6_columns_say_what_the_events_say() {
    for (seed, rows, workspaces) in [(51, 700, 3), (52, 5000, 5)] {
        let shape = Shape { rows, workspaces, late_micros: 500, seq_start: 0 };
        let rows = model::rows(seed, shape);
        let coded = check_columns(&model::segment(&rows), &rows);
        assert!(coded.contains(&FieldColumn::Actor) && coded.contains(&FieldColumn::Targets));
    }
}

#[test]
fn a6_a_column_with_too_many_entries_is_uncoded_and_its_values_are_in_the_filter() {
    let shape = Shape { rows: 4000, workspaces: 1, late_micros: 0, seq_start: 0 };
    let mut rows = model::rows(53, shape);
    for (at, row) in rows.iter_mut().enumerate() {
        let text = format!("[{{\"id\":\"T-{at}\",\"name\":\"Näme {at}\",\"type\":\"project\"}}]");
        row.groups[Group::Targets.index()] = Some(text.into_bytes());
    }
    let segment = model::segment(&rows);
    let coded = check_columns(&segment, &rows);
    assert!(!coded.contains(&FieldColumn::Targets));
    assert!(coded.contains(&FieldColumn::TargetTypes));
    for at in 0..rows.len() {
        assert!(segment.value_may_be_in(0, &fold(&format!("T-{at}"))).unwrap());
        assert!(segment.value_may_be_in(0, &fold(&format!("Näme {at}"))).unwrap());
    }
    let strangers = (0..10_000)
        .filter(|at| segment.value_may_be_in(0, &format!("t-{}", at + 100_000)).unwrap())
        .count();
    assert!(strangers < 100, "{strangers} of 10,000");
    check_text(&segment, &rows, 54, 100);
}

#[test]
fn a6_no_text_is_ever_missed() {
    for seed in [55, 56] {
        let shape = Shape { rows: 6000, workspaces: 3, late_micros: 0, seq_start: 0 };
        let rows = model::rows(seed, shape);
        let (no, maybe) = check_text(&model::segment(&rows), &rows, seed, 200);
        assert!(no > 0 && maybe > 0, "{no} no, {maybe} maybe");
    }
}

#[test]
fn a6_hostile_texts_are_never_missed() {
    let shape = Shape { rows: 600, workspaces: 1, late_micros: 0, seq_start: 0 };
    let mut rows = model::rows(57, shape);
    let mut numbers = Numbers(58);
    let pieces = [
        "a1b2c3d4e5f6a7b8",
        "-",
        "_",
        " ",
        "ab",
        "0",
        "x9y8z7w6v5u4t3s2",
        "é",
        "ß",
        "İ",
        "Å",
        "\\u0001",
        "\\\"",
        "ff00ff00ff00ff00ff00",
        "word",
        "：",
        "１２３４５６",
        "ＡＢ１Ｃ２Ｄ３Ｅ４Ｆ５Ｇ６Ｈ７",
    ];
    for row in &mut rows {
        let text: String =
            (0..numbers.below(9)).map(|_| *numbers.pick(&pieces.each_ref())).collect();
        row.groups[Group::Metadata.index()] =
            Some(format!("{{\"metadata\":{{\"k\":\"{text}\"}}}}").into_bytes());
        row.groups[Group::Id.index()] = Some(
            match numbers.below(3) {
                0 => format!("\"{}\"", numbers.hex(20)),
                1 => format!("\"evt:{}-{}\"", numbers.hex(20), numbers.hex(4)),
                _ => format!("\"{}\"", numbers.hex(30).to_uppercase()),
            }
            .into_bytes(),
        );
    }
    let segment = model::segment(&rows);
    check_text(&segment, &rows, 59, 1500);
}

#[test]
fn a6_a_rare_word_and_a_whole_id_leave_few_blocks() {
    let shape = Shape { rows: 21_000, workspaces: 1, late_micros: 0, seq_start: 0 };
    let mut rows = model::rows(60, shape);
    rows[17_000].groups[Group::Metadata.index()] =
        Some(b"{\"metadata\":{\"note\":\"Quetzalcoatl was here\"}}".to_vec());
    let segment = model::segment(&rows);
    let blocks_of = |needle: &str, id_rows: Option<&[u32]>| -> Vec<usize> {
        (0..segment.blocks())
            .filter(|block| !segment.text_groups(*block, needle, id_rows).unwrap().is_empty())
            .collect()
    };
    assert_eq!(blocks_of("quetzalcoatl", None), [17_000 / 4096]);
    // A request id is in the filter of values.
    let context = rows.iter().find_map(|row| row.group(Group::Context)).unwrap();
    let at = context.find("request_id\":\"").unwrap() + 13;
    let found = blocks_of(&context[at..at + 32], Some(&[]));
    assert!(found.contains(&0) && found.len() <= 2, "{found:?}");
    // An id is in the index of ids.
    let id = rows[20_000].group(Group::Id).unwrap().trim_matches('"').to_owned();
    let found = blocks_of(&id, Some(&[20_000]));
    assert!(found.contains(&4) && found.len() <= 2, "{found:?}");
    assert_eq!(blocks_of(&id, None).len(), segment.blocks());
    // A part of an id is a maybe, in the groups that have such tokens.
    let part = segment.text_groups(0, &id[3..19], Some(&[])).unwrap();
    assert_eq!(part, GroupSet::of([Group::Id, Group::Context]));
    assert!(blocks_of("g00d", Some(&[])).is_empty(), "no hex token holds a g");
}

#[test]
fn the_byte_ledger_adds_up_to_both_files() {
    let shape = Shape { rows: 5000, workspaces: 3, late_micros: 1 << 40, seq_start: 0 };
    let segment = model::segment(&model::rows(61, shape));
    let files = segment.files();
    let total: u64 = segment.byte_ledger().iter().map(|line| line.bytes).sum();
    assert_eq!(total, files.parquet.len + files.idx.len);
}
