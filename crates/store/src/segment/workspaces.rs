//! Which workspaces a segment holds, where, and in which order of seq.
//!
//! Kept as packed arrays, since a segment may hold 100,000 workspaces with ten events each: some 25
//! bytes a workspace, 16 of them its uid.
//!
//! A workspace is *straight* when its seqs ascend with its rows; then seq → row is a subtraction.
//! Otherwise the least and greatest seq of its part of each block is kept (a *span*), and a row is
//! found by looking into the blocks whose span holds the seq; late events make that one or two. When
//! the spans overlap more than [`SPAN_OVERLAP_MAX`] times, as after an import in no order, the rows
//! in seq order are written out instead (a *permutation*).

use std::ops::Range;

use proofbook_ledger::WorkspaceUid;

use crate::codec::{DecodeError, Decoder, Encode};

use super::error::SegmentError;
use super::purged::Cover;
use super::thin::Thin;
use super::{Row, SEGMENT_ROWS_MAX};

/// How many blocks a seq may lie in the span of, on average, before a permutation is written.
const SPAN_OVERLAP_MAX: u64 = 4;

/// What a segment holds of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRange {
    /// Its rows in the segment.
    pub rows: Range<u32>,
    /// Its seqs, from the first row's to the last row's; as many as rows, and those purged between
    /// them.
    pub seqs: Range<u64>,
    /// Earliest occurred_at, microseconds UTC.
    pub t_min: i64,
    /// Latest occurred_at, microseconds UTC.
    pub t_max: i64,
}

/// How a workspace's seqs relate to its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeqOrder<'a> {
    /// `row = rows.start + (seq - seqs.start)`.
    Straight,
    /// Least and greatest seq, relative to `seqs.start`, for each block that the rows touch.
    Spans(&'a [(u32, u32)]),
    /// First permutation piece; each holds [`super::BLOCK_ROWS`] rows relative to `rows.start`.
    Permutation(u32),
}

/// The workspaces of a segment, sorted by uid.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Workspaces {
    uids: Box<[WorkspaceUid]>,
    row_starts: Thin,
    seq_starts: Thin,
    t_mins: Thin,
    /// How far the latest occurred_at is behind the earliest.
    t_spans: Thin,
    rows: u32,
    /// Workspaces that are not straight, ascending.
    crooked: Vec<u32>,
    /// For each crooked one: first span, or `PERMUTED | first piece`.
    crooked_at: Vec<u32>,
    spans: Vec<(u32, u32)>,
    /// Workspaces with purged seqs between their rows, ascending, and their seqs from first to last.
    holed: Vec<(u32, u32)>,
}

/// The same while they are collected.
#[derive(Debug, Default)]
struct Collected {
    uids: Vec<WorkspaceUid>,
    row_starts: Vec<u32>,
    seq_starts: Vec<u64>,
    times: Vec<(i64, i64)>,
    rows: u32,
    crooked: Vec<u32>,
    crooked_at: Vec<u32>,
    spans: Vec<(u32, u32)>,
    holed: Vec<(u32, u32)>,
}

impl From<Collected> for Workspaces {
    fn from(of: Collected) -> Self {
        Self {
            uids: of.uids.into(),
            row_starts: of.row_starts.iter().map(|start| i64::from(*start)).collect(),
            seq_starts: of.seq_starts.iter().map(|seq| *seq as i64).collect(),
            t_mins: of.times.iter().map(|(t_min, _)| *t_min).collect(),
            t_spans: of.times.iter().map(|(t_min, t_max)| t_max.wrapping_sub(*t_min)).collect(),
            rows: of.rows,
            crooked: of.crooked,
            crooked_at: of.crooked_at,
            spans: of.spans,
            holed: of.holed,
        }
    }
}

const PERMUTED: u32 = 1 << 31;

impl Workspaces {
    pub(super) fn len(&self) -> usize {
        self.uids.len()
    }

