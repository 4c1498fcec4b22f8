//! The oracle: a plain list of rows, and rows made from a seed.

use std::sync::Arc;

use proofbook_event::{Group, GroupBytes, Outcome};
use proofbook_ledger::WorkspaceUid;

use crate::disk::{Disk, SimDisk};
use crate::names;
use crate::segment::{BlockCache, IdEntry, Row, Segment, SegmentMeta, SegmentWriter};

/// SplitMix64 (Steele, Lea, Flood 2014): numbers from a seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let text: String =
            (0..digits.div_ceil(16)).map(|_| format!("{:016x}", self.next())).collect();
        text[..digits].to_owned()
    }
}

/// A row that owns its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedRow {
    pub(crate) workspace: WorkspaceUid,
    pub(crate) occurred_at: i64,
    pub(crate) seq: u64,
    pub(crate) recorded_at: i64,
    pub(crate) run: u32,
    pub(crate) k: u16,
    pub(crate) flags: u8,
    pub(crate) outcome: Outcome,
    pub(crate) action: String,
    pub(crate) groups: [Option<Vec<u8>>; Group::COUNT],
    pub(crate) withheld: Vec<u8>,
    pub(crate) id: IdEntry,
}

impl OwnedRow {
    pub(crate) fn row(&self) -> Row<'_> {
        let mut groups = GroupBytes::default();
        for group in Group::ALL {
            groups.set(group, self.groups[group.index()].as_deref());
        }
        Row {
            workspace: self.workspace,
            occurred_at: self.occurred_at,
            seq: self.seq,
            recorded_at: self.recorded_at,
            run: self.run,
            k: self.k,
            flags: self.flags,
            outcome: self.outcome,
            action: &self.action,
            groups,
            withheld: &self.withheld,
        }
    }

    pub(crate) fn group(&self, group: Group) -> Option<&str> {
        self.groups[group.index()].as_deref().map(|bytes| std::str::from_utf8(bytes).unwrap())
    }
}

/// How many rows to make and how wild they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    pub(crate) workspaces: u64,
    /// Greatest distance between the order of seqs and the order of occurred_at.
    pub(crate) late_micros: u64,
    pub(crate) seq_start: u64,
}

pub(crate) const WORDS: &[&str] = &[
    "Website",
    "Überweisung",
    "Ada Park",
    "naïve café",
    "ΣΊΣΥΦΟΣ",
    "straße",
    "invoice",
    "Old plan",
    "東京 office",
    "a\\\"quoted\\\" name",
    "line\\nbreak",
    "x",
    "",
    "release-2024-01",
    "v2",
];

/// Makes rows in the order of a segment.
pub(crate) fn rows(seed: u64, shape: Shape) -> Vec<OwnedRow> {
    let mut numbers = Numbers(seed);
    let uids: Vec<WorkspaceUid> = (0..shape.workspaces)
        .map(|_| {
            let mut uid = [0; 16];
            uid[..8].copy_from_slice(&numbers.next().to_be_bytes());
            uid[8..].copy_from_slice(&numbers.next().to_be_bytes());
            WorkspaceUid(uid)
        })
        .collect();
    let mut seqs = vec![shape.seq_start; uids.len()];
    let mut made: Vec<OwnedRow> = (0..shape.rows)
        .map(|at| {
            let place = (numbers.below(shape.workspaces) * numbers.below(shape.workspaces + 1)
                / shape.workspaces.max(1)) as usize;
            let place = place.min(uids.len() - 1);
            let seq = seqs[place];
            seqs[place] += 1;
            let recorded_at = 1_790_000_000_000_000 + at as i64 * 700;
            one_row(&mut numbers, uids[place], seq, recorded_at, shape.late_micros)
        })
        .collect();
    made.sort_by_key(|row| row.row().key());
    made
}

