//! Ids: every record, finding and file that the case names gets its number from content alone.

use std::collections::{BTreeMap, BTreeSet};

use model::case::{CaseEvent, Finding};

use crate::incident::StepResult;
use crate::input::{HostEvidence, Record, RuleHits};

/// Numbers of records and findings.
pub(crate) struct Register<'a> {
    events: BTreeMap<&'a Record, String>,
    findings: BTreeMap<&'a str, String>,
}

impl<'a> Register<'a> {
    /// Numbers all records of hits, and those that statements, clocks and others add.
    pub(crate) fn new(evidence: &'a HostEvidence, more: impl Iterator<Item = &'a Record>) -> Self {
        let mut records: BTreeSet<&Record> =
            evidence.hits.iter().flat_map(|h| &h.records).collect();
        records.extend(more);
        let events =
            records.into_iter().enumerate().map(|(i, r)| (r, format!("E{}", i + 1))).collect();
        let findings = evidence
            .hits
            .iter()
            .enumerate()
            .map(|(i, h)| (h.rule.id.as_str(), format!("F{}", i + 1)))
            .collect();
        Self { events, findings }
    }

    pub(crate) fn event(&self, record: &Record) -> Option<&str> {
        self.events.get(record).map(String::as_str)
    }

    pub(crate) fn finding(&self, hits: &RuleHits) -> Option<&str> {
        self.findings.get(hits.rule.id.as_str()).map(String::as_str)
    }

    /// Ids of records, in order, at most `limit`.
    pub(crate) fn event_ids<'r>(
        &self,
        records: impl IntoIterator<Item = &'r Record>,
        limit: usize,
    ) -> Vec<String> {
        let distinct: BTreeSet<&Record> = records.into_iter().collect();
        distinct.into_iter().filter_map(|r| self.event(r)).take(limit).map(str::to_owned).collect()
    }

    /// The events of the case.
    pub(crate) fn case_events(&self, own_name: Option<&str>) -> Vec<CaseEvent> {
        self.events.iter().map(|(record, id)| case_event(id, record, own_name)).collect()
    }
}

fn case_event(id: &str, record: &Record, own_name: Option<&str>) -> CaseEvent {
    CaseEvent {
        id: id.to_owned(),
        time: record.time,
        raw_time: record.raw_time.clone(),
        time_basis: record.time_basis,
        host: record.host.clone().or_else(|| own_name.map(str::to_owned)),
        logsource: record.logsource.clone(),
        item: item_id(record.item),
        locator: record.locator,
        sha256: record.sha256.clone(),
        summary: Some(record.summary.clone()),
        summary_b64: None,
    }
}

/// Custody id of the file at that place in the list.
pub(crate) fn item_id(index: usize) -> String {
    format!("M{}", index + 1)
}

/// The findings of the case.
pub(crate) fn findings(
    evidence: &HostEvidence,
    steps: &[StepResult<'_>],
    register: &Register<'_>,
) -> Vec<Finding> {
    evidence
        .hits
        .iter()
        .filter_map(|hits| {
            Some(Finding {
                id: register.finding(hits)?.to_owned(),
                rule: hits.rule.clone(),
                level: hits.level,
                attack: hits.attack.clone(),
                stage: stage_of(hits, steps).unwrap_or("none").to_owned(),
                event_count: hits.count,
                events: register.event_ids(&hits.records, usize::MAX),
                matched: hits.matched.clone(),
            })
        })
        .collect()
}

/// The stage of the first step that a finding helps to show.
fn stage_of<'a>(hits: &RuleHits, steps: &[StepResult<'a>]) -> Option<&'a str> {
    steps
        .iter()
        .find(|s| s.hits.iter().any(|(h, _)| h.rule.id == hits.rule.id))
        .and_then(StepResult::stage)
}