    pub(super) fn find(&self, uid: &WorkspaceUid) -> Option<usize> {
        self.uids.binary_search(uid).ok()
    }

    fn row_start(&self, index: usize) -> Option<u32> {
        self.row_starts.get(index).map(|start| start as u32)
    }

    /// As [`Workspaces::find`], of uids that come ascending: `from` is where the last search ended.
    pub(super) fn find_after(&self, uid: &WorkspaceUid, from: &mut usize) -> Option<usize> {
        let mut step = 1;
        while self.uids.get(*from + step).is_some_and(|next| next <= uid) {
            *from += step;
            step *= 2;
        }
        let near = self.uids.get(*from..).unwrap_or_default();
        let near = &near[..near.len().min(step)];
        *from += near.partition_point(|known| known < uid);
        (self.uids.get(*from) == Some(uid)).then_some(*from)
    }

    /// Returns how many rows a workspace has, by its place; `None` when it is none.
    pub(super) fn rows_of(&self, place: u32) -> Option<u32> {
        let start = self.row_start(place as usize)?;
        Some(self.row_start(place as usize + 1).unwrap_or(self.rows) - start)
    }

    /// Returns how many seqs a workspace has from its first row's to its last row's, by its place.
    pub(super) fn seq_count_of(&self, place: u32) -> Option<u32> {
        match self.holed.binary_search_by_key(&place, |(holed, _)| *holed) {
            Ok(at) => Some(self.holed[at].1),
            Err(_) => self.rows_of(place),
        }
    }

    /// Tells whether seqs are missing between a workspace's rows because they were purged.
    pub(super) fn has_holes(&self, index: usize) -> bool {
        self.holed.binary_search_by_key(&(index as u32), |(holed, _)| *holed).is_ok()
    }

    /// Returns the workspace that holds a row of the segment.
    pub(super) fn of_row(&self, row: u32) -> usize {
        self.row_starts.count_up_to(i64::from(row)).saturating_sub(1)
    }

    pub(super) fn uid(&self, index: usize) -> WorkspaceUid {
        self.uids[index]
    }

    /// Returns what the segment holds of a workspace; `index` is below [`Workspaces::len`].
    pub(super) fn range(&self, index: usize) -> WorkspaceRange {
        let start = self.row_start(index).unwrap_or(self.rows);
        let end = self.row_start(index + 1).unwrap_or(self.rows);
        let seq = self.seq_starts.get(index).unwrap_or(0) as u64;
        let t_min = self.t_mins.get(index).unwrap_or(0);
        let t_max = t_min.wrapping_add(self.t_spans.get(index).unwrap_or(0));
        let seq_count = self.seq_count_of(index as u32).unwrap_or(0);
        WorkspaceRange { rows: start..end, seqs: seq..seq + u64::from(seq_count), t_min, t_max }
    }