fn one_row(
    numbers: &mut Numbers,
    workspace: WorkspaceUid,
    seq: u64,
    recorded_at: i64,
    late_micros: u64,
) -> OwnedRow {
    let late = if late_micros == 0 { 0 } else { numbers.below(late_micros) as i64 };
    let word = |numbers: &mut Numbers| numbers.pick(WORDS);
    let mut groups: [Option<Vec<u8>>; Group::COUNT] = Default::default();
    let mut set = |group: Group, text: String| groups[group.index()] = Some(text.into_bytes());
    set(Group::Id, format!("\"{}\"", numbers.hex(32)));
    if numbers.chance(90) {
        let who = numbers.below(9);
        let name = word(numbers);
        set(
            Group::Actor,
            format!(
                "{{\"actor\":{{\"email\":\"u{who}@acme.example\",\"id\":\"u_{who}\",\"name\":\"{name}\",\"type\":\"user\"}},\"via\":{{\"channel\":\"api\"}}}}"
            ),
        );
    }
    if numbers.chance(60) {
        let (a, b) = (word(numbers), word(numbers));
        set(
            Group::Changes,
            format!(
                "{{\"after\":{{\"name\":\"{b}\"}},\"before\":{{\"name\":\"{a}\"}},\"changes\":[{{\"after\":\"{b}\",\"before\":\"{a}\",\"kind\":\"update\",\"path\":\"/name\"}}]}}"
            ),
        );
    }
    if numbers.chance(80) {
        let (ip, request) = (numbers.below(250), numbers.hex(32));
        set(
            Group::Context,
            format!(
                "{{\"country\":\"DE\",\"ip\":\"203.0.113.{ip}\",\"request_id\":\"{request}\",\"user_agent\":\"Mozilla/5.0\"}}"
            ),
        );
    }
    if numbers.chance(90) {
        let name = word(numbers);
        set(
            Group::Description,
            format!(
                "{{\"description\":\"changed {name}\",\"module\":{{\"id\":\"projects\",\"title\":\"Projects\"}},\"severity\":\"info\",\"title\":\"Project Update\",\"verb\":\"update\"}}"
            ),
        );
    }
    match numbers.below(5) {
        0 => set(Group::Metadata, "{\"metadata\":{}}".to_owned()),
        1 => set(Group::Metadata, "{\"metadata\":{\"plan\":\"pro\",\"seats\":3}}".to_owned()),
        2 => set(
            Group::Metadata,
            "{\"metadata\":null,\"source\":{\"name\":\"billing\",\"seq\":8}}".to_owned(),
        ),
        _ => {}
    }
    match numbers.below(5) {
        0 => set(Group::Targets, "[]".to_owned()),
        1 | 2 => {
            let (id, name) = (numbers.below(400), word(numbers));
            set(
                Group::Targets,
                format!("[{{\"id\":\"{id}\",\"name\":\"{name}\",\"type\":\"project\"}}]"),
            );
        }
        3 => set(
            Group::Targets,
            "[{\"id\":\"1\",\"type\":\"user\"},{\"id\":\"p\",\"name\":\"Pro\",\"type\":\"plan\"}]"
                .to_owned(),
        ),
        _ => {}
    }
    OwnedRow {
        workspace,
        occurred_at: recorded_at - late,
        seq,
        recorded_at,
        run: (seq >> 12) as u32 | if numbers.chance(1) { 0x8000_0000 } else { 0 },
        k: (seq & 0xfff) as u16,
        flags: numbers.below(8) as u8,
        outcome: *numbers.pick(&[
            &Outcome::Success,
            &Outcome::Success,
            &Outcome::Failure,
            &Outcome::Denied,
        ]),
        action: numbers
            .pick(&["project.update", "member.invite", "audit_log.exported", "x"])
            .to_owned(),
        groups,
        withheld: if numbers.chance(2) { vec![numbers.next() as u8; 33] } else { Vec::new() },
        id: IdEntry { hash: numbers.next(), fingerprint: numbers.next() },
    }
}

/// Makes a disk that has the directory of segments.
pub(crate) fn disk() -> SimDisk {
    let disk = SimDisk::new(7);
    disk.create_dir(names::SEGMENT_DIR).unwrap();
    disk
}

/// Writes rows as a segment.
pub(crate) fn write(disk: &dyn Disk, name: u64, rows: &[OwnedRow]) -> SegmentMeta {
    let name_of = |uid: WorkspaceUid| format!("ws-{uid}");
    let mut writer = SegmentWriter::create(disk, name, &name_of).unwrap();
    for row in rows {
        writer.push(&row.row(), row.id).unwrap();
    }
    writer.finish().unwrap()
}

/// Writes rows and opens them.
pub(crate) fn segment(rows: &[OwnedRow]) -> Arc<Segment> {
    let disk = disk();
    let meta = write(&disk, 1, rows);
    Arc::new(Segment::open(&disk, meta.files, Arc::new(BlockCache::default())).unwrap())
}
