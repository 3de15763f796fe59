//! The contract `assay.exposure/1`: what a build number alone says of a server.
//!
//! Fields are only ever added; a change of meaning is a new [`SCHEMA`]. `null` is unknown.

use serde::{Deserialize, Serialize};

/// The name of this contract.
pub const SCHEMA: &str = "assay.exposure/1";

/// Whether a hole is open in a build, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoleState {
    /// No affected build of this product is named.
    NotAffected,
    /// The build carries the fix.
    Fixed,
    /// Something that the build number does not tell decides.
    Depends,
    /// The content does not tell.
    Unknown,
    /// The build does not carry the fix.
    Open,
}

impl HoleState {
    /// The word that stands in the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::Depends => "depends",
            Self::Unknown => "unknown",
            Self::Open => "open",
        }
    }
}

/// What a build number says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildExposure {
    /// [`SCHEMA`].
    pub schema: String,
    /// The build, without leading zeros; three numbers where the last is not known.
    pub build: String,
    /// Product, update and what is known of the build's place between them.
    pub name: String,
    /// The product.
    pub product: Option<String>,
    /// The cumulative update, or service pack and rollup.
    pub cumulative: Option<String>,
    /// The security update.
    pub security: Option<String>,
    /// Whether the content lists exactly this build.
    pub listed: bool,
    /// End of support of the product, then of paid updates, in order.
    pub support: Vec<DatedFact>,
    /// Chains of holes that are used together.
    pub chains: Vec<ChainExposure>,
    /// All holes.
    pub holes: Vec<HoleExposure>,
    /// Updates that close something, the nearest first.
    pub updates: Vec<UpdateAdvice>,
    /// What the answer does not cover.
    pub not_covered: Vec<String>,
}

/// A chain of holes in a build. It is open where all holes that it needs are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainExposure {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// State.
    pub state: HoleState,
    /// Why.
    pub why: String,
    /// Its holes.
    pub cves: Vec<String>,
    /// First known use of the last of the holes that it needs.
    pub exploited: Option<DatedFact>,
    /// Publication of the last of the holes that it needs.
    pub disclosed: Option<DatedFact>,
    /// The first update that breaks it.
    pub fixed: Option<DatedFact>,
}

/// A hole in a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoleExposure {
    /// Id.
    pub id: String,
    /// State.
    pub state: HoleState,
    /// Why.
    pub why: String,
    /// What closes it for this product, each with its source.
    pub closed_by: Vec<Closing>,
    /// All that is known of when, in the order of the days.
    pub dates: Vec<DatedFact>,
}

/// An update or a setting that closes a hole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The update, if one closes it.
    pub update: Option<String>,
    /// What must be set too.
    pub needs: Option<String>,
    /// Who says so.
    pub source: String,
}

/// A day and who names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedFact {
    /// What happened: `disclosed`, `first-exploited`, `su` ...
    pub kind: String,
    /// What it happened to: a hole, an update or a product.
    pub id: String,
    /// `2021-03-02`, or `2022-08` where only the month is known.
    pub date: String,
    /// `day`, `month`, or `approx` for a bound or an estimate.
    pub precision: String,
    /// Whether the source was read; what nobody read moves no window.
    pub verified: bool,
    /// The source.
    pub source: String,
}

/// An update, and what it would close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateAdvice {
    /// Its name.
    pub name: String,
    /// Its build.
    pub build: String,
    /// Titles of the chains that it closes.
    pub closes_chains: Vec<String>,
    /// How many holes it closes.
    pub closes_holes: usize,
    /// How many known holes stay open.
    pub leaves_open: usize,
}