    pub(super) fn seq_order(&self, index: usize) -> SeqOrder<'_> {
        let Ok(place) = self.crooked.binary_search(&(index as u32)) else {
            return SeqOrder::Straight;
        };
        let at = self.crooked_at[place];
        if at & PERMUTED != 0 {
            return SeqOrder::Permutation(at & !PERMUTED);
        }
        let rest = &self.crooked_at[place + 1..];
        let end =
            rest.iter().find(|at| **at & PERMUTED == 0).map_or(self.spans.len(), |at| *at as usize);
        SeqOrder::Spans(&self.spans[at as usize..end])
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let thin = [&self.row_starts, &self.seq_starts, &self.t_mins, &self.t_spans];
        self.uids.len() * 16
            + thin.map(Thin::memory_bytes).iter().sum::<usize>()
            + (self.crooked.capacity() + self.crooked_at.capacity()) * 4
            + (self.spans.capacity() + self.holed.capacity()) * 8
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_varint(self.uids.len() as u64);
        out.put_varint(u64::from(self.rows));
        self.uids.iter().for_each(|uid| out.put_raw(&uid.0));
        let mut previous = 0;
        for start in self.row_starts.iter() {
            out.put_varint((start - previous) as u64);
            previous = start;
        }
        self.seq_starts.iter().for_each(|seq| out.put_varint(seq as u64));
        for (t_min, t_span) in self.t_mins.iter().zip(self.t_spans.iter()) {
            out.put_signed(t_min);
            out.put_varint(t_span as u64);
        }
        out.put_varint(self.crooked.len() as u64);
        let mut previous = 0;
        for (index, at) in self.crooked.iter().zip(&self.crooked_at) {
            out.put_varint(u64::from(index - previous));
            out.put_varint(u64::from(*at));
            previous = *index;
        }
        out.put_varint(self.spans.len() as u64);
        for (least, most) in &self.spans {
            out.put_varint(u64::from(*least));
            out.put_varint(u64::from(most - least));
        }
    }

    pub(super) fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let bad = || DecodeError::Unknown("workspaces");
        let count = from.varint_u32("workspaces")? as usize;
        let rows = from.varint_u32("rows")?;
        let uids = from.raw(count.checked_mul(16).ok_or_else(bad)?, "uids")?;
        let uids: Vec<WorkspaceUid> =
            uids.as_chunks::<16>().0.iter().map(|uid| WorkspaceUid(*uid)).collect();
        if !uids.is_sorted_by(|a, b| a < b) {
            return Err(bad());
        }
        let mut row_starts = Vec::with_capacity(count);
        let mut start = 0_u32;
        for index in 0..count {
            let step = from.varint_u32("row start")?;
            if (step == 0) != (index == 0) {
                return Err(bad());
            }
            start = start.checked_add(step).filter(|start| *start < rows).ok_or_else(bad)?;
            row_starts.push(start);
        }
        let mut seq_starts = Vec::with_capacity(count);
        for _ in 0..count {
            seq_starts.push(from.varint("seq")?);
        }
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let t_min = from.signed("time")?;
            times.push((t_min, t_min.wrapping_add(from.varint("time")? as i64)));
        }
        let crooked_count = from.varint_u32("crooked")? as usize;
        let (mut crooked, mut crooked_at) = (Vec::new(), Vec::new());
        let mut index = 0_u32;
        for place in 0..crooked_count {
            let step = from.varint_u32("crooked")?;
            if step == 0 && place > 0 {
                return Err(bad());
            }
            index = index.checked_add(step).ok_or_else(bad)?;
            crooked.push(index);
            crooked_at.push(from.varint_u32("crooked at")?);
        }
        let span_count = from.varint_u32("spans")? as usize;
        let mut spans = Vec::new();
        for _ in 0..span_count {
            let least = from.varint_u32("span")?;
            spans.push((least, least.checked_add(from.varint_u32("span")?).ok_or_else(bad)?));
        }
        let at = crooked_at.iter().filter(|at| **at & PERMUTED == 0).map(|at| *at as usize);
        if !at.clone().is_sorted() || at.clone().any(|at| at > spans.len()) {
            return Err(bad());
        }
        let holed = Vec::new();
        let read = Collected {
            uids,
            row_starts,
            seq_starts,
            times,
            rows,
            crooked,
            crooked_at,
            spans,
            holed,
        };
        Ok(read.into())
    }

    /// Appends what purged seqs change in the ranges.
    pub(super) fn encode_holes(&self, out: &mut Vec<u8>) {
        out.put_varint(self.holed.len() as u64);
        for (place, seq_count) in &self.holed {
            out.put_varint(u64::from(*place));
            out.put_varint(u64::from(*seq_count));
        }
    }

    /// Takes what [`Workspaces::encode_holes`] wrote.
    pub(super) fn decode_holes(&mut self, from: &mut Decoder<'_>) -> Result<(), DecodeError> {
        for _ in 0..from.varint("holed")? {
            let place = from.varint_u32("holed")?;
            let seq_count = from.varint_u32("seqs")?;
            let ascends = self.holed.last().is_none_or(|(last, _)| *last < place);
            if !ascends || self.rows_of(place).is_none_or(|rows| rows >= seq_count) {
                return Err(DecodeError::Unknown("holed"));
            }
            self.holed.push((place, seq_count));
        }
        Ok(())
    }
}

