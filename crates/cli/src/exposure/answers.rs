//! What each build of a list means: worked out once for each build, and counted.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use investigate::{Knowledge, StatedBuild, exposure_of_build, representative};
use model::exposure::{BuildExposure, ChainExposure, HoleState};

/// So many answers are remembered. There are some hundreds of builds, and the gaps between them.
const REMEMBERED: usize = 4_096;

/// The columns that are added.
pub(super) const COLUMNS: [&str; 8] = [
    "assay_name",
    "assay_state",
    "assay_open",
    "assay_depends",
    "assay_unknown",
    "assay_open_holes",
    "assay_in_use_since",
    "assay_install",
];

/// The state of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowState {
    Open,
    Unknown,
    Depends,
    NoneOpen,
}

impl RowState {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unknown => "unknown",
            Self::Depends => "depends",
            Self::NoneOpen => "none_open",
        }
    }
}

/// What is said of a build.
pub(super) struct Answer {
    pub(super) state: RowState,
    pub(super) cells: [String; COLUMNS.len()],
    chains: Vec<(String, HoleState)>,
    /// The content knows a product of that build.
    pub(super) known: bool,
}

/// Answers, and how often each was given.
pub(super) struct Answers<'k> {
    knowledge: &'k Knowledge,
    remembered: HashMap<StatedBuild, Rc<Answer>>,
    pub(super) states: BTreeMap<RowState, u64>,
    pub(super) chains: BTreeMap<String, BTreeMap<HoleState, u64>>,
}

impl<'k> Answers<'k> {
    pub(super) fn new(knowledge: &'k Knowledge) -> Self {
        Self {
            knowledge,
            remembered: HashMap::new(),
            states: BTreeMap::new(),
            chains: BTreeMap::new(),
        }
    }

    /// What a build means, counted.
    pub(super) fn of(&mut self, build: StatedBuild) -> Rc<Answer> {
        let build = representative(self.knowledge, build);
        let answer = match self.remembered.get(&build) {
            Some(answer) => answer.clone(),
            None => {
                let answer = Rc::new(answer(&exposure_of_build(self.knowledge, build)));
                if self.remembered.len() < REMEMBERED {
                    self.remembered.insert(build, answer.clone());
                }
                answer
            }
        };
        self.count(answer.state);
        for (chain, state) in &answer.chains {
            *self.chains.entry(chain.clone()).or_default().entry(*state).or_default() += 1;
        }
        answer
    }

    pub(super) fn count(&mut self, state: RowState) {
        *self.states.entry(state).or_default() += 1;
    }
}

fn answer(exposure: &BuildExposure) -> Answer {
    let with = |state| exposure.chains.iter().filter(move |c| c.state == state);
    let ids = |state| with(state).map(|c| c.id.as_str()).collect::<Vec<_>>().join(" ");
    let any = |state| with(state).next().is_some();
    let state = if any(HoleState::Open) {
        RowState::Open
    } else if any(HoleState::Unknown) || exposure.chains.is_empty() {
        RowState::Unknown
    } else if any(HoleState::Depends) {
        RowState::Depends
    } else {
        RowState::NoneOpen
    };
    let open_holes = exposure.holes.iter().filter(|h| h.state == HoleState::Open).count();
    let in_use = with(HoleState::Open).filter_map(in_use_since).min().unwrap_or_default();
    let install = exposure.updates.last().map(|u| u.name.clone()).unwrap_or_default();
    Answer {
        state,
        cells: [
            exposure.name.clone(),
            state.word().to_owned(),
            ids(HoleState::Open),
            ids(HoleState::Depends),
            ids(HoleState::Unknown),
            open_holes.to_string(),
            in_use,
            install,
        ],
        chains: exposure.chains.iter().map(|c| (c.title.clone(), c.state)).collect(),
        known: exposure.product.is_some(),
    }
}

/// A day that nobody read is none.
fn in_use_since(chain: &ChainExposure) -> Option<String> {
    chain.exploited.as_ref().filter(|fact| fact.verified).map(|fact| fact.date.clone())
}