/// Checks the order of rows as they come and builds [`Workspaces`].
#[derive(Default)]
pub(super) struct WorkspacesBuilder {
    done: Collected,
    permutation_pieces: u32,
    current: Option<Current>,
    /// Which seqs may be missing between rows.
    holes: Holes,
}

/// Which seqs may be missing between a workspace's rows.
#[derive(Default)]
pub(super) enum Holes {
    /// None.
    #[default]
    Never,
    /// Those that fill the range together with the rows, by workspace uid.
    Purged(Vec<Cover>),
    /// Any: the leaf hashes that would tell are lost.
    Unknown,
}

/// The workspace whose rows are coming.
struct Current {
    uid: WorkspaceUid,
    first_seq: u64,
    last_key: (i64, u64),
    t_min: i64,
    row_start: u32,
    /// Seqs less the first one, once they were found not to be straight.
    crooked: Vec<i32>,
    rows: u32,
    least: i32,
    most: i32,
    straight: bool,
    spans: Vec<(i32, i32)>,
    block: u32,
}

/// A workspace whose last row came.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its place among the segment's workspaces.
    pub(super) place: u32,
    pub(super) uid: WorkspaceUid,
    pub(super) seq_start: u64,
    /// Seqs from its first row's to its last row's.
    pub(super) seq_count: u32,
    /// Its rows in seq order, when they are to be written as permutation pieces; -1 for purged seqs.
    pub(super) permutation: Option<Vec<i64>>,
}

impl WorkspacesBuilder {
    /// Begins with what is known of purged seqs.
    pub(super) fn with_holes(holes: Holes) -> Self {
        Self { holes, ..Self::default() }
    }

    fn may_have_holes(&self, current: &Current, seqs: Range<u64>) -> bool {
        match &self.holes {
            Holes::Never => false,
            Holes::Unknown => true,
            Holes::Purged(covers) => {
                let at = covers.binary_search_by_key(&current.uid, |cover| cover.workspace);
                at.is_ok_and(|at| {
                    let Cover { seqs: cover, purged, .. } = &covers[at];
                    cover.start <= seqs.start
                        && seqs.end <= cover.end
                        && u64::from(current.rows) + u64::from(*purged) == cover.end - cover.start
                })
            }
        }
    }

    pub(super) fn rows(&self) -> u32 {
        self.done.rows
    }

    /// Takes the next row, which stands in block number `block`.
    ///
    /// Returns the workspace before, when this row ends it.
    pub(super) fn push(
        &mut self,
        row: &Row<'_>,
        block: u32,
    ) -> Result<Option<Ended>, SegmentError> {
        if self.done.rows >= SEGMENT_ROWS_MAX {
            return Err(SegmentError::refused(format!("more than {SEGMENT_ROWS_MAX} rows")));
        }
        let mut ended = None;
        if self.current.as_ref().is_none_or(|current| current.uid != row.workspace) {
            if self.current.as_ref().is_some_and(|current| current.uid > row.workspace) {
                return Err(SegmentError::refused("workspaces do not ascend"));
            }
            ended = self.end()?;
            self.current = Some(Current::new(row, self.done.rows, block));
        } else if let Some(current) = &mut self.current {
            current.push(row, block)?;
        }
        self.done.rows += 1;
        Ok(ended)
    }

    /// Ends the last workspace.
    pub(super) fn end(&mut self) -> Result<Option<Ended>, SegmentError> {
        let Some(current) = self.current.take() else {
            return Ok(None);
        };
        let rows = current.rows;
        let seq_start = current.first_seq.wrapping_add_signed(i64::from(current.least));
        // Both lie within `SEGMENT_ROWS_MAX` of the first seq.
        let seq_count = (i64::from(current.most) - i64::from(current.least) + 1) as u32;
        let seqs = seq_start..seq_start + u64::from(seq_count);
        let is_holed = seq_count > rows && self.may_have_holes(&current, seqs);
        if seq_count != rows && !is_holed {
            return Err(SegmentError::refused(format!(
                "seqs of workspace {} are not one contiguous range",
                current.uid
            )));
        }
        self.done.uids.push(current.uid);
        self.done.row_starts.push(current.row_start);
        self.done.seq_starts.push(seq_start);
        self.done.times.push((current.t_min, current.last_key.0));
        let place = self.done.uids.len() as u32 - 1;
        let ended = |permutation| {
            Ok(Some(Ended { place, uid: current.uid, seq_start, seq_count, permutation }))
        };
        if is_holed {
            self.done.holed.push((place, seq_count));
        }
        if current.straight {
            return ended(None);
        }
        let mut permutation = vec![-1_i64; seq_count as usize];
        for (row, seq) in current.crooked.iter().enumerate() {
            let slot = &mut permutation[(seq - current.least) as usize];
            if *slot >= 0 {
                return Err(SegmentError::refused(format!(
                    "workspace {} has a seq twice",
                    current.uid
                )));
            }
            *slot = row as i64;
        }
        let width = |(least, most): &(i32, i32)| (most - least) as u64 + 1;
        let overlap: u64 = current.spans.iter().map(width).sum();
        self.done.crooked.push(place);
        if overlap > SPAN_OVERLAP_MAX * u64::from(rows) {
            self.done.crooked_at.push(PERMUTED | self.permutation_pieces);
            self.permutation_pieces += permutation.len().div_ceil(super::BLOCK_ROWS) as u32;
            return ended(Some(permutation));
        }
        self.done.crooked_at.push(self.done.spans.len() as u32);
        let relative = |(least, most): &(i32, i32)| {
            ((least - current.least) as u32, (most - current.least) as u32)
        };
        self.done.spans.extend(current.spans.iter().map(relative));
        ended(None)
    }

    /// Returns what was built; [`WorkspacesBuilder::end`] came before.
    pub(super) fn finish(self) -> Workspaces {
        self.done.into()
    }
}

impl Current {
    fn new(row: &Row<'_>, row_start: u32, block: u32) -> Self {
        Self {
            uid: row.workspace,
            first_seq: row.seq,
            last_key: (row.occurred_at, row.seq),
            t_min: row.occurred_at,
            row_start,
            crooked: Vec::new(),
            rows: 1,
            least: 0,
            most: 0,
            straight: true,
            spans: vec![(0, 0)],
            block,
        }
    }

    fn push(&mut self, row: &Row<'_>, block: u32) -> Result<(), SegmentError> {
        let key = (row.occurred_at, row.seq);
        if key <= self.last_key {
            return Err(SegmentError::refused("rows do not ascend by occurred_at and seq"));
        }
        self.last_key = key;
        let seq = i128::from(row.seq) - i128::from(self.first_seq);
        let bound = i128::from(SEGMENT_ROWS_MAX);
        let seq = i32::try_from(seq).ok().filter(|seq| i128::from(*seq).abs() <= bound);
        let Some(seq) = seq else {
            return Err(SegmentError::refused(format!(
                "seqs of workspace {} are not one contiguous range",
                self.uid
            )));
        };
        if self.straight && i64::from(seq) != i64::from(self.rows) {
            self.straight = false;
            self.crooked = (0..self.rows as i32).collect();
        }
        if !self.straight {
            self.crooked.push(seq);
        }
        self.rows += 1;
        self.least = self.least.min(seq);
        self.most = self.most.max(seq);
        if block != self.block {
            self.block = block;
            self.spans.push((seq, seq));
        } else if let Some((least, most)) = self.spans.last_mut() {
            *least = (*least).min(seq);
            *most = (*most).max(seq);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
